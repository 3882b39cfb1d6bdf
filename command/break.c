/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “break”: removes a lock that somebody else holds.
 */

#include <errno.h>
#include <string.h>

#include "commands.h"
#include "events.h"
#include "exits.h"
#include "holder.h"
#include "look.h"
#include "operation.h"
#include "options.h"
#include "say.h"
#include "token.h"
#include "words.h"

static struct
{
  char    *holder;
  gboolean as_json, if_dead, expired, force;
} given;

static const GOptionEntry entries[] = {
  { "if-dead", 0, 0, G_OPTION_ARG_NONE, &given.if_dead,
    N_("Break the lock only if its holder is proved dead"), NULL },
  { "expired", 0, 0, G_OPTION_ARG_NONE, &given.expired,
    N_("Break the lock only if it has expired"), NULL },
  { "force", 0, 0, G_OPTION_ARG_NONE, &given.force,
    N_("Break the lock whoever holds it, and remove any other file at its path, too"), NULL },
  { "if-holder", 0, 0, G_OPTION_ARG_FILENAME, &given.holder,
    N_("Break the lock only if TOKEN still holds it"),
    /* Translators: TOKEN is the text that “hold” has printed. */
    N_("TOKEN") },
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print errors as JSON"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind kind = {
  .usage = N_("LOCKFILE"),
  .summary = N_("Breaks a lock that expired more than ten seconds ago, or whose holder is dead."),
  .entries = entries,
};

/* The lock of a dead holder has a state of its own, whether or not it has expired. */
static gboolean
has_expired (FluflLockDetails *details)
{
  FluflLockState state = flufl_lock_details_get_state (details);

  return state == FLUFL_LOCK_STATE_THEIRS_EXPIRED
         || (state == FLUFL_LOCK_STATE_STALE && holder_is_late (details));
}

/* Whether the holder is the one that the user means. Says why if not. */
static gboolean
is_meant (const Look *look, const Token *token, int *out_status)
{
  FluflLockState state = flufl_lock_details_get_state (look->details);
  g_autofree char *text = look_describe (look);

  if (given.holder != NULL && !token_is_of (token, look->details))
    /* Translators: The token names one hold on the lock, which is over. */
    *out_status = fail_with (EXIT_LOST, _("The token does not hold the lock any more."), text);
  else if (given.if_dead && state != FLUFL_LOCK_STATE_STALE)
    *out_status = fail_with (EXIT_BUSY, _("The lock is not broken: its holder is not proved dead."), text);
  else if (given.expired && !has_expired (look->details))
    *out_status = fail_with (EXIT_BUSY, _("The lock is not broken: it has not expired."), text);
  else
    return TRUE;
  return FALSE;
}

/* @seen: (nullable): the only lock that may be broken */
static int
break_lock (const char *path, FluflLockDetails *seen)
{
  g_autoptr (FluflLock) lock = options_make_lock (path, NULL);
  FluflBreakFlags flags = given.force ? FLUFL_BREAK_FORCE : FLUFL_BREAK_NONE;
  g_autoptr (FluflOperation) operation
      = seen != NULL ? flufl_operation_new_break_lock_of (lock, seen, flags, NULL)
                     : flufl_operation_new (lock, FLUFL_OPERATION_KIND_BREAK_LOCK, flags, NULL);
  g_autoptr (GError) error = NULL;
  int status;

  if (!events_catch ())
    return fail (EXIT_REFUSED, _("Could not create a pipe: %s."), g_strerror (errno));
  events_let_stop ();
  status = operation_run_to_end (operation, -1, FALSE);
  if (status != EXIT_DONE || flufl_operation_get_answer (operation))
    return status;
  operation_get_error (operation, &error);
  return fail_by_error (error);
}

int
command_break (int argc, char **argv)
{
  g_auto (Look) look = { 0 };
  g_auto (Token) token = { 0 };
  gboolean has_condition;
  int status = EXIT_DONE;

  if (!options_parse (&kind, &argc, &argv) || !options_count (&kind, argc, 2, 2))
    return EXIT_USAGE;
  if (given.if_dead + given.expired + given.force > 1)
    return fail (EXIT_USAGE, _("--if-dead, --expired and --force exclude each other."));
  if (given.holder != NULL && !token_parse (given.holder, &token))
    return EXIT_USAGE;
  if (!look_at_given (&look, argv[1])
      && (!given.force || given.holder != NULL
          || g_error_matches (look.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)))
    return fail_by_error (look.error);
  if (look.error == NULL && look.details == NULL)
    return EXIT_DONE; /* nobody holds it */
  if (look.details != NULL && !is_meant (&look, &token, &status))
    return status;
  /* Another lock may be there by now, and the conditions were not checked for it. */
  has_condition = given.holder != NULL || given.if_dead || given.expired;
  return break_lock (argv[1], has_condition ? look.details : NULL);
}
