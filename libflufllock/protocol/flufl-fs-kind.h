/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-syscalls.h"

G_BEGIN_DECLS

/* Returns: (transfer full) (nullable): the kernel's name of the file system; @out_directory: (transfer
 * full) (nullable): the directory without symbolic links. NULL: that cannot be found out now */
typedef char *(*FluflAskMountFunc) (gconstpointer data, char **out_directory);

FluflFsKind flufl_fs_kind    (const char *directory);
FluflFsKind flufl_fs_kind_of (guint32     number,
                              gboolean    has_device,
                              FluflAskMountFunc ask_mount,
                              gconstpointer data);

char       *flufl_fs_type    (const char *directory);
char       *flufl_fs_ask_mount (gconstpointer directory,
                                char        **out_directory);
gboolean    flufl_fs_may_hang (const char *directory);

char       *flufl_mount_type (const char *mountinfo,
                              int         id);

G_END_DECLS
