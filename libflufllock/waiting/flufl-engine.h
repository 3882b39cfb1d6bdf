/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Waiting: threads and functions wait until a time, a cancellation, or somebody wakes them.
 * Knows nothing of locks.
 */

#pragma once

#include <gio/gio.h>

#include "flufl-workers.h"

G_BEGIN_DECLS

/* One who sleeps again and again. A sleeper that has been woken, even while awake,
 * does not sleep the next time. */
typedef struct _FluflSleeper FluflSleeper;

FluflSleeper *flufl_sleeper_new   (void);
FluflSleeper *flufl_sleeper_ref   (FluflSleeper  *self);
void          flufl_sleeper_unref (gpointer       self);
void          flufl_sleeper_free  (FluflSleeper  *self);
void          flufl_sleeper_watch_cancellable (FluflSleeper  *self,
                                               GCancellable  *cancellable);
void          flufl_sleeper_wake  (FluflSleeper  *self);
void          flufl_sleeper_sleep (FluflSleeper  *self,
                                   gint64         when_usec);
gboolean      flufl_sleeper_schedule (FluflSleeper  *self,
                                      gint64         when_usec,
                                      FluflWorkFunc  func,
                                      gpointer       user_data);
void          flufl_sleeper_set_interrupt_fd (FluflSleeper *self,
                                   int            fd);
gboolean      flufl_sleeper_is_interrupted (FluflSleeper *self);

G_END_DECLS
