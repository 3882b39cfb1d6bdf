/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Not a GThreadPool: that takes work that it has no thread for, and cannot give it back; and
 * in a forked child it hands work to threads that were the parent's.
 */

#include "config.h"

#include "flufl-workers.h"

#include "flufl-process.h"

/* An idle thread goes after this. */
#define IDLE_MAX (15 * G_USEC_PER_SEC)

typedef struct
{
  FluflWorkFunc func;
  gpointer      user_data;
} Work;

typedef struct
{
  FluflPerProcess base;
  GMutex          mutex;  /* protects what follows */
  GCond           filled;
  GQueue          queue;  /* of Work */
  guint           n_threads;
  guint           n_idle; /* of them, which wait for work */
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
  return flufl_process_get_own (&current, sizeof (Workers), workers_init);
}

/* With the mutex. NULL: there was nothing to do for long. */
static Work *
wait_for_work (Workers *self)
{
  gint64 end = g_get_monotonic_time () + IDLE_MAX;
  gboolean in_time = TRUE;

  self->n_idle++;
  while (self->queue.length == 0 && in_time)
    in_time = g_cond_wait_until (&self->filled, &self->mutex, end);
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
  GThread *thread = self->n_threads < flufl_workers_max
                        ? g_thread_try_new ("flufl", run_worker, self, NULL)
                        : NULL;

  if (thread == NULL)
    return FALSE;
  self->n_threads++;
  g_thread_unref (thread);
  return TRUE;
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
  g_mutex_lock (&self->mutex);
  g_queue_push_tail (&self->queue, work);
  if (self->queue.length <= self->n_idle)
    g_cond_signal (&self->filled);
  else if (!start_thread (self))
    {
      g_free (g_queue_pop_tail (&self->queue));
      found = FALSE;
    }
  g_mutex_unlock (&self->mutex);
  return found;
}
