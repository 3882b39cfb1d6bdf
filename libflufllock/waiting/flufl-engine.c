/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A sleeper is an object by which a thread sleeps, or a function is scheduled, until a time or an event.
 * One thread, the leader, polls for all sleepers. It starts the functions that are due, and
 * dispatches the events. A thread that sleeps wakes at its time by itself. The leader hands over the
 * lead before it does its own work. A thread that waits alone therefore learns of its event without a
 * hop to another thread, and a thread that a file server blocks delays nobody.
 *
 * A thread in flufl_sleeper_sleep() leads if nobody else does. The others are followers, and wait for
 * their conditions. If functions are scheduled and no such thread is there, a worker leads. While
 * a thread that sleeps leads, a worker waits as the deputy. It runs what is due if no further worker
 * can be started, and leads once no thread sleeps.
 */

#include "config.h"

#include "flufl-engine.h"

#include <pthread.h>

#include "flufl-engine-private.h"
#include "flufl-process.h"
#include "flufl-thread.h"
#include "flufl-watch.h"

static FluflPerProcess *current;

static void
engine_init (gpointer data)
{
  FluflEngine *self = data;

  g_mutex_init (&self->mutex);
  g_cond_init (&self->deputy);
  self->timetable = g_sequence_new (NULL);
  self->kick[0] = self->kick[1] = -1;
}

static void
engine_clear (gpointer data)
{
  FluflEngine *self = data;

  g_sequence_free (self->timetable);
}

static FluflEngine *
get_engine (void)
{
  return flufl_process_get_own (&current, sizeof (FluflEngine), engine_init, engine_clear);
}

gboolean
flufl_engine_is_parents (const FluflEngine *engine)
{
  return engine->base.process != flufl_process_mark ();
}

/* The forking thread may be in the middle of a poll or of a wait for a condition, if a Unix signal
 * handler forks. The mutex that it takes afterwards must not belong to a thread of the parent. */
static void
forked_cb (void)
{
  FluflEngine *engine = (FluflEngine *) g_atomic_pointer_get (&current);

  if (engine != NULL)
    g_mutex_init (&engine->mutex);
}

__attribute__ ((constructor)) static void
watch_forks (void)
{
  flufl_process_on_fork (forked_cb);
}

/* --- The timetable; all with the mutex --- */

FluflSleeper *
flufl_engine_first_scheduled (FluflEngine *engine)
{
  return g_sequence_is_empty (engine->timetable)
             ? NULL
             : g_sequence_get (g_sequence_get_begin_iter (engine->timetable));
}

/* Microseconds until the first scheduled function is due; G_MAXINT64: there is none. */
gint64
flufl_engine_time_left (FluflEngine *engine)
{
  const FluflSleeper *first = flufl_engine_first_scheduled (engine);

  return first != NULL ? MAX (first->when - g_get_monotonic_time (), 0) : G_MAXINT64;
}

static gboolean
has_scheduled (FluflEngine *engine)
{
  return flufl_engine_first_scheduled (engine) != NULL;
}

static FluflSleeper *
due_sleeper (FluflEngine *engine)
{
  FluflSleeper *first = flufl_engine_first_scheduled (engine);

  return first != NULL && first->when <= g_get_monotonic_time () ? first : NULL;
}

static int
compare_times (gconstpointer a, gconstpointer b, gpointer unused G_GNUC_UNUSED)
{
  const FluflSleeper *left = a, *right = b;

  return left->when < right->when ? -1 : left->when > right->when;
}

static void
schedule (FluflEngine *engine, FluflSleeper *self)
{
  self->scheduled = g_sequence_insert_sorted (engine->timetable, self, compare_times, NULL);
}

static void
unschedule (FluflSleeper *self)
{
  g_sequence_remove (self->scheduled);
  self->scheduled = NULL;
}

/* --- Leading; with the mutex, except for lead_for_scheduled() --- */

static void lead_for_scheduled (gpointer data);

