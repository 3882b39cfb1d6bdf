/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * From the win to the end of a holding: heartbeat, loss, forked children.
 */

#include "config.h"

#include "flufl-lock-private.h"
#include "flufl-report-private.h"

#include <errno.h>
#include <unistd.h>

#include "flufl-engine.h"

/* A refresh that failed for a passing reason is tried again so often. */
#define RETRY_MIN (10 * 1000)

/* A holding that is refreshed; shared by the pulse and the appointments at its
 * end. */
struct _FluflLease
{
  gatomicrefcount refs;
  GWeakRef        lock;
  guint           holding;
  GCancellable   *over; /* owned; fires when the holding is */
};

/* A context that nobody runs must not keep the object, and one that runs late
 * must not tell of a holding that is long past. */
typedef struct
{
  GWeakRef lock;
  guint    holding;
  GError  *error;
} Loss;

static FluflLease *
lease_new (FluflLock *self)
{
  FluflLease *lease = g_new0 (FluflLease, 1);

  g_atomic_ref_count_init (&lease->refs);
  g_weak_ref_init (&lease->lock, self);
  lease->holding = self->holding;
  lease->over = g_cancellable_new ();
  return lease;
}

static FluflLease *
lease_ref (FluflLease *lease)
{
  g_atomic_ref_count_inc (&lease->refs);
  return lease;
}

static void
lease_unref (gpointer data)
{
  FluflLease *lease = data;

  if (!g_atomic_ref_count_dec (&lease->refs))
    return;
  g_weak_ref_clear (&lease->lock);
  g_object_unref (lease->over);
  g_free (lease);
}

/*
 * flufl_lock_enter_process:
 *
 * In a forked child the object begins anew: what the parent holds, keeps or
 * does with it is forgotten here, and left alone on disk. Of the parent's
 * threads none is there that could give back a mutex or end an operation.
 */
void
flufl_lock_enter_process (FluflLock *self)
{
  if (self->pid == (int) getpid ())
    return;

  self->pid = (int) getpid ();
  g_mutex_init (&self->disk);
  g_mutex_init (&self->mutex);
  flufl_claim_clear (&self->claim);
  flufl_claim_clear (&self->parked);
  g_clear_pointer (&self->claim_path, g_free);
  self->busy = self->held = self->lost = FALSE;
  /* The parent's worker may be at it: they are left as they are. */
  self->pulse = NULL;
  self->lease = NULL;
}

/* Whether the object has the lock, as far as it knows without a look. In a
 * forked child it never has: the lock is the parent's. */
gboolean
flufl_lock_is_held (FluflLock *self)
{
  gboolean held;

  g_mutex_lock (&self->mutex);
  held = self->held && self->pid == (int) getpid ();
  g_mutex_unlock (&self->mutex);
  return held;
}

/* Whether the last holding ended in a loss. Who is told so by a signal or a
 * cancellable, and then releases, should hear the same again. */
gboolean
flufl_lock_was_lost (FluflLock *self)
{
  g_autoptr (GCancellable) loss = NULL;
  gboolean lost;

  g_mutex_lock (&self->mutex);
  lost = self->lost;
  if (lost && self->loss != NULL)
    loss = g_object_ref (self->loss);
  g_mutex_unlock (&self->mutex);
  /* Who found it may not have come to fire it yet. */
  if (loss != NULL)
    g_cancellable_cancel (loss);
  return lost;
}

/* Nobody refreshes the lock any more, or watches over the end of its lease. */
void
flufl_lock_stop_pulse (FluflLock *self)
{
  FluflPulse *pulse;
  FluflLease *lease;

  g_mutex_lock (&self->mutex);
  pulse = g_steal_pointer (&self->pulse);
  lease = g_steal_pointer (&self->lease);
  g_mutex_unlock (&self->mutex);
  if (pulse != NULL)
    flufl_pulse_stop (pulse);
  if (lease != NULL)
    {
      g_cancellable_cancel (lease->over);
      lease_unref (lease);
    }
}

