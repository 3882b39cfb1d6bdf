/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What a lookout sees, reported to an object in its main context.
 */

#pragma once

#include "flufl-lock-private.h"
#include "flufl-lookout.h"
#include "flufl-tie-private.h"

G_BEGIN_DECLS

/* Called in the main context with the newest view. Older ones may have been skipped. */
typedef void (*FluflObserverFunc) (GObject *object, FluflView *view);

FluflObserver *flufl_observer_start        (FluflLock         *lock,
                                            FluflLookoutKind   kind,
                                            int                interval_ms,
                                            GMainContext      *context,
                                            FluflTie          *tie,
                                            FluflObserverFunc  func);
void           flufl_observer_follow_lease (FluflObserver     *self);
void           flufl_observer_repeat_views (FluflLease        *lease);
void           flufl_observer_set_interval (FluflObserver     *self,
                                            int                interval_ms);
void           flufl_observer_stop         (FluflObserver     *self);

G_END_DECLS
