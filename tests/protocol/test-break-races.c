/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Breaking and recovering, with others at work between any two calls.
 */

#include "protocol-util.h"

typedef struct
{
  Proc  *proc;
  gint64 delay;
  guint  steps;
} Intruder;

/* Another process does all that it can, after a delay. */
static void
intrude (gpointer data)
{
  Intruder *intruder = data;

  fake_disk_advance (intruder->delay);
  for (guint i = 0; i < intruder->steps; i++)
    if (proc_attempt (intruder->proc) == FLUFL_OUTCOME_HELD)
      break;
}

static FluflOutcome
attempt_until_settled (Proc *p)
{
  FluflOutcome outcome = proc_attempt (p);

  for (int i = 0; i < 3 && outcome == FLUFL_OUTCOME_BUSY; i++)
    outcome = proc_attempt (p);
  return outcome;
}

/* Hazard 3: A breaks. Before its call number k, B does all that it can. Then A goes on. Never do
 * both hold, and the lock file is that of the holder. */
static void
two_breakers (gint64 delay)
{
  guint runs = 0, b_won = 0;

  for (guint k = 1;; k++)
    {
      FluflOutcome outcome;
      gboolean a_has, b_has, struck;
      Proc a, b;
      Intruder intruder = { &b, delay, 3 };

      fake_disk_reset ();
      proc_init (&a);
      proc_init (&b);
      put_claim (FOREIGN, TRUE, -3600);
      fake_disk_advance (60 * FAKE_SEC);
      fake_disk_hook (NULL, k, intrude, &intruder);
      outcome = attempt_until_settled (&a);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();

      a_has = proc_has_it (&a);
      b_has = proc_has_it (&b);
      g_test_message ("before call %u: A %d, B %d", k, a_has, b_has);
      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, a_has);
      /* If B has acquired the lock, it still holds it, whatever A has done since. */
      if (b.claim.path != NULL && flufl_claim_lease_left (&b.claim, &b.site) > 0
          && fake_disk_exists (b.claim.path) && fake_disk_nlink (b.claim.path) >= 2)
        g_assert_true (b_has);
      g_assert_false (a_has && b_has);
      b_won += b_has;

      if (a_has)
        g_assert_cmpint (proc_release (&a), ==, FLUFL_OUTCOME_RELEASED);
      else
        proc_abandon (&a);
      if (b_has)
        {
          g_assert_cmpint (proc_release (&b), ==, FLUFL_OUTCOME_RELEASED);
        }
      else
        proc_abandon (&b);

      /* No process is shut out for ever. */
      for (int i = 0; i < 5 && fake_disk_exists (LOCK); i++)
        {
          Proc c;

          fake_disk_advance (60 * FAKE_SEC);
          proc_init (&c);
          if (proc_attempt (&c) == FLUFL_OUTCOME_HELD)
            proc_release (&c);
          else
            proc_abandon (&c);
          proc_clear (&c);
        }
      assert_disk_empty ();
      proc_clear (&a);
      proc_clear (&b);
      runs++;
      if (!struck)
        break;
    }
  g_assert_cmpuint (runs, >, 10);
  g_assert_cmpuint (b_won, >, 0);
}

/* --- A break of one lock, which changes hands before any call of the breaker --- */

typedef struct
{
  Proc holder, next;
} HandOver;

static void
hand_over (gpointer data)
{
  HandOver *self = data;

  proc_release (&self->holder);
  if (!fake_disk_exists (LOCK))
    proc_acquire (&self->next);
}

static void
test_one_lock_by_force (void)
{
  guint others = 0, losses = 0, removed = 0, k = 1;
  gboolean struck;

  g_test_summary ("A forced break of one lock spares the next holder's until its last call");
  do
    {
      HandOver self;
      Proc breaker;
      FluflOutcome outcome;
      g_autofree char *only = NULL;

      fake_disk_reset ();
      proc_init (&self.holder);
      proc_init (&self.next);
      proc_init (&breaker);
      proc_acquire (&self.holder);
      breaker.found.only = only = g_path_get_basename (self.holder.claim.path);
      fake_disk_hook (NULL, k++, hand_over, &self);
      outcome = flufl_break_force (&breaker.site, &breaker.found);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();

      g_test_message ("before call %u: outcome %d", k - 1, (int) outcome);
      if (self.next.claim.path != NULL)
        {
          others++;
          /* unlink(2) removes whatever has the name. That is the last call of the breaker. */
          if (!proc_has_it (&self.next))
            removed = k - 1;
          g_assert_cmpint (proc_release (&self.next), ==,
                           removed == 0 ? FLUFL_OUTCOME_RELEASED : FLUFL_OUTCOME_LOST);
        }
      else
        {
          losses++;
          g_assert_cmpint (outcome, ==, FLUFL_OUTCOME_RELEASED);
          proc_abandon (&self.holder);
        }
      assert_disk_empty ();
      proc_clear (&self.holder);
      proc_clear (&self.next);
      proc_clear (&breaker);
    }
  while (struck);
  g_assert_true (removed == 0 || removed == k - 2);
  g_assert_cmpuint (others, >, 3);
  g_assert_cmpuint (losses, >, 0);
}

