/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#pragma once

#include "flufl-syscalls.h"

G_BEGIN_DECLS

FluflFsKind flufl_fs_kind    (const char *directory);

char       *flufl_mount_type (const char *mountinfo,
                              int         id);

G_END_DECLS
