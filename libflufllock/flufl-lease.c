/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-lease.h"

#include <string.h>

#include "flufl-lock-private.h"
#include "flufl-process.h"
#include "flufl-thread.h"

/* A kept claim is an open file: it keeps a file system from being unmounted. */
gint64 flufl_lease_idle_time = 30 * G_USEC_PER_SEC;

/* An object that goes waits this long for a file server to remove its files, in microseconds.
 * A process that ends waits for all of them together. */
#define CLOSE_PATIENCE (20 * 1000)
#define EXIT_PATIENCE (2 * G_USEC_PER_SEC)

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
 * The object is gone. What is the user's goes here and now; the rest when the last beat is
 * over, in whatever thread.
 */
void
flufl_lease_close (FluflLease *self)
{
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (GCancellable) lost = NULL;
  FluflPulse *idle;

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
      self->busy = self->held = self->keeps = FALSE;
      g_atomic_int_set (&self->told, FALSE);
      self->loss = FLUFL_LOSS_NONE;
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
  self->held = FALSE;
  g_atomic_int_set (&self->told, FALSE);
  g_clear_pointer (&self->claim_path, g_free);
  stop_heart (self);
}

/*
 * flufl_lease_begin:
 * @claim: the lock; emptied if the lease has begun
 * @context: (inout) (nullable): where to tell of a loss, and whose life the heartbeat may show;
 *   %NULL is the default one, but not for a heartbeat of the main context. The one of the last
 *   lease is given back for it, for the caller to let go of where it may
 *
 * The lock is won. Called where the lock was won, and the beat begins there: whenever the
 * object's user hears of it.
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
  GMainContext *last;
  gboolean begun = TRUE;

  flufl_lease_lock_disk (self);
  flufl_lease_lock (self);
  self->claim = *claim;
  self->held = TRUE;
  self->loss = FLUFL_LOSS_NONE;
  self->beat_errsv = 0;
  self->number++;
  self->lifetime = claim->lifetime;
  self->end = claim->lease_start + claim->lifetime;
  self->claim_path = flufl_site_resolve (site, claim->path);
  self->heartbeat = heartbeat;
  last = self->context;
  self->context = *context;
  *context = last;
  if (heartbeat != FLUFL_HEARTBEAT_NONE)
    {
      g_atomic_pointer_set (&self->heart, flufl_heart_start (self));
      begun = self->heart != NULL;
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

/* With the mutex. */
static gboolean
is_over (FluflLease *self)
{
  return self->end <= self->site.sys->clock (FLUFL_CLOCK_BOOT);
}

/* With the mutex. */
static void
set_lost (FluflLease *self, gboolean late)
{
  self->loss = late ? FLUFL_LOSS_LATE : is_over (self) ? FLUFL_LOSS_EXPIRED : FLUFL_LOSS_TAKEN;
  self->loss_errsv = late ? self->beat_errsv : 0;
  leave (self);
}

/*
 * flufl_lease_tell:
 * @object: the object that has the lock
 *
 * The object's user is about to hear of the win, in the calling thread.
 *
 * Returns: %FALSE if the lock is lost by now
 */
