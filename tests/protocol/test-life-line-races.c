/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Breaks and releases with the life-line, while between any two calls others work, or a process
 * dies. Time stands still unless a test lets it pass.
 */

#include "life-line-util.h"

static FluflOutcome
try_some (Proc *p, guint n)
{
  FluflOutcome outcome = proc_attempt (p);

  while (outcome == FLUFL_OUTCOME_BUSY && --n > 0)
    outcome = proc_attempt (p);
  return outcome;
}

/* Asserts that a process which tries every half second gets the lock within @seconds. */
static void
assert_free_within (double seconds)
{
  gint64 end = fake_disk_server_now () + (gint64) (seconds * (double) FAKE_SEC);
  guint n_open = fake_disk_n_open ();
  Proc p;

  proc_init (&p);
  while (proc_attempt (&p) != FLUFL_OUTCOME_HELD)
    {
      fake_disk_advance (FAKE_SEC / 2);
      g_assert_cmpint (fake_disk_server_now (), <=, end);
    }
  g_assert_true (proc_has_it (&p));
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_false (fake_disk_exists (LOCK));
  g_assert_cmpuint (fake_disk_n_open (), ==, n_open);
  proc_clear (&p);
}

typedef struct
{
  Proc  *proc;
  gint64 delay;
} Intruder;

static void
intrude (gpointer data)
{
  Intruder *intruder = data;

  fake_disk_advance (intruder->delay);
  if (intruder->proc->claim.path == NULL || !proc_has_it (intruder->proc))
    try_some (intruder->proc, 3);
}

/* A breaks the lock of a dead holder. Before its call k, B does all that it can. A process whose
 * attempt has succeeded holds the lock to the end. */
static void
two_breakers (gboolean a_is_remote, gboolean b_is_remote, gint64 age, gint64 delay)
{
  guint b_won = 0;

  for (guint k = 1;; k++)
    {
      gboolean a_has, b_has, struck;
      FluflOutcome outcome;
      Proc a, b;
      Intruder intruder = { &b, delay };

      fake_disk_reset ();
      a_is_remote ? remote_init (&a) : proc_init (&a);
      b_is_remote ? remote_init (&b) : proc_init (&b);
      leave_dead_holder ();
      fake_disk_advance (age);
      fake_disk_hook (NULL, k, intrude, &intruder);
      outcome = try_some (&a, 3);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();

      a_has = proc_has_it (&a);
      b_has = proc_has_it (&b);
      g_test_message ("before call %u: A %d, B %d", k, a_has, b_has);
      g_assert_false (a_has && b_has);
      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, a_has);
      if (b.claim.path != NULL && fake_disk_exists (b.claim.path)
          && fake_disk_nlink (b.claim.path) >= 2)
        g_assert_true (b_has);
      b_won += b_has;

      give_up_or_back (&a);
      give_up_or_back (&b);
      assert_free_within (delay > 0 || age > 0 ? 80 : 0);
      assert_disk_empty ();
      if (!struck)
        break;
    }
  g_assert_cmpuint (b_won, >, 0);
}

#define EXPIRED (LIFETIME + FLUFL_SLOP + 6 * FAKE_SEC)

static void
test_two_breakers (void)
{
  two_breakers (FALSE, FALSE, 0, 0);
}

static void
test_two_breakers_slow (void)
{
  two_breakers (FALSE, FALSE, 0, 3 * FAKE_SEC);
  two_breakers (FALSE, FALSE, EXPIRED, 3 * FAKE_SEC);
}

static void
test_against_ordinary (void)
{
  g_test_summary ("A breaker with the life-line and one without");
  for (gint64 delay = 0; delay <= 3 * FAKE_SEC; delay += 3 * FAKE_SEC)
    {
      two_breakers (FALSE, TRUE, EXPIRED, delay);
      two_breakers (TRUE, FALSE, EXPIRED, delay);
    }
}

