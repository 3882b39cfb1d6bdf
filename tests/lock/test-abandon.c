/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Locks that are given up, whatever operation runs: one by one, all at once, and at the end of
 * the process.
 */

#include "fork-util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-lease.h"
#include "flufl-operation.h"

/* --- One --- */

static void
held (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) told = { 0 };

  flufl_lock_abandon (lock); /* there is nothing to give up */
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_signal_connect_swapped (lock, "notify::held", G_CALLBACK (heard_cb), &told);
  flufl_lock_abandon (lock);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (told.n, ==, 1);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  flufl_lock_abandon (lock);
  g_assert_cmpuint (told.n, ==, 1);
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
}

static void
assert_cancelled (FluflLock *lock, Reply *reply)
{
  g_autoptr (GError) error = NULL;

  reply_wait (reply, "the acquisition");
  g_assert_false (flufl_lock_acquire_finish (lock, reply->result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (flufl_lock_get_held (lock));
  reply_clear (reply);
}

static void
waiting (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Reply reply = { 0 };

  face_acquire (holder);
  for (guint i = 0; i < 2; i++)
    {
      flufl_lock_acquire_async (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, reply_cb, &reply);
      if (i > 0) /* in the second round the acquisition has begun */
        FACE_WAIT_FOR (test_place_count (&face->place) == 3);
      flufl_lock_abandon (lock);
      assert_cancelled (lock, &reply);
      g_assert_cmpuint (test_place_count (&face->place), ==, 2);
    }
  face_release (holder);
  face_acquire (lock);
  face_release (lock);
}

/* The lock is given up after an acquisition has won it and before the caller learns of the win. */
static void
won (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;
  Reply reply = { 0 };

  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &reply);
  /* The main context must not run, since it would report the win to the caller. */
  while (test_place_count (&face->place) < 2)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, give_up);
      g_usleep (1000);
    }
  flufl_lock_abandon (lock);
  assert_cancelled (lock, &reply);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static gpointer
acquire_in_thread (gpointer lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (flufl_lock_acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  return NULL;
}

/* The lock is given up between the win and the lease of a synchronous acquisition in another
 * thread. */
static void
won_in_thread (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  GThread *thread;

  lies_stall (LIES_LINK, LIES_AFTER);
  thread = g_thread_new ("acquires", acquire_in_thread, lock);
  lies_wait_stalled (1);
  flufl_lease_lock_disk (lock->lease);
  lies_let_go ();
  g_usleep (200 * 1000); /* until the thread waits for the disk; on a busy machine it may not yet */
  flufl_lock_abandon (lock);
  flufl_lease_unlock_disk (lock->lease);
  g_thread_join (thread);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  face_acquire (lock);
  face_release (lock);
}

static void
waiting_in_thread (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  GThread *thread;

  face_acquire (holder);
  thread = g_thread_new ("acquires", acquire_in_thread, lock);
  FACE_WAIT_FOR (test_place_count (&face->place) == 3);
  flufl_lock_abandon (lock);
  g_thread_join (thread);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_release (holder);
}

/* A worker runs the operation for an interpreter. Once the operation is dropped, the object is
 * free for the next one. */
static void
dropped_operation (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = NULL, lock = NULL;
  g_autoptr (GError) error = NULL;

  lies_fs_kind (FLUFL_FS_NFS);
  holder = face_lock_new (face);
  lock = face_lock_new (face);
  face_acquire (holder);
  g_assert_false (flufl_lock_acquire (lock, 0, NULL, NULL)); /* it knows its file system now */
  for (guint i = 0; i < 20; i++)
    {
      FluflOperation *operation
          = flufl_operation_new (lock, FLUFL_OPERATION_KIND_ACQUIRE, -1, NULL);

      g_assert_false (flufl_operation_run (operation, -1, 2 * (int) i));
      flufl_operation_drop (operation);
      g_assert_cmpuint (test_place_count (&face->place), ==, 2);
      g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
      g_clear_error (&error);
      flufl_operation_unref (operation);
    }
  face_release (holder);
}

/* Neither flufl_lock_abandon() nor flufl_lock_release_all() with a short timeout hangs while a file
 * server does not answer. */
static void
stalled (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = NULL;

  lies_fs_kind (FLUFL_FS_NFS);
  lock = face_lock_new (face);
  face_acquire (lock);
  lies_stall (LIES_UNLINK, LIES_BEFORE);
  flufl_lock_abandon (lock);
  g_assert_false (flufl_lock_release_all (10));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  lies_let_go ();
  g_assert_true (flufl_lock_release_all (-1));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_false (flufl_lock_get_held (lock));
}

/* A lock that cannot be removed has no living holder any more. On a local file system others see
 * that, and break the lock at once. */
static void
not_removed (Face *face, gconstpointer data)
{
  gboolean all = GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);

  face_acquire (lock);
  lies_fail (LIES_UNLINK, EIO, -1);
  if (all)
    g_assert_false (flufl_lock_release_all (-1));
  else
    flufl_lock_abandon (lock);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  lies_reset ();
  if (flufl_syscalls_native.fs_kind (face->place.dir) == FLUFL_FS_LOCAL)
    g_assert_cmpint (flufl_lock_query_state (other, NULL, NULL), ==, FLUFL_LOCK_STATE_STALE);
  g_assert_true (flufl_lock_release_all (-1));
  face_acquire (other);
  face_release (other);
}

