/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <libflufllock.h>

typedef struct
{
  char      *lock_path, *flock_path;
  FluflLock *lock, *lingering, *beating;
  guint64    n;
  int        kept;      /* plain C's kept claim */
  char       kept_path[4096];
} Bench;

typedef struct
{
  const char *name;
  void      (*cycle) (Bench *b);
} BenchKind;

extern const BenchKind bench_kinds[]; /* the last has no name */

gint64 bench_now   (void);
void   must        (gboolean fine);

void   bench_init  (Bench *b, const char *directory);
void   bench_clear (Bench *b);
