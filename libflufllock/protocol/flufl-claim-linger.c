/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A claim that is kept from one use to the next: docs/protocol.md, "Linger".
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-steps.h"
#include "flufl-identity.h"

/* A kept claim that was seen so lately is not looked at before its next use. */
#define SEEN_LATELY FLUFL_NSEC_PER_SEC

/*
 * A claim that is kept from one use to the next, and why the arguments of
 * docs/protocol.md hold for it.
 *
 * Its owner lives, and its lease is safe when it is let go of: by its life-line
 * or not, nobody may have broken it. So a breaker that won its name in earnest, seeing the same mtime
 * again, did so before the last touch of it; then that touch, or the link after
 * it, did not find the name, and this is not reached. One who wins it later on
 * the strength of an old look sees another mtime, and gives it back. So nobody
 * else is about to remove the lock file, and it may be removed without winning
 * the name first.
 *
 * To others the next use is as a refreshed lock. The name is this file's from
 * its making to its removal, so none is used for two files: a breaker that was
 * delayed can neither give it to another file, for it is taken, nor break the
 * next use by it, for the mtime differs. If it removes the name while the claim
 * is idle, the next link fails, and another claim is made.
 *
 * The name says that the claim is kept, so that nobody waits for it. One whose
 * name says since when it waited is renamed; that is the token as unlink(2) of
 * it is, which succeeds for one of all who unlink or rename that name. Whoever
 * is late and gives the old name back to this file, having found it as the lock
 * again, sees that its content is another and takes the name away. Were it to
 * die before, the link count would lie; so a file is used again only if its one
 * link is the name that we know. Its content is changed only while it is idle:
 * who reads it then, by a lock file opened earlier, finds an mtime that does not
 * fit, or a name that is absent.
 *
 * On NFS there is no queue, so what waits may have such a name, too, and nothing
 * is renamed. On other file systems nothing is kept: link counts are not trusted.
 */

/* Gives the claim, which is the lock, a name to be kept under. */
static gboolean
rename_ahead (FluflClaim *claim, FluflSite *site)
{
  const FluflSyscalls *sys = site->sys;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  FluflIdentity identity;
  guint64 random;

  if (sys->random (&random, sizeof random) != 0)
    return FALSE;
  flufl_identity_get (sys, &identity);
  name = flufl_claim_name_build (site->lock_name, site->separator, &identity,
                                 (guint64) sys->clock (FLUFL_CLOCK_REAL), random,
                                 FLUFL_MARK_LIFE_LINE | FLUFL_MARK_PARKED);
  path = flufl_site_path_of (site, name);
  if (sys->rename (claim->path, path) != 0)
    {
      sys->unlink (path);
      return FALSE;
    }
  g_free (claim->path);
  claim->path = g_steal_pointer (&path);
  claim->named_ahead = claim->renamed = TRUE;
  return TRUE;
}

static gboolean
may_be_kept (const FluflClaim *claim, FluflSite *site)
{
  return claim->line != NULL
         || (claim->named_ahead && flufl_site_fs_kind (site) == FLUFL_FS_NFS);
}

/* unlink(2) of the lock file has failed: whether because it was gone. That the
 * reply of the call that did it got lost is likely; the link count knows. */
static gboolean
is_unlinked (const FluflClaim *claim, const FluflSite *site)
{
  struct stat st;

  return flufl_claim_is_gone (errno) && site->sys->lstat (claim->path, &st) == 0
         && st.st_dev == claim->dev && st.st_ino == claim->ino && st.st_nlink == 1;
}

/*
 * flufl_claim_park:
 *
 * flufl_claim_release() for one who wants the lock again: keeps the claim, with
 * its life-line, where that is safe. An idle claim is never the lock.
 *
 * Returns: as flufl_claim_release(); after RELEASED @claim may be there, to be
 *   used for the next attempt or given up by flufl_claim_abandon()
 */
FluflOutcome
flufl_claim_park (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  if (!may_be_kept (claim, site) || !flufl_claim_lease_is_safe (claim, site)
      || claim->doubtful || claim->unsure)
    return flufl_claim_release (claim, site, out_errsv);

  if (claim->named_ahead)
    {
      if (site->sys->unlink (site->lock_path) != 0 && !is_unlinked (claim, site))
        {
          FluflOutcome outcome;

          /* It may have gone all the same, and another may be there by now. */
          claim->doubtful = TRUE;
          outcome = flufl_claim_release (claim, site, out_errsv);
          /* Nobody may have broken it: so it was our own doing. */
          return outcome == FLUFL_OUTCOME_LOST ? FLUFL_OUTCOME_RELEASED : outcome;
        }
    }
  else
    {
      gint64 start = flufl_claim_boot_now (site);

      if (!rename_ahead (claim, site))
        return flufl_claim_release (claim, site, out_errsv);
      /* The token is won; what goes wrong now is for others to recover. */
      if (flufl_claim_boot_now (site) - start > FLUFL_GRACE / 2
          || site->sys->unlink (site->lock_path) != 0)
        {
          flufl_claim_abandon (claim, site);
          return FLUFL_OUTCOME_RELEASED;
        }
    }
  claim->parked = TRUE;
  return FLUFL_OUTCOME_RELEASED;
}

/* Without a life-line it is not open. Nor is it looked at less often than it is
 * used: where there is a file server, its answer to the touch tells all. */
static gboolean
unpark_by_path (FluflClaim *claim, FluflSite *site, gint64 lifetime)
{
  struct stat st;

  return flufl_claim_touch (claim, site, -1, lifetime) == 0
         && site->sys->lstat (claim->path, &st) == 0
         && st.st_dev == claim->dev && st.st_ino == claim->ino && st.st_nlink == 1
         && st.st_size == (off_t) strlen (claim->path)
         && (!flufl_claim_learn (claim, site, &st)
             || flufl_claim_touch (claim, site, -1, lifetime) == 0);
}

/* Makes an idle claim one that can be linked. What was seen of it a moment ago
 * is still good: that it has one link and no other name, and how the clocks
 * stand. Whether its name is still there, link(2) will say. */
gboolean
flufl_claim_unpark (FluflClaim *claim, FluflSite *site, gint64 lifetime)
{
  struct stat st;

  if (claim->line == NULL)
    return unpark_by_path (claim, site, lifetime);
  if ((claim->renamed && flufl_claim_write_path (claim, site, claim->fd) != 0)
      || flufl_claim_touch (claim, site, claim->fd, lifetime) != 0)
    return FALSE;
  if (!claim->renamed && !claim->coarse
      && claim->lease_start - claim->server_seen < SEEN_LATELY)
    return TRUE;
  return flufl_claim_see_touched (claim, site, claim->fd, lifetime, &st) == 0 && st.st_nlink == 1
         && st.st_size == (off_t) strlen (claim->path);
}
