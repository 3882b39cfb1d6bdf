/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which file system a directory lies on. statfs(2) alone does not tell: 9p
 * answers with what the server says of its own disk, so a directory shared by
 * QEMU looks like ext4, flock(2) always succeeds there, and a living holder's
 * life-line seemed to be cut.
 */

#include "config.h"

#include "flufl-fs-kind.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_SYS_VFS_H
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define NFS_NUMBER 0x6969

/* Numbers of statfs(2), from the kernel's headers and file systems. Those with a
 * name have no block device, as no network file system has one; they are known
 * by what the kernel calls the mount. A file system that is not here is trusted
 * with nothing. */
static const struct
{
  guint32     number;
  const char *mounted_as;
} local[] = {
  { 0xEF53, NULL },     /* ext2, ext3, ext4 */
  { 0x58465342, NULL }, /* xfs */
  { 0xF2F52010, NULL }, /* f2fs */
  { 0x3153464A, NULL }, /* jfs */
  { 0x52654973, NULL }, /* reiserfs */
  { 0x3434, NULL },     /* nilfs2 */
  { 0x9123683E, "btrfs" },
  { 0x01021994, "tmpfs" },
  { 0x858458F6, "ramfs" },
  { 0x794C7630, "overlay" },
  { 0x2FC12FC1, "zfs" },
  { 0xCA451A4E, "bcachefs" },
};
#endif

/*
 * flufl_mount_type:
 * @mountinfo: what /proc/self/mountinfo says
 * @id: of the mount
 *
 * Returns: (nullable): the kernel's name of the mount's file system
 */
char *
flufl_mount_type (const char *mountinfo, int id)
{
  g_auto (GStrv) lines = g_strsplit (mountinfo, "\n", -1);

  for (gsize i = 0; lines[i] != NULL; i++)
    {
      /* Blanks in paths are written as \040. */
      const char *rest = strstr (lines[i], " - ");
      char *end;

      if (strtol (lines[i], &end, 10) == id && end != lines[i] && rest != NULL)
        return g_strndup (rest + 3, strcspn (rest + 3, " "));
    }
  return NULL;
}

#ifdef HAVE_SYS_VFS_H
/* What the mount that @fd is on calls its file system; NULL if nobody tells. */
static char *
mount_type_of (int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", fd);
  g_autofree char *fdinfo = NULL;
  g_autofree char *mountinfo = NULL;
  const char *id = NULL;

  if (g_file_get_contents (path, &fdinfo, NULL, NULL))
    id = strstr (fdinfo, "mnt_id:");
  if (id == NULL || !g_file_get_contents ("/proc/self/mountinfo", &mountinfo, NULL, NULL))
    return NULL;
  return flufl_mount_type (mountinfo, atoi (id + strlen ("mnt_id:")));
}

static FluflFsKind
kind_by_mount (const char *directory, const char *type)
{
  int fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  FluflFsKind kind = FLUFL_FS_OTHER;
  char *found;

  if (fd < 0)
    return FLUFL_FS_UNASKED;
  found = mount_type_of (fd);
  if (g_strcmp0 (found, type) == 0)
    kind = FLUFL_FS_LOCAL;
  g_free (found);
  close (fd);
  return kind;
}
#endif

/* UNASKED: it could not be found out now. */
FluflFsKind
flufl_fs_kind (const char *directory)
{
#ifdef HAVE_SYS_VFS_H
  struct statfs fs;
  struct stat st;

  if (statfs (directory, &fs) != 0 || stat (directory, &st) != 0)
    return FLUFL_FS_UNASKED;
  if ((guint32) fs.f_type == NFS_NUMBER)
    return FLUFL_FS_NFS;
  for (gsize i = 0; i < G_N_ELEMENTS (local); i++)
    if ((guint32) fs.f_type == local[i].number)
      {
        if (local[i].mounted_as != NULL)
          return kind_by_mount (directory, local[i].mounted_as);
        return major (st.st_dev) != 0 ? FLUFL_FS_LOCAL : FLUFL_FS_OTHER;
      }
#endif
  return FLUFL_FS_OTHER;
}
