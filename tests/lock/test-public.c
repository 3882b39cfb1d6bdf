/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The shared library and its public header alone: every function is there, and
 * none that is not declared is needed.
 */

#include <libflufllock.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "flufl-test-util.h"

typedef struct
{
  gboolean      done;
  GAsyncResult *result;
} Reply;

static Reply reply;

static void
reply_cb (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer unused G_GNUC_UNUSED)
{
  g_set_object (&reply.result, result);
  reply.done = TRUE;
}

static GAsyncResult *
answer (void)
{
  reply.done = FALSE;
  test_wait_flag (&reply.done, "an answer");
  return reply.result;
}

static void
properties (void)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/nowhere/x.lock");
  g_autoptr (FluflLock) lock = flufl_lock_new (file);
  g_autoptr (FluflLock) beside = NULL;
  g_autoptr (GCancellable) lost = NULL, work = NULL;
  g_autoptr (GError) stopped = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped");
  g_autoptr (GError) reason = NULL;
  const int errnos[] = { EAGAIN };
  g_autofree int *got = NULL;
  gsize n;

  g_assert_true (flufl_lock_get_file (lock) == file);
  g_assert_cmpstr (flufl_lock_get_separator (lock), ==, "|");
  flufl_lock_set_lifetime (lock, 5);
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 5);
  flufl_lock_set_default_timeout (lock, 6);
  g_assert_cmpint (flufl_lock_get_default_timeout (lock), ==, 6);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  g_assert_cmpint (flufl_lock_get_heartbeat (lock), ==, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_break_dead (lock, FALSE);
  g_assert_false (flufl_lock_get_break_dead (lock));
  flufl_lock_set_release_at_exit (lock, FALSE);
  g_assert_false (flufl_lock_get_release_at_exit (lock));
  flufl_lock_abandon (lock);
  g_assert_true (flufl_lock_release_all (0));
  flufl_lock_set_waiting_delay (lock, 20);
  g_assert_cmpint (flufl_lock_get_waiting_delay (lock), ==, 20);
  flufl_lock_set_linger (lock, TRUE);
  g_assert_true (flufl_lock_get_linger (lock));
  g_assert_false (flufl_lock_get_without_links (lock));
  g_assert_nonnull (flufl_lock_get_host_name (lock));
  g_assert_null (flufl_lock_get_program_name (lock));
  g_assert_null (flufl_lock_dup_claim_file (lock));
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpint (flufl_lock_get_remaining_lifetime (lock), ==, 0);
  lost = flufl_lock_dup_lost_cancellable (lock);
  g_assert_false (g_cancellable_is_cancelled (lost));
  g_assert_null (flufl_lock_dup_lost_error (lock));
  work = flufl_lock_dup_work_cancellable (lock, lost);
  g_assert_false (g_cancellable_is_cancelled (work));
  reason = flufl_lock_explain_error (lock, stopped);
  g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  beside = flufl_lock_new_beside (file);
  g_assert_cmpstr (g_file_peek_path (flufl_lock_get_file (beside)), ==, "/nowhere/x.lock.lock");
  flufl_lock_set_retry_errnos (lock, errnos, G_N_ELEMENTS (errnos));
  got = flufl_lock_get_retry_errnos (lock, &n);
  g_assert_cmpmem (got, n * sizeof (int), errnos, sizeof errnos);
}

