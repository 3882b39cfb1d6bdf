/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The order of waiters, on the disk in memory.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-queue.h"
#include "flufl-roll.h"
#include "flufl-test-util.h"
#include "queue-util.h"

static void
test_order (void)
{
  Line line;
  g_autofree char *oldest = NULL, *older = NULL, *younger = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  line_look (&line);
  g_assert_false (line.view.found);

  younger = line_put (&line, &line.us, 1);
  line_look (&line);
  g_assert_false (line.view.found);
  g_assert_cmpuint (line.view.n_older, ==, 0);

  older = line_put (&line, &line.us, -1);
  oldest = line_put (&line, &line.us, -1000);
  line_look (&line);
  g_assert_true (line.view.found);
  g_assert_cmpuint (line.view.n_older, ==, 2);
  g_assert_cmpstr (line.view.predecessor.name, ==, older);

  g_test_message ("One ticket: the rest of the name decides, so that all agree");
  {
    Proc *p = &line.p;
    g_autofree char *same = line_put (&line, &line.us, 0);
    const char *ours = strrchr (p->claim.path, '/') + 1;

    line_look (&line);
    g_assert_cmpstr (line.view.predecessor.name, ==, strcmp (same, ours) < 0 ? same : older);
  }
  line_clear (&line);
}

static void
test_others_are_no_queue (void)
{
  Line line;
  FluflIdentity other;
  g_autofree char *far = NULL, *mute = NULL, *kept = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  g_test_summary ("Another machine, flufl, a kept claim, another lock");
  other = line.us;
  other.boot[0] = other.boot[0] == '0' ? '1' : '0';
  far = line_put (&line, &other, -1);
  other.boot[0] = '\0';
  mute = line_put (&line, &other, -1);
  kept = g_strdup_printf ("x.lock|%s|%d|T0000000000000001R000000000001B%sK", line.us.host,
                            line.us.pid, line.us.boot);
  put_claim (kept, FALSE, 15);
  put_claim ("x.lock|vm|77|123456789", FALSE, 15);
  put_claim ("y.lock|vm|77|T0000000000000001R000000000001Bffffffff", FALSE, 15);
  put_claim ("x.lockT0000000000000001", FALSE, 15);
  line_look (&line);
  g_assert_false (line.view.found);
  g_assert_cmpuint (line.view.n_older, ==, 0);
  line_clear (&line);
}

static void
test_nobody_else_counts (void)
{
  FluflIdentity last, last_elsewhere;
  Line line;
  g_autofree char *older = NULL;

  g_test_summary ("Claims of another lock, or of no queue, are not counted");
  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  older = line_put (&line, &line.us, -1);
  /* These claims come after the predecessor in the directory. */
  last = line.us;
  g_snprintf (last.host, sizeof last.host, "\xff");
  last_elsewhere = last;
  last_elsewhere.boot[0] = last.boot[0] == '0' ? '1' : '0';
  for (int i = 0; i < 10; i++)
    {
      g_autofree char *kept = flufl_claim_name_build (
          "x.lock", "|", &last, line.ticket - 200, (guint64) i,
          FLUFL_MARK_LIFE_LINE | FLUFL_MARK_KEPT);
      g_autofree char *others = flufl_claim_name_build (
          "x.lock~", "|", &last, line.ticket - 300, (guint64) i, FLUFL_MARK_LIFE_LINE);

      g_free (line_put (&line, &last_elsewhere, -100 - i));
      put_claim (kept, FALSE, 15);
      put_claim (others, FALSE, 15);
    }
  line_look (&line);
  g_assert_cmpstr (line.view.predecessor.name, ==, older);
  g_assert_cmpuint (line.view.n_older, ==, 1);
  line_clear (&line);
}

static gboolean
owes_a_turn (Line *self)
{
  return flufl_queue_owes_a_turn (&self->queue, &self->p.site, &self->view);
}

