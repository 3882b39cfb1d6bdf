/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A look at who holds the lock, for the operations that begin with one.
 */

#pragma once

#include "flufl-attempt.h"
#include "flufl-call.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean      holder;      /* somebody holds the lock */
  gint64        retry_until; /* monotonic microseconds; 0: no look was taken yet */
  FluflFindings findings;
  gboolean      cancelled;
} FluflSighting;

/* Microseconds after which what could not be seen, or must rest, is looked at again. */
#define FLUFL_SIGHTING_POLL (100 * 1000)

gboolean flufl_sighting_look   (FluflSighting *self,
                                FluflCall     *call,
                                gint64        *out_when);
void     flufl_sighting_settle (FluflSighting *self,
                                FluflCall     *call);
GError  *flufl_sighting_report (const FluflSite *site,
                                const FluflLook *look);

G_END_DECLS