static void
operations (void)
{
  TestPlace place;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (FluflLock) other = NULL;
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (FluflLockDetails) again = NULL;
  g_autoptr (GFile) directory = NULL;
  g_autoptr (GPtrArray) waiters = NULL;
  g_autoptr (GPtrArray) removed = NULL;
  g_autoptr (GPtrArray) waiters_again = NULL, removed_again = NULL;

  test_place_init (&place);
  lock = flufl_lock_new_for_path (place.lock);
  other = flufl_lock_new_for_path (place.lock);
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  waiters = flufl_lock_list_waiters (lock, NULL, NULL);
  g_assert_cmpuint (waiters->len, ==, 0);
  directory = g_file_get_parent (flufl_lock_get_file (lock));
  removed = flufl_lock_remove_leftovers (directory, FALSE, NULL, NULL);
  g_assert_cmpuint (removed->len, ==, 0);
  g_assert_true (flufl_lock_refresh (lock, -1, NULL, NULL));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, NULL), ==, FLUFL_LOCK_STATE_OURS);
  details = flufl_lock_query_details (lock, NULL, NULL);
  again = flufl_lock_details_copy (details);
  g_assert_cmpint (flufl_lock_details_get_pid (again), >, 0);
  g_assert_nonnull (flufl_lock_details_get_host_name (again));
  g_assert_true (flufl_lock_details_is_own_process (again));
  g_assert_cmpstr (flufl_lock_details_get_program_name (again), ==, "test-public");
  g_assert_cmpstr (flufl_lock_details_get_user_name (again), !=, "");
  g_assert_cmpstr (flufl_lock_details_get_real_name (again), !=, "");
  g_assert_nonnull (flufl_lock_details_get_acquisition (again));
  g_assert_nonnull (flufl_lock_details_get_lock_file (again));
  g_assert_nonnull (flufl_lock_details_get_claim_file (again));
  g_assert_nonnull (flufl_lock_details_get_expiration (again));
  g_assert_cmpint (flufl_lock_details_get_state (again), ==, FLUFL_LOCK_STATE_OURS);
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  g_assert_true (flufl_lock_break_lock (other, FLUFL_BREAK_NONE, NULL, NULL));
  g_assert_true (flufl_lock_break_lock_of (other, details, FLUFL_BREAK_NONE, NULL, NULL));

  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, NULL);
  g_assert_true (flufl_lock_acquire_finish (lock, answer (), NULL));
  flufl_lock_refresh_async (lock, -1, NULL, reply_cb, NULL);
  g_assert_true (flufl_lock_refresh_finish (lock, answer (), NULL));
  flufl_lock_check_async (lock, NULL, reply_cb, NULL);
  g_assert_true (flufl_lock_check_finish (lock, answer (), NULL));
  flufl_lock_query_state_async (lock, NULL, reply_cb, NULL);
  g_assert_cmpint (flufl_lock_query_state_finish (lock, answer (), NULL), ==,
                   FLUFL_LOCK_STATE_OURS);
  flufl_lock_query_details_async (lock, NULL, reply_cb, NULL);
  flufl_lock_details_free (flufl_lock_query_details_finish (lock, answer (), NULL));
  flufl_lock_list_waiters_async (lock, NULL, reply_cb, NULL);
  waiters_again = flufl_lock_list_waiters_finish (lock, answer (), NULL);
  g_assert_cmpuint (waiters_again->len, ==, 0);
  flufl_lock_remove_leftovers_async (directory, FALSE, NULL, reply_cb, NULL);
  removed_again = flufl_lock_remove_leftovers_finish (answer (), NULL);
  g_assert_cmpuint (removed_again->len, ==, 0);
  flufl_lock_release_async (lock, NULL, reply_cb, NULL);
  g_assert_true (flufl_lock_release_finish (lock, answer (), NULL));
  flufl_lock_break_lock_async (other, FLUFL_BREAK_FORCE, NULL, reply_cb, NULL);
  g_assert_true (flufl_lock_break_lock_finish (other, answer (), NULL));
  flufl_lock_break_lock_of_async (other, details, FLUFL_BREAK_FORCE, NULL, reply_cb, NULL);
  g_assert_true (flufl_lock_break_lock_of_finish (other, answer (), NULL));
  g_clear_object (&reply.result);
  test_place_clear (&place);
}

