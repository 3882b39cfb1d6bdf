/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The time after which a waiting acquisition notices a change, and the calls that it makes for
 * that.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flufl-roll.h"
#include "patience-util.h"

static gint64 doom;

static int
kill_at_doom (int pid)
{
  if (patience_now < doom)
    return lies_syscalls.kill (pid);
  errno = ESRCH;
  return -1;
}

/* The waiter looked at the lock while its holder, which is this process, was alive. */
static void
holder_dies (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *name = NULL;
  g_autofree char *claim = NULL;
  FluflIdentity holder;
  int errsv = 0;

  flufl_identity_get (&patience_table, &holder);
  if (holder.space[0] == '\0')
    {
      g_test_skip ("processes cannot be distinguished here");
      return;
    }
  name = flufl_claim_name_build ("x.lock", "|", &holder, 1, 1, FLUFL_MARK_NONE);
  patience_table.kill = kill_at_doom;
  self->break_dead = TRUE;
  for (int i = 0; i < 20; i++)
    {
      g_free (claim);
      patience_now = PATIENCE_START;
      doom = PATIENCE_START + (20 + i) * SEC + i * 37 * MSEC;
      claim = test_make_lock (&self->place, name, 86400);
      g_assert_cmpint (patience_run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
      g_assert_cmpint (patience_now, >=, doom);
      g_assert_cmpint (patience_now, <=, doom + 2 * SEC); /* between two polls or looks */
      g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
    }
}

static const char *shortened_claim;

static gint64 shortened_at, shortened_until; /* real time of this program, in seconds */

/* The holder's lock now expires 25 seconds from now. */
static void
shorten (void)
{
  struct timespec times[2] = { 0 };

  shortened_at = (g_get_real_time () + patience_now - PATIENCE_START) / SEC;
  shortened_until = shortened_at + 25;
  times[0].tv_sec = times[1].tv_sec = shortened_until;

  g_assert_cmpint (utimensat (AT_FDCWD, shortened_claim, times, 0), ==, 0);
}

/* The kernel stamps a change by its own clock. This sets the time by the test's. */
static int
set_time_of_shortening (int result, FluflStat *st)
{
  if (result == 0 && st->mtime == shortened_until * FLUFL_NSEC_PER_SEC)
    st->ctime = shortened_at * FLUFL_NSEC_PER_SEC;
  return result;
}

static int
lstat_shortened (const char *path, FluflStat *st)
{
  return set_time_of_shortening (lies_syscalls.lstat (path, st), st);
}

static int
fstat_shortened (int fd, FluflStat *st)
{
  return set_time_of_shortening (lies_syscalls.fstat (fd, st), st);
}

/* A long wait looks every ten seconds. If a holder then shortens its lease, the waiter notices it
 * at once, and breaks the lock as soon as it may. */
static void
shortens (Patience *self, gconstpointer unused G_GNUC_UNUSED)
{
  int errsv = 0;

  patience_table.lstat = lstat_shortened;
  patience_table.fstat = fstat_shortened;
  for (int i = 0; i < 10; i++)
    {
      g_autofree char *claim = NULL;

      patience_restart (self);
      shortened_claim = claim = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
      patience_event = shorten;
      patience_event_at = PATIENCE_START + (60 + i) * SEC;
      g_assert_cmpint (patience_run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
      /* The expiration, and ten seconds for clocks that differ. */
      g_assert_cmpint (patience_at_most (self), >=, (60 + i + 25 + 10 - 1) * SEC);
      g_assert_cmpint (patience_now - PATIENCE_START, <=, (60 + i + 25 + 10 + 1) * SEC);
      g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
    }
}

static TestPlace *changing_place;
static char *next_holder, *last_claim;

static void
change_hands (void)
{
  g_assert_cmpint (unlink (last_claim), ==, 0);
  g_assert_cmpint (unlink (changing_place->lock), ==, 0);
  g_free (test_make_lock (changing_place, next_holder, 86400));
}

/* After the look another process has acquired the lock, and died. The waiter notices it when the
 * lock has rested, and not before. */
static void
changes_hands (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *name = patience_name_of_dead ();
  guint looks;
  int errsv = 0;

  if (name == NULL)
    {
      g_test_skip ("processes cannot be distinguished here");
      return;
    }
  changing_place = &self->place;
  next_holder = name;
  self->break_dead = TRUE;
  for (int i = 0; i < 20; i++) /* the pauses are random */
    {
      patience_restart (self);
      last_claim = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
      patience_change = change_hands;
      looks = lies_count (LIES_READ);
      g_assert_cmpint (patience_run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
      g_assert_cmpint (patience_at_most (self), >=, 4900 * MSEC);
      g_assert_cmpint (patience_now - self->begun, <=, 5300 * MSEC);
      /* The looks: an early one, one when the lock had rested, and one with the token. */
      g_assert_cmpuint (lies_count (LIES_READ) - looks, ==, 3);
      g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
      g_clear_pointer (&last_claim, g_free);
    }
}

static guint n_lists;

static guint n_crowd; /* the number of names that come before all others */

static int
count_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  n_lists++;
  for (guint i = 0; i < n_crowd; i++)
    if (!func ("another", user_data))
      return 0;
  return lies_syscalls.list (directory, func, user_data);
}

/* On a file system without a queue, a long wait collects the claim of a killed waiter, and rarely
 * asks the file server for the directory. A local directory that is too large for a queue is read
 * each second. */
static void
sweeps (Patience *self, gconstpointer kind)
{
  const gboolean local = GPOINTER_TO_INT (kind) == FLUFL_FS_LOCAL;
  g_autofree char *lock_claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
  g_autofree char *name = patience_name_of_dead ();
  g_autofree char *path = NULL;

  if (name == NULL)
    {
      test_place_empty (&self->place);
      g_test_skip ("processes cannot be distinguished here");
      return;
    }
  path = test_place_path (&self->place, name);
  g_assert_true (g_file_set_contents (path, path, -1, NULL));
  n_crowd = local ? 3000 : 0;
  flufl_roll_names_max = 2000;
  patience_table.list = count_list;
  n_lists = 0;

  patience_run (self, 600 * SEC, 3600);
  g_assert_cmpuint (n_lists, <=, local ? 601 : 0);
  self->break_dead = TRUE;
  n_lists = 0;
  patience_run (self, 200 * MSEC, 3600);
  g_assert_cmpuint (n_lists, <=, local ? 1 : 0);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  patience_run (self, local ? 4 * SEC : 2 * SEC, 3600);
  g_assert_cmpuint (n_lists, <=, local ? 6 : 1);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  n_lists = 0;
  patience_run (self, 600 * SEC, 3600);
  g_assert_cmpuint (n_lists, <=, local ? 601 + 61 : 61);
  test_place_empty (&self->place);
}

static char *older_claims[2];
static TestPlace *left_place;

static void
leave_lock (void)
{
  g_assert_cmpint (unlink (older_claims[0]), ==, 0);
  g_assert_cmpint (unlink (left_place->lock), ==, 0);
}

static void
leave_line (void)
{
  g_assert_cmpint (unlink (older_claims[1]), ==, 0);
  patience_event = leave_lock;
  patience_event_at = patience_now + 300 * MSEC;
}

static int
list_slowly (const char *directory, FluflNameFunc func, gpointer user_data)
{
  patience_now += 10 * MSEC;
  return count_list (directory, func, user_data);
}

/* The names of a large directory are kept. If a claim goes meanwhile, the waiter goes on to the
 * claim before it, and does not read the directory for that. */
static void
strikes (Patience *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *lock_claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
  FluflIdentity us;
  int errsv = 0;

  flufl_identity_get (&patience_table, &us);
  if (us.boot[0] == '\0')
    {
      test_place_empty (&self->place);
      g_test_skip ("this kernel shows no boot id");
      return;
    }
  for (guint64 i = 0; i < G_N_ELEMENTS (older_claims); i++)
    {
      g_autofree char *name = flufl_claim_name_build ("x.lock", "|", &us, 1 + i, 1 + i,
                                                      FLUFL_MARK_NONE);

      older_claims[i] = test_place_path (&self->place, name);
      g_assert_true (g_file_set_contents (older_claims[i], older_claims[i], -1, NULL));
    }
  left_place = &self->place;
  n_crowd = flufl_roll_large;
  flufl_roll_kept_times = 1000;
  patience_table.list = list_slowly;
  n_lists = 0;
  patience_event = leave_line;
  patience_event_at = patience_now + 2 * SEC;
  alarm (TEST_PATIENCE_SEC / 2);
  g_assert_cmpint (patience_run (self, 60 * SEC, 3600), ==, FLUFL_RESULT_HELD);
  alarm (0);
  g_assert_cmpint (patience_now - self->begun, <=, 3 * SEC);
  g_assert_cmpuint (n_lists, ==, 1);
  g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                   FLUFL_OUTCOME_RELEASED);
  for (guint i = 0; i < G_N_ELEMENTS (older_claims); i++)
    g_free (older_claims[i]);
  test_place_empty (&self->place);
  flufl_roll_forget ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  PATIENCE_ADD ("/patience/holder-dies", holder_dies);
  PATIENCE_ADD_ON ("/patience/shortens", FLUFL_FS_LOCAL, shortens);
  PATIENCE_ADD_ON ("/patience/strikes", FLUFL_FS_LOCAL, strikes);
  PATIENCE_ADD_ON ("/patience/changes-hands", FLUFL_FS_NFS, changes_hands);
  PATIENCE_ADD_ON ("/patience/sweeps/crowd", FLUFL_FS_LOCAL, sweeps);
  PATIENCE_ADD_ON ("/patience/sweeps/nfs", FLUFL_FS_NFS, sweeps);
  PATIENCE_ADD_ON ("/patience/sweeps/other", FLUFL_FS_OTHER, sweeps);

  return g_test_run ();
}
