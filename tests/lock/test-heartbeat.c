/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Heartbeats as an application sees them: their beginning, the threads and main contexts that
 * they depend on, and their end.
 */

#include "face-util.h"

#include <errno.h>

#include "flufl-lease.h"

#define LIFETIME 600

static const FluflHeartbeat kinds[] = { FLUFL_HEARTBEAT_MAIN_CONTEXT, FLUFL_HEARTBEAT_THREAD };

static FluflLock *
beating_lock (Face *face, FluflHeartbeat heartbeat)
{
  FluflLock *lock = face_lock_new (face);

  flufl_lock_set_heartbeat (lock, heartbeat);
  flufl_lock_set_lifetime (lock, LIFETIME);
  return lock;
}

static void
wait_for_beat (Face *face)
{
  gint64 before = face_mtime (face->place.lock);

  FACE_WAIT_FOR (face_mtime (face->place.lock) > before);
}

static void
iterate_for (gint64 msec)
{
  gint64 end = g_get_monotonic_time () + msec * 1000;

  while (g_get_monotonic_time () < end)
    face_pause (G_MAXINT64, "");
}

static void
beats (Face *face, gconstpointer data)
{
  const FluflHeartbeat *heartbeat = data;
  g_autoptr (FluflLock) lock = beating_lock (face, *heartbeat);
  g_auto (Heard) lost = { 0 };
  gint64 begun = g_get_monotonic_time ();
  guint n;

  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  face_acquire (lock);
  /* The test takes longer than any single lease. */
  while (g_get_monotonic_time () - begun < 2 * LIFETIME * 1000)
    wait_for_beat (face);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, LIFETIME);
  face_release (lock);

  n = lies_count (LIES_UTIMENS);
  iterate_for (LIFETIME);
  g_assert_cmpuint (lies_count (LIES_UTIMENS), ==, n);
  g_assert_cmpuint (lost.n, ==, 0);

  /* The heartbeat begins again with the next acquisition, in either form. */
  g_assert_true (form_async.acquire (lock, 0, NULL, NULL));
  wait_for_beat (face);
  g_assert_true (form_async.release (lock, NULL, NULL));
}

static void
none_does_not_beat (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = beating_lock (face, FLUFL_HEARTBEAT_NONE);
  guint n;

  face_acquire (lock);
  n = lies_count (LIES_UTIMENS) + lies_count (LIES_LSTAT);
  /* A change of the property takes effect at the next acquisition. */
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  iterate_for (LIFETIME);
  g_assert_cmpuint (lies_count (LIES_UTIMENS) + lies_count (LIES_LSTAT), ==, n);
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, NULL), ==, FLUFL_LOCK_STATE_OURS_EXPIRED);
  face_release (lock);

  face_acquire (lock);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  wait_for_beat (face);
  face_release (lock);
}

/* A main loop that hangs loses its lock. A heartbeat in a thread needs no main loop. */
static void
main_loop_hangs (Face *face, gconstpointer data)
{
  const FluflHeartbeat *heartbeat = data;
  g_autoptr (FluflLock) lock = beating_lock (face, *heartbeat);
  gint64 before;

  face_acquire (lock);
  before = face_mtime (face->place.lock);
  if (*heartbeat == FLUFL_HEARTBEAT_THREAD)
    {
      gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;

      while (face_mtime (face->place.lock) == before)
        {
          g_assert_cmpint (g_get_monotonic_time (), <, give_up);
          g_usleep (1000);
        }
      face_release (lock);
      return;
    }
  while (g_get_real_time () < before)
    g_usleep (1000);
  g_assert_cmpuint (lies_count (LIES_UTIMENS), ==, 0);
}

typedef struct
{
  Face         *face;
  GMainContext *context;
  FluflLock    *lock;
} Elsewhere;

static gpointer
acquire_elsewhere (gpointer data)
{
  Elsewhere *elsewhere = data;

  g_main_context_push_thread_default (elsewhere->context);
  elsewhere->lock = beating_lock (elsewhere->face, FLUFL_HEARTBEAT_MAIN_CONTEXT);
  g_assert_true (form_async.acquire (elsewhere->lock, 0, NULL, NULL));
  wait_for_beat (elsewhere->face);
  g_main_context_pop_thread_default (elsewhere->context);
  return NULL;
}

