/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The steps are those of docs/protocol.md, "Acquire".
 */

#include "config.h"

#include "flufl-claim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "flufl-claim-steps.h"
#include "flufl-identity.h"
#include "flufl-process.h"

/* Claim names are 48 bits of random and a time: a second try is for a lying
 * server, a third for nothing. */
#define CREATE_TRIES 8

static gboolean
lease_is_young (const FluflClaim *claim, const FluflSite *site, int part)
{
  return flufl_claim_boot_now (site) - claim->lease_start < claim->lifetime / part;
}

/* Takes the flock that tells others that we live: before the claim can be the
 * lock, and until it is not any more (docs/protocol.md, "Life-line"). */
static gboolean
tie_life_line (FluflClaim *claim, FluflSite *site, int fd)
{
  if (site->sys->flock (fd, LOCK_EX | LOCK_NB) == 0)
    {
      claim->line = site->sys;
      claim->fd = fd;
      claim->line_id = flufl_process_keep_file (fd, site->sys->close);
      return TRUE;
    }
  /* Busy: somebody came upon the new claim and wants to know whether we live.
   * Else there is no flock(2) here. */
  if (errno != EWOULDBLOCK)
    site->no_life_lines = TRUE;
  return FALSE;
}

/*
 * flufl_claim_create:
 *
 * Makes a new claim file next to the lock file, complete before anybody can
 * see it as the lock.
 *
 * Returns: AGAIN when it is there, to be linked; FAILED with nothing left
 */
FluflOutcome
flufl_claim_create (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  const FluflSyscalls *sys = site->sys;
  FluflIdentity identity;
  struct stat st;
  int fd = -1;
  int errsv = 0;

  g_assert (claim->path == NULL);
  memset (claim, 0, sizeof *claim);
  flufl_identity_get (sys, &identity);

  for (int i = 0; i < CREATE_TRIES && fd < 0; i++)
    {
      g_autofree char *name = NULL;
      gboolean line = flufl_site_fs_kind (site) == FLUFL_FS_LOCAL && !site->no_life_lines;
      FluflMarks marks = !line ? FLUFL_MARK_NONE : FLUFL_MARK_LIFE_LINE;
      guint64 random;

      if (site->name_ahead && (line || flufl_site_fs_kind (site) == FLUFL_FS_NFS))
        marks |= FLUFL_MARK_PARKED;
      if (sys->random (&random, sizeof random) != 0)
        {
          errsv = errno;
          break;
        }
      name = flufl_claim_name_build (site->lock_name, site->separator, &identity,
                                     (guint64) sys->clock (FLUFL_CLOCK_REAL), random,
                                     marks);
      claim->named_ahead = (marks & FLUFL_MARK_PARKED) != 0;
      g_free (claim->path);
      claim->path = flufl_site_path_of (site, name);
      fd = sys->open (claim->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
      errsv = fd < 0 ? errno : 0;
      if (fd < 0 && errsv != EEXIST)
        {
          /* It may have been made and only the answer lost. */
          if (flufl_site_is_passing (site, errsv))
            sys->unlink (claim->path);
          break;
        }
      if (fd >= 0 && line && !tie_life_line (claim, site, fd))
        {
          errsv = errno;
          sys->close (fd);
          sys->unlink (claim->path);
          fd = -1;
        }
    }

  if (fd >= 0)
    {
      if (flufl_claim_write_path (claim, site, fd) != 0
          || flufl_claim_touch (claim, site, fd, lifetime) != 0
          || flufl_claim_see_touched (claim, site, fd, lifetime, &st) != 0)
        errsv = errno;
      /* A network file system tells of a full disk only here. */
      if (claim->line == NULL && sys->close (fd) != 0 && errsv == 0 && errno != EINTR)
        errsv = errno;
      if (errsv != 0)
        sys->unlink (claim->path);
    }

  if (errsv == 0)
    return FLUFL_OUTCOME_AGAIN;
  flufl_claim_clear (claim);
  *out_errsv = errsv;
  return FLUFL_OUTCOME_FAILED;
}

/*
 * flufl_claim_keep_fresh:
 *
 * To be called before every link that follows a wait: a claim that expired
 * while it waited would be a lock that anybody may break.
 *
 * Returns: AGAIN if the claim may be linked; LOST if it is gone, and cleared;
 *   UNSURE or FAILED
 */
FluflOutcome
flufl_claim_keep_fresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  struct stat st;

  if (claim->parked)
    {
      if (!flufl_claim_unpark (claim, site, lifetime))
        {
          flufl_claim_abandon (claim, site);
          return FLUFL_OUTCOME_LOST;
        }
      claim->parked = claim->renamed = FALSE;
      return FLUFL_OUTCOME_AGAIN;
    }
  if (claim->lifetime == lifetime && lease_is_young (claim, site, 20))
    return FLUFL_OUTCOME_AGAIN;

  if (flufl_claim_touch (claim, site, -1, lifetime) == 0
      && site->sys->lstat (claim->path, &st) == 0)
    {
      if (!flufl_claim_learn (claim, site, &st)
          || flufl_claim_touch (claim, site, -1, lifetime) == 0)
        return FLUFL_OUTCOME_AGAIN;
    }

  *out_errsv = errno;
  if (flufl_claim_is_gone (*out_errsv))
    {
      /* Should it be there all the same, nobody else would remove it. */
      flufl_claim_abandon (claim, site);
      return FLUFL_OUTCOME_LOST;
    }
  return flufl_site_is_passing (site, *out_errsv) ? FLUFL_OUTCOME_UNSURE : FLUFL_OUTCOME_FAILED;
}

