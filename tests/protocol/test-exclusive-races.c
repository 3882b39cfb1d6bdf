/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Holders, breakers and releasers that meet on a file system without hard links, or die there.
 */

#include <errno.h>
#include <string.h>

#include "exclusive-util.h"
#include "flufl-exclusive-name.h"

static void
test_life_line (void)
{
  Proc p, q;

  g_test_summary ("A killed holder of the same machine costs no rest; a living one is not broken");
  begin_on_fat ();
  proc_init (&p);
  proc_init (&q);
  q.break_dead = TRUE;
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (q.found.liveness, ==, FLUFL_LIVENESS_ALIVE);
  proc_die (&p);
  g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_HELD);
  proc_release (&q);
  assert_disk_empty ();
  proc_clear (&p);
  proc_clear (&q);
}

static void
test_broken_holder_learns (void)
{
  Proc p, q;

  g_test_summary ("A holder whose lock was broken learns of it, and leaves the new lock alone");
  begin_on_fat ();
  proc_init (&p);
  proc_init (&q);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  fake_disk_advance (LIFETIME + FLUFL_SLOP + 2 * GRAIN);
  g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (q.found.in_vigil);
  g_test_message ("A waiter that slept watches anew: the holder may have slept, too");
  fake_disk_advance (60 * FAKE_SEC);
  for (gint64 t = 0; t < 15 * FAKE_SEC; t += FAKE_SEC)
    {
      g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_BUSY);
      g_assert_cmpint (q.found.vigil_left, ==, 15 * FAKE_SEC - t);
      fake_disk_advance (FAKE_SEC);
    }
  g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_LOST);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_LOST);
  g_assert_cmpint (proc_release (&q), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
  proc_clear (&q);
}

static void
refresh_hook (gpointer user_data)
{
  FluflOutcome *outcome = ((gpointer *) user_data)[1];

  *outcome = proc_refresh (((gpointer *) user_data)[0]);
}

static void
test_refresh_in_break (void)
{
  g_test_summary ("A refresh at any call of a break: the lock is the holder's or the breaker's, "
                  "never both");
  for (guint nth = 1; nth < 60; nth++)
    {
      FluflOutcome refreshed = FLUFL_OUTCOME_BUSY, broken, checked;
      gpointer data[2];
      Proc p, q;
      int errsv;

      begin_on_fat ();
      proc_init (&p);
      proc_init (&q);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      fake_disk_advance (LIFETIME + FLUFL_SLOP + 2 * GRAIN);
      g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (15 * FAKE_SEC);
      data[0] = &p;
      data[1] = &refreshed;
      fake_disk_hook (NULL, nth, refresh_hook, data);
      broken = proc_attempt (&q);
      fake_disk_cancel_order ();
      if (refreshed == FLUFL_OUTCOME_BUSY)
        {
          g_assert_cmpuint (nth, >, 10);
          proc_release (&p);
          proc_abandon (&q);
          proc_clear (&p);
          proc_clear (&q);
          return;
        }
      checked = flufl_claim_check (&p.claim, &p.site, &errsv);
      g_assert_false (broken == FLUFL_OUTCOME_HELD && checked == FLUFL_OUTCOME_HELD);
      /* A confirmed refresh is kept. */
      if (refreshed == FLUFL_OUTCOME_HELD)
        g_assert_cmpint (broken, !=, FLUFL_OUTCOME_HELD);
      proc_release (&p);
      proc_abandon (&q);
      proc_clear (&p);
      proc_clear (&q);
    }
  g_assert_not_reached ();
}

static void
mark_hook (gpointer user_data G_GNUC_UNUSED)
{
  put_mark (REMOTE, 1);
}

