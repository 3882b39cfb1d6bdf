/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Many threads at once, on one object and on many. The table of system calls is the real one,
 * since a mutex of a test's table could hide a race from the thread sanitizer.
 */

#include "face-util.h"

#include <errno.h>

#include <glib/gstdio.h>

#define N_THREADS 6

static guint
n_rounds (void)
{
  return test_is_slow () ? 20 : 150;
}

typedef struct
{
  Face      *face;
  FluflLock *lock;  /* shared; or NULL */
  int        inside;
  int        n_done;
  int        n_pending;
  int        stop;
} Arena;

static void
run_threads (Arena *arena, GThreadFunc func)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("arena", func, arena);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

/* The object serves one thread at a time. The others must get the error that says so, or that of
 * a lock which is held, not held or lost. */
static void
take_error (Arena *arena, GError *error)
{
  if (error == NULL)
    g_atomic_int_inc (&arena->n_done);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PENDING))
    g_atomic_int_inc (&arena->n_pending);
  else if (!g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD)
           && !g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD)
           && !g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST))
    g_error ("%s", error->message);
  g_clear_error (&error);
}

static void
any_operation (Arena *arena, const Form *form)
{
  g_autoptr (FluflLockDetails) details = NULL;
  FluflLock *lock = arena->lock;
  GError *error = NULL;

  switch (g_random_int_range (0, 8))
    {
    case 0:
    case 1:
      form->acquire (lock, -1, NULL, &error);
      break;
    case 2:
    case 3:
      form->release (lock, NULL, &error);
      break;
    case 4:
      form->refresh (lock, g_random_int_range (30000, 60000), NULL, &error);
      break;
    case 5:
      form->check (lock, NULL, &error);
      break;
    case 6:
      form->query_state (lock, NULL, &error);
      break;
    default:
      details = form->query_details (lock, NULL, &error);
      break;
    }
  take_error (arena, error);
}

static void
any_property (FluflLock *lock)
{
  g_autoptr (GFile) claim G_GNUC_UNUSED = flufl_lock_dup_claim_file (lock);
  g_autofree int *errnos = NULL;
  const int some[] = { EIO, ESTALE };
  gsize n;

  flufl_lock_get_held (lock);
  flufl_lock_get_file (lock);
  flufl_lock_get_separator (lock);
  flufl_lock_get_host_name (lock);
  flufl_lock_set_default_timeout (lock, g_random_int_range (0, 100));
  flufl_lock_get_default_timeout (lock);
  flufl_lock_get_lifetime (lock);
  flufl_lock_set_break_dead (lock, g_random_boolean ());
  flufl_lock_get_break_dead (lock);
  flufl_lock_set_heartbeat (lock, (FluflHeartbeat) g_random_int_range (0, 3));
  flufl_lock_get_heartbeat (lock);
  flufl_lock_set_linger (lock, g_random_int_range (0, 4) != 0);
  flufl_lock_get_linger (lock);
  flufl_lock_set_retry_errnos (lock, some, (gsize) g_random_int_range (0, 3));
  errnos = flufl_lock_get_retry_errnos (lock, &n);
}

