/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Each operation, in both forms: its answer, the files on disk after it, and its errors.
 */

#include "face-util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
cycle (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_autofree char *claim = NULL, *content = NULL, *shown = NULL;
  g_autoptr (GFile) claim_file = NULL;

  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_true (form->acquire (lock, 0, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (flufl_lock_get_held (lock));

  /* The claim and the lock file are one file, whose content is the claim's path. */
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  claim = test_place_only_claim (&face->place);
  g_assert_cmpuint (face_nlink (face->place.lock), ==, 2);
  g_assert_cmpuint (face_nlink (claim), ==, 2);
  g_assert_true (g_file_get_contents (face->place.lock, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, claim);
  claim_file = flufl_lock_dup_claim_file (lock);
  shown = g_file_get_path (claim_file);
  g_assert_cmpstr (shown, ==, claim);

  g_assert_true (form->check (lock, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (form->release (lock, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_null (flufl_lock_dup_claim_file (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_false (form->check (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);

  /* An object can acquire more than once. */
  g_assert_true (form->acquire (lock, 0, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (form->release (lock, NULL, &error));
  g_assert_no_error (error);
  g_assert_finalize_object (g_steal_pointer (&lock));
}

static void
errors_may_be_ignored (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);

  g_assert_false (form->release (lock, NULL, NULL));
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_false (form->acquire (lock, 0, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
}

static void
already_held (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  face_acquire (lock);
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);

  g_assert_false (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD);
  face_assert_sentence (error, face->place.lock);

  g_assert_true (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_release (lock);
}

static void
not_held (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  for (guint held_by_other = 0; held_by_other < 2; held_by_other++)
    {
      if (held_by_other)
        face_acquire (other);
      g_assert_false (form->release (lock, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
      face_assert_sentence (error, face->place.lock);
      g_clear_error (&error);

      g_assert_false (form->refresh (lock, 1000, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
      g_clear_error (&error);
      g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 15000);

      g_assert_false (form->check (lock, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
      g_clear_error (&error);
    }

  g_assert_true (flufl_lock_check (other, NULL, NULL));
  face_release (other);

  g_assert_null (form->query_details (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  face_assert_sentence (error, face->place.lock);
}

static void
assert_says (const Form *form, FluflLock *lock, const char *first, const char *second)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, first));
  g_assert_nonnull (strstr (error->message, second));
}

/* The error names a holder that is another process, and says that it is alive, or stopped. */
static void
other_process (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autofree char *who = NULL;
  int status;
  pid_t child = fork ();

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      g_autoptr (FluflLock) holder = face_lock_new (face);

      face_acquire (holder);
      for (;;)
        pause ();
    }
  FACE_WAIT_FOR (form->query_state (lock, NULL, NULL) == FLUFL_LOCK_STATE_THEIRS);
  who = g_strdup_printf ("“test-operations”, process %d on host “%s”", (int) child,
                         flufl_lock_get_host_name (lock));
  assert_says (form, lock, who, "The process is alive.");
  g_assert_cmpint (kill (child, SIGSTOP), ==, 0);
  g_assert_cmpint (waitpid (child, &status, WUNTRACED), ==, child);
  assert_says (form, lock, who, "it is stopped");
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  face_release (lock);
}

static void
timed_out (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_autoptr (FluflLockDetails) details = NULL;
  g_autofree char *who = g_strdup_printf ("Another object of this process (%d) holds it",
                                          (int) getpid ());
  g_autofree char *until = NULL;
  g_autoptr (GDateTime) local = NULL;
  gint64 begun;

  face_acquire (holder);
  details = flufl_lock_query_details (lock, NULL, NULL);
  local = g_date_time_to_local (flufl_lock_details_get_expiration (details));
  until = g_date_time_format (local, "%Y-%m-%d %H:%M:%S %Z");

  begun = g_get_monotonic_time ();
  g_assert_false (form->acquire (lock, 120, NULL, &error));
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 120 * 1000);
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, " ms. "));
  g_assert_nonnull (strstr (error->message, who));
  g_assert_nonnull (strstr (error->message, until));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  g_clear_error (&error);

  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, who));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  g_assert_false (flufl_lock_get_held (lock));
  g_clear_error (&error);

  face_release (holder);
  g_assert_true (form->acquire (lock, 0, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (form->release (lock, NULL, &error));
  g_assert_no_error (error);
}

/* An acquisition with FLUFL_LOCK_TIMEOUT_DEFAULT uses the property: none, a short one, for ever. */
static void
default_timeout (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (flufl_lock_get_default_timeout (lock), ==, FLUFL_LOCK_TIMEOUT_FOREVER);
  face_acquire (holder);
  flufl_lock_set_default_timeout (lock, 0);
  g_assert_false (form->acquire (lock, FLUFL_LOCK_TIMEOUT_DEFAULT, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "is not free"));
  g_clear_error (&error);

  flufl_lock_set_default_timeout (lock, 50);
  g_assert_false (form->acquire (lock, FLUFL_LOCK_TIMEOUT_DEFAULT, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "did not become free"));
  face_release (holder);

  flufl_lock_set_default_timeout (lock, FLUFL_LOCK_TIMEOUT_FOREVER);
  g_assert_true (form->acquire (lock, FLUFL_LOCK_TIMEOUT_DEFAULT, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
  /* The greatest timeout does not overflow when it is added to the time. */
  g_assert_true (form->acquire (lock, G_MAXINT64, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
}

static gpointer
release_in_thread (gpointer lock)
{
  /* The other acquisition has begun by then. */
  while (lies_count (LIES_LINK) < 5)
    g_usleep (1000);
  face_release (lock);
  return NULL;
}

static void
waits_for_ever (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  GThread *thread;

  face_acquire (holder);
  thread = g_thread_new ("release", release_in_thread, holder);
  g_assert_true (form->acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  g_assert_true (form->release (lock, NULL, &error));
  g_assert_no_error (error);
}

static void
refresh_extends (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_auto (Heard) lifetime = { 0 };
  gint64 before, now;

  g_signal_connect_swapped (lock, "notify::lifetime", G_CALLBACK (heard_cb), &lifetime);
  flufl_lock_set_lifetime (lock, 60 * 1000);
  g_assert_cmpuint (lifetime.n, ==, 1);
  face_acquire (lock);
  now = g_get_real_time ();
  before = face_mtime (face->place.lock);
  g_assert_cmpint (before, <=, now + 60 * G_USEC_PER_SEC);
  g_assert_cmpint (before, >, now);

  /* A refresh for the default lifetime does not change the property. */
  g_assert_true (form->refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (face_mtime (face->place.lock), >, before);
  g_assert_cmpuint (lifetime.n, ==, 1);

  /* A refresh for another lifetime sets the property. */
  now = g_get_real_time ();
  g_assert_true (form->refresh (lock, 3600 * 1000, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (face_mtime (face->place.lock), >=, now + 3600 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 3600 * 1000);
  g_assert_cmpuint (lifetime.n, ==, 2);
  g_assert_true (form->refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error));
  g_assert_cmpint (face_mtime (face->place.lock), >=, now + 3600 * (gint64) G_USEC_PER_SEC);

  /* So does a refresh for a shorter one. */
  g_assert_true (form->refresh (lock, 30 * 1000, NULL, &error));
  g_assert_cmpint (face_mtime (face->place.lock), <, now + 3600 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpuint (lifetime.n, ==, 3);

  /* A bad lifetime changes nothing. */
  before = face_mtime (face->place.lock);
  g_assert_false (form->refresh (lock, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_cmpint (face_mtime (face->place.lock), ==, before);
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 30 * 1000);
  g_clear_error (&error);

  /* Nor does a refresh that fails. */
  lies_fail (LIES_UTIMENS, EIO, 1);
  g_assert_false (form->refresh (lock, 7000, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  face_assert_sentence (error, face->place.lock);
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 30 * 1000);
  g_assert_true (flufl_lock_get_held (lock));
  g_assert_cmpuint (lifetime.n, ==, 3);
  face_release (lock);
}

/* A look changes nothing on disk. */
static void
looks_write_nothing (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (FluflLockDetails) details = NULL;
  gint64 before;
  guint writes;

  face_acquire (lock);
  before = face_mtime (face->place.lock);
  writes = lies_count (LIES_UTIMENS) + lies_count (LIES_FUTIMENS) + lies_count (LIES_LINK)
           + lies_count (LIES_UNLINK) + lies_count (LIES_PWRITE);
  g_assert_true (form->check (lock, NULL, NULL));
  g_assert_false (form->check (other, NULL, NULL));
  g_assert_cmpint (form->query_state (lock, NULL, NULL), ==, FLUFL_LOCK_STATE_OURS);
  g_assert_cmpint (form->query_state (other, NULL, NULL), ==, FLUFL_LOCK_STATE_THEIRS);
  details = form->query_details (other, NULL, NULL);
  g_assert_nonnull (details);
  g_assert_cmpuint (lies_count (LIES_UTIMENS) + lies_count (LIES_FUTIMENS) + lies_count (LIES_LINK)
                        + lies_count (LIES_UNLINK) + lies_count (LIES_PWRITE), ==, writes);
  g_assert_cmpint (face_mtime (face->place.lock), ==, before);
  face_release (lock);
}

static void
check_fails (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  face_acquire (lock);
  lies_fail (LIES_LSTAT, EIO, -1);
  g_assert_false (form->check (lock, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);
  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);
  g_assert_null (form->query_details (lock, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_true (flufl_lock_get_held (lock));
  lies_reset ();
  face_release (lock);
}

/* If the system refuses to remove the files, the lock is still held, and the release can be
 * repeated. */
static void
release_fails (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  face_acquire (lock);
  lies_fail (LIES_UNLINK, EPERM, 1);
  g_assert_false (form->release (lock, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  face_assert_sentence (error, face->place.lock);
  g_assert_true (flufl_lock_get_held (lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_release (lock);
}

static void
details (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLockDetails) found = NULL, copied = NULL;
  g_autoptr (GFile) claim = NULL;
  GDateTime *expiration;
  gint64 usec;

  face_acquire (holder);
  found = form->query_details (lock, NULL, NULL);
  copied = g_boxed_copy (FLUFL_TYPE_LOCK_DETAILS, found);
  claim = flufl_lock_dup_claim_file (holder);

  g_assert_cmpstr (flufl_lock_details_get_host_name (copied), ==, g_get_host_name ());
  g_assert_cmpint (flufl_lock_details_get_pid (copied), ==, getpid ());
  g_assert_true (g_file_equal (flufl_lock_details_get_lock_file (copied),
                               flufl_lock_get_file (lock)));
  g_assert_true (g_file_equal (flufl_lock_details_get_claim_file (copied), claim));
  g_assert_cmpint (flufl_lock_details_get_state (copied), ==, FLUFL_LOCK_STATE_THEIRS);
  expiration = flufl_lock_details_get_expiration (copied);
  usec = g_date_time_to_unix (expiration) * G_USEC_PER_SEC
         + g_date_time_get_microsecond (expiration);
  g_assert_cmpint (usec, ==, face_mtime (face->place.lock));
  g_assert_cmpint (g_date_time_get_utc_offset (expiration), ==, 0);
  g_clear_pointer (&found, flufl_lock_details_free);

  /* The holder itself looks. */
  found = form->query_details (holder, NULL, NULL);
  g_assert_cmpint (flufl_lock_details_get_state (found), ==, FLUFL_LOCK_STATE_OURS);
  face_release (holder);
}

/* The time from now until the beginning of @year. */
static GTimeSpan
time_until (int year)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) then = g_date_time_new_utc (year, 1, 1, 0, 0, 0);

  return g_date_time_difference (then, now);
}

static void
assert_expires_in (FluflLock *lock, const Form *form, FluflLockState state, int year)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FluflLockDetails) details = form->query_details (lock, NULL, &error);
  g_autoptr (GDateTime) then = g_date_time_new_utc (year, 1, 1, 0, 0, 0);
  GTimeSpan off;

  g_assert_no_error (error);
  g_assert_cmpint (flufl_lock_details_get_state (details), ==, state);
  off = g_date_time_difference (flufl_lock_details_get_expiration (details), then);
  g_assert_cmpint (ABS (off), <, G_TIME_SPAN_DAY);
}

/* Expirations after 2038, where a time of 32 bits ends. */
static void
far_expiration (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_autofree char *claim = NULL;
  struct stat st;

  g_assert_cmpint (sizeof (time_t), >=, 8);

  /* A lock of this library. */
  flufl_lock_set_lifetime (holder, time_until (2075) / 1000);
  face_acquire (holder);
  g_assert_cmpint (stat (face->place.lock, &st), ==, 0);
  if (st.st_mtim.tv_sec <= G_MAXINT32)
    {
      face_release (holder);
      g_test_skip ("this disk stores no time after 2038");
      return;
    }
  assert_expires_in (lock, form, FLUFL_LOCK_STATE_THEIRS, 2075);
  g_assert_true (form->refresh (holder, time_until (2080) / 1000, NULL, &error));
  g_assert_no_error (error);
  assert_expires_in (holder, form, FLUFL_LOCK_STATE_OURS, 2080);
  face_release (holder);

  /* A lock that lasts longer than this library's can. */
  claim = test_make_lock (&face->place, "x.lock|elsewhere|7|123",
                          (double) time_until (2200) / G_USEC_PER_SEC);
  assert_expires_in (lock, form, FLUFL_LOCK_STATE_UNKNOWN, 2200);
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  test_place_empty (&face->place);
}

/* An operation, even a release, does nothing if it is cancelled before it begins. */
static void
cancelled_before (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  guint calls;

  g_cancellable_cancel (cancelled);
  g_assert_false (form->acquire (lock, 0, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpuint (lies_count (LIES_ANY), ==, 0);

  face_acquire (lock);
  calls = lies_count (LIES_ANY);
  g_assert_false (form->refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (form->check (lock, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (form->query_state (lock, cancelled, &error), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (form->query_details (lock, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_NONE, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (form->release (lock, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (lies_count (LIES_ANY), ==, calls);
  g_assert_true (flufl_lock_get_held (lock));
  face_release (lock);
}

/* Two objects of one process exclude each other like those of two processes. */
static void
objects_exclude_each_other (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) one = face_lock_new (face);
  g_autoptr (FluflLock) two = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (form->acquire (one, 0, NULL, &error));
      g_assert_no_error (error);
      g_assert_false (form->acquire (two, 0, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
      g_clear_error (&error);
      g_assert_false (form->release (two, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
      g_clear_error (&error);
      g_assert_true (form->release (one, NULL, &error));
      g_assert_no_error (error);

      g_assert_true (form->acquire (two, 0, NULL, &error));
      g_assert_no_error (error);
      g_assert_false (form->acquire (one, 0, NULL, NULL));
      g_assert_true (form->release (two, NULL, &error));
      g_assert_no_error (error);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/operations/cycle", cycle);
  FACE_TEST_FORMS ("/operations/errors-may-be-ignored", errors_may_be_ignored);
  FACE_TEST_FORMS ("/operations/already-held", already_held);
  FACE_TEST_FORMS ("/operations/not-held", not_held);
  FACE_TEST_FORMS ("/operations/timed-out", timed_out);
  FACE_TEST_FORMS ("/operations/other-process", other_process);
  FACE_TEST_FORMS ("/operations/default-timeout", default_timeout);
  FACE_TEST_FORMS ("/operations/waits-for-ever", waits_for_ever);
  FACE_TEST_FORMS ("/operations/refresh-extends", refresh_extends);
  FACE_TEST_FORMS ("/operations/looks-write-nothing", looks_write_nothing);
  FACE_TEST_FORMS ("/operations/check-fails", check_fails);
  FACE_TEST_FORMS ("/operations/release-fails", release_fails);
  FACE_TEST_FORMS ("/operations/details", details);
  FACE_TEST_FORMS ("/operations/far-expiration", far_expiration);
  FACE_TEST_FORMS ("/operations/cancelled-before", cancelled_before);
  FACE_TEST_FORMS ("/operations/objects-exclude-each-other", objects_exclude_each_other);

  return g_test_run ();
}