typedef struct
{
  Proc *holder;
  Proc *other;
} Fall;

static void
holder_dies (gpointer data)
{
  Fall *fall = data;

  proc_die (fall->holder);
  g_assert_cmpint (try_some (fall->other, 3), ==, FLUFL_OUTCOME_BUSY);
}

static void
test_orphan_rests (void)
{
  Proc holder, ordinary, other;
  Fall fall = { &holder, &other };

  g_test_summary ("An ordinary breaker stands before its last step when the holder dies");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&other);
  remote_init (&ordinary);
  proc_acquire (&holder);
  /* Where the system shows it that the holder lives, it must have watched. */
  for (gint64 t = 0; t < LIFETIME + FLUFL_SLOP; t += FAKE_SEC)
    {
      g_assert_cmpint (proc_attempt (&ordinary), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (FAKE_SEC);
    }
  fake_disk_advance (FAKE_SEC);
  fake_disk_hook ("unlink", 2, holder_dies, &fall);
  proc_acquire (&ordinary);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (proc_attempt (&other), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (proc_has_it (&ordinary));
  give_up_or_back (&ordinary);
  give_up_or_back (&other);
  assert_disk_empty ();
  proc_clear (&holder);
}

/* Time passes, and another process tries every half second. */
static void
others_wait (gpointer data)
{
  Proc *other = data;

  for (int i = 0; i < 100; i++)
    {
      fake_disk_advance (FAKE_SEC / 2);
      g_assert_cmpint (proc_attempt (other), ==, FLUFL_OUTCOME_BUSY);
    }
  g_assert_true (other->found.resting);
  g_assert_cmpint (other->found.rest, ==, 60 * FAKE_SEC); /* the message says so */
}

static void
test_release_is_left_to_the_living (void)
{
  Proc holder, other;

  g_test_summary ("Stopped just before its last step a holder still has its life-line");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&other);
  proc_acquire (&holder);
  fake_disk_hook ("unlink", 2, others_wait, &other);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_true (fake_disk_order_done ());
  proc_acquire (&other);
  proc_release (&other);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&other);
}

static void
test_stopped_for_ever (void)
{
  Proc holder;

  g_test_summary ("Stopped there for ever it shuts nobody out for ever");
  fake_disk_reset ();
  proc_init (&holder);
  proc_acquire (&holder);
  fake_syscalls.unlink (holder.claim.path); /* and stops here */
  assert_free_within (LIFETIME / FAKE_SEC + 80);
  proc_die (&holder);
  proc_clear (&holder);
  assert_disk_empty ();
}

static void
test_release_meanwhile (void)
{
  g_test_summary ("Before call k of a release somebody else does all it can");
  for (guint k = 1;; k++)
    {
      Proc holder, other;
      Intruder intruder = { &other, 0 };
      gboolean struck;

      fake_disk_reset ();
      proc_init (&holder);
      proc_init (&other);
      proc_acquire (&holder);
      fake_disk_hook (NULL, k, intrude, &intruder);
      g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();
      if (!proc_has_it (&other))
        proc_acquire (&other);
      give_up_or_back (&other);
      assert_disk_empty ();
      proc_clear (&holder);
      if (!struck)
        break;
    }
}

typedef void (*Act) (Proc *p);

static void
act_acquire (Proc *p)
{
  try_some (p, 2);
}

static void
act_break (Proc *p)
{
  if (flufl_claim_create (&p->claim, &p->site, LIFETIME, &p->found.errsv) == FLUFL_OUTCOME_READY)
    flufl_break (&p->claim, &p->site, FALSE, &p->found);
}

static void
act_release (Proc *p)
{
  proc_release (p);
}

