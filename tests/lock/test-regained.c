/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Objects that have lost their lock, and acquire or break it before the loss is reported.
 */

#include "face-util.h"

/* Waits until the object counts as the holder no more. No main context runs meanwhile, so nothing is
 * reported. */
static void
wait_for_loss (FluflLock *lock)
{
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;

  while (flufl_lock_get_held (lock))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, give_up);
      g_usleep (1000);
    }
}

static void
run_pending_sources (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
assert_holds (FluflLock *lock)
{
  g_assert_true (flufl_lock_get_held (lock));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_false (face_is_lost (lock));
  g_assert_null (flufl_lock_dup_lost_error (lock));
}

static void
test_before_report (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gboolean checks = GPOINTER_TO_INT (data);
  g_auto (Heard) lost = { 0 };
  g_auto (Reply) reply = { 0 };
  g_autoptr (GError) error = NULL;

  g_test_summary ("An operation has found a loss, and the lock is acquired before it reports that");
  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  face_acquire (lock);
  face_remove_everything (face);
  if (checks)
    flufl_lock_check_async (lock, NULL, reply_cb, &reply);
  else
    flufl_lock_refresh_async (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, reply_cb, &reply);
  wait_for_loss (lock);
  face_acquire (lock);
  reply_wait (&reply, "the operation that has found the loss");
  if (checks)
    g_assert_false (flufl_lock_check_finish (lock, reply.result, &error));
  else
    g_assert_false (flufl_lock_refresh_finish (lock, reply.result, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  run_pending_sources ();
  g_assert_cmpuint (lost.n, ==, 0);
  assert_holds (lock);
  face_release (lock);
}

static void
acquire_again_cb (FluflLock *lock)
{
  if (!flufl_lock_get_held (lock))
    face_acquire (lock);
}

static void
test_in_handler (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) lost = { 0 };
  g_autoptr (GError) error = NULL;
  gulong handler;

  g_test_summary ("A handler of notify::held acquires the lock, which does not count as lost then");
  face_acquire (lock);
  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  handler = g_signal_connect (lock, "notify::held", G_CALLBACK (acquire_again_cb), NULL);
  face_remove_everything (face);
  g_assert_false (form->check (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  run_pending_sources ();
  g_assert_cmpuint (lost.n, ==, 0);
  assert_holds (lock);
  g_signal_handler_disconnect (lock, handler);
  face_release (lock);
}

static gpointer
acquire_thread (gpointer lock)
{
  face_acquire (lock);
  return NULL;
}

/* Stands for a language binding, whose toggle notification waits for another thread. */
static void
toggle_cb (gpointer data, GObject *lock, gboolean is_last)
{
  gboolean *waits = data;

  if (is_last || !*waits)
    return;
  *waits = FALSE;
  g_thread_join (g_thread_new ("acquires", acquire_thread, lock));
}

static void
test_in_toggle (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLock *lock = face_lock_new (face);
  g_auto (Heard) lost = { 0 };
  gboolean waits = FALSE;

  g_test_summary ("Another thread acquires the lock while the report of a loss takes a reference");
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_lifetime (lock, 300);
  face_acquire_for_moments (&form_sync, lock);
  /* The next lease has no heartbeat, and outlasts the test. */
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  flufl_lock_set_lifetime (lock, TEST_PATIENCE_SEC * 1000 * 10);
  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  face_remove_everything (face);
  wait_for_loss (lock);
  g_object_add_toggle_ref (G_OBJECT (lock), toggle_cb, &waits);
  g_object_unref (lock);
  waits = TRUE;
  FACE_WAIT_FOR (!waits);
  run_pending_sources ();
  g_assert_cmpuint (lost.n, ==, 0);
  assert_holds (lock);
  face_release (lock);
  g_object_ref (lock);
  g_object_remove_toggle_ref (G_OBJECT (lock), toggle_cb, &waits);
  g_assert_finalize_object (lock);
}

static void
test_break (Face *face, gconstpointer data)
{
  const Form *form = data;
  const FluflBreakFlags flags[] = { FLUFL_BREAK_NONE, FLUFL_BREAK_FORCE };
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);

  g_test_summary ("An object breaks the lock that another one has taken from it");
  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      g_auto (Heard) lost = { 0 };
      g_autoptr (GError) error = NULL;
      gulong handler;

      face_acquire (lock);
      handler = g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
      g_assert_false (form->break_lock (lock, flags[i], NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD);
      g_clear_error (&error);
      g_assert_cmpuint (lost.n, ==, 0);

      face_remove_everything (face);
      face_acquire (other);
      if ((flags[i] & FLUFL_BREAK_FORCE) != 0)
        g_assert_true (form->break_lock (lock, flags[i], NULL, &error));
      else
        {
          g_assert_false (form->break_lock (lock, flags[i], NULL, &error));
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
          g_clear_error (&error);
          face_release (other);
        }
      g_assert_no_error (error);
      FACE_WAIT_FOR (lost.n == 1);
      g_assert_error (lost.error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
      g_assert_false (flufl_lock_get_held (lock));
      g_assert_true (face_is_lost (lock));
      g_signal_handler_disconnect (lock, handler);
    }
  g_assert_false (flufl_lock_check (other, NULL, NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST_WITH ("/regained/before-report/check", test_before_report, GINT_TO_POINTER (TRUE));
  FACE_TEST_WITH ("/regained/before-report/refresh", test_before_report, GINT_TO_POINTER (FALSE));
  FACE_TEST_FORMS ("/regained/in-handler", test_in_handler);
  FACE_TEST ("/regained/in-toggle", test_in_toggle);
  FACE_TEST_FORMS ("/regained/break", test_break);
  return g_test_run ();
}
