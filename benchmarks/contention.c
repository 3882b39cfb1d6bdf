/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * contention DIRECTORY PROCESSES SECONDS plain|stopped|killed
 *
 * Many processes take turns of a tenth of a millisecond with one lock. The program prints
 * hand-offs per second, CPU milliseconds per hand-off, the turns of the slowest process against
 * those of the luckiest, and the longest wait.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libflufllock.h>

#define SECTION 100 /* µs */
#define PROCESSES_MAX 1024

typedef struct
{
  guint64 turns, all; /* in the measured time; in all */
  gint64  longest; /* µs */
} Figures;

typedef struct
{
  int     go, inside, overlaps, failures;
  gint64  measured_from;
  Figures of[PROCESSES_MAX];
} Shared;

static Shared *shared;

static void
work (const char *path, int me)
{
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);

  while (g_atomic_int_get (&shared->go) == 0)
    g_usleep (1000);
  while (g_atomic_int_get (&shared->go) == 1)
    {
      g_autoptr (GError) error = NULL;
      gint64 asked = g_get_monotonic_time (), got;

      if (!flufl_lock_acquire (lock, 60000, NULL, &error))
        {
          g_atomic_int_inc (&shared->failures);
          fprintf (stderr, "%s\n", error->message);
          break;
        }
      got = g_get_monotonic_time ();
      if (g_atomic_int_add (&shared->inside, 1) != 0)
        g_atomic_int_inc (&shared->overlaps);
      while (g_get_monotonic_time () - got < SECTION)
        ;
      shared->of[me].all++;
      if (asked >= shared->measured_from)
        {
          shared->of[me].turns++;
          shared->of[me].longest = MAX (shared->of[me].longest, got - asked);
        }
      g_atomic_int_add (&shared->inside, -1);
      if (!flufl_lock_release (lock, NULL, &error))
        {
          g_atomic_int_inc (&shared->failures);
          fprintf (stderr, "%s\n", error->message);
          g_clear_error (&error);
        }
    }
}

/* The CPU time of the processes so far. The difference of two of these sums counts, so their
 * beginnings and ends do not. A process that was killed counts until it is reaped. */
static double
cpu_seconds (const pid_t *pids, int n)
{
  double sum = 0;

  for (int i = 0; i < n; i++)
    {
      struct timespec ts = { 0 };
      clockid_t clock;

      if (clock_getcpuclockid (pids[i], &clock) == 0 && clock_gettime (clock, &ts) == 0)
        sum += (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
    }
  return sum;
}

static guint64
count_turns (int n)
{
  guint64 sum = 0;

  for (int i = 0; i < n; i++)
    sum += shared->of[i].all;
  return sum;
}

static gboolean
holds (const char *path, pid_t pid)
{
  g_autofree char *content = NULL;
  g_autofree char *mark = g_strdup_printf ("|%d|", (int) pid);

  return g_file_get_contents (path, &content, NULL, NULL) && strstr (content, mark) != NULL;
}

/* Stops a process that waits, and not the holder. */
static void
stop_waiter (const char *path, pid_t pid)
{
  for (;;)
    {
      gboolean is_holder = FALSE;

      kill (pid, SIGSTOP);
      g_usleep (2000);
      for (int i = 0; i < 5; i++, g_usleep (1000))
        is_holder |= holds (path, pid);
      if (!is_holder)
        return;
      kill (pid, SIGCONT);
      g_usleep (1000 + (gulong) g_random_int_range (0, 1000));
    }
}

int
main (int argc, char *argv[])
{
  int n, fewest = -1;
  double seconds, cpu, span;
  g_autofree char *path = NULL;
  pid_t pids[PROCESSES_MAX];
  const char *mode;
  guint64 sum = 0, all, low = G_MAXUINT64, high = 0;
  gint64 longest = 0, from;

  if (argc != 5)
    return 2;
  n = CLAMP (atoi (argv[2]), 1, PROCESSES_MAX);
  seconds = atof (argv[3]);
  mode = argv[4];
  path = g_build_filename (argv[1], "contended.lock", NULL);
  shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return 1;

  for (int i = 0; i < n; i++)
    {
      pids[i] = fork ();
      if (pids[i] < 0)
        return 1;
      if (pids[i] == 0)
        {
          work (path, i);
          _exit (0);
        }
    }
  g_usleep (100000);
  shared->measured_from = G_MAXINT64;
  g_atomic_int_set (&shared->go, 1);
  g_usleep (200000);

  if (strcmp (mode, "plain") != 0)
    {
      stop_waiter (path, pids[0]);
      if (strcmp (mode, "killed") == 0)
        kill (pids[0], SIGKILL);
      fewest = 0;
    }
  cpu = cpu_seconds (pids, n);
  all = count_turns (n);
  shared->measured_from = from = g_get_monotonic_time ();
  g_usleep ((gulong) (seconds * 1e6));
  span = (double) (g_get_monotonic_time () - from) / 1e6;
  cpu = cpu_seconds (pids, n) - cpu;
  all = count_turns (n) - all;
  for (int i = 0; i < n; i++)
    sum += shared->of[i].turns;
  g_atomic_int_set (&shared->go, 2);
  if (strcmp (mode, "stopped") == 0)
    kill (pids[0], SIGCONT);
  for (int i = 0; i < n; i++)
    waitpid (pids[i], NULL, 0);

  for (int i = 0; i < n; i++)
    {
      if (i == fewest)
        continue;
      low = MIN (low, shared->of[i].turns);
      high = MAX (high, shared->of[i].turns);
      longest = MAX (longest, shared->of[i].longest);
    }
  printf ("%4d %-8s %8.0f/s %7.3f ms CPU %6.2f fair %8.1f ms longest  %d overlaps %d failures\n",
          n, mode, (double) sum / span, cpu * 1e3 / (double) all,
          high > 0 ? (double) low / (double) high : 0.0, (double) longest / 1e3,
          shared->overlaps, shared->failures);
  return shared->overlaps + shared->failures > 0;
}
