/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * One process at a time, on the disk in memory: acquire, hold, release.
 */

#include <errno.h>
#include <unistd.h>

#include "protocol-util.h"

static void
test_cycle (gconstpointer data)
{
  FluflFsKind kind = (FluflFsKind) GPOINTER_TO_INT (data);
  gboolean local = kind == FLUFL_FS_LOCAL;
  Proc p;

  fake_disk_reset ();
  fake_disk_kind (kind);
  proc_init (&p);
  fake_disk_forget_calls ();
  proc_acquire (&p);
  g_assert_cmpstr (fake_disk_content (LOCK), ==, p.claim.path);
  g_assert_cmpint (fake_disk_mtime (LOCK), ==, fake_disk_server_now () + LIFETIME);
  g_assert_cmpint (fake_disk_type (LOCK), ==, FLUFL_FILE_REGULAR);

  g_test_message ("Nothing is asked that need not be");
  g_assert_cmpuint (fake_disk_count_calls ("create"), ==, 1);
  g_assert_cmpuint (fake_disk_count_calls ("futimens"), ==, 1);
  g_assert_cmpuint (fake_disk_count_calls ("fstat"), ==, 1);
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, local);
  g_assert_cmpuint (fake_disk_count_calls ("close"), ==, !local);
  g_assert_cmpuint (fake_disk_count_calls ("link"), ==, 1);
  g_assert_cmpuint (fake_disk_n_calls (), ==, 5 + fake_disk_count_calls ("pwrite"));

  fake_disk_forget_calls ();
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_cmpuint (fake_disk_count_calls ("unlink"), ==, 2);
  g_assert_cmpuint (fake_disk_count_calls ("close"), ==, local);
  g_assert_cmpuint (fake_disk_count_calls ("identify"), ==, 1);
  g_assert_cmpuint (fake_disk_n_calls (), ==, 3 + local);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_looking_never_writes (void)
{
  Proc p;
  FluflLook look;
  int errsv = 0;

  g_test_summary ("Hazard 13");
  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  fake_disk_advance (FAKE_SEC);
  fake_disk_forget_calls ();
  g_assert_cmpint (flufl_claim_check (&p.claim, &p.site, &errsv), ==, FLUFL_OUTCOME_HELD);
  flufl_look_take (&look, &p.site, LOCK);
  g_assert_cmpint (look.sight, ==, FLUFL_SIGHT_CLAIM);
  g_assert_cmpuint (fake_disk_n_writes (), ==, 0);
  g_assert_cmpint (fake_disk_mtime (LOCK), ==, fake_disk_server_now () - FAKE_SEC + LIFETIME);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_lost_link_reply (gconstpointer data)
{
  Proc p;

  g_test_summary ("Hazard 2: the link was made, the answer says it was not");
  fake_disk_reset ();
  proc_init (&p);
  fake_disk_fault ("link", 1, FAKE_LOSE_REPLY, GPOINTER_TO_INT (data));
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_lost_link_reply_unseen (void)
{
  Proc p;

  g_test_summary ("The answer of link(2) is lost, and then nothing answers for a while");
  fake_disk_reset ();
  proc_init (&p);
  g_assert_cmpint (flufl_claim_create (&p.claim, &p.site, LIFETIME, &p.found.errsv), ==,
                   FLUFL_OUTCOME_READY);
  fake_disk_fault ("link", 1, FAKE_LOSE_REPLY, EIO);
  g_assert_cmpint (fake_syscalls.link (p.claim.path, LOCK), ==, -1);
  p.claim.unsure = TRUE;
  g_test_message ("Giving up then gives back what was won");
  proc_abandon (&p);
  assert_disk_empty ();

  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  proc_clear (&p);
}

static void
assert_fresh (gpointer data)
{
  Proc *p = data;

  g_assert_cmpint (fake_disk_mtime (p->claim.path), >,
                   fake_disk_server_now () + LIFETIME * 9 / 10);
}

static void
release_holder (gpointer data)
{
  g_assert_cmpint (proc_release (data), ==, FLUFL_OUTCOME_RELEASED);
}

static void
test_link_by_others (void)
{
  Proc holder, waiter, again;

  g_test_summary ("A backup that copies by links makes no lock of a claim that waits");
  for (FluflFsKind kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_OTHER; kind++)
    {
      fake_disk_reset ();
      fake_disk_kind (kind);
      proc_init (&holder);
      proc_init (&waiter);
      proc_acquire (&holder);
      g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_BUSY);
      g_assert_cmpint (fake_syscalls.link (waiter.claim.path, "/d|e/copy"), ==, 0);
      g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_BUSY);
      g_assert_true (proc_has_it (&holder));

      g_test_message ("Nor if the holder goes between our link and the look");
      fake_disk_hook ("lstat", 2, release_holder, &holder);
      g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_HELD);
      g_assert_true (fake_disk_order_done ());
      g_assert_true (fake_disk_exists (LOCK));
      g_assert_cmpint (proc_release (&waiter), ==, FLUFL_OUTCOME_RELEASED);
      fake_syscalls.unlink ("/d|e/copy");
      proc_acquire (&holder);
      g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_BUSY);
      g_assert_cmpint (fake_syscalls.link (waiter.claim.path, "/d|e/copy"), ==, 0);

      g_test_message ("Nor if a server is away; but if it is, and nobody said so");
      fake_disk_fault ("link", 1, FAKE_FAIL, EIO);
      g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_UNSURE);
      g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
      fake_disk_fault ("link", 1, FAKE_LOSE_REPLY, EEXIST);
      g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_release (&waiter), ==, FLUFL_OUTCOME_RELEASED);
      fake_syscalls.unlink ("/d|e/copy");
      assert_disk_empty ();
      proc_clear (&holder);
      proc_clear (&waiter);
    }

  g_test_message ("Nor of one that was kept, and looked at a moment ago");
  fake_disk_reset ();
  proc_init (&waiter);
  proc_init (&again);
  waiter.site.names_kept = TRUE;
  proc_acquire (&waiter);
  g_assert_cmpint (proc_park (&waiter), ==, FLUFL_OUTCOME_RELEASED);
  proc_acquire (&again);
  g_assert_cmpint (fake_syscalls.link (waiter.claim.path, "/d|e/copy"), ==, 0);
  g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (proc_has_it (&again));
  proc_abandon (&waiter);
  proc_release (&again);
  fake_syscalls.unlink ("/d|e/copy");
  assert_disk_empty ();
  proc_clear (&waiter);
  proc_clear (&again);
}