static gpointer
one_object_thread (gpointer data)
{
  Arena *arena = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < n_rounds (); i++)
    {
      any_operation (arena, g_random_boolean () ? &form_sync : &form_async);
      any_property (arena->lock);
      while (g_main_context_iteration (context, FALSE))
        ;
    }
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
one_object (Face *face, gconstpointer data)
{
  Arena arena = { .face = face };

  flufl_lock_syscalls = &flufl_syscalls_native;
  arena.lock = face_lock_new (face);
  flufl_lock_set_heartbeat (arena.lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
  run_threads (&arena, one_object_thread);
  g_test_message ("%d done, %d pending", arena.n_done, arena.n_pending);
  g_assert_cmpint (arena.n_done, >, 0);
  g_object_unref (arena.lock);
  FACE_WAIT_FOR (test_place_count (&face->place) == 0);
}

static gpointer
many_objects_thread (gpointer data)
{
  Arena *arena = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FluflLock) lock = NULL;

  g_main_context_push_thread_default (context);
  lock = face_lock_new (arena->face);
  flufl_lock_set_linger (lock, g_random_boolean ());
  for (guint i = 0; i < n_rounds () / 2; i++)
    {
      const Form *form = g_random_boolean () ? &form_sync : &form_async;
      g_autoptr (GError) error = NULL;

      g_assert_true (form->acquire (lock, -1, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpint (g_atomic_int_add (&arena->inside, 1), ==, 0);
      g_thread_yield ();
      g_assert_cmpint (g_atomic_int_add (&arena->inside, -1), ==, 1);
      g_assert_true (form->release (lock, NULL, &error));
      g_assert_no_error (error);
    }
  g_clear_object (&lock);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
many_objects (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  Arena arena = { .face = face };

  flufl_lock_syscalls = &flufl_syscalls_native;
  run_threads (&arena, many_objects_thread);
}

static gpointer
breaking_thread (gpointer data)
{
  Arena *arena = data;
  g_autoptr (FluflLock) breaker = face_lock_new (arena->face);

  while (!g_atomic_int_get (&arena->stop))
    {
      g_assert_true (flufl_lock_break_lock (breaker, FLUFL_BREAK_FORCE, NULL, NULL));
      g_usleep (700);
    }
  return NULL;
}

/* A heartbeat, a refresh and a release find a loss at the same time. Each lease ends once, and
 * no cancellable of the next lease is cancelled. */
static void
losses (Face *face, gconstpointer data)
{
  const Form *form = data;
  Arena arena = { .face = face };
  g_autoptr (FluflLock) lock = NULL;
  g_auto (Heard) lost = { 0 };
  GThread *breaker;

  flufl_lock_syscalls = &flufl_syscalls_native;
  lock = face_lock_new (face);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_lifetime (lock, 9);
  g_signal_connect (lock, "lost", G_CALLBACK (heard_lost_cb), &lost);
  breaker = g_thread_new ("breaker", breaking_thread, &arena);
  for (guint i = 0; i < n_rounds (); i++)
    {
      g_autoptr (GCancellable) cancellable = NULL;
      g_autoptr (GError) error = NULL;

      face_acquire_for_moments (form, lock);
      cancellable = flufl_lock_dup_lost_cancellable (lock);
      g_usleep ((gulong) g_random_int_range (0, 4000));
      if (g_random_boolean () && !form->refresh (lock, -1, NULL, &error))
        {
          if (g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST))
            g_assert_true (g_cancellable_is_cancelled (cancellable));
          g_clear_error (&error);
        }
      if (!form->release (lock, NULL, &error))
        {
          g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
          g_assert_true (g_cancellable_is_cancelled (cancellable));
        }
      else
        g_assert_false (g_cancellable_is_cancelled (cancellable));
      g_assert_false (flufl_lock_get_held (lock));
    }
  g_atomic_int_set (&arena.stop, TRUE);
  g_thread_join (breaker);
  g_test_message ("lost %u times", lost.n);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&lock);
  FACE_WAIT_FOR (test_place_count (&face->place) == 0);
}

static gpointer
checking_thread (gpointer data)
{
  Arena *arena = data;

  while (!g_atomic_int_get (&arena->stop))
    {
      GError *error = NULL;
      gboolean holds = flufl_lock_check (arena->lock, NULL, &error);

      g_assert_true (holds == (error == NULL));
      take_error (arena, error);
    }
  return NULL;
}

/* A check that finds the lock lost, or not held, may come to its end after the next acquisition. It
 * does not end the new lease. */
static void
checks (Face *face, gconstpointer data)
{
  gboolean breaks = GPOINTER_TO_INT (data);
  Arena arena = { .face = face };
  g_autoptr (FluflLock) breaker = NULL;
  GThread *threads[4];

  flufl_lock_syscalls = &flufl_syscalls_native;
  breaker = face_lock_new (face);
  arena.lock = face_lock_new (face);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("checks", checking_thread, &arena);
  /* On a busy machine no check may have found the lock held by then. */
  for (guint i = 0; i < n_rounds () * (breaks ? 5 : 30) || g_atomic_int_get (&arena.n_done) == 0; i++)
    {
      face_acquire (arena.lock);
      if (breaks)
        {
          g_assert_true (flufl_lock_break_lock (breaker, FLUFL_BREAK_FORCE, NULL, NULL));
          face_acquire_for_moments (&form_sync, arena.lock);
        }
      face_release (arena.lock);
    }
  g_atomic_int_set (&arena.stop, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (arena.n_done, >, 0);
  g_object_unref (arena.lock);
}

static gpointer
unref_thread (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

/* A thread other than that of the acquisition drops the last reference, while the heartbeat
 * goes on. */
static void
unref_elsewhere (Face *face, gconstpointer data)
{
  flufl_lock_syscalls = &flufl_syscalls_native;
  for (guint i = 0; i < n_rounds () / 2; i++)
    {
      FluflLock *lock = face_lock_new (face);

      flufl_lock_set_heartbeat (lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
      flufl_lock_set_lifetime (lock, 3);
      face_acquire_for_moments (&form_sync, lock);
      for (guint n = 0; n < 3; n++)
        {
          g_main_context_iteration (NULL, FALSE);
          g_usleep ((gulong) g_random_int_range (0, 500));
        }
      g_thread_join (g_thread_new ("unref", unref_thread, lock));
      FACE_WAIT_FOR (test_place_count (&face->place) == 0);
    }
}

static void
counted_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  Arena *arena = user_data;
  g_autoptr (GError) error = NULL;

  flufl_lock_query_state_finish (FLUFL_LOCK (lock), result, &error);
  g_assert_no_error (error);
  arena->n_done++;
}

static gpointer
start_thread (gpointer data)
{
  Arena *arena = data;

  for (guint i = 0; i < n_rounds () * 4; i++)
    flufl_lock_query_state_async (arena->lock, NULL, counted_cb, arena);
  return NULL;
}

/* The main loop may end an operation while the thread that has started it is still in that call. */
static void
started_elsewhere (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Arena arena = { .face = face, .lock = lock };
  GThread *thread = g_thread_new ("start", start_thread, &arena);

  FACE_WAIT_FOR (arena.n_done == (int) n_rounds () * 4);
  g_thread_join (thread);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_WITH ("/threads/one-object/none", one_object, GINT_TO_POINTER (FLUFL_HEARTBEAT_NONE));
  FACE_TEST_WITH ("/threads/one-object/context", one_object,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT));
  FACE_TEST_WITH ("/threads/one-object/thread", one_object,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD));
  FACE_TEST ("/threads/many-objects", many_objects);
  FACE_TEST ("/threads/started-elsewhere", started_elsewhere);
  FACE_TEST_FORMS ("/threads/losses", losses);
  FACE_TEST_WITH ("/threads/checks/held", checks, GINT_TO_POINTER (FALSE));
  FACE_TEST_WITH ("/threads/checks/broken", checks, GINT_TO_POINTER (TRUE));
  FACE_TEST_WITH ("/threads/unref-elsewhere/context", unref_elsewhere,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT));
  FACE_TEST_WITH ("/threads/unref-elsewhere/thread", unref_elsewhere,
                  GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD));

  return g_test_run ();
}
