/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “wait”: until a lock is free, without acquiring it.
 */

#include <unistd.h>

#include "commands.h"
#include "exits.h"
#include "look.h"
#include "options.h"
#include "say.h"
#include "words.h"

/* Milliseconds. The time between two looks is for file systems whose changes the kernel does not
 * report. */
#define INTERVAL 500
#define WAITING_DELAY 250

static struct
{
  char    *wait;
  gboolean as_json, quiet;
} given;

static const GOptionEntry entries[] = {
  { "timeout", 'w', 0, G_OPTION_ARG_FILENAME, &given.wait, N_("Wait for S seconds at most"), N_("S") },
  { "quiet", 'q', 0, G_OPTION_ARG_NONE, &given.quiet,
    N_("Print only errors, and nothing about a lock that is held"), NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print errors as JSON"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind kind = {
  .usage = N_("LOCKFILE"),
  .summary = N_("Waits until a lock is free or its holder is dead, and does not acquire the lock."),
  .entries = entries,
};

static void
announce (const Look *look, gboolean *announced)
{
  g_autofree char *holder = look_describe (look);
  /* Translators: The lock's path and its holder follow. */
  g_autofree char *text = words_join (_("Waiting."), holder);

  if (!*announced && !given.quiet && isatty (STDERR_FILENO))
    say ("%s", text);
  *announced = TRUE;
}

static void
set_flag (gboolean *flag)
{
  *flag = TRUE;
}

static gboolean
over_cb (gpointer flag)
{
  set_flag (flag);
  return G_SOURCE_REMOVE;
}

/* Returns when the monitor has set the flag, which it takes back, or after @msec; negative: no end. */
static void
await_change (gboolean *changed, gint64 msec)
{
  gboolean over = FALSE;
  guint timer = msec >= 0 ? g_timeout_add ((guint) MIN (msec, G_MAXINT), over_cb, &over) : 0;

  while (!*changed && !over)
    g_main_context_iteration (NULL, TRUE);
  *changed = FALSE;
  if (!over && timer != 0)
    g_source_remove (timer);
}

/* Negative: no end. */
static gint64
time_left (gint64 waited, gint64 timeout_ms, gboolean announced)
{
  gint64 left = timeout_ms >= 0 ? timeout_ms - waited : G_MAXINT64;

  if (!announced)
    left = MIN (left, MAX (WAITING_DELAY - waited, 0));
  return left == G_MAXINT64 ? -1 : left;
}

/* @timeout_ms: negative for no end */
static int
wait_until_free (const char *path, gint64 timeout_ms)
{
  g_autoptr (FluflLock) lock = options_make_lock (path, NULL);
  g_autoptr (FluflLockMonitor) monitor = NULL;
  gint64 begun = g_get_monotonic_time (), waited;
  gboolean announced = FALSE, changed = FALSE;

  for (;;)
    {
      g_auto (Look) look = { 0 };

      if (!look_at_given (&look, path))
        return fail_by_error (look.error);
      if (look_is_free (&look))
        return EXIT_DONE;
      waited = (g_get_monotonic_time () - begun) / 1000;
      if (timeout_ms >= 0 && waited >= timeout_ms)
        {
          g_autofree char *text = look_describe (&look);

          return given.quiet ? EXIT_BUSY : fail_with (EXIT_BUSY, _("The lock did not become free."), text);
        }
      if (waited >= WAITING_DELAY)
        announce (&look, &announced);
      if (monitor == NULL)
        {
          monitor = flufl_lock_monitor_new_for_lock (lock);
          flufl_lock_monitor_set_interval (monitor, INTERVAL);
          g_signal_connect_swapped (monitor, "changed", G_CALLBACK (set_flag), &changed);
        }
      await_change (&changed, time_left (waited, timeout_ms, announced));
    }
}

int
command_wait (int argc, char **argv)
{
  gint64 timeout_ms = -1;

  if (!options_parse (&kind, &argc, &argv) || !options_count (&kind, argc, 2, 2)
      || (given.wait != NULL && !options_seconds ("-w", given.wait, &timeout_ms)))
    return EXIT_USAGE;
  return wait_until_free (argv[1], timeout_ms);
}
