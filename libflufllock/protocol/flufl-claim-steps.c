/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-claim-steps.h"

static const FluflClaimSteps linked = {
  .keep_fresh = flufl_linked_keep_fresh,
  .publish = flufl_linked_publish,
  .check = flufl_linked_check,
  .refresh = flufl_linked_refresh,
  .release = flufl_linked_release,
  .park = flufl_linked_park,
  .do_break = flufl_linked_break,
  .force = flufl_linked_force,
};

static const FluflClaimSteps exclusive = {
  .keep_fresh = flufl_exclusive_keep_fresh,
  .publish = flufl_exclusive_publish,
  .check = flufl_exclusive_check,
  .refresh = flufl_exclusive_refresh,
  .release = flufl_exclusive_release,
  .park = flufl_exclusive_release,
  .do_break = flufl_exclusive_break,
  .force = flufl_exclusive_force,
};

static const FluflClaimSteps *
steps_of_claim (const FluflClaim *claim)
{
  return claim->exclusive ? &exclusive : &linked;
}

static const FluflClaimSteps *
steps_of_site (FluflSite *site)
{
  flufl_site_fs_kind (site); /* which finds out whether the site is exclusive */
  return site->exclusive ? &exclusive : &linked;
}

/*
 * flufl_claim_keep_fresh:
 *
 * To be called before every try that follows a wait.
 *
 * Returns: READY if the claim may become the lock; LOST if it is gone, which clears the claim; UNSURE or
 *   FAILED
 */
FluflOutcome
flufl_claim_keep_fresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  return steps_of_claim (claim)->keep_fresh (claim, site, lifetime, out_errsv);
}

/*
 * flufl_claim_publish:
 *
 * One try at making the claim the lock.
 *
 * Returns: HELD; BUSY; UNSURE; LOST if the claim is gone, which clears it; UNSUPPORTED or FAILED
 */
FluflOutcome
flufl_claim_publish (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  return steps_of_claim (claim)->publish (claim, site, out_errsv);
}

FluflOutcome
flufl_claim_check (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  return steps_of_claim (claim)->check (claim, site, out_errsv);
}

FluflOutcome
flufl_claim_refresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  return steps_of_claim (claim)->refresh (claim, site, lifetime, out_errsv);
}

/*
 * flufl_claim_release:
 *
 * Returns: RELEASED or LOST, with the claim cleared; FAILED with it kept
 */
FluflOutcome
flufl_claim_release (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  return steps_of_claim (claim)->release (claim, site, out_errsv);
}

/* flufl_claim_release() for one who wants the lock again. A claim of the exclusive-create protocol
 * is not kept: its name must not come into a lock file twice. */
FluflOutcome
flufl_claim_park (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  return steps_of_claim (claim)->park (claim, site, out_errsv);
}

/*
 * flufl_break:
 * @own_claim: the claim of this process, which shows the clock of the file server
 */
FluflOutcome
flufl_break (FluflClaim *own_claim, FluflSite *site, gboolean break_dead, FluflFindings *findings)
{
  return steps_of_site (site)->do_break (own_claim, site, break_dead, findings);
}

FluflOutcome
flufl_break_force (FluflSite *site, FluflFindings *findings)
{
  return steps_of_site (site)->force (site, findings);
}
