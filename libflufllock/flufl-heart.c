/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The heartbeat of a lease. One pulse refreshes the lease, and another one notices its end, so that
 * a refresh that hangs does not hide the end.
 */

#include "config.h"

#include "flufl-lease.h"

#include "flufl-process.h"

/* A refresh that failed is tried again after this time at the earliest. Microseconds. */
#define RETRY_MIN (10 * 1000)

/* If the end of a lease is noticed this late, the machine or the process counts as having slept.
 * Nanoseconds. */
#define SLEPT (50 * FLUFL_NSEC_PER_MSEC)

/* How long late refreshes may be tried before the lease counts as lost. Another process may have the
 * lock by then. Nanoseconds. */
#define WAKING_TIME (200 * FLUFL_NSEC_PER_MSEC)

/* How long a lease is refreshed although the program has not learned of the acquisition. The main
 * context of the acquisition may never run again. Nanoseconds. */
gint64 flufl_heart_untold_max = 60 * FLUFL_NSEC_PER_SEC;

/* Pulses of one lane may wait for each other. Those of this lane touch no disk. */
#define LANE_OF_ENDS 0

struct _FluflHeart
{
  gatomicrefcount refs;
  FluflLease     *lease;   /* owned */
  guint           number;  /* of the lease */
  gint64          started; /* boot time in nanoseconds */
  gint64          late_end; /* the end of the lease for which WAKING_TIME was given … */
  gint64          waking_until; /* … until this boot time; both protected by the mutex */
  gboolean        is_paused; /* because the program has not learned of its acquisition; protected, too */
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

/* Whether the heartbeat is stopped. Its pulses are then gone, but one of their functions may still
 * run. Called with the mutex. */
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

/* Microseconds until the next refresh, which comes a third of the lifetime after the last one. So two
 * thirds are left for other tries. Called with the mutex. */
static gint64
until_beat (const FluflLease *lease)
{
  gint64 left = lease->end - boot_now (lease);

  return MAX (left - lease->lifetime / 3 * 2, 0) / 1000;
}

/* Reports a loss, and removes what is left on disk. Called in a worker thread. */
static void
tell_loss (FluflLease *lease, guint number)
{
  flufl_lease_post_loss (lease, number);
  flufl_lease_drop_remains (lease);
}

/* Gives a late refresh its time, once for each end. Called with the mutex. */
static void
give_waking_time (FluflHeart *self, gint64 now)
{
  if (self->late_end == self->lease->end)
    return;
  self->late_end = self->lease->end;
  self->waking_until = now + WAKING_TIME;
}

/* Returns the microseconds until the lease is over, or 0 if it is. If the end is noticed late, gives the
 * waking time first. Called with the mutex. */
static gint64
until_end (FluflHeart *self)
{
  FluflLease *lease = self->lease;
  gint64 now = boot_now (lease);
  gint64 over = lease->end;

  if (now - lease->end >= SLEPT)
    give_waking_time (self, now);
  if (self->late_end == lease->end)
    over = self->waking_until;
  return over > now ? (over - now) / 1000 + 1 : 0;
}

/* Ends the lease if its time is over, even while a refresh is pending. A later result of that
 * refresh is ignored. */
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
  if (flufl_lease_lose (lease, self->number, TRUE, NULL, NULL))
    tell_loss (lease, self->number);

  /* If a refresh was quicker than the loss, the lease has a later end. */
  flufl_lease_lock (lease);
  left = is_current (self) ? MAX (until_end (self), 1) : -1;
  flufl_lease_unlock (lease);
  return left;
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
  left = until_end (self);
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
  wanted = is_current (self) && !is_stopped (self);
  if (wanted && !lease->held && now - self->started > flufl_heart_untold_max)
    {
      self->is_paused = TRUE;
      wanted = FALSE;
    }
  if (wanted && lease->end <= now)
    {
      give_waking_time (self, now);
      flufl_pulse_set (self->ends, until_end (self));
    }
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

  /* If the lease ended meanwhile, the thread that ended it reports the loss. */
  if (held && next < 0
      && flufl_lease_lose (lease, self->number, outcome != FLUFL_OUTCOME_LOST, NULL, NULL))
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

  /* The pulse that could not be started did not take its reference. */
  heart_unref (self);
  if (self->ends != NULL)
    flufl_pulse_stop (self->ends);
  heart_unref (self);
  return NULL;
}

/*
 * flufl_heart_confirm:
 *
 * Resumes a heartbeat that was paused. Called with the mutex, when the program has learned of its
 * acquisition.
 */
void
flufl_heart_confirm (FluflHeart *self)
{
  if (!self->is_paused)
    return;
  self->is_paused = FALSE;
  flufl_pulse_set (self->beats, until_beat (self->lease));
}

/*
 * flufl_heart_adjust:
 *
 * Reschedules the heartbeat after another caller has changed the end or the lifetime of the lease.
 * Called with the mutex.
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
 * Stops the heartbeat. Called with the mutex.
 */
void
flufl_heart_stop (FluflHeart *self)
{
  flufl_pulse_stop (self->beats);
  flufl_pulse_stop (self->ends);
  heart_unref (self);
}
