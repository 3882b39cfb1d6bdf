/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Threads take turns at leading: the leader polls, for all that sleep, until
 * the earliest time, wakes those whose time or event has come, hands the lead
 * on, and only then goes about its own work. So a thread that waits alone hears
 * of its event without a hop to another thread, and one that stalls (on a file
 * server that does not answer) delays no other.
 *
 * A thread that sleeps leads itself when nobody does; for functions that wait
 * a worker leads.
 */

#include "config.h"

#include "flufl-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#ifdef HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

#include "flufl-process.h"
#include "flufl-watch.h"

/* Where no file descriptor is left to be woken by, the leader looks up so often. */
#define BLIND_SLICE (20 * 1000)

typedef struct
{
  FluflWorkFunc func;
  gpointer      user_data;
} Work;

/* Of one process: a forked child begins anew, and leaves its parent's alone. */
typedef struct _Engine Engine;

struct _Engine
{
  Engine      *parents;     /* left as it was at the fork, and so not freed */
  int          process;     /* its mark */
  GThreadPool *workers;     /* under the mutex until it is made */

  GMutex       mutex;       /* protects what follows */
  GSequence   *calls;       /* of FluflSleeper, by time */
  GQueue       followers;   /* of FluflSleeper, asleep in threads */
  gboolean     has_leader;
  guint        unheard;     /* calls for a leader that are still in the queue */
  gboolean     polling;     /* the leader is */
  int          polled_fd;   /* the watches' descriptor that it polls */
  int          kick[2];     /* read and write end of what interrupts it; -1 */
};

struct _FluflSleeper
{
  gatomicrefcount refs;      /* the owner's, and the cancellable's handler */
  GCancellable   *cancellable; /* owned; nullable */
  gulong          handler;
  Engine         *engine;
  GCond           cond;

  /* Under the engine's mutex. */
  gint64          when;
  gboolean        woken;
  gboolean        leads;     /* in its own thread */
  gboolean        follows;
  GList           link;      /* in followers */
  GSequenceIter  *scheduled; /* in calls, or NULL */
  Work            work;
};

static Engine *current;

/* The thread that forked may wait in the middle of a poll or of a condition, in a handler of
 * a Unix signal: what it waits for then must not be a mutex of a thread that is not there. */
static void
forked_cb (void)
{
  Engine *engine = g_atomic_pointer_get (&current);

  if (engine != NULL)
    g_mutex_init (&engine->mutex);
}

__attribute__ ((constructor)) static void
watch_forks (void)
{
  flufl_process_on_fork (forked_cb);
}

static gboolean
is_parents (const Engine *engine)
{
  return engine->process != flufl_process_mark ();
}

static void lead_for_calls (gpointer data);

static Engine *
get_engine (void)
{
  for (;;)
    {
      Engine *old = g_atomic_pointer_get (&current);
      Engine *fresh;

      if (old != NULL && !is_parents (old))
        return old;
      fresh = g_new0 (Engine, 1);
      fresh->process = flufl_process_mark ();
      fresh->kick[0] = fresh->kick[1] = -1;
      fresh->parents = old;
      fresh->calls = g_sequence_new (NULL);
      g_mutex_init (&fresh->mutex);
      /* The parent's may be in any state: fork(2) copies one thread only. */
      if (g_atomic_pointer_compare_and_exchange (&current, old, fresh))
        return fresh;
      g_sequence_free (fresh->calls);
      g_mutex_clear (&fresh->mutex);
      g_free (fresh);
    }
}

/* --- Workers --- */

static void
run_work (gpointer data, gpointer unused G_GNUC_UNUSED)
{
  Work *work = data;
  Work copy = *work;

  g_free (work);
  copy.func (copy.user_data);
}

static gpointer
run_work_in_thread (gpointer data)
{
  run_work (data, NULL);
  return NULL;
}

