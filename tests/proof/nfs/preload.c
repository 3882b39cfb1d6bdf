/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * LD_PRELOAD puts this library before libc.
 *
 * $FLUFL_STOP_AT is `CALL N`, the Nth call of that name in the protocol. Right before it the
 * process makes the file $FLUFL_STOP_FILE, and goes on when that is gone. So a check can prepare
 * an event for that very call.
 *
 * $FLUFL_CLOCK_AHEAD is the number of seconds by which the real-time clock of the process is
 * ahead, and so wrong. The times of files, which the server or the program sets, and the other
 * clocks stay as they are.
 *
 * $FLUFL_SLOW_UNLINK_MS is the time by which each unlink(2) is late.
 */

#undef _FILE_OFFSET_BITS
#undef _TIME_BITS

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* After this the client need not ask about permissions before the call itself. */
static void
ask_for_access (const char *call, const char *path)
{
  char directory[4096];
  char *slash;

  snprintf (directory, sizeof directory, "%s", path);
  slash = strrchr (directory, '/');
  if (slash == NULL)
    return;
  *slash = '\0';
  syscall (SYS_faccessat, AT_FDCWD, directory, W_OK | X_OK);
  if (strcmp (call, "create") != 0)
    syscall (SYS_faccessat, AT_FDCWD, path, R_OK | W_OK);
}

static void
stop_before (const char *call, atomic_int *count, const char *path)
{
  const char *at = getenv ("FLUFL_STOP_AT"), *file = getenv ("FLUFL_STOP_FILE");
  const struct timespec pause = { 0, 10 * 1000 * 1000 };
  size_t length = strlen (call);
  long fd;

  if (at == NULL || file == NULL || strncmp (at, call, length) != 0 || at[length] != ' ')
    return;
  if (atomic_fetch_add (count, 1) + 1 != atoi (at + length))
    return;
  fd = syscall (SYS_openat, AT_FDCWD, file, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  syscall (SYS_close, fd);
  while (syscall (SYS_faccessat, AT_FDCWD, file, F_OK) == 0)
    {
      ask_for_access (call, path);
      nanosleep (&pause, NULL);
    }
}

#define NEXT(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

int
link (const char *from, const char *to)
{
  static atomic_int count;

  stop_before ("link", &count, from);
  return NEXT (link) (from, to);
}

int
unlink (const char *path)
{
  static atomic_int count;
  const char *late = getenv ("FLUFL_SLOW_UNLINK_MS");

  stop_before ("unlink", &count, path);
  if (late != NULL)
    {
      int ms = atoi (late);
      const struct timespec pause = { ms / 1000, ms % 1000 * 1000 * 1000 };

      nanosleep (&pause, NULL);
    }
  return NEXT (unlink) (path);
}

int
utimensat (int dir, const char *path, const struct timespec times[2], int flags)
{
  static atomic_int count;

  stop_before ("utimensat", &count, path);
  return NEXT (utimensat) (dir, path, times, flags);
}

/* Only the open(2) that makes a claim counts. */
static int
open_mode (const char *path, int flags, mode_t mode)
{
  static atomic_int count;

  if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
    stop_before ("create", &count, path);
  return (int) syscall (SYS_openat, AT_FDCWD, path, flags, mode);
}

#define OPEN(name, more)                                                                           \
  int name (const char *path, int flags, ...)                                                      \
  {                                                                                                \
    mode_t mode = 0;                                                                               \
    if (flags & O_CREAT)                                                                           \
      {                                                                                            \
        va_list arguments;                                                                         \
        va_start (arguments, flags);                                                               \
        mode = va_arg (arguments, mode_t);                                                         \
        va_end (arguments);                                                                        \
      }                                                                                            \
    return open_mode (path, flags | (more), mode);                                                 \
  }

OPEN (open, 0)
OPEN (open64, O_LARGEFILE)

int
clock_gettime (clockid_t clock, struct timespec *now)
{
  int result = (int) syscall (SYS_clock_gettime, clock, now);
  const char *ahead = getenv ("FLUFL_CLOCK_AHEAD");

  if (result == 0 && clock == CLOCK_REALTIME && ahead != NULL)
    now->tv_sec += atoi (ahead);
  return result;
}
