/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The two protocols, with and without hard links, as tables of steps. The functions flufl_claim_…()
 * choose the table by the claim, and flufl_break() and flufl_break_force() by the site.
 */

#pragma once

#include "flufl-attempt.h"

G_BEGIN_DECLS

typedef struct
{
  FluflOutcome (*keep_fresh) (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv);
  FluflOutcome (*publish)    (FluflClaim *claim, FluflSite *site, int *out_errsv);
  FluflOutcome (*check)      (FluflClaim *claim, FluflSite *site, int *out_errsv);
  FluflOutcome (*refresh)    (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv);
  FluflOutcome (*release)    (FluflClaim *claim, FluflSite *site, int *out_errsv);
  FluflOutcome (*park)       (FluflClaim *claim, FluflSite *site, int *out_errsv);
  FluflOutcome (*do_break)   (FluflClaim *claim, FluflSite *site, gboolean break_dead,
                              FluflFindings *findings);
  FluflOutcome (*force)      (FluflSite *site, FluflFindings *findings);
} FluflClaimSteps;

/* docs/protocol.md */
FluflOutcome flufl_linked_keep_fresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv);
FluflOutcome flufl_linked_publish    (FluflClaim *claim, FluflSite *site, int *out_errsv);
FluflOutcome flufl_linked_check      (FluflClaim *claim, FluflSite *site, int *out_errsv);
FluflOutcome flufl_linked_refresh    (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv);
FluflOutcome flufl_linked_release    (FluflClaim *claim, FluflSite *site, int *out_errsv);
FluflOutcome flufl_linked_park       (FluflClaim *claim, FluflSite *site, int *out_errsv);
FluflOutcome flufl_linked_break      (FluflClaim *claim, FluflSite *site, gboolean break_dead,
                                      FluflFindings *findings);
FluflOutcome flufl_linked_force      (FluflSite *site, FluflFindings *findings);

/* docs/without-links.md */
int          flufl_exclusive_complete   (FluflClaim *claim, FluflSite *site, int fd, gint64 lifetime);
FluflOutcome flufl_exclusive_keep_fresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv);
FluflOutcome flufl_exclusive_publish    (FluflClaim *claim, FluflSite *site, int *out_errsv);
FluflOutcome flufl_exclusive_check      (FluflClaim *claim, FluflSite *site, int *out_errsv);
FluflOutcome flufl_exclusive_refresh    (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv);
FluflOutcome flufl_exclusive_release    (FluflClaim *claim, FluflSite *site, int *out_errsv);
FluflOutcome flufl_exclusive_break      (FluflClaim *claim, FluflSite *site, gboolean break_dead,
                                         FluflFindings *findings);
FluflOutcome flufl_exclusive_force      (FluflSite *site, FluflFindings *findings);

/* Shared by the steps without hard links, which the code calls exclusive. */
int          flufl_exclusive_make_mark  (FluflSite *site, const char *mark_path, const char *maker);
int          flufl_exclusive_remove_lock (FluflSite *site, gint64 start, gboolean *out_removed);

G_END_DECLS
