/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Threads and time: runs functions in worker threads, and lets threads and
 * functions wait until a time, a cancellation, or somebody wakes them. Knows
 * nothing of locks.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef void (*FluflWorkFunc) (gpointer user_data);

void flufl_engine_push       (FluflWorkFunc  func,
                              gpointer       user_data);
void flufl_sleep_until       (gint64         when_usec,
                              GCancellable  *cancellable);

/* One who sleeps again and again. Whoever has been woken, also while awake,
 * does not sleep the next time. */
typedef struct _FluflSleeper FluflSleeper;

FluflSleeper *flufl_sleeper_new   (GCancellable  *cancellable);
void          flufl_sleeper_free  (FluflSleeper  *self);
void          flufl_sleeper_wake  (FluflSleeper  *self);
void          flufl_sleeper_sleep (FluflSleeper  *self,
                                   gint64         when_usec);
void          flufl_sleeper_call  (FluflSleeper  *self,
                                   gint64         when_usec,
                                   FluflWorkFunc  func,
                                   gpointer       user_data);

G_END_DECLS