/* Says whether there is a thread for it; if not it waits for the next one. */
static gboolean
push (Engine *engine, FluflWorkFunc func, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  Work *work = g_new (Work, 1);

  work->func = func;
  work->user_data = user_data;
  /* Without a limit: GIO's own pool has one, and a few calls stalled on one
   * file server would keep all other locks of the process waiting. */
  if (engine->workers == NULL && engine->parents == NULL)
    engine->workers = g_thread_pool_new (run_work, NULL, -1, FALSE, NULL);
  if (engine->parents != NULL)
    {
      /* GLib hands work to pooled threads that were the parent's. */
      GThread *thread = g_thread_try_new ("flufl", run_work_in_thread, work, &error);

      if (thread != NULL)
        {
          g_thread_unref (thread);
          return TRUE;
        }
      g_free (work);
    }
  else if (g_thread_pool_push (engine->workers, work, &error))
    return TRUE;
  g_warning ("No thread for the work of locks: %s", error->message);
  return FALSE;
}

/*
 * flufl_engine_push:
 *
 * Runs @func in a worker thread.
 */
void
flufl_engine_push (FluflWorkFunc func, gpointer user_data)
{
  Engine *engine = get_engine ();

  g_mutex_lock (&engine->mutex);
  push (engine, func, user_data);
  g_mutex_unlock (&engine->mutex);
}

/* --- Leading; all with the mutex --- */

static void
make_kick (Engine *engine)
{
  if (engine->kick[0] >= 0)
    return;
#ifdef HAVE_EVENTFD
  engine->kick[0] = engine->kick[1] = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
#else
  if (pipe (engine->kick) != 0)
    engine->kick[0] = engine->kick[1] = -1;
  else
    for (int i = 0; i < 2; i++)
      {
        fcntl (engine->kick[i], F_SETFD, FD_CLOEXEC);
        fcntl (engine->kick[i], F_SETFL, O_NONBLOCK);
      }
#endif
}

static void
interrupt_leader (Engine *engine)
{
  guint64 one = 1;

  if (!engine->polling)
    return;
  engine->polling = FALSE; /* once is enough */
  if (engine->kick[1] >= 0)
    while (write (engine->kick[1], &one, sizeof one) < 0 && errno == EINTR)
      ;
}

static void
drain_kick (Engine *engine)
{
  guint64 count;

  while (read (engine->kick[0], &count, sizeof count) > 0)
    {
#ifdef HAVE_EVENTFD
      break;
#endif
    }
}

static int
poll_until (struct pollfd *fds, nfds_t n, gint64 when)
{
  gint64 left = when - g_get_monotonic_time ();

#ifdef HAVE_PPOLL
  struct timespec ts;

  left = MAX (left, 0);
  ts.tv_sec = (time_t) (left / G_USEC_PER_SEC);
  ts.tv_nsec = (long) (left % G_USEC_PER_SEC) * 1000;
  return ppoll (fds, n, when == G_MAXINT64 ? NULL : &ts, NULL);
#else
  left = MAX (left, 0);
  return poll (fds, n, when == G_MAXINT64 ? -1 : (int) MIN ((left + 999) / 1000, G_MAXINT));
#endif
}

/* Lets go of the mutex meanwhile. */
static void
poll_once (Engine *engine, gint64 when)
{
  struct pollfd fds[2] = { { -1, POLLIN, 0 }, { -1, POLLIN, 0 } };
  int n;

  make_kick (engine);
  fds[0].fd = engine->polled_fd = flufl_watch_fd ();
  fds[1].fd = engine->kick[0];
  if (fds[1].fd < 0)
    when = MIN (when, g_get_monotonic_time () + BLIND_SLICE);
  engine->polling = TRUE;
  g_mutex_unlock (&engine->mutex);

  n = poll_until (fds, G_N_ELEMENTS (fds), when);

  g_mutex_lock (&engine->mutex);
  engine->polling = FALSE;
  if (n <= 0 || is_parents (engine))
    return;
  if ((fds[1].revents & POLLIN) != 0)
    drain_kick (engine);
  else if (fds[1].revents != 0)
    engine->kick[0] = engine->kick[1] = -1; /* somebody closed it */
  if (fds[0].revents != 0)
    {
      /* It wakes sleepers, which takes the mutex. */
      g_mutex_unlock (&engine->mutex);
      flufl_watch_dispatch ();
      g_mutex_lock (&engine->mutex);
    }
}