typedef enum
{
  CLAIM_LINKED, /* it is the lock */
  CLAIM_SINGLE, /* it is there, and not the lock */
  CLAIM_GONE,   /* broken: it is not there, or not the file that we made */
  CLAIM_SILENT, /* no answer */
} ClaimSight;

static ClaimSight
see_claim (const FluflClaim *claim, const FluflSite *site, struct stat *st, int *out_errsv)
{
  if (site->sys->lstat (claim->path, st) != 0)
    {
      *out_errsv = errno;
      return flufl_claim_is_gone (errno) ? CLAIM_GONE : CLAIM_SILENT;
    }
  if (st->st_dev != claim->dev || st->st_ino != claim->ino)
    return CLAIM_GONE;
  return st->st_nlink >= 2 ? CLAIM_LINKED : CLAIM_SINGLE;
}

/* Whether the claim's link count says that it is the lock. Reads only. */
FluflOutcome
flufl_claim_check (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  struct stat st;

  switch (see_claim (claim, site, &st, out_errsv))
    {
    case CLAIM_LINKED:
      return FLUFL_OUTCOME_HELD;
    case CLAIM_SILENT:
      return FLUFL_OUTCOME_UNSURE;
    default:
      return FLUFL_OUTCOME_LOST;
    }
}

/* Touches the claim, and only then sees whether it is still the lock: so the
 * lease that starts with the touch is one of a lock that we have. Where that is
 * not seen, the lease that ran goes on. */
FluflOutcome
flufl_claim_refresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  FluflClaim before = *claim;
  struct stat st;

  if (flufl_claim_touch (claim, site, -1, lifetime) != 0)
    goto failed;
  switch (see_claim (claim, site, &st, out_errsv))
    {
    case CLAIM_LINKED:
      break;
    case CLAIM_SILENT:
      errno = *out_errsv;
      goto failed;
    default:
      return FLUFL_OUTCOME_LOST;
    }
  if (flufl_claim_learn (claim, site, &st) && flufl_claim_touch (claim, site, -1, lifetime) != 0)
    goto failed;
  claim->doubtful = claim->unsure = FALSE;
  return FLUFL_OUTCOME_HELD;

failed:
  *out_errsv = errno;
  if (flufl_claim_is_gone (*out_errsv))
    return FLUFL_OUTCOME_LOST;
  claim->lifetime = before.lifetime;
  claim->expiration = before.expiration;
  claim->lease_start = before.lease_start;
  claim->doubtful = TRUE;
  return FLUFL_OUTCOME_UNSURE;
}

/* link(2) answered 0, but the link count does not say so. Either the lock was
 * broken since, or this file system does not count links, or copies. What was
 * made is removed as in a release: the token first, and not late. */
static FluflOutcome
explain_missing_link (FluflClaim *claim, FluflSite *site)
{
  gint64 start = flufl_claim_boot_now (site);
  FluflLook look;
  struct stat st;

  flufl_look_take (&look, site, site->lock_path);
  if (!flufl_claim_is_lock (claim, &look) || site->sys->lstat (claim->path, &st) != 0)
    return FLUFL_OUTCOME_LOST;
  if (look.nlink >= 2 && st.st_nlink >= 2)
    return FLUFL_OUTCOME_LOST;
  if (site->sys->unlink (claim->path) != 0)
    return flufl_claim_is_gone (errno) ? FLUFL_OUTCOME_LOST : FLUFL_OUTCOME_UNSUPPORTED;
  if (flufl_claim_boot_now (site) - start <= FLUFL_GRACE / 2)
    site->sys->unlink (site->lock_path);
  return FLUFL_OUTCOME_UNSUPPORTED;
}