static void
operation_of_one_holder (void)
{
  TestPlace place;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (FluflLock) other = NULL;
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (FluflOperation) operation = NULL;

  test_place_init (&place);
  lock = flufl_lock_new_for_path (place.lock);
  other = flufl_lock_new_for_path (place.lock);
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  details = flufl_lock_query_details (other, NULL, NULL);
  operation = flufl_operation_new_break_lock_of (other, details, FLUFL_BREAK_FORCE, NULL);
  g_assert_true (flufl_operation_run (operation, -1, -1));
  g_assert_true (flufl_operation_get_answer (operation));
  g_assert_false (flufl_lock_check (lock, NULL, NULL));
  test_place_clear (&place);
}

static void
documents (void)
{
  TestPlace place;
  g_autoptr (GFile) document = NULL;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL, second = NULL;

  test_place_init (&place);
  document = g_file_new_for_path (place.lock);
  lock = flufl_lock_new_for_document (document);
  g_assert_true (flufl_lock_get_document (lock) == document);
  g_assert_cmpstr (flufl_lock_get_subject (lock), ==, place.lock);
  flufl_lock_set_subject (lock, "x");
  g_assert_cmpstr (flufl_lock_get_subject (lock), ==, "x");
  g_assert_null (flufl_lock_query_foreign_details (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_assert_false (flufl_error_means_unavailable (error));
  g_assert_true (flufl_error_code_means_unavailable (G_IO_ERROR, G_IO_ERROR_READ_ONLY));
  flufl_lock_query_foreign_details_async (lock, NULL, reply_cb, NULL);
  g_assert_null (flufl_lock_query_foreign_details_finish (lock, answer (), &second));
  g_assert_error (second, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_object (&reply.result);
  test_place_clear (&place);
}

static void
guards (void)
{
  TestPlace place;
  g_autoptr (FluflLock) lock = NULL;

  test_place_init (&place);
  lock = flufl_lock_new_for_path (place.lock);
  for (int released = 0; released <= 1; released++)
    {
      g_autoptr (FluflLockGuard) guard = flufl_lock_guard_new (lock, 0, NULL, NULL);

      g_assert_nonnull (guard);
      g_assert_cmpuint (test_place_count (&place), ==, 2);
      if (released)
        g_assert_true (flufl_lock_guard_release (g_steal_pointer (&guard), NULL));
    }
  flufl_lock_guard_free (flufl_lock_guard_new (lock, 0, NULL, NULL));
  g_assert_cmpuint (test_place_count (&place), ==, 0);
  test_place_clear (&place);
}

static FluflOperation *
run (FluflLock *lock, FluflOperationKind kind, gint64 value)
{
  FluflOperation *operation = flufl_operation_new (lock, kind, value, NULL);

  g_assert_true (flufl_operation_run (operation, -1, -1));
  g_assert_false (flufl_operation_get_error (operation, NULL, NULL, NULL, NULL));
  return operation;
}

static guint
win_lease (FluflLock *lock)
{
  g_autoptr (FluflOperation) won = run (lock, FLUFL_OPERATION_KIND_ACQUIRE, 0);

  g_assert_true (flufl_operation_get_answer (won));
  return flufl_operation_get_lease (won);
}

static void
stepwise (void)
{
  TestPlace place;
  g_autoptr (FluflLock) lock = NULL, other = NULL;
  g_autoptr (FluflOperation) won = NULL, state = NULL, details = NULL, waits = NULL, fails = NULL;
  const char *message;
  GQuark domain;
  int code, errsv, pipe_fds[2];

  test_place_init (&place);
  lock = flufl_lock_new_for_path (place.lock);
  other = flufl_lock_new_for_path (place.lock);

  won = run (lock, FLUFL_OPERATION_KIND_ACQUIRE, 0);
  g_assert_true (flufl_operation_get_answer (won));
  state = run (lock, FLUFL_OPERATION_KIND_QUERY_STATE, 0);
  g_assert_cmpint (flufl_operation_get_state (state), ==, FLUFL_LOCK_STATE_OURS);
  details = run (lock, FLUFL_OPERATION_KIND_QUERY_DETAILS, 0);
  flufl_lock_details_free (flufl_operation_steal_details (details));
  g_assert_null (flufl_operation_steal_details (details));

  g_test_message ("It keeps its place from one slice to the next, until it is dropped");
  waits = flufl_operation_new (other, FLUFL_OPERATION_KIND_ACQUIRE, -1, NULL);
  g_assert_false (flufl_operation_run (waits, -1, 0));
  g_assert_false (flufl_operation_run (waits, -1, 1));
  g_assert_cmpint (pipe (pipe_fds), ==, 0);
  g_assert_cmpint (write (pipe_fds[1], "x", 1), ==, 1);
  g_assert_false (flufl_operation_run (waits, pipe_fds[0], -1));
  close (pipe_fds[0]);
  close (pipe_fds[1]);
  g_assert_cmpuint (test_place_count (&place), ==, 3);
  flufl_operation_drop (waits);
  g_assert_cmpuint (test_place_count (&place), ==, 2);

  g_test_message ("What nobody has read is given back with the last reference");
  flufl_operation_unref (flufl_operation_ref (won));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  flufl_operation_unref (run (lock, FLUFL_OPERATION_KIND_ACQUIRE, 0));
  g_assert_cmpuint (test_place_count (&place), ==, 0);

  g_test_message ("Nor does it release what was acquired since");
  for (int dropped = 0; dropped <= 1; dropped++)
    {
      FluflOperation *past = run (lock, FLUFL_OPERATION_KIND_ACQUIRE, 0);

      g_assert_true (flufl_lock_release (lock, NULL, NULL));
      g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
      if (dropped)
        flufl_operation_drop (past);
      flufl_operation_unref (past);
      g_assert_true (flufl_lock_check (lock, NULL, NULL));
      g_assert_true (flufl_lock_release (lock, NULL, NULL));
    }

  fails = flufl_operation_new (lock, FLUFL_OPERATION_KIND_RELEASE, 0, NULL);
  g_assert_true (flufl_operation_run (fails, -1, -1));
  g_assert_true (flufl_operation_get_error (fails, &domain, &code, &message, &errsv));
  g_assert_cmpuint (domain, ==, FLUFL_LOCK_ERROR);
  g_assert_cmpint (code, ==, FLUFL_LOCK_ERROR_NOT_HELD);
  g_assert_nonnull (strstr (message, place.lock));
  g_assert_cmpint (errsv, ==, 0);
  test_place_clear (&place);
}

static void
assert_ends (FluflLock *lock, guint lease, FluflLockError code)
{
  g_autoptr (FluflOperation) end
      = flufl_operation_new (lock, FLUFL_OPERATION_KIND_END_LEASE, lease, NULL);
  GQuark domain;
  int error;

  g_assert_true (flufl_operation_run (end, -1, -1));
  g_assert_true (flufl_operation_get_error (end, &domain, &error, NULL, NULL));
  g_assert_cmpuint (domain, ==, FLUFL_LOCK_ERROR);
  g_assert_cmpint (error, ==, code);
}

/* What bindings make scopes of, as C has FluflLockGuard. */
static void
scopes (void)
{
  TestPlace place;
  g_autoptr (FluflLock) lock = NULL;
  guint first, lost, last;

  test_place_init (&place);
  lock = flufl_lock_new_for_path (place.lock);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (FluflOperation) won = run (lock, FLUFL_OPERATION_KIND_ACQUIRE, 0);
      g_autoptr (FluflOperation) end = NULL;

      first = flufl_operation_get_lease (won);
      g_assert_true (flufl_operation_get_answer (won));
      end = flufl_operation_new (lock, FLUFL_OPERATION_KIND_END_LEASE, first, NULL);
      g_assert_cmpuint (flufl_operation_get_lease (end), ==, 0);
      if (i == 0)
        g_assert_true (flufl_operation_run (end, -1, -1));
      else
        flufl_operation_drop (end); /* the lock is given up */
      g_assert_false (flufl_lock_get_held (lock));
      g_assert_cmpuint (test_place_count (&place), ==, 0);
    }

  lost = win_lease (lock);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  g_assert_false (flufl_lock_check (lock, NULL, NULL));
  last = win_lease (lock);
  g_test_message ("A scope reports its own loss, and leaves the lock of a later one alone");
  assert_ends (lock, lost, FLUFL_LOCK_ERROR_LOST);
  assert_ends (lock, first, FLUFL_LOCK_ERROR_NOT_HELD);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));

  g_test_message ("A failure gives the lock up");
  {
    g_autoptr (GCancellable) cancelled = g_cancellable_new ();
    g_autoptr (FluflOperation) end
        = flufl_operation_new (lock, FLUFL_OPERATION_KIND_END_LEASE, last, cancelled);

    g_cancellable_cancel (cancelled);
    g_assert_true (flufl_operation_run (end, -1, -1));
    g_assert_false (flufl_operation_get_answer (end));
    g_assert_false (flufl_lock_get_held (lock));
  }
  test_place_clear (&place);
}

