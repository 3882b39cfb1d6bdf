/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The table for POSIX systems, with what Linux has besides.
 */

#include "config.h"

#include "flufl-syscalls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#ifdef HAVE_GETRANDOM
#include <sys/random.h>
#endif
#ifdef HAVE_STATX
#include <sys/sysmacros.h>
#endif

#include "flufl-fs-kind.h"
#include "flufl-process.h"

/* What getrandom(2) gives at once: more may be cut or interrupted. */
#define RANDOM_BATCH 256

static int
posix_open (const char *path, int flags, mode_t mode)
{
  return open (path, flags, mode);
}

static int
posix_utimens (const char *path, const struct timespec times[2])
{
  return utimensat (AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* A client of a file server knows which file has a name for as long as nobody else has
 * changed the directory, which the answers to its own changes of it tell. lstat(2) would
 * ask the server about the file, too. */
static int
posix_identify (const char *path, dev_t *dev, ino_t *ino)
{
#ifdef HAVE_STATX
  struct statx st;

  if (statx (AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO, &st) != 0)
    return -1;
  *dev = makedev (st.stx_dev_major, st.stx_dev_minor);
  *ino = (ino_t) st.stx_ino;
#else
  struct stat st;

  if (lstat (path, &st) != 0)
    return -1;
  *dev = st.st_dev;
  *ino = st.st_ino;
#endif
  return 0;
}

static int
posix_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  DIR *dir = opendir (directory);
  struct dirent *entry;
  int errsv;

  if (dir == NULL)
    return -1;
  do
    {
      errno = 0;
      entry = readdir (dir);
      errsv = errno;
    }
  while (entry != NULL && func (entry->d_name, user_data));
  closedir (dir);
  errno = errsv;
  return entry == NULL && errsv != 0 ? -1 : 0;
}

static int
ask_for_random (void *buffer, size_t size)
{
  int fd, errsv;
  ssize_t n;

#ifdef HAVE_GETRANDOM
  if (getrandom (buffer, size, 0) == (ssize_t) size)
    return 0;
#endif
  fd = open ("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  n = read (fd, buffer, size);
  errsv = n < 0 ? errno : EIO;
  close (fd);
  errno = errsv;
  return n == (ssize_t) size ? 0 : -1;
}

/* By the batch: asked for one by one, random numbers would be a good part of what
 * the library adds to its system calls. Each thread has its own, so that there is
 * no mutex that a forked child could wait for; and a child begins a new one, for
 * its parent will use the numbers of this. */
static int
posix_random (void *buffer, size_t size)
{
  static _Thread_local struct
  {
    int    process; /* its mark */
    size_t left;
    guchar bytes[RANDOM_BATCH];
  } batch;

  if (size > RANDOM_BATCH)
    return ask_for_random (buffer, size);
  if (batch.process != flufl_process_mark () || batch.left < size)
    {
      batch.left = 0;
      if (ask_for_random (batch.bytes, RANDOM_BATCH) != 0)
        return -1;
      batch.process = flufl_process_mark ();
      batch.left = RANDOM_BATCH;
    }
  batch.left -= size;
  memcpy (buffer, batch.bytes + batch.left, size);
  return 0;
}

static gint64
posix_clock (FluflClock clock)
{
  struct timespec ts = { 0, 0 };
  clockid_t id = CLOCK_REALTIME;

  if (clock == FLUFL_CLOCK_BOOT)
    {
#ifdef CLOCK_BOOTTIME
      id = CLOCK_BOOTTIME;
#else
      id = CLOCK_MONOTONIC;
#endif
    }

  clock_gettime (id, &ts);
  return (gint64) ts.tv_sec * G_GINT64_CONSTANT (1000000000) + ts.tv_nsec;
}

const FluflSyscalls flufl_syscalls_posix = {
  .open = posix_open,
  .close = close,
  .read = read,
  .pwrite = pwrite,
  .fstat = fstat,
  .lstat = lstat,
  .identify = posix_identify,
  .futimens = futimens,
  .utimens = posix_utimens,
  .flock = flock,
  .link = link,
  .rename = rename,
  .unlink = unlink,
  .list = posix_list,
  .kill = kill,
  .random = posix_random,
  .clock = posix_clock,
  .fs_kind = flufl_fs_kind,
};
