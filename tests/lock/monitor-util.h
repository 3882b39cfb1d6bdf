/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the tests of monitors share.
 */

#pragma once

#include "face-util.h"

G_BEGIN_DECLS

/* So long that a poll in a test would be noticed: the guard of the wait fails first. */
#define NO_POLL (TEST_PATIENCE_SEC * 1000 * 10)

/* A monitor of the lock of @face. */
FluflLockMonitor *monitor_new    (Face *face, gint64 interval_ms);
void              wait_for_state (FluflLockMonitor *monitor, FluflLockState state);

G_END_DECLS
