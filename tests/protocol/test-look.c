/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The looks at a lock file.
 */

#include <errno.h>
#include <fcntl.h>

#include "protocol-util.h"

/* The answer of the file system to O_DIRECT. */
static enum { ALLOWS, OPENS_NOT, READS_NOT } direct;
static gboolean is_direct;
static guint n_direct, n_opened, n_read;

static int
open_noting (const char *path, FluflOpen how)
{
  is_direct = how == FLUFL_OPEN_LOOK_UNCACHED;
  n_direct += is_direct;
  if (is_direct && direct == OPENS_NOT)
    {
      errno = EINVAL;
      return -1;
    }
  n_opened++;
  return fake_syscalls.open (path, how);
}

static gssize
read_noting (int fd, void *buffer, gsize size)
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

  g_test_summary ("On NFS, and nowhere else, a look goes past the cache, if it can");
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
        g_assert_cmpuint (n_read, ==, 1); /* its size shows its end */
        g_assert_cmpuint (fake_disk_n_open (), ==, 0);
        flufl_site_clear (&site);
      }
}

static int
kill_none (int pid G_GNUC_UNUSED)
{
  errno = ESRCH;
  return -1;
}

/* The number of files that a waiter opens in a try when nothing makes it look. */
static guint
poll (Proc *p)
{
  fake_disk_forget_calls ();
  g_assert_cmpint (flufl_attempt (&p->claim, &p->site, 60 * FAKE_SEC, p->break_dead, FALSE, &p->found),
                   ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpuint (fake_disk_n_open (), ==, 0);
  return fake_disk_count_calls ("open");
}

static void
test_put_off (void)
{
  FluflSyscalls sees_none_alive = fake_syscalls;
  g_autofree char *others = NULL;
  Proc p, holder;

  g_test_summary ("On NFS a lock is not opened again before there may be something to do");
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_NFS);
  proc_init (&holder);
  proc_acquire (&holder);
  proc_init (&p);
  g_test_message ("It seems to be held: by whom is not asked");
  g_assert_cmpuint (poll (&p), ==, 0);
  g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_NOTHING);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_ALIVE);

  g_test_message ("Nothing has changed, for however long");
  g_assert_cmpuint (poll (&p), ==, 0);
  fake_disk_advance (10 * FAKE_SEC);
  g_assert_cmpuint (poll (&p), ==, 0);

  g_test_message ("It was refreshed: once it has rested it may be another's");
  g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpuint (poll (&p), ==, 0);
  fake_disk_advance (FLUFL_GRACE - 1);
  g_assert_cmpuint (poll (&p), ==, 0);
  fake_disk_advance (1);
  g_assert_cmpuint (poll (&p), ==, 1);
  g_assert_cmpuint (poll (&p), ==, 0);

  g_test_message ("Its holder is dead, even if it was refreshed just before: that must be seen at once");
  g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
  p.break_dead = FALSE;
  g_assert_cmpuint (poll (&p), ==, 0);
  p.break_dead = TRUE;
  sees_none_alive.kill = kill_none;
  p.site.sys = &sees_none_alive;
  g_assert_cmpuint (poll (&p), ==, 1);
  g_assert_true (p.found.resting);
  p.site.sys = &fake_syscalls;

  g_test_message ("Another's, of which nothing is known: looked at when it has rested");
  others = g_strconcat ("/d|e/", FOREIGN, NULL);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  put_claim (FOREIGN, TRUE, 60);
  g_assert_cmpuint (poll (&p), ==, 0);
  fake_disk_advance (FLUFL_GRACE);
  g_assert_cmpuint (poll (&p), ==, 1);
  g_assert_cmpstr (p.found.look.claim.name, ==, FOREIGN);
  g_assert_cmpuint (poll (&p), ==, 0);

  g_test_message ("An hour later it has expired, and is broken");
  fake_disk_advance (3600 * FAKE_SEC);
  g_assert_cmpint (flufl_attempt (&p.claim, &p.site, LIFETIME, FALSE, FALSE, &p.found), ==,
                   FLUFL_OUTCOME_HELD);
  g_assert_false (fake_disk_exists (others));
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
  proc_clear (&holder);
}

static void
test_coarse (void)
{
  Proc p, holder;

  g_test_summary ("Where times are whole seconds they do not tell whether to look");
  for (int coarse = 0; coarse <= 1; coarse++)
    {
      fake_disk_reset ();
      fake_disk_kind (FLUFL_FS_NFS);
      fake_disk_granularity (coarse ? FAKE_SEC : 1);
      fake_disk_advance (FAKE_SEC / 3);
      proc_init (&holder);
      proc_acquire (&holder);
      proc_init (&p);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_cmpint (flufl_attempt_times_tell (&p.claim, &p.site, &p.found), ==, !coarse);
      fake_disk_advance (FAKE_SEC);
      g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
      fake_disk_advance (FLUFL_GRACE);
      g_assert_cmpuint (poll (&p), ==, coarse ? 0 : 1);
      proc_abandon (&p);
      g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
      assert_disk_empty ();
      proc_clear (&p);
      proc_clear (&holder);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/look/no-delegation", test_no_delegation);
  g_test_add_func ("/look/put-off", test_put_off);
  g_test_add_func ("/look/coarse", test_coarse);
  return g_test_run ();
}
