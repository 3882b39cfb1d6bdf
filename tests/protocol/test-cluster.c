/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * File systems that are neither local nor NFS, where the ctime may be any client's word.
 */

#include <errno.h>

#include "protocol-util.h"

#define HOUR (3600 * FAKE_SEC)

static void
begin (Proc *a, Proc *b)
{
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_OTHER);
  proc_init (a);
  proc_init (b);
}

static void
end (Proc *a, Proc *b)
{
  proc_abandon (a);
  proc_abandon (b);
  proc_clear (a);
  proc_clear (b);
}

/* The next calls come from a client whose clock is off by @skew. */
static void
go_to_client (gint64 skew)
{
  fake_disk_skew_local (skew);
  fake_disk_client_ctime (skew);
}

/* Returns the time after which the lock was had, in seconds, or -1 after @limit. */
static int
wait_for_lock (Proc *p, int limit)
{
  for (int i = 0; i <= limit; i++)
    {
      if (proc_attempt (p) == FLUFL_OUTCOME_HELD)
        return i;
      fake_disk_advance (FAKE_SEC);
    }
  return -1;
}

static void
test_wrong_clock (void)
{
  Proc holder, p;

  g_test_summary ("A client whose clock is an hour ahead breaks no live lock");
  begin (&holder, &p);
  proc_acquire (&holder);
  go_to_client (HOUR);
  /* Its holder does not refresh it: the lease alone counts. */
  g_assert_cmpint (wait_for_lock (&p, (int) (LIFETIME / FAKE_SEC)), ==, -1);
  for (int i = 0; i < 20; i++)
    {
      go_to_client (0);
      g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
      go_to_client (HOUR);
      g_assert_cmpint (wait_for_lock (&p, 4), ==, -1);
      g_assert_true (p.found.in_vigil);
    }

  g_test_message ("After the holder's death it waits for the lifetime and the grace");
  proc_die (&holder);
  g_assert_cmpint (wait_for_lock (&p, 60), ==, 15);
  end (&holder, &p);
}

static void
test_dead_elsewhere (void)
{
  Proc p, late;

  g_test_summary ("A dead holder costs a waiter no more than on NFS, and one that comes late a lifetime");
  begin (&p, &late);
  put_claim (FOREIGN, TRUE, 15);
  g_assert_cmpint (wait_for_lock (&p, 60), ==, 26);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  put_claim (FOREIGN, TRUE, 15);
  fake_disk_advance (HOUR);
  g_assert_cmpint (wait_for_lock (&late, 60), ==, 20);
  end (&p, &late);
}

