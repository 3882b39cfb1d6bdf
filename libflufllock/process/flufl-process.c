/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-process.h"

#include <pthread.h>
#include <string.h>

#include "flufl-thread.h"

/* An open file that forked children must not have. */
typedef struct
{
  guint64        id;
  int            fd;
  FluflCloseFunc close;
} File;

int flufl_process_own_mark = 1;
static GMutex entry;

/* A signal handler may fork in the middle of a change, and so may another thread. Each change is made of
 * stores in an order that leaves a child a list which it can go through. */
static GMutex files_mutex;
static File  *files;   /* owned, for ever; atomic */
static gsize  n_files; /* atomic */
static gsize  n_room;
static _Thread_local gboolean has_files; /* this thread has the mutex */
static guint64 last_id;

/* One for each room that has state which threads wait for. */
#define HOOKS_MAX 4
static FluflForkFunc hooks[HOOKS_MAX];

/* Systems without fork(2) have a pthread_atfork() that uses none of these functions. */

G_GNUC_UNUSED static void
prepare_cb (void)
{
  flufl_thread_stop_all ();
}

G_GNUC_UNUSED static void
parent_cb (void)
{
  flufl_thread_go_on ();
}

/* In the child's only thread. */
G_GNUC_UNUSED static void
forked_cb (void)
{
  flufl_process_own_mark++;
  g_mutex_init (&entry);
  g_mutex_init (&files_mutex);
  if (has_files) /* a handler of a signal forks, and the child may return from it */
    g_mutex_lock (&files_mutex);
  flufl_thread_forget_all ();
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
 * @init: makes what follows the #FluflPerProcess, which is all zero; takes no mutex
 * @clear: (nullable): frees what @init has allocated, if another thread was quicker
 *
 * Returns: the state of this process. That of the parent stays as it is: another thread may
 *   have been at it when the process forked.
 */
gpointer
flufl_process_get_own (FluflPerProcess **current, gsize size, FluflStateFunc init, FluflStateFunc clear)
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
      if (clear != NULL)
        clear (fresh);
      g_free (fresh);
    }
}

/*
 * flufl_process_lock_entry:
 *
 * Serializes the re-initialization of state in a forked child. Never blocks for long: a child
 * starts with a fresh mutex, even if a thread of the parent had it.
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
lock_files (void)
{
  g_mutex_lock (&files_mutex);
  has_files = TRUE;
}

/* If a handler of a signal has forked meanwhile, and this is the child, nothing of the parent's is kept. */
static void
unlock_files (int mark)
{
  if (mark != flufl_process_mark ())
    g_atomic_pointer_set (&n_files, 0);
  has_files = FALSE;
  g_mutex_unlock (&files_mutex);
}

/* With the mutex. @n: the number of files */
static void
make_room (gsize n)
{
  gsize room = MAX (2 * n_room, 4);
  File *more = g_new (File, room), *before = files;

  if (n > 0)
    memcpy (more, before, n * sizeof (File));
  g_atomic_pointer_set (&files, more);
  n_room = room;
  g_free (before);
}

/*
 * flufl_process_keep_file:
 *
 * The descriptor @fd belongs to this process: a child made by fork(2) closes it.
 *
 * Returns: a non-zero ID for flufl_process_forget_file(). Not the descriptor: a child may have
 *   another file with that number
 */
guint64
flufl_process_keep_file (int fd, FluflCloseFunc close_func)
{
  int mark = flufl_process_mark ();
  guint64 id;
  gsize n;

  lock_files ();
  n = n_files;
  if (n == n_room)
    make_room (n);
  id = ++last_id;
  files[n] = (File){ id, fd, close_func };
  g_atomic_pointer_set (&n_files, n + 1);
  unlock_files (mark);
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
  int mark = flufl_process_mark ();
  gboolean found = FALSE;
  gsize n;

  lock_files ();
  n = n_files;
  for (gsize i = n; i > 0 && !found; i--)
    if (files[i - 1].id == id)
      {
        /* A child may find the last file twice. It closes the file twice then, which does no harm. */
        files[i - 1] = files[n - 1];
        g_atomic_pointer_set (&n_files, n - 1);
        found = TRUE;
      }
  unlock_files (mark);
  return found && mark == flufl_process_mark ();
}
