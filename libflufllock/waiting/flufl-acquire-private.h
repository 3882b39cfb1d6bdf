/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the files of an acquisition share with each other, and with nobody else. Times are
 * monotonic microseconds.
 */

#pragma once

#include "flufl-acquire.h"

G_BEGIN_DECLS

/* The default delay of the signal "waiting". */
#define ANNOUNCE_AFTER (250 * 1000)
/* A waiter collects claims of dead processes whenever it reads the queue. Between two readings it
 * does so only once it has waited for this long, since most turns are short. */
#define COLLECT_AFTER G_USEC_PER_SEC
/* The longest pause with a watch. A wait whose pause has grown to the first is quiet, if the lock
 * is neither overdue nor about to be broken. One lstat(2) a time is enough then, and the pause
 * grows to the second. */
#define WATCH_BACKOFF_MAX (1000 * 1000)
#define QUIET_BACKOFF_MAX (10 * G_USEC_PER_SEC)
/* The same for a waiter that relies on another one of its process, and asks no more than whether
 * that one moves. */
#define RELYING_BACKOFF_MAX (4 * G_USEC_PER_SEC)
/* While the lock is left free for a process of flufl.lock. */
#define GAP_LOOK (10 * 1000)
/* A waiter that is woken often and in vain looks at the lock once in this time. */
#define LOOK_EVERY (100 * 1000)
/* From this pause on a waiter without a watch looks each time: the look costs little beside it. */
#define UNWATCHED_LOOK_FROM (5 * 1000)

/* flufl-acquire.c */
void        flufl_acquire_try              (FluflAcquire    *self,
                                            gboolean         look);
gint64      flufl_acquire_time_of_step     (const FluflAcquire *self);
void        flufl_acquire_announce_if_long (FluflAcquire    *self,
                                            gint64           now);
FluflResult flufl_acquire_leave_to_parent  (FluflAcquire    *self);

/* flufl-acquire-order.c */
gint64      flufl_acquire_patience_now     (FluflAcquire    *self);
gboolean    flufl_acquire_queue_up         (FluflAcquire    *self);
gboolean    flufl_acquire_is_behind_others (FluflAcquire    *self,
                                            gint64           now);
void        flufl_acquire_watch            (FluflAcquire    *self,
                                            FluflWatchEvents events,
                                            gboolean         ask);
void        flufl_acquire_disarm           (FluflAcquire    *self);

/* flufl-acquire-time.c */
gint64      flufl_acquire_jittered         (FluflAcquire    *self,
                                            gint64           pause);
gint64      flufl_acquire_next_try         (FluflAcquire    *self,
                                            gint64           now);

/* flufl-acquire-gap.c */
gboolean    flufl_acquire_is_giving_way    (FluflAcquire    *self);
gboolean    flufl_acquire_update_gap       (FluflAcquire    *self,
                                            gint64           now);

/* flufl-acquire-turn.c */
gboolean    flufl_acquire_must_wait_turn   (FluflAcquire    *self);
gboolean    flufl_acquire_wait_turn        (FluflAcquire    *self,
                                            gint64          *out_when);

/* flufl-acquire-quiet.c */
gboolean    flufl_acquire_stays_quiet      (FluflAcquire    *self,
                                            FluflWatchEvents events,
                                            gint64           now);
void        flufl_acquire_end_quiet        (FluflAcquire    *self);
void        flufl_acquire_collect_meanwhile (FluflAcquire   *self,
                                            gint64           now);

G_END_DECLS
