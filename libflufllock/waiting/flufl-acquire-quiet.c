/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A wait that has lasted for long, in which nothing happens.
 */

#include "config.h"

#include <sys/stat.h>

#include "flufl-acquire-steps.h"

/* What the dead have left is looked for this often in a quiet wait … */
#define QUIET_COLLECT (60 * G_USEC_PER_SEC)
/* … and this often as long as there may be more. */
#define COLLECT_MORE (200 * 1000)

/* One behind others is told that the lock has gone, which only matters if the one that it waits
 * for does not move. */
static void
lock_moved_cb (FluflWatchEvents events G_GNUC_UNUSED, gpointer user_data)
{
  FluflAcquire *self = user_data;

  g_atomic_int_set (&self->lock_moved, TRUE);
  flufl_turn_call (&self->turn);
  flufl_sleeper_wake (self->sleeper);
}

void
flufl_acquire_unwatch_lock (FluflAcquire *self)
{
  flufl_watch_remove (&self->lock_watch);
  self->lock_watch.func = NULL;
}

/* The watch stays as it is; but others may have died since it was set. */
void
flufl_acquire_collect_meanwhile (FluflAcquire *self, gint64 now)
{
  FluflQueueView view;

  if (!self->break_dead || self->claim.path == NULL || now < self->collect_at
      || now < self->queue->leftovers.ask_at)
    return;
  self->more_dead = FALSE;
  if (self->view.crowded)
    flufl_leftovers_sweep (&self->queue->leftovers, self->site);
  else
    {
      flufl_queue_view (self->queue, self->site, &self->claim, TRUE, &view);
      self->more_dead = view.more_dead;
    }
  self->collect_at = now + (self->more_dead ? COLLECT_MORE : self->quiet ? QUIET_COLLECT : 0);
}

/* The times of the lock file as they are now. Says whether it seems to be the lock that was
 * looked at, held on, and not expired: a refresh changes the times and no more. */
static gboolean
lock_stays (FluflAcquire *self)
{
  FluflLook *look = &self->findings.look;
  struct stat st;

  if (look->sight != FLUFL_SIGHT_CLAIM
      || self->site->sys->lstat (self->site->lock_path, &st) != 0
      || !flufl_look_is_inode (look, st.st_dev, st.st_ino) || st.st_nlink != look->nlink
      || FLUFL_STAT_MTIME (&st) < look->mtime)
    return FALSE;
  look->mtime = FLUFL_STAT_MTIME (&st);
  look->ctime = FLUFL_STAT_CTIME (&st);
  return flufl_time_add (look->mtime, FLUFL_SLOP) > self->site->sys->clock (FLUFL_CLOCK_REAL);
}

/* Whether the death of the holder is found by asking for its process, and told by nothing. */
static gboolean
must_ask_for_holder (const FluflAcquire *self)
{
  const FluflClaimName *holder = &self->findings.look.claim;

  return self->break_dead && holder->ours && holder->start[0] != '\0' && !holder->life_line;
}

/*
 * A step that only the timer, or a refresh of the lock, has called for, in a wait that has lasted.
 * What expires or has rested is known by time. The end of the lock, or of the one before us, is
 * told; where the latter does not move when the lock goes, the watch of the lock tells that.
 *
 * Returns: whether there is nothing to do
 */
gboolean
flufl_acquire_stays_quiet (FluflAcquire *self, FluflWatchEvents events, gint64 now)
{
  if (!self->armed || self->pause < WATCH_BACKOFF_MAX || (events & ~FLUFL_WATCH_CHANGED) != 0
      || flufl_acquire_is_giving_way (self) || self->findings.expired || self->findings.resting
      || now >= self->deadline || must_ask_for_holder (self)
      || (!self->announced && now - self->started >= ANNOUNCE_AFTER))
    return FALSE;
  if (self->view.found && self->lock_watch.func == NULL)
    {
      self->lock_watch.func = lock_moved_cb;
      self->lock_watch.user_data = self;
      flufl_watch_add (&self->lock_watch, self->site->lock_path, FLUFL_WATCH_REMOVED);
    }
  if (!lock_stays (self))
    return FALSE;
  self->quiet = TRUE;
  flufl_acquire_collect_meanwhile (self, now);
  /* The refresh of the lock has been as good as the timer. */
  self->timer = MIN (self->timer, now);
  return TRUE;
}

/* What must be seen again within a second is, from now on. */
void
flufl_acquire_end_quiet (FluflAcquire *self, gint64 now)
{
  if (!self->quiet)
    return;
  self->quiet = FALSE;
  self->pause = WATCH_BACKOFF_MAX;
  self->timer = MIN (self->timer, now + WATCH_BACKOFF_MAX);
}

/* Out of a quiet wait: one before us that does not move now is asked for soon. */
void
flufl_acquire_heed_lock_moved (FluflAcquire *self, gint64 now)
{
  if (!g_atomic_int_compare_and_exchange (&self->lock_moved, TRUE, FALSE))
    return;
  flufl_acquire_unwatch_lock (self);
  self->quiet = FALSE;
  self->pause = flufl_acquire_patience_now (self);
  self->timer = now + flufl_acquire_jittered (self, self->pause);
}
