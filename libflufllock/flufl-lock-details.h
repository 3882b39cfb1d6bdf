/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "flufl-enums.h"
#include "flufl-macros.h"

G_BEGIN_DECLS

#define FLUFL_TYPE_LOCK_DETAILS (flufl_lock_details_get_type ())

/**
 * FluflLockDetails:
 *
 * Who holds a lock, and until when, as found at one moment.
 *
 * It does not change: ask [method@Flufl.Lock.query_details] again for a newer
 * one.
 *
 * Since: 0.1
 */
typedef struct _FluflLockDetails FluflLockDetails;

FLUFL_AVAILABLE_IN_0_1
GType             flufl_lock_details_get_type       (void) G_GNUC_CONST;
FLUFL_AVAILABLE_IN_0_1
FluflLockDetails *flufl_lock_details_copy           (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_details_free           (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
const char       *flufl_lock_details_get_host_name  (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
int               flufl_lock_details_get_pid        (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_details_is_own_process (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
const char       *flufl_lock_details_get_program_name (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
const char       *flufl_lock_details_get_user_name  (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
const char       *flufl_lock_details_get_real_name  (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
GDateTime        *flufl_lock_details_get_acquisition (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
GFile            *flufl_lock_details_get_lock_file  (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
GFile            *flufl_lock_details_get_claim_file (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
GDateTime        *flufl_lock_details_get_expiration (FluflLockDetails *self);
FLUFL_AVAILABLE_IN_0_1
FluflLockState    flufl_lock_details_get_state      (FluflLockDetails *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FluflLockDetails, flufl_lock_details_free)

G_END_DECLS
