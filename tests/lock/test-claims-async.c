/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The asynchronous forms of “list_waiters” and “remove_leftovers”: results, errors, cancellation and
 * main contexts. test-stall.c shows that they touch the disk in other threads only.
 */

#include "face-util.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  FluflLock *lock;      /* owned */
  GFile     *directory; /* owned; of the lock */
} Subject;

static void
subject_clear (Subject *self)
{
  g_clear_object (&self->lock);
  g_clear_object (&self->directory);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Subject, subject_clear)

static Subject
subject_new (Face *face)
{
  return (Subject){ face_lock_new (face), g_file_new_for_path (face->place.dir) };
}

/* One of the two operations. */
typedef struct
{
  const char *name;
  gboolean    is_static;
  void       (*start)  (Subject *, GCancellable *, Reply *);
  GPtrArray *(*finish) (Subject *, Reply *, GError **);
} Operation;

static void
start_list (Subject *subject, GCancellable *cancellable, Reply *reply)
{
  flufl_lock_list_waiters_async (subject->lock, cancellable, reply_cb, reply);
}

static GPtrArray *
finish_list (Subject *subject, Reply *reply, GError **error)
{
  return flufl_lock_list_waiters_finish (subject->lock, reply->result, error);
}

static void
start_remove (Subject *subject, GCancellable *cancellable, Reply *reply)
{
  flufl_lock_remove_leftovers_async (subject->directory, FALSE, cancellable, reply_cb, reply);
}

static GPtrArray *
finish_remove (Subject *subject G_GNUC_UNUSED, Reply *reply, GError **error)
{
  return flufl_lock_remove_leftovers_finish (reply->result, error);
}

static const Operation operations[] = {
  { "list-waiters", FALSE, start_list, finish_list },
  { "remove-leftovers", TRUE, start_remove, finish_remove },
};

static GPtrArray *
run (const Operation *operation, Subject *subject, GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  operation->start (subject, cancellable, &reply);
  g_assert_false (reply.done);
  reply_wait (&reply, operation->name);
  g_assert_true (reply.thread == g_thread_self ());
  g_assert_true (reply.source == (operation->is_static ? G_OBJECT (subject->directory)
                                                       : G_OBJECT (subject->lock)));
  return operation->finish (subject, &reply, error);
}

/* Whether nothing that runs has a reference to the subject. */
static gboolean
is_alone (const Subject *subject)
{
  return G_OBJECT (subject->lock)->ref_count == 1 && G_OBJECT (subject->directory)->ref_count == 1;
}

/* --- Results --- */

static guint
count_waiters (FluflLock *lock)
{
  g_autoptr (GPtrArray) waiters = flufl_lock_list_waiters (lock, NULL, NULL);

  return waiters->len;
}

static void
waiters (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_auto (Subject) subject = subject_new (face);
  g_autoptr (GPtrArray) expected = NULL, found = NULL;
  g_autoptr (GError) error = NULL;
  FluflLock *others[2];
  Reply replies[2] = { { 0 }, { 0 } };

  face_acquire (subject.lock);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      others[i] = face_lock_new (face);
      flufl_lock_acquire_async (others[i], -1, NULL, reply_cb, &replies[i]);
      FACE_WAIT_FOR (count_waiters (subject.lock) == i + 1);
    }
  expected = flufl_lock_list_waiters (subject.lock, NULL, NULL);
  found = run (&operations[0], &subject, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (found->len, ==, G_N_ELEMENTS (others));
  g_assert_cmpuint (expected->len, ==, G_N_ELEMENTS (others));
  for (guint i = 0; i < found->len; i++)
    {
      GFile *claim = flufl_lock_details_get_claim_file (expected->pdata[i]);

      g_assert_true (flufl_lock_details_is_own_process (found->pdata[i]));
      g_assert_cmpint (flufl_lock_details_get_state (found->pdata[i]), ==, FLUFL_LOCK_STATE_THEIRS);
      g_assert_true (g_file_equal (flufl_lock_details_get_claim_file (found->pdata[i]), claim));
    }
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      flufl_lock_abandon (others[i]);
      reply_wait (&replies[i], "the end of the wait");
      reply_clear (&replies[i]);
      g_assert_finalize_object (others[i]);
    }
  face_release (subject.lock);
}