/* Under the mutex. */
static gboolean
is_holding (FluflLock *self, guint holding)
{
  return self->held && self->pid == (int) getpid () && self->holding == holding;
}

/* The end of a holding by a loss: of all who find it, one is told TRUE. The
 * cancellable fires in this thread, for the work should stop even if nobody
 * runs the main context; so neither disk nor mutex may be had here. */
static gboolean
lose (FluflLock *self, guint holding, gboolean only_if_over, int *out_errsv)
{
  g_autoptr (GCancellable) loss = NULL;
  gboolean lost;

  g_mutex_lock (&self->mutex);
  lost = is_holding (self, holding)
         && (!only_if_over || self->lease_end <= g_get_monotonic_time ());
  if (lost)
    {
      self->held = FALSE;
      self->lost = TRUE;
      *out_errsv = self->beat_errsv;
      g_clear_pointer (&self->claim_path, g_free);
    }
  /* Also where another thread was first: it may not have come to fire it. */
  if (self->lost && self->holding == holding && self->loss != NULL)
    loss = g_object_ref (self->loss);
  g_mutex_unlock (&self->mutex);

  if (lost)
    flufl_lock_stop_pulse (self);
  if (loss != NULL)
    g_cancellable_cancel (loss);
  return lost;
}

/*
 * flufl_lock_lose:
 *
 * The lock was found to be lost. The cancellable fires.
 *
 * Returns: whether the object had it until now, so that others must be told
 */
gboolean
flufl_lock_lose (FluflLock *self)
{
  guint holding;
  int errsv;

  g_mutex_lock (&self->mutex);
  holding = self->holding;
  g_mutex_unlock (&self->mutex);
  return lose (self, holding, FALSE, &errsv);
}

/*
 * flufl_lock_drop_remains:
 *
 * Removes what a loss has left on disk. Waits for a heartbeat that hangs.
 */
void
flufl_lock_drop_remains (FluflLock *self)
{
  g_mutex_lock (&self->disk);
  if (self->claim.path != NULL && !flufl_lock_is_held (self))
    {
      /* A touch that came late may have made it good again. */
      self->claim.unsure = TRUE;
      flufl_claim_abandon (&self->claim, &self->site);
    }
  g_mutex_unlock (&self->disk);
}

/*
 * flufl_lock_drop_parked:
 *
 * Removes the claim that is kept for the next use.
 */
void
flufl_lock_drop_parked (FluflLock *self)
{
  g_mutex_lock (&self->disk);
  if (self->pid == (int) getpid ())
    flufl_claim_abandon (&self->parked, &self->site);
  else
    flufl_claim_clear (&self->parked);
  g_mutex_unlock (&self->disk);
}

static gboolean
loss_cb (gpointer data)
{
  Loss *loss = data;
  g_autoptr (FluflLock) self = g_weak_ref_get (&loss->lock);
  gboolean past;

  if (self == NULL)
    return G_SOURCE_REMOVE;
  g_mutex_lock (&self->mutex);
  past = self->holding != loss->holding;
  g_mutex_unlock (&self->mutex);
  if (!past)
    {
      flufl_lock_notify_held (self);
      flufl_lock_tell_lost (self, loss->error);
    }
  return G_SOURCE_REMOVE;
}

static void
loss_free (gpointer data)
{
  Loss *loss = data;

  g_weak_ref_clear (&loss->lock);
  g_error_free (loss->error);
  g_free (loss);
}

/*
 * flufl_lock_post_loss:
 * @error: (transfer full):
 *
 * Tells of a loss in the main context of the acquisition.
 */
void
flufl_lock_post_loss (FluflLock *self, GError *error)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (GMainContext) context = NULL;
  Loss *loss = g_new0 (Loss, 1);

  g_weak_ref_init (&loss->lock, self);
  g_mutex_lock (&self->mutex);
  loss->holding = self->holding;
  context = g_main_context_ref (self->context != NULL ? self->context : g_main_context_default ());
  g_mutex_unlock (&self->mutex);

  loss->error = error;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[flufl] lock lost");
  g_source_set_callback (source, loss_cb, loss, loss_free);
  g_source_attach (source, context);
}

