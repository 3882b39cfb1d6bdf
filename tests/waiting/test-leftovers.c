/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The claims of dead processes, and their collection, on the disk in memory.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "queue-util.h"

/* Looks until each claim was checked. */
static void
look_at_all (Line *self)
{
  for (int i = 0; i < 12; i++)
    {
      self->queue.leftovers.ask_at = 0;
      line_look (self);
    }
}

static void
assert_collected (Line *self, const char *path, gboolean gone)
{
  g_test_message ("%s", path);
  self->collect = FALSE;
  look_at_all (self);
  g_assert_true (fake_disk_exists (path));
  self->collect = TRUE;
  look_at_all (self);
  g_assert_cmpint (fake_disk_exists (path), ==, !gone);
  fake_syscalls.unlink (path);
}

static char *
put_leftover (Line *self, const FluflIdentity *who, gint64 later, FluflMarks marks)
{
  g_autofree char *name
      = flufl_claim_name_build ("x.lock", "|", who, self->ticket + (guint64) later, 7, marks);

  put_claim (name, FALSE, -1);
  return flufl_site_path_of (&self->p.site, name);
}

static void
test_leftovers (void)
{
  const FluflMarks kept = FLUFL_MARK_LIFE_LINE | FLUFL_MARK_KEPT;
  FluflIdentity other_boot;
  Line line;
  Proc idle;

  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  other_boot = line.us;
  memcpy (other_boot.boot, "01234567", 9);

  for (int later = -1; later <= 1; later += 2)
    {
      g_autofree char *kept_path = put_leftover (&line, &line.us, later, kept);
      g_autofree char *path = NULL;

      assert_collected (&line, kept_path, TRUE);
      path = put_leftover (&line, &other_boot, later, FLUFL_MARK_LIFE_LINE);
      assert_collected (&line, path, TRUE);

      g_test_message ("Nothing is known without a life-line, or before it is tied");
      g_free (path);
      path = put_leftover (&line, &other_boot, later, FLUFL_MARK_KEPT);
      assert_collected (&line, path, FALSE);
      g_free (path);
      path = put_leftover (&line, &other_boot, later, kept);
      fake_disk_set_content (path, "", 0);
      assert_collected (&line, path, FALSE);

      g_test_message ("The lock is not collected, nor one whose turn in the queue comes");
      g_free (path);
      path = put_leftover (&line, &other_boot, later, kept);
      g_assert_cmpint (fake_syscalls.link (path, LOCK), ==, 0);
      assert_collected (&line, path, FALSE);
      fake_syscalls.unlink (LOCK);
      g_free (path);
      path = put_leftover (&line, &line.us, later, FLUFL_MARK_LIFE_LINE);
      assert_collected (&line, path, FALSE);
    }

  g_test_message ("But one that is dated ahead, behind which nobody comes");
  {
    g_autofree char *path = put_leftover (&line, &line.us, 3600 * FAKE_SEC, FLUFL_MARK_LIFE_LINE);

    assert_collected (&line, path, TRUE);
  }

  g_test_message ("The living keep theirs, the dead lose it");
  proc_init (&idle);
  idle.site.names_kept = TRUE;
  proc_acquire (&idle);
  g_assert_cmpint (proc_park (&idle), ==, FLUFL_OUTCOME_RELEASED);
  line.collect = TRUE;
  look_at_all (&line);
  g_assert_true (fake_disk_exists (idle.claim.path));
  {
    g_autofree char *path = g_strdup (idle.claim.path);

    proc_die (&idle);
    assert_collected (&line, path, TRUE);
  }
  proc_clear (&idle);

  g_test_message ("Over a network nobody asks for a life-line");
  {
    g_autofree char *dead = put_leftover (&line, &line.us, -1, kept);

    line.p.site.fs_kind = FLUFL_FS_NFS;
    fake_disk_forget_calls ();
    assert_collected (&line, dead, FALSE);
    g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 0);
    line.p.site.fs_kind = FLUFL_FS_LOCAL;
  }
  line_clear (&line);
  assert_disk_empty ();
}

