/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "acquire-util.h"

typedef struct
{
  FluflStepper  stepper;
  FluflAcquire *acquire;
  FluflSleeper *sleeper; /* owned */
  int          *done;
} Run;

static gboolean
step (FluflStepper *stepper, gint64 *out_when)
{
  return flufl_acquire_step (((Run *) stepper)->acquire, out_when) == FLUFL_RESULT_WAIT;
}

static void
prepare (Run *run, FluflAcquire *acquire)
{
  run->acquire = acquire;
  run->sleeper = flufl_sleeper_new ();
  run->stepper.step = step;
  run->stepper.sleeper = run->sleeper;
  run->stepper.cancellable = acquire->cancellable;
  acquire->sleeper = run->sleeper;
  flufl_acquire_begin (acquire);
}

FluflResult
acquire_run (FluflAcquire *self)
{
  Run run = { 0 };

  prepare (&run, self);
  flufl_stepper_run (&run.stepper);
  flufl_sleeper_free (run.sleeper);
  return self->result;
}

static void
done_cb (FluflStepper *stepper)
{
  Run *run = (Run *) stepper;
  int *done = run->done;

  flufl_sleeper_free (run->sleeper);
  g_free (run);
  g_atomic_int_set (done, 1);
}

void
acquire_start (FluflAcquire *self, int *done)
{
  Run *run = g_new0 (Run, 1);

  prepare (run, self);
  run->done = done;
  run->stepper.done = done_cb;
  g_assert_true (flufl_stepper_start (&run->stepper));
}
