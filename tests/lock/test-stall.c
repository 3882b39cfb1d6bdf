/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A file server that does not answer. Asynchronous operations touch the disk only in other
 * threads, and the caller's main context goes on.
 */

#include "face-util.h"

#include <errno.h>

#define TICK_MSEC 10
#define TICKS 15

static gboolean
tick_cb (gpointer user_data)
{
  guint *ticks = user_data;

  (*ticks)++;
  return G_SOURCE_CONTINUE;
}

/* Counts ticks while every call stalls. */
static void
tick_while_stalled (Reply *reply)
{
  GMainContext *context = g_main_context_ref_thread_default ();
  GSource *tick = g_timeout_source_new (TICK_MSEC);
  guint ticks = 0;

  g_source_set_callback (tick, tick_cb, &ticks, NULL);
  g_source_attach (tick, context);
  FACE_WAIT_FOR (lies_n_stalled () > 0 && ticks >= TICKS);
  g_assert_false (reply->done);
  g_source_destroy (tick);
  g_source_unref (tick);
  g_main_context_unref (context);

  lies_let_go ();
  reply_wait (reply, "the stalled operation");
}

typedef void (*Start) (FluflLock *lock, Reply *reply);
typedef void (*Check) (FluflLock *lock, Reply *reply);

static void
start_acquire (FluflLock *lock, Reply *reply)
{
  flufl_lock_acquire_async (lock, -1, NULL, reply_cb, reply);
}

static void
check_acquire (FluflLock *lock, Reply *reply)
{
  g_assert_true (flufl_lock_acquire_finish (lock, reply->result, NULL));
}

static void
start_release (FluflLock *lock, Reply *reply)
{
  flufl_lock_release_async (lock, NULL, reply_cb, reply);
}

static void
check_release (FluflLock *lock, Reply *reply)
{
  g_assert_true (flufl_lock_release_finish (lock, reply->result, NULL));
}

static void
start_refresh (FluflLock *lock, Reply *reply)
{
  flufl_lock_refresh_async (lock, -1, NULL, reply_cb, reply);
}

static void
check_refresh (FluflLock *lock, Reply *reply)
{
  g_assert_true (flufl_lock_refresh_finish (lock, reply->result, NULL));
}

static void
start_check (FluflLock *lock, Reply *reply)
{
  flufl_lock_check_async (lock, NULL, reply_cb, reply);
}

static void
check_check (FluflLock *lock, Reply *reply)
{
  g_assert_true (flufl_lock_check_finish (lock, reply->result, NULL));
}

static void
start_query_state (FluflLock *lock, Reply *reply)
{
  flufl_lock_query_state_async (lock, NULL, reply_cb, reply);
}

static void
check_query_state (FluflLock *lock, Reply *reply)
{
  g_assert_cmpint (flufl_lock_query_state_finish (lock, reply->result, NULL), ==,
                   FLUFL_LOCK_STATE_OURS);
}

static void
start_query_details (FluflLock *lock, Reply *reply)
{
  flufl_lock_query_details_async (lock, NULL, reply_cb, reply);
}

static void
check_query_details (FluflLock *lock, Reply *reply)
{
  g_autoptr (FluflLockDetails) details
      = flufl_lock_query_details_finish (lock, reply->result, NULL);

  g_assert_cmpint (flufl_lock_details_get_state (details), ==, FLUFL_LOCK_STATE_OURS);
}

static void
start_list_waiters (FluflLock *lock, Reply *reply)
{
  flufl_lock_list_waiters_async (lock, NULL, reply_cb, reply);
}

static void
check_list_waiters (FluflLock *lock, Reply *reply)
{
  g_autoptr (GPtrArray) waiters = flufl_lock_list_waiters_finish (lock, reply->result, NULL);

  g_assert_cmpuint (waiters->len, ==, 0);
}

static void
start_remove_leftovers (FluflLock *lock, Reply *reply)
{
  g_autoptr (GFile) directory = g_file_get_parent (flufl_lock_get_file (lock));

  flufl_lock_remove_leftovers_async (directory, FALSE, NULL, reply_cb, reply);
}