/* The heartbeat depends on the main context of the acquirer, and on no other. */
static void
of_acquirers_context (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  Elsewhere elsewhere = { face, g_main_context_new (), NULL };
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;
  gint64 before;
  guint n;

  g_thread_join (g_thread_new ("elsewhere", acquire_elsewhere, &elsewhere));
  /* A beat may have begun before. */
  iterate_for (LIFETIME / 6);
  n = lies_count (LIES_UTIMENS);
  if (flufl_lock_get_held (elsewhere.lock))
    {
      iterate_for (LIFETIME / 2); /* the default main context, where no beat runs */
      g_assert_cmpuint (lies_count (LIES_UTIMENS), ==, n);
    }
  if (flufl_lock_get_held (elsewhere.lock))
    {
      before = face_mtime (face->place.lock);
      while (flufl_lock_get_held (elsewhere.lock) && face_mtime (face->place.lock) == before)
        {
          g_assert_cmpint (g_get_monotonic_time (), <, give_up);
          g_main_context_iteration (elsewhere.context, FALSE);
          g_usleep (1000);
        }
    }
  g_object_unref (elsewhere.lock);
  FACE_WAIT_FOR (test_place_count (&face->place) == 0);
  while (g_main_context_iteration (elsewhere.context, FALSE))
    ;
  g_main_context_unref (elsewhere.context);
}

/* A refresh with another lifetime changes the interval of the beats. */
static void
with_refresh (Face *face, gconstpointer data)
{
  const FluflHeartbeat *heartbeat = data;
  g_autoptr (FluflLock) lock = beating_lock (face, *heartbeat);
  gint64 begun;

  flufl_lock_set_lifetime (lock, 3600 * 1000);
  face_acquire (lock);
  g_assert_true (form_async.refresh (lock, LIFETIME, NULL, NULL));
  begun = g_get_monotonic_time ();
  while (g_get_monotonic_time () - begun < 2 * LIFETIME * 1000)
    wait_for_beat (face);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));

  g_assert_true (flufl_lock_refresh (lock, 3600 * 1000, NULL, NULL));
  g_assert_cmpint (face_mtime (face->place.lock), >, g_get_real_time () + 1800 * G_USEC_PER_SEC);
  face_release (lock);
}

/* Many releases and acquisitions between the beats. */
static void
many_cycles (Face *face, gconstpointer data)
{
  const FluflHeartbeat *heartbeat = data;
  g_autoptr (FluflLock) lock = beating_lock (face, *heartbeat);
  g_auto (Heard) lost = { 0 };

  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  flufl_lock_set_lifetime (lock, 30);
  for (guint i = 0; i < (test_is_slow () ? 10 : 100); i++)
    {
      const Form *form = i % 2 == 0 ? &form_sync : &form_async;

      face_acquire_for_moments (form, lock);
      if (i % 3 == 0)
        iterate_for (12);
      form->release (lock, NULL, NULL); /* on a busy machine it may be lost */
      FACE_WAIT_FOR (test_place_count (&face->place) == 0);
    }
  g_test_message ("lost %u times", lost.n);
}

/* The main context does not run until the lease would be over without a refresh. The heartbeat
 * of a thread begins with the win, and keeps the lock. Without a heartbeat, or with one of the
 * main context, the acquisition fails with a loss. */
static void
told_late (Face *face, gconstpointer data)
{
  const FluflHeartbeat heartbeat = (FluflHeartbeat) GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) lock = beating_lock (face, heartbeat);
  g_autoptr (GError) error = NULL;
  g_auto (Heard) lost = { 0 };
  g_auto (Reply) reply = { 0 };
  gboolean won;

  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  flufl_lock_acquire_async (lock, -1, NULL, reply_cb, &reply);
  while (test_place_count (&face->place) < 2)
    g_usleep (1000);
  g_usleep (LIFETIME * 3000 / 2);
  g_assert_false (flufl_lock_get_held (lock));

  reply_wait (&reply, "acquire");
  won = flufl_lock_acquire_finish (lock, reply.result, &error);
  g_assert_true (flufl_lock_get_held (lock) == won);
  if (heartbeat == FLUFL_HEARTBEAT_THREAD)
    {
      g_assert_no_error (error);
      g_assert_true (won);
      face_release (lock);
    }
  else
    {
      g_assert_false (won);
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
    }
  FACE_WAIT_FOR (test_place_count (&face->place) == 0);
  iterate_for (50);
  g_assert_cmpuint (lost.n, ==, 0);
}

