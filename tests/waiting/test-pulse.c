/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Pulses: repeated calls, by a thread or by a main context, until they are stopped.
 */

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "flufl-boot-timer.h"
#include "flufl-pulse.h"
#include "flufl-workers.h"

typedef struct
{
  FluflPulse *pulse;
  int         n_beats;
  int         n_beating;
  int         n_destroyed;
  gint64      next;
} Heart;

static gint64
beat (gpointer data)
{
  Heart *heart = data;

  /* Two calls never run at once. */
  g_assert_cmpint (g_atomic_int_add (&heart->n_beating, 1), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&heart->n_destroyed), ==, 0);
  g_atomic_int_inc (&heart->n_beats);
  g_thread_yield ();
  g_assert_cmpint (g_atomic_int_add (&heart->n_beating, -1), ==, 1);
  return heart->next;
}

static void
destroy (gpointer data)
{
  Heart *heart = data;

  g_atomic_int_inc (&heart->n_destroyed);
}

/* A pulse without a main context. */
static void
pulse (void)
{
  Heart heart = { .next = 1000 };
  int n;

  heart.pulse = flufl_pulse_start (NULL, 1, 0, beat, &heart, destroy);
  AWAIT (g_atomic_int_get (&heart.n_beats) > 10);
  flufl_pulse_stop (heart.pulse);
  AWAIT (g_atomic_int_get (&heart.n_destroyed) == 1);
  n = heart.n_beats;
  g_usleep (10000);
  g_assert_cmpint (g_atomic_int_get (&heart.n_beats), ==, n);

  /* A pulse whose function ends it. */
  heart = (Heart){ .next = -1 };
  heart.pulse = flufl_pulse_start (NULL, 1, 1000, beat, &heart, destroy);
  AWAIT (g_atomic_int_get (&heart.n_beats) == 1);
  g_usleep (10000);
  g_assert_cmpint (g_atomic_int_get (&heart.n_beats), ==, 1);
  flufl_pulse_stop (heart.pulse);
  AWAIT (g_atomic_int_get (&heart.n_destroyed) == 1);
}

/* A pulse that is due before the one that the keeper waits for. */
static void
earlier_pulse (void)
{
  Heart far = { .next = -1 };

  far.pulse = flufl_pulse_start (NULL, 1, G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC, beat, &far, destroy);
  for (int i = 0; i < 20; i++)
    {
      Heart near = { .next = -1 };
      gint64 wait = g_random_int_range (0, 3000), begun = flufl_boot_time_now ();

      near.pulse = flufl_pulse_start (NULL, 2, wait, beat, &near, destroy);
      AWAIT (g_atomic_int_get (&near.n_beats) == 1);
      g_assert_cmpint (flufl_boot_time_now () - begun, >=, wait);
      flufl_pulse_stop (near.pulse);
      AWAIT (g_atomic_int_get (&near.n_destroyed) == 1);
    }
  g_assert_cmpint (g_atomic_int_get (&far.n_beats), ==, 0);
  flufl_pulse_set (far.pulse, 1000);
  AWAIT (g_atomic_int_get (&far.n_beats) == 1);
  flufl_pulse_stop (far.pulse);
  AWAIT (g_atomic_int_get (&far.n_destroyed) == 1);
}

static gint64
beat_at_length (gpointer data)
{
  gint64 next = beat (data);

  g_usleep (20 * 1000);
  return next;
}

/* --- The keeper's timer --- */

static guint
for_each_timer (int (*func) (int fd))
{
  return test_each_descriptor ("timerfd", func);
}

static gint64
close_timers_and_beat (gpointer data)
{
  for_each_timer (close);
  return beat_at_length (data);
}

/* A program that closes all descriptors, as daemons do. poll(2) keeps open what it waits for. */
static void
closed_timer (void)
{
  Heart far = { .next = -1 }, near = { .next = 1000 }, closing = { .next = 1000 };

  far.pulse = flufl_pulse_start (NULL, 1, G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC, beat, &far,
                                 destroy);
  g_usleep (20 * 1000); /* It is polled then. If it is not yet, the keeper finds it closed. */
  for_each_timer (close);
  near.pulse = flufl_pulse_start (NULL, 2, 1000, beat, &near, destroy);
  AWAIT (g_atomic_int_get (&near.n_beats) > 5);
  flufl_pulse_stop (near.pulse);
  flufl_pulse_stop (far.pulse);
  AWAIT (g_atomic_int_get (&near.n_destroyed) == 1 && g_atomic_int_get (&far.n_destroyed) == 1);

  closing.pulse = flufl_pulse_start (NULL, 1, 1000, close_timers_and_beat, &closing, destroy);
  AWAIT (g_atomic_int_get (&closing.n_beats) > 5);
  flufl_pulse_stop (closing.pulse);
  AWAIT (g_atomic_int_get (&closing.n_destroyed) == 1);
}

static void
no_timer_in_child (void)
{
  Heart heart = { .next = -1 };
  int status;
  pid_t child;

  heart.pulse = flufl_pulse_start (NULL, 1, G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC, beat, &heart,
                                   destroy);
  if (for_each_timer (NULL) == 0)
    {
      g_test_skip ("there is no timerfd or no /proc here");
      flufl_pulse_stop (heart.pulse);
      return;
    }
  child = fork ();
  if (child == 0)
    _exit (for_each_timer (NULL) == 0 ? 0 : 1);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  flufl_pulse_stop (heart.pulse);
  AWAIT (g_atomic_int_get (&heart.n_destroyed) == 1);
}

static int is_blocked;
static int n_blocked;