static void
test_one_breaker (void)
{
  Proc p;

  g_test_summary ("A breaker that does not make the mark removes nothing");
  begin_on_fat ();
  proc_init (&p);
  put_lock (REMOTE, -3600);
  fake_disk_hook ("create", 3, mark_hook, NULL);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (LOCK));
  g_assert_true (fake_disk_exists ("/d|e/" REMOTE));
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_late_breaker (void)
{
  /* The look for the claim, and its removal. */
  static const struct
  {
    const char *call;
    guint       nth;
    gboolean    marks;
  } moments[] = { { "open", 4, FALSE }, { "unlink", 1, TRUE } };

  g_test_summary ("A breaker that is late removes no lock, and makes no mark");
  for (gsize i = 0; i < G_N_ELEMENTS (moments); i++)
    {
      Proc p;

      begin_on_fat ();
      proc_init (&p);
      put_lock (REMOTE, -3600);
      fake_disk_hook (moments[i].call, moments[i].nth, sleep_hook, NULL);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_true (fake_disk_order_done ());
      g_assert_true (fake_disk_exists (LOCK));
      g_assert_cmpint (fake_disk_exists ("/d|e/" REMOTE "^1"), ==, moments[i].marks);
      proc_abandon (&p);
      proc_clear (&p);
    }
}

/* Each call takes as long as *@user_data. */
static void
latency_hook (gpointer user_data)
{
  fake_disk_advance (*(gint64 *) user_data);
  fake_disk_hook (NULL, 1, latency_hook, user_data);
}

static void
test_slow_breaker (void)
{
  gint64 latency = FAKE_SEC / 5;
  Proc p;

  g_test_summary ("A breaker whose calls take 0.2 s removes a dead holder's lock with its first mark");
  begin_on_fat ();
  proc_init (&p);
  put_lock (REMOTE, -3600);
  fake_disk_hook (NULL, 1, latency_hook, &latency);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  fake_disk_cancel_order ();
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_slowest_breaker (void)
{
  Proc p;

  g_test_summary ("A breaker whose calls take too long uses up no mark, and reports it");
  for (gint64 latency = 6 * FAKE_SEC / 25; latency < FAKE_SEC; latency += FAKE_SEC / 100)
    {
      begin_on_fat ();
      proc_init (&p);
      put_lock (REMOTE, -3600);
      fake_disk_hook (NULL, 1, latency_hook, &latency);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_cmpint (p.found.break_errsv, ==, ETIMEDOUT);
      g_assert_true (fake_disk_exists (LOCK));
      g_assert_false (fake_disk_exists ("/d|e/" REMOTE "^1"));
      fake_disk_cancel_order ();
      proc_abandon (&p);
      proc_clear (&p);
    }
}

static void
test_late_releaser (void)
{
  g_test_summary ("A releaser that is late, or finds a mark, leaves the lock file to others");
  for (int i = 0; i < 2; i++)
    {
      Proc p;

      begin_on_fat ();
      proc_init (&p);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      p.claim.doubtful = TRUE;
      if (i == 0)
        fake_disk_hook ("create", 1, sleep_hook, NULL);
      else
        put_mark (strrchr (p.claim.path, '/') + 1, 1);
      g_assert_cmpint (proc_release (&p), ==, i == 0 ? FLUFL_OUTCOME_RELEASED : FLUFL_OUTCOME_LOST);
      g_assert_true (fake_disk_order_done ());
      g_assert_true (fake_disk_exists (LOCK));
      proc_clear (&p);
    }
}

static void
test_one_holder (void)
{
  FluflFindings found = { 0 };
  Proc p;

  g_test_summary ("A break of one holder's lock leaves the lock of another alone");
  begin_on_fat ();
  proc_init (&p);
  put_lock (REMOTE, -3600);
  found.only = "x.lock^elsewhere^77^T00000000000000feR0123456789abE";
  g_assert_cmpint (flufl_break (&p.claim, &p.site, FALSE, &found), ==, FLUFL_OUTCOME_OTHER);
  g_assert_cmpint (flufl_break_force (&p.site, &found), ==, FLUFL_OUTCOME_OTHER);
  g_assert_cmpuint (fake_disk_n_names (), ==, 2);
  found.only = REMOTE;
  g_assert_cmpint (flufl_break_force (&p.site, &found), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_deleted (void)
{
  g_test_summary ("A holder whose lock file a person deleted learns of it, and leaves the new one");
  for (int i = 0; i < 2; i++)
    {
      Proc p, q;

      begin_on_fat ();
      proc_init (&p);
      proc_init (&q);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      fake_syscalls.unlink (LOCK);
      g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_HELD);
      if (i == 0)
        g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_LOST);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_LOST);
      g_assert_cmpint (proc_release (&q), ==, FLUFL_OUTCOME_RELEASED);
      assert_disk_empty ();
      proc_clear (&p);
      proc_clear (&q);
    }
}

