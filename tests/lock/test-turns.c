/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Many waiters of one process: two are in front, and the others make no claims.
 */

#include "face-util.h"

#include <string.h>

#include "flufl-acquire.h"
#include "flufl-claim-name.h"
#include "flufl-turn.h"

#define N 40

/* The lock file and the holder's claim, and the claims of the waiters in front. */
#define FILES_MAX (2 + 2)

typedef struct
{
  Face      *face;
  GArray    *order; /* of guint: the numbers of the waiters that had the lock */
  guint      n_done;
  guint      n_others; /* the number of claims of waiters outside the row */
} Row;

typedef struct
{
  Row       *row;
  guint      number;
  FluflLock *lock; /* owned */
  GError    *error; /* owned; of the acquisition */
} Waiter;

/* On a busy machine no waiter must pass a slow one, so only watches end the waits. */
static void
row_begin (Row *self, Face *face)
{
  flufl_acquire_patience = flufl_turn_patience = G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC;
  self->face = face;
  self->order = g_array_new (FALSE, FALSE, sizeof (guint));
  self->n_done = self->n_others = 0;
}

static void
row_end (Row *self)
{
  g_array_unref (self->order);
}

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Waiter *self = data;

  self->row->n_done++;
  if (!flufl_lock_acquire_finish (FLUFL_LOCK (source), result, &self->error))
    return;
  g_array_append_val (self->row->order, self->number);
  g_assert_cmpuint (test_place_count (&self->row->face->place), <=,
                    FILES_MAX + self->row->n_others);
  g_assert_true (flufl_lock_release (FLUFL_LOCK (source), NULL, NULL));
}

static void
waiter_start (Waiter       *self,
              Row          *row,
              guint         number,
              gint64        timeout_ms,
              GCancellable *cancellable)
{
  self->row = row;
  self->number = number;
  self->error = NULL;
  self->lock = face_lock_new (row->face);
  flufl_lock_acquire_async (self->lock, timeout_ms, cancellable, acquired_cb, self);
}

static void
waiter_end (Waiter *self)
{
  g_assert_finalize_object (self->lock);
  g_clear_error (&self->error);
}

/* Each waiter has arrived before the next one starts. */
static void
start_in_front (Waiter *waiters, Row *row, GCancellable *cancellable)
{
  for (guint i = 0; i < 2; i++)
    {
      waiter_start (&waiters[i], row, i, -1, cancellable);
      FACE_WAIT_FOR (flufl_turn_count (TRUE) == i + 1);
    }
}

static void
start_resting (Waiter *self, Row *row, guint number)
{
  guint n = flufl_turn_count (FALSE);

  waiter_start (self, row, number, -1, NULL);
  FACE_WAIT_FOR (flufl_turn_count (FALSE) == n + 1);
}

/* The turns alone, without a disk: there a waiter that is slow to make its claim may be passed
 * by the next one. */
static void
by_arrival (void)
{
  FluflTurn turns[6];
  FluflSleeper *sleepers[6];
  FluflSite site, other;

  g_test_summary ("Waiters come to the front in the order of their arrival");
  flufl_site_init (&site, &flufl_syscalls_native, "/nowhere/x.lock", "|");
  flufl_site_init (&other, &flufl_syscalls_native, "/nowhere/y.lock", "|");
  for (guint i = 0; i < 6; i++)
    {
      sleepers[i] = flufl_sleeper_new ();
      g_assert_true (flufl_turn_must_wait (&site, TRUE) == (i >= 2));
      g_assert_true (flufl_turn_join (&turns[i], &site, TRUE, sleepers[i]) == (i < 2));
    }
  g_assert_false (flufl_turn_must_wait (&site, FALSE));
  g_assert_false (flufl_turn_must_wait (&other, TRUE));

  g_test_message ("One in front ends, and one that rests");
  flufl_turn_leave (&turns[1]);
  flufl_turn_leave (&turns[3]);
  g_assert_true (flufl_turn_has_come (&turns[2]));
  g_assert_false (flufl_turn_has_come (&turns[4]));

  g_test_message ("Those in front do not move, nor does the next, and then they do");
  flufl_turn_patience = 20 * 1000;
  flufl_turn_moves (&turns[2], G_MAXINT64);
  flufl_turn_try_now (&turns[0]);
  FACE_WAIT_FOR (flufl_turn_has_come (&turns[4]));
  g_assert_false (flufl_turn_has_come (&turns[5]));
  flufl_turn_try_now (&turns[4]);
  FACE_WAIT_FOR (flufl_turn_has_come (&turns[5]));
  flufl_turn_patience = G_USEC_PER_SEC;
  flufl_turn_moves (&turns[0], G_MAXINT64);
  flufl_turn_moves (&turns[4], G_MAXINT64);

  flufl_turn_leave (&turns[0]);
  flufl_turn_leave (&turns[2]);
  flufl_turn_leave (&turns[4]);
  flufl_turn_leave (&turns[5]);
  g_assert_false (flufl_turn_must_wait (&site, TRUE));
  for (guint i = 0; i < 6; i++)
    flufl_sleeper_free (sleepers[i]);
  flufl_site_clear (&site);
  flufl_site_clear (&other);
}