/* --- A look in the middle of another's unlink(2) of the claim --- */

static gboolean torn;

/* The link count is lowered, and the ctime not yet set. */
static int
torn_fstat (int fd, FluflStat *st)
{
  int answer = fake_syscalls.fstat (fd, st);

  if (torn && answer == 0 && st->nlink == 2)
    st->nlink--;
  return answer;
}

/* The other's call is done by now. */
static int
torn_close (int fd)
{
  if (torn)
    g_assert_cmpint (fake_syscalls.unlink ("/d|e/" FOREIGN), ==, 0);
  torn = FALSE;
  return fake_syscalls.close (fd);
}

static void
test_torn_look (void)
{
  FluflSyscalls table = fake_syscalls;
  Proc a;

  table.fstat = torn_fstat;
  table.close = torn_close;
  fake_disk_reset ();
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (60 * FAKE_SEC);
  proc_init_at (&a, &table, LOCK);
  a.claim.path = NULL;
  g_assert_cmpint (flufl_attempt_claim (&a.claim, &a.site, LIFETIME, &a.found), ==,
                   FLUFL_OUTCOME_READY);
  torn = TRUE;
  g_assert_cmpint (proc_attempt (&a), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (torn);
  g_assert_false (fake_disk_exists ("/d|e/" FOREIGN));
  /* The other process goes on to its end. */
  g_assert_cmpint (fake_syscalls.unlink (LOCK), ==, 0);
  g_assert_cmpint (proc_attempt (&a), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (proc_release (&a), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&a);
}

static void
test_two_breakers (void)
{
  two_breakers (0);
}

static void
test_two_breakers_slow (void)
{
  g_test_summary ("B comes 3 s later: A has passed half its grace, and stops");
  two_breakers (3 * FAKE_SEC);
}

/* Waits until the lock of a holder with a life-line, which does nothing, may be broken. */
static void
watch_until_expired (Proc *p)
{
  for (gint64 t = 0; t <= LIFETIME + FLUFL_SLOP; t += FAKE_SEC)
    {
      g_assert_cmpint (proc_attempt (p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (FAKE_SEC);
    }
}

static void
refresh_holder (gpointer data)
{
  Proc *holder = data;

  proc_refresh (holder);
}

/* A late holder refreshes before call k of the breaker. Either the refresh reports a loss, or
 * the holder keeps the lock. */
static void
test_holder_refreshes_meanwhile (void)
{
  guint kept = 0, lost = 0;

  for (guint k = 1;; k++)
    {
      Proc holder, breaker;
      gboolean struck, has;
      FluflOutcome outcome;

      fake_disk_reset ();
      proc_init (&holder);
      proc_init (&breaker);
      breaker.break_dead = FALSE;
      proc_acquire (&holder);
      watch_until_expired (&breaker);
      fake_disk_hook (NULL, k, refresh_holder, &holder);
      outcome = attempt_until_settled (&breaker);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();

      has = proc_has_it (&holder);
      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, proc_has_it (&breaker));
      g_assert_false (has && outcome == FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_refresh (&holder) == FLUFL_OUTCOME_HELD, ==, has);
      has ? kept++ : lost++;

      if (has)
        proc_release (&holder);
      else
        proc_abandon (&holder);
      proc_release (&breaker);
      proc_clear (&holder);
      proc_clear (&breaker);
      if (!struck)
        break;
    }
  g_assert_cmpuint (kept, >, 0);
  g_assert_cmpuint (lost, >, 0);
}

static void
test_refreshed_at_last_moment (void)
{
  Proc holder, breaker;

  g_test_summary ("Refreshed after the last look and before the token: given back");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&breaker);
  breaker.break_dead = FALSE;
  proc_acquire (&holder);
  watch_until_expired (&breaker);
  fake_disk_hook (WINS_TOKEN, refresh_holder, &holder);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (proc_has_it (&holder));
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  proc_abandon (&breaker);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&breaker);
}

static void
take_token (gpointer unused G_GNUC_UNUSED)
{
  g_assert_cmpint (fake_syscalls.unlink ("/d|e/" FOREIGN), ==, 0);
}

static void
test_token_just_taken (void)
{
  Proc breaker;

  g_test_summary ("Another breaker has the token since the look: it is no orphan yet");
  fake_disk_reset ();
  proc_init (&breaker);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (60 * FAKE_SEC);
  fake_disk_hook (SEES_HOLDERS_CLAIM, take_token, NULL);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_false (fake_disk_exists ("/d|e/" FOREIGN));
  fake_syscalls.unlink (LOCK);
  proc_acquire (&breaker);
  g_assert_cmpint (proc_release (&breaker), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&breaker);
}

static void
test_blank_meanwhile (void)
{
  Proc holder, breaker;
  g_autofree char *path = NULL;

  g_test_summary ("A living holder whose server lost the content: refreshed, won by another, released");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&breaker);
  breaker.break_dead = FALSE;
  proc_acquire (&holder);
  path = g_strdup (holder.claim.path);
  blank_file (LOCK, 0);
  watch_until_expired (&breaker);

  g_test_message ("Refreshed before the token is won: given back");
  fake_disk_hook (WINS_TOKEN, refresh_holder, &holder);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (path));
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
  g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
  proc_abandon (&breaker);

  g_test_message ("A late release removes it all the same");
  fake_disk_advance (LIFETIME);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&breaker);
}

