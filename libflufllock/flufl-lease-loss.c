/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The loss of a lease: how it is found and reported, and what becomes of its files.
 */

#include "config.h"

#include "flufl-lease-private.h"

#include "flufl-lock-private.h"
#include "flufl-log-private.h"

/* The cancellable fires in this thread, for the work should stop even if nobody runs the main
 * context. So the caller holds neither the mutex of the disk nor that of the lease. */
static void
fire (GCancellable *lost)
{
  g_cancellable_cancel (lost);
  g_object_unref (lost);
}

static void
log_loss (FluflLease *self)
{
  gint64 held = flufl_lease_get_age (self);
  g_autofree char *text = NULL;
  FluflLoss loss;

  flufl_lease_lock (self);
  loss = self->loss;
  flufl_lease_unlock (self);
  text = g_strdup_printf ("is lost after %" G_GINT64_FORMAT " ms: it %s.", held,
                          loss == FLUFL_LOSS_LATE      ? "was not refreshed in time"
                          : loss == FLUFL_LOSS_EXPIRED ? "had expired, and was broken or deleted"
                                                       : "was broken or deleted");
  flufl_log (&self->site, "lost", NULL, FLUFL_LOG_HELD, held, text);
}

/*
 * flufl_lease_lose:
 * @number: which lease
 * @late: %TRUE: end the lease only if its time is over; %FALSE: the disk has shown the loss
 * @out_loss: (nullable): how that lease has ended; unchanged if another lease has begun
 * @out_errsv: (nullable): what kept it from being refreshed, or 0; unchanged with @out_loss
 *
 * Returns: %TRUE to one of all who find it, if the object's user believes to have the lock:
 *   the loss must be reported
 */
gboolean
flufl_lease_lose (FluflLease *self, guint number, gboolean late, FluflLoss *out_loss,
                  int *out_errsv)
{
  GCancellable *lost = NULL;
  gboolean told = FALSE;

  flufl_lease_lock (self);
  if (self->won && self->number == number && (!late || flufl_lease_is_over_locked (self)))
    {
      told = self->held;
      flufl_lease_set_lost_locked (self, late);
    }
  /* Even if another thread noted the loss first, since it may not have fired the cancellable yet. */
  if (self->loss != FLUFL_LOSS_NONE && self->number == number && self->lost != NULL)
    {
      lost = g_object_ref (self->lost);
      self->lost_fired = TRUE;
    }
  if (self->number == number && out_loss != NULL)
    {
      *out_loss = self->loss;
      *out_errsv = self->loss_errsv;
    }
  flufl_lease_unlock (self);
  if (lost != NULL)
    fire (lost);
  if (told)
    log_loss (self);
  return told;
}

/* Reports the loss of the last lease, if it has the number @only or if @only is 0.
 *
 * Returns: (nullable) (transfer full): the reason; %NULL if that lease was not lost */
static GError *
report_loss_of (FluflLease *self, guint only)
{
  FluflLoss loss;
  guint number;
  int errsv;

  flufl_lease_lock (self);
  loss = self->loss;
  errsv = self->loss_errsv;
  number = self->number;
  flufl_lease_unlock (self);
  if (loss == FLUFL_LOSS_NONE || (only != 0 && only != number))
    return NULL;
  flufl_lease_lose (self, number, FALSE, NULL, NULL); /* for the cancellable */
  return flufl_report_lost (&self->site, loss, errsv);
}

/*
 * flufl_lease_report_loss:
 *
 * The signal, a refresh, a release and the cancellable all report the same.
 *
 * Returns: (nullable) (transfer full): why the last lease ended in a loss, if it did
 */
GError *
flufl_lease_report_loss (FluflLease *self)
{
  return report_loss_of (self, 0);
}

/* Whether the object has begun no other lease since it has lost that one. */
static gboolean
is_lost (FluflLease *self, guint number)
{
  gboolean lost;

  flufl_lease_lock (self);
  lost = self->loss != FLUFL_LOSS_NONE && self->number == number;
  flufl_lease_unlock (self);
  return lost;
}

