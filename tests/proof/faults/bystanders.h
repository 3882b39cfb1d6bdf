/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Files beside the lock that belong to nobody's lock, and that must stay as they are.
 */

#pragma once

#include "disks.h"

G_BEGIN_DECLS

void        bystanders_put          (const Disk *disk);
gboolean    bystanders_has          (const char *name);
/* Returns: (nullable): the name of a file that was changed or removed */
const char *bystanders_find_touched (const Disk *disk);

G_END_DECLS
