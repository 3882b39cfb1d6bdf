/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The evidence that a holder is dead or alive, and its consequences.
 */

#include <string.h>
#include <unistd.h>

#include "life-line-util.h"

/* Replaces the function of the C library. The name needs cleaning if the separator is "-". */
int
gethostname (char *name, size_t size)
{
  return g_strlcpy (name, "odd-host", size) < size ? 0 : -1;
}

/* The name of a claim as a process of this machine would make it. */
static char *
evident_claim (int pid, const char *boot, const char *space, const char *start)
{
  FluflIdentity id;

  flufl_identity_get (&fake_syscalls, &id);
  id.pid = pid;
  if (boot != NULL)
    g_strlcpy (id.boot, boot, sizeof id.boot);
  if (space != NULL)
    g_strlcpy (id.space, space, sizeof id.space);
  if (start != NULL)
    g_strlcpy (id.start, start, sizeof id.start);
  return flufl_claim_name_build ("x.lock", "|", &id, 1, 2, FLUFL_MARK_NONE);
}

static FluflLiveness
judge_name (FluflFsKind kind, const char *separator, const char *name)
{
  FluflLiveness liveness;
  FluflClaimName claim;
  FluflSite site;

  flufl_site_init (&site, &fake_syscalls, LOCK, separator);
  site.fs_kind = kind;
  g_assert_true (flufl_claim_name_parse (name, strlen (name), "x.lock", separator, &claim));
  liveness = flufl_identity_judge (&site, &claim);
  flufl_site_clear (&site);
  return liveness;
}

static FluflLiveness
judge (FluflFsKind kind, int pid, const char *boot, const char *space, const char *start)
{
  g_autofree char *name = evident_claim (pid, boot, space, start);

  return judge_name (kind, "|", name);
}

