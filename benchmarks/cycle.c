/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The cost of an uncontended acquisition and release, against that of the same system calls in
 * plain C. Usage: cycle [DIRECTORY…]; prints medians in microseconds.
 */

#include "kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kinds take turns in blocks, so that a machine that gets slower gets slower for all. */
#define BLOCKS 150
#define BLOCK 40
#define N_KINDS 5 /* the synchronous ones; driver.c serves all */

static int
compare (const void *a, const void *b)
{
  const gint64 *x = a, *y = b;

  return *x < *y ? -1 : *x > *y;
}

static void
measure (const char *directory)
{
  Bench b;
  char *place = g_strdup_printf ("%s/flufl-cycle-%d", directory, (int) getpid ());
  gint64 *times[N_KINDS];
  double p50[N_KINDS], p99[N_KINDS];

  must (mkdir (place, 0700) == 0);
  bench_init (&b, place);

  for (gsize k = 0; k < N_KINDS; k++)
    times[k] = g_new (gint64, BLOCKS * BLOCK);
  for (int block = -2; block < BLOCKS; block++) /* two to get warm */
    for (gsize k = 0; k < N_KINDS; k++)
      for (int i = 0; i < BLOCK; i++)
        {
          gint64 start = bench_now ();

          bench_kinds[k].cycle (&b);
          if (block >= 0)
            times[k][block * BLOCK + i] = bench_now () - start;
        }

  printf ("%s\n", directory);
  for (gsize k = 0; k < N_KINDS; k++)
    {
      qsort (times[k], BLOCKS * BLOCK, sizeof (gint64), compare);
      p50[k] = (double) times[k][BLOCKS * BLOCK / 2] / 1000.0;
      p99[k] = (double) times[k][BLOCKS * BLOCK * 99 / 100] / 1000.0;
      printf ("  %-22s p50 %8.2f us   p99 %8.2f us\n", bench_kinds[k].name, p50[k], p99[k]);
      g_free (times[k]);
    }
  printf ("  library / plain C %.2f; linger / plain C %.2f; linger is %.1f times faster\n",
          p50[1] / p50[0], p50[3] / p50[2], p50[1] / p50[3]);

  bench_clear (&b);
  must (rmdir (place) == 0);
  g_free (place);
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    measure (argv[i]);
  if (argc < 2)
    {
      measure ("/dev/shm");
      measure (g_get_tmp_dir ());
    }
  return 0;
}
