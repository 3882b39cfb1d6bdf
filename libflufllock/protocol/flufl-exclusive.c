/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The steps of a claim whose lock is created exclusively: docs/without-links.md. The lock file is a
 * file of its own. Its content names the claim, and its mtime is the expiration.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-private.h"
#include "flufl-claim-steps.h"
#include "flufl-exclusive-name.h"

static const char *
name_of (const FluflClaim *claim)
{
  return strrchr (claim->path, '/') + 1;
}

static gboolean
is_late (const FluflSite *site, gint64 start)
{
  return flufl_claim_boot_now (site) - start > FLUFL_GRACE / 2;
}

/* Whether the file is there. lstat(2) may be answered by an old cache, open(2) is not. */
static FluflClaimSight
see_file (FluflSite *site, const char *path, int *out_errsv)
{
  int fd = site->sys->open (path, FLUFL_OPEN_LOOK);

  if (fd >= 0)
    {
      site->sys->close (fd);
      return FLUFL_CLAIM_SINGLE;
    }
  *out_errsv = errno;
  return flufl_claim_is_gone (*out_errsv) ? FLUFL_CLAIM_GONE : FLUFL_CLAIM_SILENT;
}

/*
 * flufl_exclusive_complete:
 * @fd: of the new claim
 *
 * Writes the claim's line and reads the server's clock off its mtime, which nobody has set yet.
 *
 * Returns: 0; an errno with nothing left
 */
int
flufl_exclusive_complete (FluflClaim *claim, FluflSite *site, int fd, gint64 lifetime)
{
  g_autofree char *line = flufl_exclusive_line (site, name_of (claim));
  const FluflSyscalls *sys = site->sys;
  int errsv = 0;
  FluflStat st;

  claim->lifetime = lifetime;
  claim->lease_start = flufl_claim_boot_now (site);
  claim->touched = sys->clock (FLUFL_CLOCK_REAL);
  if (flufl_claim_write (site, fd, line, strlen (line)) != 0 || sys->fstat (fd, &st) != 0)
    errsv = errno;
  else
    {
      claim->dev = st.dev;
      claim->ino = st.ino;
      flufl_claim_compare_clocks (claim, site, st.mtime);
    }
  if (claim->line == NULL && sys->close (fd) != 0 && errsv == 0 && errno != EINTR)
    errsv = errno;
  if (errsv != 0)
    sys->unlink (claim->path);
  return errsv;
}

/* A claim that waits does not expire. But a person may have deleted it. */
FluflOutcome
flufl_exclusive_keep_fresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  claim->lifetime = lifetime;
  switch (see_file (site, claim->path, out_errsv))
    {
    case FLUFL_CLAIM_GONE:
      flufl_claim_abandon (claim, site);
      return FLUFL_OUTCOME_LOST;
    case FLUFL_CLAIM_SILENT:
      return flufl_site_is_passing (site, *out_errsv) ? FLUFL_OUTCOME_UNSURE : FLUFL_OUTCOME_FAILED;
    case FLUFL_CLAIM_LINKED:
    case FLUFL_CLAIM_SINGLE:
    default:
      return FLUFL_OUTCOME_READY;
    }
}

/* Looks whether the lock file names the claim.
 *
 * Returns: LINKED, GONE or SILENT. A blank lock file is no answer: a cache may show it cut */
static FluflClaimSight
see_lock (const FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  FluflLook look;

  flufl_look_take (&look, site, site->lock_path);
  if (flufl_claim_is_lock (claim, &look))
    return FLUFL_CLAIM_LINKED;
  *out_errsv = look.errsv != 0 ? look.errsv : EAGAIN;
  return look.sight == FLUFL_SIGHT_FAILED || look.sight == FLUFL_SIGHT_UNREADABLE
                 || look.sight == FLUFL_SIGHT_BLANK
             ? FLUFL_CLAIM_SILENT
             : FLUFL_CLAIM_GONE;
}