static void
test_stranger (void)
{
  Line line;
  g_autofree char *name = NULL, *path = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  g_test_summary ("flufl.lock's process that waits for long");
  name = g_strdup_printf ("x.lock|%s.example.org|%d|123456789", line.us.host, line.us.pid);
  path = flufl_site_path_of (&line.p.site, name);
  line_look (&line);
  g_assert_false (owes_a_turn (&line));
  put_claim (name, FALSE, 15);
  fake_disk_advance (FAKE_SEC);
  put_claim ("x.lock|elsewhere|77|123456789", FALSE, 15);
  line_look (&line);
  g_assert_cmpstr (line.view.other.name, ==, name);
  g_assert_false (owes_a_turn (&line));
  fake_disk_advance (FAKE_SEC - 1);
  g_assert_false (owes_a_turn (&line));
  fake_disk_advance (1);
  g_assert_true (owes_a_turn (&line));

  g_test_message ("Not while it has the lock, nor when it comes anew");
  g_assert_cmpint (fake_syscalls.link (path, LOCK), ==, 0);
  g_assert_false (owes_a_turn (&line));
  fake_syscalls.unlink (LOCK);
  g_assert_false (owes_a_turn (&line));
  line_look (&line);
  g_assert_cmpstr (line.view.other.name, !=, name);
  fake_disk_advance (4 * FAKE_SEC);
  g_assert_true (owes_a_turn (&line));

  g_test_message ("Not what was left behind");
  fake_disk_advance (3600 * FAKE_SEC);
  g_assert_false (owes_a_turn (&line));
  line_clear (&line);
}

static void
test_dead_stranger (void)
{
  Line line;
  g_autofree char *name = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  name = g_strdup_printf ("x.lock|%s|%d|123456789", line.us.host, line.us.pid + 1);
  put_claim (name, FALSE, 15);
  fake_disk_advance (4 * FAKE_SEC);
  line_look (&line);
  g_assert_cmpstr (line.view.other.name, ==, name);
  g_assert_false (owes_a_turn (&line));
  line_look (&line);
  g_assert_cmpint (line.view.other_since, ==, 0);
  line_clear (&line);
}

static void
test_ignored (void)
{
  Line line;
  g_autofree char *first = NULL, *second = NULL, *path = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  first = line_put (&line, &line.us, -2);
  second = line_put (&line, &line.us, -1);
  line_look (&line);
  g_assert_cmpstr (line.view.predecessor.name, ==, second);
  flufl_queue_pass_over (&line.queue, &line.view.predecessor);
  line_look (&line);
  g_assert_cmpstr (line.view.predecessor.name, ==, first);

  g_test_message ("Forgotten when it is gone; and there is an end to remembering");
  path = flufl_site_path_of (&line.p.site, second);
  fake_syscalls.unlink (path);
  line_look (&line);
  g_assert_null (line.queue.passed_over);
  for (int i = 0; i < 1000; i++)
    flufl_queue_pass_over (&line.queue, &line.view.predecessor);
  g_assert_cmpuint (line.queue.passed_over->len, <=, 64);
  line_clear (&line);
}

static void
put_foreign (int n)
{
  for (int i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("/d|e/a%d", i);

      fake_disk_put (path, "", 0, 0100644);
    }
}

/* The names of the claims in a large directory are kept for a while. A claim that another process
 * makes meanwhile is not seen, and a claim that is known to be gone is struck. */
static void
test_large (void)
{
  gint64 kept_times = flufl_roll_kept_times;
  Line line;
  g_autofree char *older = NULL, *next = NULL, *unseen = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  flufl_roll_kept_times = 1000 * 1000;
  older = line_put (&line, &line.us, -2);
  next = line_put (&line, &line.us, -1);
  put_foreign ((int) flufl_roll_large);
  line_look (&line);
  g_assert_false (line.view.is_kept);
  g_assert_cmpstr (line.view.predecessor.name, ==, next);
  g_assert_cmpuint (line.view.n_older, ==, 2);

  unseen = line_put (&line, &line.us, -1);
  fake_disk_forget_calls ();
  line_look (&line);
  g_assert_cmpuint (fake_disk_count_calls ("list"), ==, 0);
  g_assert_true (line.view.is_kept);
  g_assert_cmpuint (line.view.n_older, ==, 2);

  flufl_roll_strike (&line.p.site, next);
  line_look (&line);
  g_assert_true (line.view.is_kept);
  g_assert_cmpstr (line.view.predecessor.name, ==, older);
  flufl_roll_strike (&line.p.site, older);
  line_look (&line);
  g_assert_false (line.view.found);
  flufl_roll_kept_times = kept_times;
  flufl_roll_forget ();
  line_clear (&line);
}

