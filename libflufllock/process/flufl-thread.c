/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

/* How long fork(2) waits for the library's threads, in microseconds. */
#define FORK_PATIENCE (100 * 1000)

/* The thread's data ends in rounds. GLib's takes mutexes in the first one, and may do so in the
 * second one. POSIX promises four. */
#define ENDING_ROUNDS 3

int flufl_thread_any;

static int    n_running; /* atomic: the library's threads that do not wait */
static int    n_forking; /* atomic: the threads that fork */
static GMutex fork_mutex;
static GCond  fork_cond; /* one of them has changed */

static pthread_key_t ending_key;

static _Thread_local gboolean is_own;  /* a thread of the library, */
static _Thread_local gboolean running; /* … which does not wait */

typedef struct
{
  GThreadFunc func;
  gpointer    data;
} Start;

/* The signals of a process are for its own threads, which may block them later. Handlers in a thread of
 * the library could also fork while it has a mutex. Errors of the thread itself are not blocked. */
#ifdef G_OS_UNIX
typedef sigset_t Signals;

static void
block_signals (Signals *before)
{
  static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
  sigset_t all;

  sigfillset (&all);
  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    sigdelset (&all, own[i]);
  pthread_sigmask (SIG_SETMASK, &all, before);
}

static void
restore_signals (const Signals *before)
{
  pthread_sigmask (SIG_SETMASK, before, NULL);
}
#else
typedef int Signals;
#define block_signals(before) ((void) (before))
#define restore_signals(before) ((void) (before))
#endif

/* With errno as it was. */
static void
signal_change (void)
{
  int errsv = errno;

  g_mutex_lock (&fork_mutex);
  g_cond_broadcast (&fork_cond);
  g_mutex_unlock (&fork_mutex);
  errno = errsv;
}

static void
stop_running (void)
{
  g_atomic_int_add (&n_running, -1);
  if (g_atomic_int_get (&n_forking) > 0)
    signal_change ();
}

/* Called in each round. */
static void
ending_cb (void *data)
{
  int rounds_left = GPOINTER_TO_INT (data) - 1;

  if (rounds_left > 0 && pthread_setspecific (ending_key, GINT_TO_POINTER (rounds_left)) == 0)
    return;
  is_own = running = FALSE;
  stop_running ();
}

__attribute__ ((constructor)) static void
make_key (void)
{
  if (pthread_key_create (&ending_key, ending_cb) != 0)
    g_error ("libflufllock: no key to watch over the ends of threads");
}

static gpointer
run_thread (gpointer data)
{
  Start start = *(Start *) data;

  g_free (data);
  is_own = running = TRUE;
  start.func (start.data);
  if (pthread_setspecific (ending_key, GINT_TO_POINTER (ENDING_ROUNDS)) != 0)
    ending_cb (NULL);
  return NULL;
}

/*
 * flufl_thread_start:
 * @name: at most 15 bytes
 *
 * Starts a thread of the library's, which nobody joins. Signals do not reach it.
 *
 * Returns: %FALSE if no thread can be started
 */
gboolean
flufl_thread_start (const char *name, GThreadFunc func, gpointer data)
{
  Start *start = g_new (Start, 1);
  GThread *thread;
  Signals signals;

  start->func = func;
  start->data = data;
  g_atomic_int_set (&flufl_thread_any, TRUE);
  /* It runs before it can say so itself. */
  g_atomic_int_inc (&n_running);
  block_signals (&signals);
  thread = g_thread_try_new (name, run_thread, start, NULL);
  restore_signals (&signals);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return TRUE;
    }
  stop_running ();
  g_free (start);
  return FALSE;
}

/*
 * flufl_thread_is_own:
 *
 * Returns: whether the calling thread is one of the library's
 */
gboolean
flufl_thread_is_own (void)
{
  return is_own;
}

/*
 * flufl_thread_begin_wait:
 *
 * The calling thread is about to wait, and has no mutex but the library's. Does nothing in the
 * application's threads.
 */
void
flufl_thread_begin_wait (void)
{
  if (!is_own)
    return;
  running = FALSE;
  stop_running ();
}

/*
 * flufl_thread_end_wait:
 *
 * The calling thread goes on, even while a process forks: it may have a mutex that others of the
 * library's threads need before they can wait.
 */
void
flufl_thread_end_wait (void)
{
  if (!is_own)
    return;
  running = TRUE;
  g_atomic_int_inc (&n_running);
  /* Not past the moment of the fork itself. */
  if (g_atomic_int_get (&n_forking) > 0)
    signal_change ();
}

/*
 * flufl_thread_end_call:
 *
 * Ends a wait for a call of the system. A thread that returns from a call waits for a fork that is
 * under way. Otherwise a busy thread would reach its next call before all others have reached
 * theirs.
 *
 * Returns: @result, with errno as it was
 */
gssize
flufl_thread_end_call (gssize result)
{
  int errsv;

  if (!is_own)
    return result;
  if (g_atomic_int_get (&n_forking) > 0)
    {
      errsv = errno;
      g_mutex_lock (&fork_mutex);
      while (g_atomic_int_get (&n_forking) > 0)
        g_cond_wait (&fork_cond, &fork_mutex);
      g_mutex_unlock (&fork_mutex);
      errno = errsv;
    }
  flufl_thread_end_wait ();
  return result;
}

/*
 * flufl_thread_lock:
 * @mutex: one whose owner may wait for a file server
 */
void
flufl_thread_lock (GMutex *mutex)
{
  if (g_mutex_trylock (mutex))
    return;
  flufl_thread_begin_wait ();
  g_mutex_lock (mutex);
  flufl_thread_end_wait ();
}

/*
 * flufl_thread_stop_all:
 *
 * Waits until the library's other threads wait, though not for long. To be ended by
 * flufl_thread_go_on(), or by flufl_thread_forget_all() in a forked child.
 */
void
flufl_thread_stop_all (void)
{
  gint64 end = g_get_monotonic_time () + FORK_PATIENCE;
  gboolean in_time = TRUE;

  g_mutex_lock (&fork_mutex);
  g_atomic_int_inc (&n_forking);
  while (g_atomic_int_get (&n_running) > (int) running && in_time)
    in_time = g_cond_wait_until (&fork_cond, &fork_mutex, end);
}

void
flufl_thread_go_on (void)
{
  g_atomic_int_add (&n_forking, -1);
  g_cond_broadcast (&fork_cond);
  g_mutex_unlock (&fork_mutex);
}

/* In the only thread of a forked child. */
void
flufl_thread_forget_all (void)
{
  g_mutex_init (&fork_mutex);
  g_cond_init (&fork_cond);
  g_atomic_int_set (&n_forking, 0);
  g_atomic_int_set (&n_running, running);
}

/* --- Operations --- */

static _Thread_local guint depth;

void
flufl_thread_begin_operation (void)
{
  depth++;
}

void
flufl_thread_end_operation (void)
{
  depth--;
}

/*
 * flufl_thread_is_amid_operation:
 *
 * Returns: whether the calling thread makes an operation, which a handler of a Unix signal has
 *   interrupted if it is asked for now
 */
gboolean
flufl_thread_is_amid_operation (void)
{
  return depth > 0;
}

/*
 * flufl_thread_call_handler:
 *
 * Runs code of the user's amid an operation. What that code does is no part of the operation.
 */
void
flufl_thread_call_handler (GSourceFunc func, gpointer data)
{
  guint before = depth;

  depth = 0;
  func (data);
  depth = before;
}
