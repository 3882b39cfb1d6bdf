/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Breaking a lock that is overdue or whose holder is dead, by the protocol with hard links (“linked”):
 * docs/protocol.md, "Break", "Recover", "Copied locks", "Watching before breaking" and "Life-line".
 * flufl_break() in flufl-claim-steps.c chooses the protocol. In this file only the process that unlinked
 * the claim of a lock unlinks the lock file, except by force.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-attempt.h"
#include "flufl-break-private.h"
#include "flufl-claim-private.h"
#include "flufl-claim-steps.h"
#include "flufl-holder.h"

/* How long an orphan is left alone if its claim had a life-line that is not cut:
 * docs/protocol.md, "Life-line". */
#define STALLED_REST (60 * FLUFL_NSEC_PER_SEC)

/* Whether too little of the grace is left to act on @look. Half of the grace is reserved for the
 * system calls after this check. */
static gboolean
is_out_of_time (const FluflSite *site, const FluflLook *look)
{
  return site->sys->clock (FLUFL_CLOCK_BOOT) - look->taken > FLUFL_GRACE / 2;
}

/* Unlinks the lock file. It may be gone already, by another process or after a lost reply. */
static gboolean
unlink_lock (FluflSite *site, FluflFindings *findings)
{
  if (site->sys->unlink (site->lock_path) == 0)
    findings->broken = TRUE;
  else if (!flufl_claim_is_gone (errno))
    return FALSE;
  return TRUE;
}

/* Links the lock file of an orphan to the claim's name again, so that there is a token to win.
 * link(2) renews the ctime, so every breaker that does not have the orphan's life-line then waits
 * for the grace.
 *
 * Returns: whether this process made the link */
static gboolean
recover (FluflSite       *site,
         const FluflLook *orphan,
         const char      *claim_path,
         FluflFindings   *findings)
{
  FluflLook look;

  if (is_out_of_time (site, orphan))
    return FALSE;
  if (site->sys->link (site->lock_path, claim_path) != 0)
    {
      if (errno != EEXIST && !flufl_claim_is_gone (errno))
        findings->break_errsv = errno;
      return FALSE;
    }
  /* The lock file may have been replaced before link(2), and may belong to another claim. */
  flufl_look_take (&look, site, claim_path);
  if (look.sight == FLUFL_SIGHT_FOREIGN
      || (look.sight == FLUFL_SIGHT_CLAIM && strcmp (look.claim.name, orphan->claim.name) != 0))
    site->sys->unlink (claim_path);
  findings->resting = TRUE;
  return TRUE;
}

/* docs/protocol.md, "Copied locks". Only one process can remove the copied claim, so only one links
 * the lock file to the claim's name. */
