/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The options of the subcommands that acquire a lock.
 */

#include "acquire.h"

#include "exits.h"
#include "options.h"
#include "say.h"
#include "words.h"

static struct
{
  char    *wait, *busy, *lifetime;
  gboolean at_once, quiet, verbose;
} given;

/* The names are those of flock(1) where it has them. */
const GOptionEntry acquire_entries[] = {
  { "timeout", 'w', 0, G_OPTION_ARG_FILENAME, &given.wait,
    N_("Wait for the lock for S seconds at most"),
    /* Translators: S is a number of seconds, in the line “-w, --timeout=S”. The texts beside such
     * lines name it, too. */
    N_("S") },
  { "wait", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &given.wait, NULL, NULL },
  { "nonblock", 'n', 0, G_OPTION_ARG_NONE, &given.at_once,
    N_("Do not wait if the lock is held"), NULL },
  { "nb", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &given.at_once, NULL, NULL },
  { "conflict-exit-code", 'E', 0, G_OPTION_ARG_FILENAME, &given.busy,
    N_("Exit with N if the lock is not free in time (default: 75)"),
    /* Translators: N is a number, in the line “-E, --conflict-exit-code=N”. The text beside it names
     * it, too. */
    N_("N") },
  { "lifetime", 0, 0, G_OPTION_ARG_FILENAME, &given.lifetime,
    N_("Let the lock expire S seconds after its last refresh (default: 15)"), N_("S") },
  { "quiet", 'q', 0, G_OPTION_ARG_NONE, &given.quiet,
    N_("Print only errors, and nothing about a lock that is held"), NULL },
  { "verbose", 'v', 0, G_OPTION_ARG_NONE, &given.verbose,
    N_("Print how long the wait was, and who held the lock"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* Returns FALSE after it said what is wrong. */
gboolean
acquire_read_options (AcquireWish *wish)
{
  gint64 busy = EXIT_BUSY;

  wish->timeout_ms = given.at_once ? 0 : FLUFL_LOCK_TIMEOUT_FOREVER;
  wish->is_quiet = given.quiet;
  wish->is_verbose = given.verbose;
  if ((given.wait != NULL && !options_seconds ("-w", given.wait, &wish->timeout_ms))
      || (given.busy != NULL && !options_number ("-E", given.busy, 255, &busy))
      || (given.lifetime != NULL && !options_seconds ("--lifetime", given.lifetime, &wish->lifetime_ms)))
    return FALSE;
  wish->busy_status = (int) busy;
  if (given.lifetime != NULL && wish->lifetime_ms == 0)
    fail (EXIT_USAGE, _("The lifetime must be more than 0 seconds."));
  else if (given.at_once && given.wait != NULL)
    fail (EXIT_USAGE, _("-n and -w exclude each other."));
  else if (given.quiet && given.verbose)
    fail (EXIT_USAGE, _("-q and -v exclude each other."));
  else
    return TRUE;
  return FALSE;
}
