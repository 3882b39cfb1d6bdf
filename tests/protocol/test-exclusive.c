/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Locks on a file system without hard links: docs/without-links.md.
 */

#include <errno.h>
#include <string.h>

#include "exclusive-util.h"
#include "flufl-exclusive-leftovers.h"
#include "flufl-exclusive-name.h"

static void
test_cycle (void)
{
  Proc p, q;

  g_test_summary ("A lock is taken, refreshed, released, and nothing is left");
  begin_on_fat ();
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
  begin_on_fat ();
  proc_init (&p);
  put_lock (REMOTE, 0);
  fake_disk_advance (FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (p.found.overdue);
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

      begin_on_fat ();
      proc_init (&p);
      put_lock (REMOTE, -3600);
      if (i == 0)
        put_mark (REMOTE, 1);
      else
        fake_syscalls.unlink ("/d|e/" REMOTE);
      fake_disk_advance (60 * FAKE_SEC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_true (p.found.overdue);
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
  begin_on_fat ();
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
  begin_on_fat ();
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

      begin_on_fat ();
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
                                   "x.lock^h^x^T1^x1\n", "../x.lock^h^1^T1^x1\n",
                                   "x.lock: buy milk", "x.locksmith", "x.lock^2 eggs", "x.lock^^1",
                                   "x.lock^h^12 eggs", "x.lock^h^12345678901", "x.lock^h^1^T1^x2", "x.lock^h^1^T1^x1" };

  g_test_summary ("Another file in the place of the lock file is left alone, whatever its content");
  for (gsize i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      Proc p;
      FluflOutcome outcome = FLUFL_OUTCOME_BUSY;

      begin_on_fat ();
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
test_unasked (void)
{
  Proc p;

  g_test_summary ("Without an answer about the kind no lock file is created exclusively");
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_UNASKED);
  fake_disk_refuse_links (EIO);
  proc_init (&p);
  p.site.without_links = TRUE;
  g_assert_cmpint (proc_attempt (&p), !=, FLUFL_OUTCOME_HELD);
  g_assert_false (p.site.exclusive);
  g_assert_cmpuint (fake_disk_count_calls ("create"), ==, 1);
  g_assert_cmpuint (fake_disk_count_calls ("link"), ==, 1);
  proc_abandon (&p);
  assert_disk_empty ();
  fake_disk_kind (FLUFL_FS_SPLIT);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSUPPORTED);
  g_assert_cmpuint (fake_disk_count_calls ("create"), ==, 1);
  proc_clear (&p);
}

static void
test_kinds (void)
{
  Proc p;

  g_test_summary ("Neither protocol breaks the other's locks, and both wait for them");
  begin_on_fat ();
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
      begin_on_fat ();
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
  begin_on_fat ();
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

static void
test_unreadable_marks (void)
{
  const char *const mark = "/d|e/" REMOTE "^1";
  const int errors[] = { 0, EIO };
  Proc p;

  g_test_summary ("A young mark stays even if it cannot be read, and an old one goes");
  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      begin_on_fat ();
      proc_init (&p);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      put_mark (REMOTE, 1);
      if (errors[i] == 0)
        fake_disk_set_readable (mark, FALSE);
      else
        /* The first one opens the lock file. */
        fake_disk_fault ("open", 2, FAKE_FAIL, errors[i]);
      flufl_exclusive_collect (&p.site, 1000, 100);
      g_assert_true (fake_disk_order_done ());
      g_assert_true (fake_disk_exists (mark));
      fake_disk_advance (62 * FAKE_SEC);
      flufl_exclusive_collect (&p.site, 1000, 100);
      g_assert_false (fake_disk_exists (mark));
      g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
      assert_disk_empty ();
      proc_clear (&p);
    }
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
  g_test_add_func ("/exclusive/unasked", test_unasked);
  g_test_add_func ("/exclusive/kinds", test_kinds);
  g_test_add_func ("/exclusive/property", test_property);
  g_test_add_func ("/exclusive/leftovers", test_leftovers);
  g_test_add_func ("/exclusive/unreadable-marks", test_unreadable_marks);
  return g_test_run ();
}