static gboolean sees_link; /* the directory is reached by a symbolic link … */

/* … whose size says nothing. */
static int
lstat_by_link (const char *path, FluflStat *st)
{
  g_autofree char *directory = g_path_get_dirname (LOCK);

  if (!g_str_has_prefix (path, directory) || strchr (path + strlen (directory), '|') != NULL)
    return fake_syscalls.lstat (path, st);
  *st = (FluflStat){ .size = sees_link && !g_str_has_suffix (path, "/.") ? 3 : 100000000 };
  return 0;
}

static void
test_estimate (void)
{
  static FluflSyscalls table;
  gint64 estimate;
  Proc p;

  table = fake_syscalls;
  table.lstat = lstat_by_link;
  fake_disk_reset ();
  proc_init_at (&p, &table, LOCK);
  estimate = flufl_roll_estimate (&p.site);
  g_assert_cmpint (estimate, >, 0);
  sees_link = TRUE;
  g_assert_cmpint (flufl_roll_estimate (&p.site), ==, estimate);
  proc_clear (&p);
}

static void
test_crowd (void)
{
  guint names_max = flufl_roll_names_max;
  Line line;
  g_autofree char *older = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  flufl_roll_names_max = 1000;
  older = line_put (&line, &line.us, -1);
  put_foreign ((int) flufl_roll_names_max);
  line_look (&line);
  flufl_roll_names_max = names_max;
  flufl_roll_forget ();
  g_assert_true (line.view.unread);
  g_assert_false (line.view.found);
  g_test_message ("It is not looked through again at once");
  fake_disk_forget_calls ();
  line_look (&line);
  g_assert_true (line.view.unread);
  g_assert_cmpuint (fake_disk_count_calls ("list"), ==, 0);
  line_clear (&line);
}

static void
test_unreadable (void)
{
  Line line;
  g_autofree char *older = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  older = line_put (&line, &line.us, -1);
  fake_disk_fault ("list", 1, FAKE_FAIL, 13);
  line_look (&line);
  g_assert_false (line.view.found);
  line_clear (&line);
}

static void
test_dead (void)
{
  Line line;
  FluflIdentity dead;
  g_autofree char *name = NULL, *path = NULL;

  line_init (&line);
  if (line_skip_without_boot (&line) || line.us.space[0] == '\0')
    return;
  dead = line.us;
  dead.pid = line.us.pid + 1;
  name = line_put (&line, &dead, -1);
  path = flufl_site_path_of (&line.p.site, name);

  line_look (&line);
  g_assert_true (line.view.found);
  g_assert_false (flufl_queue_check (&line.queue, &line.p.site, &line.view.predecessor, FALSE));
  g_assert_true (fake_disk_exists (path));

  g_test_message ("Removed if it may be, but not while it is the lock");
  g_assert_cmpint (fake_syscalls.link (path, LOCK), ==, 0);
  g_assert_false (flufl_queue_check (&line.queue, &line.p.site, &line.view.predecessor, TRUE));
  g_assert_true (fake_disk_exists (path));
  fake_syscalls.unlink (LOCK);
  g_test_message ("Nor while nobody can see whether a child of the dead has it");
  fake_disk_set_readable (path, FALSE);
  g_assert_false (flufl_queue_check (&line.queue, &line.p.site, &line.view.predecessor, TRUE));
  g_assert_true (fake_disk_exists (path));
  fake_disk_set_readable (path, TRUE);
  g_assert_false (flufl_queue_check (&line.queue, &line.p.site, &line.view.predecessor, TRUE));
  g_assert_false (fake_disk_exists (path));
  line_clear (&line);
}

