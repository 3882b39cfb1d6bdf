/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Who refreshes a lease, and who sees that it is over. The two are separate pulses: a refresh
 * that a file server does not answer must not hide the end of the lease.
 */

#include "config.h"

#include "flufl-lease.h"

#include "flufl-process.h"

/* A refresh that failed for a passing reason is tried again after this at the earliest.
 * Microseconds. */
#define RETRY_MIN (10 * 1000)

/* When the end of a lease is noticed this late, the machine or the process has slept, and the
 * heart with it. Nanoseconds. */
#define SLEPT (50 * FLUFL_NSEC_PER_MSEC)

/* Then a refresh may be answered within this before the lease counts as over, in microseconds.
 * Others may have the lock by then. */
#define WAKING_GRACE (200 * 1000)

/* The time for which a win is refreshed that the user has not heard of, in nanoseconds. The main
 * context of its acquisition may never run again. */
#define UNTOLD_MAX (60 * FLUFL_NSEC_PER_SEC)

/* Pulses in this lane wait for no disk. */
#define LANE_OF_ENDS 0

struct _FluflHeart
{
  gatomicrefcount refs;
  FluflLease     *lease;   /* owned */
  guint           number;  /* of the lease */
  gint64          started; /* boot time in nanoseconds */
  gint64          waited_for; /* the end of the lease that had its grace; under the mutex */
  FluflPulse     *beats;   /* owned, until it is stopped */
  FluflPulse     *ends;    /* owned, until it is stopped */
};

