/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * handoff DIRECTORY ROUNDS
 *
 * The time from the call that releases to the moment at which a waiter in another process has
 * the lock. The waiters are one of bare system calls, one of bare system calls in a thread that
 * wakes another thread, and the library's synchronous and asynchronous ones. Each is measured in
 * a quiet directory, and while a third process makes and removes claims of another lock in it.
 * The kinds take turns within one run, so that a busy machine is busy for all.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libflufllock.h>

#define SETTLE 2000 /* µs until a waiter is asleep */

enum
{
  BARE,
  HOP,
  SYNC,
  ASYNC,
  N_KINDS
};

static const char *const kind_names[] = { "bare", "hop", "sync", "async" };

typedef struct
{
  gint64 got; /* ns */
} Shared;

typedef struct
{
  pid_t pid;
  int   ask[2], answer[2];
} Waiter;

static Shared *shared;
static const char *directory;

static gint64
now_ns (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_MONOTONIC, &ts);
  return (gint64) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
die (const char *what)
{
  fprintf (stderr, "%s: %s\n", what, strerror (errno));
  exit (1);
}

/* --- With bare calls --- */

static char bare_claim[4096], bare_lock[2048];

static void
bare_make (int number)
{
  struct timespec times[2] = { { time (NULL) + 15, 0 }, { time (NULL) + 15, 0 } };
  struct stat st;
  int fd;

  snprintf (bare_lock, sizeof bare_lock, "%s/bare.lock", directory);
  snprintf (bare_claim, sizeof bare_claim, "%s|host|%d|%d", bare_lock, (int) getpid (), number);
  fd = open (bare_claim, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 || write (fd, bare_claim, strlen (bare_claim)) < 0 || futimens (fd, times) != 0
      || fstat (fd, &st) != 0 || close (fd) != 0)
    die (bare_claim);
}

static void
bare_acquire (int inotify, int number)
{
  char buffer[4096];

  bare_make (number);
  while (link (bare_claim, bare_lock) != 0)
    {
      if (errno != EEXIST)
        die ("link");
      if (inotify_add_watch (inotify, bare_lock, IN_ATTRIB | IN_DELETE_SELF) >= 0)
        if (read (inotify, buffer, sizeof buffer) < 0)
          die ("read");
    }
}

static void
bare_release (void)
{
  if (unlink (bare_claim) != 0 || unlink (bare_lock) != 0)
    die ("unlink");
}

typedef struct
{
  int    inotify, number;
  gint64 told;
} Hop;

static gboolean
tell_cb (gpointer data)
{
  ((Hop *) data)->told = 1;
  return G_SOURCE_REMOVE;
}

static gpointer
hop_thread (gpointer data)
{
  Hop *hop = data;

  bare_acquire (hop->inotify, hop->number);
  g_main_context_invoke (NULL, tell_cb, hop);
  return NULL;
}

/* Acquires in a new thread, which then wakes the main loop of the calling thread. */
static void
bare_acquire_hopping (int inotify, int number)
{
  Hop hop = { inotify, number, 0 };
  GThread *thread;

  g_main_context_acquire (NULL); /* so that tell_cb() cannot run in the new thread */
  thread = g_thread_new ("hop", hop_thread, &hop);
  while (!hop.told)
    g_main_context_iteration (NULL, TRUE);
  shared->got = now_ns ();
  g_thread_join (thread);
  g_main_context_release (NULL);
}

/* --- The waiters --- */

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  if (!flufl_lock_acquire_finish (FLUFL_LOCK (source), result, NULL))
    exit (1);
  *(gboolean *) user_data = TRUE;
}