static void
check_remove_leftovers (FluflLock *lock G_GNUC_UNUSED, Reply *reply)
{
  g_autoptr (GPtrArray) removed = flufl_lock_remove_leftovers_finish (reply->result, NULL);

  g_assert_cmpuint (removed->len, ==, 0);
}

static void
start_break_lock (FluflLock *lock, Reply *reply)
{
  flufl_lock_break_lock_async (lock, FLUFL_BREAK_FORCE, NULL, reply_cb, reply);
}

static void
check_break_lock (FluflLock *lock, Reply *reply)
{
  g_assert_true (flufl_lock_break_lock_finish (lock, reply->result, NULL));
}

typedef struct
{
  const char *path;
  Start       start;
  Check       check;
  gboolean    held_before;
  gboolean    other_holds;
  gboolean    held_after;
} Operation;

static const Operation operations[] = {
  { "/stall/main-context-goes-on/acquire", start_acquire, check_acquire, FALSE, FALSE, TRUE },
  { "/stall/main-context-goes-on/release", start_release, check_release, TRUE, FALSE, FALSE },
  { "/stall/main-context-goes-on/refresh", start_refresh, check_refresh, TRUE, FALSE, TRUE },
  { "/stall/main-context-goes-on/check", start_check, check_check, TRUE, FALSE, TRUE },
  { "/stall/main-context-goes-on/query-state", start_query_state, check_query_state, TRUE, FALSE,
    TRUE },
  { "/stall/main-context-goes-on/query-details", start_query_details, check_query_details, TRUE,
    FALSE, TRUE },
  { "/stall/main-context-goes-on/list-waiters", start_list_waiters, check_list_waiters, TRUE, FALSE,
    TRUE },
  { "/stall/main-context-goes-on/remove-leftovers", start_remove_leftovers, check_remove_leftovers,
    TRUE, FALSE, TRUE },
  { "/stall/main-context-goes-on/break-lock", start_break_lock, check_break_lock, FALSE, TRUE,
    FALSE },
};

static void
main_context_goes_on (Face *face, gconstpointer data)
{
  const Operation *operation = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_auto (Reply) reply = { 0 };

  if (operation->held_before)
    face_acquire (lock);
  if (operation->other_holds)
    face_acquire (other);
  lies_forbid (g_thread_self ());
  lies_stall (LIES_ANY, LIES_BEFORE);
  operation->start (lock, &reply);
  tick_while_stalled (&reply);
  operation->check (lock, &reply);
  reply_clear (&reply);

  /* Every call of the operation comes in another thread, stalled or not. */
  if (operation->held_after && !operation->held_before)
    {
      flufl_lock_release_async (lock, NULL, reply_cb, &reply);
      reply_wait (&reply, "release");
      g_assert_true (flufl_lock_release_finish (lock, reply.result, NULL));
    }
  lies_forbid (NULL);
  if (flufl_lock_get_held (lock))
    face_release (lock);
}