/* What one process does before it dies. */
typedef FluflOutcome (*Deed) (Proc *p);

static FluflOutcome
deed_acquire (Proc *p)
{
  return proc_attempt (p);
}

static FluflOutcome
deed_release (Proc *p)
{
  FluflOutcome outcome = proc_attempt (p);

  return outcome == FLUFL_OUTCOME_HELD ? proc_release (p) : outcome;
}

static FluflOutcome
deed_late_release (Proc *p)
{
  FluflOutcome outcome = proc_attempt (p);

  fake_disk_advance (LIFETIME);
  return outcome == FLUFL_OUTCOME_HELD ? proc_release (p) : outcome;
}

static void
test_killed (void)
{
  static const Deed deeds[] = { deed_acquire, deed_release, deed_late_release };

  g_test_summary ("A process dies before each of its calls: the next one gets the lock");
  for (guint i = 0; i < 2 * G_N_ELEMENTS (deeds); i++)
    for (guint nth = 1;; nth++)
      {
        gboolean died;
        Proc p, q;

        begin_on_fat ();
        proc_init (&p);
        proc_init (&q);
        if (i >= G_N_ELEMENTS (deeds))
          put_lock (REMOTE, -3600);
        fake_disk_die (nth);
        deeds[i % G_N_ELEMENTS (deeds)] (&p);
        died = fake_disk_bury ();
        if (!died)
          {
            g_assert_cmpuint (nth, >, 5);
            proc_clear (&p);
            proc_clear (&q);
            break;
          }
        proc_die (&p);
        /* On this disk the dead one seems to live, since it is this process: only the life-line and
         * the expiry speak. */
        g_assert_true (is_free_within (&q, 60));
        g_assert_cmpint (proc_release (&q), ==, FLUFL_OUTCOME_RELEASED);
        g_assert_false (fake_disk_exists (LOCK));
        proc_clear (&p);
        proc_clear (&q);
      }
}

static void
test_lost_replies (void)
{
  static const char *const calls[] = { "create", "pwrite", "close", "utimens", "unlink", "open", "read",
                                       "fstat" };

  g_test_summary ("Each call once fails, or loses its reply: nobody else is shut out");
  for (guint i = 0; i < 2 * G_N_ELEMENTS (calls); i++)
    for (guint nth = 1;; nth++)
      {
        Proc p, q;

        begin_on_fat ();
        proc_init (&p);
        proc_init (&q);
        fake_disk_fault (calls[i / 2], nth, i % 2 == 0 ? FAKE_FAIL : FAKE_LOSE_REPLY, EIO);
        if (proc_attempt (&p) == FLUFL_OUTCOME_HELD)
          {
            proc_refresh (&p);
            proc_release (&p);
          }
        proc_abandon (&p);
        if (!fake_disk_order_done ())
          {
            fake_disk_cancel_order ();
            proc_clear (&p);
            proc_clear (&q);
            break;
          }
        g_assert_true (is_free_within (&q, 60));
        g_assert_cmpint (proc_release (&q), ==, FLUFL_OUTCOME_RELEASED);
        g_assert_false (fake_disk_exists (LOCK));
        proc_clear (&p);
        proc_clear (&q);
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exclusive-races/life-line", test_life_line);
  g_test_add_func ("/exclusive-races/broken-holder-learns", test_broken_holder_learns);
  g_test_add_func ("/exclusive-races/refresh-in-break", test_refresh_in_break);
  g_test_add_func ("/exclusive-races/one-breaker", test_one_breaker);
  g_test_add_func ("/exclusive-races/late-breaker", test_late_breaker);
  g_test_add_func ("/exclusive-races/slow-breaker", test_slow_breaker);
  g_test_add_func ("/exclusive-races/slowest-breaker", test_slowest_breaker);
  g_test_add_func ("/exclusive-races/late-releaser", test_late_releaser);
  g_test_add_func ("/exclusive-races/one-holder", test_one_holder);
  g_test_add_func ("/exclusive-races/deleted", test_deleted);
  g_test_add_func ("/exclusive-races/killed", test_killed);
  g_test_add_func ("/exclusive-races/lost-replies", test_lost_replies);
  return g_test_run ();
}
