/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The two disks for the tests of operations: the one in memory, and a real directory with a clock
 * that stands still until a test sets it forward, so that no busy machine makes a process late.
 * All processes that are forked later, or share the memory of this one, share the clock.
 */

#pragma once

#include "flufl-syscalls.h"

G_BEGIN_DECLS

typedef struct
{
  const char          *name;
  const FluflSyscalls *sys;
  const char         *(*lock)  (void);
  /* Makes the disk empty, and of that kind. */
  void                (*reset) (FluflFsKind kind);
  /* Lets time pass for all processes, without any other effect. */
  void                (*pass)  (gint64      nsec);
  void                (*clear) (void);
} Disk;

extern const Disk disk_in_memory;
extern const Disk disk_real;

/* Whether there is a local file system for the real disk. */
gboolean disk_real_is_local (void);

gboolean disk_exists   (const Disk    *disk,
                        const char    *path);
/* FALSE: nothing is there. */
gboolean disk_look     (const Disk    *disk,
                        const char    *path,
                        FluflStat     *st);
/* A file with @content; it expires @seconds from now. */
void     disk_put      (const Disk    *disk,
                        const char    *path,
                        const char    *content,
                        double         seconds);
/* The names in the lock's directory, one a line. */
char    *disk_list     (const Disk    *disk);

G_END_DECLS
