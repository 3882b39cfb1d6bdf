/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The clock, the sleeps and the system calls of an acquisition with a clock of its own.
 */

#include "patience-util.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "acquire-util.h"

gint64 patience_now = PATIENCE_START;
gint64 patience_deadline;
gint64 patience_latest;
guint patience_n_sleeps;
void (*patience_change) (void);
gint64 patience_event_at = G_MAXINT64;
void (*patience_event) (void);
FluflSyscalls patience_table;

/* Hides GLib's function, for this program and the room under test. */
gint64
g_get_monotonic_time (void)
{
  return patience_now;
}

/* Hides libc's function: it only lets time pass. */
int
ppoll (struct pollfd *fds, nfds_t n, const struct timespec *timeout,
       const sigset_t *mask G_GNUC_UNUSED)
{
  for (nfds_t i = 0; i < n; i++)
    fds[i].revents = 0;
  if (timeout == NULL)
    g_error ("it would sleep for ever");
  patience_now += (gint64) timeout->tv_sec * SEC + timeout->tv_nsec / 1000;
  if (patience_now >= patience_event_at)
    {
      patience_now = patience_event_at;
      patience_event_at = G_MAXINT64;
      patience_event ();
      return poll (fds, n, 0);
    }
  patience_latest = MAX (patience_latest, patience_now);
  patience_n_sleeps++;
  if (patience_change != NULL && patience_now >= PATIENCE_START + PATIENCE_CHANGE_AFTER)
    g_steal_pointer (&patience_change) ();
  return 0;
}

static gint64
table_clock (FluflClock clock)
{
  return lies_syscalls.clock (clock) + (patience_now - PATIENCE_START) * 1000;
}

void
patience_set_up (Patience *self, gconstpointer kind)
{
  test_place_init (&self->place);
  lies_reset ();
  lies_fs_kind ((FluflFsKind) GPOINTER_TO_INT (kind));
  patience_table = lies_syscalls;
  patience_table.clock = table_clock;
  flufl_site_init (&self->site, &patience_table, self->place.lock, "|");
  self->real_start = g_get_monotonic_time ();
}

void
patience_restart (Patience *self)
{
  patience_now = PATIENCE_START;
  self->real_start = g_get_monotonic_time ();
}

gint64
patience_at_most (const Patience *self)
{
  return patience_now - self->begun + g_get_monotonic_time () - self->real_start;
}

void
patience_tear_down (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  lies_reset ();
  flufl_queue_clear (&self->queue);
  flufl_site_clear (&self->site);
  test_place_clear (&self->place);
}

static void
waiting_cb (FluflAcquire *acquire G_GNUC_UNUSED, gpointer user_data)
{
  Patience *self = user_data;

  self->n_waiting++;
  g_assert_cmpint (patience_now - self->begun, >=, 250 * MSEC);
  g_assert_cmpint (patience_now - self->begun, <=, 251 * MSEC);
}

FluflResult
patience_run (Patience *self, gint64 timeout, gint64 lifetime_sec)
{
  memset (&self->acquire, 0, sizeof self->acquire);
  self->acquire.site = &self->site;
  self->acquire.queue = &self->queue;
  self->acquire.lifetime = lifetime_sec * FLUFL_NSEC_PER_SEC;
  self->begun = patience_latest = patience_now;
  patience_n_sleeps = 0;
  patience_deadline = timeout < 0 ? G_MAXINT64 : patience_now + timeout;
  self->acquire.deadline = patience_deadline;
  self->acquire.break_dead = self->break_dead;
  self->acquire.waiting = waiting_cb;
  self->acquire.user_data = self;
  acquire_run (&self->acquire);
  return self->acquire.result;
}

char *
patience_name_of_dead (void)
{
  FluflIdentity gone;
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    _exit (0);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  flufl_identity_get (&patience_table, &gone);
  gone.pid = (int) pid;
  return gone.space[0] == '\0'
             ? NULL
             : flufl_claim_name_build ("x.lock", "|", &gone, 1, 1, FLUFL_MARK_NONE);
}
