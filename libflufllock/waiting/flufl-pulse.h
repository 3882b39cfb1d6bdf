/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Work that is done again and again, as long as a main context runs or, without
 * one, as long as the process lives. Its threads have nothing of GObject, whose
 * mutexes a forked child would wait for.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FluflPulse FluflPulse;

/* Called in a worker thread. Returns the microseconds until the next beat, or
 * -1 for none. */
typedef gint64 (*FluflPulseFunc) (gpointer user_data);

FluflPulse *flufl_pulse_start (GMainContext   *context,
                               gint64          first_usec,
                               FluflPulseFunc  func,
                               gpointer        user_data,
                               GDestroyNotify  destroy);
void        flufl_pulse_stop  (FluflPulse     *self);

G_END_DECLS
