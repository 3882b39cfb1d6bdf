/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "flufl-attempt.h"

/* How often a lock that was free a moment ago is tried for at once. */
#define ROUNDS 16

static const char *
step_of_link (FluflOutcome outcome)
{
  return outcome == FLUFL_OUTCOME_UNSUPPORTED ? "make a hard link"
                                              : "link the claim file to the lock file";
}

/*
 * flufl_attempt_claim:
 *
 * Makes the claim, or keeps it fresh.
 *
 * Returns: AGAIN if it may be linked; LOST; UNSURE; FAILED
 */
FluflOutcome
flufl_attempt_claim (FluflClaim    *claim,
                     FluflSite     *site,
                     gint64         lifetime,
                     FluflFindings *findings)
{
  if (claim->path == NULL)
    {
      FluflOutcome outcome = flufl_claim_create (claim, site, lifetime, &findings->errsv);

      findings->failed_step = "create a claim file next to the lock file";
      if (outcome == FLUFL_OUTCOME_FAILED && flufl_site_is_passing (site, findings->errsv))
        return FLUFL_OUTCOME_UNSURE;
      return outcome;
    }
  findings->failed_step = "set the time of the claim file";
  return flufl_claim_keep_fresh (claim, site, lifetime, &findings->errsv);
}

/*
 * flufl_attempt_link:
 *
 * Tries to get a lock that is thought to be free, and does not look at what may
 * be in the way.
 *
 * Returns: HELD; BUSY; or AGAIN: what is to be done only flufl_attempt() knows
 */
FluflOutcome
flufl_attempt_link (FluflClaim    *claim,
                    FluflSite     *site,
                    gint64         lifetime,
                    FluflFindings *findings)
{
  FluflOutcome outcome;

  if (flufl_attempt_claim (claim, site, lifetime, findings) != FLUFL_OUTCOME_AGAIN)
    return FLUFL_OUTCOME_AGAIN;
  outcome = flufl_claim_link (claim, site, &findings->errsv);
  if (outcome != FLUFL_OUTCOME_HELD && outcome != FLUFL_OUTCOME_BUSY)
    return FLUFL_OUTCOME_AGAIN;
  findings->errsv = 0;
  return outcome;
}

/*
 * flufl_attempt:
 * @claim: ours, kept from one attempt to the next; without a path at first
 *
 * Tries to get the lock, and breaks one that is in the way if it may be.
 * Never waits longer than the file server does.
 *
 * Returns: HELD, with @claim the lock; BUSY or UNSURE: wait, then come again
 *   with the same claim, or give it up with flufl_claim_abandon(); NOT_A_LOCK,
 *   UNSUPPORTED or FAILED, with nothing left of the claim
 */
FluflOutcome
flufl_attempt (FluflClaim    *claim,
               FluflSite     *site,
               gint64         lifetime,
               gboolean       break_dead,
               FluflFindings *findings)
{
  FluflOutcome outcome = FLUFL_OUTCOME_BUSY;

  findings->errsv = 0;
  findings->failed_step = NULL;

  for (int round = 0; round < ROUNDS; round++)
    {
      FluflOutcome linked;

      outcome = flufl_attempt_claim (claim, site, lifetime, findings);
      if (outcome == FLUFL_OUTCOME_LOST)
        continue;
      if (outcome != FLUFL_OUTCOME_AGAIN)
        break;

      linked = flufl_claim_link (claim, site, &findings->errsv);
      findings->failed_step = step_of_link (linked);
      if (linked == FLUFL_OUTCOME_HELD)
        return linked;
      if (linked == FLUFL_OUTCOME_LOST)
        continue;
      if (linked != FLUFL_OUTCOME_BUSY && linked != FLUFL_OUTCOME_UNSURE)
        {
          outcome = linked;
          break;
        }

      if (linked == FLUFL_OUTCOME_BUSY)
        findings->errsv = 0;
      outcome = flufl_break (claim, site, break_dead, findings);
      if (outcome == FLUFL_OUTCOME_BUSY || outcome == FLUFL_OUTCOME_UNSURE)
        return linked == FLUFL_OUTCOME_BUSY ? outcome : linked;
      if (outcome != FLUFL_OUTCOME_AGAIN)
        break;
      /* Nothing in the way, yet link(2) failed for a passing reason: that
       * passes no sooner if asked at once. */
      if (linked == FLUFL_OUTCOME_UNSURE)
        return linked;
    }

  switch (outcome)
    {
    case FLUFL_OUTCOME_UNSURE:
      return outcome;
    case FLUFL_OUTCOME_AGAIN:
    case FLUFL_OUTCOME_LOST:
      /* Others were quicker each time. */
      return FLUFL_OUTCOME_BUSY;
    default:
      flufl_claim_abandon (claim, site);
      return outcome;
    }
}
