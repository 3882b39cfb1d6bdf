/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Who holds a lock, for people: the user, the program, and since when.
 */

#include <dlfcn.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face-util.h"
#include "flufl-person-private.h"

/* Atomic: the server of names does not answer. */
static int names_hang;

/* The library's question comes here. */
int
getpwuid_r (uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **out)
{
  int (*real) (uid_t, struct passwd *, char *, size_t, struct passwd **);

  while (g_atomic_int_get (&names_hang))
    g_usleep (1000);
  *(void **) &real = dlsym (RTLD_NEXT, "getpwuid_r");
  return real (uid, entry, buffer, size, out);
}

static FluflLockDetails *
query (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;
  FluflLockDetails *details = flufl_lock_query_details (lock, NULL, &error);

  g_assert_no_error (error);
  return details;
}

static FluflLock *
new_named (Face *face, const char *program_name)
{
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);

  return g_object_new (FLUFL_TYPE_LOCK, "file", file, "program-name", program_name, NULL);
}

static void
assert_error_says (FluflLock *lock, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}

static void
user (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLockDetails) details = NULL;
  const struct passwd *entry;

  g_test_summary ("The owner of the lock file is named, by login and by real name");
  face_acquire (lock);
  details = query (lock);
  entry = getpwuid (geteuid ());
  if (entry == NULL)
    {
      g_test_skip ("this user has no name");
      face_release (lock);
      return;
    }
  g_assert_cmpstr (flufl_lock_details_get_user_name (details), ==, entry->pw_name);
  if (entry->pw_gecos[0] != '\0' && entry->pw_gecos[0] != ',' && strchr (entry->pw_gecos, '&') == NULL)
    g_assert_true (g_str_has_prefix (entry->pw_gecos, flufl_lock_details_get_real_name (details)));
  face_release (lock);
}

static void
unknown_user (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const uid_t nobody = 4211111;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (FluflLockDetails) details = NULL;

  g_test_summary ("A user whom the system does not know is left out");
  if (geteuid () != 0 || getpwuid (nobody) != NULL)
    {
      g_test_skip ("needs root, and an unused user ID");
      return;
    }
  face_acquire (lock);
  g_assert_cmpint (chown (face->place.lock, nobody, (gid_t) -1), ==, 0);
  details = query (other);
  g_assert_null (flufl_lock_details_get_user_name (details));
  g_assert_null (flufl_lock_details_get_real_name (details));
  g_assert_cmpint (chown (face->place.lock, 0, (gid_t) -1), ==, 0);
  face_release (lock);
}

/* A server of names that does not answer. */
static void
no_patience (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const gint64 patience = flufl_person_patience;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLockDetails) early = NULL;

  g_test_summary ("A name that is not found in time is left out, and known later");
  face_acquire (lock);
  flufl_person_patience = 0;
  early = query (lock);
  g_assert_nonnull (early);
  flufl_person_patience = patience;
  if (getpwuid (geteuid ()) != NULL)
    for (;;)
      {
        g_autoptr (FluflLockDetails) late = query (lock);

        if (flufl_lock_details_get_user_name (late) != NULL)
          break;
      }
  face_release (lock);
}

#define HANGING_LOOKS 20

/* In a child, which knows no name yet. */
static void
look_while_names_hang (Face *face)
{
  g_autoptr (FluflLock) other = face_lock_new (face);
  gint64 end;

  flufl_person_patience = G_USEC_PER_SEC;
  g_atomic_int_set (&names_hang, TRUE);
  end = g_get_monotonic_time () + HANGING_LOOKS / 2 * flufl_person_patience;
  for (int i = 0; i < HANGING_LOOKS; i++)
    {
      g_autoptr (FluflLockDetails) details = query (other);

      g_assert_null (flufl_lock_details_get_user_name (details));
    }
  g_assert_cmpint (g_get_monotonic_time (), <, end);
}

static void
hanging_names (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  pid_t child;
  int status;

  g_test_summary ("Many looks at one user wait together, not one after the other, for a name");
  face_acquire (lock);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      look_while_names_hang (face);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  face_release (lock);
}

