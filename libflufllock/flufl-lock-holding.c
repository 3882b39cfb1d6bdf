/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * From the win to the end of a holding: heartbeat, loss, forked children.
 */

#include "config.h"

#include "flufl-lock-private.h"
#include "flufl-report-private.h"

#include <unistd.h>

/* A refresh that failed for a passing reason is tried again so often. */
#define RETRY_MIN (10 * 1000)

typedef struct
{
  GWeakRef lock;
  guint    holding;
} Beat;

typedef struct
{
  FluflLock *lock;
  GError    *error;
} Loss;

/* Whether the object has the lock, as far as it knows without a look. In a
 * forked child it never has: the lock is the parent's. */
gboolean
flufl_lock_is_held (FluflLock *self)
{
  gboolean held;

  g_mutex_lock (&self->mutex);
  held = self->held && self->holder_pid == (int) getpid ();
  g_mutex_unlock (&self->mutex);
  return held;
}

/* Whether the last holding ended in a loss. Who is told so by a signal or a
 * cancellable, and then releases, should hear the same again. */
gboolean
flufl_lock_was_lost (FluflLock *self)
{
  gboolean lost;

  g_mutex_lock (&self->mutex);
  lost = self->lost;
  g_mutex_unlock (&self->mutex);
  return lost;
}

void
flufl_lock_stop_pulse (FluflLock *self)
{
  FluflPulse *pulse;

  g_mutex_lock (&self->mutex);
  pulse = g_steal_pointer (&self->pulse);
  g_mutex_unlock (&self->mutex);
  if (pulse != NULL)
    flufl_pulse_stop (pulse);
}

/* Fires the cancellable, in whatever thread finds the loss: the work should
 * stop even if nobody runs the main context. */
void
flufl_lock_mark_lost (FluflLock *self)
{
  g_autoptr (GCancellable) loss = NULL;

  g_mutex_lock (&self->mutex);
  self->lost = TRUE;
  if (self->loss != NULL)
    loss = g_object_ref (self->loss);
  g_mutex_unlock (&self->mutex);
  if (loss != NULL)
    g_cancellable_cancel (loss);
}

static gboolean
loss_cb (gpointer data)
{
  Loss *loss = data;

  flufl_lock_notify_held (loss->lock);
  flufl_lock_tell_lost (loss->lock, loss->error);
  return G_SOURCE_REMOVE;
}

static void
loss_free (gpointer data)
{
  Loss *loss = data;

  g_object_unref (loss->lock);
  g_error_free (loss->error);
  g_free (loss);
}

/* Tells of a loss that a worker thread met, in the context of the holder. */
static void
post_loss (FluflLock *self, GError *error)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  Loss *loss = g_new (Loss, 1);

  loss->lock = g_object_ref (self);
  loss->error = error;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[flufl] lock lost");
  g_source_set_callback (source, loss_cb, loss, loss_free);
  g_source_attach (source, self->context);
}

static gint64
beat_of (const FluflClaim *claim)
{
  return claim->lifetime / 1000 / 3;
}

static gint64
beat_once (FluflLock *self, guint holding)
{
  FluflOutcome outcome;
  GError *error;
  int errsv = 0;
  gint64 next = -1, left;

  g_mutex_lock (&self->disk);
  if (!flufl_lock_is_held (self) || self->holding != holding)
    {
      g_mutex_unlock (&self->disk);
      return -1;
    }

  outcome = flufl_claim_refresh (&self->claim, &self->site, self->claim.lifetime, &errsv);
  left = flufl_claim_lease_left (&self->claim, &self->site);
  if (outcome == FLUFL_OUTCOME_HELD)
    next = beat_of (&self->claim);
  else if (outcome == FLUFL_OUTCOME_UNSURE && left > 0)
    next = MAX (RETRY_MIN, MIN (left / 1000 / 2, beat_of (&self->claim) / 8));
  else
    {
      flufl_claim_abandon (&self->claim, &self->site);
      flufl_lock_end_holding (self);
    }
  g_mutex_unlock (&self->disk);

  if (next < 0)
    {
      error = flufl_report_lost (&self->site, outcome == FLUFL_OUTCOME_LOST ? 0 : errsv);
      flufl_lock_mark_lost (self);
      post_loss (self, error);
    }
  return next;
}

static gint64
beat_cb (gpointer data)
{
  Beat *beat = data;
  g_autoptr (FluflLock) self = g_weak_ref_get (&beat->lock);

  return self != NULL ? beat_once (self, beat->holding) : -1;
}

static void
beat_free (gpointer data)
{
  Beat *beat = data;

  g_weak_ref_clear (&beat->lock);
  g_free (beat);
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
  FluflHeartbeat heartbeat;
  gint64 first;
  Beat *beat;

  g_mutex_lock (&self->disk);
  self->claim = *claim;
  *claim = (FluflClaim){ 0 };
  first = beat_of (&self->claim);

  g_mutex_lock (&self->mutex);
  self->held = TRUE;
  self->holder_pid = (int) getpid ();
  self->holding++;
  g_free (self->claim_path);
  self->claim_path = g_strdup (self->claim.path);
  g_clear_pointer (&self->context, g_main_context_unref);
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
  if (self->lost)
    g_clear_object (&self->loss);
  self->lost = FALSE;
  heartbeat = self->heartbeat;
  if (heartbeat != FLUFL_HEARTBEAT_NONE)
    {
      beat = g_new0 (Beat, 1);
      g_weak_ref_init (&beat->lock, self);
      beat->holding = self->holding;
      if (context == NULL && heartbeat == FLUFL_HEARTBEAT_MAIN_CONTEXT)
        context = g_main_context_default ();
      self->pulse = flufl_pulse_start (heartbeat == FLUFL_HEARTBEAT_THREAD ? NULL : context,
                                       first, beat_cb, beat, beat_free);
    }
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
