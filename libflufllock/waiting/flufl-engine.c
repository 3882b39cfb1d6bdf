/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Worker threads take turns at leading: the leader sleeps until the earliest
 * appointment, hands the lead on, and keeps the appointment itself. So an
 * appointment costs no hop to another thread, and one that stalls (on a file
 * server that does not answer) delays no other.
 */

#include "config.h"

#include "flufl-engine.h"

#include <errno.h>
#include <poll.h>

typedef struct
{
  FluflWorkFunc func;
  gpointer      user_data;
} Work;

/* Shared by the schedule, or the thread that keeps it, and the handler of the
 * cancellable. */
typedef struct
{
  gatomicrefcount refs;
  gint64          when;        /* under the mutex */
  GSequenceIter  *scheduled;   /* under the mutex; NULL: not, or kept */
  GCancellable   *cancellable; /* owned; nullable */
  gulong          handler;
  Work            work;
} Appointment;

static GMutex mutex;
static GCond earlier;          /* the earliest appointment has changed */
static GSequence *schedule;    /* of Appointment, by time; under the mutex */
static gboolean has_leader;    /* under the mutex */

static void
run_work (gpointer data, gpointer unused G_GNUC_UNUSED)
{
  Work *work = data;
  Work copy = *work;

  g_free (work);
  copy.func (copy.user_data);
}

static GThreadPool *
workers (void)
{
  static GThreadPool *pool;

  /* Without a limit: GIO's own pool has one, and a few calls stalled on one
   * file server would keep all other locks of the process waiting. */
  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, g_thread_pool_new (run_work, NULL, -1, FALSE, NULL));
  return pool;
}

/*
 * flufl_engine_push:
 *
 * Runs @func in a worker thread.
 */
void
flufl_engine_push (FluflWorkFunc func, gpointer user_data)
{
  Work *work = g_new (Work, 1);

  work->func = func;
  work->user_data = user_data;
  /* Fails only where no thread can be made; the work waits in the queue then. */
  g_thread_pool_push (workers (), work, NULL);
}

static void
appointment_unref (gpointer data)
{
  Appointment *self = data;

  if (g_atomic_ref_count_dec (&self->refs))
    {
      g_clear_object (&self->cancellable);
      g_free (self);
    }
}

static int
compare_times (gconstpointer a, gconstpointer b, gpointer unused G_GNUC_UNUSED)
{
  const Appointment *left = a, *right = b;

  return left->when < right->when ? -1 : left->when > right->when;
}

static void
cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED, gpointer user_data)
{
  Appointment *self = user_data;

  g_mutex_lock (&mutex);
  self->when = 0;
  if (self->scheduled != NULL)
    {
      g_sequence_sort_changed (self->scheduled, compare_times, NULL);
      g_cond_signal (&earlier);
    }
  g_mutex_unlock (&mutex);
}

static void
keep (Appointment *self)
{
  /* Not g_cancellable_disconnect(): it waits for the handlers of others. */
  if (self->handler != 0)
    g_signal_handler_disconnect (self->cancellable, self->handler);
  self->work.func (self->work.user_data);
  appointment_unref (self);
}

static void
lead (gpointer unused G_GNUC_UNUSED)
{
  Appointment *next = NULL;

  g_mutex_lock (&mutex);
  while (!g_sequence_is_empty (schedule))
    {
      GSequenceIter *first = g_sequence_get_begin_iter (schedule);

      next = g_sequence_get (first);
      if (next->when <= g_get_monotonic_time ())
        {
          g_sequence_remove (first);
          next->scheduled = NULL;
          break;
        }
      g_cond_wait_until (&earlier, &mutex, next->when);
      next = NULL;
    }
  has_leader = !g_sequence_is_empty (schedule);
  if (has_leader)
    flufl_engine_push (lead, NULL);
  g_mutex_unlock (&mutex);

  if (next != NULL)
    keep (next);
}

/*
 * flufl_engine_at:
 * @when_usec: as g_get_monotonic_time() tells
 * @cancellable: (nullable): when it fires, the time has come
 *
 * Runs @func exactly once, in a worker thread, at @when_usec.
 */
void
flufl_engine_at (gint64         when_usec,
                 GCancellable  *cancellable,
                 FluflWorkFunc  func,
                 gpointer       user_data)
{
  Appointment *self = g_new0 (Appointment, 1);

  g_atomic_ref_count_init (&self->refs);
  self->when = when_usec;
  self->work.func = func;
  self->work.user_data = user_data;
  if (cancellable != NULL)
    {
      self->cancellable = g_object_ref (cancellable);
      /* Before it is scheduled: nobody else sees the handler's number then. */
      g_atomic_ref_count_inc (&self->refs);
      self->handler = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self,
                                             appointment_unref);
    }

  g_mutex_lock (&mutex);
  if (schedule == NULL)
    schedule = g_sequence_new (NULL);
  self->scheduled = g_sequence_insert_sorted (schedule, self, compare_times, NULL);
  if (!has_leader)
    {
      has_leader = TRUE;
      flufl_engine_push (lead, NULL);
    }
  else if (g_sequence_iter_is_begin (self->scheduled))
    g_cond_signal (&earlier);
  g_mutex_unlock (&mutex);
}

/* Where no file descriptor is left for the cancellable it is asked so often. */
#define BLIND_SLICE (20 * 1000)

/*
 * flufl_sleep_until:
 *
 * Sleeps in the calling thread until @when_usec or until @cancellable fires,
 * and runs no main context.
 */
void
flufl_sleep_until (gint64 when_usec, GCancellable *cancellable)
{
  GPollFD watched = { -1, 0, 0 };
  gboolean sees = cancellable != NULL && g_cancellable_make_pollfd (cancellable, &watched);

  for (;;)
    {
      struct pollfd fd = { watched.fd, POLLIN, 0 };
      gint64 left = when_usec - g_get_monotonic_time ();
      struct timespec ts;

      if (left <= 0 || g_cancellable_is_cancelled (cancellable))
        break;
      if (cancellable != NULL && !sees)
        left = MIN (left, BLIND_SLICE);

#ifdef HAVE_PPOLL
      ts.tv_sec = (time_t) (left / G_USEC_PER_SEC);
      ts.tv_nsec = (long) (left % G_USEC_PER_SEC) * 1000;
      if (ppoll (&fd, sees ? 1 : 0, &ts, NULL) < 0 && errno != EINTR)
        break;
#else
      (void) ts;
      if (poll (&fd, sees ? 1 : 0, (int) MIN ((left + 999) / 1000, G_MAXINT)) < 0 && errno != EINTR)
        break;
#endif
    }

  if (sees)
    g_cancellable_release_fd (cancellable);
}
