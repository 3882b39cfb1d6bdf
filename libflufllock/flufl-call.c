/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-call.h"

#include <errno.h>
#include <pthread.h>

#include "flufl-call-private.h"
#include "flufl-process.h"
#include "flufl-report-private.h"
#include "flufl-thread.h"

/* A cancelled acquisition ends by itself and leaves nothing behind. One that still runs after this
 * many milliseconds is blocked in a call to a file server. */
#define CANCEL_PATIENCE 500

/* The time between two tries to start a thread that undoes a success. Milliseconds. */
#define UNDO_RETRY 100

static gboolean
step_cb (FluflStepper *stepper, gint64 *out_when)
{
  FluflCall *self = (FluflCall *) stepper;

  return flufl_call_step (self, out_when);
}

/*
 * flufl_call_step:
 *
 * Makes one step of the operation. For the lock of a document the first step finds out where the
 * document is.
 */
gboolean
flufl_call_step (FluflCall *self, gint64 *out_when)
{
  if (!self->is_resolved)
    {
      self->resolve_errsv = flufl_document_resolve (self->lock->document, self->lease, &self->site);
      if (self->resolve_errsv != 0)
        return FALSE;
      self->is_resolved = TRUE;
    }
  return self->class->step (self, out_when);
}

static gboolean
undo_cb (FluflStepper *stepper, gint64 *out_when)
{
  FluflCall *self = (FluflCall *) stepper;

  return self->class->undo (self, out_when);
}

/*
 * flufl_call_init:
 * @self: all zero
 *
 * Initializes an operation. The caller then sets the arguments that its class needs.
 */
void
flufl_call_init (FluflCall            *self,
                 const FluflCallClass *class,
                 FluflLock            *lock,
                 GCancellable         *cancellable)
{
  self->class = class;
  /* A signal handler may drop the caller's reference. */
  self->lock = g_object_ref (lock);
  self->lease = lock->lease;
  if (cancellable != NULL)
    self->cancellable = g_object_ref (cancellable);
  self->stepper.step = step_cb;
  self->stepper.cancellable = cancellable;
}

gboolean
flufl_call_belongs_to_parent (const FluflCall *self)
{
  return self->process != 0 && self->process != flufl_process_mark ();
}

/* Makes an inherited operation fail in a forked child. An operation belongs to the process that
 * began it. The child inherits a copy of the operation's source in a main context, and perhaps of
 * its success, but the lock is the parent's. */
static void
leave_to_parent (FluflCall *self)
{
  self->begun = self->answer = FALSE;
  g_clear_error (&self->error);
  self->error = flufl_report_forked (&self->lease->site);
}

gboolean
flufl_call_is_cancelled (FluflCall *self)
{
  return g_atomic_int_get (&self->given_up) || g_cancellable_is_cancelled (self->cancellable);
}

/* --- Begin --- */

gboolean
flufl_call_begin (FluflCall *self)
{
  FluflLease *lease = self->lease;
  gboolean pending;

  self->process = flufl_process_mark ();
  if (self->error != NULL
      || g_cancellable_set_error_if_cancelled (self->cancellable, &self->error)
      || !flufl_lock_check_usable (self->lock, &self->error))
    return FALSE;

  if (self->class->sleeps)
    self->stepper.sleeper = flufl_sleeper_new ();
  flufl_lease_lock (lease);
  flufl_site_copy (&self->site, &lease->site);
  self->excludes_others = self->class->excludes_others
                          && (self->class->is_decided == NULL || !self->class->is_decided (self));
  pending = self->excludes_others && lease->busy;
  if (pending)
    self->error = flufl_report_pending (&lease->site);
  else if (self->class->begin == NULL || self->class->begin (self))
    {
      lease->busy |= self->excludes_others;
      self->begun = TRUE;
    }
  flufl_lease_unlock (lease);
  if (!self->begun)
    flufl_site_drop_copy (&self->site);
  return self->begun;
}

/* --- Settle --- */

/* Makes the result of an operation, and reports its effects by signals. Called in the caller's
 * thread or main context. Before the result is reported, the object can begin the next one. */
void
flufl_call_settle (FluflCall *self)
{
  FluflLease *lease = self->lease;

  if (flufl_call_belongs_to_parent (self))
    leave_to_parent (self);
  if (!self->begun)
    return;
  if (self->no_thread)
    self->error = flufl_report_no_worker (&lease->site);
  else if (self->resolve_errsv != 0)
    {
      self->error = flufl_report_unresolved (self->lock->document->path, self->resolve_errsv);
      self->errsv = self->resolve_errsv;
    }
  else
    self->class->settle (self);

  flufl_lease_lock (lease);
  flufl_lease_learn_site_locked (lease, &self->site);
  if (self->excludes_others)
    lease->busy = FALSE;
  self->settled = TRUE;
  flufl_lease_unlock (lease);

  flufl_document_announce (self->lock);
  if (self->class->emit != NULL && !self->no_thread)
    self->class->emit (self);
}

