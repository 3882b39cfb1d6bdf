/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "flufl-lock.h"
#include "flufl-macros.h"

G_BEGIN_DECLS

/**
 * FluflLockGuard: (skip)
 *
 * One hold on a lock, which ends with a scope of C.
 *
 * It is for a lock object that lives longer than the scope. Where the object
 * ends with the scope, `g_autoptr (FluflLock)` releases the lock as well.
 *
 * Languages other than C have `with`, `with_lock()` or `finally` instead. In a
 * language with a garbage collector the end of a guard would come at any time.
 *
 * [Languages](languages.html#a-scope-that-holds-the-lock) has an example.
 *
 * Since: 0.1
 */
typedef struct _FluflLockGuard FluflLockGuard;

FLUFL_AVAILABLE_IN_0_1
FluflLockGuard   *flufl_lock_guard_new            (FluflLock            *lock,
                                                   gint64                timeout_ms,
                                                   GCancellable         *cancellable,
                                                   GError              **error) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_guard_release        (FluflLockGuard       *guard,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_guard_free           (FluflLockGuard       *guard);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FluflLockGuard, flufl_lock_guard_free)

G_END_DECLS