static void
test_evidence (void)
{
  const FluflFsKind local = FLUFL_FS_LOCAL;
  const int gone = 4000000;

  fake_disk_reset ();
  g_test_message ("This process lives; its number with another start does not");
  g_assert_cmpint (judge (local, getpid (), NULL, NULL, NULL), ==, FLUFL_LIVENESS_ALIVE);
  g_assert_cmpint (judge (local, getpid (), NULL, NULL, "1"), ==, FLUFL_LIVENESS_DEAD);
  g_assert_cmpint (judge (FLUFL_FS_NFS, getpid (), NULL, NULL, "1"), ==, FLUFL_LIVENESS_DEAD);
  g_test_message ("A number that nobody has: dead, if it was one of our name space");
  g_assert_cmpint (judge (local, gone, NULL, NULL, NULL), ==, FLUFL_LIVENESS_DEAD);
  g_assert_cmpint (judge (local, gone, NULL, "00000000", NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_test_message ("Another boot: perhaps that of a client of the file server that we are");
  g_assert_cmpint (judge (local, getpid (), "00000000", NULL, NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (judge (local, gone, "00000000", NULL, NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (judge (local, gone, "00000000", "00000000", "1"), ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (judge (FLUFL_FS_NFS, gone, "00000000", NULL, NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (judge (FLUFL_FS_OTHER, gone, "00000000", NULL, NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_test_message ("Host name and process number alone prove nothing");
  {
    g_autofree char *name
        = g_strdup_printf ("x.lock|%s|%d|12345", flufl_identity_host_name (), gone);

    g_assert_cmpint (judge_name (local, "|", name), ==, FLUFL_LIVENESS_UNKNOWN);
  }
}

static void
test_evidence_of_cleaned_host (void)
{
  g_autofree char *name = NULL;
  FluflIdentity id;

  g_test_summary ("A separator that occurs in the host's name hides no evidence");
  fake_disk_reset ();
  flufl_identity_get (&fake_syscalls, &id);
  if (strchr (id.host, '-') == NULL || id.space[0] == '\0')
    {
      g_test_skip ("no host of this name, or nothing is told of its boot");
      return;
    }
  name = flufl_claim_name_build ("x.lock", "-", &id, 1, 2, FLUFL_MARK_NONE);
  g_assert_nonnull (strstr (name, "-oddxhost-"));
  g_assert_cmpint (judge_name (FLUFL_FS_LOCAL, "-", name), ==, FLUFL_LIVENESS_ALIVE);
}

static void
test_evidence_of_renamed_host (void)
{
  g_autofree char *name = NULL;
  FluflIdentity id;

  g_test_summary ("One kernel is one kernel, whatever its host was called when the claim was made");
  fake_disk_reset ();
  flufl_identity_get (&fake_syscalls, &id);
  g_strlcpy (id.host, "laptop", sizeof id.host);
  name = flufl_claim_name_build ("x.lock", "|", &id, 1, 2, FLUFL_MARK_NONE);
  g_assert_cmpint (judge_name (FLUFL_FS_LOCAL, "|", name), ==, FLUFL_LIVENESS_ALIVE);
  g_free (name);
  id.pid = 4000000;
  name = flufl_claim_name_build ("x.lock", "|", &id, 1, 2, FLUFL_MARK_NONE);
  g_assert_cmpint (judge_name (FLUFL_FS_LOCAL, "|", name), ==, FLUFL_LIVENESS_DEAD);
}

static void
test_evidence_of_execve (void)
{
  g_autofree char *own = NULL, *before = NULL, *lined = NULL;
  FluflIdentity id;

  g_test_summary ("What ran in this process before execve(2) holds nothing any more");
  fake_disk_reset ();
  flufl_identity_get (&fake_syscalls, &id);
  g_assert_cmpuint (strlen (id.image), ==, 8);
  own = flufl_claim_name_build ("x.lock", "|", &id, 1, 2, FLUFL_MARK_NONE);
  g_assert_cmpint (judge_name (FLUFL_FS_NFS, "|", own), ==, FLUFL_LIVENESS_ALIVE);
  g_strlcpy (id.image, "00000000", sizeof id.image);
  before = flufl_claim_name_build ("x.lock", "|", &id, 1, 2, FLUFL_MARK_NONE);
  g_assert_cmpint (judge_name (FLUFL_FS_NFS, "|", before), ==, FLUFL_LIVENESS_DEAD);
  g_test_message ("A life-line shows that better, and its claim's name stays shorter");
  lined = flufl_claim_name_build ("x.lock", "|", &id, 1, 2, FLUFL_MARK_LIFE_LINE);
  g_assert_cmpint (judge_name (FLUFL_FS_NFS, "|", lined), ==, FLUFL_LIVENESS_ALIVE);
}

static void
test_slept_together (void)
{
  const gint64 enough = FLUFL_GRACE + LIFETIME / 3;
  Proc holder, p, elsewhere;

  g_test_summary ("On NFS, too, a waiter that slept with the holder gives it time to refresh");
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_NFS);
  proc_init (&holder);
  proc_init (&p);
  remote_init (&elsewhere);
  proc_acquire (&holder);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (LIFETIME + FLUFL_SLOP + 60 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (p.found.in_vigil);
  g_assert_cmpint (p.found.vigil_left, ==, enough);
  g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);

  g_test_message ("A lock that is not refreshed is broken at once by a waiter that has watched it");
  for (gint64 t = 0; t <= LIFETIME + FLUFL_SLOP; t += FAKE_SEC)
    {
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_false (p.found.in_vigil);
      fake_disk_advance (FAKE_SEC);
    }
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_LOST);

  g_test_message ("Nobody elsewhere knows that the holder lives");
  fake_disk_advance (LIFETIME + FLUFL_SLOP + FAKE_SEC);
  proc_acquire (&elsewhere);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_LOST);
  g_assert_cmpint (proc_release (&elsewhere), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&p);
  proc_clear (&elsewhere);
}

static void
test_another_boot (void)
{
  g_autofree char *name = evident_claim (4000000, "00000000", "00000000", NULL);
  Proc p;

  g_test_summary ("A lock that is local to a file server may be held by one of its clients");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (name, TRUE, 600);
  fake_disk_advance (60 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_break_dead (void)
{
  g_autofree char *name = evident_claim (4000000, NULL, NULL, NULL);
  Proc p;

  g_test_summary ("The lock of a process proved dead is broken once it has rested");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (name, TRUE, 600);
  fake_disk_advance (FLUFL_GRACE);
  p.break_dead = FALSE;
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_DEAD);
  p.break_dead = TRUE;
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
flufl_breaks_and_locks (gpointer reuses_inode)
{
  if (GPOINTER_TO_INT (reuses_inode))
    fake_disk_reuse_inode (LOCK);
  fake_syscalls.unlink (LOCK);
  put_claim ("x.lock|flufl|5|99", TRUE, 15);
}

static void
test_flufl_is_quicker (gconstpointer reuses_inode)
{
  g_autofree char *dead = evident_claim (4000000, NULL, NULL, NULL);
  Proc breaker;

  g_test_summary ("flufl, which knows no token, has broken and locked since: its lock stays");
  fake_disk_reset ();
  proc_init (&breaker);
  put_claim (dead, TRUE, 600);
  fake_disk_advance (60 * FAKE_SEC);
  fake_disk_hook (LOOKS_AGAIN, flufl_breaks_and_locks, (gpointer) reuses_inode);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpstr (fake_disk_content (LOCK), ==, "/d|e/x.lock|flufl|5|99");
  proc_abandon (&breaker);
  proc_clear (&breaker);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/break/flufl-is-quicker/new-inode", GINT_TO_POINTER (FALSE),
                        test_flufl_is_quicker);
  g_test_add_data_func ("/break/flufl-is-quicker/reused-inode", GINT_TO_POINTER (TRUE),
                        test_flufl_is_quicker);
  g_test_add_func ("/break/evidence", test_evidence);
  g_test_add_func ("/break/evidence-of-cleaned-host", test_evidence_of_cleaned_host);
  g_test_add_func ("/break/evidence-of-renamed-host", test_evidence_of_renamed_host);
  g_test_add_func ("/break/evidence-of-execve", test_evidence_of_execve);
  g_test_add_func ("/break/slept-together", test_slept_together);
  g_test_add_func ("/break/another-boot", test_another_boot);
  g_test_add_func ("/break/break-dead", test_break_dead);
  return g_test_run ();
}
