/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Breaking a lock that was created exclusively: docs/without-links.md, "Break". In this file only
 * the process that created the next mark of a lock unlinks the lock file, except by force. Nothing
 * is ever given back: the lock of a dead breaker is broken with the mark after its own.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-break-private.h"
#include "flufl-claim-private.h"
#include "flufl-claim-steps.h"
#include "flufl-exclusive-name.h"
#include "flufl-holder.h"

/* The coarsest grain of stored times. Within it a blank lock may be another with the same mtime. */
#define GRAIN (2 * FLUFL_NSEC_PER_SEC)

/* How long an overdue lock is watched if its holder lives on this machine. Its lifetime is not known. A
 * heartbeat refreshes a lock of 30 s or less within this time. */
#define VIGIL (FLUFL_GRACE + 10 * FLUFL_NSEC_PER_SEC)

/* How long a breaker's calls may take from its look to its mark. From the mark to the removal of the lock
 * file they take longer: over sshfs eight round trips instead of six. A breaker for which G/2 will not do
 * then makes no mark, since a lock has only nine. */
#define LOOK_TIME (FLUFL_GRACE / 2 / 8 * 6)

/* The lock that a break is about. */
typedef struct
{
  char    *who;
  guint    marks;    /* the number of consecutive marks */
  gboolean is_blank;
  gboolean has_claim;
} Target;