static FluflOutcome
replace_copied_claim (FluflSite       *site,
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
  if (!findings->overdue || !flufl_look_is_overdue (&copy, site, server_now) || copy.nlink != 1
      || copy.sight != FLUFL_SIGHT_CLAIM || strcmp (copy.claim.name, look->claim.name) != 0)
    return FLUFL_OUTCOME_BUSY;
  findings->break_errsv = 0;
  findings->resting = TRUE;
  if (flufl_time_since (server_now, MAX (look->ctime, copy.ctime)) < FLUFL_GRACE
      || !flufl_look_is_still_there (look, site, site->lock_path) || is_out_of_time (site, look))
    return FLUFL_OUTCOME_BUSY;
  if (site->sys->unlink (claim_path) != 0)
    {
      if (!flufl_claim_is_gone (errno))
        findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  recover (site, look, claim_path, findings);
  return FLUFL_OUTCOME_BUSY;
}

/* Recovers an orphan whose life-line this process does not have. */
static FluflOutcome
recover_without_line (FluflSite       *site,
                      const FluflLook *orphan,
                      const char      *claim_path,
                      gint64           age,
                      FluflFindings   *findings)
{
  if (flufl_life_line_is_known (site, orphan) && age < STALLED_REST)
    {
      findings->resting = TRUE;
      findings->rest = STALLED_REST;
      return FLUFL_OUTCOME_BUSY;
    }
  recover (site, orphan, claim_path, findings);
  return FLUFL_OUTCOME_BUSY;
}

/* docs/protocol.md, "Life-line", "Breaking": this process has the holder's life-line. */
static FluflOutcome
break_with_life_line (FluflSite       *site,
                      const FluflLook *look,
                      gint64           server_now,
                      FluflFindings   *findings)
{
  const FluflSyscalls *sys = site->sys;
  g_autofree char *claim_path = flufl_site_path_of (site, look->claim.name);
  gboolean orphan = FALSE;
  FluflStat st;

  /* The claim is looked at before the lock file. If the claim does not exist, the lock file's ctime
   * shows when the claim was removed. */
  if (sys->lstat (claim_path, &st) == 0)
    {
      if (!flufl_look_is_inode (look, st.dev, st.ino))
        return replace_copied_claim (site, look, claim_path, server_now, findings);
    }
  else if (errno == ENOENT)
    orphan = TRUE;
  else
    return FLUFL_OUTCOME_BUSY;

  /* Another breaker may have finished before this process got the life-line. */
  if (sys->lstat (site->lock_path, &st) != 0)
    return errno == ENOENT ? FLUFL_OUTCOME_AGAIN : FLUFL_OUTCOME_BUSY;
  if (!flufl_look_is_inode (look, st.dev, st.ino) || is_out_of_time (site, look))
    return FLUFL_OUTCOME_BUSY;

  if (orphan)
    {
      if (flufl_time_since (server_now, st.ctime) < FLUFL_GRACE)
        {
          findings->resting = TRUE;
          return FLUFL_OUTCOME_BUSY;
        }
      /* If the orphan has its claim again, the next look can break the lock at once. */
      return recover (site, look, claim_path, findings) ? FLUFL_OUTCOME_AGAIN : FLUFL_OUTCOME_BUSY;
    }

  if (sys->unlink (claim_path) != 0)
    {
      if (!flufl_claim_is_gone (errno))
        findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  /* The lock file may be another one by now. A machine for which this is a network file system sees
   * no life-line, and may have broken the lock. A person may have deleted the lock file. */
  if (!flufl_look_is_still_there (look, site, site->lock_path) || is_out_of_time (site, look))
    return FLUFL_OUTCOME_BUSY;
  if (!unlink_lock (site, findings))
    {
      findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  /* Another breaker may have taken the lock for an orphan, and may just have linked the claim
   * again. That claim is removed, too. */
  sys->unlink (claim_path);
  return FLUFL_OUTCOME_AGAIN;
}

/* Whether the lock file is still that of @before, whose claim this process has removed. A lock
 * without readable content was recognized by that claim. */
static gboolean
is_same_lock (const FluflLook *again, const FluflLook *before)
{
  if (before->is_blank)
    return again->is_blank && again->sight == FLUFL_SIGHT_FOREIGN;
  if (before->is_hidden)
    return again->is_hidden && again->sight == FLUFL_SIGHT_UNREADABLE;
  return again->sight == FLUFL_SIGHT_CLAIM && strcmp (again->claim.name, before->claim.name) == 0;
}

gboolean flufl_break_keeps_vigil = TRUE; /* only tests set it to FALSE */

/* The longest time between two looks of one observed rest. With this gap, and through a cache that is up
 * to a second old, at least one look sees a state that lasts for the grace. */
gint64 flufl_break_rest_gap = FLUFL_GRACE / 2;

/*
 * flufl_break_observe:
 * @look: one that has seen something
 *
 * Returns: for how long this process has seen the lock unchanged, in nanoseconds of boot time. On an
 *   *other* file system, which is not trusted, for how long it has seen lock and claim unchanged
 */
gint64
flufl_break_observe (const FluflSite *site, FluflFindings *findings, const FluflLook *look)
{
  gint64 facts[FLUFL_OBSERVATION_FACTS] = { (gint64) look->dev, (gint64) look->ino, look->mtime,
                                            look->ctime, (gint64) look->nlink, look->size };
  gboolean trusted = flufl_site_is_trusted (site);
  const char *who = look->sight == FLUFL_SIGHT_CLAIM ? look->claim.name : "";
  g_autofree char *claim_path = NULL;
  FluflStat st;

  if (!trusted && who[0] != '\0')
    {
      claim_path = flufl_site_path_of (site, who);
      if (site->sys->lstat (claim_path, &st) != 0)
        facts[6] = errno;
      else
        {
          facts[7] = (gint64) st.ino;
          facts[8] = st.mtime;
          facts[9] = st.ctime;
          facts[10] = (gint64) st.nlink;
          facts[11] = st.size;
        }
    }
  return flufl_observe (&findings->seen, site, who, facts, G_N_ELEMENTS (facts), look->taken,
                        trusted ? FLUFL_OBSERVATION_WATCH_GAP : flufl_break_rest_gap);
}

/* How long an overdue lock is watched: docs/protocol.md, "Watching before breaking", and
 * docs/filesystems.md, "The observed rest". */
static gint64
vigil_for (const FluflClaim *claim, const FluflSite *site, const FluflLook *look)
{
  gint64 lifetime = MAX (flufl_time_since (look->mtime, look->ctime), 0);

  if (!flufl_break_keeps_vigil)
    return 0;
  if (flufl_site_is_trusted (site))
    return flufl_time_add (FLUFL_GRACE, lifetime / 3);
  /* As the ctime, ceph-fuse shows the later of ctime and mtime. So the holder's lifetime cannot be seen. */
  if (look->ctime == look->mtime)
    lifetime = claim->lifetime;
  return flufl_time_add (FLUFL_GRACE, lifetime);
}

/* How much of the rest is left, in nanoseconds: docs/protocol.md, "Grace", and docs/filesystems.md, "The
 * observed rest". */
static gint64
rest_left (const FluflSite *site, const FluflLook *look, gint64 server_now, gint64 unchanged)
{
  gint64 left = flufl_time_since (FLUFL_GRACE, flufl_time_since (server_now, look->ctime));

  if (flufl_site_is_trusted (site))
    return left;
  /* A ctime that equals the mtime is the expiration, as ceph-fuse shows it, and says nothing of the rest. */
  if (look->ctime == look->mtime)
    left = 0;
  return MAX (left, FLUFL_GRACE - unchanged);
}

static FluflOutcome
take_token_and_break (FluflSite       *site,
                      const FluflLook *look,
                      gint64           server_now,
                      gboolean         breaks_dead,
                      FluflFindings   *findings)
{
  const FluflSyscalls *sys = site->sys;
  g_autofree char *claim_path = flufl_site_path_of (site, look->claim.name);
  FluflStat st;
  FluflLook again;
  gint64 left;

  if (sys->lstat (claim_path, &st) != 0)
    {
      if (errno != ENOENT)
        return FLUFL_OUTCOME_BUSY;
      /* A look is not a single moment, and ext4 lowers the link count before it sets the ctime.
       * Once the name is gone, both are set, so a second look shows the right ctime. */
      flufl_look_take (&again, site, site->lock_path);
      left = rest_left (site, &again, flufl_time_add (server_now, again.taken - look->taken),
                        flufl_break_observe (site, findings, &again));
      if (again.sight != FLUFL_SIGHT_CLAIM || !flufl_look_is_inode (&again, look->dev, look->ino)
          || left > 0)
        return FLUFL_OUTCOME_BUSY;
      return recover_without_line (site, look, claim_path, flufl_time_since (FLUFL_GRACE, left), findings);
    }
  if (!flufl_look_is_inode (look, st.dev, st.ino))
    return replace_copied_claim (site, look, claim_path, server_now, findings);
  if (look->nlink < 2 || st.mtime != look->mtime
      || is_out_of_time (site, look))
    return FLUFL_OUTCOME_BUSY;

  if (sys->unlink (claim_path) != 0)
    {
      /* If it is gone, another breaker removed it, or the reply was lost. The next look decides. */
      if (!flufl_claim_is_gone (errno))
        findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }

  /* The token is ours. Was the lock refreshed meanwhile, or removed? */
  flufl_look_take (&again, site, site->lock_path);
  if (again.sight == FLUFL_SIGHT_NOTHING)
    return FLUFL_OUTCOME_AGAIN;
  if (!is_same_lock (&again, look) || !flufl_look_is_inode (&again, look->dev, look->ino))
    return FLUFL_OUTCOME_BUSY;
  if (again.mtime != look->mtime && !breaks_dead)
    {
      recover (site, look, claim_path, findings);
      return FLUFL_OUTCOME_BUSY;
    }
  if (!flufl_look_is_still_there (look, site, site->lock_path) || is_out_of_time (site, look))
    return FLUFL_OUTCOME_BUSY;

  if (!unlink_lock (site, findings))
    {
      findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  return FLUFL_OUTCOME_AGAIN;
}

/* Whether this may be a passing state, after which the path shows a lock or nothing. The file of a
 * strange lock between the two steps of its release disappears within the grace. A new lock looks
 * empty while a client's cache has the size of the claim from before the path was written. */
static gboolean
may_be_passing (const FluflSite *site, const FluflLook *look, gint64 server_now, gint64 unchanged)
{
  gboolean young = flufl_time_since (server_now, look->ctime) < FLUFL_GRACE;

  if (flufl_site_is_trusted (site) || site->exclusive)
    return young && look->names_path;
  return unchanged < FLUFL_GRACE && (look->names_path || (young && look->is_blank));
}

/* Whether the break is for one lock, and the look saw another file. No two objects have claims of the
 * same name. A file that names no claim is not the lock of anybody. */
gboolean
flufl_break_is_spared (const FluflFindings *findings, const FluflLook *look)
{
  return findings->only != NULL
         && (look->claim.name[0] == '\0' || strcmp (look->claim.name, findings->only) != 0);
}

/* Whether the look has seen a lock, and not one that is spared. Otherwise @out_outcome is the
 * outcome of the break. */
gboolean
flufl_break_sees_lock (const FluflSite *site, gint64 server_now, gint64 unchanged,
                       FluflFindings *findings, FluflOutcome *out_outcome)
{
  const FluflLook *look = &findings->look;

  switch (look->sight)
    {
    case FLUFL_SIGHT_NOTHING:
      *out_outcome = FLUFL_OUTCOME_AGAIN;
      return FALSE;
    case FLUFL_SIGHT_FOREIGN:
      *out_outcome = may_be_passing (site, look, server_now, unchanged) ? FLUFL_OUTCOME_BUSY
                                                                        : FLUFL_OUTCOME_NOT_A_LOCK;
      return FALSE;
    case FLUFL_SIGHT_FAILED:
      findings->errsv = look->errsv;
      findings->failed_step = FLUFL_FAILED_LOOK_AT_LOCK;
      *out_outcome = flufl_site_is_passing (site, look->errsv) ? FLUFL_OUTCOME_UNSURE
                                                               : FLUFL_OUTCOME_FAILED;
      return FALSE;
    case FLUFL_SIGHT_BLANK:
    case FLUFL_SIGHT_UNREADABLE:
    case FLUFL_SIGHT_STRANGE:
    case FLUFL_SIGHT_CLAIM:
    default:
      findings->holder_seen = TRUE;
      *out_outcome = FLUFL_OUTCOME_OTHER;
      return !flufl_break_is_spared (findings, look);
    }
}

void
flufl_break_begin (FluflFindings *findings)
{
  findings->overdue = findings->resting = findings->in_vigil = FALSE;
  findings->rest = FLUFL_GRACE;
  findings->rest_left = 0;
  findings->stopped = findings->own = FALSE;
  findings->liveness = FLUFL_LIVENESS_UNKNOWN;
  findings->break_errsv = 0;
}

/*
 * flufl_linked_break:
 * @claim: a claim of this process. The server's clock is computed from its last touch
 *
 * Looks at the lock file. Breaks the lock if it has rested, and is overdue or, with @break_dead,
 * has a holder that is proved dead. An overdue lock needs a vigil, too, if its holder lives on this
 * machine, or if the file system is not trusted. If the life-line is cut, no rest is needed, except for an orphan or a
 * copied lock.
 *
 * Returns: AGAIN if nothing is in the way any more, or if the next look can break an orphan whose
 *   life-line is cut; BUSY; OTHER; NOT_A_LOCK; UNSURE; FAILED
 */
FluflOutcome
flufl_linked_break (FluflClaim *claim, FluflSite *site, gboolean break_dead, FluflFindings *findings)
{
  FluflLook *look = &findings->look;
  FluflLifeLine line;
  FluflOutcome outcome;
  gint64 server_now, unchanged, left;
  gboolean breaks_dead;
  int fd;

  flufl_break_begin (findings);
  flufl_look_open (look, site, site->lock_path, &fd);
  server_now = flufl_claim_server_now (claim, site);
  unchanged = flufl_break_observe (site, findings, look);
  if (!flufl_break_sees_lock (site, server_now, unchanged, findings, &outcome))
    {
      if (fd >= 0)
        site->sys->close (fd);
      return outcome;
    }

  findings->overdue = flufl_look_is_overdue (look, site, server_now);

  /* A lock file that cannot be read does not show which claim it stands for. A strange lock belongs
   * to a program that may have other rules, and so does a lock of the protocol without hard links. None of them
   * is broken. */
  if (look->sight != FLUFL_SIGHT_CLAIM || look->exclusive)
    {
      if (findings->overdue)
        findings->break_errsv = look->exclusive ? EXDEV : EACCES;
      if (fd >= 0)
        site->sys->close (fd);
      return FLUFL_OUTCOME_BUSY;
    }

  /* Without @break_dead, try the life-line as well if the lock is overdue. An orphan that a stopped breaker has
   * left may be recovered after the grace with its life-line, and after STALLED_REST without. */
  line = flufl_holder_ask (site, fd,
                           break_dead || findings->overdue ? FLUFL_LINE_TAKE : FLUFL_LINE_NONE,
                           findings);
  if (line == FLUFL_LIFE_LINE_CUT)
    {
      outcome = break_with_life_line (site, look, server_now, findings);
      site->sys->close (fd);
      return outcome;
    }
  if (fd >= 0)
    site->sys->close (fd);

  breaks_dead = break_dead && findings->liveness == FLUFL_LIVENESS_DEAD;
  /* The vigil counts from the first look, so that it may be over when the lock is overdue. */
  findings->vigil_left = MAX (vigil_for (claim, site, look) - unchanged, 0);
  findings->in_vigil = findings->vigil_left > 0 && findings->overdue
                       && (flufl_holder_is_near (findings, line)
                           || (!flufl_site_is_trusted (site) && !breaks_dead));
  if (findings->in_vigil)
    return FLUFL_OUTCOME_BUSY;
  if (!findings->overdue && !breaks_dead)
    return FLUFL_OUTCOME_BUSY;

  left = rest_left (site, look, server_now, unchanged);
  if (left > 0)
    {
      findings->resting = TRUE;
      findings->rest_left = flufl_site_is_trusted (site) ? 0 : left;
      return FLUFL_OUTCOME_BUSY;
    }
  return take_token_and_break (site, look, server_now, breaks_dead, findings);
}

/* The lifetime of the claim that flufl_break_with_clock() makes. If the process dies, the claim
 * stays behind like the claim of any dead waiter, and blocks nobody. */
#define CLOCK_CLAIM_LIFETIME (15 * FLUFL_NSEC_PER_SEC)

/*
 * flufl_break_with_clock:
 * @clock_claim: a claim without a path at the first call. The function creates its file, whose
 *   ctime is the file server's clock. The file is never linked. The caller gives the claim up
 *
 * Does what flufl_break() does, for a caller that does not want the lock and has no claim.
 */
FluflOutcome
flufl_break_with_clock (FluflClaim *clock_claim, FluflSite *site, FluflFindings *findings)
{
  FluflOutcome outcome;

  if (clock_claim->path == NULL)
    {
      findings->failed_step = FLUFL_FAILED_CREATE_CLAIM;
      outcome = flufl_claim_create (clock_claim, site, CLOCK_CLAIM_LIFETIME,
                                    &findings->errsv);
      if (outcome != FLUFL_OUTCOME_READY)
        return outcome;
    }
  return flufl_break (clock_claim, site, TRUE, findings);
}

/* Removes the claim of the lock that @look saw, so that the holder learns of its loss. */
static void
remove_claim (FluflSite *site, const FluflLook *look)
{
  g_autofree char *claim_path = flufl_site_path_of (site, look->claim.name);

  if (flufl_look_is_still_there (look, site, claim_path))
    site->sys->unlink (claim_path);
}

/* Whether the two looks saw different claims. Equal inode numbers do not prove that it is the same
 * lock, since a file system uses the numbers again. */
static gboolean
is_another_lock (const FluflLook *again, const FluflLook *before)
{
  return before->sight == FLUFL_SIGHT_CLAIM && again->sight == FLUFL_SIGHT_CLAIM
         && strcmp (again->claim.name, before->claim.name) != 0;
}

/*
 * flufl_linked_force:
 *
 * Removes what is at the lock file's path, unless it is a directory. The lock need not be overdue or
 * rested. The path is seen again right before unlink(2), and another file is left alone, since
 * the lock may have been handed on. A file that comes to the path after that is removed.
 *
 * Returns: RELEASED if the file that was seen is gone, even if another has taken its place; OTHER;
 *   FAILED
 */
FluflOutcome
flufl_linked_force (FluflSite *site, FluflFindings *findings)
{
  FluflLook *look = &findings->look, again;

  flufl_look_take (look, site, site->lock_path);
  findings->failed_step = FLUFL_FAILED_LOOK_AT_LOCK;
  findings->errsv = look->errsv;
  if (look->sight == FLUFL_SIGHT_NOTHING)
    return FLUFL_OUTCOME_RELEASED;
  if (look->sight == FLUFL_SIGHT_FAILED)
    return FLUFL_OUTCOME_FAILED;
  if (flufl_break_is_spared (findings, look))
    return FLUFL_OUTCOME_OTHER;
  if (look->sight == FLUFL_SIGHT_CLAIM)
    remove_claim (site, look);

  flufl_look_take (&again, site, site->lock_path);
  if (!flufl_look_is_inode (&again, look->dev, look->ino) || is_another_lock (&again, look)
      || !flufl_look_is_still_there (look, site, site->lock_path))
    return FLUFL_OUTCOME_RELEASED;
  if (site->sys->unlink (site->lock_path) == 0)
    findings->broken = TRUE;
  else if (errno != ENOENT)
    {
      findings->errsv = errno;
      findings->failed_step = FLUFL_FAILED_REMOVE_LOCK;
      return FLUFL_OUTCOME_FAILED;
    }
  return FLUFL_OUTCOME_RELEASED;
}
