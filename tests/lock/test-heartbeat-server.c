/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Heartbeats with a file server that fails or does not answer, and on a machine that was
 * suspended.
 */

#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "flufl-error.h"
#include "flufl-lock-private.h"
#include "flufl-test-util.h"

/* The lifetime in milliseconds. A busy machine can keep it, and a test can wait for its end. */
#define LIFETIME 1500

static struct
{
  GMutex   mutex;
  GCond    changed;
  int      errsv;    /* the error with which touching fails, or 0 */
  gboolean stall;    /* touching does not return */
  guint    stalled;  /* calls that wait */
  guint    touched;  /* calls that have returned */
  gint64   slept;    /* nanoseconds for which the machine was suspended */
  gint64   frozen;   /* boot time at which the clock stands still; 0: it runs */
  guint    asked;    /* questions to the clock while a call waits … */
  guint    behind_at; /* … and the number of one that the clock answers with a time before the end */
} server;

static FluflSyscalls table;

static int
server_utimens (const char *path, gint64 mtime, gint64 atime)
{
  int errsv;

  g_mutex_lock (&server.mutex);
  server.stalled++;
  g_cond_broadcast (&server.changed);
  while (server.stall)
    g_cond_wait (&server.changed, &server.mutex);
  server.stalled--;
  server.touched++;
  errsv = server.errsv;
  g_mutex_unlock (&server.mutex);
  errno = errsv;
  return errsv != 0 ? -1 : flufl_syscalls_native.utimens (path, mtime, atime);
}

static gint64
server_clock (FluflClock which)
{
  gint64 now = flufl_syscalls_native.clock (which);

  if (which == FLUFL_CLOCK_BOOT)
    {
      g_mutex_lock (&server.mutex);
      now = server.frozen != 0 ? server.frozen : now + server.slept;
      if (server.stalled > 0 && ++server.asked == server.behind_at)
        now -= 7200 * FLUFL_NSEC_PER_SEC;
      g_mutex_unlock (&server.mutex);
    }
  return now;
}

static void
server_set (int errsv, gboolean stall)
{
  g_mutex_lock (&server.mutex);
  server.errsv = errsv;
  server.stall = stall;
  g_cond_broadcast (&server.changed);
  g_mutex_unlock (&server.mutex);
}

/* Sets the clock forward, and stops it. */
static void
freeze_clock (gint64 nsec)
{
  gint64 now = server_clock (FLUFL_CLOCK_BOOT);

  g_mutex_lock (&server.mutex);
  server.frozen = now + nsec;
  g_mutex_unlock (&server.mutex);
}

static guint
get_asked (void)
{
  guint asked;

  g_mutex_lock (&server.mutex);
  asked = server.asked;
  g_mutex_unlock (&server.mutex);
  return asked;
}

static guint
get_stalled (void)
{
  guint stalled;

  g_mutex_lock (&server.mutex);
  stalled = server.stalled;
  g_mutex_unlock (&server.mutex);
  return stalled;
}

static guint
get_touched (void)
{
  guint touched;

  g_mutex_lock (&server.mutex);
  touched = server.touched;
  g_mutex_unlock (&server.mutex);
  return touched;
}

static void
machine_sleeps (gint64 seconds)
{
  g_mutex_lock (&server.mutex);
  server.slept += seconds * FLUFL_NSEC_PER_SEC;
  g_mutex_unlock (&server.mutex);
}

typedef struct
{
  TestPlace  place;
  FluflLock *lock;
  GCancellable *cancellable; /* owned; of the first holding */
  guint      n_lost, n_fired;
  gint64     acquired;
} Case;

static gboolean
is_lost (FluflLock *lock)
{
  g_autoptr (GCancellable) cancellable = flufl_lock_dup_lost_cancellable (lock);

  return g_cancellable_is_cancelled (cancellable);
}

static void
lost_cb (FluflLock *lock, GError *error, gpointer data)
{
  Case *c = data;

  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_true (is_lost (lock));
  g_test_message ("%s", error->message);
  c->n_lost++;
}