static FluflOutcome
confirm (FluflClaim *claim, FluflSite *site, gboolean linked, int *out_errsv)
{
  FluflOutcome outcome;

  claim->unsure = TRUE;
  outcome = flufl_claim_refresh (claim, site, claim->lifetime, out_errsv);
  if (outcome != FLUFL_OUTCOME_LOST)
    return outcome;

  if (linked && flufl_site_fs_kind (site) == FLUFL_FS_OTHER)
    outcome = explain_missing_link (claim, site);
  if (outcome == FLUFL_OUTCOME_UNSUPPORTED)
    {
      claim->unsure = FALSE;
      *out_errsv = EMLINK;
      return outcome;
    }
  flufl_claim_abandon (claim, site);
  return FLUFL_OUTCOME_LOST;
}

/* Somebody else may have made the other link to our claim: a backup that copies by
 * links, say. So what has two is the lock only if it is there by that name, too. */
static ClaimSight
see_lock (const FluflClaim *claim, const FluflSite *site)
{
  FluflLook look;

  flufl_look_take (&look, site, site->lock_path);
  if (look.sight == FLUFL_SIGHT_FAILED)
    return CLAIM_SILENT;
  return look.sight != FLUFL_SIGHT_NOTHING && flufl_look_is_inode (&look, claim->dev, claim->ino)
             ? CLAIM_LINKED
             : CLAIM_SINGLE;
}

static FluflOutcome
classify_link_error (const FluflSite *site, int errsv)
{
  switch (errsv)
    {
    case EEXIST:
      return FLUFL_OUTCOME_BUSY;
    case EPERM:
    case EMLINK:
    case EXDEV:
    case ENOSYS:
    case EOPNOTSUPP:
#if ENOTSUP != EOPNOTSUPP
    case ENOTSUP:
#endif
      return FLUFL_OUTCOME_UNSUPPORTED;
    case ENOENT: /* although the claim is there */
      return FLUFL_OUTCOME_UNSURE;
    default:
      return flufl_site_is_passing (site, errsv) ? FLUFL_OUTCOME_UNSURE : FLUFL_OUTCOME_FAILED;
    }
}

/*
 * flufl_claim_link:
 *
 * One try at making the claim the lock.
 *
 * Returns: HELD; BUSY; UNSURE; LOST if the claim is gone, and cleared;
 *   UNSUPPORTED or FAILED, with the claim still there
 */
FluflOutcome
flufl_claim_link (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  ClaimSight sight;
  struct stat st;
  int errsv = 0;

  if (site->sys->link (claim->path, site->lock_path) == 0)
    {
      /* Within a tenth of the lifetime nothing can have expired, and where
       * link counts are known to be right there is nothing to see. */
      if (flufl_site_fs_kind (site) != FLUFL_FS_OTHER && lease_is_young (claim, site, 10))
        return FLUFL_OUTCOME_HELD;
      return confirm (claim, site, TRUE, out_errsv);
    }

  /* A reply can get lost after the server made the link; the resend then
   * fails. Our claim's link count is the only witness, whatever the errno. */
  *out_errsv = errno;
  sight = see_claim (claim, site, &st, &errsv);
  if (sight == CLAIM_LINKED)
    sight = see_lock (claim, site);
  switch (sight)
    {
    case CLAIM_LINKED:
      return confirm (claim, site, FALSE, out_errsv);
    case CLAIM_SILENT:
      claim->unsure = TRUE;
      return FLUFL_OUTCOME_UNSURE;
    case CLAIM_GONE:
      if (errsv != 0)
        {
          /* So it was said. Should it be there, nobody else would remove it,
           * and it may be the lock. */
          claim->unsure = TRUE;
          flufl_claim_abandon (claim, site);
        }
      flufl_claim_clear (claim);
      return FLUFL_OUTCOME_LOST;
    case CLAIM_SINGLE:
    default:
      /* A request that timed out may still be carried out. */
      claim->unsure = *out_errsv != EEXIST && flufl_site_is_passing (site, *out_errsv);
      /* Who waits says by its name since when, where others queue by it. */
      if (claim->named_ahead && claim->line != NULL && !claim->unsure)
        {
          site->name_ahead = FALSE;
          flufl_claim_abandon (claim, site);
          return FLUFL_OUTCOME_LOST;
        }
      return classify_link_error (site, *out_errsv);
    }
}
