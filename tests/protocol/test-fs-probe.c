/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * How a file system that nobody has seen is probed, on the disk in memory. Its clock stands still,
 * so a call renews a ctime only if time passes right before it.
 */

#include <errno.h>
#include <string.h>

#include "flufl-fs-probe.h"
#include "protocol-util.h"

#define MSEC G_GINT64_CONSTANT (1000000)

static int
renewing_link (const char *from, const char *to)
{
  fake_disk_advance (MSEC);
  return fake_syscalls.link (from, to);
}

static int
renewing_unlink (const char *path)
{
  fake_disk_advance (MSEC);
  return fake_syscalls.unlink (path);
}

/* Lets the clock of file times catch up with the real one, in ticks of a second. */
static void
tick (void)
{
  static gint64 shown; /* seconds */
  const gint64 now = g_get_monotonic_time () / G_USEC_PER_SEC;

  if (shown != 0)
    fake_disk_advance ((now - shown) * FLUFL_NSEC_PER_SEC);
  shown = now;
}

static int
ticking_link (const char *from, const char *to)
{
  tick ();
  return fake_syscalls.link (from, to);
}

static int
ticking_unlink (const char *path)
{
  tick ();
  return fake_syscalls.unlink (path);
}

/* The file that was made last. Files of /proc are real ones. */
static int made = -1;

static int
noting_open (const char *path, FluflOpen how)
{
  int fd = fake_syscalls.open (path, how);

  if (how == FLUFL_OPEN_CREATE)
    made = fd;
  return fd;
}

/* As systems do that write a pending time when the last handle is closed. */
static int
touching_close (int fd)
{
  if (fd == made)
    g_assert_cmpint (fake_syscalls.futimens (fd, fake_disk_server_now (), fake_disk_server_now ()), ==, 0);
  return fake_syscalls.close (fd);
}

/* The disk in memory has files, and no directories. */
static int
identify_directory (const char *path, guint64 *dev, guint64 *ino)
{
  g_autofree char *directory = g_path_get_dirname (LOCK);

  if (strcmp (path, directory) != 0)
    return fake_syscalls.identify (path, dev, ino);
  *dev = 7;
  *ino = 1;
  return 0;
}

static FluflSyscalls
fit_table (void)
{
  FluflSyscalls sys = fake_syscalls;

  sys.link = renewing_link;
  sys.unlink = renewing_unlink;
  sys.identify = identify_directory;
  sys.needs_probe = TRUE;
  return sys;
}

/* Fails if an attempt makes a lock, or leaves anything. A second one does not probe again. */
static void
assert_refused (const FluflSyscalls *sys)
{
  Proc p;

  fake_disk_reset ();
  proc_init_at (&p, sys, LOCK);
  for (int i = 0; i < 2; i++)
    {
      fake_disk_forget_calls ();
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSUPPORTED);
      g_assert_cmpint (p.site.fs_kind, ==, FLUFL_FS_UNFIT);
      g_assert_cmpint (p.found.errsv, ==, EOPNOTSUPP);
      g_assert_cmpuint (fake_disk_n_names (), ==, 0);
      g_assert_cmpuint (fake_disk_n_open (), ==, 0);
    }
  g_assert_cmpuint (fake_disk_count_calls ("open"), ==, 0);
  proc_clear (&p);
}

static void
test_fit (void)
{
  static FluflSyscalls sys;
  Proc p;

  g_test_summary ("A file system is probed once, before the first claim is made, and not for a look");
  sys = fit_table ();
  fake_disk_reset ();
  for (int i = 0; i < 2; i++)
    {
      FluflLook look;

      proc_init_at (&p, &sys, LOCK);
      fake_disk_forget_calls ();
      flufl_look_take (&look, &p.site, LOCK);
      flufl_site_fs_kind (&p.site);
      g_assert_cmpuint (fake_disk_n_writes (), ==, 0);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpuint (fake_disk_count_calls ("link"), ==, i == 0 ? 2 : 1);
      g_assert_cmpuint (fake_disk_n_names (), ==, 2);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
      g_assert_cmpuint (fake_disk_n_names (), ==, 0);
      proc_clear (&p);
    }
}

static void
test_coarse_clock (void)
{
  static FluflSyscalls sys;
  Proc p;

  g_test_summary ("A clock of file times that stands still for a second is waited for");
  sys = fit_table ();
  sys.link = ticking_link;
  sys.unlink = ticking_unlink;
  fake_disk_reset ();
  tick ();
  proc_init_at (&p, &sys, LOCK);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_cmpuint (fake_disk_n_names (), ==, 0);
  proc_clear (&p);
}

static void
test_known_systems (void)
{
  Proc p;

  g_test_summary ("Nothing is probed where the table does not ask for that");
  fake_disk_reset ();
  proc_init (&p);
  fake_disk_forget_calls ();
  proc_acquire (&p);
  g_assert_cmpuint (fake_disk_count_calls ("link"), ==, 1);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  proc_clear (&p);
}

static void
test_link (void)
{
  static FluflSyscalls sys;

  g_test_summary ("No lock is made where link(2) does not renew the ctime");
  sys = fit_table ();
  sys.link = fake_syscalls.link;
  assert_refused (&sys);
}

static void
test_unlink (void)
{
  static FluflSyscalls sys;

  g_test_summary ("No lock is made where unlink(2) does not renew the ctime");
  sys = fit_table ();
  sys.unlink = fake_syscalls.unlink;
  assert_refused (&sys);
}

