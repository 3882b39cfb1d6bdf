/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * fork(2) at any moment: after a lock was won and before its owner knows it, in a handler while
 * a thread waits, and while threads of the library work.
 */

#include "fork-util.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  FluflLock *lock;
  Reply      reply;
} Win;

static void
child_of_winner (gpointer data)
{
  Win *win = data;
  g_autoptr (GError) error = NULL;

  reply_wait (&win->reply, "the parent's acquisition");
  g_assert_false (flufl_lock_acquire_finish (win->lock, win->reply.result, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  holds_nothing (win->lock);
  reply_clear (&win->reply);
  g_assert_finalize_object (win->lock);
}

/* The process forks after its worker has won the lock, and before its main context has reported
 * the win. Only the parent holds the lock, and only the parent releases it. */
static void
forks_before_callback (Face *face, gconstpointer data)
{
  FluflLock *lock = face_lock_new (face);
  Win win = { .lock = lock };

  flufl_lock_set_heartbeat (lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &win.reply);
  while (test_place_count (&face->place) < 2)
    g_usleep (1000);
  face_join (face_fork (child_of_winner, &win));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  reply_wait (&win.reply, "acquire");
  g_assert_true (flufl_lock_acquire_finish (lock, win.reply.result, NULL));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
  reply_clear (&win.reply);
  g_object_unref (lock);
}

typedef struct
{
  FluflLock *holder;
  pid_t      child; /* -1: not yet */
} Fork;

static Fork fork_in_handler;

/* Forks a child that returns from the handler, as in careless programs. */
static void
fork_once (void)
{
  if (fork_in_handler.child < 0)
    fork_in_handler.child = face_fork_here ();
}

static void
fork_on_waiting_cb (void)
{
  fork_once ();
  if (fork_in_handler.child > 0)
    face_release (fork_in_handler.holder);
}

static void
fork_on_signal (int number G_GNUC_UNUSED)
{
  fork_once ();
}

/* The waiting thread forked, so its acquisition returns in the child, too. */
static void
child_returns (FluflLock *lock, gboolean acquired, const GError *error)
{
  gboolean right = !acquired
                   && g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD)
                   && !flufl_lock_get_held (lock) && !flufl_lock_release (lock, NULL, NULL);

  g_object_unref (lock);
  face_child_ends (right ? FACE_CHILD_OK : FACE_CHILD_FAILED);
}

static void
forks_while_waiting (Face *face, gconstpointer data)
{
  gboolean by_signal = data != NULL;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  gboolean acquired;

  fork_in_handler = (Fork){ holder, -1 };
  face_acquire (holder);
  if (by_signal)
    {
      signal (SIGALRM, fork_on_signal);
      alarm (1);
    }
  else
    g_signal_connect (lock, "waiting", G_CALLBACK (fork_on_waiting_cb), NULL);

  acquired = flufl_lock_acquire (lock, by_signal ? 3000 : -1, NULL, &error);
  if (fork_in_handler.child == 0)
    child_returns (lock, acquired, error);
  g_assert_cmpint (fork_in_handler.child, >, 0);
  face_join (fork_in_handler.child);
  signal (SIGALRM, SIG_DFL);

  g_assert_cmpint (acquired, ==, !by_signal);
  if (by_signal)
    {
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
      g_assert_true (flufl_lock_check (holder, NULL, NULL));
      face_release (holder);
    }
  else
    {
      g_assert_true (flufl_lock_check (lock, NULL, NULL));
      face_release (lock);
    }
}

/* --- Many forks, amid asynchronous acquisitions that can be cancelled --- */

#define N_WAITERS 12
#define N_FORKS 500

typedef struct
{
  FluflLock    *lock;
  GCancellable *cancellable;
  gboolean     *over;
  gboolean      waits;
} Waiter;

static void waiter_acquire (Waiter *self);

static void
waiter_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  Waiter *self = user_data;

  g_assert_false (flufl_lock_acquire_finish (FLUFL_LOCK (lock), result, NULL));
  self->waits = FALSE;
  if (!*self->over)
    waiter_acquire (self);
}

static void
waiter_acquire (Waiter *self)
{
  self->waits = TRUE;
  flufl_lock_acquire_async (self->lock, 2, self->cancellable, waiter_cb, self);
}

static void
say_that_it_hangs (int number G_GNUC_UNUSED)
{
  static const char text[] = "A forked child hangs in what it does alone.\n";

  if (write (STDERR_FILENO, text, sizeof text - 1) < 0)
    abort ();
  raise (SIGKILL);
}

