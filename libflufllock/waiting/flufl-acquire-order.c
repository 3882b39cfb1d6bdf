/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The order of the waiters: which file a waiter waits for, and how it learns that the file is gone.
 *
 * A waiter is woken in two ways. A watch reports at once that the predecessor's claim is gone; the
 * waiter then calls link(2), which is cheap and decides. A timer, which depends on no other
 * process, makes the waiter look at the lock now and then, and break it if it may be broken.
 * Without a watch there is the timer alone.
 */

#include "config.h"

#include "flufl-acquire-private.h"
#include "flufl-holder.h"
#include "flufl-roll.h"

/* A predecessor that is this much older may be stopped, and is checked at once. Where many waiters
 * take turns, they arrive within microseconds of each other. In nanoseconds. */
#define LONG_HEAD_START (10 * FLUFL_NSEC_PER_MSEC)

/* How many vanished predecessors are tried in one go. */
#define ARM_ROUNDS 8

/* How long a waiter may take to move before it is checked, in microseconds, and the addition for
 * each waiter before it. */
gint64 flufl_acquire_patience = 10 * 1000;
#define PATIENCE_EACH (1 * 1000)

static void
watched_cb (FluflWatchEvents events, gpointer user_data)
{
  FluflAcquire *self = user_data;

  g_atomic_int_or ((guint *) &self->order.events, (guint) events);
  flufl_turn_try_now (&self->turn);
  flufl_sleeper_wake (self->sleeper);
}

void
flufl_acquire_disarm (FluflAcquire *self)
{
  flufl_watch_remove (&self->order.watch);
  self->order.armed = FALSE;
}

/* The events that end a predecessor. CHANGED is none of them: a predecessor that becomes the holder
 * changes nothing for us. WRITTEN is one, since a waiter that gives up writes to its claim, which a
 * forked child may have open. */
#define PREDECESSOR_EVENTS (FLUFL_WATCH_REMOVED | FLUFL_WATCH_CLOSED | FLUFL_WATCH_WRITTEN)

/* The events that end a lock. A holder that keeps its claim only unlinks the lock file: the inode
 * stays, and CHANGED reports it. */
#define LOCK_EVENTS (FLUFL_WATCH_REMOVED | FLUFL_WATCH_CLOSED | FLUFL_WATCH_CHANGED)

/* Sets the process whose exit the watch reports, on systems that do not report closes. */
static void
watch_process_of (FluflAcquire *self, const FluflClaimName *claim)
{
  self->order.watch.pid = flufl_identity_is_here (self->site, claim) ? claim->pid : 0;
}

static FluflWatchResult
watch_predecessor (FluflAcquire *self)
{
  const FluflClaimName *predecessor = &self->order.view.predecessor;
  g_autofree char *path = flufl_site_path_of (self->site, predecessor->name);

  if (flufl_watch_needs_process ())
    watch_process_of (self, predecessor);
  return flufl_watch_add (&self->order.watch, path, PREDECESSOR_EVENTS);
}

/* Where a process must be known, the holder is looked at first. A holder that comes between the
 * look and the watch is found by the timer, if it dies before its release. */
static FluflWatchResult
watch_lock (FluflAcquire *self)
{
  FluflOrder *order = &self->order;

  order->watch.pid = 0;
  if (flufl_watch_needs_process () && flufl_holder_look (self->site, &self->findings)
      && self->findings.look.sight == FLUFL_SIGHT_CLAIM)
    watch_process_of (self, &self->findings.look.claim);
  return flufl_watch_add (&order->watch, self->site->lock_path, LOCK_EVENTS);
}

/* Whether to pass over the predecessor. A predecessor that came long before us may be stopped. It
 * is checked at once, not when its patience is over, since every waiter behind us would be late
 * too. */
static gboolean
should_pass_over (FluflAcquire *self)
{
  FluflOrder *order = &self->order;
  const FluflClaimName *predecessor = &order->view.predecessor;

  if (order->view.head_start < LONG_HEAD_START || predecessor->arrival == order->cleared)
    return FALSE;
  order->cleared = predecessor->arrival;
  return !flufl_queue_check (self->queue, self->site, predecessor, self->break_dead);
}

/*
 * Finds the claim to wait for, and watches it.
 *
 * No wake-up can be lost. A claim that was in the directory, and is missing when the watch is set,
 * is GONE, and the directory is looked at again. The watch reports every later removal. Where there
 * is no predecessor the same holds for the lock file: if it is GONE the waiter links.
 *
 * Returns: FALSE if the lock file has gone: link again
 */
