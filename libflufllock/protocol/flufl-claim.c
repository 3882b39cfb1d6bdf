/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The steps of docs/protocol.md, "Acquire", "Without hard links" and "Refresh and check".
 */

#include "config.h"

#include "flufl-claim.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-private.h"
#include "flufl-claim-steps.h"
#include "flufl-fs-probe.h"
#include "flufl-identity.h"
#include "flufl-process.h"

/* Claim names have a time and 48 random bits, so none comes twice. The tries are for servers that
 * report EEXIST or EINTR wrongly, and for a life-line that cannot be had. */
#define CREATE_TRIES 8

/* Takes the flock that shows others that this process lives. It is held from before the link until
 * after the release (docs/protocol.md, "Life-line"). */
static gboolean
tie_life_line (FluflClaim *claim, FluflSite *site, int fd)
{
  if (site->sys->flock (fd, FLUFL_LINE_TIE) != 0)
    return FALSE;
  claim->line = site->sys;
  claim->fd = fd;
  claim->line_id = flufl_process_keep_file (fd, site->sys->close);
  return TRUE;
}

/* Whether another claim could have a life-line after this one got none. */
static gboolean
can_retry_line (FluflSite *site, int errsv)
{
  switch (errsv)
    {
    case EWOULDBLOCK: /* somebody came upon the new claim and asks whether we live */
    case EINTR:
      return TRUE;
    case ENOSYS: /* there is no flock(2) here */
    case EOPNOTSUPP:
    case EINVAL:
    case EBADF:
      site->no_life_lines = TRUE;
      return FALSE;
    default: /* temporary, such as ENOLCK: the claim that is made instead has no life-line */
      return FALSE;
    }
}

/*
 * flufl_claim_new_path:
 *
 * Returns: (nullable) (transfer full): the path for a new claim file, or %NULL with errno set
 */
char *
flufl_claim_new_path (const FluflSite *site, FluflMarks marks)
{
  const FluflSyscalls *sys = site->sys;
  gint64 arrival = site->arrival != 0 ? site->arrival : sys->clock (FLUFL_CLOCK_REAL);
  FluflIdentity identity;
  guint64 random;

  if (sys->random (&random, sizeof random) != 0)
    return NULL;
  flufl_identity_get (sys, &identity);
  if (site->host_name != NULL)
    g_strlcpy (identity.host, site->host_name, sizeof identity.host);
  identity.program = site->program_name;
  return flufl_claim_name_build (site->lock_path, site->separator, &identity,
                                 (guint64) arrival, random, marks);
}

/* Sets the claim's path to a new name, of the protocol that the site has now. Returns %FALSE with errno
 * set if no random numbers are available. */
static gboolean
choose_name (FluflClaim *claim, FluflSite *site, gboolean line)
{
  FluflMarks marks = !line ? FLUFL_MARK_NONE : FLUFL_MARK_LIFE_LINE;

  claim->exclusive = site->exclusive;
  if (site->fs_kind == FLUFL_FS_FAT)
    marks |= FLUFL_MARK_SPELLINGS;
  if (claim->exclusive)
    marks |= FLUFL_MARK_EXCLUSIVE;
  else if (site->names_kept && (line || flufl_site_fs_kind (site) == FLUFL_FS_NFS))
    marks |= FLUFL_MARK_KEPT;
  claim->named_kept = (marks & FLUFL_MARK_KEPT) != 0;
  g_free (claim->path);
  claim->path = flufl_claim_new_path (site, marks);
  return claim->path != NULL;
}

/* Whether open(2) fails so before it looks at the path. A removal could then remove only what is
 * not ours. */
static gboolean
precedes_file (int errsv)
{
  return errsv == EMFILE || errsv == ENFILE || errsv == ENOMEM;
}

