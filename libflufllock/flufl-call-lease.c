/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The lease that an operation finds: its loss, and the report of its end.
 */

#include "config.h"

#include "flufl-call.h"

#include "flufl-report-private.h"

/*
 * flufl_call_find_lease:
 *
 * Notes the number of the object's lease, and its loss. Called by the steps of operations with the
 * disk, so that no other lease begins before the step has used the claim. Another lease may begin
 * once the step has left the disk.
 *
 * Returns: whether the object holds the lock
 */
gboolean
flufl_call_find_lease (FluflCall *self)
{
  FluflLease *lease = self->lease;
  gboolean held;

  flufl_lease_lock (lease);
  held = lease->held;
  self->number = lease->number;
  self->loss = lease->loss;
  self->loss_errsv = lease->loss_errsv;
  flufl_lease_unlock (lease);
  return held;
}

/*
 * flufl_call_lose:
 *
 * Records that the disk shows the loss of the lease that flufl_call_find_lease() has found. Called
 * by the steps of operations.
 */
void
flufl_call_lose (FluflCall *self)
{
  FluflLease *lease = self->lease;

  /* Another thread may have found the loss, too, and may have begun another lease since. */
  if (self->loss == FLUFL_LOSS_NONE)
    self->loss = FLUFL_LOSS_TAKEN;
  self->ended = self->lost
      = flufl_lease_lose (lease, self->number, FALSE, &self->loss, &self->loss_errsv);
  flufl_lease_drop_remains (lease);
}

/*
 * flufl_call_check:
 * @out_errsv: the errno of an UNSURE answer
 *
 * Looks at the disk to find out whether the object still holds the lock, and records a loss. Called
 * by the steps of operations.
 *
 * Returns: HELD, UNSURE, or LOST. LOST also means that the object did not hold the lock
 */
FluflOutcome
flufl_call_check (FluflCall *self, int *out_errsv)
{
  FluflLease *lease = self->lease;
  FluflOutcome outcome = FLUFL_OUTCOME_LOST;
  gboolean held;

  flufl_lease_lock_disk (lease);
  held = flufl_call_find_lease (self);
  if (held)
    {
      outcome = flufl_claim_check (&lease->claim, &self->site, out_errsv);
      /* The lease may have ended before the answer came. */
      held = flufl_call_find_lease (self);
      if (!held)
        outcome = FLUFL_OUTCOME_LOST;
    }
  flufl_lease_unlock_disk (lease);
  if (held && outcome == FLUFL_OUTCOME_LOST)
    flufl_call_lose (self);
  return outcome;
}

/*
 * flufl_call_holds:
 *
 * Finds out whether the object holds the lock. If the object counts as the holder, the disk shows
 * whether it still is. Called by the steps of operations.
 *
 * Returns: %FALSE with lost set if this call is the first to find a loss
 */
gboolean
flufl_call_holds (FluflCall *self)
{
  int errsv;

  return flufl_lease_is_held (self->lease)
         && flufl_call_check (self, &errsv) != FLUFL_OUTCOME_LOST
         && flufl_lease_is_held (self->lease);
}

/*
 * flufl_call_report_not_held:
 *
 * Sets the error of an operation on a lock that is not held. The error describes the loss of the
 * lease that the operation has found, even if the object has begun another lease since. Called when
 * an operation is settled.
 */
void
flufl_call_report_not_held (FluflCall *self)
{
  if (self->loss == FLUFL_LOSS_NONE)
    {
      self->error = flufl_report_not_held (&self->lease->site);
      return;
    }
  /* Another thread may have found the loss, and may not have fired the cancellable yet. */
  flufl_lease_lose (self->lease, self->number, FALSE, NULL, NULL);
  self->error = flufl_report_lost (&self->lease->site, self->loss, self->loss_errsv);
}

/* Whether the operation reports in the main context of the lease. A lease whose context is NULL
 * belongs to the default context. */
static gboolean
is_in_leases_context (FluflCall *self)
{
  GMainContext *context;

  flufl_lease_lock (self->lease);
  context = self->lease->context;
  flufl_lease_unlock (self->lease);
  return self->context == (context != NULL ? context : g_main_context_default ());
}

/*
 * flufl_call_emit_end:
 *
 * Reports the end of a lease that the operation has caused or found.
 */
void
flufl_call_emit_end (FluflCall *self)
{
  if (!self->ended)
    return;
  if (self->lost && self->task != NULL && !is_in_leases_context (self))
    {
      flufl_lease_post_loss (self->lease, self->number);
      return;
    }
  if (self->lost)
    flufl_lease_emit_loss (self->lease, self->lock, self->number);
  else
    flufl_lock_notify_held (self->lock);
}