static void
test_touched_before_link (void)
{
  Proc holder, waiter;

  g_test_summary ("Hazard 4: a wait longer than the lifetime");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&waiter);
  proc_acquire (&holder);
  g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_BUSY);
  for (int i = 0; i < 10; i++)
    {
      fake_disk_advance (4 * FAKE_SEC);
      g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
    }
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  fake_disk_hook ("link", 1, assert_fresh, &waiter);
  proc_acquire (&waiter);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (fake_disk_mtime (LOCK), ==, fake_disk_server_now () + LIFETIME);
  g_assert_cmpint (flufl_claim_lease_left (&waiter.claim, &waiter.site), ==, LIFETIME);
  proc_release (&waiter);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&waiter);
}

static void
pass_two_seconds (gpointer unused G_GNUC_UNUSED)
{
  fake_disk_advance (2 * FAKE_SEC);
}

static void
test_slow_link_is_confirmed (void)
{
  Proc p;

  g_test_summary ("A link that took a tenth of the lifetime is confirmed by a touch");
  fake_disk_reset ();
  proc_init (&p);
  fake_disk_hook ("link", 1, pass_two_seconds, NULL);
  proc_acquire (&p);
  g_assert_cmpint (fake_disk_mtime (LOCK), ==, fake_disk_server_now () + LIFETIME);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_claim_vanishes (void)
{
  Proc holder, waiter;

  g_test_summary ("A claim that somebody removed is made anew, under another name");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&waiter);
  proc_acquire (&holder);
  g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_BUSY);
  {
    g_autofree char *first = g_strdup (waiter.claim.path);

    fake_syscalls.unlink (first);
    g_assert_cmpint (proc_attempt (&waiter), ==, FLUFL_OUTCOME_BUSY);
    g_assert_cmpstr (waiter.claim.path, !=, first);
  }
  proc_release (&holder);
  proc_acquire (&waiter);
  proc_release (&waiter);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&waiter);
}

