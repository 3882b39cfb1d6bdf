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

#include "flufl-engine.h"
#include "flufl-error.h"
#include "flufl-lock-details-private.h"
#include "flufl-process.h"
#include "flufl-report-private.h"

/* Beyond this some file systems cannot store the expiration. */
#define LIFETIME_MAX (G_GINT64_CONSTANT (68) * 365 * 24 * 3600 * 1000)

/* An acquisition that is cancelled ends by itself, with nothing left behind. If
 * it has not within this, in milliseconds, a file server keeps a call. */
#define CANCEL_PATIENCE 500

static gboolean
is_parents (const FluflOp *op)
{
  return op->process != flufl_process_mark ();
}

/* An operation is that of the process that began it. A forked child has a copy of its source
 * in a main context, and perhaps of what it has won: the lock is the parent's. */
static void
leave_to_parent (FluflOp *op)
{
  flufl_claim_clear (&op->acquire.claim);
  op->begun = op->answer = FALSE;
  g_clear_error (&op->error);
  g_clear_pointer (&op->details, flufl_lock_details_free);
  op->error = flufl_report_forked (&op->lock->holding->site);
}

/* Of an asynchronous operation. Its task has let go of the lock by now, so it
 * has a reference of its own. */
static void
op_free (gpointer data)
{
  FluflOp *op = data;
  FluflLock *lock = op->lock;
  FluflHolding *self = lock->holding;

  if (is_parents (op))
    leave_to_parent (op);
  /* A win that nobody was told of: its source was destroyed. (A main context
   * that is not run any more keeps source and task, then the win is kept until
   * its lease ends. Nor does it help to let go of the context: as all of GIO's
   * tasks ours has a reference to it, from the first moment on, so that no
   * source in it could tell us.) */
  if (op->acquire.claim.path != NULL)
    {
      op->acquire.claim.unsure = TRUE;
      flufl_claim_abandon (&op->acquire.claim, op->acquire.site);
    }
  if (op->begun && !op->settled)
    {
      flufl_holding_lock (self);
      self->busy = FALSE;
      flufl_holding_unlock (self);
    }
  g_clear_pointer (&op->cancel, g_source_unref);
  g_clear_pointer (&op->posted, g_source_unref);
  g_clear_error (&op->error);
  g_clear_pointer (&op->details, flufl_lock_details_free);
  g_free (op);
  g_object_unref (lock);
}

/* --- What a worker tells the caller's main context --- */

/* The source is let go of by its @data, and not here: once it is attached the
 * caller's thread may hear of it and fork(2), and a child would wait for ever for
 * the context's mutex if we had it then. */
static void
post (FluflOp *op, GSourceFunc func, gpointer data, GDestroyNotify destroy, GSource **datas_own)
{
  GSource *source = g_idle_source_new ();

  *datas_own = source;
  /* Not g_main_context_invoke(): it may run func in this thread. */
  g_source_set_priority (source, g_task_get_priority (op->task));
  g_source_set_static_name (source, "[flufl] operation");
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, g_task_get_context (op->task));
}

typedef struct
{
  int               process; /* its mark */
  FluflLock        *lock;
  FluflLockDetails *details;
  GSource          *source; /* nullable */
} Waiting;

static gboolean
waiting_cb (gpointer data)
{
  Waiting *waiting = data;

  if (waiting->process == flufl_process_mark ())
    flufl_lock_emit_waiting (waiting->lock, waiting->details);
  return G_SOURCE_REMOVE;
}

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  flufl_lock_details_free (waiting->details);
  g_clear_pointer (&waiting->source, g_source_unref);
  g_object_unref (waiting->lock);
  g_free (waiting);
}

/* Called by the waiting room when an acquisition takes long. */
static void
acquire_waiting (FluflAcquire *acquire, gpointer user_data)
{
  FluflOp *op = user_data;
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->process = op->process;
  waiting->lock = g_object_ref (op->lock);
  waiting->details = flufl_lock_details_new (
      acquire->site, &acquire->findings.look,
      flufl_op_judge (op, &acquire->findings.look, acquire->findings.liveness));
  if (op->task != NULL)
    post (op, waiting_cb, waiting, waiting_free, &waiting->source);
  else
    {
      waiting_cb (waiting);
      waiting_free (waiting);
    }
}

/* --- Begin: checks and marks, no disk --- */

/* Without a path: was there a file at all? */
static void
report_no_path (FluflLock *self, GError **error)
{
  g_autofree char *uri = self->file != NULL ? g_file_get_uri (self->file) : NULL;

  if (uri == NULL || uri[0] == '\0')
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "No lock file was given: the property “file” is to be set when the lock is made, "
                 "to a path that is not empty.");
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                 "“%s” has no path on this machine, so it cannot be a lock file.", uri);
}

/* Before each operation, so nothing is put into words that is not told. */
static gboolean
check_usable (FluflLock *self, GError **error)
{
  const FluflSite *site = &self->holding->site;
  g_autofree char *path = NULL;

  if (site->lock_path == NULL)
    {
      report_no_path (self, error);
      return FALSE;
    }
  if (site->lock_name[0] != '\0' && flufl_separator_is_valid (self->separator))
    return TRUE;

  path = flufl_report_path (site);
  if (site->lock_name[0] == '\0')
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "“%s” cannot be a lock file: it has no name.", path);
  else
    {
      g_autofree char *separator = g_utf8_make_valid (self->separator, -1);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "The separator “%s” of the lock “%s” cannot be used: it must have 1 to %d bytes, "
                   "none of them a letter, a digit, “/”, “~”, or a control character.",
                   separator, path, FLUFL_SEPARATOR_MAX);
    }
  return FALSE;
}