/* ceph-fuse shows the later of ctime and mtime. */
static void
test_later_ctime (void)
{
  Proc holder, p;

  begin (&holder, &p);
  fake_disk_later_ctime (TRUE);
  proc_acquire (&holder);
  for (int i = 0; i < 5; i++)
    {
      g_assert_cmpint (fake_disk_mtime (LOCK), ==, fake_disk_server_now () + LIFETIME);
      g_assert_cmpint (ABS (holder.claim.clock_offset), <, FAKE_SEC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (FAKE_SEC);
      g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
    }
  proc_die (&holder);
  g_assert_cmpint (wait_for_lock (&p, 60), ==, 26);

  g_test_message ("Without its claim it rests before it is recovered, and after that");
  fake_syscalls.unlink (p.claim.path);
  proc_die (&p);
  fake_disk_advance (HOUR);
  g_assert_cmpint (wait_for_lock (&holder, 60), ==, 26);
  proc_release (&holder);
  assert_disk_empty ();

  g_test_message ("A live lock of a client whose clock is right stays");
  proc_acquire (&holder);
  go_to_client (HOUR);
  g_assert_cmpint (wait_for_lock (&p, (int) (LIFETIME / FAKE_SEC)), ==, -1);
  end (&holder, &p);
}

/* A claim of this machine whose process has gone. */
static void
put_dead (double seconds)
{
  g_autofree char *name = NULL;
  FluflIdentity identity;

  flufl_identity_get (&fake_syscalls, &identity);
  identity.pid = 4000000;
  name = flufl_claim_name_build ("x.lock", "|", &identity, 1, 2, FLUFL_MARK_NONE);
  put_claim (name, TRUE, seconds);
}

static void
test_observed_rest (gconstpointer later)
{
  Proc p, q;

  g_test_summary ("The lock of a process proved dead is broken once a waiter has seen it rest");
  begin (&p, &q);
  fake_disk_later_ctime (GPOINTER_TO_INT (later));
  put_dead (600);
  fake_disk_advance (60 * FAKE_SEC);
  g_assert_cmpint (wait_for_lock (&p, 60), ==, 5);
  proc_release (&p);

  g_test_message ("Each change begins another rest, whatever its ctime");
  put_dead (600);
  fake_disk_advance (60 * FAKE_SEC);
  go_to_client (-HOUR);
  g_assert_cmpint (wait_for_lock (&p, 4), ==, -1);
  g_assert_cmpint (fake_syscalls.link (LOCK, "/d|e/backup"), ==, 0);
  g_assert_cmpint (wait_for_lock (&p, 4), ==, -1);
  g_assert_true (p.found.resting);
  g_assert_cmpint (p.found.rest_left, >, 0);
  g_assert_cmpint (wait_for_lock (&p, 4), ==, 0);
  proc_release (&p);
  fake_syscalls.unlink ("/d|e/backup");

  g_test_message ("So does a pause between two looks");
  put_dead (600);
  fake_disk_advance (60 * FAKE_SEC);
  for (int i = 0; i < 5; i++)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (3 * FAKE_SEC);
    }
  g_assert_cmpint (wait_for_lock (&p, 60), ==, 5);
  proc_release (&p);
  assert_disk_empty ();
  end (&p, &q);
}

static void
test_claim_rests (void)
{
  g_autofree char *path = NULL;
  Proc p, q;

  g_test_summary ("A change of the claim alone, as a cache may show it, begins another rest");
  begin (&p, &q);
  put_dead (600);
  fake_disk_advance (60 * FAKE_SEC);
  g_assert_cmpint (wait_for_lock (&p, 3), ==, -1);
  path = g_strconcat ("/d|e/", p.found.look.claim.name, NULL);
  fake_disk_fault ("lstat", 3, FAKE_FAIL, ENOENT);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (path));
  g_assert_cmpint (wait_for_lock (&p, 60), ==, 5);
  proc_release (&p);
  end (&p, &q);
}

/* A waiter does not read the lock file for each try. */
static void
test_without_looks (void)
{
  Proc p, q;
  int i = 0;

  begin (&p, &q);
  put_claim (FOREIGN, TRUE, 15);
  while (flufl_attempt (&p.claim, &p.site, LIFETIME, TRUE, FALSE, &p.found) != FLUFL_OUTCOME_HELD)
    {
      g_assert_cmpint (i++, <, 60);
      fake_disk_advance (FAKE_SEC);
    }
  g_assert_cmpint (i, ==, 26);
  end (&p, &q);
}

static void
pass_three_seconds (gpointer user_data G_GNUC_UNUSED)
{
  fake_disk_advance (3 * FAKE_SEC);
}

static void
test_late_release (void)
{
  Proc holder, p;

  g_test_summary ("A late releaser does not take a ctime for a rest");
  begin (&holder, &p);
  proc_acquire (&holder);
  fake_disk_advance (LIFETIME + FAKE_SEC);
  /* Its claim is removed as by a breaker whose clock is behind, and it has been slow. */
  go_to_client (-HOUR);
  fake_disk_hook ("identify", 1, pass_three_seconds, NULL);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (LOCK));
  end (&holder, &p);
}