static void
fired_cb (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  Case *c = data;

  g_atomic_int_inc ((int *) &c->n_fired);
}

static void
case_init (Case *c, gconstpointer heartbeat)
{
  g_autoptr (GError) error = NULL;

  *c = (Case){ 0 };
  server_set (0, FALSE);
  server.slept = server.frozen = 0;
  server.asked = server.behind_at = 0;
  test_place_init (&c->place);
  c->lock = flufl_lock_new_for_path (c->place.lock);
  flufl_lock_set_lifetime (c->lock, LIFETIME);
  flufl_lock_set_heartbeat (c->lock, (FluflHeartbeat) GPOINTER_TO_INT (heartbeat));
  g_signal_connect (c->lock, "lost", G_CALLBACK (lost_cb), c);
  c->acquired = g_get_monotonic_time ();
  g_assert_true (flufl_lock_acquire (c->lock, 0, NULL, &error));
  g_assert_no_error (error);
  c->cancellable = flufl_lock_dup_lost_cancellable (c->lock);
  g_signal_connect (c->cancellable, "cancelled", G_CALLBACK (fired_cb), c);
}

static void
case_clear (Case *c)
{
  g_clear_object (&c->cancellable);
  g_assert_finalize_object (c->lock);
  test_place_clear (&c->place);
}

static gboolean
wake_cb (gpointer data G_GNUC_UNUSED)
{
  return G_SOURCE_CONTINUE;
}

/* Runs the main context for @msec milliseconds, or until the lock is lost. */
static void
run_for (Case *c, gint64 msec)
{
  gint64 end = g_get_monotonic_time () + msec * 1000;
  guint n_lost = c->n_lost;
  guint id = g_timeout_add (10, wake_cb, NULL);

  while (g_get_monotonic_time () < end && c->n_lost == n_lost)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (id);
}

static void
assert_kept (Case *c)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (c->n_lost, ==, 0);
  g_assert_cmpuint (c->n_fired, ==, 0);
  g_assert_true (flufl_lock_check (c->lock, NULL, &error));
  g_assert_no_error (error);
  flufl_lock_release (c->lock, NULL, &error);
  g_assert_no_error (error);
}

/* Asserts that the loss was reported once, and that nothing comes after it. */
static void
assert_lost (Case *c)
{
  g_assert_cmpuint (c->n_lost, ==, 1);
  g_assert_cmpuint (c->n_fired, ==, 1);
  server_set (0, FALSE);
  run_for (c, 300);
  g_assert_cmpuint (c->n_lost, ==, 1);
  g_assert_cmpuint (c->n_fired, ==, 1);
  g_assert_false (flufl_lock_get_held (c->lock));
}

static void
test_kept (gconstpointer data)
{
  Case c;

  case_init (&c, data);
  run_for (&c, LIFETIME * 2);
  assert_kept (&c);
  case_clear (&c);
}

static void
test_passing_errors (gconstpointer data)
{
  Case c;

  case_init (&c, data);
  server_set (EIO, FALSE);
  run_for (&c, LIFETIME * 2 / 3);
  server_set (0, FALSE);
  run_for (&c, LIFETIME);
  assert_kept (&c);
  case_clear (&c);
}

static void
test_lasting_errors (gconstpointer data)
{
  Case c;

  case_init (&c, data);
  server_set (EIO, FALSE);
  run_for (&c, LIFETIME * 20);
  g_assert_cmpint (g_get_monotonic_time () - c.acquired, >=, LIFETIME * 1000);
  assert_lost (&c);
  case_clear (&c);
}

