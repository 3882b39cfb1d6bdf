/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * An ordinary program with the shared library, whose files really stall, by stall-preload.c. Its
 * main loop goes on.
 */

#include <libflufllock.h>

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib/gstdio.h>

#include "flufl-test-util.h"

#define TICK_MSEC 10
#define TICKS 25

static atomic_int *stalled;
static guint ticks;

typedef struct
{
  gboolean      done;
  GAsyncResult *result;
} Reply;

static void
reply_cb (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer user_data)
{
  Reply *reply = user_data;

  reply->result = g_object_ref (result);
  reply->done = TRUE;
}

static gboolean
tick_cb (gpointer unused G_GNUC_UNUSED)
{
  ticks++;
  return G_SOURCE_CONTINUE;
}

static gboolean
impatient_cb (gpointer what)
{
  g_error ("no progress for %d s: %s", TEST_PATIENCE_SEC, (const char *) what);
  return G_SOURCE_REMOVE;
}

static void
server_goes (void)
{
  g_assert_true (g_file_set_contents (g_getenv ("FLUFL_STALL_WHILE"), "", 0, NULL));
}

static void
server_comes_back (void)
{
  g_assert_cmpint (g_unlink (g_getenv ("FLUFL_STALL_WHILE")), ==, 0);
}

/* Returns while the server is away, after a good many ticks. */
static void
tick_while_away (Reply *reply, const char *what)
{
  guint guard = g_timeout_add_seconds (TEST_PATIENCE_SEC, impatient_cb, (gpointer) what);
  guint before;

  while (atomic_load (stalled) == 0)
    g_main_context_iteration (NULL, TRUE);
  before = ticks;
  while (ticks - before < TICKS)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (atomic_load (stalled), >, 0);
  g_assert_false (reply->done);
  g_source_remove (guard);
}

static void
wait_reply (Reply *reply, const char *what)
{
  server_comes_back ();
  test_wait_flag (&reply->done, what);
}

/* Starts an operation, lets it stall, and waits for its answer. */
#define STALLED(reply, name, start) \
  Reply reply = { FALSE, NULL }; \
  server_goes (); \
  start; \
  tick_while_away (&reply, name); \
  wait_reply (&reply, name)

#define AWAY(name, start, check) \
  G_STMT_START \
    { \
      STALLED (reply, name, start); \
      check; \
      g_object_unref (reply.result); \
    } \
  G_STMT_END

static void
operations (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("FLUFL_STALL_DIR"), "x.lock", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (FluflLock) other = flufl_lock_new_for_path (path);
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GFile) directory = g_file_new_for_path (g_getenv ("FLUFL_STALL_DIR"));
  g_autoptr (GPtrArray) waiters = NULL, removed = NULL;

  AWAY ("acquire", flufl_lock_acquire_async (lock, -1, NULL, reply_cb, &reply),
        g_assert_true (flufl_lock_acquire_finish (lock, reply.result, NULL)));
  AWAY ("check", flufl_lock_check_async (lock, NULL, reply_cb, &reply),
        g_assert_true (flufl_lock_check_finish (lock, reply.result, NULL)));
  AWAY ("refresh", flufl_lock_refresh_async (lock, -1, NULL, reply_cb, &reply),
        g_assert_true (flufl_lock_refresh_finish (lock, reply.result, NULL)));
  AWAY ("query state", flufl_lock_query_state_async (other, NULL, reply_cb, &reply),
        g_assert_cmpint (flufl_lock_query_state_finish (other, reply.result, NULL), ==,
                         FLUFL_LOCK_STATE_THEIRS));
  AWAY ("query details", flufl_lock_query_details_async (other, NULL, reply_cb, &reply),
        details = flufl_lock_query_details_finish (other, reply.result, NULL));
  g_assert_nonnull (details);
  AWAY ("list waiters", flufl_lock_list_waiters_async (other, NULL, reply_cb, &reply),
        waiters = flufl_lock_list_waiters_finish (other, reply.result, NULL));
  g_assert_cmpuint (waiters->len, ==, 0);
  AWAY ("remove leftovers",
        flufl_lock_remove_leftovers_async (directory, FALSE, NULL, reply_cb, &reply),
        removed = flufl_lock_remove_leftovers_finish (reply.result, NULL));
  g_assert_cmpuint (removed->len, ==, 0);
  AWAY ("acquire in vain", flufl_lock_acquire_async (other, 0, NULL, reply_cb, &reply),
        g_assert_false (flufl_lock_acquire_finish (other, reply.result, NULL)));
  AWAY ("release", flufl_lock_release_async (lock, NULL, reply_cb, &reply),
        g_assert_true (flufl_lock_release_finish (lock, reply.result, NULL)));

  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  AWAY ("break", flufl_lock_break_lock_async (other, FLUFL_BREAK_FORCE, NULL, reply_cb, &reply),
        g_assert_true (flufl_lock_break_lock_finish (other, reply.result, NULL)));
}

