/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * LD_PRELOAD puts this library before libc. While the file $FLUFL_STALL_WHILE exists, calls on
 * files below $FLUFL_STALL_DIR stall, like those on a hard NFS mount whose server is away. The
 * program under test reads flufl_stalled, the number of calls that stall.
 */

/* This file defines each name of a function, so no name may stand for another. */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

extern atomic_int flufl_stalled;
atomic_int flufl_stalled;

/* The calls are made by number, since this file hides the functions of libc. */
static int
is_stalling (void)
{
  const char *path = getenv ("FLUFL_STALL_WHILE");

  return path != NULL && syscall (SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

static int
is_below (const char *path)
{
  const char *dir = getenv ("FLUFL_STALL_DIR");

  return dir != NULL && path != NULL && strncmp (path, dir, strlen (dir)) == 0;
}

static void
stall (void)
{
  const struct timespec pause = { 0, 1000 * 1000 };

  if (!is_stalling ())
    return;
  atomic_fetch_add (&flufl_stalled, 1);
  while (is_stalling ())
    nanosleep (&pause, NULL);
  atomic_fetch_sub (&flufl_stalled, 1);
}

static void
stall_path (const char *path)
{
  if (is_below (path))
    stall ();
}

static void
stall_fd (int fd)
{
  char name[32], path[4096];
  ssize_t n;

  snprintf (name, sizeof name, "/proc/self/fd/%d", fd);
  n = syscall (SYS_readlinkat, AT_FDCWD, name, path, sizeof path - 1);
  if (n <= 0)
    return;
  path[n] = '\0';
  stall_path (path);
}

#define REAL(name) \
  static __typeof__ (&name) real; \
  if (real == NULL) \
    real = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name)

#define OPEN(name) \
  int \
  name (const char *path, int flags, ...) \
  { \
    mode_t mode = 0; \
    REAL (name); \
    if ((flags & O_CREAT) != 0) \
      { \
        va_list args; \
        va_start (args, flags); \
        mode = va_arg (args, mode_t); \
        va_end (args); \
      } \
    stall_path (path); \
    return real (path, flags, mode); \
  }

#define BY_PATH(name, parameters, path, arguments) \
  int \
  name parameters \
  { \
    REAL (name); \
    stall_path (path); \
    return real arguments; \
  }

#define BY_FD(type, name, parameters, arguments) \
  type \
  name parameters \
  { \
    REAL (name); \
    stall_fd (fd); \
    return real arguments; \
  }

OPEN (open)
OPEN (open64)

BY_PATH (lstat, (const char *restrict path, struct stat *restrict st), path, (path, st))
BY_PATH (lstat64, (const char *restrict path, struct stat64 *restrict st), path, (path, st))
BY_PATH (statfs, (const char *path, struct statfs *st), path, (path, st))
BY_PATH (statfs64, (const char *path, struct statfs64 *st), path, (path, st))
BY_PATH (utimensat, (int dir, const char *path, const struct timespec times[2], int flags), path,
         (dir, path, times, flags))
BY_PATH (link, (const char *from, const char *to), to, (from, to))
BY_PATH (rename, (const char *from, const char *to), to, (from, to))
BY_PATH (unlink, (const char *path), path, (path))

BY_FD (int, fstat, (int fd, struct stat *st), (fd, st))
BY_FD (int, fstat64, (int fd, struct stat64 *st), (fd, st))
BY_FD (int, futimens, (int fd, const struct timespec times[2]), (fd, times))
BY_FD (int, flock, (int fd, int operation), (fd, operation))
BY_FD (ssize_t, pwrite, (int fd, const void *buffer, size_t size, off_t at), (fd, buffer, size, at))
BY_FD (ssize_t, pwrite64, (int fd, const void *buffer, size_t size, off64_t at),
       (fd, buffer, size, at))

#if defined (__TIMESIZE) && __TIMESIZE == 32
/* The names of the functions above in a program whose times have 64 bits. No header declares
 * them. */
int __lstat64_time64 (const char *path, void *st);
int __fstat64_time64 (int fd, void *st);
int __utimensat64 (int dir, const char *path, const void *times, int flags);
int __futimens64 (int fd, const void *times);

BY_PATH (__lstat64_time64, (const char *path, void *st), path, (path, st))
BY_PATH (__utimensat64, (int dir, const char *path, const void *times, int flags), path,
         (dir, path, times, flags))
BY_FD (int, __fstat64_time64, (int fd, void *st), (fd, st))
BY_FD (int, __futimens64, (int fd, const void *times), (fd, times))
#endif
