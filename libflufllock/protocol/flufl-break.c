/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Breaking a lock whose holder is late or dead: docs/protocol.md, "Break" and
 * "Recover". Who unlinks the claim of the lock instance, and nobody else, may
 * unlink the lock file.
 */

#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "flufl-attempt.h"
#include "flufl-holder.h"

/* The time for which an orphan whose life-line is not cut is left to the process that has the
 * life-line: a releaser or a breaker that is slow, or was stopped between its two steps. A process
 * that is stopped there for ever, or a hung holder whose breaker died, would otherwise shut
 * everybody out. After this rest the process counts as delayed for longer than the protocol
 * allows, and the ordinary rules apply. */
#define STALLED_REST (60 * FLUFL_NSEC_PER_SEC)

/* Half of the grace is for the calls after this check. */
static gboolean
action_is_late (const FluflSite *site, const FluflLook *look)
{
  return site->sys->clock (FLUFL_CLOCK_BOOT) - look->taken > FLUFL_GRACE / 2;
}

/* Two clocks must agree before a lock counts as expired, so that one that is wrong breaks
 * nothing. */
static gboolean
is_expired (const FluflSite *site, const FluflLook *look, gint64 server_now)
{
  gint64 now = MIN (server_now, site->sys->clock (FLUFL_CLOCK_REAL));

  return look->mtime < flufl_time_add (now, -FLUFL_SLOP);
}

/* Gives an orphan its claim's name back, so that there is a token to win; all
 * rest for the grace then, since link(2) has renewed the ctime. */