static void
test_no_answer (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Case c;

  g_test_summary ("A refresh that hangs does not hide the end of the lease");
  case_init (&c, data);
  server_set (0, TRUE);
  run_for (&c, LIFETIME * 20);
  g_assert_cmpint (g_get_monotonic_time () - c.acquired, >=, LIFETIME * 1000);
  g_assert_cmpuint (server.stalled, ==, 1);
  g_test_message ("The answer comes late, and changes nothing");
  assert_lost (&c);

  g_assert_true (flufl_lock_acquire (c.lock, 10000, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (is_lost (c.lock));
  flufl_lock_release (c.lock, NULL, &error);
  g_assert_no_error (error);
  case_clear (&c);
}

static void
test_context_hangs (void)
{
  Case c;

  g_test_summary ("An application that does not run its main context loses the lock, and can see it");
  case_init (&c, GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT));
  for (int i = 0; i < LIFETIME && g_atomic_int_get ((int *) &c.n_fired) == 0; i++)
    g_usleep (20000);
  g_assert_cmpint (g_get_monotonic_time () - c.acquired, >=, LIFETIME * 1000);
  g_assert_false (flufl_lock_get_held (c.lock));
  run_for (&c, LIFETIME * 20);
  assert_lost (&c);
  case_clear (&c);
}

static void
acquired_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  gboolean *done = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_acquire_finish (FLUFL_LOCK (lock), result, &error));
  g_assert_no_error (error);
  *done = TRUE;
}

static void
test_told_late (gconstpointer data)
{
  const gint64 untold_max = flufl_heart_untold_max;
  gboolean done = FALSE;
  guint touched;
  Case c;

  g_test_summary ("A paused heartbeat goes on when the program learns of its acquisition");
  case_init (&c, data);
  g_assert_true (flufl_lock_release (c.lock, NULL, NULL));
  flufl_lock_set_lifetime (c.lock, LIFETIME * 6);
  flufl_heart_untold_max = 0;
  flufl_lock_acquire_async (c.lock, 0, NULL, acquired_cb, &done);
  /* A third of the lifetime and some more. If the machine is so busy that no beat was due by then, the
   * test shows nothing. */
  g_usleep (LIFETIME * 2500);
  touched = get_touched ();
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  while (get_touched () == touched && c.n_lost == 0)
    run_for (&c, 10);
  assert_kept (&c);
  flufl_heart_untold_max = untold_max;
  case_clear (&c);
}

static void
test_broken (gconstpointer data)
{
  Case c;

  case_init (&c, data);
  test_place_empty (&c.place);
  run_for (&c, LIFETIME * 20);
  assert_lost (&c);
  case_clear (&c);
}

static void
test_slept (gconstpointer data)
{
  Case c;

  g_test_summary ("After a sleep longer than the lease a lock that nobody broke is kept");
  case_init (&c, data);
  machine_sleeps (3600);
  run_for (&c, LIFETIME);
  machine_sleeps (3600);
  run_for (&c, LIFETIME);
  assert_kept (&c);
  case_clear (&c);
}

static void
test_slept_and_broken (gconstpointer data)
{
  Case c;

  case_init (&c, data);
  machine_sleeps (3600);
  test_place_empty (&c.place);
  run_for (&c, LIFETIME * 20);
  assert_lost (&c);
  case_clear (&c);
}

static void
test_slept_and_no_answer (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 end;
  Case c;

  g_test_summary ("After such a sleep an answer is not waited for as long as a lease");
  case_init (&c, data);
  g_assert_true (flufl_lock_refresh (c.lock, 30000, NULL, &error));
  g_assert_no_error (error);
  g_mutex_lock (&c.lock->lease->mutex);
  end = c.lock->lease->end / 1000;
  g_mutex_unlock (&c.lock->lease->mutex);
  machine_sleeps (3600);
  server_set (0, TRUE);
  run_for (&c, 29000);
  g_assert_cmpint (flufl_syscalls_native.clock (FLUFL_CLOCK_BOOT) / 1000, <, end);
  assert_lost (&c);
  case_clear (&c);
}

static void
test_waking_time (gconstpointer data)
{
  Case c;

  g_test_summary ("A refresh that begins after a sleep has 200 ms by the boot clock, once");
  case_init (&c, data);
  server_set (0, TRUE);
  freeze_clock (3600 * FLUFL_NSEC_PER_SEC);
  for (int i = 0; i < 300 && get_asked () < 5 && g_atomic_int_get ((int *) &c.n_fired) == 0; i++)
    run_for (&c, 100);
  g_assert_cmpuint (get_asked (), >=, 5);
  g_assert_cmpuint (c.n_fired, ==, 0);
  freeze_clock (200 * FLUFL_NSEC_PER_MSEC);
  run_for (&c, LIFETIME * 20);
  assert_lost (&c);
  case_clear (&c);
}

