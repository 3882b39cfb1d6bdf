/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Looking at a lock for as long as somebody wants to know what becomes of it. Writes nothing.
 */

#pragma once

#include "flufl-attempt.h"

G_BEGIN_DECLS

typedef enum
{
  FLUFL_LOOKOUT_HOLDER, /* who holds the lock */
  FLUFL_LOOKOUT_WAITER, /* one of those that wait for it */
} FluflLookoutKind;

/* What a look has seen. */
typedef struct
{
  gboolean      found;    /* there is a holder, or a waiter */
  gboolean      expired;  /* of a holder: its expiration is past */
  gboolean      no_directory;
  int           unresolved; /* an errno: it is not known where the lock is */
  FluflFindings findings; /* of a HOLDER: what is at the lock's path; of a WAITER: its claim */
} FluflView;

typedef struct _FluflLookout FluflLookout;

/* Called in a worker before each look, and may correct where the lock is. Returns 0, or an errno. */
typedef int (*FluflLookoutPlaceFunc) (FluflSite *site, gpointer user_data);

/* Called in a worker after the first look, and after each that has seen something new. */
typedef void (*FluflLookoutFunc) (FluflSite *site, FluflView *view, gpointer user_data);

FluflLookout *flufl_lookout_start (const FluflSite  *site,
                                   FluflLookoutKind  kind,
                                   int               interval_ms,
                                   FluflLookoutPlaceFunc place,
                                   FluflLookoutFunc  func,
                                   gpointer          user_data,
                                   GDestroyNotify    destroy);
void          flufl_lookout_set_interval (FluflLookout *self,
                                   int               interval_ms);
void          flufl_lookout_stop  (FluflLookout     *self);

/* After how many milliseconds a lookout asks whether the path still leads to the directory that it
 * watches; atomic. */
extern int flufl_lookout_check_ms;

G_END_DECLS
