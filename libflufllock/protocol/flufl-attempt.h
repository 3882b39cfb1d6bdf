/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * One attempt at a lock: claim, link, and break what may be broken.
 */

#pragma once

#include "flufl-claim.h"
#include "flufl-identity.h"
#include "flufl-look.h"
#include "flufl-observation.h"

G_BEGIN_DECLS

/* The step of an operation that errno belongs to. */
typedef enum
{
  FLUFL_FAILED_NONE = 0,
  FLUFL_FAILED_CREATE_CLAIM,
  FLUFL_FAILED_TOUCH_CLAIM, /* a waiter's, which keeps its claim fresh */
  FLUFL_FAILED_REFRESH_CLAIM, /* a holder's */
  FLUFL_FAILED_LOOK_AT_CLAIM,
  FLUFL_FAILED_REMOVE_CLAIM,
  FLUFL_FAILED_LINK_CLAIM,
  FLUFL_FAILED_CREATE_LOCK, /* where there are no hard links */
  FLUFL_FAILED_LOOK_AT_LOCK,
  FLUFL_FAILED_READ_LOCK,
  FLUFL_FAILED_REMOVE_LOCK,
} FluflFailedStep;

/* The findings of an attempt or a break, from which callers decide how to wait and compose
 * messages. */
typedef struct
{
  const char   *only;        /* given: the claim whose lock may be broken; NULL: any */
  FluflLook     look;        /* the last at the lock file … */
  gboolean      looked;      /* … and whether the last attempt took it */
  gboolean      holder_seen; /* by any attempt */
  gboolean      broken;      /* this process has removed a file at the lock file's path */
  FluflLiveness liveness;    /* of the holder seen … */
  gboolean      stopped;     /* … which is alive, and stopped by a signal or a debugger … */
  gboolean      own;         /* … or is this process */
  gboolean      overdue;     /* the slop has passed since the expiration, by both clocks */
  gboolean      resting;     /* it may be broken once it has rested … */
  gint64        rest;        /* … for as long as this, in nanoseconds */
  gint64        rest_left;   /* how much is left of a rest that this process observes itself, in
                              * nanoseconds; 0: the ctime shows it */
  gboolean      in_vigil;    /* it is overdue, and may be broken once the vigil is over … */
  gint64        vigil_left;  /* … after these nanoseconds, if nothing changes */
  FluflObservation seen;     /* how long the lock was seen unchanged; kept from one attempt to the
                              * next */
  guint         link_failures; /* EIO of link(2) in a row, with nothing at the lock file's path */
  gint64        changed;     /* ctime of one that is not that of the last look, and has
                                not rested; or 0 */
  int           errsv;       /* of the last step that failed, or 0 */
  FluflFailedStep failed_step; /* the one that errsv belongs to */
  char          program[FLUFL_PROGRAM_MAX + 1]; /* what the holder's program is called; empty:
                                                 * unknown; filled in by flufl_holder_name() */
  int           break_errsv; /* why this process may not break a lock that may be broken, or 0 */
  gboolean      directory_exists; /* filled in by flufl_findings_explain(), as is … */
  char          fs_type[32]; /* … what the kernel calls the file system, if known */
} FluflFindings;

/* Tests set this to %FALSE to skip the vigil … */
extern gboolean flufl_break_keeps_vigil;
/* … and this to look less often than an observed rest permits. */
extern gint64 flufl_break_rest_gap;

FluflOutcome flufl_attempt     (FluflClaim    *claim,
                                FluflSite     *site,
                                gint64         lifetime,
                                gboolean       break_dead,
                                gboolean       look,
                                FluflFindings *findings);
FluflOutcome flufl_attempt_claim (FluflClaim  *claim,
                                FluflSite     *site,
                                gint64         lifetime,
                                FluflFindings *findings);
gboolean     flufl_attempt_times_tell (const FluflClaim    *claim,
                                FluflSite           *site,
                                const FluflFindings *findings);
FluflOutcome flufl_break       (FluflClaim    *claim,
                                FluflSite     *site,
                                gboolean       break_dead,
                                FluflFindings *findings);
FluflOutcome flufl_break_with_clock (FluflClaim *clock_claim,
                                FluflSite     *site,
                                FluflFindings *findings);
FluflOutcome flufl_break_force (FluflSite     *site,
                                FluflFindings *findings);
void         flufl_findings_explain (FluflFindings   *findings,
                                const FluflSite *site,
                                FluflOutcome     outcome);

G_END_DECLS
