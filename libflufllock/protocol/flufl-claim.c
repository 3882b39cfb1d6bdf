/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The steps are those of docs/protocol.md, "Acquire" and "Release".
 */

#include "config.h"

#include "flufl-claim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "flufl-identity.h"
#include "flufl-look.h"

/* Claim names are 48 bits of random and a time: a second try is for a lying
 * server, a third for nothing. */
#define CREATE_TRIES 8

/* The server's clock is followed when it is ahead by more than this; less
 * drowns in the slop, and following would cost every claim a second touch. */
#define CLOCK_TOLERANCE FLUFL_NSEC_PER_SEC

static gboolean
is_gone (int errsv)
{
  return errsv == ENOENT || errsv == ESTALE;
}

static gint64
boot_now (const FluflSite *site)
{
  return site->sys->clock (FLUFL_CLOCK_BOOT);
}

/* Forgets the claim and lets go of its life-line. Never by LOCK_UN: in a forked
 * child that would cut the parent's, closing a copy of its file does not. */
void
flufl_claim_clear (FluflClaim *claim)
{
  if (claim->line != NULL)
    claim->line->close (claim->fd);
  g_free (claim->path);
  memset (claim, 0, sizeof *claim);
}

/* The server's clock, never ahead of what it shows: so nothing is judged as
 * expired or rested too early. */
gint64
flufl_claim_server_now (const FluflClaim *claim, const FluflSite *site)
{
  return flufl_time_add (claim->server_time, boot_now (site) - claim->server_seen);
}

/* How much of the lease is left, in nanoseconds of boot time. */
gint64
flufl_claim_lease_left (const FluflClaim *claim, const FluflSite *site)
{
  return claim->lease_start + claim->lifetime - boot_now (site);
}

/* Without a tenth of the lease left, anybody's next step may come too late. */
static gboolean
lease_is_safe (const FluflClaim *claim, const FluflSite *site)
{
  return flufl_claim_lease_left (claim, site) >= claim->lifetime / 10;
}

static gboolean
lease_is_young (const FluflClaim *claim, const FluflSite *site, int part)
{
  return boot_now (site) - claim->lease_start < claim->lifetime / part;
}

/* Sets mtime to what the later of the two clocks says, plus @lifetime. By the
 * open claim if @fd is one, otherwise by path. */
static int
touch (FluflClaim *claim, FluflSite *site, int fd, gint64 lifetime)
{
  const FluflSyscalls *sys = site->sys;
  gint64 start = boot_now (site);
  gint64 now = sys->clock (FLUFL_CLOCK_REAL);
  gint64 expiration;
  struct timespec times[2];

  if (claim->server_seen != 0 && claim->clock_offset > CLOCK_TOLERANCE)
    now = MAX (now, flufl_claim_server_now (claim, site));
  expiration = flufl_time_add (now, lifetime);
  if (claim->coarse)
    expiration = flufl_time_add (expiration, FLUFL_NSEC_PER_SEC - 1) / FLUFL_NSEC_PER_SEC
                 * FLUFL_NSEC_PER_SEC;

  times[0].tv_sec = times[1].tv_sec = (time_t) (expiration / FLUFL_NSEC_PER_SEC);
  times[0].tv_nsec = times[1].tv_nsec = (long) (expiration % FLUFL_NSEC_PER_SEC);
  if ((fd >= 0 ? sys->futimens (fd, times) : sys->utimens (claim->path, times)) != 0)
    return -1;

  claim->lifetime = lifetime;
  claim->expiration = expiration;
  claim->lease_start = start;
  return 0;
}

/* Reads the server's clock off the ctime that our touch has just made, and
 * whether mtime was stored as we said it; says whether to touch once more. */
static gboolean
learn_from_touch (FluflClaim *claim, FluflSite *site, const struct stat *st)
{
  gboolean again = FALSE;

  claim->server_time = FLUFL_STAT_CTIME (st);
  claim->server_seen = boot_now (site);
  claim->clock_offset
      = flufl_time_since (claim->server_time, site->sys->clock (FLUFL_CLOCK_REAL));

  if (FLUFL_STAT_MTIME (st) < claim->expiration && !claim->coarse)
    again = claim->coarse = TRUE;
  if (flufl_time_add (claim->server_time, claim->lifetime)
      > flufl_time_add (claim->expiration, CLOCK_TOLERANCE))
    again = TRUE;
  return again;
}