static FluflSleeper *
first_call (Engine *engine)
{
  return g_sequence_is_empty (engine->calls)
             ? NULL
             : g_sequence_get (g_sequence_get_begin_iter (engine->calls));
}

static void
unschedule (FluflSleeper *self)
{
  g_sequence_remove (self->scheduled);
  self->scheduled = NULL;
  self->woken = FALSE;
}

/* Without a thread for it nobody leads, and the next who comes calls again; by
 * then the first call may be heard too. */
static gboolean
call_leader (Engine *engine)
{
  if (push (engine, lead_for_calls, engine))
    return TRUE;
  if (engine->parents == NULL)
    engine->unheard++;
  return FALSE;
}

/* The leader goes. Threads lead rather than workers: they are there anyway. */
static void
hand_over (Engine *engine)
{
  GList *link = g_queue_pop_head_link (&engine->followers);

  if (link != NULL)
    {
      FluflSleeper *next = link->data;

      next->follows = FALSE;
      next->leads = TRUE;
      g_cond_signal (&next->cond);
    }
  else
    engine->has_leader = !g_sequence_is_empty (engine->calls) && call_leader (engine);
}

/* In a worker, until there is a call for it, or nothing to lead for. */
static void
lead_for_calls (gpointer data)
{
  Engine *engine = data;
  Work work = { NULL, NULL };
  FluflSleeper *first;

  g_mutex_lock (&engine->mutex);
  if (engine->unheard > 0)
    {
      engine->unheard--;
      g_mutex_unlock (&engine->mutex);
      return;
    }
  while ((first = first_call (engine)) != NULL)
    {
      if (first->when <= g_get_monotonic_time ())
        {
          unschedule (first);
          work = first->work;
          break;
        }
      poll_once (engine, first->when);
    }
  hand_over (engine);
  g_mutex_unlock (&engine->mutex);

  if (work.func != NULL)
    work.func (work.user_data);
}

/* In a thread that sleeps. */
static void
lead_for_self (Engine *engine, FluflSleeper *self)
{
  FluflSleeper *first;
  gint64 when = self->when;

  while ((first = first_call (engine)) != NULL && first->when <= g_get_monotonic_time ())
    {
      unschedule (first);
      push (engine, first->work.func, first->work.user_data);
    }
  if (first != NULL)
    when = MIN (when, first->when);
  poll_once (engine, when);
}

/* --- Sleepers --- */

static void
sleeper_unref (gpointer data)
{
  FluflSleeper *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_object (&self->cancellable);
  g_cond_clear (&self->cond);
  g_free (self);
}

static int
compare_times (gconstpointer a, gconstpointer b, gpointer unused G_GNUC_UNUSED)
{
  const FluflSleeper *left = a, *right = b;

  return left->when < right->when ? -1 : left->when > right->when;
}

/*
 * flufl_sleeper_wake:
 *
 * From any thread.
 */
