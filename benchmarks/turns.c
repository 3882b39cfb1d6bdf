/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * turns LOCK SECTION PAUSE UNTIL
 *
 * A process that takes turns: SECTION ms with the lock, then PAUSE ms without, until the
 * monotonic clock shows UNTIL seconds. It prints a line for each turn: when it asked for the
 * lock, when it got it, and when it was about to give it back. The line of a turn without the
 * lock has only the first. turns.py does the same in Python.
 */

#include <stdio.h>
#include <stdlib.h>

#include <libflufllock.h>

static double
now (void)
{
  return (double) g_get_monotonic_time () / 1e6;
}

static void
keep_for (double ms)
{
  g_usleep ((gulong) (ms * 1000));
}

int
main (int argc, char *argv[])
{
  g_autoptr (FluflLock) lock = NULL;
  double section, rest, until;

  if (argc != 5)
    return 2;
  lock = flufl_lock_new_for_path (argv[1]);
  section = atof (argv[2]);
  rest = atof (argv[3]);
  until = atof (argv[4]);

  while (now () < until)
    {
      g_autoptr (GError) error = NULL;
      double asked = now (), got;

      if (!flufl_lock_acquire (lock, (gint64) ((until - asked) * 1000), NULL, &error))
        {
          if (!g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT))
            g_error ("%s", error->message);
          printf ("%.6f\n", asked);
          break;
        }
      got = now ();
      keep_for (section);
      printf ("%.6f %.6f %.6f\n", asked, got, now ());
      flufl_lock_release (lock, NULL, &error);
      if (error != NULL)
        g_error ("%s", error->message);
      keep_for (rest);
    }
  return 0;
}