static void
test_claim_gone (void)
{
  g_autofree char *path = NULL;
  Proc other;
  Line line;

  g_test_summary ("A living waiter whose claim is removed makes another, and waits on");
  line_init (&line);
  proc_init (&other);
  proc_acquire (&other);
  g_assert_cmpint (proc_attempt (&line.p), ==, FLUFL_OUTCOME_BUSY);
  path = g_strdup (line.p.claim.path);
  fake_syscalls.unlink (path);
  g_assert_cmpint (proc_attempt (&line.p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpstr (line.p.claim.path, !=, path);
  fake_syscalls.unlink (line.p.claim.path);
  proc_release (&other);
  proc_acquire (&line.p);
  proc_release (&line.p);
  proc_clear (&other);
  line_clear (&line);
  assert_disk_empty ();
}

static void
test_stopped (void)
{
  FluflSyscalls sys = flufl_syscalls_native;
  FluflQueue queue = { 0 };
  FluflIdentity who;
  FluflClaimName claim;
  FluflSite site;
  TestPlace place;
  g_autofree char *name = NULL, *path = NULL;
  int pipe_fds[2];
  int status;
  pid_t pid;

  test_place_init (&place);
  g_assert_cmpint (pipe (pipe_fds), ==, 0);
  pid = fork ();
  if (pid == 0)
    {
      alarm (TEST_PATIENCE_SEC);
      flufl_identity_get (&sys, &who);
      _exit (write (pipe_fds[1], &who, sizeof who) == sizeof who && pause () ? 1 : 0);
    }
  g_assert_cmpint (read (pipe_fds[0], &who, sizeof who), ==, sizeof who);
  close (pipe_fds[0]);
  close (pipe_fds[1]);
  flufl_site_init (&site, &sys, place.lock, "|");
  name = flufl_claim_name_build ("x.lock", "|", &who, 1, 1, FLUFL_MARK_NONE);
  g_assert_true (flufl_claim_name_parse (name, strlen (name), "x.lock", "|", &claim));
  path = test_place_path (&place, name);
  g_assert_true (g_file_set_contents (path, path, -1, NULL));
  if (who.space[0] == '\0')
    g_test_skip ("processes cannot be distinguished here");
  else
    {
      g_assert_true (flufl_queue_check (&queue, &site, &claim, FALSE));
      g_assert_cmpint (kill (pid, SIGSTOP), ==, 0);
      g_assert_cmpint (waitpid (pid, &status, WUNTRACED), ==, pid);
      g_assert_false (flufl_queue_check (&queue, &site, &claim, FALSE));
      g_assert_cmpuint (queue.passed_over->len, ==, 1);
    }
  test_place_empty (&place);
  g_test_message ("A claim that has gone is not waited for either");
  g_assert_false (flufl_queue_check (&queue, &site, &claim, FALSE));
  test_place_clear (&place);
  kill (pid, SIGKILL);
  waitpid (pid, &status, 0);
  flufl_queue_clear (&queue);
  flufl_site_clear (&site);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/queue/order", test_order);
  g_test_add_func ("/queue/others", test_others_are_no_queue);
  g_test_add_func ("/queue/nobody-else-counts", test_nobody_else_counts);
  g_test_add_func ("/queue/stranger", test_stranger);
  g_test_add_func ("/queue/dead-stranger", test_dead_stranger);
  g_test_add_func ("/queue/ignored", test_ignored);
  g_test_add_func ("/queue/large", test_large);
  g_test_add_func ("/queue/estimate", test_estimate);
  g_test_add_func ("/queue/crowd", test_crowd);
  g_test_add_func ("/queue/unreadable", test_unreadable);
  g_test_add_func ("/queue/dead", test_dead);
  g_test_add_func ("/queue/claim-gone", test_claim_gone);
  g_test_add_func ("/queue/stopped", test_stopped);

  return g_test_run ();
}