static void
test_close (void)
{
  static FluflSyscalls sys;

  g_test_summary ("No lock is made where close(2) changes the mtime");
  sys = fit_table ();
  sys.open = noting_open;
  sys.close = touching_close;
  assert_refused (&sys);
}

static void
test_failure (void)
{
  static const struct
  {
    const char *call;
    int         errsv;
    FluflOutcome outcome;
  } cases[] = {
    { "create", ENOSPC, FLUFL_OUTCOME_FAILED },     { "create", EACCES, FLUFL_OUTCOME_FAILED },
    { "pwrite", ENOSPC, FLUFL_OUTCOME_FAILED },     { "futimens", EROFS, FLUFL_OUTCOME_FAILED },
    { "close", EROFS, FLUFL_OUTCOME_FAILED },         { "link", ENOSPC, FLUFL_OUTCOME_FAILED },
    { "link", EOPNOTSUPP, FLUFL_OUTCOME_UNSUPPORTED },
    { "lstat", EROFS, FLUFL_OUTCOME_FAILED },         { "unlink", EACCES, FLUFL_OUTCOME_FAILED },
  };
  static FluflSyscalls tables[2 * G_N_ELEMENTS (cases)];

  g_test_summary ("A probe that fails reports its error, leaves nothing, and is repeated");
  for (gsize i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      const gsize n = i / 2;
      Proc p;

      /* A name may exist in spite of an error. */
      g_test_message ("%s, %s", cases[n].call, g_strerror (cases[n].errsv));
      tables[i] = fit_table ();
      fake_disk_reset ();
      fake_disk_kind (FLUFL_FS_OTHER);
      proc_init_at (&p, &tables[i], LOCK);
      fake_disk_fault (cases[n].call, 1, i % 2 == 0 ? FAKE_FAIL : FAKE_LOSE_REPLY, cases[n].errsv);
      g_assert_cmpint (proc_attempt (&p), ==, cases[n].outcome);
      g_assert_true (fake_disk_order_done ());
      g_assert_cmpint (p.found.errsv, ==, cases[n].errsv);
      g_assert_cmpint (p.site.fs_kind, ==, FLUFL_FS_OTHER);
      g_assert_cmpuint (fake_disk_n_names (), ==, 0);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
      g_assert_cmpuint (fake_disk_n_names (), ==, 0);
      proc_clear (&p);
    }
}

static void
test_missing_directory (void)
{
  static FluflSyscalls sys;
  Proc p;

  g_test_summary ("A directory that is missing is reported as such, and nothing is made");
  sys = fit_table ();
  sys.identify = fake_syscalls.identify;
  fake_disk_reset ();
  proc_init_at (&p, &sys, LOCK);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_FAILED);
  g_assert_cmpint (p.found.errsv, ==, ENOENT);
  g_assert_cmpuint (fake_disk_n_writes (), ==, 0);
  proc_clear (&p);
}

/* A path beside the lock. */
static char *
beside (const char *name)
{
  g_autofree char *directory = g_path_get_dirname (LOCK);

  return g_build_filename (directory, name, NULL);
}

static void
test_leavings (void)
{
  static const struct
  {
    const char *name;
    gboolean    goes;
  } files[] = {
    { ".flufl-probe-0123456789abcdef", TRUE },
    { ".flufl-probe-0123456789abcdef-2", TRUE },
    { ".flufl-probe-0123456789abcdef-3", FALSE },
    { ".flufl-probe-0123456789abcde", FALSE },
    { ".flufl-probe-0123456789abcdef0", FALSE },
    { ".flufl-probe-notes", FALSE },
    { "a.flufl-probe-0123456789abcdef", FALSE },
  };
  static FluflSyscalls sys;
  g_autofree char *young = beside (".flufl-probe-fedcba9876543210");
  Proc p;

  g_test_summary ("A probe removes the files of probes that were killed a minute ago, and no others");
  sys = fit_table ();
  fake_disk_reset ();
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = beside (files[i].name);

      fake_disk_put (path, "probe", 5, FLUFL_FILE_REGULAR);
    }
  fake_disk_advance (G_GINT64_CONSTANT (59) * 1000 * MSEC);
  fake_disk_put (young, "probe", 5, FLUFL_FILE_REGULAR);
  fake_disk_advance (G_GINT64_CONSTANT (2) * 1000 * MSEC);
  proc_init_at (&p, &sys, LOCK);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = beside (files[i].name);

      g_assert_cmpint (fake_disk_exists (path), ==, !files[i].goes);
    }
  g_assert_true (fake_disk_exists (young));
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  proc_clear (&p);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fs-probe/fit", test_fit);
  g_test_add_func ("/fs-probe/coarse-clock", test_coarse_clock);
  g_test_add_func ("/fs-probe/known-systems", test_known_systems);
  g_test_add_func ("/fs-probe/link", test_link);
  g_test_add_func ("/fs-probe/unlink", test_unlink);
  g_test_add_func ("/fs-probe/close", test_close);
  g_test_add_func ("/fs-probe/failure", test_failure);
  g_test_add_func ("/fs-probe/leavings", test_leavings);
  g_test_add_func ("/fs-probe/missing-directory", test_missing_directory);
  return g_test_run ();
}
