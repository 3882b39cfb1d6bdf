/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The kinds of file systems, and how they are recognized. scripts/test-nfs tests a real 9p.
 */

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "flufl-fs-kind.h"
#include "flufl-path.h"

#define MOUNTS                                                                                     \
  "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"                                       \
  "23 22 0:21 / /home/my\\040files rw master:2 shared:3 - 9p host rw,trans=virtio\n"               \
  "230 22 0:22 /sub /mnt/-\\040x rw - btrfs /dev/vdb rw,subvol=/sub\n"                             \
  "24 22 0:23 / /cut"

static void
test_mount_type (void)
{
  g_autofree char *ext4 = flufl_mount_type (MOUNTS, 22);
  g_autofree char *p9 = flufl_mount_type (MOUNTS, 23);
  g_autofree char *btrfs = flufl_mount_type (MOUNTS, 230);

  g_assert_cmpstr (ext4, ==, "ext4");
  g_assert_cmpstr (p9, ==, "9p");
  g_assert_cmpstr (btrfs, ==, "btrfs");
  g_assert_null (flufl_mount_type (MOUNTS, 24));
  g_assert_null (flufl_mount_type (MOUNTS, 2));
  g_assert_null (flufl_mount_type (MOUNTS, 0));
  g_assert_null (flufl_mount_type ("", 0));
}

static void
test_unknown (void)
{
  g_assert_cmpint (flufl_fs_kind ("/proc"), ==, FLUFL_FS_OTHER);
  g_assert_cmpint (flufl_fs_kind ("/nowhere"), ==, FLUFL_FS_UNASKED);
}

/* For a kernel that has a memory file system at the usual place. */
static void
test_memory (void)
{
  g_autofree char *mounts = NULL;

  if (!g_file_get_contents ("/proc/self/mountinfo", &mounts, NULL, NULL)
      || !g_regex_match_simple (" /dev/shm [^\n]* - tmpfs ", mounts, 0, 0))
    {
      g_test_skip ("there is no tmpfs on /dev/shm");
      return;
    }
  g_assert_cmpint (flufl_fs_kind ("/dev/shm"), ==, FLUFL_FS_LOCAL);
}

static char *
no_answer (gconstpointer data G_GNUC_UNUSED, char **out_directory)
{
  *out_directory = NULL;
  return NULL;
}

static char *
given_answer (gconstpointer data, char **out_directory)
{
  *out_directory = g_strdup ("/somewhere");
  return g_strdup (data);
}

static char *
no_directory (gconstpointer data, char **out_directory)
{
  *out_directory = NULL;
  return g_strdup (data);
}

#define GVFS "/run/user/1000/gvfs"

static char *
in_gvfs_smb (gconstpointer data G_GNUC_UNUSED, char **out_directory)
{
  *out_directory = g_strdup (GVFS "/smb-share:server=s,share=d");
  return g_strdup ("fuse.gvfsd-fuse");
}

static char *
in_gvfs_sftp (gconstpointer data G_GNUC_UNUSED, char **out_directory)
{
  *out_directory = g_strdup (GVFS "/sftp:host=h/smb-share");
  return g_strdup ("fuse.gvfsd-fuse");
}

