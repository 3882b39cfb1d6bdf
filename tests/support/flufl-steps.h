/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The calls of a process with flufl.lock 8.2, one by one, as they are seen from outside
 * (docs/coming-from-flufl-lock.md, "Compared with flufl.lock"). Tests have them where Python is not at hand.
 */

#pragma once

#include "flufl-site.h"

G_BEGIN_DECLS

typedef struct
{
  const FluflSyscalls *sys;
  const char          *lock;
  const char          *claim;    /* a path, and the content of the file */
  gint64               lifetime; /* nanoseconds */
} FluflSteps;

/* Makes the claim. */
gboolean flufl_steps_make    (const FluflSteps *self);
gboolean flufl_steps_link    (const FluflSteps *self);
/* Comes after the link. */
void     flufl_steps_touch   (const FluflSteps *self);
/* After a link in vain: breaks the lock if it has expired.
 *
 * Returns: whether the lock is held, and the process sleeps for up to 2 s */
gboolean flufl_steps_look    (const FluflSteps *self);
gboolean flufl_steps_refresh (const FluflSteps *self);
/* Returns: FALSE if the lock was lost; the claim stays then */
gboolean flufl_steps_release (const FluflSteps *self);

G_END_DECLS