static void
program (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const struct
  {
    const char *set, *property, *seen;
  } names[] = {
    { "org.example.Editor", "org.example.Editor", "org.example.Editor" },
    { "Brief \xe2\x82\xac", "Brief \xe2\x82\xac", "Brief \xe2\x82\xac" },
    /* Claims have 32 bytes of it, and no part of a character. */
    { "org.example.a-very-long-name.Editor", "org.example.a-very-long-name.Editor",
      "org.example.a-very-long-name.Edi" },
    { "1234567890123456789012345678901\xe2\x82\xac", "1234567890123456789012345678901\xe2\x82\xac",
      "1234567890123456789012345678901" },
    { "", NULL, "test-holder" },
    { NULL, NULL, "test-holder" },
  };

  g_test_summary ("The program is named by its claim, or else by its process");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (FluflLock) lock = new_named (face, names[i].set);
      g_autoptr (FluflLock) other = face_lock_new (face);
      g_autoptr (FluflLockDetails) details = NULL;

      g_assert_cmpstr (flufl_lock_get_program_name (lock), ==, names[i].property);
      face_acquire (lock);
      details = query (other);
      g_assert_cmpstr (flufl_lock_details_get_program_name (details), ==, names[i].seen);
      face_release (lock);
    }
}

static void
application (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GApplication) app = g_application_new ("org.example.App", G_APPLICATION_NON_UNIQUE);
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (FluflLock) named = NULL;

  g_test_summary ("The ID of the default application is the default name of the program");
  g_application_set_default (app);
  lock = new_named (face, NULL);
  named = new_named (face, "own");
  g_application_set_default (NULL);
  g_assert_cmpstr (flufl_lock_get_program_name (lock), ==, "org.example.App");
  g_assert_cmpstr (flufl_lock_get_program_name (named), ==, "own");
}

/* The environment may have any bytes. The name that is shown, and that claims have, is valid. */
static void
snap (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = NULL;

  if (g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("a Flatpak has another name");
      return;
    }
  g_unsetenv ("SNAP_INSTANCE_NAME");
  g_setenv ("SNAP_NAME", "b\xff" "d", TRUE);
  lock = new_named (face, NULL);
  g_unsetenv ("SNAP_NAME");
  g_assert_cmpstr (flufl_lock_get_program_name (lock), ==, "b\xef\xbf\xbd" "d");
}

/* What another process wrote is shown as it is, but not on a terminal. */
static void
strange_program (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = new_named (face, "a\033[2J\nb");
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;
  pid_t child;
  int status;

  g_test_summary ("The name of a program brings no terminal codes into an error");
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      face_acquire (lock);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  flufl_lock_set_break_dead (other, FALSE);
  details = query (other);
  g_assert_cmpstr (flufl_lock_details_get_program_name (details), ==, "a\033[2J\nb");
  g_assert_false (flufl_lock_acquire (other, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_null (strchr (error->message, '\033'));
  g_assert_null (strchr (error->message, '\n'));
  flufl_lock_set_break_dead (other, TRUE);
  face_acquire (other);
  face_release (other);
}

static void
own_process (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (FluflLockDetails) foreign = NULL;
  pid_t child;
  int status;

  g_test_summary ("Another object of this process is known as such, and another process is not");
  face_acquire (lock);
  details = query (other);
  g_assert_true (flufl_lock_details_is_own_process (details));
  g_assert_cmpint (flufl_lock_details_get_state (details), ==, FLUFL_LOCK_STATE_THEIRS);
  assert_error_says (other, "Another object of this process (");
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      g_autoptr (FluflLock) mine = face_lock_new (face);

      foreign = query (mine);
      _exit (flufl_lock_details_is_own_process (foreign) ? 1 : 0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  face_release (lock);
}

static void
acquisition (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  gint64 before = g_get_real_time (), after, first = 0;

  g_test_summary ("The moment of the acquisition stays the same when the lock is refreshed");
  face_acquire (lock);
  after = g_get_real_time ();
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (FluflLockDetails) details = query (i == 1 ? lock : other);
      GDateTime *time = flufl_lock_details_get_acquisition (details);
      gint64 usec;

      g_assert_nonnull (time);
      usec = g_date_time_to_unix (time) * G_USEC_PER_SEC + g_date_time_get_microsecond (time);
      /* The claim was touched just before. */
      g_assert_cmpint (usec, >=, before - G_USEC_PER_SEC);
      g_assert_cmpint (usec, <=, after + G_USEC_PER_SEC);
      g_assert_true (i < 2 || usec == first);
      first = usec;
      g_usleep (20 * 1000);
      g_assert_true (flufl_lock_refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, NULL));
    }
  assert_error_says (other, "The lock was acquired at ");
  face_release (lock);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST ("/holder/user", user);
  FACE_TEST ("/holder/unknown-user", unknown_user);
  FACE_TEST ("/holder/no-patience", no_patience);
  FACE_TEST ("/holder/hanging-names", hanging_names);
  FACE_TEST ("/holder/program", program);
  FACE_TEST ("/holder/application", application);
  FACE_TEST ("/holder/snap", snap);
  FACE_TEST ("/holder/strange-program", strange_program);
  FACE_TEST ("/holder/own-process", own_process);
  FACE_TEST ("/holder/acquisition", acquisition);
  return g_test_run ();
}
