/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A claim that is kept on a file server, and answers that are lost or untrue.
 */

#include <errno.h>
#include <string.h>
#include "protocol-util.h"

static void
test_nfs (void)
{
  g_autofree char *path = NULL;
  FluflClaimName name;
  Proc p, other;

  g_test_summary ("On NFS the same claim is kept, even by an object that has to wait");
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_NFS);
  proc_init (&p);
  proc_init (&other);
  p.site.names_kept = TRUE;
  proc_acquire (&p);
  path = g_strdup (p.claim.path);
  g_assert_true (flufl_claim_name_parse (path, strlen (path), "x.lock", "|", &name));
  g_assert_true (name.kept);
  g_assert_false (name.life_line);
  for (int i = 0; i < 3; i++)
    {
      fake_disk_forget_calls ();
      g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
      /* The reply to the first call answers lstat and identify. */
      g_assert_cmpuint (fake_disk_n_calls (), ==, 4); /* utimens, lstat, identify, unlink */
      g_assert_cmpuint (fake_disk_n_open (), ==, 0);
      g_assert_cmpuint (fake_disk_n_names (), ==, 1);
      fake_disk_advance (60 * FAKE_SEC);
      if (i == 1)
        {
          proc_acquire (&other);
          g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
          proc_release (&other);
        }
      fake_disk_forget_calls ();
      proc_acquire (&p);
      g_assert_cmpuint (fake_disk_n_calls (), ==, i == 1 ? 2 : 4); /* and lstat */
      g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 0);
      g_assert_cmpstr (p.claim.path, ==, path);
      g_assert_cmpint (fake_disk_mtime (LOCK), >=, fake_disk_server_now () + LIFETIME - FAKE_SEC);
    }
  proc_park (&p);

  g_test_message ("With a link that others made it is used once more, and not kept");
  g_assert_cmpint (fake_syscalls.link (path, "/d|e/copy"), ==, 0);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  g_assert_cmpstr (p.claim.path, ==, path);
  g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_false (fake_disk_exists (path));
  g_assert_false (fake_disk_exists (LOCK));
  proc_acquire (&p);
  g_assert_cmpstr (p.claim.path, !=, path);
  fake_syscalls.unlink ("/d|e/copy");
  proc_park (&p);
  fake_syscalls.unlink (p.claim.path);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&other);
  proc_clear (&p);
}

/* The lock is removed, and the answer lost; meanwhile another has taken it. */
static Proc *quick_one;
static int lost_answer;

static int
unlink_unheard (const char *path)
{
  int result = fake_syscalls.unlink (path);

  if (strcmp (path, LOCK) != 0 || quick_one == NULL)
    return result;
  g_assert_cmpint (result, ==, 0);
  proc_acquire (g_steal_pointer (&quick_one));
  errno = lost_answer;
  return -1;
}

static void
test_unheard (void)
{
  const FluflFsKind kinds[] = { FLUFL_FS_LOCAL, FLUFL_FS_NFS };
  const int errsvs[] = { ENOENT, ESTALE, EIO, ETIMEDOUT };
  FluflSyscalls table = fake_syscalls;
  Proc p, other;

  g_test_summary ("A release whose answer is lost removes nobody else's lock");
  table.unlink = unlink_unheard;
  for (guint i = 0; i < G_N_ELEMENTS (kinds) * G_N_ELEMENTS (errsvs); i++)
    {
      fake_disk_reset ();
      fake_disk_kind (kinds[i % G_N_ELEMENTS (kinds)]);
      proc_init_at (&p, &table, LOCK);
      proc_init (&other);
      p.site.names_kept = TRUE;
      proc_acquire (&p);
      quick_one = &other;
      lost_answer = errsvs[i / G_N_ELEMENTS (kinds)];
      g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
      g_assert_null (quick_one);
      g_assert_true (proc_has_it (&other));
      proc_release (&other);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
      proc_release (&p);
      assert_disk_empty ();
      proc_clear (&other);
      proc_clear (&p);
    }
}

static void
test_answer_untrue (void)
{
  Proc p;

  g_test_summary ("It was said to be gone, and is not");
  for (FluflFsKind kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_NFS; kind++)
    {
      fake_disk_reset ();
      fake_disk_kind (kind);
      proc_init (&p);
      p.site.names_kept = TRUE;
      proc_acquire (&p);
      fake_disk_fault ("unlink", 1, FAKE_FAIL, ENOENT);
      g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
      g_assert_true (fake_disk_order_done ());
      assert_disk_empty ();
      proc_clear (&p);
    }
}

/* The lock is removed, and the answer lost. Another process takes the lock once the claim is gone,
 * and its claim gets the inode number of the old one. */
static int
unlink_unheard_and_reuse (const char *path)
{
  gboolean is_claim = strcmp (path, LOCK) != 0;
  int result;

  if (is_claim && quick_one != NULL)
    fake_disk_reuse_inode (path);
  result = fake_syscalls.unlink (path);
  if (quick_one == NULL)
    return result;
  g_assert_cmpint (result, ==, 0);
  if (is_claim)
    {
      proc_acquire (g_steal_pointer (&quick_one));
      return 0;
    }
  errno = ETIMEDOUT;
  return -1;
}

static void
test_unheard_reused (void)
{
  FluflSyscalls table = fake_syscalls;
  Proc p, other;
  guint64 ino;

  g_test_summary ("Such a release reads whose lock it is: inode numbers are used again");
  table.unlink = unlink_unheard_and_reuse;
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_NFS);
  proc_init_at (&p, &table, LOCK);
  proc_init (&other);
  p.site.names_kept = TRUE;
  proc_acquire (&p);
  ino = p.claim.ino;
  quick_one = &other;
  g_assert_cmpint (proc_park (&p), ==, FLUFL_OUTCOME_RELEASED);
  g_assert_null (quick_one);
  g_assert_cmpuint (other.claim.ino, ==, ino);
  g_assert_true (proc_has_it (&other));
  proc_release (&other);
  assert_disk_empty ();
  proc_clear (&other);
  proc_clear (&p);
}

static void
test_linked_by_others (void)
{
  g_autofree char *path = NULL;
  Proc p;

  g_test_summary ("On NFS a kept claim that others have linked is not used after a while");
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_NFS);
  proc_init (&p);
  p.site.names_kept = TRUE;
  proc_acquire (&p);
  path = g_strdup (p.claim.path);
  proc_park (&p);
  fake_disk_advance (60 * FAKE_SEC);
  g_assert_cmpint (fake_syscalls.link (path, "/d|e/copy"), ==, 0);
  proc_acquire (&p);
  g_assert_cmpstr (p.claim.path, !=, path);
  g_assert_false (fake_disk_exists (path));
  proc_release (&p);
  fake_syscalls.unlink ("/d|e/copy");
  assert_disk_empty ();
  proc_clear (&p);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/linger-nfs/nfs", test_nfs);
  g_test_add_func ("/linger-nfs/unheard", test_unheard);
  g_test_add_func ("/linger-nfs/unheard/reused-inode", test_unheard_reused);
  g_test_add_func ("/linger-nfs/linked-by-others", test_linked_by_others);
  g_test_add_func ("/linger-nfs/answer-untrue", test_answer_untrue);
  return g_test_run ();
}
