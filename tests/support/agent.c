/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "agent.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "acquire-util.h"

#ifdef __linux__
#include <sys/inotify.h>
#include <sys/syscall.h>
#endif

FluflSyscalls agent_sys;
int agent_n_asked;

/* Whether this file refuses inotify instances, as a system without a free one does. */
static gboolean no_inotify;

#ifdef __linux__
int
inotify_init1 (int flags)
{
  if (no_inotify)
    {
      agent_n_asked++;
      errno = EMFILE;
      return -1;
    }
  /* The function of libc, which this one hides, makes the same call. */
  return (int) syscall (SYS_inotify_init1, flags);
}
#endif

void
agent_init (Agent *self, TestPlace *place)
{
  memset (self, 0, sizeof *self);
  flufl_site_init (&self->site, &agent_sys, place->lock, "|");
}

void
agent_clear (Agent *self)
{
  flufl_queue_clear (&self->queue);
  flufl_site_clear (&self->site);
}

void
agent_prepare (Agent *self, gint64 deadline, GCancellable *cancellable)
{
  memset (&self->acquire, 0, sizeof self->acquire);
  self->acquire.site = &self->site;
  self->acquire.queue = &self->queue;
  self->acquire.lifetime = AGENT_LIFETIME;
  self->acquire.deadline = deadline;
  self->acquire.cancellable = cancellable;
  self->acquire.announcement.done = TRUE; /* without the timer of the signal, too */
  g_atomic_int_set (&self->done, 0);
}

void
agent_take (Agent *self)
{
  agent_prepare (self, G_MAXINT64, NULL);
  acquire_run (&self->acquire);
  g_assert_cmpint (self->acquire.result, ==, FLUFL_RESULT_HELD);
}

void
agent_drop (Agent *self)
{
  int errsv = 0;

  g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                   FLUFL_OUTCOME_RELEASED);
}

static gpointer
take_thread (gpointer data)
{
  Agent *self = data;

  acquire_run (&self->acquire);
  g_atomic_int_set (&self->done, 1);
  return NULL;
}

void
agent_take_in_thread (Agent *self, GCancellable *cancellable)
{
  agent_prepare (self, G_MAXINT64, cancellable);
  self->thread = g_thread_new ("waiter", take_thread, self);
}

void
agent_take_async (Agent *self, GCancellable *cancellable)
{
  agent_prepare (self, G_MAXINT64, cancellable);
  acquire_start (&self->acquire, &self->done);
}

void
agent_await (Agent *self)
{
  while (!g_atomic_int_get (&self->done))
    g_thread_yield ();
  if (self->thread != NULL)
    g_thread_join (g_steal_pointer (&self->thread));
}

void
agent_await_watches (guint n)
{
  while (flufl_watch_count () != n)
    g_thread_yield ();
}

gboolean
agent_setup (TestPlace *place)
{
  FluflWatch watch = { .func = NULL };

  agent_sys = flufl_syscalls_native;
  flufl_acquire_patience = AGENT_HOUR;
  alarm (TEST_PATIENCE_SEC);
  test_place_init (place);
  if (flufl_watch_add (&watch, place->dir, FLUFL_WATCH_REMOVED) == FLUFL_WATCH_ARMED
      && agent_sys.fs_kind (place->dir) == FLUFL_FS_LOCAL)
    {
      flufl_watch_remove (&watch);
      return TRUE;
    }
  flufl_watch_remove (&watch);
  test_place_clear (place);
  g_test_skip ("no watches here");
  return FALSE;
}

void
agent_teardown (TestPlace *place)
{
  agent_await_watches (0);
  test_place_clear (place);
  flufl_acquire_patience = 10 * 1000;
  alarm (0);
}

gboolean
agent_setup_unwatched (TestPlace *place)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return FALSE;
    }
  agent_sys = flufl_syscalls_native;
  no_inotify = TRUE;
  flufl_acquire_patience = AGENT_HOUR;
  alarm (TEST_PATIENCE_SEC);
  test_place_init (place);
  return TRUE;
}
