/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Giving way to processes of flufl.lock, which do not hear of a release.
 */

#include "config.h"

#include <errno.h>

#include "flufl-acquire-private.h"

/* A process of flufl.lock sleeps for up to 2.01 s between two tries. A lock that is left free for
 * 2.1 s has therefore been tried by each of them. Microseconds. */
gint64 flufl_acquire_gap = 2100 * 1000;
/* After this many looks a waiter stops leaving the lock free if other processes had it in more
 * than three quarters of them. */
#define GAP_LOOKS 50
#define GAP_FREE_PART 4

gboolean
flufl_acquire_is_giving_way (FluflAcquire *self)
{
  return self->gap.until != 0;
}

static gboolean
lock_is_free (FluflAcquire *self)
{
  FluflStat st;

  return self->site->sys->lstat (self->site->lock_path, &st) != 0 && errno == ENOENT;
}

/* Whether the process for which the lock is left free has had its turn, or does not come. */
static gboolean
gap_is_over (FluflAcquire *self, gint64 now)
{
  FluflGap *gap = &self->gap;
  gboolean waits = flufl_queue_other_waits (self->site, &self->order.view);

  gap->n_looks++;
  gap->n_free += lock_is_free (self);
  if (waits && now < gap->until
      && (gap->n_looks < GAP_LOOKS || gap->n_free * GAP_FREE_PART >= gap->n_looks))
    return FALSE;
  gap->gave_way = waits || !self->order.uncalled;
  /* The other waiter could have taken the lock at any moment: the lock is not left to it again. */
  if (waits && gap->n_free == gap->n_looks)
    flufl_queue_pass_over (self->queue, &self->order.view.other);
  return TRUE;
}

/*
 * Our processes hand the lock on within microseconds, so processes of flufl.lock would
 * never find it free. If one of those has waited for long, the first of our waiters that
 * finds the lock free leaves it free until that process has taken it. This is the gap. The waiter makes
 * one; the next turn is its own. Other processes of flufl.lock may take the lock
 * meanwhile, again and again, if they come at the moment when it is free.
 *
 * Begins or ends the gap.
 *
 * Returns: whether the gap lasts, so that the lock is to be left free
 */
gboolean
flufl_acquire_update_gap (FluflAcquire *self, gint64 now)
{
  FluflGap *gap = &self->gap;

  if (gap->gave_way || now >= self->deadline)
    return FALSE;
  if (flufl_acquire_is_giving_way (self))
    {
      if (gap_is_over (self, now))
        gap->until = 0;
    }
  else if (flufl_queue_owes_a_turn (self->queue, self->site, &self->order.view)
           && lock_is_free (self))
    {
      gap->until = now + flufl_acquire_gap;
      gap->n_looks = gap->n_free = 0;
    }
  return flufl_acquire_is_giving_way (self);
}
