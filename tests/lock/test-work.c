/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The cancellable that stops the work which a lock protects, and the reason that it has.
 */

#include "face-util.h"

static void
counted_cb (GCancellable *work G_GNUC_UNUSED, guint *n)
{
  *n += 1;
}

/* The work's cancellable is cancelled with the caller's own, and by a loss. */
static void
work_cancellable (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) own = g_cancellable_new ();
  g_autoptr (GCancellable) first = NULL, second = NULL, third = NULL, late = NULL;
  guint n = 0;

  face_acquire (lock);
  first = flufl_lock_dup_work_cancellable (lock, own);
  second = flufl_lock_dup_work_cancellable (lock, NULL);
  third = flufl_lock_dup_work_cancellable (lock, own);
  g_cancellable_connect (first, G_CALLBACK (counted_cb), &n, NULL);
  g_assert_false (g_cancellable_is_cancelled (first));

  g_clear_object (&third); /* before either has fired */
  g_cancellable_cancel (own);
  g_assert_true (g_cancellable_is_cancelled (first));
  g_assert_false (g_cancellable_is_cancelled (second));
  g_assert_false (face_is_lost (lock));
  late = flufl_lock_dup_work_cancellable (lock, own);
  g_assert_true (g_cancellable_is_cancelled (late));

  face_remove_everything (face);
  g_assert_false (form->refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, NULL));
  g_assert_true (g_cancellable_is_cancelled (second));
  g_assert_cmpuint (n, ==, 1);
  g_assert_finalize_object (g_steal_pointer (&first));
  g_assert_finalize_object (g_steal_pointer (&second));
  g_assert_finalize_object (g_steal_pointer (&late));
  g_assert_finalize_object (g_steal_pointer (&own));
}

/* The cancellable is cancelled by the first loss after the call, and from the start if the lock is
 * lost. A release is no loss. */
static void
work_and_leases (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) early = flufl_lock_dup_work_cancellable (lock, NULL);
  g_autoptr (GCancellable) between = NULL, after = NULL, lost_between = NULL, lost_after = NULL;

  face_acquire (lock);
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  face_acquire (lock);
  g_assert_false (g_cancellable_is_cancelled (early));

  face_remove_everything (face);
  g_assert_false (flufl_lock_check (lock, NULL, NULL));
  g_assert_true (g_cancellable_is_cancelled (early));
  between = flufl_lock_dup_work_cancellable (lock, NULL);
  lost_between = flufl_lock_dup_lost_cancellable (lock);
  g_assert_true (g_cancellable_is_cancelled (between));
  g_assert_true (g_cancellable_is_cancelled (lost_between));

  face_acquire (lock);
  after = flufl_lock_dup_work_cancellable (lock, NULL);
  lost_after = flufl_lock_dup_lost_cancellable (lock);
  g_assert_true (g_cancellable_is_cancelled (between));
  g_assert_true (g_cancellable_is_cancelled (lost_between));
  g_assert_false (g_cancellable_is_cancelled (after));
  g_assert_false (g_cancellable_is_cancelled (lost_after));
}

/* A work that is freed removes its handlers, since the caller's cancellable may live for long. */
static void
work_leaves_nothing (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) own = g_cancellable_new ();
  guint cancelled = g_signal_lookup ("cancelled", G_TYPE_CANCELLABLE);

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GCancellable) work G_GNUC_UNUSED = flufl_lock_dup_work_cancellable (lock, own);

      g_assert_true (g_signal_has_handler_pending (own, cancelled, 0, FALSE));
    }
  g_assert_false (g_signal_has_handler_pending (own, cancelled, 0, FALSE));
  g_cancellable_cancel (own);
}

static void
explain_error (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) cancelled
      = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled");
  g_autoptr (GError) other = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full");
  g_autoptr (GError) reason = NULL;

  face_acquire (lock);
  reason = flufl_lock_explain_error (lock, cancelled);
  g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&reason);
  face_remove_everything (face);
  g_assert_false (flufl_lock_check (lock, NULL, NULL));
  reason = flufl_lock_explain_error (lock, cancelled);
  g_assert_error (reason, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  g_clear_error (&reason);
  reason = flufl_lock_explain_error (lock, other);
  g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpstr (reason->message, ==, "full");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/work/cancellable", work_cancellable);
  FACE_TEST ("/work/leases", work_and_leases);
  FACE_TEST ("/work/leaves-nothing", work_leaves_nothing);
  FACE_TEST ("/work/explain-error", explain_error);

  return g_test_run ();
}
