/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The time for which an acquisition goes on, and the number of its calls, while nothing changes.
 */

#include <errno.h>

#include "patience-util.h"

static void
timed_out (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  const gint64 timeouts[] = { 0, 1, 999, 10 * MSEC, 249 * MSEC, 251 * MSEC, 3 * SEC, 600 * SEC };
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);

  for (guint i = 0; i < G_N_ELEMENTS (timeouts); i++)
    {
      self->n_waiting = 0;
      g_assert_cmpint (patience_run (self, timeouts[i], 3600), ==, FLUFL_RESULT_TIMED_OUT);
      g_assert_cmpint (patience_now, >=, patience_deadline);
      g_assert_cmpint (patience_latest, <=, patience_deadline); /* not by a microsecond */
      g_assert_cmpuint (self->n_waiting, ==, timeouts[i] > 250 * MSEC ? 1 : 0);
      g_assert_null (self->acquire.claim.path);
      g_assert_cmpuint (test_place_count (&self->place), ==, 2);
    }
  test_place_empty (&self->place);
}

/* The number of looks in a wait without events has an upper and a lower bound. */
static void
asks_so_often (Patience *self, gconstpointer kind)
{
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
  gboolean local = GPOINTER_TO_INT (kind) == FLUFL_FS_LOCAL;

  patience_run (self, 600 * SEC, 3600);
  g_test_message ("%u sleeps", patience_n_sleeps);
  if (local)
    {
      /* With a watch, a timer is only for missed events. In a long wait it comes twice in ten
       * seconds, with one lstat(2). */
      g_assert_cmpuint (patience_n_sleeps, >=, 60);
      g_assert_cmpuint (patience_n_sleeps, <=, 120 + 20);
      g_assert_cmpuint (lies_count (LIES_LINK), <=, 20);
      g_assert_cmpuint (lies_count (LIES_OPEN), <=, 40);
      g_assert_cmpuint (lies_count (LIES_LSTAT), <=, 120 + 60);
    }
  else
    {
      g_assert_cmpuint (lies_count (LIES_LINK), >=, 500);
      g_assert_cmpuint (lies_count (LIES_LINK), <=, 1500);
    }
  test_place_empty (&self->place);
}

/* The lock of another host is broken as soon as its expiration and the slop are past. */
static void
expires (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 20);
  int errsv = 0;

  g_assert_cmpint (patience_run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
  g_assert_cmpint (patience_at_most (self), >=, 29 * SEC);
  g_assert_cmpint (patience_now - self->begun, <=, 31 * SEC);
  g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                   FLUFL_OUTCOME_RELEASED);
  g_assert_cmpuint (test_place_count (&self->place), ==, 0);
}

typedef struct
{
  LiesCall call;
  int      errsv;
  gboolean held; /* the fault needs a lock that another holds … */
  gboolean seen; /* … and that the attempt sees */
} Fault;

static const Fault faults[] = {
  { LIES_LINK, EIO, FALSE, FALSE },    { LIES_OPEN, EIO, FALSE, FALSE },
  { LIES_LINK, ETIMEDOUT, FALSE, FALSE }, { LIES_PWRITE, EIO, FALSE, FALSE },
  { LIES_OPEN, EMFILE, FALSE, FALSE }, { LIES_LSTAT, EIO, TRUE, FALSE },
  { LIES_LINK, EIO, TRUE, TRUE },      { LIES_READ, EIO, TRUE, TRUE },
};

/* An acquisition gives up on a server that answers only with errors. It goes on for longer with a
 * longer lifetime. */
static void
nothing_but_errors (Patience *self, gconstpointer kind)
{
  const gint64 lifetimes[] = { 1, 15, 120 };

  for (guint i = 0; i < G_N_ELEMENTS (faults) * G_N_ELEMENTS (lifetimes); i++)
    {
      const Fault *fault = &faults[i % G_N_ELEMENTS (faults)];
      gint64 lifetime = lifetimes[i / G_N_ELEMENTS (faults)];
      gint64 patience = MAX (lifetime, 10) * SEC;
      g_autofree char *claim = NULL;

      lies_reset ();
      lies_fs_kind ((FluflFsKind) GPOINTER_TO_INT (kind));
      if (fault->held)
        claim = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
      lies_fail (fault->call, fault->errsv, -1);
      g_test_message ("call %d, lifetime %d s", fault->call, (int) lifetime);
      g_assert_cmpint (patience_run (self, -1, lifetime), ==, FLUFL_RESULT_REFUSED);
      g_assert_cmpint (self->acquire.outcome, ==, FLUFL_OUTCOME_FAILED);
      g_assert_cmpint (self->acquire.findings.errsv, ==, fault->errsv);
      g_assert_cmpint (self->acquire.findings.failed_step, !=, FLUFL_FAILED_NONE);
      g_assert_cmpint (patience_now - self->begun, >=, patience);
      g_assert_cmpint (patience_now - self->begun, <=, patience + 2 * SEC);
      /* The acquisition tries every 25 ms at the most. */
      g_assert_cmpuint (patience_n_sleeps, <=, (guint) (patience / (25 * MSEC)) + 100);
      g_assert_null (self->acquire.claim.path);

      /* The caller's deadline comes first. If no holder was seen, the server's error counts. */
      g_assert_cmpint (patience_run (self, 2 * SEC, lifetime), ==,
                       fault->seen ? FLUFL_RESULT_TIMED_OUT : FLUFL_RESULT_REFUSED);
      g_assert_cmpint (patience_latest, ==, patience_deadline);
      g_assert_cmpint (self->acquire.findings.errsv, ==, fault->errsv);
      lies_reset ();
      /* Files that could not be looked at or removed may still be there. */
      test_place_empty (&self->place);
    }
}

