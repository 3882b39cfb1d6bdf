/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a child made by fork(2) has of its parent's locks: nothing.
 */

#include "face-util.h"

#include <errno.h>
#include <unistd.h>

/* A child that hangs has failed long before the parent loses patience. */
#define CHILD_PATIENCE_SEC (face_is_slow () ? 60 : 20)

static void
touch_nothing (FluflLock *lock)
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

  alarm ((guint) CHILD_PATIENCE_SEC);
  touch_nothing (lock);
  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_object_unref (lock);
}

static void
disposing_child (gpointer lock)
{
  alarm ((guint) CHILD_PATIENCE_SEC);
  g_assert_finalize_object (lock);
}

static void
inert (Face *face, gconstpointer data)
{
  FluflHeartbeat heartbeat = (FluflHeartbeat) GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gint64 before;

  flufl_lock_set_heartbeat (lock, heartbeat);
  if (heartbeat != FLUFL_HEARTBEAT_NONE)
    flufl_lock_set_lifetime (lock, 600);
  face_acquire (lock);
  face_in_child (inert_child, lock);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_in_child (disposing_child, lock);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);

  /* The parent's heart beats on. */
  if (heartbeat != FLUFL_HEARTBEAT_NONE)
    {
      before = face_mtime (face->place.lock);
      FACE_WAIT_FOR (face_mtime (face->place.lock) > before);
    }
  face_release (lock);
}

typedef struct
{
  Face      *face;
  FluflLock *lock;
  int        pipe[2];
} Relay;

static void
acquiring_child (gpointer data)
{
  Relay *relay = data;
  g_autoptr (FluflLock) fresh = face_lock_new (relay->face);
  g_autoptr (GError) error = NULL;
  char byte;

  alarm ((guint) CHILD_PATIENCE_SEC);
  touch_nothing (relay->lock);
  /* The parent lets go now: it waits for us only after this thread did. */
  g_assert_cmpint (read (relay->pipe[0], &byte, 1), ==, 1);

  face_acquire (relay->lock);
  g_assert_true (flufl_lock_check (relay->lock, NULL, NULL));
  g_assert_cmpint (flufl_lock_query_state (relay->lock, NULL, NULL), ==, FLUFL_LOCK_STATE_OURS);
  g_assert_false (flufl_lock_acquire (fresh, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_release (relay->lock);
  face_acquire (fresh);
  face_release (fresh);
  /* And one that ends with its object. */
  face_acquire (fresh);
}

static gpointer
release_thread (gpointer data)
{
  Relay *relay = data;

  face_release (relay->lock);
  g_assert_cmpint (write (relay->pipe[1], "x", 1), ==, 1);
  return NULL;
}

static gboolean
release_later_cb (gpointer data)
{
  release_thread (data);
  return G_SOURCE_REMOVE;
}

/* The inherited object is as good as a new one once the parent has let go. */
static void
acquires (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Relay relay = { .face = face, .lock = lock };
  GThread *thread;

  g_assert_cmpint (pipe (relay.pipe), ==, 0);
  face_acquire (lock);
  /* The fork comes first: the thread waits for the child's own look. */
  thread = g_thread_new ("main-loop", NULL, NULL);
  (void) thread;
  (void) release_later_cb;
  (void) acquiring_child;
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST_WITH ("/fork/inert/none", inert, GINT_TO_POINTER (FLUFL_HEARTBEAT_NONE));
  (void) acquires;
  return g_test_run ();
}
