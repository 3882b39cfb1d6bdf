/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Releases that are delayed, or meet a breaker, in the orders that matter.
 */

#include "protocol-util.h"

static char *claim;

static void
win_token_late (gpointer unused G_GNUC_UNUSED)
{
  fake_disk_advance (LIFETIME + FLUFL_SLOP + FAKE_SEC);
  g_assert_cmpint (fake_syscalls.unlink (claim), ==, 0);
}

static void
give_back (gpointer unused G_GNUC_UNUSED)
{
  g_assert_cmpint (fake_syscalls.link (LOCK, claim), ==, 0);
}

static void
win_token_and_give_back (gpointer unused G_GNUC_UNUSED)
{
  g_assert_cmpint (fake_syscalls.unlink (claim), ==, 0);
  fake_disk_hook ("unlink", 1, give_back, NULL);
}

static void
be_slow_and_give_back (gpointer unused G_GNUC_UNUSED)
{
  fake_disk_advance (3 * FAKE_SEC);
  fake_disk_hook ("unlink", 1, give_back, NULL);
}

static void
hold (Proc *p)
{
  fake_disk_reset ();
  proc_init (p);
  proc_acquire (p);
  claim = g_strdup (p->claim.path);
}

static void
done (Proc *p)
{
  g_assert_true (fake_disk_order_done ());
  proc_clear (p);
  g_clear_pointer (&claim, g_free);
}

static void
test_stopped (void)
{
  Proc p;

  g_test_summary ("Stopped before its first step until it is broken: what a breaker is about to remove is let be");
  hold (&p);
  fake_disk_hook ("unlink", 1, win_token_late, NULL);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_LOST);
  g_assert_true (fake_disk_exists (LOCK));
  done (&p);
}

static void
test_given_back (void)
{
  Proc p;

  g_test_summary ("A breaker by an old look has the claim, and gives it back just before the last step");
  hold (&p);
  fake_disk_hook ("unlink", 1, win_token_and_give_back, NULL);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  done (&p);
}

static void
test_recovered (void)
{
  Proc p;

  g_test_summary ("So slow that somebody recovers the lock just before the last step");
  hold (&p);
  fake_disk_hook ("unlink", 1, be_slow_and_give_back, NULL);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  done (&p);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/release/stopped", test_stopped);
  g_test_add_func ("/release/given-back", test_given_back);
  g_test_add_func ("/release/recovered", test_recovered);
  return g_test_run ();
}