static void
test_replaced_before_first_link (gconstpointer data)
{
  FluflFsKind kind = (FluflFsKind) GPOINTER_TO_INT (data);
  g_autofree char *first = NULL;
  Proc p;

  g_test_summary ("A claim that waits before its first link(2) notices that its directory was copied");
  fake_disk_reset ();
  fake_disk_kind (kind);
  proc_init (&p);
  g_assert_cmpint (flufl_attempt_claim (&p.claim, &p.site, LIFETIME, &p.found), ==,
                   FLUFL_OUTCOME_READY);
  first = g_strdup (p.claim.path);
  fake_disk_advance (1);
  fake_disk_move_directory ("/d|e", "/elsewhere");
  fake_disk_copy_directory ("/elsewhere", "/d|e");
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpstr (p.claim.path, !=, first);
  g_assert_false (fake_disk_exists (first));

  g_test_message ("What link(2) made of the copy is broken as any orphan");
  for (int i = 0; i < 120 && proc_attempt (&p) != FLUFL_OUTCOME_HELD; i++)
    fake_disk_advance (FAKE_SEC);
  g_assert_true (proc_has_it (&p));
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  proc_clear (&p);
}

static void
test_coarse_times (void)
{
  Proc p;

  g_test_summary ("Where whole seconds are stored the expiration is rounded up");
  fake_disk_reset ();
  fake_disk_granularity (FAKE_SEC);
  fake_disk_advance (FAKE_SEC * 7 / 10);
  proc_init (&p);
  g_assert_cmpint (flufl_attempt (&p.claim, &p.site, FAKE_SEC * 9 / 10, TRUE, TRUE, &p.found), ==,
                   FLUFL_OUTCOME_HELD);
  g_assert_cmpint (fake_disk_mtime (LOCK), >=, fake_disk_server_now () + FAKE_SEC * 9 / 10);
  fake_disk_advance (FAKE_SEC / 3);
  {
    int errsv = 0;

    g_assert_cmpint (flufl_claim_refresh (&p.claim, &p.site, FAKE_SEC * 9 / 10, &errsv), ==,
                     FLUFL_OUTCOME_HELD);
  }
  g_assert_cmpint (fake_disk_mtime (LOCK), >=, fake_disk_server_now () + FAKE_SEC * 9 / 10);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_later_clock_rules (void)
{
  Proc p;

  g_test_summary ("The holder's lease counts by the later of the two clocks");
  for (int ahead = -1; ahead <= 1; ahead += 2)
    {
      fake_disk_reset ();
      fake_disk_skew_local (ahead * 3600 * FAKE_SEC);
      proc_init (&p);
      proc_acquire (&p);
      g_assert_cmpint (fake_disk_mtime (LOCK), ==,
                       fake_disk_server_now () + LIFETIME + (ahead > 0 ? 3600 * FAKE_SEC : 0));
      fake_disk_advance (FAKE_SEC);
      g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (fake_disk_mtime (LOCK), >=, fake_disk_server_now () + LIFETIME);
      proc_release (&p);
      assert_disk_empty ();
      proc_clear (&p);
    }
}

static void
test_no_hard_links (gconstpointer data)
{
  Proc p;

  g_test_summary ("Hazard 14. Where hard links are known to work something else refuses link(2)");
  for (int local = 0; local < 2; local++)
    {
      fake_disk_reset ();
      fake_disk_kind (local ? FLUFL_FS_LOCAL : FLUFL_FS_OTHER);
      proc_init (&p);
      fake_disk_fault ("link", 1, FAKE_FAIL, GPOINTER_TO_INT (data));
      g_assert_cmpint (proc_attempt (&p), ==,
                       local ? FLUFL_OUTCOME_FAILED : FLUFL_OUTCOME_UNSUPPORTED);
      g_assert_cmpint (p.found.errsv, ==, GPOINTER_TO_INT (data));
      assert_disk_empty ();
      proc_clear (&p);
    }
}

static void
pass_three_seconds (gpointer unused G_GNUC_UNUSED)
{
  fake_disk_advance (3 * FAKE_SEC);
}

static void
test_copies_for_links (void)
{
  Proc p;

  g_test_summary ("Hazard 14: a file system that copies, and says that it linked");
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_OTHER);
  fake_disk_copy_links (TRUE);
  proc_init (&p);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSUPPORTED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_copy_is_removed_with_token (void)
{
  Proc p;

  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_OTHER);
  fake_disk_copy_links (TRUE);
  proc_init (&p);
  g_test_message ("Another has the token: it, or who comes, removes the lock file");
  fake_disk_fault ("unlink", 1, FAKE_FAIL, ENOENT);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (LOCK));
  proc_abandon (&p);

  g_test_message ("Past half the grace the lock file is left");
  fake_syscalls.unlink (LOCK);
  fake_disk_hook ("unlink", 1, pass_three_seconds, NULL);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSUPPORTED);
  g_assert_true (fake_disk_exists (LOCK));
  g_assert_cmpuint (fake_disk_n_names (), ==, 1);
  proc_clear (&p);
}

