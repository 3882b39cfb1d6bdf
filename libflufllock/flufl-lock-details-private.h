/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-lock-details.h"
#include "flufl-attempt.h"
#include "flufl-office-lock-private.h"

G_BEGIN_DECLS

FluflLockDetails *flufl_lock_details_new (const FluflSite     *site,
                                          const FluflFindings *findings,
                                          FluflLockState       state);

FluflLockDetails *flufl_lock_details_new_foreign (const char            *path,
                                                  const char            *program,
                                                  const FluflOfficeLock *office);

const char       *flufl_lock_details_claim_name (const FluflLockDetails *self);

GDateTime        *flufl_date_time_from_nsec (gint64 nsec);

G_END_DECLS
