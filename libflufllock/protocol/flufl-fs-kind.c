/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Which file system a directory lies on. statfs(2) alone does not show it: 9p passes on what the
 * server says of its own disk, so a directory shared by QEMU looks like ext4. But flock(2) always
 * succeeds there, and the life-line of a live holder seemed to be cut.
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

#include "flufl-thread.h"

/* Numbers of statfs(2), from the kernel's headers and file systems. A network file
 * system has no block device. A file system with a name here is known by what the
 * kernel calls the mount, and only FAT needs a block device, too. A file system that
 * is not here is trusted with nothing. */
static const struct
{
  guint32     number;
  FluflFsKind kind;
  const char *mounted_as;
} known[] = {
  { 0xEF53, FLUFL_FS_LOCAL, NULL },     /* ext2, ext3, ext4 */
  { 0x58465342, FLUFL_FS_LOCAL, NULL }, /* xfs */
  { 0xF2F52010, FLUFL_FS_LOCAL, NULL }, /* f2fs */
  { 0x3153464A, FLUFL_FS_LOCAL, NULL }, /* jfs */
  { 0x52654973, FLUFL_FS_LOCAL, NULL }, /* reiserfs */
  { 0x3434, FLUFL_FS_LOCAL, NULL },     /* nilfs2 */
  { 0x9123683E, FLUFL_FS_LOCAL, "btrfs" },
  { 0x01021994, FLUFL_FS_LOCAL, "tmpfs" },
  { 0x858458F6, FLUFL_FS_LOCAL, "ramfs" },
  { 0x794C7630, FLUFL_FS_LOCAL, "overlay" },
  { 0x2FC12FC1, FLUFL_FS_LOCAL, "zfs" },
  { 0xCA451A4E, FLUFL_FS_LOCAL, "bcachefs" },
  { 0x4D44, FLUFL_FS_FAT, "vfat" },     /* or SHORT_MOUNT */
  { 0x2011BAB0, FLUFL_FS_FAT, NULL },   /* exfat */
  { 0x6969, FLUFL_FS_NFS, NULL },
  { 0xFE534D42, FLUFL_FS_SMB, NULL },   /* cifs, SMB 2 and 3 */
  { 0xFF534D42, FLUFL_FS_SMB, NULL },   /* cifs, SMB 1 */
  { 0x517B, FLUFL_FS_SMB, NULL },       /* smbfs */
};

/* FAT without long names. It has the number of vfat. */
#define SHORT_MOUNT "msdos"

#define FUSE_NUMBER 0x65735546

/* Its mounts keep new files to themselves for a while, and do not ask the server whether there is one of
 * that name. Two mounts created the same file exclusively in 100 of 100 races. */
#define SPLIT_MOUNT "fuse.rclone"

/* gvfs shows all its places in one mount by FUSE, and names those on SMB so. The desktop has symbolic
 * links to them. */
#define GVFS_SMB "/smb-share:"
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
/* What the mount that @fd is on calls its file system; NULL if that cannot be read. */
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

