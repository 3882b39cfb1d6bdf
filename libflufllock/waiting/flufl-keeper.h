/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A worker that keeps one appointment after another, by the clock that goes on while the machine
 * sleeps. It waits for nothing else.
 */

#pragma once

#include <glib.h>

#include "flufl-boot-timer.h"

G_BEGIN_DECLS

/* Called in the worker with the mutex, which it may give back meanwhile. */
typedef void (*FluflKeeperFunc) (gpointer user_data);

/* A part of something that lives for ever, with whose mutex all is called. */
typedef struct
{
  GMutex         *mutex;
  FluflKeeperFunc meet;
  gpointer        user_data;
  gint64          when;      /* boot time in microseconds; G_MAXINT64: there is no appointment */
  guint           n_holds;   /* of those that will make the next appointment */
  gboolean        runs;      /* there is a worker … */
  guint           number;    /* … which is this one; earlier ones end when they wake */
  FluflBootTimer  timer;
  guint64         timer_id;  /* of its descriptor, in this process */
  int             polled_fd; /* what the worker polls; -1: nothing */
  gboolean        is_deaf;   /* what it polls was closed by somebody */
  GCond           changed;   /* for a worker without a timer */
} FluflKeeper;

void     flufl_keeper_init      (FluflKeeper    *self,
                                 GMutex         *mutex,
                                 FluflKeeperFunc meet,
                                 gpointer        user_data);
gboolean flufl_keeper_meet_at   (FluflKeeper    *self,
                                 gint64          when_usec);
void     flufl_keeper_hold      (FluflKeeper    *self);
void     flufl_keeper_let_go    (FluflKeeper    *self);
void     flufl_keeper_end_soon  (FluflKeeper    *self);

G_END_DECLS
