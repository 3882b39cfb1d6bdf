/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * fork(2) comes only while the library's threads wait.
 */

#include "flufl-process.h"
#include "flufl-thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/flufl-test-util.h"

#define N_FORKS 200

static int over;   /* atomic: the thread is to end */
static int ended;  /* atomic: it has */
static int inside; /* atomic: it must not be forked */

static void
spin (gint64 usec)
{
  gint64 end = g_get_monotonic_time () + usec;

  while (g_get_monotonic_time () < end)
    ;
}

/* Returns whether the child was forked while the thread was inside. */
static gboolean
fork_inside (void)
{
  int status;
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    _exit (g_atomic_int_get (&inside));
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static void
start (GThreadFunc func, gpointer data)
{
  g_atomic_int_set (&over, FALSE);
  g_atomic_int_set (&ended, FALSE);
  g_assert_true (flufl_thread_start ("tested", func, data));
}

static void
wait_for_flag (int *flag)
{
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;

  while (!g_atomic_int_get (flag))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, give_up);
      g_usleep (1000);
    }
}

static void
join (void)
{
  g_atomic_int_set (&over, TRUE);
  wait_for_flag (&ended);
}

static gpointer
make_calls (gpointer unused G_GNUC_UNUSED)
{
  while (!g_atomic_int_get (&over))
    {
      g_atomic_int_set (&inside, TRUE);
      spin (50);
      g_atomic_int_set (&inside, FALSE);
      errno = 0;
      g_assert_cmpint (FLUFL_WAIT_FOR (access ("/no-such-file", F_OK)), ==, -1);
      g_assert_cmpint (errno, ==, ENOENT);
    }
  g_atomic_int_set (&ended, TRUE);
  return NULL;
}

static void
test_calls (void)
{
  g_test_summary ("A thread that makes calls is forked during one, and hears its errno");
  start (make_calls, NULL);
  for (int i = 0; i < N_FORKS; i++)
    g_assert_false (fork_inside ());
  join ();
}

static gpointer
wait_for_times (gpointer unused G_GNUC_UNUSED)
{
  while (!g_atomic_int_get (&over))
    {
      g_atomic_int_set (&inside, TRUE);
      spin (50);
      g_atomic_int_set (&inside, FALSE);
      flufl_thread_begin_wait ();
      g_usleep (50);
      flufl_thread_end_wait ();
    }
  g_atomic_int_set (&ended, TRUE);
  return NULL;
}

static void
test_waits (void)
{
  g_test_summary ("A thread that waits for times is forked while it waits");
  start (wait_for_times, NULL);
  for (int i = 0; i < N_FORKS; i++)
    g_assert_false (fork_inside ());
  join ();
}

/* An action of another library when a thread ends. */
static void
ending_cb (gpointer data G_GNUC_UNUSED)
{
  g_atomic_int_set (&inside, TRUE);
  spin (500);
  g_atomic_int_set (&inside, FALSE);
  g_atomic_int_set (&ended, TRUE);
}

static GPrivate ending = G_PRIVATE_INIT (ending_cb);

static gpointer
start_and_end (gpointer data)
{
  g_atomic_int_set (&inside, TRUE);
  spin (200);
  g_atomic_int_set (&inside, FALSE);
  g_private_set (&ending, data);
  return NULL;
}

static void
test_ends (void)
{
  g_test_summary ("A thread is not forked while it starts, nor while its data ends");
  for (int i = 0; i < N_FORKS; i++)
    {
      start (start_and_end, &ending);
      g_usleep ((gulong) g_test_rand_int_range (0, 300));
      g_assert_false (fork_inside ());
      join ();
    }
}

/* Returns microseconds. */
static gint64
time_forks_with (GThreadFunc func, gpointer data)
{
  gint64 begun, took;

  start (func, data);
  wait_for_flag (&inside);
  begun = g_get_monotonic_time ();
  for (int i = 0; i < 5; i++)
    fork_inside ();
  took = g_get_monotonic_time () - begun;
  g_atomic_int_set (&inside, FALSE);
  return took;
}

static gpointer
never_wait (gpointer unused G_GNUC_UNUSED)
{
  g_atomic_int_set (&inside, TRUE);
  while (!g_atomic_int_get (&over))
    g_usleep (1000);
  g_atomic_int_set (&ended, TRUE);
  return NULL;
}

static gpointer
wait_for_mutex (gpointer data)
{
  g_atomic_int_set (&inside, TRUE);
  flufl_thread_lock (data);
  g_mutex_unlock (data);
  g_atomic_int_set (&ended, TRUE);
  return NULL;
}

static void
test_patience (void)
{
  GMutex mutex;
  gint64 never, for_mutex;

  g_test_summary ("A thread that hangs stops no fork, and one that waits for it delays none");
  never = time_forks_with (never_wait, NULL);
  join ();
  g_mutex_init (&mutex);
  g_mutex_lock (&mutex);
  for_mutex = time_forks_with (wait_for_mutex, &mutex);
  g_mutex_unlock (&mutex);
  join ();
  g_mutex_clear (&mutex);
  g_assert_cmpint (for_mutex, <, never);
}

static sigset_t own_mask;

static gpointer
read_mask (gpointer unused G_GNUC_UNUSED)
{
  pthread_sigmask (SIG_BLOCK, NULL, &own_mask);
  g_atomic_int_set (&ended, TRUE);
  return NULL;
}

static void
test_signals (void)
{
  sigset_t before, after;

  g_test_summary ("Signals of the process do not reach the library's threads, errors of the thread do");
  pthread_sigmask (SIG_BLOCK, NULL, &before);
  start (read_mask, NULL);
  wait_for_flag (&ended);
  g_assert_true (sigismember (&own_mask, SIGTERM) && sigismember (&own_mask, SIGALRM));
  g_assert_false (sigismember (&own_mask, SIGSEGV) || sigismember (&own_mask, SIGABRT));
  pthread_sigmask (SIG_BLOCK, NULL, &after);
  for (int number = 1; number < 32; number++)
    g_assert_cmpint (sigismember (&before, number), ==, sigismember (&after, number));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* This call links the part of the library that has the fork handlers. */
  g_assert_cmpint (flufl_process_mark (), !=, 0);
  g_test_add_func ("/thread/calls", test_calls);
  g_test_add_func ("/thread/waits", test_waits);
  g_test_add_func ("/thread/ends", test_ends);
  g_test_add_func ("/thread/patience", test_patience);
  g_test_add_func ("/thread/signals", test_signals);
  return g_test_run ();
}
