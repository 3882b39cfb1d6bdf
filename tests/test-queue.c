/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Who waits for whom, on the disk in memory.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-queue.h"
#include "flufl-test-util.h"
#include "protocol-util.h"

typedef struct
{
  Proc           p;
  FluflQueue     queue;
  FluflQueueView view;
  FluflIdentity  us;
  guint64        ticket; /* of p's claim */
  gboolean       collect;
} Line;

static void
line_init (Line *self)
{
  FluflClaimName name;
  int errsv = 0;

  memset (self, 0, sizeof *self);
  fake_disk_reset ();
  proc_init (&self->p);
  flufl_identity_get (&fake_syscalls, &self->us);
  fake_disk_advance (FAKE_SEC);
  g_assert_cmpint (flufl_claim_create (&self->p.claim, &self->p.site, LIFETIME, &errsv), ==,
                   FLUFL_OUTCOME_AGAIN);
  g_assert_true (flufl_claim_name_parse (self->p.claim.path, strlen (self->p.claim.path), "x.lock",
                                         "|", &name));
  self->ticket = name.ticket;
}

static void
line_clear (Line *self)
{
  flufl_queue_clear (&self->queue);
  proc_abandon (&self->p);
  proc_clear (&self->p);
}

static void
look (Line *self)
{
  flufl_queue_view (&self->queue, &self->p.site, &self->p.claim, self->collect, &self->view);
}

/* A claim that came @later than ours. */
static char *
put (Line *self, const FluflIdentity *who, gint64 later)
{
  static guint64 random;
  char *name = flufl_claim_name_build ("x.lock", "|", who, self->ticket + (guint64) later, ++random,
                                       FLUFL_MARK_NONE);

  put_claim (name, FALSE, 15);
  return name;
}

static gboolean
skip_without_boot (Line *self)
{
  if (self->us.boot[0] != '\0')
    return FALSE;
  g_test_skip ("this kernel tells nothing of its boot");
  line_clear (self);
  return TRUE;
}

static void
test_order (void)
{
  Line line;
  g_autofree char *oldest = NULL, *older = NULL, *younger = NULL;

  line_init (&line);
  if (skip_without_boot (&line))
    return;
  look (&line);
  g_assert_false (line.view.found);

  younger = put (&line, &line.us, 1);
  look (&line);
  g_assert_false (line.view.found);
  g_assert_cmpuint (line.view.n_older, ==, 0);

  older = put (&line, &line.us, -1);
  oldest = put (&line, &line.us, -1000);
  look (&line);
  g_assert_true (line.view.found);
  g_assert_cmpuint (line.view.n_older, ==, 2);
  g_assert_cmpstr (line.view.predecessor.name, ==, older);

  g_test_message ("One ticket: the rest of the name decides, so that all agree");
  {
    Proc *p = &line.p;
    g_autofree char *same = put (&line, &line.us, 0);
    const char *ours = strrchr (p->claim.path, '/') + 1;

    look (&line);
    g_assert_cmpstr (line.view.predecessor.name, ==, strcmp (same, ours) < 0 ? same : older);
  }
  line_clear (&line);
}

static void
test_others_are_no_queue (void)
{
  Line line;
  FluflIdentity other;
  g_autofree char *far = NULL, *mute = NULL, *parked = NULL;

  line_init (&line);
  if (skip_without_boot (&line))
    return;
  g_test_summary ("Another machine, flufl, what is parked, another lock");
  other = line.us;
  other.boot[0] = other.boot[0] == '0' ? '1' : '0';
  far = put (&line, &other, -1);
  other.boot[0] = '\0';
  mute = put (&line, &other, -1);
  parked = g_strdup_printf ("x.lock|%s|%d|T0000000000000001R000000000001B%sK", line.us.host,
                            line.us.pid, line.us.boot);
  put_claim (parked, FALSE, 15);
  put_claim ("x.lock|vm|77|123456789", FALSE, 15);
  put_claim ("y.lock|vm|77|T0000000000000001R000000000001Bffffffff", FALSE, 15);
  put_claim ("x.lockT0000000000000001", FALSE, 15);
  look (&line);
  g_assert_false (line.view.found);
  g_assert_cmpuint (line.view.n_older, ==, 0);
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
  if (skip_without_boot (&line))
    return;
  g_test_summary ("flufl.lock's process that waits for long");
  name = g_strdup_printf ("x.lock|%s.example.org|%d|123456789", line.us.host, line.us.pid);
  path = flufl_site_path_of (&line.p.site, name);
  look (&line);
  g_assert_false (owes_a_turn (&line));
  put_claim (name, FALSE, 15);
  fake_disk_advance (FAKE_SEC);
  put_claim ("x.lock|elsewhere|77|123456789", FALSE, 15);
  look (&line);
  g_assert_cmpstr (line.view.stranger.name, ==, name);
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
  look (&line);
  g_assert_cmpstr (line.view.stranger.name, !=, name);
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
  if (skip_without_boot (&line))
    return;
  name = g_strdup_printf ("x.lock|%s|%d|123456789", line.us.host, line.us.pid + 1);
  put_claim (name, FALSE, 15);
  fake_disk_advance (4 * FAKE_SEC);
  look (&line);
  g_assert_cmpstr (line.view.stranger.name, ==, name);
  g_assert_false (owes_a_turn (&line));
  look (&line);
  g_assert_cmpint (line.view.stranger_since, ==, 0);
  line_clear (&line);
}