static void
test_leftovers_take_turns (void)
{
  const FluflMarks kept = FLUFL_MARK_LIFE_LINE | FLUFL_MARK_KEPT;
  g_autofree char *dead = NULL, *more = NULL;
  Proc idle;
  Line line;

  g_test_summary ("One is asked for at a time, and one that lives hides no dead one");
  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  line.collect = TRUE;
  proc_init (&idle);
  idle.site.names_kept = TRUE;
  proc_acquire (&idle);
  proc_park (&idle);
  dead = put_leftover (&line, &line.us, 1000, kept);
  more = put_leftover (&line, &line.us, 2000, kept);

  fake_disk_forget_calls ();
  line_look (&line);
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 1);
  line_look (&line); /* too early for another */
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 1);
  g_assert_true (fake_disk_exists (dead));
  line.queue.leftovers.ask_at = 0;
  line_look (&line); /* after a dead one the next at once */
  g_assert_false (fake_disk_exists (dead));
  g_assert_false (fake_disk_exists (more));
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 3);

  g_test_message ("A claim that may not be removed, or has gone meanwhile, is passed over");
  g_free (dead);
  dead = put_leftover (&line, &line.us, 3000, kept);
  fake_disk_fault ("unlink", 1, FAKE_FAIL, EPERM);
  for (int i = 0; i < 2; i++) /* the idle one's turn comes first */
    {
      line.queue.leftovers.ask_at = 0;
      line_look (&line);
    }
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (dead));
  look_at_all (&line);
  g_assert_false (fake_disk_exists (dead));
  g_assert_true (fake_disk_exists (idle.claim.path));
  proc_abandon (&idle);
  proc_clear (&idle);
  line_clear (&line);
  assert_disk_empty ();
}

static void
test_leftovers_that_stay (void)
{
  FluflIdentity gone;
  Line line;

  g_test_summary ("Many that may not be removed are not all asked for at each look");
  line_init (&line);
  if (line_skip_without_boot (&line) || line.us.space[0] == '\0')
    return;
  line.collect = TRUE;
  gone = line.us;
  gone.pid++;
  for (int i = 0; i < 20; i++)
    {
      g_autofree char *path = put_leftover (&line, &gone, -2 * FAKE_SEC - i, FLUFL_MARK_LIFE_LINE);

      fake_disk_set_readable (path, FALSE);
    }
  fake_disk_forget_calls ();
  line_look (&line);
  line_look (&line); /* too early for another */
  g_assert_cmpuint (fake_disk_count_calls ("list"), ==, 2);
  g_test_message ("Nor do they hide one that may be");
  {
    g_autofree char *path = put_leftover (&line, &gone, -2 * FAKE_SEC - 7, FLUFL_MARK_KEPT);

    for (int i = 0; i < 21; i++)
      {
        line.queue.leftovers.ask_at = 0;
        line_look (&line);
      }
    g_assert_false (fake_disk_exists (path));
  }
  line_clear (&line);
}

static void
put_another (gpointer path)
{
  fake_syscalls.unlink (path);
  fake_disk_put (path, path, -1, FLUFL_FILE_REGULAR);
}

static void
test_leftover_swapped (void)
{
  g_autofree char *path = NULL;
  Line line;

  g_test_summary ("Only the file that was asked for is removed");
  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  line.collect = TRUE;
  path = put_leftover (&line, &line.us, -1, FLUFL_MARK_LIFE_LINE | FLUFL_MARK_KEPT);
  fake_disk_hook ("flock", 1, put_another, path);
  line_look (&line);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (path));
  fake_syscalls.unlink (path);
  line_clear (&line);
  assert_disk_empty ();
}

static void
test_leftover_ignored (void)
{
  g_autofree char *path = NULL;
  Proc waiter;
  Line line;

  g_test_summary ("One that did not move when it was its turn is asked for later");
  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  proc_abandon (&line.p);
  proc_init (&waiter);
  proc_acquire (&waiter);
  path = g_strdup (waiter.claim.path);
  fake_syscalls.unlink (LOCK);
  fake_disk_advance (FAKE_SEC);
  proc_acquire (&line.p);
  line.collect = TRUE;
  line_look (&line);
  g_assert_true (line.view.found);
  flufl_queue_pass_over (&line.queue, &line.view.predecessor);
  look_at_all (&line);
  g_assert_true (fake_disk_exists (path));
  proc_die (&waiter);
  look_at_all (&line);
  g_assert_false (fake_disk_exists (path));
  line_look (&line);
  g_assert_null (line.queue.passed_over);
  proc_clear (&waiter);
  proc_release (&line.p);
  line_clear (&line);
  assert_disk_empty ();
}

