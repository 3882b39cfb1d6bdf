/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What operations do on disk: all that may block. Nobody is told anything here.
 */

#include "config.h"

#include "flufl-op-private.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "flufl-engine.h"
#include "flufl-error.h"
#include "flufl-life-line.h"
#include "flufl-lock-details-private.h"
#include "flufl-report-private.h"

/* A lock that must rest before it can be broken is looked at so often. */
#define REST_POLL (100 * 1000)

/* For so long a look is repeated that fails as the user said it may. */
#define RETRY_PATIENCE (10 * G_USEC_PER_SEC)

/* What the lock is to this object. */
FluflLockState
flufl_op_judge (const FluflOp *op, const FluflLook *look, FluflLiveness liveness)
{
  FluflHolding *self = op->lock->holding;
  gboolean expired = look->mtime < self->site.sys->clock (FLUFL_CLOCK_REAL);
  gboolean ours = FALSE;

  flufl_holding_lock (self);
  if (look->sight == FLUFL_SIGHT_CLAIM && self->held)
    {
      g_autofree char *name = g_path_get_basename (self->claim_path);

      ours = strcmp (name, look->claim.name) == 0;
    }
  flufl_holding_unlock (self);
  if (ours)
    return expired ? FLUFL_LOCK_STATE_OURS_EXPIRED : FLUFL_LOCK_STATE_OURS;
  if (liveness == FLUFL_LIVENESS_DEAD)
    return FLUFL_LOCK_STATE_STALE;
  if (expired)
    return FLUFL_LOCK_STATE_THEIRS_EXPIRED;
  return liveness == FLUFL_LIVENESS_ALIVE ? FLUFL_LOCK_STATE_THEIRS : FLUFL_LOCK_STATE_UNKNOWN;
}

static gint64
deadline_after (gint64 timeout_ms)
{
  gint64 now = g_get_monotonic_time ();

  if (timeout_ms < 0 || timeout_ms > (G_MAXINT64 - now) / 1000)
    return G_MAXINT64;
  return now + timeout_ms * 1000;
}

/*
 * flufl_op_conclude:
 *
 * What follows an acquisition: its result in words.
 */
void
flufl_op_conclude (FluflOp *op)
{
  FluflAcquire *acquire = &op->acquire;

  switch (acquire->result)
    {
    case FLUFL_RESULT_HELD:
      op->answer = TRUE;
      break;
    case FLUFL_RESULT_TIMED_OUT:
      op->error = flufl_report_timed_out (acquire->site, &acquire->findings, op->timeout);
      break;
    case FLUFL_RESULT_CANCELLED:
      g_cancellable_set_error_if_cancelled (op->cancellable, &op->error);
      break;
    case FLUFL_RESULT_FORKED: /* it is put into words where all such ends are */
      break;
    case FLUFL_RESULT_REFUSED:
    case FLUFL_RESULT_WAIT:
    default:
      op->error = flufl_report_refused (acquire->site, acquire->outcome, &acquire->findings);
      break;
    }
}

static void lose (FluflOp *op);

/* Whether the object has the lock. If the disk shows that the lock is gone, the error of the
 * loss is set instead: whoever acquires a lock that it believes to hold should learn of it. */
static gboolean
is_still_held (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;
  FluflOutcome outcome = FLUFL_OUTCOME_HELD;
  int errsv;

  if (!flufl_holding_is_held (self))
    return FALSE;
  flufl_holding_lock_disk (self);
  if (flufl_holding_is_held (self))
    outcome = flufl_claim_check (&self->claim, &self->site, &errsv);
  flufl_holding_unlock_disk (self);
  if (outcome != FLUFL_OUTCOME_LOST)
    return flufl_holding_is_held (self);
  lose (op);
  return FALSE;
}

/*
 * flufl_op_prepare:
 *
 * What precedes an acquisition.
 *
 * Returns: %FALSE when there is none, with the error in @op
 */
gboolean
flufl_op_prepare (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;

  if (is_still_held (op))
    {
      op->error = flufl_report_already_held (&self->site);
      return FALSE;
    }
  if (op->error != NULL)
    return FALSE;
  flufl_holding_drop_remains (self);
  flufl_holding_lock_disk (self);
  op->acquire.claim = self->parked;
  self->parked = (FluflClaim){ 0 };
  flufl_holding_unlock_disk (self);
  op->acquire.site = &self->site;
  op->acquire.queue = &self->queue;
  op->acquire.lifetime = op->lifetime * FLUFL_NSEC_PER_MSEC;
  op->acquire.deadline = deadline_after (op->timeout);
  op->acquire.cancellable = op->cancellable;
  return TRUE;
}

