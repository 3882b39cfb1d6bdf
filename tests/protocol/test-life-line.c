/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The flock(2) that a holder keeps, and breaking by it, with others at work,
 * or death, between any two calls. Time stands still unless a test says.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flufl-holder.h"
#include "flufl-life-line.h"
#include "protocol-util.h"

/* Acquires as a process that then dies. */
static void
leave_dead_holder (void)
{
  Proc holder;

  proc_init (&holder);
  proc_acquire (&holder);
  g_assert_nonnull (holder.claim.line);
  proc_die (&holder);
  proc_clear (&holder);
}

/* One that sees the place as a network file system, and so no life-lines. */
static void
remote_init (Proc *p)
{
  proc_init (p);
  p->site.fs_kind = FLUFL_FS_NFS;
}

static FluflOutcome
try_some (Proc *p, guint n)
{
  FluflOutcome outcome = proc_attempt (p);

  while (outcome == FLUFL_OUTCOME_BUSY && --n > 0)
    outcome = proc_attempt (p);
  return outcome;
}

static void
give_up_or_back (Proc *p)
{
  if (proc_has_it (p))
    g_assert_cmpint (proc_release (p), ==, FLUFL_OUTCOME_RELEASED);
  else
    proc_abandon (p);
  proc_clear (p);
}

/* Somebody who comes every half second gets the lock within @seconds. */
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
      g_assert_false (early.found.watched);
      fake_disk_advance (FAKE_SEC);
    }
  fake_disk_advance (1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (p.found.watched);
  g_assert_cmpint (p.found.vigil.left, ==, enough);
  fake_disk_advance (2 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.vigil.left, ==, enough - 2 * FAKE_SEC);
  g_test_message ("One that slept begins anew: the holder may have slept, too");
  fake_disk_advance (2 * FAKE_SEC + 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.vigil.left, ==, enough);
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
  g_assert_cmpint (flufl_life_line_try (&asker.site, &look, fd, LOCK_SH), ==, FLUFL_LIFE_LINE_CUT);
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

  g_test_summary ("Who would break what the dead hold is not told so of one that lets go, either");
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
  fd = fake_syscalls.open (path, O_RDONLY, 0);
  g_assert_cmpint (fake_syscalls.flock (fd, LOCK_EX | LOCK_NB), ==, 0);
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
  g_assert_cmpint (flufl_life_line_try (&holder.site, &look, a, LOCK_SH), ==, FLUFL_LIFE_LINE_BUSY);
  fake_syscalls.close (a);
  proc_die (&holder);
  flufl_look_open (&look, &holder.site, LOCK, &a);
  g_assert_cmpint (flufl_life_line_try (&holder.site, &look, a, LOCK_SH), ==, FLUFL_LIFE_LINE_CUT);
  flufl_look_open (&look, &holder.site, LOCK, &b);
  g_assert_cmpint (flufl_life_line_try (&holder.site, &look, b, LOCK_SH), ==, FLUFL_LIFE_LINE_CUT);
  fake_syscalls.close (a);
  fake_syscalls.close (b);
  g_assert_cmpuint (fake_disk_n_open (), ==, 0);
  proc_clear (&holder);
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

/* A breaks the lock of a dead holder; before its call k B does all it can.
 * Whoever is told that it holds does so, to the end. */
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
  fake_disk_advance (EXPIRED);
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

/* Time passes, and somebody comes every half second. */
static void
others_wait (gpointer data)
{
  Proc *other = data;

  for (int i = 0; i < 100; i++)
    {
      fake_disk_advance (FAKE_SEC / 2);
      g_assert_cmpint (proc_attempt (other), ==, FLUFL_OUTCOME_BUSY);
    }
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
  if (flufl_claim_create (&p->claim, &p->site, LIFETIME, &p->found.errsv) == FLUFL_OUTCOME_AGAIN)
    flufl_break (&p->claim, &p->site, FALSE, &p->found);
}

static void
act_release (Proc *p)
{
  proc_release (p);
}

/* Somebody dies at call k of what it does; others get the lock in time. */
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

/* Without life-lines: at expiry + slop + grace at the latest. */
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

/* Who dies while it breaks what has expired, and has no life-line: two rests,
 * the orphan's and that of the claim which it is given. */
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
  g_test_add_func ("/life-line/living-never", test_living_never);
  g_test_add_func ("/life-line/child-keeps-it", test_child_keeps_it);
  g_test_add_func ("/life-line/no-flock", test_no_flock);
  g_test_add_func ("/life-line/no-flock-now", test_no_flock_now);
  g_test_add_func ("/life-line/asked-too-early", test_asked_too_early);
  g_test_add_func ("/life-line/not-on-networks", test_not_on_networks);
  g_test_add_func ("/life-line/looking", test_looking);
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
