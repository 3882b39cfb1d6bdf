/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is held, its end and its loss, and what a forked child makes of it.
 */

#include "config.h"

#include "flufl-holding-private.h"

#include "flufl-process.h"

/* A kept claim is an open file: it keeps a file system from being unmounted. */
gint64 flufl_holding_idle_time = 30 * G_USEC_PER_SEC;

/* A context that nobody runs must not keep the object, and one that runs late
 * must not tell of a holding that is long past. */
typedef struct
{
  FluflHolding *holding; /* owned */
  guint         number;
  GSource      *source;  /* owned; nullable */
} Loss;

FluflLease *
flufl_lease_new (FluflHolding *holding)
{
  FluflLease *lease = g_new0 (FluflLease, 1);

  g_atomic_ref_count_init (&lease->refs);
  lease->holding = flufl_holding_ref (holding);
  lease->number = holding->number;
  lease->sleeper = flufl_sleeper_new (NULL);
  return lease;
}

FluflLease *
flufl_lease_ref (FluflLease *lease)
{
  g_atomic_ref_count_inc (&lease->refs);
  return lease;
}

void
flufl_lease_unref (gpointer data)
{
  FluflLease *lease = data;

  if (!g_atomic_ref_count_dec (&lease->refs))
    return;
  flufl_holding_unref (lease->holding);
  flufl_sleeper_free (lease->sleeper);
  g_free (lease);
}

/*
 * flufl_holding_new:
 *
 * Returns: (transfer full): to be given up by flufl_holding_close()
 */
FluflHolding *
flufl_holding_new (FluflLossFunc tell_loss)
{
  FluflHolding *self = g_new0 (FluflHolding, 1);

  g_atomic_ref_count_init (&self->refs);
  self->process = flufl_process_mark ();
  g_mutex_init (&self->disk);
  g_mutex_init (&self->mutex);
  g_mutex_init (&self->object_mutex);
  self->tell_loss = tell_loss;
  return self;
}

