/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The break of the lock of one holder, in both forms.
 */

#include "face-util.h"

/* The lock changes hands after it was looked at. */
static void
another_holder (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) breaker = face_lock_new (face);
  g_autoptr (FluflLock) first = face_lock_new (face);
  g_autoptr (FluflLock) next = face_lock_new (face);
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;

  face_acquire (first);
  details = flufl_lock_query_details (breaker, NULL, &error);
  g_assert_no_error (error);
  face_release (first);
  face_acquire (next);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_false (form->break_lock_of (breaker, details, i == 0 ? FLUFL_BREAK_NONE : FLUFL_BREAK_FORCE,
                                           NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
      face_assert_sentence (error, face->place.lock);
      g_clear_error (&error);
      g_assert_true (flufl_lock_check (next, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (test_place_count (&face->place), ==, 2);
    }
  face_release (next);
}

static void
one_holder (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) breaker = face_lock_new (face);
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;

  face_acquire (holder);
  details = flufl_lock_query_details (breaker, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (form->break_lock_of (breaker, details, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_true (form->break_lock_of (breaker, details, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_false (flufl_lock_release (holder, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  g_clear_error (&error);

  /* Nothing is at the path, and then a file that is not a lock. */
  g_assert_true (form->break_lock_of (breaker, details, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (face->place.lock, "a letter", -1, NULL));
  g_assert_false (form->break_lock_of (breaker, details, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  test_place_empty (&face->place);
}

/* The details of another program's lock name no claim, and neither does a file that is not a lock. */
static void
foreign_details (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *document = test_place_path (&face->place, "a.odt");
  g_autofree char *office = test_place_path (&face->place, ".~lock.a.odt#");
  g_autofree char *path = test_place_path (&face->place, ".a.odt.lock");
  g_autoptr (GFile) file = g_file_new_for_path (document);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_document (file);
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (office, ",jane,laptop,24.11.2026 10:20,file:///x;", -1, NULL));
  details = flufl_lock_query_foreign_details (lock, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (details);
  g_assert_true (g_file_set_contents (path, "a letter", -1, NULL));
  g_assert_false (form->break_lock_of (lock, details, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  test_place_empty (&face->place);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/break-of/another-holder", another_holder);
  FACE_TEST_FORMS ("/break-of/one-holder", one_holder);
  FACE_TEST_FORMS ("/break-of/foreign-details", foreign_details);

  return g_test_run ();
}
