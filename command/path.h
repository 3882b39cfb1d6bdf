/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the paths of the command line mean.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

char  *path_trim              (const char *path);
char  *path_resolve_directory (const char *path);
GFile *path_make_lock_file    (const char *path);

G_END_DECLS