static gboolean
arm (FluflAcquire *self)
{
  FluflOrder *order = &self->order;
  flufl_acquire_disarm (self);
  order->watch.func = watched_cb;
  order->watch.user_data = self;

  /* A round on kept names does not count: each one strikes a name, so the loop ends. */
  for (int round = 0; round < ARM_ROUNDS; round += !order->view.is_kept)
    {
      FluflWatchResult result;

      flufl_queue_view (self->queue, self->site, &self->claim, self->break_dead, &order->view);
      if (order->view.found)
        {
          if (should_pass_over (self))
            {
              round += order->view.is_kept;
              continue;
            }
          result = watch_predecessor (self);
          if (result == FLUFL_WATCH_GONE)
            {
              flufl_roll_strike (self->site, order->view.predecessor.name);
              continue;
            }
        }
      else
        result = watch_lock (self);
      if (result == FLUFL_WATCH_GONE)
        return FALSE;

      if (result == FLUFL_WATCH_ARMED)
        {
          order->armed = TRUE;
          self->retry.pause = self->retry.at = 0; /* a new predecessor has its full time to move */
        }
      else if (order->view.n_older != order->behind)
        {
          order->behind = order->view.n_older;
          order->moved = g_get_monotonic_time ();
        }
      break;
    }
  return TRUE;
}

/* Reads the queue before the first link(2) if the object has met other waiters recently, so that it
 * does not overtake them. Returns whether there is a waiter before it. */
gboolean
flufl_acquire_queue_up (FluflAcquire *self)
{
  if (self->queue == NULL || !flufl_queue_expects_company (self->queue)
      || flufl_site_fs_kind (self->site) != FLUFL_FS_LOCAL
      || g_get_monotonic_time () >= self->deadline)
    return FALSE;
  if (flufl_attempt_claim (&self->claim, self->site, self->lifetime, &self->findings)
      != FLUFL_OUTCOME_READY)
    return FALSE;
  if (arm (self) && self->order.view.found)
    {
      flufl_queue_met_company (self->queue);
      return TRUE;
    }
  flufl_queue_met_nobody (self->queue);
  flufl_acquire_disarm (self);
  return FALSE;
}

/* How long the predecessor may take to move before it is checked, in microseconds. */
gint64
flufl_acquire_patience_now (FluflAcquire *self)
{
  return flufl_acquire_patience + PATIENCE_EACH * (gint64) self->order.view.n_older;
}

/* Checks, without a watch, whether the predecessor is dead or stopped, since no event reports that.
 * */
static gboolean
stays_for_nothing (FluflAcquire *self, gint64 now)
{
  FluflOrder *order = &self->order;
  const FluflClaimName *predecessor = &order->view.predecessor;

  if (predecessor->arrival != order->asked)
    {
      order->asked = predecessor->arrival;
      order->ask_at = now + flufl_acquire_patience;
    }
  if (now < order->ask_at)
    return FALSE;
  order->ask_at = now + LOOK_EVERY;
  return !flufl_queue_check (self->queue, self->site, predecessor, self->break_dead);
}

/* Whether earlier waiters make progress, so that this one, whose timer came without a watch, does
 * not link. It would overtake a waiter that was woken and has not linked yet. */
gboolean
flufl_acquire_is_behind_others (FluflAcquire *self, gint64 now)
{
  FluflOrder *order = &self->order;

  if (order->armed || flufl_acquire_is_giving_way (self) || !order->view.found
      || self->claim.path == NULL || now >= self->deadline
      || now >= order->moved + flufl_acquire_patience_now (self))
    return FALSE;
  if (!stays_for_nothing (self, now) && order->view.n_older == 1)
    {
      g_autofree char *path = flufl_site_path_of (self->site, order->view.predecessor.name);
      FluflStat st;

      /* Cheaper than the whole directory, which could show no more. */
      if (self->site->sys->lstat (path, &st) == 0)
        return TRUE;
    }
  return arm (self) && order->view.found;
}

/* After a try in vain, on a local file system: keeps the watch, or sets it on
 * another file. */
void
flufl_acquire_watch (FluflAcquire *self, FluflWatchEvents events, gboolean ask)
{
  FluflOrder *order = &self->order;

  for (int round = 0; round < ARM_ROUNDS && !flufl_acquire_is_giving_way (self); round++)
    {
      if ((events & ~FLUFL_WATCH_CLOSED) == 0)
        {
          gboolean useless = ask && order->view.found
                             && !flufl_queue_check (self->queue, self->site,
                                                    &order->view.predecessor, self->break_dead);

          if (order->armed && !useless)
            {
              if (ask)
                flufl_acquire_collect_meanwhile (self, g_get_monotonic_time ());
              return;
            }
        }
      events = 0;
      if (self->claim.path == NULL) /* gone this moment: the next try makes one */
        {
          flufl_acquire_disarm (self);
          return;
        }
      if (arm (self))
        return;
      flufl_acquire_try (self, FALSE);
      if (self->outcome != FLUFL_OUTCOME_BUSY)
        return;
    }
}
