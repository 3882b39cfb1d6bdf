/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <glib.h>

G_BEGIN_DECLS

/* Kinds of file systems, by what the library may rely on. */
typedef enum
{
  FLUFL_FS_UNASKED = 0, /* or there was no answer */
  FLUFL_FS_LOCAL,   /* one kernel sees every change; link counts are right */
  FLUFL_FS_NFS,     /* many kernels; link counts are right once looked up */
  FLUFL_FS_OTHER,   /* anything: FUSE, 9p, cluster file systems, … */
  FLUFL_FS_SMB,     /* unlink(2) of one name may succeed for several callers: no lock can
                     * be made here */
} FluflFsKind;

typedef enum
{
  FLUFL_CLOCK_REAL, /* compared with file times */
  FLUFL_CLOCK_BOOT, /* measures durations; goes on while the machine sleeps */
} FluflClock;

/* Called for each name in a directory; FALSE ends the list. */
typedef gboolean (*FluflNameFunc) (const char *name, gpointer user_data);

/* Everything that the protocol asks of the disk, the clocks and other
 * processes. (Who this process itself is, flufl-identity.c asks by other calls.)
 * Each entry behaves as the system call of its name: -1 and errno on failure.
 * Tests make entries lie, stall or die; another platform brings its own table. */
typedef struct
{
  int     (*open)     (const char *path, int flags, mode_t mode);
  int     (*close)    (int fd);
  ssize_t (*read)     (int fd, void *buffer, size_t size);
  ssize_t (*pwrite)   (int fd, const void *buffer, size_t size, off_t offset);
  int     (*fstat)    (int fd, struct stat *st);
  int     (*lstat)    (const char *path, struct stat *st);
  /* Which file has the name, as lstat(2) says it, and nothing else about it. */
  int     (*identify) (const char *path, dev_t *dev, ino_t *ino);
  int     (*futimens) (int fd, const struct timespec times[2]);
  int     (*utimens)  (const char *path, const struct timespec times[2]);
  int     (*flock)    (int fd, int operation);
  int     (*link)     (const char *from, const char *to);
  int     (*rename)   (const char *from, const char *to);
  int     (*unlink)   (const char *path);
  int     (*list)     (const char *directory, FluflNameFunc func, gpointer user_data);
  int     (*kill)     (pid_t pid, int sig);
  int     (*random)   (void *buffer, size_t size);
  gint64  (*clock)    (FluflClock clock); /* nanoseconds; never fails */
  FluflFsKind (*fs_kind) (const char *directory);
} FluflSyscalls;

extern const FluflSyscalls flufl_syscalls_posix;

G_END_DECLS
