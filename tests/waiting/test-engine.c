/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Threads and time: appointments and sleeps, without any lock.
 */

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "await.h"
#include "engine-util.h"

#define HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

/* An appointment, which must be kept once, and not before its time. */
typedef struct
{
  gint64   when;
  int      n_kept;
  gboolean may_be_early; /* it may be cancelled */
} Date;

static int n_kept; /* the number of appointments that were kept, of all dates */

static void
keep_date (gpointer data)
{
  Date *date = data;

  if (!date->may_be_early)
    g_assert_cmpint (now (), >=, date->when);
  g_assert_cmpint (g_atomic_int_add (&date->n_kept, 1), ==, 0);
  g_atomic_int_inc (&n_kept);
}

static void
never_early (void)
{
  Date dates[300] = { 0 };
  gint64 start = now ();

  g_atomic_int_set (&n_kept, 0);
  for (guint i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      dates[i].when = start + g_random_int_range (-20000, 150000);
      engine_at (dates[i].when, NULL, keep_date, &dates[i]);
    }
  AWAIT (g_atomic_int_get (&n_kept) == G_N_ELEMENTS (dates));
}

/* All appointments are at one moment. */
static void
many (void)
{
  Date *dates = g_new0 (Date, 1000);
  gint64 when = now () + 50000;

  g_atomic_int_set (&n_kept, 0);
  for (guint i = 0; i < 1000; i++)
    {
      dates[i].when = when;
      engine_at (when, NULL, keep_date, &dates[i]);
    }
  AWAIT (g_atomic_int_get (&n_kept) == 1000);
  g_free (dates);
}

/* An appointment that is made later, for an earlier time, does not wait for the first. */
static void
earlier_one_comes_later (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Date late = { .when = now () + HOUR, .may_be_early = TRUE };
  Date soon[5] = { 0 };

  g_atomic_int_set (&n_kept, 0);
  engine_at (late.when, cancellable, keep_date, &late);
  for (int i = 0; i < 5; i++)
    {
      g_usleep (2000); /* the leader polls by now, or not yet */
      soon[i].when = now () + (5 - i) * 5000;
      engine_at (soon[i].when, NULL, keep_date, &soon[i]);
    }
  AWAIT (g_atomic_int_get (&n_kept) == 5);
  g_assert_cmpint (g_atomic_int_get (&late.n_kept), ==, 0);
  g_cancellable_cancel (cancellable);
  AWAIT (g_atomic_int_get (&late.n_kept) == 1);
}

static void
cancelled (void)
{
  g_autoptr (GCancellable) early = g_cancellable_new ();
  g_autoptr (GCancellable) shared = g_cancellable_new ();
  Date before = { .when = now () + HOUR, .may_be_early = TRUE };
  Date dates[50];

  g_atomic_int_set (&n_kept, 0);
  g_cancellable_cancel (early);
  engine_at (before.when, early, keep_date, &before);
  AWAIT (g_atomic_int_get (&before.n_kept) == 1);

  for (guint i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      dates[i] = (Date){ .when = now () + HOUR + i, .may_be_early = TRUE };
      engine_at (dates[i].when, shared, keep_date, &dates[i]);
    }
  g_cancellable_cancel (shared);
  AWAIT (g_atomic_int_get (&n_kept) == 1 + (int) G_N_ELEMENTS (dates));
  /* Their handlers are gone with them. */
  AWAIT (G_OBJECT (shared)->ref_count == 1);
}

/* An appointment that is cancelled just as its time comes is kept once all the same. */
static void
cancel_races (void)
{
  guint rounds = test_is_slow () ? 50 : 1000;

  g_atomic_int_set (&n_kept, 0);
  for (guint i = 0; i < rounds; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Date date = { .when = now () + g_random_int_range (0, 200), .may_be_early = TRUE };

      engine_at (date.when, cancellable, keep_date, &date);
      for (int spin = g_random_int_range (0, 100); spin > 0; spin--)
        g_thread_yield ();
      g_cancellable_cancel (cancellable);
      AWAIT (g_atomic_int_get (&date.n_kept) == 1);
    }
  g_assert_cmpint (g_atomic_int_get (&n_kept), ==, (int) rounds);
}

static GMutex gate;

static void
stall (gpointer data)
{
  g_atomic_int_inc ((int *) data);
  g_mutex_lock (&gate);
  g_mutex_unlock (&gate);
  g_atomic_int_inc ((int *) data);
}

