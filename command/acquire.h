/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * An acquisition that signals and the death of another process can end. Signals can stop and continue it.
 */

#pragma once

#include <libflufllock.h>

G_BEGIN_DECLS

/* The wishes of the command line. */
typedef struct
{
  const char *path;
  const char *program; /* nullable; a path, whose last part the claim names */
  gint64      timeout_ms;
  gint64      lifetime_ms; /* 0: the library's */
  gboolean    no_heartbeat;
  gboolean    can_stop; /* SIGTSTP stops the wait, and SIGCONT continues it */
  gboolean    is_quiet;
  gboolean    is_verbose;
  int         busy_status; /* the exit status if the lock is busy */
} AcquireWish;

extern const GOptionEntry acquire_entries[];

gboolean acquire_read_options (AcquireWish *wish);
int      acquire_lock         (const AcquireWish *wish,
                               int                link,
                               FluflLock        **out_lock);

G_END_DECLS
