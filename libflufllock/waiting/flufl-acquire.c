/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The steps of an acquisition. Whom to wait for, and until when, is decided in the files beside
 * this one: flufl-acquire-private.h names them.
 */

#include "config.h"

#include "flufl-acquire.h"

#include "flufl-acquire-private.h"
#include "flufl-process.h"

/* On file systems without a queue, a waiter that has waited for this long sweeps the directory now
 * and then. The sweep removes the claims of killed waiters. */
#define SWEEP_AFTER ANNOUNCE_AFTER

/* Opening a lock file on a file server costs calls. A server of NFS 4 may even promise to ask the
 * client before the file changes. The holder's next step is then slow. On a file server a waiter
 * therefore looks only when the wait lasts. On NFS flufl_attempt() learns when to look again from
 * the server's other answers. The lock file is read this often in three cases: the file system is
 * not NFS, its times are in whole seconds, or no lock has been seen yet. */
#define REMOTE_LOOK_EVERY (2 * G_USEC_PER_SEC)

/* An acquisition ends when the server has answered nothing but errors for this long, or for the
 * lifetime if that is longer. */
#define ERRORS_MAX_TIME (10 * G_USEC_PER_SEC)

static gboolean
is_cancelled (FluflAcquire *self)
{
  return (self->given_up != NULL && g_atomic_int_get (self->given_up))
         || g_cancellable_is_cancelled (self->cancellable);
}

void
flufl_acquire_announce_if_long (FluflAcquire *self, gint64 now)
{
  FluflAnnouncement *last = &self->announcement;
  const FluflLook *look = &self->findings.look;
  guint holder;

  if (now < last->at
      || (look->sight != FLUFL_SIGHT_CLAIM && look->sight != FLUFL_SIGHT_STRANGE))
    return;
  holder = g_str_hash (look->claim.name);
  if (last->done && holder == last->holder)
    return;
  last->done = TRUE;
  last->holder = holder;
  last->at = now + self->announce_after;
  if (self->waiting != NULL)
    self->waiting (self, self->user_data);
}

/* Whether the server has answered nothing but errors for too long. Notes since when. */
static gboolean
has_failed_for_long (FluflAcquire *self, gint64 now)
{
  if (self->outcome != FLUFL_OUTCOME_UNSURE)
    self->unsure_since = 0;
  else if (self->unsure_since == 0)
    self->unsure_since = now;
  return self->unsure_since != 0
         && now - self->unsure_since > MAX (ERRORS_MAX_TIME, self->lifetime / 1000);
}

/* Returns the time of a step. The first step follows the beginning of the acquisition at once, so
 * the clock need not be read again. */
gint64
flufl_acquire_time_of_step (const FluflAcquire *self)
{
  return self->is_first && !self->waited_turn ? self->started : g_get_monotonic_time ();
}

/* Ends the acquisition. Every acquisition ends here, except one that a forked child
 * inherits. */
static FluflResult
finish (FluflAcquire *self, FluflResult result)
{
  flufl_acquire_disarm (self);
  flufl_turn_leave (&self->turn);
  if (result != FLUFL_RESULT_HELD && result != FLUFL_RESULT_REFUSED)
    flufl_claim_abandon (&self->claim, self->site);
  self->result = result;
  return result;
}

/* Ends an inherited acquisition in a forked child. The claim and the watch are the parent's, whose
 * threads use them. So the child changes nothing on disk. */
FluflResult
flufl_acquire_leave_to_parent (FluflAcquire *self)
{
  flufl_watch_remove (&self->order.watch);
  flufl_claim_clear (&self->claim);
  self->turn.group = NULL;
  self->result = FLUFL_RESULT_FORKED;
  return FLUFL_RESULT_FORKED;
}

static gboolean
look_is_due (FluflAcquire *self, gint64 now)
{
  if (now >= self->deadline)
    return TRUE;
  if (flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL)
    return now - self->looked >= LOOK_EVERY;
  return !flufl_attempt_times_tell (&self->claim, self->site, &self->findings)
         && now - self->looked >= REMOTE_LOOK_EVERY;
}

/* Makes one try. To look at what is in the way costs several times as much as a link. The try looks
 * if @look is set, if the last look was long ago, or at the deadline. Elsewhere than on a local file
 * system, flufl_attempt() may find other reasons to look. */
