/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The claim that a lease keeps on disk for its object's next acquisition.
 */

#include "config.h"

#include "flufl-lease-private.h"

/* A kept claim is an open file: it keeps a file system from being unmounted. */
int flufl_lease_idle_ms = 30 * 1000;

static gint64
idle_time (void)
{
  return g_atomic_int_get (&flufl_lease_idle_ms) * G_GINT64_CONSTANT (1000);
}

/* With the disk. */
static void
take_kept (FluflLease *self, FluflClaim *out_claim)
{
  *out_claim = self->kept;
  if (self->kept.path == NULL)
    return;
  self->kept = (FluflClaim){ 0 };
  flufl_lease_lock (self);
  self->keeps = FALSE;
  flufl_lease_unlock (self);
}

/*
 * flufl_lease_make_ready:
 * @out_claim: the claim that is kept, or an empty one
 *
 * Before an acquisition: removes what a loss has left on disk, and hands over what is kept.
 */
void
flufl_lease_make_ready (FluflLease *self, FluflClaim *out_claim)
{
  flufl_lease_lock_disk (self);
  flufl_lease_drop_remains_with_disk (self);
  take_kept (self, out_claim);
  flufl_lease_unlock_disk (self);
}

static void
abandon (FluflLease *self, FluflClaim *kept)
{
  FluflSite site;

  flufl_lease_copy_site (self, &site);
  flufl_claim_abandon (kept, &site);
  flufl_lease_learn_site (self, &site);
}

void
flufl_lease_drop_kept (FluflLease *self)
{
  FluflClaim kept;

  flufl_lease_lock_disk (self);
  take_kept (self, &kept);
  flufl_lease_unlock_disk (self);
  abandon (self, &kept);
}

/* In a worker. One appointment serves many uses: it is put off if the claim was used since. */
static gint64
idle_cb (gpointer data)
{
  FluflLease *self = data;
  FluflClaim kept = { 0 };
  gint64 left = -1;

  flufl_lease_lock_disk (self);
  if (self->kept.path != NULL)
    left = self->kept_at + idle_time () - g_get_monotonic_time ();
  self->idle_is_due = left > 0;
  /* The claim is taken before the disk is left, since the next release may keep a claim then. */
  if (left <= 0)
    take_kept (self, &kept);
  flufl_lease_unlock_disk (self);
  abandon (self, &kept);
  return left > 0 ? left : -1;
}

/*
 * flufl_lease_keep:
 *
 * The claim, which is not the lock any more, is kept for the next use. Called with the disk.
 */
void
flufl_lease_keep (FluflLease *self)
{
  self->kept = self->claim;
  self->claim = (FluflClaim){ 0 };
  self->kept_at = g_get_monotonic_time ();
  flufl_lease_lock (self);
  self->keeps = TRUE;
  if (self->idle == NULL)
    {
      /* Without a thread it stays until it is used again. */
      self->idle = flufl_pulse_start (NULL, (guint64) self->kept.dev + 1, idle_time (),
                                      idle_cb, flufl_lease_ref (self), flufl_lease_unref);
      if (self->idle == NULL)
        flufl_lease_unref (self);
    }
  else if (!self->idle_is_due)
    flufl_pulse_set (self->idle, idle_time ());
  self->idle_is_due = self->idle != NULL;
  flufl_lease_unlock (self);
}
