/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Files that must not be written, read or removed. Root has every permission, so a child that
 * runs as the user nobody makes these attempts.
 */

#include "face-util.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

typedef struct
{
  Face *face;
  int   ready[2]; /* a pipe: the child writes when it begins to wait for the lock */
} Stage;

/* Skips the test if the user nobody cannot reach the directory. */
static void
become_nobody (Face *face)
{
  if (getuid () == 0
      && (setgroups (0, NULL) != 0 || setgid (NOBODY) != 0 || setuid (NOBODY) != 0))
    face_child_ends (FACE_CHILD_SKIPPED);
  if (access (face->place.dir, X_OK) != 0)
    face_child_ends (FACE_CHILD_SKIPPED);
}

static void
join_nobody (pid_t child)
{
  int status = face_join_any (child);

  if (status == FACE_CHILD_SKIPPED)
    g_test_skip ("the test cannot use the directory as the user nobody");
  else
    g_assert_cmpint (status, ==, FACE_CHILD_OK);
}

static void
set_mode (Face *face, mode_t mode)
{
  g_assert_cmpint (chmod (face->place.dir, mode), ==, 0);
}

static void
read_only_child (gpointer data)
{
  Face *face = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  become_nobody (face);
  g_assert_false (flufl_lock_acquire (lock, -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_no_error (error);
}

static void
read_only_directory (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  set_mode (face, 0555);
  join_nobody (face_fork (read_only_child, face));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  set_mode (face, 0755);
}

/* A process can look at the lock of another in a directory where it must not write. */
static void
read_only_look_child (gpointer data)
{
  Face *face = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  become_nobody (face);
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_THEIRS);
  g_assert_no_error (error);
  g_assert_false (flufl_lock_break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);
  g_assert_false (flufl_lock_break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  face_assert_sentence (error, face->place.lock);
}

static void
read_only_look (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);

  face_acquire (holder);
  set_mode (face, 0555);
  join_nobody (face_fork (read_only_look_child, face));
  g_assert_true (flufl_lock_check (holder, NULL, NULL));
  set_mode (face, 0755);
  face_release (holder);
}

static void
unreadable_child (gpointer data)
{
  Stage *stage = data;
  Face *face = stage->face;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (Heard) waiting = { 0 };

  become_nobody (face);
  g_signal_connect (lock, "waiting", G_CALLBACK (heard_waiting_cb), &waiting);
  g_assert_false (flufl_lock_acquire (lock, 300, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, "The process is alive"));
  g_clear_error (&error);
  g_assert_cmpuint (waiting.n, ==, 1);

  /* The directory shows the claim's name, which is enough for a look. */
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_THEIRS);
  g_assert_no_error (error);
  details = flufl_lock_query_details (lock, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (flufl_lock_details_get_pid (details), ==, getppid ());
  g_assert_false (flufl_lock_break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);

  g_assert_cmpint (write (stage->ready[1], "x", 1), ==, 1);
  g_assert_true (flufl_lock_acquire (lock, -1, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (flufl_lock_release (lock, NULL, &error));
}

/* A waiter waits for a holder with a strict umask like for any other. */
static void
unreadable (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  Stage stage = { .face = face };
  mode_t before = umask (0077);
  pid_t child;
  char byte;

  face_acquire (holder);
  umask (before);
  if (getuid () != 0) /* then the child is the same user */
    g_assert_cmpint (chmod (face->place.lock, 0), ==, 0);
  set_mode (face, 0777);
  g_assert_cmpint (pipe (stage.ready), ==, 0);
  child = face_fork (unreadable_child, &stage);
  close (stage.ready[1]);
  if (read (stage.ready[0], &byte, 1) == 1)
    FACE_WAIT_FOR (test_place_count (&face->place) == 3);
  close (stage.ready[0]);
  face_release (holder);
  join_nobody (child);
  set_mode (face, 0755);
}

static void
sticky_child (gpointer data)
{
  Face *face = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  become_nobody (face);
  flufl_lock_set_lifetime (lock, 3600 * 1000);
  lies_rest ();
  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, "The lock cannot be broken from here"));
  g_clear_error (&error);
  g_assert_false (flufl_lock_acquire (lock, 100, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_assert_false (flufl_lock_break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_nonnull (strstr (error->message, "sticky bit"));
  g_assert_null (strstr (error->message, "link(2)"));
}

/* In a directory like /tmp only the owner of a file can remove it. A waiter cannot break the
 * expired lock of another user, and the error says so. */
static void
sticky_directory (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *claim = NULL;

  if (getuid () != 0)
    {
      g_test_skip ("only root can make a file of another user");
      return;
    }
  claim = test_make_lock (&face->place, "x.lock|far.example|12|34", -60);
  set_mode (face, 01777);
  join_nobody (face_fork (sticky_child, face));
  g_assert_cmpuint (face_nlink (face->place.lock), ==, 2);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  set_mode (face, 0755);
  test_place_empty (&face->place);
}

/* A claim has the permissions that the umask leaves, as any file that open(2) makes. */
static void
claim_mode (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const mode_t masks[] = { 0000, 0022, 0027, 0077 };

  for (guint i = 0; i < G_N_ELEMENTS (masks); i++)
    {
      g_autoptr (FluflLock) lock = face_lock_new (face);
      mode_t before = umask (masks[i]);
      struct stat st;

      face_acquire (lock);
      umask (before);
      g_assert_cmpint (stat (face->place.lock, &st), ==, 0);
      g_assert_cmpuint (st.st_mode & 07777, ==, 0666 & ~masks[i]);
      face_release (lock);
    }
}

static void
hidden_waiter_child (gpointer data)
{
  Face *face = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);

  umask (0077);
  g_assert_true (flufl_lock_acquire (lock, -1, NULL, NULL));
  face_release (lock);
}

static guint
count_waiters (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) waiters = flufl_lock_list_waiters (lock, NULL, &error);

  g_assert_no_error (error);
  return waiters->len;
}

static void
list_child (gpointer data)
{
  Face *face = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);

  become_nobody (face);
  g_assert_cmpuint (count_waiters (lock), ==, 1);
}

/* The name of its claim is enough. */
static void
hidden_waiter (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  pid_t waiter;

  g_test_summary ("A waiter whose claim may not be read is listed all the same");
  set_mode (face, 0755);
  face_acquire (lock);
  waiter = face_fork (hidden_waiter_child, face);
  FACE_WAIT_FOR (count_waiters (lock) == 1);
  join_nobody (face_fork (list_child, face));
  face_release (lock);
  g_assert_cmpint (face_join_any (waiter), ==, FACE_CHILD_OK);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST ("/permissions/read-only-directory", read_only_directory);
  FACE_TEST ("/permissions/read-only-look", read_only_look);
  FACE_TEST ("/permissions/unreadable", unreadable);
  FACE_TEST ("/permissions/sticky-directory", sticky_directory);
  FACE_TEST ("/permissions/claim-mode", claim_mode);
  FACE_TEST ("/permissions/hidden-waiter", hidden_waiter);

  return g_test_run ();
}