static void
test_tried_again (gconstpointer data)
{
  guint touched;
  Case c;

  g_test_summary ("A refresh that begins after a sleep and fails is tried again within the 200 ms");
  case_init (&c, data);
  touched = get_touched ();
  server_set (EIO, FALSE);
  freeze_clock (3600 * FLUFL_NSEC_PER_SEC);
  for (int i = 0; i < 300 && get_touched () < touched + 3 && g_atomic_int_get ((int *) &c.n_fired) == 0; i++)
    run_for (&c, 100);
  server_set (0, FALSE);
  for (touched = get_touched (); get_touched () == touched && c.n_lost == 0;)
    run_for (&c, 10);
  assert_kept (&c);
  case_clear (&c);
}

static void
test_refreshed_before_loss (gconstpointer data)
{
  gint64 end;
  Case c;

  g_test_summary ("If the end moves just before the loss, the later end is noticed");
  case_init (&c, data);
  server_set (0, TRUE);
  for (int i = 0; i < 100 && get_stalled () == 0; i++)
    run_for (&c, 10);
  g_mutex_lock (&c.lock->lease->mutex);
  end = c.lock->lease->end;
  g_mutex_unlock (&c.lock->lease->mutex);
  g_mutex_lock (&server.mutex);
  g_assert_cmpuint (server.stalled, ==, 1);
  server.frozen = end;
  server.behind_at = server.asked + 2; /* the first one judges the end, the second one the loss */
  g_mutex_unlock (&server.mutex);
  run_for (&c, LIFETIME * 20);
  assert_lost (&c);
  case_clear (&c);
}

static void
test_other_lifetime (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Case c;

  g_test_summary ("A refresh with a shorter lifetime makes the heart beat faster");
  case_init (&c, GINT_TO_POINTER (FLUFL_HEARTBEAT_NONE));
  flufl_lock_release (c.lock, NULL, &error);
  flufl_lock_set_heartbeat (c.lock, (FluflHeartbeat) GPOINTER_TO_INT (data));
  flufl_lock_set_lifetime (c.lock, 3600 * 1000);
  g_assert_true (flufl_lock_acquire (c.lock, 0, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (flufl_lock_refresh (c.lock, LIFETIME, NULL, &error));
  g_assert_no_error (error);
  run_for (&c, LIFETIME * 2);
  g_assert_cmpint (flufl_claim_lease_left (&c.lock->lease->claim, &c.lock->lease->site), >, 0);
  assert_kept (&c);
  case_clear (&c);
}

static void
add (const char *name, GTestDataFunc func)
{
  g_autofree char *thread = g_strdup_printf ("/heartbeat/thread/%s", name);
  g_autofree char *context = g_strdup_printf ("/heartbeat/main-context/%s", name);

  g_test_add_data_func (thread, GINT_TO_POINTER (FLUFL_HEARTBEAT_THREAD), func);
  g_test_add_data_func (context, GINT_TO_POINTER (FLUFL_HEARTBEAT_MAIN_CONTEXT), func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  table = flufl_syscalls_native;
  table.utimens = server_utimens;
  table.clock = server_clock;
  flufl_lock_syscalls = &table;

  add ("kept", test_kept);
  add ("passing-errors", test_passing_errors);
  add ("lasting-errors", test_lasting_errors);
  add ("no-answer", test_no_answer);
  add ("told-late", test_told_late);
  add ("broken", test_broken);
  add ("slept", test_slept);
  add ("slept-and-broken", test_slept_and_broken);
  add ("slept-and-no-answer", test_slept_and_no_answer);
  add ("waking-time", test_waking_time);
  add ("tried-again", test_tried_again);
  add ("refreshed-before-loss", test_refreshed_before_loss);
  add ("other-lifetime", test_other_lifetime);
  g_test_add_func ("/heartbeat/main-context/hangs", test_context_hangs);
  return g_test_run ();
}
