/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “run”: its command line.
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
  char    *wait, *busy, *lifetime, *on_lost, *kill_after, *shell;
  gboolean at_once, no_heartbeat, quiet, verbose;
} given;

static const GOptionEntry entries[] = {
  { "timeout", 'w', 0, G_OPTION_ARG_STRING, &given.wait,
    N_("Wait for the lock for S seconds at most"), "S" },
  { "wait", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &given.wait, NULL, NULL },
  { "nonblock", 'n', 0, G_OPTION_ARG_NONE, &given.at_once,
    N_("Do not wait if the lock is held"), NULL },
  { "nb", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &given.at_once, NULL, NULL },
  { "conflict-exit-code", 'E', 0, G_OPTION_ARG_STRING, &given.busy,
    N_("Exit with N if the lock is not free in time; 0 says nothing"), "N" },
  { "lifetime", 0, 0, G_OPTION_ARG_STRING, &given.lifetime,
    N_("Let the lock expire after S seconds without a refresh (15)"), "S" },
  { "no-heartbeat", 0, 0, G_OPTION_ARG_NONE, &given.no_heartbeat,
    N_("Do not refresh the lock: the command has the lifetime to finish"), NULL },
  { "on-lost", 0, 0, G_OPTION_ARG_STRING, &given.on_lost,
    N_("If the lock is lost: term, kill or warn (term)"), "ACTION" },
  { "kill-after", 0, 0, G_OPTION_ARG_STRING, &given.kill_after,
    N_("Send SIGKILL S seconds after SIGTERM (5)"), "S" },
  { "quiet", 'q', 0, G_OPTION_ARG_NONE, &given.quiet,
    N_("Say nothing about a lock that is held"), NULL },
  { "verbose", 'v', 0, G_OPTION_ARG_NONE, &given.verbose,
    N_("Say how long the wait was, and for whom"), NULL },
  { "command", 'c', 0, G_OPTION_ARG_STRING, &given.shell,
    N_("Run the string with /bin/sh"), "STRING" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind kind = {
  .usage = "LOCKFILE [--] COMMAND [ARGUMENT…]",
  .summary = N_("Runs a command while it holds a lock."),
  .entries = entries,
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
  gint64 busy = EXIT_BUSY;

  wish->acquire.timeout_ms = given.at_once ? 0 : FLUFL_LOCK_TIMEOUT_FOREVER;
  wish->acquire.no_heartbeat = given.no_heartbeat;
  wish->acquire.is_quiet = given.quiet;
  wish->acquire.is_verbose = given.verbose;
  wish->kill_after_ms = KILL_AFTER_DEFAULT_MS;
  if ((given.wait != NULL && !options_seconds ("-w", given.wait, &wish->acquire.timeout_ms))
      || (given.busy != NULL && !options_number ("-E", given.busy, 255, &busy))
      || (given.lifetime != NULL
          && !options_seconds ("--lifetime", given.lifetime, &wish->acquire.lifetime_ms))
      || (given.kill_after != NULL
          && !options_seconds ("--kill-after", given.kill_after, &wish->kill_after_ms))
      || !read_on_lost (&wish->on_lost))
    return FALSE;
  wish->acquire.busy_status = (int) busy;
  if (given.lifetime != NULL && wish->acquire.lifetime_ms == 0)
    fail (EXIT_USAGE, _("The lifetime must be more than 0 seconds."));
  else if (given.at_once && given.wait != NULL)
    fail (EXIT_USAGE, _("-n and -w exclude each other."));
  else if (given.quiet && given.verbose)
    fail (EXIT_USAGE, _("-q and -v exclude each other."));
  else
    return TRUE;
  return FALSE;
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
  if (given.shell == NULL && argc == 4
      && (strcmp (argv[2], "-c") == 0 || strcmp (argv[2], "--command") == 0))
    {
      given.shell = argv[3];
      first = argc;
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