static gboolean
check_lifetime (FluflLock *self, gint64 lifetime, GError **error)
{
  g_autofree char *path = NULL;

  if (lifetime >= 1 && lifetime <= LIFETIME_MAX)
    return TRUE;
  path = flufl_report_path (&self->holding->site);
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
          g_autofree char *path = flufl_report_path (&self->holding->site);

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

static gboolean
op_begin (FluflOp *op)
{
  FluflLock *self = op->lock;

  op->process = flufl_process_mark ();
  if (g_cancellable_set_error_if_cancelled (op->cancellable, &op->error))
    return FALSE;

  flufl_holding_lock (self->holding);
  if (self->holding->busy)
    {
      g_autofree char *path = flufl_report_path (&self->holding->site);

      flufl_holding_unlock (self->holding);
      g_set_error (&op->error, G_IO_ERROR, G_IO_ERROR_PENDING,
                   "Another operation runs on this object for the lock “%s”. Wait until it is over, "
                   "or use a second object.",
                   path);
      return FALSE;
    }
  self->holding->busy = op->begun = TRUE;
  if (op->timeout == FLUFL_LOCK_TIMEOUT_DEFAULT)
    op->timeout = self->default_timeout;
  if (op->lifetime == FLUFL_LOCK_LIFETIME_AS_SET)
    op->lifetime = self->lifetime;
  op->acquire.break_dead = self->break_dead;
  op->heartbeat = self->heartbeat;
  self->holding->site.name_ahead = op->kind == FLUFL_OP_ACQUIRE && self->linger;

  /* Only operations read these, and no other one runs. */
  g_clear_pointer (&self->holding->site.retry_errnos, g_free);
  self->holding->site.n_retry_errnos = 0;
  if (self->retry_errnos != NULL)
    {
      self->holding->site.n_retry_errnos = self->retry_errnos->len;
      self->holding->site.retry_errnos
          = g_memdup2 (self->retry_errnos->data, self->retry_errnos->len * sizeof (int));
    }
  flufl_holding_unlock (self->holding);

  op->acquire.waiting = acquire_waiting;
  op->acquire.user_data = op;
  return check_arguments (op, &op->error);
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
  path = flufl_report_path (&self->holding->site);
  g_warning ("The clock of the file server of “%s” is %.1f s %s this machine's. Locks that cross "
             "machines are broken late, or, should other machines be off too, early: set the clocks.",
             path, ABS (offset), offset > 0 ? "ahead of" : "behind");
}

/* The object is free for the next operation before anybody is told. */
static void
op_settle (FluflOp *op)
{
  FluflLock *self = op->lock;
  FluflHolding *holding = self->holding;
  GMainContext *context = op->task != NULL ? g_task_get_context (op->task) : NULL;
  gboolean began = op->kind == FLUFL_OP_ACQUIRE && op->answer;
  gboolean lost = op->lost;
  gboolean lifetime_changed = FALSE, elsewhere;
  guint number;

  if (!op->begun)
    return;
  op->settled = TRUE;

  if (began)
    {
      g_autoptr (GMainContext) own = g_main_context_ref_thread_default ();

      warn_of_clocks (self, &op->acquire.claim);
      flufl_holding_set_object (holding, self);
      flufl_heartbeat_begin (holding, &op->acquire.claim, context != NULL ? context : own,
                             op->heartbeat);
    }

  flufl_holding_lock (holding);
  if (op->kind == FLUFL_OP_REFRESH && op->answer && self->lifetime != op->lifetime)
    {
      self->lifetime = op->lifetime;
      lifetime_changed = TRUE;
    }
  elsewhere = context != NULL && context != holding->context;
  number = holding->number;
  /* From here on another thread may acquire, and change what was read here. */
  holding->busy = FALSE;
  flufl_holding_unlock (holding);

  if (lifetime_changed)
    g_object_notify (G_OBJECT (self), "lifetime");
  if (lost && elsewhere)
    flufl_holding_post_loss (holding, number);
  else if (op->ended || began)
    {
      flufl_lock_notify_held (self);
      if (lost)
        flufl_lock_tell_lost (self, op->error);
    }
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
    flufl_op_run (op);
  if (is_parents (op))
    leave_to_parent (op);
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
  /* Its caller may use the cancellable for something else from now on. */
  g_atomic_int_set (&op->acquire.given_up, TRUE);
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
  g_clear_pointer (&op->posted, g_source_unref);
  if (is_parents (op))
    leave_to_parent (op);
  /* The cancellation came after the win and before anybody was told of it. */
  if (op->kind == FLUFL_OP_ACQUIRE && op->answer
      && (op->told || g_cancellable_set_error_if_cancelled (op->cancellable, &op->error)))
    {
      op->answer = FALSE;
      flufl_workers_push (cancel_win, g_object_ref (task));
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
  FluflOp *op = g_task_get_task_data (task);

  post (op, settle_cb, task, g_object_unref, &op->posted);
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

  flufl_op_conclude (op);
  finish_in_context (op->task);
}

static void
run_in_worker (gpointer data)
{
  GTask *task = data;
  FluflOp *op = g_task_get_task_data (task);

  if (op->kind != FLUFL_OP_ACQUIRE)
    flufl_op_run (op);
  else
    {
      if (flufl_op_prepare (op))
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
  flufl_workers_push (run_in_worker, task);
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
