/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-stepper.h"

/* In a thread of the caller's, before it can sleep. */
static void
watch_cancellable (FluflStepper *self)
{
  if (self->cancellable != NULL)
    flufl_sleeper_watch_cancellable (self->sleeper, self->cancellable);
}

/*
 * flufl_stepper_run:
 *
 * Makes all steps in the calling thread.
 */
void
flufl_stepper_run (FluflStepper *self)
{
  gint64 when;

  while (self->step (self, &when))
    {
      watch_cancellable (self);
      flufl_sleeper_sleep (self->sleeper, when);
    }
}

/*
 * flufl_stepper_run_until:
 * @interrupt_fd: ends a sleep when it can be read from; -1: nothing does
 * @until_usec: no sleep goes on for longer, in monotonic microseconds; G_MAXINT64: no limit
 *
 * Makes steps in the calling thread. May be called again to go on.
 *
 * Returns: whether the work is done
 */
gboolean
flufl_stepper_run_until (FluflStepper *self, int interrupt_fd, gint64 until_usec)
{
  gboolean interrupted = FALSE;
  gint64 when;

  while (!interrupted && self->step (self, &when))
    {
      if (g_get_monotonic_time () >= until_usec)
        return FALSE;
      watch_cancellable (self);
      flufl_sleeper_set_interrupt_fd (self->sleeper, interrupt_fd);
      flufl_sleeper_sleep (self->sleeper, MIN (when, until_usec));
      flufl_sleeper_set_interrupt_fd (self->sleeper, -1);
      interrupted = flufl_sleeper_is_interrupted (self->sleeper);
    }
  return !interrupted;
}

static void
step_in_worker (gpointer user_data)
{
  FluflStepper *self = user_data;
  gint64 when;

  while (self->step (self, &when))
    {
      if (flufl_sleeper_schedule (self->sleeper, when, step_in_worker, self))
        return;
      /* No thread can be started that would call it: so this one sleeps itself. */
      flufl_sleeper_sleep (self->sleeper, when);
    }
  self->done (self);
}

/*
 * flufl_stepper_start:
 *
 * Makes all steps in worker threads.
 *
 * Returns: %FALSE if no thread can be started: then no step is made
 */
gboolean
flufl_stepper_start (FluflStepper *self)
{
  watch_cancellable (self);
  return flufl_workers_push (step_in_worker, self);
}
