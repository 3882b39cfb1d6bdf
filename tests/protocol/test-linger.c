/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Claims that are kept from a release to the next attempt.
 */

#include <errno.h>
#include <string.h>

#include "protocol-util.h"

static void
test_cycle (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Proc p;

  g_test_summary ("A kept claim is not made again, and waits under no old name");
  fake_disk_reset ();
  proc_init (&p);
  for (int i = 0; i < 5; i++)
    {
      gboolean first = i == 0;

      fake_disk_forget_calls ();
      proc_acquire (&p);
      /* The first name has the time at which it wanted the lock; the second name stays. */
      g_assert_cmpint (g_hash_table_add (names, g_strdup (p.claim.path)), ==, i < 2);
      g_assert_cmpuint (fake_disk_count_calls ("pwrite") > 0, ==, i < 2);
      g_assert_cmpint (fake_disk_mtime (LOCK), ==, fake_disk_server_now () + LIFETIME);
      g_assert_cmpuint (fake_disk_count_calls ("create"), ==, first);
      g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, first);
      /* The claim that it links was made some time ago, so it sees that it got the link. */
      g_assert_cmpuint (fake_disk_n_calls () - fake_disk_count_calls ("pwrite"), ==, first ? 5 : 4);
      fake_disk_forget_calls ();
      g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
      g_assert_cmpuint (fake_disk_n_calls (), ==, first ? 3 : 2); /* rename, identify, unlink */
      g_assert_cmpuint (fake_disk_n_names (), ==, 1);
      g_assert_cmpuint (fake_disk_nlink (p.claim.path), ==, 1);
      fake_disk_advance (60 * FAKE_SEC);
    }
  proc_abandon (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
cycle_and_count (Proc *p, guint calls)
{
  fake_disk_forget_calls ();
  proc_acquire (p);
  g_assert_cmpuint (fake_disk_n_calls (), ==, calls);
  g_assert_cmpint (proc_park (p), ==, FLUFL_OUTCOME_RELEASED);
}

static void
test_seen_lately (void)
{
  guint64 ino;
  Proc p;

  g_test_summary ("A claim that was seen a moment ago is seen again only if it may have changed");
  fake_disk_reset ();
  proc_init (&p);
  p.site.names_kept = TRUE;
  proc_acquire (&p);
  proc_park (&p);
  ino = p.claim.ino;
  cycle_and_count (&p, 2);                    /* futimens, link */
  fake_disk_advance (FAKE_SEC - 1);
  cycle_and_count (&p, 2);
  fake_disk_advance (1);
  cycle_and_count (&p, 3);                    /* and fstat for its links, which … */
  cycle_and_count (&p, 2);
  fake_disk_advance (FAKE_SEC);
  cycle_and_count (&p, 4);                    /* … and whether the link was made to it */
  g_assert_cmpuint (p.claim.ino, ==, ino);

  /* With one more name its link count would lie. */
  fake_disk_advance (2 * FAKE_SEC);
  g_assert_cmpint (fake_syscalls.link (p.claim.path, "/d|e/copy"), ==, 0);
  proc_acquire (&p);
  g_assert_cmpuint (p.claim.ino, !=, ino);
  g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);

  /* The claim's name is gone, which link(2) reports. */
  ino = p.claim.ino;
  fake_syscalls.unlink (p.claim.path);
  proc_acquire (&p);
  g_assert_cmpuint (p.claim.ino, !=, ino);
  proc_release (&p);
  fake_syscalls.unlink ("/d|e/copy");
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_marks (void)
{
  FluflClaimName name;
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  proc_park (&p);
  g_assert_true (flufl_claim_name_parse (p.claim.path, strlen (p.claim.path), "x.lock", "|", &name));
  g_assert_true (name.ours);
  g_assert_true (name.kept);
  g_assert_true (name.life_line);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_not_kept (void)
{
  Proc p;

  g_test_summary ("Where links are not trusted, without a name for it, and late, nothing is kept");
  for (FluflFsKind kind = FLUFL_FS_NFS; kind <= FLUFL_FS_OTHER; kind++)
    {
      fake_disk_reset ();
      fake_disk_kind (kind);
      proc_init (&p);
      p.site.names_kept = kind == FLUFL_FS_OTHER;
      proc_acquire (&p);
      g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
      assert_disk_empty ();
      proc_clear (&p);
    }

  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  fake_disk_advance (LIFETIME + FAKE_SEC);
  fake_syscalls.unlink (p.claim.path);
  g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_LOST);
  g_assert_true (fake_disk_exists (LOCK));
  g_assert_cmpuint (fake_disk_n_open (), ==, 0);
  proc_clear (&p);

  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  fake_disk_advance (LIFETIME + FAKE_SEC);
  g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
give_name_back (gpointer old_name)
{
  g_assert_cmpint (fake_syscalls.link (LOCK, old_name), ==, 0);
}

static void
test_name_given_back (void)
{
  g_autofree char *old_name = NULL;
  guint64 ino;
  Proc p;

  g_test_summary ("Somebody recovers the lock between the two steps: the file is not used again");
  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  old_name = g_strdup (p.claim.path);
  ino = p.claim.ino;
  fake_disk_hook ("unlink", 1, give_name_back, old_name);
  g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
  proc_acquire (&p);
  g_assert_cmpint (p.claim.ino, !=, ino);
  fake_syscalls.unlink (old_name);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_removed (void)
{
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  proc_park (&p);
  fake_syscalls.unlink (p.claim.path);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_waiting (void)
{
  FluflClaimName name;
  Proc p, other;

  g_test_summary ("A waiter has a claim whose name shows since when it waits");
  fake_disk_reset ();
  proc_init (&p);
  proc_init (&other);
  proc_acquire (&p);
  proc_park (&p);
  proc_acquire (&other);
  fake_disk_advance (FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (flufl_claim_name_parse (p.claim.path, strlen (p.claim.path), "x.lock", "|", &name));
  g_assert_false (name.kept);
  g_assert_cmpuint (name.arrival, ==, (guint64) fake_disk_server_now ());
  proc_release (&other);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
  proc_clear (&other);
}

static void
two_cycles (Proc *p)
{
  for (int i = 0; i < 2; i++)
    {
      FluflOutcome outcome = proc_attempt (p);

      for (int k = 0; k < 5 && outcome != FLUFL_OUTCOME_HELD; k++)
        {
          fake_disk_advance (FAKE_SEC);
          outcome = proc_attempt (p);
        }
      if (outcome == FLUFL_OUTCOME_HELD && proc_park (p) == FLUFL_OUTCOME_FAILED)
        proc_park (p);
    }
}

typedef struct
{
  Proc *p, *other;
  guint held;
} Meanwhile;

/* Takes and gives back the lock, if it can. */
static void
other_cycles (gpointer data)
{
  Meanwhile *m = data;

  if (proc_attempt (m->other) == FLUFL_OUTCOME_HELD)
    {
      g_assert_true (proc_has_it (m->other));
      m->held++;
      g_assert_cmpint (proc_park (m->other), ==, FLUFL_OUTCOME_RELEASED);
    }
  proc_abandon (m->other);
}

static void
test_others_meanwhile (gconstpointer ahead)
{
  guint held = 0;

  for (guint k = 1;; k++)
    {
      Proc p, other;
      Meanwhile m = { &p, &other, 0 };
      gboolean struck;

      fake_disk_reset ();
      proc_init (&p);
      proc_init (&other);
      p.site.names_kept = ahead != NULL;
      fake_disk_hook (NULL, k, other_cycles, &m);
      for (int i = 0; i < 3; i++)
        {
          proc_acquire (&p);
          g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
        }
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();
      proc_abandon (&p);
      assert_disk_empty ();
      held += m.held;
      proc_clear (&p);
      proc_clear (&other);
      if (!struck)
        break;
    }
  g_assert_cmpuint (held, >, 10);
}

static void
test_death (gconstpointer ahead)
{
  for (guint k = 1;; k++)
    {
      FluflOutcome outcome;
      gboolean died;
      Proc p, next;

      fake_disk_reset ();
      proc_init (&p);
      proc_init (&next);
      p.site.names_kept = ahead != NULL;
      fake_disk_die (k);
      two_cycles (&p);
      proc_die (&p);
      died = fake_disk_bury ();
      outcome = proc_attempt (&next);
      for (int i = 0; i < 6 && outcome == FLUFL_OUTCOME_BUSY; i++)
        {
          fake_disk_advance (FAKE_SEC);
          outcome = proc_attempt (&next);
        }
      g_assert_cmpint (outcome, ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_release (&next), ==, FLUFL_OUTCOME_RELEASED);
      g_assert_false (fake_disk_exists (LOCK));
      proc_clear (&p);
      proc_clear (&next);
      if (!died)
        break;
    }
}

typedef struct
{
  Proc    *holder, *other;
  gboolean other_wants; /* and is quicker */
  gboolean holder_has, other_has;
} Reuse;

/* A late holder refreshes, releases, and takes the lock again, or another process takes it. */
static void
reuse (gpointer data)
{
  Reuse *r = data;

  r->holder_has = FALSE;
  if (proc_refresh (r->holder) != FLUFL_OUTCOME_HELD)
    {
      proc_abandon (r->holder);
      return;
    }
  if (proc_park (r->holder) != FLUFL_OUTCOME_RELEASED)
    return;
  if (r->other_wants)
    {
      FluflOutcome outcome = proc_attempt (r->other);

      r->other_has = outcome == FLUFL_OUTCOME_HELD;
      return;
    }
  r->holder_has = proc_attempt (r->holder) == FLUFL_OUTCOME_HELD;
}

static void
test_slow_breaker (gconstpointer data)
{
  gboolean other_wants = data != NULL;
  guint again = 0;

  g_test_summary ("Between two calls of a breaker the claim comes to its next use");
  for (guint k = 1;; k++)
    {
      Proc holder, other, breaker;
      Reuse r = { &holder, &other, other_wants, TRUE, FALSE };
      gboolean struck, breaker_has;

      fake_disk_reset ();
      proc_init (&holder);
      proc_init (&other);
      proc_init (&breaker);
      breaker.site.fs_kind = FLUFL_FS_NFS; /* it sees no life-lines */
      holder.site.names_kept = TRUE;
      proc_acquire (&holder);
      fake_disk_advance (LIFETIME + FLUFL_SLOP + FAKE_SEC);
      fake_disk_hook (NULL, k, reuse, &r);
      breaker_has = proc_attempt (&breaker) == FLUFL_OUTCOME_HELD;
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();
      g_test_message ("before call %u: holder %d, other %d, breaker %d", k, r.holder_has,
                      r.other_has, breaker_has);
      if (struck)
        {
          g_assert_cmpint (r.holder_has + r.other_has + breaker_has, <=, 1);
          if (r.holder_has)
            g_assert_true (proc_has_it (&holder));
          again += r.holder_has || r.other_has;
        }
      if (r.other_has)
        g_assert_true (proc_has_it (&other));
      if (breaker_has)
        g_assert_true (proc_has_it (&breaker));

      proc_has_it (&holder) ? (void) proc_release (&holder) : proc_abandon (&holder);
      proc_has_it (&other) ? (void) proc_release (&other) : proc_abandon (&other);
      proc_has_it (&breaker) ? (void) proc_release (&breaker) : proc_abandon (&breaker);
      g_assert_false (fake_disk_exists (LOCK));
      proc_clear (&holder);
      proc_clear (&other);
      proc_clear (&breaker);
      if (!struck)
        break;
    }
  g_assert_cmpuint (again, >, 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/linger/cycle", test_cycle);
  g_test_add_func ("/linger/seen-lately", test_seen_lately);
  g_test_add_func ("/linger/marks", test_marks);
  g_test_add_func ("/linger/not-kept", test_not_kept);
  g_test_add_func ("/linger/name-given-back", test_name_given_back);
  g_test_add_func ("/linger/removed", test_removed);
  g_test_add_func ("/linger/waiting", test_waiting);
  g_test_add_data_func ("/linger/others-meanwhile", NULL, test_others_meanwhile);
  g_test_add_data_func ("/linger/others-meanwhile/named-ahead", "", test_others_meanwhile);
  g_test_add_data_func ("/linger/slow-breaker", NULL, test_slow_breaker);
  g_test_add_data_func ("/linger/slow-breaker/other", "", test_slow_breaker);
  g_test_add_data_func ("/linger/death", NULL, test_death);
  g_test_add_data_func ("/linger/death/named-ahead", "", test_death);
  return g_test_run ();
}
