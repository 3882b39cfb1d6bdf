/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "flufl-enums.h"
#include "flufl-lock.h"
#include "flufl-macros.h"

G_BEGIN_DECLS

#define FLUFL_TYPE_OPERATION (flufl_operation_get_type ())

/**
 * FluflOperation:
 *
 * A synchronous operation on a lock that returns to its caller now and then,
 * before it is over.
 *
 * This is for language bindings whose interpreter must run meanwhile. Python,
 * for one, runs handlers of signals only between two of its own instructions,
 * so that a program could not be stopped while it waits in C. Programs use the
 * methods of [class@Flufl.Lock], which the overrides make of this.
 *
 * An operation is begun by the first [method@Flufl.Operation.run], and belongs
 * to one thread at a time. It is over when that returns %TRUE. One that is
 * dropped before, with its last reference, is cancelled: what it has won by
 * then is given back.
 *
 * Since: 0.1
 */
typedef struct _FluflOperation FluflOperation;

FLUFL_AVAILABLE_IN_0_1
GType             flufl_operation_get_type    (void) G_GNUC_CONST;
FLUFL_AVAILABLE_IN_0_1
FluflOperation   *flufl_operation_new         (FluflLock         *lock,
                                               FluflOperationKind kind,
                                               gint64             value,
                                               GCancellable      *cancellable) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
FluflOperation   *flufl_operation_new_break_lock_of (FluflLock        *lock,
                                               FluflLockDetails  *details,
                                               FluflBreakFlags    flags,
                                               GCancellable      *cancellable) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
FluflOperation   *flufl_operation_ref         (FluflOperation    *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_operation_unref       (FluflOperation    *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_operation_run         (FluflOperation    *self,
                                               int                interrupt_fd,
                                               gint64             slice_ms) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
void              flufl_operation_drop        (FluflOperation    *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_operation_get_answer  (FluflOperation    *self);
FLUFL_AVAILABLE_IN_0_1
guint             flufl_operation_get_lease   (FluflOperation    *self);
FLUFL_AVAILABLE_IN_0_1
FluflLockState    flufl_operation_get_state   (FluflOperation    *self);
FLUFL_AVAILABLE_IN_0_1
FluflLockDetails *flufl_operation_steal_details (FluflOperation  *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_operation_get_error   (FluflOperation    *self,
                                               GQuark            *domain,
                                               int               *code,
                                               const char       **message,
                                               int               *errsv);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FluflOperation, flufl_operation_unref)

G_END_DECLS
