/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Objects with a toggle reference, as those that a language binding has wrapped.
 */

#include "face-util.h"
#include "flufl-tie-private.h"

#define N_ROUNDS 500
#define N_GETTERS 2

/* Stands for a language binding. A toggle notification waits for another thread, which has the global
 * lock of the language, and constructs objects or disposes of one with it. */
typedef struct
{
  GObject *object;   /* has the toggle reference */
  Face    *face;
  gboolean disposes; /* the other thread disposes of the object */
  gboolean waits;    /* the next notification waits */
  GMutex   mutex;
  GCond    cond;
  gboolean done;     /* with the mutex */
} Binding;

static gpointer
have_global_lock (gpointer data)
{
  Binding *self = data;
  g_autoptr (FluflLock) lock = face_lock_new (self->face);
  g_autoptr (FluflLockMonitor) monitor = flufl_lock_monitor_new_for_lock (lock);

  if (self->disposes)
    g_object_run_dispose (self->object);
  g_clear_object (&monitor);
  g_clear_object (&lock);
  g_mutex_lock (&self->mutex);
  self->done = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  return NULL;
}

static void
toggle_cb (gpointer data, GObject *object G_GNUC_UNUSED, gboolean is_last)
{
  Binding *self = data;
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;
  GThread *thread;

  if (is_last || !self->waits)
    return;
  self->waits = FALSE;
  thread = g_thread_new ("global lock", have_global_lock, self);
  g_mutex_lock (&self->mutex);
  while (!self->done)
    if (!g_cond_wait_until (&self->cond, &self->mutex, give_up))
      g_error ("A thread waits for one that adds a reference");
  g_mutex_unlock (&self->mutex);
  g_thread_join (thread);
}

/* Takes the reference. */
static void
wrap (Binding *self, Face *face, gpointer object, gconstpointer data)
{
  *self = (Binding){ .object = object, .face = face, .disposes = GPOINTER_TO_INT (data) };
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  g_object_add_toggle_ref (self->object, toggle_cb, self);
  g_object_unref (self->object);
  self->waits = TRUE;
}

static void
assert_finalized (Binding *self)
{
  g_assert_true (self->done);
  FACE_WAIT_FOR (g_atomic_int_get ((int *) &self->object->ref_count) == 1);
  g_object_ref (self->object);
  g_object_remove_toggle_ref (self->object, toggle_cb, self);
  g_assert_finalize_object (self->object);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
}

static void
monitor_reports (Face *face, gconstpointer data)
{
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);
  Binding binding;

  g_test_summary ("A monitor reports while another thread has the global lock of a language");
  wrap (&binding, face, flufl_lock_monitor_new (file), data);
  FACE_WAIT_FOR (!binding.waits);
  if (!binding.disposes)
    FACE_WAIT_FOR (flufl_lock_monitor_get_ready (FLUFL_LOCK_MONITOR (binding.object)));
  assert_finalized (&binding);
}

static void
monitor_is_refused (Face *face, gconstpointer data)
{
  g_autoptr (GFile) file = g_file_new_for_uri ("x-elsewhere:///x.lock");
  Binding binding;

  g_test_summary ("A monitor that cannot look reports that, too");
  wrap (&binding, face, flufl_lock_monitor_new (file), data);
  FACE_WAIT_FOR (!binding.waits);
  assert_finalized (&binding);
}

static void
lock_is_wanted (Face *face, gconstpointer data)
{
  FluflLock *lock = face_lock_new (face);
  g_autoptr (FluflLock) waiter = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Reply) reply = { 0 };
  Binding binding;

  g_test_summary ("A holder learns of a waiter while another thread has the global lock");
  flufl_lock_set_lifetime (lock, TEST_PATIENCE_SEC * 1000 * 10);
  flufl_lock_set_watch_wanted (lock, TRUE);
  face_acquire (lock);
  wrap (&binding, face, lock, data);
  flufl_lock_acquire_async (waiter, -1, cancellable, reply_cb, &reply);
  FACE_WAIT_FOR (!binding.waits);
  g_cancellable_cancel (cancellable);
  reply_wait (&reply, "the waiter");
  /* The disposal may have released the lock in time. */
  if (flufl_lock_acquire_finish (waiter, reply.result, NULL))
    face_release (waiter);
  assert_finalized (&binding);
}