/* Work that stalls, at a time or at once, delays no other work. */
static void
stalled_workers (void)
{
  int n_stalled = 0;
  Date date = { .when = 0 };

  g_mutex_lock (&gate);
  for (int i = 0; i < 20; i++)
    {
      if (i % 2 == 0)
        engine_at (now () + 1000, NULL, stall, &n_stalled);
      else
        flufl_workers_push (stall, &n_stalled);
    }
  AWAIT (g_atomic_int_get (&n_stalled) == 20);
  for (int i = 0; i < 20; i++)
    {
      date = (Date){ .when = now () + 3000 };
      engine_at (date.when, NULL, keep_date, &date);
      AWAIT (g_atomic_int_get (&date.n_kept) == 1);
    }
  engine_sleep_until (now () + 3000, NULL);
  g_assert_cmpint (g_atomic_int_get (&n_stalled), ==, 20);
  g_mutex_unlock (&gate);
  AWAIT (g_atomic_int_get (&n_stalled) == 40);
}

static gpointer
push_thread (gpointer data)
{
  for (int i = 0; i < 100; i++)
    flufl_workers_push (stall, data);
  return NULL;
}

static void
push (void)
{
  GThread *threads[4];
  int n = 0;

  for (int i = 0; i < 4; i++)
    threads[i] = g_thread_new ("push", push_thread, &n);
  for (int i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  AWAIT (g_atomic_int_get (&n) == 800);
}

static gpointer
cancel_thread (gpointer data)
{
  g_usleep (5000); /* the other thread sleeps by now, or not yet */
  g_cancellable_cancel (data);
  return NULL;
}

static void
sleep_ends (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *thread;

  for (int i = 0; i < 20; i++)
    {
      gint64 when = now () + g_random_int_range (-1000, 8000);

      engine_sleep_until (when, i % 2 == 0 ? NULL : cancellable);
      g_assert_cmpint (now (), >=, when);
    }
  engine_sleep_until (G_MININT64, NULL);

  thread = g_thread_new ("cancel", cancel_thread, cancellable);
  engine_sleep_until (now () + HOUR, cancellable);
  g_assert_true (g_cancellable_is_cancelled (cancellable));
  g_thread_join (thread);
  engine_sleep_until (G_MAXINT64, cancellable); /* it has fired already */
}

static gpointer
sleep_thread (gpointer data)
{
  for (int i = 0; i < 30; i++)
    {
      gint64 when = now () + g_random_int_range (0, 4000);

      engine_sleep_until (when, NULL);
      g_assert_cmpint (now (), >=, when);
    }
  g_atomic_int_inc ((int *) data);
  return NULL;
}

/* Threads that sleep lead one after another, for scheduled functions as well. */
static void
many_sleep (void)
{
  GThread *threads[8];
  Date dates[100] = { 0 };
  int n = 0;

  g_atomic_int_set (&n_kept, 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("sleep", sleep_thread, &n);
  for (guint i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      dates[i].when = now () + g_random_int_range (0, 60000);
      engine_at (dates[i].when, NULL, keep_date, &dates[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  AWAIT (g_atomic_int_get (&n_kept) == G_N_ELEMENTS (dates));
}

static gpointer
wake_thread (gpointer data)
{
  g_usleep ((gulong) g_random_int_range (0, 300)); /* before, during or after the way into the sleep */
  flufl_sleeper_wake (data);
  return NULL;
}

/* A wake-up before the sleep counts, and counts once. */
static void
woken (void)
{
  FluflSleeper *sleeper = flufl_sleeper_new ();
  gint64 when;

  flufl_sleeper_wake (sleeper);
  flufl_sleeper_wake (sleeper);
  flufl_sleeper_sleep (sleeper, now () + HOUR);
  when = now () + 3000;
  flufl_sleeper_sleep (sleeper, when);
  g_assert_cmpint (now (), >=, when);

  for (int i = 0; i < (test_is_slow () ? 20 : 300); i++)
    {
      GThread *thread = g_thread_new ("wake", wake_thread, sleeper);

      flufl_sleeper_sleep (sleeper, now () + HOUR);
      g_thread_join (thread);
    }
  flufl_sleeper_free (sleeper);
}

/* A new sleeper may have the memory of one that was freed, and nothing else of it. */
static void
freed (void)
{
  FluflSleeper *sleeper = flufl_sleeper_new (), *other = flufl_sleeper_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  int fds[2];
  gint64 when;

  g_assert_cmpint (pipe (fds), ==, 0);
  g_assert_cmpint (write (fds[1], "", 1), ==, 1);
  for (int i = 0; i < 3; i++)
    {
      flufl_sleeper_watch_cancellable (sleeper, cancellable);
      flufl_sleeper_set_interrupt_fd (sleeper, fds[0]);
      flufl_sleeper_wake (sleeper);
      flufl_sleeper_free (sleeper);
      sleeper = flufl_sleeper_new ();
      g_assert_true (sleeper != other);
      when = now () + 3000;
      flufl_sleeper_sleep (sleeper, when);
      g_assert_cmpint (now (), >=, when);
      g_assert_false (flufl_sleeper_is_interrupted (sleeper));
    }
  g_cancellable_cancel (cancellable);
  when = now () + 3000;
  flufl_sleeper_sleep (sleeper, when);
  g_assert_cmpint (now (), >=, when);
  flufl_sleeper_free (sleeper);
  flufl_sleeper_free (other);
  close (fds[0]);
  close (fds[1]);
}

/* Work is refused once no thread can be started any more, even while an overseer looks after work that
 * waits. Work that was accepted before is done when a thread is there again. */
static void
exhausted (void)
{
  guint n = 0;
  int n_passed = 0;

  g_mutex_lock (&gate);
  for (n = 0; n < 12; n++) /* more than begin at once, so that an overseer comes */
    g_assert_true (flufl_workers_push (stall, &n_passed));
  flufl_workers_max = 0;
  for (gboolean accepted = TRUE; accepted; n += (guint) accepted)
    {
      accepted = flufl_workers_push (stall, &n_passed);
      g_assert_cmpuint (n, <, 100000);
      g_usleep (1000);
    }
  flufl_workers_max = G_MAXUINT;
  g_mutex_unlock (&gate);
  AWAIT (g_atomic_int_get (&n_passed) == 2 * (int) n);
}

static gpointer
long_sleep_thread (gpointer data)
{
  flufl_sleeper_sleep (data, G_MAXINT64);
  return NULL;
}

/* Threads that sleep, and will never be due. One of them leads as a rule after this. */
static void
begin_sleeps (FluflSleeper *sleepers[2], GThread *threads[2])
{
  for (guint i = 0; i < 2; i++)
    {
      sleepers[i] = flufl_sleeper_new ();
      threads[i] = g_thread_new ("sleep", long_sleep_thread, sleepers[i]);
    }
  g_usleep (20000);
}

static void
end_sleeps (FluflSleeper *sleepers[2], GThread *threads[2])
{
  for (guint i = 0; i < 2; i++)
    {
      flufl_sleeper_wake (sleepers[i]);
      g_thread_join (threads[i]);
      flufl_sleeper_free (sleepers[i]);
    }
}

/* One thread, or two, do all the work, one piece after another, and forget none. Without any thread
 * the functions return FALSE. */
static void
few_threads (void)
{
  Date dates[200] = { 0 };
  FluflSleeper *sleeper = flufl_sleeper_new (), *sleepers[2];
  GThread *threads[2];
  gint64 start;

  /* This test comes first, so that no other test has left a thread. */
  flufl_workers_max = 0;
  g_assert_false (flufl_sleeper_schedule (sleeper, 0, keep_date, NULL));
  g_assert_false (flufl_workers_push (keep_date, NULL));
  begin_sleeps (sleepers, threads);
  g_assert_false (flufl_sleeper_schedule (sleeper, 0, keep_date, NULL));
  end_sleeps (sleepers, threads);

  for (guint max = 1; max <= 2; max++)
    {
      flufl_workers_max = max;
      g_atomic_int_set (&n_kept, 0);
      start = now ();
      for (guint i = 0; i < G_N_ELEMENTS (dates); i++)
        {
          dates[i] = (Date){ .when = start + g_random_int_range (0, 50000) };
          engine_at (dates[i].when, NULL, keep_date, &dates[i]);
        }
      for (int i = 0; i < 20; i++)
        engine_sleep_until (now () + 1000, NULL);
      AWAIT (g_atomic_int_get (&n_kept) == G_N_ELEMENTS (dates));

      /* Threads that sleep do not keep the work from the last worker. */
      g_atomic_int_set (&n_kept, 0);
      begin_sleeps (sleepers, threads);
      for (int i = 0; i < 20; i++)
        {
          dates[i] = (Date){ .when = now () + 5000 };
          /* The last worker may be between its work and its rest, and is not found then. */
          AWAIT (flufl_sleeper_schedule (sleeper, dates[i].when, keep_date, &dates[i]));
          AWAIT (g_atomic_int_get (&n_kept) == i + 1);
        }
      end_sleeps (sleepers, threads);
    }
  flufl_workers_max = G_MAXUINT;
  flufl_sleeper_free (sleeper);
}

typedef struct
{
  int fds[2];
  int n_interrupted;
} Interrupt;

static gpointer
interrupted_thread (gpointer data)
{
  Interrupt *self = data;
  FluflSleeper *sleeper = flufl_sleeper_new ();
  char byte;

  flufl_sleeper_set_interrupt_fd (sleeper, self->fds[0]);
  for (int i = 0; i < 50; i++)
    {
      flufl_sleeper_sleep (sleeper, G_MAXINT64);
      g_assert_true (flufl_sleeper_is_interrupted (sleeper));
      g_assert_cmpint (read (self->fds[0], &byte, 1), ==, 1);
      g_atomic_int_inc (&self->n_interrupted);
    }
  flufl_sleeper_wake (sleeper);
  flufl_sleeper_sleep (sleeper, G_MAXINT64);
  g_assert_false (flufl_sleeper_is_interrupted (sleeper));
  flufl_sleeper_sleep (sleeper, now () + 2000);
  g_assert_false (flufl_sleeper_is_interrupted (sleeper));
  flufl_sleeper_free (sleeper);
  return NULL;
}

/* A sleep ends when something can be read, whoever leads. */
static void
interrupted (void)
{
  Interrupt all[3] = { 0 };
  GThread *threads[G_N_ELEMENTS (all)];

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      g_assert_cmpint (pipe (all[i].fds), ==, 0);
      threads[i] = g_thread_new ("interrupted", interrupted_thread, &all[i]);
    }
  for (int n = 1; n <= 50; n++)
    for (guint i = 0; i < G_N_ELEMENTS (all); i++)
      {
        g_assert_cmpint (write (all[i].fds[1], "x", 1), ==, 1);
        AWAIT (g_atomic_int_get (&all[i].n_interrupted) == n);
      }
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      g_thread_join (threads[i]);
      close (all[i].fds[0]);
      close (all[i].fds[1]);
    }
}

static gpointer
cancelled_thread (gpointer data)
{
  g_atomic_int_set ((int *) data, TRUE);
  engine_sleep_until (now () + 20000, NULL);
  pthread_testcancel ();
  g_assert_not_reached ();
}

/* poll(2) is refused if it is given more descriptors than a process may have. */
static void
no_descriptors (void)
{
  struct rlimit limit, before;
  struct timespec begun, ended;

  engine_sleep_until (now () + 1000, NULL); /* so that there is a descriptor to be polled */
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  limit = before;
  limit.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &begun);
  engine_sleep_until (now () + 400000, NULL);
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &ended);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  /* Some milliseconds, and not the whole time. */
  g_assert_cmpint ((ended.tv_sec - begun.tv_sec) * 1000000 + (ended.tv_nsec - begun.tv_nsec) / 1000, <, 100000);
}

/* A thread that leads is not cancelled before its sleep is over. */
static void
thread_cancelled (void)
{
  Date date = { .when = now () + 40000 };
  pthread_t thread;
  int begun = FALSE;
  void *result;

  g_atomic_int_set (&n_kept, 0);
  g_assert_cmpint (pthread_create (&thread, NULL, cancelled_thread, &begun), ==, 0);
  AWAIT (g_atomic_int_get (&begun));
  engine_at (date.when, NULL, keep_date, &date);
  g_assert_cmpint (pthread_cancel (thread), ==, 0);
  g_assert_cmpint (pthread_join (thread, &result), ==, 0);
  g_assert_true (result == PTHREAD_CANCELED);
  engine_sleep_until (now () + 3000, NULL);
  AWAIT (g_atomic_int_get (&n_kept) == 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/engine/few-threads", few_threads);
  g_test_add_func ("/engine/never-early", never_early);
  g_test_add_func ("/engine/many", many);
  g_test_add_func ("/engine/earlier-one-comes-later", earlier_one_comes_later);
  g_test_add_func ("/engine/cancelled", cancelled);
  g_test_add_func ("/engine/cancel-races", cancel_races);
  g_test_add_func ("/engine/stalled-workers", stalled_workers);
  g_test_add_func ("/engine/exhausted", exhausted);
  g_test_add_func ("/engine/no-descriptors", no_descriptors);
  g_test_add_func ("/engine/push", push);
  g_test_add_func ("/engine/sleep-ends", sleep_ends);
  g_test_add_func ("/engine/many-sleep", many_sleep);
  g_test_add_func ("/engine/woken", woken);
  g_test_add_func ("/engine/freed", freed);
  g_test_add_func ("/engine/interrupted", interrupted);
  g_test_add_func ("/engine/thread-cancelled", thread_cancelled);

  return g_test_run ();
}