/* As long as the object has not acquired the lock again, it says how it has lost it. */
static void
report_not_held (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;

  op->error = flufl_holding_report_loss (self);
  if (op->error == NULL)
    op->error = flufl_report_not_held (&self->site);
}

static void
lose (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;

  op->ended = op->lost = flufl_holding_lose (self);
  op->error = flufl_holding_report_loss (self);
  flufl_holding_drop_remains (self);
}

static void
run_release (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;
  FluflOutcome outcome = FLUFL_OUTCOME_LOST;
  int errsv = 0;

  /* From now on it is not wanted any more, even if it cannot be removed. */
  flufl_holding_lock (self);
  flufl_holding_stop_heart (self);
  flufl_holding_unlock (self);

  flufl_holding_lock_disk (self);
  if (!flufl_holding_is_held (self))
    {
      flufl_holding_unlock_disk (self);
      report_not_held (op);
      return;
    }
  if (flufl_lock_get_linger (op->lock))
    outcome = flufl_claim_park (&self->claim, &self->site, &errsv);
  else
    outcome = flufl_claim_release (&self->claim, &self->site, &errsv);
  if (outcome != FLUFL_OUTCOME_FAILED && self->claim.path != NULL)
    {
      self->parked = self->claim;
      self->claim = (FluflClaim){ 0 };
      flufl_holding_note_parked (self);
    }
  if (outcome == FLUFL_OUTCOME_RELEASED)
    op->ended = flufl_holding_end (self);
  flufl_holding_unlock_disk (self);

  if (outcome == FLUFL_OUTCOME_RELEASED)
    op->answer = TRUE;
  else if (outcome == FLUFL_OUTCOME_LOST)
    {
      op->ended = flufl_holding_lose (self);
      op->error = flufl_holding_report_loss (self);
    }
  else
    op->error = flufl_report_failed (&self->site, "remove the claim file", errsv);
}

static void
run_refresh (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;
  FluflOutcome outcome;
  gint64 since;
  int errsv = 0;

  flufl_holding_lock_disk (self);
  if (!flufl_holding_is_held (self))
    {
      flufl_holding_unlock_disk (self);
      report_not_held (op);
      return;
    }
  since = g_get_monotonic_time ();
  outcome = flufl_claim_refresh (&self->claim, &self->site,
                                 op->lifetime * FLUFL_NSEC_PER_MSEC, &errsv);
  if (outcome == FLUFL_OUTCOME_HELD && flufl_holding_is_held (self))
    {
      op->answer = TRUE;
      flufl_heartbeat_renew (self, since);
    }
  flufl_holding_unlock_disk (self);

  if (op->answer)
    return;
  if (outcome != FLUFL_OUTCOME_UNSURE)
    {
      /* Lost, or the lease came to its end before the answer did. */
      lose (op);
    }
  else
    op->error = flufl_report_failed (&self->site, "refresh the claim file", errsv);
}

static void
run_check (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;
  FluflOutcome outcome = FLUFL_OUTCOME_LOST;
  int errsv = 0;

  flufl_holding_lock_disk (self);
  if (flufl_holding_is_held (self))
    outcome = flufl_claim_check (&self->claim, &self->site, &errsv);
  flufl_holding_unlock_disk (self);

  op->answer = outcome == FLUFL_OUTCOME_HELD;
  if (outcome == FLUFL_OUTCOME_UNSURE)
    op->error = flufl_report_failed (&self->site, "look at the claim file", errsv);
}

static gboolean
is_user_retry (const FluflSite *site, int errsv)
{
  for (gsize i = 0; i < site->n_retry_errnos; i++)
    if (site->retry_errnos[i] == errsv)
      return TRUE;
  return FALSE;
}

/* Looks; says whether somebody holds the lock. Without error: there is none. */
static gboolean
look_for_holder (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;
  FluflLook *look = &op->findings.look;
  gint64 patience = g_get_monotonic_time () + RETRY_PATIENCE;
  int fd;

  for (;;)
    {
      flufl_look_open (look, &self->site, self->site.lock_path, &fd);
      if (look->sight != FLUFL_SIGHT_FAILED || !is_user_retry (&self->site, look->errsv)
          || g_get_monotonic_time () > patience)
        break;
      flufl_sleep_until (g_get_monotonic_time () + REST_POLL, op->cancellable);
      if (g_cancellable_set_error_if_cancelled (op->cancellable, &op->error))
        return FALSE;
    }

  switch (look->sight)
    {
    case FLUFL_SIGHT_CLAIM:
      op->findings.liveness = flufl_life_line_judge (
          &self->site, look, flufl_life_line_try (&self->site, look, fd, LOCK_SH));
      self->site.sys->close (fd);
      return TRUE;
    case FLUFL_SIGHT_UNREADABLE:
      return TRUE;
    case FLUFL_SIGHT_FOREIGN:
      op->error = flufl_report_not_a_lock (&self->site, look);
      return FALSE;
    case FLUFL_SIGHT_FAILED:
      op->error = flufl_report_failed (&self->site, "look at the lock file", look->errsv);
      return FALSE;
    case FLUFL_SIGHT_NOTHING:
    default:
      return FALSE;
    }
}

