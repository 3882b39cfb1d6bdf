/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The lock of a document: where it is, what it is called, and who else has the document open.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "face-util.h"
#include "flufl-claim-name.h"
#include "flufl-document-private.h"

static FluflLock *
new_for (Face *face, const char *name)
{
  g_autofree char *path = test_place_path (&face->place, name);
  g_autoptr (GFile) document = g_file_new_for_path (path);

  return flufl_lock_new_for_document (document);
}

static void
assert_file (FluflLock *lock, Face *face, const char *name)
{
  g_autofree char *path = test_place_path (&face->place, name);

  g_assert_cmpstr (g_file_peek_path (flufl_lock_get_file (lock)), ==, path);
}

static void
link_to (Face *face, const char *target, const char *name)
{
  g_autofree char *path = test_place_path (&face->place, name);

  g_assert_cmpint (symlink (target, path), ==, 0);
}

static void
write_file (Face *face, const char *name, const char *content, gssize length)
{
  g_autofree char *path = test_place_path (&face->place, name);

  g_assert_true (g_file_set_contents (path, content, length, NULL));
}

static void
remove_file (Face *face, const char *name)
{
  g_autofree char *path = test_place_path (&face->place, name);

  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
preset (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = new_for (face, "minutes.txt");
  g_autoptr (FluflLock) other = NULL;
  g_autoptr (GFile) document = g_object_ref (flufl_lock_get_document (lock));
  g_autofree char *path = g_file_get_path (document);

  assert_file (lock, face, ".minutes.txt.lock");
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 120000);
  g_assert_cmpint (flufl_lock_get_heartbeat (lock), ==, FLUFL_HEARTBEAT_AUTO);
  g_assert_cmpstr (flufl_lock_get_subject (lock), ==, path);
  other = g_object_new (FLUFL_TYPE_LOCK, "lifetime", G_GINT64_CONSTANT (1000), "subject", "Minutes",
                        "separator", "^", "document", document, NULL);
  g_assert_cmpint (flufl_lock_get_lifetime (other), ==, 1000);
  g_assert_cmpstr (flufl_lock_get_subject (other), ==, "Minutes");
  g_assert_cmpstr (flufl_lock_get_separator (other), ==, "^");
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
}

/* Each name leads to the same lock. */
static void
links (Face *face, gconstpointer data)
{
  const Form *form = data;
  const char *names[] = { "document", "link", "chain", "sub/back", "door/document" };
  g_autofree char *sub = test_place_path (&face->place, "sub");
  g_autoptr (FluflLock) holder = new_for (face, "document");

  g_assert_cmpint (g_mkdir (sub, 0700), ==, 0);
  link_to (face, "document", "link");
  link_to (face, "link", "chain");
  link_to (face, "../chain", "sub/back");
  link_to (face, ".", "door");
  /* The document need not exist; so the links hang. */
  for (int exists = 0; exists <= 1; exists++)
    {
      if (exists)
        write_file (face, "document", "text", -1);
      g_assert_true (form->acquire (holder, 0, NULL, NULL));
      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        {
          g_autoptr (FluflLock) lock = new_for (face, names[i]);
          g_auto (Heard) heard = { 0 };
          g_autoptr (GError) error = NULL;

          g_signal_connect_swapped (lock, "notify::file", G_CALLBACK (heard_cb), &heard);
          g_assert_false (form->acquire (lock, 0, NULL, &error));
          g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
          assert_file (lock, face, ".document.lock");
          g_assert_cmpuint (heard.n, ==, i == 0 ? 0 : 1);
          /* It speaks of the name that was given. */
          g_assert_nonnull (strstr (error->message, flufl_lock_get_subject (lock)));
          g_assert_null (strstr (error->message, ".document.lock"));
        }
      g_assert_true (form->release (holder, NULL, NULL));
    }
  remove_file (face, "document");
  remove_file (face, "link");
  remove_file (face, "chain");
  remove_file (face, "sub/back");
  remove_file (face, "sub");
  remove_file (face, "door");
}

