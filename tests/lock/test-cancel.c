/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Operations that are cancelled before they begin, while they run and after they have ended. An
 * object whose acquisition was cancelled holds nothing, and leaves nothing on disk. An object
 * whose acquisition returned TRUE holds the lock.
 */

#include "face-util.h"

#include <errno.h>

#include "flufl-workers.h"

/* A thread that cancels an operation once it has come far enough. */
typedef struct
{
  GCancellable *cancellable;
  Face         *face;
  guint         n_files;   /* the number of files to wait for */
  guint         n_stalled; /* the number of stalled calls to wait for, and to let go */
} Blow;

static gpointer
blow_thread (gpointer data)
{
  Blow *blow = data;

  while (test_place_count (&blow->face->place) < blow->n_files)
    g_usleep (500);
  if (blow->n_stalled > 0)
    lies_wait_stalled (blow->n_stalled);
  g_cancellable_cancel (blow->cancellable);
  lies_let_go ();
  return NULL;
}

static void
assert_cancelled (FluflLock *lock, gboolean held, GError **error)
{
  g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (held);
  g_assert_false (flufl_lock_get_held (lock));
  g_clear_error (error);
}

static void
while_waiting (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Blow blow = { cancellable, face, 3, 0 };
  GThread *thread;
  gboolean held;

  face_acquire (holder);
  thread = g_thread_new ("cancel", blow_thread, &blow);
  held = form->acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, cancellable, &error);
  g_thread_join (thread);
  assert_cancelled (lock, held, &error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  g_assert_true (flufl_lock_check (holder, NULL, NULL));
  face_release (holder);

  /* The object can be used as before. */
  g_cancellable_reset (cancellable);
  g_assert_true (form->acquire (lock, 0, cancellable, &error));
  g_assert_no_error (error);
  face_release (lock);
}

typedef struct
{
  const Form *form;
  LiesCall    call;
  LiesWhen    when;
} Stall;

/* The acquisition stalls before or after one of its calls. Once it goes on, its answer is the
 * same for every call. */
static void
while_stalled (Face *face, gconstpointer data)
{
  const Stall *stall = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Blow blow = { cancellable, face, 0, 1 };
  GThread *thread;
  gboolean held;

  lies_stall (stall->call, stall->when);
  thread = g_thread_new ("cancel", blow_thread, &blow);
  held = stall->form->acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, cancellable, &error);
  g_thread_join (thread);
  assert_cancelled (lock, held, &error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

/* The worker has won, and the main context does not know it yet. */
static void
after_the_win (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Reply) reply = { 0 };

  flufl_lock_acquire_async (lock, 0, cancellable, reply_cb, &reply);
  face_wait_for_win (lock);
  g_assert_cmpuint (face_nlink (face->place.lock), ==, 2);
  g_cancellable_cancel (cancellable);
  reply_wait (&reply, "acquire");
  assert_cancelled (lock, flufl_lock_acquire_finish (lock, reply.result, &error), &error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);

  face_acquire (lock);
  face_release (lock);
}

static GThread *loop_thread;

static int
unlink_elsewhere (const char *path)
{
  g_assert_true (g_thread_self () != loop_thread);
  return lies_syscalls.unlink (path);
}

static int hangs;
static int n_hanging;

static void
hang (gpointer unused G_GNUC_UNUSED)
{
  while (g_atomic_int_get (&hangs))
    g_usleep (1000);
  g_atomic_int_add (&n_hanging, -1);
}

/* Leaves no thread for further work. One that has just done some may take a moment to be idle. */
static void
use_up_threads (void)
{
  flufl_workers_max = 0;
  g_atomic_int_set (&hangs, TRUE);
  for (int n_refused = 0; n_refused < 20; n_refused++)
    {
      g_usleep (1000);
      if (!flufl_workers_push (hang, NULL))
        continue;
      g_atomic_int_inc (&n_hanging);
      n_refused = 0;
    }
}

/* The same, and no thread can be started that would give the lock back. The main loop does not do it. */
static void
after_the_win_without_threads (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflSyscalls table = lies_syscalls;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Reply) reply = { 0 };

  loop_thread = g_thread_self ();
  table.unlink = unlink_elsewhere;
  flufl_lock_syscalls = &table;
  lock = face_lock_new (face);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  flufl_lock_acquire_async (lock, 0, cancellable, reply_cb, &reply);
  face_wait_for_win (lock);
  use_up_threads ();
  g_cancellable_cancel (cancellable);
  reply_wait (&reply, "acquire");
  assert_cancelled (lock, flufl_lock_acquire_finish (lock, reply.result, &error), &error);

  flufl_workers_max = G_MAXUINT;
  g_atomic_int_set (&hangs, FALSE);
  FACE_WAIT_FOR (test_place_count (&face->place) == 0 && g_atomic_int_get (&n_hanging) == 0);
  table.unlink = lies_syscalls.unlink;
  FACE_WAIT_FOR (flufl_lock_acquire (lock, 0, NULL, NULL));
  face_release (lock);
  g_clear_object (&lock);
}

/* The acquisition has returned TRUE: a later cancellation changes nothing. */
static void
too_late (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_assert_true (form->acquire (lock, 0, cancellable, NULL));
  g_cancellable_cancel (cancellable);
  g_assert_true (flufl_lock_get_held (lock));
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  face_release (lock);
}

static void
cancel_in_callback (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GCancellable *cancellable = user_data;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_true (flufl_lock_acquire_finish (FLUFL_LOCK (source), result, &error));
  g_assert_no_error (error);
  g_assert_true (flufl_lock_get_held (FLUFL_LOCK (source)));
}

