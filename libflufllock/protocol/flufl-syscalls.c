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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_GETRANDOM
#include <sys/random.h>
#endif
#ifdef HAVE_STATX
#include <sys/sysmacros.h>
#endif

#include "flufl-fs-kind.h"
#include "flufl-process.h"
#include "flufl-thread.h"

/* What getrandom(2) gives at once: more may be cut or interrupted. */
#define RANDOM_BATCH 256

/* A system without it has no way past the cache. */
#ifndef O_DIRECT
#define O_DIRECT 0
#endif

static int
posix_open (const char *path, FluflOpen how)
{
  const int look = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

  switch (how)
    {
    case FLUFL_OPEN_CREATE:
      return FLUFL_WAIT_FOR (open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                   0666));
    case FLUFL_OPEN_LOOK_UNCACHED:
      return FLUFL_WAIT_FOR (open (path, look | O_NOFOLLOW | O_DIRECT));
    case FLUFL_OPEN_LOOK_THROUGH:
      return FLUFL_WAIT_FOR (open (path, look));
    case FLUFL_OPEN_LOOK:
    default:
      return FLUFL_WAIT_FOR (open (path, look | O_NOFOLLOW));
    }
}

static int
posix_close (int fd)
{
  return FLUFL_WAIT_FOR (close (fd));
}

static gssize
posix_read (int fd, void *buffer, gsize size)
{
  return FLUFL_WAIT_FOR (read (fd, buffer, size));
}

static gssize
posix_pwrite (int fd, const void *buffer, gsize size, gint64 offset)
{
  return FLUFL_WAIT_FOR (pwrite (fd, buffer, size, (off_t) offset));
}

static FluflFileType
file_type (mode_t mode)
{
  switch (mode & S_IFMT)
    {
    case S_IFREG:
      return FLUFL_FILE_REGULAR;
    case S_IFDIR:
      return FLUFL_FILE_DIRECTORY;
    case S_IFLNK:
      return FLUFL_FILE_SYMLINK;
    case S_IFIFO:
      return FLUFL_FILE_PIPE;
    case S_IFSOCK:
      return FLUFL_FILE_SOCKET;
    default:
      return FLUFL_FILE_DEVICE;
    }
}

/* G_MAXINT64 is left for what has no time. A time after 2262 is clamped to the one before it. */
static gint64
nanoseconds (const struct timespec *ts)
{
  return MIN (flufl_time_from_seconds (ts->tv_sec, ts->tv_nsec), G_MAXINT64 - 1);
}

static int
take_attributes (int result, const struct stat *from, FluflStat *out)
{
  if (result != 0)
    return result;
  out->type = file_type (from->st_mode);
  out->dev = from->st_dev;
  out->ino = from->st_ino;
  out->nlink = from->st_nlink;
  out->size = from->st_size;
  out->mtime = nanoseconds (&from->st_mtim);
  out->ctime = nanoseconds (&from->st_ctim);
  out->atime = nanoseconds (&from->st_atim);
  out->owner = from->st_uid;
  return 0;
}

static int
posix_fstat (int fd, FluflStat *out)
{
  struct stat st;

  return take_attributes (FLUFL_WAIT_FOR (fstat (fd, &st)), &st, out);
}

static int
posix_lstat (const char *path, FluflStat *out)
{
  struct stat st;

  return take_attributes (FLUFL_WAIT_FOR (lstat (path, &st)), &st, out);
}

static struct timespec
timespec (gint64 time)
{
  return (struct timespec){ (time_t) (time / FLUFL_NSEC_PER_SEC),
                            (long) (time % FLUFL_NSEC_PER_SEC) };
}

static int
posix_futimens (int fd, gint64 mtime, gint64 atime)
{
  const struct timespec times[2] = { timespec (atime), timespec (mtime) };

  return FLUFL_WAIT_FOR (futimens (fd, times));
}

static int
posix_utimens (const char *path, gint64 mtime, gint64 atime)
{
  const struct timespec times[2] = { timespec (atime), timespec (mtime) };

  return FLUFL_WAIT_FOR (utimensat (AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW));
}

static int
posix_flock (int fd, FluflLine line)
{
  return FLUFL_WAIT_FOR (flock (fd, (line == FLUFL_LINE_ASK ? LOCK_SH : LOCK_EX) | LOCK_NB));
}

static int
posix_link (const char *old_path, const char *new_path)
{
  return FLUFL_WAIT_FOR (link (old_path, new_path));
}

static int
posix_rename (const char *old_path, const char *new_path)
{
  return FLUFL_WAIT_FOR (rename (old_path, new_path));
}

static int
posix_unlink (const char *path)
{
  return FLUFL_WAIT_FOR (unlink (path));
}

/* An NFS client knows which file a name belongs to until another client changes the directory, and
 * the replies to its own changes report that. lstat(2) would ask the server about the file as well.
 * */
static int
posix_identify (const char *path, guint64 *dev, guint64 *ino)
{
#ifdef HAVE_STATX
  struct statx st;

  if (FLUFL_WAIT_FOR (statx (AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO, &st)) != 0)
    return -1;
  *dev = makedev (st.stx_dev_major, st.stx_dev_minor);
  *ino = st.stx_ino;
#else
  FluflStat st;

  if (posix_lstat (path, &st) != 0)
    return -1;
  *dev = st.dev;
  *ino = st.ino;
#endif
  return 0;
}

static int
posix_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  /* Asked once, and not for each name. */
  gboolean is_own = flufl_thread_is_own ();
  struct dirent *entry;
  DIR *dir;
  int errsv;

  flufl_thread_begin_wait ();
  dir = opendir (directory);
  flufl_thread_end_call (0);
  if (dir == NULL)
    return -1;
  do
    {
      errno = 0;
      if (is_own)
        flufl_thread_begin_wait ();
      entry = readdir (dir);
      errsv = errno;
      if (is_own)
        flufl_thread_end_call (0);
    }
  while (entry != NULL && func (entry->d_name, user_data));
  FLUFL_WAIT_FOR (closedir (dir));
  errno = errsv;
  return entry == NULL && errsv != 0 ? -1 : 0;
}

static int
posix_kill (int pid)
{
  return kill (pid, 0);
}

static int
ask_for_random (void *buffer, gsize size)
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

/* By the batch: asked for one by one, random numbers would be a good part of what the library adds
 * to its system calls. Each thread has a generator of its own, so there is no mutex that a forked
 * child could wait for. A child begins a new one, because its parent will use the numbers of the
 * old one. */
static int
posix_random (void *buffer, gsize size)
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
  return nanoseconds (&ts);
}

const FluflSyscalls flufl_syscalls_native = {
  .open = posix_open,
  .close = posix_close,
  .read = posix_read,
  .pwrite = posix_pwrite,
  .fstat = posix_fstat,
  .lstat = posix_lstat,
  .identify = posix_identify,
  .futimens = posix_futimens,
  .utimens = posix_utimens,
  .flock = posix_flock,
  .link = posix_link,
  .rename = posix_rename,
  .unlink = posix_unlink,
  .list = posix_list,
  .kill = posix_kill,
  .random = posix_random,
  .clock = posix_clock,
  .fs_kind = flufl_fs_kind,
};