static void
call_deputy (FluflEngine *engine)
{
  engine->leader = NULL;
  engine->has_leader = TRUE;
  engine->deputy_called = TRUE;
  g_cond_signal (&engine->deputy);
}

/* Gives the lead to another thread, if there is anything to lead for, and a thread to lead. A
 * sleeping thread is preferred to a worker, because it exists already. */
static void
hand_over (FluflEngine *engine)
{
  GList *link = g_queue_pop_head_link (&engine->followers);

  engine->leader = NULL;
  engine->has_leader = TRUE;
  if (link != NULL)
    {
      FluflSleeper *next = link->data;

      next->follows = FALSE;
      next->leads = TRUE;
      engine->leader = next;
      g_cond_signal (&next->cond);
    }
  else if (!has_scheduled (engine))
    engine->has_leader = FALSE;
  else if (engine->has_deputy && !engine->deputy_called)
    call_deputy (engine);
  else
    engine->has_leader = flufl_workers_push (lead_for_scheduled, engine);
}

/* In a worker that has nothing to do just now. Waits as the deputy if there is none. Returns whether the
 * worker is to lead. */
static gboolean
wait_until_leader (FluflEngine *engine)
{
  if (!engine->has_leader)
    {
      engine->has_leader = has_scheduled (engine);
      return engine->has_leader;
    }
  if (engine->has_deputy)
    return FALSE;
  engine->has_deputy = TRUE;
  while (!engine->deputy_called && has_scheduled (engine))
    {
      flufl_thread_begin_wait ();
      g_cond_wait (&engine->deputy, &engine->mutex);
      flufl_thread_end_wait ();
    }
  engine->has_deputy = FALSE;
  if (!engine->deputy_called)
    return FALSE;
  engine->deputy_called = FALSE;
  return TRUE;
}

static void
dismiss_deputy (FluflEngine *engine)
{
  if (engine->has_deputy && !has_scheduled (engine))
    g_cond_signal (&engine->deputy);
}

/* In a worker. */
static void
lead_for_scheduled (gpointer data)
{
  FluflEngine *engine = data;
  gboolean leads = TRUE;

  g_mutex_lock (&engine->mutex);
  while (leads)
    {
      FluflSleeper *due = due_sleeper (engine);
      FluflWorkFunc func;
      gpointer user_data;

      if (due == NULL && has_scheduled (engine))
        {
          flufl_engine_poll (engine, G_MAXINT64);
          continue;
        }
      if (due == NULL)
        {
          hand_over (engine);
          break;
        }
      func = due->func;
      user_data = due->user_data;
      due->woken = FALSE;
      unschedule (due);
      dismiss_deputy (engine);
      /* Nobody leads during this work if there is no other thread. */
      hand_over (engine);
      engine->n_busy++;
      g_mutex_unlock (&engine->mutex);
      func (user_data);
      g_mutex_lock (&engine->mutex);
      engine->n_busy--;
      leads = wait_until_leader (engine);
    }
  g_mutex_unlock (&engine->mutex);
}

/* In a worker that is to be there when no thread sleeps any more. */
static void
stand_by (gpointer data)
{
  FluflEngine *engine = data;
  gboolean leads;

  g_mutex_lock (&engine->mutex);
  leads = wait_until_leader (engine);
  g_mutex_unlock (&engine->mutex);
  if (leads)
    lead_for_scheduled (engine);
}

/* In a thread that sleeps. Returns whether it still leads. */
static gboolean
lead_for_self (FluflEngine *engine, FluflSleeper *self)
{
  gint64 left = self->when == G_MAXINT64 ? G_MAXINT64 : self->when - g_get_monotonic_time ();
  FluflSleeper *due;

  while ((due = due_sleeper (engine)) != NULL)
    {
      due->woken = FALSE;
      unschedule (due);
      if (flufl_workers_push (due->func, due->user_data))
        {
          dismiss_deputy (engine);
          continue;
        }
      schedule (engine, due);
      if (engine->has_deputy && !engine->deputy_called)
        {
          /* Another thread that sleeps could not start a worker either. */
          self->leads = FALSE;
          call_deputy (engine);
          return FALSE;
        }
      left = MIN (left, BLIND_SLICE);
      break;
    }
  flufl_engine_poll (engine, MAX (left, 0));
  return TRUE;
}

