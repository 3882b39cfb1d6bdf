/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * worker-c LEDGER ROW REST [LOCK]: take turns at a ledger, see demo.py.
 */

#include <errno.h>
#include <libflufllock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THINK_USEC 1000
#define ROW_SIZE 11
#define LEDGER_SIZE 8192

static void G_GNUC_NORETURN
fail (const char *what, const char *why)
{
  g_printerr ("%s: %s\n", what, why);
  exit (1);
}

static void
add_one (char *row)
{
  char text[ROW_SIZE + 1];

  g_snprintf (text, sizeof text, "%10d\n", atoi (row) + 1);
  memcpy (row, text, ROW_SIZE);
}

/* Overwrites updates that others make meanwhile. */
static void
take_turn (const char *path, int row)
{
  FILE *file = fopen (path, "r+");
  char ledger[LEDGER_SIZE + 1] = "";
  size_t size;

  if (file == NULL)
    fail (path, g_strerror (errno));
  size = fread (ledger, 1, LEDGER_SIZE, file);

  g_usleep (THINK_USEC);
  add_one (ledger);
  add_one (ledger + row * ROW_SIZE);

  rewind (file);
  if (fwrite (ledger, 1, size, file) != size || fclose (file) != 0)
    fail (path, g_strerror (errno));
}

int
main (int argc, char *argv[])
{
  g_autoptr (FluflLock) lock = argc > 4 ? flufl_lock_new_for_path (argv[4]) : NULL;
  g_autoptr (GError) error = NULL;
  gint64 end, longest = 0;
  int turns = 0;

  g_print ("ready\n");
  if (scanf ("%" G_GINT64_FORMAT, &end) != 1)
    return 1;

  do
    {
      gint64 asked = g_get_monotonic_time (), got, done;

      if (lock != NULL && !flufl_lock_acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error))
        fail ("not locked", error->message);
      got = g_get_monotonic_time ();
      take_turn (argv[1], atoi (argv[2]));
      if (lock != NULL && !flufl_lock_release (lock, NULL, &error))
        fail ("not released", error->message);
      done = g_get_monotonic_time ();

      turns++;
      longest = MAX (longest, got - asked);
      g_usleep ((gulong) MIN ((done - got) * atoi (argv[3]), MAX (end - done, 0)));
    }
  while (g_get_monotonic_time () < end);

  g_print ("%d %" G_GINT64_FORMAT "\n", turns, longest);
  return 0;
}
