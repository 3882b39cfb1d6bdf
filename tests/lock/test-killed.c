/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Holders that really die or stop. The holder is this program itself, run with the arguments
 * "--hold PATH HOW".
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <glib-unix.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-error.h"
#include "flufl-lock-private.h"
#include "flufl-test-util.h"

#define HOUR (3600 * 1000)

/* Milliseconds: far less than the hour of the lifetime, and more than a busy machine takes. */
#define SOON (60 * 1000)

static char *self_path;

typedef struct
{
  GPid  pid;    /* the spawned process */
  pid_t holder; /* the holder's number in this pid namespace */
  int   in;     /* closed: a forked child of the holder ends */
  int   out;
} Holder;

static FluflLock *
lock_new (const char *path)
{
  FluflLock *lock = flufl_lock_new_for_path (path);

  flufl_lock_set_lifetime (lock, HOUR);
  return lock;
}

/* Prints the process's number as /proc shows it, which may be that of another namespace. */
static int
hold (const char *path, const char *how)
{
  g_autoptr (FluflLock) lock = lock_new (path);
  g_autoptr (GError) error = NULL;
  char number[32] = "";
  char byte;

  if (strcmp (how, "bare") == 0)
    lock->lease->site.no_life_lines = TRUE;
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_no_error (error);
  if (strcmp (how, "child") == 0 && fork () == 0)
    {
      close (STDOUT_FILENO);
      while (read (STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
        ;
      _exit (0);
    }
  if (strcmp (how, "idle") == 0)
    {
      flufl_lock_set_linger (lock, TRUE);
      g_assert_true (flufl_lock_release (lock, NULL, NULL));
    }
  g_assert_cmpint (readlink ("/proc/self", number, sizeof number - 1), >, 0);
  printf ("%s\n", number);
  fflush (stdout);
  for (;;)
    pause ();
}

static void
holder_start (Holder *holder, TestPlace *place, const char *how, gboolean unshare)
{
  const char *argv[] = { "unshare", "--pid", "--fork", "--kill-child", self_path,
                         "--hold",  place->lock, how, NULL };
  g_autoptr (GError) error = NULL;
  char line[32] = "";

  g_spawn_async_with_pipes (NULL, (char **) (unshare ? argv : argv + 4), NULL,
                            G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                            &holder->pid, &holder->in, &holder->out, NULL, &error);
  g_assert_no_error (error);
  for (gsize n = 0; n < sizeof line - 1 && strchr (line, '\n') == NULL; n++)
    g_assert_cmpint (read (holder->out, line + n, 1), ==, 1);
  holder->holder = (pid_t) strtol (line, NULL, 10);
  g_assert_cmpint (holder->holder, >, 1);
}

static void
holder_kill (Holder *holder)
{
  g_assert_cmpint (kill (holder->holder, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (holder->pid, NULL, 0), ==, holder->pid);
}

static void
holder_end (Holder *holder)
{
  close (holder->in);
  close (holder->out);
}

static gboolean
place_is_local (TestPlace *place)
{
  if (flufl_syscalls_native.fs_kind (place->dir) == FLUFL_FS_LOCAL)
    return TRUE;
  g_test_skip ("the directory for temporary files is not on a local file system");
  return FALSE;
}

static void
assert_comes_free (TestPlace *place, double seconds)
{
  g_autoptr (FluflLock) lock = lock_new (place->lock);
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_true (flufl_lock_acquire (lock, SOON, NULL, &error));
  g_assert_no_error (error);
  g_test_message ("taken over after %.3f s", (double) (g_get_monotonic_time () - start) / 1e6);
  g_assert_cmpfloat ((double) (g_get_monotonic_time () - start) / 1e6, <, seconds);
  flufl_lock_release (lock, NULL, &error);
  g_assert_no_error (error);
}

static void
assert_stays (TestPlace *place, gint64 timeout_ms)
{
  g_autoptr (FluflLock) lock = lock_new (place->lock);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (flufl_lock_query_state (lock, NULL, &error), !=, FLUFL_LOCK_STATE_STALE);
  g_assert_no_error (error);
  g_assert_false (flufl_lock_acquire (lock, timeout_ms, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
}

static FluflLockState
state_of (TestPlace *place)
{
  g_autoptr (FluflLock) lock = lock_new (place->lock);
  g_autoptr (GError) error = NULL;
  FluflLockState state = flufl_lock_query_state (lock, NULL, &error);

  g_assert_no_error (error);
  return state;
}

/* Seconds until a dead holder's lock is free: at once with a life-line, and without one after
 * the rest. */
static const double at_once = 4, rested = 50;

static void
test_killed (gconstpointer data)
{
  const char *how = data;
  gboolean bare = strcmp (how, "bare") == 0;
  TestPlace place;
  Holder holder;

  test_place_init (&place);
  if (place_is_local (&place))
    {
      holder_start (&holder, &place, how, FALSE);
      g_assert_cmpint (state_of (&place), ==, FLUFL_LOCK_STATE_THEIRS);
      holder_kill (&holder);
      g_assert_cmpint (state_of (&place), ==, FLUFL_LOCK_STATE_STALE);
      assert_comes_free (&place, bare ? rested : at_once);
      holder_end (&holder);
    }
  test_place_clear (&place);
}

static void
test_namespace (void)
{
  TestPlace place;
  Holder holder;

  if (getuid () != 0 || system ("unshare --pid --fork true 2>/dev/null") != 0)
    {
      g_test_skip ("no pid namespace can be made here");
      return;
    }
  test_place_init (&place);
  if (place_is_local (&place))
    {
      holder_start (&holder, &place, "", TRUE);
      assert_stays (&place, 300);
      holder_kill (&holder);
      g_assert_cmpint (state_of (&place), ==, FLUFL_LOCK_STATE_STALE);
      assert_comes_free (&place, at_once);
      holder_end (&holder);
    }
  test_place_clear (&place);
}

/* Makes a process with the number @pid; 0 where that cannot be done. */
static pid_t
fork_with_number (pid_t pid)
{
  gint64 born = g_get_monotonic_time ();

  /* The clock tick of its start distinguishes a process from an earlier one with its number. So
   * the new process must not start in the same tick. */
  while (g_get_monotonic_time () < born + 3 * G_USEC_PER_SEC / sysconf (_SC_CLK_TCK))
    g_usleep (1000);

  for (int i = 0; i < 100; i++)
    {
      g_autofree char *before = g_strdup_printf ("%d", (int) pid - 1);
      int fd = open ("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
      pid_t child;

      if (fd < 0 || write (fd, before, strlen (before)) < 0)
        {
          if (fd >= 0)
            close (fd);
          return 0;
        }
      close (fd);
      child = fork ();
      if (child == 0)
        {
          prctl (PR_SET_PDEATHSIG, SIGKILL);
          for (;;)
            pause ();
        }
      if (child == pid)
        return child;
      kill (child, SIGKILL);
      waitpid (child, NULL, 0);
    }
  return 0;
}

static void
test_number_used_again (gconstpointer data)
{
  const char *how = data;
  gboolean bare = strcmp (how, "bare") == 0;
  TestPlace place;
  Holder holder;
  pid_t other = 0;

  test_place_init (&place);
  if (place_is_local (&place))
    {
      holder_start (&holder, &place, how, FALSE);
      holder_kill (&holder);
      other = fork_with_number (holder.holder);
      if (other == 0)
        {
          g_test_skip ("no process number can be chosen here");
          test_place_empty (&place);
        }
      else
        {
          g_assert_cmpint (state_of (&place), ==, FLUFL_LOCK_STATE_STALE);
          assert_comes_free (&place, bare ? rested : at_once);
          kill (other, SIGKILL);
          waitpid (other, NULL, 0);
        }
      holder_end (&holder);
    }
  test_place_clear (&place);
}

static void
test_child_goes_on (void)
{
  TestPlace place;
  Holder holder;

  g_test_summary ("A child that the dead holder forked does not hold what that one held");
  test_place_init (&place);
  if (place_is_local (&place))
    {
      holder_start (&holder, &place, "child", FALSE);
      assert_stays (&place, 0);
      holder_kill (&holder);
      assert_comes_free (&place, at_once);
      holder_end (&holder);
    }
  test_place_clear (&place);
}

static void
test_stopped (void)
{
  TestPlace place;
  Holder holder;

  test_place_init (&place);
  if (place_is_local (&place))
    {
      holder_start (&holder, &place, "", FALSE);
      g_assert_cmpint (kill (holder.holder, SIGSTOP), ==, 0);
      assert_stays (&place, 1500);
      g_assert_cmpint (state_of (&place), ==, FLUFL_LOCK_STATE_THEIRS);
      holder_kill (&holder);
      assert_comes_free (&place, at_once);
      holder_end (&holder);
    }
  test_place_clear (&place);
}

static void
test_forked_object (void)
{
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;
  TestPlace place;
  pid_t child;
  int status;

  g_test_summary ("A child that uses the object, or drops it, does not cut the life-line");
  test_place_init (&place);
  lock = lock_new (place.lock);
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  child = fork ();
  if (child == 0)
    {
      gboolean got = flufl_lock_acquire (lock, 0, NULL, NULL);

      g_object_unref (lock);
      _exit (got);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  assert_stays (&place, 0);
  flufl_lock_release (lock, NULL, &error);
  g_assert_no_error (error);
  test_place_clear (&place);
}

static void
test_forked_object_and_own (void)
{
  g_autoptr (FluflLock) lock = NULL;
  g_autofree char *own_path = NULL;
  TestPlace place;
  pid_t child;
  int ready[2], status;
  char byte;

  g_test_summary ("A child's own life-line, with the number that its parent's had, outlasts the parent's object");
  test_place_init (&place);
  own_path = test_place_path (&place, "own.lock");
  lock = lock_new (place.lock);
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  g_assert_true (g_unix_open_pipe (ready, FD_CLOEXEC, NULL));
  child = fork ();
  if (child == 0)
    {
      g_autoptr (FluflLock) own = lock_new (own_path);

      prctl (PR_SET_PDEATHSIG, SIGKILL);
      if (!flufl_lock_acquire (own, 0, NULL, NULL))
        _exit (1);
      g_object_unref (lock);
      if (write (ready[1], "x", 1) != 1)
        _exit (2);
      for (;;)
        pause ();
    }
  close (ready[1]);
  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  close (ready[0]);
  {
    g_autoptr (FluflLock) other = lock_new (own_path);

    g_assert_cmpint (flufl_lock_query_state (other, NULL, NULL), ==, FLUFL_LOCK_STATE_THEIRS);
    g_assert_false (flufl_lock_acquire (other, 0, NULL, NULL));
    kill (child, SIGKILL);
    g_assert_cmpint (waitpid (child, &status, 0), ==, child);
    g_assert_true (flufl_lock_acquire (other, SOON, NULL, NULL));
    g_assert_true (flufl_lock_release (other, NULL, NULL));
  }
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  test_place_clear (&place);
}

static void
test_linger (void)
{
  g_autoptr (GError) error = NULL;
  TestPlace place;
  FluflLock *lock;
  pid_t child;
  int status;

  g_test_summary ("A claim that is kept goes with the object, and stays with the process");
  test_place_init (&place);
  if (place_is_local (&place))
    {
      lock = lock_new (place.lock);
      flufl_lock_set_linger (lock, TRUE);
      for (int i = 0; i < 3; i++)
        {
          g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
          flufl_lock_release (lock, NULL, &error);
          g_assert_no_error (error);
          g_assert_cmpuint (test_place_count (&place), ==, 1);
        }
      flufl_lock_set_linger (lock, FALSE);
      g_assert_cmpuint (test_place_count (&place), ==, 0);
      flufl_lock_set_linger (lock, TRUE);
      g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
      g_assert_true (flufl_lock_release (lock, NULL, NULL));

      child = fork ();
      if (child == 0)
        {
          gboolean fine = flufl_lock_acquire (lock, 0, NULL, NULL)
                          && flufl_lock_release (lock, NULL, NULL);

          g_object_unref (lock);
          _exit (fine ? 0 : 1);
        }
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_cmpint (status, ==, 0);
      g_assert_cmpuint (test_place_count (&place), ==, 1);
      child = fork ();
      if (child == 0)
        {
          g_object_unref (lock);
          _exit (0);
        }
      g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
      g_assert_cmpuint (test_place_count (&place), ==, 1);

      g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
      assert_stays (&place, 0);
      g_assert_true (flufl_lock_release (lock, NULL, NULL));
      g_assert_finalize_object (lock);
    }
  test_place_clear (&place);
}

/* Waits for @timeout_ms milliseconds for the lock of another holder. */
static void
wait_in_vain (TestPlace *place, gint64 timeout_ms)
{
  g_autoptr (FluflLock) lock = lock_new (place->lock);
  g_autoptr (GError) error = NULL;

  g_assert_false (flufl_lock_acquire (lock, timeout_ms, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
}

static void
test_idle (void)
{
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;
  Holder dead, living;
  TestPlace place;

  g_test_summary ("A kept claim goes when its owner was killed and somebody waits; not before");
  test_place_init (&place);
  if (place_is_local (&place))
    {
      holder_start (&dead, &place, "idle", FALSE);
      g_assert_cmpuint (test_place_count (&place), ==, 1);
      holder_start (&living, &place, "idle", FALSE);
      g_assert_cmpuint (test_place_count (&place), ==, 2);
      lock = lock_new (place.lock);
      g_assert_true (flufl_lock_acquire (lock, 0, NULL, &error));
      g_assert_no_error (error);
      wait_in_vain (&place, 300);
      g_assert_cmpuint (test_place_count (&place), ==, 4);

      holder_kill (&dead);
      for (int i = 0; i < 200 && test_place_count (&place) == 4; i++)
        wait_in_vain (&place, 300);
      g_assert_cmpuint (test_place_count (&place), ==, 3);
      g_assert_true (flufl_lock_release (lock, NULL, NULL));
      g_assert_cmpuint (test_place_count (&place), ==, 1);
      holder_kill (&living);
      holder_end (&dead);
      holder_end (&living);
      test_place_empty (&place);
    }
  test_place_clear (&place);
}

int
main (int argc, char **argv)
{
  if (argc == 4 && strcmp (argv[1], "--hold") == 0)
    return hold (argv[2], argv[3]);

  self_path = realpath (argv[0], NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/killed/plain", "", test_killed);
  g_test_add_data_func ("/killed/without-life-line", "bare", test_killed);
  g_test_add_func ("/killed/namespace", test_namespace);
  g_test_add_data_func ("/killed/number-used-again", "", test_number_used_again);
  g_test_add_data_func ("/killed/number-used-again-without-life-line", "bare",
                        test_number_used_again);
  g_test_add_func ("/killed/child-goes-on", test_child_goes_on);
  g_test_add_func ("/killed/stopped", test_stopped);
  g_test_add_func ("/killed/forked-object", test_forked_object);
  g_test_add_func ("/killed/forked-object-and-own", test_forked_object_and_own);
  g_test_add_func ("/killed/linger", test_linger);
  g_test_add_func ("/killed/idle", test_idle);
  return g_test_run ();
}
