/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The kinds of file systems, and how they are recognized. scripts/test-nfs tests a real 9p.
 */

#include <string.h>

#include "flufl-fs-kind.h"

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
no_answer (gconstpointer data G_GNUC_UNUSED)
{
  return NULL;
}

static char *
given_answer (gconstpointer data)
{
  return g_strdup (data);
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
    { 0x65735546, FALSE, NULL, FLUFL_FS_OTHER },   /* FUSE */
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

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fs-kind/mount-type", test_mount_type);
  g_test_add_func ("/fs-kind/numbers", test_numbers);
  g_test_add_func ("/fs-kind/unknown", test_unknown);
  g_test_add_func ("/fs-kind/memory", test_memory);
  return g_test_run ();
}