static void
test_numbers (void)
{
  static const struct
  {
    guint32     number;
    gboolean    has_device;
    const char *mounted_as; /* NULL: the list of mounts cannot be read */
    FluflFsKind kind;
  } cases[] = {
    { 0xEF53, TRUE, NULL, FLUFL_FS_LOCAL },        /* ext4 */
    { 0xEF53, FALSE, NULL, FLUFL_FS_OTHER },       /* as 9p shows it */
    { 0x01021994, FALSE, "tmpfs", FLUFL_FS_LOCAL },
    { 0x01021994, FALSE, "9p", FLUFL_FS_OTHER },
    { 0x01021994, FALSE, NULL, FLUFL_FS_UNASKED },
    { 0x9123683E, FALSE, "btrfs", FLUFL_FS_LOCAL },
    { 0x6969, FALSE, NULL, FLUFL_FS_NFS },
    { 0xFE534D42, FALSE, NULL, FLUFL_FS_SMB },
    { 0xFF534D42, FALSE, NULL, FLUFL_FS_SMB },
    { 0x517B, FALSE, NULL, FLUFL_FS_SMB },
    { 0x65735546, FALSE, NULL, FLUFL_FS_UNASKED }, /* FUSE, perhaps rclone */
    { 0x65735546, FALSE, "fuse.sshfs", FLUFL_FS_OTHER },
    { 0x65735546, FALSE, "fuse.rclone", FLUFL_FS_SPLIT },
    { 0xEF53, FALSE, "fuse.rclone", FLUFL_FS_OTHER },
    { 0x4D44, TRUE, "vfat", FLUFL_FS_FAT },
    { 0x4D44, TRUE, "msdos", FLUFL_FS_SHORT },
    { 0x4D44, TRUE, NULL, FLUFL_FS_UNASKED },
    { 0x4D44, TRUE, "9p", FLUFL_FS_OTHER },
    { 0x4D44, FALSE, "vfat", FLUFL_FS_OTHER },
    { 0x4D44, FALSE, NULL, FLUFL_FS_OTHER },       /* as 9p shows it */
    { 0x2011BAB0, TRUE, NULL, FLUFL_FS_FAT },      /* exfat */
    { 0x2011BAB0, FALSE, NULL, FLUFL_FS_OTHER },
    { 0x00C36400, FALSE, NULL, FLUFL_FS_OTHER },   /* CephFS */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (flufl_fs_kind_of (cases[i].number, cases[i].has_device,
                                       cases[i].mounted_as != NULL ? given_answer : no_answer,
                                       cases[i].mounted_as),
                     ==, cases[i].kind);
}

/* FUSE, by the directory that symbolic links lead to. */
static void
test_gvfs (void)
{
  g_assert_cmpint (flufl_fs_kind_of (0x65735546, FALSE, in_gvfs_smb, "/shortcut"), ==, FLUFL_FS_SMB);
  g_assert_cmpint (flufl_fs_kind_of (0x65735546, FALSE, in_gvfs_sftp, "/smb-share:"), ==, FLUFL_FS_OTHER);
  g_assert_cmpint (flufl_fs_kind_of (0x65735546, FALSE, no_directory, "fuse.gvfsd-fuse"),
                   ==, FLUFL_FS_UNASKED);
}

static void
test_ask_mount (void)
{
  g_autofree char *top = g_dir_make_tmp ("flufl-XXXXXX", NULL);
  g_autofree char *real_top = flufl_path_resolve (top);
  g_autofree char *there = g_build_filename (real_top, "smb-share:server=s", NULL);
  g_autofree char *shortcut = g_build_filename (top, "shortcut", NULL);
  g_autofree char *directory = NULL, *missing = NULL;
  g_autofree char *type = NULL;
  g_autofree char *mounts = NULL;

  g_assert_no_errno (g_mkdir (there, 0700));
  g_assert_no_errno (symlink (there, shortcut));
  type = flufl_fs_ask_mount (shortcut, &directory);
  g_assert_cmpint (unlink (shortcut) + rmdir (there), ==, 0);
  /* In a chroot whose root is no mount, the mount of this directory is not listed. */
  if (g_file_get_contents ("/proc/self/mountinfo", &mounts, NULL, NULL) && strstr (mounts, " / / ") != NULL)
    {
      g_assert_nonnull (type);
      g_assert_cmpstr (directory, ==, there);
    }
  g_assert_null (flufl_fs_ask_mount (shortcut, &missing));
  g_assert_null (missing);
  g_assert_no_errno (rmdir (top));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fs-kind/mount-type", test_mount_type);
  g_test_add_func ("/fs-kind/numbers", test_numbers);
  g_test_add_func ("/fs-kind/gvfs", test_gvfs);
  g_test_add_func ("/fs-kind/ask-mount", test_ask_mount);
  g_test_add_func ("/fs-kind/unknown", test_unknown);
  g_test_add_func ("/fs-kind/memory", test_memory);
  return g_test_run ();
}