static FluflHeart *
heart_ref (FluflHeart *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static void
heart_unref (gpointer data)
{
  FluflHeart *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  flufl_lease_unref (self->lease);
  g_free (self);
}

/* With the mutex. */
static gboolean
is_current (const FluflHeart *self)
{
  return self->lease->won && self->lease->number == self->number;
}

/* With the mutex. A heart that is stopped has no pulses any more, though one of their functions
 * may still run. */
static gboolean
is_stopped (const FluflHeart *self)
{
  return self->lease->heart != self;
}

static gint64
boot_now (const FluflLease *lease)
{
  return lease->site.sys->clock (FLUFL_CLOCK_BOOT);
}

/* With the mutex. Microseconds until the next refresh: a third of the lifetime after the
 * last one, so that a second and a third can be tried. */
static gint64
until_beat (const FluflLease *lease)
{
  gint64 left = lease->end - boot_now (lease);

  return MAX (left - lease->lifetime / 3 * 2, 0) / 1000;
}

/* The lease is lost, in a worker thread. */
static void
tell_loss (FluflLease *lease, guint number)
{
  flufl_lease_post_loss (lease, number);
  flufl_lease_drop_remains (lease);
}

/* With the mutex. Microseconds until the lease is over; 0: it is. */
static gint64
until_end (FluflHeart *self)
{
  FluflLease *lease = self->lease;
  gint64 left = lease->end - boot_now (lease);

  if (left > 0)
    return left / 1000 + 1;
  if (left > -SLEPT || self->waited_for == lease->end)
    return 0;
  self->waited_for = lease->end;
  return WAKING_GRACE;
}

/* The lease has come to its end if nobody renewed it: even if a refresh hangs, and whatever
 * that says later. */
static gint64
end_cb (gpointer data)
{
  FluflHeart *self = data;
  FluflLease *lease = self->lease;
  gint64 left = -1;

  flufl_lease_lock (lease);
  if (is_current (self))
    left = until_end (self);
  flufl_lease_unlock (lease);
  if (left != 0)
    return left;
  if (flufl_lease_lose (lease, self->number, TRUE))
    tell_loss (lease, self->number);
  return -1;
}

/* With the mutex. Takes note of the result of a refresh. Returns the microseconds until the next
 * one, or -1. */
static gint64
note_refresh (FluflHeart *self, FluflOutcome outcome, int errsv)
{
  FluflLease *lease = self->lease;
  gint64 left;

  lease->end = lease->claim.lease_start + lease->claim.lifetime;
  lease->beat_errsv = errsv;
  if (outcome == FLUFL_OUTCOME_HELD)
    return until_beat (lease);
  left = (lease->end - boot_now (lease)) / 1000;
  if (outcome != FLUFL_OUTCOME_UNSURE || left <= 0)
    return -1;
  return MAX (RETRY_MIN, MIN (left / 2, lease->lifetime / 1000 / 24));
}

static gint64
beat_cb (gpointer data)
{
  FluflHeart *self = data;
  FluflLease *lease = self->lease;
  FluflOutcome outcome = FLUFL_OUTCOME_LOST;
  gboolean wanted, held;
  FluflSite site;
  gint64 now;
  gint64 next = -1;
  int errsv = 0;

  flufl_lease_lock_disk (lease);
  flufl_lease_lock (lease);
  now = boot_now (lease);
  wanted = is_current (self) && !is_stopped (self)
           && (lease->held || now - self->started <= UNTOLD_MAX);
  if (wanted && lease->end <= now)
    flufl_pulse_set (self->ends, WAKING_GRACE);
  flufl_lease_unlock (lease);
  if (!wanted)
    {
      flufl_lease_unlock_disk (lease);
      return -1;
    }

  flufl_lease_copy_site (lease, &site);
  outcome = flufl_claim_refresh (&lease->claim, &site, lease->lifetime, &errsv);
  flufl_lease_learn_site (lease, &site);

  flufl_lease_lock (lease);
  held = is_current (self);
  if (held)
    next = note_refresh (self, outcome, errsv);
  flufl_lease_unlock (lease);
  flufl_lease_unlock_disk (lease);

  /* If it is not held any more, the thread that found that reports it. */
  if (held && next < 0
      && flufl_lease_lose (lease, self->number, outcome != FLUFL_OUTCOME_LOST))
    tell_loss (lease, self->number);
  return next;
}

/*
 * flufl_heart_start:
 *
 * Called with both mutexes, when the lease has begun.
 *
 * Returns: (transfer full) (nullable): to be ended by flufl_heart_stop(); %NULL if no thread can
 *   be started for it
 */
FluflHeart *
flufl_heart_start (FluflLease *lease)
{
  FluflHeart *self = g_new0 (FluflHeart, 1);
  GMainContext *context
      = lease->heartbeat == FLUFL_HEARTBEAT_MAIN_CONTEXT ? lease->context : NULL;

  g_atomic_ref_count_init (&self->refs);
  self->lease = flufl_lease_ref (lease);
  self->number = lease->number;
  self->started = boot_now (lease);

  self->ends = flufl_pulse_start (NULL, LANE_OF_ENDS, (lease->end - self->started) / 1000, end_cb,
                                  heart_ref (self), heart_unref);
  if (self->ends != NULL)
    self->beats = flufl_pulse_start (context, (guint64) lease->claim.dev + 1, until_beat (lease),
                                     beat_cb, heart_ref (self), heart_unref);
  if (self->beats != NULL)
    return self;

  /* For each that was not started. */
  heart_unref (self);
  if (self->ends != NULL)
    flufl_pulse_stop (self->ends);
  heart_unref (self);
  return NULL;
}

/*
 * flufl_heart_adjust:
 *
 * Another than the heart has set the end of the lease, or its lifetime. Called with the mutex.
 */
void
flufl_heart_adjust (FluflHeart *self)
{
  flufl_pulse_set (self->beats, until_beat (self->lease));
  flufl_pulse_set (self->ends, MAX (self->lease->end - boot_now (self->lease), 0) / 1000);
}

/*
 * flufl_heart_stop:
 * @self: (transfer full):
 *
 * Nobody refreshes the lease any more, or watches over its end. Called with the mutex.
 */
void
flufl_heart_stop (FluflHeart *self)
{
  flufl_pulse_stop (self->beats);
  flufl_pulse_stop (self->ends);
  heart_unref (self);
}
