/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What an object can be asked about the loss of its lock, without touching the disk.
 */

#include "config.h"

#include "flufl-lock-private.h"

/**
 * flufl_lock_dup_lost_cancellable:
 * @self: a lock
 *
 * Gets a cancellable that is cancelled when the lock is lost, so that the work
 * that the lock protects can stop. Pass it to the operations of that work.
 *
 * It is cancelled by the first loss after the call. If the object has lost its
 * lock, and has not acquired it again, it is cancelled from the start. So call
 * this method after each acquisition.
 *
 * A heartbeat in a thread cancels it in that thread.
 * [method@Flufl.Lock.dup_lost_error] has the reason of the loss.
 * [method@Flufl.Lock.dup_work_cancellable] makes a cancellable that the caller's
 * own cancellable cancels too.
 *
 * Returns: (transfer full): the cancellable
 *
 * Since: 0.1
 */
GCancellable *
flufl_lock_dup_lost_cancellable (FluflLock *self)
{
  FluflLease *lease;
  GCancellable *lost;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  lease = self->lease;
  flufl_lease_lock (lease);
  if (lease->lost == NULL)
    {
      lease->lost = g_cancellable_new ();
      lease->lost_fired = lease->loss != FLUFL_LOSS_NONE;
      if (lease->lost_fired)
        g_cancellable_cancel (lease->lost); /* nobody can be connected yet */
    }
  lost = g_object_ref (lease->lost);
  flufl_lease_unlock (lease);
  return lost;
}

/**
 * flufl_lock_dup_lost_error:
 * @self: a lock
 *
 * Gets the reason of the loss, if the last lease of this object ended in a loss
 * that is known. Work that was stopped by the cancellable of
 * [method@Flufl.Lock.dup_lost_cancellable] fails with `G_IO_ERROR_CANCELLED`;
 * this error says what happened.
 *
 * The disk is not touched. An acquisition that succeeds forgets the error.
 *
 * Returns: (transfer full) (nullable): an error of the domain
 *   [error@Flufl.LockError] with the code `LOST`; %NULL if the lock is held, or
 *   was released, or was never held
 *
 * Since: 0.1
 */
GError *
flufl_lock_dup_lost_error (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  return flufl_lease_report_loss (self->lease);
}

/* --- One that fires for either reason --- */

/* What a cancellable of the work has of those that fire it. */
typedef struct
{
  gatomicrefcount refs; /* the work's, and a handler's for each source */
  FluflTie       *work;       /* owned */
  GCancellable   *sources[2]; /* owned */
  gulong          handlers[2];
} Joint;

static void
joint_unref (gpointer data)
{
  Joint *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  flufl_tie_unref (self->work);
  g_free (self);
}

static void
source_cancelled_cb (GCancellable *source G_GNUC_UNUSED, gpointer data)
{
  FluflTie *tie = ((Joint *) data)->work;
  GCancellable *work = flufl_tie_get (tie);

  if (work != NULL)
    {
      g_cancellable_cancel (work);
      flufl_tie_put (tie);
    }
}

/* Not g_cancellable_disconnect(): it waits for the handlers of others, of which one may have
 * dropped the last reference to the work. */
static void
work_is_gone (gpointer data, GObject *work G_GNUC_UNUSED)
{
  Joint *self = data;

  flufl_tie_cut (self->work);
  for (guint i = 0; i < G_N_ELEMENTS (self->sources); i++)
    if (self->sources[i] != NULL)
      {
        if (self->handlers[i] != 0)
          g_signal_handler_disconnect (self->sources[i], self->handlers[i]);
        g_clear_object (&self->sources[i]);
      }
  joint_unref (self);
}

static void
joint_connect (Joint *self, guint i, GCancellable *source)
{
  if (source == NULL)
    return;
  self->sources[i] = g_object_ref (source);
  g_atomic_ref_count_inc (&self->refs);
  self->handlers[i] = g_cancellable_connect (source, G_CALLBACK (source_cancelled_cb), self,
                                             joint_unref);
}

/**
 * flufl_lock_dup_work_cancellable:
 * @self: a lock
 * @cancellable: (nullable): the caller's own cancellable, or %NULL
 *
 * Gets a cancellable for the work that the lock protects. It is cancelled when
 * @cancellable is, or when the lock is lost as that of
 * [method@Flufl.Lock.dup_lost_cancellable], whichever comes first.
 *
 * If the object has lost its lock, and has not acquired it again, the cancellable
 * is cancelled from the start: the work must not begin. So call this method after
 * each acquisition. [method@Flufl.Lock.explain_error] turns the error of cancelled
 * work into the reason.
 *
 * Returns: (transfer full): the cancellable
 *
 * Since: 0.1
 */
GCancellable *
flufl_lock_dup_work_cancellable (FluflLock *self, GCancellable *cancellable)
{
  g_autoptr (GCancellable) lost = NULL;
  GCancellable *work;
  Joint *joint;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);

  lost = flufl_lock_dup_lost_cancellable (self);
  work = g_cancellable_new ();
  joint = g_new0 (Joint, 1);
  g_atomic_ref_count_init (&joint->refs);
  joint->work = flufl_tie_new (work);
  joint_connect (joint, 0, lost);
  joint_connect (joint, 1, cancellable);
  g_object_weak_ref (G_OBJECT (work), work_is_gone, joint);
  return work;
}

/**
 * flufl_lock_explain_error:
 * @self: a lock
 * @error: the error with which the protected work failed
 *
 * Gets the reason of a failure: the error of [method@Flufl.Lock.dup_lost_error]
 * if the work was cancelled because the lock was lost, and @error itself
 * otherwise.
 *
 * Returns: (transfer full): an error to be reported
 *
 * Since: 0.1
 */
GError *
flufl_lock_explain_error (FluflLock *self, const GError *error)
{
  GError *lost = NULL;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);
  g_return_val_if_fail (error != NULL, NULL);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    lost = flufl_lease_report_loss (self->lease);
  return lost != NULL ? lost : g_error_copy (error);
}
