/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The moment from which a lock may be broken, and the recovery of orphans.
 */

#include <errno.h>
#include <sys/stat.h>

#include "protocol-util.h"

static void
test_only_the_expired (void)
{
  Proc p;

  g_test_summary ("An attempt breaks a lock that has expired, and no lock that has not");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 0);
  fake_disk_advance (FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (p.found.overdue);
  proc_abandon (&p);
  fake_disk_advance (1);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_rest (void)
{
  Proc p;

  g_test_summary ("Nobody breaks what changed less than the grace ago");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (FLUFL_GRACE - 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (p.found.overdue);
  g_assert_true (p.found.resting);
  fake_disk_advance (1);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_both_clocks (void)
{
  Proc p;

  g_test_summary ("One wrong clock breaks nothing");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 600);
  fake_disk_advance (10 * FAKE_SEC);
  fake_disk_skew_local (86400 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (p.found.overdue);
  proc_abandon (&p);

  fake_disk_reset ();
  put_claim (FOREIGN, TRUE, -600);
  fake_disk_advance (10 * FAKE_SEC);
  fake_disk_skew_local (-86400 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (p.found.overdue);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_far_times (void)
{
  Proc p;

  g_test_summary ("Times that no count of nanoseconds reaches are late or early as they say");
  for (int i = 0; i < 4; i++)
    {
      fake_disk_reset ();
      proc_init (&p);
      put_claim (FOREIGN, TRUE, 0);
      if (i == 0)
        fake_disk_set_mtime (LOCK, G_MAXINT64 - 1);
      else /* the years 2300, 2600 and 2900: nanoseconds wrap to each side */
        fake_disk_set_mtime_far (LOCK, G_GINT64_CONSTANT (10413792000) + (i - 1) * G_GINT64_CONSTANT (9467280000));
      fake_disk_advance (3600 * FAKE_SEC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_false (p.found.overdue);
      proc_abandon (&p);
      proc_clear (&p);
    }
  for (int i = 0; i < 3; i++)
    {
      fake_disk_reset ();
      proc_init (&p);
      put_claim (FOREIGN, TRUE, 0);
      fake_disk_set_mtime_far (LOCK, G_GINT64_CONSTANT (-10413792000) - i * G_GINT64_CONSTANT (9467280000));
      fake_disk_advance (60 * FAKE_SEC);
      proc_acquire (&p);
      proc_release (&p);
      assert_disk_empty ();
      proc_clear (&p);
    }
  g_assert_cmpint (flufl_time_add (G_MAXINT64, 1), ==, G_MAXINT64);
  g_assert_cmpint (flufl_time_add (G_MININT64, -1), ==, G_MININT64);
  g_assert_cmpint (flufl_time_since (5, G_MININT64), ==, G_MAXINT64);
  g_assert_cmpint (flufl_time_since (-5, G_MAXINT64), ==, G_MININT64);
  g_assert_cmpint (flufl_time_since (G_MININT64, 1), ==, G_MININT64);
}

static void
test_same_name_other_file (void)
{
  Proc p;

  g_test_summary ("A file with the claim's name that is not the lock's inode stays");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, -3600);
  fake_syscalls.link (LOCK, "/d|e/backup");
  fake_syscalls.unlink ("/d|e/" FOREIGN);
  put_claim (FOREIGN, FALSE, -3600);
  fake_disk_advance (60 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_exists ("/d|e/" FOREIGN));
  g_assert_true (fake_disk_exists (LOCK));
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_may_not_break (void)
{
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (60 * FAKE_SEC);
  fake_disk_fault ("unlink", 1, FAKE_FAIL, EPERM);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.break_errsv, ==, EPERM);
  g_assert_true (fake_disk_exists (LOCK));
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_quicker_recoverer (gconstpointer data)
{
  Proc p;

  g_test_summary ("If another process was quicker, no message blames missing permission");
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_NFS);
  proc_init (&p);
  put_claim (FOREIGN, TRUE, -3600);
  fake_syscalls.unlink ("/d|e/" FOREIGN);
  fake_disk_advance (60 * FAKE_SEC);
  fake_disk_fault ("link", 2, FAKE_FAIL, GPOINTER_TO_INT (data));
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (p.found.break_errsv, ==, 0);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_quicker_breaker (gconstpointer data)
{
  Proc p;

  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_NFS);
  proc_init (&p);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (60 * FAKE_SEC);
  fake_disk_fault ("unlink", 2, FAKE_LOSE_REPLY, GPOINTER_TO_INT (data));
  proc_acquire (&p);
  g_assert_cmpint (p.found.break_errsv, ==, 0);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_orphan (void)
{
  Proc p;

  g_test_summary ("A lock file without a claim gets one, rests, and is then broken");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 1);
  fake_syscalls.unlink ("/d|e/" FOREIGN);
  fake_disk_advance (FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (fake_disk_exists ("/d|e/" FOREIGN));
  fake_disk_advance (2 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (p.found.resting);
  g_assert_true (fake_disk_exists ("/d|e/" FOREIGN));
  fake_disk_advance (FLUFL_GRACE - 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (1);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_force (void)
{
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 600);
  g_assert_cmpint (flufl_break_force (&p.site, &p.found), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  fake_disk_put (LOCK, NULL, 0, FLUFL_FILE_PIPE);
  g_assert_cmpint (flufl_break_force (&p.site, &p.found), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  fake_disk_put (LOCK, NULL, 0, FLUFL_FILE_DIRECTORY);
  g_assert_cmpint (flufl_break_force (&p.site, &p.found), ==, FLUFL_OUTCOME_FAILED);
  g_assert_cmpint (p.found.errsv, ==, EISDIR);
  proc_clear (&p);
}

int
main (int argc, char **argv)
{
  static const int gone[] = { ENOENT, ESTALE };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/break/only-the-expired", test_only_the_expired);
  g_test_add_func ("/break/rest", test_rest);
  g_test_add_func ("/break/both-clocks", test_both_clocks);
  g_test_add_func ("/break/far-times", test_far_times);
  g_test_add_func ("/break/same-name-other-file", test_same_name_other_file);
  g_test_add_func ("/break/may-not-break", test_may_not_break);
  for (gsize i = 0; i < G_N_ELEMENTS (gone); i++)
    {
      g_autofree char *recover = g_strdup_printf ("/break/quicker/recoverer/%d", gone[i]);
      g_autofree char *finish = g_strdup_printf ("/break/quicker/breaker/%d", gone[i]);

      g_test_add_data_func (recover, GINT_TO_POINTER (gone[i]), test_quicker_recoverer);
      g_test_add_data_func (finish, GINT_TO_POINTER (gone[i]), test_quicker_breaker);
    }
  g_test_add_func ("/break/orphan", test_orphan);
  g_test_add_func ("/break/force", test_force);
  return g_test_run ();
}
