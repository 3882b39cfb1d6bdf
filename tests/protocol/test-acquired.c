/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Since when a lock is held, as the times of its file show it.
 */

#include "protocol-util.h"

/* The real time of the disk in memory. */
static gint64
now (void)
{
  return fake_syscalls.clock (FLUFL_CLOCK_REAL);
}

/* What another process sees. */
static gint64
acquired (void)
{
  FluflLook look;
  Proc other;
  gint64 time;

  proc_init (&other);
  flufl_look_take (&look, &other.site, LOCK);
  g_assert_cmpint (look.sight, ==, FLUFL_SIGHT_CLAIM);
  time = flufl_look_acquired (&look, &other.site);
  proc_clear (&other);
  return time;
}

static void
test_refreshed (void)
{
  gint64 since;
  Proc p;

  g_test_summary ("A refresh changes the expiration, and not since when the lock is held");
  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  since = now ();
  g_assert_cmpint (acquired (), ==, since);
  for (int i = 0; i < 100; i++)
    {
      fake_disk_advance (5 * FAKE_SEC);
      g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (acquired (), ==, since);
    }
  fake_disk_advance (LIFETIME + FAKE_SEC);
  g_assert_cmpint (acquired (), ==, since);
  proc_release (&p);
  proc_clear (&p);
}

static void
test_waited (void)
{
  Proc holder, waiter;

  g_test_summary ("A lock is held since the wait ended, once its holder has refreshed it");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&waiter);
  proc_acquire (&holder);
  g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (4 * FAKE_SEC);
  proc_release (&holder);
  proc_acquire (&waiter);
  /* The last touch of the claim was at most a twentieth of the lifetime ago. */
  g_assert_cmpint (acquired (), <=, now ());
  g_assert_cmpint (acquired (), >=, now () - LIFETIME / 20);
  fake_disk_advance (FAKE_SEC);
  g_assert_cmpint (proc_refresh (&waiter), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (acquired (), ==, now () - FAKE_SEC);
  proc_release (&waiter);
  proc_clear (&waiter);
  proc_clear (&holder);
}

static void
test_kept (void)
{
  Proc p;

  g_test_summary ("A claim that is kept shows each acquisition anew");
  fake_disk_reset ();
  proc_init (&p);
  p.site.names_kept = TRUE;
  for (int i = 0; i < 3; i++)
    {
      proc_acquire (&p);
      g_assert_cmpint (acquired (), ==, now ());
      fake_disk_advance (FAKE_SEC);
      g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (acquired (), ==, now () - FAKE_SEC);
      g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
      fake_disk_advance (3 * FAKE_SEC);
    }
  proc_abandon (&p);
  proc_clear (&p);
}

/* The atime of the lock, as a reader or another program leaves it. */
static void
set_atime (gint64 atime)
{
  g_assert_cmpint (fake_syscalls.utimens (LOCK, fake_disk_mtime (LOCK), atime), ==, 0);
}

static void
test_atime_changed (void)
{
  gint64 arrival;
  Proc p;

  g_test_summary ("Where the atime shows no such time, the arrival counts");
  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  arrival = now ();
  fake_disk_advance (3 * FAKE_SEC);
  set_atime (now ()); /* that of a read */
  g_assert_cmpint (acquired (), ==, arrival);
  set_atime (fake_disk_mtime (LOCK)); /* that of flufl.lock's touch */
  g_assert_cmpint (acquired (), ==, arrival);
  set_atime (G_MAXINT64 / 2); /* before the arrival */
  g_assert_cmpint (acquired (), ==, arrival);
  set_atime (fake_disk_mtime (LOCK) + FAKE_SEC); /* in the future */
  g_assert_cmpint (acquired (), ==, arrival);
  fake_disk_advance (2 * LIFETIME);
  set_atime (fake_disk_mtime (LOCK)); /* the moment of the expiration */
  g_assert_cmpint (acquired (), ==, arrival);
  proc_refresh (&p);
  proc_release (&p);
  proc_clear (&p);
}

static void
test_unknown (void)
{
  Proc p;

  g_test_summary ("The claim of flufl.lock, and one whose name is kept, do not show it");
  fake_disk_reset ();
  put_claim (FOREIGN, TRUE, 10.0);
  g_assert_cmpint (acquired (), ==, 0);

  fake_disk_reset ();
  proc_init (&p);
  p.site.names_kept = TRUE;
  proc_acquire (&p);
  set_atime (now ());
  g_assert_cmpint (acquired (), ==, 0);
  proc_release (&p);
  proc_abandon (&p);
  proc_clear (&p);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acquired/refreshed", test_refreshed);
  g_test_add_func ("/acquired/waited", test_waited);
  g_test_add_func ("/acquired/kept", test_kept);
  g_test_add_func ("/acquired/atime-changed", test_atime_changed);
  g_test_add_func ("/acquired/unknown", test_unknown);
  return g_test_run ();
}
