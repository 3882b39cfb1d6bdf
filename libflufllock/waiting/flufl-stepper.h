/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Work that is done in steps and sleeps between them. It runs in the calling thread, or in
 * worker threads, of which it keeps none while it sleeps.
 */

#pragma once

#include "flufl-engine.h"

G_BEGIN_DECLS

typedef struct _FluflStepper FluflStepper;

typedef void (*FluflStepperFunc) (FluflStepper *self);

/* Makes one step. FALSE: the work is done. TRUE: the next step is due at *out_when, in
 * monotonic microseconds, or when the sleeper is woken. */
typedef gboolean (*FluflStepFunc) (FluflStepper *self, gint64 *out_when);

struct _FluflStepper
{
  FluflStepFunc    step;
  FluflSleeper    *sleeper;     /* borrowed */
  GCancellable    *cancellable; /* borrowed; ends a sleep when it fires; nullable */
  FluflStepperFunc done;        /* flufl_stepper_start(): called in a worker after the last step */
};

void     flufl_stepper_run       (FluflStepper *self);
gboolean flufl_stepper_run_until (FluflStepper *self,
                                  int           interrupt_fd,
                                  gint64        until_usec);
gboolean flufl_stepper_start     (FluflStepper *self);

G_END_DECLS
