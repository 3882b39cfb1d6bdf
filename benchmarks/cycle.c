/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The cost of an uncontended acquisition and release, against that of the same system calls in
 * plain C. Usage: cycle [DIRECTORY…]; prints medians in microseconds.
 */

#include <libflufllock.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The kinds take turns in blocks, so that a machine that gets slower gets slower for all. */
#define BLOCKS 150
#define BLOCK 40

typedef struct
{
  char      *lock_path, *flock_path;
  FluflLock *lock, *lingering;
  guint64    n;
  int        kept;      /* plain C's kept claim */
  char       kept_path[4096];
} Bench;

static gint64
now_nsec (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_MONOTONIC, &ts);
  return (gint64) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
must (gboolean fine)
{
  if (!fine)
    {
      perror ("cycle");
      exit (1);
    }
}

static int
name_claim (Bench *b, char *path, gsize size)
{
  return snprintf (path, size, "%s|host.example.org|%d|T%016" G_GINT64_MODIFIER
                   "xR%012xLB0123abcdN89ab4567S5a1c0", b->lock_path, (int) getpid (), b->n++, 1);
}

static void
date (int fd)
{
  struct timespec times[2];

  clock_gettime (CLOCK_REALTIME, &times[0]);
  times[0].tv_sec += 15;
  times[1] = times[0];
  must (futimens (fd, times) == 0);
}

static void
plain (Bench *b)
{
  char path[4096];
  int length = name_claim (b, path, sizeof path);
  struct stat st;
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

  must (fd >= 0);
  must (flock (fd, LOCK_EX | LOCK_NB) == 0);
  must (pwrite (fd, path, (size_t) length, 0) == length);
  date (fd);
  must (fstat (fd, &st) == 0 && st.st_nlink == 1);
  must (link (path, b->lock_path) == 0);
  must (unlink (path) == 0);
  must (lstat (b->lock_path, &st) == 0);
  must (unlink (b->lock_path) == 0);
  close (fd);
}

static void
plain_lingering (Bench *b)
{
  struct stat st;

  if (b->kept < 0)
    {
      int length = name_claim (b, b->kept_path, sizeof b->kept_path);

      b->kept = open (b->kept_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      must (b->kept >= 0);
      must (pwrite (b->kept, b->kept_path, (size_t) length, 0) == length);
    }
  date (b->kept);
  must (link (b->kept_path, b->lock_path) == 0);
  must (lstat (b->lock_path, &st) == 0);
  must (unlink (b->lock_path) == 0);
}

/* The system calls of Python's filelock, and no others. */
static void
bare_flock (Bench *b)
{
  int fd = open (b->flock_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  must (fd >= 0);
  must (flock (fd, LOCK_EX | LOCK_NB) == 0);
  must (flock (fd, LOCK_UN) == 0);
  close (fd);
}

static void
library (Bench *b)
{
  must (flufl_lock_acquire (b->lock, 0, NULL, NULL));
  must (flufl_lock_release (b->lock, NULL, NULL));
}

static void
library_lingering (Bench *b)
{
  must (flufl_lock_acquire (b->lingering, 0, NULL, NULL));
  must (flufl_lock_release (b->lingering, NULL, NULL));
}

static int
compare (const void *a, const void *b)
{
  const gint64 *x = a, *y = b;

  return *x < *y ? -1 : *x > *y;
}

static const struct
{
  const char *name;
  void      (*cycle) (Bench *b);
} kinds[] = {
  { "plain C", plain },
  { "library", library },
  { "plain C, claim kept", plain_lingering },
  { "library, linger", library_lingering },
  { "bare flock", bare_flock },
};

#define N_KINDS G_N_ELEMENTS (kinds)

static void
measure (const char *directory)
{
  Bench b = { .kept = -1 };
  char *place = g_strdup_printf ("%s/flufl-cycle-%d", directory, (int) getpid ());
  gint64 *times[N_KINDS];
  double p50[N_KINDS], p99[N_KINDS];

  must (mkdir (place, 0700) == 0);
  b.lock_path = g_strdup_printf ("%s/x.lock", place);
  b.flock_path = g_strdup_printf ("%s/flock", place);
  b.lock = flufl_lock_new_for_path (b.lock_path);
  b.lingering = flufl_lock_new_for_path (b.lock_path);
  /* The locks that it is compared with have no heartbeat. */
  flufl_lock_set_heartbeat (b.lock, FLUFL_HEARTBEAT_NONE);
  flufl_lock_set_heartbeat (b.lingering, FLUFL_HEARTBEAT_NONE);
  flufl_lock_set_linger (b.lingering, TRUE);

  for (gsize k = 0; k < N_KINDS; k++)
    times[k] = g_new (gint64, BLOCKS * BLOCK);
  for (int block = -2; block < BLOCKS; block++) /* two to get warm */
    for (gsize k = 0; k < N_KINDS; k++)
      for (int i = 0; i < BLOCK; i++)
        {
          gint64 start = now_nsec ();

          kinds[k].cycle (&b);
          if (block >= 0)
            times[k][block * BLOCK + i] = now_nsec () - start;
        }

  printf ("%s\n", directory);
  for (gsize k = 0; k < N_KINDS; k++)
    {
      qsort (times[k], BLOCKS * BLOCK, sizeof (gint64), compare);
      p50[k] = (double) times[k][BLOCKS * BLOCK / 2] / 1000.0;
      p99[k] = (double) times[k][BLOCKS * BLOCK * 99 / 100] / 1000.0;
      printf ("  %-22s p50 %8.2f us   p99 %8.2f us\n", kinds[k].name, p50[k], p99[k]);
      g_free (times[k]);
    }
  printf ("  library / plain C %.2f; linger / plain C %.2f; linger is %.1f times faster\n",
          p50[1] / p50[0], p50[3] / p50[2], p50[1] / p50[3]);

  g_object_unref (b.lock);
  g_object_unref (b.lingering);
  close (b.kept);
  unlink (b.kept_path);
  unlink (b.flock_path);
  must (rmdir (place) == 0);
  g_free (b.flock_path);
  g_free (b.lock_path);
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
