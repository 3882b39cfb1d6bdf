/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * FluflLockMonitor: what it sees, and in which thread it reports.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face-util.h"
#include "flufl-lookout.h"
#include "monitor-util.h"

static void
assert_no_error (FluflLockMonitor *monitor)
{
  g_autoptr (GError) error = flufl_lock_monitor_dup_error (monitor);

  g_assert_no_error (error);
}

/* Waits until the monitor reports an error of GIO. */
static void
wait_for_error (FluflLockMonitor *monitor, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;

  FACE_WAIT_FOR ((g_clear_error (&error), error = flufl_lock_monitor_dup_error (monitor)) != NULL);
  g_assert_error (error, domain, code);
  face_assert_sentence (error, NULL);
}

/* In a child, which is killed. */
static void
hold_until_killed (gpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (data);

  flufl_lock_set_lifetime (lock, 1000 * 1000);
  face_acquire (lock);
  for (;;)
    pause ();
}

/* --- What it sees --- */

static void
test_free (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_auto (Heard) changed = { 0 }, ready = { 0 };
  g_autoptr (FluflLockMonitor) monitor = NULL;
  g_autofree char *path = NULL;

  g_test_summary ("The first look is reported even if the lock is free, and nothing is written");
  lies_forbid (g_thread_self ());
  monitor = monitor_new (face, NO_POLL);
  g_signal_connect_swapped (monitor, "changed", G_CALLBACK (heard_cb), &changed);
  g_signal_connect_swapped (monitor, "notify::ready", G_CALLBACK (heard_cb), &ready);
  g_assert_false (flufl_lock_monitor_get_ready (monitor));
  g_assert_cmpint (flufl_lock_monitor_get_state (monitor), ==, FLUFL_LOCK_STATE_UNKNOWN);
  FACE_WAIT_FOR (changed.n == 1);
  g_assert_true (changed.thread == g_thread_self ());
  g_assert_cmpuint (ready.n, ==, 1);
  g_assert_true (flufl_lock_monitor_get_ready (monitor));
  g_assert_cmpint (flufl_lock_monitor_get_state (monitor), ==, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_null (flufl_lock_monitor_get_details (monitor));
  assert_no_error (monitor);
  path = g_file_get_path (flufl_lock_monitor_get_file (monitor));
  g_assert_cmpstr (path, ==, face->place.lock);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_cmpuint (lies_count (LIES_LINK), ==, 0);
}

static void
test_killed (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = monitor_new (face, NO_POLL);
  g_autoptr (FluflLock) lock = NULL;
  pid_t child;

  g_test_summary ("Free, held by another process, its holder killed, and free again: no poll");
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  child = face_fork (hold_until_killed, face);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  g_assert_cmpint (flufl_lock_details_get_pid (flufl_lock_monitor_get_details (monitor)), ==, child);
  face_kill (child);
  wait_for_state (monitor, FLUFL_LOCK_STATE_STALE);
  lock = face_lock_new (face);
  face_acquire (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  face_release (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_null (flufl_lock_monitor_get_details (monitor));
}

static void
count_living (FluflLockMonitor *monitor, guint *n)
{
  FluflLockState state = flufl_lock_monitor_get_state (monitor);

  *n += state == FLUFL_LOCK_STATE_UNKNOWN || state == FLUFL_LOCK_STATE_THEIRS
        || state == FLUFL_LOCK_STATE_THEIRS_EXPIRED;
}

static gint64
expiration_of (FluflLockMonitor *monitor)
{
  FluflLockDetails *details = flufl_lock_monitor_get_details (monitor);

  return g_date_time_to_unix (flufl_lock_details_get_expiration (details));
}

static void
test_broken (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = monitor_new (face, NO_POLL), later = NULL;
  g_autofree char *claim = NULL;
  struct timespec times[2] = { 0 };
  guint n_living = 0;
  pid_t child;
  int fd;

  g_test_summary ("A holder that was proved dead stays dead while a breaker has its life-line");
  child = face_fork (hold_until_killed, face);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  face_kill (child);
  wait_for_state (monitor, FLUFL_LOCK_STATE_STALE);
  g_signal_connect (monitor, "changed", G_CALLBACK (count_living), &n_living);
  claim = g_file_get_path (
      flufl_lock_details_get_claim_file (flufl_lock_monitor_get_details (monitor)));

  /* As a breaker does. A monitor that comes now cannot know of the death. */
  fd = open (claim, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (flock (fd, LOCK_EX), ==, 0);
  later = monitor_new (face, NO_POLL);
  FACE_WAIT_FOR (flufl_lock_monitor_get_ready (later));
  g_assert_cmpint (flufl_lock_monitor_get_state (later), ==, FLUFL_LOCK_STATE_UNKNOWN);
  /* Both look again. */
  times[0].tv_sec = times[1].tv_sec = time (NULL) + 500;
  g_assert_cmpint (futimens (fd, times), ==, 0);
  FACE_WAIT_FOR (expiration_of (later) == times[1].tv_sec);
  times[0].tv_sec = times[1].tv_sec = time (NULL) - 5;
  g_assert_cmpint (futimens (fd, times), ==, 0);
  wait_for_state (later, FLUFL_LOCK_STATE_THEIRS_EXPIRED);
  g_assert_cmpint (unlink (claim), ==, 0);
  g_assert_cmpint (unlink (face->place.lock), ==, 0);
  close (fd);
  wait_for_state (later, FLUFL_LOCK_STATE_UNLOCKED);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_cmpuint (n_living, ==, 0);
}

static const char *
claim_of (FluflLockMonitor *monitor)
{
  FluflLockDetails *details = flufl_lock_monitor_get_details (monitor);

  return details != NULL ? g_file_peek_path (flufl_lock_details_get_claim_file (details)) : NULL;
}

static void
test_handover (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = monitor_new (face, NO_POLL);
  g_autoptr (FluflLock) first = face_lock_new (face), second = face_lock_new (face);
  g_auto (Reply) reply = { 0 };
  g_auto (Heard) changed = { 0 };
  g_autofree char *claim = NULL;
  guint n;

  g_test_summary ("A lock that is handed on has another holder");
  face_acquire (first);
  FACE_WAIT_FOR (claim_of (monitor) != NULL);
  claim = g_strdup (claim_of (monitor));
  g_signal_connect_swapped (monitor, "changed", G_CALLBACK (heard_cb), &changed);
  n = changed.n;
  flufl_lock_acquire_async (second, -1, NULL, reply_cb, &reply);
  face_release (first);
  reply_wait (&reply, "the second");
  g_assert_true (flufl_lock_acquire_finish (second, reply.result, NULL));
  FACE_WAIT_FOR (claim_of (monitor) != NULL && g_strcmp0 (claim_of (monitor), claim) != 0);
  g_assert_cmpuint (changed.n, >, n);
  face_release (second);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
}

static void
test_expiry (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = monitor_new (face, NO_POLL);
  g_autofree char *claim = NULL;

  g_test_summary ("A lock expires without an event");
  /* Of a process that nothing is known of, as flufl.lock's. */
  claim = test_make_lock (&face->place, "x.lock|elsewhere|4711|123456", 2);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNKNOWN);
  FACE_WAIT_FOR (flufl_lock_monitor_get_details (monitor) != NULL
                 || flufl_lock_monitor_get_state (monitor) == FLUFL_LOCK_STATE_THEIRS_EXPIRED);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS_EXPIRED);
  g_assert_cmpstr (
      flufl_lock_details_get_host_name (flufl_lock_monitor_get_details (monitor)), ==, "elsewhere");
  face_remove_everything (face);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
}

static void
test_refresh (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = monitor_new (face, NO_POLL);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GDateTime) expiration = NULL;
  g_auto (Heard) changed = { 0 };
  guint n;

  g_test_summary ("A refresh moves the expiration, and is no change of the holder");
  face_acquire (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  g_signal_connect_swapped (monitor, "changed", G_CALLBACK (heard_cb), &changed);
  n = changed.n;
  expiration = g_date_time_ref (
      flufl_lock_details_get_expiration (flufl_lock_monitor_get_details (monitor)));
  g_assert_true (flufl_lock_refresh (lock, 1000 * 1000, NULL, NULL));
  FACE_WAIT_FOR (g_date_time_compare (flufl_lock_details_get_expiration (
                                          flufl_lock_monitor_get_details (monitor)),
                                      expiration)
                 > 0);
  g_assert_cmpuint (changed.n, ==, n);
  face_release (lock);
}

static void
test_for_lock (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);
  g_autoptr (FluflLock) lock
      = g_object_new (FLUFL_TYPE_LOCK, "file", file, "separator", "^", "heartbeat",
                      FLUFL_HEARTBEAT_NONE, NULL);
  g_autoptr (FluflLockMonitor) monitor = flufl_lock_monitor_new_for_lock (lock);
  gpointer weak = lock;

  g_test_summary ("A monitor of an object knows its separator, shows that it holds, and lets it go");
  face_acquire (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_OURS);
  g_assert_nonnull (flufl_lock_details_get_host_name (flufl_lock_monitor_get_details (monitor)));
  g_object_add_weak_pointer (weak, &weak);
  g_clear_object (&lock);
  g_assert_null (weak);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
}

static void
test_told_late (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GMainContext) busy = g_main_context_new ();
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLockMonitor) monitor = flufl_lock_monitor_new_for_lock (lock);
  g_auto (Reply) reply = { 0 };

  g_test_summary ("A lock is ours once its object learns of the acquisition, though nothing changes on disk");
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  g_main_context_push_thread_default (busy);
  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &reply);
  g_main_context_pop_thread_default (busy);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  while (reply.result == NULL)
    g_main_context_iteration (busy, TRUE);
  g_assert_true (flufl_lock_acquire_finish (lock, reply.result, NULL));
  wait_for_state (monitor, FLUFL_LOCK_STATE_OURS);
  face_release (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
}