/* A long wait, with its signal and its timeout. */
static void
wait_touches_nothing (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Reply) reply = { 0 };
  g_auto (Heard) waiting = { 0 };
  g_autoptr (GError) error = NULL;

  face_acquire (holder);
  g_signal_connect (lock, "waiting", G_CALLBACK (heard_waiting_cb), &waiting);
  lies_forbid (g_thread_self ());
  flufl_lock_acquire_async (lock, 400, NULL, reply_cb, &reply);
  reply_wait (&reply, "acquire");
  g_assert_false (flufl_lock_acquire_finish (lock, reply.result, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_cmpuint (waiting.n, ==, 1);
  lies_forbid (NULL);
  face_release (holder);
}

/* Both kinds of heartbeat touch the disk in other threads. */
static void
heartbeat_touches_nothing (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Reply) reply = { 0 };
  gint64 before;

  flufl_lock_set_heartbeat (lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
  flufl_lock_set_lifetime (lock, 900);
  lies_forbid (g_thread_self ());
  g_assert_true (form_async.acquire (lock, 0, NULL, NULL));
  before = face_mtime (face->place.lock);
  FACE_WAIT_FOR (face_mtime (face->place.lock) > before);

  /* A beat that stalls does not block the main context. A release that is asked for meanwhile ends
   * once the beat goes on. */
  lies_stall (LIES_UTIMENS, LIES_BEFORE);
  FACE_WAIT_FOR (lies_n_stalled () == 1);
  flufl_lock_release_async (lock, NULL, reply_cb, &reply);
  tick_while_stalled (&reply);
  g_assert_true (flufl_lock_release_finish (lock, reply.result, NULL));
  lies_forbid (NULL);
}

#define N_STALLED 64

/* GIO has ten worker threads of its own. */
static void
healthy_one_is_not_kept (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLock *locks[N_STALLED];
  Reply replies[N_STALLED] = { 0 };
  g_autofree char *path = test_place_path (&face->place, "healthy.lock");
  g_autoptr (FluflLock) healthy = NULL;

  lies_stall (LIES_ANY, LIES_BEFORE);
  for (guint i = 0; i < N_STALLED; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.lock", i);
      g_autofree char *stalled = test_place_path (&face->place, name);

      locks[i] = flufl_lock_new_for_path (stalled);
      flufl_lock_acquire_async (locks[i], 0, NULL, reply_cb, &replies[i]);
    }
  lies_wait_stalled (N_STALLED);

  flufl_lock_syscalls = &flufl_syscalls_native;
  healthy = flufl_lock_new_for_path (path);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (form_async.acquire (healthy, 0, NULL, NULL));
      g_assert_true (form_async.refresh (healthy, -1, NULL, NULL));
      g_assert_true (form_async.release (healthy, NULL, NULL));
    }
  g_assert_cmpuint (lies_n_stalled (), ==, N_STALLED);

  lies_let_go ();
  for (guint i = 0; i < N_STALLED; i++)
    {
      reply_wait (&replies[i], "acquire");
      g_assert_true (flufl_lock_acquire_finish (locks[i], replies[i].result, NULL));
      reply_clear (&replies[i]);
      g_assert_finalize_object (locks[i]);
    }
}

/* A stalled waiter delays neither the other waiters nor their timeouts. */
static void
other_waiters_are_not_kept (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *path = test_place_path (&face->place, "other.lock");
  g_autoptr (FluflLock) holder = NULL, waiter = NULL, stalled = face_lock_new (face);
  g_auto (Reply) waits = { 0 }, stalls = { 0 };

  flufl_lock_syscalls = &flufl_syscalls_native;
  holder = flufl_lock_new_for_path (path);
  waiter = flufl_lock_new_for_path (path);
  face_acquire (holder);
  flufl_lock_acquire_async (waiter, 300, NULL, reply_cb, &waits);
  lies_stall (LIES_LINK, LIES_BEFORE);
  flufl_lock_acquire_async (stalled, -1, NULL, reply_cb, &stalls);
  lies_wait_stalled (1);
  reply_wait (&waits, "the other's timeout");
  g_assert_false (flufl_lock_acquire_finish (waiter, waits.result, NULL));
  g_assert_false (stalls.done);
  reply_clear (&waits);

  flufl_lock_acquire_async (waiter, -1, NULL, reply_cb, &waits);
  FACE_WAIT_FOR (test_place_count (&face->place) == 4);
  face_release (holder);
  reply_wait (&waits, "the other's turn");
  g_assert_true (flufl_lock_acquire_finish (waiter, waits.result, NULL));
  g_assert_false (stalls.done);
  lies_let_go ();
  reply_wait (&stalls, "acquire");
  g_assert_true (flufl_lock_acquire_finish (stalled, stalls.result, NULL));
  face_release (waiter);
  face_release (stalled);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    FACE_TEST_WITH (operations[i].path, main_context_goes_on, &operations[i]);
  FACE_TEST ("/stall/wait-touches-nothing", wait_touches_nothing);
  FACE_TEST_WITH ("/stall/heartbeat-touches-nothing/context", heartbeat_touches_nothing,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT));
  FACE_TEST_WITH ("/stall/heartbeat-touches-nothing/thread", heartbeat_touches_nothing,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD));
  FACE_TEST ("/stall/healthy-one-is-not-kept", healthy_one_is_not_kept);
  FACE_TEST ("/stall/other-waiters-are-not-kept", other_waiters_are_not_kept);

  return g_test_run ();
}
