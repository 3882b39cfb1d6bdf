/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-holder.h"

#include <errno.h>

#include "flufl-process-facts.h"

/* How often a lock that goes while its holder is asked after is looked at anew. */
#define ROUNDS 8

/*
 * flufl_holder_ask:
 * @fd: the file that the last look of @findings saw, or -1
 * @question: for flufl_life_line_try(), or NONE to ask the process only
 *
 * Finds out whether the holder lives. An answer is put together from two moments: a holder
 * that let go of the lock after the look, and then of its life-line, was not dead. So the answer is
 * “dead” only for a lock that is still there after the question.
 *
 * Returns: the answer of the life-line; NONE if the lock has gone
 */
FluflLifeLine
flufl_holder_ask (FluflSite *site, int fd, FluflLine question, FluflFindings *findings)
{
  const FluflLook *look = &findings->look;
  FluflLifeLine line = FLUFL_LIFE_LINE_NONE;

  if (question != FLUFL_LINE_NONE)
    line = flufl_life_line_try (site, look, fd, question);
  findings->liveness = flufl_life_line_judge (site, look, line);
  if (findings->liveness == FLUFL_LIVENESS_DEAD
      && !flufl_look_is_still_there (look, site, site->lock_path))
    {
      findings->liveness = FLUFL_LIVENESS_UNKNOWN;
      line = FLUFL_LIFE_LINE_NONE;
    }
  findings->own = flufl_identity_is_own (site, &look->claim);
  findings->stopped = findings->liveness == FLUFL_LIVENESS_ALIVE
                      && flufl_identity_is_stopped (site, &look->claim);
  return line;
}

/*
 * flufl_holder_is_near:
 * @line: the answer of flufl_holder_ask()
 *
 * Returns: whether the holder is proved to live on this machine, which may have slept with it
 */
gboolean
flufl_holder_is_near (const FluflFindings *findings, FluflLifeLine line)
{
  return line == FLUFL_LIFE_LINE_BUSY || findings->liveness == FLUFL_LIVENESS_ALIVE;
}

/*
 * flufl_holder_look:
 *
 * Looks at the lock file and asks after the holder. Changes nothing.
 *
 * Returns: whether somebody holds the lock. If not, the look in @findings is NOTHING, or shows
 *   what else is there
 */
gboolean
flufl_holder_look (FluflSite *site, FluflFindings *findings)
{
  FluflLook *look = &findings->look;
  FluflLifeLine line;

  flufl_site_fs_kind (site); /* by which the lock file is read */
  for (int round = 0; round < ROUNDS; round++)
    {
      int fd;

      findings->liveness = FLUFL_LIVENESS_UNKNOWN;
      findings->stopped = findings->own = FALSE;
      flufl_look_open (look, site, site->lock_path, &fd);
      if (look->sight != FLUFL_SIGHT_CLAIM)
        return look->sight == FLUFL_SIGHT_UNREADABLE || look->sight == FLUFL_SIGHT_STRANGE
               || look->sight == FLUFL_SIGHT_BLANK;
      line = flufl_holder_ask (site, fd, FLUFL_LINE_ASK, findings);
      if (fd >= 0)
        site->sys->close (fd);
      if (line != FLUFL_LIFE_LINE_NONE || findings->liveness != FLUFL_LIVENESS_UNKNOWN
          || flufl_look_is_still_there (look, site, site->lock_path))
        return TRUE;
    }
  return TRUE;
}

/*
 * flufl_holder_name:
 *
 * Finds what the program of the holder is called. Its claim says so, or the system does if the
 * process is proved to live here.
 */
void
flufl_holder_name (const FluflSite *site, FluflFindings *findings)
{
  const FluflClaimName *claim = &findings->look.claim;

  findings->program[0] = '\0';
  if (findings->look.sight != FLUFL_SIGHT_CLAIM)
    return;
  if (claim->program[0] != '\0')
    g_strlcpy (findings->program, claim->program, sizeof findings->program);
  else if (findings->own || findings->liveness == FLUFL_LIVENESS_ALIVE)
    flufl_process_facts_name (site->sys, claim->pid, findings->program);
}
