/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What a monitor has seen, for its user.
 */

#include "config.h"

#include "flufl-lock-monitor-private.h"

/**
 * flufl_lock_monitor_get_file:
 * @self: a monitor
 *
 * Gets the lock file.
 *
 * Returns: (transfer none): the lock file
 *
 * Since: 0.1
 */
GFile *
flufl_lock_monitor_get_file (FluflLockMonitor *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK_MONITOR (self), NULL);

  return self->file;
}

/**
 * flufl_lock_monitor_get_ready:
 * @self: a monitor
 *
 * Gets whether the result of the first look has arrived.
 *
 * Returns: whether the other properties show the lock
 *
 * Since: 0.1
 */
gboolean
flufl_lock_monitor_get_ready (FluflLockMonitor *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK_MONITOR (self), FALSE);

  return self->ready;
}

/**
 * flufl_lock_monitor_get_state:
 * @self: a monitor
 *
 * Gets the state of the lock, as last seen. See [property@Flufl.LockMonitor:state].
 *
 * Returns: the state
 *
 * Since: 0.1
 */
FluflLockState
flufl_lock_monitor_get_state (FluflLockMonitor *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK_MONITOR (self), FLUFL_LOCK_STATE_UNKNOWN);

  return self->state;
}

/**
 * flufl_lock_monitor_get_details:
 * @self: a monitor
 *
 * Gets who holds the lock, as last seen. The main context of the monitor replaces the details.
 *
 * Returns: (transfer none) (nullable): the details; %NULL if nobody holds the lock, or if the holder
 *   is not known
 *
 * Since: 0.1
 */
FluflLockDetails *
flufl_lock_monitor_get_details (FluflLockMonitor *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK_MONITOR (self), NULL);

  return self->details;
}

/**
 * flufl_lock_monitor_dup_error:
 * @self: a monitor
 *
 * Gets what the last look failed with. See [property@Flufl.LockMonitor:error].
 *
 * Returns: (transfer full) (nullable): the error; %NULL if the look succeeded
 *
 * Since: 0.1
 */
GError *
flufl_lock_monitor_dup_error (FluflLockMonitor *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK_MONITOR (self), NULL);

  return self->error != NULL ? g_error_copy (self->error) : NULL;
}

/**
 * flufl_lock_monitor_get_interval:
 * @self: a monitor
 *
 * Gets [property@Flufl.LockMonitor:interval].
 *
 * Returns: the interval, in milliseconds
 *
 * Since: 0.1
 */
gint64
flufl_lock_monitor_get_interval (FluflLockMonitor *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK_MONITOR (self), -1);

  return self->interval;
}

/**
 * flufl_lock_monitor_set_interval:
 * @self: a monitor
 * @interval_ms: the interval, in milliseconds
 *
 * Sets [property@Flufl.LockMonitor:interval]. The monitor looks again at once.
 *
 * Since: 0.1
 */
void
flufl_lock_monitor_set_interval (FluflLockMonitor *self, gint64 interval_ms)
{
  g_return_if_fail (FLUFL_IS_LOCK_MONITOR (self));
  g_return_if_fail (interval_ms >= MONITOR_INTERVAL_MIN && interval_ms <= MONITOR_INTERVAL_MAX);

  if (interval_ms == self->interval)
    return;
  self->interval = interval_ms;
  if (self->observer != NULL)
    flufl_observer_set_interval (self->observer, (int) interval_ms);
  g_object_notify (G_OBJECT (self), "interval");
}
