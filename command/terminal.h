/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The terminal, and the process group that reads from it.
 */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

int      terminal_open       (void);
gboolean terminal_is_of      (int fd, pid_t group);
void     terminal_give       (int fd, pid_t group);
gboolean terminal_is_all     (void);
void     terminal_stop_job   (int number);

G_END_DECLS