/* The first operation decides, whichever it is, and later ones do not ask again. */
static void
first_operation (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) by_state = new_for (face, "link");
  g_autoptr (FluflLock) by_waiters = new_for (face, "link");
  g_autoptr (GPtrArray) waiters = NULL;

  link_to (face, "one", "link");
  g_assert_cmpint (flufl_lock_query_state (by_state, NULL, NULL), ==, FLUFL_LOCK_STATE_UNLOCKED);
  assert_file (by_state, face, ".one.lock");
  waiters = flufl_lock_list_waiters (by_waiters, NULL, NULL);
  g_assert_cmpuint (waiters->len, ==, 0);
  remove_file (face, "link");
  link_to (face, "two", "link");
  g_assert_true (flufl_lock_acquire (by_state, 0, NULL, NULL));
  assert_file (by_state, face, ".one.lock");
  g_assert_true (!flufl_lock_acquire (by_waiters, 0, NULL, NULL));
  g_assert_true (flufl_lock_release (by_state, NULL, NULL));
  remove_file (face, "link");
}

static void
circle (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = new_for (face, "a");
  g_autoptr (GError) error = NULL, again = NULL, listed = NULL;
  g_autofree char *path = test_place_path (&face->place, "a");

  link_to (face, "b", "a");
  link_to (face, "a", "b");
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS);
  face_assert_sentence (error, path);
  g_assert_true (flufl_error_means_unavailable (error));
  g_assert_null (flufl_lock_list_waiters (lock, NULL, &listed));
  g_assert_error (listed, G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS);
  /* The object is free, and looks again. */
  remove_file (face, "b");
  g_assert_true (form->acquire (lock, 0, NULL, &again));
  g_assert_no_error (again);
  assert_file (lock, face, ".b.lock");
  g_assert_true (form->release (lock, NULL, NULL));
  remove_file (face, "a");
}

static void
missing_directory (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = new_for (face, "sub/x");
  g_autofree char *sub = test_place_path (&face->place, "sub");
  g_autoptr (GError) error = NULL;

  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_true (flufl_error_means_unavailable (error));
  g_assert_cmpint (g_mkdir (sub, 0700), ==, 0);
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  g_assert_cmpint (g_rmdir (sub), ==, 0);
}

static void
nowhere (Face *face G_GNUC_UNUSED, gconstpointer unused G_GNUC_UNUSED)
{
  const struct { const char *uri; int code; } places[] = {
    { "sftp://host.invalid/minutes.txt", G_IO_ERROR_NOT_SUPPORTED },
    { "file:///", G_IO_ERROR_INVALID_ARGUMENT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GFile) document = g_file_new_for_uri (places[i].uri);
      g_autoptr (FluflLock) lock = flufl_lock_new_for_document (document);
      g_autoptr (GError) error = NULL;

      g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
      g_assert_error (error, G_IO_ERROR, places[i].code);
    }
}

/* Those names are for ever: programs of different ages must agree on them. */
static void
names (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *longest = g_strnfill (249, 'x'), *longer = g_strnfill (250, 'x');
  g_autofree char *letters = g_strnfill (228, 'x');
  g_autofree char *wide = g_strconcat ("y", letters, "ää", "zzzzzzzzzzzzzzzzzzzz", NULL);
  const struct { const char *document, *lock; } table[] = {
    { "minutes.txt", ".minutes.txt.lock" },
    { ".hidden", "..hidden.lock" },
    { "a|b|1|2.odt", ".a|b|1|2.odt.lock" },
    { "\xff\xfe", ".\xff\xfe.lock" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *name = flufl_document_dup_lock_name (table[i].document);
      g_autoptr (FluflLock) lock = new_for (face, table[i].document);
      g_autoptr (FluflLock) other = new_for (face, table[i].document);
      g_autoptr (FluflLockDetails) details = NULL;

      g_assert_cmpstr (name, ==, table[i].lock);
      g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
      details = flufl_lock_query_details (other, NULL, NULL);
      g_assert_cmpint (flufl_lock_details_get_pid (details), ==, (int) getpid ());
      g_assert_true (flufl_lock_release (lock, NULL, NULL));
    }
  for (guint i = 0; i < 3; i++)
    {
      const char *document = i == 0 ? longest : i == 1 ? longer : wide;
      g_autofree char *name = flufl_document_dup_lock_name (document);
      g_autoptr (FluflLock) lock = new_for (face, document);

      g_assert_cmpuint (strlen (name), <=, FLUFL_NAME_MAX);
      g_assert_true (g_utf8_validate (name, -1, NULL));
      g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
      g_assert_true (flufl_lock_release (lock, NULL, NULL));
    }
  {
    g_autofree char *name = flufl_document_dup_lock_name (longer);
    g_autofree char *start = g_strnfill (232, 'x');
    g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, longer, -1);
    g_autofree char *expected = NULL;

    sum[16] = '\0';
    expected = g_strconcat (".", start, "-", sum, ".lock", NULL);
    g_assert_cmpstr (name, ==, expected);
  }
}

