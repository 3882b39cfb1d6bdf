/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * How long a waiter has itself seen something unchanged, by its own clock.
 */

#pragma once

#include "flufl-claim-name.h"
#include "flufl-site.h"

G_BEGIN_DECLS

#define FLUFL_OBSERVATION_FACTS 12

/* The longest time between two looks of one watch. A process that looks less often has slept or was
 * stopped, and the processes that it watches perhaps were, too. */
#define FLUFL_OBSERVATION_WATCH_GAP (2 * FLUFL_NSEC_PER_SEC)

typedef struct
{
  char   who[FLUFL_NAME_MAX + 1];        /* a name that was seen; may be empty */
  gint64 facts[FLUFL_OBSERVATION_FACTS]; /* whatever else was seen, as numbers; the rest is 0 */
  gint64 since;                          /* boot time of the end of the first look; 0: none yet */
  gint64 last;                           /* boot time of the beginning of the last look */
  gint64 watched_since;                  /* as @since, of the looks without a long time between two */
} FluflObservation;

gint64 flufl_observe             (FluflObservation *self,
                                  const FluflSite  *site,
                                  const char       *who,
                                  const gint64     *facts,
                                  guint             n_facts,
                                  gint64            taken,
                                  gint64            gap);
gint64 flufl_observation_watched (const FluflObservation *self);
void   flufl_observe_nothing     (FluflObservation *self);

G_END_DECLS
