/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The timers and sleeps of the waiting room, as a test calls them.
 */

#pragma once

#include "flufl-engine.h"

G_BEGIN_DECLS

/* Runs @func exactly once, in a worker thread, at @when_usec or when
 * @cancellable, which may be NULL, fires. */
void engine_at (gint64         when_usec,
                GCancellable  *cancellable,
                FluflWorkFunc  func,
                gpointer       user_data);

/* Sleeps in the calling thread until then, or until @cancellable fires. */
void engine_sleep_until (gint64 when_usec, GCancellable *cancellable);

G_END_DECLS