/* A save under another name: the second lock is taken before the first one is given back. */
static void
save_as (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) first = new_for (face, "first"), second = new_for (face, "second");
  g_autoptr (FluflLock) rival = new_for (face, "second");

  g_assert_true (form->acquire (first, 0, NULL, NULL));
  g_assert_true (form->acquire (second, 0, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 4);
  g_assert_true (form->release (first, NULL, NULL));
  g_assert_true (flufl_lock_get_held (second));
  g_assert_false (flufl_lock_get_held (first));
  g_assert_false (form->acquire (rival, 0, NULL, NULL));
  g_assert_true (form->release (second, NULL, NULL));
}

static void
subject (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face), other = face_lock_new (face);
  g_auto (Heard) heard = { 0 };
  g_autoptr (GError) error = NULL, plain = NULL, foreign = NULL;

  g_assert_null (flufl_lock_get_subject (other));
  g_signal_connect_swapped (other, "notify::subject", G_CALLBACK (heard_cb), &heard);
  flufl_lock_set_subject (other, "Minutes of May");
  flufl_lock_set_subject (other, "Minutes of May");
  g_assert_cmpuint (heard.n, ==, 1);
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  g_assert_false (flufl_lock_acquire (other, 0, NULL, &error));
  g_assert_nonnull (strstr (error->message, "“Minutes of May”"));
  g_assert_null (strstr (error->message, face->place.lock));
  flufl_lock_set_subject (other, "");
  g_assert_null (flufl_lock_get_subject (other));
  g_assert_cmpuint (heard.n, ==, 2);
  g_assert_false (flufl_lock_acquire (other, 0, NULL, &plain));
  g_assert_nonnull (strstr (plain->message, face->place.lock));
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  /* A person who is to remove a file must know its path. */
  flufl_lock_set_subject (other, "Minutes of May");
  g_assert_true (g_file_set_contents (face->place.lock, "text", -1, NULL));
  g_assert_false (flufl_lock_acquire (other, 0, NULL, &foreign));
  g_assert_error (foreign, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  g_assert_nonnull (strstr (foreign->message, face->place.lock));
  g_assert_cmpint (g_unlink (face->place.lock), ==, 0);
}

/* --- Errors --- */

/* The table in the documentation of the function. */
static void
unavailable (void)
{
  const int places[] = {
    G_IO_ERROR_NOT_SUPPORTED, G_IO_ERROR_PERMISSION_DENIED, G_IO_ERROR_READ_ONLY,
    G_IO_ERROR_NO_SPACE, G_IO_ERROR_NOT_FOUND, G_IO_ERROR_NOT_DIRECTORY,
    G_IO_ERROR_FILENAME_TOO_LONG, G_IO_ERROR_INVALID_FILENAME, G_IO_ERROR_TOO_MANY_LINKS,
  };

  g_assert_false (flufl_error_means_unavailable (NULL));
  for (int code = 0; code <= G_IO_ERROR_NO_SUCH_DEVICE; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, code, "x");
      gboolean expected = FALSE;

      for (guint i = 0; i < G_N_ELEMENTS (places); i++)
        expected |= places[i] == code;
      if (flufl_error_means_unavailable (error) != expected)
        g_error ("code %d", code);
    }
  for (int code = 0; code <= FLUFL_LOCK_ERROR_UNSUPPORTED; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (FLUFL_LOCK_ERROR, code, "x");

      g_assert_true (flufl_error_means_unavailable (error) == (code == FLUFL_LOCK_ERROR_UNSUPPORTED));
      g_assert_true (flufl_error_code_means_unavailable (error->domain, code)
                     == (code == FLUFL_LOCK_ERROR_UNSUPPORTED));
    }
  g_assert_false (flufl_error_code_means_unavailable (G_FILE_ERROR, G_IO_ERROR_NOT_FOUND));
}

