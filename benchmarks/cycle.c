/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * cycle DIRECTORY ROUNDS
 *
 * Acquire and release with nobody else there: the library's synchronous calls
 * against the system calls alone that the protocol needs, in plain C. The two
 * take turns in blocks.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libflufllock.h>

#define BLOCK 100

static gint64
now_ns (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_MONOTONIC, &ts);
  return (gint64) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The names are made beforehand: only the kernel's work counts. */
static void
bare_cycle (const char *claim, const char *lock)
{
  struct timespec times[2] = { { time (NULL) + 15, 0 }, { time (NULL) + 15, 0 } };
  struct stat st;
  int fd = open (claim, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

  if (fd < 0 || pwrite (fd, claim, strlen (claim), 0) < 0 || futimens (fd, times) != 0
      || fstat (fd, &st) != 0 || close (fd) != 0 || link (claim, lock) != 0
      || unlink (claim) != 0 || unlink (lock) != 0)
    {
      fprintf (stderr, "%s: %s\n", claim, strerror (errno));
      exit (1);
    }
}

static int
compare (const void *a, const void *b)
{
  gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;

  return left < right ? -1 : left > right;
}

int
main (int argc, char *argv[])
{
  static const char *const names[] = { "bare", "library" };
  g_autofree char *path = NULL, *bare_lock = NULL, *bare_claim = NULL;
  g_autoptr (FluflLock) lock = NULL;
  gint64 *times[2];
  double bare = 0;
  int rounds;

  if (argc != 3)
    return 2;
  rounds = MAX (atoi (argv[2]) / BLOCK, 1) * BLOCK;
  path = g_build_filename (argv[1], "cycled.lock", NULL);
  bare_lock = g_build_filename (argv[1], "bare.lock", NULL);
  /* As long as the library's. */
  bare_claim = g_strdup_printf ("%s|host|%d|%064d", bare_lock, (int) getpid (), 0);
  lock = flufl_lock_new_for_path (path);
  times[0] = g_new (gint64, (gsize) rounds);
  times[1] = g_new (gint64, (gsize) rounds);

  for (int done = 0; done < rounds; done += BLOCK)
    for (int kind = 0; kind < 2; kind++)
      for (int i = 0; i < BLOCK; i++)
        {
          gint64 start = now_ns ();

          if (kind == 0)
            bare_cycle (bare_claim, bare_lock);
          else if (!flufl_lock_acquire (lock, 0, NULL, NULL)
                   || !flufl_lock_release (lock, NULL, NULL))
            exit (1);
          times[kind][done + i] = now_ns () - start;
        }

  for (int kind = 0; kind < 2; kind++)
    {
      qsort (times[kind], (size_t) rounds, sizeof (gint64), compare);
      if (kind == 0)
        bare = (double) times[kind][rounds / 2];
      printf ("%-8s p50 %6.1f us  p99 %7.1f us   %5.2f times bare\n", names[kind],
              (double) times[kind][rounds / 2] / 1e3, (double) times[kind][rounds * 99 / 100] / 1e3,
              (double) times[kind][rounds / 2] / bare);
      g_free (times[kind]);
    }
  return 0;
}