/* Returns a descriptor of an empty file; -1 with nothing left, and with @out_errsv set. */
static int
make_file (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  const FluflSyscalls *sys = site->sys;
  gboolean wants_line = TRUE;

  for (int i = 0; i < CREATE_TRIES; i++)
    {
      gboolean line = flufl_site_has_life_lines (site) && !site->no_life_lines && wants_line;
      gboolean named = choose_name (claim, site, line);
      int fd = named ? sys->open (claim->path, FLUFL_OPEN_CREATE) : -1;

      *out_errsv = fd < 0 ? errno : 0;
      if (!named)
        return -1;
      if (fd < 0 && *out_errsv == EINTR)
        {
          sys->unlink (claim->path);
          continue;
        }
      if (fd < 0 && *out_errsv != EEXIST)
        {
          /* It may have been made and only the answer lost. */
          if (flufl_site_is_passing (site, *out_errsv) && !precedes_file (*out_errsv))
            sys->unlink (claim->path);
          return -1;
        }
      claim->fresh = TRUE;
      if (fd < 0)
        continue;
      if (!line || tie_life_line (claim, site, fd))
        return fd;
      *out_errsv = errno;
      wants_line = can_retry_line (site, *out_errsv);
      sys->close (fd);
      sys->unlink (claim->path);
    }
  return -1;
}

/* Gives the file content and times. Returns 0; an errno with nothing left. */
static int
complete (FluflClaim *claim, FluflSite *site, int fd, gint64 lifetime)
{
  const FluflSyscalls *sys = site->sys;
  FluflStat st;
  int errsv = 0;

  if (flufl_claim_write_path (claim, site, fd) != 0
      || flufl_claim_touch (claim, site, fd, lifetime) != 0
      || flufl_claim_see_touched (claim, site, fd, lifetime, &st) != 0)
    errsv = errno;
  /* A network file system may report a full disk only when the file is closed. */
  if (claim->line == NULL && sys->close (fd) != 0 && errsv == 0 && errno != EINTR)
    errsv = errno;
  if (errsv != 0)
    sys->unlink (claim->path);
  return errsv;
}

/* Checks whether the file system can have locks.
 *
 * @out_errsv: set unless READY is returned
 *
 * Returns: READY; UNSUPPORTED; FAILED if that cannot be found out */
static FluflOutcome
judge_file_system (FluflSite *site, int *out_errsv)
{
  FluflOutcome outcome = FLUFL_OUTCOME_UNSUPPORTED;
  FluflFsKind kind = flufl_site_fs_kind (site);

  /* On SMB links and link counts are correct. But the removal of one claim may succeed for two
   * processes, which then both remove the lock file. */
  if (kind == FLUFL_FS_SMB || kind == FLUFL_FS_SPLIT || kind == FLUFL_FS_SHORT)
    {
      *out_errsv = EOPNOTSUPP;
      return outcome;
    }
  switch (flufl_fs_probe (site, out_errsv))
    {
    case FLUFL_PROBE_FIT:
      outcome = FLUFL_OUTCOME_READY;
      break;
    case FLUFL_PROBE_UNFIT:
      site->fs_kind = FLUFL_FS_UNFIT;
      *out_errsv = EOPNOTSUPP;
      break;
    case FLUFL_PROBE_FAILED:
    default:
      if (!flufl_claim_is_link_refusal (*out_errsv) || site->fs_kind == FLUFL_FS_LOCAL)
        outcome = FLUFL_OUTCOME_FAILED;
      break;
    }
  return outcome;
}

/*
 * flufl_claim_create:
 *
 * Makes a new claim file next to the lock file, complete before anybody can
 * see it as the lock.
 *
 * Returns: READY when it is there, to be linked; UNSUPPORTED or FAILED with nothing left
 */
FluflOutcome
flufl_claim_create (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  FluflOutcome outcome;
  int fd, errsv = 0;

  g_assert (claim->path == NULL);
  memset (claim, 0, sizeof *claim);
  outcome = judge_file_system (site, out_errsv);
  if (outcome != FLUFL_OUTCOME_READY)
    return outcome;

  fd = make_file (claim, site, &errsv);
  if (fd >= 0)
    errsv = claim->exclusive ? flufl_exclusive_complete (claim, site, fd, lifetime)
                             : complete (claim, site, fd, lifetime);
  if (errsv == 0)
    return FLUFL_OUTCOME_READY;
  flufl_claim_clear (claim);
  *out_errsv = errsv;
  return FLUFL_OUTCOME_FAILED;
}

