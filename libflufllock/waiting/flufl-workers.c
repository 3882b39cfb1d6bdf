/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * This is not a GThreadPool for two reasons. A GThreadPool accepts work even if no thread can be started
 * for it. In a forked child it hands work to threads of the parent's.
 */

#include "config.h"

#include "flufl-workers.h"

#include "flufl-process.h"
#include "flufl-thread.h"

/* An idle thread goes after this. */
#define IDLE_MAX (15 * G_USEC_PER_SEC)

/* Up to this many threads, work that finds no idle one starts one. Most work takes microseconds, so
 * more threads do it no sooner. But any work may wait for a file server. */
#define THREADS_SOON 8

/* Beyond that, an overseer starts further threads while some work has waited for this long.
 * Microseconds. */
#define QUEUED_MAX (10 * 1000)

typedef struct
{
  FluflWorkFunc func;
  gpointer      user_data;
  gint64        pushed;
} Work;

typedef struct
{
  FluflPerProcess base;
  GMutex          mutex;  /* protects what follows */
  GCond           filled;
  GQueue          queue;  /* of Work */
  guint           n_threads;
  guint           n_idle; /* of them, which wait for work */
  gboolean        has_overseer; /* a thread that starts others when work has waited for long … */
  gboolean        is_exhausted; /* … and could not start the last one */
} Workers;

guint flufl_workers_max = G_MAXUINT;

static FluflPerProcess *current;

static void
workers_init (gpointer data)
{
  Workers *self = data;

  g_mutex_init (&self->mutex);
  g_cond_init (&self->filled);
  g_queue_init (&self->queue);
}

static Workers *
get_workers (void)
{
  return flufl_process_get_own (&current, sizeof (Workers), workers_init, NULL);
}

/* With the mutex. NULL: there was nothing to do for long. */
static Work *
wait_for_work (Workers *self)
{
  gint64 end = g_get_monotonic_time () + IDLE_MAX;
  gboolean in_time = TRUE;

  self->n_idle++;
  flufl_thread_begin_wait ();
  while (self->queue.length == 0 && in_time)
    in_time = g_cond_wait_until (&self->filled, &self->mutex, end);
  flufl_thread_end_wait ();
  self->n_idle--;
  return g_queue_pop_head (&self->queue);
}

static gpointer
run_worker (gpointer data)
{
  Workers *self = data;
  Work *work;

  g_mutex_lock (&self->mutex);
  while ((work = wait_for_work (self)) != NULL)
    {
      g_mutex_unlock (&self->mutex);
      work->func (work->user_data);
      g_free (work);
      g_mutex_lock (&self->mutex);
    }
  self->n_threads--;
  g_mutex_unlock (&self->mutex);
  return NULL;
}

/* With the mutex. */
static gboolean
start_thread (Workers *self)
{
  if (self->n_threads >= flufl_workers_max || !flufl_thread_start ("flufl", run_worker, self))
    return FALSE;
  self->n_threads++;
  return TRUE;
}

/* Ends when there have been idle threads for all work for 100 ms. It sleeps, since no condition
 * signals that nothing has happened. */
static gpointer
oversee (gpointer data)
{
  Workers *self = data;

  g_mutex_lock (&self->mutex);
  for (int quiet = 0; quiet < 10; quiet++)
    {
      const Work *first;
      gint64 now;

      g_mutex_unlock (&self->mutex);
      flufl_thread_begin_wait ();
      g_usleep (QUEUED_MAX);
      flufl_thread_end_wait ();
      g_mutex_lock (&self->mutex);
      now = g_get_monotonic_time ();
      first = g_queue_peek_head (&self->queue);
      if (self->queue.length <= self->n_idle)
        continue;
      quiet = -1;
      /* More of them at a time where many hang. */
      if (now - first->pushed >= QUEUED_MAX)
        for (guint n = MAX (self->n_threads / THREADS_SOON, 1); n > 0; n--)
          self->is_exhausted = !start_thread (self);
    }
  self->has_overseer = self->is_exhausted = FALSE;
  g_mutex_unlock (&self->mutex);
  return NULL;
}

/* With the mutex. Whether work that has no thread yet will have one. Work that was accepted just before
 * the threads ran out waits until the overseer can start one again, or another is idle. */
static gboolean
find_thread (Workers *self)
{
  if (self->has_overseer && self->is_exhausted)
    self->is_exhausted = !start_thread (self);
  if (self->has_overseer)
    return !self->is_exhausted;
  if (self->n_threads < THREADS_SOON)
    return start_thread (self);
  self->has_overseer = self->n_threads < flufl_workers_max
                       && flufl_thread_start ("flufl-overseer", oversee, self);
  return self->has_overseer;
}

/*
 * flufl_workers_push:
 *
 * Runs @func in a worker thread.
 *
 * Returns: %FALSE if there is no thread for it, and none can be started: then @func is not
 *   called
 */
gboolean
flufl_workers_push (FluflWorkFunc func, gpointer user_data)
{
  Workers *self = get_workers ();
  Work *work = g_new (Work, 1);
  gboolean found = TRUE;

  work->func = func;
  work->user_data = user_data;
  work->pushed = g_get_monotonic_time ();
  g_mutex_lock (&self->mutex);
  g_queue_push_tail (&self->queue, work);
  if (self->queue.length <= self->n_idle)
    g_cond_signal (&self->filled);
  else if (!find_thread (self))
    {
      g_free (g_queue_pop_tail (&self->queue));
      found = FALSE;
    }
  g_mutex_unlock (&self->mutex);
  return found;
}
