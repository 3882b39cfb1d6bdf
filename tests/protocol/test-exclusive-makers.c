/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Makers of a lock file without hard links that are late, overtaken or refused.
 */

#include <errno.h>

#include "exclusive-util.h"
static void
take_over_hook (gpointer user_data)
{
  Proc *q = user_data;

  fake_disk_advance (FLUFL_SLOP + 2 * GRAIN);
  g_assert_cmpint (proc_attempt (q), ==, FLUFL_OUTCOME_HELD);
}

static void
test_overtaken_maker (void)
{
  Proc p, q;

  g_test_summary ("A maker that sleeps before its touch, and is broken, does not hold the next lock");
  begin_on_fat ();
  proc_init (&p);
  proc_init (&q);
  flufl_break_keeps_vigil = FALSE;
  fake_disk_hook ("utimens", 1, take_over_hook, &q);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  flufl_break_keeps_vigil = TRUE;
  proc_abandon (&p);
  g_assert_cmpint (proc_release (&q), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
  proc_clear (&q);
}

static void
test_refused_creation (void)
{
  const int vague[] = { EPERM, EOPNOTSUPP, EIO };
  Proc p;

  g_test_summary ("Some errors may mean that the lock file existed a moment ago, and are not final at once");
  begin_on_fat ();
  proc_init (&p);
  for (gsize i = 0; i < G_N_ELEMENTS (vague); i++)
    {
      fake_disk_fault ("create", 2, FAKE_FAIL, vague[i]);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
    }

  fake_disk_fault ("create", 2, FAKE_FAIL, EROFS);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_FAILED);
  g_assert_cmpint (p.found.errsv, ==, EROFS);
  g_assert_cmpint (p.found.failed_step, ==, FLUFL_FAILED_CREATE_LOCK);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_late_maker (void)
{
  g_test_summary ("A maker that is late at any call holds the lock only by a confirmation");
  for (guint nth = 1; nth < 40; nth++)
    {
      FluflOutcome outcome;
      Proc p, q;
      int errsv;

      begin_on_fat ();
      proc_init (&p);
      proc_init (&q);
      fake_disk_hook (NULL, nth, sleep_hook, NULL);
      outcome = proc_attempt (&p);
      if (!fake_disk_order_done ())
        {
          fake_disk_cancel_order ();
          proc_release (&p);
          proc_clear (&p);
          proc_clear (&q);
          return;
        }
      if (outcome == FLUFL_OUTCOME_HELD)
        g_assert_cmpint (flufl_claim_check (&p.claim, &p.site, &errsv), ==, FLUFL_OUTCOME_HELD);
      proc_abandon (&p);
      g_assert_true (is_free_within (&q, 60));
      proc_release (&q);
      proc_clear (&p);
      proc_clear (&q);
    }
  g_assert_not_reached ();
}

static void
test_late_touch (void)
{
  Proc p;

  g_test_summary ("A maker that withdraws tries again only when its caller has seen the time");
  begin_on_fat ();
  proc_init (&p);
  fake_disk_hook ("pwrite", 5, sleep_hook, NULL);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.errsv, ==, ETIMEDOUT);
  g_assert_cmpint (p.found.failed_step, ==, FLUFL_FAILED_CREATE_LOCK);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_full_disk (void)
{
  static const char *const calls[] = { "pwrite", "close", "utimens" };
  static const guint nth[] = { 5, 1, 1 };

  g_test_summary ("A maker that cannot write the lock file leaves none");
  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      Proc p, q;

      begin_on_fat ();
      proc_init (&p);
      proc_init (&q);
      fake_disk_fault (calls[i], nth[i], FAKE_FAIL, ENOSPC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_FAILED);
      g_assert_true (fake_disk_order_done ());
      g_assert_cmpint (p.found.errsv, ==, ENOSPC);
      assert_disk_empty ();
      g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_release (&q), ==, FLUFL_OUTCOME_RELEASED);
      proc_clear (&p);
      proc_clear (&q);
    }
}

static void
deleted_hook (gpointer user_data G_GNUC_UNUSED)
{
  g_assert_cmpint (fake_syscalls.unlink (LOCK), ==, 0);
  put_lock (REMOTE, 60);
  fake_disk_fault ("utimens", 1, FAKE_FAIL, ENOSPC);
}

static void
test_full_disk_deleted (void)
{
  Proc p;

  g_test_summary ("A maker that fails leaves another process's lock file alone");
  begin_on_fat ();
  proc_init (&p);
  fake_disk_hook ("close", 1, deleted_hook, NULL);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_FAILED);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (LOCK));
  g_assert_cmpuint (fake_disk_n_names (), ==, 2);
  proc_clear (&p);
}

static void
late_failure_hook (gpointer user_data G_GNUC_UNUSED)
{
  sleep_hook (NULL);
  fake_disk_fault ("close", 1, FAKE_FAIL, ENOSPC);
}

static void
test_late_failure (void)
{
  Proc p;

  g_test_summary ("A maker that fails late removes its lock file only with a mark");
  begin_on_fat ();
  proc_init (&p);
  fake_disk_hook ("pwrite", 5, late_failure_hook, NULL);
  fake_disk_forget_calls ();
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_FAILED);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpuint (fake_disk_count_calls ("create"), ==, 3);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_late_creation (void)
{
  Proc p, q;

  g_test_summary ("A maker that is late when it has created the lock file leaves it blank");
  begin_on_fat ();
  proc_init (&p);
  proc_init (&q);
  fake_disk_hook ("create", 2, sleep_hook, NULL);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpstr (fake_disk_content (LOCK), ==, "");
  g_assert_true (is_free_within (&q, 8));
  proc_abandon (&p);
  proc_release (&q);
  assert_disk_empty ();
  proc_clear (&p);
  proc_clear (&q);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exclusive-makers/overtaken-maker", test_overtaken_maker);
  g_test_add_func ("/exclusive-makers/refused-creation", test_refused_creation);
  g_test_add_func ("/exclusive-makers/late-maker", test_late_maker);
  g_test_add_func ("/exclusive-makers/late-touch", test_late_touch);
  g_test_add_func ("/exclusive-makers/full-disk", test_full_disk);
  g_test_add_func ("/exclusive-makers/full-disk-deleted", test_full_disk_deleted);
  g_test_add_func ("/exclusive-makers/late-failure", test_late_failure);
  g_test_add_func ("/exclusive-makers/late-creation", test_late_creation);
  return g_test_run ();
}
