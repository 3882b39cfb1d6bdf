/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the steps share with each other, and with no other room.
 */

#pragma once

#include <errno.h>

#include "flufl-claim.h"
#include "flufl-look.h"

G_BEGIN_DECLS

static inline gboolean
flufl_claim_is_gone (int errsv)
{
  return errsv == ENOENT || errsv == ESTALE;
}

static inline gint64
flufl_claim_boot_now (const FluflSite *site)
{
  return site->sys->clock (FLUFL_CLOCK_BOOT);
}

char    *flufl_claim_new_path      (const FluflSite   *site,
                                    FluflMarks         marks);

/* What the disk shows of our claim. */
typedef enum
{
  FLUFL_CLAIM_LINKED, /* from flufl_claim_see(): it has two links or more; from the others: it is
                       * the lock file */
  FLUFL_CLAIM_SINGLE, /* it is there, and not the lock */
  FLUFL_CLAIM_GONE,   /* it is not there, or not the file that we made, or not the lock */
  FLUFL_CLAIM_SILENT, /* no answer: another error than ENOENT and ESTALE */
} FluflClaimSight;

FluflClaimSight flufl_claim_see      (const FluflClaim *claim,
                                      const FluflSite  *site,
                                      FluflStat        *st,
                                      int              *out_errsv);
FluflClaimSight flufl_claim_see_lock (const FluflClaim *claim,
                                      const FluflSite  *site,
                                      int              *out_errsv);
FluflClaimSight flufl_claim_see_held (const FluflClaim *claim,
                                      const FluflSite  *site,
                                      FluflStat        *st,
                                      int              *out_errsv);
FluflClaimSight flufl_claim_look_at_lock (const FluflClaim *claim,
                                      const FluflSite  *site,
                                      FluflLook        *look);

int      flufl_claim_touch         (FluflClaim        *claim,
                                    FluflSite         *site,
                                    int                fd,
                                    gint64             lifetime);
int      flufl_claim_touch_lock    (FluflClaim        *claim,
                                    FluflSite         *site,
                                    gint64             lifetime);
void     flufl_claim_keep_shorter_lease (FluflClaim   *claim,
                                    const FluflClaim  *before,
                                    gint64             start,
                                    gint64             lifetime);
void     flufl_claim_compare_clocks (FluflClaim       *claim,
                                    const FluflSite   *site,
                                    gint64             server_time);
int      flufl_claim_write         (FluflSite         *site,
                                    int                fd,
                                    const char        *content,
                                    gsize              length);
gboolean flufl_claim_learn         (FluflClaim        *claim,
                                    FluflSite         *site,
                                    const FluflStat *st);
int      flufl_claim_see_touched   (FluflClaim        *claim,
                                    FluflSite         *site,
                                    int                fd,
                                    gint64             lifetime,
                                    FluflStat         *st);
int      flufl_claim_write_path    (FluflClaim        *claim,
                                    FluflSite         *site,
                                    int                fd);
gboolean flufl_claim_lease_is_young (const FluflClaim *claim,
                                    const FluflSite   *site,
                                    int                part);
gboolean flufl_claim_lease_is_safe (const FluflClaim  *claim,
                                    gint64             boot_now);
gboolean flufl_claim_is_lock       (const FluflClaim  *claim,
                                    const FluflLook   *look);
gboolean flufl_claim_unpark        (FluflClaim        *claim,
                                    FluflSite         *site,
                                    gint64             lifetime);

G_END_DECLS