static void
pass_three_seconds (gpointer unused G_GNUC_UNUSED)
{
  fake_disk_advance (3 * FAKE_SEC);
}

static void
test_slow_breaker_stops (void)
{
  Proc breaker;

  g_test_summary ("Past half the grace since its look a breaker does nothing more");
  fake_disk_reset ();
  proc_init (&breaker);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (60 * FAKE_SEC);

  fake_disk_hook (SEES_HOLDERS_CLAIM, pass_three_seconds, NULL);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
  proc_abandon (&breaker); /* so that the same calls follow again */

  fake_disk_hook (LOOKS_AGAIN, pass_three_seconds, NULL);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 1);
  proc_abandon (&breaker);
  proc_clear (&breaker);
}

typedef struct
{
  Proc *holder;
  FluflOutcome outcome;
} Release;

static void
release_holder (gpointer data)
{
  Release *release = data;

  release->outcome = proc_release (release->holder);
}

static void
test_holder_releases_meanwhile (void)
{
  g_test_summary ("A late holder releases before call k of the breaker");
  for (guint k = 1;; k++)
    {
      Proc holder, breaker;
      Release release = { &holder, FLUFL_OUTCOME_BUSY };
      FluflOutcome outcome;
      gboolean struck;

      fake_disk_reset ();
      proc_init (&holder);
      proc_init (&breaker);
      breaker.break_dead = FALSE;
      proc_acquire (&holder);
      watch_until_expired (&breaker);
      fake_disk_hook (NULL, k, release_holder, &release);
      outcome = attempt_until_settled (&breaker);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();

      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, proc_has_it (&breaker));
      if (!struck)
        release_holder (&release);
      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, proc_has_it (&breaker));
      if (outcome == FLUFL_OUTCOME_HELD)
        g_assert_cmpint (proc_release (&breaker), ==, FLUFL_OUTCOME_RELEASED);
      else
        proc_abandon (&breaker);
      proc_clear (&holder);
      proc_clear (&breaker);
      if (!struck)
        break;
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/break/races/torn-look", test_torn_look);
  g_test_add_func ("/break/one-lock-by-force", test_one_lock_by_force);
  g_test_add_func ("/break/blank/meanwhile", test_blank_meanwhile);
  g_test_add_func ("/break/two-breakers", test_two_breakers);
  g_test_add_func ("/break/two-breakers-slow", test_two_breakers_slow);
  g_test_add_func ("/break/holder-refreshes-meanwhile", test_holder_refreshes_meanwhile);
  g_test_add_func ("/break/refreshed-at-last-moment", test_refreshed_at_last_moment);
  g_test_add_func ("/break/token-just-taken", test_token_just_taken);
  g_test_add_func ("/break/slow-breaker-stops", test_slow_breaker_stops);
  g_test_add_func ("/break/holder-releases-meanwhile", test_holder_releases_meanwhile);
  return g_test_run ();
}