/* Another process breaks the lock before the caller hears of the win. */
static void
broken_before_told (Face *face, gconstpointer data)
{
  const FluflHeartbeat heartbeat = (FluflHeartbeat) GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) lock = beating_lock (face, heartbeat);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_auto (Heard) lost = { 0 };
  g_auto (Reply) reply = { 0 };

  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  flufl_lock_acquire_async (lock, -1, NULL, reply_cb, &reply);
  while (test_place_count (&face->place) < 2)
    g_usleep (1000);
  g_usleep (20 * 1000);
  g_assert_true (flufl_lock_break_lock (other, FLUFL_BREAK_FORCE, NULL, NULL));
  g_usleep (LIFETIME * 1000);
  reply_wait (&reply, "acquire");
  g_assert_false (flufl_lock_acquire_finish (lock, reply.result, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  FACE_WAIT_FOR (test_place_count (&face->place) == 0);
  iterate_for (50);
  g_assert_cmpuint (lost.n, ==, 0);
}

typedef struct
{
  Face          *face;
  FluflHeartbeat heartbeat;
} Scarcity;

static void
without_threads (gpointer data)
{
  const Scarcity *scarcity = data;
  Face *face = scarcity->face;
  g_autoptr (FluflLock) lock = beating_lock (face, scarcity->heartbeat);
  g_autoptr (GError) error = NULL;

  flufl_workers_max = 0;
  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  face_assert_sentence (error, face->place.lock);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_clear_error (&error);

  /* An acquisition that needs no thread succeeds. */
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  face_acquire (lock);
  face_release (lock);

  g_assert_false (form_async.acquire (lock, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_assert_false (form_async.check (lock, NULL, NULL));
  flufl_workers_max = G_MAXUINT;
  g_assert_true (form_async.acquire (lock, 0, NULL, NULL));
  face_release (lock);
}

/* Where no thread can be started for the heartbeat, the acquisition fails, and leaves nothing. */
static void
no_threads (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Scarcity scarcity = { face, kinds[i] };

      face_join (face_fork (without_threads, &scarcity));
    }
}

/* A beat waits for another call on the claim. Meanwhile the lease ends, and a release stops the
 * heartbeat. The beat then does nothing, since the lease that it would refresh is gone. */
static void
stopped_amid_beat (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = beating_lock (face, FLUFL_HEARTBEAT_THREAD);
  guint n;

  flufl_lock_set_lifetime (lock, 5 * LIFETIME);
  face_acquire (lock);
  flufl_lease_lock_disk (lock->lease);
  iterate_for (5 * LIFETIME / 3 + LIFETIME / 2); /* the beat waits now */
  lies_pass_time (60 * 1000);
  n = lies_count (LIES_UTIMENS);
  flufl_lease_stop_heart (lock->lease);
  flufl_lease_unlock_disk (lock->lease);
  iterate_for (LIFETIME / 3);
  g_assert_cmpuint (lies_count (LIES_UTIMENS), ==, n);
  flufl_lock_release (lock, NULL, NULL);
}

static void
remaining_lifetime (Face *face, gconstpointer data)
{
  const gint64 hour = 3600 * 1000;
  const Form *form = data;
  g_autoptr (FluflLock) lock = beating_lock (face, FLUFL_HEARTBEAT_NONE);

  flufl_lock_set_lifetime (lock, 2 * hour);
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), ==, 0);
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), >, hour);
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), <=, 2 * hour);
  lies_pass_time (hour);
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), >, 0);
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), <=, hour);
  g_assert_true (form->refresh (lock, 4 * hour, NULL, NULL));
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), >, 3 * hour);
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), <=, 4 * hour);
  lies_pass_time (5 * hour);
  g_assert_true (flufl_lock_get_held (lock)); /* nobody has looked yet */
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), ==, 0);
  g_assert_true (form->refresh (lock, 2 * hour, NULL, NULL));
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), >, hour);
  g_assert_true (form->release (lock, NULL, NULL));
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_WITH ("/heartbeat/beats/context", beats, &kinds[0]);
  FACE_TEST_WITH ("/heartbeat/beats/thread", beats, &kinds[1]);
  FACE_TEST_FORMS ("/heartbeat/remaining-lifetime", remaining_lifetime);
  FACE_TEST ("/heartbeat/none-does-not-beat", none_does_not_beat);
  FACE_TEST_WITH ("/heartbeat/main-loop-hangs/context", main_loop_hangs, &kinds[0]);
  FACE_TEST_WITH ("/heartbeat/main-loop-hangs/thread", main_loop_hangs, &kinds[1]);
  FACE_TEST ("/heartbeat/of-acquirers-context", of_acquirers_context);
  FACE_TEST_WITH ("/heartbeat/with-refresh/context", with_refresh, &kinds[0]);
  FACE_TEST_WITH ("/heartbeat/with-refresh/thread", with_refresh, &kinds[1]);
  FACE_TEST_WITH ("/heartbeat/told-late/none", told_late, GINT_TO_POINTER (FLUFL_HEARTBEAT_NONE));
  FACE_TEST_WITH ("/heartbeat/told-late/context", told_late,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT));
  FACE_TEST_WITH ("/heartbeat/told-late/thread", told_late,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD));
  FACE_TEST_WITH ("/heartbeat/broken-before-told/none", broken_before_told,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_NONE));
  FACE_TEST_WITH ("/heartbeat/broken-before-told/thread", broken_before_told,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD));
  FACE_TEST ("/heartbeat/no-threads", no_threads);
  FACE_TEST ("/heartbeat/stopped-amid-beat", stopped_amid_beat);
  FACE_TEST_WITH ("/heartbeat/many-cycles/context", many_cycles, &kinds[0]);
  FACE_TEST_WITH ("/heartbeat/many-cycles/thread", many_cycles, &kinds[1]);

  return g_test_run ();
}
