/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * crowd DIRECTORY FOREIGN WAITERS process|processes
 *
 * One turn for each waiter, beside FOREIGN files that have nothing to do with locks. The
 * waiters are objects of one process, which wait asynchronously, or processes of one object.
 * Each holds the lock for a millisecond. The clock runs from the first call to acquire until the last waiter has released; the lock
 * is held for the first 100 ms of that. Prints seconds, CPU seconds, and the most threads that
 * the process had.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libflufllock.h>

#define HELD_MS 100
#define SECTION_MS 1
#define TIMEOUT_MS (120 * 1000)

static int left, failures, threads;
static GMainLoop *loop;

static double
cpu_seconds (int who)
{
  struct rusage usage;

  getrusage (who, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
count_threads (void)
{
  char line[256];
  FILE *status = fopen ("/proc/self/status", "re");
  int n;

  while (status != NULL && fgets (line, sizeof line, status) != NULL)
    if (sscanf (line, "Threads: %d", &n) == 1)
      threads = MAX (threads, n);
  if (status != NULL)
    fclose (status);
}

static gboolean
count_threads_cb (gpointer unused G_GNUC_UNUSED)
{
  count_threads ();
  return G_SOURCE_CONTINUE;
}

static void
one_less (GError *error)
{
  if (error != NULL)
    {
      fprintf (stderr, "%s\n", error->message);
      failures++;
    }
  if (--left == 0)
    g_main_loop_quit (loop);
}

static void
released_cb (GObject *source, GAsyncResult *result, gpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  flufl_lock_release_finish (FLUFL_LOCK (source), result, &error);
  one_less (error);
}

static gboolean
end_section_cb (gpointer lock)
{
  flufl_lock_release_async (lock, NULL, released_cb, NULL);
  return G_SOURCE_REMOVE;
}

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  if (flufl_lock_acquire_finish (FLUFL_LOCK (source), result, &error))
    g_timeout_add (SECTION_MS, end_section_cb, source);
  else
    one_less (error);
}

static gboolean
release_cb (gpointer holder)
{
  flufl_lock_release (holder, NULL, NULL);
  return G_SOURCE_REMOVE;
}

static void
wait_in_one_process (const char *path, int n, FluflLock *holder)
{
  g_autoptr (GPtrArray) locks = g_ptr_array_new_with_free_func (g_object_unref);

  loop = g_main_loop_new (NULL, FALSE);
  left = n;
  g_timeout_add (10, count_threads_cb, NULL);
  g_timeout_add (HELD_MS, release_cb, holder);
  for (int i = 0; i < n; i++)
    {
      FluflLock *lock = flufl_lock_new_for_path (path);

      g_ptr_array_add (locks, lock);
      flufl_lock_acquire_async (lock, TIMEOUT_MS, NULL, acquired_cb, NULL);
    }
  g_main_loop_run (loop);
  count_threads ();
}

static void
wait_in_processes (const char *path, int n, FluflLock *holder)
{
  for (int i = 0; i < n; i++)
    if (fork () == 0)
      {
        g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
        gboolean fine = flufl_lock_acquire (lock, TIMEOUT_MS, NULL, NULL);

        g_usleep (SECTION_MS * 1000);
        _exit (!fine || !flufl_lock_release (lock, NULL, NULL));
      }
  g_usleep (HELD_MS * 1000);
  flufl_lock_release (holder, NULL, NULL);
  for (int i = 0; i < n; i++)
    {
      int status;

      wait (&status);
      failures += status != 0;
    }
  threads = 1;
}

int
main (int argc, char **argv)
{
  g_autofree char *directory = NULL, *path = NULL, *command = NULL;
  g_autoptr (FluflLock) holder = NULL;
  gboolean one_process;
  gint64 begun;
  int foreign, n;

  if (argc != 5)
    return 2;
  directory = g_strdup_printf ("%s/crowd-XXXXXX", argv[1]);
  foreign = atoi (argv[2]);
  n = atoi (argv[3]);
  one_process = strcmp (argv[4], "process") == 0;
  if (g_mkdtemp (directory) == NULL)
    return 2;
  for (int i = 0; i < foreign; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s/message-%d.eml", directory, i);
      int fd = open (name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

      if (fd < 0)
        return 2;
      close (fd);
    }

  path = g_build_filename (directory, "x.lock", NULL);
  holder = flufl_lock_new_for_path (path);
  flufl_lock_set_lifetime (holder, 60 * 1000);
  if (!flufl_lock_acquire (holder, 0, NULL, NULL))
    return 2;
  begun = g_get_monotonic_time ();
  if (one_process)
    wait_in_one_process (path, n, holder);
  else
    wait_in_processes (path, n, holder);
  printf ("%.3f s  %.3f s CPU  %d threads\n",
          (double) (g_get_monotonic_time () - begun) / G_USEC_PER_SEC,
          cpu_seconds (one_process ? RUSAGE_SELF : RUSAGE_CHILDREN), threads);

  g_clear_object (&holder);
  command = g_strdup_printf ("rm -r '%s'", directory);
  return system (command) != 0 || failures > 0;
}
