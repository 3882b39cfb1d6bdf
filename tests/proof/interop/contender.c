/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * contender NAME DIR LOCK SECTION TURNS [STOP]: takes turns of SECTION ms at a ledger: at least
 * TURNS of them, and more until the file STOP exists. contender.py explains a turn.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <libflufllock.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void G_GNUC_NORETURN
fail (const char *what, const char *why)
{
  g_printerr ("%s: %s\n", what, why);
  exit (1);
}

static void
take_turn (const char *name, int section)
{
  int total, hand_overs, inside;
  char last[32];
  FILE *file;

  inside = g_open ("inside", O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (inside < 0)
    fail ("inside", errno == EEXIST ? "somebody else holds the lock, too" : g_strerror (errno));

  g_usleep ((gulong) section * 1000);
  file = fopen ("ledger", "r+");
  if (file == NULL)
    fail ("ledger", g_strerror (errno));
  if (fscanf (file, "%d %d %31s", &total, &hand_overs, last) != 3)
    fail ("ledger", "it is garbled");
  rewind (file);
  fprintf (file, "%10d %10d %-10s\n", total + 1,
           hand_overs + !g_str_equal (last, name), name);
  if (fclose (file) != 0)
    fail ("ledger", g_strerror (errno));

  if (close (inside) != 0 || g_unlink ("inside") != 0)
    fail ("inside", g_strerror (errno));
}

int
main (int argc, char *argv[])
{
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;
  int turns = 0;

  if (argc < 6)
    fail ("contender", "NAME DIR LOCK SECTION TURNS [STOP]");
  if (g_chdir (argv[2]) != 0)
    fail (argv[2], g_strerror (errno));
  lock = flufl_lock_new_for_path (argv[3]);

  while (turns < atoi (argv[5]) || (argc > 6 && g_access (argv[6], F_OK) != 0))
    {
      if (!flufl_lock_acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error))
        fail ("not acquired", error->message);
      take_turn (argv[1], atoi (argv[4]));
      if (!flufl_lock_release (lock, NULL, &error))
        fail ("not released", error->message);
      turns++;
    }

  g_print ("%d\n", turns);
  return 0;
}