static void
release_all_cb (FluflLock *lock G_GNUC_UNUSED, FluflLockDetails *details G_GNUC_UNUSED,
                gboolean *done)
{
  *done = flufl_lock_release_all (-1);
}

/* The call does not wait for an acquisition of its own thread. */
static void
all_in_handler (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;

  g_free (test_make_lock (&face->place, "x.lock|far.example|12|34", 600));
  flufl_lock_set_waiting_delay (lock, 0);
  g_signal_connect (lock, "waiting", G_CALLBACK (release_all_cb), &done);
  g_assert_false (form->acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (done);
  test_place_empty (&face->place);
}

/* --- All --- */

static void
release_all (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *second_path = test_place_path (&face->place, "second.lock");
  g_autofree char *third_path = test_place_path (&face->place, "third.lock");
  g_autoptr (FluflLock) first = face_lock_new (face);
  g_autoptr (FluflLock) second = flufl_lock_new_for_path (second_path);
  g_autoptr (FluflLock) third = flufl_lock_new_for_path (third_path);
  g_autoptr (FluflLock) waiter = face_lock_new (face);
  g_autoptr (FluflLock) idle G_GNUC_UNUSED = face_lock_new (face);
  g_auto (Heard) told = { 0 };
  Reply reply = { 0 };

  g_assert_true (flufl_lock_release_all (0));
  face_acquire (first);
  face_acquire (second);
  flufl_lock_set_release_at_exit (second, FALSE);
  flufl_lock_set_linger (third, TRUE);
  face_acquire (third);
  face_release (third);
  g_signal_connect_swapped (first, "notify::held", G_CALLBACK (heard_cb), &told);
  flufl_lock_acquire_async (waiter, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, reply_cb, &reply);
  FACE_WAIT_FOR (test_place_count (&face->place) == 6);
  g_assert_true (flufl_lock_release_all (TEST_PATIENCE_SEC * 1000));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_false (flufl_lock_get_held (first));
  g_assert_false (flufl_lock_get_held (second));
  g_assert_cmpuint (told.n, ==, 1);
  assert_cancelled (waiter, &reply);
}

/* --- At the end of a process --- */

static gboolean is_child;

#ifdef __SANITIZE_ADDRESS__
/* The threads of a child go on while the sanitizer looks for leaks, so it would report false
 * ones. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return is_child;
}
#endif

/* Runs @func in a child that ends with exit(3). */
static void
exit_after (void (*func) (Face *face), Face *face)
{
  int status;
  pid_t pid;

  fflush (stdout);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      is_child = TRUE;
      alarm (TEST_PATIENCE_SEC);
      flufl_lock_syscalls = &flufl_syscalls_native;
      func (face);
      exit (7);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 7);
}

/* The objects of a process that ends without dropping its references. */
static FluflLock *ours, *waiter;

static void
hold (Face *face)
{
  ours = flufl_lock_new_for_path (face->place.lock);
  face_acquire (ours);
}

static void
hold_and_wait (Face *face)
{
  hold (face);
  waiter = face_lock_new (face);
  flufl_lock_acquire_async (waiter, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, NULL, NULL);
  FACE_WAIT_FOR (test_place_count (&face->place) == 3);
}

static void
keep (Face *face)
{
  ours = face_lock_new (face);
  flufl_lock_set_linger (ours, TRUE);
  face_acquire (ours);
  face_release (ours);
  g_assert_cmpuint (test_place_count (&face->place), ==, 1);
}

static void
release_just_now (Face *face)
{
  ours = face_lock_new (face);
  face_acquire (ours);
  flufl_lock_release_async (ours, NULL, NULL, NULL);
}

static void
acquire_just_now (Face *face)
{
  ours = face_lock_new (face);
  flufl_lock_acquire_async (ours, 0, NULL, NULL, NULL);
  g_usleep ((gulong) g_random_int_range (0, 300));
}

static void
exits (Face *face, gconstpointer data)
{
  void (*func) (Face *face) = (void (*) (Face *)) data;

  if (!children_may_have_threads ())
    return;
  for (guint i = 0; i < 20; i++)
    {
      exit_after (func, face);
      g_assert_cmpuint (test_place_count (&face->place), ==, 0);
    }
}

static gpointer
acquire_again_and_again (gpointer lock)
{
  for (;;)
    if (flufl_lock_acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, NULL))
      break;
  return NULL;
}

/* A thread that acquires again whenever it is cancelled does not delay the end of the process. */
static void
hold_beside_stubborn_thread (Face *face)
{
  hold (face);
  waiter = face_lock_new (face);
  g_thread_unref (g_thread_new ("stubborn", acquire_again_and_again, waiter));
  FACE_WAIT_FOR (test_place_count (&face->place) == 3);
}

