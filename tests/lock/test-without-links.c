/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A monitor, the list of waiters, and a holder that looks for them, without hard links.
 */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face-util.h"

/* The milliseconds between two looks of a monitor. */
#define INTERVAL 10

static void
hold (gpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (data);

  flufl_lock_set_lifetime (lock, TEST_PATIENCE_SEC * 1000 * 10);
  face_acquire (lock);
  for (;;)
    pause ();
}

/* The claim of a process that was killed. */
static void
remove_leftover (Face *face)
{
  g_autoptr (GFile) directory = g_file_new_for_path (face->place.dir);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) removed = flufl_lock_remove_leftovers (directory, FALSE, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (removed->len, ==, 1);
}

static FluflLockMonitor *
monitor_new (Face *face)
{
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);
  FluflLockMonitor *monitor = flufl_lock_monitor_new (file);

  flufl_lock_monitor_set_interval (monitor, INTERVAL);
  return monitor;
}

static void
wait_for_state (FluflLockMonitor *monitor, FluflLockState state)
{
  FACE_WAIT_FOR (flufl_lock_monitor_get_ready (monitor)
                 && flufl_lock_monitor_get_state (monitor) == state);
}

static void
test_monitor (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = NULL;
  g_autoptr (GError) error = NULL;
  FluflLockDetails *details;
  pid_t child;

  g_test_summary ("A monitor finds the claim that the lock names, and sees its process die");
  lies_fs_kind (FLUFL_FS_FAT);
  monitor = monitor_new (face);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  child = face_fork (hold, face);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  details = flufl_lock_monitor_get_details (monitor);
  g_assert_cmpint (flufl_lock_details_get_pid (details), ==, child);
  g_assert_nonnull (flufl_lock_details_get_expiration (details));
  face_kill (child);
  wait_for_state (monitor, FLUFL_LOCK_STATE_STALE);
  g_assert_cmpint (unlink (face->place.lock), ==, 0);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  error = flufl_lock_monitor_dup_error (monitor);
  g_assert_no_error (error);
  remove_leftover (face);
}

/* As an object sees them that has asked the disk nothing before. */
static GPtrArray *
waiters_of (Face *face)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  GPtrArray *waiters = flufl_lock_list_waiters (lock, NULL, &error);

  g_assert_no_error (error);
  return waiters;
}

static guint
count_waiters (Face *face)
{
  g_autoptr (GPtrArray) waiters = waiters_of (face);

  return waiters->len;
}

static void
test_waiters (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GPtrArray) waiters = NULL;
  pid_t child;

  g_test_summary ("A new object lists the waiters, which have no expiration");
  lies_fs_kind (FLUFL_FS_FAT);
  lock = face_lock_new (face);
  face_acquire (lock);
  child = face_fork (face_wait_for_turn, face);
  FACE_WAIT_FOR (count_waiters (face) == 1);
  waiters = waiters_of (face);
  g_assert_cmpuint (waiters->len, ==, 1);
  g_assert_cmpint (flufl_lock_details_get_pid (waiters->pdata[0]), ==, child);
  g_assert_null (flufl_lock_details_get_expiration (waiters->pdata[0]));
  face_kill (child);
  g_assert_cmpuint (count_waiters (face), ==, 0);
  remove_leftover (face);
  face_release (lock);
}

/* A new number for the same file, as FUSE gives it. */
static void
renumber (FluflStat *st)
{
  static int number; /* atomic */

  st->ino = (guint64) g_atomic_int_add (&number, 1) + 1;
}

static int
fstat_renumbered (int fd, FluflStat *st)
{
  int result = lies_syscalls.fstat (fd, st);

  renumber (st);
  return result;
}

static int
lstat_renumbered (const char *path, FluflStat *st)
{
  int result = lies_syscalls.lstat (path, st);

  renumber (st);
  return result;
}

static void
test_renumbered (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  static FluflSyscalls sys;
  g_auto (Heard) changed = { 0 };
  g_autoptr (FluflLockMonitor) monitor = NULL;
  g_autoptr (FluflLock) lock = NULL;
  guint n_opened;

  g_test_summary ("A new inode number of the lock file brings a monitor no new details");
  lies_fs_kind (FLUFL_FS_FAT);
  sys = lies_syscalls;
  sys.fstat = fstat_renumbered;
  sys.lstat = lstat_renumbered;
  flufl_lock_syscalls = &sys;
  lock = face_lock_new (face);
  flufl_lock_set_lifetime (lock, TEST_PATIENCE_SEC * 1000 * 10);
  face_acquire (lock);
  monitor = monitor_new (face);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  g_signal_connect_swapped (monitor, "notify::details", G_CALLBACK (heard_cb), &changed);
  n_opened = lies_count (LIES_OPEN);
  FACE_WAIT_FOR (lies_count (LIES_OPEN) >= n_opened + 20);
  g_assert_cmpuint (changed.n, ==, 0);
  face_release (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_cmpuint (changed.n, ==, 1);
}

static void
test_wanted (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) wanted = { 0 };
  pid_t child;
  guint n;

  g_test_summary ("The holder's claim, which is not the lock file, is not that of a waiter");
  lies_fs_kind (FLUFL_FS_FAT);
  flufl_lock_set_watch_wanted (lock, TRUE);
  /* The looks are as frequent as the refreshes. A busy machine must not end the lease. */
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_lifetime (lock, 4000);
  g_signal_connect_swapped (lock, "notify::wanted", G_CALLBACK (heard_cb), &wanted);
  face_acquire (lock);
  n = lies_count (LIES_LIST);
  FACE_WAIT_FOR (lies_count (LIES_LIST) >= n + 4);
  g_assert_false (flufl_lock_get_wanted (lock));
  child = face_fork (face_wait_for_turn, face);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  face_kill (child);
  FACE_WAIT_FOR (!flufl_lock_get_wanted (lock));
  g_assert_cmpuint (wanted.n, ==, 2);
  remove_leftover (face);
  face_release (lock);
}

static void
write_lock (Face *face, const char *content, gsize length)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (face->place.lock, content, (gssize) length, &error);
  g_assert_no_error (error);
}

static void
test_blank (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autofree char *content = NULL;
  gsize length;
  guint n_listed, n_opened;

  g_test_summary ("No claim is looked for beside a blank lock, since it may be that of the holder");
  lies_fs_kind (FLUFL_FS_FAT);
  flufl_lock_set_lifetime (lock, TEST_PATIENCE_SEC * 1000 * 10);
  face_acquire (lock);
  g_assert_true (g_file_get_contents (face->place.lock, &content, &length, NULL));
  write_lock (face, "", 0);
  n_listed = lies_count (LIES_LIST);
  n_opened = lies_count (LIES_OPEN);
  flufl_lock_set_watch_wanted (lock, TRUE);
  FACE_WAIT_FOR (lies_count (LIES_OPEN) >= n_opened + 3);
  g_assert_cmpuint (lies_count (LIES_LIST), ==, n_listed);
  g_assert_false (flufl_lock_get_wanted (lock));
  flufl_lock_set_watch_wanted (lock, FALSE);
  write_lock (face, content, length);
  face_release (lock);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST ("/without-links/monitor", test_monitor);
  FACE_TEST ("/without-links/waiters", test_waiters);
  FACE_TEST ("/without-links/renumbered", test_renumbered);
  FACE_TEST ("/without-links/wanted", test_wanted);
  FACE_TEST ("/without-links/blank", test_blank);
  return g_test_run ();
}