/* --- Sleepers --- */

/*
 * flufl_sleeper_wake:
 *
 * Wakes the sleeper. If it does not sleep, its next sleep ends at once. May be called from any thread.
 * In a forked child a sleeper of the parent's is left alone: its engine may have been copied in the
 * middle of a change.
 */
void
flufl_sleeper_wake (FluflSleeper *self)
{
  FluflEngine *engine = self->engine;

  if (flufl_engine_is_parents (engine))
    return;
  g_mutex_lock (&engine->mutex);
  if (!self->woken)
    {
      self->woken = TRUE;
      if (self->scheduled != NULL)
        {
          self->when = 0;
          g_sequence_sort_changed (self->scheduled, compare_times, NULL);
          flufl_engine_kick (engine);
        }
      else if (self->leads)
        flufl_engine_kick (engine);
      else if (self->follows)
        g_cond_signal (&self->cond);
    }
  g_mutex_unlock (&engine->mutex);
}

static void
cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED, gpointer user_data)
{
  flufl_sleeper_wake (user_data);
}

/*
 * flufl_sleeper_new:
 *
 * Returns: (transfer full): to be freed when it neither sleeps nor is scheduled
 */
FluflSleeper *
flufl_sleeper_new (void)
{
  FluflEngine *engine = get_engine ();
  /* Each acquisition makes a sleeper, and seldom sleeps. */
  FluflSleeper *self = g_atomic_pointer_exchange (&engine->spare, NULL);

  if (self == NULL)
    self = g_new (FluflSleeper, 1);
  *self = (FluflSleeper){ 0 };
  g_atomic_ref_count_init (&self->refs);
  g_cond_init (&self->cond);
  self->engine = engine;
  self->link.data = self;
  self->interrupt_fd = -1;
  return self;
}

/*
 * flufl_sleeper_ref:
 *
 * For a thread that wakes the sleeper, whose owner may free it meanwhile.
 *
 * Returns: (transfer full): to be given back by flufl_sleeper_unref()
 */
FluflSleeper *
flufl_sleeper_ref (FluflSleeper *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
flufl_sleeper_unref (gpointer data)
{
  FluflSleeper *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_cond_clear (&self->cond);
  if (!g_atomic_pointer_compare_and_exchange (&self->engine->spare, NULL, self))
    g_free (self);
}

/*
 * flufl_sleeper_watch_cancellable:
 * @cancellable: a cancellable, which wakes the sleeper when it is cancelled
 *
 * This function must not be called in a thread of the library, and the sleeper must not be freed in
 * one afterwards. To connect to a cancellable takes a mutex of GObject's. A child that is forked
 * at that moment would wait for the mutex for ever.
 */
void
flufl_sleeper_watch_cancellable (FluflSleeper *self, GCancellable *cancellable)
{
  if (self->cancellable != NULL)
    return;
  self->cancellable = g_object_ref (cancellable);
  g_atomic_ref_count_inc (&self->refs);
  self->handler = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self,
                                         flufl_sleeper_unref);
}

/*
 * flufl_sleeper_free:
 *
 * Ends the use by the owner. The memory stays while a handler of the cancellable runs, or a thread that
 * wakes the sleeper has a reference.
 */
void
flufl_sleeper_free (FluflSleeper *self)
{
  g_assert (self->scheduled == NULL && !self->follows && !self->leads);

  /* Not g_cancellable_disconnect(): it waits for the handlers of others. */
  if (self->handler != 0)
    g_signal_handler_disconnect (self->cancellable, self->handler);
  g_clear_object (&self->cancellable);
  flufl_sleeper_unref (self);
}