static void
test_document (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *path = test_place_path (&face->place, "link.txt");
  g_autofree char *real = test_place_path (&face->place, "real.txt");
  g_autofree char *lock_path = test_place_path (&face->place, ".real.txt.lock");
  g_autoptr (GFile) document = g_file_new_for_path (path);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_document (document);
  g_autoptr (FluflLock) other = flufl_lock_new_for_path (lock_path);
  g_autoptr (FluflLockMonitor) monitor = NULL;

  g_test_summary ("The lock of a document is watched behind the document's symbolic links");
  g_assert_true (g_file_set_contents (real, "", 0, NULL));
  g_assert_cmpint (symlink ("real.txt", path), ==, 0);
  lies_forbid (g_thread_self ());
  monitor = flufl_lock_monitor_new_for_lock (lock);
  lies_forbid (NULL);
  g_clear_object (&lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_cmpstr (g_file_peek_path (flufl_lock_monitor_get_file (monitor)), ==, lock_path);
  face_acquire (other);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  face_release (other);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (unlink (real), ==, 0);
}

static void
test_loop (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *path = test_place_path (&face->place, "loop");
  g_autoptr (GFile) document = g_file_new_for_path (path);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_document (document);
  g_autoptr (FluflLockMonitor) monitor = NULL;

  g_test_summary ("A document that cannot be found is an error, until it can");
  g_assert_cmpint (symlink ("loop", path), ==, 0);
  monitor = flufl_lock_monitor_new_for_lock (lock);
  flufl_lock_monitor_set_interval (monitor, 10);
  wait_for_error (monitor, G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS);
  g_assert_cmpint (unlink (path), ==, 0);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
}

/* --- Where no watch reports --- */

static void
test_elsewhere (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = NULL;
  g_autoptr (FluflLock) lock = face_lock_new (face);

  g_test_summary ("On other file systems it looks at an interval, which may be changed");
  lies_fs_kind (FLUFL_FS_NFS);
  monitor = monitor_new (face, NO_POLL);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  flufl_lock_monitor_set_interval (monitor, 10);
  g_assert_cmpint (flufl_lock_monitor_get_interval (monitor), ==, 10);
  face_acquire (lock);
  FACE_WAIT_FOR (flufl_lock_monitor_get_details (monitor) != NULL);
  face_release (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
}

static void
test_errors (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = monitor_new (face, 10);
  g_autoptr (FluflLock) lock = face_lock_new (face);

  g_test_summary ("A look that fails is an error, and the monitor goes on");
  face_acquire (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  lies_fail (LIES_LSTAT, EIO, -1);
  g_assert_cmpint (chmod (face->place.lock, 0600), ==, 0);
  wait_for_error (monitor, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpint (flufl_lock_monitor_get_state (monitor), ==, FLUFL_LOCK_STATE_UNKNOWN);
  lies_reset ();
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  assert_no_error (monitor);
  lies_fail (LIES_OPEN, EACCES, -1);
  lies_fail (LIES_LIST, EACCES, -1); /* nor does the claim's name show who holds it */
  g_assert_cmpint (chmod (face->place.lock, 0640), ==, 0);
  wait_for_error (monitor, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  lies_reset ();
  FACE_WAIT_FOR (flufl_lock_monitor_get_details (monitor) != NULL);
  face_release (lock);
}

static void
test_directory (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *directory = test_place_path (&face->place, "d");
  g_autofree char *path = g_build_filename (directory, "x.lock", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (FluflLockMonitor) monitor = flufl_lock_monitor_new (file);
  g_autoptr (FluflLock) lock = flufl_lock_new (file);

  g_test_summary ("A directory that does not exist is an error, until it is made");
  flufl_lock_monitor_set_interval (monitor, 10);
  wait_for_error (monitor, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (flufl_lock_monitor_get_state (monitor), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_cmpint (mkdir (directory, 0700), ==, 0);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  assert_no_error (monitor);
  face_acquire (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  face_release (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_cmpint (rmdir (directory), ==, 0);
  wait_for_error (monitor, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* A symbolic link is in the path, and is changed: no event of the directory reports that. */
static void
test_replaced_directory (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *first = test_place_path (&face->place, "v1");
  g_autofree char *second = test_place_path (&face->place, "v2");
  g_autofree char *current = test_place_path (&face->place, "current");
  g_autofree char *new = test_place_path (&face->place, "new");
  g_autofree char *path = g_build_filename (current, "x.lock", NULL);
  g_autofree char *there = g_build_filename (second, "x.lock", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (FluflLockMonitor) monitor = NULL;
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (there);
  const int usual = g_atomic_int_get (&flufl_lookout_check_ms);

  g_test_summary ("A monitor notices that its path leads to another directory");
  g_assert_cmpint (usual, ==, 10 * 1000);
  g_atomic_int_set (&flufl_lookout_check_ms, 100);
  g_assert_cmpint (mkdir (first, 0700), ==, 0);
  g_assert_cmpint (mkdir (second, 0700), ==, 0);
  g_assert_cmpint (symlink ("v1", current), ==, 0);
  g_assert_cmpint (symlink ("v2", new), ==, 0);
  monitor = flufl_lock_monitor_new (file);
  flufl_lock_monitor_set_interval (monitor, NO_POLL);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  face_acquire (lock);
  g_assert_cmpint (rename (new, current), ==, 0);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  face_release (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_cmpint (unlink (current), ==, 0);
  wait_for_error (monitor, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (rmdir (first), ==, 0);
  g_assert_cmpint (rmdir (second), ==, 0);
  g_atomic_int_set (&flufl_lookout_check_ms, usual);
}

static void
test_foreign (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = monitor_new (face, 10);

  g_test_summary ("A file that is not a lock is an error, until it goes");
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_true (g_file_set_contents (face->place.lock, "no lock", -1, NULL));
  wait_for_error (monitor, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  g_assert_cmpint (flufl_lock_monitor_get_state (monitor), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_cmpint (unlink (face->place.lock), ==, 0);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  assert_no_error (monitor);
}

static void
test_misuse (Face *face G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GFile) file = g_file_new_for_uri ("sftp://host/x.lock");
  g_autoptr (FluflLockMonitor) monitor = flufl_lock_monitor_new (file);
  FluflLockMonitor *dropped = flufl_lock_monitor_new (file);
  g_auto (Heard) changed = { 0 };

  g_test_summary ("A file without a local path is an error, reported as the first look is");
  g_signal_connect_swapped (dropped, "changed", G_CALLBACK (heard_cb), &changed);
  g_object_unref (dropped);
  g_assert_false (flufl_lock_monitor_get_ready (monitor));
  wait_for_error (monitor, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_true (flufl_lock_monitor_get_ready (monitor));
  g_assert_cmpuint (changed.n, ==, 0);
}

/* --- Threads --- */

typedef struct
{
  Face  *face;
  int    seen_free, seen_held; /* atomic */
} Watcher;

static gpointer
watch_in_thread (gpointer data)
{
  Watcher *self = data;
  GMainContext *context = g_main_context_new ();
  FluflLockMonitor *monitor;
  g_auto (Heard) changed = { 0 };

  g_main_context_push_thread_default (context);
  monitor = monitor_new (self->face, NO_POLL);
  g_signal_connect_swapped (monitor, "changed", G_CALLBACK (heard_cb), &changed);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_atomic_int_set (&self->seen_free, TRUE);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  g_assert_true (changed.thread == g_thread_self ());
  g_atomic_int_set (&self->seen_held, TRUE);
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  g_object_unref (monitor);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  return NULL;
}

#define N_WATCHERS 4

static void
test_contexts (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Watcher watchers[N_WATCHERS] = { 0 };
  GThread *threads[N_WATCHERS];

  g_test_summary ("Each monitor reports in the main context of its creation");
  for (guint i = 0; i < N_WATCHERS; i++)
    {
      watchers[i].face = face;
      threads[i] = g_thread_new ("watcher", watch_in_thread, &watchers[i]);
    }
  for (guint i = 0; i < N_WATCHERS; i++)
    FACE_WAIT_FOR (g_atomic_int_get (&watchers[i].seen_free));
  face_acquire (lock);
  for (guint i = 0; i < N_WATCHERS; i++)
    FACE_WAIT_FOR (g_atomic_int_get (&watchers[i].seen_held));
  face_release (lock);
  for (guint i = 0; i < N_WATCHERS; i++)
    g_thread_join (threads[i]);
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

#define MANY 100

static void
test_many (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  FluflLockMonitor *monitors[MANY];

  g_test_summary ("A hundred monitors need no hundred threads");
  for (guint i = 0; i < MANY; i++)
    monitors[i] = monitor_new (face, NO_POLL);
  for (guint i = 0; i < MANY; i++)
    wait_for_state (monitors[i], FLUFL_LOCK_STATE_UNLOCKED);
  face_acquire (lock);
  for (guint i = 0; i < MANY; i++)
    wait_for_state (monitors[i], FLUFL_LOCK_STATE_THEIRS);
  g_assert_cmpuint (count_threads (), <, MANY / 4);
  for (guint i = 0; i < MANY; i++)
    g_object_unref (monitors[i]);
  face_release (lock);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST ("/monitor/free", test_free);
  FACE_TEST ("/monitor/killed", test_killed);
  FACE_TEST ("/monitor/broken", test_broken);
  FACE_TEST ("/monitor/handover", test_handover);
  FACE_TEST ("/monitor/expiry", test_expiry);
  FACE_TEST ("/monitor/refresh", test_refresh);
  FACE_TEST ("/monitor/for-lock", test_for_lock);
  FACE_TEST ("/monitor/told-late", test_told_late);
  FACE_TEST ("/monitor/document", test_document);
  FACE_TEST ("/monitor/loop", test_loop);
  FACE_TEST ("/monitor/elsewhere", test_elsewhere);
  FACE_TEST ("/monitor/errors", test_errors);
  FACE_TEST ("/monitor/directory", test_directory);
  FACE_TEST ("/monitor/replaced-directory", test_replaced_directory);
  FACE_TEST ("/monitor/foreign", test_foreign);
  FACE_TEST ("/monitor/misuse", test_misuse);
  FACE_TEST ("/monitor/contexts", test_contexts);
  FACE_TEST ("/monitor/many", test_many);
  return g_test_run ();
}
