/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Operations for languages whose interpreter must run now and then while the caller waits.
 */

#include "config.h"

#include "flufl-call-private.h"

#include <pthread.h>

#include "flufl-thread.h"

/* An operation that is dropped is waited for this long, in microseconds, so that the object is free
 * for the next one and nothing is left on disk. */
#define DROP_PATIENCE (100 * 1000)

static gboolean
clear_cb (gpointer data G_GNUC_UNUSED)
{
  return G_SOURCE_REMOVE;
}

/* Dropped operations that a worker has ended, for the next caller to free. */
static FluflCall *dropped;

static void
free_dropped (void)
{
  FluflCall *call;

  do
    call = g_atomic_pointer_get (&dropped);
  while (call != NULL && !g_atomic_pointer_compare_and_exchange (&dropped, call, NULL));
  while (call != NULL)
    {
      FluflCall *next = call->next_dropped;

      flufl_call_free (call);
      call = next;
    }
}

/* References to the user's objects are dropped in a thread of the user's: in the main context of
 * the operation, or where the next operation begins if there is none. The default main context is
 * not made for it. */
static void
clear_for_user (FluflCall *self)
{
  GSource *source;

  if (self->context == NULL)
    {
      do
        self->next_dropped = g_atomic_pointer_get (&dropped);
      while (!g_atomic_pointer_compare_and_exchange (&dropped, self->next_dropped, self));
      return;
    }
  source = g_idle_source_new ();
  g_source_set_static_name (source, "[flufl] dropped operation");
  g_source_set_callback (source, clear_cb, self, flufl_call_free);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

static void
worker_done_cb (FluflStepper *stepper)
{
  FluflCall *self = (FluflCall *) stepper;
  /* The thread that waits may free the operation once the progress shows its end. */
  FluflSleeper *waiter = flufl_sleeper_ref (self->waiter);
  gboolean is_awaited
      = g_atomic_int_compare_and_exchange (&self->progress, PROGRESS_BUSY, PROGRESS_DONE);
  gint64 unused;

  if (is_awaited)
    flufl_sleeper_wake (waiter);
  flufl_sleeper_unref (waiter);
  if (is_awaited)
    return;
  if (self->answer && self->class->undo != NULL)
    self->class->undo (self, &unused);
  flufl_lease_lock (self->lease);
  if (self->excludes_others)
    self->lease->busy = FALSE;
  self->settled = TRUE;
  flufl_lease_unlock (self->lease);
  if (self->lost) /* nobody else reports what this operation has found */
    flufl_lease_post_loss (self->lease, self->number);
  clear_for_user (self);
}

static void
read_note (FluflCall *self)
{
  FluflNote note;

  if (!g_atomic_int_get (&self->has_note))
    return;
  note = self->note;
  g_atomic_int_set (&self->has_note, FALSE);
  note.func (note.data);
  note.destroy (note.data);
}

static gboolean
await_worker (FluflCall *self, int interrupt_fd, gint64 until_usec)
{
  gboolean interrupted = FALSE;

  while (g_atomic_int_get (&self->progress) != PROGRESS_DONE && !interrupted
         && g_get_monotonic_time () < until_usec)
    {
      flufl_sleeper_set_interrupt_fd (self->waiter, interrupt_fd);
      flufl_sleeper_sleep (self->waiter, until_usec);
      interrupted = flufl_sleeper_is_interrupted (self->waiter);
      read_note (self);
    }
  return g_atomic_int_get (&self->progress) == PROGRESS_DONE;
}

/* A step may wait for a file server: then a worker makes it. Otherwise it is made here, which
 * needs no thread. */
static void
choose_thread (FluflCall *self)
{
  GMainContext *context = g_main_context_get_thread_default ();

  if (self->lock->document == NULL && !flufl_site_may_hang (&self->site))
    return;
  if (self->context == NULL && context != NULL)
    self->context = g_main_context_ref (context);
  self->waiter = flufl_sleeper_new ();
  self->stepper.done = worker_done_cb;
  if (self->stepper.sleeper == NULL)
    self->stepper.cancellable = NULL;
  g_atomic_int_set (&self->progress, PROGRESS_BUSY);
  if (!flufl_stepper_start (&self->stepper))
    g_atomic_int_set (&self->progress, PROGRESS_NONE);
}

/*
 * flufl_call_run_until:
 * @interrupt_fd: returns when it can be read from; -1: it does not
 * @until_usec: returns then at the latest, in monotonic microseconds; G_MAXINT64: no limit
 *
 * Runs the operation for the calling thread. When it was interrupted, the next call goes on
 * with it.
 *
 * Returns: whether it is over, with its results in @self
 */
gboolean
flufl_call_run_until (FluflCall *self, int interrupt_fd, gint64 until_usec)
{
  int cancel_state;
  gboolean over;

  if (self->settled || self->error != NULL)
    return TRUE;
  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel_state);
  free_dropped ();
  if (!self->begun && flufl_call_begin (self))
    choose_thread (self);
  if (flufl_call_belongs_to_parent (self) || !self->begun)
    over = TRUE;
  else if (g_atomic_int_get (&self->progress) != PROGRESS_NONE)
    over = await_worker (self, interrupt_fd, until_usec);
  else
    {
      flufl_thread_begin_operation ();
      over = flufl_stepper_run_until (&self->stepper, interrupt_fd, until_usec);
      flufl_thread_end_operation ();
    }
  if (over)
    flufl_call_settle (self);
  pthread_setcancelstate (cancel_state, NULL);
  return over;
}

/*
 * flufl_call_get_win:
 *
 * Returns: the number of the lease that the operation has begun; 0 if it has begun none
 */
guint
flufl_call_get_win (const FluflCall *self)
{
  return self->settled && self->answer && self->class->undo != NULL ? self->number : 0;
}

/* Whether the worker has ended the operation, as it should. It has what it needs for that
 * but an answer of the file server. Its notes are not read: nobody waits for them. */
static gboolean
outlast_worker (FluflCall *self)
{
  gint64 until = g_get_monotonic_time () + DROP_PATIENCE;

  if (self->stepper.sleeper != NULL)
    flufl_sleeper_wake (self->stepper.sleeper);
  flufl_sleeper_set_interrupt_fd (self->waiter, -1);
  while (g_atomic_int_get (&self->progress) != PROGRESS_DONE && g_get_monotonic_time () < until)
    flufl_sleeper_sleep (self->waiter, until);
  return !g_atomic_int_compare_and_exchange (&self->progress, PROGRESS_BUSY, PROGRESS_LEFT);
}

/*
 * flufl_call_drop:
 * @self: (transfer full): in memory of g_malloc(), and run by flufl_call_run_until() if at all
 *
 * Ends the operation. A lock that it wins, and that the user does not know of, is given back. If a
 * file server takes long over that it goes on in a worker thread.
 */
void
flufl_call_drop (FluflCall *self)
{
  gint64 unused;

  if (self->begun && !self->settled && !flufl_call_belongs_to_parent (self))
    {
      g_atomic_int_set (&self->given_up, TRUE);
      if (g_atomic_int_get (&self->progress) == PROGRESS_NONE)
        {
          /* It ends at the next step. */
          while (flufl_call_step (self, &unused))
            ;
        }
      else if (!outlast_worker (self))
        return;
    }
  flufl_call_free (self);
}