static void
test_stale_size (void)
{
  Proc holder, p;

  g_test_summary ("A new lock that a cache shows as empty is no foreign file");
  begin (&holder, &p);
  fake_disk_stale_sizes (FAKE_SEC);
  proc_acquire (&holder);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  /* Its name has gone, and the empty file has one link. */
  fake_disk_put (LOCK, "/d|e/" FOREIGN, -1, FLUFL_FILE_REGULAR);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.look.foreign, ==, FLUFL_FOREIGN_EMPTY);
  fake_disk_advance (FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_CLAIM);
  fake_syscalls.unlink (LOCK);

  g_test_message ("A file that stays empty is one, and an old one at once");
  fake_disk_put (LOCK, "", 0, FLUFL_FILE_REGULAR);
  for (int i = 0; i < 5; i++)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (FAKE_SEC);
    }
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
  g_assert_cmpint (proc_attempt (&holder), ==, FLUFL_OUTCOME_NOT_A_LOCK);

  g_test_message ("Even if its ctime lies in the future");
  fake_syscalls.unlink (LOCK);
  fake_disk_client_ctime (HOUR);
  fake_disk_put (LOCK, "", 0, FLUFL_FILE_REGULAR);
  fake_disk_client_ctime (0);
  for (int i = 0; i < 5; i++)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (FAKE_SEC);
    }
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
  fake_syscalls.unlink (LOCK);
  end (&holder, &p);
}

static void
test_bad_descriptor (void)
{
  Proc holder, p;

  g_test_summary ("EBADF of a look means that another client has removed the file");
  begin (&holder, &p);
  proc_acquire (&holder);
  fake_disk_fault ("read", 1, FAKE_FAIL, EBADF);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());

  g_test_message ("On NFS it is an error of ours");
  proc_abandon (&p);
  fake_disk_kind (FLUFL_FS_NFS);
  p.site.fs_kind = FLUFL_FS_UNASKED;
  fake_disk_fault ("read", 1, FAKE_FAIL, EBADF);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_FAILED);
  g_assert_cmpint (p.found.errsv, ==, EBADF);
  end (&holder, &p);
}

static void
test_failing_links (void)
{
  const int errsv = EIO;
  Proc p, q;
  int n = 1;

  g_test_summary ("rclone answers EIO to each link(2): there are no hard links");
  begin (&p, &q);
  fake_disk_refuse_links (EIO);
  while (proc_attempt (&p) == FLUFL_OUTCOME_UNSURE)
    g_assert_cmpint (++n, <, 100);
  g_assert_cmpint (proc_attempt (&q), ==, FLUFL_OUTCOME_UNSURE);
  g_assert_cmpint (n, ==, 6);
  g_assert_cmpint (p.found.errsv, ==, EIO);
  g_assert_null (p.claim.path);
  proc_abandon (&q);
  assert_disk_empty ();

  g_test_message ("Not while a lock is there, nor after a link(2) that succeeded");
  fake_disk_refuse_links (0);
  proc_acquire (&q);
  fake_disk_refuse_links (EIO);
  for (int i = 0; i < 20; i++)
    g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSURE);
  end (&p, &q);

  g_test_message ("Nor if the user says that EIO passes");
  begin (&p, &q);
  fake_disk_refuse_links (EIO);
  p.site.retry_errnos = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_append_val (p.site.retry_errnos, errsv);
  for (int i = 0; i < 20; i++)
    g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSURE);
  end (&p, &q);

  g_test_message ("Nor on NFS");
  begin (&p, &q);
  fake_disk_kind (FLUFL_FS_NFS);
  fake_disk_refuse_links (EIO);
  for (int i = 0; i < 20; i++)
    g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSURE);
  end (&p, &q);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cluster/wrong-clock", test_wrong_clock);
  g_test_add_func ("/cluster/dead-elsewhere", test_dead_elsewhere);
  g_test_add_func ("/cluster/later-ctime", test_later_ctime);
  g_test_add_data_func ("/cluster/observed-rest", GINT_TO_POINTER (FALSE), test_observed_rest);
  g_test_add_data_func ("/cluster/observed-rest-later-ctime", GINT_TO_POINTER (TRUE), test_observed_rest);
  g_test_add_func ("/cluster/claim-rests", test_claim_rests);
  g_test_add_func ("/cluster/without-looks", test_without_looks);
  g_test_add_func ("/cluster/late-release", test_late_release);
  g_test_add_func ("/cluster/stale-size", test_stale_size);
  g_test_add_func ("/cluster/bad-descriptor", test_bad_descriptor);
  g_test_add_func ("/cluster/failing-links", test_failing_links);
  return g_test_run ();
}
