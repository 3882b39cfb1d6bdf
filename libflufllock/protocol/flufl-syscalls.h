/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <errno.h>

#include <glib.h>

G_BEGIN_DECLS

#define FLUFL_NSEC_PER_MSEC G_GINT64_CONSTANT (1000000)
#define FLUFL_NSEC_PER_SEC G_GINT64_CONSTANT (1000000000)

/* Kinds of file systems, by what the library may rely on. */
typedef enum
{
  FLUFL_FS_UNASKED = 0, /* or there was no answer */
  FLUFL_FS_LOCAL,   /* one kernel sees every change; link counts are right */
  FLUFL_FS_NFS,     /* many kernels; link counts are right once looked up */
  FLUFL_FS_OTHER,   /* anything: FUSE, 9p, cluster file systems, … */
  FLUFL_FS_FAT,     /* one kernel sees every change; there are no hard links */
  FLUFL_FS_SMB,     /* unlink(2) of one name may succeed for several callers: no lock can
                     * be made here */
  FLUFL_FS_SPLIT,   /* each client may create a file that another client has created: no lock can
                     * be made here */
  FLUFL_FS_SHORT,   /* names are cut to 8.3, so one file has the names of the lock, its claim and its
                     * marks: no lock can be made here */
  FLUFL_FS_UNFIT,   /* times are not as the protocol needs them: no lock can be made here. A table
                     * never answers this; flufl_fs_probe() finds it */
} FluflFsKind;

typedef enum
{
  FLUFL_CLOCK_REAL, /* compared with file times */
  FLUFL_CLOCK_BOOT, /* measures durations; goes on while the machine sleeps */
} FluflClock;

/* How a file is opened. */
typedef enum
{
  FLUFL_OPEN_CREATE, /* to be written; fails if the name exists */
  FLUFL_OPEN_LOOK,   /* to be read, without waiting for another end. Fails with ELOOP for a symbolic
                      * link, and with ENXIO for a socket or a device */
  FLUFL_OPEN_LOOK_UNCACHED, /* the same, past the cache of an NFS client where the system can;
                             * EINVAL if the file system cannot */
  FLUFL_OPEN_LOOK_THROUGH,  /* as LOOK, but follows a symbolic link */
} FluflOpen;

typedef enum
{
  FLUFL_FILE_REGULAR,
  FLUFL_FILE_DIRECTORY,
  FLUFL_FILE_SYMLINK,
  FLUFL_FILE_PIPE,
  FLUFL_FILE_SOCKET,
  FLUFL_FILE_DEVICE,
} FluflFileType;

/* Times are nanoseconds since 1970. */
typedef struct
{
  FluflFileType type;
  guint64       dev; /* dev and ino together identify the file */
  guint64       ino;
  guint64       nlink;
  gint64        size; /* bytes */
  gint64        mtime;
  gint64        ctime;
  gint64        atime;
  gint64        owner; /* user ID; -1: the system has none */
} FluflStat;

/* A question to the life-line of an open claim. No question waits: the answer is EWOULDBLOCK if
 * another process stands against it. */
typedef enum
{
  FLUFL_LINE_NONE, /* nothing; never asked of the table */
  FLUFL_LINE_TIE,  /* the maker of a new claim begins to keep it */
  FLUFL_LINE_TAKE, /* a breaker takes it; fails if another process has the life-line, or asks */
  FLUFL_LINE_ASK,  /* fails if another process has the life-line, and not if others ask */
} FluflLine;

/* Called for each name in a directory; FALSE ends the list. */
typedef gboolean (*FluflNameFunc) (const char *name, gpointer user_data);

/* Everything that the protocol asks of the disk, the clocks and other
 * processes. (Who this process itself is, flufl-process-facts.c asks by other calls.)
 * Each entry returns -1 and sets errno on failure, as the system call of its name does on POSIX
 * systems. Tests make entries lie, stall or die; another platform brings its own table. */
typedef struct
{
  int     (*open)     (const char *path, FluflOpen how);
  int     (*close)    (int fd);
  gssize  (*read)     (int fd, void *buffer, gsize size);
  gssize  (*pwrite)   (int fd, const void *buffer, gsize size, gint64 offset);
  int     (*fstat)    (int fd, FluflStat *st);
  int     (*lstat)    (const char *path, FluflStat *st);
  /* Which file has the name, as lstat() says it, and nothing else about it. */
  int     (*identify) (const char *path, guint64 *dev, guint64 *ino);
  int     (*futimens) (int fd, gint64 mtime, gint64 atime);
  int     (*utimens)  (const char *path, gint64 mtime, gint64 atime);
  int     (*flock)    (int fd, FluflLine line);
  int     (*link)     (const char *from, const char *to);
  int     (*rename)   (const char *from, const char *to);
  int     (*unlink)   (const char *path);
  int     (*list)     (const char *directory, FluflNameFunc func, gpointer user_data);
  /* Whether a process has the number: ESRCH if none has. */
  int     (*kill)     (int pid);
  int     (*random)   (void *buffer, gsize size);
  gint64  (*clock)    (FluflClock clock); /* nanoseconds; never fails */
  FluflFsKind (*fs_kind) (const char *directory);
  /* Whether flufl_fs_probe() must see how a file system keeps times before a claim is made. */
  gboolean needs_probe;
} FluflSyscalls;

/* A time as nanoseconds since 1970. Years before 1678 and after 2261 count as the first and the
 * last moment. */
static inline gint64
flufl_time_from_seconds (gint64 seconds, gint64 nsec)
{
  if (seconds >= G_MAXINT64 / FLUFL_NSEC_PER_SEC)
    return G_MAXINT64;
  if (seconds <= G_MININT64 / FLUFL_NSEC_PER_SEC)
    return G_MININT64;
  return seconds * FLUFL_NSEC_PER_SEC + nsec;
}

/* A system without such an errno never says it. */
#ifndef ESTALE
#define ESTALE 10070
#endif
#ifndef EHOSTDOWN
#define EHOSTDOWN 10064
#endif

/* Of the system that the library is built for. */
extern const FluflSyscalls flufl_syscalls_native;

G_END_DECLS
