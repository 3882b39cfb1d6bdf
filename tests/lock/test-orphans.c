/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Processes that are really killed between the two unlinks of a removal. They are this program
 * itself, run with the arguments "--victim PATH HOW". In tests/protocol/test-life-line-races.c
 * processes die at every call, on the disk in memory.
 */

#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-lock-private.h"
#include "flufl-test-util.h"

#define HOUR (3600 * 1000)

/* Milliseconds: far less than the hour of the lifetime, and more than a busy machine takes for
 * three rests. */
#define SOON (100 * 1000)

static char *self_path;
static FluflSyscalls fatal;

/* The removal of the lock file comes second. */
static int
fatal_unlink (const char *path)
{
  if (g_str_has_suffix (path, "/x.lock"))
    raise (SIGKILL);
  return unlink (path);
}

static FluflLock *
lock_new (const char *path)
{
  FluflLock *lock = flufl_lock_new_for_path (path);

  flufl_lock_set_lifetime (lock, HOUR);
  return lock;
}

static int
be_victim (const char *path, const char *how)
{
  g_autoptr (FluflLock) lock = NULL;

  fatal = flufl_syscalls_native;
  fatal.unlink = fatal_unlink;
  flufl_lock_syscalls = &fatal;
  lock = lock_new (path);
  lock->lease->site.no_life_lines = strstr (how, "bare") != NULL;
  if (!flufl_lock_acquire (lock, SOON, NULL, NULL))
    return 1;
  if (g_str_has_prefix (how, "hold"))
    raise (SIGKILL);
  flufl_lock_release (lock, NULL, NULL);
  return 2; /* the victim must not get here */
}

static void
let_die (TestPlace *place, const char *how)
{
  const char *argv[] = { self_path, "--victim", place->lock, how, NULL };
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status,
                &error);
  g_assert_no_error (error);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
}

/* No process removes an orphan before it has rested, nor waits for the hour of its lifetime. */
static void
assert_orphan_comes_free (TestPlace *place)
{
  g_autoptr (FluflLock) lock = lock_new (place->lock);
  g_autoptr (GError) error = NULL;
  struct stat orphan;
  struct timespec got;
  double rest;

  g_assert_cmpint (lstat (place->lock, &orphan), ==, 0);
  g_assert_cmpuint (orphan.st_nlink, ==, 1);
  g_assert_true (flufl_lock_acquire (lock, SOON, NULL, &error));
  g_assert_no_error (error);
  clock_gettime (CLOCK_REALTIME, &got);
  rest = (double) (got.tv_sec - orphan.st_ctim.tv_sec)
         + (double) (got.tv_nsec - orphan.st_ctim.tv_nsec) / 1e9;
  g_test_message ("taken over %.3f s after the first unlink", rest);
  g_assert_cmpfloat (rest, >=, (double) FLUFL_GRACE / FLUFL_NSEC_PER_SEC);
  flufl_lock_release (lock, NULL, &error);
  g_assert_no_error (error);
}

static void
test_orphan (gconstpointer data)
{
  const char *const *deaths = data;
  TestPlace place;

  test_place_init (&place);
  if (flufl_syscalls_native.fs_kind (place.dir) != FLUFL_FS_LOCAL)
    g_test_skip ("the directory for temporary files is not on a local file system");
  else
    {
      for (; *deaths != NULL; deaths++)
        if (strcmp (*deaths, "flufl") == 0)
          g_free (test_make_lock (&place, "x.lock|elsewhere|1|123456789", -3600));
        else
          let_die (&place, *deaths);
      assert_orphan_comes_free (&place);
    }
  test_place_clear (&place);
}

int
main (int argc, char *argv[])
{
  static const char *const release[] = { "", NULL };
  static const char *const bare_release[] = { "bare", NULL };
  static const char *const life_line_break[] = { "hold", "", NULL };
  static const char *const evident_break[] = { "hold-bare", "bare", NULL };
  static const char *const expired_break[] = { "flufl", "", NULL };

  if (argc == 4 && strcmp (argv[1], "--victim") == 0)
    return be_victim (argv[2], argv[3]);

  self_path = realpath (argv[0], NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/orphans/release", release, test_orphan);
  g_test_add_data_func ("/orphans/release-without-life-line", bare_release, test_orphan);
  g_test_add_data_func ("/orphans/life-line-break", life_line_break, test_orphan);
  g_test_add_data_func ("/orphans/break-without-life-line", evident_break, test_orphan);
  g_test_add_data_func ("/orphans/break-of-the-expired", expired_break, test_orphan);
  return g_test_run ();
}