/* A cancellation between the callback and its call of finish comes too late: the lock is held. */
static void
before_finish (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  flufl_lock_acquire_async (lock, 0, cancellable, cancel_in_callback, cancellable);
  FACE_WAIT_FOR (g_cancellable_is_cancelled (cancellable));
  face_release (lock);
}

static void
cancel_in_waiting (FluflLock *lock G_GNUC_UNUSED, FluflLockDetails *details G_GNUC_UNUSED,
                   gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

static void
in_waiting_handler (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  face_acquire (holder);
  g_signal_connect (lock, "waiting", G_CALLBACK (cancel_in_waiting), cancellable);
  assert_cancelled (lock, form->acquire (lock, -1, cancellable, &error), &error);
  face_release (holder);
}

static gpointer
cancel_soon (gpointer data)
{
  GCancellable *cancellable = data;

  for (guint spin = g_random_int_range (0, 400); spin > 0; spin--)
    g_thread_yield ();
  g_cancellable_cancel (cancellable);
  return NULL;
}

/* The cancellation comes at a random moment. */
static void
races (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  guint n_held = 0, rounds = test_is_slow () ? 30 : 300;

  for (guint i = 0; i < rounds; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
      gboolean held = form->acquire (lock, -1, cancellable, &error);

      g_thread_join (thread);
      if (held)
        {
          n_held++;
          g_assert_no_error (error);
          g_assert_true (flufl_lock_check (lock, NULL, NULL));
          face_release (lock);
        }
      else
        assert_cancelled (lock, held, &error);
      g_assert_cmpuint (test_place_count (&face->place), ==, 0);
    }
  g_test_message ("%u of %u won", n_held, rounds);
}

/* A refresh or a release that has begun goes on to its end. */
static void
others_go_on (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Blow blow = { cancellable, face, 0, 1 };
  GThread *thread;

  face_acquire (lock);
  lies_stall (LIES_UTIMENS, LIES_BEFORE);
  thread = g_thread_new ("cancel", blow_thread, &blow);
  g_assert_true (form->refresh (lock, -1, cancellable, &error));
  g_assert_no_error (error);
  g_thread_join (thread);

  g_cancellable_reset (cancellable);
  lies_stall (LIES_UNLINK, LIES_BEFORE);
  thread = g_thread_new ("cancel", blow_thread, &blow);
  g_assert_true (form->release (lock, cancellable, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  g_assert_false (flufl_lock_get_held (lock));
}

/* A break is cancelled while it waits for the lock to have rested. */
static void
break_while_resting (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&face->place, "x.lock|elsewhere|12|34", -3600);
  Blow blow = { cancellable, face, 3, 0 };
  GThread *thread = g_thread_new ("cancel", blow_thread, &blow);

  g_assert_false (form->break_lock (lock, FLUFL_BREAK_NONE, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  test_place_empty (&face->place);
}

/* A look is cancelled while it is repeated after an error that may pass. */
static void
look_while_retrying (Face *face, gconstpointer data)
{
  const Form *form = data;
  const int errnos[] = { EIO };
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Blow blow = { cancellable, face, 0, 1 };
  GThread *thread;

  flufl_lock_set_retry_errnos (lock, errnos, G_N_ELEMENTS (errnos));
  lies_fail (LIES_LSTAT, EIO, -1);
  lies_stall (LIES_LSTAT, LIES_BEFORE);
  thread = g_thread_new ("cancel", blow_thread, &blow);
  g_assert_cmpint (form->query_state (lock, cancellable, &error), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

static void
add_stalls (const Form *form)
{
  static const struct
  {
    LiesCall    call;
    const char *name;
  } calls[] = {
    { LIES_OPEN, "open" },   { LIES_PWRITE, "pwrite" }, { LIES_FSTAT, "fstat" },
    { LIES_FLOCK, "flock" }, { LIES_LINK, "link" },     { LIES_FUTIMENS, "futimens" },
  };
  static GPtrArray *keep;

  if (keep == NULL)
    keep = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    for (LiesWhen when = LIES_BEFORE; when <= LIES_AFTER; when++)
      {
        g_autofree char *path = g_strdup_printf (
            "/cancel/while-stalled/%s/%s/%s", form->name, calls[i].name,
            when == LIES_BEFORE ? "before" : "after");
        Stall *stall = g_new (Stall, 1);

        stall->form = form;
        stall->call = calls[i].call;
        stall->when = when;
        g_ptr_array_add (keep, stall);
        FACE_TEST_WITH (path, while_stalled, stall);
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST_FORMS ("/cancel/while-waiting", while_waiting);
  add_stalls (&form_sync);
  add_stalls (&form_async);
  FACE_TEST ("/cancel/after-the-win", after_the_win);
  FACE_TEST ("/cancel/after-the-win-without-threads", after_the_win_without_threads);
  FACE_TEST_FORMS ("/cancel/too-late", too_late);
  FACE_TEST ("/cancel/before-finish", before_finish);
  FACE_TEST_FORMS ("/cancel/in-waiting-handler", in_waiting_handler);
  FACE_TEST_FORMS ("/cancel/races", races);
  FACE_TEST_FORMS ("/cancel/others-go-on", others_go_on);
  FACE_TEST_FORMS ("/cancel/break-while-resting", break_while_resting);
  FACE_TEST_FORMS ("/cancel/look-while-retrying", look_while_retrying);

  return g_test_run ();
}