/* Makes the claim's content its path. */
static int
write_path (FluflClaim *claim, FluflSite *site, int fd)
{
  gsize length = strlen (claim->path), done = 0;

  while (done < length)
    {
      /* By offset: should an interrupted call have written after all, the same
       * bytes go to the same place again. */
      ssize_t n = site->sys->pwrite (fd, claim->path + done, length - done, (off_t) done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          if (n == 0)
            errno = EIO;
          return -1;
        }
      done += (gsize) n;
    }
  return 0;
}

/* Touches a claim that is not the lock. */
static int
date (FluflClaim *claim, FluflSite *site, int fd, gint64 lifetime, struct stat *st)
{
  if (touch (claim, site, fd, lifetime) != 0 || site->sys->fstat (fd, st) != 0)
    return -1;
  claim->dev = st->st_dev;
  claim->ino = st->st_ino;
  if (learn_from_touch (claim, site, st))
    return touch (claim, site, fd, lifetime);
  return 0;
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

      if (line && site->name_ahead)
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
      if (write_path (claim, site, fd) != 0 || date (claim, site, fd, lifetime, &st) != 0)
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
 * A claim that is kept from one use to the next, and why the arguments of
 * docs/protocol.md hold for it.
 *
 * Its owner lives, which its life-line tells, and its lease is safe when it is
 * let go of. So a breaker that won its name in earnest, seeing the same mtime
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
  gint64 start = boot_now (site);

  if (claim->line == NULL || !lease_is_safe (claim, site) || claim->doubtful || claim->unsure)
    return flufl_claim_release (claim, site, out_errsv);

  if (claim->named_ahead)
    {
      if (site->sys->unlink (site->lock_path) != 0)
        return flufl_claim_release (claim, site, out_errsv);
    }
  else
    {
      if (!rename_ahead (claim, site))
        return flufl_claim_release (claim, site, out_errsv);
      /* The token is won; what goes wrong now is for others to recover. */
      if (boot_now (site) - start > FLUFL_GRACE / 2 || site->sys->unlink (site->lock_path) != 0)
        {
          flufl_claim_abandon (claim, site);
          return FLUFL_OUTCOME_RELEASED;
        }
    }
  claim->parked = TRUE;
  return FLUFL_OUTCOME_RELEASED;
}

