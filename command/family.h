/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The processes that a process has started, and those that they have started.
 */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* The group of a command whose end this process has taken may be another one by now. */
#ifdef __linux__
#define FAMILY_GROUP_AFTER_END(group) 0 /* orphans are found without it */
#else
#define FAMILY_GROUP_AFTER_END(group) (group)
#endif

void     family_note_front    (void);
gboolean family_has_strangers (void);
void     family_adopt_orphans (void);
gboolean family_parent_is_stopped (void);
void     family_die_with      (pid_t parent);
void     family_signal        (pid_t group, int number);
gboolean family_reap          (void);
gboolean family_reap_until    (pid_t child, int *out_wait_status);

G_END_DECLS
