/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Arguments that the library must refuse, and unusual names that it must accept. test-foreign.c
 * has files at the lock file's path that are not locks.
 */

#include "face-util.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>


/* Every operation that looks at the path fails with the same error, and writes nothing. */
static void
assert_refused (const Form *form, FluflLock *lock, const char *path, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
  face_assert_sentence (error, path);
  g_clear_error (&error);
  g_assert_false (form->acquire (lock, -1, NULL, &error)); /* at once, too */
  g_assert_error (error, G_IO_ERROR, code);
  g_clear_error (&error);
  g_assert_false (flufl_lock_get_held (lock));
}

/* Each operation refuses an object that is itself wrong. */
static void
assert_unusable (const Form *form, FluflLock *lock, const char *path, int code)
{
  g_autoptr (GError) error = NULL;
  guint calls = lies_count (LIES_ANY);

  assert_refused (form, lock, path, code);
  g_assert_false (form->release (lock, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_clear_error (&error);
  g_assert_false (form->refresh (lock, -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_clear_error (&error);
  g_assert_false (form->check (lock, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_clear_error (&error);
  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_error (error, G_IO_ERROR, code);
  g_clear_error (&error);
  g_assert_null (form->query_details (lock, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_clear_error (&error);
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_cmpuint (lies_count (LIES_ANY), ==, calls);
}

static void
no_directory (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *path = test_place_path (&face->place, "missing/x.lock");
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GError) error = NULL;

  assert_refused (form, lock, path, G_IO_ERROR_NOT_FOUND);
  /* Without a directory there is no lock file, so these operations succeed. */
  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_no_error (error);
  g_assert_true (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_no_error (error);
}

static void
no_such_name (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (face->place.lock);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A file system that is there, and takes no | in names");
  lies_fail (LIES_OPEN, ENOENT, -1);
  g_assert_false (form->acquire (lock, -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, "separator"));
  lies_reset ();
}

/* The advice that fits each error of the claim's creation. */
static void
advice (Face *face, gconstpointer data)
{
  const Form *form = data;
  const struct
  {
    int         errsv;
    const char *words;
  } rows[] = {
    { EROFS, "is read-only." },
    { EACCES, "You need permission to create and remove files" },
    { ENAMETOOLONG, "Choose a shorter one." },
    { EINVAL, "does not allow such file names" },
    { ENOENT, "may not allow such file names" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (face->place.lock);
      g_autoptr (GError) error = NULL;

      lies_fail (LIES_OPEN, rows[i].errsv, -1);
      g_assert_false (form->acquire (lock, 0, NULL, &error));
      face_assert_sentence (error, face->place.lock);
      g_assert_nonnull (strstr (error->message, g_strerror (rows[i].errsv)));
      g_assert_nonnull (strstr (error->message, rows[i].words));
      lies_reset ();
    }
}

static void
hostile_host (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&face->place, "x.lock|a\302\233b\342\200\256c\342\200\250d|12|34", 600);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (face->place.lock);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Terminal codes in a claim's host are not shown");
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, "on host “a\357\277\275b\357\277\275c\357\277\275d”"));
  test_place_empty (&face->place);
}

static void
blank_with_two_names (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *other = test_place_path (&face->place, "other");
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (face->place.lock);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Nobody is advised to remove a blank file that may be a lock");
  g_assert_true (g_file_set_contents (face->place.lock, "", 0, NULL));
  g_assert_cmpint (link (face->place.lock, other), ==, 0);
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  face_assert_sentence (error, face->place.lock);
  g_assert_null (strstr (error->message, "remove it"));
  g_assert_nonnull (strstr (error->message, "only if nobody holds it"));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  test_place_empty (&face->place);
}

static void
not_a_directory (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *file = test_place_path (&face->place, "file");
  g_autofree char *path = test_place_path (&face->place, "file/x.lock");
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (file, "precious", -1, NULL));
  assert_refused (form, lock, path, G_IO_ERROR_NOT_DIRECTORY);
  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  g_clear_error (&error);
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  g_assert_cmpuint (test_place_count (&face->place), ==, 1);
  test_place_empty (&face->place);
}

static void
name_too_long (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *name = g_strnfill (NAME_MAX + 1, 'n');
  g_autofree char *path = test_place_path (&face->place, name);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GString) endless = g_string_new (face->place.dir);
  g_autoptr (FluflLock) deep = NULL;

  assert_refused (form, lock, path, G_IO_ERROR_FILENAME_TOO_LONG);
  while (endless->len < 2 * PATH_MAX)
    g_string_append (endless, "/.x");
  deep = flufl_lock_new_for_path (endless->str);
  assert_refused (form, deep, endless->str, G_IO_ERROR_FILENAME_TOO_LONG);
}

static void
no_path (Face *face G_GNUC_UNUSED, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (GFile) remote = g_file_new_for_uri ("http://example.org/x.lock");
  g_autoptr (FluflLock) lock = flufl_lock_new (remote);
  g_autoptr (FluflLock) empty = flufl_lock_new_for_path ("");
  g_autoptr (FluflLock) none = g_object_new (FLUFL_TYPE_LOCK, NULL);
  g_autoptr (FluflLock) root = flufl_lock_new_for_path ("/");

  assert_unusable (form, lock, "http://example.org/x.lock", G_IO_ERROR_NOT_SUPPORTED);
  assert_unusable (form, empty, NULL, G_IO_ERROR_INVALID_ARGUMENT);
  assert_unusable (form, none, NULL, G_IO_ERROR_INVALID_ARGUMENT);
  assert_unusable (form, root, "/", G_IO_ERROR_INVALID_ARGUMENT);
}

static FluflLock *
separated_lock (Face *face, const char *separator)
{
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);

  return g_object_new (FLUFL_TYPE_LOCK, "file", file, "separator", separator, NULL);
}

static void
bad_separators (Face *face, gconstpointer data)
{
  const Form *form = data;
  const char *bad[] = { "", "/", "a", "|a|", "7", "~", "\n", "|/", "\x7f",
                        "\xff/", "123456789", "|||||||||" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (FluflLock) lock = separated_lock (face, bad[i]);

      g_assert_cmpstr (flufl_lock_get_separator (lock), ==, bad[i]);
      assert_unusable (form, lock, face->place.lock, G_IO_ERROR_INVALID_ARGUMENT);
    }
}

static void
good_separators (Face *face, gconstpointer data)
{
  const Form *form = data;
  const char *good[] = { "|", "^", "::", "-", ".", " ", "||||||||", "…", "\xff" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (FluflLock) lock = separated_lock (face, good[i]);
      g_autoptr (FluflLock) same = separated_lock (face, good[i]);
      g_autoptr (FluflLockDetails) details = NULL;
      g_autofree char *claim = NULL;

      g_assert_true (form->acquire (lock, 0, NULL, NULL));
      claim = test_place_only_claim (&face->place);
      g_assert_nonnull (strstr (claim, good[i]));
      g_assert_cmpint (form->query_state (same, NULL, NULL), ==, FLUFL_LOCK_STATE_THEIRS);
      details = form->query_details (same, NULL, NULL);
      g_assert_cmpint (flufl_lock_details_get_pid (details), ==, getpid ());
      g_assert_false (form->acquire (same, 0, NULL, NULL));
      g_assert_true (form->release (lock, NULL, NULL));
    }
}

/* A lock that was taken with another separator has an unknown holder, and cannot be broken. */
static void
other_separator (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = separated_lock (face, "|");
  g_autoptr (FluflLock) other = separated_lock (face, "::");
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GFile) claim = NULL;
  g_autoptr (GError) error = NULL;

  face_acquire (other);
  claim = flufl_lock_dup_claim_file (other);
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_assert_sentence (error, g_file_peek_path (claim));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  g_assert_true (flufl_lock_check (other, NULL, NULL));

  g_assert_cmpint (flufl_lock_query_state (lock, NULL, NULL), ==, FLUFL_LOCK_STATE_UNKNOWN);
  details = flufl_lock_query_details (lock, NULL, NULL);
  g_assert_nonnull (details);
  g_assert_null (flufl_lock_details_get_host_name (details));
  g_assert_cmpint (flufl_lock_details_get_pid (details), ==, 0);
  g_assert_true (g_file_equal (flufl_lock_details_get_claim_file (details), claim));
  face_release (other);
  face_acquire (lock);
  face_release (lock);
}

static void
lifetimes (Face *face, gconstpointer data)
{
  const Form *form = data;
  const gint64 bad[] = { 0, -2, -15000, G_MININT64, G_MAXINT64, G_MAXINT64 / 1000 };
  const gint64 good[] = { 1000, 60000, G_GINT64_CONSTANT (60) * 365 * 24 * 3600 * 1000 };
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  guint calls;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      /* The setter refuses a bad lifetime. */
      flufl_lock_set_lifetime (lock, 60000);
      g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*lifetime_is_valid*");
      flufl_lock_set_lifetime (lock, bad[i]);
      g_test_assert_expected_messages ();
      g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 60000);

      face_acquire (lock);
      calls = lies_count (LIES_ANY);
      g_assert_false (form->refresh (lock, bad[i], NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      face_assert_sentence (error, face->place.lock);
      g_clear_error (&error);
      g_assert_cmpuint (lies_count (LIES_ANY), ==, calls);
      face_release (lock);
    }

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      flufl_lock_set_lifetime (lock, good[i]);
      g_assert_true (form->acquire (lock, 0, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (form->refresh (lock, good[i], NULL, &error));
      g_assert_no_error (error);
      face_release (lock);
    }
}

/* A lifetime so short that the lease may be over before the caller hears of the win. Then the
 * acquisition fails with a loss. */
static void
tiny_lifetime (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);

  flufl_lock_set_lifetime (lock, 1);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GError) error = NULL;

      if (form->acquire (lock, -1, NULL, &error))
        {
          g_usleep (1500);
          g_assert_true (form->release (lock, NULL, NULL));
        }
      else
        {
          g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
          g_assert_false (flufl_lock_get_held (lock));
        }
      FACE_WAIT_FOR (test_place_count (&face->place) == 0);
    }
}

