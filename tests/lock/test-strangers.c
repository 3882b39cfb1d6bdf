/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A waiter gives way to a process with flufl.lock that has waited for long. A clock of this
 * machine measures how long that is.
 */

#include "config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flufl-lock-private.h"
#include "flufl-test-util.h"
#include "flufl-watch.h"

#define HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

static FluflSyscalls sys;
static const char *lock_path;
static int looks; /* the number of looks that found no lock file; atomic */

static gint64
late_clock (FluflClock which)
{
  return flufl_syscalls_native.clock (which)
         + (which == FLUFL_CLOCK_REAL ? 4 * FLUFL_NSEC_PER_SEC : 0);
}

static int
counting_lstat (const char *path, FluflStat *st)
{
  int result = flufl_syscalls_native.lstat (path, st);

  if (result != 0 && g_strcmp0 (path, lock_path) == 0)
    g_atomic_int_inc (&looks);
  return result;
}

typedef struct
{
  TestPlace  place;
  FluflLock *holder, *waiter;
  char      *stranger;
  GThread   *thread;
  int        done;
} Case;

static gpointer
wait_thread (gpointer data)
{
  Case *self = data;
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_acquire (self->waiter, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error));
  g_assert_no_error (error);
  g_atomic_int_set (&self->done, 1);
  return NULL;
}

static FluflLock *
lock_new (const char *path)
{
  FluflLock *lock = flufl_lock_new_for_path (path);

  flufl_lock_set_lifetime (lock, 3600 * 1000);
  return lock;
}

/* One object holds the lock. A process with flufl.lock waits, and behind it another object. */
static gboolean
set_up (Case *self, gint64 gap)
{
  sys = flufl_syscalls_native;
  sys.clock = late_clock;
  sys.lstat = counting_lstat;
  flufl_lock_syscalls = &sys;
  flufl_acquire_gap = gap;
  flufl_acquire_patience = HOUR;
  alarm (TEST_PATIENCE_SEC);
  test_place_init (&self->place);
  if (sys.fs_kind (self->place.dir) != FLUFL_FS_LOCAL)
    {
      g_test_skip ("the directory for temporary files is not on a local file system");
      test_place_clear (&self->place);
      return FALSE;
    }

  lock_path = self->place.lock;
  self->holder = lock_new (lock_path);
  self->waiter = lock_new (lock_path);
  g_assert_true (flufl_lock_acquire (self->holder, 0, NULL, NULL));
  self->stranger = test_place_path (&self->place, "x.lock|elsewhere|1|123456789");
  g_assert_true (g_file_set_contents (self->stranger, self->stranger, -1, NULL));
  self->done = 0;
  self->thread = g_thread_new ("waiter", wait_thread, self);
  while (flufl_watch_count () != 1)
    g_thread_yield ();
  g_atomic_int_set (&looks, 0);
  g_assert_true (flufl_lock_release (self->holder, NULL, NULL));
  return TRUE;
}

static void
tear_down (Case *self)
{
  g_thread_join (self->thread);
  g_assert_true (flufl_lock_release (self->waiter, NULL, NULL));
  g_assert_finalize_object (self->holder);
  g_assert_finalize_object (self->waiter);
  unlink (self->stranger);
  g_free (self->stranger);
  lock_path = NULL;
  test_place_clear (&self->place);
  alarm (0);
}

static void
test_takes_it (void)
{
  Case one;

  if (!set_up (&one, HOUR))
    return;
  while (g_atomic_int_get (&looks) < 3)
    {
      g_assert_false (g_atomic_int_get (&one.done));
      g_thread_yield ();
    }
  g_assert_cmpint (link (one.stranger, one.place.lock), ==, 0);
  g_test_message ("Then it is our turn, whoever else is there");
  while (flufl_watch_count () != 1)
    g_thread_yield ();
  g_assert_false (g_atomic_int_get (&one.done));
  g_assert_cmpint (unlink (one.place.lock), ==, 0);
  tear_down (&one);
}

static void
test_another_takes_it (void)
{
  g_autofree char *other = NULL;
  Case one;
  int seen;

  g_test_summary ("One that comes the moment that it is free does not take the other's turn");
  if (!set_up (&one, HOUR))
    return;
  other = test_place_path (&one.place, "x.lock|elsewhere|2|987654321");
  for (int i = 0; i < 3; i++)
    {
      g_assert_true (g_file_set_contents (other, other, -1, NULL));
      g_assert_cmpint (link (other, one.place.lock), ==, 0);
      g_assert_cmpint (unlink (other), ==, 0);
      g_assert_cmpint (unlink (one.place.lock), ==, 0);
      for (seen = g_atomic_int_get (&looks); g_atomic_int_get (&looks) < seen + 3;)
        {
          g_assert_false (g_atomic_int_get (&one.done));
          g_thread_yield ();
        }
    }
  g_assert_cmpint (link (one.stranger, one.place.lock), ==, 0);
  while (flufl_watch_count () != 1)
    g_thread_yield ();
  g_assert_false (g_atomic_int_get (&one.done));
  g_assert_cmpint (unlink (one.place.lock), ==, 0);
  tear_down (&one);
}

static void
test_never_free (void)
{
  g_autofree char *other = NULL;
  Case one;

  g_test_summary ("A lock that is taken for long is not left to anybody");
  if (!set_up (&one, HOUR))
    return;
  other = test_place_path (&one.place, "x.lock|elsewhere|2|987654321");
  g_assert_true (g_file_set_contents (other, other, -1, NULL));
  while (g_atomic_int_get (&looks) == 0) /* the waiter leaves the lock free from now on */
    g_thread_yield ();
  g_assert_cmpint (link (other, one.place.lock), ==, 0);
  while (flufl_watch_count () != 1)
    g_thread_yield ();
  g_assert_false (g_atomic_int_get (&one.done));
  g_assert_cmpint (unlink (other), ==, 0);
  g_assert_cmpint (unlink (one.place.lock), ==, 0);
  tear_down (&one);
}

static void
test_nobody_comes (void)
{
  Case one;

  if (!set_up (&one, 50 * 1000))
    return;
  g_thread_join (one.thread);
  g_assert_cmpint (g_atomic_int_get (&looks), >, 1);
  g_assert_true (flufl_lock_release (one.waiter, NULL, NULL));

  g_test_message ("It is not waited for again");
  g_assert_true (flufl_lock_acquire (one.holder, 0, NULL, NULL));
  flufl_acquire_gap = HOUR;
  one.thread = g_thread_new ("waiter", wait_thread, &one);
  while (flufl_watch_count () != 1)
    g_thread_yield ();
  g_assert_true (flufl_lock_release (one.holder, NULL, NULL));
  tear_down (&one);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/strangers/takes-it", test_takes_it);
  g_test_add_func ("/strangers/another-takes-it", test_another_takes_it);
  g_test_add_func ("/strangers/never-free", test_never_free);
  g_test_add_func ("/strangers/nobody-comes", test_nobody_comes);
  return g_test_run ();
}
