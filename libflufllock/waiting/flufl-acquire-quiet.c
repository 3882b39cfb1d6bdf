/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A wait that has lasted for long, in which nothing happens.
 */

#include "config.h"

#include <string.h>

#include "flufl-acquire-private.h"

/* The time between two collections of dead processes' claims in a quiet wait … */
#define QUIET_COLLECT (60 * G_USEC_PER_SEC)
/* … and in any wait while more of them may be left. */
#define COLLECT_MORE (200 * 1000)

/* The watch before a break begins this much earlier than it must. Nanoseconds. */
#define WATCH_EARLY (2 * FLUFL_NSEC_PER_SEC)

/* Collects claims of waiters that died after the watch was set. The watch stays as it is. */
void
flufl_acquire_collect_meanwhile (FluflAcquire *self, gint64 now)
{
  FluflCollection *collection = &self->collection;
  FluflQueueView view;

  if (!self->break_dead || self->claim.path == NULL || now < collection->at
      || now < self->queue->leftovers.ask_at)
    return;
  collection->more_dead = FALSE;
  if (self->order.view.unread)
    flufl_leftovers_sweep (&self->queue->leftovers, self->site);
  else
    {
      flufl_queue_view (self->queue, self->site, &self->claim, TRUE, &view);
      collection->more_dead = view.more_dead;
    }
  collection->at = now
                   + (collection->more_dead ? COLLECT_MORE : self->quiet.on ? QUIET_COLLECT : 0);
}

/* The real time until which the lock need not be seen. An overdue lock is broken by a waiter that
 * has watched it for a while, and the watch must begin early enough. */
static gint64
unseen_until (const FluflLook *look)
{
  gint64 watched = flufl_time_since (look->mtime, look->ctime) / 3 + FLUFL_GRACE + WATCH_EARLY;

  return flufl_time_since (flufl_time_add (look->mtime, FLUFL_SLOP), watched);
}

/* The times of the lock file as they are now. Says whether it seems to be the lock that was
 * looked at, held on, and far from its end: a refresh changes the times and no more. */
static gboolean
lock_stays (FluflAcquire *self)
{
  FluflLook *look = &self->findings.look;
  FluflStat st;
  gint64 left;

  if (look->sight != FLUFL_SIGHT_CLAIM
      || self->site->sys->lstat (self->site->lock_path, &st) != 0
      || !flufl_look_is_inode (look, st.dev, st.ino) || st.nlink != look->nlink
      || st.mtime < look->mtime)
    return FALSE;
  look->mtime = st.mtime;
  look->ctime = st.ctime;
  left = flufl_time_since (unseen_until (look), self->site->sys->clock (FLUFL_CLOCK_REAL));
  self->quiet.until = left > 0 ? g_get_monotonic_time () + left / 1000 : 0;
  return left > 0;
}

/* Whether the death of the holder can only be found by asking for its process: without a life-line
 * no event reports it. */
static gboolean
must_ask_for_holder (const FluflAcquire *self)
{
  const FluflClaimName *holder = &self->findings.look.claim;

  return self->break_dead && holder->ours && holder->start[0] != '\0' && !holder->life_line;
}

/* Whether the file that is watched is the lock, or its holder's claim. A waiter behind another
 * waiter gets no event when the lock changes, and that other one may be stopped, or not break
 * locks. */
static gboolean
watches_lock (const FluflAcquire *self)
{
  return self->order.armed
         && (!self->order.view.found
             || strcmp (self->order.view.predecessor.name, self->findings.look.claim.name) == 0);
}

/* Whether the lock is looked at by a waiter of this process that came before this one, and breaks
 * what this one would break. The end of this one's predecessor is reported by the watch. */
static gboolean
relies_on_another (FluflAcquire *self)
{
  return self->order.armed && flufl_turn_is_joined (&self->turn)
         && flufl_turn_relies_on_another (&self->turn, &self->quiet.relies_until);
}

/*
 * A step that only the timer, or a refresh of the lock, has called for, in a wait that has lasted.
 * What expires or has rested is known by time, and the watch reports the end of the lock.
 *
 * Returns: whether there is nothing to do
 */
gboolean
flufl_acquire_stays_quiet (FluflAcquire *self, FluflWatchEvents events, gint64 now)
{
  FluflQuiet *quiet = &self->quiet;
  gboolean relied = quiet->on && quiet->relies;

  if (self->retry.pause < WATCH_BACKOFF_MAX || (events & ~FLUFL_WATCH_CHANGED) != 0
      || flufl_acquire_is_giving_way (self) || now >= self->deadline
      || (!self->announcement.done && now >= self->announcement.at))
    return FALSE;
  quiet->relies = relies_on_another (self);
  /* The wait goes on as that of one which looks by itself. */
  if (relied && !quiet->relies)
    self->retry.at = MIN (self->retry.at, now);
  if (!quiet->relies
      && (!watches_lock (self) || self->findings.overdue || self->findings.resting
          || must_ask_for_holder (self) || !lock_stays (self)))
    return FALSE;
  quiet->on = TRUE;
  if (!quiet->relies)
    flufl_acquire_collect_meanwhile (self, now);
  /* The refresh of the lock has been as good as the timer. */
  self->retry.at = MIN (self->retry.at, now);
  return TRUE;
}

/* From the next appointment on the lock is looked at each second again. */
void
flufl_acquire_end_quiet (FluflAcquire *self)
{
  if (!self->quiet.on)
    return;
  self->quiet.on = FALSE;
  self->retry.pause = WATCH_BACKOFF_MAX;
}
