/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The operations on a lock that the object holds: “release” and “refresh”.
 */

#include "config.h"

#include "flufl-call.h"
#include "flufl-log-private.h"
#include "flufl-report-private.h"

typedef struct
{
  FluflCall    call;
  gint64       lifetime_ms; /* for a refresh … */
  gboolean     sets_lifetime; /* … whose argument the object keeps */
  gboolean     linger;      /* for a release */
  guint        only;        /* for a release: the lease that it may end; 0: any */
  gboolean     not_held;
  FluflOutcome outcome;
  int          errsv;
  gboolean     lifetime_changed;
} HeldCall;

/* --- Release --- */

/* Once the only lease that it may end is over, it has nothing to exclude. */
static gboolean
release_is_decided (FluflCall *call)
{
  guint only = ((HeldCall *) call)->only;

  return only != 0 && (only != call->lease->number || !call->lease->won);
}

static gboolean
release_begin (FluflCall *call)
{
  ((HeldCall *) call)->linger = call->lock->linger;
  return TRUE;
}

/* Removes the claim that the release has kept if it is not to be kept any more. If the setting
 * changes after this look, flufl_lock_set_linger() finds the claim and removes it. */
static void
drop_unwanted_claim (FluflCall *call)
{
  gboolean linger;

  flufl_lease_lock (call->lease);
  linger = call->lock->linger;
  flufl_lease_unlock (call->lease);
  if (!linger)
    flufl_lease_let_go (call->lease, TRUE);
}

static gboolean
release_step (FluflCall *call, gint64 *out_when G_GNUC_UNUSED)
{
  HeldCall *self = (HeldCall *) call;
  FluflLease *lease = call->lease;

  self->not_held = !call->excludes_others;
  if (self->not_held)
    return FALSE;
  /* From now on it is not wanted any more, even if it cannot be removed. No acquisition runs
   * beside this, so the number stays. */
  flufl_lease_stop_heart (lease);
  flufl_lease_lock_disk (lease);
  self->not_held = !flufl_call_find_lease (call) || (self->only != 0 && self->only != call->number);
  if (self->not_held)
    {
      flufl_lease_unlock_disk (lease);
      return FALSE;
    }
  if (self->linger)
    self->outcome = flufl_claim_park (&lease->claim, &call->site, &self->errsv);
  else
    self->outcome = flufl_claim_release (&lease->claim, &call->site, &self->errsv);
  if (self->outcome != FLUFL_OUTCOME_FAILED && lease->claim.path != NULL)
    flufl_lease_keep (lease);
  call->answer = self->outcome == FLUFL_OUTCOME_RELEASED;
  if (call->answer)
    call->ended = flufl_lease_end (lease);
  flufl_lease_unlock_disk (lease);

  if (self->linger)
    drop_unwanted_claim (call);
  if (self->outcome == FLUFL_OUTCOME_LOST)
    call->ended
        = flufl_lease_lose (lease, call->number, FALSE, &call->loss, &call->loss_errsv);
  return FALSE;
}

static void
log_release (FluflCall *call)
{
  g_autofree char *text = NULL;
  gint64 held;

  if (!flufl_log_is_wanted ())
    return;
  held = flufl_lease_get_age (call->lease);
  text = g_strdup_printf ("is released after %" G_GINT64_FORMAT " ms.", held);
  flufl_log (&call->site, "released", NULL, FLUFL_LOG_HELD, held, text);
}

static void
release_settle (FluflCall *call)
{
  HeldCall *self = (HeldCall *) call;

  if (call->answer)
    log_release (call);
  else if (self->only != 0 && self->not_held)
    {
      call->error = flufl_lease_report_loss_of (call->lease, self->only);
      if (call->error == NULL)
        call->error = flufl_report_not_held (&call->lease->site);
    }
  else if (self->not_held || self->outcome == FLUFL_OUTCOME_LOST)
    flufl_call_report_not_held (call);
  else
    {
      call->error = flufl_report_failed (&call->site, FLUFL_FAILED_REMOVE_CLAIM, self->errsv);
      call->errsv = self->errsv;
    }
}

static const FluflCallClass release_class = {
  .excludes_others = TRUE,
  .is_decided = release_is_decided,
  .begin = release_begin,
  .step = release_step,
  .settle = release_settle,
  .emit = flufl_call_emit_end,
  .return_result = flufl_call_return_boolean,
};

