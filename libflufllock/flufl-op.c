/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How operations run. Each is a FluflOp: begun in the caller's thread, which
 * touches no disk; run where it may block, which is the caller's thread for
 * the synchronous form and a worker for the other; settled, with signals and
 * results, in the caller's thread or main context.
 */

#include "config.h"

#include "flufl-op-private.h"

#include <errno.h>
#include <sys/file.h>

#include "flufl-engine.h"
#include "flufl-error.h"
#include "flufl-life-line.h"
#include "flufl-lock-details-private.h"
#include "flufl-report-private.h"

/* Beyond this some file systems cannot store the expiration. */
#define LIFETIME_MAX (G_GINT64_CONSTANT (68) * 365 * 24 * 3600 * 1000)

/* A lock that must rest before it can be broken is looked at so often. */
#define REST_POLL (100 * 1000)

/* An acquisition that is cancelled ends by itself, with nothing left behind. If
 * it has not within this, in milliseconds, a file server keeps a call. */
#define CANCEL_PATIENCE 500

/* For so long a look is repeated that fails as the user said it may. */
#define RETRY_PATIENCE (10 * G_USEC_PER_SEC)

/* Of an asynchronous operation. Its task has let go of the lock by now, so it
 * has a reference of its own. */
static void
op_free (gpointer data)
{
  FluflOp *op = data;
  FluflLock *self = op->lock;

  /* A win that nobody was told of: its source was destroyed. (A main context
   * that is merely not run any more keeps source and task, and nobody can tell:
   * then the win is kept until its lease ends.) */
  if (op->acquire.claim.path != NULL)
    {
      op->acquire.claim.unsure = TRUE;
      flufl_claim_abandon (&op->acquire.claim, op->acquire.site);
    }
  if (op->begun && !op->settled)
    {
      g_mutex_lock (&self->mutex);
      self->busy = FALSE;
      g_mutex_unlock (&self->mutex);
    }
  g_clear_pointer (&op->cancel, g_source_unref);
  g_clear_error (&op->error);
  g_clear_pointer (&op->details, flufl_lock_details_free);
  g_free (op);
  g_object_unref (self);
}

/* --- Begin: checks and marks, no disk --- */

static gboolean
check_usable (FluflLock *self, GError **error)
{
  g_autofree char *uri = NULL;
  g_autofree char *path = flufl_report_path (&self->site);

  if (self->file != NULL)
    uri = g_file_get_uri (self->file);
  if (uri == NULL || uri[0] == '\0')
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "No lock file was given: set the property “file” when the lock is made.");
      return FALSE;
    }
  if (self->site.lock_path == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "“%s” has no path on this machine, so it cannot be a lock file.", uri);
      return FALSE;
    }
  if (self->site.lock_name[0] == '\0')
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "“%s” cannot be a lock file: it has no name.", path);
      return FALSE;
    }
  if (!flufl_separator_is_valid (self->separator))
    {
      g_autofree char *separator = g_utf8_make_valid (self->separator, -1);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "The separator “%s” of the lock “%s” cannot be used: it must have 1 to %d bytes, "
                   "none of them a letter, a digit, “/”, “~”, or a control character.",
                   separator, path, FLUFL_SEPARATOR_MAX);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_lifetime (FluflLock *self, gint64 lifetime, GError **error)
{
  g_autofree char *path = NULL;

  if (lifetime >= 1 && lifetime <= LIFETIME_MAX)
    return TRUE;
  path = flufl_report_path (&self->site);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "The lifetime %" G_GINT64_FORMAT " ms of the lock “%s” cannot be used: it must be "
               "between 1 ms and 68 years.",
               lifetime, path);
  return FALSE;
}

static gboolean
check_arguments (FluflOp *op, GError **error)
{
  FluflLock *self = op->lock;

  if (!check_usable (self, error))
    return FALSE;
  switch (op->kind)
    {
    case FLUFL_OP_ACQUIRE:
      if (op->timeout < FLUFL_LOCK_TIMEOUT_FOREVER)
        {
          g_autofree char *path = flufl_report_path (&self->site);

          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       "The timeout %" G_GINT64_FORMAT " ms for the lock “%s” cannot be used: it "
                       "must be 0 or more, or -1 to wait for ever.",
                       op->timeout, path);
          return FALSE;
        }
      return check_lifetime (self, op->lifetime, error);
    case FLUFL_OP_REFRESH:
      return check_lifetime (self, op->lifetime, error);
    case FLUFL_OP_RELEASE:
    case FLUFL_OP_CHECK:
    case FLUFL_OP_QUERY_STATE:
    case FLUFL_OP_QUERY_DETAILS:
    case FLUFL_OP_BREAK:
    default:
      return TRUE;
    }
}

