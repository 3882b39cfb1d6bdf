/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The checks that the tests of fork(2) share.
 */

#pragma once

#include "face-util.h"

G_BEGIN_DECLS

/* FALSE: the test is skipped. The thread sanitizer ends a forked child that makes a thread. */
gboolean children_may_have_threads (void);
/* Asserts, in a child whose parent holds @lock, that the child does not. */
void     holds_nothing             (FluflLock *lock);

G_END_DECLS