/* A child that hangs is ended by the alarm that face_fork() has set, with a message. Its parent
 * then misses the verdict. */
static void
uncontended_child (gpointer data)
{
  Face *face = data;
  g_autofree char *path = g_strdup_printf ("%s-%d", face->place.lock, (int) getpid ());
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);

  signal (SIGALRM, say_that_it_hangs);
  for (int i = 0; i < 2; i++)
    {
      g_assert_true (flufl_lock_acquire (lock, TEST_PATIENCE_SEC * 1000, NULL, NULL));
      g_assert_true (flufl_lock_release (lock, NULL, NULL));
    }
}

/* GObject has mutexes for the whole process. If a library thread has one at the moment of a
 * fork, it stays locked in the child for ever. */
static void
storm_of_forks (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = NULL;
  Waiter waiters[N_WAITERS];
  gboolean over = FALSE;
  guint n_forks = test_is_slow () ? N_FORKS / 10 : N_FORKS;

  if (!children_may_allocate ())
    return;
  /* The storm is about the library's mutexes, so it does without that of the table that lies. */
  flufl_lock_syscalls = &flufl_syscalls_native;
  holder = face_lock_new (face);
  face_acquire (holder);
  for (guint i = 0; i < N_WAITERS; i++)
    {
      waiters[i] = (Waiter){ face_lock_new (face), g_cancellable_new (), &over, FALSE };
      waiter_acquire (&waiters[i]);
    }
  for (guint i = 0; i < n_forks; i++)
    {
      while (g_main_context_iteration (NULL, FALSE))
        ;
      /* By then the acquisitions that have just begun have got to different places. */
      g_usleep ((gulong) g_test_rand_int_range (0, 300));
      face_join (face_fork (uncontended_child, face));
    }
  over = TRUE;
  for (guint i = 0; i < N_WAITERS; i++)
    {
      FACE_WAIT_FOR (!waiters[i].waits);
      g_object_unref (waiters[i].lock);
      g_object_unref (waiters[i].cancellable);
    }
  face_release (holder);
}

/* Takes each mutex of GLib's allocator. */
static void
allocating_child (gpointer data G_GNUC_UNUSED)
{
  signal (SIGALRM, say_that_it_hangs);
  for (gsize size = 16; size <= 512; size += 16)
    for (int i = 0; i < 200; i++)
      memset (g_slice_alloc (size), 0, size);
}

/* The new threads have no memory of GLib's allocator yet, and take some while this process
 * forks. */
static void
child_that_starts_threads (gpointer data)
{
  Face *face = data;
  g_autofree char *path = g_strdup_printf ("%s-%d", face->place.lock, (int) getpid ());
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  gint64 end;

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  face_acquire (lock);
  end = g_get_monotonic_time () + g_random_int_range (0, 200);
  while (g_get_monotonic_time () < end)
    ;
  face_join (face_fork (allocating_child, NULL));
  face_release (lock);
}

/* Like the storm of forks, for mutexes that a thread has when it starts. */
static void
forks_as_threads_start (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  guint n_children = test_is_slow () ? N_FORKS / 10 : N_FORKS;

  if (!children_may_have_threads () || !children_may_allocate ())
    return;
  flufl_lock_syscalls = &flufl_syscalls_native;
  for (guint i = 0; i < n_children; i++)
    face_join (face_fork (child_that_starts_threads, face));
}

int
main (int argc, char *argv[])
{
  gconstpointer none = GINT_TO_POINTER (FLUFL_HEARTBEAT_NONE);
  gconstpointer context = GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT);
  gconstpointer thread = GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD);

  g_test_init (&argc, &argv, NULL);

  FACE_TEST_WITH ("/fork/forks-before-callback/none", forks_before_callback, none);
  FACE_TEST_WITH ("/fork/forks-before-callback/context", forks_before_callback, context);
  FACE_TEST_WITH ("/fork/forks-before-callback/thread", forks_before_callback, thread);
  FACE_TEST_WITH ("/fork/forks-while-waiting/in-handler", forks_while_waiting, NULL);
  FACE_TEST_WITH ("/fork/forks-while-waiting/in-unix-signal", forks_while_waiting,
                  GINT_TO_POINTER (TRUE));
  FACE_TEST ("/fork/storm", storm_of_forks);
  FACE_TEST ("/fork/as-threads-start", forks_as_threads_start);

  return g_test_run ();
}