static void
test_ignored (void)
{
  Line line;
  g_autofree char *first = NULL, *second = NULL, *path = NULL;

  line_init (&line);
  if (skip_without_boot (&line))
    return;
  first = put (&line, &line.us, -2);
  second = put (&line, &line.us, -1);
  look (&line);
  g_assert_cmpstr (line.view.predecessor.name, ==, second);
  flufl_queue_ignore (&line.queue, &line.view.predecessor);
  look (&line);
  g_assert_cmpstr (line.view.predecessor.name, ==, first);

  g_test_message ("Forgotten when it is gone; and there is an end to remembering");
  path = flufl_site_path_of (&line.p.site, second);
  fake_syscalls.unlink (path);
  look (&line);
  g_assert_null (line.queue.ignored);
  for (int i = 0; i < 1000; i++)
    flufl_queue_ignore (&line.queue, &line.view.predecessor);
  g_assert_cmpuint (line.queue.ignored->len, <=, 64);
  line_clear (&line);
}

static void
test_crowd (void)
{
  Line line;
  g_autofree char *older = NULL;

  line_init (&line);
  if (skip_without_boot (&line))
    return;
  older = put (&line, &line.us, -1);
  for (int i = 0; i < 3000; i++)
    {
      g_autofree char *path = g_strdup_printf ("/d|e/a%d", i);

      fake_disk_put (path, "", 0, 0100644);
    }
  look (&line);
  g_assert_true (line.view.crowded);
  g_assert_false (line.view.found);
  g_test_message ("It is not looked through again at once");
  fake_disk_forget_calls ();
  look (&line);
  g_assert_true (line.view.crowded);
  g_assert_cmpuint (fake_disk_count_calls ("list"), ==, 0);
  line_clear (&line);
}