static void
test_leftover_passed (void)
{
  g_autofree char *path = NULL, *second = NULL, *third = NULL;
  Proc holder;
  Line line;

  g_test_summary ("Killed before the one that holds came, so nobody is right behind it");
  line_init (&line);
  if (line_skip_without_boot (&line))
    return;
  proc_abandon (&line.p);
  path = put_leftover (&line, &line.us, 1, FLUFL_MARK_LIFE_LINE);
  second = put_leftover (&line, &line.us, 2, FLUFL_MARK_LIFE_LINE);
  third = put_leftover (&line, &line.us, 3, FLUFL_MARK_LIFE_LINE);
  fake_disk_advance (FAKE_SEC / 2);
  proc_init (&holder);
  proc_acquire (&holder);
  fake_disk_advance (FAKE_SEC / 4);
  proc_attempt (&line.p);
  g_assert_nonnull (line.p.claim.path);
  line.collect = TRUE;
  look_at_all (&line);
  g_assert_true (line.view.found);
  g_assert_true (fake_disk_exists (path)); /* it may be somebody's turn soon */
  fake_disk_advance (FAKE_SEC);
  line.queue.leftovers.ask_at = 0;
  line_look (&line);
  g_assert_false (fake_disk_exists (path));
  g_assert_false (fake_disk_exists (second));
  g_assert_false (fake_disk_exists (third));
  g_assert_true (proc_has_it (&holder));
  proc_release (&holder);
  proc_clear (&holder);
  line_clear (&line);
  assert_disk_empty ();
}

static void
test_leftover_blank (void)
{
  const FluflMarks kept = FLUFL_MARK_LIFE_LINE | FLUFL_MARK_KEPT;
  g_autofree char *alive = NULL, *dead = NULL, *other = NULL;
  FluflIdentity gone;
  Line line;

  g_test_summary ("Made, and not written when its maker was killed");
  line_init (&line);
  if (line_skip_without_boot (&line) || line.us.space[0] == '\0')
    return;
  line.collect = TRUE;
  gone = line.us;
  gone.pid++;
  dead = put_leftover (&line, &gone, -1, kept);
  alive = put_leftover (&line, &line.us, -2, kept);
  other = put_leftover (&line, &gone, -3, kept);
  fake_disk_set_content (alive, "", 0);
  fake_disk_set_content (dead, "", 0);
  fake_disk_set_content (other, "something else", -1);
  look_at_all (&line);
  g_assert_true (fake_disk_exists (alive));
  g_assert_false (fake_disk_exists (dead));
  g_test_message ("A file with another content is not removed");
  g_assert_true (fake_disk_exists (other));
  fake_syscalls.unlink (alive);
  fake_syscalls.unlink (other);
  line_clear (&line);
  assert_disk_empty ();
}

static void
sweep (Line *self)
{
  self->queue.leftovers.ask_at = 0;
  flufl_leftovers_sweep (&self->queue.leftovers, &self->p.site);
}

static void
assert_no_more_open (gpointer before)
{
  g_assert_cmpuint (fake_disk_n_open (), ==, GPOINTER_TO_UINT (before));
}

