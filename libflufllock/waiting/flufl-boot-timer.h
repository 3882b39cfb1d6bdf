/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A file descriptor that can be read from at a moment of the clock that goes on while the
 * machine sleeps. poll(2) goes by the other clock.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  int    fd;   /* -1: there is none */
  gint64 when; /* what it is set to; G_MAXINT64: nothing */
} FluflBootTimer;

gint64 flufl_boot_time_now (void);

void flufl_boot_timer_init  (FluflBootTimer *self);
void flufl_boot_timer_clear (FluflBootTimer *self);
void flufl_boot_timer_set   (FluflBootTimer *self,
                             gint64          when_usec);
gpointer flufl_boot_timer_attach (FluflBootTimer *self,
                                  GSource        *source);

G_END_DECLS
