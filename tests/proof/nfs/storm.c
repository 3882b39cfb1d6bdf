/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * storm NAME DIR WITNESS LIFETIME_MS: takes turns at the ledger in DIR, which contains a number,
 * until the file WITNESS/stop exists. storm.py explains a turn. A process whose NAME ends in 1
 * keeps its claim. A process whose NAME contains `apart` has a lock of its own, so that nothing
 * keeps it out.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <libflufllock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *witness;

static void
note (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Writes a line that does not mix with those of other processes. */
static void
note (const char *format, ...)
{
  g_autofree char *path = g_build_filename (witness, "log", NULL);
  g_autofree char *line = NULL;
  va_list arguments;
  int fd = g_open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (fd < 0 || write (fd, line, strlen (line)) < 0)
    exit (1);
  close (fd);
}

static gboolean
is_alive (const char *pid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL);
  g_autofree char *stat = NULL;
  const char *state;

  if (!g_file_get_contents (path, &stat, NULL, NULL) || (state = strrchr (stat, ')')) == NULL)
    return FALSE;
  return strchr ("ZX", state[2]) == NULL;
}

/* Only the holder of the lock comes here. */
static void
enter (const char *name, const char *inside)
{
  g_autofree char *pid = g_strdup_printf ("%d", (int) getpid ());

  while (symlink (pid, inside) != 0)
    {
      char other[32] = "";

      if (readlink (inside, other, sizeof other - 1) > 0 && is_alive (other))
        {
          note ("overlap %s with %s\n", name, other);
          exit (1);
        }
      unlink (inside); /* the link of a process that was killed */
    }
}

static void
take_turn (const char *name)
{
  g_autofree char *inside = g_build_filename (witness, "inside", NULL);
  FILE *ledger;
  int n;

  enter (name, inside);
  ledger = fopen ("ledger", "r+e");
  if (ledger == NULL || fscanf (ledger, "%d", &n) != 1)
    {
      note ("error %s: the ledger: %s\n", name, g_strerror (errno));
      exit (1);
    }
  rewind (ledger);
  fprintf (ledger, "%10d\n", n + 1);
  if (fclose (ledger) != 0)
    note ("error %s: the ledger: %s\n", name, g_strerror (errno));
  note ("turn %s %d\n", name, n + 1);
  unlink (inside);
}

int
main (int argc, char *argv[])
{
  g_autoptr (FluflLock) lock = NULL;
  g_autofree char *stop = NULL;
  g_autoptr (GError) error = NULL;

  if (argc < 5 || g_chdir (argv[2]) != 0)
    return 2;
  witness = argv[3];
  stop = g_build_filename (witness, "stop", NULL);
  lock = flufl_lock_new_for_path (strstr (argv[1], "apart") != NULL ? argv[1] : "lock");
  flufl_lock_set_lifetime (lock, atoi (argv[4]));
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_linger (lock, g_str_has_suffix (argv[1], "1"));

  while (g_access (stop, F_OK) != 0)
    {
      if (!flufl_lock_acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error))
        break;
      take_turn (argv[1]);
      if (!flufl_lock_release (lock, NULL, &error))
        break;
    }
  if (error != NULL)
    note ("error %s: %s\n", argv[1], error->message);
  return error != NULL;
}
