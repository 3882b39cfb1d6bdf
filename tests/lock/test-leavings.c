/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A hundred thousand waits in vain leave nothing behind: no claim, no watch, no timer, no thread,
 * no memory. Nor do heartbeats.
 */

#include "libflufllock.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "flufl-test-util.h"
#include "flufl-watch.h"

/* At most a few hundred, since each waiter reads the names of all others. */
#define BATCH 50
#define THREADS 8

static FluflLock *holder;
static TestPlace  place;

static guint
count_names (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* The number of watches that this process has in the kernel. */
static guint
count_kernel_watches (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", flufl_watch_fd ());
  g_autofree char *info = NULL;
  guint n = 0;

  if (!g_file_get_contents (path, &info, NULL, NULL))
    return 0;
  for (const char *at = info; (at = strstr (at, "inotify wd:")) != NULL; at++)
    n++;
  return n;
}

static gsize
bytes_in_use (void)
{
#ifdef __GLIBC__
  return mallinfo2 ().uordblks;
#else
  return 0;
#endif
}

typedef struct
{
  guint fds, tasks;
  gsize bytes;
} Account;

static Account
take_account (void)
{
  return (Account){ count_names ("/proc/self/fd"), count_names ("/proc/self/task"),
                    bytes_in_use () };
}

static void
assert_leaves_nothing (void (*way) (guint), guint rounds)
{
  gint64 give_up;
  Account limit, now;

  way (MAX (rounds / 10, BATCH));
  limit = take_account ();
  /* GLib keeps some threads for later. */
  limit.tasks += 32;
  /* The smallest piece of memory takes 32 bytes, so a leak of one in each round shows. */
  limit.bytes += rounds * 16;
  way (rounds);

  /* Workers free the cancelled operations a little later. */
  give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC / 4;
  for (;;)
    {
      now = take_account ();
      if ((now.fds <= limit.fds && now.tasks <= limit.tasks && now.bytes <= limit.bytes)
          || g_get_monotonic_time () >= give_up)
        break;
      g_usleep (1000);
    }
  g_assert_cmpuint (now.fds, <=, limit.fds);
  g_assert_cmpuint (now.tasks, <=, limit.tasks);
  g_assert_cmpuint (now.bytes, <=, limit.bytes);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  g_assert_cmpuint (count_kernel_watches (), ==, 0);
}

/* --- Ways to wait in vain; each makes @rounds rounds --- */

typedef struct
{
  GCancellable *cancellable;
  gint64        timeout;
  int           rounds;
} Vain;

static gpointer
wait_in_vain (gpointer data)
{
  Vain *self = data;

  for (int i = 0; i < self->rounds; i++)
    {
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (place.lock);
      g_autoptr (GError) error = NULL;

      g_assert_false (flufl_lock_acquire (lock, self->timeout, self->cancellable, &error));
      if (self->cancellable != NULL)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
    }
  return NULL;
}

static void
cancel_sync (guint rounds)
{
  for (guint i = 0; i < rounds; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Vain vain = { cancellable, -1, 1 };
      GThread *thread = g_thread_new ("waiter", wait_in_vain, &vain);

      /* The cancellation comes at every stage of the acquisition's beginning. */
      for (guint k = i % 50; k > 0; k--)
        g_thread_yield ();
      g_cancellable_cancel (cancellable);
      g_thread_join (thread);
    }
}

static void
time_out_sync (guint rounds)
{
  Vain vain = { NULL, 1, (int) (rounds / THREADS) };
  GThread *threads[THREADS];

  for (guint i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("waiter", wait_in_vain, &vain);
  for (guint i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
}

static void
in_vain_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  guint *pending = user_data;

  g_assert_false (flufl_lock_acquire_finish (FLUFL_LOCK (source), result, NULL));
  (*pending)--;
}

static void
wait_async (guint rounds, gint64 timeout, gboolean cancel, gboolean dispose)
{
  for (guint done = 0; done < rounds; done += BATCH)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      FluflLock *locks[BATCH];
      guint pending = BATCH;

      for (guint i = 0; i < BATCH; i++)
        {
          locks[i] = flufl_lock_new_for_path (place.lock);
          flufl_lock_acquire_async (locks[i], timeout, cancel ? cancellable : NULL, in_vain_cb,
                                    &pending);
        }
      for (guint k = done / BATCH % 50; k > 0; k--)
        g_thread_yield ();
      if (cancel)
        g_cancellable_cancel (cancellable);
      for (guint i = 0; i < BATCH; i++)
        {
          if (dispose)
            g_object_run_dispose (G_OBJECT (locks[i]));
          g_object_unref (locks[i]);
        }
      while (pending > 0)
        g_main_context_iteration (NULL, TRUE);
    }
}

static void
cancel_async (guint rounds)
{
  wait_async (rounds, -1, TRUE, FALSE);
}

static void
time_out_async (guint rounds)
{
  wait_async (rounds, 1, FALSE, FALSE);
}

static void
dispose_async (guint rounds)
{
  wait_async (rounds, 20, FALSE, TRUE);
}

static void
in_vain (gconstpointer data)
{
  void (*const way) (guint) = (void (*) (guint)) data;
  guint rounds = test_is_slow () ? 5 * BATCH : 20000;

  test_place_init (&place);
  holder = flufl_lock_new_for_path (place.lock);
  flufl_lock_set_lifetime (holder, 3600 * 1000);
  g_assert_true (flufl_lock_acquire (holder, 0, NULL, NULL));
  assert_leaves_nothing (way, rounds);
  g_assert_cmpuint (test_place_count (&place), ==, 2);
  g_assert_true (flufl_lock_release (holder, NULL, NULL));
  g_clear_object (&holder);
  test_place_clear (&place);
}

/* --- Heartbeats --- */

static void
hold (FluflHeartbeat heartbeat, guint rounds)
{
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (place.lock);

  flufl_lock_set_heartbeat (lock, heartbeat);
  flufl_lock_set_lifetime (lock, 3600 * 1000);
  for (guint i = 0; i < rounds; i++)
    {
      g_assert_true (flufl_lock_acquire (lock, 0, NULL, NULL));
      g_assert_true (flufl_lock_release (lock, NULL, NULL));
    }
}

static void
hold_with_context (guint rounds)
{
  hold (FLUFL_HEARTBEAT_MAIN_CONTEXT, rounds);
}

static void
hold_with_thread (guint rounds)
{
  hold (FLUFL_HEARTBEAT_THREAD, rounds);
}

static void
heartbeat_stops (gconstpointer data)
{
  g_test_summary ("A heartbeat that would come in twenty minutes is gone with its holding");
  test_place_init (&place);
  assert_leaves_nothing ((void (*) (guint)) data, test_is_slow () ? 500 : 10000);
  test_place_clear (&place);
}

int
main (int argc, char *argv[])
{
  /* The memory that malloc keeps for each thread would count as in use. */
  if (g_setenv ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", FALSE)
      && g_getenv ("FLUFL_TEST_AGAIN") == NULL)
    {
      g_setenv ("FLUFL_TEST_AGAIN", "1", TRUE);
      execv ("/proc/self/exe", argv);
    }
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/leavings/cancel/sync", (gconstpointer) cancel_sync, in_vain);
  g_test_add_data_func ("/leavings/cancel/async", (gconstpointer) cancel_async, in_vain);
  g_test_add_data_func ("/leavings/timeout/sync", (gconstpointer) time_out_sync, in_vain);
  g_test_add_data_func ("/leavings/timeout/async", (gconstpointer) time_out_async, in_vain);
  g_test_add_data_func ("/leavings/dispose/async", (gconstpointer) dispose_async, in_vain);
  g_test_add_data_func ("/leavings/heartbeat/context",
                        (gconstpointer) hold_with_context, heartbeat_stops);
  g_test_add_data_func ("/leavings/heartbeat/thread", (gconstpointer) hold_with_thread,
                        heartbeat_stops);

  return g_test_run ();
}
