/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * driver KIND DIRECTORY
 *
 * Does the works of scripts/bench, one for each line of the standard input, with a lock in
 * DIRECTORY. contestants.py lists the works.
 */

#include "kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CYCLES_MAX 100000

/* How a kind waits for a lock. Kinds without an entry have cycles only. */
typedef struct
{
  const char *name;
  void      (*acquire) (Bench *b);
  void      (*release) (Bench *b);
} Waiting;

static int held = -1; /* the file of a bare kind */

static void
library_acquire (Bench *b)
{
  g_autoptr (GError) error = NULL;

  if (!flufl_lock_acquire (b->beating, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error))
    g_error ("%s", error->message);
}

static void
library_release (Bench *b)
{
  must (flufl_lock_release (b->beating, NULL, NULL));
}

static void
flock_acquire (Bench *b)
{
  held = open (b->flock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  must (held >= 0 && flock (held, LOCK_EX) == 0);
}

static void
ofd_acquire (Bench *b)
{
  struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

  held = open (b->flock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  must (held >= 0 && fcntl (held, F_OFD_SETLKW, &all) == 0);
}

static void
bare_release (Bench *b G_GNUC_UNUSED)
{
  must (close (held) == 0);
}

static const Waiting waitings[] = {
  { "library", library_acquire, library_release },
  { "bare flock", flock_acquire, bare_release },
  { "bare OFD lock", ofd_acquire, bare_release },
};

static void
cycle (const BenchKind *kind, Bench *b, int n)
{
  static gint64 times[CYCLES_MAX];

  n = CLAMP (n, 1, CYCLES_MAX);
  for (int i = 0; i < n; i++)
    {
      gint64 start = bench_now ();

      kind->cycle (b);
      times[i] = bench_now () - start;
    }
  for (int i = 0; i < n; i++)
    printf ("%" G_GINT64_FORMAT " ", times[i]);
  printf ("\n");
}

typedef struct
{
  gint64 all, timely; /* those that began before the end */
  gint64 longest;     /* ns */
} Turns;

/* Takes turns until a moment. Each adds one to the number in a file, in two calls. */
static Turns
take_turns (const Waiting *waiting, const char *directory, int counter, gint64 from, gint64 until)
{
  Bench b;
  Turns turns = { 0 };

  bench_init (&b, directory);
  while (bench_now () < from)
    g_usleep (1000);
  for (gint64 asked = bench_now (); asked < until; asked = bench_now ())
    {
      gint64 number = 0, got;

      waiting->acquire (&b);
      got = bench_now ();
      turns.longest = MAX (turns.longest, got - asked);
      turns.timely += got < until;
      must (pread (counter, &number, sizeof number, 0) == sizeof number);
      number++;
      must (pwrite (counter, &number, sizeof number, 0) == sizeof number);
      turns.all++;
      waiting->release (&b);
    }
  return turns;
}

static void
contend (const Waiting *waiting, const char *directory, int n, double seconds)
{
  g_autofree char *path = g_build_filename (directory, "counter", NULL);
  int counter = open (path, O_RDWR | O_CREAT | O_TRUNC, 0666), report[2], status;
  gint64 from = bench_now () + 200 * 1000000, number = 0, all = 0, timely = 0,
         low = G_MAXINT64, high = 0, longest = 0;
  struct rusage before, after;
  Turns turns;

  must (counter >= 0 && pwrite (counter, &number, sizeof number, 0) == sizeof number);
  must (pipe (report) == 0);
  getrusage (RUSAGE_CHILDREN, &before);
  fflush (stdout);
  for (int i = 0; i < n; i++)
    {
      pid_t pid = fork ();

      must (pid >= 0);
      if (pid > 0)
        continue;
      turns = take_turns (waiting, directory, counter, from, from + (gint64) (seconds * 1e9));
      must (write (report[1], &turns, sizeof turns) == sizeof turns);
      _exit (0);
    }
  for (int i = 0; i < n; i++)
    must (wait (&status) > 0 && status == 0);
  getrusage (RUSAGE_CHILDREN, &after);
  for (int i = 0; i < n; i++)
    {
      must (read (report[0], &turns, sizeof turns) == sizeof turns);
      all += turns.all;
      timely += turns.timely;
      low = MIN (low, turns.timely);
      high = MAX (high, turns.timely);
      longest = MAX (longest, turns.longest);
    }
  must (pread (counter, &number, sizeof number, 0) == sizeof number);
  printf ("%d %d %d %d %d %d %.0f\n", (int) all, (int) number, (int) timely, (int) low, (int) high,
          (int) (longest / 1000),
          (double) (after.ru_utime.tv_sec - before.ru_utime.tv_sec
                    + after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e6
          + (double) (after.ru_utime.tv_usec - before.ru_utime.tv_usec
                      + after.ru_stime.tv_usec - before.ru_stime.tv_usec));
  close (report[0]);
  close (report[1]);
  close (counter);
}

int
main (int argc, char *argv[])
{
  const BenchKind *kind = bench_kinds;
  const Waiting *waiting = NULL;
  char line[256];
  Bench b;

  if (argc != 3)
    return 2;
  while (kind->name != NULL && strcmp (kind->name, argv[1]) != 0)
    kind++;
  for (gsize i = 0; i < G_N_ELEMENTS (waitings); i++)
    if (strcmp (waitings[i].name, argv[1]) == 0)
      waiting = &waitings[i];
  if (kind->name == NULL)
    return 2;
  bench_init (&b, argv[2]);
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      int n;
      double seconds;

      if (sscanf (line, "cycle %d", &n) == 1)
        cycle (kind, &b, n);
      else if (waiting == NULL)
        return 2;
      else if (sscanf (line, "contend %d %lf", &n, &seconds) == 2)
        contend (waiting, argv[2], n, seconds);
      else if (g_str_has_prefix (line, "hold"))
        {
          waiting->acquire (&b);
          printf ("%" G_GINT64_FORMAT "\n", bench_now ());
        }
      else if (g_str_has_prefix (line, "release"))
        {
          gint64 start = bench_now ();

          waiting->release (&b);
          printf ("%" G_GINT64_FORMAT "\n", start);
        }
      else
        return 2;
      fflush (stdout);
    }
  bench_clear (&b);
  return 0;
}
