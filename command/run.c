/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “run”: its command line. run-front.c has the front, the process that the caller started. The front
 * starts the supervisor, which has the lock and starts the command.
 */

#include "run.h"

#include <string.h>

#include "commands.h"
#include "exits.h"
#include "options.h"
#include "say.h"
#include "words.h"

#define KILL_AFTER_DEFAULT_MS 5000

static struct
{
  char    *on_lost, *kill_after, *shell;
  gboolean no_heartbeat;
} given;

static const GOptionEntry entries[] = {
  { "no-heartbeat", 0, 0, G_OPTION_ARG_NONE, &given.no_heartbeat,
    N_("Do not refresh the lock, and end the command after the lifetime"), NULL },
  { "on-lost", 0, 0, G_OPTION_ARG_FILENAME, &given.on_lost,
    /* Translators: “term”, “kill” and “warn” are what the user types, and stay. */
    N_("What to do if the lock is lost: term, kill or warn (default: term)"), N_("ACTION") },
  { "kill-after", 0, 0, G_OPTION_ARG_FILENAME, &given.kill_after,
    N_("Send SIGKILL S seconds after SIGTERM (default: 5)"), N_("S") },
  { "command", 'c', 0, G_OPTION_ARG_FILENAME, &given.shell,
    /* Translators: STRING is the value of the option, in the line “-c, --command=STRING”. */
    N_("Run STRING with /bin/sh"), N_("STRING") },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind kind = {
  .usage = N_("LOCKFILE [--] COMMAND [ARGUMENT…]"),
  .summary = N_("Runs a command, and holds a lock meanwhile."),
  .entries = entries,
  .more = acquire_entries,
  .is_strict = TRUE,
};

static gboolean
read_on_lost (OnLost *out_on_lost)
{
  static const char *const actions[] = { [ON_LOST_TERM] = "term", [ON_LOST_KILL] = "kill",
                                         [ON_LOST_WARN] = "warn" };

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    if (given.on_lost == NULL || strcmp (given.on_lost, actions[i]) == 0)
      {
        *out_on_lost = (OnLost) i;
        return TRUE;
      }
  fail (EXIT_USAGE, _("The value “%s” of --on-lost is not term, kill or warn."), given.on_lost);
  return FALSE;
}

static gboolean
read_values (RunWish *wish)
{
  wish->kill_after_ms = KILL_AFTER_DEFAULT_MS;
  wish->acquire.no_heartbeat = given.no_heartbeat;
  wish->acquire.can_stop = TRUE;
  return acquire_read_options (&wish->acquire)
         && (given.kill_after == NULL
             || options_seconds ("--kill-after", given.kill_after, &wish->kill_after_ms))
         && read_on_lost (&wish->on_lost);
}

/* As with flock(1), “-c STRING” may come after the lock file as well. */
static gboolean
read_command (RunWish *wish, int argc, char **argv)
{
  static char *shell[] = { (char *) "/bin/sh", (char *) "-c", NULL, NULL };
  int first = 2;

  if (!options_count (&kind, argc, 2, 0))
    return FALSE;
  wish->acquire.path = argv[1];
  if (given.shell == NULL && argc >= 3
      && (strcmp (argv[2], "-c") == 0 || strcmp (argv[2], "--command") == 0))
    {
      given.shell = argv[3]; /* NULL: there is no command */
      first = 4;
    }
  else if (argc > 2 && strcmp (argv[2], "--") == 0)
    first = 3;
  if (given.shell != NULL && argc > first)
    fail (EXIT_USAGE, _("-c takes the command as one string, and no further arguments."));
  else if (given.shell == NULL && argc <= first)
    fail (EXIT_USAGE, _("There is no command to run. See flufl-lock run --help."));
  else
    {
      shell[2] = given.shell;
      wish->argv = given.shell != NULL ? shell : argv + first;
      wish->acquire.program = wish->argv[0];
      return TRUE;
    }
  return FALSE;
}

int
command_run (int argc, char **argv)
{
  RunWish wish = { 0 };

  if (!options_parse (&kind, &argc, &argv) || !read_values (&wish)
      || !read_command (&wish, argc, argv))
    return EXIT_USAGE;
  return run_in_front (&wish);
}
