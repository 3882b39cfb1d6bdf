/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The end of a claim: docs/protocol.md, "Release".
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-steps.h"
#include "flufl-process.h"

/* So often a release that a slow file server has made late begins anew. */
#define LATE_LOOKS 4

/* Forgets the claim and lets go of its life-line. Never by LOCK_UN: what shares
 * the file with us, though not by fork(2), would lose it. A forked child has let
 * go of its parent's already, and the number may be another file's there. */
void
flufl_claim_clear (FluflClaim *claim)
{
  if (claim->line != NULL && flufl_process_forget_file (claim->line_id))
    claim->line->close (claim->fd);
  g_free (claim->path);
  memset (claim, 0, sizeof *claim);
}

/* Whether the lock file is our claim, and not only something that was linked
 * or copied from another. */
gboolean
flufl_claim_is_lock (const FluflClaim *claim, const FluflLook *look)
{
  const char *name = strrchr (claim->path, '/') + 1;

  return look->sight == FLUFL_SIGHT_CLAIM && strcmp (look->claim.name, name) == 0;
}

/* Whether nobody else can remove the lock file within a grace of @look. Without
 * a claim it must be given one first, and rest; but a breaker may have won the
 * claim just before, and stand before its own unlink(2). There is none while our
 * lease runs, and none after a rest. */
static gboolean
is_left_to_us (const FluflClaim *claim, const FluflSite *site, const FluflLook *look)
{
  return look->nlink == 1
         && (flufl_claim_lease_left (claim, site) > 0
             || flufl_time_since (flufl_claim_server_now (claim, site), look->ctime)
                    >= FLUFL_GRACE);
}

/*
 * flufl_claim_release:
 *
 * Removes the claim, which is the right to remove the lock file, then the lock
 * file. Between the two nobody else removes it, for the grace. The life-line
 * goes last: as long as it is there nobody recovers what we still remove.
 *
 * Returns: RELEASED or LOST, with the claim cleared; FAILED with it kept:
 *   nothing has changed on disk, or nobody can tell
 */
FluflOutcome
flufl_claim_release (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  const FluflSyscalls *sys = site->sys;
  gint64 begun = flufl_claim_boot_now (site), start = begun;
  gboolean safe = flufl_claim_lease_is_safe (claim, site);
  gboolean look_first = !safe || claim->doubtful;
  gboolean gone = FALSE; /* the claim, before we could remove it */
  int looks = 0;

  if (sys->unlink (claim->path) != 0)
    {
      *out_errsv = errno;
      gone = flufl_claim_is_gone (*out_errsv);
      if (!gone)
        {
          claim->doubtful = TRUE;
          return FLUFL_OUTCOME_FAILED;
        }
      /* Broken, or done with the reply lost. While the lease still runs nobody
       * may have broken it, so it is ours to finish; later a breaker may stand
       * before its own removal of the lock file. We may have been stopped since
       * the first clock. */
      if (!safe || !flufl_claim_lease_is_safe (claim, site))
        {
          flufl_claim_clear (claim);
          return FLUFL_OUTCOME_LOST;
        }
      look_first = TRUE;
    }

  /* A file server may have taken long over the claim. The time counts anew from
   * a look that sees the lock file left to us. */
  while (look_first || flufl_claim_boot_now (site) - start > FLUFL_GRACE / 2)
    {
      gboolean late = flufl_claim_boot_now (site) - start > FLUFL_GRACE / 2;
      FluflLook look;

      flufl_look_take (&look, site, site->lock_path);
      /* Without content it is ours by its inode, whose claim we have removed. */
      if (!(flufl_claim_is_lock (claim, &look) || look.is_blank)
          || !flufl_look_is_inode (&look, claim->dev, claim->ino))
        {
          /* Whoever cannot look must not touch: it stays for others to recover. */
          gboolean blind = look.sight == FLUFL_SIGHT_FAILED || look.sight == FLUFL_SIGHT_UNREADABLE;

          flufl_claim_clear (claim);
          return blind ? FLUFL_OUTCOME_RELEASED : FLUFL_OUTCOME_LOST;
        }
      look_first = FALSE;
      if (late && (!is_left_to_us (claim, site, &look) || ++looks > LATE_LOOKS))
        break;
      if (late)
        start = look.taken;
    }

  /* Otherwise it is left, and others recover it. No answer helps here: a second
   * call could hit somebody's new lock. */
  if (flufl_claim_boot_now (site) - start <= FLUFL_GRACE / 2)
    {
      sys->unlink (site->lock_path);
      /* Somebody may have given the lock its claim back just now: a breaker that
       * had won it and then saw that it was refreshed, or who took it for an
       * orphan since we were late. */
      if (gone || start != begun)
        sys->unlink (claim->path);
    }

  flufl_claim_clear (claim);
  return FLUFL_OUTCOME_RELEASED;
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
  else if (site->sys->unlink (claim->path) == 0 && claim->line != NULL)
    /* A forked child may have it open: then its end is told when the child has
     * gone. Those who watch it are told by this; nothing changes. */
    flufl_claim_write_path (claim, site, claim->fd);
  flufl_claim_clear (claim);
}
