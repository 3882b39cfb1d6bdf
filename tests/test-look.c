/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How a lock file is looked at.
 */

#include <errno.h>
#include <fcntl.h>

#include "protocol-util.h"

/* What a file system says to O_DIRECT. */
static enum { ALLOWS, OPENS_NOT, READS_NOT } direct;
static gboolean is_direct;
static guint n_direct, n_opened, n_read;

static int
open_noting (const char *path, int flags, mode_t mode)
{
  is_direct = (flags & O_DIRECT) != 0;
  n_direct += is_direct;
  if (is_direct && direct == OPENS_NOT)
    {
      errno = EINVAL;
      return -1;
    }
  n_opened++;
  return fake_syscalls.open (path, flags, mode);
}

static ssize_t
read_noting (int fd, void *buffer, size_t size)
{
  if (is_direct && direct == READS_NOT)
    {
      errno = EINVAL;
      return -1;
    }
  n_read++;
  return fake_syscalls.read (fd, buffer, size);
}

static void
test_no_delegation (void)
{
  FluflSyscalls noting = fake_syscalls;
  FluflSite site;
  FluflLook look;

  g_test_summary ("On NFS, and nowhere else, a look goes past the cache, if that is to be had");
  noting.open = open_noting;
  noting.read = read_noting;
  for (FluflFsKind kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_OTHER; kind++)
    for (direct = ALLOWS; direct <= READS_NOT; direct++)
      {
        fake_disk_reset ();
        fake_disk_kind (kind);
        flufl_site_init (&site, &noting, LOCK, "|");
        flufl_site_fs_kind (&site);
        put_claim ("x.lock|h|1|2", TRUE, 15);
        n_direct = n_opened = n_read = 0;
        flufl_look_take (&look, &site, LOCK);
        g_assert_cmpint (look.sight, ==, FLUFL_SIGHT_CLAIM);
        g_assert_cmpuint (n_direct, ==, kind == FLUFL_FS_NFS ? 1 : 0);
        g_assert_cmpint (look.errsv, ==, 0);
        g_assert_cmpuint (n_opened, ==, kind == FLUFL_FS_NFS && direct == READS_NOT ? 2 : 1);
        g_assert_cmpuint (n_read, ==, 1); /* its size tells its end */
        g_assert_cmpuint (fake_disk_n_open (), ==, 0);
        flufl_site_clear (&site);
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/look/no-delegation", test_no_delegation);
  return g_test_run ();
}