/* --- LibreOffice --- */

static FluflLockDetails *
ask (Face *face, const char *document, GError **error)
{
  g_autoptr (FluflLock) lock = new_for (face, document);

  return flufl_lock_query_foreign_details (lock, NULL, error);
}

/* The error speaks of LibreOffice and of the document, even if somebody holds the lock of the document. */
static void
no_office (FluflLock *lock, const char *end)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (flufl_lock_query_foreign_details (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_assert_true (g_str_has_prefix (error->message, "LibreOffice has no lock on “"));
  g_assert_true (g_str_has_suffix (error->message, end));
}

static void
office (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  const char *content = "Jane D\\, Doe,jane,laptop,24.11.2026 10:20,file:///home/jane/.config;";
  g_autoptr (FluflLock) lock = new_for (face, "link");
  g_autoptr (FluflLockDetails) details = NULL, again = NULL;
  g_autoptr (GDateTime) since = g_date_time_new_local (2026, 11, 24, 10, 20, 0);
  g_autofree char *path = test_place_path (&face->place, ".~lock.letter.odt#");
  g_auto (Reply) reply = { 0 };

  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  no_office (lock, "/link”.");
  flufl_lock_set_subject (lock, "Minutes");
  no_office (lock, "“Minutes”.");
  flufl_lock_set_subject (lock, NULL);
  no_office (lock, "/link”.");
  g_clear_object (&lock);
  lock = new_for (face, "link");
  link_to (face, "letter.odt", "link");
  write_file (face, ".~lock.letter.odt#", content, -1);
  details = flufl_lock_query_foreign_details (lock, NULL, NULL);
  g_assert_cmpstr (flufl_lock_details_get_real_name (details), ==, "Jane D, Doe");
  g_assert_cmpstr (flufl_lock_details_get_user_name (details), ==, "jane");
  g_assert_cmpstr (flufl_lock_details_get_host_name (details), ==, "laptop");
  g_assert_cmpstr (flufl_lock_details_get_program_name (details), ==, "LibreOffice");
  g_assert_true (g_date_time_equal (flufl_lock_details_get_acquisition (details), since));
  g_assert_null (flufl_lock_details_get_expiration (details));
  g_assert_cmpint (flufl_lock_details_get_pid (details), ==, 0);
  g_assert_false (flufl_lock_details_is_own_process (details));
  g_assert_cmpint (flufl_lock_details_get_state (details), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_cmpstr (g_file_peek_path (flufl_lock_details_get_lock_file (details)), ==, path);
  g_assert_cmpstr (g_file_peek_path (flufl_lock_details_get_claim_file (details)), ==, path);

  /* It neither keeps others out nor is it touched. */
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  flufl_lock_query_foreign_details_async (lock, NULL, reply_cb, &reply);
  reply_wait (&reply, "foreign details");
  again = flufl_lock_query_foreign_details_finish (lock, reply.result, NULL);
  g_assert_cmpstr (flufl_lock_details_get_user_name (again), ==, "jane");
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  remove_file (face, ".~lock.letter.odt#");
  remove_file (face, "link");
}

typedef struct
{
  const char *content;
  gssize      length; /* -1: a string */
  const char *real_name, *user_name, *host_name;
  gboolean    has_time;
} Content;

/* Whatever the file has, the answer is that it is there, and harmless text. */
static void
office_hostile (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *big = g_strnfill (100000, 'a');
  g_autofree char *commas = g_strnfill (100000, ',');
  const Content table[] = {
    { "", -1, NULL, NULL, NULL, FALSE },
    { ";", -1, NULL, NULL, NULL, FALSE },
    { ",,,,;", -1, NULL, NULL, NULL, FALSE },
    { "a,b,c,24.11.2026 10:20,d", -1, NULL, NULL, NULL, FALSE }, /* half of it is written */
    { "a,b,c,24.11.2026 10:20,d;", -1, "a", "b", "c", TRUE },
    { "a,b,c,24.11.2026 10:20,d;,,,,,;x", -1, "a", "b", "c", TRUE },
    { "a,b,c;", -1, NULL, NULL, NULL, FALSE },
    { "a\\,\\;\\\\,b,c,,d;", -1, "a,;\\", "b", "c", FALSE },
    { "a,b,c,99.99.9999 99:99,d;", -1, "a", "b", "c", FALSE },
    { "a,b,c,24.11.-026 10:20,d;", -1, "a", "b", "c", FALSE },
    { "a,b,c,24.11.2026 10:2,d;", -1, "a", "b", "c", FALSE },
    { "a\033[2J\nb,\177,\t \r,x,d;", -1, "a [2J b", NULL, NULL, FALSE },
    { "\xff,b\xc3,\xed\xa0\x80,,d;", -1, "\xef\xbf\xbd", "b\xef\xbf\xbd",
      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", FALSE },
    { "a\0b,c,d,,e;", 11, "a\xef\xbf\xbd" "b", "c", "d", FALSE },
    { "\\", -1, NULL, NULL, NULL, FALSE },
    { "a,b,c,d,\\", -1, NULL, NULL, NULL, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table) + 2; i++)
    {
      const Content large = { i == G_N_ELEMENTS (table) ? big : commas, -1, NULL, NULL, NULL, FALSE };
      const Content *it = i < G_N_ELEMENTS (table) ? &table[i] : &large;
      g_autoptr (FluflLockDetails) details = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%u", i);
      write_file (face, ".~lock.x#", it->content, it->length);
      details = ask (face, "x", &error);
      g_assert_no_error (error);
      g_assert_cmpstr (flufl_lock_details_get_real_name (details), ==, it->real_name);
      g_assert_cmpstr (flufl_lock_details_get_user_name (details), ==, it->user_name);
      g_assert_cmpstr (flufl_lock_details_get_host_name (details), ==, it->host_name);
      g_assert_true ((flufl_lock_details_get_acquisition (details) != NULL) == it->has_time);
      remove_file (face, ".~lock.x#");
    }
}

/* Another kind of file is not read, and a pipe does not block. */
static void
office_other_files (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *path = test_place_path (&face->place, ".~lock.x#");

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (FluflLockDetails) details = NULL;
      g_autoptr (GError) error = NULL;

      if (i == 0)
        g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
      else if (i == 1)
        g_assert_cmpint (mkfifo (path, 0600), ==, 0);
      else
        link_to (face, "/etc/passwd", ".~lock.x#");
      details = ask (face, "x", &error);
      g_assert_null (details);
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
      g_assert_cmpint (g_remove (path), ==, 0);
    }
}

static void
office_without_document (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);

  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*self->document != NULL*");
  g_assert_null (flufl_lock_query_foreign_details (lock, NULL, NULL));
  g_test_assert_expected_messages ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST ("/document/preset", preset);
  FACE_TEST_FORMS ("/document/links", links);
  FACE_TEST ("/document/first-operation", first_operation);
  FACE_TEST_FORMS ("/document/circle", circle);
  FACE_TEST ("/document/missing-directory", missing_directory);
  FACE_TEST ("/document/nowhere", nowhere);
  FACE_TEST ("/document/names", names);
  FACE_TEST_FORMS ("/document/save-as", save_as);
  FACE_TEST ("/document/subject", subject);
  g_test_add_func ("/document/unavailable", unavailable);
  FACE_TEST ("/document/office", office);
  FACE_TEST ("/document/office/hostile", office_hostile);
  FACE_TEST ("/document/office/other-files", office_other_files);
  FACE_TEST ("/document/office/without-document", office_without_document);
  return g_test_run ();
}