gboolean
flufl_lease_tell (FluflLease *self, gpointer object)
{
  g_autoptr (GCancellable) past = NULL;
  gboolean held;

  flufl_lease_lock (self);
  if (!self->has_object)
    g_weak_ref_set (&self->object, object);
  self->has_object = TRUE;
  if (self->held && is_over (self))
    set_lost (self, TRUE);
  held = self->held;
  g_atomic_int_set (&self->told, held);
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

/* Whether the object has the lock, as far as its user knows. In a forked child it never has:
 * the lock is the parent's. */
gboolean
flufl_lease_is_held (FluflLease *self)
{
  flufl_lease_enter_process (self);
  return g_atomic_int_get (&self->told);
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
  if (look->sight == FLUFL_SIGHT_CLAIM && self->told)
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
 * flufl_lease_end:
 *
 * The object has given up the lock. The claim is the caller's affair.
 *
 * Returns: whether it had it until now
 */
gboolean
flufl_lease_end (FluflLease *self)
{
  gboolean held;

  flufl_lease_lock (self);
  held = self->held;
  leave (self);
  flufl_lease_unlock (self);
  return held;
}

/* --- Its loss --- */

/* The cancellable fires in this thread, for the work should stop even if nobody runs the main
 * context. So neither disk nor mutex may be had here. */
static void
fire (GCancellable *lost)
{
  g_cancellable_cancel (lost);
  g_object_unref (lost);
}

/*
 * flufl_lease_lose:
 * @number: which lease
 * @late: it is lost if its time is over, since no refresh is known to be done; otherwise the
 *   disk shows that it is lost
 *
 * Returns: %TRUE to one of all who find it, if the object's user believes to have the lock:
 *   the user must be told
 */
gboolean
flufl_lease_lose (FluflLease *self, guint number, gboolean late)
{
  GCancellable *lost = NULL;
  gboolean told = FALSE;

  flufl_lease_lock (self);
  if (self->held && self->number == number && (!late || is_over (self)))
    {
      told = self->told;
      set_lost (self, late);
    }
  /* Even where another thread was first: it may not have come to fire it. */
  if (self->loss != FLUFL_LOSS_NONE && self->number == number && self->lost != NULL)
    {
      lost = g_object_ref (self->lost);
      self->lost_fired = TRUE;
    }
  flufl_lease_unlock (self);
  if (lost != NULL)
    fire (lost);
  return told;
}

/*
 * flufl_lease_report_loss:
 *
 * Whoever asks is told the same: a signal, a refresh, a release and a cancellable.
 *
 * Returns: (nullable) (transfer full): why the last lease ended in a loss, if it did
 */
GError *
flufl_lease_report_loss (FluflLease *self)
{
  FluflLoss loss;
  guint number;
  int errsv;

  flufl_lease_lock (self);
  loss = self->loss;
  errsv = self->loss_errsv;
  number = self->number;
  flufl_lease_unlock (self);
  if (loss == FLUFL_LOSS_NONE)
    return NULL;
  flufl_lease_lose (self, number, FALSE); /* for the cancellable */
  return flufl_report_lost (&self->site, loss, errsv);
}

/* A context that nobody runs must not keep the object, and one that runs late must not tell
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
  g_autoptr (FluflLock) object = NULL;
  gboolean past;

  flufl_lease_lock (self);
  past = self->loss == FLUFL_LOSS_NONE || self->number != loss->number;
  flufl_lease_unlock (self);
  object = past ? NULL : g_weak_ref_get (&self->object);
  if (object != NULL)
    {
      g_autoptr (GError) error = flufl_lease_report_loss (self);

      flufl_lock_notify_held (object);
      flufl_lock_tell_lost (object, error);
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
 * Tells of a loss in the main context of the acquisition.
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
      /* Let go of by its data: see post() in flufl-call.c. */
      loss->source = source;
      g_source_attach (source, self->context);
    }
  flufl_lease_unlock (self);
  if (!attached)
    g_source_unref (source);
}

/* With the disk. */
static void
drop_remains (FluflLease *self)
{
  FluflSite site;
  gboolean held;

  if (self->claim.path == NULL)
    return;
  flufl_lease_lock (self);
  held = self->held;
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
  drop_remains (self);
  flufl_lease_unlock_disk (self);
}

/* --- What is kept --- */

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
  drop_remains (self);
  take_kept (self, out_claim);
  flufl_lease_unlock_disk (self);
}

static void
drop_kept (FluflLease *self)
{
  FluflSite site;
  FluflClaim kept;

  flufl_lease_lock_disk (self);
  take_kept (self, &kept);
  flufl_lease_unlock_disk (self);
  flufl_lease_copy_site (self, &site);
  flufl_claim_abandon (&kept, &site);
  flufl_lease_learn_site (self, &site);
}

/* In a worker. One appointment serves many uses: it is put off if the claim was used since. */
static gint64
idle_cb (gpointer data)
{
  FluflLease *self = data;
  gint64 left = -1;

  flufl_lease_lock_disk (self);
  if (self->kept.path != NULL)
    left = self->kept_at + flufl_lease_idle_time - g_get_monotonic_time ();
  self->idle_is_due = left > 0;
  flufl_lease_unlock_disk (self);
  if (left > 0)
    return left;
  /* Unless it is used just now. */
  drop_kept (self);
  return -1;
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
      self->idle = flufl_pulse_start (NULL, (guint64) self->kept.dev + 1, flufl_lease_idle_time,
                                      idle_cb, flufl_lease_ref (self), flufl_lease_unref);
      if (self->idle == NULL)
        flufl_lease_unref (self);
    }
  else if (!self->idle_is_due)
    flufl_pulse_set (self->idle, flufl_lease_idle_time);
  self->idle_is_due = self->idle != NULL;
  flufl_lease_unlock (self);
}

