/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Locks on a file system without hard links: docs/without-links.md.
 */

#include <errno.h>
#include <string.h>

#include "flufl-exclusive-leftovers.h"
#include "flufl-exclusive-name.h"
#include "protocol-util.h"

#define GRAIN (2 * FAKE_SEC)
#define REMOTE "x.lock^elsewhere^77^T00000000000000ffR0123456789abE"

static void
begin (void)
{
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_FAT);
  fake_disk_granularity (GRAIN);
}

/* A lock of another host that expires @seconds from now, with its claim. */
static void
put_lock (const char *name, double seconds)
{
  g_autofree char *line = g_strconcat (name, "^x1\n", NULL);
  g_autofree char *claim = g_strconcat ("/d|e/", name, NULL);

  fake_disk_put (claim, line, -1, FLUFL_FILE_REGULAR);
  fake_disk_put (LOCK, line, -1, FLUFL_FILE_REGULAR);
  fake_disk_set_mtime (LOCK, fake_disk_server_now () + (gint64) (seconds * FAKE_SEC));
}

static void
put_mark (const char *who, guint number)
{
  g_autofree char *path = g_strdup_printf ("/d|e/%s^%u", who, number);

  fake_disk_put (path, "", 0, FLUFL_FILE_REGULAR);
}

static void
test_cycle (void)
{
  Proc p, q;

  g_test_summary ("A lock is taken, refreshed, released, and nothing is left");
  begin ();
  proc_init (&p);
  proc_init (&q);
  fake_disk_advance (FAKE_SEC / 2);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpstr (strrchr (fake_disk_content (LOCK), '^'), ==, "^x1\n");
  g_assert_true (g_str_has_prefix (fake_disk_content (LOCK), strrchr (p.claim.path, '/') + 1));
  /* The stored time is not earlier than the promised one. */
  g_assert_cmpint (fake_disk_mtime (LOCK), >=, fake_disk_server_now () + LIFETIME);
  g_assert_cmpint (fake_disk_mtime (LOCK), ==, p.claim.expiration);
  g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (q.found.look.sight, ==, FLUFL_SIGHT_CLAIM);
  fake_disk_advance (5 * FAKE_SEC);
  g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (fake_disk_mtime (LOCK), >=, fake_disk_server_now () + LIFETIME);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (proc_park (&q), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_cmpuint (fake_disk_count_calls ("link"), ==, 0);
  g_assert_cmpuint (fake_disk_count_calls ("lstat"), ==, 0);
  assert_disk_empty ();
  proc_clear (&p);
  proc_clear (&q);
}

static void
test_expired (void)
{
  Proc p;

  g_test_summary ("The lock of a holder of another machine goes once it has expired, without a rest");
  begin ();
  proc_init (&p);
  put_lock (REMOTE, 0);
  fake_disk_advance (FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (p.found.expired);
  fake_disk_advance (GRAIN + 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  g_assert_true (p.found.broken);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_rests (void)
{
  g_test_summary ("A lock with a mark, or without its claim, rests first, as this waiter has seen");
  for (int i = 0; i < 2; i++)
    {
      Proc p;

      begin ();
      proc_init (&p);
      put_lock (REMOTE, -3600);
      if (i == 0)
        put_mark (REMOTE, 1);
      else
        fake_syscalls.unlink ("/d|e/" REMOTE);
      fake_disk_advance (60 * FAKE_SEC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_true (p.found.expired);
      g_assert_true (p.found.resting);
      fake_disk_advance (FLUFL_GRACE - 1);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (1);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
      assert_disk_empty ();
      proc_clear (&p);
    }
}

static void
test_rest_begins_anew (void)
{
  Proc p;

  g_test_summary ("A change between two looks begins the rest anew");
  begin ();
  proc_init (&p);
  put_lock (REMOTE, -3600);
  put_mark (REMOTE, 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (FLUFL_GRACE - 1);
  put_mark (REMOTE, 2);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (FLUFL_GRACE - 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_all_marks (void)
{
  Proc p;

  g_test_summary ("A lock with nine marks is left for people");
  begin ();
  proc_init (&p);
  put_lock (REMOTE, -3600);
  for (guint number = 1; number <= FLUFL_EXCLUSIVE_MARKS_MAX; number++)
    put_mark (REMOTE, number);
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (60 * FAKE_SEC);
    }
  g_assert_cmpint (p.found.break_errsv, ==, EMLINK);
  proc_abandon (&p);
  g_assert_cmpint (flufl_break_force (&p.site, &p.found), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_blank (void)
{
  const char *const contents[] = { "", "x.l", "x.lock^elsewhere^77^T00", "\0\0\0" };

  g_test_summary ("A lock whose maker died before it wrote goes after a rest of 7 s");
  for (gsize i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      Proc p;

      begin ();
      proc_init (&p);
      fake_disk_put (LOCK, contents[i], i == 3 ? 3 : -1, FLUFL_FILE_REGULAR);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_BLANK);
      fake_disk_advance (FLUFL_GRACE + GRAIN - 1);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (1);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
      assert_disk_empty ();
      proc_clear (&p);
    }
}

static void
test_foreign (void)
{
  const char *const contents[] = { "[InternetShortcut]\n", "y.lock^h^1^T1^x1\n", "x.lock^h^1^T1^x2\n",
                                   "x.lock^h^x^T1^x1\n", "../x.lock^h^1^T1^x1\n", "x.lock^h^1^T1^x1" };

  g_test_summary ("Another file in the place of the lock file is left alone, whatever its content");
  for (gsize i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      Proc p;
      FluflOutcome outcome = FLUFL_OUTCOME_BUSY;

      begin ();
      proc_init (&p);
      fake_disk_put (LOCK, contents[i], -1, FLUFL_FILE_REGULAR);
      fake_disk_set_mtime (LOCK, 0);
      outcome = proc_attempt (&p);
      /* The last one is a line that has only begun. */
      if (i == G_N_ELEMENTS (contents) - 1)
        g_assert_cmpint (outcome, ==, FLUFL_OUTCOME_BUSY);
      else
        g_assert_cmpint (outcome, ==, FLUFL_OUTCOME_NOT_A_LOCK);
      g_assert_cmpstr (fake_disk_content (LOCK), ==, contents[i]);
      proc_abandon (&p);
      g_assert_cmpuint (fake_disk_n_names (), ==, 1);
      proc_clear (&p);
    }
}

static void
test_spellings (void)
{
  const char *const other = "X.LOCK^elsewhere^77^T00000000000000ffR0123456789abE";
  const FluflFsKind kinds[] = { FLUFL_FS_FAT, FLUFL_FS_OTHER };

  g_test_summary ("On FAT a name in capitals is the same lock; elsewhere it is another one, and is left alone");
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Proc p;

      begin ();
      fake_disk_kind (kinds[i]);
      proc_init (&p);
      p.site.without_links = TRUE;
      put_lock (other, -3600);
      if (kinds[i] == FLUFL_FS_FAT)
        {
          g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
          g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
          assert_disk_empty ();
        }
      else
        {
          g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
          proc_abandon (&p);
          g_assert_cmpuint (fake_disk_n_names (), ==, 2);
        }
      proc_clear (&p);
    }
}

static void
test_kinds (void)
{
  Proc p;

  g_test_summary ("Neither protocol breaks the other's locks, and both wait for them");
  begin ();
  proc_init (&p);
  fake_disk_put (LOCK, "/d|e/x.lock|elsewhere|77|123456789", -1, FLUFL_FILE_REGULAR);
  fake_disk_set_mtime (LOCK, 0);
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (60 * FAKE_SEC);
    }
  g_assert_cmpint (p.found.break_errsv, ==, EXDEV);
  proc_abandon (&p);
  g_assert_cmpuint (fake_disk_n_names (), ==, 1);
  proc_clear (&p);

  for (int kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_OTHER; kind++)
    {
      begin ();
      fake_disk_kind (kind);
      proc_init (&p);
      put_lock (REMOTE, -3600);
      for (int i = 0; i < 3; i++)
        {
          g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
          g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_CLAIM);
          fake_disk_advance (60 * FAKE_SEC);
        }
      g_assert_cmpint (p.found.break_errsv, ==, EXDEV);
      proc_abandon (&p);
      g_assert_cmpuint (fake_disk_n_names (), ==, 2);
      proc_clear (&p);
    }
}

static void
test_property (void)
{
  Proc p, q;

  g_test_summary ("The property counts on a file system of no known kind, and nowhere else");
  for (int kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_OTHER; kind++)
    {
      fake_disk_reset ();
      fake_disk_kind (kind);
      proc_init (&p);
      proc_init (&q);
      p.site.without_links = q.site.without_links = TRUE;
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (p.claim.exclusive, ==, kind == FLUFL_FS_OTHER);
      g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_BUSY);
      proc_abandon (&q);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
      assert_disk_empty ();
      proc_clear (&p);
      proc_clear (&q);
    }
}

static void
test_life_line (void)
{
  Proc p, q;

  g_test_summary ("A killed holder of the same machine costs no rest; a living one is not broken");
  begin ();
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
  begin ();
  proc_init (&p);
  proc_init (&q);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  fake_disk_advance (LIFETIME + FLUFL_SLOP + 2 * GRAIN);
  g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (q.found.in_vigil);
  fake_disk_advance (15 * FAKE_SEC);
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

      begin ();
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
  begin ();
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
sleep_hook (gpointer user_data G_GNUC_UNUSED)
{
  fake_disk_advance (FLUFL_GRACE / 2 + 1);
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

      begin ();
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

static void
test_late_releaser (void)
{
  g_test_summary ("A releaser that is late, or finds a mark, leaves the lock file to others");
  for (int i = 0; i < 2; i++)
    {
      Proc p;

      begin ();
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
  begin ();
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

      begin ();
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
  begin ();
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

/* Whether the next one gets the lock within @seconds; it tries each second. */
static gboolean
is_free_within (Proc *q, guint seconds)
{
  for (guint i = 0; i <= seconds; i++)
    {
      if (proc_attempt (q) == FLUFL_OUTCOME_HELD)
        return TRUE;
      fake_disk_advance (FAKE_SEC);
    }
  return FALSE;
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

        begin ();
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

        begin ();
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

static void
test_refused_creation (void)
{
  const int vague[] = { EPERM, EOPNOTSUPP, EIO };
  Proc p;

  g_test_summary ("Some errors may mean that the lock file existed a moment ago, and are not final at once");
  begin ();
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

      begin ();
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
test_late_creation (void)
{
  Proc p, q;

  g_test_summary ("A maker that is late when it has created the lock file leaves it blank");
  begin ();
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

static void
test_names (void)
{
  g_autofree char *lock = g_strnfill (255, 'n');
  g_autofree char *path = g_strconcat ("/d|e/", lock, NULL);
  FluflLook look = { .sight = FLUFL_SIGHT_BLANK, .mtime = 1767225600 * FAKE_SEC };
  g_autofree char *blank = NULL;
  g_autofree char *mark = NULL;
  g_autofree char *who = NULL;
  Proc p;

  g_test_summary ("The longest names have room for a mark, and a mark shows its lock");
  begin ();
  proc_init_at (&p, &fake_syscalls, path);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  mark = flufl_exclusive_mark_path (&p.site, strrchr (p.claim.path, '/') + 1, 9);
  g_assert_cmpuint (strlen (strrchr (mark, '/') + 1), <=, 255);
  who = flufl_exclusive_dup_who (&p.site, strrchr (mark, '/') + 1);
  g_assert_cmpstr (who, ==, strrchr (p.claim.path, '/') + 1);
  g_clear_pointer (&who, g_free);
  g_clear_pointer (&mark, g_free);

  blank = flufl_exclusive_who (&p.site, &look);
  mark = flufl_exclusive_mark_path (&p.site, blank, 1);
  g_assert_cmpuint (strlen (strrchr (mark, '/') + 1), <=, 255);
  who = flufl_exclusive_dup_who (&p.site, strrchr (mark, '/') + 1);
  g_assert_cmpstr (who, ==, blank);
  g_assert_null (flufl_exclusive_dup_who (&p.site, strrchr (p.claim.path, '/') + 1));
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

/* A claim of this machine whose process has gone. */
static char *
put_dead_claim (Proc *p)
{
  FluflIdentity identity;
  char *path;
  g_autofree char *line = NULL;

  flufl_identity_get (&fake_syscalls, &identity);
  identity.pid = G_MAXINT;
  path = flufl_claim_name_build (LOCK, "^", &identity, 1, 1, FLUFL_MARK_EXCLUSIVE);
  line = flufl_exclusive_line (&p->site, strrchr (path, '/') + 1);
  fake_disk_put (path, line, -1, FLUFL_FILE_REGULAR);
  return path;
}

static void
test_leftovers (void)
{
  const char *const blank = "/d|e/x.lock^blank^x34a0b1c2^1";
  g_autofree char *dead = NULL;
  g_autofree char *dead_holder = NULL;
  g_autofree char *mark = NULL;
  Proc p;

  g_test_summary ("Marks of locks that have gone, and claims of dead processes, are collected");
  begin ();
  proc_init (&p);
  put_mark (REMOTE, 1);
  fake_disk_put (blank, "", 0, FLUFL_FILE_REGULAR);
  fake_disk_advance (60 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  dead = put_dead_claim (&p);
  put_mark (REMOTE, 2);
  mark = flufl_exclusive_mark_path (&p.site, strrchr (p.claim.path, '/') + 1, 1);
  fake_disk_put (mark, "", 0, FLUFL_FILE_REGULAR);
  fake_disk_put ("/d|e/x.lock^notes^1", "", 0, FLUFL_FILE_REGULAR);
  flufl_exclusive_collect (&p.site, 1000, 100);
  g_assert_false (fake_disk_exists (dead));
  g_assert_false (fake_disk_exists ("/d|e/" REMOTE "^1"));
  /* A young mark may belong to a lock that this process does not see yet. */
  g_assert_true (fake_disk_exists ("/d|e/" REMOTE "^2"));
  g_assert_false (fake_disk_exists (blank));
  /* The mark of the lock itself stays, and so does a file of people. */
  g_assert_true (fake_disk_exists (mark));
  g_assert_true (fake_disk_exists ("/d|e/x.lock^notes^1"));
  g_assert_true (fake_disk_exists (p.claim.path));
  fake_syscalls.unlink (mark);
  fake_syscalls.unlink ("/d|e/" REMOTE "^2");
  fake_syscalls.unlink ("/d|e/x.lock^notes^1");
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);

  /* The claim of a dead holder is left to the breakers of its lock. */
  dead_holder = put_dead_claim (&p);
  fake_disk_put (LOCK, fake_disk_content (dead_holder), -1, FLUFL_FILE_REGULAR);
  flufl_exclusive_collect (&p.site, 1000, 100);
  g_assert_true (fake_disk_exists (dead_holder));
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exclusive/cycle", test_cycle);
  g_test_add_func ("/exclusive/expired", test_expired);
  g_test_add_func ("/exclusive/rests", test_rests);
  g_test_add_func ("/exclusive/rest-begins-anew", test_rest_begins_anew);
  g_test_add_func ("/exclusive/all-marks", test_all_marks);
  g_test_add_func ("/exclusive/blank", test_blank);
  g_test_add_func ("/exclusive/foreign", test_foreign);
  g_test_add_func ("/exclusive/spellings", test_spellings);
  g_test_add_func ("/exclusive/kinds", test_kinds);
  g_test_add_func ("/exclusive/property", test_property);
  g_test_add_func ("/exclusive/life-line", test_life_line);
  g_test_add_func ("/exclusive/broken-holder-learns", test_broken_holder_learns);
  g_test_add_func ("/exclusive/refresh-in-break", test_refresh_in_break);
  g_test_add_func ("/exclusive/one-breaker", test_one_breaker);
  g_test_add_func ("/exclusive/late-breaker", test_late_breaker);
  g_test_add_func ("/exclusive/late-releaser", test_late_releaser);
  g_test_add_func ("/exclusive/one-holder", test_one_holder);
  g_test_add_func ("/exclusive/deleted", test_deleted);
  g_test_add_func ("/exclusive/overtaken-maker", test_overtaken_maker);
  g_test_add_func ("/exclusive/killed", test_killed);
  g_test_add_func ("/exclusive/lost-replies", test_lost_replies);
  g_test_add_func ("/exclusive/refused-creation", test_refused_creation);
  g_test_add_func ("/exclusive/late-maker", test_late_maker);
  g_test_add_func ("/exclusive/late-creation", test_late_creation);
  g_test_add_func ("/exclusive/leftovers", test_leftovers);
  g_test_add_func ("/exclusive/names", test_names);
  return g_test_run ();
}
