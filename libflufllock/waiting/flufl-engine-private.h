/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the engine is made of: sleepers, their timetable, and the poll of the leader.
 */

#pragma once

#include "flufl-engine.h"
#include "flufl-process.h"

G_BEGIN_DECLS

/* Where there is no file descriptor to be woken by, or no thread for what is due, the leader
 * looks up this often. Microseconds. */
#define BLIND_SLICE (20 * 1000)

typedef struct
{
  FluflPerProcess base;

  FluflSleeper *spare;      /* owned; nullable; atomic; was freed, and is the next new one */

  GMutex       mutex;       /* protects what follows */
  GSequence   *timetable;   /* of FluflSleeper, by time */
  GQueue       followers;   /* of FluflSleeper, asleep in threads */
  FluflSleeper *leader;     /* if it is one that sleeps; it may have an interrupt, too */
  gboolean     has_leader;
  gboolean     has_deputy;  /* a worker that waits to lead … */
  gboolean     deputy_called; /* … and is to do so now */
  GCond        deputy;
  gboolean     polling;     /* the leader is */
  int          polled_fd;   /* the watches' descriptor that it polls */
  int          kick[2];     /* read and write end of what interrupts it; -1 */
  guint64      kept[2];     /* of flufl_process_keep_file(), for these ends */
  guint        n_busy;      /* workers that do what was due, and will lead again if need be */
} FluflEngine;

struct _FluflSleeper
{
  gatomicrefcount refs;      /* the owner's, the cancellable's handler's, and those that wake it */
  GCancellable   *cancellable; /* owned; nullable */
  gulong          handler;
  FluflEngine         *engine;
  GCond           cond;
  int             interrupt_fd; /* -1: none; only touched by its thread while awake */

  /* Under the engine's mutex. */
  gint64          when;
  gboolean        woken;
  gboolean        interrupted; /* something can be read from interrupt_fd */
  gboolean        leads;     /* in its own thread */
  gboolean        follows;
  GList           link;      /* in followers */
  GSequenceIter  *scheduled; /* in timetable, or NULL */
  FluflWorkFunc   func;
  gpointer        user_data;
};

/* All with the mutex. */
FluflSleeper *flufl_engine_first_scheduled (FluflEngine *engine);
gint64        flufl_engine_time_left  (FluflEngine *engine);
gboolean      flufl_engine_is_parents (const FluflEngine *engine);
void          flufl_engine_kick (FluflEngine *engine);
void          flufl_engine_poll       (FluflEngine *engine,
                                       gint64       left);

G_END_DECLS
