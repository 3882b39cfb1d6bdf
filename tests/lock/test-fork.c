/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What a child made by fork(2) has of its parent's locks: nothing. And what it
 * can do with them: everything.
 */

#include "face-util.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  Face      *face;
  FluflLock *lock;
  FluflHeartbeat heartbeat;
  int        go[2];    /* a pipe: the parent has let go */
  int        ready[2]; /* another: the child has met it */
} Family;

/* The thread sanitizer ends a forked child that makes one. */
static gboolean
children_may_have_threads (void)
{
#ifdef __SANITIZE_THREAD__
  g_test_skip ("the thread sanitizer is in the way");
  return FALSE;
#else
  return TRUE;
#endif
}

static void
holds_nothing (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (flufl_lock_get_held (lock));
  g_assert_null (flufl_lock_dup_claim_file (lock));
  g_assert_false (flufl_lock_release (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_false (flufl_lock_refresh (lock, -1, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_false (flufl_lock_check (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_THEIRS);
  g_assert_no_error (error);
}

static void
inert_child (gpointer data)
{
  FluflLock *lock = data;
  g_autoptr (GError) error = NULL;

  holds_nothing (lock);
  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_object_unref (lock);
}

static void
disposing_child (gpointer lock)
{
  g_assert_finalize_object (lock);
}

static void
inert (Face *face, gconstpointer data)
{
  FluflHeartbeat heartbeat = (FluflHeartbeat) GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gint64 before;

  flufl_lock_set_heartbeat (lock, heartbeat);
  face_acquire (lock);
  face_join (face_fork (inert_child, lock));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_join (face_fork (disposing_child, lock));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_release (lock);

  /* The parent's heart beats on. */
  if (heartbeat == FLUFL_HEARTBEAT_NONE)
    return;
  flufl_lock_set_lifetime (lock, 600);
  face_acquire (lock);
  face_join (face_fork (disposing_child, lock));
  before = face_mtime (face->place.lock);
  FACE_WAIT_FOR (face_mtime (face->place.lock) > before);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

static void
acquiring_child (gpointer data)
{
  Family *family = data;
  g_autoptr (FluflLock) fresh = face_lock_new (family->face);
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_cmpint (read (family->go[0], &byte, 1), ==, 1);
  g_assert_cmpint (flufl_lock_query_state (family->lock, NULL, NULL), ==,
                   FLUFL_LOCK_STATE_UNLOCKED);
  face_acquire (family->lock);
  g_assert_true (flufl_lock_check (family->lock, NULL, NULL));
  g_assert_cmpint (flufl_lock_query_state (family->lock, NULL, NULL), ==, FLUFL_LOCK_STATE_OURS);
  g_assert_false (flufl_lock_acquire (fresh, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_release (family->lock);
  face_acquire (fresh);
  face_release (fresh);
  /* And one that ends with its object. */
  face_acquire (fresh);
}

static void
acquires (Face *face, gconstpointer data)
{
  FluflHeartbeat heartbeat = (FluflHeartbeat) GPOINTER_TO_INT (data);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Family family = { .face = face, .lock = lock };
  pid_t child;

  if (heartbeat != FLUFL_HEARTBEAT_NONE && !children_may_have_threads ())
    return;
  g_assert_cmpint (pipe (family.go), ==, 0);
  flufl_lock_set_heartbeat (lock, heartbeat);
  face_acquire (lock);
  child = face_fork (acquiring_child, &family);
  face_release (lock);
  g_assert_cmpint (write (family.go[1], "x", 1), ==, 1);
  face_join (child);
  close (family.go[0]);
  close (family.go[1]);

  face_acquire (lock);
  face_release (lock);
}

static void
looping_child (gpointer data)
{
  gint64 end = g_get_monotonic_time () + 2500 * 1000;

  holds_nothing (data);
  while (g_get_monotonic_time () < end)
    face_pause (G_MAXINT64, "");
}

/* A child that runs the inherited main context refreshes nothing: the parent
 * may be hanging, and shall lose its lock then. */
static void
child_does_not_beat (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  gint64 before;

  if (!children_may_have_threads ())
    return;
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_MAIN_CONTEXT);
  /* The beat would come after two seconds. */
  flufl_lock_set_lifetime (lock, 6000);
  face_acquire (lock);
  before = face_mtime (face->place.lock);
  face_join (face_fork (looping_child, lock));
  g_assert_cmpint (face_mtime (face->place.lock), ==, before);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

static void
unblocked_child (gpointer data)
{
  FluflLock *lock = data;

  /* What stalls the parent stalls not us. */
  lies_let_go ();
  holds_nothing (lock);
  g_object_unref (lock);
}

/* The parent's thread that holds a mutex now is not there in the child. */
static void
parents_beat_is_stalled (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  /* The lease shall outlast the stall. */
  flufl_lock_set_lifetime (lock, face_is_slow () ? 18000 : 6000);
  face_acquire (lock);
  lies_stall (LIES_UTIMENS, LIES_BEFORE);
  lies_wait_stalled (1);
  face_join (face_fork (unblocked_child, lock));
  lies_let_go ();
  face_release (lock);
}

typedef struct
{
  FluflLock *lock;
  gboolean   has_mutex, leave;
} Keeper;

static gpointer
keep_mutexes (gpointer data)
{
  Keeper *keeper = data;
  FluflLease *lease = keeper->lock->lease;

  g_mutex_lock (&lease->disk);
  g_mutex_lock (&lease->mutex);
  g_atomic_int_set (&keeper->has_mutex, TRUE);
  while (!g_atomic_int_get (&keeper->leave))
    g_usleep (1000);
  g_mutex_unlock (&lease->mutex);
  g_mutex_unlock (&lease->disk);
  return NULL;
}

/* One call after the other, each of them the child's first. */
static void
ask (FluflLock *lock, guint what)
{
  g_autofree int *errnos = NULL;
  gsize n;

  switch (what)
    {
    case 0:
      g_assert_false (flufl_lock_get_held (lock));
      break;
    case 1:
      g_assert_null (flufl_lock_dup_claim_file (lock));
      break;
    case 2:
      g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 15000);
      break;
    case 3:
      flufl_lock_set_linger (lock, TRUE);
      g_assert_true (flufl_lock_get_linger (lock));
      break;
    case 4:
      g_assert_false (face_is_lost (lock));
      break;
    case 5:
      errnos = flufl_lock_get_retry_errnos (lock, &n);
      g_assert_cmpuint (n, ==, 0);
      break;
    case 6:
      holds_nothing (lock);
      break;
    default:
      g_assert_finalize_object (lock);
    }
}

#define N_QUESTIONS 8

static guint question;

static void
asking_child (gpointer lock)
{
  ask (lock, question);
}

/* The parent's threads may have any mutex at any moment, not only for long. */
static void
parents_thread_has_mutex (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Keeper keeper = { lock, FALSE, FALSE };
  GThread *thread;

  face_acquire (lock);
  thread = g_thread_new ("keeper", keep_mutexes, &keeper);
  while (!g_atomic_int_get (&keeper.has_mutex))
    g_usleep (1000);
  for (question = 0; question < N_QUESTIONS; question++)
    face_join (face_fork (asking_child, lock));
  g_atomic_int_set (&keeper.leave, TRUE);
  g_thread_join (thread);
  face_release (lock);
}

static gpointer
enter_in_thread (gpointer lock)
{
  g_assert_false (flufl_lock_get_held (lock));
  return NULL;
}

static void
entering_child (gpointer lock)
{
  GThread *threads[8];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("enters", enter_in_thread, lock);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_finalize_object (lock);
}

static void
childs_threads_enter (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);

  if (!children_may_have_threads ())
    return;
  face_acquire (lock);
  face_join (face_fork (entering_child, lock));
  face_release (lock);
}

/* Whatever a child does with threads of its own, it does without the parent's,
 * which GLib would hand its work to. */
static void
working_child (gpointer data)
{
  Family *family = data;
  g_autoptr (FluflLock) fresh = face_lock_new (family->face);
  FluflLock *locks[] = { family->lock, fresh };
  g_autoptr (GError) error = NULL;
  gint64 before;
  char byte;

  g_assert_false (form_async.acquire (fresh, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_cmpint (write (family->ready[1], "x", 1), ==, 1);
  g_assert_cmpint (read (family->go[0], &byte, 1), ==, 1);

  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    {
      g_auto (Heard) lost = { 0 };

      g_signal_connect_swapped (locks[i], "lost", G_CALLBACK (heard_cb), &lost);
      flufl_lock_set_heartbeat (locks[i], family->heartbeat);
      flufl_lock_set_lifetime (locks[i], face_is_slow () ? 9000 : 3000);
      g_assert_true (form_async.acquire (locks[i], -1, NULL, NULL));
      before = face_mtime (family->face->place.lock);
      FACE_WAIT_FOR (face_mtime (family->face->place.lock) > before);
      g_assert_true (form_async.check (locks[i], NULL, NULL));
      g_assert_true (form_async.release (locks[i], NULL, NULL));
      g_assert_cmpuint (lost.n, ==, 0);
      g_signal_handlers_disconnect_by_data (locks[i], &lost);
    }

  /* And one that waits for another, in the same child. */
  flufl_lock_set_lifetime (fresh, 15000);
  face_acquire (fresh);
  {
    g_auto (Reply) reply = { 0 };

    flufl_lock_acquire_async (family->lock, -1, NULL, reply_cb, &reply);
    FACE_WAIT_FOR (test_place_count (&family->face->place) == 3);
    g_assert_true (form_async.release (fresh, NULL, NULL));
    reply_wait (&reply, "acquire");
    g_assert_true (flufl_lock_acquire_finish (family->lock, reply.result, NULL));
  }
  face_release (family->lock);
}

/* The parent has workers of its own by then, and a heart that beats. */
static void
works (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  Family family = { .face = face, .lock = lock };
  char byte;
  pid_t child;

  if (!children_may_have_threads ())
    return;
  family.heartbeat = (FluflHeartbeat) GPOINTER_TO_INT (data);
  g_assert_cmpint (pipe (family.go), ==, 0);
  g_assert_cmpint (pipe (family.ready), ==, 0);
  flufl_lock_set_heartbeat (lock, family.heartbeat);
  g_assert_true (form_async.acquire (lock, 0, NULL, NULL));
  child = face_fork (working_child, &family);
  g_assert_cmpint (read (family.ready[0], &byte, 1), ==, 1);
  g_assert_true (form_async.release (lock, NULL, NULL));
  g_assert_cmpint (write (family.go[1], "x", 1), ==, 1);
  face_join (child);
  for (int i = 0; i < 2; i++)
    {
      close (family.go[i]);
      close (family.ready[i]);
    }
  g_assert_true (form_async.acquire (lock, 0, NULL, NULL));
  g_assert_true (form_async.release (lock, NULL, NULL));
}

static void
not_pending_child (gpointer data)
{
  FluflLock *lock = data;

  lies_let_go ();
  face_acquire (lock);
  face_release (lock);
}

/* Nor is the parent's operation under way there. */
static void
parents_operation_runs (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Reply) reply = { 0 };

  lies_stall (LIES_OPEN, LIES_BEFORE);
  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &reply);
  lies_wait_stalled (1);
  face_join (face_fork (not_pending_child, lock));
  lies_let_go ();
  reply_wait (&reply, "acquire");
  g_assert_true (flufl_lock_acquire_finish (lock, reply.result, NULL));
  face_release (lock);
}

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

/* The process forks after its worker has won the lock, and before its main context has said
 * so: only the parent holds it, and only the parent releases it. */
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

/* A child that comes back from the handler, as those of careless programs do. */
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

/* The thread that waits is in the child, too. */
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

/* What hangs says so and ends, at the alarm that face_fork() has set. Its parent then misses
 * the verdict. */
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

/* GObject has mutexes for all of a process. A library thread that has one at the moment of a
 * fork leaves it locked in the child, for ever. */
static void
storm_of_forks (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = NULL;
  Waiter waiters[N_WAITERS];
  gboolean over = FALSE;
  guint n_forks = face_is_slow () ? N_FORKS / 10 : N_FORKS;

  /* The table that lies has a mutex, too, which nobody mends in a child. */
  flufl_lock_syscalls = &flufl_syscalls_posix;
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
      /* Those that have just begun are somewhere by then. */
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

/* Its threads have no memory of GLib's allocator yet, and take it while it forks. */
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

/* As the storm, for mutexes that a thread has when it starts. */
static void
forks_as_threads_start (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  guint n_children = face_is_slow () ? N_FORKS / 10 : N_FORKS;

  if (!children_may_have_threads ())
    return;
  flufl_lock_syscalls = &flufl_syscalls_posix;
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

  FACE_TEST_WITH ("/fork/inert/none", inert, none);
  FACE_TEST_WITH ("/fork/inert/context", inert, context);
  FACE_TEST_WITH ("/fork/inert/thread", inert, thread);
  FACE_TEST_WITH ("/fork/acquires/none", acquires, none);
  FACE_TEST_WITH ("/fork/acquires/context", acquires, context);
  FACE_TEST_WITH ("/fork/acquires/thread", acquires, thread);
  FACE_TEST ("/fork/child-does-not-beat", child_does_not_beat);
  FACE_TEST_WITH ("/fork/works/context", works, context);
  FACE_TEST_WITH ("/fork/works/thread", works, thread);
  FACE_TEST ("/fork/parents-thread-has-mutex", parents_thread_has_mutex);
  FACE_TEST ("/fork/childs-threads-enter", childs_threads_enter);
  FACE_TEST ("/fork/parents-beat-is-stalled", parents_beat_is_stalled);
  FACE_TEST ("/fork/parents-operation-runs", parents_operation_runs);
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