/*
 * flufl_call_clear:
 *
 * Frees all that the operation has. Called in a thread of the caller's.
 */
void
flufl_call_clear (FluflCall *self)
{
  FluflLease *lease = self->lease;

  if (flufl_call_belongs_to_parent (self))
    self->begun = FALSE;
  /* The source was destroyed, so the result was never reported. A success, if there was one, is
   * undone. (A main context that nobody runs keeps the source and the task. The lock then stays
   * held until its lease ends. To drop the context does not help: the task has a reference to it,
   * as all of GIO's tasks have.) */
  if (self->begun && !self->settled)
    {
      if (self->answer && self->class->undo != NULL)
        flufl_lease_let_go (lease, FALSE);
      flufl_lease_learn_site (lease, &self->site);
      flufl_lease_lock (lease);
      if (self->excludes_others)
        lease->busy = FALSE;
      flufl_lease_unlock (lease);
      if (self->lost) /* nobody else reports what this operation has found */
        flufl_lease_post_loss (lease, self->number);
    }
  if (self->class->clear != NULL)
    self->class->clear (self);
  if (self->cancel_source != NULL)
    g_source_destroy (self->cancel_source);
  g_clear_pointer (&self->cancel_source, g_source_unref);
  g_clear_pointer (&self->posted, g_source_unref);
  /* A thread of the parent's may have been using the sleepers at the fork, so they stay. */
  if (!flufl_call_belongs_to_parent (self))
    {
      g_clear_pointer (&self->stepper.sleeper, flufl_sleeper_free);
      g_clear_pointer (&self->waiter, flufl_sleeper_free);
    }
  g_clear_error (&self->error);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->context, g_main_context_unref);
  if (g_atomic_int_get (&self->has_note))
    self->note.destroy (self->note.data);
  g_clear_object (&self->lock);
}

/* --- In the caller's thread --- */

/*
 * flufl_call_run:
 *
 * Runs the operation in the calling thread. Its results are in @self.
 *
 * Returns: the answer; %FALSE if @error is set
 */
gboolean
flufl_call_run (FluflCall *self, GError **error)
{
  int cancel_state;

  /* A thread that pthread_cancel(3) ends amid an operation would leave the lock in an unknown state
   * and mutexes locked for ever, so the cancellation waits. */
  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel_state);
  flufl_thread_begin_operation ();
  if (flufl_call_begin (self))
    flufl_stepper_run (&self->stepper);
  flufl_thread_end_operation ();
  flufl_call_settle (self);
  pthread_setcancelstate (cancel_state, NULL);
  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  return self->answer;
}

gboolean
flufl_call_run_and_clear (FluflCall *self, GError **error)
{
  gboolean answer = flufl_call_run (self, error);

  flufl_call_clear (self);
  return answer;
}

/* --- From a worker to the caller --- */

/* Runs @func in the context of the operation. @out_source lives at least as long as @data. It receives
 * the reference to the source before the source is attached, since the caller's thread may run @func
 * from then on. @func or @destroy drops the reference. */
static void
post (FluflCall      *self,
      GSourceFunc     func,
      gpointer        data,
      GDestroyNotify  destroy,
      GSource       **out_source)
{
  GSource *source = g_idle_source_new ();

  *out_source = source;
  /* g_main_context_invoke() is not used, since it may run @func in this thread. */
  g_source_set_priority (source, g_task_get_priority (self->task));
  g_source_set_static_name (source, "[flufl] operation");
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, self->context);
}

/*
 * flufl_call_post:
 * @out_source: receives the source if there is one; lives at least as long as @data
 *
 * Runs @func once in the caller's main context, or in the caller's thread if the operation is
 * synchronous. Called by the steps of operations.
 */
void
flufl_call_post (FluflCall      *self,
                 GSourceFunc     func,
                 gpointer        data,
                 GDestroyNotify  destroy,
                 GSource       **out_source)
{
  if (self->task != NULL)
    {
      post (self, func, data, destroy, out_source);
      return;
    }
  if (g_atomic_int_get (&self->progress) == PROGRESS_NONE)
    {
      flufl_thread_call_handler (func, data);
      destroy (data);
      return;
    }
  /* This is a worker for a caller that waits. The caller is woken, and runs the function. */
  self->note = (FluflNote){ func, data, destroy };
  g_atomic_int_set (&self->has_note, TRUE);
  flufl_sleeper_wake (self->waiter);
}

static gboolean settle_cb (gpointer data);

static void
done_cb (FluflStepper *stepper)
{
  FluflCall *self = (FluflCall *) stepper;

  post (self, settle_cb, self->task, g_object_unref, &self->posted);
}

static void
stop_watching_cancel (FluflCall *self)
{
  if (self->cancel_source != NULL)
    g_source_destroy (self->cancel_source);
  g_clear_pointer (&self->cancel_source, g_source_unref);
}

