/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * An acquisition from its first step to its last, as an operation of the library makes it.
 */

#pragma once

#include "flufl-acquire.h"
#include "flufl-stepper.h"

G_BEGIN_DECLS

/* Runs the acquisition in the calling thread. */
FluflResult acquire_run   (FluflAcquire *self);

/* Runs the acquisition in workers, and sets *@done to 1 at the end. */
void        acquire_start (FluflAcquire *self,
                           int          *done);

G_END_DECLS
