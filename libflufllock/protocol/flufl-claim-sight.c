/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the disk shows of our claim and of the lock file. Nothing is removed, and no lock is
 * reported as held, because we remember it: people delete lock files, and put other
 * directories in the place of the lock's.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-private.h"

/*
 * flufl_claim_see:
 * @st: (out): valid unless the sight is GONE or SILENT
 * @out_errsv: (out): set if lstat(2) failed
 *
 * Looks at the claim by its name.
 */
FluflClaimSight
flufl_claim_see (const FluflClaim *claim,
                 const FluflSite  *site,
                 FluflStat        *st,
                 int              *out_errsv)
{
  if (site->sys->lstat (claim->path, st) != 0)
    {
      *out_errsv = errno;
      return flufl_claim_is_gone (errno) ? FLUFL_CLAIM_GONE : FLUFL_CLAIM_SILENT;
    }
  if (st->dev != claim->dev || st->ino != claim->ino)
    return FLUFL_CLAIM_GONE;
  return st->nlink >= 2 ? FLUFL_CLAIM_LINKED : FLUFL_CLAIM_SINGLE;
}

/*
 * flufl_claim_see_lock:
 *
 * Looks whether the lock file is our claim, by its inode alone. On NFS this costs a call to
 * the server only if another machine has changed the directory.
 *
 * Returns: LINKED, GONE or SILENT
 */
FluflClaimSight
flufl_claim_see_lock (const FluflClaim *claim, const FluflSite *site, int *out_errsv)
{
  guint64 dev;
  guint64 ino;

  if (site->sys->identify (site->lock_path, &dev, &ino) != 0)
    {
      *out_errsv = errno;
      return flufl_claim_is_gone (errno) ? FLUFL_CLAIM_GONE : FLUFL_CLAIM_SILENT;
    }
  return dev == claim->dev && ino == claim->ino ? FLUFL_CLAIM_LINKED : FLUFL_CLAIM_GONE;
}

/*
 * flufl_claim_see_held:
 * @st: (out): of the claim, valid if the sight is LINKED
 *
 * Looks whether the claim is the lock, by its link count and by the lock file. The link count alone
 * is no proof: a backup that copies by links makes links to claims.
 *
 * Returns: LINKED, GONE or SILENT
 */
FluflClaimSight
flufl_claim_see_held (const FluflClaim *claim,
                      const FluflSite  *site,
                      FluflStat        *st,
                      int              *out_errsv)
{
  switch (flufl_claim_see (claim, site, st, out_errsv))
    {
    case FLUFL_CLAIM_LINKED:
      return flufl_claim_see_lock (claim, site, out_errsv);
    case FLUFL_CLAIM_SILENT:
      return FLUFL_CLAIM_SILENT;
    case FLUFL_CLAIM_SINGLE:
    case FLUFL_CLAIM_GONE:
    default:
      return FLUFL_CLAIM_GONE;
    }
}

/* Whether @look, at the lock file, saw our claim by its content: and not something that was
 * linked or copied from another. */
gboolean
flufl_claim_is_lock (const FluflClaim *claim, const FluflLook *look)
{
  const char *name = strrchr (claim->path, '/') + 1;

  return look->sight == FLUFL_SIGHT_CLAIM && strcmp (look->claim.name, name) == 0;
}

/*
 * flufl_claim_look_at_lock:
 * @look: (out): what was seen
 *
 * Looks whether the lock file is our claim, by its inode and its content; a file server is
 * asked. If the content shows nothing it is our claim if it has our inode, even where the
 * claim's own name is gone.
 *
 * Returns: LINKED, GONE or SILENT
 */
FluflClaimSight
flufl_claim_look_at_lock (const FluflClaim *claim, const FluflSite *site, FluflLook *look)
{
  flufl_look_take (look, site, site->lock_path);
  if ((flufl_claim_is_lock (claim, look) || look->is_blank || look->is_hidden)
      && flufl_look_is_inode (look, claim->dev, claim->ino))
    return FLUFL_CLAIM_LINKED;
  return look->sight == FLUFL_SIGHT_FAILED || look->sight == FLUFL_SIGHT_UNREADABLE
             ? FLUFL_CLAIM_SILENT
             : FLUFL_CLAIM_GONE;
}