/* Looks whether the lock is still ours: no breaker has made a mark, and the lock file names the claim.
 * In this order, since a breaker tidies its mark up once the lock file is gone.
 *
 * Returns: LINKED, GONE or SILENT */
static FluflClaimSight
see_held (const FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  g_autofree char *mark = flufl_exclusive_mark_path (site, name_of (claim), 1);

  switch (see_file (site, mark, out_errsv))
    {
    case FLUFL_CLAIM_GONE:
      return see_lock (claim, site, out_errsv);
    case FLUFL_CLAIM_SILENT:
      return FLUFL_CLAIM_SILENT;
    case FLUFL_CLAIM_LINKED:
    case FLUFL_CLAIM_SINGLE:
    default:
      return FLUFL_CLAIM_GONE;
    }
}

FluflOutcome
flufl_exclusive_check (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  FluflClaimSight sight = see_held (claim, site, out_errsv);

  if (sight == FLUFL_CLAIM_LINKED)
    sight = see_file (site, claim->path, out_errsv);
  if (sight == FLUFL_CLAIM_SILENT)
    return FLUFL_OUTCOME_UNSURE;
  return sight == FLUFL_CLAIM_GONE ? FLUFL_OUTCOME_LOST : FLUFL_OUTCOME_HELD;
}

/* Touches the lock file, and sees only then that it is ours. The claim is touched last: a breaker
 * removes it before its second look at the lock file, so either that look sees the new mtime, or this
 * touch fails. */
FluflOutcome
flufl_exclusive_refresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  FluflClaim before = *claim;
  gint64 start = flufl_claim_boot_now (site);
  FluflClaimSight sight;

  if (flufl_claim_touch_lock (claim, site, lifetime) != 0)
    {
      *out_errsv = errno;
      sight = flufl_claim_is_gone (*out_errsv) ? FLUFL_CLAIM_GONE : FLUFL_CLAIM_SILENT;
    }
  else
    sight = see_held (claim, site, out_errsv);
  if (sight == FLUFL_CLAIM_LINKED
      && site->sys->utimens (claim->path, claim->expiration, claim->expiration) != 0)
    {
      *out_errsv = errno;
      sight = flufl_claim_is_gone (*out_errsv) ? FLUFL_CLAIM_GONE : FLUFL_CLAIM_SILENT;
    }
  if (sight == FLUFL_CLAIM_LINKED)
    {
      claim->doubtful = claim->unsure = FALSE;
      return FLUFL_OUTCOME_HELD;
    }
  if (sight == FLUFL_CLAIM_GONE)
    return FLUFL_OUTCOME_LOST;
  flufl_claim_keep_shorter_lease (claim, &before, start, lifetime);
  claim->doubtful = TRUE;
  return FLUFL_OUTCOME_UNSURE;
}

/*
 * flufl_exclusive_remove_lock:
 * @start: when the action began
 * @out_removed: (nullable): set to %TRUE if this process removed the file, which may have been gone
 *
 * Unlinks the lock file, again and again while another process has it open and that is in the way.
 *
 * Returns: 0; an errno
 */
int
flufl_exclusive_remove_lock (FluflSite *site, gint64 start, gboolean *out_removed)
{
  int errsv;

  do
    {
      if (site->sys->unlink (site->lock_path) == 0)
        {
          if (out_removed != NULL)
            *out_removed = TRUE;
          return 0;
        }
      errsv = errno;
    }
  while ((errsv == EBUSY || errsv == ETXTBSY || errsv == EINTR) && !is_late (site, start));
  return errsv == ENOENT ? 0 : errsv;
}

/* Removes the lock file of a maker that failed before it was late. Until then nobody else removes it: a
 * blank lock file rests for longer, and one that has a name has not expired, and its maker lives. A
 * person may have deleted it, so this looks first.
 *
 * Returns: whether the lock file is gone */
