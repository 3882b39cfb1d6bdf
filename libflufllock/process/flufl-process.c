/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-process.h"

#include <pthread.h>

/* An open file that forked children must not have. */
typedef struct
{
  guint64        id;
  int            fd;
  FluflCloseFunc close;
} File;

int flufl_process_own_mark = 1;
static GMutex entry;

static GMutex files_mutex;
static File  *files; /* owned, for ever */
static gsize  n_files, n_room;
static guint64 last_id;

/* One for each room that has state which threads wait for. */
#define HOOKS_MAX 4
static FluflForkFunc hooks[HOOKS_MAX];

/* Threads of the library that are in code which takes mutexes of others. */
static GMutex foreign_mutex;
static GCond  foreign_left;
static guint  n_foreign; /* entries, of which a thread may have several */
static GPrivate own_foreign = G_PRIVATE_INIT (NULL); /* this thread's part of them */

/* How long fork(2) waits for them, in microseconds. */
#define FOREIGN_PATIENCE (100 * 1000)

/* A thread that forks in such code has no mutex of others then. */
static void
wait_for_foreign (void)
{
  gint64 end = g_get_monotonic_time () + FOREIGN_PATIENCE;
  guint own = GPOINTER_TO_UINT (g_private_get (&own_foreign));
  gboolean in_time = TRUE;

  while (n_foreign > own && in_time)
    in_time = g_cond_wait_until (&foreign_left, &foreign_mutex, end);
}

/* Nobody may be about to change the files while they are copied. */
static void
prepare_cb (void)
{
  g_mutex_lock (&foreign_mutex);
  wait_for_foreign ();
  g_mutex_lock (&files_mutex);
}

static void
parent_cb (void)
{
  g_mutex_unlock (&files_mutex);
  g_mutex_unlock (&foreign_mutex);
}

/* In the child's only thread. */
static void
forked_cb (void)
{
  flufl_process_own_mark++;
  g_mutex_init (&entry);
  g_mutex_init (&files_mutex);
  g_mutex_init (&foreign_mutex);
  g_cond_init (&foreign_left);
  n_foreign = GPOINTER_TO_UINT (g_private_get (&own_foreign));
  for (gsize i = 0; i < n_files; i++)
    files[i].close (files[i].fd);
  n_files = 0;
  for (gsize i = 0; i < HOOKS_MAX && hooks[i] != NULL; i++)
    hooks[i] ();
}

/* At start, not at first use: another thread might fork just then. */
__attribute__ ((constructor)) static void
watch_forks (void)
{
  if (pthread_atfork (prepare_cb, parent_cb, forked_cb) != 0)
    g_error ("libflufllock: no memory to watch over fork(2)");
}

/*
 * flufl_process_on_fork:
 *
 * To be called once for each function, before another thread can fork.
 */
void
flufl_process_on_fork (FluflForkFunc func)
{
  gsize i = 0;

  while (hooks[i] != NULL)
    g_assert_cmpuint (++i, <, HOOKS_MAX);
  hooks[i] = func;
}

/*
 * flufl_process_get_own:
 * @current: where the state is kept
 * @init: makes what follows the #FluflPerProcess, which is all zero; takes no mutex, and
 *   needs no end if the state is given up
 *
 * Returns: the state of this process. That of the parent stays as it is: another thread may
 *   have been at it when the process forked.
 */
gpointer
flufl_process_get_own (FluflPerProcess **current, gsize size, void (*init) (gpointer state))
{
  for (;;)
    {
      FluflPerProcess *old = g_atomic_pointer_get (current);
      FluflPerProcess *fresh;

      if (old != NULL && old->process == flufl_process_mark ())
        return old;
      fresh = g_malloc0 (size);
      fresh->parents = old;
      fresh->process = flufl_process_mark ();
      init (fresh);
      if (g_atomic_pointer_compare_and_exchange (current, old, fresh))
        return fresh;
      g_free (fresh);
    }
}

/*
 * flufl_process_lock_entry:
 *
 * For what is made anew in place: one thread of a child does it. Can always be
 * had soon, also in a child whose parent had it.
 */
void
flufl_process_lock_entry (void)
{
  g_mutex_lock (&entry);
}

void
flufl_process_unlock_entry (void)
{
  g_mutex_unlock (&entry);
}

static void
count_own (int change)
{
  int own = GPOINTER_TO_INT (g_private_get (&own_foreign));

  g_private_set (&own_foreign, GINT_TO_POINTER (own + change));
}

/*
 * flufl_process_enter_foreign:
 *
 * The calling thread, which may be one of the library's, is about to run code that takes
 * mutexes of others. A child that is forked just then would wait for them for ever: so fork(2)
 * waits until the thread is through, though not for long.
 */
void
flufl_process_enter_foreign (void)
{
  g_mutex_lock (&foreign_mutex);
  n_foreign++;
  count_own (1);
  g_mutex_unlock (&foreign_mutex);
}

void
flufl_process_leave_foreign (void)
{
  g_mutex_lock (&foreign_mutex);
  n_foreign--;
  count_own (-1);
  g_cond_broadcast (&foreign_left);
  g_mutex_unlock (&foreign_mutex);
}

/*
 * flufl_process_keep_file:
 *
 * What is open as @fd ends with this process: a child made by fork(2) does not
 * keep it open.
 *
 * Returns: what to forget it by; not 0. The number of the file would not do, for
 *   a child may have another file by the same
 */
guint64
flufl_process_keep_file (int fd, FluflCloseFunc close_func)
{
  guint64 id;

  g_mutex_lock (&files_mutex);
  if (n_files == n_room)
    {
      n_room = MAX (2 * n_room, 4);
      files = g_renew (File, files, n_room);
    }
  id = ++last_id;
  files[n_files++] = (File){ id, fd, close_func };
  g_mutex_unlock (&files_mutex);
  return id;
}

/*
 * flufl_process_forget_file:
 *
 * Returns: whether this process kept it, so that it is the caller's to close
 */
gboolean
flufl_process_forget_file (guint64 id)
{
  gboolean found = FALSE;

  g_mutex_lock (&files_mutex);
  for (gsize i = n_files; i > 0 && !found; i--)
    if (files[i - 1].id == id)
      {
        files[i - 1] = files[--n_files];
        found = TRUE;
      }
  g_mutex_unlock (&files_mutex);
  return found;
}