static void
monitors (void)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/nowhere/x.lock");
  g_autoptr (FluflLock) lock = flufl_lock_new (file);
  g_autoptr (FluflLockMonitor) monitor = flufl_lock_monitor_new (file);
  g_autoptr (FluflLockMonitor) same = flufl_lock_monitor_new_for_lock (lock);
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_monitor_get_file (same) == flufl_lock_monitor_get_file (monitor));
  g_assert_cmpint (flufl_lock_monitor_get_interval (monitor), ==, 2000);
  flufl_lock_monitor_set_interval (monitor, 100);
  while (!flufl_lock_monitor_get_ready (monitor))
    g_main_context_iteration (NULL, TRUE);
  error = flufl_lock_monitor_dup_error (monitor);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (flufl_lock_monitor_get_state (monitor), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_null (flufl_lock_monitor_get_details (monitor));
}

static void
wanted (void)
{
  TestPlace place;
  FluflLock *lock;

  test_place_init (&place);
  lock = flufl_lock_new_for_path (place.lock);
  flufl_lock_set_watch_wanted (lock, TRUE);
  g_assert_true (flufl_lock_get_watch_wanted (lock));
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  g_assert_false (flufl_lock_get_wanted (lock));
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  g_object_unref (lock);
  test_place_clear (&place);
}