static gint64
deadline_after (gint64 timeout_ms)
{
  gint64 now = g_get_monotonic_time ();

  if (timeout_ms < 0 || timeout_ms > (G_MAXINT64 - now) / 1000)
    return G_MAXINT64;
  return now + timeout_ms * 1000;
}

static gboolean
op_begin (FluflOp *op)
{
  FluflLock *self = op->lock;

  if (g_cancellable_set_error_if_cancelled (op->cancellable, &op->error))
    return FALSE;

  flufl_lock_enter_process (self);
  g_mutex_lock (&self->mutex);
  if (self->busy)
    {
      g_autofree char *path = flufl_report_path (&self->site);

      g_mutex_unlock (&self->mutex);
      g_set_error (&op->error, G_IO_ERROR, G_IO_ERROR_PENDING,
                   "Another operation runs on this object for the lock “%s”. Wait until it is over, "
                   "or use a second object.",
                   path);
      return FALSE;
    }
  self->busy = op->begun = TRUE;
  if (op->timeout == FLUFL_LOCK_TIMEOUT_DEFAULT)
    op->timeout = self->default_timeout;
  if (op->lifetime == FLUFL_LOCK_LIFETIME_AS_SET)
    op->lifetime = self->lifetime;
  op->acquire.break_dead = self->break_dead;
  self->site.name_ahead = op->kind == FLUFL_OP_ACQUIRE && self->linger;

  /* Only operations read these, and no other one runs. */
  g_clear_pointer (&self->site.retry_errnos, g_free);
  self->site.n_retry_errnos = 0;
  if (self->retry_errnos != NULL)
    {
      self->site.n_retry_errnos = self->retry_errnos->len;
      self->site.retry_errnos
          = g_memdup2 (self->retry_errnos->data, self->retry_errnos->len * sizeof (int));
    }
  g_mutex_unlock (&self->mutex);

  return check_arguments (op, &op->error);
}

/* --- Run: may block --- */

static void
post (FluflOp *op, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  /* Not g_main_context_invoke(): it may run func in this thread. */
  g_source_set_priority (source, g_task_get_priority (op->task));
  g_source_set_static_name (source, "[flufl] operation");
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, g_task_get_context (op->task));
}

/* flufl_lock_is_held() without asking for this process's number, a system call,
 * once more: the object has entered it when the operation began. */
static gboolean
is_held (FluflLock *self)
{
  gboolean held;

  g_mutex_lock (&self->mutex);
  held = self->held;
  g_mutex_unlock (&self->mutex);
  return held;
}

typedef struct
{
  FluflLock        *lock;
  FluflLockDetails *details;
} Waiting;

static gboolean
waiting_cb (gpointer data)
{
  Waiting *waiting = data;

  flufl_lock_emit_waiting (waiting->lock, waiting->details);
  return G_SOURCE_REMOVE;
}

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  flufl_lock_details_free (waiting->details);
  g_object_unref (waiting->lock);
  g_free (waiting);
}

/* What the lock is to this object. */
static FluflLockState
judge_state (FluflLock *self, const FluflLook *look, FluflLiveness liveness)
{
  gboolean expired = look->mtime < self->site.sys->clock (FLUFL_CLOCK_REAL);
  gboolean ours = FALSE;

  if (look->sight == FLUFL_SIGHT_CLAIM && flufl_lock_is_held (self))
    {
      g_autoptr (GFile) claim_file = flufl_lock_dup_claim_file (self);
      g_autofree char *name = claim_file != NULL ? g_file_get_basename (claim_file) : NULL;

      ours = g_strcmp0 (name, look->claim.name) == 0;
    }
  if (ours)
    return expired ? FLUFL_LOCK_STATE_OURS_EXPIRED : FLUFL_LOCK_STATE_OURS;
  if (liveness == FLUFL_LIVENESS_DEAD)
    return FLUFL_LOCK_STATE_STALE;
  if (expired)
    return FLUFL_LOCK_STATE_THEIRS_EXPIRED;
  return liveness == FLUFL_LIVENESS_ALIVE ? FLUFL_LOCK_STATE_THEIRS : FLUFL_LOCK_STATE_UNKNOWN;
}

