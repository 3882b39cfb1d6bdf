/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The time at which a waiter looks again.
 */

#include "config.h"

#include "flufl-acquire-private.h"

/* Without a watch. On a local file system a try costs microseconds. A waiter whose turn is near
 * must be awake when its turn comes, since others wait behind it. Its sleep depends on how many
 * waiters are before it. A queue that has not moved for some time is not likely to move now. A
 * waiter that sleeps for an eighth of that time is late by an eighth at most. On other file systems
 * every look is a round trip that all clients of the server pay for. */
#define UNWATCHED_PAUSE_NEXT 100
#define UNWATCHED_PAUSE_EACH 200
#define UNWATCHED_PAUSE_CROWD (1 * 1000)
#define UNWATCHED_PAUSE_MAX (50 * 1000)
#define UNWATCHED_PART 8
#define REMOTE_BACKOFF_MIN (20 * 1000)
#define REMOTE_BACKOFF_MAX (1000 * 1000)

gint64
flufl_acquire_jittered (FluflAcquire *self, gint64 pause)
{
  guint32 random = 0;

  /* Not g_random_int(): forked children share its state, and would wake up
   * together. */
  self->site->sys->random (&random, sizeof random);
  return pause / 2 + (gint64) (random % (guint32) MAX (pause / 2, 1));
}

/* When what was last seen of the lock changes by itself, or G_MAXINT64: it
 * expires, or has rested long enough to be broken, or looked at. */
static gint64
next_change (FluflAcquire *self, gint64 now)
{
  const FluflFindings *found = &self->findings;
  gint64 left;

  if (found->look.sight != FLUFL_SIGHT_CLAIM && found->look.sight != FLUFL_SIGHT_UNREADABLE)
    return G_MAXINT64;
  if (found->in_vigil)
    left = found->vigil_left;
  else if (found->rest_left > 0)
    left = found->rest_left;
  else if (found->resting || found->changed != 0)
    {
      gint64 since = found->changed != 0 ? found->changed : found->look.ctime;

      left = flufl_time_since (flufl_time_add (since, FLUFL_GRACE),
                               flufl_claim_server_now (&self->claim, self->site));
    }
  else
    left = flufl_time_since (flufl_time_add (found->look.mtime, FLUFL_SLOP),
                             self->site->sys->clock (FLUFL_CLOCK_REAL));
  /* A moment that is past and has changed nothing is left to the back-off. */
  if (left < 0)
    return G_MAXINT64;
  return now + left / 1000 + 1000;
}

/* Without a watch, on a local file system. */
static gint64
unwatched_pause (FluflAcquire *self, gint64 now)
{
  gint64 pause = UNWATCHED_PAUSE_NEXT;

  if (self->order.view.unread)
    pause = UNWATCHED_PAUSE_CROWD;
  else if (self->order.view.n_older > 1)
    pause = UNWATCHED_PAUSE_EACH * (gint64) self->order.view.n_older;
  return MIN (MAX (pause, (now - self->order.moved) / UNWATCHED_PART), UNWATCHED_PAUSE_MAX);
}

static gint64
next_pause (FluflAcquire *self, gint64 now)
{
  gint64 longest = !self->order.armed ? REMOTE_BACKOFF_MAX
                   : !self->quiet.on ? WATCH_BACKOFF_MAX
                   : self->quiet.relies ? RELYING_BACKOFF_MAX
                                        : QUIET_BACKOFF_MAX;

  if (!self->order.armed && flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL)
    return unwatched_pause (self, now);
  if (self->retry.pause > 0)
    return MIN (self->retry.pause * 2, longest);
  if (self->order.armed)
    return flufl_acquire_patience_now (self);
  return REMOTE_BACKOFF_MIN;
}

/* When to try again: somewhere in the second half of the pause, so that
 * those who began together part, and never after the deadline. */
gint64
flufl_acquire_next_try (FluflAcquire *self, gint64 now)
{
  gint64 when;

  self->is_first = FALSE;
  if (flufl_acquire_is_giving_way (self))
    {
      self->retry.at = now + GAP_LOOK;
      return MIN (self->retry.at, self->deadline);
    }
  if (now >= self->retry.at)
    {
      self->retry.pause = next_pause (self, now);
      self->retry.at = now + flufl_acquire_jittered (self, self->retry.pause);
    }

  when = self->retry.at;
  if (self->quiet.on && self->quiet.relies)
    when = MIN (when, MAX (self->quiet.relies_until, now));
  else
    {
      when = MIN (when, next_change (self, now));
      if (self->quiet.on && self->quiet.until != 0)
        when = MIN (when, MAX (self->quiet.until, now));
      if (self->collection.at > now && self->break_dead && self->collection.more_dead)
        when = MIN (when, self->collection.at);
    }
  if (!self->announcement.done && now < self->announcement.at)
    when = MIN (when, self->announcement.at);
  return MIN (when, self->deadline);
}