static void
lock_is_lost (Face *face, gconstpointer data)
{
  FluflLock *lock = face_lock_new (face);
  Binding binding;

  g_test_summary ("A loss is reported while another thread has the global lock");
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_lifetime (lock, 300);
  face_acquire_for_moments (&form_sync, lock);
  wrap (&binding, face, lock, data);
  face_remove_everything (face);
  FACE_WAIT_FOR (!binding.waits);
  assert_finalized (&binding);
}

static void
lock_is_given_up (Face *face, gconstpointer data)
{
  FluflLock *lock = face_lock_new (face);
  Binding binding;

  g_test_summary ("All locks are given up while another thread has the global lock");
  face_acquire (lock);
  wrap (&binding, face, lock, data);
  g_assert_true (flufl_lock_release_all (-1));
  assert_finalized (&binding);
}

static void
work_is_cancelled (Face *face, gconstpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) own = g_cancellable_new ();
  Binding binding;

  g_test_summary ("Work is cancelled while another thread has the global lock");
  wrap (&binding, face, flufl_lock_dup_work_cancellable (lock, own), data);
  g_cancellable_cancel (own);
  if (!binding.disposes)
    g_assert_true (g_cancellable_is_cancelled (G_CANCELLABLE (binding.object)));
  assert_finalized (&binding);
}

static void
cut_cb (gpointer tie, GObject *object G_GNUC_UNUSED)
{
  flufl_tie_cut (tie);
}

static void
finalized_cb (gpointer n_finalized)
{
  g_atomic_int_inc ((int *) n_finalized);
}

/* An object that counts that it is finalized, and its tie. */
static FluflTie *
tie_new (int *n_finalized)
{
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  FluflTie *tie = flufl_tie_new (object);

  g_object_weak_ref (object, cut_cb, tie);
  g_object_set_data_full (object, "finalized", n_finalized, finalized_cb);
  return tie;
}

static void
last_user (Face *face G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
  int n_finalized = 0;
  FluflTie *tie = tie_new (&n_finalized);
  GObject *object;

  g_test_summary ("An object whose owner is gone is freed by its last user, at once");
  object = flufl_tie_get (tie);
  g_assert_true (flufl_tie_get (tie) == object);
  g_object_unref (object);
  flufl_tie_put (tie);
  g_assert_cmpint (n_finalized, ==, 0);
  flufl_tie_put (tie);
  g_assert_cmpint (n_finalized, ==, 1);
  g_assert_null (flufl_tie_get (tie));
  flufl_tie_unref (tie);
}

static gpointer
get_until_cut (gpointer tie)
{
  for (;;)
    {
      GObject *object = flufl_tie_get (tie);

      if (object == NULL)
        return NULL;
      g_assert_true (G_IS_OBJECT (object));
      flufl_tie_put (tie);
    }
}

static void
last_reference (Face *face G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
  int n_finalized = 0;

  g_test_summary ("Threads get references while the last one is dropped, and the object is freed once");
  for (int round = 1; round <= N_ROUNDS; round++)
    {
      FluflTie *tie = tie_new (&n_finalized);
      GObject *object = flufl_tie_object (tie);
      GThread *threads[N_GETTERS];

      for (guint i = 0; i < N_GETTERS; i++)
        threads[i] = g_thread_new ("getter", get_until_cut, tie);
      g_object_unref (object);
      for (guint i = 0; i < N_GETTERS; i++)
        g_thread_join (threads[i]);
      FACE_WAIT_FOR (g_atomic_int_get (&n_finalized) == round);
      flufl_tie_unref (tie);
    }
}

#define TEST_BOTH(path, func) \
  G_STMT_START \
    { \
      FACE_TEST_WITH (path "/constructs", func, GINT_TO_POINTER (FALSE)); \
      FACE_TEST_WITH (path "/disposes", func, GINT_TO_POINTER (TRUE)); \
    } \
  G_STMT_END

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_atomic_int_set (&flufl_tie_delay_ms, 10);
  TEST_BOTH ("/toggles/monitor", monitor_reports);
  TEST_BOTH ("/toggles/refused", monitor_is_refused);
  TEST_BOTH ("/toggles/wanted", lock_is_wanted);
  TEST_BOTH ("/toggles/lost", lock_is_lost);
  TEST_BOTH ("/toggles/release-all", lock_is_given_up);
  TEST_BOTH ("/toggles/work", work_is_cancelled);
  FACE_TEST ("/toggles/last-reference", last_reference);
  FACE_TEST ("/toggles/last-user", last_user);
  return g_test_run ();
}
