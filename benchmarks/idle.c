/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * idle DIRECTORY SETTLE MEASURED WAITERS…
 *
 * For each number, a process in which that many objects wait for a lock that another process
 * holds. Nothing happens meanwhile. Prints the CPU time and the context switches of each process
 * in MEASURED seconds, once its wait has lasted for SETTLE seconds.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libflufllock.h>

static guint settle_sec, measured_sec;

static gboolean
quit_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static struct rusage
usage_after (guint seconds)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  struct rusage usage;

  g_timeout_add_seconds (seconds, quit_cb, loop);
  g_main_loop_run (loop);
  getrusage (RUSAGE_SELF, &usage);
  return usage;
}

static double
milliseconds (const struct timeval *time)
{
  return (double) time->tv_sec * 1e3 + (double) time->tv_usec / 1e3;
}

static double
cpu_msec (const struct rusage *usage)
{
  return milliseconds (&usage->ru_utime) + milliseconds (&usage->ru_stime);
}

static void
wait_in_child (const char *path, int n)
{
  struct rusage before, after;

  for (int i = 0; i < n; i++)
    flufl_lock_acquire_async (flufl_lock_new_for_path (path), FLUFL_LOCK_TIMEOUT_FOREVER, NULL,
                              NULL, NULL);
  before = usage_after (settle_sec);
  after = usage_after (measured_sec);
  printf ("%d waiters: %.3f ms CPU, %ld switches\n", n, cpu_msec (&after) - cpu_msec (&before),
          after.ru_nvcsw - before.ru_nvcsw);
  fflush (stdout);
  /* The waits end with the process. */
  flufl_lock_release_all (1000);
  _exit (0);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_object_unref);
  int failed = 0, status;

  if (argc < 5)
    return 2;
  settle_sec = (guint) atoi (argv[2]);
  measured_sec = (guint) atoi (argv[3]);
  for (int i = 4; i < argc; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/idle-%s.lock", argv[1], argv[i]);
      FluflLock *lock = flufl_lock_new_for_path (path);
      g_autoptr (GError) error = NULL;

      g_ptr_array_add (held, lock);
      if (!flufl_lock_acquire (lock, 0, NULL, &error))
        {
          fprintf (stderr, "%s\n", error->message);
          return 1;
        }
      if (fork () == 0)
        wait_in_child (path, atoi (argv[i]));
    }
  while (wait (&status) > 0)
    failed |= status != 0;
  for (guint i = 0; i < held->len; i++)
    failed |= !flufl_lock_release (held->pdata[i], NULL, NULL);
  return failed;
}
