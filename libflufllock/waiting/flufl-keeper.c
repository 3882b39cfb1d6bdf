/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-keeper.h"

#include <errno.h>
#include <unistd.h>

#include "flufl-process.h"
#include "flufl-thread.h"
#include "flufl-workers.h"

/* Microseconds for which a keeper without an appointment that matters stays. */
#define IDLE_MAX (15 * G_USEC_PER_SEC)

/* One worker of a keeper. */
typedef struct
{
  FluflKeeper *keeper;
  guint        number;
} Worker;

void
flufl_keeper_init (FluflKeeper *self, GMutex *mutex, FluflKeeperFunc meet, gpointer user_data)
{
  *self = (FluflKeeper){ .mutex = mutex, .meet = meet, .user_data = user_data };
  self->when = G_MAXINT64;
  self->polled_fd = -1;
  flufl_boot_timer_init (&self->timer);
  g_cond_init (&self->changed);
}

static gboolean
is_needed (const FluflKeeper *self)
{
  return self->when != G_MAXINT64 || self->n_holds > 0;
}

/* Forked children close the timer's descriptor. */
static void
set_timer (FluflKeeper *self, gint64 when)
{
  int before = self->timer.fd;

  flufl_boot_timer_set (&self->timer, when);
  if (self->timer.fd == before)
    return;
  if (before >= 0)
    flufl_process_forget_file (self->timer_id);
  if (self->timer.fd >= 0)
    self->timer_id = flufl_process_keep_file (self->timer.fd, close);
}

/* Where somebody has closed the timer, poll(2) waits on for what was open before. */
static void
wake (FluflKeeper *self, gint64 when)
{
  set_timer (self, when);
  if (self->polled_fd >= 0 && self->timer.fd != self->polled_fd)
    self->is_deaf = TRUE;
  g_cond_signal (&self->changed);
}

static void
poll_timer (FluflKeeper *self, const Worker *worker)
{
  GPollFD fd = { self->timer.fd, G_IO_IN, 0 };
  int n;

  self->polled_fd = fd.fd;
  g_mutex_unlock (self->mutex);
  n = FLUFL_WAIT_FOR (g_poll (&fd, 1, -1));
  if (n < 0 && errno != EINTR)
    fd.revents = G_IO_NVAL; /* no file may be open here */
  g_mutex_lock (self->mutex);
  if (worker->number != self->number)
    return; /* the timer is that of another worker */
  self->polled_fd = -1;
  self->is_deaf = FALSE;
  if (fd.revents != 0)
    self->timer.when = -1; /* to be set anew, which ends what it shows */
  if ((fd.revents & ~G_IO_IN) != 0)
    {
      self->timer.fd = -1; /* somebody closed it */
      flufl_process_forget_file (self->timer_id);
    }
}

static void
wait_for_change (FluflKeeper *self)
{
  gint64 left = self->when != G_MAXINT64 ? self->when - flufl_boot_time_now () : 0;

  flufl_thread_begin_wait ();
  if (self->when == G_MAXINT64)
    g_cond_wait (&self->changed, self->mutex);
  else
    g_cond_wait_until (&self->changed, self->mutex, g_get_monotonic_time () + left);
  flufl_thread_end_wait ();
}

static void
keep (gpointer data)
{
  Worker *worker = data;
  FluflKeeper *self = worker->keeper;

  g_mutex_lock (self->mutex);
  while (worker->number == self->number && is_needed (self))
    {
      if (self->when <= flufl_boot_time_now ())
        {
          self->when = G_MAXINT64;
          self->meet (self->user_data);
          continue;
        }
      set_timer (self, self->when);
      if (self->timer.fd >= 0)
        poll_timer (self, worker);
      else
        wait_for_change (self);
    }
  if (worker->number == self->number)
    self->runs = FALSE;
  g_mutex_unlock (self->mutex);
  g_free (worker);
}

static gboolean
start (FluflKeeper *self)
{
  Worker *worker = g_new (Worker, 1);

  worker->keeper = self;
  worker->number = self->number + 1;
  if (!flufl_workers_push (keep, worker))
    {
      g_free (worker);
      return FALSE;
    }
  self->number++;
  self->runs = TRUE;
  self->is_deaf = FALSE;
  self->polled_fd = -1;
  return TRUE;
}

/*
 * flufl_keeper_meet_at:
 *
 * Makes an appointment, which replaces the present one.
 *
 * Returns: %FALSE if no thread can be started for it
 */
gboolean
flufl_keeper_meet_at (FluflKeeper *self, gint64 when_usec)
{
  gint64 before = self->when;

  self->when = when_usec;
  wake (self, when_usec);
  if ((self->runs && !self->is_deaf) || start (self))
    return TRUE;
  self->when = before;
  return FALSE;
}

/*
 * flufl_keeper_hold:
 *
 * The worker stays even without an appointment: another thread may make one, when no thread can be
 * started. To be called in the worker.
 */
void
flufl_keeper_hold (FluflKeeper *self)
{
  self->n_holds++;
}

void
flufl_keeper_let_go (FluflKeeper *self)
{
  self->n_holds--;
  if (self->runs && !is_needed (self))
    wake (self, 0);
}

/*
 * flufl_keeper_end_soon:
 *
 * The appointment does not matter any more. It is not given up at once, since most often another
 * one is made soon, which then costs nothing.
 */
void
flufl_keeper_end_soon (FluflKeeper *self)
{
  gint64 when = flufl_boot_time_now () + IDLE_MAX;

  if (self->runs && self->when != G_MAXINT64 && self->when > when)
    flufl_keeper_meet_at (self, when);
}
