/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-attempt.h"

#include <errno.h>

#include "flufl-break-private.h"
#include "flufl-fs-kind.h"
#include "flufl-thread.h"

/* How often a lock that was free a moment ago is tried for at once. */
#define ROUNDS 16

/* rclone answers EIO to each link(2). After this number in a row, which takes less than a second, it is
 * no error of the moment. */
#define LINK_FAILURES_MAX 6

/*
 * flufl_attempt_claim:
 *
 * Makes the claim, or keeps it fresh.
 *
 * Returns: READY if it may be linked; LOST; UNSURE; UNSUPPORTED; FAILED
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

      findings->failed_step = FLUFL_FAILED_CREATE_CLAIM;
      if (outcome == FLUFL_OUTCOME_FAILED && flufl_site_is_passing (site, findings->errsv))
        return FLUFL_OUTCOME_UNSURE;
      return outcome;
    }
  findings->failed_step = FLUFL_FAILED_TOUCH_CLAIM;
  return flufl_claim_keep_fresh (claim, site, lifetime, &findings->errsv);
}

/*
 * flufl_attempt_times_tell:
 *
 * Where times are in whole seconds a lock may change hands and look the same.
 *
 * Returns: whether flufl_attempt() can decide by the lock file's times when to read it; if it
 *   cannot, the caller decides
 */
gboolean
flufl_attempt_times_tell (const FluflClaim *claim, FluflSite *site, const FluflFindings *findings)
{
  return flufl_site_fs_kind (site) == FLUFL_FS_NFS && !claim->coarse
         && findings->look.sight == FLUFL_SIGHT_CLAIM;
}

/* Whether a look at the content can be put off, on a file server. link(2) has just fetched the
 * attributes of the lock file, so they cost no further call, and they show whether it is held.
 *
 * Only the content shows who holds it. The last look stays valid while the times are the same.
 * Later the file may be another lock with the same inode number. It is read once it has rested,
 * because nobody may break it before. A lock that is refreshed at least every five seconds is
 * therefore not read again. */
static gboolean
looks_held (const FluflClaim *claim, FluflSite *site, gboolean break_dead, FluflFindings *findings)
{
  const FluflLook *last = &findings->look;
  gint64 taken = site->sys->clock (FLUFL_CLOCK_BOOT);
  gboolean same;
  FluflStat st;

  if (flufl_site_fs_kind (site) == FLUFL_FS_LOCAL)
    return TRUE;
  /* Only the content shows a mark or a maker that died. */
  if (site->exclusive)
    return FALSE;
  if (site->sys->lstat (site->lock_path, &st) != 0 || st.type != FLUFL_FILE_REGULAR || st.nlink < 2
      || flufl_time_add (st.mtime, FLUFL_SLOP)
             < site->sys->clock (FLUFL_CLOCK_REAL))
    return FALSE;
  same = flufl_look_is_inode (last, st.dev, st.ino);
  if (!flufl_site_is_trusted (site))
    {
      FluflLook now = *last;

      if (!same || last->sight != FLUFL_SIGHT_CLAIM)
        return FALSE;
      now.taken = taken;
      flufl_look_take_attributes (&now, &st);
      flufl_break_observe (site, findings, &now);
      return TRUE;
    }
  if (!flufl_attempt_times_tell (claim, site, findings))
    return TRUE;

  if (same && break_dead && flufl_identity_judge (site, &last->claim) == FLUFL_LIVENESS_DEAD)
    return FALSE;
  if (same && st.mtime == last->mtime && st.ctime == last->ctime)
    return TRUE;
  findings->changed = st.ctime;
  return flufl_time_since (flufl_claim_server_now (claim, site), findings->changed) < FLUFL_GRACE;
}

/* Whether this file system seems to have no hard links, although it does not say so. */
static gboolean
refuses_links (const FluflSite *site, FluflFindings *findings, FluflOutcome linked, FluflOutcome broken)
{
  if (linked != FLUFL_OUTCOME_UNSURE || findings->errsv != EIO || flufl_site_is_trusted (site)
      || flufl_site_is_retried (site, EIO) || broken != FLUFL_OUTCOME_AGAIN
      || findings->look.sight != FLUFL_SIGHT_NOTHING)
    findings->link_failures = 0;
  else
    findings->link_failures++;
  return findings->link_failures >= LINK_FAILURES_MAX;
}

