/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A lock that is broken behind its holder's back: the operations that find the loss, the
 * signals and errors that report it, and the files that stay.
 */

#include "face-util.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

typedef struct
{
  FluflLock    *lock;
  GCancellable *cancellable; /* owned */
  Heard         lost, held, claim_file;
} Watch;

static void
watch_begin (Watch *watch, FluflLock *lock)
{
  memset (watch, 0, sizeof *watch);
  watch->lock = lock;
  watch->cancellable = flufl_lock_dup_lost_cancellable (lock);
  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &watch->lost);
  g_signal_connect_swapped (lock, "notify::held", G_CALLBACK (heard_cb), &watch->held);
  g_signal_connect_swapped (lock, "notify::claim-file", G_CALLBACK (heard_cb), &watch->claim_file);
}

static void
watch_end (Watch *watch)
{
  g_signal_handlers_disconnect_by_data (watch->lock, &watch->lost);
  g_signal_handlers_disconnect_by_data (watch->lock, &watch->held);
  g_signal_handlers_disconnect_by_data (watch->lock, &watch->claim_file);
  g_clear_object (&watch->cancellable);
  heard_clear (&watch->lost);
}

/* Asserts that every signal, property and error of the object reports the loss. */
static void
assert_lost_once (Watch *watch)
{
  g_autoptr (GCancellable) again = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (watch->lost.n, ==, 1);
  g_assert_error (watch->lost.error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  face_assert_sentence (watch->lost.error, NULL);
  g_assert_true (g_cancellable_is_cancelled (watch->cancellable));
  again = flufl_lock_dup_lost_cancellable (watch->lock);
  g_assert_true (again == watch->cancellable);
  error = flufl_lock_dup_lost_error (watch->lock);
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  g_assert_cmpstr (error->message, ==, watch->lost.error->message);
  g_assert_false (flufl_lock_get_held (watch->lock));
  g_assert_null (flufl_lock_dup_claim_file (watch->lock));
  g_assert_cmpuint (watch->held.n, ==, 1);
  g_assert_cmpuint (watch->claim_file.n, ==, 1);
}

static void
found_by_check (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  Watch watch;

  face_acquire (lock);
  watch_begin (&watch, lock);
  face_remove_everything (face);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_false (form->check (lock, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
      face_assert_sentence (error, face->place.lock);
      g_clear_error (&error);
      assert_lost_once (&watch);
    }
  watch_end (&watch);
}

static void
found_by_refresh (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  Watch watch;

  face_acquire (lock);
  watch_begin (&watch, lock);
  face_remove_everything (face);
  g_assert_false (form->refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);
  assert_lost_once (&watch);

  /* The signal is not emitted again, but each call of refresh or release reports the loss, in the
   * same words. */
  for (guint i = 0; i < 4; i++)
    {
      if (i % 2 == 0)
        g_assert_false (form->refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error));
      else
        g_assert_false (form->release (lock, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
      g_assert_cmpstr (error->message, ==, watch.lost.error->message);
      g_clear_error (&error);
    }
  g_assert_cmpuint (watch.lost.n, ==, 1);

  /* The next acquisition has a new cancellable. */
  face_acquire (lock);
  g_assert_false (face_is_lost (lock));
  face_release (lock);
  g_assert_false (form->release (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_assert_cmpuint (watch.lost.n, ==, 1);
  watch_end (&watch);
}

/* An acquisition by an object whose lock is gone reports the loss once. The next one acquires. */
static void
found_by_acquire (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  Watch watch;

  face_acquire (lock);
  watch_begin (&watch, lock);
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD);
  g_clear_error (&error);

  g_assert_cmpint (g_unlink (face->place.lock), ==, 0);
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  assert_lost_once (&watch);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);

  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpuint (watch.lost.n, ==, 1);
  face_release (lock);
  watch_end (&watch);
}

/* A person deletes the lock file, and another object acquires the lock, which it keeps. The next
 * object acquires it only after a release. */
static void
deleted_lock_file (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (GError) error = NULL;

  for (gboolean linger = FALSE; linger <= TRUE; linger++)
    for (guint n_uses = 0; n_uses <= 1; n_uses++)
      {
        g_autoptr (FluflLock) first = face_lock_new (face);
        g_autoptr (FluflLock) second = face_lock_new (face);
        g_autoptr (FluflLock) third = face_lock_new (face);

        flufl_lock_set_linger (first, linger);
        flufl_lock_set_linger (second, linger);
        for (guint i = 0; i < n_uses; i++)
          {
            face_acquire (first);
            face_release (first);
          }
        face_acquire (first);
        g_assert_cmpint (g_unlink (face->place.lock), ==, 0);
        face_acquire (second);

        g_assert_false (form->check (first, NULL, NULL));
        g_assert_false (form->release (first, NULL, &error));
        g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
        g_clear_error (&error);
        g_assert_false (flufl_lock_get_held (first));
        g_assert_true (form->check (second, NULL, NULL));
        g_assert_cmpuint (face_nlink (face->place.lock), ==, 2);
        g_assert_false (form->acquire (third, 0, NULL, &error));
        g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
        g_clear_error (&error);
        face_release (second);
        face_acquire (third);
        face_release (third);
      }
}

/* After a backup by hard links a claim has two links even if its lock file is gone. */
static void
deleted_after_backup (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) first = face_lock_new (face);
  g_autoptr (FluflLock) second = face_lock_new (face);
  g_autofree char *copy = g_build_filename (face->place.dir, "copy-of-claim", NULL);
  g_autofree char *claim = NULL;
  g_autoptr (GError) error = NULL;

  face_acquire (first);
  claim = test_place_only_claim (&face->place);
  g_assert_cmpint (link (claim, copy), ==, 0);
  g_assert_cmpint (g_unlink (face->place.lock), ==, 0);
  face_acquire (second);
  g_assert_cmpuint (face_nlink (claim), ==, 2);
  g_assert_false (form->check (first, NULL, NULL));
  g_assert_false (form->refresh (first, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  g_assert_true (form->check (second, NULL, NULL));
  face_release (second);
  g_unlink (copy);
}

/* The directory is renamed, and another one takes its place. */
static void
replaced_directory (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autofree char *moved = g_strconcat (face->place.dir, ".moved", NULL);

  for (gboolean linger = FALSE; linger <= TRUE; linger++)
    {
      g_autoptr (FluflLock) first = face_lock_new (face);
      g_autoptr (FluflLock) second = face_lock_new (face);
      g_autoptr (GError) error = NULL;

      flufl_lock_set_linger (first, linger);
      face_acquire (first);
      face_release (first);
      face_acquire (first);
      g_assert_cmpint (g_rename (face->place.dir, moved), ==, 0);
      g_assert_cmpint (g_mkdir (face->place.dir, 0700), ==, 0);
      face_acquire (second);
      g_assert_false (form->release (first, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
      g_assert_true (form->check (second, NULL, NULL));
      face_release (second);
      test_place_empty (&(TestPlace){ .dir = moved });
      g_assert_cmpint (g_rmdir (moved), ==, 0);
    }
}

static void
found_by_release (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  Watch watch;

  face_acquire (lock);
  watch_begin (&watch, lock);
  face_remove_everything (face);
  g_assert_false (form->release (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  face_assert_sentence (error, face->place.lock);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (watch.held.n, ==, 1);
  g_assert_true (g_cancellable_is_cancelled (watch.cancellable));
  g_assert_cmpuint (watch.lost.n, ==, 0); /* the error has reported it */
  watch_end (&watch);
}

/* Another object has acquired the lock meanwhile, and keeps it. */
static void
others_lock_is_left (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  for (guint released = 0; released < 2; released++)
    {
      face_acquire (lock);
      g_assert_true (form->break_lock (other, FLUFL_BREAK_FORCE, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (test_place_count (&face->place), ==, 0);
      g_assert_true (form->acquire (other, 0, NULL, &error));
      g_assert_no_error (error);

      if (released)
        g_assert_false (form->release (lock, NULL, &error));
      else
        g_assert_false (form->refresh (lock, 60000, NULL, &error));
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
      g_clear_error (&error);

      g_assert_cmpuint (test_place_count (&face->place), ==, 2);
      g_assert_true (form->check (other, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (form->release (other, NULL, &error));
      g_assert_no_error (error);
    }
}

/* A person removed the lock file and left the claim. The holder removes its claim. */
static void
claim_without_lock (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  face_acquire (lock);
  g_assert_cmpint (g_unlink (face->place.lock), ==, 0);
  g_assert_false (form->refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
}

static void
found_by_heartbeat (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Watch watch;

  flufl_lock_set_heartbeat (lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
  flufl_lock_set_lifetime (lock, 300);
  face_acquire (lock);
  watch_begin (&watch, lock);
  face_remove_everything (face);
  FACE_WAIT_FOR (watch.lost.n > 0);
  g_assert_true (watch.lost.thread == g_thread_self ());
  assert_lost_once (&watch);
  g_assert_null (strstr (watch.lost.error->message, "could not be refreshed"));

  /* The heartbeat has ended. */
  lies_fail (LIES_ANY, EIO, -1);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  for (gint64 end = g_get_monotonic_time () + 250 * 1000; g_get_monotonic_time () < end;)
    face_pause (G_MAXINT64, "");
  g_assert_cmpuint (watch.lost.n, ==, 1);
  lies_reset ();
  watch_end (&watch);
}

/* Errors until the end of the lease are a loss, too. The holder then removes the files that it
 * can. */
static void
errors_until_the_end (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Watch watch;

  flufl_lock_set_heartbeat (lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
  flufl_lock_set_lifetime (lock, 300);
  face_acquire (lock);
  watch_begin (&watch, lock);
  lies_fail (LIES_UTIMENS, EIO, -1);
  FACE_WAIT_FOR (watch.lost.n > 0);
  assert_lost_once (&watch);
  g_assert_nonnull (strstr (watch.lost.error->message, g_strerror (EIO)));
  g_assert_cmpuint (lies_count (LIES_UTIMENS), >, 1); /* the beat was tried again */
  /* The loss is reported before the files are removed, for which a server may need time. */
  FACE_WAIT_FOR (test_place_count (&face->place) == 0);
  watch_end (&watch);
}

static void
passing_errors (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) lost = { 0 };
  gint64 before;

  flufl_lock_set_heartbeat (lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
  flufl_lock_set_lifetime (lock, 3000);
  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  face_acquire (lock);
  before = face_mtime (face->place.lock);
  lies_fail (LIES_UTIMENS, EIO, 3);
  FACE_WAIT_FOR (face_mtime (face->place.lock) > before);
  g_assert_cmpuint (lies_count (LIES_UTIMENS), >=, 4);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
  g_assert_cmpuint (lost.n, ==, 0);
}

/* The cancellable stops the holder's work even while no main context runs. */
static void
cancellable_needs_no_loop (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;
  Watch watch;

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_lifetime (lock, 90);
  face_acquire (lock);
  watch_begin (&watch, lock);
  face_remove_everything (face);
  while (!g_cancellable_is_cancelled (watch.cancellable))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, give_up);
      g_usleep (1000);
    }
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_cmpuint (watch.lost.n, ==, 0); /* its context has not run */
  FACE_WAIT_FOR (watch.lost.n > 0);
  assert_lost_once (&watch);
  watch_end (&watch);
}

/* The holder asks for the cancellable only after the loss. */
static void
cancellable_comes_late (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);

  face_acquire (lock);
  face_remove_everything (face);
  g_assert_false (flufl_lock_refresh (lock, -1, NULL, NULL));
  g_assert_true (face_is_lost (lock));
  face_acquire (lock);
  g_assert_false (face_is_lost (lock));
  face_release (lock);

  /* The cancellable of a lock that was released serves the next acquisition. */
  face_acquire (lock);
  g_assert_false (face_is_lost (lock));
  face_release (lock);
}

static gpointer
refresh_elsewhere (gpointer lock)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  g_assert_false (form_async.refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* The signal comes in the main context of the acquisition, whichever thread finds the loss. */
static void
told_to_acquirer (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) lost = { 0 };

  g_assert_true (form_async.acquire (lock, 0, NULL, NULL));
  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  face_remove_everything (face);
  g_thread_join (g_thread_new ("refresh", refresh_elsewhere, lock));
  FACE_WAIT_FOR (g_atomic_int_get ((int *) &lost.n) > 0);
  g_assert_cmpuint (lost.n, ==, 1);
  g_assert_true (lost.thread == g_thread_self ());
}

static gpointer
lose_elsewhere (gpointer data)
{
  Face *face = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FluflLock) lock = NULL;
  Watch watch;

  g_main_context_push_thread_default (context);
  lock = face_lock_new (face);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_lifetime (lock, 300);
  face_acquire (lock);
  watch_begin (&watch, lock);
  face_remove_everything (face);
  FACE_WAIT_FOR (watch.lost.n > 0);
  g_assert_true (watch.lost.thread == g_thread_self ());
  g_assert_true (watch.held.thread == g_thread_self ());
  assert_lost_once (&watch);
  watch_end (&watch);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
told_elsewhere (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_thread_join (g_thread_new ("lose", lose_elsewhere, face));
}

static void
acquire_again_cb (FluflLock *lock, GError *error G_GNUC_UNUSED, gpointer user_data)
{
  guint *n = user_data;

  (*n)++;
  face_acquire (lock);
}

/* A handler may acquire the lock again at once. */
static void
acquired_again_in_handler (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  guint n = 0;

  face_acquire (lock);
  g_signal_connect (lock, "lost", G_CALLBACK (acquire_again_cb), &n);
  face_remove_everything (face);
  g_assert_false (form->refresh (lock, -1, NULL, NULL));
  g_assert_cmpuint (n, ==, 1);
  g_assert_true (flufl_lock_get_held (lock));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

int
main (int argc, char *argv[])
{
  gconstpointer context = GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT);
  gconstpointer thread = GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD);

  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/loss/found-by-check", found_by_check);
  FACE_TEST_FORMS ("/loss/found-by-refresh", found_by_refresh);
  FACE_TEST_FORMS ("/loss/found-by-acquire", found_by_acquire);
  FACE_TEST_FORMS ("/loss/deleted-lock-file", deleted_lock_file);
  FACE_TEST_FORMS ("/loss/deleted-after-backup", deleted_after_backup);
  FACE_TEST_FORMS ("/loss/replaced-directory", replaced_directory);
  FACE_TEST_FORMS ("/loss/found-by-release", found_by_release);
  FACE_TEST_FORMS ("/loss/others-lock-is-left", others_lock_is_left);
  FACE_TEST_FORMS ("/loss/claim-without-lock", claim_without_lock);
  FACE_TEST_WITH ("/loss/found-by-heartbeat/context", found_by_heartbeat, context);
  FACE_TEST_WITH ("/loss/found-by-heartbeat/thread", found_by_heartbeat, thread);
  FACE_TEST_WITH ("/loss/errors-until-the-end/context", errors_until_the_end, context);
  FACE_TEST_WITH ("/loss/errors-until-the-end/thread", errors_until_the_end, thread);
  FACE_TEST_WITH ("/loss/passing-errors/context", passing_errors, context);
  FACE_TEST_WITH ("/loss/passing-errors/thread", passing_errors, thread);
  FACE_TEST ("/loss/cancellable-needs-no-loop", cancellable_needs_no_loop);
  FACE_TEST ("/loss/cancellable-comes-late", cancellable_comes_late);
  FACE_TEST ("/loss/told-to-acquirer", told_to_acquirer);
  FACE_TEST ("/loss/told-elsewhere", told_elsewhere);
  FACE_TEST_FORMS ("/loss/acquired-again-in-handler", acquired_again_in_handler);

  return g_test_run ();
}