static void
block (gpointer unused G_GNUC_UNUSED)
{
  while (g_atomic_int_get (&is_blocked))
    g_usleep (1000);
  g_atomic_int_add (&n_blocked, -1);
}

static void
block_idle_worker (void)
{
  if (flufl_workers_push (block, NULL))
    g_atomic_int_inc (&n_blocked);
}

/* No thread can be started, and each that is idle for a moment gets other work for ever. The
 * keeper stays even while there is no appointment, since the beat that is under way makes one. */
static void
pulse_without_threads (void)
{
  Heart heart = { .next = 1000 };

  g_atomic_int_set (&is_blocked, TRUE);
  heart.pulse = flufl_pulse_start (NULL, 1, 1000, beat_at_length, &heart, destroy);
  AWAIT (g_atomic_int_get (&heart.n_beats) > 0);
  flufl_workers_max = 0;
  AWAIT_BY (block_idle_worker (), g_atomic_int_get (&heart.n_beats) > 5);
  flufl_workers_max = G_MAXUINT;
  g_atomic_int_set (&is_blocked, FALSE);
  AWAIT (g_atomic_int_get (&n_blocked) == 0);
  flufl_pulse_stop (heart.pulse);
  AWAIT (g_atomic_int_get (&heart.n_destroyed) == 1);
}

/* A pulse with a main context goes on only as long as that runs. */
static void
pulse_of_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  GMainContext *short_lived;
  Heart heart = { .next = 1000 };
  int n;

  heart.pulse = flufl_pulse_start (context, 1, 0, beat, &heart, destroy);
  g_usleep (10000);
  g_assert_cmpint (g_atomic_int_get (&heart.n_beats), ==, 0);
  AWAIT_BY (g_main_context_iteration (context, FALSE), g_atomic_int_get (&heart.n_beats) > 10);
  AWAIT (g_atomic_int_get (&heart.n_beating) == 0);
  n = g_atomic_int_get (&heart.n_beats);
  g_usleep (10000);
  /* One call may have been on its way. */
  g_assert_cmpint (g_atomic_int_get (&heart.n_beats), <=, n + 1);
  flufl_pulse_stop (heart.pulse);
  AWAIT (g_atomic_int_get (&heart.n_destroyed) == 1);
  n = g_atomic_int_get (&heart.n_beats);
  for (int i = 0; i < 10; i++)
    {
      g_main_context_iteration (context, FALSE);
      g_usleep (500);
    }
  g_assert_cmpint (g_atomic_int_get (&heart.n_beats), ==, n);

  /* A context that goes first. */
  heart = (Heart){ .next = 1000 };
  short_lived = g_main_context_new ();
  heart.pulse = flufl_pulse_start (short_lived, 1, 0, beat, &heart, destroy);
  AWAIT_BY (g_main_context_iteration (short_lived, FALSE), g_atomic_int_get (&heart.n_beats) > 2);
  g_main_context_unref (short_lived);
  flufl_pulse_stop (heart.pulse);
  AWAIT (g_atomic_int_get (&heart.n_destroyed) == 1);
}

/* The first pulse finds no descriptor for a timer, and a later one does. */
static void
pulse_without_descriptor (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Heart near = { .next = -1 }, far = { .next = -1 };
  struct rlimit limit, before;
  guint n_idle = 0;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  limit = before;
  limit.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  near.pulse = flufl_pulse_start (context, 1, 1000, beat, &near, destroy);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  far.pulse = flufl_pulse_start (context, 1, G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC, beat, &far, destroy);
  AWAIT_BY (g_main_context_iteration (context, FALSE), g_atomic_int_get (&near.n_beats) == 1);
  /* The loop has nothing to do then. */
  AWAIT_BY (n_idle = g_main_context_iteration (context, FALSE) ? 0 : n_idle + 1, n_idle >= 10);
  flufl_pulse_stop (near.pulse);
  flufl_pulse_stop (far.pulse);
  AWAIT (g_atomic_int_get (&near.n_destroyed) == 1 && g_atomic_int_get (&far.n_destroyed) == 1);
}

/* A pulse is stopped at any moment of its life. */
static void
pulse_races (gconstpointer data)
{
  gboolean has_context = GPOINTER_TO_INT (data);
  g_autoptr (GMainContext) context = g_main_context_new ();
  guint rounds = test_is_slow () ? 50 : 500;

  for (guint i = 0; i < rounds; i++)
    {
      Heart heart = { .next = g_random_int_range (-1, 50) };

      heart.pulse = flufl_pulse_start (has_context ? context : NULL, 1, g_random_int_range (0, 50),
                                       beat, &heart, destroy);
      for (int spin = g_random_int_range (0, 60); spin > 0; spin--)
        {
          g_main_context_iteration (context, FALSE);
          g_thread_yield ();
        }
      flufl_pulse_stop (heart.pulse);
      AWAIT (g_atomic_int_get (&heart.n_destroyed) == 1);
      g_assert_cmpint (g_atomic_int_get (&heart.n_beating), ==, 0);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pulse/thread", pulse);
  g_test_add_func ("/pulse/earlier", earlier_pulse);
  g_test_add_func ("/pulse/no-threads", pulse_without_threads);
  g_test_add_func ("/pulse/closed-timer", closed_timer);
  g_test_add_func ("/pulse/forked", no_timer_in_child);
  g_test_add_func ("/pulse/context", pulse_of_context);
  g_test_add_func ("/pulse/context-without-descriptor", pulse_without_descriptor);
  g_test_add_data_func ("/pulse/races/thread", GINT_TO_POINTER (FALSE), pulse_races);
  g_test_add_data_func ("/pulse/races/context", GINT_TO_POINTER (TRUE), pulse_races);

  return g_test_run ();
}