static void
wait_in_child (int kind, Waiter *self)
{
  g_autofree char *path = g_build_filename (directory, "handed.lock", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  int inotify = inotify_init1 (IN_CLOEXEC);
  char c;

  for (int i = 0; read (self->ask[0], &c, 1) == 1; i++)
    {
      gboolean done = FALSE;

      if (kind == BARE)
        bare_acquire (inotify, i);
      else if (kind == HOP)
        bare_acquire_hopping (inotify, i);
      else if (kind == SYNC)
        {
          if (!flufl_lock_acquire (lock, -1, NULL, NULL))
            exit (1);
        }
      else
        {
          flufl_lock_acquire_async (lock, -1, NULL, acquired_cb, &done);
          while (!done)
            g_main_context_iteration (NULL, TRUE);
        }
      if (kind != HOP)
        shared->got = now_ns ();
      if (kind <= HOP)
        bare_release ();
      else
        flufl_lock_release (lock, NULL, NULL);
      if (write (self->answer[1], &c, 1) != 1)
        exit (1);
    }
}

static void
waiter_start (Waiter *self, int kind)
{
  if (pipe (self->ask) != 0 || pipe (self->answer) != 0)
    die ("pipe");
  self->pid = fork ();
  if (self->pid < 0)
    die ("fork");
  if (self->pid == 0)
    {
      close (self->ask[1]);
      wait_in_child (kind, self);
      _exit (0);
    }
  close (self->ask[0]);
}

static pid_t
start_traffic (void)
{
  pid_t pid = fork ();

  if (pid != 0)
    return pid;
  for (int i = 0;; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/other.lock|host|%d|%d", directory,
                                               (int) getpid (), i);
      int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

      close (fd);
      g_usleep (200);
      unlink (path);
    }
}

static int
compare (const void *a, const void *b)
{
  gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;

  return left < right ? -1 : left > right;
}

static void
measure (Waiter waiters[N_KINDS], int rounds, const char *title)
{
  g_autofree char *path = g_build_filename (directory, "handed.lock", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autofree gint64 *times = g_new (gint64, (gsize) (N_KINDS * rounds));
  int inotify = inotify_init1 (IN_CLOEXEC);
  double bare = 0;

  for (int i = 0; i < rounds; i++)
    for (int kind = 0; kind < N_KINDS; kind++)
      {
        gint64 start;
        char c = 'x';

        if (kind <= HOP)
          bare_acquire (inotify, i);
        else if (!flufl_lock_acquire (lock, 1000, NULL, NULL))
          exit (1);
        if (write (waiters[kind].ask[1], &c, 1) != 1)
          exit (1);
        g_usleep (SETTLE);
        start = now_ns ();
        if (kind <= HOP)
          bare_release ();
        else
          flufl_lock_release (lock, NULL, NULL);
        if (read (waiters[kind].answer[0], &c, 1) != 1)
          exit (1);
        times[kind * rounds + i] = shared->got - start;
      }

  for (int kind = 0; kind < N_KINDS; kind++)
    {
      gint64 *of = times + kind * rounds;

      qsort (of, (size_t) rounds, sizeof *of, compare);
      if (kind == BARE)
        bare = (double) of[rounds / 2];
      printf ("%-8s %-6s p50 %7.1f us  p90 %7.1f us  p99 %8.1f us   %5.2f times bare\n", title,
              kind_names[kind], (double) of[rounds / 2] / 1e3, (double) of[rounds * 9 / 10] / 1e3,
              (double) of[rounds * 99 / 100] / 1e3, (double) of[rounds / 2] / bare);
    }
  close (inotify);
}

int
main (int argc, char *argv[])
{
  Waiter waiters[N_KINDS];
  pid_t traffic;
  int rounds;

  if (argc != 3)
    return 2;
  directory = argv[1];
  rounds = MAX (atoi (argv[2]), 1);
  shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return 1;

  for (int kind = 0; kind < N_KINDS; kind++)
    waiter_start (&waiters[kind], kind);
  measure (waiters, rounds, "quiet");
  traffic = start_traffic ();
  measure (waiters, rounds, "traffic");
  kill (traffic, SIGKILL);
  for (int kind = 0; kind < N_KINDS; kind++)
    kill (waiters[kind].pid, SIGTERM);
  while (wait (NULL) > 0)
    ;
  return 0;
}
