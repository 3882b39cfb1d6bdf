/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The paths from which locks are made have the kernel's meaning.
 */

#include "face-util.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

static int hidden; /* what getcwd(3) fails with; 0: it succeeds */

/* The library's question comes here. */
char *
getcwd (char *buffer, size_t size)
{
  char *(*real) (char *, size_t);

  if (hidden != 0)
    {
      errno = hidden;
      return NULL;
    }
  *(void **) &real = dlsym (RTLD_NEXT, "getcwd");
  return real (buffer, size);
}

/* A relative path is resolved when the object is made. */
static void
relative_path (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *before = g_get_current_dir ();
  g_autofree char *claim = NULL, *path = NULL;
  g_autoptr (FluflLock) lock = NULL, same = NULL;
  g_autoptr (GFile) file = NULL;

  g_assert_cmpint (g_chdir (face->place.dir), ==, 0);
  lock = flufl_lock_new_for_path ("x.lock");
  file = g_file_new_for_path ("./x.lock");
  same = flufl_lock_new (file);
  g_assert_cmpint (g_chdir ("/"), ==, 0);

  path = g_file_get_path (flufl_lock_get_file (lock));
  g_assert_cmpstr (path, ==, face->place.lock);
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  claim = test_place_only_claim (&face->place);
  g_assert_false (form->acquire (same, 0, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
  g_assert_cmpint (g_chdir (before), ==, 0);
}

/* A slash at the end of a path has no meaning, in whatever form the path is kept. */
static void
slash_at_the_end (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *before = g_get_current_dir ();
  g_autofree char *absolute = g_strconcat (face->place.lock, "/", NULL);
  g_autofree char *winding = g_strconcat (face->place.dir, "/../", NULL);
  g_autofree char *name = g_path_get_basename (face->place.dir);
  g_autofree char *parent = g_strconcat (winding, name, "/x.lock//", NULL);
  const char *paths[] = { "x.lock/", "./x.lock//", absolute, parent };

  g_assert_cmpint (g_chdir (face->place.dir), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (paths[i]);

      g_assert_true (form->acquire (lock, 0, NULL, NULL));
      g_assert_true (g_file_test (face->place.lock, G_FILE_TEST_IS_REGULAR));
      g_assert_true (form->release (lock, NULL, NULL));
    }
  g_assert_cmpint (g_chdir (before), ==, 0);
}

/* "link/../x.lock" is resolved by the kernel, as in flufl.lock. */
static void
parent_of_symlink (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *deep = test_place_path (&face->place, "a");
  g_autofree char *deeper = test_place_path (&face->place, "a/b");
  g_autofree char *away = test_place_path (&face->place, "link");
  g_autofree char *winding = test_place_path (&face->place, "link/../x.lock");
  g_autofree char *straight = test_place_path (&face->place, "a/x.lock");
  g_autoptr (FluflLock) one = NULL, two = NULL;
  g_autoptr (GFile) claim = NULL;

  g_assert_cmpint (g_mkdir (deep, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (deeper, 0700), ==, 0);
  g_assert_cmpint (symlink ("a/b", away), ==, 0);
  one = flufl_lock_new_for_path (winding);
  two = flufl_lock_new_for_path (straight);
  g_assert_true (form->acquire (one, 0, NULL, NULL));
  g_assert_true (g_file_test (straight, G_FILE_TEST_IS_REGULAR));
  claim = flufl_lock_dup_claim_file (one);
  g_assert_true (g_file_query_exists (claim, NULL));
  g_assert_false (form->acquire (two, 0, NULL, NULL));
  g_assert_true (form->release (one, NULL, NULL));
  g_assert_true (form->acquire (two, 0, NULL, NULL));
  g_assert_false (form->acquire (one, 0, NULL, NULL));
  g_assert_true (form->release (two, NULL, NULL));

  g_assert_cmpint (g_unlink (away), ==, 0);
  g_assert_cmpint (g_rmdir (deeper), ==, 0);
  g_assert_cmpint (g_rmdir (deep), ==, 0);
}

/* Names may have dots in them. The path stays as it was given, and the kernel resolves it: the
 * object's construction makes no system call for it. */
static void
dots_in_names (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const char *names[] = { "..x", "x..", "...", "a..b", "x../..y", "..../...x" };
  g_autofree char *link = test_place_path (&face->place, "a..link");
  const char *winding[] = { "..", "../x.lock", "x/..", "a/../x.lock", "..x/../x.lock", "x/./y" };

  g_assert_cmpint (symlink (".", link), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (link, names[i], NULL);
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);

      g_assert_cmpstr (g_file_peek_path (flufl_lock_get_file (lock)), ==, path);
    }
  for (guint i = 0; i < G_N_ELEMENTS (winding); i++)
    {
      g_autofree char *path = g_build_filename (link, winding[i], NULL);
      g_autoptr (GFile) file = g_file_new_for_path (path);
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);

      g_assert_true (g_file_equal (flufl_lock_get_file (lock), file));
    }
  g_assert_cmpint (g_unlink (link), ==, 0);
}

/* If the working directory is gone, a relative path is an error, and not a file in the root. */
static void
working_directory_is_gone (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *deep = test_place_path (&face->place, "gone");
  g_autofree char *before = g_get_current_dir ();
  const char *paths[] = { "a.lock", "./a.lock", "../a.lock", "b/a.lock" };
  g_autofree char *inside = g_build_filename (deep, "a.lock", NULL);

  g_assert_cmpint (g_mkdir (deep, 0700), ==, 0);
  g_assert_cmpint (g_chdir (deep), ==, 0);
  {
    g_autoptr (FluflLock) lock = flufl_lock_new_for_path ("a.lock");

    g_assert_true (form->acquire (lock, 0, NULL, NULL));
    g_assert_true (g_file_test (inside, G_FILE_TEST_IS_REGULAR));
  }
  g_assert_cmpint (g_rmdir (deep), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (paths[i]);
      g_autoptr (GError) error = NULL;

      g_assert_false (form->acquire (lock, 0, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      face_assert_sentence (error, paths[i]);
      g_assert_false (flufl_lock_get_held (lock));
      g_assert_cmpint (form->query_state (lock, NULL, NULL), ==, FLUFL_LOCK_STATE_UNKNOWN);
    }
  g_assert_cmpint (g_chdir (before), ==, 0);
}

/* An error of getcwd(3) does not show that the directory is gone. */
static void
working_directory_is_hidden (Face *face G_GNUC_UNUSED, gconstpointer data)
{
  const Form *form = data;
  const int errors[] = { EACCES, ENAMETOOLONG };

  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      g_autoptr (FluflLock) lock = NULL;
      g_autoptr (GError) error = NULL;

      hidden = errors[i];
      lock = flufl_lock_new_for_path ("a.lock");
      hidden = 0;
      g_assert_false (form->acquire (lock, 0, NULL, &error));
      g_assert_error (error, G_IO_ERROR, (int) g_io_error_from_errno (errors[i]));
      face_assert_sentence (error, "a.lock");
      g_assert_nonnull (strstr (error->message, g_strerror (errors[i])));
      g_assert_null (strstr (error->message, "not exist"));
    }
}

/* The path of the working directory is longer than system calls take. */
static void
deep_working_directory (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *name = g_strnfill (200, 'a');
  g_autofree char *before = g_get_current_dir ();
  const guint depth = PATH_MAX / 200 + 1;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_chdir (face->place.dir), ==, 0);
  for (guint i = 0; i < depth; i++)
    {
      g_assert_cmpint (g_mkdir (name, 0700), ==, 0);
      g_assert_cmpint (g_chdir (name), ==, 0);
    }
  lock = flufl_lock_new_for_path ("a.lock");
  for (guint i = 0; i < depth; i++)
    {
      g_assert_cmpint (g_chdir (".."), ==, 0);
      g_assert_cmpint (g_rmdir (name), ==, 0);
    }
  g_assert_cmpint (g_chdir (before), ==, 0);

  g_assert_false (form->acquire (lock, 0, NULL, &error));
  face_assert_sentence (error, "a.lock");
  g_assert_nonnull (strstr (error->message, g_strerror (ENAMETOOLONG)));
  g_assert_null (strstr (error->message, "not exist"));
}

/* The error names what is too long: the path of the directory, or the name in it. */
static void
too_long (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *name = g_strnfill (256, 'a');
  g_autofree char *long_name = test_place_path (&face->place, name);
  g_autoptr (GString) long_path = g_string_new (face->place.dir);
  const char *words[] = { "The name is too long for “", "The path is too long." };

  while (long_path->len < PATH_MAX)
    g_string_append (long_path, "/directory");
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      const char *path = i == 0 ? long_name : long_path->str;
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
      g_autoptr (GError) error = NULL;

      g_assert_false (form->acquire (lock, 0, NULL, &error));
      face_assert_sentence (error, path);
      g_assert_nonnull (strstr (error->message, g_strerror (ENAMETOOLONG)));
      g_assert_nonnull (strstr (error->message, words[i]));
    }
}

