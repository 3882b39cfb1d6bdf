/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Where nothing is watched, timers alone end a wait.
 */

#include "config.h"

#include "flufl-watch.h"

FluflWatchResult
flufl_watch_add (FluflWatch      *watch G_GNUC_UNUSED,
                 const char      *path G_GNUC_UNUSED,
                 FluflWatchEvents wanted G_GNUC_UNUSED)
{
  return FLUFL_WATCH_UNAVAILABLE;
}

void
flufl_watch_remove (FluflWatch *watch G_GNUC_UNUSED)
{
}

int
flufl_watch_fd (void)
{
  return -1;
}

void
flufl_watch_dispatch (void)
{
}

guint
flufl_watch_count (void)
{
  return 0;
}

gboolean
flufl_watch_needs_process (void)
{
  return FALSE;
}