FluflHolding *
flufl_holding_ref (FluflHolding *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
flufl_holding_unref (FluflHolding *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  flufl_claim_clear (&self->claim);
  flufl_claim_clear (&self->parked);
  flufl_queue_clear (&self->queue);
  flufl_site_clear (&self->site);
  g_free (self->claim_path);
  g_mutex_clear (&self->disk);
  g_mutex_clear (&self->mutex);
  g_mutex_clear (&self->object_mutex);
  g_free (self);
}

/*
 * flufl_holding_close:
 * @self: (transfer full):
 *
 * The object is gone. What is the user's goes here and now; the rest when the
 * last beat is over, in whatever thread.
 */
void
flufl_holding_close (FluflHolding *self)
{
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (GCancellable) loss = NULL;

  flufl_holding_lock (self);
  if (self->idle != NULL)
    flufl_sleeper_wake (self->idle);
  context = g_steal_pointer (&self->context);
  loss = g_steal_pointer (&self->loss);
  flufl_holding_unlock (self);
  flufl_holding_unref (self);
}

/*
 * flufl_holding_set_object:
 * @object: (nullable): whom to tell of a loss
 */
void
flufl_holding_set_object (FluflHolding *self, gpointer object)
{
  flufl_holding_enter_process (self);
  g_mutex_lock (&self->object_mutex);
  self->object = object;
  g_mutex_unlock (&self->object_mutex);
}

/*
 * flufl_holding_enter_process:
 *
 * In a forked child everything begins anew: what the parent holds, keeps or
 * does is forgotten here, and left alone on disk. Of the parent's threads none
 * is there that could give back a mutex or end an operation.
 */
void
flufl_holding_enter_process (FluflHolding *self)
{
  if (g_atomic_int_get (&self->process) == flufl_process_mark ())
    return;

  flufl_process_lock_entry ();
  if (self->process != flufl_process_mark ())
    {
      g_mutex_init (&self->disk);
      g_mutex_init (&self->mutex);
      g_mutex_init (&self->object_mutex);
      flufl_claim_clear (&self->claim);
      flufl_claim_clear (&self->parked);
      g_clear_pointer (&self->claim_path, g_free);
      self->busy = self->held = FALSE;
      self->lost = FLUFL_LOSS_NONE;
      /* The parent's worker may be at it: they are left as they are. */
      self->pulse = NULL;
      self->lease = NULL;
      self->idle = NULL;
      self->queue = (FluflQueue){ 0 };
      g_atomic_int_set (&self->process, flufl_process_mark ());
    }
  flufl_process_unlock_entry ();
}

/* Mutexes are had by these only, so that none is waited for whose owner is in
 * another process. */
void
flufl_holding_lock (FluflHolding *self)
{
  flufl_holding_enter_process (self);
  g_mutex_lock (&self->mutex);
}

void
flufl_holding_unlock (FluflHolding *self)
{
  g_mutex_unlock (&self->mutex);
}

void
flufl_holding_lock_disk (FluflHolding *self)
{
  flufl_holding_enter_process (self);
  g_mutex_lock (&self->disk);
}

void
flufl_holding_unlock_disk (FluflHolding *self)
{
  g_mutex_unlock (&self->disk);
}

/* Whether the object has the lock, as far as it knows without a look. In a
 * forked child it never has: the lock is the parent's. */
gboolean
flufl_holding_is_held (FluflHolding *self)
{
  gboolean held;

  flufl_holding_lock (self);
  held = self->held;
  flufl_holding_unlock (self);
  return held;
}

/*
 * flufl_holding_report_loss:
 *
 * Whoever asks is told the same: a signal, a refresh, a release and a cancellable.
 *
 * Returns: (nullable) (transfer full): why the last holding ended in a loss, if it did
 */
GError *
flufl_holding_report_loss (FluflHolding *self)
{
  g_autoptr (GCancellable) cancellable = NULL;
  FluflLoss loss;
  int errsv;

  flufl_holding_lock (self);
  loss = self->lost;
  errsv = self->lost_errsv;
  if (loss != FLUFL_LOSS_NONE && self->loss != NULL)
    cancellable = g_object_ref (self->loss);
  flufl_holding_unlock (self);
  /* The thread that found it may not have come to fire it yet. */
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
  return loss != FLUFL_LOSS_NONE ? flufl_report_lost (&self->site, loss, errsv) : NULL;
}

/*
 * flufl_holding_stop_heart:
 *
 * Nobody refreshes the lock any more, or watches over the end of its lease.
 * Called with the mutex: so the context is there still, in which the pulse is.
 */
void
flufl_holding_stop_heart (FluflHolding *self)
{
  FluflLease *lease = g_steal_pointer (&self->lease);

  if (self->pulse != NULL)
    flufl_pulse_stop (g_steal_pointer (&self->pulse));
  if (lease != NULL)
    {
      g_atomic_int_set (&lease->over, TRUE);
      flufl_sleeper_wake (lease->sleeper);
      flufl_lease_unref (lease);
    }
}

/*
 * flufl_holding_end:
 *
 * The object has not the lock any more, for whatever reason. The claim is the
 * caller's affair.
 *
 * Returns: whether it had it until now
 */
gboolean
flufl_holding_end (FluflHolding *self)
{
  gboolean held;

  flufl_holding_lock (self);
  held = self->held;
  self->held = FALSE;
  g_clear_pointer (&self->claim_path, g_free);
  flufl_holding_stop_heart (self);
  flufl_holding_unlock (self);
  return held;
}

/*
 * flufl_holding_lose_number:
 * @number: which holding
 * @late: it is lost if its lease is over, since no refresh is known to be done; otherwise
 *   the disk shows that it is lost
 *
 * The end of a holding by a loss. The cancellable fires in this thread, for the
 * work should stop even if nobody runs the main context; so neither disk nor
 * mutex may be had here.
 *
 * Returns: %TRUE to one of all who find it: others must be told
 */
gboolean
flufl_holding_lose_number (FluflHolding *self, guint number, gboolean late)
{
  g_autoptr (GCancellable) loss = NULL;
  gboolean lost, over;

  flufl_holding_lock (self);
  over = self->lease_end <= g_get_monotonic_time ();
  lost = self->held && self->number == number && (!late || over);
  if (lost)
    {
      self->held = FALSE;
      self->lost = late ? FLUFL_LOSS_LATE : over ? FLUFL_LOSS_EXPIRED : FLUFL_LOSS_TAKEN;
      self->lost_errsv = late ? self->beat_errsv : 0;
      g_clear_pointer (&self->claim_path, g_free);
      flufl_holding_stop_heart (self);
    }
  /* Also where another thread was first: it may not have come to fire it. */
  if (self->lost != FLUFL_LOSS_NONE && self->number == number && self->loss != NULL)
    loss = g_object_ref (self->loss);
  flufl_holding_unlock (self);

  if (loss != NULL)
    g_cancellable_cancel (loss);
  return lost;
}

/*
 * flufl_holding_lose:
 *
 * The lock was found to be lost by an operation. The cancellable fires.
 *
 * Returns: whether the object had it until now
 */
gboolean
flufl_holding_lose (FluflHolding *self)
{
  guint number;

  flufl_holding_lock (self);
  number = self->number;
  flufl_holding_unlock (self);
  return flufl_holding_lose_number (self, number, FALSE);
}

/*
 * flufl_holding_drop_remains:
 *
 * Removes what a loss has left on disk. Waits for a heartbeat that hangs.
 */
void
flufl_holding_drop_remains (FluflHolding *self)
{
  flufl_holding_lock_disk (self);
  if (self->claim.path != NULL && !flufl_holding_is_held (self))
    {
      /* A touch that came late may have made it good again. */
      self->claim.unsure = TRUE;
      flufl_claim_abandon (&self->claim, &self->site);
    }
  flufl_holding_unlock_disk (self);
}

/*
 * flufl_holding_drop_parked:
 *
 * Removes the claim that is kept for the next use.
 */
void
flufl_holding_drop_parked (FluflHolding *self)
{
  flufl_holding_lock_disk (self);
  flufl_claim_abandon (&self->parked, &self->site);
  flufl_holding_unlock_disk (self);
}

/* In a worker, with a reference of its own. One appointment serves many uses: it is put off
 * if the claim was used meanwhile. */
static void
let_go_if_idle (gpointer data)
{
  FluflHolding *self = data;
  FluflSleeper *done;

  flufl_holding_lock_disk (self);
  if (self->parked.path != NULL
      && g_get_monotonic_time () - self->parked_at < flufl_holding_idle_time)
    {
      if (flufl_sleeper_call (self->idle, FLUFL_TIME_MONOTONIC,
                              self->parked_at + flufl_holding_idle_time, let_go_if_idle, self))
        {
          flufl_holding_unlock_disk (self);
          return;
        }
    }
  flufl_claim_abandon (&self->parked, &self->site);
  flufl_holding_lock (self);
  done = g_steal_pointer (&self->idle);
  flufl_holding_unlock (self);
  flufl_holding_unlock_disk (self);
  flufl_sleeper_free (done);
  flufl_holding_unref (self);
}

/*
 * flufl_holding_note_parked:
 *
 * A claim is kept from now on; called with the disk.
 */
void
flufl_holding_note_parked (FluflHolding *self)
{
  self->parked_at = g_get_monotonic_time ();
  /* Set and cleared with both mutexes. */
  if (self->idle != NULL)
    return;
  flufl_holding_lock (self);
  self->idle = flufl_sleeper_new (NULL);
  /* Without a thread it stays until it is used again. */
  if (!flufl_sleeper_call (self->idle, FLUFL_TIME_MONOTONIC,
                           self->parked_at + flufl_holding_idle_time, let_go_if_idle,
                           flufl_holding_ref (self)))
    {
      g_clear_pointer (&self->idle, flufl_sleeper_free);
      flufl_holding_unref (self);
    }
  flufl_holding_unlock (self);
}

/* In a thread of the user's: so it may come to have the last reference. */
static gboolean
loss_cb (gpointer data)
{
  Loss *loss = data;
  FluflHolding *self = loss->holding;
  g_autoptr (GObject) object = NULL;
  gboolean past;

  flufl_holding_lock (self);
  past = self->lost == FLUFL_LOSS_NONE || self->number != loss->number;
  flufl_holding_unlock (self);
  if (past)
    return G_SOURCE_REMOVE;

  g_mutex_lock (&self->object_mutex);
  if (self->object != NULL)
    object = g_object_ref (self->object);
  g_mutex_unlock (&self->object_mutex);
  if (object != NULL)
    {
      g_autoptr (GError) error = flufl_holding_report_loss (self);

      self->tell_loss (object, error);
    }
  return G_SOURCE_REMOVE;
}

static void
loss_free (gpointer data)
{
  Loss *loss = data;

  flufl_holding_unref (loss->holding);
  g_clear_pointer (&loss->source, g_source_unref);
  g_free (loss);
}

/*
 * flufl_holding_post_loss:
 * @number: of the holding that was lost
 *
 * Tells of a loss in the main context of the acquisition.
 */
void
flufl_holding_post_loss (FluflHolding *self, guint number)
{
  GSource *source = g_idle_source_new ();
  Loss *loss = g_new0 (Loss, 1);

  loss->holding = flufl_holding_ref (self);
  loss->number = number;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[flufl] lock lost");
  g_source_set_callback (source, loss_cb, loss, loss_free);

  /* With the mutex, not with a reference: no thread of ours shall have the last
   * one to a context of the user's. Without a context the object is gone. */
  flufl_holding_lock (self);
  if (self->context != NULL)
    {
      loss->source = source; /* and not let go of here: see post() in flufl-op.c */
      g_source_attach (source, self->context);
      source = NULL;
    }
  flufl_holding_unlock (self);
  if (source != NULL)
    g_source_unref (source);
}
