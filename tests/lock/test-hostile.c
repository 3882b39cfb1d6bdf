/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A directory like /tmp, where another user makes, swaps and removes files that may mislead the
 * library, while root takes the lock. That user can hold the lock. No file of root's is removed,
 * written or touched, and nothing hangs.
 */

#include "face-util.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define LOCK "x.lock"

/* Files of root's, by paths below the directory. */
static const char *const precious[] = {
  "precious", "x.lock|root|1|5", "secret/x.lock|h|1|2", "secret/precious",
};

/* The names that the other user makes and swaps. */
static const char *const names[] = {
  LOCK, LOCK, LOCK,
  "x.lock|h|1|2", "x.lock|evil|1|7",
  "x.lock|evil|1|T18eac9a40973529cRcb47ec75ca27L",
  "x.lock|evil|1|T18eac9a40973529cRcb47ec75ca28LK",
  "junk",
};

#define PICK(rand, array) ((array)[g_rand_int_range ((rand), 0, G_N_ELEMENTS (array))])

static void
lay_file (GRand *rand, const char *dir, const char *name)
{
  static const char *const said[] = {
    "x.lock|h|1|2", "x.lock|evil|1|7", "secret/x.lock|h|1|2", "precious", "x.lock|root|1|5", "",
  };
  g_autofree char *content = g_strconcat (dir, "/", PICK (rand, said), NULL);
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                               { .tv_sec = g_rand_boolean (rand) ? 1000 : 2000000000 } };
  int fd = open (name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);

  if (fd < 0)
    return;
  if (ftruncate (fd, 0) == 0 && write (fd, content, strlen (content)) > 0)
    futimens (fd, times);
  if (g_rand_boolean (rand))
    flock (fd, LOCK_EX | LOCK_NB);
  close (fd);
}

static void
be_evil_once (GRand *rand, const char *dir)
{
  const char *name = PICK (rand, names);
  const char *other = PICK (rand, names);

  switch (g_rand_int_range (rand, 0, 10))
    {
    case 0:
    case 1:
      lay_file (rand, dir, name);
      break;
    case 2:
    case 3:
      if (link (name, LOCK) != 0)
        unlink (LOCK);
      break;
    case 4:
    case 5:
      if (rename (name, other) != 0)
        rmdir (other);
      break;
    case 6:
      if (symlink (PICK (rand, precious), name) != 0)
        unlink (name);
      break;
    case 7:
      if (mkfifo (name, 0666) != 0)
        unlink (name);
      break;
    case 8:
      if (mkdir (name, 0777) != 0)
        rmdir (name);
      break;
    default:
      unlink (name);
      break;
    }
}

static gboolean
become_nobody (const char *dir)
{
  return chdir (dir) == 0 && setgroups (0, NULL) == 0 && setgid (NOBODY) == 0
         && setuid (NOBODY) == 0;
}

static void
try_to_become_nobody (gpointer data)
{
  Face *face = data;

  face_child_ends (become_nobody (face->place.dir) ? FACE_CHILD_OK : FACE_CHILD_SKIPPED);
}

static G_NORETURN void
be_evil (const char *dir, pid_t parent)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20261124);

  if (!become_nobody (dir))
    _exit (1);
  /* The change to another user would drop this setting, so it comes after that. */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  while (getppid () == parent)
    be_evil_once (rand, dir);
  _exit (0);
}

/* Time flies, so that everything comes to rest. */
static gint64
flying_clock (FluflClock clock)
{
  static int flown; /* seconds; atomic, since the heartbeat asks as well */

  if (clock == FLUFL_CLOCK_REAL)
    return flufl_syscalls_native.clock (clock);
  if (g_random_int_range (0, 4) == 0)
    g_atomic_int_add (&flown, g_random_int_range (0, 8));
  return flufl_syscalls_native.clock (clock)
         + g_atomic_int_get (&flown) * G_GINT64_CONSTANT (1000000000);
}

static void
use (FluflLock *lock, guint *n_held)
{
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;

  flufl_lock_query_state (lock, NULL, NULL);
  details = flufl_lock_query_details (lock, NULL, NULL);
  if (!flufl_lock_acquire (lock, 0, NULL, &error))
    return;
  *n_held += 1;
  if (!flufl_lock_check (lock, NULL, NULL))
    g_test_message ("lost, or not to be seen");
  if (!flufl_lock_refresh (lock, -1, NULL, NULL))
    g_test_message ("not refreshed");
  flufl_lock_release (lock, NULL, NULL);
}

static FluflSyscalls table; /* static, since heartbeats use it after the test */

static void
swapped (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const FluflSyscalls *before = flufl_lock_syscalls;
  struct stat was[G_N_ELEMENTS (precious)], is;
  g_autofree char *secret = test_place_path (&face->place, "secret");
  guint n_held = 0;
  gint64 end;
  pid_t evil, parent;
  int status;

  if (getuid () != 0)
    {
      g_test_skip ("only root can have another user about");
      return;
    }
  g_assert_cmpint (chmod (face->place.dir, 01777), ==, 0);
  if (face_join_any (face_fork (try_to_become_nobody, face)) == FACE_CHILD_SKIPPED)
    {
      g_test_skip ("the test cannot use the directory as the user nobody");
      return;
    }
  g_assert_cmpint (mkdir (secret, 0755), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (precious); i++)
    {
      g_autofree char *path = test_place_path (&face->place, precious[i]);

      g_assert_true (g_file_set_contents (path, precious[i], -1, NULL));
      g_assert_cmpint (stat (path, &was[i]), ==, 0);
    }

  table = flufl_syscalls_native;
  table.clock = flying_clock;
  flufl_lock_syscalls = &table;
  parent = getpid ();
  evil = fork ();
  g_assert_cmpint (evil, >=, 0);
  if (evil == 0)
    be_evil (face->place.dir, parent);

  end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  while (g_get_monotonic_time () < end)
    {
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (face->place.lock);

      for (guint i = 0; i < 20; i++)
        use (lock, &n_held);
    }
  g_assert_cmpint (waitpid (evil, &status, WNOHANG), ==, 0);
  g_assert_cmpint (kill (evil, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (evil, &status, 0), ==, evil);
  flufl_lock_syscalls = before;
  g_test_message ("held %u times", n_held);

  for (guint i = 0; i < G_N_ELEMENTS (precious); i++)
    {
      g_autofree char *path = test_place_path (&face->place, precious[i]);
      g_autofree char *content = NULL;

      g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
      g_assert_cmpstr (content, ==, precious[i]);
      g_assert_cmpint (stat (path, &is), ==, 0);
      g_assert_cmpuint (is.st_ino, ==, was[i].st_ino);
      g_assert_cmpuint (is.st_mode, ==, was[i].st_mode);
      g_assert_cmpuint (is.st_uid, ==, 0);
      g_assert_cmpint (is.st_mtim.tv_sec, ==, was[i].st_mtim.tv_sec);
      g_assert_cmpint (is.st_mtim.tv_nsec, ==, was[i].st_mtim.tv_nsec);
      g_assert_cmpint (unlink (path), ==, 0);
    }
  g_assert_cmpint (rmdir (secret), ==, 0);
  g_assert_cmpint (chmod (face->place.dir, 0755), ==, 0);
  test_place_empty (&face->place);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST ("/hostile/swapped", swapped);

  return g_test_run ();
}