/*
 * flufl_sleeper_set_interrupt_fd:
 * @fd: what ends a sleep when something can be read from it; -1: nothing does
 */
void
flufl_sleeper_set_interrupt_fd (FluflSleeper *self, int fd)
{
  self->interrupt_fd = fd;
}

/*
 * flufl_sleeper_is_interrupted:
 *
 * Returns: whether the last sleep ended because the interrupt descriptor could be read
 */
gboolean
flufl_sleeper_is_interrupted (FluflSleeper *self)
{
  return self->interrupted;
}

/* The leader polls the descriptor of the watches only if there was one when the poll began. A new
 * descriptor ends the poll. */
static void
let_leader_see_watches (FluflEngine *engine)
{
  if (engine->polling && engine->polled_fd != flufl_watch_fd ())
    flufl_engine_kick (engine);
}

static void
follow (FluflEngine *engine, FluflSleeper *self)
{
  self->follows = TRUE;
  g_queue_push_tail_link (&engine->followers, &self->link);
  if (self->interrupt_fd >= 0)
    flufl_engine_kick (engine); /* it is to be polled, too */
  if (self->when == G_MAXINT64)
    g_cond_wait (&self->cond, &engine->mutex);
  else
    g_cond_wait_until (&self->cond, &engine->mutex, self->when);
  if (self->follows)
    {
      self->follows = FALSE;
      g_queue_unlink (&engine->followers, &self->link);
    }
}

/*
 * flufl_sleeper_sleep:
 *
 * Sleeps in the calling thread until @when_usec, as g_get_monotonic_time()
 * counts, or until it is woken. Runs no main context. A child that is forked
 * meanwhile, in a handler of a Unix signal, returns at once. The thread cannot be cancelled
 * by pthread_cancel(3) meanwhile: others rely on what it does when it leads.
 */
void
flufl_sleeper_sleep (FluflSleeper *self, gint64 when_usec)
{
  FluflEngine *engine = self->engine;
  int cancel_state;

  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel_state);
  g_mutex_lock (&engine->mutex);
  self->when = when_usec;
  self->interrupted = FALSE;
  let_leader_see_watches (engine);
  while (!self->woken && !flufl_engine_is_parents (engine) && g_get_monotonic_time () < when_usec)
    {
      if (!engine->has_leader)
        {
          engine->has_leader = self->leads = TRUE;
          engine->leader = self;
        }
      if (!self->leads || !lead_for_self (engine, self))
        follow (engine, self);
    }
  self->woken = FALSE;
  if (self->leads && !flufl_engine_is_parents (engine))
    {
      self->leads = FALSE;
      hand_over (engine);
    }
  g_mutex_unlock (&engine->mutex);
  pthread_setcancelstate (cancel_state, NULL);
}

/*
 * flufl_sleeper_schedule:
 *
 * Runs @func once, in a worker thread, at @when_usec or when @self is woken.
 *
 * Returns: %FALSE if there is no worker that would call @func, and none can be started
 */
gboolean
flufl_sleeper_schedule (FluflSleeper  *self,
                    gint64         when_usec,
                    FluflWorkFunc  func,
                    gpointer       user_data)
{
  FluflEngine *engine = self->engine;
  gboolean done = TRUE;

  g_mutex_lock (&engine->mutex);
  g_assert (self->scheduled == NULL);
  self->when = self->woken ? 0 : when_usec;
  self->func = func;
  self->user_data = user_data;
  schedule (engine, self);
  if (!engine->has_leader)
    {
      engine->has_leader = flufl_workers_push (lead_for_scheduled, engine);
      done = engine->has_leader || engine->n_busy > 0;
    }
  else if (engine->leader != NULL && !engine->has_deputy && engine->n_busy == 0)
    done = flufl_workers_push (stand_by, engine);
  if (self == flufl_engine_first_scheduled (engine))
    flufl_engine_kick (engine);
  else
    let_leader_see_watches (engine);
  if (!done)
    unschedule (self);
  g_mutex_unlock (&engine->mutex);
  return done;
}