/* A FluflAskMountFunc for a directory's path. */
char *
flufl_fs_ask_mount (gconstpointer directory, char **out_directory)
{
  int fd = FLUFL_WAIT_FOR (open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  char *found;

  *out_directory = NULL;
  if (fd < 0)
    return NULL;
  *out_directory = g_file_read_link (link, NULL);
  found = mount_type_of (fd);
  close (fd);
  return found;
}

static FluflFsKind
kind_of_fuse (FluflAskMountFunc ask_mount, gconstpointer data)
{
  g_autofree char *directory = NULL;
  g_autofree char *type = ask_mount (data, &directory);

  /* Until there is an answer, no lock may rest on an exclusive create, which SPLIT_MOUNT does not have. */
  if (type == NULL || directory == NULL)
    return FLUFL_FS_UNASKED;
  if (strcmp (type, SPLIT_MOUNT) == 0)
    return FLUFL_FS_SPLIT;
  return strstr (directory, GVFS_SMB) != NULL ? FLUFL_FS_SMB : FLUFL_FS_OTHER;
}

static FluflFsKind
kind_of_known (gsize i, gboolean has_device, FluflAskMountFunc ask_mount, gconstpointer data)
{
  const FluflFsKind kind = known[i].kind;
  const char *name = known[i].mounted_as;
  g_autofree char *directory = NULL;
  g_autofree char *type = NULL;

  if (kind != FLUFL_FS_LOCAL && kind != FLUFL_FS_FAT)
    return kind;
  if ((name == NULL || kind == FLUFL_FS_FAT) && !has_device)
    return FLUFL_FS_OTHER;
  if (name == NULL)
    return kind;
  type = ask_mount (data, &directory);
  /* For want of a file descriptor, say. */
  if (type == NULL)
    return FLUFL_FS_UNASKED;
  if (kind == FLUFL_FS_FAT && strcmp (type, SHORT_MOUNT) == 0)
    return FLUFL_FS_SHORT;
  return strcmp (type, name) == 0 ? kind : FLUFL_FS_OTHER;
}

/*
 * flufl_fs_kind_of:
 * @number: of statfs(2)
 * @has_device: whether it lies on a block device
 * @ask_mount: called with @data if need be
 */
FluflFsKind
flufl_fs_kind_of (guint32 number, gboolean has_device, FluflAskMountFunc ask_mount,
                  gconstpointer data)
{
  if (number == FUSE_NUMBER)
    return kind_of_fuse (ask_mount, data);
  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (number == known[i].number)
      return kind_of_known (i, has_device, ask_mount, data);
  return FLUFL_FS_OTHER;
}
#endif

/* UNASKED: it could not be found out now. */
FluflFsKind
flufl_fs_kind (const char *directory G_GNUC_UNUSED)
{
#ifdef HAVE_SYS_VFS_H
  struct statfs fs;
  struct stat st;

  if (FLUFL_WAIT_FOR (statfs (directory, &fs)) != 0 || FLUFL_WAIT_FOR (stat (directory, &st)) != 0)
    return FLUFL_FS_UNASKED;
  return flufl_fs_kind_of ((guint32) fs.f_type, major (st.st_dev) != 0, flufl_fs_ask_mount,
                           directory);
#else
  return FLUFL_FS_OTHER;
#endif
}

/*
 * flufl_fs_type:
 *
 * Returns: (transfer full) (nullable): what the kernel calls the file system
 */
char *
flufl_fs_type (const char *directory)
{
#ifdef HAVE_SYS_VFS_H
  g_autofree char *resolved = NULL;

  return flufl_fs_ask_mount (directory, &resolved);
#else
  (void) directory;
  return NULL;
#endif
}

#ifdef HAVE_SYS_VFS_H
/* Whether the part of a line of mountinfo that follows " - " names a file system which is known
 * to lie on this machine. */
static gboolean
is_local_type (const char *type)
{
  const char *const local[] = {
    "ext2 ", "ext3 ", "ext4 ", "xfs ", "f2fs ", "jfs ", "reiserfs ", "nilfs2 ", "btrfs ", "tmpfs ",
    "ramfs ", "overlay ", "zfs ", "bcachefs ", "vfat ", "exfat ", "devtmpfs ", "ubifs ", "squashfs ",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (local); i++)
    if (g_str_has_prefix (type, local[i]))
      return TRUE;
  return FALSE;
}

/* The mount point of a line; blanks are written as \040 there, which is enough for a guess. */
static gsize
mount_point_length (const char *line, const char *directory)
{
  const char *point = line;
  gsize length;

  for (int field = 0; field < 4 && point != NULL; field++)
    {
      point = strchr (point, ' ');
      point = point != NULL ? point + 1 : NULL;
    }
  if (point == NULL)
    return 0;
  length = strcspn (point, " ");
  if (length == 1)
    return 1; /* the root */
  return strncmp (point, directory, length) == 0
                 && (directory[length] == '/' || directory[length] == '\0')
             ? length
             : 0;
}
#endif

/*
 * flufl_fs_may_hang:
 * @directory: absolute
 *
 * Guesses, without touching it, whether a call on @directory may wait for a server. A symbolic
 * link to another file system is not seen.
 */
gboolean
flufl_fs_may_hang (const char *directory)
{
#ifdef HAVE_SYS_VFS_H
  g_autofree char *mountinfo = NULL;
  gsize longest = 0;
  gboolean local = FALSE;

  if (!g_file_get_contents ("/proc/self/mountinfo", &mountinfo, NULL, NULL))
    return TRUE;
  for (const char *line = mountinfo; line != NULL && *line != '\0';)
    {
      const char *end = strchr (line, '\n');
      const char *type = strstr (line, " - ");
      gsize length = mount_point_length (line, directory);

      if (length >= MAX (longest, 1) && type != NULL)
        {
          longest = length;
          local = is_local_type (type + 3);
        }
      line = end != NULL ? end + 1 : NULL;
    }
  return !local;
#else
  (void) directory;
  return TRUE;
#endif
}