void
flufl_sleeper_wake (FluflSleeper *self)
{
  Engine *engine = self->engine;

  g_mutex_lock (&engine->mutex);
  if (!self->woken)
    {
      self->woken = TRUE;
      if (self->scheduled != NULL)
        {
          self->when = 0;
          g_sequence_sort_changed (self->scheduled, compare_times, NULL);
          interrupt_leader (engine);
        }
      else if (self->leads)
        interrupt_leader (engine);
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
 * @cancellable: (nullable): wakes it when it fires
 *
 * Returns: (transfer full): to be freed when it neither sleeps nor has a call
 *   to come
 */
FluflSleeper *
flufl_sleeper_new (GCancellable *cancellable)
{
  FluflSleeper *self = g_new0 (FluflSleeper, 1);

  g_atomic_ref_count_init (&self->refs);
  g_cond_init (&self->cond);
  self->engine = get_engine ();
  self->link.data = self;
  if (cancellable != NULL)
    {
      self->cancellable = g_object_ref (cancellable);
      g_atomic_ref_count_inc (&self->refs);
      self->handler = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self,
                                             sleeper_unref);
    }
  return self;
}

void
flufl_sleeper_free (FluflSleeper *self)
{
  g_assert (self->scheduled == NULL && !self->follows && !self->leads);

  /* Not g_cancellable_disconnect(): it waits for the handlers of others. */
  if (self->handler != 0)
    g_signal_handler_disconnect (self->cancellable, self->handler);
  sleeper_unref (self);
}

/* The leader polls the watches, if there was one when it began. */
static void
let_leader_see_watches (Engine *engine)
{
  if (engine->polling && engine->polled_fd != flufl_watch_fd ())
    interrupt_leader (engine);
}

/*
 * flufl_sleeper_sleep:
 *
 * Sleeps in the calling thread until @when_usec, as g_get_monotonic_time()
 * tells, or until it is woken. Runs no main context. A child that is forked
 * meanwhile, in a handler of a Unix signal, returns at once.
 */
void
flufl_sleeper_sleep (FluflSleeper *self, gint64 when_usec)
{
  Engine *engine = self->engine;

  g_mutex_lock (&engine->mutex);
  self->when = when_usec;
  let_leader_see_watches (engine);
  while (!self->woken && !is_parents (engine) && g_get_monotonic_time () < when_usec)
    {
      if (!engine->has_leader)
        engine->has_leader = self->leads = TRUE;
      if (self->leads)
        lead_for_self (engine, self);
      else
        {
          self->follows = TRUE;
          g_queue_push_tail_link (&engine->followers, &self->link);
          if (when_usec == G_MAXINT64)
            g_cond_wait (&self->cond, &engine->mutex);
          else
            g_cond_wait_until (&self->cond, &engine->mutex, when_usec);
          if (self->follows)
            {
              self->follows = FALSE;
              g_queue_unlink (&engine->followers, &self->link);
            }
        }
    }
  self->woken = FALSE;
  if (self->leads && !is_parents (engine))
    {
      self->leads = FALSE;
      hand_over (engine);
    }
  g_mutex_unlock (&engine->mutex);
}

/*
 * flufl_sleeper_call:
 *
 * Runs @func once, in a worker thread, at @when_usec or when it is woken.
 */
void
flufl_sleeper_call (FluflSleeper  *self,
                    gint64         when_usec,
                    FluflWorkFunc  func,
                    gpointer       user_data)
{
  Engine *engine = self->engine;

  g_mutex_lock (&engine->mutex);
  g_assert (self->scheduled == NULL);
  self->when = self->woken ? 0 : when_usec;
  self->work.func = func;
  self->work.user_data = user_data;
  self->scheduled = g_sequence_insert_sorted (engine->calls, self, compare_times, NULL);
  if (!engine->has_leader)
    engine->has_leader = call_leader (engine);
  else if (g_sequence_iter_is_begin (self->scheduled))
    interrupt_leader (engine);
  else
    let_leader_see_watches (engine);
  g_mutex_unlock (&engine->mutex);
}

/*
 * flufl_sleep_until:
 *
 * Sleeps in the calling thread until @when_usec or until @cancellable fires.
 */
void
flufl_sleep_until (gint64 when_usec, GCancellable *cancellable)
{
  FluflSleeper *sleeper = flufl_sleeper_new (cancellable);

  flufl_sleeper_sleep (sleeper, when_usec);
  flufl_sleeper_free (sleeper);
}