static gboolean
take_back (const FluflClaim *claim, FluflSite *site, gint64 start)
{
  FluflLook look;

  if (is_late (site, start))
    return FALSE;
  flufl_look_take (&look, site, site->lock_path);
  return (look.sight == FLUFL_SIGHT_BLANK || flufl_claim_is_lock (claim, &look))
         && !is_late (site, start) && flufl_exclusive_remove_lock (site, start, NULL) == 0;
}

/* Gives up a claim whose name may stand in the lock file. Such a name is never published again.
 *
 * @start: before the maker created the lock file */
static FluflOutcome
withdraw (FluflClaim *claim, FluflSite *site, gint64 start, int errsv)
{
  claim->unsure = !take_back (claim, site, start);
  flufl_claim_abandon (claim, site);
  return errsv == 0 || flufl_claim_is_gone (errsv) || flufl_site_is_passing (site, errsv)
             ? FLUFL_OUTCOME_LOST
             : FLUFL_OUTCOME_FAILED;
}

/* sshfs answers EPERM to an exclusive create if the file exists, and gvfs was seen to answer EOPNOTSUPP
 * if the file goes meanwhile. When it is looked at it is gone, and the error seems to be final. This many
 * creates in a row do not all meet another process. EIO is how servers by FUSE report any failure. */
#define CREATE_TRIES 16

static gboolean
may_mean_existing (int errsv)
{
  return errsv == EPERM || errsv == EOPNOTSUPP || errsv == EIO;
}

/* Creates the lock file. The errno of a failure alone does not show whether there is one: see
 * CREATE_TRIES. A lost reply leaves a blank lock file, which is broken like that of a dead maker.
 *
 * Returns: READY; BUSY, UNSURE or FAILED */
static FluflOutcome
create_lock (FluflSite *site, gint64 *out_start, int *out_fd, int *out_errsv)
{
  for (int i = 0; i < CREATE_TRIES; i++)
    {
      FluflLook look;

      *out_start = flufl_claim_boot_now (site);
      *out_fd = site->sys->open (site->lock_path, FLUFL_OPEN_CREATE);
      *out_errsv = *out_fd < 0 ? errno : 0;
      if (*out_fd >= 0)
        return FLUFL_OUTCOME_READY;
      if (*out_errsv == EEXIST)
        return FLUFL_OUTCOME_BUSY;
      flufl_look_take (&look, site, site->lock_path);
      if (look.sight != FLUFL_SIGHT_NOTHING)
        return FLUFL_OUTCOME_BUSY;
      if (!may_mean_existing (*out_errsv))
        break;
    }
  return flufl_site_is_passing (site, *out_errsv) ? FLUFL_OUTCOME_UNSURE : FLUFL_OUTCOME_FAILED;
}

/* Creates the lock file and writes the claim's line. The deadline is that of any action: a breaker
 * leaves a blank lock file alone for the grace. */
FluflOutcome
flufl_exclusive_publish (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  const FluflSyscalls *sys = site->sys;
  g_autofree char *line = flufl_exclusive_line (site, name_of (claim));
  FluflOutcome outcome;
  gint64 start;
  int fd, errsv = 0;

  claim->fresh = FALSE;
  outcome = create_lock (site, &start, &fd, out_errsv);
  if (outcome != FLUFL_OUTCOME_READY)
    return outcome;
  /* The blank lock file is left to others, since a breaker may have looked at it twice by now. It would
   * remove the next lock in its place. The claim's name is not used up. */
  if (is_late (site, start))
    {
      sys->close (fd);
      return FLUFL_OUTCOME_BUSY;
    }
  if (flufl_claim_write (site, fd, line, strlen (line)) != 0)
    errsv = errno;
  if (sys->close (fd) != 0 && errsv == 0 && errno != EINTR)
    errsv = errno;
  if (errsv == 0 && !is_late (site, start))
    {
      if (flufl_claim_touch_lock (claim, site, claim->lifetime) != 0)
        errsv = errno;
      else if (!is_late (site, start))
        return FLUFL_OUTCOME_HELD;
      else
        {
          claim->unsure = TRUE;
          outcome = flufl_exclusive_refresh (claim, site, claim->lifetime, out_errsv);
          if (outcome == FLUFL_OUTCOME_HELD)
            return outcome;
        }
    }
  *out_errsv = errsv;
  return withdraw (claim, site, start, errsv);
}