/* Whether @sleeper is woken within a minute. */
static gboolean
is_woken (FluflSleeper *sleeper)
{
  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  flufl_sleeper_sleep (sleeper, end);
  return g_get_monotonic_time () < end;
}

static void
relies (void)
{
  FluflSleeper *first = flufl_sleeper_new (), *second = flufl_sleeper_new ();
  FluflTurn turns[2];
  FluflSite site;
  gint64 until, due;

  g_test_summary ("A waiter relies on the one before it until that one is stalled, or leaves");
  flufl_site_init (&site, &flufl_syscalls_native, "/nowhere/x.lock", "|");
  flufl_turn_join (&turns[0], &site, TRUE, first);
  flufl_turn_join (&turns[1], &site, TRUE, second);
  flufl_turn_moves (&turns[0], G_MAXINT64);
  flufl_turn_moves (&turns[1], G_MAXINT64);
  g_assert_false (flufl_turn_relies_on_another (&turns[0], &until));
  g_assert_true (flufl_turn_relies_on_another (&turns[1], &until));

  g_test_message ("The first one does not move when it is called");
  flufl_turn_patience = 20 * 1000;
  flufl_turn_try_now (&turns[0]);
  g_assert_true (is_woken (second));
  g_assert_false (flufl_turn_relies_on_another (&turns[1], &until));

  g_test_message ("It moves again, and then does not move in time");
  due = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  flufl_turn_moves (&turns[0], due);
  g_assert_true (flufl_turn_relies_on_another (&turns[1], &until));
  g_assert_cmpint (until, ==, due + flufl_turn_patience);
  flufl_turn_moves (&turns[0], g_get_monotonic_time () - flufl_turn_patience);
  g_assert_false (flufl_turn_relies_on_another (&turns[1], &until));

  g_test_message ("It moves again, and leaves");
  flufl_turn_moves (&turns[0], G_MAXINT64);
  g_assert_true (flufl_turn_relies_on_another (&turns[1], &until));
  flufl_turn_leave (&turns[0]);
  g_assert_true (is_woken (second));
  g_assert_false (flufl_turn_relies_on_another (&turns[1], &until));

  flufl_turn_patience = G_USEC_PER_SEC;
  flufl_turn_leave (&turns[1]);
  flufl_sleeper_free (first);
  flufl_sleeper_free (second);
  flufl_site_clear (&site);
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  const guint *left = a, *right = b;

  return *left < *right ? -1 : *left > *right;
}

static void
all_served (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  Waiter waiters[N];
  Row row;

  g_test_summary ("All waiters of a process have their turns, and two have claims");
  row_begin (&row, face);
  face_acquire (holder);
  start_in_front (waiters, &row, NULL);
  for (guint i = 2; i < N; i++)
    start_resting (&waiters[i], &row, i);
  face_release (holder);
  FACE_WAIT_FOR (row.n_done == N);
  g_array_sort (row.order, compare_numbers);
  for (guint i = 0; i < N; i++)
    g_assert_cmpuint (g_array_index (row.order, guint, i), ==, i);
  for (guint i = 0; i < N; i++)
    waiter_end (&waiters[i]);
  g_assert_cmpuint (flufl_turn_count (FALSE), ==, 0);
  row_end (&row);
}

