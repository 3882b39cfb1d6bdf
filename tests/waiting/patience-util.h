/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * An acquisition with a clock of its own. This file replaces the functions of GLib and libc that
 * read the time and let it pass. So hours pass at once, and every sleep is known to the
 * microsecond.
 */

#pragma once

#include "flufl-acquire.h"

#include "flufl-test-util.h"
#include "lies.h"

G_BEGIN_DECLS

#define MSEC G_GINT64_CONSTANT (1000)
#define SEC G_USEC_PER_SEC
#define PATIENCE_START (G_GINT64_CONSTANT (1000) * SEC)

extern gint64 patience_now;
extern gint64 patience_deadline; /* of the acquisition that runs */
extern gint64 patience_latest;   /* the end of the latest sleep */
extern guint patience_n_sleeps;

/* Microseconds from the start to the change, which is made once, in a sleep. */
#define PATIENCE_CHANGE_AFTER (300 * MSEC)
extern void (*patience_change) (void);

/* The time of a second change, which is made once, in a sleep. An event reports it. */
extern gint64 patience_event_at;
extern void (*patience_event) (void);

/* The system calls of the acquisition: the table that lies, with this clock. */
extern FluflSyscalls patience_table;

typedef struct
{
  TestPlace     place;
  FluflSite     site;
  FluflQueue    queue;
  FluflAcquire  acquire;
  gint64        begun;
  gint64        real_start; /* real monotonic time of the test's start, or of patience_restart() */
  guint         n_waiting;
  gboolean      break_dead;
} Patience;

void        patience_set_up       (Patience      *self,
                                   gconstpointer  kind);
void        patience_tear_down    (Patience      *self,
                                   gconstpointer  kind);
/* Sets the clock of the test back to its start. */
void        patience_restart      (Patience      *self);
FluflResult patience_run          (Patience      *self,
                                   gint64         timeout,
                                   gint64         lifetime_sec);
/* For how long the acquisition has run, at the most: the files have real times, so the real time since
 * they were made counts, too. */
gint64      patience_at_most      (const Patience *self);
/* The name of a claim whose process is gone. NULL: this system does not distinguish processes. */
char       *patience_name_of_dead (void);

#define PATIENCE_ADD_ON(path, kind, func) \
  g_test_add (path, Patience, GINT_TO_POINTER (kind), patience_set_up, func, patience_tear_down)

#define PATIENCE_ADD(path, func) \
  G_STMT_START \
    { \
      PATIENCE_ADD_ON (path "/local", FLUFL_FS_LOCAL, func); \
      PATIENCE_ADD_ON (path "/nfs", FLUFL_FS_NFS, func); \
    } \
  G_STMT_END

G_END_DECLS