/*
 * flufl_lease_emit_loss:
 * @object: the object whose lease this is
 * @number: of the lease that was lost
 *
 * Emits the signals that report a loss, until the object holds the lock again. A handler or another
 * thread may acquire it at any time. Called in a thread of the user's, without mutexes.
 */
void
flufl_lease_emit_loss (FluflLease *self, gpointer object, guint number)
{
  g_autoptr (GError) error = report_loss_of (self, number);

  if (error == NULL)
    return;
  flufl_lock_notify_held (object);
  if (is_lost (self, number))
    flufl_lock_emit_lost (object, error);
}

/*
 * flufl_lease_report_loss_of:
 * @number: of a lease
 *
 * Reports the loss of one lease, even if the object has acquired the lock once more since.
 *
 * Returns: (nullable) (transfer full): why the lease ended in a loss, if it did
 */
GError *
flufl_lease_report_loss_of (FluflLease *self, guint number)
{
  FluflLoss loss = FLUFL_LOSS_NONE;
  gboolean is_last;
  int errsv = 0;

  flufl_lease_lock (self);
  is_last = self->number == number;
  if (is_last || self->past_number == number)
    {
      loss = is_last ? self->loss : self->past_loss;
      errsv = is_last ? self->loss_errsv : self->past_errsv;
    }
  flufl_lease_unlock (self);
  if (loss == FLUFL_LOSS_NONE)
    return NULL;
  /* Another thread may have found the loss, and may not have fired the cancellable yet. */
  if (is_last)
    flufl_lease_lose (self, number, FALSE, NULL, NULL);
  return flufl_report_lost (&self->site, loss, errsv);
}

/* A context that nobody runs must not keep the object, and one that runs late must not report
 * of a lease that is long past. */
typedef struct
{
  FluflLease *lease;  /* owned */
  guint       number;
  GSource    *source; /* owned; nullable */
} Loss;

/* In a thread of the user's: so it may come to have the last reference. */
static gboolean
loss_cb (gpointer data)
{
  Loss *loss = data;
  FluflLease *self = loss->lease;
  FluflTie *tie = is_lost (self, loss->number) ? flufl_lease_get_tie (self) : NULL;

  if (tie != NULL)
    {
      flufl_lease_emit_loss (self, flufl_tie_object (tie), loss->number);
      flufl_tie_put (tie);
    }
  return G_SOURCE_REMOVE;
}

static void
loss_free (gpointer data)
{
  Loss *loss = data;

  flufl_lease_unref (loss->lease);
  g_clear_pointer (&loss->source, g_source_unref);
  g_free (loss);
}

/*
 * flufl_lease_post_loss:
 * @number: of the lease that was lost
 *
 * Reports a loss in the main context of the acquisition.
 */
void
flufl_lease_post_loss (FluflLease *self, guint number)
{
  GSource *source = g_idle_source_new ();
  Loss *loss = g_new0 (Loss, 1);
  gboolean attached;

  loss->lease = flufl_lease_ref (self);
  loss->number = number;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[flufl] lost");
  g_source_set_callback (source, loss_cb, loss, loss_free);
  flufl_lease_lock (self);
  attached = !self->is_closed;
  if (attached)
    {
      /* loss_free() drops this reference. */
      loss->source = source;
      g_source_attach (source, self->context);
    }
  flufl_lease_unlock (self);
  if (!attached)
    g_source_unref (source);
}

void
flufl_lease_drop_remains_with_disk (FluflLease *self)
{
  FluflSite site;
  gboolean held;

  if (self->claim.path == NULL)
    return;
  flufl_lease_lock (self);
  held = self->won;
  flufl_site_copy (&site, &self->site);
  flufl_lease_unlock (self);
  if (!held)
    {
      /* A touch that came late may have made it good again. */
      self->claim.unsure = TRUE;
      flufl_claim_abandon (&self->claim, &site);
    }
  flufl_lease_learn_site (self, &site);
}

/*
 * flufl_lease_drop_remains:
 *
 * Removes what a loss has left on disk. Waits for a heartbeat that hangs.
 */
void
flufl_lease_drop_remains (FluflLease *self)
{
  flufl_lease_lock_disk (self);
  flufl_lease_drop_remains_with_disk (self);
  flufl_lease_unlock_disk (self);
}
