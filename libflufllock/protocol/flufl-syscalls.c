/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
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
#include <sys/file.h>
#include <unistd.h>

#ifdef HAVE_SYS_VFS_H
#include <sys/vfs.h>
#endif
#ifdef HAVE_GETRANDOM
#include <sys/random.h>
#endif

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
posix_random (void *buffer, size_t size)
{
  int fd, errsv;
  ssize_t n;

#ifdef HAVE_GETRANDOM
  /* Requests of up to 256 bytes are neither cut nor interrupted. */
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

static FluflFsKind
posix_fs_kind (const char *directory)
{
#ifdef HAVE_SYS_VFS_H
  /* Numbers of statfs(2), from the kernel's headers and file systems. A file
   * system that is not here is trusted with nothing. */
  static const guint32 local[] = {
    0xEF53,     /* ext2, ext3, ext4 */
    0x58465342, /* xfs */
    0x9123683E, /* btrfs */
    0x01021994, /* tmpfs */
    0x858458F6, /* ramfs */
    0xF2F52010, /* f2fs */
    0x794C7630, /* overlayfs */
    0x2FC12FC1, /* zfs */
    0xCA451A4E, /* bcachefs */
    0x3153464A, /* jfs */
    0x52654973, /* reiserfs */
    0x3434,     /* nilfs2 */
  };
  struct statfs st;

  if (statfs (directory, &st) != 0)
    return FLUFL_FS_UNASKED;
  if ((guint32) st.f_type == 0x6969)
    return FLUFL_FS_NFS;
  for (gsize i = 0; i < G_N_ELEMENTS (local); i++)
    if ((guint32) st.f_type == local[i])
      return FLUFL_FS_LOCAL;
#endif
  return FLUFL_FS_OTHER;
}

const FluflSyscalls flufl_syscalls_posix = {
  .open = posix_open,
  .close = close,
  .read = read,
  .pwrite = pwrite,
  .fstat = fstat,
  .lstat = lstat,
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
  .fs_kind = posix_fs_kind,
};
