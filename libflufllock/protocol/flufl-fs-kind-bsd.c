/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * macOS, FreeBSD, NetBSD and OpenBSD name the file system of a mount, and say whether it lies on
 * this machine. The flag alone is not enough: a FUSE file system may have it, and a directory that
 * a virtual machine shares with its host. A file system that is not in the table is trusted with
 * nothing. This compiles for these systems, and has not run on them.
 */

#include "config.h"

#include "flufl-fs-kind.h"

#include <string.h>
#include <sys/param.h>
#include <sys/mount.h>
#ifdef __NetBSD__
#include <sys/statvfs.h>
#endif

#include "flufl-thread.h"

/* NetBSD has the same by other names. */
#ifdef __NetBSD__
#define Mount struct statvfs
#define ask_mount statvfs
#define list_mounts getvfsstat
#define NOWAIT ST_NOWAIT
#define flags_of(mount) ((mount)->f_flag)
#else
#define Mount struct statfs
#define ask_mount statfs
#define list_mounts getfsstat
#define NOWAIT MNT_NOWAIT
#define flags_of(mount) ((mount)->f_flags)
#endif

static const struct
{
  const char *name;
  FluflFsKind kind;
} known[] = {
  { "apfs", FLUFL_FS_LOCAL },   /* macOS */
  { "hfs", FLUFL_FS_LOCAL },
  { "ufs", FLUFL_FS_LOCAL },    /* FreeBSD */
  { "ffs", FLUFL_FS_LOCAL },    /* NetBSD, OpenBSD */
  { "lfs", FLUFL_FS_LOCAL },
  { "mfs", FLUFL_FS_LOCAL },
  { "zfs", FLUFL_FS_LOCAL },
  { "tmpfs", FLUFL_FS_LOCAL },
  { "ext2fs", FLUFL_FS_LOCAL },
  { "nfs", FLUFL_FS_NFS },
  { "smbfs", FLUFL_FS_SMB },
};

static FluflFsKind
kind_of (const Mount *mount)
{
  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (strcmp (mount->f_fstypename, known[i].name) == 0)
      return known[i].kind != FLUFL_FS_LOCAL || (flags_of (mount) & MNT_LOCAL) != 0 ? known[i].kind
                                                                                  : FLUFL_FS_OTHER;
  return FLUFL_FS_OTHER;
}

/* UNASKED: it could not be found out now. */
FluflFsKind
flufl_fs_kind (const char *directory)
{
  Mount mount;

  return FLUFL_WAIT_FOR (ask_mount (directory, &mount)) == 0 ? kind_of (&mount) : FLUFL_FS_UNASKED;
}

char *
flufl_fs_type (const char *directory)
{
  Mount mount;

  return FLUFL_WAIT_FOR (ask_mount (directory, &mount)) == 0 ? g_strdup (mount.f_fstypename) : NULL;
}

static gboolean
is_below (const char *directory, const char *point, gsize length)
{
  return length == 1 || (strncmp (point, directory, length) == 0
                         && (directory[length] == '/' || directory[length] == '\0'));
}

/* The list of mounts is the kernel's own, and no file system is asked for it. */
gboolean
flufl_fs_may_hang (const char *directory)
{
  const int room = list_mounts (NULL, 0, NOWAIT) + 8;
  g_autofree Mount *mounts = g_new0 (Mount, (gsize) MAX (room, 8));
  const int n = list_mounts (mounts, (size_t) MAX (room, 8) * sizeof (Mount), NOWAIT);
  gsize longest = 0;
  gboolean local = FALSE;

  for (int i = 0; i < n; i++)
    {
      gsize length = strlen (mounts[i].f_mntonname);

      if (length >= MAX (longest, 1) && is_below (directory, mounts[i].f_mntonname, length))
        {
          longest = length;
          local = kind_of (&mounts[i]) == FLUFL_FS_LOCAL;
        }
    }
  return !local;
}
