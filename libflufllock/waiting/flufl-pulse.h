/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Work that is done again and again: as long as a main context runs, or as long as the
 * process lives. Pulses that are due at about the same time are done together, so that a
 * hundred of them wake the machine as often as one.
 *
 * Its threads use nothing of GObject, whose mutexes a forked child would wait for.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FluflPulse FluflPulse;

/* Called in a worker thread. Returns the microseconds until the next beat, or -1 for none. */
typedef gint64 (*FluflPulseFunc) (gpointer user_data);

FluflPulse *flufl_pulse_start (GMainContext   *context,
                               guint64         lane,
                               gint64          first_usec,
                               FluflPulseFunc  func,
                               gpointer        user_data,
                               GDestroyNotify  destroy);
void        flufl_pulse_set   (FluflPulse     *self,
                               gint64          next_usec);
void        flufl_pulse_stop  (FluflPulse     *self);

G_END_DECLS
