/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The reading of a lock's directory.
 */

#include <errno.h>

#include "flufl-claim-list.h"
#include "protocol-util.h"

static GPtrArray *seen;
static guint seen_max;

static gboolean
note_name (const char *name, gpointer user_data G_GNUC_UNUSED)
{
  g_ptr_array_add (seen, g_strdup (name));
  return seen->len < seen_max;
}

static int
list (const char *lock, const char *separator, guint names_max, guint *out_n_names)
{
  FluflSite site;
  int result, errsv;

  g_ptr_array_set_size (seen, 0);
  flufl_site_init (&site, &fake_syscalls, lock, separator);
  result = flufl_claim_list (&site, names_max, note_name, NULL, out_n_names);
  errsv = errno;
  flufl_site_clear (&site);
  errno = errsv;
  return result;
}

static void
put (const char *name)
{
  g_autofree char *path = g_build_filename ("/d", name, NULL);

  fake_disk_put (path, path, -1, 0644);
}

static void
begin (void)
{
  fake_disk_reset ();
  seen_max = G_MAXUINT;
}

static void
test_names (void)
{
  guint n_names;

  g_test_summary ("Only names that begin as the lock's claims do are shown, and all are counted");
  begin ();
  put ("x.lock");
  put ("x.lock|h|1|2");
  put ("x.lock.bak");
  put ("x.lockX|h|1|2");
  put ("y.lock|h|1|2");
  g_assert_cmpint (list ("/d/x.lock", "|", G_MAXUINT, &n_names), ==, 0);
  g_assert_cmpuint (n_names, ==, 5);
  g_assert_cmpuint (seen->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (seen, 0), ==, "x.lock|h|1|2");

  g_assert_cmpint (list ("/d/x.lock", "^", G_MAXUINT, NULL), ==, 0);
  g_assert_cmpuint (seen->len, ==, 0);
}

static void
test_long_name (void)
{
  g_autofree char *lock_name = g_strnfill (200, 'n');
  g_autofree char *lock = g_build_filename ("/d", lock_name, NULL);
  g_autofree char *cut = g_strdup_printf ("%.64s~|h|1|2", lock_name);
  g_autofree char *shorter = g_strdup_printf ("%.63s|h|1|2", lock_name);

  g_test_summary ("A claim whose name shortens the lock's is found by its first 64 bytes");
  begin ();
  put (cut);
  put (shorter);
  g_assert_cmpint (list (lock, "|", G_MAXUINT, NULL), ==, 0);
  g_assert_cmpuint (seen->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (seen, 0), ==, cut);
}

static void
test_limits (void)
{
  guint n_names;

  g_test_summary ("A listing ends after as many names as it may read, and when its caller ends it");
  begin ();
  put ("x.lock|h|1|2");
  put ("x.lock|h|1|3");
  put ("x.lock|h|1|4");
  g_assert_cmpint (list ("/d/x.lock", "|", 3, &n_names), ==, 0);
  g_assert_cmpuint (n_names, ==, 3);
  g_assert_cmpuint (seen->len, ==, 3);
  g_assert_cmpint (list ("/d/x.lock", "|", 2, &n_names), ==, 0);
  g_assert_cmpuint (n_names, ==, 3);
  g_assert_cmpuint (seen->len, ==, 2);
  seen_max = 1;
  g_assert_cmpint (list ("/d/x.lock", "|", 3, &n_names), ==, 0);
  g_assert_cmpuint (n_names, ==, 1);
  g_assert_cmpuint (seen->len, ==, 1);
}

static void
test_unreadable (void)
{
  g_test_summary ("A directory that cannot be read is an error with its number");
  begin ();
  fake_disk_fault ("list", 1, FAKE_FAIL, EACCES);
  errno = 0;
  g_assert_cmpint (list ("/d/x.lock", "|", G_MAXUINT, NULL), ==, -1);
  g_assert_cmpint (errno, ==, EACCES);
  g_assert_cmpuint (seen->len, ==, 0);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  seen = g_ptr_array_new_with_free_func (g_free);
  g_test_add_func ("/claim-list/names", test_names);
  g_test_add_func ("/claim-list/long-name", test_long_name);
  g_test_add_func ("/claim-list/limits", test_limits);
  g_test_add_func ("/claim-list/unreadable", test_unreadable);
  status = g_test_run ();
  g_ptr_array_unref (seen);
  return status;
}