static FluflOutcome
recover (FluflSite       *site,
         const FluflLook *orphan,
         const char      *claim_path,
         FluflFindings   *findings)
{
  FluflLook look;

  if (action_is_late (site, orphan))
    return FLUFL_OUTCOME_BUSY;
  if (site->sys->link (site->lock_path, claim_path) != 0)
    {
      if (errno != EEXIST && errno != ENOENT)
        findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  /* By then the lock file may have been another one, with another claim. */
  flufl_look_take (&look, site, claim_path);
  if (look.sight == FLUFL_SIGHT_FOREIGN
      || (look.sight == FLUFL_SIGHT_CLAIM && strcmp (look.claim.name, orphan->claim.name) != 0))
    site->sys->unlink (claim_path);
  findings->resting = TRUE;
  return FLUFL_OUTCOME_BUSY;
}

/* A lock that was copied without its links, by rsync or from a backup, is two files with one
 * link each. No process of this protocol makes such a pair, and nobody holds it once it has
 * expired and neither file has changed for longer than anybody's action. The copy that has the
 * claim's name is no token; but its removal has one winner, who gives the lock file the name.
 * Then the lock is an ordinary one, and rests anew. */
static FluflOutcome
join_copies (FluflSite       *site,
             const FluflLook *look,
             const char      *claim_path,
             gint64           server_now,
             FluflFindings   *findings)
{
  FluflLook copy;

  flufl_look_take (&copy, site, claim_path);
  if (look->nlink != 1)
    return FLUFL_OUTCOME_BUSY;
  findings->break_errsv = EEXIST;
  if (!findings->expired || !is_expired (site, &copy, server_now) || copy.nlink != 1
      || copy.sight != FLUFL_SIGHT_CLAIM || strcmp (copy.claim.name, look->claim.name) != 0)
    return FLUFL_OUTCOME_BUSY;
  findings->break_errsv = 0;
  findings->resting = TRUE;
  if (flufl_time_since (server_now, MAX (look->ctime, copy.ctime)) < FLUFL_GRACE
      || !flufl_look_is_still_there (look, site, site->lock_path) || action_is_late (site, look))
    return FLUFL_OUTCOME_BUSY;
  if (site->sys->unlink (claim_path) != 0)
    {
      if (errno != ENOENT)
        findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  return recover (site, look, claim_path, findings);
}

/* Recovers without the life-line, if there is one. */
static FluflOutcome
recover_without_line (FluflSite       *site,
                      const FluflLook *orphan,
                      const char      *claim_path,
                      gint64           age,
                      FluflFindings   *findings)
{
  if (flufl_life_line_is_told (site, orphan) && age < STALLED_REST)
    {
      findings->resting = TRUE;
      return FLUFL_OUTCOME_BUSY;
    }
  return recover (site, orphan, claim_path, findings);
}

/* Breaks the lock of a holder whose life-line we have. The kernel keeps every
 * other breaker of this kind out as long as we live, and the holder touches
 * nothing any more: so neither expiry nor rest is needed while the claim is
 * there. An ordinary breaker that won the claim while the holder lived may
 * still stand before its last step, and has no life-line: so an orphan rests. */
static FluflOutcome
break_with_life_line (FluflSite       *site,
                      const FluflLook *look,
                      gint64           server_now,
                      FluflFindings   *findings)
{
  const FluflSyscalls *sys = site->sys;
  g_autofree char *claim_path = flufl_site_path_of (site, look->claim.name);
  gboolean orphan = FALSE;
  struct stat st;

  /* The claim first: if it is gone, the lock file's ctime shows when it went. */
  if (sys->lstat (claim_path, &st) == 0)
    {
      if (!flufl_look_is_inode (look, st.st_dev, st.st_ino))
        return join_copies (site, look, claim_path, server_now, findings);
    }
  else if (errno == ENOENT)
    orphan = TRUE;
  else
    return FLUFL_OUTCOME_BUSY;

  /* Another breaker may have come to its end before we got the life-line. */
  if (sys->lstat (site->lock_path, &st) != 0)
    return errno == ENOENT ? FLUFL_OUTCOME_AGAIN : FLUFL_OUTCOME_BUSY;
  if (!flufl_look_is_inode (look, st.st_dev, st.st_ino) || action_is_late (site, look))
    return FLUFL_OUTCOME_BUSY;

  if (orphan)
    {
      if (flufl_time_since (server_now, FLUFL_STAT_CTIME (&st)) < FLUFL_GRACE)
        {
          findings->resting = TRUE;
          return FLUFL_OUTCOME_BUSY;
        }
      recover (site, look, claim_path, findings);
      /* With its claim back the next look can break it at once. */
      return findings->resting ? FLUFL_OUTCOME_AGAIN : FLUFL_OUTCOME_BUSY;
    }

  if (sys->unlink (claim_path) != 0)
    {
      if (errno != ENOENT)
        findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  /* Somebody to whom this is a network file system sees no life-line. And a person may
   * have deleted the lock file. */
  if (!flufl_look_is_still_there (look, site, site->lock_path) || action_is_late (site, look))
    return FLUFL_OUTCOME_BUSY;
  if (sys->unlink (site->lock_path) != 0 && errno != ENOENT)
    {
      findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  /* A breaker that took it for an orphan may have waited until it needs no life-line, and have
   * given the claim back just now. */
  sys->unlink (claim_path);
  return FLUFL_OUTCOME_AGAIN;
}

/* Whether the lock file, its claim removed by us, is still that of @before. One
 * whose content shows nothing was known by the name that we removed. */
static gboolean
is_same_lock (const FluflLook *again, const FluflLook *before)
{
  if (before->is_blank)
    return again->is_blank && again->sight == FLUFL_SIGHT_FOREIGN;
  if (before->is_closed)
    return again->is_closed && again->sight == FLUFL_SIGHT_UNREADABLE;
  return again->sight == FLUFL_SIGHT_CLAIM && strcmp (again->claim.name, before->claim.name) == 0;
}

static FluflOutcome
take_token_and_break (FluflSite       *site,
                      const FluflLook *look,
                      gint64           server_now,
                      gboolean         dead,
                      FluflFindings   *findings)
{
  gint64 age = flufl_time_since (server_now, look->ctime);
  const FluflSyscalls *sys = site->sys;
  g_autofree char *claim_path = flufl_site_path_of (site, look->claim.name);
  struct stat st;
  FluflLook again;

  if (sys->lstat (claim_path, &st) != 0)
    {
      if (errno != ENOENT)
        return FLUFL_OUTCOME_BUSY;
      /* Most likely somebody has the token since we looked, and goes on. Only what
       * rested without its claim is an orphan. Its link count does not show that: a look
       * is no single moment, and ext4 counts a link less before it sets the ctime.
       * Once the name is gone both are set. */
      flufl_look_take (&again, site, site->lock_path);
      age += look->ctime - again.ctime + again.taken - look->taken;
      if (again.sight != FLUFL_SIGHT_CLAIM || !flufl_look_is_inode (&again, look->dev, look->ino)
          || age < FLUFL_GRACE)
        return FLUFL_OUTCOME_BUSY;
      return recover_without_line (site, look, claim_path, age, findings);
    }
  if (!flufl_look_is_inode (look, st.st_dev, st.st_ino))
    return join_copies (site, look, claim_path, server_now, findings);
  if (look->nlink < 2 || FLUFL_STAT_MTIME (&st) != look->mtime
      || action_is_late (site, look))
    return FLUFL_OUTCOME_BUSY;

  if (sys->unlink (claim_path) != 0)
    {
      /* ENOENT: another breaker's, or our reply was lost; both mend themselves. */
      if (errno != ENOENT && errno != ESTALE)
        findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }

  /* The token is ours. Was the lock refreshed meanwhile, or removed? */
  flufl_look_take (&again, site, site->lock_path);
  if (again.sight == FLUFL_SIGHT_NOTHING)
    return FLUFL_OUTCOME_AGAIN;
  if (!is_same_lock (&again, look) || !flufl_look_is_inode (&again, look->dev, look->ino))
    return FLUFL_OUTCOME_BUSY;
  if (again.mtime != look->mtime && !dead)
    return recover (site, look, claim_path, findings);
  if (!flufl_look_is_still_there (look, site, site->lock_path) || action_is_late (site, look))
    return FLUFL_OUTCOME_BUSY;

  if (sys->unlink (site->lock_path) != 0 && errno != ENOENT)
    {
      findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  return FLUFL_OUTCOME_AGAIN;
}

/* Somebody that looks less often than this has slept, or was stopped, and perhaps the holder
 * with it. */
#define VIGIL_GAP (2 * FLUFL_NSEC_PER_SEC)

gboolean flufl_break_watches = TRUE;

/* Counts for how long the lock was seen unchanged. A holder that lives refreshes its lock before
 * that is a third of its lifetime and a grace; the wall clock, by which the lock expires, may have
 * been stepped, or have gone on while the machine slept.
 *
 * Returns: whether it was for long enough */
static gboolean
keep_vigil (FluflVigil *vigil, const FluflLook *look)
{
  gint64 enough
      = flufl_time_add (FLUFL_GRACE, MAX (flufl_time_since (look->mtime, look->ctime), 0) / 3);
  gint64 gap = look->taken - vigil->last;

  if (!flufl_look_is_inode (look, vigil->dev, vigil->ino) || look->mtime != vigil->mtime
      || look->ctime != vigil->ctime || gap > VIGIL_GAP)
    vigil->since = look->taken;
  vigil->dev = look->dev;
  vigil->ino = look->ino;
  vigil->mtime = look->mtime;
  vigil->ctime = look->ctime;
  vigil->last = look->taken;
  vigil->left = !flufl_break_watches ? 0 : MAX (enough - (look->taken - vigil->since), 0);
  return vigil->left == 0;
}

/* Whether it may be a strange lock between the two steps of its release, when nothing but its
 * content shows that: then it goes within the grace. */
static gboolean
may_be_strange (const FluflLook *look, gint64 server_now)
{
  return look->names_path && flufl_time_since (server_now, look->ctime) < FLUFL_GRACE;
}

/* Whether the look has seen a lock. Otherwise @out_outcome is that of the break. */
static gboolean
is_somebodys_lock (const FluflSite *site, gint64 server_now, FluflFindings *findings,
                   FluflOutcome *out_outcome)
{
  const FluflLook *look = &findings->look;

  switch (look->sight)
    {
    case FLUFL_SIGHT_NOTHING:
      *out_outcome = FLUFL_OUTCOME_AGAIN;
      return FALSE;
    case FLUFL_SIGHT_FOREIGN:
      *out_outcome = may_be_strange (look, server_now) ? FLUFL_OUTCOME_BUSY
                                                       : FLUFL_OUTCOME_NOT_A_LOCK;
      return FALSE;
    case FLUFL_SIGHT_FAILED:
      findings->errsv = look->errsv;
      findings->failed_step = FLUFL_FAILED_LOOK_AT_LOCK;
      *out_outcome = flufl_site_is_passing (site, look->errsv) ? FLUFL_OUTCOME_UNSURE
                                                               : FLUFL_OUTCOME_FAILED;
      return FALSE;
    case FLUFL_SIGHT_UNREADABLE:
    case FLUFL_SIGHT_STRANGE:
    case FLUFL_SIGHT_CLAIM:
    default:
      findings->holder_seen = TRUE;
      return TRUE;
    }
}

/*
 * flufl_break:
 * @claim: ours, freshly touched, so that its ctime shows the file server's clock
 *
 * Looks at the lock file, and breaks it if it has expired, or its holder is
 * proved dead and @break_dead, and it has rested. With the life-line of a dead
 * holder as the proof it need not have rested.
 *
 * Returns: AGAIN if there is nothing in the way any more; BUSY; NOT_A_LOCK;
 *   UNSURE; FAILED
 */
FluflOutcome
flufl_break (FluflClaim *claim, FluflSite *site, gboolean break_dead, FluflFindings *findings)
{
  FluflLook *look = &findings->look;
  FluflLifeLine line;
  FluflOutcome outcome;
  gint64 server_now;
  gboolean dead;
  int fd;

  findings->expired = findings->resting = findings->watched = FALSE;
  findings->stopped = findings->own = FALSE;
  findings->liveness = FLUFL_LIVENESS_UNKNOWN;
  findings->break_errsv = 0;

  flufl_look_open (look, site, site->lock_path, &fd);
  server_now = flufl_claim_server_now (claim, site);
  if (!is_somebodys_lock (site, server_now, findings, &outcome))
    return outcome;

  findings->expired = is_expired (site, look, server_now);

  /* Without its content nobody knows which claim is the token; and what others make of a name
   * of another form is not known. */
  if (look->sight != FLUFL_SIGHT_CLAIM)
    {
      if (findings->expired)
        findings->break_errsv = EACCES;
      return FLUFL_OUTCOME_BUSY;
    }

  /* At every look, even at an expired lock: else a stopped process that keeps
   * the ordinary way from coming to an end would keep this one closed too. */
  line = flufl_holder_ask (site, fd, break_dead || findings->expired ? LOCK_EX : 0, findings);
  if (line == FLUFL_LIFE_LINE_CUT)
    {
      outcome = break_with_life_line (site, look, server_now, findings);
      site->sys->close (fd);
      return outcome;
    }
  if (fd >= 0)
    site->sys->close (fd);

  dead = break_dead && findings->liveness == FLUFL_LIVENESS_DEAD;
  /* Before it expires, too: a waiter that has watched already need not begin then. */
  findings->watched = !keep_vigil (&findings->vigil, look) && findings->expired
                      && line == FLUFL_LIFE_LINE_BUSY;
  if (findings->watched)
    return FLUFL_OUTCOME_BUSY;
  if (!findings->expired && !dead)
    return FLUFL_OUTCOME_BUSY;

  if (flufl_time_since (server_now, look->ctime) < FLUFL_GRACE)
    {
      findings->resting = TRUE;
      return FLUFL_OUTCOME_BUSY;
    }
  return take_token_and_break (site, look, server_now, dead, findings);
}

/* Should its maker die, it is an ordinary claim that waits for nothing. */
#define CLOCK_CLAIM_LIFETIME (15 * FLUFL_NSEC_PER_SEC)

/*
 * flufl_break_with_clock:
 * @clock: without a path at first; a claim that is made for its ctime, which is the file
 *   server's clock, and never linked. The caller gives it up
 *
 * flufl_break() for one who does not want the lock.
 */
FluflOutcome
flufl_break_with_clock (FluflClaim *clock, FluflSite *site, FluflFindings *findings)
{
  FluflOutcome outcome;

  if (clock->path == NULL)
    {
      findings->failed_step = FLUFL_FAILED_CREATE_CLAIM;
      outcome = flufl_claim_create (clock, site, CLOCK_CLAIM_LIFETIME, &findings->errsv);
      if (outcome != FLUFL_OUTCOME_READY)
        return outcome;
    }
  return flufl_break (clock, site, TRUE, findings);
}

/* The claim of the lock that @look saw: its holder then learns that it has lost the lock. */
static void
remove_claim (FluflSite *site, const FluflLook *look)
{
  g_autofree char *claim_path = flufl_site_path_of (site, look->claim.name);

  if (flufl_look_is_still_there (look, site, claim_path))
    site->sys->unlink (claim_path);
}

/* Whether both name a claim, and not the same: inode numbers are used again. */
static gboolean
is_another_lock (const FluflLook *again, const FluflLook *before)
{
  return before->sight == FLUFL_SIGHT_CLAIM && again->sight == FLUFL_SIGHT_CLAIM
         && strcmp (again->claim.name, before->claim.name) != 0;
}

/*
 * flufl_break_force:
 *
 * Removes what is at the lock file's path, whatever that is, without expiry and rest. What
 * comes there later is not removed: the lock may have been handed on since the look.
 *
 * Returns: RELEASED; FAILED
 */
FluflOutcome
flufl_break_force (FluflSite *site, FluflFindings *findings)
{
  FluflLook *look = &findings->look, again;

  flufl_look_take (look, site, site->lock_path);
  findings->failed_step = FLUFL_FAILED_LOOK_AT_LOCK;
  findings->errsv = look->errsv;
  if (look->sight == FLUFL_SIGHT_NOTHING)
    return FLUFL_OUTCOME_RELEASED;
  if (look->sight == FLUFL_SIGHT_FAILED)
    return FLUFL_OUTCOME_FAILED;
  if (look->sight == FLUFL_SIGHT_CLAIM)
    remove_claim (site, look);

  flufl_look_take (&again, site, site->lock_path);
  if (!flufl_look_is_inode (&again, look->dev, look->ino) || is_another_lock (&again, look)
      || !flufl_look_is_still_there (look, site, site->lock_path))
    return FLUFL_OUTCOME_RELEASED;
  if (site->sys->unlink (site->lock_path) != 0 && errno != ENOENT)
    {
      findings->errsv = errno;
      findings->failed_step = FLUFL_FAILED_REMOVE_LOCK;
      return FLUFL_OUTCOME_FAILED;
    }
  return FLUFL_OUTCOME_RELEASED;
}
