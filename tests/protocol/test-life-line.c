/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The flock(2) that a holder keeps, and the breaks that it allows. Time stands still unless a
 * test lets it pass.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flufl-holder.h"
#include "flufl-life-line.h"
#include "life-line-util.h"

static void
test_dead_at_once (void)
{
  Proc p;

  g_test_summary ("The lock of a dead holder is broken without expiry and rest");
  fake_disk_reset ();
  proc_init (&p);
  leave_dead_holder ();
  p.break_dead = FALSE;
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  p.break_dead = TRUE;
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_quicker_breaker (void)
{
  Proc p;

  g_test_summary ("If another process removed the dead holder's claim, this one may still break locks");
  fake_disk_reset ();
  proc_init (&p);
  leave_dead_holder ();
  fake_disk_fault ("unlink", 1, FAKE_LOSE_REPLY, ESTALE);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (p.found.break_errsv, ==, 0);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_living_never (void)
{
  Proc holder, p;

  g_test_summary ("A holder that does nothing, stopped perhaps, keeps the lock until it expires");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&p);
  proc_acquire (&holder);
  for (int i = 0; i < 25; i++)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_true (proc_has_it (&holder));
      fake_disk_advance (FAKE_SEC);
    }
  g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_ALIVE);
  fake_disk_advance (1);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_LOST);
  g_assert_true (proc_has_it (&p));
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&p);
}

static void
test_clock_is_stepped (void)
{
  Proc holder, p;

  g_test_summary ("A holder that refreshes in time keeps its lock though the wall clock leaps");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&p);
  proc_acquire (&holder);
  for (int i = 0; i < 100; i++)
    {
      if (i % 10 == 3)
        fake_disk_step_clocks (3600 * FAKE_SEC);
      if (i % 5 == 4)
        g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_true (proc_has_it (&holder));
      fake_disk_advance (FAKE_SEC);
    }
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&p);
}

static void
test_watched (void)
{
  const gint64 enough = FLUFL_GRACE + LIFETIME / 3;
  Proc holder, p, early;

  g_test_summary ("A holder that stopped goes once a waiter has seen nothing change for long enough");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&p);
  proc_init (&early);
  proc_acquire (&holder);
  for (gint64 t = 0; t < LIFETIME + FLUFL_SLOP; t += FAKE_SEC)
    {
      g_assert_cmpint (proc_attempt (&early), ==, FLUFL_OUTCOME_BUSY);
      g_assert_false (early.found.in_vigil);
      fake_disk_advance (FAKE_SEC);
    }
  fake_disk_advance (1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (p.found.in_vigil);
  g_assert_cmpint (p.found.vigil_left, ==, enough);
  fake_disk_advance (2 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.vigil_left, ==, enough - 2 * FAKE_SEC);
  g_test_message ("One that slept begins anew: the holder may have slept, too");
  fake_disk_advance (2 * FAKE_SEC + 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.vigil_left, ==, enough);
  for (gint64 t = 0; t < enough; t += FAKE_SEC)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (FAKE_SEC);
    }
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_LOST);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);

  g_test_message ("One that has watched already begins no other watch");
  proc_acquire (&holder);
  for (gint64 t = 0; t < LIFETIME + FLUFL_SLOP; t += FAKE_SEC)
    {
      g_assert_cmpint (proc_attempt (&early), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (FAKE_SEC);
    }
  fake_disk_advance (1);
  proc_acquire (&early);
  g_assert_cmpint (proc_release (&early), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_LOST);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&early);
  proc_clear (&p);
}

static void
test_one_that_asks_is_stopped (void)
{
  FluflLook look;
  Proc asker, p;
  int fd;

  g_test_summary ("A process that only asks keeps nobody's lock closed, not even stopped amid it");
  fake_disk_reset ();
  proc_init (&asker);
  proc_init (&p);
  leave_dead_holder ();
  flufl_look_open (&look, &asker.site, LOCK, &fd);
  g_assert_cmpint (flufl_life_line_try (&asker.site, &look, fd, FLUFL_LINE_ASK), ==, FLUFL_LIFE_LINE_CUT);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_DEAD);
  g_assert_true (p.found.resting);
  g_test_message ("Another that asks is not misled");
  g_assert_true (flufl_holder_look (&asker.site, &asker.found));
  g_assert_cmpint (asker.found.liveness, ==, FLUFL_LIVENESS_DEAD);
  fake_disk_advance (FLUFL_GRACE);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  fake_syscalls.close (fd);
  assert_disk_empty ();
  proc_clear (&asker);
  proc_clear (&p);
}

