/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A claim that is kept from one use to the next. Why that is safe is argued in
 * docs/protocol.md, "Linger".
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-private.h"
#include "flufl-claim-steps.h"
#include "flufl-identity.h"

/* A kept claim that was seen so lately is not looked at before its next use. */
#define SEEN_LATELY FLUFL_NSEC_PER_SEC

/* Gives the claim, which is the lock, a name to be kept under. */
static gboolean
rename_ahead (FluflClaim *claim, FluflSite *site)
{
  const FluflSyscalls *sys = site->sys;
  g_autofree char *path = flufl_claim_new_path (site, FLUFL_MARK_LIFE_LINE | FLUFL_MARK_KEPT);

  if (path == NULL)
    return FALSE;
  if (sys->rename (claim->path, path) != 0)
    {
      sys->unlink (path);
      return FALSE;
    }
  g_free (claim->path);
  claim->path = g_steal_pointer (&path);
  claim->named_kept = claim->renamed = TRUE;
  return TRUE;
}

static gboolean
may_be_kept (const FluflClaim *claim, FluflSite *site)
{
  return claim->line != NULL
         || (claim->named_kept && flufl_site_fs_kind (site) == FLUFL_FS_NFS);
}

/* unlink(2) of the lock file has failed: whether because it was gone. That the
 * reply of the call that did it got lost is likely; the link count knows. */
static gboolean
is_unlinked (const FluflClaim *claim, const FluflSite *site)
{
  FluflStat st;

  return flufl_claim_is_gone (errno) && site->sys->lstat (claim->path, &st) == 0
         && st.dev == claim->dev && st.ino == claim->ino && st.nlink == 1;
}

/* Sees right before the lock file is removed that it is our claim. Without a life-line there
 * is a file server, which is asked: the touch that the next use needs anyhow does so. */
static FluflOutcome
see_before_park (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  if (claim->line == NULL)
    return flufl_linked_refresh (claim, site, claim->lifetime, out_errsv);
  switch (flufl_claim_see_lock (claim, site, out_errsv))
    {
    case FLUFL_CLAIM_LINKED:
      return FLUFL_OUTCOME_HELD;
    case FLUFL_CLAIM_SILENT:
      return FLUFL_OUTCOME_UNSURE;
    case FLUFL_CLAIM_SINGLE:
    case FLUFL_CLAIM_GONE:
    default:
      return FLUFL_OUTCOME_LOST;
    }
}

/* Nothing is to be kept: the ordinary way, by which it comes out whether the lock was ours. */
static FluflOutcome
release_closely (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  claim->doubtful = TRUE;
  return flufl_claim_release (claim, site, out_errsv);
}

/* Parks a claim that has had a name with K from the beginning. Returns READY if it is parked,
 * otherwise as flufl_claim_release(). */
static FluflOutcome
park_as_named (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  FluflOutcome outcome = see_before_park (claim, site, out_errsv);

  claim->kept_at = flufl_claim_boot_now (site);
  /* The lease may have come to its end meanwhile. */
  if (outcome != FLUFL_OUTCOME_HELD || !flufl_claim_lease_is_safe (claim, claim->kept_at))
    return release_closely (claim, site, out_errsv);
  if (site->sys->unlink (site->lock_path) == 0 || is_unlinked (claim, site))
    return FLUFL_OUTCOME_READY;

  /* It may have gone all the same, and another may be there by now. Nobody may have broken
   * it: so if it is gone that was our own doing. */
  outcome = release_closely (claim, site, out_errsv);
  return outcome == FLUFL_OUTCOME_LOST ? FLUFL_OUTCOME_RELEASED : outcome;
}

/* Parks a claim under a new name with K. rename(2) wins the token, so others recover the lock file
 * if a later step fails. Returns as park_as_named(). */
static FluflOutcome
park_renamed (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  gint64 start = flufl_claim_boot_now (site);

  if (!rename_ahead (claim, site))
    return flufl_claim_release (claim, site, out_errsv);
  if (flufl_claim_see_lock (claim, site, out_errsv) == FLUFL_CLAIM_GONE)
    return release_closely (claim, site, out_errsv);
  claim->kept_at = flufl_claim_boot_now (site);
  if (claim->kept_at - start > FLUFL_GRACE / 2
      || site->sys->unlink (site->lock_path) != 0)
    {
      flufl_claim_abandon (claim, site);
      return FLUFL_OUTCOME_RELEASED;
    }
  return FLUFL_OUTCOME_READY;
}

/*
 * flufl_linked_park:
 *
 * flufl_claim_release() for one who wants the lock again: keeps the claim, with
 * its life-line, where that is safe. An idle claim is never the lock.
 *
 * Returns: as flufl_claim_release(); after RELEASED @claim may be there, to be
 *   used for the next attempt or given up by flufl_claim_abandon()
 */
FluflOutcome
flufl_linked_park (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  FluflOutcome outcome;

  if (!may_be_kept (claim, site) || claim->doubtful || claim->unsure
      || !flufl_claim_lease_is_safe (claim, flufl_claim_boot_now (site)))
    return flufl_claim_release (claim, site, out_errsv);

  claim->acquired = 0;
  outcome = claim->named_kept ? park_as_named (claim, site, out_errsv)
                               : park_renamed (claim, site, out_errsv);
  if (outcome != FLUFL_OUTCOME_READY)
    return outcome;
  claim->kept = TRUE;
  return FLUFL_OUTCOME_RELEASED;
}

/* Without a life-line it is not open. The touch of the last release was one by name, and so
 * good for this use, too, unless it was long ago. */
static gboolean
unpark_by_path (FluflClaim *claim, FluflSite *site, gint64 lifetime)
{
  FluflStat st;

  if (claim->lifetime == lifetime && flufl_claim_lease_is_young (claim, site, 20))
    return TRUE;
  return flufl_claim_touch (claim, site, -1, lifetime) == 0
         && site->sys->lstat (claim->path, &st) == 0
         && st.dev == claim->dev && st.ino == claim->ino && st.nlink == 1
         && st.size == (gint64) strlen (claim->path)
         && (!flufl_claim_learn (claim, site, &st)
             || flufl_claim_touch (claim, site, -1, lifetime) == 0);
}

/* Makes a kept claim one that can be linked. The look that was taken a moment ago still counts. It
 * saw one link and the claim's name, and it compared the clocks. link(2) will show whether the name
 * still exists. */
gboolean
flufl_claim_unpark (FluflClaim *claim, FluflSite *site, gint64 lifetime)
{
  FluflStat st;

  if (claim->line == NULL)
    return unpark_by_path (claim, site, lifetime);
  if ((claim->renamed && flufl_claim_write_path (claim, site, claim->fd) != 0)
      || flufl_claim_touch (claim, site, claim->fd, lifetime) != 0)
    return FALSE;
  claim->fresh = claim->lease_start - claim->kept_at < SEEN_LATELY;
  if (!claim->renamed && !claim->coarse
      && claim->lease_start - claim->server_seen < SEEN_LATELY)
    return TRUE;
  return flufl_claim_see_touched (claim, site, claim->fd, lifetime, &st) == 0 && st.nlink == 1
         && st.size == (gint64) strlen (claim->path);
}
