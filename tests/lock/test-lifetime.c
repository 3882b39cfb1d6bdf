/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Objects whose last reference is dropped while an operation runs. Nothing of them stays on
 * disk.
 */

#include "face-util.h"

#include <errno.h>

static void
held_is_released (Face *face, gconstpointer data)
{
  const Form *form = data;
  FluflLock *lock = face_lock_new (face);

  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_finalize_object (lock);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static void
disposed_twice (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLock *lock = face_lock_new (face);

  face_acquire (lock);
  g_object_run_dispose (G_OBJECT (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_false (flufl_lock_get_held (lock));
  g_object_run_dispose (G_OBJECT (lock));
  g_assert_finalize_object (lock);
}

static void
never_used (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_assert_finalize_object (face_lock_new (face));
  g_assert_cmpuint (lies_count (LIES_ANY), ==, 0);
}

static void
heart_beats (Face *face, gconstpointer data)
{
  FluflLock *lock = face_lock_new (face);
  gint64 before;

  flufl_lock_set_heartbeat (lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
  flufl_lock_set_lifetime (lock, 300);
  face_acquire (lock);
  before = face_mtime (face->place.lock);
  FACE_WAIT_FOR (face_mtime (face->place.lock) > before);
  g_assert_finalize_object (lock);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

typedef struct
{
  FluflHeartbeat heartbeat;
  LiesWhen       when;
} Beat;

typedef struct
{
  FluflLock *lock;
  gboolean   run_dispose;
  GThread   *gone_in;
} End;

static void
gone_cb (gpointer data, GObject *where_the_object_was G_GNUC_UNUSED)
{
  End *end = data;

  end->gone_in = g_thread_self ();
}

static gpointer
end_in_thread (gpointer data)
{
  End *end = data;

  if (end->run_dispose)
    {
      g_object_run_dispose (G_OBJECT (end->lock));
      g_assert_false (flufl_lock_get_held (end->lock));
    }
  g_assert_finalize_object (end->lock);
  return NULL;
}

/* Takes no reference, which might be the last one. */
static gboolean
has_object (FluflLease *lease)
{
  gboolean has;

  flufl_lease_lock (lease);
  has = lease->tie != NULL;
  flufl_lease_unlock (lease);
  return has;
}

/* The server does not answer a beat. The thread that drops the last reference waits for the
 * beat, as a release does. Then that thread, and no other, releases the lock and frees the
 * object. */
static void
end_with_beat_in_flight (Face *face, const Beat *beat, gboolean run_dispose)
{
  End end = { face_lock_new (face), run_dispose, NULL };
  FluflLease *lease = flufl_lease_ref (end.lock->lease);
  GThread *thread;

  g_object_weak_ref (G_OBJECT (end.lock), gone_cb, &end);
  flufl_lock_set_heartbeat (end.lock, beat->heartbeat);
  /* The stall must not last until the lease ends. */
  flufl_lock_set_lifetime (end.lock, 6000);
  face_acquire (end.lock);
  lies_stall (LIES_UTIMENS, beat->when);
  FACE_WAIT_FOR (lies_n_stalled () == 1);
  thread = g_thread_new ("ends it", end_in_thread, &end);
  FACE_WAIT_FOR (!has_object (lease));
  g_assert_cmpuint (lies_n_stalled (), ==, 1);
  lies_let_go ();
  g_thread_join (thread);
  g_assert_true (end.gone_in == thread);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  flufl_lease_unref (lease);
}

static void
beat_in_flight (Face *face, gconstpointer data)
{
  end_with_beat_in_flight (face, data, FALSE);
}

static void
disposed_in_beat (Face *face, gconstpointer data)
{
  end_with_beat_in_flight (face, data, TRUE);
}

/* The operation keeps the object until it has ended, and its result has been reported. */
static void
last_reference_while_waiting (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  FluflLock *lock = face_lock_new (face), *seen = lock;
  g_auto (Reply) reply = { 0 };

  g_object_add_weak_pointer (G_OBJECT (lock), (gpointer *) &seen);
  face_acquire (holder);
  flufl_lock_acquire_async (lock, -1, NULL, reply_cb, &reply);
  g_object_unref (lock);
  FACE_WAIT_FOR (test_place_count (&face->place) == 3);
  g_assert_nonnull (seen);
  face_release (holder);
  reply_wait (&reply, "acquire");
  g_assert_true (flufl_lock_acquire_finish (FLUFL_LOCK (reply.source), reply.result, NULL));
  g_assert_true (flufl_lock_get_held (seen));
  reply_clear (&reply);
  FACE_WAIT_FOR (seen == NULL);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static void
ignore_cb (GObject *source G_GNUC_UNUSED, GAsyncResult *result G_GNUC_UNUSED, gpointer user_data)
{
  gboolean *called = user_data;

  *called = TRUE;
}

/* No caller asks for the result, so the lock that was won does not stay. */
static void
nobody_finishes (Face *face, gconstpointer data)
{
  gboolean has_callback = GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) holder = face_lock_new (face);
  FluflLock *lock = face_lock_new (face), *seen = lock;
  gboolean called = !has_callback;

  g_object_add_weak_pointer (G_OBJECT (lock), (gpointer *) &seen);
  face_acquire (holder);
  flufl_lock_acquire_async (lock, -1, NULL, has_callback ? ignore_cb : NULL, &called);
  g_object_unref (lock);
  FACE_WAIT_FOR (test_place_count (&face->place) == 3);
  face_release (holder);
  FACE_WAIT_FOR (seen == NULL);
  g_assert_true (called);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static void
drop_cb (FluflLock *lock, GParamSpec *spec G_GNUC_UNUSED, gpointer user_data)
{
  FluflLock **owned = user_data;

  g_assert_true (*owned == lock);
  g_clear_object (owned);
}

/* A handler drops the only reference while the operation runs. */
static void
dropped_in_handler (Face *face, gconstpointer data)
{
  const Form *form = data;
  FluflLock *lock = face_lock_new (face), *seen = lock;

  g_object_add_weak_pointer (G_OBJECT (lock), (gpointer *) &seen);
  g_signal_connect (lock, "notify::held", G_CALLBACK (drop_cb), &lock);
  if (form == &form_sync)
    g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  else
    flufl_lock_acquire_async (lock, 0, NULL, NULL, NULL);
  FACE_WAIT_FOR (seen == NULL);
  g_assert_null (lock);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

/* A release goes on after the owner has dropped its object. */
static void
last_reference_while_releasing (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLock *lock = face_lock_new (face), *seen = lock;

  g_object_add_weak_pointer (G_OBJECT (lock), (gpointer *) &seen);
  face_acquire (lock);
  lies_stall (LIES_UNLINK, LIES_BEFORE);
  flufl_lock_release_async (lock, NULL, NULL, NULL);
  lies_wait_stalled (1);
  g_object_unref (lock);
  lies_let_go ();
  FACE_WAIT_FOR (seen == NULL);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

int
main (int argc, char *argv[])
{
  const Beat beats[] = {
    { FLUFL_HEARTBEAT_MAIN_CONTEXT, LIES_BEFORE },
    { FLUFL_HEARTBEAT_MAIN_CONTEXT, LIES_AFTER },
    { FLUFL_HEARTBEAT_THREAD, LIES_BEFORE },
    { FLUFL_HEARTBEAT_THREAD, LIES_AFTER },
  };

  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/lifetime/held-is-released", held_is_released);
  FACE_TEST ("/lifetime/disposed-twice", disposed_twice);
  FACE_TEST ("/lifetime/never-used", never_used);
  FACE_TEST_WITH ("/lifetime/heart-beats/context", heart_beats,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT));
  FACE_TEST_WITH ("/lifetime/heart-beats/thread", heart_beats,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD));
  FACE_TEST_WITH ("/lifetime/beat-in-flight/context/before", beat_in_flight, &beats[0]);
  FACE_TEST_WITH ("/lifetime/beat-in-flight/context/after", beat_in_flight, &beats[1]);
  FACE_TEST_WITH ("/lifetime/beat-in-flight/thread/before", beat_in_flight, &beats[2]);
  FACE_TEST_WITH ("/lifetime/beat-in-flight/thread/after", beat_in_flight, &beats[3]);
  FACE_TEST_WITH ("/lifetime/disposed-in-beat/context", disposed_in_beat, &beats[0]);
  FACE_TEST_WITH ("/lifetime/disposed-in-beat/thread", disposed_in_beat, &beats[2]);
  FACE_TEST ("/lifetime/last-reference-while-waiting", last_reference_while_waiting);
  FACE_TEST_WITH ("/lifetime/nobody-finishes/callback", nobody_finishes, GINT_TO_POINTER (TRUE));
  FACE_TEST_WITH ("/lifetime/nobody-finishes/no-callback", nobody_finishes,
                  GINT_TO_POINTER (FALSE));
  FACE_TEST_FORMS ("/lifetime/dropped-in-handler", dropped_in_handler);
  FACE_TEST ("/lifetime/last-reference-while-releasing", last_reference_while_releasing);

  return g_test_run ();
}
