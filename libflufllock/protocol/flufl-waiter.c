/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-waiter.h"

#include <string.h>

#include "flufl-life-line.h"

/* Inode numbers change on FAT, and on FUSE. */
static gboolean
is_holder (const FluflLook *look, const FluflLook *holder)
{
  if (holder->exclusive)
    return strcmp (look->claim.name, holder->claim.name) == 0;
  return flufl_look_is_inode (look, holder->dev, holder->ino);
}

/*
 * flufl_waiter_look:
 * @site: whose kind of file system is known
 * @name: a name in the lock's directory
 * @holder: a look at the lock file
 *
 * Looks at a claim and asks after its process. The umask of the waiter may hide the content, but
 * the name says the same. Changes nothing.
 *
 * Returns: whether it may be the claim of a waiter that lives
 */
gboolean
flufl_waiter_look (FluflSite *site, const char *name, const FluflLook *holder,
                   FluflFindings *findings)
{
  g_autofree char *path = NULL;
  FluflLook *look = &findings->look;
  FluflClaimName claim;
  int fd;

  if (!flufl_claim_name_parse (name, strlen (name), site->lock_name, site->separator, &claim)
      || claim.kept)
    return FALSE;
  path = flufl_site_path_of (site, claim.name);
  flufl_look_open (look, site, path, &fd);
  if (look->sight == FLUFL_SIGHT_UNREADABLE)
    look->sight = FLUFL_SIGHT_CLAIM;
  look->claim = claim;
  /* Only the lock file has an expiration where there are no hard links. */
  if (look->exclusive)
    look->mtime = G_MAXINT64;
  /* Shared: two who ask are no owner. */
  findings->liveness
      = look->sight != FLUFL_SIGHT_CLAIM
            ? FLUFL_LIVENESS_DEAD
            : flufl_life_line_judge (site, look,
                                     flufl_life_line_try (site, look, fd, FLUFL_LINE_ASK));
  if (fd >= 0)
    site->sys->close (fd);
  return findings->liveness != FLUFL_LIVENESS_DEAD
         && !is_holder (look, holder);
}
