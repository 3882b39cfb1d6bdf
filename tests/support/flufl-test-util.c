/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "flufl-test-util.h"

#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>

void
test_place_init (TestPlace *place)
{
  g_autoptr (GError) error = NULL;

  place->dir = g_dir_make_tmp ("flufl-test-XXXXXX", &error);
  g_assert_no_error (error);
  place->lock = g_build_filename (place->dir, "x.lock", NULL);
}

char *
test_place_path (TestPlace *place, const char *name)
{
  return g_build_filename (place->dir, name, NULL);
}

static GDir *
open_dir (TestPlace *place)
{
  g_autoptr (GError) error = NULL;
  GDir *dir = g_dir_open (place->dir, 0, &error);

  g_assert_no_error (error);
  return dir;
}

guint
test_place_count (TestPlace *place)
{
  g_autoptr (GDir) dir = open_dir (place);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* The path of the one file that is not the lock file. */
char *
test_place_only_claim (TestPlace *place)
{
  g_autoptr (GDir) dir = open_dir (place);
  const char *name;
  char *found = NULL;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (strcmp (name, "x.lock") != 0)
      {
        g_assert_null (found);
        found = test_place_path (place, name);
      }
  g_assert_nonnull (found);
  return found;
}

/* Removes what a test made on purpose. */
void
test_place_empty (TestPlace *place)
{
  g_autoptr (GDir) dir = open_dir (place);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = test_place_path (place, name);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
}

/* Fails if a file is left. */
void
test_place_clear (TestPlace *place)
{
  g_autoptr (GDir) dir = open_dir (place);
  const char *name = g_dir_read_name (dir);

  g_assert_cmpstr (name, ==, NULL);
  g_assert_cmpint (g_rmdir (place->dir), ==, 0);
  g_clear_pointer (&place->dir, g_free);
  g_clear_pointer (&place->lock, g_free);
}

static gboolean
no_progress_cb (gpointer what)
{
  g_error ("no progress for %d s: %s", TEST_PATIENCE_SEC, (const char *) what);
  return G_SOURCE_REMOVE;
}

/* Calls @func, which may be NULL, for each open descriptor whose name in /proc contains @kind.
 * Returns the number of these descriptors. */
guint
test_each_descriptor (const char *kind, int (*func) (int fd))
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      if (target == NULL || strstr (target, kind) == NULL)
        continue;
      n++;
      if (func != NULL)
        func (atoi (name));
    }
  return n;
}

gboolean
test_is_slow (void)
{
  return g_getenv ("FLUFL_TEST_SLOW_MACHINE") != NULL;
}

void
test_wait_flag (gboolean *flag, const char *what)
{
  GMainContext *context = g_main_context_ref_thread_default ();
  GSource *guard = g_timeout_source_new_seconds (TEST_PATIENCE_SEC);

  g_source_set_callback (guard, no_progress_cb, (gpointer) what, NULL);
  g_source_attach (guard, context);
  while (!g_atomic_int_get ((int *) flag))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (guard);
  g_source_unref (guard);
  g_main_context_unref (context);
}