/* Makes an idle claim one that can be linked. */
static FluflOutcome
unpark (FluflClaim *claim, FluflSite *site, gint64 lifetime)
{
  struct stat st;

  if ((!claim->renamed || write_path (claim, site, claim->fd) == 0)
      && date (claim, site, claim->fd, lifetime, &st) == 0 && st.st_nlink == 1
      && st.st_size == (off_t) strlen (claim->path))
    {
      claim->parked = claim->renamed = FALSE;
      return FLUFL_OUTCOME_AGAIN;
    }
  flufl_claim_abandon (claim, site);
  return FLUFL_OUTCOME_LOST;
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
    return unpark (claim, site, lifetime);
  if (claim->lifetime == lifetime && lease_is_young (claim, site, 20))
    return FLUFL_OUTCOME_AGAIN;

  if (touch (claim, site, -1, lifetime) == 0 && site->sys->lstat (claim->path, &st) == 0)
    {
      if (!learn_from_touch (claim, site, &st) || touch (claim, site, -1, lifetime) == 0)
        return FLUFL_OUTCOME_AGAIN;
    }

  *out_errsv = errno;
  if (is_gone (*out_errsv))
    {
      flufl_claim_clear (claim);
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
      return is_gone (errno) ? CLAIM_GONE : CLAIM_SILENT;
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

  if (touch (claim, site, -1, lifetime) != 0)
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
  if (learn_from_touch (claim, site, &st) && touch (claim, site, -1, lifetime) != 0)
    goto failed;
  claim->doubtful = claim->unsure = FALSE;
  return FLUFL_OUTCOME_HELD;

failed:
  *out_errsv = errno;
  if (is_gone (*out_errsv))
    return FLUFL_OUTCOME_LOST;
  claim->lifetime = before.lifetime;
  claim->expiration = before.expiration;
  claim->lease_start = before.lease_start;
  claim->doubtful = TRUE;
  return FLUFL_OUTCOME_UNSURE;
}

/* Whether the lock file is our claim, and not only something that was linked
 * or copied from another. */
static gboolean
lock_is_ours (const FluflClaim *claim, const FluflLook *look)
{
  const char *name = strrchr (claim->path, '/') + 1;

  return look->sight == FLUFL_SIGHT_CLAIM && strcmp (look->claim.name, name) == 0;
}

/* link(2) answered 0, but the link count does not say so. Either the lock was
 * broken since, or this file system does not count links, or copies. What was
 * made is removed as in a release: the token first, and not late. */
static FluflOutcome
explain_missing_link (FluflClaim *claim, FluflSite *site)
{
  gint64 start = boot_now (site);
  FluflLook look;
  struct stat st;

  flufl_look_take (&look, site, site->lock_path);
  if (!lock_is_ours (claim, &look) || site->sys->lstat (claim->path, &st) != 0)
    return FLUFL_OUTCOME_LOST;
  if (look.nlink >= 2 && st.st_nlink >= 2)
    return FLUFL_OUTCOME_LOST;
  if (site->sys->unlink (claim->path) != 0)
    return is_gone (errno) ? FLUFL_OUTCOME_LOST : FLUFL_OUTCOME_UNSUPPORTED;
  if (boot_now (site) - start <= FLUFL_GRACE / 2)
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
  struct stat st;
  int errsv;

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
  switch (see_claim (claim, site, &st, &errsv))
    {
    case CLAIM_LINKED:
      return confirm (claim, site, FALSE, out_errsv);
    case CLAIM_SILENT:
      claim->unsure = TRUE;
      return FLUFL_OUTCOME_UNSURE;
    case CLAIM_GONE:
      flufl_claim_clear (claim);
      return FLUFL_OUTCOME_LOST;
    case CLAIM_SINGLE:
    default:
      /* A request that timed out may still be carried out. */
      claim->unsure = *out_errsv != EEXIST && flufl_site_is_passing (site, *out_errsv);
      /* Who waits says by its name since when. */
      if (claim->named_ahead && !claim->unsure)
        {
          site->name_ahead = FALSE;
          flufl_claim_abandon (claim, site);
          return FLUFL_OUTCOME_LOST;
        }
      return classify_link_error (site, *out_errsv);
    }
}

/* Whether nobody else can have the token of a lock file without a claim. If we
 * removed the claim, others must let it rest before they give it back, and again
 * before they take it. If it was gone, only the lease keeps them away. */
static gboolean
token_is_safe (const FluflClaim *claim, const FluflSite *site, gboolean gone, gint64 begun)
{
  return lease_is_safe (claim, site) || (!gone && boot_now (site) - begun < 2 * FLUFL_GRACE);
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
  gint64 begun = boot_now (site), start = begun;
  gboolean safe = lease_is_safe (claim, site);
  gboolean look_first = !safe || claim->doubtful;
  gboolean gone = FALSE;  /* the claim, before we could remove it */

  if (sys->unlink (claim->path) != 0)
    {
      *out_errsv = errno;
      gone = is_gone (*out_errsv);
      if (!gone)
        {
          claim->doubtful = TRUE;
          return FLUFL_OUTCOME_FAILED;
        }
      /* Broken, or done with the reply lost. While the lease still runs nobody
       * may have broken it, so it is ours to finish; later a breaker may stand
       * before its own removal of the lock file. We may have been stopped since
       * the first clock. */
      if (!safe || !lease_is_safe (claim, site))
        {
          flufl_claim_clear (claim);
          return FLUFL_OUTCOME_LOST;
        }
      look_first = TRUE;
    }

  /* A file server may have taken long over the claim. As long as nobody else has
   * the token, nobody else removes the lock file for a whole grace: he must give
   * it a claim first, and let it rest. So the time counts anew from a look that
   * sees it so. */
  while (look_first || boot_now (site) - start > FLUFL_GRACE / 2)
    {
      gboolean late = boot_now (site) - start > FLUFL_GRACE / 2;
      FluflLook look;

      flufl_look_take (&look, site, site->lock_path);
      /* Without content it is ours by its inode, whose claim we have removed. */
      if (!(lock_is_ours (claim, &look) || look.is_blank)
          || !flufl_look_is_inode (&look, claim->dev, claim->ino))
        {
          /* Whoever cannot look must not touch: it stays for others to recover. */
          gboolean blind = look.sight == FLUFL_SIGHT_FAILED || look.sight == FLUFL_SIGHT_UNREADABLE;

          flufl_claim_clear (claim);
          return blind ? FLUFL_OUTCOME_RELEASED : FLUFL_OUTCOME_LOST;
        }
      look_first = FALSE;
      if (late && (look.nlink != 1 || !token_is_safe (claim, site, gone, begun)))
        break;
      if (late)
        start = look.taken;
    }

  /* Otherwise it is left, and others recover it. No answer helps here: a second
   * call could hit somebody's new lock. */
  if (boot_now (site) - start <= FLUFL_GRACE / 2)
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
  else
    site->sys->unlink (claim->path);
  flufl_claim_clear (claim);
}
