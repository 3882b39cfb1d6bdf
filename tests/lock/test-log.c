/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The events that are written to the log, with their fields.
 */

#include "face-util.h"

#include <string.h>
#include <unistd.h>

typedef struct
{
  guint n;
  char *event, *lock_file, *host, *pid, *waited, *held, *message; /* of the last one; owned; nullable */
} Log;

static GMutex log_mutex;
static Log seen;

static void
keep (char **value, const GLogField *field, const char *key)
{
  if (strcmp (field->key, key) != 0)
    return;
  g_free (*value);
  *value = field->length < 0 ? g_strdup (field->value)
                             : g_strndup (field->value, (gsize) field->length);
}

static void
clear (Log *log)
{
  g_free (log->event);
  g_free (log->lock_file);
  g_free (log->host);
  g_free (log->pid);
  g_free (log->waited);
  g_free (log->held);
  g_free (log->message);
  *log = (Log){ .n = log->n };
}

static gboolean
is_ours (const GLogField *fields, gsize n_fields)
{
  gboolean ours = FALSE;

  for (gsize i = 0; i < n_fields; i++)
    ours |= strcmp (fields[i].key, "FLUFL_EVENT") == 0;
  return ours;
}

static GLogWriterOutput
write_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
          gpointer unused G_GNUC_UNUSED)
{
  if (!is_ours (fields, n_fields))
    return g_log_writer_standard_streams (level, fields, n_fields, NULL);
  g_mutex_lock (&log_mutex);
  clear (&seen);
  for (gsize i = 0; i < n_fields; i++)
    {
      keep (&seen.event, &fields[i], "FLUFL_EVENT");
      keep (&seen.lock_file, &fields[i], "FLUFL_LOCK_FILE");
      keep (&seen.host, &fields[i], "FLUFL_HOLDER_HOST");
      keep (&seen.pid, &fields[i], "FLUFL_HOLDER_PID");
      keep (&seen.waited, &fields[i], "FLUFL_WAITED_MSEC");
      keep (&seen.held, &fields[i], "FLUFL_HELD_MSEC");
      keep (&seen.message, &fields[i], "MESSAGE");
    }
  seen.n++;
  g_mutex_unlock (&log_mutex);
  return G_LOG_WRITER_HANDLED;
}

static void
assert_event (Face *face, guint n, const char *event, const char *words)
{
  g_mutex_lock (&log_mutex);
  g_assert_cmpuint (seen.n, ==, n);
  g_assert_cmpstr (seen.event, ==, event);
  g_assert_cmpstr (seen.lock_file, ==, face->place.lock);
  g_assert_nonnull (strstr (seen.message, face->place.lock));
  g_assert_nonnull (strstr (seen.message, words));
  g_mutex_unlock (&log_mutex);
}

/* The milliseconds in a field, which the message has, too. */
static guint64
read_msec (const char *field)
{
  g_autofree char *words = g_strdup_printf (" %s ms", field);
  guint64 msec;

  g_assert_nonnull (strstr (seen.message, words));
  g_assert_true (g_ascii_string_to_unsigned (field, 10, 0, G_MAXINT64, &msec, NULL));
  return msec;
}

static void
events (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  guint n = seen.n;

  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  assert_event (face, ++n, "acquired", " ms.");
  g_assert_null (seen.host);
  g_assert_cmpuint (read_msec (seen.waited), <, TEST_PATIENCE_SEC * 1000);
  g_assert_null (seen.held);
  lies_pass_time (7000);
  g_assert_true (form->release (lock, NULL, NULL));
  assert_event (face, ++n, "released", "released");
  g_assert_cmpuint (read_msec (seen.held), >=, 7000);
  g_assert_null (seen.waited);
  g_assert_false (form->release (lock, NULL, NULL));

  g_free (test_make_lock (&face->place, "x.lock|far.example|12|34", 600));
  g_assert_true (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, NULL));
  assert_event (face, ++n, "broken", "is broken");
  test_place_empty (&face->place);

  g_free (test_make_lock (&face->place, "x.lock|far.example|12|34", -600));
  lies_rest ();
  g_assert_true (form->acquire (lock, TEST_PATIENCE_SEC * 1000, NULL, NULL));
  assert_event (face, ++n, "acquired", "is broken");
  g_assert_cmpstr (seen.host, ==, "far.example");
  g_assert_cmpstr (seen.pid, ==, "12");
  test_place_empty (&face->place);
  g_assert_false (form->check (lock, NULL, NULL));
  assert_event (face, ++n, "lost", "broken or deleted");
  read_msec (seen.held);
  g_assert_false (form->check (lock, NULL, NULL));
  g_assert_cmpuint (seen.n, ==, n);
}

