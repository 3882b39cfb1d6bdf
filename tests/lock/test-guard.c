/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The guard that releases a lock at the end of a scope.
 */

#include "face-util.h"

#include <errno.h>

/* How a guard ends: silently, or with a report. */
typedef gboolean (*End) (FluflLockGuard *guard, GError **error);

static gboolean
end_silently (FluflLockGuard *guard, GError **error G_GNUC_UNUSED)
{
  flufl_lock_guard_free (guard);
  return FALSE;
}

static FluflLockGuard *
guard_new (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;
  FluflLockGuard *guard = flufl_lock_guard_new (lock, 0, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (guard);
  g_assert_true (flufl_lock_get_held (lock));
  return guard;
}

static void
fails (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  face_acquire (holder);
  {
    g_autoptr (FluflLockGuard) guard = flufl_lock_guard_new (lock, 0, NULL, &error);

    g_assert_null (guard);
    g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
    face_assert_sentence (error, face->place.lock);
    g_clear_error (&error);
  }
  g_assert_true (flufl_lock_check (holder, NULL, NULL));

  g_test_message ("A hold that the object has already is not the guard's");
  g_assert_null (flufl_lock_guard_new (holder, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD);
  g_assert_true (flufl_lock_check (holder, NULL, NULL));
  face_release (holder);
}

static gpointer
cancel_when_waiting (gpointer data)
{
  Face *face = ((gpointer *) data)[0];

  while (test_place_count (&face->place) < 3)
    g_usleep (1000);
  g_cancellable_cancel (((gpointer *) data)[1]);
  return NULL;
}

static void
cancelled (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gpointer both[] = { face, cancellable };
  GThread *thread;

  face_acquire (holder);
  thread = g_thread_new ("cancels", cancel_when_waiting, both);
  g_assert_null (flufl_lock_guard_new (lock, FLUFL_LOCK_TIMEOUT_FOREVER, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_release (holder);
}

static void
scope (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) held = { 0 };

  g_signal_connect_swapped (lock, "notify::held", G_CALLBACK (heard_cb), &held);
  for (guint i = 1; i <= 3; i++)
    {
      g_autoptr (FluflLockGuard) guard = guard_new (lock);

      g_assert_nonnull (guard);
      g_assert_cmpuint (test_place_count (&face->place), ==, 2);
      g_assert_cmpuint (held.n, ==, 2 * i - 1);
      if (i == 2)
        continue;
      if (i == 3)
        break;
    }
  g_assert_cmpuint (held.n, ==, 6);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static void
released (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLockGuard) guard = guard_new (lock);
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_guard_release (g_steal_pointer (&guard), &error));
  g_assert_no_error (error);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

/* The object lives as long as the guard. */
static void
last_reference (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLock *lock = face_lock_new (face);
  FluflLockGuard *guard = guard_new (lock);

  g_object_unref (lock);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  g_assert_true (flufl_lock_guard_release (guard, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static void
lost (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  FluflLockGuard *guard = guard_new (lock);

  face_remove_everything (face);
  g_assert_false (flufl_lock_guard_release (guard, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  face_assert_sentence (error, face->place.lock);
  g_assert_false (flufl_lock_get_held (lock));

  g_test_message ("The end of a scope says nothing, and the object still knows");
  guard = guard_new (lock);
  face_remove_everything (face);
  flufl_lock_guard_free (guard);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_true (face_is_lost (lock));
}

/* A guard ends its own hold, and none that came later. */
static void
later_hold (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  FluflLockGuard *guard = guard_new (lock);

  face_release (lock);
  face_acquire (lock);
  g_assert_false (((End) data) (guard, &error));
  if (error != NULL)
    g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

static const FluflFsKind kinds[] = { FLUFL_FS_LOCAL, FLUFL_FS_NFS };

/* An operation that the object refuses, since it holds the lock, does not exclude the release. */
static void
refused (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_auto (Reply) acquisition = { 0 };
  FluflLockGuard *guard = guard_new (lock);

  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &acquisition);
  ((End) data) (guard, &error);
  g_assert_no_error (error);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  reply_wait (&acquisition, "the acquisition");
  g_assert_false (flufl_lock_acquire_finish (lock, acquisition.result, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD);
}

/* Another release on the object excludes this one, and does not keep the lock held. */
static void
pending (Face *face, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (FluflLock) lock = NULL;
      g_autoptr (GError) error = NULL;
      g_auto (Reply) reply = { 0 };
      FluflLockGuard *guard;

      lies_fs_kind (kinds[i]);
      lock = face_lock_new (face);
      guard = guard_new (lock);
      flufl_lock_release_async (lock, NULL, reply_cb, &reply);
      g_assert_false (((End) data) (guard, &error));
      /* The worker may have released the lock already. */
      if (error != NULL && !g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD))
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
      g_clear_error (&error);
      FACE_WAIT_FOR (test_place_count (&face->place) == 0);
      g_assert_false (flufl_lock_get_held (lock));
      reply_wait (&reply, "the release");
      if (!flufl_lock_release_finish (lock, reply.result, &error))
        g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
      flufl_lock_guard_free (guard_new (lock));
    }
}

/* Nobody comes back to a lock that cannot be removed, so it has no living holder any more. */
static void
not_removed (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  FluflLockGuard *guard = guard_new (lock);

  lies_fail (LIES_UNLINK, EIO, -1);
  g_assert_false (((End) data) (guard, &error));
  if (error != NULL)
    face_assert_sentence (error, face->place.lock);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  lies_reset ();
  if (flufl_syscalls_native.fs_kind (face->place.dir) == FLUFL_FS_LOCAL)
    g_assert_cmpint (flufl_lock_query_state (other, NULL, NULL), ==, FLUFL_LOCK_STATE_STALE);
  face_acquire (other);
  face_release (other);
}

static gpointer
begin_in_thread (gpointer lock)
{
  return guard_new (lock);
}

static gpointer
end_in_thread (gpointer guard)
{
  flufl_lock_guard_free (guard);
  return NULL;
}

/* It begins in one thread and ends in another. The heartbeat runs in neither. */
static void
threads (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  FluflLockGuard *guard;

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  guard = g_thread_join (g_thread_new ("begins", begin_in_thread, lock));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_thread_join (g_thread_new ("ends", end_in_thread, guard));
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static void
end_in_child (gpointer guard)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (flufl_lock_guard_release (guard, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
}

/* A scope of a forked child ends, and the parent holds the lock. */
static void
forked (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  FluflLockGuard *guard = guard_new (lock);

  face_join (face_fork (end_in_child, guard));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_true (flufl_lock_guard_release (guard, NULL));
}

#define TEST_ENDS(path, func) \
  G_STMT_START \
    { \
      FACE_TEST_WITH (path "/silent", func, end_silently); \
      FACE_TEST_WITH (path "/reported", func, flufl_lock_guard_release); \
    } \
  G_STMT_END

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST ("/guard/fails", fails);
  FACE_TEST ("/guard/cancelled", cancelled);
  FACE_TEST ("/guard/scope", scope);
  FACE_TEST ("/guard/released", released);
  FACE_TEST ("/guard/last-reference", last_reference);
  FACE_TEST ("/guard/lost", lost);
  TEST_ENDS ("/guard/later-hold", later_hold);
  TEST_ENDS ("/guard/refused", refused);
  TEST_ENDS ("/guard/pending", pending);
  TEST_ENDS ("/guard/not-removed", not_removed);
  FACE_TEST ("/guard/threads", threads);
  FACE_TEST ("/guard/forked", forked);
  return g_test_run ();
}
