/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A child made by fork(2) holds none of its parent's locks, and can use all objects.
 */

#include "fork-util.h"

#include <unistd.h>

typedef struct
{
  Face      *face;
  FluflLock *lock;
  FluflHeartbeat heartbeat;
  int        go[2];    /* a pipe: the parent writes when it has released */
  int        ready[2]; /* a pipe: the child writes when it has met the lock */
} Family;

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

  /* The parent's heartbeat goes on. */
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

/* A child that runs the inherited main context refreshes nothing. The parent may hang, and must
 * lose its lock then. */
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

  /* The stalls of the parent's calls do not stall those of the child. */
  lies_let_go ();
  holds_nothing (lock);
  g_object_unref (lock);
}

/* The parent's thread that has a mutex now does not exist in the child. */
static void
parents_beat_is_stalled (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  /* The lease must outlast the stall. */
  flufl_lock_set_lifetime (lock, test_is_slow () ? 18000 : 6000);
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

/* Each call is the first one of a child. */
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

/* The parent's threads may have any mutex at the moment of a fork, even for a short time. */
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

/* A child uses threads of its own, and not the parent's, to which GLib would give its work. */
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
      flufl_lock_set_lifetime (locks[i], test_is_slow () ? 9000 : 3000);
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

/* The parent has workers of its own by then, and a heartbeat. */
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

/* The parent's operation does not run in the child. */
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

  return g_test_run ();
}
