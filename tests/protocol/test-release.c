/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Releases that lose a reply, are refused, late or slow, or meet a breaker, in the orders that
 * matter.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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

static void
test_lost_release_reply (void)
{
  Proc p;

  g_test_summary ("The claim is removed and the answer lost, while the lease runs");
  hold (&p);
  fake_disk_fault ("unlink", 1, FAKE_LOSE_REPLY, ENOENT);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  done (&p);
}

static void
test_late_release_leaves_lock_alone (void)
{
  Proc p;

  g_test_summary ("After the lease ENOENT may mean a breaker at work: hands off");
  hold (&p);
  fake_disk_advance (LIFETIME + FAKE_SEC);
  fake_syscalls.unlink (p.claim.path);
  fake_disk_forget_calls ();
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_LOST);
  g_assert_cmpuint (fake_disk_count_calls ("unlink"), ==, 1);
  g_assert_true (fake_disk_exists (LOCK));
  done (&p);
}

static void
pass_three_seconds (gpointer unused G_GNUC_UNUSED)
{
  fake_disk_advance (3 * FAKE_SEC);
}

static void
test_slow_release (void)
{
  Proc p;

  g_test_summary ("The server takes long over the claim, and nobody has come meanwhile");
  hold (&p);
  fake_disk_hook ("unlink", 1, pass_three_seconds, NULL);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  done (&p);
}

static void
recover_after_a_while (gpointer data)
{
  fake_disk_advance (3 * FAKE_SEC);
  g_assert_cmpint (fake_syscalls.link (LOCK, data), ==, 0);
  fake_disk_advance (6 * FAKE_SEC);
}

static void
test_slow_release_stops (void)
{
  Proc p;

  g_test_summary ("Another process has recovered it: past half the grace the lock is not ours");
  hold (&p);
  /* This look comes after the claim is gone. */
  fake_disk_advance (LIFETIME * 95 / 100);
  fake_disk_hook ("lstat", 1, recover_after_a_while, claim);
  fake_disk_forget_calls ();
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_cmpuint (fake_disk_count_calls ("unlink"), ==, 1);
  g_assert_true (fake_disk_exists (LOCK));
  done (&p);
}

static void
break_half_after_a_while (gpointer data)
{
  recover_after_a_while (data);
  g_assert_cmpint (fake_syscalls.unlink (data), ==, 0);
}

static void
test_slow_release_among_breakers (void)
{
  Proc p;

  g_test_summary ("The lease is over, and somebody has won the claim: one link is not enough");
  hold (&p);
  fake_disk_advance (LIFETIME * 95 / 100);
  fake_disk_hook ("lstat", 1, break_half_after_a_while, claim);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_true (fake_disk_exists (LOCK));
  done (&p);
}

static void
rest (gpointer unused G_GNUC_UNUSED)
{
  fake_disk_advance (6 * FAKE_SEC);
}

static void
test_slow_release_after_rest (void)
{
  Proc p;

  g_test_summary ("The lease is over, but nobody can be at work on a lock that has rested");
  hold (&p);
  fake_disk_advance (LIFETIME * 95 / 100);
  fake_disk_hook ("lstat", 1, rest, NULL);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  done (&p);
}

static void
test_release_after_flufl_broke (void)
{
  Proc holder, next;

  g_test_summary ("flufl unlinks the lock file first; the next holder's must stay");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&next);
  proc_acquire (&holder);
  fake_disk_advance (LIFETIME + FLUFL_SLOP + FAKE_SEC);
  fake_syscalls.unlink (LOCK);
  proc_acquire (&next);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_LOST);
  g_assert_true (proc_has_it (&next));
  proc_release (&next);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&next);
}

/* --- A look in the middle of a breaker's unlink(2) of a claim that was given back --- */

static gboolean torn;

/* A slow server: others have recovered the lock file meanwhile, and it has rested. */
static int
torn_unlink (const char *path)
{
  int answer = fake_syscalls.unlink (path);

  if (strcmp (path, claim) == 0 && answer == 0)
    {
      fake_disk_advance (60 * FAKE_SEC);
      give_back (NULL);
      fake_disk_advance (FLUFL_GRACE);
      torn = TRUE;
    }
  return answer;
}

/* The link count is lowered, the name and the ctime are as before. */
static int
torn_fstat (int fd, FluflStat *st)
{
  int answer = fake_syscalls.fstat (fd, st);

  if (torn && answer == 0 && st->nlink == 2)
    st->nlink--;
  return answer;
}

static void
test_torn_look (void)
{
  FluflSyscalls table = fake_syscalls;
  Proc p;

  g_test_summary ("A late releaser takes one link for an orphan only once its claim's name is gone");
  table.unlink = torn_unlink;
  table.fstat = torn_fstat;
  fake_disk_reset ();
  proc_init_at (&p, &table, LOCK);
  p.claim.path = NULL;
  proc_acquire (&p);
  claim = g_strdup (p.claim.path);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_true (torn);
  torn = FALSE;
  g_test_message ("It is the breaker's, which has the token");
  g_assert_true (fake_disk_exists (LOCK));
  g_assert_cmpint (fake_syscalls.unlink (claim), ==, 0);
  g_assert_cmpint (fake_syscalls.unlink (LOCK), ==, 0);
  assert_disk_empty ();
  g_clear_pointer (&claim, g_free);
  proc_clear (&p);
}

static void
test_release_refused (void)
{
  Proc p;

  g_test_summary ("A release that the system refuses changes nothing and can be repeated");
  hold (&p);
  fake_disk_fault ("unlink", 1, FAKE_FAIL, EACCES);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_FAILED);
  g_assert_true (proc_has_it (&p));
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
  g_test_add_func ("/release/lost-reply", test_lost_release_reply);
  g_test_add_func ("/release/late/leaves-lock-alone", test_late_release_leaves_lock_alone);
  g_test_add_func ("/release/slow/nobody-there", test_slow_release);
  g_test_add_func ("/release/slow/stops", test_slow_release_stops);
  g_test_add_func ("/release/slow/among-breakers", test_slow_release_among_breakers);
  g_test_add_func ("/release/slow/after-rest", test_slow_release_after_rest);
  g_test_add_func ("/release/after-flufl-broke", test_release_after_flufl_broke);
  g_test_add_func ("/release/slow/torn-look", test_torn_look);
  g_test_add_func ("/release/refused", test_release_refused);
  return g_test_run ();
}
