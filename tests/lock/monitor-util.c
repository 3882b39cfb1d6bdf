/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "monitor-util.h"

FluflLockMonitor *
monitor_new (Face *face, gint64 interval_ms)
{
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);
  FluflLockMonitor *monitor = flufl_lock_monitor_new (file);

  flufl_lock_monitor_set_interval (monitor, interval_ms);
  return monitor;
}

void
wait_for_state (FluflLockMonitor *monitor, FluflLockState state)
{
  FACE_WAIT_FOR (flufl_lock_monitor_get_ready (monitor)
                 && flufl_lock_monitor_get_state (monitor) == state);
}