/* After the last round, in which the lock was not won. */
static FluflOutcome
end_attempt (FluflClaim *claim, FluflSite *site, FluflOutcome outcome)
{
  switch (outcome)
    {
    case FLUFL_OUTCOME_UNSURE:
      return outcome;
    case FLUFL_OUTCOME_READY:
    case FLUFL_OUTCOME_AGAIN:
    case FLUFL_OUTCOME_LOST:
      /* Others were quicker each time. */
      return FLUFL_OUTCOME_BUSY;
    default:
      flufl_claim_abandon (claim, site);
      return outcome;
    }
}

/*
 * flufl_attempt:
 * @claim: ours, kept from one attempt to the next; without a path at first
 * @look: whether to look at what is in the way, whatever it seems to be
 *
 * Tries to get the lock, and breaks one that is in the way if it may be.
 * Never waits longer than the file server does.
 *
 * Returns: HELD if @claim is the lock. BUSY or UNSURE: wait, then try again with the same claim, or
 * give it up with flufl_claim_abandon(). NOT_A_LOCK, UNSUPPORTED or FAILED: nothing is left of the
 * claim
 */
FluflOutcome
flufl_attempt (FluflClaim    *claim,
               FluflSite     *site,
               gint64         lifetime,
               gboolean       break_dead,
               gboolean       look,
               FluflFindings *findings)
{
  FluflOutcome outcome = FLUFL_OUTCOME_BUSY;

  findings->looked = FALSE;
  findings->changed = 0;
  findings->errsv = 0;
  findings->failed_step = FLUFL_FAILED_NONE;

  for (int round = 0; round < ROUNDS; round++)
    {
      FluflOutcome linked;

      outcome = flufl_attempt_claim (claim, site, lifetime, findings);
      if (outcome == FLUFL_OUTCOME_LOST)
        continue;
      if (outcome != FLUFL_OUTCOME_READY)
        break;

      linked = flufl_claim_publish (claim, site, &findings->errsv);
      findings->failed_step = site->exclusive ? FLUFL_FAILED_CREATE_LOCK : FLUFL_FAILED_LINK_CLAIM;
      if (linked == FLUFL_OUTCOME_HELD)
        {
          claim->acquired = site->sys->clock (FLUFL_CLOCK_REAL);
          return linked;
        }
      if (linked == FLUFL_OUTCOME_LOST && !site->exclusive)
        continue;
      /* The maker was late, or failed. As each round may take long, the caller looks at its deadline
       * first. */
      if (linked == FLUFL_OUTCOME_LOST)
        {
          if (findings->errsv == 0)
            findings->errsv = ETIMEDOUT;
          return FLUFL_OUTCOME_BUSY;
        }
      if (linked != FLUFL_OUTCOME_BUSY && linked != FLUFL_OUTCOME_UNSURE)
        {
          outcome = linked;
          break;
        }

      if (linked == FLUFL_OUTCOME_BUSY)
        {
          findings->holder_seen = TRUE;
          findings->errsv = 0;
          if (!look && looks_held (claim, site, break_dead, findings))
            return FLUFL_OUTCOME_BUSY;
        }
      findings->looked = TRUE;
      findings->changed = 0;
      outcome = flufl_break (claim, site, break_dead, findings);
      if (refuses_links (site, findings, linked, outcome))
        {
          outcome = FLUFL_OUTCOME_UNSUPPORTED;
          break;
        }
      if (outcome == FLUFL_OUTCOME_BUSY || outcome == FLUFL_OUTCOME_UNSURE)
        return linked == FLUFL_OUTCOME_BUSY ? outcome : linked;
      if (outcome != FLUFL_OUTCOME_AGAIN)
        break;
      /* Nothing is in the way, but link(2) failed with a temporary error, which an immediate retry
       * would most likely meet again. */
      if (linked == FLUFL_OUTCOME_UNSURE)
        return linked;
    }

  return end_attempt (claim, site, outcome);
}

/*
 * flufl_findings_explain:
 * @outcome: an end that is an error
 *
 * Finds out what only words need of the place. May block, as every step.
 */
void
flufl_findings_explain (FluflFindings *findings, const FluflSite *site, FluflOutcome outcome)
{
  g_autofree char *directory = flufl_site_directory (site);
  g_autofree char *type = NULL;

  if (outcome == FLUFL_OUTCOME_UNSUPPORTED)
    type = flufl_fs_type (directory);
  g_strlcpy (findings->fs_type, type != NULL ? type : "", sizeof findings->fs_type);
  findings->directory_exists = FLUFL_WAIT_FOR (g_file_test (directory, G_FILE_TEST_IS_DIR));
}