static void
cancelled (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("FLUFL_STALL_DIR"), "x.lock", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Reply reply = { FALSE, NULL };

  server_goes ();
  flufl_lock_acquire_async (lock, -1, cancellable, reply_cb, &reply);
  tick_while_away (&reply, "acquire");
  g_cancellable_cancel (cancellable);
  wait_reply (&reply, "acquire, cancelled");
  g_assert_false (flufl_lock_acquire_finish (lock, reply.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_object_unref (reply.result);
}

/* The answer does not wait for the server. The files that the call made are removed when the
 * server comes back. */
static void
cancelled_while_away (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("FLUFL_STALL_DIR"), "x.lock", NULL);
  g_autoptr (FluflLock) holder = flufl_lock_new_for_path (path);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Reply reply = { FALSE, NULL };

  g_assert_true (flufl_lock_acquire (holder, 0, NULL, NULL));
  server_goes ();
  flufl_lock_acquire_async (lock, -1, cancellable, reply_cb, &reply);
  tick_while_away (&reply, "acquire");
  g_cancellable_cancel (cancellable);
  test_wait_flag (&reply.done, "acquire, cancelled while the server is away");
  g_assert_cmpint (atomic_load (stalled), >, 0);
  g_assert_false (flufl_lock_acquire_finish (lock, reply.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_clear_object (&reply.result);
  /* The cancellable is the caller's again. Its reset must not make the acquisition go on. */
  g_cancellable_reset (cancellable);

  g_test_message ("The object is busy until the call returns, and free after");
  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  server_comes_back ();
  while (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PENDING))
    {
      g_clear_error (&error);
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
      g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
    }
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_true (flufl_lock_release (holder, NULL, NULL));
}

static void
heartbeat (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("FLUFL_STALL_DIR"), "x.lock", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  Reply reply = { FALSE, NULL };

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_MAIN_CONTEXT);
  flufl_lock_set_lifetime (lock, 6000);
  g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
  server_goes ();
  tick_while_away (&reply, "heartbeat");
  flufl_lock_release_async (lock, NULL, reply_cb, &reply);
  tick_while_away (&reply, "release");
  wait_reply (&reply, "release after a stalled beat");
  g_assert_true (flufl_lock_release_finish (lock, reply.result, NULL));
  g_object_unref (reply.result);
}

int
main (int argc, char *argv[])
{
  TestPlace place, elsewhere;
  g_autofree char *away = NULL;
  int result;

  stalled = dlsym (RTLD_DEFAULT, "flufl_stalled");
  if (stalled == NULL || test_is_slow ())
    {
      puts ("1..0 # SKIP needs stall-preload.c before libc, which memcheck would stall with");
      return 0;
    }

  g_test_init (&argc, &argv, NULL);
  test_place_init (&place);
  test_place_init (&elsewhere);
  away = test_place_path (&elsewhere, "server-is-away");
  g_setenv ("FLUFL_STALL_DIR", place.dir, TRUE);
  g_setenv ("FLUFL_STALL_WHILE", away, TRUE);
  g_timeout_add (TICK_MSEC, tick_cb, NULL);

  g_test_add_func ("/real-stall/operations", operations);
  g_test_add_func ("/real-stall/cancelled", cancelled);
  g_test_add_func ("/real-stall/cancelled-while-away", cancelled_while_away);
  g_test_add_func ("/real-stall/heartbeat", heartbeat);
  result = g_test_run ();
  test_place_clear (&place);
  test_place_clear (&elsewhere);
  return result;
}