static void
test_slow_server_is_not_behind (void)
{
  Proc p;

  for (int ahead = 0; ahead <= 10; ahead += 10)
    {
      fake_disk_reset ();
      fake_disk_skew_local (ahead * FAKE_SEC);
      proc_init (&p);
      fake_disk_hook ("fstat", 1, pass_three_seconds, NULL);
      g_assert_cmpint (flufl_claim_create (&p.claim, &p.site, LIFETIME, &p.found.errsv), ==,
                       FLUFL_OUTCOME_READY);
      g_assert_true (fake_disk_order_done ());
      g_assert_cmpint (p.claim.clock_offset, ==, -ahead * FAKE_SEC);
      proc_abandon (&p);
      proc_clear (&p);
    }
}

/* A clock that was right is set back: others would see the lock as expired, and
 * flufl.lock does not let it rest. */
static void
test_clock_set_back (void)
{
  Proc p;

  for (int lingers = 0; lingers <= 1; lingers++)
    {
      fake_disk_reset ();
      proc_init (&p);
      p.site.names_kept = lingers;
      proc_acquire (&p);
      if (lingers)
        g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
      fake_disk_skew_local (-3600 * FAKE_SEC);
      if (lingers)
        proc_acquire (&p);
      else
        g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_HELD);
      g_assert_cmpint (fake_disk_mtime (LOCK), >=, fake_disk_server_now () + LIFETIME);
      g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
      proc_clear (&p);
    }
}

static void
test_file_system_is_asked_again (void)
{
  FluflSite site;

  flufl_site_init (&site, &flufl_syscalls_native, "/nonexistent/x.lock", "|");
  g_assert_cmpint (flufl_site_fs_kind (&site), ==, FLUFL_FS_OTHER);
  g_assert_cmpint (site.fs_kind, ==, FLUFL_FS_UNASKED);
  flufl_site_clear (&site);
}

/* On SMB two processes may both learn that they have removed one claim. On a split file system two may
 * create one file, without links, too. With short names a claim may be a file of the user. So no lock is
 * made. */
static void
test_refused (gconstpointer data)
{
  Proc p;

  fake_disk_reset ();
  fake_disk_kind ((FluflFsKind) GPOINTER_TO_INT (data));
  put_claim (FOREIGN, TRUE, 60);
  proc_init (&p);
  p.site.without_links = TRUE;
  for (int i = 0; i < 2; i++)
    {
      fake_disk_forget_calls ();
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSUPPORTED);
      g_assert_cmpuint (fake_disk_n_calls (), ==, 0);
    }
  g_assert_cmpuint (fake_disk_n_names (), ==, 2);
  proc_clear (&p);
}

static void
test_create_fails (void)
{
  static const struct
  {
    int   errsv;
    guint removals;
  } cases[] = { { EMFILE, 0 }, { ENFILE, 0 }, { ENOMEM, 0 }, { EACCES, 0 }, { EIO, 1 }, { ESTALE, 1 } };

  g_test_summary ("A claim whose creation failed is removed only if the error may hide that it was made");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_fault ("create", 1, FAKE_FAIL, cases[i].errsv);
      proc_attempt (&p);
      g_assert_true (fake_disk_order_done ());
      g_assert_cmpint (p.found.errsv, ==, cases[i].errsv);
      g_assert_cmpuint (fake_disk_count_calls ("unlink"), ==, cases[i].removals);
      g_assert_cmpuint (fake_disk_n_names (), ==, 0);
      proc_clear (&p);
    }
}