static void
test_sweep (void)
{
  g_autofree char *alive = NULL, *dead = NULL, *lock = NULL, *far = NULL, *swapped = NULL;
  FluflIdentity gone, elsewhere;
  Line line;

  g_test_summary ("Over a network names tell who is dead, and calls are few");
  line_init (&line);
  if (line_skip_without_boot (&line) || line.us.space[0] == '\0')
    return;
  line.p.site.fs_kind = FLUFL_FS_NFS;
  gone = line.us;
  gone.pid++;
  elsewhere = gone;
  elsewhere.boot[0] = elsewhere.boot[0] == '0' ? '1' : '0';
  alive = put_leftover (&line, &line.us, -1, FLUFL_MARK_NONE);
  far = put_leftover (&line, &elsewhere, -2, FLUFL_MARK_NONE);
  fake_disk_forget_calls ();
  sweep (&line);
  g_assert_cmpuint (fake_disk_count_calls ("list"), ==, 1);
  g_assert_cmpuint (fake_disk_count_calls ("lstat"), ==, 0);
  flufl_leftovers_sweep (&line.queue.leftovers, &line.p.site); /* too early for another */
  g_assert_cmpuint (fake_disk_count_calls ("list"), ==, 1);

  dead = put_leftover (&line, &gone, -3, FLUFL_MARK_NONE);
  lock = put_leftover (&line, &gone, -4, FLUFL_MARK_NONE);
  g_assert_cmpint (fake_syscalls.link (lock, LOCK), ==, 0);
  /* An NFS client renames what it has open, and it stays. */
  fake_disk_hook ("unlink", 1, assert_no_more_open, GUINT_TO_POINTER (fake_disk_n_open ()));
  sweep (&line);
  g_assert_true (fake_disk_order_done ());
  g_assert_false (fake_disk_exists (dead));
  g_assert_true (fake_disk_exists (lock));
  g_assert_true (fake_disk_exists (alive));
  g_assert_true (fake_disk_exists (far));
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 0);
  fake_syscalls.unlink (LOCK);
  fake_syscalls.unlink (lock);

  g_test_message ("Only the file that was seen; and an error changes nothing");
  swapped = put_leftover (&line, &gone, -5, FLUFL_MARK_NONE);
  fake_disk_hook ("close", 1, put_another, swapped);
  sweep (&line);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (swapped));
  fake_disk_fault ("list", 1, FAKE_FAIL, EIO);
  sweep (&line);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (swapped));
  sweep (&line);
  g_assert_false (fake_disk_exists (swapped));

  fake_syscalls.unlink (alive);
  fake_syscalls.unlink (far);
  line_clear (&line);
  assert_disk_empty ();
}

static void
test_sweep_goes_on (void)
{
  FluflIdentity gone;
  Line line;

  g_test_summary ("Many that may not be removed hide none that may be");
  line_init (&line);
  if (line_skip_without_boot (&line) || line.us.space[0] == '\0')
    return;
  line.p.site.fs_kind = FLUFL_FS_NFS;
  gone = line.us;
  gone.pid++;
  for (int i = 0; i < 40; i++)
    {
      g_autofree char *path = put_leftover (&line, &gone, -100 + i, FLUFL_MARK_NONE);

      fake_disk_set_readable (path, FALSE);
    }
  for (int round = 0; round < 2; round++)
    {
      g_autofree char *first = put_leftover (&line, &gone, -101, FLUFL_MARK_NONE);
      g_autofree char *last = put_leftover (&line, &gone, -1, FLUFL_MARK_NONE);

      for (int i = 0; i < 4; i++)
        sweep (&line);
      g_assert_false (fake_disk_exists (first));
      g_assert_false (fake_disk_exists (last));
    }
  line_clear (&line);
}

static void
test_slow_sweep (void)
{
  g_autofree char *first = NULL, *second = NULL;
  FluflIdentity gone;
  Line line;

  g_test_summary ("A slow server keeps nobody for long from asking for the lock");
  line_init (&line);
  if (line_skip_without_boot (&line) || line.us.space[0] == '\0')
    return;
  line.p.site.fs_kind = FLUFL_FS_NFS;
  gone = line.us;
  gone.pid++;
  first = put_leftover (&line, &gone, -2, FLUFL_MARK_NONE);
  second = put_leftover (&line, &gone, -1, FLUFL_MARK_NONE);
  flufl_leftovers_sweep_time = 0;
  sweep (&line);
  g_assert_false (fake_disk_exists (first));
  g_assert_true (fake_disk_exists (second));
  sweep (&line);
  g_assert_false (fake_disk_exists (second));
  flufl_leftovers_sweep_time = G_MAXINT64;
  line_clear (&line);
  assert_disk_empty ();
}

int
main (int argc, char *argv[])
{
  flufl_leftovers_sweep_time = G_MAXINT64; /* machines are busy */
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/leftovers/kept", test_leftovers);
  g_test_add_func ("/leftovers/turns", test_leftovers_take_turns);
  g_test_add_func ("/leftovers/that-stay", test_leftovers_that_stay);
  g_test_add_func ("/leftovers/swapped", test_leftover_swapped);
  g_test_add_func ("/leftovers/ignored", test_leftover_ignored);
  g_test_add_func ("/leftovers/passed", test_leftover_passed);
  g_test_add_func ("/leftovers/blank", test_leftover_blank);
  g_test_add_func ("/leftovers/sweep", test_sweep);
  g_test_add_func ("/leftovers/sweep-goes-on", test_sweep_goes_on);
  g_test_add_func ("/leftovers/slow-sweep", test_slow_sweep);

  return g_test_run ();
}
