/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * killed DIRECTORY ROUNDS
 *
 * The time from the SIGKILL of a holder to the moment at which a waiter has the lock. The
 * holders are a plain process, one in another pid namespace, and one that has started a program
 * which outlives it.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libflufllock.h>

#define HOUR (3600 * 1000)
#define SETTLE 5000 /* µs until the waiter is asleep */

typedef enum
{
  PLAIN,
  NAMESPACE,
  PROGRAM,
  N_KINDS
} Kind;

static const char *const kind_names[] = { "plain", "namespace", "program" };

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
      perror ("killed");
      exit (1);
    }
}

static FluflLock *
lock_new (const char *path)
{
  FluflLock *lock = flufl_lock_new_for_path (path);

  flufl_lock_set_lifetime (lock, HOUR);
  return lock;
}

/* Acquires the lock, then writes the program's number, or 0 without a program, to @tell. */
static void G_GNUC_NORETURN
hold (const char *path, Kind kind, int tell)
{
  FluflLock *lock = lock_new (path);
  pid_t program = 0;

  must (flufl_lock_acquire (lock, 0, NULL, NULL));
  if (kind == PROGRAM)
    {
      program = fork ();
      if (program == 0)
        {
          execlp ("sleep", "sleep", "60", NULL);
          _exit (1);
        }
      g_usleep (SETTLE); /* until it has called exec(2) */
    }
  must (write (tell, &program, sizeof program) == sizeof program);
  for (;;)
    pause ();
}

/* Returns: the holder's number in this pid namespace */
static pid_t
start_holder (const char *path, Kind kind, pid_t *out_parent, pid_t *out_program)
{
  int told[2], number[2];
  pid_t holder = 0;

  must (pipe (told) == 0 && pipe (number) == 0);
  *out_parent = fork ();
  must (*out_parent >= 0);
  if (*out_parent == 0)
    {
      if (kind != NAMESPACE)
        hold (path, kind, told[1]);
      if (unshare (CLONE_NEWPID) != 0)
        _exit (1);
      holder = fork ();
      if (holder == 0)
        hold (path, kind, told[1]);
      must (write (number[1], &holder, sizeof holder) == sizeof holder);
      _exit (waitpid (holder, NULL, 0) == holder ? 0 : 1);
    }
  close (told[1]);
  close (number[1]);
  if (read (told[0], out_program, sizeof *out_program) != sizeof *out_program)
    *out_parent = -1;
  else if (kind != NAMESPACE)
    holder = *out_parent;
  else
    must (read (number[0], &holder, sizeof holder) == sizeof holder);
  close (told[0]);
  close (number[0]);
  return holder;
}

static gpointer
wait_thread (gpointer data)
{
  FluflLock *lock = data;
  gint64 *got = g_new (gint64, 1);

  must (flufl_lock_acquire (lock, HOUR / 2, NULL, NULL));
  *got = now_nsec ();
  must (flufl_lock_release (lock, NULL, NULL));
  return got;
}

static int
compare (const void *a, const void *b)
{
  gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;

  return left < right ? -1 : left > right;
}

static void
measure (const char *path, Kind kind, int rounds)
{
  g_autofree gint64 *times = g_new (gint64, (gsize) rounds);

  for (int i = 0; i < rounds; i++)
    {
      g_autoptr (FluflLock) lock = lock_new (path);
      g_autofree gint64 *got = NULL;
      pid_t parent, program, holder = start_holder (path, kind, &parent, &program);
      GThread *thread;
      gint64 start;

      if (parent < 0)
        {
          printf ("%-10s none can be made here\n", kind_names[kind]);
          while (wait (NULL) > 0)
            ;
          return;
        }
      thread = g_thread_new ("waiter", wait_thread, lock);
      g_usleep (SETTLE);
      start = now_nsec ();
      must (kill (holder, SIGKILL) == 0);
      got = g_thread_join (thread);
      times[i] = *got - start;
      if (program > 0)
        kill (program, SIGKILL);
      must (waitpid (parent, NULL, 0) == parent);
    }
  qsort (times, (size_t) rounds, sizeof *times, compare);
  printf ("%-10s p50 %8.3f ms  longest %8.3f ms\n", kind_names[kind],
          (double) times[rounds / 2] / 1e6, (double) times[rounds - 1] / 1e6);
}

int
main (int argc, char *argv[])
{
  g_autofree char *path = NULL;

  if (argc != 3)
    return 2;
  path = g_build_filename (argv[1], "killed.lock", NULL);
  for (Kind kind = PLAIN; kind < N_KINDS; kind++)
    {
      measure (path, kind, MAX (atoi (argv[2]), 1));
      fflush (stdout);
    }
  return 0;
}
