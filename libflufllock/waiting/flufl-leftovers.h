/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Claims that nobody waits behind, and whose owners may be dead: those of waiters that were killed,
 * and those that a killed process has kept. Waiters find and collect them.
 */

#pragma once

#include "flufl-identity.h"
#include "flufl-look.h"
#include "flufl-site.h"

G_BEGIN_DECLS

/* What a lock object remembers from one acquisition to the next. All zero at
 * first. */
typedef struct
{
  gint64 ask_at; /* monotonic microseconds: when to ask for the next … */
  char  *asked;  /* … whose ticket comes after this one; nullable */
  guint  stayed; /* the number of claims that a sweep finds first and may not remove */
} FluflLeftovers;

/* The next one to be asked for, of those that were seen. */
typedef struct
{
  FluflClaimName claim; /* if it has a name */
  char           ticket[FLUFL_NAME_MAX + 1];
} FluflLeftover;

/* Microseconds; a sweep begins nothing more after them. */
extern gint64 flufl_leftovers_sweep_time;

void          flufl_leftovers_clear (FluflLeftovers       *self);
gboolean      flufl_leftovers_comes_next  (const FluflLeftovers *self,
                                     const FluflLeftover  *found,
                                     const char           *ticket);
gboolean      flufl_leftovers_ask   (FluflLeftovers       *self,
                                     FluflSite            *site,
                                     const FluflLeftover  *found);
void          flufl_leftovers_sweep (FluflLeftovers       *self,
                                     FluflSite            *site);
FluflLiveness flufl_leftovers_judge (FluflSite            *site,
                                     const FluflClaimName *claim,
                                     gboolean              collect,
                                     FluflSight           *out_sight);

G_END_DECLS