/* Errors that pass are forgotten: patience begins anew. */
static void
errors_now_and_then (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);

  for (int i = 0; i < 5; i++)
    {
      lies_fail (LIES_LINK, EIO, 5);
      g_assert_cmpint (patience_run (self, 8 * SEC, 3600), ==, FLUFL_RESULT_TIMED_OUT);
      g_assert_cmpint (patience_latest, ==, patience_deadline);
    }
  g_assert_cmpuint (test_place_count (&self->place), ==, 2);
  test_place_empty (&self->place);
}

static void
put_garbage (TestPlace *place)
{
  g_assert_true (g_file_set_contents (place->lock, "no lock", -1, NULL));
}

/* A look costs calls to a file server. The answer of link(2) is enough as long as nothing is
 * unusual. */
static void
looks_seldom (Patience *self, gconstpointer kind)
{
  g_autofree char *claim = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
  guint looks = lies_count (LIES_READ);
  int errsv = 0;

  self->acquire.announcement.done = TRUE;
  g_assert_cmpint (patience_run (self, 200 * MSEC, 3600), ==, FLUFL_RESULT_TIMED_OUT);
  /* The look at the deadline is for the words of the message. Where the ctime is not trusted another
   * look shows which claim is to be seen unchanged. */
  g_assert_cmpuint (lies_count (LIES_READ) - looks, ==,
                    GPOINTER_TO_INT (kind) == FLUFL_FS_NFS ? 1 : 2);
  g_assert_cmpint (self->acquire.findings.look.sight, ==, FLUFL_SIGHT_CLAIM);
  looks = lies_count (LIES_READ);
  patience_run (self, 600 * SEC, 3600);
  looks = lies_count (LIES_READ) - looks;
  g_test_message ("%u looks in 600 s", looks);
  if (GPOINTER_TO_INT (kind) == FLUFL_FS_NFS)
    g_assert_cmpuint (looks, ==, 2); /* early, and at the deadline: nothing has changed */
  else
    {
      g_assert_cmpuint (looks, <=, 302);
      g_assert_cmpuint (looks, >=, 150);
    }

  g_test_message ("An expired lock, a free one and a file that is not a lock are noticed at once");
  test_place_empty (&self->place);
  g_free (claim);
  claim = test_make_lock (&self->place, "x.lock|far.example|12|34", -86400);
  g_assert_cmpint (patience_run (self, 20 * SEC, 3600), ==, FLUFL_RESULT_HELD);
  g_assert_cmpint (patience_now - self->begun, <=, 6 * SEC); /* its rest */
  g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                   FLUFL_OUTCOME_RELEASED);
  put_garbage (&self->place);
  g_assert_cmpint (patience_run (self, 20 * SEC, 3600), ==, FLUFL_RESULT_REFUSED);
  g_assert_cmpint (self->acquire.outcome, ==, FLUFL_OUTCOME_NOT_A_LOCK);
  g_assert_cmpint (patience_now, ==, self->begun);
  test_place_empty (&self->place);
}

/* The lock of a dead process rests for five seconds, and is then broken at once. */
static void
dead_holder (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *name = patience_name_of_dead ();
  g_autofree char *claim = NULL;
  int errsv = 0;

  if (name == NULL)
    {
      g_test_skip ("processes cannot be distinguished here");
      return;
    }
  self->break_dead = TRUE;
  for (int i = 0; i < 20; i++) /* the pauses are random */
    {
      g_free (claim);
      patience_restart (self);
      claim = test_make_lock (&self->place, name, 86400);
      g_assert_cmpint (patience_run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
      g_assert_cmpint (patience_at_most (self), >=, 4900 * MSEC);
      g_assert_cmpint (patience_now - self->begun, <=, 5300 * MSEC);
      g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  PATIENCE_ADD ("/patience/timed-out", timed_out);
  PATIENCE_ADD ("/patience/asks-so-often", asks_so_often);
  PATIENCE_ADD ("/patience/expires", expires);
  PATIENCE_ADD ("/patience/dead-holder", dead_holder);
  PATIENCE_ADD ("/patience/nothing-but-errors", nothing_but_errors);
  PATIENCE_ADD ("/patience/errors-now-and-then", errors_now_and_then);
  PATIENCE_ADD_ON ("/patience/looks-seldom/nfs", FLUFL_FS_NFS, looks_seldom);
  PATIENCE_ADD_ON ("/patience/looks-seldom/other", FLUFL_FS_OTHER, looks_seldom);

  return g_test_run ();
}
