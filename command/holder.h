/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Who holds a lock, in words and as JSON.
 */

#pragma once

#include <libflufllock.h>

#include "json.h"

G_BEGIN_DECLS

char       *describe_holder (FluflLockDetails *details);
char       *describe_waiter (FluflLockDetails *details);
gboolean    holder_is_late  (FluflLockDetails *details);
void        json_holder     (Json *json, FluflLockDetails *details);
const char *state_name      (FluflLockState state);

G_END_DECLS