/*
 * flufl_linked_keep_fresh:
 *
 * To be called before every link that follows a wait: a claim that expired
 * while it waited would be a lock that anybody may break.
 *
 * Returns: READY if the claim may be linked; LOST if it is gone, and cleared;
 *   UNSURE or FAILED
 */
FluflOutcome
flufl_linked_keep_fresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  FluflClaimSight sight;
  FluflStat st;

  if (claim->kept)
    {
      if (!flufl_claim_unpark (claim, site, lifetime))
        {
          flufl_claim_abandon (claim, site);
          return FLUFL_OUTCOME_LOST;
        }
      claim->kept = claim->renamed = FALSE;
      return FLUFL_OUTCOME_READY;
    }
  /* The claim has waited, even if link(2) has not been called yet. Somebody may have replaced the
   * directory since. */
  claim->fresh = FALSE;
  if (claim->lifetime == lifetime && flufl_claim_lease_is_young (claim, site, 20))
    return FLUFL_OUTCOME_READY;

  if (flufl_claim_touch (claim, site, -1, lifetime) != 0)
    *out_errsv = errno;
  else if ((sight = flufl_claim_see (claim, site, &st, out_errsv)) == FLUFL_CLAIM_GONE)
    *out_errsv = ENOENT; /* or another file has its name */
  else if (sight != FLUFL_CLAIM_SILENT)
    {
      if (!flufl_claim_learn (claim, site, &st)
          || flufl_claim_touch (claim, site, -1, lifetime) == 0)
        return FLUFL_OUTCOME_READY;
      *out_errsv = errno;
    }

  if (flufl_claim_is_gone (*out_errsv))
    {
      /* Unlink the claim in case the answer was wrong: no other process removes it. */
      flufl_claim_abandon (claim, site);
      return FLUFL_OUTCOME_LOST;
    }
  return flufl_site_is_passing (site, *out_errsv) ? FLUFL_OUTCOME_UNSURE : FLUFL_OUTCOME_FAILED;
}

