/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The functions of the table for POSIX systems that do more than the calls of their names.
 */

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-syscalls.h"

/* More numbers than one call to the kernel returns. */
#define N_NUMBERS 100
#define N_THREADS 4

static void
draw (guint64 *numbers)
{
  for (int i = 0; i < N_NUMBERS; i++)
    {
      guint32 little; /* no number begins where another did */

      g_assert_cmpint (flufl_syscalls_native.random (&numbers[i], sizeof *numbers), ==, 0);
      g_assert_cmpint (flufl_syscalls_native.random (&little, sizeof little), ==, 0);
    }
}

static gpointer
draw_in_thread (gpointer numbers)
{
  draw (numbers);
  return NULL;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (guint64));
}

static void
assert_all_differ (guint64 *numbers, gsize n)
{
  qsort (numbers, n, sizeof *numbers, compare);
  for (gsize i = 1; i < n; i++)
    g_assert_cmphex (numbers[i - 1], !=, numbers[i]);
}

static void
test_random_threads (void)
{
  static guint64 numbers[N_THREADS][N_NUMBERS];
  GThread *threads[N_THREADS];

  g_test_summary ("Threads do not get each other's random numbers");
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("draw", draw_in_thread, numbers[i]);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  assert_all_differ (numbers[0], N_THREADS * N_NUMBERS);
}

static void
test_random_fork (void)
{
  gsize size = 3 * N_NUMBERS * sizeof (guint64);
  guint64 *numbers = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  g_test_summary ("A forked child does not get those that its parent is to use");
  g_assert_true (numbers != MAP_FAILED);
  draw (numbers);
  for (int i = 0; i < 2; i++)
    {
      pid_t pid;
      int status;

      /* Some numbers are left after this, with which both processes would go on. */
      g_assert_cmpint (flufl_syscalls_native.random (&numbers[0], sizeof *numbers), ==, 0);
      pid = fork ();
      g_assert_cmpint (pid, >=, 0);
      if (pid == 0)
        {
          draw (numbers + (1 + i) * N_NUMBERS);
          _exit (0);
        }
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      g_assert_cmpint (status, ==, 0);
    }
  draw (numbers);
  assert_all_differ (numbers, 3 * N_NUMBERS);
  munmap (numbers, size);
}

static void
test_random_large (void)
{
  guchar bytes[1000] = { 0 };
  gsize zeros = 0;

  g_test_summary ("More than a batch is had, too");
  g_assert_cmpint (flufl_syscalls_native.random (bytes, sizeof bytes), ==, 0);
  for (gsize i = 0; i < sizeof bytes; i++)
    zeros += bytes[i] == 0;
  g_assert_cmpuint (zeros, <, 100); /* 4 are expected */
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/syscalls/random/threads", test_random_threads);
  g_test_add_func ("/syscalls/random/fork", test_random_fork);
  g_test_add_func ("/syscalls/random/large", test_random_large);
  return g_test_run ();
}
