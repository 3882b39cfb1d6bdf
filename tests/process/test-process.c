/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The library distinguishes a child made by fork(2) from its parent, whatever its number.
 */

#include "flufl-process.h"

#ifdef __linux__
#include <sched.h>
#endif
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/flufl-test-util.h"

/* The exit status of a child that runs @func. The child is killed if it hangs. */
static int
status_of (int (*func) (gconstpointer), gconstpointer data)
{
  int status;
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (60);
      _exit (func (data));
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

enum
{
  ANOTHER,
  THE_SAME,
  NOT_ALLOWED,
};

static int
compare (gconstpointer data)
{
  const int *parents = data;

  return flufl_process_mark () != *parents ? ANOTHER : THE_SAME;
}

static int
compare_with_grandparent (gconstpointer data)
{
  return compare (data) == ANOTHER ? status_of (compare, data) : THE_SAME;
}

static void
test_mark (void)
{
  int mark = flufl_process_mark ();

  g_assert_cmpint (mark, !=, 0);
  g_assert_cmpint (status_of (compare, &mark), ==, ANOTHER);
  g_assert_cmpint (status_of (compare_with_grandparent, &mark), ==, ANOTHER);
  g_assert_cmpint (flufl_process_mark (), ==, mark);
}

#ifdef __linux__
static int
compare_in_space (gconstpointer unused G_GNUC_UNUSED)
{
  int mark = flufl_process_mark ();

  g_assert_cmpint (getpid (), ==, 1);
  if (unshare (CLONE_NEWPID) != 0)
    return NOT_ALLOWED;
  return status_of (compare, &mark);
}

static int
enter_space (gconstpointer unused G_GNUC_UNUSED)
{
  return unshare (CLONE_NEWPID) == 0 ? status_of (compare_in_space, NULL) : NOT_ALLOWED;
}
#endif

static void
test_same_number (void)
{
  int answer = NOT_ALLOWED;

  g_test_summary ("Number 1 of a pid namespace within another is not its parent, which is 1 too");
#ifdef __linux__
  answer = status_of (enter_space, NULL);
#endif
  if (answer == NOT_ALLOWED)
    g_test_skip ("no pid namespace can be made here");
  else
    g_assert_cmpint (answer, ==, ANOTHER);
}

static int entered, leave;

static gpointer
hold_entry (gpointer unused G_GNUC_UNUSED)
{
  flufl_process_lock_entry ();
  g_atomic_int_set (&entered, TRUE);
  while (!g_atomic_int_get (&leave))
    g_usleep (1000);
  flufl_process_unlock_entry ();
  return NULL;
}

static int
enter (gconstpointer unused G_GNUC_UNUSED)
{
  flufl_process_lock_entry ();
  flufl_process_unlock_entry ();
  return 0;
}

static void
test_entry (void)
{
  GThread *thread = g_thread_new ("holder", hold_entry, NULL);

  g_test_summary ("What another thread of the parent held is free");
  while (!g_atomic_int_get (&entered))
    g_usleep (1000);
  g_assert_cmpint (status_of (enter, NULL), ==, 0);
  g_atomic_int_set (&leave, TRUE);
  g_thread_join (thread);
}

typedef struct
{
  FluflPerProcess base;
  char           *text; /* owned */
} State;

static FluflPerProcess *current;
static int n_made, n_cleared;

static void
clear_state (gpointer data)
{
  State *self = data;

  n_cleared++;
  g_free (self->text);
}

/* The first call stands still while another one is quicker. */
static void
make_state (gpointer data)
{
  State *self = data;

  if (n_made++ == 0)
    flufl_process_get_own (&current, sizeof (State), make_state, clear_state);
  self->text = g_strdup_printf ("made %d", n_made);
}

static void
test_race (void)
{
  State *state = flufl_process_get_own (&current, sizeof (State), make_state, clear_state);

  g_test_summary ("Of two threads that make the state, the slower one frees what it has made");
  g_assert_true (&state->base == current);
  g_assert_cmpint (n_made, ==, 2);
  g_assert_cmpint (n_cleared, ==, 1);
  g_assert_true (flufl_process_get_own (&current, sizeof (State), make_state, clear_state) == state);
  g_assert_cmpint (n_made, ==, 2);
  clear_state (state);
  g_free (state);
  current = NULL;
}

/* How many forks of a handler may come at the worst moments. */
#define N_HANDLER_FORKS 300

static volatile sig_atomic_t n_handler_forks;

static void
fork_in_handler (int number G_GNUC_UNUSED)
{
  int errsv = errno;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (0);
  if (pid > 0)
    waitpid (pid, NULL, 0);
  n_handler_forks++;
  errno = errsv;
}

static int
change_files_and_fork (gconstpointer unused G_GNUC_UNUSED)
{
  const struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };
  int fd = dup (0);

  signal (SIGALRM, fork_in_handler);
  setitimer (ITIMER_REAL, &often, NULL);
  while (n_handler_forks < N_HANDLER_FORKS)
    {
      guint64 first = flufl_process_keep_file (fd, close);
      guint64 second = flufl_process_keep_file (fd, close);

      flufl_process_forget_file (first);
      flufl_process_forget_file (second);
    }
  setitimer (ITIMER_REAL, &never, NULL);
  return 0;
}

static void
test_fork_in_handler (void)
{
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;
  int status = 0;
  pid_t pid;

  g_test_summary ("A signal handler may fork while its thread changes the files that children close");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  g_test_skip ("a sanitizer waits for its own allocator in a fork");
  return;
#endif
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    _exit (change_files_and_fork (NULL));
  while (waitpid (pid, &status, WNOHANG) == 0)
    {
      if (g_get_monotonic_time () > give_up)
        kill (pid, SIGKILL);
      g_usleep (1000);
    }
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/mark", test_mark);
  g_test_add_func ("/process/same-number", test_same_number);
  g_test_add_func ("/process/entry", test_entry);
  g_test_add_func ("/process/race", test_race);
  g_test_add_func ("/process/fork-in-handler", test_fork_in_handler);
  return g_test_run ();
}