void
flufl_acquire_try (FluflAcquire *self, gboolean look)
{
  gint64 now = flufl_acquire_time_of_step (self);

  /* Whether the lock is left free for a process of flufl.lock. */
  if (flufl_acquire_update_gap (self, now))
    {
      flufl_acquire_disarm (self);
      self->outcome = FLUFL_OUTCOME_BUSY;
      return;
    }
  self->outcome = flufl_attempt (&self->claim, self->site, self->lifetime, self->break_dead,
                                 look || look_is_due (self, now), &self->findings);
  if (self->findings.looked)
    self->looked = now;
}

/* Whether a try is to look at what is in the way. */
static gboolean
wants_look (const FluflAcquire *self, FluflWatchEvents events, gint64 now)
{
  if (flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL)
    /* The removal of a watched file is a release, or the end of a wait, and calls for no look. A
     * close may be a death. */
    return self->is_first || (events & FLUFL_WATCH_CLOSED) != 0
           || (self->order.armed && events == 0)
           || (!self->order.armed && self->retry.pause >= UNWATCHED_LOOK_FROM);
  return (!self->announcement.done && now >= self->announcement.at) || self->findings.resting
         || self->findings.overdue;
}

/* After a try in vain. On a local file system, makes the waiter wait behind others of the process, or by
 * a watch. The watch may lead to another try, whose outcome is in @self. Elsewhere only sweeps the
 * directory now and then.
 *
 * Returns: whether the waiter waits its turn from now on. The step is then over */
static gboolean
settle_down (FluflAcquire    *self,
             FluflWatchEvents events,
             gint64           now,
             gboolean         timer_ended,
             gint64          *out_when)
{
  gboolean closed = (events & FLUFL_WATCH_CLOSED) != 0;
  gboolean slow = !self->order.armed && self->retry.pause >= UNWATCHED_LOOK_FROM;

  if (self->queue == NULL)
    return FALSE;
  if (flufl_site_fs_kind (self->site) != FLUFL_FS_LOCAL)
    {
      if (self->break_dead && now - self->started >= SWEEP_AFTER)
        flufl_leftovers_sweep (&self->queue->leftovers, self->site);
      return FALSE;
    }
  flufl_queue_met_company (self->queue);
  if (!flufl_turn_is_joined (&self->turn) && now < self->deadline
      && flufl_acquire_wait_turn (self, out_when))
    return TRUE;
  /* When a process dies, the kernel may close its file a moment before it cuts the life-line. The next
   * try therefore comes soon. */
  if (closed)
    {
      self->retry.pause = 0;
      self->retry.at = MIN (self->retry.at, now + flufl_acquire_patience_now (self));
    }
  if (now < self->deadline)
    flufl_acquire_watch (self, events, closed || (timer_ended && (self->order.armed || slow)));
  return FALSE;
}

static FluflResult
finish_held (FluflAcquire *self, gboolean timer_ended)
{
  /* The waiter did not wait for its predecessor any more. A predecessor that is still there counts as
   * stalled. */
  if (timer_ended && self->order.view.found)
    flufl_queue_pass_over (self->queue, &self->order.view.predecessor);
  if (!is_cancelled (self))
    return finish (self, FLUFL_RESULT_HELD);
  /* The acquisition was cancelled while it won, so the lock is given back. */
  self->claim.unsure = TRUE;
  return finish (self, FLUFL_RESULT_CANCELLED);
}

/* Ends the wait after a cancellation, at the deadline, or when the server has answered nothing but
 * errors for too long. Otherwise finds the time of the next try. */
