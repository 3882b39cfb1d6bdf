/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the tests of the life-line share: holders that die, and processes that
 * cannot have a life-line.
 */

#pragma once

#include "protocol-util.h"

G_BEGIN_DECLS

/* Acquires as a process that then dies. */
void leave_dead_holder (void);
/* One that sees the place as a network file system, and so no life-lines. */
void remote_init       (Proc *p);
/* Releases what @p holds, or gives up its claim; and clears it. */
void give_up_or_back   (Proc *p);

G_END_DECLS
