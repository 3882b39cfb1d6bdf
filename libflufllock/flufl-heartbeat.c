/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * From the win on: who refreshes, and who sees that the lease is over.
 */

#include "config.h"

#include "flufl-holding-private.h"

/* A refresh that failed for a passing reason is tried again so often. */
#define RETRY_MIN (10 * 1000)

static gint64
beat_of (const FluflClaim *claim)
{
  return claim->lifetime / 1000 / 3;
}

/* With the mutex. */
static gboolean
is_holding (FluflHolding *self, guint number)
{
  return self->held && self->number == number;
}

static void
tell_loss (FluflHolding *self, guint number)
{
  flufl_holding_post_loss (self, number);
  flufl_holding_drop_remains (self);
}

/* The lease has come to an end if nobody renewed it: also if a heartbeat hangs
 * that would say so, and whatever it says later. */
static gboolean
end_lease (FluflLease *lease)
{
  gboolean lost = flufl_holding_lose_number (lease->holding, lease->number, TRUE);

  if (lost)
    tell_loss (lease->holding, lease->number);
  return lost;
}

/* One appointment is kept for the end of the lease that was known when it was
 * made; by then there mostly is another. */
static void
look_at_lease (gpointer data)
{
  FluflLease *lease = data;
  FluflHolding *self = lease->holding;

  if (!g_atomic_int_get (&lease->over) && !end_lease (lease))
    {
      gint64 end;

      flufl_holding_lock (self);
      end = self->lease_end;
      flufl_holding_unlock (self);
      flufl_sleeper_call (lease->sleeper, FLUFL_TIME_MONOTONIC, end, look_at_lease, lease);
      return;
    }
  flufl_lease_unref (lease);
}

/* By the clock that goes on while the machine sleeps the lease is over: others
 * may have the lock. Whether they do is seen first; but not for long. */
static void
hurry (FluflLease *lease, gint64 now)
{
  FluflHolding *self = lease->holding;
  gint64 end = now + beat_of (&self->claim);
  gboolean earlier;

  flufl_holding_lock (self);
  earlier = end < self->lease_end;
  if (earlier)
    self->lease_end = end;
  flufl_holding_unlock (self);
  if (earlier)
    flufl_sleeper_wake (lease->sleeper); /* it makes another appointment */
}

static gint64
beat_cb (gpointer data)
{
  FluflLease *lease = data;
  FluflHolding *self = lease->holding;
  FluflOutcome outcome;
  gboolean holding, lost = FALSE;
  int errsv = 0;
  gint64 now, left, next = -1;

  flufl_holding_lock_disk (self);
  flufl_holding_lock (self);
  holding = is_holding (self, lease->number);
  flufl_holding_unlock (self);
  if (!holding)
    {
      flufl_holding_unlock_disk (self);
      return -1;
    }

  now = g_get_monotonic_time ();
  if (flufl_claim_lease_left (&self->claim, &self->site) <= 0)
    hurry (lease, now);
  outcome = flufl_claim_refresh (&self->claim, &self->site, self->claim.lifetime, &errsv);

  flufl_holding_lock (self);
  holding = is_holding (self, lease->number);
  if (holding && outcome == FLUFL_OUTCOME_HELD)
    self->lease_end = now + self->claim.lifetime / 1000;
  self->beat_errsv = errsv;
  left = self->lease_end - g_get_monotonic_time ();
  flufl_holding_unlock (self);

  if (!holding)
    ; /* the lease was over before the answer came: whoever found it tells */
  else if (outcome == FLUFL_OUTCOME_HELD)
    next = beat_of (&self->claim);
  else if (outcome == FLUFL_OUTCOME_UNSURE && left > 0)
    next = MAX (RETRY_MIN, MIN (left / 2, beat_of (&self->claim) / 8));
  else
    lost = TRUE;
  flufl_holding_unlock_disk (self);

  if (lost && flufl_holding_lose_number (self, lease->number, outcome != FLUFL_OUTCOME_LOST))
    tell_loss (self, lease->number);
  return next;
}

/* With the mutex. The lease runs since @since, by the monotonic clock. */
static void
start_heart (FluflHolding *self, gint64 since)
{
  gint64 beat = beat_of (&self->claim);
  gint64 now, left;

  self->lease_end = since + self->claim.lifetime / 1000;
  self->beat_errsv = 0;
  if (self->heartbeat == FLUFL_HEARTBEAT_NONE)
    return;
  now = g_get_monotonic_time ();
  /* A main context that came late to the win: see first what it is worth. */
  self->lease_end = MAX (self->lease_end, now + beat);
  left = self->lease_end - now;

  self->lease = flufl_lease_new (self);
  self->pulse = flufl_pulse_start (self->heartbeat == FLUFL_HEARTBEAT_THREAD ? NULL : self->context,
                                   left <= 2 * beat ? 0 : left - 2 * beat, beat_cb,
                                   flufl_lease_ref (self->lease), flufl_lease_unref);
  flufl_sleeper_call (self->lease->sleeper, FLUFL_TIME_MONOTONIC, self->lease_end, look_at_lease,
                      flufl_lease_ref (self->lease));
}

/*
 * flufl_heartbeat_renew:
 * @since: monotonic time just before the touch
 *
 * Another than the heartbeat has refreshed the lock. Called with the disk.
 */
void
flufl_heartbeat_renew (FluflHolding *self, gint64 since)
{
  flufl_holding_lock (self);
  self->lease_end = since + self->claim.lifetime / 1000;
  if (self->held && self->pulse != NULL)
    {
      /* The lifetime may be another one, and so the time between two beats. */
      flufl_holding_stop_heart (self);
      start_heart (self, since);
    }
  flufl_holding_unlock (self);
}

/*
 * flufl_heartbeat_begin:
 * @claim: the lock; emptied
 * @context: where to tell of a loss, and whose life the heartbeat may show
 *
 * The object has the lock.
 */
void
flufl_heartbeat_begin (FluflHolding  *self,
                       FluflClaim    *claim,
                       GMainContext  *context,
                       FluflHeartbeat heartbeat)
{
  /* Not unreferenced under the mutex: that may run functions of the user's. */
  g_autoptr (GMainContext) past_context = NULL;
  g_autoptr (GCancellable) past_loss = NULL;

  flufl_holding_lock_disk (self);
  self->claim = *claim;
  *claim = (FluflClaim){ 0 };

  flufl_holding_lock (self);
  self->held = TRUE;
  self->number++;
  g_free (self->claim_path);
  self->claim_path = g_strdup (self->claim.path);
  past_context = g_steal_pointer (&self->context);
  self->context = g_main_context_ref (context);
  self->heartbeat = heartbeat;
  if (self->lost != FLUFL_LOSS_NONE)
    past_loss = g_steal_pointer (&self->loss);
  self->lost = FLUFL_LOSS_NONE;
  start_heart (self, g_get_monotonic_time ()
                         - (self->claim.lifetime
                            - flufl_claim_lease_left (&self->claim, &self->site)) / 1000);
  flufl_holding_unlock (self);
  flufl_holding_unlock_disk (self);
}
