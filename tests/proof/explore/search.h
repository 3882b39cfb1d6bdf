/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * All runs of a scenario, or many random ones.
 */

#pragma once

#include "world.h"

G_BEGIN_DECLS

typedef struct
{
  guint64  runs;     /* begun, and led to their end or to a state known before */
  guint64  states;   /* met at which there was something to choose */
  guint64  steps;    /* choices that were followed for the first time */
  gboolean complete; /* nothing is left to be tried */
  char    *violation; /* NULL: none */
  char    *schedule; /* that leads to it */
} Findings;

void findings_clear (Findings *self);

/* Searches depth first, and goes on from each state once. Ends at the first violation, or after
 * @max_runs, or at @deadline (monotonic). */
void search_all    (const Scenario *scenario,
                    const Budget   *budget,
                    guint64         max_runs,
                    gint64          deadline,
                    Findings       *out);
/* One random run, the same for the same seed. */
void search_walk   (const Scenario *scenario,
                    const Budget   *budget,
                    gint64          skew,
                    guint32         seed,
                    Findings       *out);

G_END_DECLS
