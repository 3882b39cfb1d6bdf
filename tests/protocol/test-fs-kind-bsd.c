/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The kinds of file systems as macOS and the BSDs show them, over a list of mounts of the test's.
 */

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "flufl-fs-kind.h"

static const struct statfs mounts[] = {
  { MNT_LOCAL, "apfs", "/" },
  { MNT_LOCAL, "ufs", "/ufs" },
  { 0, "ufs", "/ufs/foreign" },        /* a ufs that lies elsewhere */
  { 0, "nfs", "/ufs/server" },
  { MNT_LOCAL, "tmpfs", "/ufs/server/tmp" },
  { 0, "smbfs", "/smb" },
  { MNT_LOCAL, "macfuse", "/fuse" },   /* FUSE may call itself local */
  { MNT_LOCAL, "virtiofs", "/shared" },
  { MNT_LOCAL, "zfsx", "/zfsx" },
};

int
statfs (const char *path, struct statfs *out)
{
  for (gsize i = 0; i < G_N_ELEMENTS (mounts); i++)
    if (strcmp (path, mounts[i].f_mntonname) == 0)
      {
        *out = mounts[i];
        return 0;
      }
  errno = ENOENT;
  return -1;
}

int
getfsstat (struct statfs *out, long size, int flags)
{
  int n = MIN ((int) G_N_ELEMENTS (mounts), (int) (size / (long) sizeof *out));

  g_assert_cmpint (flags, ==, MNT_NOWAIT);
  if (out == NULL)
    return G_N_ELEMENTS (mounts);
  memcpy (out, mounts, (gsize) n * sizeof *out);
  return n;
}

static void
test_kinds (void)
{
  g_autofree char *type = flufl_fs_type ("/shared");

  g_assert_cmpint (flufl_fs_kind ("/"), ==, FLUFL_FS_LOCAL);
  g_assert_cmpint (flufl_fs_kind ("/ufs"), ==, FLUFL_FS_LOCAL);
  g_assert_cmpint (flufl_fs_kind ("/ufs/foreign"), ==, FLUFL_FS_OTHER);
  g_assert_cmpint (flufl_fs_kind ("/ufs/server"), ==, FLUFL_FS_NFS);
  g_assert_cmpint (flufl_fs_kind ("/smb"), ==, FLUFL_FS_SMB);
  g_assert_cmpint (flufl_fs_kind ("/fuse"), ==, FLUFL_FS_OTHER);
  g_assert_cmpint (flufl_fs_kind ("/shared"), ==, FLUFL_FS_OTHER);
  g_assert_cmpint (flufl_fs_kind ("/zfsx"), ==, FLUFL_FS_OTHER);
  g_assert_cmpint (flufl_fs_kind ("/nowhere"), ==, FLUFL_FS_UNASKED);
  g_assert_cmpstr (type, ==, "virtiofs");
  g_assert_null (flufl_fs_type ("/nowhere"));
}

static void
test_may_hang (void)
{
  g_test_summary ("The longest mount point counts, and whole parts of a path");
  g_assert_false (flufl_fs_may_hang ("/"));
  g_assert_false (flufl_fs_may_hang ("/home/a"));
  g_assert_false (flufl_fs_may_hang ("/ufs/a"));
  g_assert_true (flufl_fs_may_hang ("/ufs/server"));
  g_assert_true (flufl_fs_may_hang ("/ufs/server/a"));
  g_assert_false (flufl_fs_may_hang ("/ufs/servers"));
  g_assert_false (flufl_fs_may_hang ("/ufs/server/tmp/a"));
  g_assert_true (flufl_fs_may_hang ("/fuse/a"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fs-kind-bsd/kinds", test_kinds);
  g_test_add_func ("/fs-kind-bsd/may-hang", test_may_hang);
  return g_test_run ();
}