/* Whether the claim is the lock. Reads only. */
FluflOutcome
flufl_linked_check (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  FluflStat st;

  switch (flufl_claim_see_held (claim, site, &st, out_errsv))
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

/* A refresh that began at @start may have been carried out, or not. Of the lease that ran
 * and the one that may be on disk now, the shorter counts. */
void
flufl_claim_keep_shorter_lease (FluflClaim *claim, const FluflClaim *before, gint64 start,
                                gint64 lifetime)
{
  if (start + lifetime < before->lease_start + before->lifetime)
    {
      claim->lifetime = lifetime;
      claim->lease_start = start;
      return;
    }
  claim->lifetime = before->lifetime;
  claim->expiration = before->expiration;
  claim->lease_start = before->lease_start;
}

/* Touches the claim, and sees only then whether it is still the lock. The lease that starts with
 * the touch therefore belongs to a lock that this process has. The touch goes by the claim's name,
 * and not by the open file, since it must fail once a breaker has removed the name. Where the lock
 * is not seen, the lease that ran goes on, unless the new one is shorter. */
FluflOutcome
flufl_linked_refresh (FluflClaim *claim, FluflSite *site, gint64 lifetime, int *out_errsv)
{
  FluflClaim before = *claim;
  gint64 start = flufl_claim_boot_now (site);
  FluflStat st;

  if (flufl_claim_touch (claim, site, -1, lifetime) != 0)
    goto failed;
  switch (flufl_claim_see_held (claim, site, &st, out_errsv))
    {
    case FLUFL_CLAIM_LINKED:
      break;
    case FLUFL_CLAIM_SILENT:
      errno = *out_errsv;
      goto failed;
    case FLUFL_CLAIM_SINGLE:
    case FLUFL_CLAIM_GONE:
    default:
      return FLUFL_OUTCOME_LOST;
    }
  if (flufl_claim_learn (claim, site, &st)
      && flufl_claim_touch (claim, site, -1, lifetime) != 0)
    goto failed;
  /* With links that others made the count shows nothing: see flufl_claim_release(). */
  claim->doubtful = st.nlink > 2;
  claim->unsure = FALSE;
  return FLUFL_OUTCOME_HELD;

failed:
  *out_errsv = errno;
  if (flufl_claim_is_gone (*out_errsv))
    return FLUFL_OUTCOME_LOST;
  flufl_claim_keep_shorter_lease (claim, &before, start, lifetime);
  claim->doubtful = TRUE;
  return FLUFL_OUTCOME_UNSURE;
}

/* docs/protocol.md, "Without hard links": link(2) answered 0, but the disk does not show it. */
static FluflOutcome
explain_missing_link (FluflClaim *claim, FluflSite *site)
{
  gint64 start = flufl_claim_boot_now (site);
  FluflLook look;
  FluflStat st;

  flufl_look_take (&look, site, site->lock_path);
  if (!flufl_claim_is_lock (claim, &look) || site->sys->lstat (claim->path, &st) != 0)
    return FLUFL_OUTCOME_LOST;
  if (look.nlink >= 2 && st.nlink >= 2 && flufl_look_is_inode (&look, st.dev, st.ino))
    return FLUFL_OUTCOME_LOST;
  if (site->sys->unlink (claim->path) != 0)
    return flufl_claim_is_gone (errno) ? FLUFL_OUTCOME_LOST : FLUFL_OUTCOME_UNSUPPORTED;
  if (flufl_look_is_still_there (&look, site, site->lock_path)
      && flufl_claim_boot_now (site) - start <= FLUFL_GRACE / 2)
    site->sys->unlink (site->lock_path);
  return FLUFL_OUTCOME_UNSUPPORTED;
}

static FluflOutcome
confirm (FluflClaim *claim, FluflSite *site, gboolean linked, int *out_errsv)
{
  FluflOutcome outcome;

  claim->unsure = TRUE;
  outcome = flufl_linked_refresh (claim, site, claim->lifetime, out_errsv);
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

/* Checks whether the errno means that the file system or a sandbox has no hard links. */
gboolean
flufl_claim_is_link_refusal (int errsv)
{
  switch (errsv)
    {
    case EPERM:
    case EMLINK:
    case EXDEV:
    case ENOSYS:
    case EOPNOTSUPP:
#if ENOTSUP != EOPNOTSUPP
    case ENOTSUP:
#endif
      return TRUE;
    default:
      return FALSE;
    }
}

static FluflOutcome
classify_link_error (FluflSite *site, int errsv)
{
  if (errsv == EEXIST)
    return FLUFL_OUTCOME_BUSY;
  /* Local file systems have hard links, so there it is an ordinary error. */
  if (flufl_claim_is_link_refusal (errsv) && flufl_site_fs_kind (site) != FLUFL_FS_LOCAL)
    return FLUFL_OUTCOME_UNSUPPORTED;
  if (errsv == ENOENT) /* although the claim is there */
    return FLUFL_OUTCOME_UNSURE;
  return flufl_site_is_passing (site, errsv) ? FLUFL_OUTCOME_UNSURE : FLUFL_OUTCOME_FAILED;
}

/* Checks that link(2) linked the claim that this process created, and not a copy in a directory
 * that replaced the lock's. With a life-line, fstat(2) on the open file shows the link count.
 * Otherwise lstat(2) does. With more than two links, the lock file decides. */
static FluflClaimSight
see_old_claim (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  FluflClaimSight sight = FLUFL_CLAIM_LINKED;
  FluflStat st;

  if (claim->line == NULL)
    sight = flufl_claim_see (claim, site, &st, out_errsv);
  else if (site->sys->fstat (claim->fd, &st) != 0)
    sight = FLUFL_CLAIM_SILENT;
  if (sight != FLUFL_CLAIM_LINKED)
    return sight;
  if (st.nlink < 2)
    return FLUFL_CLAIM_GONE;
  if (st.nlink > 2)
    {
      claim->doubtful = TRUE;
      return flufl_claim_see_lock (claim, site, out_errsv);
    }
  return FLUFL_CLAIM_LINKED;
}

/* Finds out what link(2) did that returned 0. The result is confirmed if the kind of the file
 * system is unknown, or if the last touch began a tenth of the lifetime ago. */
static FluflOutcome
see_linked (FluflClaim *claim, FluflSite *site, gboolean fresh, int *out_errsv)
{
  FluflClaimSight sight = FLUFL_CLAIM_LINKED;

  if (flufl_site_fs_kind (site) == FLUFL_FS_OTHER
      || !flufl_claim_lease_is_young (claim, site, 10))
    return confirm (claim, site, TRUE, out_errsv);
  if (!fresh)
    sight = see_old_claim (claim, site, out_errsv);
  switch (sight)
    {
    case FLUFL_CLAIM_LINKED:
      return FLUFL_OUTCOME_HELD;
    case FLUFL_CLAIM_SILENT:
      return confirm (claim, site, TRUE, out_errsv);
    case FLUFL_CLAIM_SINGLE:
    case FLUFL_CLAIM_GONE:
    default:
      claim->unsure = TRUE;
      flufl_claim_abandon (claim, site);
      return FLUFL_OUTCOME_LOST;
    }
}

/*
 * flufl_linked_publish:
 *
 * One try at making the claim the lock.
 *
 * Returns: HELD; BUSY; UNSURE; LOST if the claim is gone, and cleared;
 *   UNSUPPORTED or FAILED, with the claim still there
 */
FluflOutcome
flufl_linked_publish (FluflClaim *claim, FluflSite *site, int *out_errsv)
{
  gboolean fresh = claim->fresh;
  FluflClaimSight sight;
  FluflLook look;
  FluflStat st;
  int errsv = 0;

  claim->fresh = FALSE;
  if (site->sys->link (claim->path, site->lock_path) == 0)
    return see_linked (claim, site, fresh, out_errsv);

  /* The reply may have been lost after the server made the link. Two links on the claim are a hint,
   * and a look at the lock file decides. */
  *out_errsv = errno;
  sight = flufl_claim_see (claim, site, &st, &errsv);
  if (sight == FLUFL_CLAIM_LINKED)
    {
      sight = flufl_claim_look_at_lock (claim, site, &look);
      if (sight == FLUFL_CLAIM_GONE)
        sight = FLUFL_CLAIM_SINGLE;
    }
  switch (sight)
    {
    case FLUFL_CLAIM_LINKED:
      return confirm (claim, site, FALSE, out_errsv);
    case FLUFL_CLAIM_SILENT:
      claim->unsure = TRUE;
      return FLUFL_OUTCOME_UNSURE;
    case FLUFL_CLAIM_GONE:
      if (errsv != 0)
        {
          /* The server reports that the claim is gone. If that is wrong, nobody else removes the
           * claim, and it may be the lock. */
          claim->unsure = TRUE;
          flufl_claim_abandon (claim, site);
        }
      flufl_claim_clear (claim);
      return FLUFL_OUTCOME_LOST;
    case FLUFL_CLAIM_SINGLE:
    default:
      /* A request that timed out may still be carried out. */
      claim->unsure = *out_errsv != EEXIST && flufl_site_is_passing (site, *out_errsv);
      /* The name of a waiter's claim shows its arrival, by which others queue. The T of a claim
       * with the tag K does not, so this claim is replaced. */
      if (claim->named_kept && claim->line != NULL && !claim->unsure)
        {
          site->names_kept = FALSE;
          flufl_claim_abandon (claim, site);
          return FLUFL_OUTCOME_LOST;
        }
      return classify_link_error (site, *out_errsv);
    }
}
