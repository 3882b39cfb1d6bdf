/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a child made by fork(2) has of its parent's locks: nothing. And what it
 * can do with them: everything that needs no thread.
 */

#include "face-util.h"

#include <errno.h>
#include <unistd.h>

typedef struct
{
  Face      *face;
  FluflLock *lock;
  int        go[2]; /* a pipe: the parent has let go */
} Family;

/* The thread sanitizer ends a forked child that makes one. */
static gboolean
children_may_have_threads (void)
{
#ifdef __SANITIZE_THREAD__
  g_test_skip ("the thread sanitizer is in the way");
  return FALSE;
#else
  return TRUE;
#endif
}

static void
holds_nothing (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (flufl_lock_get_held (lock));
  g_assert_null (flufl_lock_dup_claim_file (lock));
  g_assert_false (flufl_lock_release (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_false (flufl_lock_refresh (lock, -1, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_false (flufl_lock_check (lock, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_THEIRS);
  g_assert_no_error (error);
}

static void
inert_child (gpointer data)
{
  FluflLock *lock = data;
  g_autoptr (GError) error = NULL;

  holds_nothing (lock);
  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_object_unref (lock);
}

static void
disposing_child (gpointer lock)
{
  g_assert_finalize_object (lock);
}

static void
inert (Face *face, gconstpointer data)
{
  FluflHeartbeat heartbeat = (FluflHeartbeat) GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gint64 before;

  flufl_lock_set_heartbeat (lock, heartbeat);
  face_acquire (lock);
  face_join (face_fork (inert_child, lock));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_join (face_fork (disposing_child, lock));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_release (lock);

  /* The parent's heart beats on. */
  if (heartbeat == FLUFL_HEARTBEAT_NONE)
    return;
  flufl_lock_set_lifetime (lock, 600);
  face_acquire (lock);
  face_join (face_fork (disposing_child, lock));
  before = face_mtime (face->place.lock);
  FACE_WAIT_FOR (face_mtime (face->place.lock) > before);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

static void
acquiring_child (gpointer data)
{
  Family *family = data;
  g_autoptr (FluflLock) fresh = face_lock_new (family->face);
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_cmpint (read (family->go[0], &byte, 1), ==, 1);
  g_assert_cmpint (flufl_lock_query_state (family->lock, NULL, NULL), ==,
                   FLUFL_LOCK_STATE_UNLOCKED);
  face_acquire (family->lock);
  g_assert_true (flufl_lock_check (family->lock, NULL, NULL));
  g_assert_cmpint (flufl_lock_query_state (family->lock, NULL, NULL), ==, FLUFL_LOCK_STATE_OURS);
  g_assert_false (flufl_lock_acquire (fresh, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_release (family->lock);
  face_acquire (fresh);
  face_release (fresh);
  /* And one that ends with its object. */
  face_acquire (fresh);
}

static void
acquires (Face *face, gconstpointer data)
{
  FluflHeartbeat heartbeat = (FluflHeartbeat) GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Family family = { .face = face, .lock = lock };
  pid_t child;

  if (heartbeat != FLUFL_HEARTBEAT_NONE && !children_may_have_threads ())
    return;
  g_assert_cmpint (pipe (family.go), ==, 0);
  flufl_lock_set_heartbeat (lock, heartbeat);
  face_acquire (lock);
  child = face_fork (acquiring_child, &family);
  face_release (lock);
  g_assert_cmpint (write (family.go[1], "x", 1), ==, 1);
  face_join (child);
  close (family.go[0]);
  close (family.go[1]);

  face_acquire (lock);
  face_release (lock);
}

static void
looping_child (gpointer data)
{
  gint64 end = g_get_monotonic_time () + 2500 * 1000;

  holds_nothing (data);
  while (g_get_monotonic_time () < end)
    face_pause (G_MAXINT64, "");
}

/* A child that runs the inherited main context refreshes nothing: the parent
 * may be hanging, and shall lose its lock then. */
static void
child_does_not_beat (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gint64 before;

  if (!children_may_have_threads ())
    return;
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_MAIN_CONTEXT);
  /* The beat would come after two seconds. */
  flufl_lock_set_lifetime (lock, 6000);
  face_acquire (lock);
  before = face_mtime (face->place.lock);
  face_join (face_fork (looping_child, lock));
  g_assert_cmpint (face_mtime (face->place.lock), ==, before);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

static void
unblocked_child (gpointer data)
{
  FluflLock *lock = data;

  /* What stalls the parent stalls not us. */
  lies_let_go ();
  holds_nothing (lock);
  g_object_unref (lock);
}

/* The parent's thread that holds a mutex now is not there in the child. */
static void
parents_beat_is_stalled (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_lifetime (lock, 1500);
  face_acquire (lock);
  lies_stall (LIES_UTIMENS, LIES_BEFORE);
  lies_wait_stalled (1);
  face_join (face_fork (unblocked_child, lock));
  lies_let_go ();
  face_release (lock);
}

static void
not_pending_child (gpointer data)
{
  FluflLock *lock = data;

  lies_let_go ();
  face_acquire (lock);
  face_release (lock);
}

/* Nor is the parent's operation under way there. */
static void
parents_operation_runs (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Reply) reply = { 0 };

  lies_stall (LIES_OPEN, LIES_BEFORE);
  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &reply);
  lies_wait_stalled (1);
  face_join (face_fork (not_pending_child, lock));
  lies_let_go ();
  reply_wait (&reply, "acquire");
  g_assert_true (flufl_lock_acquire_finish (lock, reply.result, NULL));
  face_release (lock);
}

int
main (int argc, char *argv[])
{
  gconstpointer none = GINT_TO_POINTER (FLUFL_HEARTBEAT_NONE);
  gconstpointer context = GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT);
  gconstpointer thread = GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD);

  g_test_init (&argc, &argv, NULL);

  FACE_TEST_WITH ("/fork/inert/none", inert, none);
  FACE_TEST_WITH ("/fork/inert/context", inert, context);
  FACE_TEST_WITH ("/fork/inert/thread", inert, thread);
  FACE_TEST_WITH ("/fork/acquires/none", acquires, none);
  FACE_TEST_WITH ("/fork/acquires/context", acquires, context);
  FACE_TEST_WITH ("/fork/acquires/thread", acquires, thread);
  FACE_TEST ("/fork/child-does-not-beat", child_does_not_beat);
  FACE_TEST ("/fork/parents-beat-is-stalled", parents_beat_is_stalled);
  FACE_TEST ("/fork/parents-operation-runs", parents_operation_runs);

  return g_test_run ();
}