static void
timeouts (Face *face, gconstpointer data)
{
  const Form *form = data;
  const gint64 bad[] = { -3, -1000, G_MININT64 };
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_false (form->acquire (lock, bad[i], NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      face_assert_sentence (error, face->place.lock);
      /* The message says which values are special. */
      g_assert_nonnull (strstr (error->message, "-1 to wait for ever"));
      g_assert_nonnull (strstr (error->message, "default-timeout"));
      g_clear_error (&error);

      g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*timeout_ms >=*");
      flufl_lock_set_default_timeout (lock, bad[i]);
      g_test_assert_expected_messages ();
    }

  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*timeout_ms >=*");
  flufl_lock_set_default_timeout (lock, FLUFL_LOCK_TIMEOUT_DEFAULT);
  g_test_assert_expected_messages ();
  g_assert_cmpint (flufl_lock_get_default_timeout (lock), ==, FLUFL_LOCK_TIMEOUT_FOREVER);
  g_assert_cmpuint (lies_count (LIES_ANY), ==, 0);
}

/* Any legal file name is accepted, whatever its bytes. Messages about it are whole sentences in
 * UTF-8. */
static void
names (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *longest = g_strnfill (NAME_MAX, 'n');
  g_autofree char *long_utf8 = g_strnfill (NAME_MAX, 'n');
  const char *all[] = {
    longest,
    long_utf8,
    "größe.lock",
    "錠.lock",
    "\xff\xfe\x80.lock",
    "a|b|c.lock",
    "|||",
    "|",
    "x.lock|host|12|34", /* looks like the name of a claim */
    "with blanks .lock",
    "two\nlines.lock",
    "%n%s%d.lock",
    "-rf",
    "...",
    "~",
    "a~0123456789abcdef",
    "\\\"'$(x)`x`;*?[a]",
    ".hidden",
    "\x01\x02",
  };

  for (gsize i = 0; i + 2 < NAME_MAX; i += 3)
    memcpy (long_utf8 + i, "…", 3);

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      g_autofree char *path = test_place_path (&face->place, all[i]);
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
      g_autoptr (FluflLock) other = flufl_lock_new_for_path (path);
      g_autoptr (FluflLockDetails) details = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *shown = g_strescape (all[i], NULL);
      g_auto (Reply) reply = { 0 };

      g_test_message ("%s", shown);
      g_assert_false (form->release (lock, NULL, &error));
      face_assert_sentence (error, path);
      g_clear_error (&error);
      g_assert_null (form->query_details (lock, NULL, &error));
      face_assert_sentence (error, path);
      g_clear_error (&error);
      g_assert_false (form->acquire (lock, -7, NULL, &error));
      face_assert_sentence (error, path);
      g_clear_error (&error);

      g_assert_true (form->acquire (lock, 0, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (face_nlink (path), ==, 2);
      g_assert_cmpuint (test_place_count (&face->place), ==, 2);
      g_assert_false (form->acquire (lock, 0, NULL, &error));
      face_assert_sentence (error, path);
      g_clear_error (&error);
      g_assert_false (form->acquire (other, 0, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
      face_assert_sentence (error, path);
      g_clear_error (&error);
      g_assert_false (form->break_lock (other, FLUFL_BREAK_NONE, NULL, &error));
      face_assert_sentence (error, path);
      g_clear_error (&error);
      details = form->query_details (other, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (flufl_lock_details_get_pid (details), ==, getpid ());
      g_assert_cmpint (flufl_lock_details_get_state (details), ==, FLUFL_LOCK_STATE_THEIRS);
      g_assert_true (form->refresh (lock, -1, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (form->check (lock, NULL, &error));

      lies_stall (LIES_LINK, LIES_BEFORE);
      flufl_lock_acquire_async (other, 0, NULL, reply_cb, &reply);
      g_assert_false (form->release (other, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
      face_assert_sentence (error, path);
      g_clear_error (&error);
      lies_let_go ();
      reply_wait (&reply, "acquire");

      g_assert_true (form->break_lock (other, FLUFL_BREAK_FORCE, NULL, &error));
      g_assert_no_error (error);
      g_assert_false (form->release (lock, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
      face_assert_sentence (error, path);
      g_assert_cmpuint (test_place_count (&face->place), ==, 0);
    }
}

/* Two locks whose names begin alike, in one directory. */
static void
neighbours (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *one_path = test_place_path (&face->place, "x");
  g_autofree char *two_path = test_place_path (&face->place, "x|y");
  g_autofree char *a_name = g_strnfill (NAME_MAX, 'n');
  g_autofree char *b_name = g_strnfill (NAME_MAX, 'n');
  g_autofree char *a_path = NULL, *b_path = NULL;
  const char *paths[4];
  FluflLock *locks[4];

  a_name[NAME_MAX - 1] = 'a';
  b_name[NAME_MAX - 1] = 'b';
  a_path = test_place_path (&face->place, a_name);
  b_path = test_place_path (&face->place, b_name);
  paths[0] = one_path, paths[1] = two_path, paths[2] = a_path, paths[3] = b_path;
  for (guint i = 0; i < 4; i++)
    {
      locks[i] = flufl_lock_new_for_path (paths[i]);
      g_assert_true (form->acquire (locks[i], 0, NULL, NULL));
    }
  g_assert_cmpuint (test_place_count (&face->place), ==, 8);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_true (form->check (locks[i], NULL, NULL));
      g_assert_cmpint (form->query_state (locks[i], NULL, NULL), ==, FLUFL_LOCK_STATE_OURS);
      g_assert_true (form->release (locks[i], NULL, NULL));
      g_object_unref (locks[i]);
    }
}

static void
null_arguments (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  const int errnos[] = { EIO };

  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*G_IS_FILE*");
  g_assert_null (flufl_lock_new (NULL));
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*path != NULL*");
  g_assert_null (flufl_lock_new_for_path (NULL));
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*FLUFL_IS_LOCK*");
  g_assert_false (flufl_lock_acquire (NULL, 0, NULL, NULL));
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*n_errnos*");
  g_assert_null (flufl_lock_get_retry_errnos (lock, NULL));
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*errnos*");
  flufl_lock_set_retry_errnos (lock, NULL, G_N_ELEMENTS (errnos));
  g_test_assert_expected_messages ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/bad-input/no-directory", no_directory);
  FACE_TEST_FORMS ("/bad-input/no-such-name", no_such_name);
  FACE_TEST_FORMS ("/bad-input/advice", advice);
  FACE_TEST_FORMS ("/bad-input/blank-with-two-names", blank_with_two_names);
  FACE_TEST_FORMS ("/bad-input/hostile-host", hostile_host);
  FACE_TEST_FORMS ("/bad-input/not-a-directory", not_a_directory);
  FACE_TEST_FORMS ("/bad-input/name-too-long", name_too_long);
  FACE_TEST_FORMS ("/bad-input/no-path", no_path);
  FACE_TEST_FORMS ("/bad-input/separators", bad_separators);
  FACE_TEST_FORMS ("/bad-input/good-separators", good_separators);
  FACE_TEST_FORMS ("/bad-input/other-separator", other_separator);
  FACE_TEST_FORMS ("/bad-input/lifetimes", lifetimes);
  FACE_TEST_FORMS ("/bad-input/tiny-lifetime", tiny_lifetime);
  FACE_TEST_FORMS ("/bad-input/timeouts", timeouts);
  FACE_TEST_FORMS ("/bad-input/names", names);
  FACE_TEST_FORMS ("/bad-input/neighbours", neighbours);
  FACE_TEST ("/bad-input/null-arguments", null_arguments);

  return g_test_run ();
}
