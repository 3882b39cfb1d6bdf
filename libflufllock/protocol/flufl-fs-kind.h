/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-syscalls.h"

G_BEGIN_DECLS

typedef char *(*FluflAskMountFunc) (gconstpointer data);

FluflFsKind flufl_fs_kind    (const char *directory);
FluflFsKind flufl_fs_kind_of (guint32     number,
                              gboolean    has_device,
                              FluflAskMountFunc ask_mount,
                              gconstpointer data);

char       *flufl_fs_type    (const char *directory);
gboolean    flufl_fs_may_hang (const char *directory);

char       *flufl_mount_type (const char *mountinfo,
                              int         id);

G_END_DECLS
