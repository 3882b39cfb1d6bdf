/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-lease.h"

#include <string.h>

#include "flufl-lease-private.h"
#include "flufl-lock-private.h"
#include "flufl-process.h"
#include "flufl-thread.h"

/* --- Life --- */

/*
 * flufl_lease_new:
 *
 * Returns: (transfer full): to be given up by flufl_lease_close()
 */
FluflLease *
flufl_lease_new (void)
{
  FluflLease *self = g_new0 (FluflLease, 1);

  g_atomic_ref_count_init (&self->refs);
  self->process = flufl_process_mark ();
  g_mutex_init (&self->disk);
  g_mutex_init (&self->mutex);
  g_weak_ref_init (&self->object, NULL);
  self->release_at_exit = TRUE;
  return self;
}

FluflLease *
flufl_lease_ref (FluflLease *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
flufl_lease_unref (gpointer data)
{
  FluflLease *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  flufl_claim_clear (&self->claim);
  flufl_claim_clear (&self->kept);
  flufl_queue_clear (&self->queue);
  flufl_site_clear (&self->site);
  g_free (self->claim_path);
  g_mutex_clear (&self->disk);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/*
 * flufl_lease_close:
 * @self: (transfer full):
 *
 * The object is gone. What belongs to the user is released in the calling thread; the lease goes
 * with its last reference, which may be a worker's.
 */
void
flufl_lease_close (FluflLease *self)
{
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (GCancellable) lost = NULL;
  FluflPulse *idle;

  flufl_lease_delist (self);
  flufl_lease_lock (self);
  idle = g_steal_pointer (&self->idle);
  self->is_closed = TRUE;
  context = g_steal_pointer (&self->context);
  lost = g_steal_pointer (&self->lost);
  flufl_lease_unlock (self);
  if (idle != NULL)
    flufl_pulse_stop (idle);
  flufl_lease_unref (self);
}

/* In a forked child everything begins anew: what the parent holds, keeps or does is forgotten
 * here, and left alone on disk. None of the parent's threads is there that could give back a
 * mutex or end an operation. */
static void
begin_anew (FluflLease *self)
{
  flufl_process_lock_entry ();
  if (self->process != flufl_process_mark ())
    {
      g_mutex_init (&self->disk);
      g_mutex_init (&self->mutex);
      flufl_claim_clear (&self->claim);
      flufl_claim_clear (&self->kept);
      g_clear_pointer (&self->claim_path, g_free);
      self->busy = self->won = self->keeps = FALSE;
      g_atomic_int_set (&self->held, FALSE);
      self->loss = FLUFL_LOSS_NONE;
      self->given_up = NULL;
      self->acquirer = NULL;
      self->leases = NULL;
      /* The parent's worker may be at them: they are left as they are. */
      g_atomic_pointer_set (&self->heart, NULL);
      self->idle = NULL;
      self->queue = (FluflQueue){ 0 };
      g_atomic_int_set (&self->process, flufl_process_mark ());
    }
  flufl_process_unlock_entry ();
}

void
flufl_lease_enter_process (FluflLease *self)
{
  if (g_atomic_int_get (&self->process) != flufl_process_mark ())
    begin_anew (self);
}

/* The mutexes are taken by these functions only: they replace one that the parent held when
 * it forked. */
void
flufl_lease_lock (FluflLease *self)
{
  flufl_lease_enter_process (self);
  g_mutex_lock (&self->mutex);
}

void
flufl_lease_unlock (FluflLease *self)
{
  g_mutex_unlock (&self->mutex);
}

void
flufl_lease_lock_disk (FluflLease *self)
{
  flufl_lease_enter_process (self);
  flufl_thread_lock (&self->disk);
}

void
flufl_lease_unlock_disk (FluflLease *self)
{
  g_mutex_unlock (&self->disk);
}

/*
 * flufl_lease_copy_site:
 * @out_site: to be given back to flufl_lease_learn_site()
 *
 * Each operation has a copy of the site, so that operations can run beside each other.
 */
void
flufl_lease_copy_site (FluflLease *self, FluflSite *out_site)
{
  flufl_lease_lock (self);
  flufl_site_copy (out_site, &self->site);
  flufl_lease_unlock (self);
}

/*
 * flufl_lease_learn_site:
 * @site: cleared
 *
 * Keeps for other operations what one has learned of the file system.
 */
void
flufl_lease_learn_site (FluflLease *self, FluflSite *site)
{
  flufl_lease_lock (self);
  flufl_lease_learn_site_locked (self, site);
  flufl_lease_unlock (self);
}

/* With the mutex. */
void
flufl_lease_learn_site_locked (FluflLease *self, FluflSite *site)
{
  if (self->site.fs_kind == FLUFL_FS_UNASKED)
    self->site.fs_kind = site->fs_kind;
  self->site.no_life_lines |= site->no_life_lines;
  flufl_site_drop_copy (site);
}

/* --- The lock --- */

/* With the mutex. */
static void
stop_heart (FluflLease *self)
{
  FluflHeart *heart = self->heart;

  g_atomic_pointer_set (&self->heart, NULL);
  if (heart != NULL)
    flufl_heart_stop (heart);
}

/* With the mutex. */
static void
leave (FluflLease *self)
{
  self->won = FALSE;
  g_atomic_int_set (&self->held, FALSE);
  g_clear_pointer (&self->claim_path, g_free);
  stop_heart (self);
}

/*
 * flufl_lease_begin:
 * @claim: the lock; emptied if the lease has begun
 * @context: (inout) (nullable): the context in which a loss is reported, and on which a heartbeat
 *   of the main context depends; %NULL is the default one. On return, that of the last lease, to be
 *   unreferenced in a thread of the user's
 *
 * The lock is won. Called in the thread that won it, so that the heartbeat begins there and not
 * when the user hears of the win.
 *
 * Returns: %FALSE if there is no thread for the heartbeat; @claim is the caller's then
 */
gboolean
flufl_lease_begin (FluflLease      *self,
                   FluflClaim      *claim,
                   const FluflSite *site,
                   FluflHeartbeat   heartbeat,
                   GMainContext   **context)
{
  char *claim_path = flufl_site_resolve (site, claim->path); /* may ask the file server */
  GMainContext *last;
  gboolean begun = TRUE;

  flufl_lease_lock_disk (self);
  flufl_lease_lock (self);
  self->claim = *claim;
  self->won = TRUE;
  self->loss = FLUFL_LOSS_NONE;
  self->beat_errsv = 0;
  self->number++;
  self->lifetime = claim->lifetime;
  self->end = claim->lease_start + claim->lifetime;
  self->claim_path = claim_path;
  self->heartbeat = heartbeat;
  last = self->context;
  self->context = *context;
  *context = last;
  if (heartbeat != FLUFL_HEARTBEAT_NONE)
    {
      g_atomic_pointer_set (&self->heart, flufl_heart_start (self));
      begun = self->heart != NULL;
    }
  /* From now on, giving up ends the lease and not the acquisition. An acquisition that was given up
   * earlier, or got no heartbeat, stays registered until its files are removed. */
  if (begun && self->given_up != NULL && !g_atomic_int_get (self->given_up))
    {
      self->given_up = NULL;
      self->acquirer = NULL;
    }
  if (begun)
    *claim = (FluflClaim){ 0 };
  else
    {
      self->claim = (FluflClaim){ 0 };
      leave (self);
    }
  flufl_lease_unlock (self);
  flufl_lease_unlock_disk (self);
  return begun;
}

gboolean
flufl_lease_is_over_locked (FluflLease *self)
{
  return self->end <= self->site.sys->clock (FLUFL_CLOCK_BOOT);
}

void
flufl_lease_set_lost_locked (FluflLease *self, gboolean late)
{
  self->loss = late ? FLUFL_LOSS_LATE : flufl_lease_is_over_locked (self) ? FLUFL_LOSS_EXPIRED : FLUFL_LOSS_TAKEN;
  self->loss_errsv = late ? self->beat_errsv : 0;
  leave (self);
}

/*
 * flufl_lease_announce_win:
 * @object: the object that has the lock
 *
 * The object's user is about to hear of the win, in the calling thread.
 *
 * Returns: %FALSE if the lock is lost by now
 */
gboolean
flufl_lease_announce_win (FluflLease *self, gpointer object)
{
  g_autoptr (GCancellable) past = NULL;
  gboolean held;

  flufl_lease_lock (self);
  if (!self->has_object)
    g_weak_ref_set (&self->object, object);
  self->has_object = TRUE;
  if (self->won && flufl_lease_is_over_locked (self))
    flufl_lease_set_lost_locked (self, TRUE);
  held = self->won;
  g_atomic_int_set (&self->held, held);
  if (held && self->lost_fired)
    {
      past = g_steal_pointer (&self->lost);
      self->lost_fired = FALSE;
    }
  flufl_lease_unlock (self);
  return held;
}

/*
 * flufl_lease_forget_object:
 *
 * Called while the object is disposed of. From then on it emits no signals.
 */
void
flufl_lease_forget_object (FluflLease *self)
{
  flufl_lease_lock (self);
  g_weak_ref_set (&self->object, NULL);
  self->has_object = FALSE;
  flufl_lease_unlock (self);
}

/* Whether the object's user knows that it has the lock. The user does not between the win and the
 * end of the acquisition. A forked child never has the lock, which is the parent's. */
gboolean
flufl_lease_is_held (FluflLease *self)
{
  flufl_lease_enter_process (self);
  return g_atomic_int_get (&self->held);
}

/*
 * flufl_lease_judge:
 * @look: one that saw somebody's lock
 *
 * Returns: what that lock is to the object
 */
FluflLockState
flufl_lease_judge (FluflLease *self, const FluflLook *look, FluflLiveness liveness)
{
  gboolean expired = look->mtime < self->site.sys->clock (FLUFL_CLOCK_REAL);
  gboolean ours = FALSE;

  flufl_lease_lock (self);
  if (look->sight == FLUFL_SIGHT_CLAIM && self->held)
    ours = strcmp (strrchr (self->claim_path, '/') + 1, look->claim.name) == 0;
  flufl_lease_unlock (self);
  if (ours)
    return expired ? FLUFL_LOCK_STATE_OURS_EXPIRED : FLUFL_LOCK_STATE_OURS;
  if (liveness == FLUFL_LIVENESS_DEAD)
    return FLUFL_LOCK_STATE_STALE;
  if (expired)
    return FLUFL_LOCK_STATE_THEIRS_EXPIRED;
  return liveness == FLUFL_LIVENESS_ALIVE ? FLUFL_LOCK_STATE_THEIRS : FLUFL_LOCK_STATE_UNKNOWN;
}

/*
 * flufl_lease_renew:
 * @is_certain: whether the refresh is known to be done
 *
 * Another than the heartbeat has refreshed the claim, or has tried to. Called with the disk.
 */
void
flufl_lease_renew (FluflLease *self, gboolean is_certain)
{
  flufl_lease_lock (self);
  self->end = self->claim.lease_start + self->claim.lifetime;
  if (is_certain)
    self->lifetime = self->claim.lifetime;
  if (self->heart != NULL)
    flufl_heart_adjust (self->heart);
  flufl_lease_unlock (self);
}

/*
 * flufl_lease_stop_heart:
 *
 * The lock is not wanted any more, even if it cannot be removed.
 */
void
flufl_lease_stop_heart (FluflLease *self)
{
  flufl_lease_enter_process (self);
  if (g_atomic_pointer_get (&self->heart) == NULL)
    return;
  flufl_lease_lock (self);
  stop_heart (self);
  flufl_lease_unlock (self);
}

/*
 * flufl_lease_begin_acquiring:
 * @given_up: an atomic flag that ends the acquisition
 * @acquirer: what is to be woken then
 * @thread: (nullable): the thread that makes it; %NULL if workers do
 *
 * An acquisition begins. Called with the mutex.
 *
 * Returns: %FALSE if the process is ending
 */
gboolean
flufl_lease_begin_acquiring (FluflLease   *self,
                             int          *given_up,
                             FluflSleeper *acquirer,
                             GThread      *thread)
{
  if (!flufl_lease_enlist (self))
    return FALSE;
  self->given_up = given_up;
  self->acquirer = acquirer;
  self->acquiring_thread = thread;
  self->acquisition = MAX (self->acquisition + 1, 1);
  return TRUE;
}

/*
 * flufl_lease_end_acquiring:
 * @given_up: that of the acquisition
 *
 * The acquisition is over. It has left nothing on disk, or only the files of a lease, which is not
 * to be given up.
 */
void
flufl_lease_end_acquiring (FluflLease *self, int *given_up)
{
  flufl_lease_lock (self);
  if (self->given_up == given_up)
    {
      self->given_up = NULL;
      self->acquirer = NULL;
    }
  flufl_lease_unlock (self);
}

/*
 * flufl_lease_end:
 *
 * Ends the lease. The claim file is not touched: the caller removes it.
 *
 * Returns: whether it had it until now
 */
gboolean
flufl_lease_end (FluflLease *self)
{
  gboolean held;

  flufl_lease_lock (self);
  held = self->won;
  leave (self);
  flufl_lease_unlock (self);
  return held;
}
