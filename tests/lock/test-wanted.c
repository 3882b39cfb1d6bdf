/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * How a holder learns of waiters.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face-util.h"

static FluflLock *
holder_new (Face *face)
{
  FluflLock *lock = face_lock_new (face);

  /* So long that neither the lease nor a look at each beat comes into a test. */
  flufl_lock_set_lifetime (lock, TEST_PATIENCE_SEC * 1000 * 10);
  flufl_lock_set_watch_wanted (lock, TRUE);
  return lock;
}

/* A waiter in this process. It is cancelled by wait_no_more(). */
typedef struct
{
  FluflLock    *lock;
  GCancellable *cancellable;
  Reply         reply;
} Waiter;

static void
wait_for_lock (Waiter *self, Face *face)
{
  self->lock = face_lock_new (face);
  self->cancellable = g_cancellable_new ();
  flufl_lock_acquire_async (self->lock, -1, self->cancellable, reply_cb, &self->reply);
}

/* Returns: whether the wait has ended with the lock */
static gboolean
end_wait (Waiter *self)
{
  gboolean held;

  reply_wait (&self->reply, "the waiter");
  held = flufl_lock_acquire_finish (self->lock, self->reply.result, NULL);
  reply_clear (&self->reply);
  g_clear_object (&self->cancellable);
  return held;
}

static void
wait_no_more (Waiter *self)
{
  g_cancellable_cancel (self->cancellable);
  g_assert_false (end_wait (self));
  g_clear_object (&self->lock);
}

/* The waiter gets the lock, and releases it. */
static void
have_turn (Waiter *self)
{
  g_assert_true (end_wait (self));
  face_release (self->lock);
  g_clear_object (&self->lock);
}

static guint
count_waiters (FluflLock *lock)
{
  g_autoptr (GPtrArray) waiters = flufl_lock_list_waiters (lock, NULL, NULL);

  return waiters != NULL ? waiters->len : 0;
}

static void
test_setting (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) set = { 0 };
  gboolean watch_wanted;

  g_test_summary ("A lock does not look for waiters unless it is asked to");
  g_signal_connect_swapped (lock, "notify::watch-wanted", G_CALLBACK (heard_cb), &set);
  g_assert_false (flufl_lock_get_watch_wanted (lock));
  g_assert_false (flufl_lock_get_wanted (lock));
  flufl_lock_set_watch_wanted (lock, FALSE);
  g_assert_cmpuint (set.n, ==, 0);
  g_object_set (lock, "watch-wanted", TRUE, NULL);
  g_assert_cmpuint (set.n, ==, 1);
  g_object_get (lock, "watch-wanted", &watch_wanted, NULL);
  g_assert_true (watch_wanted);
}

static void
test_come_and_go (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  g_auto (Heard) wanted = { 0 };
  Waiter first = { 0 }, second = { 0 };

  g_test_summary ("A waiter comes, another takes its place, and goes");
  g_signal_connect_swapped (lock, "notify::wanted", G_CALLBACK (heard_cb), &wanted);
  face_acquire (lock);
  g_assert_false (flufl_lock_get_wanted (lock));
  wait_for_lock (&first, face);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  g_assert_cmpuint (wanted.n, ==, 1);
  g_assert_true (wanted.thread == g_thread_self ());
  wait_for_lock (&second, face);
  FACE_WAIT_FOR (count_waiters (lock) == 2);
  wait_no_more (&first);
  g_assert_true (flufl_lock_get_wanted (lock));
  wait_no_more (&second);
  FACE_WAIT_FOR (!flufl_lock_get_wanted (lock));
  g_assert_cmpuint (wanted.n, ==, 2);
  face_release (lock);
  g_assert_cmpuint (wanted.n, ==, 2);
}

static void
test_killed (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  g_autoptr (GFile) directory = g_file_new_for_path (face->place.dir);
  g_autoptr (GPtrArray) removed = NULL;
  pid_t child;

  g_test_summary ("A waiter in another process is killed, and its claim stays");
  face_acquire (lock);
  child = face_fork (face_wait_for_turn, face);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  face_kill (child);
  FACE_WAIT_FOR (!flufl_lock_get_wanted (lock));
  removed = flufl_lock_remove_leftovers (directory, FALSE, NULL, NULL);
  g_assert_cmpuint (removed->len, ==, 1);
  face_release (lock);
}

static void
test_give_way (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  g_auto (Heard) wanted = { 0 };
  Waiter waiter = { 0 };

  g_test_summary ("A holder that lets go is not wanted any more, and gives the waiter its turn");
  face_acquire (lock);
  wait_for_lock (&waiter, face);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  g_signal_connect_swapped (lock, "notify::wanted", G_CALLBACK (heard_cb), &wanted);
  face_release (lock);
  g_assert_cmpuint (wanted.n, ==, 1);
  g_assert_false (flufl_lock_get_wanted (lock));
  have_turn (&waiter);
}

static void
test_asked_later (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  Waiter waiter = { 0 };

  g_test_summary ("A holder may begin to look, and stop, while it holds the lock");
  flufl_lock_set_watch_wanted (lock, FALSE);
  face_acquire (lock);
  wait_for_lock (&waiter, face);
  FACE_WAIT_FOR (count_waiters (lock) == 1);
  g_assert_false (flufl_lock_get_wanted (lock));
  flufl_lock_set_watch_wanted (lock, TRUE);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  flufl_lock_set_watch_wanted (lock, FALSE);
  g_assert_false (flufl_lock_get_wanted (lock));
  flufl_lock_set_watch_wanted (lock, TRUE);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  wait_no_more (&waiter);
  face_release (lock);
}