static void
set_cancel_source (FluflCall *self, GSource *source, GSourceFunc func)
{
  stop_watching_cancel (self);
  self->cancel_source = source;
  g_source_set_static_name (source, "[flufl] cancel");
  g_task_attach_source (self->task, source, func);
}

/* Answers the caller although the worker goes on. The object stays busy until the worker has
 * released a lock that it has won. */
static gboolean
cancel_overdue_cb (gpointer data)
{
  FluflCall *self = g_task_get_task_data (data);

  self->answered_early = TRUE;
  g_atomic_int_set (&self->given_up, TRUE);
  stop_watching_cancel (self);
  g_task_return_error (self->task, flufl_report_cancelled ());
  return G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  set_cancel_source (g_task_get_task_data (data), g_timeout_source_new (CANCEL_PATIENCE),
                     cancel_overdue_cb);
  return G_SOURCE_REMOVE;
}

/* Whether a success must be undone, because the operation was cancelled before its result was
 * returned. */
static gboolean
is_unwanted (FluflCall *self)
{
  return self->begun && self->answer && !self->undone && self->class->undo != NULL
         && !flufl_call_belongs_to_parent (self)
         && (self->answered_early || flufl_call_is_cancelled (self));
}

/* No thread can be started that would undo the success. The main loop must not do it, since the disk may
 * block. So the caller is answered, and the success is undone later. */
static void
undo_later (FluflCall *self)
{
  GSource *source = g_timeout_source_new (UNDO_RETRY);

  self->undone = FALSE;
  self->posted = source;
  g_source_set_static_name (source, "[flufl] undo");
  g_source_set_callback (source, settle_cb, g_object_ref (self->task), g_object_unref);
  g_source_attach (source, self->context);
  if (!self->answered_early)
    cancel_overdue_cb (self->task);
}

static gboolean
settle_cb (gpointer data)
{
  GTask *task = data;
  FluflCall *self = g_task_get_task_data (task);

  stop_watching_cancel (self);
  g_clear_pointer (&self->posted, g_source_unref);
  if (is_unwanted (self))
    {
      self->undone = TRUE;
      self->stepper.step = undo_cb;
      g_object_ref (task);
      if (flufl_stepper_start (&self->stepper))
        return G_SOURCE_REMOVE;
      g_object_unref (task);
      undo_later (self);
      return G_SOURCE_REMOVE;
    }

  flufl_call_settle (self);
  if (self->answered_early)
    return G_SOURCE_REMOVE;
  if (self->error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->error));
  else
    self->class->return_result (self);
  return G_SOURCE_REMOVE;
}

/* Frees an operation with its task. The task has dropped its reference to the lock by then, but the
 * operation has its own. */
void
flufl_call_free (gpointer data)
{
  flufl_call_clear (data);
  g_free (data);
}

/*
 * flufl_call_start:
 * @self: (transfer full): in memory of g_malloc()
 *
 * Runs the operation in worker threads, as GIO runs its asynchronous operations.
 */
void
flufl_call_start (FluflCall *self, gpointer tag, GAsyncReadyCallback callback, gpointer user_data)
{
  gpointer source = self->source != NULL ? self->source : G_OBJECT (self->lock);
  GTask *task = g_task_new (source, self->cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE); /* is_unwanted() decides that */
  g_task_set_task_data (task, self, flufl_call_free);
  self->task = task;
  self->context = g_main_context_ref (g_task_get_context (task));
  self->stepper.done = done_cb;

  if (flufl_call_begin (self))
    {
      if (self->class->answers_cancel && self->cancellable != NULL)
        set_cancel_source (self, g_cancellable_source_new (self->cancellable),
                           G_SOURCE_FUNC (cancelled_cb));
      /* The stepper ends sleeps alone, so without a sleeper it needs no cancellable. */
      if (self->stepper.sleeper == NULL)
        self->stepper.cancellable = NULL;
      /* From here on the thread of the context may free the operation at any moment. */
      if (flufl_stepper_start (&self->stepper))
        return;
      self->no_thread = TRUE;
    }
  done_cb (&self->stepper);
}

void
flufl_call_return_boolean (FluflCall *self)
{
  g_task_return_boolean (self->task, self->answer);
}

/*
 * flufl_call_finished_task:
 *
 * Returns: (nullable): the task behind @result, if it is a task of @source that began with @tag
 */
GTask *
flufl_call_finished_task (gpointer source, GAsyncResult *result, gpointer tag)
{
  g_return_val_if_fail (g_task_is_valid (result, source), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), NULL);

  return G_TASK (result);
}

gboolean
flufl_call_finish_boolean (FluflLock *lock, GAsyncResult *result, gpointer tag, GError **error)
{
  GTask *task = flufl_call_finished_task (lock, result, tag);

  return task != NULL && g_task_propagate_boolean (task, error);
}