/* The message has the subject of the lock, and the field has the path. */
static void
subject (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);

  flufl_lock_set_subject (lock, "Minutes");
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_cmpstr (seen.lock_file, ==, face->place.lock);
  g_assert_nonnull (strstr (seen.message, "“Minutes”"));
  g_assert_true (form->release (lock, NULL, NULL));
}

/* A break that finds nothing in the way has broken nothing. */
static void
nothing_to_break (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  guint n = seen.n;

  g_assert_true (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, NULL));
  g_assert_true (form->break_lock (lock, FLUFL_BREAK_NONE, NULL, NULL));
  g_assert_cmpuint (seen.n, ==, n);
}

static gpointer
force_thread (gpointer lock)
{
  g_assert_true (flufl_lock_break_lock (lock, FLUFL_BREAK_FORCE, NULL, NULL));
  return NULL;
}

static gpointer
break_thread (gpointer lock)
{
  g_assert_true (flufl_lock_break_lock (lock, FLUFL_BREAK_NONE, NULL, NULL));
  return NULL;
}

/* The holder removes the lock file before the breaker does. */
static void
released_meanwhile (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gboolean exclusive = GPOINTER_TO_INT (data);
  guint n = seen.n;
  GThread *thread;

  if (exclusive)
    lies_fs_kind (FLUFL_FS_FAT);
  g_assert_true (g_file_set_contents (face->place.lock, "", 0, NULL));
  lies_stall (LIES_UNLINK, LIES_BEFORE);
  thread = g_thread_new ("breaker", force_thread, lock);
  lies_wait_stalled (1);
  g_assert_cmpint (unlink (face->place.lock), ==, 0);
  lies_let_go ();
  g_thread_join (thread);
  g_assert_cmpuint (seen.n, ==, n);
}

/* The same when the breaker has removed the claim of an expired lock. */
static void
released_after_expiration (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  guint n = seen.n;
  GThread *thread;

  g_free (test_make_lock (&face->place, "x.lock|far.example|12|34", -60));
  lies_stall (LIES_UNLINK, LIES_BEFORE);
  thread = g_thread_new ("breaker", break_thread, lock);
  FACE_WAIT_FOR (test_place_count (&face->place) == 3); /* the breaker's own claim */
  lies_pass_time (6000);
  lies_wait_stalled (1);
  g_assert_cmpint (unlink (face->place.lock), ==, 0);
  lies_let_go ();
  g_thread_join (thread);
  g_assert_cmpuint (seen.n, ==, n);
}

/* The time until the callback is not a part of the wait. */
static void
busy_main_loop (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const gint64 busy = 300 * G_TIME_SPAN_MILLISECOND;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Reply) reply = { 0 };
  gint64 start = g_get_monotonic_time (), won;

  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &reply);
  face_wait_for_win (lock);
  won = g_get_monotonic_time ();
  g_usleep (busy); /* as a main loop that does other work */
  reply_wait (&reply, "the lock");
  g_assert_true (flufl_lock_acquire_finish (lock, reply.result, NULL));
  g_assert_cmpuint (read_msec (seen.waited), <=, (won - start) / 1000);
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
}

int
main (int argc, char *argv[])
{
  int result;

  g_setenv ("G_MESSAGES_DEBUG", "Flufl", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_cb, NULL, NULL);

  FACE_TEST_FORMS ("/log/events", events);
  FACE_TEST_FORMS ("/log/subject", subject);
  FACE_TEST_FORMS ("/log/nothing-to-break", nothing_to_break);
  FACE_TEST_WITH ("/log/released-meanwhile/linked", released_meanwhile, GINT_TO_POINTER (FALSE));
  FACE_TEST_WITH ("/log/released-meanwhile/exclusive", released_meanwhile, GINT_TO_POINTER (TRUE));
  FACE_TEST ("/log/released-after-expiration", released_after_expiration);
  FACE_TEST ("/log/busy-main-loop", busy_main_loop);

  result = g_test_run ();
  clear (&seen);
  return result;
}