static FluflResult
wait_on (FluflAcquire *self, gint64 *out_when)
{
  gint64 now = g_get_monotonic_time ();

  if (is_cancelled (self))
    return finish (self, FLUFL_RESULT_CANCELLED);
  if (now >= self->deadline
      && (self->findings.holder_seen || self->outcome == FLUFL_OUTCOME_BUSY))
    return finish (self, FLUFL_RESULT_TIMED_OUT);
  /* Either no holder and no waiter was seen until the deadline, or the server has answered nothing
   * but errors for too long. The file system is the obstacle. */
  if (now >= self->deadline || has_failed_for_long (self, now))
    {
      self->outcome = FLUFL_OUTCOME_FAILED;
      flufl_claim_abandon (&self->claim, self->site);
      return finish (self, FLUFL_RESULT_REFUSED);
    }
  flufl_acquire_announce_if_long (self, now);
  /* A handler of the announcement may have called fork(2), and this may be the child. */
  if (self->process != flufl_process_mark ())
    return flufl_acquire_leave_to_parent (self);
  *out_when = flufl_acquire_next_try (self, now);
  if (flufl_turn_is_joined (&self->turn))
    flufl_turn_moves (&self->turn, *out_when);
  return FLUFL_RESULT_WAIT;
}

/* Makes the claim and the watch of the first step, and begins or goes on with a quiet wait.
 *
 * Returns: whether the step needs no try */
static gboolean
wait_without_try (FluflAcquire *self, FluflWatchEvents events, gint64 now)
{
  return (self->is_first && flufl_acquire_queue_up (self))
         || flufl_acquire_is_behind_others (self, now)
         || flufl_acquire_stays_quiet (self, events, now);
}

/*
 * flufl_acquire_step:
 *
 * Makes one step: a try if one is needed, and what follows from its outcome. If the function
 * returns WAIT, the next step is due at @out_when, in monotonic microseconds, or when the sleeper
 * is woken.
 *
 * Returns: WAIT, or the result, which is also kept in @self
 */
FluflResult
flufl_acquire_step (FluflAcquire *self, gint64 *out_when)
{
  FluflWatchEvents events = (FluflWatchEvents) g_atomic_int_and ((guint *) &self->order.events, 0);
  gint64 now = flufl_acquire_time_of_step (self);
  gboolean timer_ended = now >= (self->order.armed
                                     ? self->retry.at
                                     : self->order.moved + flufl_acquire_patience_now (self));
  gboolean look;

  if (self->process != flufl_process_mark ())
    return flufl_acquire_leave_to_parent (self);
  if (is_cancelled (self))
    return finish (self, FLUFL_RESULT_CANCELLED);
  if ((self->waits_turn || (self->is_first && flufl_acquire_must_wait_turn (self)))
      && flufl_acquire_wait_turn (self, out_when))
    return self->result;

  look = wants_look (self, events, now);
  if (!flufl_acquire_is_giving_way (self))
    self->order.uncalled = self->order.armed && (events & ~FLUFL_WATCH_CLOSED) == 0;
  if (wait_without_try (self, events, now))
    self->outcome = FLUFL_OUTCOME_BUSY;
  else
    {
      flufl_acquire_end_quiet (self);
      flufl_acquire_try (self, look);
      if (self->outcome == FLUFL_OUTCOME_BUSY
          && settle_down (self, events, now, timer_ended, out_when))
        return self->result;
    }

  /* Only a busy waiter sets its watch again, so one whose watch has ended must not rely on it. */
  if (self->outcome != FLUFL_OUTCOME_BUSY && (events & FLUFL_WATCH_REMOVED) != 0)
    flufl_acquire_disarm (self);
  switch (self->outcome)
    {
    case FLUFL_OUTCOME_HELD:
      return finish_held (self, timer_ended);
    case FLUFL_OUTCOME_BUSY:
    case FLUFL_OUTCOME_UNSURE:
      return wait_on (self, out_when);
    default:
      return finish (self, FLUFL_RESULT_REFUSED);
    }
}

/*
 * flufl_acquire_begin:
 *
 * Prepares an acquisition. Called once before the first step, in the process that makes that step.
 */
void
flufl_acquire_begin (FluflAcquire *self)
{
  self->process = flufl_process_mark ();
  self->is_first = TRUE;
  self->started = self->order.moved = g_get_monotonic_time ();
  self->looked = self->started; /* so that look_is_due() lets an interval pass first */
  if (self->announce_after == 0)
    self->announce_after = ANNOUNCE_AFTER;
  self->announcement.at = self->started + self->announce_after;
  self->collection.at = self->started + COLLECT_AFTER;
  self->result = FLUFL_RESULT_WAIT;
  if (self->queue != NULL)
    flufl_queue_begin (self->queue);
}