/* --- Refresh --- */

static gboolean
refresh_begin (FluflCall *call)
{
  HeldCall *self = (HeldCall *) call;

  self->sets_lifetime = self->lifetime_ms != FLUFL_LOCK_LIFETIME_DEFAULT;
  if (!self->sets_lifetime)
    self->lifetime_ms = call->lock->lifetime;
  if (flufl_lock_lifetime_is_valid (self->lifetime_ms))
    return TRUE;
  call->error = flufl_report_bad_lifetime (&call->site, self->lifetime_ms);
  return FALSE;
}

/* The disk mutex makes refreshes and the heartbeat come one after another. */
static gboolean
refresh_step (FluflCall *call, gint64 *out_when G_GNUC_UNUSED)
{
  HeldCall *self = (HeldCall *) call;
  FluflLease *lease = call->lease;

  flufl_lease_lock_disk (lease);
  self->not_held = !flufl_call_find_lease (call);
  if (self->not_held)
    {
      flufl_lease_unlock_disk (lease);
      return FALSE;
    }
  self->outcome = flufl_claim_refresh (&lease->claim, &call->site,
                                       self->lifetime_ms * FLUFL_NSEC_PER_MSEC, &self->errsv);
  if (self->outcome != FLUFL_OUTCOME_LOST)
    flufl_lease_renew (lease, self->outcome == FLUFL_OUTCOME_HELD);
  /* The lease may have ended before the answer came. */
  self->not_held = !flufl_call_find_lease (call);
  call->answer = !self->not_held && self->outcome == FLUFL_OUTCOME_HELD;
  flufl_lease_unlock_disk (lease);

  if (!call->answer && self->outcome != FLUFL_OUTCOME_UNSURE)
    flufl_call_lose (call);
  return FALSE;
}

static void
refresh_settle (FluflCall *call)
{
  HeldCall *self = (HeldCall *) call;

  if (!call->answer)
    {
      if (self->not_held || self->outcome != FLUFL_OUTCOME_UNSURE)
        flufl_call_report_not_held (call);
      else
        {
          call->error = flufl_report_failed (&call->site, FLUFL_FAILED_REFRESH_CLAIM, self->errsv);
          call->errsv = self->errsv;
        }
      return;
    }
  if (!self->sets_lifetime)
    return;
  flufl_lease_lock (call->lease);
  self->lifetime_changed = call->lock->lifetime != self->lifetime_ms;
  call->lock->lifetime = self->lifetime_ms;
  flufl_lease_unlock (call->lease);
}

static void
refresh_emit (FluflCall *call)
{
  if (((HeldCall *) call)->lifetime_changed)
    g_object_notify (G_OBJECT (call->lock), "lifetime");
  flufl_call_emit_end (call);
}

static const FluflCallClass refresh_class = {
  .begin = refresh_begin,
  .step = refresh_step,
  .settle = refresh_settle,
  .emit = refresh_emit,
  .return_result = flufl_call_return_boolean,
};

/* --- Public --- */

FluflCall *
flufl_call_new_release (FluflLock *self, gint64 unused G_GNUC_UNUSED, GCancellable *cancellable)
{
  HeldCall *call = g_new0 (HeldCall, 1);

  flufl_call_init (&call->call, &release_class, self, cancellable);
  return &call->call;
}

/* Makes a release of the lease @number alone. */
FluflCall *
flufl_call_new_end_lease (FluflLock *self, gint64 number, GCancellable *cancellable)
{
  FluflCall *call = flufl_call_new_release (self, 0, cancellable);

  ((HeldCall *) call)->only = (guint) number;
  return call;
}

FluflCall *
flufl_call_new_refresh (FluflLock *self, gint64 lifetime_ms, GCancellable *cancellable)
{
  HeldCall *call = g_new0 (HeldCall, 1);

  flufl_call_init (&call->call, &refresh_class, self, cancellable);
  call->lifetime_ms = lifetime_ms;
  return &call->call;
}

