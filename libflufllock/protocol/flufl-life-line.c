/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The kernel drops a flock(2) when the last copy of its open file is closed, at
 * the latest by death, in whatever pid namespace. A forked child closes its copy
 * at once. A child of a bare clone(2), or one that was forked before the flock(2), does not. It
 * keeps the life-line of a dead parent, which errs on the safe side. docs/protocol.md, "Life-line".
 */

#include "config.h"

#include "flufl-life-line.h"

#include <errno.h>

/* Whether the holder says that it keeps a flock, and this kernel would know.
 * Through a network file system flock(2) can hang, or its answer may not be about the holder. */
gboolean
flufl_life_line_is_known (FluflSite *site, const FluflLook *look)
{
  return look->sight == FLUFL_SIGHT_CLAIM && look->claim.ours && look->claim.life_line
         && flufl_site_has_life_lines (site) && look->exclusive == site->exclusive;
}

/*
 * flufl_life_line_try:
 * @fd: the file that @look saw
 * @line: TAKE to break by it; ASK to ask only, so that two who ask do not take each other for the
 *   holder
 *
 * Closing @fd gives the flock back.
 */
FluflLifeLine
flufl_life_line_try (FluflSite *site, const FluflLook *look, int fd, FluflLine line)
{
  if (fd < 0 || !flufl_life_line_is_known (site, look))
    return FLUFL_LIFE_LINE_NONE;
  if (site->sys->flock (fd, line) == 0)
    return FLUFL_LIFE_LINE_CUT;
  if (errno != EWOULDBLOCK)
    return FLUFL_LIFE_LINE_NONE;
  /* One that asks may have been stopped while it does: it must not keep the lock closed. */
  if (line == FLUFL_LINE_TAKE && site->sys->flock (fd, FLUFL_LINE_ASK) == 0)
    return FLUFL_LIFE_LINE_ASKED;
  return FLUFL_LIFE_LINE_BUSY;
}

/* Judges whether the holder lives. A busy life-line belongs to a live process. If the holder's own
 * process is gone, a breaker has the life-line, or a child that may go on with the work which the lock
 * protects. The answer is then UNKNOWN, not DEAD. */
FluflLiveness
flufl_life_line_judge (FluflSite *site, const FluflLook *look, FluflLifeLine line)
{
  FluflLiveness liveness;

  if (line == FLUFL_LIFE_LINE_CUT || line == FLUFL_LIFE_LINE_ASKED)
    return FLUFL_LIVENESS_DEAD;
  liveness = flufl_identity_judge (site, &look->claim);
  if (line != FLUFL_LIFE_LINE_BUSY)
    return liveness;
  return liveness == FLUFL_LIVENESS_DEAD ? FLUFL_LIVENESS_UNKNOWN : FLUFL_LIVENESS_ALIVE;
}
