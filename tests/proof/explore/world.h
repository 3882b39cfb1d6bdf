/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Several processes on the disk in memory, one system call at a time. Each runs the library's own
 * protocol on a stack of its own. Before every call that others can notice, or that can notice
 * others, the search chooses the next event. Every call is judged: a forbidden effect is a
 * violation.
 */

#pragma once

#include "protocol-util.h"
#include "flufl-queue.h"

G_BEGIN_DECLS

#define WORLD_MAX 8 /* processes */

typedef enum
{
  CHOICE_STEP,  /* a process does its next call */
  CHOICE_LOSE,  /* it does, and gets an error for an answer: arg 0 what a resend
                 * would say, 1 EIO */
  CHOICE_CRASH, /* it dies before its next call */
  CHOICE_TIME,  /* time passes, as arg says */
  CHOICE_DELETE, /* a person deletes files, as arg says: a Deletion */
} ChoiceKind;

typedef enum
{
  DELETION_LOCK,
  DELETION_CLAIMS,
  DELETION_BOTH,
  DELETION_DIRECTORY, /* an empty one takes its place */
  N_DELETIONS,
} Deletion;

typedef struct
{
  guint8 kind, who, arg;
} Choice;

/* The numbers of events, besides the processes' own calls, in one run. */
typedef struct
{
  guint times, crashes, losses, deletions;
  int   preemptions; /* -1: any number */
  guint n_spans;     /* the number of spans of time to choose from */
  guint tries;       /* for the lock, of each process */
} Budget;

typedef enum
{
  SEED_NOTHING,
  SEED_EXPIRED, /* a lock of another host that expired long ago */
  SEED_ORPHAN,  /* the same without its claim */
  SEED_LINE_ORPHAN, /* the same of a process of this machine that was killed */
  SEED_KILLED,  /* the lock of a process of this machine that was killed just now */
  SEED_BLANK,   /* the same, and a power failure took its content */
  SEED_WAITER,  /* the claim of a killed waiter */
  SEED_COPIED,  /* an expired lock and its claim as two files with one link each */
} Seed;

/* The actions of each process: A acquire, Q acquire and look after the queue, W work, F refresh,
 * R release, P release and keep the claim. The actions before a colon are done alone, before any
 * other process begins; then time passes. */
typedef struct
{
  const char *name;
  FluflFsKind kind;
  Seed        seed;
  double      age;       /* seconds that pass before all processes begin */
  const char *scripts[WORLD_MAX];
  double      step;      /* seconds that the wall clocks then leap ahead */
  gboolean    watches;   /* breakers must watch first. Elsewhere each has watched already */
  gboolean    flufl;     /* by flufl's algorithm */
  gboolean    without_a1; /* pauses longer than the protocol allows */
  gboolean    cluster;   /* the disk is one with hard links whose ctime is the later of the mtime and the
                          * caller's own clock, whose files look empty to others for a second, and on
                          * which the removal of the lock file takes almost half the grace. The second
                          * process's clock is an hour ahead */
  guint       tries;     /* for the lock, of each process; 0: as the budget says */
  /* With flufl, with without_a1, and with cluster and a kind that is trusted, nothing but two holders is
   * a violation. */
} Scenario;

/* Chooses one of @n; -1: end here. @hash is that of the whole state. */
typedef int (*Chooser) (const Choice *choices, guint n, gpointer user_data);

/* Returns: (transfer full): the violation, or NULL. Sets @out_cut if the chooser ended the run.
 * @log: nullable; gets a line for each step. */
char   *world_run   (const Scenario *scenario,
                     const Budget   *budget,
                     gint64          skew,
                     Chooser         chooser,
                     gpointer        user_data,
                     GString        *log,
                     gboolean       *out_cut);
/* The hash of the whole state, for the chooser. */
guint64 world_hash  (void);
void    world_clear (void);

G_END_DECLS