/* The latest ticket of the claims in the directory. */
static gint64
ticket_of_latest (Face *face, FluflLock *lock)
{
  g_autoptr (GDir) directory = g_dir_open (face->place.dir, 0, NULL);
  gint64 latest = 0;
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      FluflClaimName claim;

      if (flufl_claim_name_parse (name, strlen (name), "x.lock", flufl_lock_get_separator (lock),
                                  &claim))
        latest = MAX (latest, (gint64) claim.arrival);
    }
  return latest;
}

static void
arrival (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Waiter waiters[3];
  gint64 arrived;
  Row row;

  g_test_summary ("The claim of a waiter that waited its turn shows when the waiter arrived");
  row_begin (&row, face);
  face_acquire (holder);
  start_in_front (waiters, &row, cancellable);
  start_resting (&waiters[2], &row, 2);
  arrived = g_get_real_time () * 1000;
  g_cancellable_cancel (cancellable);
  FACE_WAIT_FOR (row.n_done == 2 && test_place_count (&face->place) == 3);
  g_assert_cmpint (ticket_of_latest (face, holder), <=, arrived);
  face_release (holder);
  FACE_WAIT_FOR (row.n_done == 3);
  for (guint i = 0; i < 3; i++)
    waiter_end (&waiters[i]);
  row_end (&row);
}

