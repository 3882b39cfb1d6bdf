/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Another process, whose end is waited for.
 */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

gboolean partner_open     (pid_t pid, int *out_fd);
gboolean partner_is_alive (pid_t pid, int fd);

G_END_DECLS