static gint64
beat_of (const FluflClaim *claim)
{
  return claim->lifetime / 1000 / 3;
}

static void
tell_loss (FluflLock *self, int errsv)
{
  flufl_lock_post_loss (self, flufl_report_lost (&self->site, errsv));
  flufl_lock_drop_remains (self);
}

/* The lease has come to an end if nobody renewed it: also if a heartbeat hangs
 * that would say so, and whatever it says later. */
static gboolean
end_lease (FluflLock *self, guint holding)
{
  int errsv;
  gboolean lost = lose (self, holding, TRUE, &errsv);

  if (lost)
    tell_loss (self, errsv != 0 ? errsv : ETIMEDOUT);
  return lost;
}

static void
look_once_at_lease (gpointer data)
{
  FluflLease *lease = data;
  g_autoptr (FluflLock) self = g_weak_ref_get (&lease->lock);

  if (self != NULL && !g_cancellable_is_cancelled (lease->over))
    end_lease (self, lease->holding);
  lease_unref (lease);
}

/* One appointment is kept for the end of the lease that was known when it was
 * made; by then there mostly is another. */
static void
look_at_lease (gpointer data)
{
  FluflLease *lease = data;
  g_autoptr (FluflLock) self = g_weak_ref_get (&lease->lock);

  if (self != NULL && !g_cancellable_is_cancelled (lease->over)
      && !end_lease (self, lease->holding))
    {
      gint64 end;

      g_mutex_lock (&self->mutex);
      end = self->lease_end;
      g_mutex_unlock (&self->mutex);
      flufl_engine_at (end, lease->over, look_at_lease, lease_ref (lease));
    }
  lease_unref (lease);
}

/* By the clock that goes on while the machine sleeps the lease is over: others
 * may have the lock. Whether they do is seen first; but not for long. */
static void
hurry (FluflLock *self, FluflLease *lease, gint64 now)
{
  gint64 end = now + beat_of (&self->claim);
  gboolean earlier;

  g_mutex_lock (&self->mutex);
  earlier = end < self->lease_end;
  if (earlier)
    self->lease_end = end;
  g_mutex_unlock (&self->mutex);
  if (earlier)
    flufl_engine_at (end, lease->over, look_once_at_lease, lease_ref (lease));
}

static gint64
beat_once (FluflLock *self, FluflLease *lease)
{
  FluflOutcome outcome;
  gboolean holding, lost = FALSE;
  int errsv = 0;
  gint64 now, left, next = -1;

  if (self->pid != (int) getpid ()) /* whoever had the disk is not here */
    return -1;
  g_mutex_lock (&self->disk);
  g_mutex_lock (&self->mutex);
  holding = is_holding (self, lease->holding);
  g_mutex_unlock (&self->mutex);
  if (!holding)
    {
      g_mutex_unlock (&self->disk);
      return -1;
    }

  now = g_get_monotonic_time ();
  if (flufl_claim_lease_left (&self->claim, &self->site) <= 0)
    hurry (self, lease, now);
  outcome = flufl_claim_refresh (&self->claim, &self->site, self->claim.lifetime, &errsv);

  g_mutex_lock (&self->mutex);
  holding = is_holding (self, lease->holding);
  if (holding && outcome == FLUFL_OUTCOME_HELD)
    self->lease_end = now + self->claim.lifetime / 1000;
  self->beat_errsv = errsv;
  left = self->lease_end - g_get_monotonic_time ();
  g_mutex_unlock (&self->mutex);

  if (!holding)
    ; /* the lease was over before the answer came: whoever found it tells */
  else if (outcome == FLUFL_OUTCOME_HELD)
    next = beat_of (&self->claim);
  else if (outcome == FLUFL_OUTCOME_UNSURE && left > 0)
    next = MAX (RETRY_MIN, MIN (left / 2, beat_of (&self->claim) / 8));
  else
    lost = TRUE;
  g_mutex_unlock (&self->disk);

  if (lost && lose (self, lease->holding, outcome != FLUFL_OUTCOME_LOST, &errsv))
    tell_loss (self, outcome == FLUFL_OUTCOME_LOST ? 0 : errsv);
  return next;
}

