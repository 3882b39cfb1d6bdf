/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "engine-util.h"

typedef struct
{
  FluflSleeper *sleeper;
  FluflWorkFunc func;
  gpointer      user_data;
} Appointment;

static void
keep (gpointer data)
{
  Appointment *self = data;
  Appointment copy = *self;

  flufl_sleeper_free (self->sleeper);
  g_free (self);
  copy.func (copy.user_data);
}

void
engine_at (gint64 when_usec, GCancellable *cancellable, FluflWorkFunc func, gpointer user_data)
{
  Appointment *self = g_new (Appointment, 1);

  self->sleeper = flufl_sleeper_new ();
  if (cancellable != NULL)
    flufl_sleeper_watch_cancellable (self->sleeper, cancellable);
  self->func = func;
  self->user_data = user_data;
  g_assert_true (flufl_sleeper_schedule (self->sleeper, when_usec, keep, self));
}

void
engine_sleep_until (gint64 when_usec, GCancellable *cancellable)
{
  FluflSleeper *sleeper = flufl_sleeper_new ();

  if (cancellable != NULL)
    flufl_sleeper_watch_cancellable (sleeper, cancellable);
  flufl_sleeper_sleep (sleeper, when_usec);
  flufl_sleeper_free (sleeper);
}