/* A process dies at call k of its action. Others get the lock in time. */
static void
die_at_each_call (Act act, gboolean holds, gboolean expired, gboolean remote, gboolean orphan,
                  double seconds)
{
  guint runs = 0;

  for (guint k = 1;; k++)
    {
      gboolean died;
      Proc p;

      fake_disk_reset ();
      remote ? remote_init (&p) : proc_init (&p);
      if (holds)
        proc_acquire (&p);
      else
        leave_dead_holder ();
      if (orphan)
        {
          g_autofree char *claim = g_strdup (fake_disk_content (LOCK));

          fake_syscalls.unlink (claim);
          fake_disk_advance (6 * FAKE_SEC);
        }
      if (expired)
        fake_disk_advance (EXPIRED);
      fake_disk_die (k);
      act (&p);
      proc_die (&p);
      died = fake_disk_bury ();
      g_test_message ("at call %u", k);
      assert_free_within (seconds);
      proc_clear (&p);
      runs++;
      if (!died)
        break;
    }
  g_assert_cmpuint (runs, >, 3);
}

static void
test_death (void)
{
  const double grace = FLUFL_GRACE / FAKE_SEC;

  g_test_message ("In a release");
  die_at_each_call (act_release, TRUE, FALSE, FALSE, FALSE, grace + 1);
  g_test_message ("In a late release");
  die_at_each_call (act_release, TRUE, TRUE, FALSE, FALSE, grace + 1);
  g_test_message ("In a break with the life-line");
  die_at_each_call (act_acquire, FALSE, FALSE, FALSE, FALSE, grace + 1);
  g_test_message ("In a recovery with the life-line");
  die_at_each_call (act_acquire, FALSE, FALSE, FALSE, TRUE, grace + 1);
  g_test_message ("In an ordinary break");
  die_at_each_call (act_break, FALSE, TRUE, TRUE, FALSE, grace + 1);
}

/* Without life-lines others get the lock at expiry + slop + grace at the latest. */
static void
test_death_without (void)
{
  for (guint k = 1;; k++)
    {
      gboolean died;
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      p.site.no_life_lines = TRUE;
      proc_acquire (&p);
      fake_disk_die (k);
      proc_release (&p);
      proc_die (&p);
      died = fake_disk_bury ();
      assert_free_within ((LIFETIME + FLUFL_SLOP + FLUFL_GRACE) / FAKE_SEC + 1);
      proc_clear (&p);
      if (!died)
        break;
    }
}

/* A breaker without a life-line dies while it breaks an expired lock. Others wait for two rests:
 * that of the orphan, and that of the claim which the orphan is given. */
static void
test_death_of_breaker_without (void)
{
  guint runs = 0;

  for (guint k = 1;; k++)
    {
      gboolean died;
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      p.site.no_life_lines = TRUE;
      put_claim ("x.lock|elsewhere|77|123456789", TRUE, -3600);
      fake_disk_advance (60 * FAKE_SEC);
      fake_disk_die (k);
      act_break (&p);
      proc_die (&p);
      died = fake_disk_bury ();
      g_test_message ("at call %u", k);
      assert_free_within (2 * FLUFL_GRACE / FAKE_SEC + 1);
      proc_clear (&p);
      runs++;
      if (!died)
        break;
    }
  g_assert_cmpuint (runs, >, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/life-line/two-breakers", test_two_breakers);
  g_test_add_func ("/life-line/two-breakers-slow", test_two_breakers_slow);
  g_test_add_func ("/life-line/against-ordinary", test_against_ordinary);
  g_test_add_func ("/life-line/orphan-rests", test_orphan_rests);
  g_test_add_func ("/life-line/release-is-left-to-the-living", test_release_is_left_to_the_living);
  g_test_add_func ("/life-line/stopped-for-ever", test_stopped_for_ever);
  g_test_add_func ("/life-line/release-meanwhile", test_release_meanwhile);
  g_test_add_func ("/life-line/death", test_death);
  g_test_add_func ("/life-line/death-without", test_death_without);
  g_test_add_func ("/life-line/death-of-breaker-without", test_death_of_breaker_without);
  return g_test_run ();
}
