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
 * Returns: (transfer full): a new lease; free with flufl_lease_close()
 */
FluflLease *
flufl_lease_new (void)
{
  FluflLease *self = g_new0 (FluflLease, 1);

  g_atomic_ref_count_init (&self->refs);
  self->process = flufl_process_mark ();
  g_mutex_init (&self->disk);
  g_mutex_init (&self->mutex);
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
 * Drops the reference of an object that is finalized. The main context and the cancellable are the
 * user's, so they are released in the calling thread. The lease is freed with its last reference,
 * which a worker may have.
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

/* Makes a lease like a new one in a forked child. The child forgets what the parent holds, keeps or
 * does, and leaves the files on disk alone. The child has none of the parent's threads, so nobody
 * would unlock a mutex or end an operation. */
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
      self->loss = self->past_loss = FLUFL_LOSS_NONE;
      self->given_up = NULL;
      self->acquirer = NULL;
      self->leases = NULL;
      /* A worker of the parent may have been using these at the fork, so they are not freed. */
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

/* Locks the mutex of the lease. The two mutexes are locked by this function and by
 * flufl_lease_lock_disk() only, which replace a mutex that the parent held when it forked. The one
 * exception is has_work() in flufl-lease-end.c, which tries the mutex when the process ends. */
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

/* Locks the mutex that a thread has while it works on the claims of the lease. Touches no file. */
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
 * @out_site: a copy, which the caller gives back to flufl_lease_learn_site()
 *
 * Copies the site. Each operation has its own copy, so that operations can run at the same time.
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
 * @site: the copy of the operation, which is cleared
 *
 * Keeps what an operation has learned of the file system, for other operations.
 */
void
flufl_lease_learn_site (FluflLease *self, FluflSite *site)
{
  flufl_lease_lock (self);
  flufl_lease_learn_site_locked (self, site);
  flufl_lease_unlock (self);
}

/* Does what flufl_lease_learn_site() does. Called with the mutex. */
void
flufl_lease_learn_site_locked (FluflLease *self, FluflSite *site)
{
  if (self->site.fs_kind == FLUFL_FS_UNASKED)
    {
      self->site.fs_kind = site->fs_kind;
      self->site.exclusive = site->exclusive;
    }
  self->site.no_life_lines |= site->no_life_lines;
  flufl_site_drop_copy (site);
}

/* --- The lock --- */

/* Stops the heartbeat. Called with the mutex. */
static void
stop_heart (FluflLease *self)
{
  FluflHeart *heart = self->heart;

  g_atomic_pointer_set (&self->heart, NULL);
  if (heart != NULL)
    flufl_heart_stop (heart);
}

/* Notes that the lock is not held any more. Called with the mutex. */
static void
leave (FluflLease *self)
{
  self->won = FALSE;
  g_atomic_int_set (&self->held, FALSE);
  stop_heart (self);
}

/* Sets the copy of the path for threads that do not have the mutex of the disk. A kept claim has the same
 * path as in the lease before. Called with the mutex. */
static void
set_claim_path (FluflLease *self, const char *path)
{
  if (g_strcmp0 (self->claim_path, path) == 0)
    return;
  g_free (self->claim_path);
  self->claim_path = g_strdup (path);
}

/*
 * flufl_lease_begin:
 * @claim: the claim that won the lock; emptied if the lease has begun
 * @context: (inout) (transfer full) (nullable): the context in which a loss is reported, and on
 *   which a heartbeat of the main context depends; %NULL is the default one. On return, the main
 *   context of the previous lease, which must be unreferenced in a thread of the application
 *
 * Begins the lease of a lock that is won. Called in the thread that won the lock, so that the
 * heartbeat begins at once and not when the user hears of the win.
 *
 * Returns: %FALSE if there is no thread for the heartbeat. @claim then stays the caller's
 */
gboolean
flufl_lease_begin (FluflLease      *self,
                   FluflClaim      *claim,
                   const FluflSite *site,
                   FluflHeartbeat   heartbeat,
                   GMainContext   **context)
{
  g_autofree char *resolved = flufl_site_resolve (site, claim->path); /* may ask the file server */
  GMainContext *last;
  gboolean begun = TRUE;

  flufl_lease_lock_disk (self);
  flufl_lease_lock (self);
  self->claim = *claim;
  self->won = TRUE;
  if (self->loss != FLUFL_LOSS_NONE)
    {
      self->past_loss = self->loss;
      self->past_errsv = self->loss_errsv;
      self->past_number = self->number;
    }
  self->loss = FLUFL_LOSS_NONE;
  self->beat_errsv = 0;
  self->number = MAX (self->number + 1, 1);
  self->begun = claim->lease_start;
  self->lifetime = claim->lifetime;
  self->end = claim->lease_start + claim->lifetime;
  set_claim_path (self, resolved != NULL ? resolved : claim->path);
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

/*
 * flufl_lease_get_age:
 *
 * Returns: the milliseconds since the present or last lease began
 */
gint64
flufl_lease_get_age (FluflLease *self)
{
  gint64 begun;

  flufl_lease_lock (self);
  begun = self->begun;
  flufl_lease_unlock (self);
  return (self->site.sys->clock (FLUFL_CLOCK_BOOT) - begun) / FLUFL_NSEC_PER_MSEC;
}

/*
 * flufl_lease_get_left:
 *
 * Returns: the milliseconds until the lease ends, rounded down; 0 if the lock is not held
 */
gint64
flufl_lease_get_left (FluflLease *self)
{
  gint64 left = 0;

  flufl_lease_lock (self);
  if (self->held)
    left = self->end - self->site.sys->clock (FLUFL_CLOCK_BOOT);
  flufl_lease_unlock (self);
  return MAX (left, 0) / FLUFL_NSEC_PER_MSEC;
}

gboolean
flufl_lease_is_over_locked (FluflLease *self)
{
  return self->end <= self->site.sys->clock (FLUFL_CLOCK_BOOT);
}

/*
 * flufl_lease_set_lost_locked:
 * @late: whether only the time shows the loss; %FALSE if the disk shows it. The loss is then
 *   EXPIRED or TAKEN, depending on whether the lease was over
 */
void
flufl_lease_set_lost_locked (FluflLease *self, gboolean late)
{
  self->loss = late ? FLUFL_LOSS_LATE : flufl_lease_is_over_locked (self) ? FLUFL_LOSS_EXPIRED : FLUFL_LOSS_TAKEN;
  self->loss_errsv = late ? self->beat_errsv : 0;
  leave (self);
}

/*
 * flufl_lease_confirm_win:
 * @object: the object that has the lock
 *
 * Makes the object count as the holder. Called in the thread in which the object's user is about to
 * hear of the win.
 *
 * Returns: %FALSE if the lock has been lost meanwhile
 */
gboolean
flufl_lease_confirm_win (FluflLease *self, gpointer object)
{
  g_autoptr (GCancellable) past = NULL;
  gboolean held;

  flufl_lease_lock (self);
  if (self->tie == NULL)
    self->tie = flufl_tie_new (object);
  if (self->won && flufl_lease_is_over_locked (self))
    flufl_lease_set_lost_locked (self, TRUE);
  held = self->won;
  g_atomic_int_set (&self->held, held);
  if (held && self->heart != NULL)
    flufl_heart_confirm (self->heart);
  if (held && self->lost_fired)
    {
      past = g_steal_pointer (&self->lost);
      self->lost_fired = FALSE;
    }
  flufl_lease_unlock (self);
  return held;
}

/*
 * flufl_lease_get_tie:
 *
 * Called without mutexes: see flufl_tie_get().
 *
 * Returns: (transfer full) (nullable): the tie to the object, which is used until flufl_tie_put();
 *   %NULL if the object has not acquired the lock yet, or if it is being disposed of
 */
FluflTie *
flufl_lease_get_tie (FluflLease *self)
{
  FluflTie *tie;
  gboolean exists;

  flufl_lease_lock (self);
  tie = self->tie != NULL ? flufl_tie_ref (self->tie) : NULL;
  flufl_lease_unlock (self);
  if (tie == NULL)
    return NULL;
  exists = flufl_tie_get (tie) != NULL;
  flufl_tie_unref (tie);
  return exists ? tie : NULL;
}

/*
 * flufl_lease_forget_object:
 *
 * Forgets the object, which is being disposed of and emits no signals any more.
 */
void
flufl_lease_forget_object (FluflLease *self)
{
  FluflTie *tie;

  flufl_lease_lock (self);
  tie = g_steal_pointer (&self->tie);
  flufl_lease_unlock (self);
  if (tie == NULL)
    return;
  flufl_tie_cut (tie);
  flufl_tie_unref (tie);
}

/* Whether the object holds the lock, and its user knows that. Between the win and the end of the
 * acquisition the user does not know. A forked child does not have the lock of its parent, but may
 * acquire the lock itself. */
gboolean
flufl_lease_is_held (FluflLease *self)
{
  flufl_lease_enter_process (self);
  return g_atomic_int_get (&self->held);
}

/*
 * flufl_lease_judge:
 * @look: a look that saw somebody's lock
 *
 * Returns: the state of that lock, from the object's point of view
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
 * Notes that an operation, and not the heartbeat, has refreshed the claim or has tried to. Called
 * with the mutex of the disk.
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
 * Stops the heartbeat, because the lock is not wanted any more, even if it cannot be removed.
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
 * @acquirer: the sleeper to wake when the flag is set
 * @thread: (nullable): the thread that acquires; %NULL if workers do
 *
 * Registers an acquisition, so that it can be given up. Called with the mutex.
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
 * @given_up: the flag of the acquisition
 *
 * Ends the registration of an acquisition that is over. It has left nothing on disk, or only the
 * files of a lease that is not to be given up.
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
 * Ends the lease. Does not touch the disk. The caller removes the files before or after, with the
 * disk mutex held.
 *
 * Returns: whether the lease had the lock until now
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