typedef struct
{
  Proc *holder;
  Proc *next; /* nullable */
} HandOver;

static void
hand_over (gpointer data)
{
  HandOver *self = data;

  g_assert_cmpint (proc_release (self->holder), ==, FLUFL_OUTCOME_RELEASED);
  if (self->next != NULL)
    proc_acquire (self->next);
}

static void
test_let_go_meanwhile (gconstpointer data)
{
  gboolean taken = data != NULL;
  Proc holder, next, asker;
  HandOver meanwhile = { &holder, taken ? &next : NULL };

  g_test_summary ("A holder that lets go between the look and the question was not dead");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&next);
  proc_init (&asker);
  proc_acquire (&holder);
  fake_disk_hook ("flock", 1, hand_over, &meanwhile);
  g_assert_cmpint (flufl_holder_look (&asker.site, &asker.found), ==, taken);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (asker.found.liveness, ==,
                   taken ? FLUFL_LIVENESS_ALIVE : FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (asker.found.look.sight, ==, taken ? FLUFL_SIGHT_CLAIM : FLUFL_SIGHT_NOTHING);
  if (taken)
    g_assert_cmpint (proc_release (&next), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&next);
  proc_clear (&asker);
}

static void
test_let_go_meanwhile_to_a_breaker (void)
{
  Proc holder, next, breaker;
  HandOver meanwhile = { &holder, &next };

  g_test_summary ("A waiter that breaks dead holders' locks does not take a releaser for dead");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&next);
  proc_init (&breaker);
  proc_acquire (&holder);
  fake_disk_hook ("flock", 2, hand_over, &meanwhile); /* 1 is for the breaker's own claim */
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (breaker.found.liveness, ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_true (proc_has_it (&next));
  give_up_or_back (&next);
  give_up_or_back (&breaker);
  assert_disk_empty ();
  proc_clear (&holder);
}

static char *
name_of_dead_process (FluflMarks marks)
{
  FluflIdentity id;

  flufl_identity_get (&fake_syscalls, &id);
  id.pid = 4000000;
  return flufl_claim_name_build ("x.lock", "|", &id, 1, 2, marks);
}

static void
remove_lock_of (gpointer claim_path)
{
  g_assert_cmpint (fake_syscalls.unlink (claim_path), ==, 0);
  g_assert_cmpint (fake_syscalls.unlink (LOCK), ==, 0);
}

static void
test_ended_meanwhile (void)
{
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  Proc asker;

  g_test_summary ("A holder that let go, and then ended, before the question for its process");
  fake_disk_reset ();
  remote_init (&asker);
  name = name_of_dead_process (FLUFL_MARK_NONE);
  path = g_strconcat ("/d|e/", name, NULL);
  put_claim (name, TRUE, 3600);
  g_assert_true (flufl_holder_look (&asker.site, &asker.found));
  g_assert_cmpint (asker.found.liveness, ==, FLUFL_LIVENESS_DEAD);
  fake_disk_hook ("read", 1, remove_lock_of, path); /* the last call of the look */
  g_assert_false (flufl_holder_look (&asker.site, &asker.found));
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (asker.found.liveness, ==, FLUFL_LIVENESS_UNKNOWN);
  assert_disk_empty ();
  proc_clear (&asker);
}

static void
test_child_keeps_it (void)
{
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  int fd, copy;
  Proc p;

  g_test_summary ("As long as a forked child has the file the lock of its dead parent stays");
  fake_disk_reset ();
  proc_init (&p);
  name = name_of_dead_process (FLUFL_MARK_LIFE_LINE);
  path = g_strconcat ("/d|e/", name, NULL);
  put_claim (name, TRUE, 3600);
  fd = fake_syscalls.open (path, FLUFL_OPEN_LOOK);
  g_assert_cmpint (fake_syscalls.flock (fd, FLUFL_LINE_TIE), ==, 0);
  copy = fake_disk_inherit (fd);
  fake_syscalls.close (fd);
  for (int i = 0; i < 20; i++)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_UNKNOWN);
      fake_disk_advance (FAKE_SEC);
    }
  fake_syscalls.close (copy);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_no_flock (void)
{
  static const int errnos[] = { ENOSYS, EOPNOTSUPP, EBADF, EINVAL };

  g_test_summary ("Where flock(2) does not work claims do not say that they have one");
  for (gsize i = 0; i < G_N_ELEMENTS (errnos); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_fault ("flock", 1, FAKE_FAIL, errnos[i]);
      for (int round = 0; round < 2; round++)
        {
          FluflLook look;

          proc_acquire (&p);
          g_assert_null (p.claim.line);
          g_assert_cmpuint (fake_disk_n_open (), ==, 0);
          flufl_look_take (&look, &p.site, LOCK);
          g_assert_false (look.claim.life_line);
          g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
          assert_disk_empty ();
        }
      g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 1);
      proc_clear (&p);
    }
}