static void
target_clear (Target *self)
{
  g_clear_pointer (&self->who, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)

/* Counts the marks. Returns FALSE if there is no answer. */
static gboolean
count_marks (FluflSite *site, Target *target)
{
  for (guint number = 1; number <= FLUFL_EXCLUSIVE_MARKS_MAX; number++)
    {
      g_autofree char *path = flufl_exclusive_mark_path (site, target->who, number);
      int fd = site->sys->open (path, FLUFL_OPEN_LOOK);

      if (fd < 0)
        return flufl_claim_is_gone (errno);
      site->sys->close (fd);
      target->marks = number;
    }
  return TRUE;
}

/* Whether the claim is there, by open(2). Returns FALSE if there is no answer. */
static gboolean
find_claim (FluflSite *site, Target *target)
{
  g_autofree char *path = NULL;
  int fd;

  if (target->is_blank)
    return TRUE;
  path = flufl_site_path_of (site, target->who);
  fd = site->sys->open (path, FLUFL_OPEN_LOOK);
  target->has_claim = fd >= 0;
  if (fd < 0)
    return flufl_claim_is_gone (errno);
  site->sys->close (fd);
  return TRUE;
}

/* A lock that has gone never comes back, and neither do its marks, so the looks of a rest may be far
 * apart. */
static gint64
observe (FluflSite *site, FluflObservation *seen, const Target *target, const FluflLook *look)
{
  const gint64 facts[] = { target->marks, look->mtime };

  return flufl_observe (seen, site, target->who, facts, G_N_ELEMENTS (facts), look->taken, G_MAXINT64);
}

static void
unlink_claim (FluflSite *site, const char *who)
{
  g_autofree char *path = flufl_site_path_of (site, who);

  site->sys->unlink (path);
}

static void
unlink_marks (FluflSite *site, const char *who, guint last)
{
  for (guint number = 1; number <= last; number++)
    {
      g_autofree char *path = flufl_exclusive_mark_path (site, who, number);

      site->sys->unlink (path);
    }
}

/* After the mark: whether the lock file is still what the first look saw.
 *
 * Returns: READY; otherwise the outcome of the break */
static FluflOutcome
look_again (FluflSite *site, const Target *target, const FluflLook *before, const char *mark_path)
{
  g_autofree char *who = NULL;
  FluflLook again;

  flufl_look_take (&again, site, site->lock_path);
  who = flufl_exclusive_who (site, &again);
  if (g_strcmp0 (who, target->who) == 0)
    /* After a refresh the mark stays, since it may not be made twice while the lock is there. The
     * holder learns of its loss by it. */
    return again.mtime == before->mtime ? FLUFL_OUTCOME_READY : FLUFL_OUTCOME_BUSY;
  if (again.sight == FLUFL_SIGHT_FAILED || again.sight == FLUFL_SIGHT_UNREADABLE)
    return FLUFL_OUTCOME_BUSY;
  /* Another lock file, and the old one never comes back. A client's cache may show a line cut, so a
   * blank lock in the place of a named one proves nothing. */
  if (again.sight != FLUFL_SIGHT_BLANK)
    site->sys->unlink (mark_path);
  return again.sight == FLUFL_SIGHT_NOTHING ? FLUFL_OUTCOME_AGAIN : FLUFL_OUTCOME_BUSY;
}

/* Whether it is too late to go on, for a breaker that began to create its mark at @start. */
static gboolean
is_late (const FluflSite *site, gint64 start)
{
  return flufl_claim_boot_now (site) - start > FLUFL_GRACE / 2;
}

/* The time until the mark counts from the look, and the time from then on begins anew. Once the mark is
 * there, each other breaker sees another number of marks and begins its rest, and look_again() sees
 * anew what the look has seen. */
static FluflOutcome
mark_and_remove (FluflClaim      *claim,
                 FluflSite       *site,
                 const Target    *target,
                 FluflFindings   *findings)
{
  const FluflLook *look = &findings->look;
  g_autofree char *claim_path = flufl_site_path_of (site, target->who);
  g_autofree char *mark = flufl_exclusive_mark_path (site, target->who, target->marks + 1);
  FluflOutcome outcome;
  gint64 start;
  int errsv;

  start = flufl_claim_boot_now (site);
  if (start - look->taken > LOOK_TIME)
    {
      findings->break_errsv = ETIMEDOUT;
      return FLUFL_OUTCOME_BUSY;
    }
  errsv = flufl_exclusive_make_mark (site, mark, claim->path != NULL ? claim->path : "");
  if (errsv != 0)
    {
      /* After a lost reply the mark is there, and counts as somebody's. */
      if (errsv != EEXIST)
        findings->break_errsv = errsv;
      return FLUFL_OUTCOME_BUSY;
    }
  if (is_late (site, start))
    return FLUFL_OUTCOME_BUSY;
  if (!target->is_blank && site->sys->unlink (claim_path) != 0 && !flufl_claim_is_gone (errno))
    {
      findings->break_errsv = errno;
      return FLUFL_OUTCOME_BUSY;
    }
  outcome = look_again (site, target, look, mark);
  if (outcome != FLUFL_OUTCOME_READY)
    return outcome;
  if (is_late (site, start))
    return FLUFL_OUTCOME_BUSY;
  errsv = flufl_exclusive_remove_lock (site, start, &findings->broken);
  if (errsv != 0)
    {
      findings->break_errsv = errsv;
      return FLUFL_OUTCOME_BUSY;
    }
  unlink_claim (site, target->who);
  unlink_marks (site, target->who, target->marks + 1);
  return FLUFL_OUTCOME_AGAIN;
}

/* Whether the lock has been seen unchanged for long enough to be broken. */
static gboolean
has_rested (FluflFindings *findings, const Target *target, gint64 unchanged, FluflLifeLine line)
{
  /* No mark was made yet, and the claim shows that the look is not an old one. Only the first of
   * several breakers can make the mark. */
  gint64 rest = !target->is_blank && target->marks == 0 && target->has_claim ? 0 : FLUFL_GRACE;

  if (target->is_blank)
    rest += GRAIN;
  if (flufl_holder_is_near (findings, line) && flufl_break_keeps_vigil)
    {
      findings->vigil_left = VIGIL - flufl_observation_watched (&findings->seen);
      findings->in_vigil = findings->vigil_left > 0;
    }
  findings->rest = rest;
  findings->resting = unchanged < rest;
  findings->rest_left = MAX (rest - unchanged, 0);
  return !findings->resting && !findings->in_vigil;
}

/* Looks at the lock file and what belongs to it. Returns READY if it is a lock of this protocol;
 * otherwise the outcome of the break. */
static FluflOutcome
take_aim (FluflClaim *claim, FluflSite *site, FluflFindings *findings, Target *target, int *out_fd)
{
  FluflLook *look = &findings->look;
  FluflOutcome outcome;

  flufl_look_open (look, site, site->lock_path, out_fd);
  if (!flufl_break_sees_lock (site, flufl_claim_server_now (claim, site), 0, findings, &outcome))
    return outcome;
  target->who = flufl_exclusive_who (site, look);
  target->is_blank = look->sight == FLUFL_SIGHT_BLANK;
  /* A lock of the other protocol has another token. */
  if (target->who == NULL)
    {
      findings->break_errsv = look->sight == FLUFL_SIGHT_CLAIM ? EXDEV : EACCES;
      return FLUFL_OUTCOME_BUSY;
    }
  if (!count_marks (site, target) || !find_claim (site, target))
    return FLUFL_OUTCOME_BUSY;
  return FLUFL_OUTCOME_READY;
}

/*
 * flufl_exclusive_break:
 * @claim: ours, which shows the file server's clock
 *
 * flufl_linked_break() for locks that are created exclusively.
 */
FluflOutcome
flufl_exclusive_break (FluflClaim    *claim,
                       FluflSite     *site,
                       gboolean       break_dead,
                       FluflFindings *findings)
{
  FluflLook *look = &findings->look;
  FluflLifeLine line = FLUFL_LIFE_LINE_NONE;
  g_auto (Target) target = { NULL, 0, FALSE, FALSE };
  FluflOutcome outcome;
  gboolean may_break;
  gint64 unchanged;
  int fd = -1;

  flufl_break_begin (findings);
  outcome = take_aim (claim, site, findings, &target, &fd);
  if (outcome != FLUFL_OUTCOME_READY)
    {
      flufl_observe_nothing (&findings->seen);
      if (fd >= 0)
        site->sys->close (fd);
      return outcome;
    }
  unchanged = observe (site, &findings->seen, &target, look);
  findings->overdue = !target.is_blank
                      && flufl_look_is_overdue (look, site, flufl_claim_server_now (claim, site));
  if (!target.is_blank)
    line = flufl_holder_ask (site, fd,
                             break_dead || findings->overdue ? FLUFL_LINE_TAKE : FLUFL_LINE_NONE,
                             findings);
  may_break = target.is_blank || findings->overdue || line == FLUFL_LIFE_LINE_CUT
              || (break_dead && findings->liveness == FLUFL_LIVENESS_DEAD);
  outcome = FLUFL_OUTCOME_BUSY;
  if (may_break && target.marks == FLUFL_EXCLUSIVE_MARKS_MAX)
    findings->break_errsv = EMLINK;
  else if (may_break && has_rested (findings, &target, unchanged, line))
    outcome = mark_and_remove (claim, site, &target, findings);
  if (fd >= 0)
    site->sys->close (fd);
  return outcome;
}

/* Without expiry, rest or mark: the caller answers for what that does. */
FluflOutcome
flufl_exclusive_force (FluflSite *site, FluflFindings *findings)
{
  g_autofree char *who = NULL;
  g_autofree char *again_who = NULL;
  FluflLook again;

  flufl_look_take (&findings->look, site, site->lock_path);
  who = flufl_exclusive_who (site, &findings->look);
  if (who == NULL)
    return flufl_linked_force (site, findings);
  if (flufl_break_is_spared (findings, &findings->look))
    return FLUFL_OUTCOME_OTHER;
  if (findings->look.sight == FLUFL_SIGHT_CLAIM)
    unlink_claim (site, who);
  flufl_look_take (&again, site, site->lock_path);
  again_who = flufl_exclusive_who (site, &again);
  if (g_strcmp0 (who, again_who) == 0)
    {
      findings->errsv = flufl_exclusive_remove_lock (site, again.taken, &findings->broken);
      findings->failed_step = FLUFL_FAILED_REMOVE_LOCK;
      if (findings->errsv != 0)
        return FLUFL_OUTCOME_FAILED;
    }
  unlink_marks (site, who, FLUFL_EXCLUSIVE_MARKS_MAX);
  return FLUFL_OUTCOME_RELEASED;
}
