/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-observation.h"

#include <string.h>

/*
 * flufl_observe:
 * @taken: boot time when the look began
 * @gap: the longest time between the beginnings of two looks in a row
 *
 * Adds a look to those before it. A look that sees anything else than the one before it, or that
 * comes after a gap, is a first look.
 *
 * Returns: for how long each look has seen the same, in nanoseconds of boot time; 0 after a first
 *   look
 */
gint64
flufl_observe (FluflObservation *self, const FluflSite *site, const char *who, const gint64 *facts,
               guint n_facts, gint64 taken, gint64 gap)
{
  gint64 all[FLUFL_OBSERVATION_FACTS] = { 0 };
  gboolean same, slept;

  g_assert (n_facts <= FLUFL_OBSERVATION_FACTS);
  memcpy (all, facts, n_facts * sizeof *facts);
  same = self->since != 0 && strcmp (self->who, who) == 0
         && memcmp (self->facts, all, sizeof all) == 0 && taken - self->last <= gap;
  slept = taken - self->last > FLUFL_OBSERVATION_WATCH_GAP;
  self->last = taken;
  if (!same || slept)
    self->watched_since = site->sys->clock (FLUFL_CLOCK_BOOT);
  if (same)
    return MAX (taken - self->since, 0);
  g_strlcpy (self->who, who, sizeof self->who);
  memcpy (self->facts, all, sizeof all);
  self->since = self->watched_since;
  return 0;
}

/*
 * flufl_observation_watched:
 *
 * Returns: for how long the last looks, no two of which were far apart, have seen the same, in
 *   nanoseconds of boot time. At most what flufl_observe() has returned for the last of them
 */
gint64
flufl_observation_watched (const FluflObservation *self)
{
  return MAX (self->last - self->watched_since, 0);
}

/* The next look is a first one. */
void
flufl_observe_nothing (FluflObservation *self)
{
  self->since = 0;
}
