/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the files of the lease share.
 */

#pragma once

#include "flufl-lease.h"

G_BEGIN_DECLS

/* With the mutex. */
gboolean flufl_lease_is_over_locked         (FluflLease *self);
void     flufl_lease_set_lost_locked        (FluflLease *self,
                                             gboolean    late);

/* With the disk. */
void     flufl_lease_drop_remains_with_disk (FluflLease *self);

void     flufl_lease_drop_kept              (FluflLease *self);

G_END_DECLS
