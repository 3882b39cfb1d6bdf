/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Memory that a test shares with its other processes, filled with zeros at first.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#ifdef G_OS_WIN32
/* In a process that the test started: the memory is that of the process @pid, where each block has
 * the same number. */
void     shared_memory_join (guint32   pid);
#endif
/* Processes that are forked later have the block, too. */
gpointer shared_memory_new  (gsize     size);
void     shared_memory_free (gpointer  memory,
                             gsize     size);

G_END_DECLS