static void
cancelled (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const guint expected[] = { 1, 4 };
  Waiter waiters[5];
  Row row;

  g_test_summary ("A waiter is cancelled in front, at rest, and before it comes to rest");
  row_begin (&row, face);
  face_acquire (holder);
  waiter_start (&waiters[0], &row, 0, -1, cancellable);
  FACE_WAIT_FOR (flufl_turn_count (TRUE) == 1);
  waiter_start (&waiters[1], &row, 1, -1, NULL);
  FACE_WAIT_FOR (flufl_turn_count (TRUE) == 2);
  waiter_start (&waiters[2], &row, 2, -1, cancellable);
  FACE_WAIT_FOR (flufl_turn_count (FALSE) == 1);
  waiter_start (&waiters[3], &row, 3, -1, cancellable);
  g_cancellable_cancel (cancellable);
  FACE_WAIT_FOR (row.n_done == 3);
  waiter_start (&waiters[4], &row, 4, -1, NULL);
  FACE_WAIT_FOR (flufl_turn_count (TRUE) == 2);
  face_release (holder);
  FACE_WAIT_FOR (row.n_done == 5);
  g_assert_cmpuint (row.order->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpuint (g_array_index (row.order, guint, i), ==, expected[i]);
  for (guint i = 0; i < 5; i++)
    {
      if (i == 0 || i == 2 || i == 3)
        g_assert_error (waiters[i].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_no_error (waiters[i].error);
      waiter_end (&waiters[i]);
    }
  row_end (&row);
}

static void
times_out (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  g_autoptr (GFile) claim = NULL;
  g_auto (Heard) waiting = { 0 };
  Waiter waiters[3];
  Row row;

  g_test_summary ("A waiter behind others learns who holds the lock, and times out");
  row_begin (&row, face);
  face_acquire (holder);
  claim = flufl_lock_dup_claim_file (holder);
  start_in_front (waiters, &row, NULL);
  waiter_start (&waiters[2], &row, 2, 600, NULL);
  g_signal_connect (waiters[2].lock, "waiting", G_CALLBACK (heard_waiting_cb), &waiting);
  FACE_WAIT_FOR (row.n_done == 1);
  g_assert_error (waiters[2].error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_assert_sentence (waiters[2].error, face->place.lock);
  g_assert_cmpuint (waiting.n, ==, 1);
  g_assert_true (g_file_equal (flufl_lock_details_get_claim_file (waiting.details), claim));
  g_assert_cmpuint (test_place_count (&face->place), ==, FILES_MAX);
  face_release (holder);
  FACE_WAIT_FOR (row.n_done == 3);
  for (guint i = 0; i < 3; i++)
    waiter_end (&waiters[i]);
  row_end (&row);
}

/* --- A thread of the application that does not go on --- */

typedef struct
{
  Face *face;
  int   blocked; /* atomic: the number of handlers that do not return */
  int   go;      /* atomic: whether they may */
  int   n_done;  /* atomic */
} Stall;

static void
block_cb (FluflLock *lock G_GNUC_UNUSED, FluflLockDetails *details G_GNUC_UNUSED, Stall *self)
{
  g_atomic_int_inc (&self->blocked);
  while (!g_atomic_int_get (&self->go))
    g_usleep (1000);
}

static gpointer
blocked_thread (gpointer data)
{
  Stall *self = data;
  g_autoptr (FluflLock) lock = face_lock_new (self->face);

  g_signal_connect (lock, "waiting", G_CALLBACK (block_cb), self);
  face_acquire (lock);
  face_release (lock);
  g_atomic_int_inc (&self->n_done);
  return NULL;
}

static void
stalled (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  Stall stall = { face, 0, 0, 0 };
  GThread *threads[2];
  Waiter waiter;
  Row row;

  g_test_summary ("Where those in front are busy in handlers, one behind them has its turn");
  row_begin (&row, face);
  flufl_acquire_patience = 10 * 1000;
  flufl_turn_patience = 50 * 1000;
  face_acquire (holder);
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("blocked", blocked_thread, &stall);
  FACE_WAIT_FOR (g_atomic_int_get (&stall.blocked) == 2);
  start_resting (&waiter, &row, 0);
  face_release (holder);
  FACE_WAIT_FOR (row.n_done == 1);
  g_assert_no_error (waiter.error);
  g_assert_cmpint (g_atomic_int_get (&stall.n_done), ==, 0);
  g_atomic_int_set (&stall.go, 1);
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  waiter_end (&waiter);
  row_end (&row);
}

/* --- Other processes --- */

static void
wait_in_child (gpointer data)
{
  g_autoptr (FluflLock) lock = face_lock_new (data);

  g_assert_cmpuint (flufl_turn_count (FALSE), ==, 0);
  face_acquire (lock);
  face_release (lock);
}

static void
forked (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  Waiter waiters[6];
  pid_t child;
  Row row;

  g_test_summary ("A forked child waits, though it has a copy of its parent's row");
  row_begin (&row, face);
  face_acquire (holder);
  start_in_front (waiters, &row, NULL);
  for (guint i = 2; i < 6; i++)
    start_resting (&waiters[i], &row, i);
  row.n_others = 1;
  child = face_fork (wait_in_child, face);
  FACE_WAIT_FOR (test_place_count (&face->place) == FILES_MAX + 1);
  face_release (holder);
  FACE_WAIT_FOR (row.n_done == 6);
  face_join (child);
  for (guint i = 0; i < 6; i++)
    waiter_end (&waiters[i]);
  row_end (&row);
}

/* No caller asks for the result, so the lock is released when the object goes. */
static void
dropped (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face);
  Waiter waiters[2], last;
  Row row;

  g_test_summary ("Objects that are dropped while they wait or rest keep nobody out");
  row_begin (&row, face);
  face_acquire (holder);
  start_in_front (waiters, &row, NULL);
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (FluflLock) lock = face_lock_new (face);

      flufl_lock_acquire_async (lock, -1, NULL, NULL, NULL);
    }
  FACE_WAIT_FOR (flufl_turn_count (FALSE) == 8);
  start_resting (&last, &row, 2);
  face_release (holder);
  FACE_WAIT_FOR (row.n_done == 3);
  for (guint i = 0; i < 2; i++)
    waiter_end (&waiters[i]);
  waiter_end (&last);
  row_end (&row);
}

static void
last_try (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) holder = face_lock_new (face), lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;

  g_test_summary ("After its last try a waiter neither reads the directory nor sets a watch");
  face_acquire (holder);
  g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_cmpuint (lies_count (LIES_LIST), ==, 0);
  face_release (holder);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/turns/by-arrival", by_arrival);
  g_test_add_func ("/turns/relies", relies);
  FACE_TEST ("/turns/all-served", all_served);
  FACE_TEST ("/turns/arrival", arrival);
  FACE_TEST ("/turns/cancelled", cancelled);
  FACE_TEST ("/turns/times-out", times_out);
  FACE_TEST ("/turns/last-try", last_try);
  FACE_TEST ("/turns/stalled", stalled);
  FACE_TEST ("/turns/forked", forked);
  FACE_TEST ("/turns/dropped", dropped);

  return g_test_run ();
}
