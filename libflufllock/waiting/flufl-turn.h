/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The waiters of this process for one lock. The first few of them are in front: they have
 * claims on disk, watch and try. The others wait behind them, with nothing on disk. Apart from looks
 * for the announcement, a waiter behind sleeps until one in front ends or stalls, or until its own
 * wait ends.
 *
 * A thread of the application that is in front may be busy with something else, such as a signal
 * handler. A waiter that does not move when it should is not counted, and the next one comes to the
 * front.
 */

#pragma once

#include "flufl-engine.h"
#include "flufl-site.h"

G_BEGIN_DECLS

/* Belongs to one acquisition; all zero: it has not joined. */
typedef struct
{
  gpointer      group;     /* nullable */
  GList         link;      /* in the group, by arrival */
  FluflSleeper *sleeper;   /* borrowed */
  gboolean      in_front;
  gboolean      is_stalled;
  gboolean      relies;    /* it relies on one before it, and is woken when that ends */
  gint64        due;       /* when it should move next, in monotonic microseconds */
} FluflTurn;

gboolean flufl_turn_must_wait (const FluflSite *site,
                               gboolean         break_dead);
gboolean flufl_turn_join      (FluflTurn       *self,
                               const FluflSite *site,
                               gboolean         break_dead,
                               FluflSleeper    *sleeper);
gboolean flufl_turn_is_joined (const FluflTurn *self);
gboolean flufl_turn_has_come  (FluflTurn       *self);
gboolean flufl_turn_relies_on_another (FluflTurn       *self,
                                       gint64          *out_until);
void     flufl_turn_moves     (FluflTurn       *self,
                               gint64           due);
void     flufl_turn_try_now (FluflTurn       *self);
void     flufl_turn_leave     (FluflTurn       *self);

/* For tests: how many of this process are in front, and how many wait behind them. */
guint    flufl_turn_count     (gboolean         in_front);

/* How many are in front; tests in which each waiter stands for a process set it to all. */
extern guint flufl_turn_front_max;
/* One that does not move for this long when it should is stalled; microseconds. */
extern gint64 flufl_turn_patience;

G_END_DECLS