static GPtrArray *
remove_leftovers (Face *face, gboolean dry_run)
{
  g_autoptr (GFile) directory = g_file_new_for_path (face->place.dir);
  g_autoptr (GError) error = NULL;
  g_auto (Reply) reply = { 0 };
  GPtrArray *removed;

  flufl_lock_remove_leftovers_async (directory, dry_run, NULL, reply_cb, &reply);
  reply_wait (&reply, "remove leftovers");
  removed = flufl_lock_remove_leftovers_finish (reply.result, &error);
  g_assert_no_error (error);
  return removed;
}

static void
leftovers (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GPtrArray) leftover = NULL, removed = NULL, again = NULL;
  pid_t child;

  face_acquire (lock);
  child = face_fork (face_wait_for_turn, face);
  FACE_WAIT_FOR (count_waiters (lock) == 1);
  face_kill (child);
  leftover = remove_leftovers (face, TRUE);
  g_assert_cmpuint (leftover->len, ==, 1);
  g_assert_true (g_file_query_exists (leftover->pdata[0], NULL));
  removed = remove_leftovers (face, FALSE);
  g_assert_cmpuint (removed->len, ==, 1);
  g_assert_true (g_file_equal (removed->pdata[0], leftover->pdata[0]));
  g_assert_false (g_file_query_exists (removed->pdata[0], NULL));
  again = remove_leftovers (face, FALSE);
  g_assert_cmpuint (again->len, ==, 0);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

/* Nobody takes the result, so the task frees it. */
static void
no_finish (Face *face, gconstpointer data)
{
  const Operation *operation = data;
  g_auto (Subject) subject = subject_new (face);
  g_auto (Reply) reply = { 0 };

  operation->start (&subject, NULL, &reply);
  reply_wait (&reply, operation->name);
  reply_clear (&reply);
  FACE_WAIT_FOR (is_alone (&subject));
}

/* --- Errors --- */