static void
test_next_lease (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);

  g_test_summary ("Each lease looks anew, in the main context of its acquisition");
  for (guint i = 0; i < 3; i++)
    {
      Waiter waiter = { 0 };

      face_acquire (lock);
      wait_for_lock (&waiter, face);
      FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
      wait_no_more (&waiter);
      face_release (lock);
    }
}

static void
test_elsewhere (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  Waiter waiter = { 0 };

  g_test_summary ("On other file systems it looks as often as the heartbeat refreshes the lock");
  lies_fs_kind (FLUFL_FS_NFS);
  /* Without a heartbeat a lease may end meanwhile, on a busy machine. */
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_lifetime (lock, 2000);
  face_acquire (lock);
  wait_for_lock (&waiter, face);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  wait_no_more (&waiter);
  FACE_WAIT_FOR (!flufl_lock_get_wanted (lock));
  face_release (lock);
}

static void
test_loss (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  g_auto (Heard) wanted = { 0 };
  Waiter waiter = { 0 };

  g_test_summary ("A lock that is lost is not wanted from its former holder");
  face_acquire (lock);
  wait_for_lock (&waiter, face);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  g_signal_connect_swapped (lock, "notify::wanted", G_CALLBACK (heard_cb), &wanted);
  g_assert_cmpint (unlink (face->place.lock), ==, 0);
  g_assert_false (flufl_lock_check (lock, NULL, NULL));
  FACE_WAIT_FOR (wanted.n > 0);
  g_assert_false (flufl_lock_get_wanted (lock));
  have_turn (&waiter);
}

#define N_TRIES 20

/* Waits until the lock has been looked at once more, from the beginning. */
static void
wait_for_look (void)
{
  guint n = lies_count (LIES_LIST);

  FACE_WAIT_FOR (lies_count (LIES_LIST) >= n + 2);
}

static void
test_try (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  g_autofree char *other = test_place_path (&face->place, "other");
  g_auto (Heard) wanted = { 0 };

  g_test_summary ("A process that tries once has a claim for a moment, and is no waiter");
  g_signal_connect_swapped (lock, "notify::wanted", G_CALLBACK (heard_cb), &wanted);
  face_acquire (lock);
  for (guint i = 0; i < N_TRIES; i++)
    {
      g_autofree char *name = g_strdup_printf ("x.lock|elsewhere|%u|123456", 4711 + i);
      g_autofree char *claim = test_place_path (&face->place, name);
      guint n_opened = lies_count (LIES_OPEN);

      g_assert_true (g_file_set_contents (other, claim, -1, NULL));
      g_assert_cmpint (rename (other, claim), ==, 0);
      /* The lock file and this claim, or that of the holder. */
      FACE_WAIT_FOR (lies_count (LIES_OPEN) >= n_opened + 2);
      g_assert_cmpint (rename (claim, other), ==, 0);
      wait_for_look ();
    }
  g_test_message ("%u notifications", wanted.n);
  /* The moments of a busy machine may be long, but each would notify twice. */
  g_assert_cmpuint (wanted.n, <, N_TRIES / 2);
  g_assert_cmpint (unlink (other), ==, 0);
  face_release (lock);
}

static void
release_cb (FluflLock *lock)
{
  if (flufl_lock_get_wanted (lock))
    face_release (lock);
}

static void
test_release_in_handler (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  Waiter waiter = { 0 };

  g_test_summary ("A handler may release the lock");
  g_signal_connect (lock, "notify::wanted", G_CALLBACK (release_cb), NULL);
  face_acquire (lock);
  wait_for_lock (&waiter, face);
  have_turn (&waiter);
}

static void
test_dropped (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLock *lock = holder_new (face);
  g_auto (Heard) wanted = { 0 };
  gpointer weak = lock;

  g_test_summary ("An object that is dropped amid a look is gone at once");
  g_object_add_weak_pointer (weak, &weak);
  g_signal_connect_swapped (lock, "notify::wanted", G_CALLBACK (heard_cb), &wanted);
  lies_stall (LIES_LIST, LIES_AFTER);
  face_acquire (lock);
  lies_wait_stalled (1);
  g_object_unref (lock);
  g_assert_null (weak);
  lies_let_go ();
  FACE_WAIT_FOR (lies_n_stalled () == 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (wanted.n, ==, 0);
}

static void
drop_in_child (gpointer data)
{
  g_object_unref (data);
}

static void
not_wanted_in_child (gpointer data)
{
  FluflLock *lock = data;

  g_assert_false (flufl_lock_get_wanted (lock));
}

static void
test_forked (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = holder_new (face);
  Waiter waiter = { 0 };

  g_test_summary ("A forked child may drop the object, and its parent goes on to look");
  face_acquire (lock);
  face_join (face_fork (drop_in_child, lock));
  wait_for_lock (&waiter, face);
  FACE_WAIT_FOR (flufl_lock_get_wanted (lock));
  face_join (face_fork (not_wanted_in_child, lock));
  g_assert_true (flufl_lock_get_wanted (lock));
  wait_no_more (&waiter);
  face_release (lock);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST ("/wanted/setting", test_setting);
  FACE_TEST ("/wanted/come-and-go", test_come_and_go);
  FACE_TEST ("/wanted/killed", test_killed);
  FACE_TEST ("/wanted/give-way", test_give_way);
  FACE_TEST ("/wanted/asked-later", test_asked_later);
  FACE_TEST ("/wanted/next-lease", test_next_lease);
  FACE_TEST ("/wanted/elsewhere", test_elsewhere);
  FACE_TEST ("/wanted/loss", test_loss);
  FACE_TEST ("/wanted/try", test_try);
  FACE_TEST ("/wanted/release-in-handler", test_release_in_handler);
  FACE_TEST ("/wanted/dropped", test_dropped);
  FACE_TEST ("/wanted/forked", test_forked);
  return g_test_run ();
}