static void
test_no_flock_now (void)
{
  static const int errnos[] = { ENOLCK, ENOMEM, EIO };

  g_test_summary ("An error of the moment costs one claim its life-line, and not those after it");
  for (gsize i = 0; i < G_N_ELEMENTS (errnos); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_fault ("flock", 1, FAKE_FAIL, errnos[i]);
      for (int round = 0; round < 2; round++)
        {
          FluflLook look;

          proc_acquire (&p);
          g_assert_true ((p.claim.line != NULL) == (round > 0));
          flufl_look_take (&look, &p.site, LOCK);
          g_assert_true (look.claim.life_line == (round > 0));
          g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
          assert_disk_empty ();
        }
      proc_clear (&p);
    }
}

static void
test_asked_too_early (void)
{
  Proc p;

  g_test_summary ("Somebody asks after the new claim before its maker has the life-line");
  fake_disk_reset ();
  proc_init (&p);
  fake_disk_fault ("flock", 1, FAKE_FAIL, EWOULDBLOCK);
  proc_acquire (&p);
  g_assert_nonnull (p.claim.line);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_not_on_networks (void)
{
  Proc p;

  g_test_summary ("Through a network file system no flock(2), whatever a claim says");
  fake_disk_reset ();
  leave_dead_holder ();
  fake_disk_forget_calls ();
  fake_disk_kind (FLUFL_FS_NFS);
  proc_init (&p);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 0);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_looking (void)
{
  FluflLook look;
  int a, b;
  Proc holder;

  g_test_summary ("Two who only ask do not take each other for the holder");
  fake_disk_reset ();
  proc_init (&holder);
  proc_acquire (&holder);
  flufl_look_open (&look, &holder.site, LOCK, &a);
  g_assert_cmpint (flufl_life_line_try (&holder.site, &look, a, FLUFL_LINE_ASK), ==, FLUFL_LIFE_LINE_BUSY);
  fake_syscalls.close (a);
  proc_die (&holder);
  flufl_look_open (&look, &holder.site, LOCK, &a);
  g_assert_cmpint (flufl_life_line_try (&holder.site, &look, a, FLUFL_LINE_ASK), ==, FLUFL_LIFE_LINE_CUT);
  flufl_look_open (&look, &holder.site, LOCK, &b);
  g_assert_cmpint (flufl_life_line_try (&holder.site, &look, b, FLUFL_LINE_ASK), ==, FLUFL_LIFE_LINE_CUT);
  fake_syscalls.close (a);
  fake_syscalls.close (b);
  g_assert_cmpuint (fake_disk_n_open (), ==, 0);
  proc_clear (&holder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/life-line/let-go-meanwhile/free", NULL, test_let_go_meanwhile);
  g_test_add_data_func ("/life-line/let-go-meanwhile/taken", GINT_TO_POINTER (TRUE),
                        test_let_go_meanwhile);
  g_test_add_func ("/life-line/let-go-meanwhile/to-a-breaker",
                   test_let_go_meanwhile_to_a_breaker);
  g_test_add_func ("/life-line/ended-meanwhile", test_ended_meanwhile);
  g_test_add_func ("/life-line/clock-is-stepped", test_clock_is_stepped);
  g_test_add_func ("/life-line/watched", test_watched);
  g_test_add_func ("/life-line/one-that-asks-is-stopped", test_one_that_asks_is_stopped);
  g_test_add_func ("/life-line/dead-at-once", test_dead_at_once);
  g_test_add_func ("/life-line/quicker-breaker", test_quicker_breaker);
  g_test_add_func ("/life-line/living-never", test_living_never);
  g_test_add_func ("/life-line/child-keeps-it", test_child_keeps_it);
  g_test_add_func ("/life-line/no-flock", test_no_flock);
  g_test_add_func ("/life-line/no-flock-now", test_no_flock_now);
  g_test_add_func ("/life-line/asked-too-early", test_asked_too_early);
  g_test_add_func ("/life-line/not-on-networks", test_not_on_networks);
  g_test_add_func ("/life-line/looking", test_looking);
  return g_test_run ();
}