/**
 * flufl_lock_release:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Releases the lock.
 *
 * Fails with
 *
 * - `FLUFL_LOCK_ERROR_NOT_HELD` if this object does not hold the lock,
 * - `FLUFL_LOCK_ERROR_LOST` if the lock was lost before. It is not held any more,
 *   and the cancellable of [method@Flufl.Lock.dup_lost_cancellable] has been
 *   cancelled,
 * - `G_IO_ERROR_CANCELLED` if it was cancelled before it began. The lock is still
 *   held,
 * - `G_IO_ERROR_PENDING` if an acquisition, a release or a break runs on the object,
 * - an error of the system if the claim file cannot be removed. The lock is still
 *   held but no longer refreshed: release it again, or leave it to expire.
 *
 * Returns: %TRUE if the lock was released; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_release (FluflLock *self, GCancellable *cancellable, GError **error)
{
  HeldCall call = { 0 };

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  flufl_call_init (&call.call, &release_class, self, cancellable);
  return flufl_call_run_and_clear (&call.call, error);
}

/*
 * flufl_lock_release_win:
 * @number: of the lease that a win has begun
 *
 * Releases the lock if it is still held by that lease, and not by a later one.
 */
gboolean
flufl_lock_release_win (FluflLock *self, guint number, GError **error)
{
  HeldCall call = { .only = number };

  flufl_call_init (&call.call, &release_class, self, NULL);
  return flufl_call_run_and_clear (&call.call, error);
}

/*
 * flufl_lock_give_up_win:
 * @number: of the lease that a win has begun
 *
 * Gives up that lease after its release has failed, since nobody would come back to it.
 */
void
flufl_lock_give_up_win (FluflLock *self, guint number)
{
  if (flufl_lease_is_held (self->lease) && flufl_lease_let_go_of (self->lease, number))
    flufl_lock_notify_held (self);
}

/**
 * flufl_lock_release_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.release].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_release_async (FluflLock          *self,
                          GCancellable       *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer            user_data)
{
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_call_start (flufl_call_new_release (self, 0, cancellable), flufl_lock_release_async,
                    callback, user_data);
}

/**
 * flufl_lock_release_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.release_async]; the errors are those
 * of [method@Flufl.Lock.release].
 *
 * Returns: %TRUE if the lock was released; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_release_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return flufl_call_finish_boolean (self, result, flufl_lock_release_async, error);
}

/**
 * flufl_lock_refresh:
 * @self: a lock
 * @lifetime_ms: the new lifetime, in milliseconds, which becomes
 *   [property@Flufl.Lock:lifetime]; or [const@Flufl.LOCK_LIFETIME_DEFAULT] (-1)
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Extends the lease: the lock expires a lifetime from now. The refresh also
 * checks on disk that the lock is still held.
 *
 * Fails with
 *
 * - `FLUFL_LOCK_ERROR_NOT_HELD` if this object does not hold the lock,
 * - `FLUFL_LOCK_ERROR_LOST` if the lock was lost. If this call finds the loss,
 *   [signal@Flufl.Lock::lost] is emitted,
 * - `G_IO_ERROR_INVALID_ARGUMENT` if @lifetime_ms is out of range,
 * - `G_IO_ERROR_CANCELLED` if @cancellable was cancelled,
 * - an error of the system. The lock is still held. Its lease ends when it would have ended without the
 *   call, or a lifetime of @lifetime_ms after the call began, whichever is earlier.
 *
 * Returns: %TRUE if the lease was extended; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_refresh (FluflLock    *self,
                    gint64        lifetime_ms,
                    GCancellable *cancellable,
                    GError      **error)
{
  HeldCall call = { 0 };

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  flufl_call_init (&call.call, &refresh_class, self, cancellable);
  call.lifetime_ms = lifetime_ms;
  return flufl_call_run_and_clear (&call.call, error);
}

/**
 * flufl_lock_refresh_async:
 * @self: a lock
 * @lifetime_ms: the new lifetime, in milliseconds, which becomes
 *   [property@Flufl.Lock:lifetime]; or [const@Flufl.LOCK_LIFETIME_DEFAULT] (-1)
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.refresh].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_refresh_async (FluflLock          *self,
                          gint64              lifetime_ms,
                          GCancellable       *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer            user_data)
{
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_call_start (flufl_call_new_refresh (self, lifetime_ms, cancellable),
                    flufl_lock_refresh_async, callback, user_data);
}

/**
 * flufl_lock_refresh_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.refresh_async]; the errors are those
 * of [method@Flufl.Lock.refresh].
 *
 * Returns: %TRUE if the lease was extended; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_refresh_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return flufl_call_finish_boolean (self, result, flufl_lock_refresh_async, error);
}

