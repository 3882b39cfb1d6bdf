/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The main contexts of callbacks and signals, their numbers, and the operations that one object
 * can run at the same time.
 */

#include "face-util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static gpointer
elsewhere_thread (gpointer data)
{
  Face *face = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FluflLock) lock = NULL;
  g_auto (Heard) held = { 0 };

  g_main_context_push_thread_default (context);
  lock = face_lock_new (face);
  g_signal_connect_swapped (lock, "notify::held", G_CALLBACK (heard_cb), &held);
  for (guint i = 0; i < 3; i++)
    {
      g_auto (Reply) reply = { 0 };
      g_autoptr (FluflLockDetails) details = NULL;

      flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &reply);
      g_assert_false (reply.done);
      reply_wait (&reply, "acquire");
      g_assert_true (reply.thread == g_thread_self ());
      g_assert_true (reply.source == G_OBJECT (lock));
      g_assert_true (flufl_lock_acquire_finish (lock, reply.result, NULL));
      g_assert_true (held.thread == g_thread_self ());

      g_assert_true (form_async.check (lock, NULL, NULL));
      g_assert_true (form_async.refresh (lock, -1, NULL, NULL));
      g_assert_cmpint (form_async.query_state (lock, NULL, NULL), ==, FLUFL_LOCK_STATE_OURS);
      details = form_async.query_details (lock, NULL, NULL);
      g_assert_nonnull (details);
      g_assert_true (form_async.release (lock, NULL, NULL));
      g_assert_true (form_async.break_lock (lock, FLUFL_BREAK_NONE, NULL, NULL));
    }
  g_assert_cmpuint (held.n, ==, 6);
  g_assert_finalize_object (g_steal_pointer (&lock));
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* The default main context does not run here. */
static void
other_context (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_thread_join (g_thread_new ("elsewhere", elsewhere_thread, face));
}

static void
count_reply_cb (GObject *source G_GNUC_UNUSED, GAsyncResult *result G_GNUC_UNUSED,
                gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* Errors that are known at once come in the callback, after the call. */
static void
callback_comes_later (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  guint n = 0;

  g_cancellable_cancel (cancelled);
  flufl_lock_acquire_async (lock, 0, cancelled, count_reply_cb, &n);
  g_assert_cmpuint (n, ==, 0);
  flufl_lock_acquire_async (lock, -5, NULL, count_reply_cb, &n);
  g_assert_cmpuint (n, ==, 0);
  flufl_lock_check_async (lock, NULL, count_reply_cb, &n);
  g_assert_cmpuint (n, ==, 0);
  FACE_WAIT_FOR (n == 3);
}

static void
no_callback (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);

  flufl_lock_acquire_async (lock, 0, NULL, NULL, NULL);
  FACE_WAIT_FOR (flufl_lock_get_held (lock));
  flufl_lock_refresh_async (lock, 50000, NULL, NULL, NULL);
  FACE_WAIT_FOR (flufl_lock_get_lifetime (lock) == 50000);
  lies_stall (LIES_LSTAT, LIES_BEFORE);
  flufl_lock_check_async (lock, NULL, NULL, NULL);
  flufl_lock_query_state_async (other, NULL, NULL, NULL);
  lies_wait_stalled (2);
  lies_let_go ();
  FACE_WAIT_FOR (G_OBJECT (other)->ref_count == 1 && G_OBJECT (lock)->ref_count == 1);
  flufl_lock_query_details_async (other, NULL, NULL, NULL);
  FACE_WAIT_FOR (G_OBJECT (other)->ref_count == 1);
  flufl_lock_release_async (lock, NULL, NULL, NULL);
  FACE_WAIT_FOR (!flufl_lock_get_held (lock) && G_OBJECT (lock)->ref_count == 1);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);

  face_acquire (lock);
  flufl_lock_break_lock_async (other, FLUFL_BREAK_FORCE, NULL, NULL, NULL);
  FACE_WAIT_FOR (test_place_count (&face->place) == 0 && G_OBJECT (other)->ref_count == 1);
}

/* An object runs one acquisition, release or break at a time, in either form. Looks and refreshes
 * run beside it. */
