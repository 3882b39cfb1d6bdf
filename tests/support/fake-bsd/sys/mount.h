/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The part of the BSDs' <sys/mount.h> that the library uses. The test has the functions.
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

#define MNT_LOCAL 0x1000
#define MNT_NOWAIT 2

struct statfs
{
  uint64_t f_flags;
  char     f_fstypename[16];
  char     f_mntonname[64];
};

int statfs (const char *path, struct statfs *out);
int getfsstat (struct statfs *out, long size, int flags);