static void
refused (Face *face, gconstpointer data)
{
  const Operation *operation = data;
  g_auto (Subject) subject = subject_new (face);
  g_autoptr (GError) error = NULL;

  lies_fail (LIES_LIST, EACCES, 1);
  g_assert_null (run (operation, &subject, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  face_assert_sentence (error, face->place.dir);
}

static void
no_directory (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *path = g_build_filename (face->place.dir, "missing", "x.lock", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  Subject missing = { lock, g_file_get_parent (flufl_lock_get_file (lock)) };
  Subject elsewhere = { NULL, g_file_new_for_uri ("http://example.org/locks") };
  g_autoptr (GPtrArray) nobody = NULL;
  g_autoptr (GError) error = NULL;

  nobody = run (&operations[0], &missing, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nobody->len, ==, 0);
  g_assert_null (run (&operations[1], &missing, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (run (&operations[1], &elsewhere, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "“http://example.org/locks”"));
  g_object_unref (missing.directory);
  g_object_unref (elsewhere.directory);
}

static void
no_document (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *path = test_place_path (&face->place, "circle");
  g_autoptr (GFile) document = g_file_new_for_path (path);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_document (document);
  Subject subject = { lock, NULL };
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (symlink ("circle", path), ==, 0);
  g_assert_null (run (&operations[0], &subject, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS);
  face_assert_sentence (error, path);
  g_assert_cmpint (unlink (path), ==, 0);
}

static void
finish_is_particular (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_auto (Subject) subject = subject_new (face);
  g_auto (Subject) other = subject_new (face);
  g_auto (Reply) reply = { 0 };
  g_autoptr (GPtrArray) found = NULL;

  start_list (&subject, NULL, &reply);
  reply_wait (&reply, "list waiters");
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*g_task_is_valid*");
  g_assert_null (finish_list (&other, &reply, NULL));
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*g_async_result_is_tagged*");
  g_assert_null (finish_remove (&subject, &reply, NULL));
  g_test_assert_expected_messages ();
  found = finish_list (&subject, &reply, NULL);
  g_assert_cmpuint (found->len, ==, 0);
}

/* --- Cancellation --- */

static void
cancelled_before (Face *face, gconstpointer data)
{
  const Operation *operation = data;
  g_auto (Subject) subject = subject_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (run (operation, &subject, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (lies_count (LIES_ANY), ==, 0);
}

/* The answer comes while the server keeps the worker, which ends when the server comes back. */
static void
cancelled_while_away (Face *face, gconstpointer data)
{
  const Operation *operation = data;
  g_auto (Subject) subject = subject_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Reply) reply = { 0 };

  lies_stall (LIES_LIST, LIES_BEFORE);
  operation->start (&subject, cancellable, &reply);
  lies_wait_stalled (1);
  g_cancellable_cancel (cancellable);
  reply_wait (&reply, operation->name);
  g_assert_cmpuint (lies_n_stalled (), ==, 1);
  g_assert_null (operation->finish (&subject, &reply, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  reply_clear (&reply);
  g_assert_false (is_alone (&subject));
  lies_let_go ();
  FACE_WAIT_FOR (is_alone (&subject));
}

/* The server comes back before the caller has its answer. The worker discards what it has found. */
static void
cancelled_while_stalled (Face *face, gconstpointer data)
{
  const Operation *operation = data;
  g_auto (Subject) subject = subject_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Reply) reply = { 0 };

  face_acquire (subject.lock);
  lies_stall (LIES_LIST, LIES_AFTER);
  operation->start (&subject, cancellable, &reply);
  lies_wait_stalled (1);
  g_cancellable_cancel (cancellable);
  lies_let_go ();
  reply_wait (&reply, operation->name);
  g_assert_null (operation->finish (&subject, &reply, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  face_release (subject.lock);
}

/* --- Main contexts --- */

typedef struct
{
  Face            *face;
  const Operation *operation;
} Elsewhere;

static gpointer
elsewhere_thread (gpointer data)
{
  const Elsewhere *self = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  {
    g_auto (Subject) subject = subject_new (self->face);
    g_autoptr (GPtrArray) found = NULL;
    g_autoptr (GError) error = NULL;

    found = run (self->operation, &subject, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (found->len, ==, 0);
  }
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* The default main context does not run here. */
static void
other_context (Face *face, gconstpointer data)
{
  Elsewhere elsewhere = { face, data };

  g_thread_join (g_thread_new ("elsewhere", elsewhere_thread, &elsewhere));
}

static void
no_callback (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_auto (Subject) subject = subject_new (face);

  lies_stall (LIES_LIST, LIES_BEFORE);
  flufl_lock_list_waiters_async (subject.lock, NULL, NULL, NULL);
  flufl_lock_remove_leftovers_async (subject.directory, FALSE, NULL, NULL, NULL);
  lies_wait_stalled (2);
  lies_let_go ();
  FACE_WAIT_FOR (is_alone (&subject));
}

static void
add (const char *what, void (*func) (Face *, gconstpointer))
{
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/claims-async/%s/%s", what, operations[i].name);

      FACE_TEST_WITH (path, func, &operations[i]);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST ("/claims-async/waiters", waiters);
  FACE_TEST ("/claims-async/leftovers", leftovers);
  add ("no-finish", no_finish);
  add ("refused", refused);
  FACE_TEST ("/claims-async/no-directory", no_directory);
  FACE_TEST ("/claims-async/no-document", no_document);
  FACE_TEST ("/claims-async/finish-is-particular", finish_is_particular);
  add ("cancelled-before", cancelled_before);
  add ("cancelled-while-away", cancelled_while_away);
  add ("cancelled-while-stalled", cancelled_while_stalled);
  add ("other-context", other_context);
  FACE_TEST ("/claims-async/no-callback", no_callback);

  return g_test_run ();
}