/*
 * flufl_exclusive_make_mark:
 * @maker: what people read in it; no step depends on that
 *
 * Returns: 0 if nobody else made it; an errno
 */
int
flufl_exclusive_make_mark (FluflSite *site, const char *mark_path, const char *maker)
{
  int fd = site->sys->open (mark_path, FLUFL_OPEN_CREATE);

  if (fd < 0)
    return errno;
  flufl_claim_write (site, fd, maker, strlen (maker));
  site->sys->close (fd);
  return 0;
}

static FluflOutcome
end_release (FluflClaim *claim, FluflSite *site, FluflOutcome outcome)
{
  site->sys->unlink (claim->path);
  flufl_claim_clear (claim);
  return outcome;
}

/* A releaser whose lease is not safe removes the lock file as a breaker does: it first makes the
 * mark, which shows all breakers that somebody is at work. */
static FluflOutcome
release_with_mark (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  g_autofree char *mark = flufl_exclusive_mark_path (site, name_of (claim), 1);
  gint64 start = flufl_claim_boot_now (site);
  FluflClaimSight sight;

  *out_errsv = flufl_exclusive_make_mark (site, mark, name_of (claim));
  if (*out_errsv != 0)
    return end_release (claim, site,
                        *out_errsv == EEXIST ? FLUFL_OUTCOME_LOST : FLUFL_OUTCOME_RELEASED);
  sight = see_lock (claim, site, out_errsv);
  if (sight == FLUFL_CLAIM_SILENT || (sight == FLUFL_CLAIM_LINKED && is_late (site, start)))
    return end_release (claim, site, FLUFL_OUTCOME_RELEASED);
  if (sight == FLUFL_CLAIM_LINKED && flufl_exclusive_remove_lock (site, start, NULL) != 0)
    return end_release (claim, site, FLUFL_OUTCOME_RELEASED);
  /* The lock file does not name the claim any more, and never will. */
  site->sys->unlink (claim->path);
  site->sys->unlink (mark);
  return end_release (claim, site,
                      sight == FLUFL_CLAIM_LINKED ? FLUFL_OUTCOME_RELEASED : FLUFL_OUTCOME_LOST);
}

FluflOutcome
flufl_exclusive_release (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  gint64 start = flufl_claim_boot_now (site);
  FluflClaimSight sight;

  if (claim->doubtful || claim->unsure || !flufl_claim_lease_is_safe (claim, start))
    return release_with_mark (claim, site, out_errsv);
  /* Nobody may break it. A person may have deleted it, and another process may hold a new one. */
  sight = see_lock (claim, site, out_errsv);
  if (sight == FLUFL_CLAIM_GONE)
    return end_release (claim, site, FLUFL_OUTCOME_LOST);
  if (sight == FLUFL_CLAIM_LINKED
      && (is_late (site, start)
          || !flufl_claim_lease_is_safe (claim, flufl_claim_boot_now (site))))
    return release_with_mark (claim, site, out_errsv);
  if (sight == FLUFL_CLAIM_LINKED)
    {
      *out_errsv = flufl_exclusive_remove_lock (site, start, NULL);
      if (*out_errsv == 0)
        return end_release (claim, site, FLUFL_OUTCOME_RELEASED);
    }
  /* Nothing is known to have changed. */
  claim->doubtful = TRUE;
  return FLUFL_OUTCOME_FAILED;
}