static void
types (void)
{
  g_assert_true (G_TYPE_IS_FINAL (FLUFL_TYPE_LOCK_MONITOR));
  g_assert_true (g_type_is_a (FLUFL_TYPE_LOCK, G_TYPE_OBJECT));
  g_assert_true (G_TYPE_IS_FINAL (FLUFL_TYPE_LOCK));
  g_assert_true (G_TYPE_IS_BOXED (FLUFL_TYPE_LOCK_DETAILS));
  g_assert_true (G_TYPE_IS_BOXED (FLUFL_TYPE_OPERATION));
  g_assert_true (G_TYPE_IS_ENUM (FLUFL_TYPE_OPERATION_KIND));
  g_assert_true (G_TYPE_IS_ENUM (FLUFL_TYPE_LOCK_STATE));
  g_assert_true (G_TYPE_IS_ENUM (FLUFL_TYPE_LOCK_ERROR));
  g_assert_true (G_TYPE_IS_ENUM (FLUFL_TYPE_HEARTBEAT));
  g_assert_true (G_TYPE_IS_FLAGS (FLUFL_TYPE_BREAK_FLAGS));
  g_assert_cmpuint (flufl_lock_error_quark (), ==, FLUFL_LOCK_ERROR);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/public/properties", properties);
  g_test_add_func ("/public/operations", operations);
  g_test_add_func ("/public/operation-of-one-holder", operation_of_one_holder);
  g_test_add_func ("/public/guards", guards);
  g_test_add_func ("/public/documents", documents);
  g_test_add_func ("/public/stepwise", stepwise);
  g_test_add_func ("/public/scopes", scopes);
  g_test_add_func ("/public/monitors", monitors);
  g_test_add_func ("/public/wanted", wanted);
  g_test_add_func ("/public/types", types);
  return g_test_run ();
}