/* Called by the waiting room when an acquisition takes long. */
static void
acquire_waiting (FluflAcquire *acquire, gpointer user_data)
{
  FluflOp *op = user_data;
  Waiting *waiting = g_new (Waiting, 1);

  waiting->lock = g_object_ref (op->lock);
  waiting->details = flufl_lock_details_new (
      acquire->site, &acquire->findings.look,
      judge_state (op->lock, &acquire->findings.look, acquire->findings.liveness));
  if (op->task != NULL)
    post (op, waiting_cb, waiting, waiting_free);
  else
    {
      waiting_cb (waiting);
      waiting_free (waiting);
    }
}

static void
acquire_result (FluflOp *op)
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
    case FLUFL_RESULT_REFUSED:
    case FLUFL_RESULT_WAIT:
    default:
      op->error = flufl_report_refused (acquire->site, acquire->outcome, &acquire->findings);
      break;
    }
}

static gboolean
acquire_prepare (FluflOp *op)
{
  FluflLock *self = op->lock;

  if (is_held (self))
    {
      op->error = flufl_report_already_held (&self->site);
      return FALSE;
    }
  flufl_lock_drop_remains (self);
  g_mutex_lock (&self->disk);
  op->acquire.claim = self->parked;
  self->parked = (FluflClaim){ 0 };
  g_mutex_unlock (&self->disk);
  op->acquire.site = &self->site;
  op->acquire.queue = &self->queue;
  op->acquire.lifetime = op->lifetime * FLUFL_NSEC_PER_MSEC;
  op->acquire.deadline = deadline_after (op->timeout);
  op->acquire.cancellable = op->cancellable;
  op->acquire.waiting = acquire_waiting;
  op->acquire.user_data = op;
  return TRUE;
}

static void
run_release (FluflOp *op)
{
  FluflLock *self = op->lock;
  FluflOutcome outcome = FLUFL_OUTCOME_LOST;
  int errsv = 0;

  /* From now on it is not wanted any more, even if it cannot be removed. */
  flufl_lock_stop_pulse (self);

  g_mutex_lock (&self->disk);
  if (!is_held (self))
    {
      g_mutex_unlock (&self->disk);
      op->error = flufl_lock_was_lost (self) ? flufl_report_lost (&self->site, 0)
                                             : flufl_report_not_held (&self->site);
      return;
    }
  if (flufl_lock_get_linger (self))
    outcome = flufl_claim_park (&self->claim, &self->site, &errsv);
  else
    outcome = flufl_claim_release (&self->claim, &self->site, &errsv);
  if (outcome != FLUFL_OUTCOME_FAILED && self->claim.path != NULL)
    {
      self->parked = self->claim;
      self->claim = (FluflClaim){ 0 };
    }
  if (outcome == FLUFL_OUTCOME_RELEASED)
    op->ended = flufl_lock_end_holding (self);
  g_mutex_unlock (&self->disk);

  if (outcome == FLUFL_OUTCOME_RELEASED)
    op->answer = TRUE;
  else if (outcome == FLUFL_OUTCOME_LOST)
    {
      op->error = flufl_report_lost (&self->site, 0);
      op->ended = flufl_lock_lose (self);
    }
  else
    op->error = flufl_report_failed (&self->site, "remove the claim file", errsv);
}

static void
run_refresh (FluflOp *op)
{
  FluflLock *self = op->lock;
  FluflOutcome outcome;
  gint64 since;
  int errsv = 0;

  g_mutex_lock (&self->disk);
  if (!is_held (self))
    {
      g_mutex_unlock (&self->disk);
      op->error = flufl_report_not_held (&self->site);
      return;
    }
  since = g_get_monotonic_time ();
  outcome = flufl_claim_refresh (&self->claim, &self->site,
                                 op->lifetime * FLUFL_NSEC_PER_MSEC, &errsv);
  if (outcome == FLUFL_OUTCOME_HELD && is_held (self))
    {
      op->answer = TRUE;
      flufl_lock_renew_lease (self, since);
    }
  g_mutex_unlock (&self->disk);

  if (op->answer)
    return;
  if (outcome != FLUFL_OUTCOME_UNSURE)
    {
      /* Lost, or the lease came to its end before the answer did. */
      op->error = flufl_report_lost (&self->site, 0);
      op->ended = flufl_lock_lose (self);
      flufl_lock_drop_remains (self);
    }
  else
    op->error = flufl_report_failed (&self->site, "refresh the claim file", errsv);
}

