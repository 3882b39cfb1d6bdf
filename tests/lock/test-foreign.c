/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Files at the lock file's path that are not locks. Every operation fails at once with an error
 * that says so. The file is opened only if it is a regular file, and left exactly as it was.
 */

#include "face-util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <glib/gstdio.h>

/* Makes the file. FALSE: it cannot be made here. */
typedef gboolean (*Make) (Face *face);

typedef struct
{
  const char *name;
  Make        make;
  const char *words;       /* in the error */
  gboolean    opened;      /* the library reads it: it is a regular file */
  gboolean    is_directory;
} Thing;

typedef struct
{
  const Thing *thing;
  const Form  *form;
} Case;

static gboolean
put (Face *face, const char *content, gssize length)
{
  g_assert_true (g_file_set_contents (face->place.lock, content, length, NULL));
  return TRUE;
}

static gboolean
make_fifo (Face *face)
{
  return mkfifo (face->place.lock, 0666) == 0;
}

static gboolean
make_socket (Face *face)
{
  return mknod (face->place.lock, S_IFSOCK | 0666, 0) == 0;
}

static gboolean
make_device (Face *face)
{
  return mknod (face->place.lock, S_IFCHR | 0666, makedev (1, 3)) == 0;
}

static gboolean
make_directory (Face *face)
{
  return mkdir (face->place.lock, 0777) == 0;
}

static gboolean
make_dangling_symlink (Face *face)
{
  return symlink ("nowhere", face->place.lock) == 0;
}

static gboolean
make_symlink_to_itself (Face *face)
{
  return symlink ("x.lock", face->place.lock) == 0;
}

/* The target has the content of a good lock. */
static gboolean
make_symlink_to_file (Face *face)
{
  g_autofree char *target = test_place_path (&face->place, "target");
  g_autofree char *claim = test_place_path (&face->place, "x.lock|far.example|12|34");

  g_assert_true (g_file_set_contents (target, claim, -1, NULL));
  return symlink ("target", face->place.lock) == 0;
}

static gboolean
make_empty (Face *face)
{
  return put (face, "", 0);
}

static gboolean
make_text (Face *face)
{
  return put (face, "a letter to somebody\n", -1);
}

/* The content begins as the path of a claim of this lock does. */
static gboolean
make_huge (Face *face)
{
  g_autofree char *claim = test_place_path (&face->place, "x.lock|far.example|12|");
  gsize length = 10 * 1000 * 1000;
  g_autofree char *content = g_strnfill (length, '1');

  memcpy (content, claim, strlen (claim));
  return put (face, content, (gssize) length);
}

static gboolean
make_binary (Face *face)
{
  static const char content[] = "\x7f" "ELF\0\0\x01\x02|\0|\xff|\0";

  return put (face, content, sizeof content - 1);
}

static gboolean
make_claim_with_nul (Face *face)
{
  g_autofree char *claim = test_place_path (&face->place, "x.lock|far.example|12|34");

  return put (face, claim, (gssize) strlen (claim) + 1);
}

static gboolean
make_claim_with_newline (Face *face)
{
  g_autofree char *claim = test_place_path (&face->place, "x.lock|far.example|12|34\n");

  return put (face, claim, -1);
}

static gboolean
make_others_claim (Face *face)
{
  g_autofree char *claim = test_place_path (&face->place, "y.lock|far.example|12|34");

  g_assert_true (g_file_set_contents (claim, claim, -1, NULL));
  return put (face, claim, -1);
}

static gboolean
make_passwd (Face *face)
{
  return put (face, "/etc/passwd", -1);
}

static gboolean
make_up_and_away (Face *face)
{
  return put (face, "x.lock|far.example|12|../../etc/passwd", -1);
}

static gboolean
make_directory_claim (Face *face)
{
  return put (face, "/tmp/x.lock|far.example|12|34/", -1);
}

