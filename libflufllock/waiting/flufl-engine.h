/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Threads and time: runs functions in worker threads, at once, or at a time or
 * a cancellation. Knows nothing of locks.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef void (*FluflWorkFunc) (gpointer user_data);

void flufl_engine_push       (FluflWorkFunc  func,
                              gpointer       user_data);
void flufl_engine_at         (gint64         when_usec,
                              GCancellable  *cancellable,
                              FluflWorkFunc  func,
                              gpointer       user_data);
void flufl_sleep_until       (gint64         when_usec,
                              GCancellable  *cancellable);

G_END_DECLS
