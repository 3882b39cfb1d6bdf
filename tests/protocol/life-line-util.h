/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The functions that the tests of the life-line share: holders that die, and processes that cannot
 * have a life-line.
 */

#pragma once

#include "protocol-util.h"

G_BEGIN_DECLS

/* A process acquires the lock, and then dies. */
void leave_dead_holder (void);
/* Makes a process of another machine, to which the directory is on a network file system, without
 * life-lines. */
void remote_init       (Proc *p);
/* Releases the lock of @p, or gives up its claim, and clears @p. */
void give_up_or_back   (Proc *p);

G_END_DECLS