static gboolean
make_no_number (Face *face)
{
  return put (face, "x.lock|far.example|-12|34", -1);
}

static gboolean
make_long_name (Face *face)
{
  g_autofree char *filler = g_strnfill (260, '7');
  g_autofree char *content = g_strconcat ("x.lock|far.example|12|", filler, NULL);

  return put (face, content, -1);
}

static const Thing things[] = {
  { "fifo", make_fifo, "not a lock file but a named pipe", FALSE, FALSE },
  { "socket", make_socket, "not a lock file but a socket", FALSE, FALSE },
  { "device", make_device, "not a lock file but a device", FALSE, FALSE },
  { "directory", make_directory, "not a lock file but a directory", FALSE, TRUE },
  { "symlink/dangling", make_dangling_symlink, "not a lock file but a symbolic link", FALSE, FALSE },
  { "symlink/itself", make_symlink_to_itself, "not a lock file but a symbolic link", FALSE, FALSE },
  { "symlink/file", make_symlink_to_file, "not a lock file but a symbolic link", FALSE, FALSE },
  { "empty", make_empty, "it is empty", TRUE, FALSE },
  { "text", make_text, "its content does not name a claim", TRUE, FALSE },
  { "huge", make_huge, "its content does not name a claim", TRUE, FALSE },
  { "binary", make_binary, "its content does not name a claim", TRUE, FALSE },
  { "claim-with-nul", make_claim_with_nul, "its content does not name a claim", TRUE, FALSE },
  { "claim-with-newline", make_claim_with_newline, "its content does not name a claim", TRUE,
    FALSE },
  { "others-claim", make_others_claim, "its content does not name a claim", TRUE, FALSE },
  { "passwd", make_passwd, "its content does not name a claim", TRUE, FALSE },
  { "up-and-away", make_up_and_away, "its content does not name a claim", TRUE, FALSE },
  { "directory-claim", make_directory_claim, "its content does not name a claim", TRUE, FALSE },
  { "no-number", make_no_number, "its content does not name a claim", TRUE, FALSE },
  { "long-name", make_long_name, "its content does not name a claim", TRUE, FALSE },
};

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* All files in the directory, with the times of their last changes. */
static char *
describe (Face *face)
{
  g_autoptr (GDir) dir = g_dir_open (face->place.dir, 0, NULL);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = test_place_path (&face->place, name);
      struct stat st;

      g_assert_cmpint (lstat (path, &st), ==, 0);
      g_ptr_array_add (lines, g_strdup_printf (
          "%s %ju %o %ju %ju %jd.%ld %jd.%ld", name, (uintmax_t) st.st_ino, st.st_mode,
          (uintmax_t) st.st_nlink, (uintmax_t) st.st_size, (intmax_t) st.st_mtim.tv_sec,
          st.st_mtim.tv_nsec, (intmax_t) st.st_ctim.tv_sec, st.st_ctim.tv_nsec));
    }
  g_ptr_array_sort (lines, compare_names);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