static void
pending (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_auto (Reply) reply = { 0 };

  lies_stall (LIES_LINK, LIES_BEFORE);
  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &reply);
  lies_wait_stalled (1);

  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);
  g_assert_false (form->release (lock, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  g_assert_false (form->refresh (lock, -1, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_false (form->check (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_no_error (error);
  g_assert_null (form->query_details (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_assert_false (reply.done);

  lies_let_go ();
  reply_wait (&reply, "acquire");
  g_assert_true (flufl_lock_acquire_finish (lock, reply.result, NULL));
  face_release (lock);
}

typedef struct
{
  FluflLock *lock;
  guint      rounds;
  gboolean   done;
} Chain;

static void chain_released_cb (GObject *source, GAsyncResult *result, gpointer user_data);

static void
chain_acquired_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_acquire_finish (FLUFL_LOCK (source), result, &error));
  g_assert_no_error (error);
  flufl_lock_release_async (FLUFL_LOCK (source), NULL, chain_released_cb, user_data);
}

static void
chain_released_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Chain *chain = user_data;
  g_autoptr (GError) error = NULL;

  if (result != NULL)
    g_assert_true (flufl_lock_release_finish (FLUFL_LOCK (source), result, &error));
  g_assert_no_error (error);
  if (chain->rounds-- == 0)
    chain->done = TRUE;
  else
    flufl_lock_acquire_async (chain->lock, 0, NULL, chain_acquired_cb, chain);
}

/* In a callback the object is free for the next operation. */
static void
next_from_callback (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Chain chain = { lock, 20, FALSE };

  chain_released_cb (NULL, NULL, &chain);
  test_wait_flag (&chain.done, "the chain");
}

static void
check_in_handler (FluflLock *lock, GParamSpec *spec G_GNUC_UNUSED, gpointer user_data)
{
  guint *n = user_data;

  g_assert_cmpint (flufl_lock_check (lock, NULL, NULL), ==, flufl_lock_get_held (lock));
  (*n)++;
}

/* The same holds in the handlers of notify. */
static void
next_from_notify (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  guint n = 0;

  g_signal_connect (lock, "notify::held", G_CALLBACK (check_in_handler), &n);
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
  g_assert_cmpuint (n, ==, 2);
}

static void
waiting_signal (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GFile) claim = NULL;
  g_auto (Heard) waiting = { 0 };
  gint64 begun;

  g_signal_connect (lock, "waiting", G_CALLBACK (heard_waiting_cb), &waiting);
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
  face_acquire (holder);
  claim = flufl_lock_dup_claim_file (holder);
  g_assert_false (form->acquire (lock, 20, NULL, NULL));
  g_assert_cmpuint (waiting.n, ==, 0);

  begun = g_get_monotonic_time ();
  g_assert_false (form->acquire (lock, 700, NULL, NULL));
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 700 * 1000);
  g_assert_cmpuint (waiting.n, ==, 1);
  g_assert_true (waiting.thread == g_thread_self ());
  g_assert_true (g_file_equal (flufl_lock_details_get_claim_file (waiting.details), claim));
  g_assert_cmpint (flufl_lock_details_get_state (waiting.details), ==, FLUFL_LOCK_STATE_THEIRS);

  /* The signal comes once in each acquisition. */
  g_assert_false (form->acquire (lock, 300, NULL, NULL));
  g_assert_cmpuint (waiting.n, ==, 2);
  face_release (holder);
}

typedef struct
{
  Face         *face;
  GCancellable *cancellable;
  guint         n;
} Change;

/* The lock changes hands without a moment in which it is free. */
static void
change_holder (FluflLock *lock G_GNUC_UNUSED, FluflLockDetails *details, Change *change)
{
  g_autofree char *claim = test_place_path (&change->face->place, "x.lock|far.example|12|34");
  g_autofree char *link_path = test_place_path (&change->face->place, "next");

  if (++change->n == 2)
    {
      g_assert_cmpstr (flufl_lock_details_get_host_name (details), ==, "far.example");
      g_cancellable_cancel (change->cancellable);
      return;
    }
  g_assert_true (g_file_set_contents (claim, claim, -1, NULL));
  test_place_date (claim, 600);
  g_assert_cmpint (link (claim, link_path), ==, 0);
  g_assert_cmpint (rename (link_path, change->face->place.lock), ==, 0);
}

static void
waiting_again (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Change change = { face, cancellable, 0 };

  face_acquire (holder);
  flufl_lock_set_waiting_delay (lock, 0);
  g_signal_connect (lock, "waiting", G_CALLBACK (change_holder), &change);
  g_assert_false (form->acquire (lock, TEST_PATIENCE_SEC * 1000, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (change.n, ==, 2);
  test_place_empty (&face->place);
}

static gpointer
waiting_thread (gpointer data)
{
  Face *face = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) waiting = { 0 };

  g_main_context_push_thread_default (context);
  g_signal_connect (lock, "waiting", G_CALLBACK (heard_waiting_cb), &waiting);
  g_assert_false (form_async.acquire (lock, 400, NULL, NULL));
  g_assert_cmpuint (waiting.n, ==, 1);
  g_assert_true (waiting.thread == g_thread_self ());
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
waiting_elsewhere (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);

  face_acquire (holder);
  g_thread_join (g_thread_new ("waiting", waiting_thread, face));
  face_release (holder);
}

/* The result of one operation is not accepted for another one, or for another object. */
static void
finish_is_particular (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_auto (Reply) reply = { 0 };

  flufl_lock_check_async (lock, NULL, reply_cb, &reply);
  reply_wait (&reply, "check");

  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*g_async_result_is_tagged*");
  g_assert_false (flufl_lock_acquire_finish (lock, reply.result, NULL));
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*g_task_is_valid*");
  g_assert_false (flufl_lock_check_finish (other, reply.result, NULL));
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*g_async_result_is_tagged*");
  g_assert_cmpint (flufl_lock_query_state_finish (lock, reply.result, NULL), ==,
                   FLUFL_LOCK_STATE_UNKNOWN);
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*g_async_result_is_tagged*");
  g_assert_null (flufl_lock_query_details_finish (lock, reply.result, NULL));
  g_test_assert_expected_messages ();

  g_assert_false (flufl_lock_check_finish (lock, reply.result, NULL));
}

#define CROWD 100

typedef struct
{
  guint inside;
  guint served;
} Crowd;

static void
crowd_released_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Crowd *crowd = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_release_finish (FLUFL_LOCK (source), result, &error));
  g_assert_no_error (error);
  crowd->served++;
}

static void
crowd_acquired_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Crowd *crowd = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_acquire_finish (FLUFL_LOCK (source), result, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (crowd->inside++, ==, 0);
  crowd->inside--;
  flufl_lock_release_async (FLUFL_LOCK (source), NULL, crowd_released_cb, crowd);
}

static void
crowd (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  Crowd crowd = { 0, 0 };
  g_autoptr (FluflLock) holder = face_lock_new (face);
  FluflLock *locks[CROWD];

  face_acquire (holder);
  for (guint i = 0; i < CROWD; i++)
    {
      locks[i] = face_lock_new (face);
      flufl_lock_acquire_async (locks[i], -1, NULL, crowd_acquired_cb, &crowd);
    }
  /* The lock, and the two waiters that are in front. */
  FACE_WAIT_FOR (test_place_count (&face->place) == 2 + 2);
  face_release (holder);
  FACE_WAIT_FOR (crowd.served == CROWD);
  for (guint i = 0; i < CROWD; i++)
    g_assert_finalize_object (locks[i]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST ("/async/other-context", other_context);
  FACE_TEST ("/async/callback-comes-later", callback_comes_later);
  FACE_TEST ("/async/no-callback", no_callback);
  FACE_TEST_FORMS ("/async/pending", pending);
  FACE_TEST ("/async/next-from-callback", next_from_callback);
  FACE_TEST_FORMS ("/async/next-from-notify", next_from_notify);
  FACE_TEST_FORMS ("/async/waiting-signal", waiting_signal);
  FACE_TEST_FORMS ("/async/waiting-again", waiting_again);
  FACE_TEST ("/async/waiting-elsewhere", waiting_elsewhere);
  FACE_TEST ("/async/finish-is-particular", finish_is_particular);
  FACE_TEST ("/async/crowd", crowd);

  return g_test_run ();
}
