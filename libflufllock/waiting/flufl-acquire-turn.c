/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A waiter that waits its turn behind others of its process. flufl-turn.c decides which are in
 * front.
 */

#include "config.h"

#include "flufl-acquire-private.h"
#include "flufl-holder.h"
#include "flufl-process.h"

/* Whether enough waiters of this process are in front, so that this one waits behind them. One that
 * cannot wait tries at once. */
gboolean
flufl_acquire_must_wait_turn (FluflAcquire *self)
{
  return self->queue != NULL && self->started < self->deadline
         && flufl_turn_must_wait (self->site, self->break_dead)
         && flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL;
}

/* The waiter makes a claim when it comes to the front. That claim carries the moment of arrival. */
static void
begin_waiting_turn (FluflAcquire *self)
{
  flufl_acquire_disarm (self);
  flufl_claim_abandon (&self->claim, self->site);
  flufl_queue_met_company (self->queue);
  self->waits_turn = self->waited_turn = TRUE;
  self->is_first = TRUE;
  self->retry.at = 0;
}

/* A waiter behind others makes no tries, and looks at the holder for the announcement alone. A look
 * that does not show the holder is repeated after a fixed time, since announce_after may be next to
 * nothing, or hours. */
static void
announce_from_behind (FluflAcquire *self, gint64 now)
{
  if (self->announcement.done || now < self->announcement.at)
    return;
  flufl_holder_look (self->site, &self->findings);
  flufl_acquire_announce_if_long (self, now);
  if (!self->announcement.done)
    self->announcement.at = now + ANNOUNCE_AFTER;
}

/*
 * Waits without a claim for others of this process that are in front.
 *
 * Returns: whether the step is done, with its result in @self; otherwise the waiter is in front,
 *   or its time is over, and it tries
 */
gboolean
flufl_acquire_wait_turn (FluflAcquire *self, gint64 *out_when)
{
  gint64 now = g_get_monotonic_time ();

  if (!flufl_turn_is_joined (&self->turn))
    {
      if (self->site->arrival == 0)
        self->site->arrival = self->claim.path != NULL ? self->claim.touched
                                                       : self->site->sys->clock (FLUFL_CLOCK_REAL);
      if (flufl_turn_join (&self->turn, self->site, self->break_dead, self->sleeper))
        return FALSE;
      begin_waiting_turn (self);
    }
  if (now >= self->deadline || flufl_turn_has_come (&self->turn))
    {
      self->waits_turn = FALSE;
      return FALSE;
    }
  announce_from_behind (self, now);
  /* A handler of the announcement may have called fork(2), and this may be the child. */
  if (self->process != flufl_process_mark ())
    {
      flufl_acquire_leave_to_parent (self);
      return TRUE;
    }
  *out_when = self->deadline;
  if (!self->announcement.done)
    *out_when = MIN (*out_when, self->announcement.at);
  return TRUE;
}
