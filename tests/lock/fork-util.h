/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the tests of fork(2) share: what a forked child may do, and what it holds.
 */

#pragma once

#include "face-util.h"

G_BEGIN_DECLS

/* FALSE: the test is skipped. The thread sanitizer ends a forked child that makes a thread. */
gboolean children_may_have_threads (void);
/* In a child whose parent holds @lock. */
void     holds_nothing             (FluflLock *lock);

G_END_DECLS
