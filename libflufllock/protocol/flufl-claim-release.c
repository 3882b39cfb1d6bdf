/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The end of a claim: docs/protocol.md, "Release".
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-private.h"
#include "flufl-claim-steps.h"
#include "flufl-process.h"

/* The number of times that a release begins anew after a slow file server has made it late. */
#define LATE_LOOKS 4

/* Forgets the claim and lets go of its life-line. LOCK_UN must not be used, since the other process
 * of a bare clone(2) shares the open file and would lose the flock. A child of fork(2) has already
 * closed its copy. In that child the descriptor may belong to another file. */
void
flufl_claim_clear (FluflClaim *claim)
{
  if (claim->line != NULL && flufl_process_forget_file (claim->line_id))
    claim->line->close (claim->fd);
  g_free (claim->path);
  memset (claim, 0, sizeof *claim);
}

/* Whether nobody else can remove the lock file within a grace of @look: docs/protocol.md,
 * "Release", "Step 4 is safe". */
static gboolean
is_left_to_us (const FluflClaim *claim, const FluflSite *site, const FluflLook *look)
{
  return look->nlink == 1
         && (flufl_claim_lease_left (claim, site) > 0
             || (flufl_site_is_trusted (site)
                 && flufl_time_since (flufl_claim_server_now (claim, site), look->ctime)
                        >= FLUFL_GRACE));
}

static gboolean
is_late (const FluflSite *site, gint64 start)
{
  return flufl_claim_boot_now (site) - start > FLUFL_GRACE / 2;
}

/* Looks whether the lock file is still ours. The look reads the content if @closely is set, or if
 * half of the grace has passed since @start. In the second case @start becomes the time of the look,
 * provided that nobody else can remove the lock file. A person may have deleted the lock file, and another process may
 * have made a new one. In any case this function therefore sees that it is ours right before the
 * removal.
 *
 * Returns: LINKED if it may be removed, in time; GONE; SILENT */
static FluflClaimSight
see_what_is_left (FluflClaim *claim, FluflSite *site, gboolean closely, gint64 *start)
{
  gboolean late = FALSE;

  for (int looks = 0;; looks++)
    {
      FluflClaimSight sight;
      gboolean nameless = FALSE;
      FluflLook look;
      FluflStat st;
      int errsv;

      /* The claim first: once its name is gone, both the link count and the ctime of the lock
       * file show that. */
      if (late)
        nameless = site->sys->lstat (claim->path, &st) != 0 && errno == ENOENT;
      if (closely || late)
        {
          sight = flufl_claim_look_at_lock (claim, site, &look);
          if (sight != FLUFL_CLAIM_LINKED)
            return sight;
          closely = FALSE;
        }
      if (late && (!nameless || !is_left_to_us (claim, site, &look) || looks > LATE_LOOKS))
        return FLUFL_CLAIM_SILENT;
      if (late)
        *start = look.taken;
      sight = flufl_claim_see_lock (claim, site, &errsv);
      if (sight != FLUFL_CLAIM_LINKED)
        return sight;
      late = is_late (site, *start);
      if (!late)
        return sight;
    }
}

/*
 * flufl_linked_release:
 *
 * Removes the claim, which wins the right to remove the lock file, and then the lock file. For the
 * grace after the first removal, no other process removes the lock file. The life-line is dropped
 * last. While it is kept, no other process recovers the lock file before a rest of 60 s.
 *
 * Returns: RELEASED or LOST, with the claim cleared; FAILED with it kept:
 *   nothing has changed on disk, or nobody can tell
 */
FluflOutcome
flufl_linked_release (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  const FluflSyscalls *sys = site->sys;
  gint64 begun = flufl_claim_boot_now (site), start = begun;
  gboolean safe = flufl_claim_lease_is_safe (claim, begun);
  gboolean gone = FALSE; /* the claim, before we could remove it */
  FluflClaimSight sight;

  if (sys->unlink (claim->path) != 0)
    {
      *out_errsv = errno;
      gone = flufl_claim_is_gone (*out_errsv);
      if (!gone)
        {
          claim->doubtful = TRUE;
          return FLUFL_OUTCOME_FAILED;
        }
      /* Either a breaker removed the claim, or the reply to our unlink(2) was lost. With a tenth of
       * the lease left before and after the call, it was the reply. */
      if (!safe || !flufl_claim_lease_is_safe (claim, flufl_claim_boot_now (site)))
        {
          flufl_claim_clear (claim);
          return FLUFL_OUTCOME_LOST;
        }
    }

  sight = see_what_is_left (claim, site, gone || !safe || claim->doubtful, &start);
  /* A releaser that cannot look, or is late, leaves the lock file: others recover it if it was
   * ours. The result of unlink(2) is ignored, for a second call could remove another's new lock. */
  if (sight == FLUFL_CLAIM_LINKED)
    {
      sys->unlink (site->lock_path);
      /* A breaker may have linked the claim again just now. It had won the claim and then saw a
       * refresh, or it took the lock for an orphan because this releaser was late. */
      if (gone || start != begun)
        sys->unlink (claim->path);
    }

  flufl_claim_clear (claim);
  return sight == FLUFL_CLAIM_GONE ? FLUFL_OUTCOME_LOST : FLUFL_OUTCOME_RELEASED;
}

/* Gives up a claim that is not known to be the lock. */
void
flufl_claim_abandon (FluflClaim *claim, FluflSite *site)
{
  int errsv = 0;

  if (claim->path == NULL)
    return;

  if (claim->unsure)
    {
      claim->doubtful = TRUE;
      flufl_claim_release (claim, site, &errsv);
    }
  else if (site->sys->unlink (claim->path) == 0 && claim->line != NULL && !claim->exclusive)
    /* A forked child may have the file open. Waiters then learn of the removal only when that child
     * has gone. This write changes nothing, but wakes them at once. */
    flufl_claim_write_path (claim, site, claim->fd);
  flufl_claim_clear (claim);
}
