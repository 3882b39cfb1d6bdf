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
/* FALSE: the test is skipped. The address sanitizer of GCC 12 and 13 takes no care of its own
 * allocator at a fork. If another thread allocates at that moment, the child can wait for ever. */
gboolean children_may_allocate     (void);
/* Asserts, in a child whose parent holds @lock, that the child does not. */
void     holds_nothing             (FluflLock *lock);

G_END_DECLS