static void
run_check (FluflOp *op)
{
  FluflLock *self = op->lock;
  FluflOutcome outcome = FLUFL_OUTCOME_LOST;
  int errsv = 0;

  g_mutex_lock (&self->disk);
  if (is_held (self))
    outcome = flufl_claim_check (&self->claim, &self->site, &errsv);
  g_mutex_unlock (&self->disk);

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
  FluflLock *self = op->lock;
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
  FluflLock *self = op->lock;
  gboolean holder = look_for_holder (op);

  op->state = FLUFL_LOCK_STATE_UNKNOWN;
  if (op->error != NULL)
    return;
  op->state = holder ? judge_state (self, &op->findings.look, op->findings.liveness)
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
  FluflLock *self = op->lock;
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
  FluflLock *self = op->lock;
  FluflOutcome outcome;
  int errsv = 0;

  if (flufl_lock_is_held (self))
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

static void
op_run (FluflOp *op)
{
  switch (op->kind)
    {
    case FLUFL_OP_ACQUIRE:
      if (acquire_prepare (op))
        {
          flufl_acquire_run (&op->acquire);
          acquire_result (op);
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

/* --- Settle: in the caller's thread or main context --- */

static void
warn_of_clocks (FluflLock *self, const FluflClaim *claim)
{
  double offset = (double) claim->clock_offset / (double) FLUFL_NSEC_PER_SEC;
  g_autofree char *path = NULL;

  if (self->warned_of_clocks || ABS (offset) <= 5.0)
    return;
  self->warned_of_clocks = TRUE;
  path = flufl_report_path (&self->site);
  g_warning ("The clock of the file server of “%s” is %.1f s %s this machine's. Locks that cross "
             "machines are broken late, or, should other machines be off too, early: set the clocks.",
             path, ABS (offset), offset > 0 ? "ahead of" : "behind");
}

/* The object is free for the next operation before anybody is told. */
static void
op_settle (FluflOp *op)
{
  FluflLock *self = op->lock;
  gboolean lifetime_changed = FALSE;

  if (!op->begun)
    return;
  op->settled = TRUE;

  if (op->kind == FLUFL_OP_ACQUIRE && op->answer)
    {
      g_autoptr (GMainContext) context = op->task != NULL
                                             ? g_main_context_ref (g_task_get_context (op->task))
                                             : g_main_context_ref_thread_default ();

      warn_of_clocks (self, &op->acquire.claim);
      flufl_lock_begin_holding (self, &op->acquire.claim, context);
    }

  g_mutex_lock (&self->mutex);
  self->busy = FALSE;
  if (op->kind == FLUFL_OP_REFRESH && op->answer && self->lifetime != op->lifetime)
    {
      self->lifetime = op->lifetime;
      lifetime_changed = TRUE;
    }
  g_mutex_unlock (&self->mutex);

  if (lifetime_changed)
    g_object_notify (G_OBJECT (self), "lifetime");
  if (op->kind == FLUFL_OP_REFRESH && op->ended && op->task != NULL
      && g_task_get_context (op->task) != self->context)
    {
      flufl_lock_post_loss (self, g_error_copy (op->error));
      return;
    }
  if (op->ended || (op->kind == FLUFL_OP_ACQUIRE && op->answer))
    flufl_lock_notify_held (self);
  if (op->kind == FLUFL_OP_REFRESH && op->ended)
    flufl_lock_tell_lost (self, op->error);
}

/*
 * flufl_op_run_sync:
 * @op: with its arguments set; its results are the caller's
 */
gboolean
flufl_op_run_sync (FluflOp *op, GError **error)
{
  /* A handler of a signal may drop the caller's. */
  g_autoptr (FluflLock) keep G_GNUC_UNUSED = g_object_ref (op->lock);

  if (op_begin (op))
    op_run (op);
  op_settle (op);
  if (op->error != NULL)
    g_propagate_error (error, g_steal_pointer (&op->error));
  return op->answer;
}

static void cancel_win (gpointer data);

static void
stop_watching_cancel (FluflOp *op)
{
  if (op->cancel != NULL)
    g_source_destroy (op->cancel);
  g_clear_pointer (&op->cancel, g_source_unref);
}

static void
set_cancel_source (GTask *task, GSource *source, GSourceFunc func)
{
  FluflOp *op = g_task_get_task_data (task);

  stop_watching_cancel (op);
  op->cancel = source;
  g_source_set_static_name (source, "[flufl] cancel");
  g_task_attach_source (task, source, func);
}

/* The worker goes on, gives up what it has won, and until then the object is
 * busy; but nobody waits for it any more. */
static gboolean
cancel_overdue_cb (gpointer data)
{
  GTask *task = data;
  FluflOp *op = g_task_get_task_data (task);

  op->told = TRUE;
  stop_watching_cancel (op);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", "Operation was cancelled");
  return G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  set_cancel_source (data, g_timeout_source_new (CANCEL_PATIENCE), cancel_overdue_cb);
  return G_SOURCE_REMOVE;
}

static gboolean
settle_cb (gpointer data)
{
  GTask *task = data;
  FluflOp *op = g_task_get_task_data (task);

  stop_watching_cancel (op);
  /* The cancellation came after the win and before anybody was told of it. */
  if (op->kind == FLUFL_OP_ACQUIRE && op->answer
      && g_cancellable_set_error_if_cancelled (op->cancellable, &op->error))
    {
      op->answer = FALSE;
      flufl_engine_push (cancel_win, g_object_ref (task));
      return G_SOURCE_REMOVE;
    }

  op_settle (op);
  if (op->told)
    return G_SOURCE_REMOVE;
  if (op->error != NULL)
    g_task_return_error (task, g_steal_pointer (&op->error));
  else if (op->kind == FLUFL_OP_QUERY_STATE)
    g_task_return_int (task, (gssize) op->state);
  else if (op->kind == FLUFL_OP_QUERY_DETAILS)
    g_task_return_pointer (task, g_steal_pointer (&op->details),
                           (GDestroyNotify) flufl_lock_details_free);
  else
    g_task_return_boolean (task, op->answer);
  return G_SOURCE_REMOVE;
}

/* The last step in a worker: hands the task over to its context. */
static void
finish_in_context (GTask *task)
{
  post (g_task_get_task_data (task), settle_cb, task, g_object_unref);
}

static void
cancel_win (gpointer data)
{
  GTask *task = data;
  FluflOp *op = g_task_get_task_data (task);

  op->acquire.claim.unsure = TRUE;
  flufl_claim_abandon (&op->acquire.claim, op->acquire.site);
  finish_in_context (task);
}

static void
acquire_done (FluflAcquire *acquire G_GNUC_UNUSED, gpointer user_data)
{
  FluflOp *op = user_data;

  acquire_result (op);
  finish_in_context (op->task);
}

static void
run_in_worker (gpointer data)
{
  GTask *task = data;
  FluflOp *op = g_task_get_task_data (task);

  if (op->kind != FLUFL_OP_ACQUIRE)
    op_run (op);
  else
    {
      if (acquire_prepare (op))
        {
          op->acquire.done = acquire_done;
          flufl_acquire_start (&op->acquire);
          return;
        }
    }
  finish_in_context (task);
}

/*
 * flufl_op_start:
 * @arguments: copied
 *
 * The asynchronous form of flufl_op_run_sync().
 */
void
flufl_op_start (const FluflOp       *arguments,
                gpointer             tag,
                GAsyncReadyCallback  callback,
                gpointer             user_data)
{
  GTask *task = g_task_new (arguments->lock, arguments->cancellable, callback, user_data);
  FluflOp *op = g_new (FluflOp, 1);

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE); /* a win stays a win */
  *op = *arguments;
  op->task = task;
  g_object_ref (op->lock);
  g_task_set_task_data (task, op, op_free);

  if (!op_begin (op))
    {
      finish_in_context (task);
      return;
    }
  if (op->kind == FLUFL_OP_ACQUIRE && op->cancellable != NULL)
    set_cancel_source (task, g_cancellable_source_new (op->cancellable),
                       G_SOURCE_FUNC (cancelled_cb));
  flufl_engine_push (run_in_worker, task);
}

/*
 * flufl_op_finished_task:
 *
 * Returns: (nullable): the task behind @result, if it is one of @lock's that
 *   began with @tag
 */
GTask *
flufl_op_finished_task (FluflLock *lock, GAsyncResult *result, gpointer tag)
{
  g_return_val_if_fail (g_task_is_valid (result, lock), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), NULL);

  return G_TASK (result);
}