static void
assert_not_a_lock (GError **error, Face *face, const char *words)
{
  g_assert_error (*error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  face_assert_sentence (*error, face->place.lock);
  if (strstr ((*error)->message, words) == NULL)
    g_error ("“%s” does not say “%s”", (*error)->message, words);
  g_clear_error (error);
}

static void
left_alone (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Thing *thing = the_case->thing;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL, *after = NULL;
  char events[4096];
  int fd;

  if (!thing->make (face))
    {
      g_test_skip (g_strerror (errno));
      return;
    }
  flufl_lock_set_lifetime (lock, 3600 * 1000);
  before = describe (face);
  fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  inotify_add_watch (fd, face->place.lock,
                     IN_OPEN | IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_DONT_FOLLOW);

  lies_rest ();
  for (gint64 timeout = -1; timeout <= 0; timeout++)
    {
      g_assert_false (form->acquire (lock, timeout, NULL, &error));
      assert_not_a_lock (&error, face, thing->words);
    }
  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_UNKNOWN);
  assert_not_a_lock (&error, face, thing->words);
  g_assert_null (form->query_details (lock, NULL, &error));
  assert_not_a_lock (&error, face, thing->words);
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  assert_not_a_lock (&error, face, thing->words);
  g_assert_false (form->check (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  if (thing->opened)
    g_assert_cmpint (read (fd, events, sizeof events), >, 0);
  else if (!thing->is_directory) /* this test itself lists a directory */
    {
      g_assert_cmpint (read (fd, events, sizeof events), ==, -1);
      g_assert_cmpint (errno, ==, EAGAIN);
    }
  close (fd);

  after = describe (face);
  g_assert_cmpstr (after, ==, before);

  /* A forced break removes anything except a directory. */
  if (thing->is_directory)
    {
      g_assert_false (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
      face_assert_sentence (error, face->place.lock);
      g_assert_cmpint (g_rmdir (face->place.lock), ==, 0);
    }
  else
    {
      g_assert_true (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (face_nlink (face->place.lock), ==, 0);
    }
  test_place_empty (&face->place);
}

/* The library looks for a claim next to the lock file, whatever directory the content names. So
 * the content of a lock file cannot make another process remove files elsewhere. */
static void
claim_elsewhere (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *outside = test_place_path (&face->place, "outside");
  g_autofree char *there = test_place_path (&face->place, "outside/x.lock|far.example|12|34");
  g_autofree char *before = NULL;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  struct timespec past[2] = { { 1000, 0 }, { 1000, 0 } };
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GFile) claim_file = NULL;

  g_assert_cmpint (g_mkdir (outside, 0700), ==, 0);
  g_assert_true (g_file_set_contents (there, "precious", -1, NULL));
  put (face, there, -1);
  g_assert_cmpint (utimensat (AT_FDCWD, face->place.lock, past, 0), ==, 0);
  flufl_lock_set_lifetime (lock, 3600 * 1000);

  details = form->query_details (lock, NULL, NULL);
  claim_file = g_file_get_child (flufl_lock_details_get_lock_file (details), "..");
  g_assert_true (g_file_has_parent (flufl_lock_details_get_claim_file (details), claim_file));

  lies_rest ();
  g_assert_true (form->acquire (lock, -1, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
  g_assert_true (g_file_get_contents (there, &before, NULL, NULL));
  g_assert_cmpstr (before, ==, "precious");
  g_assert_cmpuint (test_place_count (&face->place), ==, 1);
  g_assert_cmpint (g_unlink (there), ==, 0);
  g_assert_cmpint (g_rmdir (outside), ==, 0);
}

/* The claim that the lock file names is another file now, which must stay. */
static void
claim_is_another_file (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *claim = test_make_lock (&face->place, "x.lock|far.example|12|34", -60);
  g_autofree char *content = NULL;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (claim), ==, 0);
  g_assert_true (g_file_set_contents (claim, "precious", -1, NULL));
  flufl_lock_set_lifetime (lock, 3600 * 1000);
  lies_rest ();
  g_assert_false (form->acquire (lock, 50, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_true (g_file_get_contents (claim, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "precious");
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  test_place_empty (&face->place);
}

int
main (int argc, char *argv[])
{
  static Case cases[2 * G_N_ELEMENTS (things)];

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = NULL;

      cases[i].thing = &things[i / 2];
      cases[i].form = i % 2 == 0 ? &form_sync : &form_async;
      path = g_strdup_printf ("/foreign/%s/%s", cases[i].thing->name, cases[i].form->name);
      FACE_TEST_WITH (path, left_alone, &cases[i]);
    }
  FACE_TEST_FORMS ("/foreign/claim-elsewhere", claim_elsewhere);
  FACE_TEST_FORMS ("/foreign/claim-is-another-file", claim_is_another_file);

  return g_test_run ();
}
