/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The claim file of an object, from its creation to its removal.
 */

#pragma once

#include "flufl-site.h"

G_BEGIN_DECLS

/* The result of a step. UNSURE and FAILED are system errors: a temporary one and a lasting one.
 * These two and UNSUPPORTED set the errno. */
typedef enum
{
  FLUFL_OUTCOME_HELD,        /* the claim is the lock */
  FLUFL_OUTCOME_RELEASED,    /* the lock was ours and is not any more; from flufl_break_force():
                              * the lock file that was seen is gone */
  FLUFL_OUTCOME_BUSY,        /* somebody has the lock: wait, then try again */
  FLUFL_OUTCOME_UNSURE,      /* the answer decides nothing: ask again soon */
  FLUFL_OUTCOME_READY,       /* the claim exists, and may be linked */
  FLUFL_OUTCOME_AGAIN,       /* nothing is in the way any more: try again at once */
  FLUFL_OUTCOME_LOST,        /* the claim is not the lock's, or not usable, any more */
  FLUFL_OUTCOME_NOT_A_LOCK,  /* something else is at the lock file's path */
  FLUFL_OUTCOME_OTHER,       /* the lock is not the one that may be broken */
  FLUFL_OUTCOME_UNSUPPORTED, /* the file system cannot have locks: no hard links, SMB, or times
                              * that are not fit */
  FLUFL_OUTCOME_FAILED,
} FluflOutcome;

/* No path: no claim. Owned by one caller at a time. */
typedef struct
{
  char    *path;
  const FluflSyscalls *line; /* of the life-line, to close fd; NULL: there is no life-line */
  int      fd;           /* of the claim, with the flock that is the life-line */
  gboolean named_kept;   /* its name has the tag K */
  guint64  line_id;      /* of the life-line, in the process that tied it */
  guint64  dev;
  guint64  ino;
  gint64   lifetime;     /* nanoseconds */
  gint64   expiration;   /* what mtime says, real time */
  gint64   lease_start;  /* boot time just before the last touch … */
  gint64   touched;      /* … and real time */
  gint64   acquired;     /* when the claim became the lock, in real time; 0: it is not the lock */
  gint64   server_time;  /* the file server's clock … */
  gint64   server_seen;  /* … at this boot time or earlier */
  gint64   clock_offset; /* the server's clock less ours, when last compared … */
  gint64   clock_base;   /* … and real time less boot time then */
  gint64   kept_at;      /* boot time right before the last park; valid if it ever was parked */
  /* A byte each, since each idle object has a claim. */
  guint8   fresh;        /* created, or taken up after a park, for this try: no wait and no link(2)
                          * since */
  guint8   exclusive;    /* its lock is created exclusively, and names it */
  guint8   coarse;       /* the file system stores whole seconds */
  guint8   unsure;       /* a possible lock: to be given up as if it were the lock */
  guint8   kept;         /* parked: the lock file is removed, and the claim is not */
  guint8   renamed;      /* renamed by a park: its content is not its name yet */
  guint8   doubtful;     /* look closely before touching the lock: a refresh failed, or
                          * others have made links to it */
} FluflClaim;

void         flufl_claim_clear        (FluflClaim   *claim);
FluflOutcome flufl_claim_create       (FluflClaim   *claim,
                                       FluflSite    *site,
                                       gint64        lifetime,
                                       int          *out_errsv);
FluflOutcome flufl_claim_keep_fresh   (FluflClaim   *claim,
                                       FluflSite    *site,
                                       gint64        lifetime,
                                       int          *out_errsv);
FluflOutcome flufl_claim_publish      (FluflClaim   *claim,
                                       FluflSite    *site,
                                       int          *out_errsv);
gboolean     flufl_claim_is_link_refusal (int errsv);
FluflOutcome flufl_claim_check        (FluflClaim   *claim,
                                       FluflSite    *site,
                                       int          *out_errsv);
FluflOutcome flufl_claim_refresh      (FluflClaim   *claim,
                                       FluflSite    *site,
                                       gint64        lifetime,
                                       int          *out_errsv);
FluflOutcome flufl_claim_release      (FluflClaim   *claim,
                                       FluflSite    *site,
                                       int          *out_errsv);
FluflOutcome flufl_claim_park         (FluflClaim   *claim,
                                       FluflSite    *site,
                                       int          *out_errsv);
void         flufl_claim_abandon      (FluflClaim   *claim,
                                       FluflSite    *site);
gint64       flufl_claim_lease_left   (const FluflClaim *claim,
                                       const FluflSite  *site);
gint64       flufl_claim_server_now   (const FluflClaim *claim,
                                       const FluflSite  *site);

G_END_DECLS