static void
test_refresh (void)
{
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  fake_disk_advance (4 * FAKE_SEC);
  fake_disk_fault ("utimens", 1, FAKE_FAIL, EIO);
  g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_UNSURE);
  g_assert_cmpint (flufl_claim_lease_left (&p.claim, &p.site), ==, LIFETIME - 4 * FAKE_SEC);
  g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpint (flufl_claim_lease_left (&p.claim, &p.site), ==, LIFETIME);
  g_assert_cmpint (fake_disk_mtime (LOCK), ==, fake_disk_server_now () + LIFETIME);

  g_test_message ("Touched, and not seen to be still the lock: the lease that ran goes on");
  fake_disk_advance (4 * FAKE_SEC);
  fake_disk_fault ("lstat", 1, FAKE_FAIL, EIO);
  {
    gint64 expiration = p.claim.expiration;
    int errsv = 0;

    g_assert_cmpint (flufl_claim_refresh (&p.claim, &p.site, 2 * LIFETIME, &errsv), ==,
                     FLUFL_OUTCOME_UNSURE);
    g_assert_cmpint (errsv, ==, EIO);
    g_assert_cmpint (p.claim.lifetime, ==, LIFETIME);
    g_assert_cmpint (p.claim.expiration, ==, expiration);
    g_assert_true (p.claim.doubtful);
  }
  g_assert_cmpint (flufl_claim_lease_left (&p.claim, &p.site), ==, LIFETIME - 4 * FAKE_SEC);

  g_test_message ("Linked no more, although the claim is there");
  fake_syscalls.unlink (LOCK);
  g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_LOST);
  proc_abandon (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

int
main (int argc, char **argv)
{
  static const int lost[] = { EEXIST, EIO, ESTALE, ETIMEDOUT, ENOENT, EPERM };
  static const int unsupported[] = { EPERM, EOPNOTSUPP, EMLINK, EXDEV, ENOSYS };

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/protocol/cycle/local", GINT_TO_POINTER (FLUFL_FS_LOCAL), test_cycle);
  g_test_add_data_func ("/protocol/cycle/nfs", GINT_TO_POINTER (FLUFL_FS_NFS), test_cycle);
  g_test_add_func ("/protocol/looking-never-writes", test_looking_never_writes);
  for (gsize i = 0; i < G_N_ELEMENTS (lost); i++)
    {
      g_autofree char *path = g_strdup_printf ("/protocol/acquire/lost-link-reply/%d", lost[i]);

      g_test_add_data_func (path, GINT_TO_POINTER (lost[i]), test_lost_link_reply);
    }
  g_test_add_func ("/protocol/acquire/lost-link-reply-unseen", test_lost_link_reply_unseen);
  g_test_add_func ("/protocol/acquire/link-by-others", test_link_by_others);
  g_test_add_func ("/protocol/acquire/touched-before-link", test_touched_before_link);
  g_test_add_func ("/protocol/acquire/slow-link-is-confirmed", test_slow_link_is_confirmed);
  g_test_add_func ("/protocol/acquire/claim-vanishes", test_claim_vanishes);
  g_test_add_data_func ("/protocol/acquire/replaced-before-first-link/local",
                        GINT_TO_POINTER (FLUFL_FS_LOCAL), test_replaced_before_first_link);
  g_test_add_data_func ("/protocol/acquire/replaced-before-first-link/nfs",
                        GINT_TO_POINTER (FLUFL_FS_NFS), test_replaced_before_first_link);
  g_test_add_func ("/protocol/acquire/coarse-times", test_coarse_times);
  g_test_add_func ("/protocol/acquire/later-clock-rules", test_later_clock_rules);
  for (gsize i = 0; i < G_N_ELEMENTS (unsupported); i++)
    {
      g_autofree char *path = g_strdup_printf ("/protocol/acquire/no-hard-links/%d", unsupported[i]);

      g_test_add_data_func (path, GINT_TO_POINTER (unsupported[i]), test_no_hard_links);
    }
  g_test_add_func ("/protocol/acquire/copies-for-links", test_copies_for_links);
  g_test_add_func ("/protocol/acquire/copy-is-removed-with-token", test_copy_is_removed_with_token);
  g_test_add_func ("/protocol/slow-server-is-not-behind", test_slow_server_is_not_behind);
  g_test_add_func ("/protocol/clock-set-back", test_clock_set_back);
  g_test_add_func ("/protocol/file-system-is-asked-again", test_file_system_is_asked_again);
  g_test_add_func ("/protocol/create-fails", test_create_fails);
  g_test_add_func ("/protocol/refresh", test_refresh);
  g_test_add_data_func ("/protocol/refused/smb", GINT_TO_POINTER (FLUFL_FS_SMB), test_refused);
  g_test_add_data_func ("/protocol/refused/short", GINT_TO_POINTER (FLUFL_FS_SHORT), test_refused);
  g_test_add_data_func ("/protocol/refused/split", GINT_TO_POINTER (FLUFL_FS_SPLIT), test_refused);
  return g_test_run ();
}