static void
test_unreadable (void)
{
  Line line;
  g_autofree char *older = NULL;

  line_init (&line);
  if (skip_without_boot (&line))
    return;
  older = put (&line, &line.us, -1);
  fake_disk_fault ("list", 1, FAKE_FAIL, 13);
  look (&line);
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
  if (skip_without_boot (&line) || line.us.space[0] == '\0')
    return;
  dead = line.us;
  dead.pid = line.us.pid + 1;
  name = put (&line, &dead, -1);
  path = flufl_site_path_of (&line.p.site, name);

  look (&line);
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

/* Looks as often as it takes until each claim was asked for. */
static void
look_at_all (Line *self)
{
  for (int i = 0; i < 12; i++)
    {
      self->queue.leftovers.ask_at = 0;
      look (self);
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
  const FluflMarks kept = FLUFL_MARK_LIFE_LINE | FLUFL_MARK_PARKED;
  FluflIdentity other_boot;
  Line line;
  Proc idle;

  line_init (&line);
  if (skip_without_boot (&line))
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
      path = put_leftover (&line, &other_boot, later, FLUFL_MARK_PARKED);
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
  idle.site.name_ahead = TRUE;
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
  const FluflMarks kept = FLUFL_MARK_LIFE_LINE | FLUFL_MARK_PARKED;
  g_autofree char *dead = NULL, *more = NULL;
  Proc idle;
  Line line;

  g_test_summary ("One is asked for at a time, and one that lives hides no dead one");
  line_init (&line);
  if (skip_without_boot (&line))
    return;
  line.collect = TRUE;
  proc_init (&idle);
  idle.site.name_ahead = TRUE;
  proc_acquire (&idle);
  proc_park (&idle);
  dead = put_leftover (&line, &line.us, 1000, kept);
  more = put_leftover (&line, &line.us, 2000, kept);

  fake_disk_forget_calls ();
  look (&line);
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 1);
  look (&line); /* too early for another */
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 1);
  g_assert_true (fake_disk_exists (dead));
  line.queue.leftovers.ask_at = 0;
  look (&line); /* after a dead one the next at once */
  g_assert_false (fake_disk_exists (dead));
  g_assert_false (fake_disk_exists (more));
  g_assert_cmpuint (fake_disk_count_calls ("flock"), ==, 3);

  g_test_message ("What may not be removed, or has gone meanwhile, is passed over");
  g_free (dead);
  dead = put_leftover (&line, &line.us, 3000, kept);
  fake_disk_fault ("unlink", 1, FAKE_FAIL, EPERM);
  for (int i = 0; i < 2; i++) /* the idle one's turn comes first */
    {
      line.queue.leftovers.ask_at = 0;
      look (&line);
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
put_another (gpointer path)
{
  fake_syscalls.unlink (path);
  fake_disk_put (path, path, -1, S_IFREG | 0644);
}

static void
test_leftover_swapped (void)
{
  g_autofree char *path = NULL;
  Line line;

  g_test_summary ("Only the file that was asked for is removed");
  line_init (&line);
  if (skip_without_boot (&line))
    return;
  line.collect = TRUE;
  path = put_leftover (&line, &line.us, -1, FLUFL_MARK_LIFE_LINE | FLUFL_MARK_PARKED);
  fake_disk_hook ("flock", 1, put_another, path);
  look (&line);
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
  if (skip_without_boot (&line))
    return;
  proc_abandon (&line.p);
  proc_init (&waiter);
  proc_acquire (&waiter);
  path = g_strdup (waiter.claim.path);
  fake_syscalls.unlink (LOCK);
  fake_disk_advance (FAKE_SEC);
  proc_acquire (&line.p);
  line.collect = TRUE;
  look (&line);
  g_assert_true (line.view.found);
  flufl_queue_ignore (&line.queue, &line.view.predecessor);
  look_at_all (&line);
  g_assert_true (fake_disk_exists (path));
  proc_die (&waiter);
  look_at_all (&line);
  g_assert_false (fake_disk_exists (path));
  look (&line);
  g_assert_null (line.queue.ignored);
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
  if (skip_without_boot (&line))
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
  look (&line);
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
  const FluflMarks kept = FLUFL_MARK_LIFE_LINE | FLUFL_MARK_PARKED;
  g_autofree char *alive = NULL, *dead = NULL, *other = NULL;
  FluflIdentity gone;
  Line line;

  g_test_summary ("Made, and not written when its maker was killed");
  line_init (&line);
  if (skip_without_boot (&line) || line.us.space[0] == '\0')
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
  g_test_message ("What has another content is not ours to remove");
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
  if (skip_without_boot (&line) || line.us.space[0] == '\0')
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
  FluflSyscalls sys = flufl_syscalls_posix;
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
    g_test_skip ("no process is told from another here");
  else
    {
      g_assert_true (flufl_queue_check (&queue, &site, &claim, FALSE));
      g_assert_cmpint (kill (pid, SIGSTOP), ==, 0);
      g_assert_cmpint (waitpid (pid, &status, WUNTRACED), ==, pid);
      g_assert_false (flufl_queue_check (&queue, &site, &claim, FALSE));
      g_assert_cmpuint (queue.ignored->len, ==, 1);
    }
  test_place_empty (&place);
  g_test_message ("What has gone is not waited for either");
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
  g_test_add_func ("/queue/stranger", test_stranger);
  g_test_add_func ("/queue/dead-stranger", test_dead_stranger);
  g_test_add_func ("/queue/ignored", test_ignored);
  g_test_add_func ("/queue/crowd", test_crowd);
  g_test_add_func ("/queue/unreadable", test_unreadable);
  g_test_add_func ("/queue/dead", test_dead);
  g_test_add_func ("/queue/leftovers", test_leftovers);
  g_test_add_func ("/queue/leftovers/turns", test_leftovers_take_turns);
  g_test_add_func ("/queue/leftovers/swapped", test_leftover_swapped);
  g_test_add_func ("/queue/leftovers/ignored", test_leftover_ignored);
  g_test_add_func ("/queue/leftovers/passed", test_leftover_passed);
  g_test_add_func ("/queue/leftovers/blank", test_leftover_blank);
  g_test_add_func ("/queue/sweep", test_sweep);
  g_test_add_func ("/queue/claim-gone", test_claim_gone);
  g_test_add_func ("/queue/stopped", test_stopped);

  return g_test_run ();
}
