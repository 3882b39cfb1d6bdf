/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the steps of a claim share with each other, and with nobody else.
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

int      flufl_claim_touch         (FluflClaim        *claim,
                                    FluflSite         *site,
                                    int                fd,
                                    gint64             lifetime);
gboolean flufl_claim_learn         (FluflClaim        *claim,
                                    FluflSite         *site,
                                    const struct stat *st);
int      flufl_claim_see_touched   (FluflClaim        *claim,
                                    FluflSite         *site,
                                    int                fd,
                                    gint64             lifetime,
                                    struct stat       *st);
int      flufl_claim_write_path    (FluflClaim        *claim,
                                    FluflSite         *site,
                                    int                fd);
gboolean flufl_claim_lease_is_safe (const FluflClaim  *claim,
                                    const FluflSite   *site);
gboolean flufl_claim_is_lock       (const FluflClaim  *claim,
                                    const FluflLook   *look);
gboolean flufl_claim_unpark        (FluflClaim        *claim,
                                    FluflSite         *site,
                                    gint64             lifetime);

G_END_DECLS