static void
run_query (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;
  gboolean holder = look_for_holder (op);

  op->state = FLUFL_LOCK_STATE_UNKNOWN;
  if (op->error != NULL)
    return;
  op->state = holder ? flufl_op_judge (op, &op->findings.look, op->findings.liveness)
                     : FLUFL_LOCK_STATE_UNLOCKED;
  if (op->kind != FLUFL_OP_QUERY_DETAILS)
    return;

  if (!holder)
    {
      g_autofree char *path = flufl_report_path (&self->site);

      op->error = g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD,
                               "Nobody holds the lock “%s”.", path);
    }
  else if (op->findings.look.sight == FLUFL_SIGHT_UNREADABLE)
    op->error = flufl_report_failed (&self->site, "read the lock file", EACCES);
  else
    op->details = flufl_lock_details_new (&self->site, &op->findings.look, op->state);
}

/* Should its maker die, it is an ordinary claim that waits for nothing. */
#define CLOCK_CLAIM_LIFETIME (15 * FLUFL_NSEC_PER_SEC)

/* A claim is made for its ctime, the file server's clock; it is never linked. */
static FluflOutcome
break_with_clock (FluflOp *op, int *out_errsv)
{
  FluflHolding *self = op->lock->holding;
  FluflClaim clock = { 0 };
  FluflOutcome outcome = flufl_claim_create (
      &clock, &self->site, CLOCK_CLAIM_LIFETIME, out_errsv);

  if (outcome != FLUFL_OUTCOME_AGAIN)
    {
      op->findings.failed_step = "create a claim file next to the lock file";
      return outcome;
    }

  do
    {
      outcome = flufl_break (&clock, &self->site, TRUE, &op->findings);
      if (outcome != FLUFL_OUTCOME_BUSY || !op->findings.resting)
        break;
      flufl_sleep_until (g_get_monotonic_time () + REST_POLL, op->cancellable);
    }
  while (!g_cancellable_set_error_if_cancelled (op->cancellable, &op->error));

  *out_errsv = op->findings.errsv;
  flufl_claim_abandon (&clock, &self->site);
  return outcome;
}

static void
run_break (FluflOp *op)
{
  FluflHolding *self = op->lock->holding;
  FluflOutcome outcome;
  int errsv = 0;

  if (flufl_holding_is_held (self))
    {
      op->error = flufl_report_already_held (&self->site);
      return;
    }

  if ((op->flags & FLUFL_BREAK_FORCE) != 0)
    {
      outcome = flufl_break_force (&self->site, &op->findings);
      if (outcome != FLUFL_OUTCOME_RELEASED)
        op->error = flufl_report_refused (&self->site, outcome, &op->findings);
      op->answer = op->error == NULL;
      return;
    }

  if (!look_for_holder (op))
    {
      op->answer = op->error == NULL;
      return;
    }

  outcome = break_with_clock (op, &errsv);
  if (op->error != NULL)
    return;
  switch (outcome)
    {
    case FLUFL_OUTCOME_AGAIN:
      op->answer = TRUE;
      break;
    case FLUFL_OUTCOME_BUSY:
      op->error = flufl_report_not_broken (&self->site, &op->findings);
      break;
    default:
      op->findings.errsv = errsv;
      op->error = flufl_report_refused (&self->site, outcome, &op->findings);
      break;
    }
}

/*
 * flufl_op_run:
 *
 * Runs @op in the calling thread; the result is in it.
 */
void
flufl_op_run (FluflOp *op)
{
  switch (op->kind)
    {
    case FLUFL_OP_ACQUIRE:
      if (flufl_op_prepare (op))
        {
          flufl_acquire_run (&op->acquire);
          flufl_op_conclude (op);
        }
      break;
    case FLUFL_OP_RELEASE:
      run_release (op);
      break;
    case FLUFL_OP_REFRESH:
      run_refresh (op);
      break;
    case FLUFL_OP_CHECK:
      run_check (op);
      break;
    case FLUFL_OP_QUERY_STATE:
    case FLUFL_OP_QUERY_DETAILS:
      run_query (op);
      break;
    case FLUFL_OP_BREAK:
    default:
      run_break (op);
      break;
    }
}
