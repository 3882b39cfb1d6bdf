/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * refresh FILE: append the lines of the standard input to FILE while FILE.lock is
 * held. The lock has no heartbeat. The program refreshes the lock before each
 * write, so it starts no write once it knows of a loss.
 */

#include <libflufllock.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 10000
#define LIFETIME_MS 60000 /* longer than the next line takes, or the lock may be lost */
#define MAX_LINE 1000

/* The refresh makes sure on disk that the lock is held, and extends the lease. */
static gboolean
append_line (FluflLock *lock, GOutputStream *stream, const char *line, GError **error)
{
  return flufl_lock_refresh (lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, error)
         && g_output_stream_write_all (stream, line, strlen (line), NULL, NULL, error);
}

static gboolean
append_lines (GFile *file, GError **error)
{
  g_autoptr (FluflLock) lock = flufl_lock_new_beside (file);
  g_autoptr (FluflLockGuard) guard = NULL;
  g_autoptr (GFileOutputStream) stream = NULL;
  char line[MAX_LINE];

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  flufl_lock_set_lifetime (lock, LIFETIME_MS);
  guard = flufl_lock_guard_new (lock, TIMEOUT_MS, NULL, error);
  if (guard == NULL)
    return FALSE;

  stream = g_file_append_to (file, G_FILE_CREATE_NONE, NULL, error);
  if (stream == NULL)
    return FALSE; /* and the lock is released */
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      if (!append_line (lock, G_OUTPUT_STREAM (stream), line, error))
        return FALSE;
    }
  return g_output_stream_close (G_OUTPUT_STREAM (stream), NULL, error)
         && flufl_lock_guard_release (g_steal_pointer (&guard), error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GFile) file = NULL;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, ""); /* messages have quotation marks of the user's charset */
  if (argc != 2)
    {
      g_printerr ("Usage: refresh FILE\n");
      return 2;
    }

  file = g_file_new_for_path (argv[1]);
  if (append_lines (file, &error))
    return 0;
  g_printerr ("Not all is saved. %s\n", error->message);
  return 1;
}
