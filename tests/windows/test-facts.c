/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What file systems of Windows are: the library's own probe, and the program windows-facts, which
 * lies beside this one.
 */

#include <stdlib.h>
#include <string.h>

#include <gio/gio.h>
#include <glib/gstdio.h>

#include "flufl-fs-kind.h"
#include "flufl-fs-probe.h"

static const char *program;

static char *
make_directory (void)
{
  char *directory = g_dir_make_tmp ("flufl-\xC3\xA4-\xE6\xBC\xA2 XXXXXX", NULL);

  g_assert_nonnull (directory);
  for (char *p = directory; *p != '\0'; p++)
    if (*p == '\\')
      *p = '/';
  return directory;
}

/* Nothing is left in it. */
static void
remove_directory (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);

  g_assert_nonnull (dir);
  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
  g_clear_pointer (&dir, g_dir_close);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
kind (void)
{
  g_autofree char *directory = make_directory ();
  g_autofree char *type = flufl_fs_type (directory);

  g_test_summary ("NTFS on a local drive is a local file system");
  if (g_strcmp0 (type, "NTFS") != 0)
    g_test_skip ("the directory for temporary files is not on NTFS");
  else
    g_assert_cmpint (flufl_fs_kind (directory), ==, FLUFL_FS_LOCAL);
  remove_directory (directory);
}

/* The answer of a probe that the table needs, in an empty directory, which it leaves empty. */
static FluflProbe
probe (const FluflSyscalls *sys)
{
  g_autofree char *directory = make_directory ();
  g_autofree char *path = g_strconcat (directory, "/x.lock", NULL);
  FluflProbe result;
  FluflSite site;
  int errsv = 0;

  flufl_site_init (&site, sys, path, "^");
  g_assert_true (sys->needs_probe);
  for (int i = 0; i < 2; i++)
    {
      gint64 began = g_get_monotonic_time ();

      result = flufl_fs_probe (&site, &errsv);
      g_test_message ("probe %d: %.3f ms", i + 1, (double) (g_get_monotonic_time () - began) / 1000);
      g_assert_cmpint (errsv, ==, 0);
    }
  flufl_site_clear (&site);
  remove_directory (directory);
  return result;
}

static void
probe_fit (void)
{
  g_test_summary ("The probe finds the times of this file system fit, and leaves nothing");
  g_assert_cmpint (probe (&flufl_syscalls_native), ==, FLUFL_PROBE_FIT);
}

/* The maker's handle writes a time of its own when it is closed. */
static int
touching_close (int fd)
{
  g_assert_cmpint (flufl_syscalls_native.futimens (fd, g_get_real_time () * 1000, 0), ==, 0);
  return flufl_syscalls_native.close (fd);
}

static void
probe_unfit (void)
{
  static FluflSyscalls sys;

  g_test_summary ("The probe finds times unfit that change when the maker's file is closed");
  sys = flufl_syscalls_native;
  sys.close = touching_close;
  g_assert_cmpint (probe (&sys), ==, FLUFL_PROBE_UNFIT);
}

/* Runs windows-facts. Returns: its status */
static int
run_facts (const char *directory, char **out_text)
{
  g_autofree char *here = g_path_get_dirname (program);
  g_autofree char *facts = g_build_filename (here, "windows-facts.exe", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, facts, directory, NULL);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, out_text, NULL, &error));
  g_assert_no_error (error);
  return g_subprocess_get_exit_status (process);
}

static void
facts_fit (void)
{
  g_autofree char *directory = make_directory ();
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  int status = run_facts (directory, &text), n_ok = 0;

  g_test_summary ("windows-facts says that this file system fits, and leaves nothing");
  lines = g_strsplit (text, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      g_test_message ("%s", g_strchomp (lines[i]));
      n_ok += g_str_has_prefix (lines[i], "ok ");
      g_assert_false (g_str_has_prefix (lines[i], "NO ") || g_str_has_prefix (lines[i], "unknown "));
    }
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpint (n_ok, ==, 17);
  g_assert_nonnull (strstr (text, "\nThis file system fits."));
  remove_directory (directory);
}

static void
facts_refused (void)
{
  g_autofree char *directory = make_directory ();
  g_autofree char *missing = g_build_filename (directory, "missing", NULL);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  g_test_summary ("windows-facts refuses a directory that is missing, and a file");
  g_assert_cmpint (run_facts (missing, &first), ==, 2);
  g_assert_nonnull (strstr (first, "There is no such directory."));
  g_assert_true (g_file_set_contents (missing, "", 0, NULL));
  g_assert_cmpint (run_facts (missing, &second), ==, 2);
  g_assert_nonnull (strstr (second, "It is a file."));
  g_assert_cmpint (g_remove (missing), ==, 0);
  remove_directory (directory);
}

int
main (int argc, char *argv[])
{
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/facts/kind", kind);
  g_test_add_func ("/facts/probe/fit", probe_fit);
  g_test_add_func ("/facts/probe/unfit", probe_unfit);
  g_test_add_func ("/facts/program/fit", facts_fit);
  g_test_add_func ("/facts/program/refused", facts_refused);
  return g_test_run ();
}