static gint64
beat_cb (gpointer data)
{
  FluflLease *lease = data;
  g_autoptr (FluflLock) self = g_weak_ref_get (&lease->lock);

  return self != NULL ? beat_once (self, lease) : -1;
}

/* Under the mutex. The lease runs since @since, by the monotonic clock. */
static void
start_pulse (FluflLock *self, gint64 since)
{
  gint64 beat = beat_of (&self->claim);
  gint64 now, left;
  GMainContext *context = self->context;

  self->lease_end = since + self->claim.lifetime / 1000;
  self->beat_errsv = 0;
  if (self->heartbeat == FLUFL_HEARTBEAT_NONE)
    return;
  now = g_get_monotonic_time ();
  /* A main context that came late to the win: see first what it is worth. */
  self->lease_end = MAX (self->lease_end, now + beat);
  left = self->lease_end - now;

  if (self->heartbeat == FLUFL_HEARTBEAT_THREAD)
    context = NULL;
  else if (context == NULL)
    context = g_main_context_default ();
  self->lease = lease_new (self);
  self->pulse = flufl_pulse_start (context, left <= 2 * beat ? 0 : left - 2 * beat, beat_cb,
                                   lease_ref (self->lease), lease_unref);
  flufl_engine_at (self->lease_end, self->lease->over, look_at_lease, lease_ref (self->lease));
}

/*
 * flufl_lock_renew_lease:
 * @since: monotonic time just before the touch
 *
 * Another than the heartbeat has refreshed the lock. Called with the disk.
 */
void
flufl_lock_renew_lease (FluflLock *self, gint64 since)
{
  gboolean beats;

  g_mutex_lock (&self->mutex);
  beats = self->pulse != NULL;
  self->lease_end = since + self->claim.lifetime / 1000;
  g_mutex_unlock (&self->mutex);
  if (!beats)
    return;

  /* The lifetime may be another one, and so the time between two beats. */
  flufl_lock_stop_pulse (self);
  g_mutex_lock (&self->mutex);
  if (is_holding (self, self->holding))
    start_pulse (self, since);
  g_mutex_unlock (&self->mutex);
}

/*
 * flufl_lock_begin_holding:
 * @claim: the lock; emptied
 * @context: (nullable): where to tell of a loss, and whose life the heartbeat
 *   may show
 */
void
flufl_lock_begin_holding (FluflLock *self, FluflClaim *claim, GMainContext *context)
{
  /* Not unreferenced under the mutex: it may run functions of the user's. */
  g_autoptr (GCancellable) past_loss = NULL;

  g_mutex_lock (&self->disk);
  self->claim = *claim;
  *claim = (FluflClaim){ 0 };

  g_mutex_lock (&self->mutex);
  self->held = TRUE;
  self->holding++;
  g_free (self->claim_path);
  self->claim_path = g_strdup (self->claim.path);
  g_clear_pointer (&self->context, g_main_context_unref);
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
  if (self->lost)
    past_loss = g_steal_pointer (&self->loss);
  self->lost = FALSE;
  start_pulse (self, g_get_monotonic_time ()
                         - (self->claim.lifetime
                            - flufl_claim_lease_left (&self->claim, &self->site)) / 1000);
  g_mutex_unlock (&self->mutex);
  g_mutex_unlock (&self->disk);
}

/*
 * flufl_lock_end_holding:
 *
 * The object has not the lock any more, for whatever reason. The claim is the
 * caller's affair.
 *
 * Returns: whether it had it until now
 */
gboolean
flufl_lock_end_holding (FluflLock *self)
{
  gboolean held;

  g_mutex_lock (&self->mutex);
  held = self->held;
  self->held = FALSE;
  g_clear_pointer (&self->claim_path, g_free);
  g_mutex_unlock (&self->mutex);
  flufl_lock_stop_pulse (self);
  return held;
}