/* --- Where the object goes, or what it keeps --- */

/* Workers that remove the files of objects that are gone. */
typedef struct
{
  FluflPerProcess base;
  GMutex          mutex; /* protects what follows */
  GCond           less;
  guint           n;
} Closers;

static FluflPerProcess *current_closers;

static void
closers_init (gpointer data)
{
  Closers *self = data;

  g_mutex_init (&self->mutex);
  g_cond_init (&self->less);
}

static Closers *
get_closers (void)
{
  return flufl_process_get_own (&current_closers, sizeof (Closers), closers_init);
}

typedef struct
{
  FluflLease *lease; /* owned */
  Closers    *closers;
  gboolean    only_kept;
  gboolean    done;  /* under the mutex of closers … */
  gboolean    left;  /* … as is this: nobody waits for it any more */
} Closing;

static void
let_go (FluflLease *self, gboolean only_kept)
{
  FluflSite site;
  int errsv = 0;

  if (!only_kept)
    {
      flufl_lease_copy_site (self, &site);
      flufl_lease_lock_disk (self);
      if (flufl_lease_end (self) && self->claim.path != NULL)
        flufl_claim_release (&self->claim, &site, &errsv);
      flufl_lease_unlock_disk (self);
      flufl_lease_learn_site (self, &site);
    }
  drop_kept (self);
}

static void
close_in_worker (gpointer data)
{
  Closing *self = data;
  Closers *closers = self->closers;
  gboolean left;

  let_go (self->lease, self->only_kept);
  flufl_lease_unref (self->lease);
  g_mutex_lock (&closers->mutex);
  self->done = TRUE;
  left = self->left;
  closers->n--;
  g_cond_broadcast (&closers->less);
  g_mutex_unlock (&closers->mutex);
  if (left)
    g_free (self);
}

/* Waits for the worker, but not for a file server that takes long. */
static void
wait_for_closing (Closing *self)
{
  Closers *closers = self->closers;
  gint64 end = g_get_monotonic_time () + CLOSE_PATIENCE;
  gboolean in_time = TRUE, done;

  g_mutex_lock (&closers->mutex);
  while (!self->done && in_time)
    in_time = g_cond_wait_until (&closers->less, &closers->mutex, end);
  done = self->done;
  self->left = !done;
  g_mutex_unlock (&closers->mutex);
  if (done)
    g_free (self);
}

/*
 * flufl_lease_let_go:
 * @only_kept: to let go of the claim that is kept, and not of the lock
 *
 * Removes what the object has on disk. Does not wait for a file server: what takes long goes
 * on in a worker thread.
 */
void
flufl_lease_let_go (FluflLease *self, gboolean only_kept)
{
  Closers *closers = get_closers ();
  Closing *closing;
  gboolean has_any, local;

  flufl_lease_lock (self);
  has_any = self->keeps || (self->held && !only_kept);
  local = self->site.fs_kind == FLUFL_FS_LOCAL;
  flufl_lease_unlock (self);
  if (!has_any)
    return;
  if (local)
    {
      let_go (self, only_kept);
      return;
    }

  closing = g_new0 (Closing, 1);
  closing->lease = flufl_lease_ref (self);
  closing->closers = closers;
  closing->only_kept = only_kept;
  g_mutex_lock (&closers->mutex);
  closers->n++;
  g_mutex_unlock (&closers->mutex);
  if (flufl_workers_push (close_in_worker, closing))
    wait_for_closing (closing);
  else
    {
      closing->left = TRUE;
      close_in_worker (closing);
    }
}

/* What objects have left to workers is done before the process ends, if it can be soon. */
__attribute__ ((destructor)) static void
wait_for_closers (void)
{
  Closers *closers = (Closers *) g_atomic_pointer_get (&current_closers);
  gint64 end = g_get_monotonic_time () + EXIT_PATIENCE;
  gboolean in_time = TRUE;

  if (closers == NULL || closers->base.process != flufl_process_mark ())
    return;
  g_mutex_lock (&closers->mutex);
  while (closers->n > 0 && in_time)
    in_time = g_cond_wait_until (&closers->less, &closers->mutex, end);
  g_mutex_unlock (&closers->mutex);
}
