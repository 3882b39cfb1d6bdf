/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "flufl-enums.h"
#include "flufl-lock-details.h"
#include "flufl-lock.h"
#include "flufl-macros.h"

G_BEGIN_DECLS

#define FLUFL_TYPE_LOCK_MONITOR (flufl_lock_monitor_get_type ())

FLUFL_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FluflLockMonitor, flufl_lock_monitor, FLUFL, LOCK_MONITOR, GObject)

FLUFL_AVAILABLE_IN_0_1
FluflLockMonitor *flufl_lock_monitor_new          (GFile            *file) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
FluflLockMonitor *flufl_lock_monitor_new_for_lock (FluflLock        *lock) FLUFL_WARN_UNUSED_RESULT;

FLUFL_AVAILABLE_IN_0_1
GFile            *flufl_lock_monitor_get_file     (FluflLockMonitor *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_monitor_get_ready    (FluflLockMonitor *self);
FLUFL_AVAILABLE_IN_0_1
FluflLockState    flufl_lock_monitor_get_state    (FluflLockMonitor *self);
FLUFL_AVAILABLE_IN_0_1
FluflLockDetails *flufl_lock_monitor_get_details  (FluflLockMonitor *self);
FLUFL_AVAILABLE_IN_0_1
GError           *flufl_lock_monitor_dup_error    (FluflLockMonitor *self);
FLUFL_AVAILABLE_IN_0_1
gint64            flufl_lock_monitor_get_interval (FluflLockMonitor *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_monitor_set_interval (FluflLockMonitor *self,
                                                   gint64            interval_ms);

G_END_DECLS