/* Two paths to one directory make one lock. Each claim contains the path that its maker used. */
static void
symlinked_directory (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *directory = test_place_path (&face->place, "d");
  g_autofree char *other_name = test_place_path (&face->place, "e");
  g_autofree char *by_directory = test_place_path (&face->place, "d/x.lock");
  g_autofree char *by_link = test_place_path (&face->place, "e/x.lock");
  g_autofree char *content = NULL;
  g_autoptr (FluflLock) one = flufl_lock_new_for_path (by_directory);
  g_autoptr (FluflLock) two = flufl_lock_new_for_path (by_link);

  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_cmpint (symlink ("d", other_name), ==, 0);
  g_assert_true (form->acquire (two, 0, NULL, NULL));
  g_assert_true (g_file_get_contents (by_directory, &content, NULL, NULL));
  g_assert_true (g_str_has_prefix (content, by_link));
  g_assert_cmpint (form->query_state (one, NULL, NULL), ==, FLUFL_LOCK_STATE_THEIRS);
  g_assert_false (form->acquire (one, 0, NULL, NULL));
  g_assert_true (form->release (two, NULL, NULL));
  g_assert_true (form->acquire (one, 0, NULL, NULL));
  g_assert_true (form->release (one, NULL, NULL));
  g_assert_cmpint (g_unlink (other_name), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/paths/relative-path", relative_path);
  FACE_TEST_FORMS ("/paths/slash-at-the-end", slash_at_the_end);
  FACE_TEST_FORMS ("/paths/parent-of-symlink", parent_of_symlink);
  FACE_TEST ("/paths/dots-in-names", dots_in_names);
  FACE_TEST_FORMS ("/paths/symlinked-directory", symlinked_directory);
  FACE_TEST_FORMS ("/paths/working-directory-is-gone", working_directory_is_gone);
  FACE_TEST_FORMS ("/paths/working-directory-is-hidden", working_directory_is_hidden);
  FACE_TEST_FORMS ("/paths/deep-working-directory", deep_working_directory);
  FACE_TEST_FORMS ("/paths/too-long", too_long);
  return g_test_run ();
}