static void
exit_cb (FluflLock *lock G_GNUC_UNUSED, FluflLockDetails *details G_GNUC_UNUSED,
         gpointer unused G_GNUC_UNUSED)
{
  exit (7);
}

/* The lock that the process holds is released. The claim of the acquisition whose handler exits
 * stays. */
static void
exit_in_handler (Face *face)
{
  hold (face);
  waiter = face_lock_new (face);
  g_signal_connect (waiter, "waiting", G_CALLBACK (exit_cb), NULL);
  g_assert_true (flufl_lock_acquire (waiter, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, NULL));
}

static void
exits_in_handler (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  if (!children_may_have_threads ())
    return;
  exit_after (exit_in_handler, face);
  g_assert_false (g_file_test (face->place.lock, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (test_place_count (&face->place), ==, 1);
  test_place_empty (&face->place);
}

static void
hold_without_property (Face *face)
{
  ours = face_lock_new (face);
  flufl_lock_set_release_at_exit (ours, FALSE);
  face_acquire (ours);
}

static void
hold_and_leave (Face *face)
{
  hold (face);
  _exit (7);
}

/* The lock stays if a release at exit was not asked for, or if the process ends with _exit(2). */
static void
stays (Face *face, gconstpointer data)
{
  void (*func) (Face *face) = (void (*) (Face *)) data;
  g_autoptr (FluflLock) lock = face_lock_new (face);

  if (!children_may_have_threads ())
    return;
  exit_after (func, face);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, NULL), ==, FLUFL_LOCK_STATE_STALE);
  face_acquire (lock);
  face_release (lock);
}

static FluflLock *parents_lock;

static void
touch_parents (Face *face G_GNUC_UNUSED)
{
  g_assert_false (flufl_lock_get_held (parents_lock));
}

static void
do_nothing (Face *face G_GNUC_UNUSED)
{
}

static void
childs_end (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);

  face_acquire (lock);
  parents_lock = lock;
  exit_after (do_nothing, face);
  exit_after (touch_parents, face);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

/* _Fork() runs no fork handlers, so the library does not learn of the child. The end of the
 * child, which has a copy of the parent's objects, leaves the parent's lock alone. */
static void
copied_childs_end (Face *face, gconstpointer data G_GNUC_UNUSED)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ (2, 34)
  g_autoptr (FluflLock) lock = face_lock_new (face);
  int status;
  pid_t pid;

  face_acquire (lock);
  fflush (stdout);
  pid = _Fork ();
  if (pid == 0)
    {
      is_child = TRUE;
      alarm (TEST_PATIENCE_SEC);
      exit (7);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
#else
  (void) face;
  g_test_skip ("this C library has no _Fork");
#endif
}

/* Exits while this thread has locked mutexes, as the handler of a Unix signal may. */
static void
exit_with_mutexes (Face *face)
{
  ours = face_lock_new (face);
  face_acquire (ours);
  flufl_lease_lock_disk (ours->lease);
  flufl_lease_lock (ours->lease);
}

static void
ends_anyway (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  if (!children_may_have_threads ())
    return;
  exit_after (exit_with_mutexes, face);
  test_place_empty (&face->place);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/abandon/held", held);
  FACE_TEST ("/abandon/waiting", waiting);
  FACE_TEST ("/abandon/won", won);
  FACE_TEST ("/abandon/won-in-thread", won_in_thread);
  FACE_TEST ("/abandon/waiting-in-thread", waiting_in_thread);
  FACE_TEST ("/abandon/dropped-operation", dropped_operation);
  FACE_TEST ("/abandon/stalled", stalled);
  FACE_TEST_WITH ("/abandon/not-removed/one", not_removed, NULL);
  FACE_TEST_WITH ("/abandon/not-removed/all", not_removed, GINT_TO_POINTER (TRUE));
  FACE_TEST_FORMS ("/abandon/all-in-handler", all_in_handler);
  FACE_TEST ("/abandon/all", release_all);
  FACE_TEST_WITH ("/exit/held", exits, hold);
  FACE_TEST_WITH ("/exit/held-and-waiting", exits, hold_and_wait);
  FACE_TEST_WITH ("/exit/kept", exits, keep);
  FACE_TEST_WITH ("/exit/released-just-now", exits, release_just_now);
  FACE_TEST_WITH ("/exit/acquired-just-now", exits, acquire_just_now);
  FACE_TEST_WITH ("/exit/without-property", stays, hold_without_property);
  FACE_TEST_WITH ("/exit/by-exit-group", stays, hold_and_leave);
  FACE_TEST_WITH ("/exit/beside-stubborn-thread", exits, hold_beside_stubborn_thread);
  FACE_TEST ("/exit/in-handler", exits_in_handler);
  FACE_TEST ("/exit/of-child", childs_end);
  FACE_TEST ("/exit/of-copied-child", copied_childs_end);
  FACE_TEST ("/exit/anyway", ends_anyway);

  return g_test_run ();
}
