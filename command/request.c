/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “release” and “refresh”: requests to the process that holds a lock.
 */

#include <errno.h>
#include <poll.h>

#include "commands.h"
#include "events.h"
#include "exits.h"
#include "look.h"
#include "options.h"
#include "say.h"
#include "token.h"
#include "words.h"

/* Milliseconds. The request is repeated, since times on disk may be whole seconds. */
#define PATIENCE 10000
#define REPEAT 1000
#define PAUSE_FIRST 2
#define PAUSE_LAST 50

/* Six days: what a signal's value holds. */
#define LIFETIME_MAX_MS ((gint64) G_MAXINT32 >> 2)

static struct
{
  char    *lifetime;
  gboolean as_json;
} given;

static const GOptionEntry release_entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print errors as JSON"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind release_kind = {
  .usage = N_("TOKEN"),
  .summary = N_("Releases a lock that “hold” acquired on this machine."),
  .entries = release_entries,
};

static const GOptionEntry refresh_entries[] = {
  { "lifetime", 0, 0, G_OPTION_ARG_FILENAME, &given.lifetime,
    N_("From now on, let the lock expire S seconds after its last refresh"), N_("S") },
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print errors as JSON"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind refresh_kind = {
  .usage = N_("TOKEN"),
  .summary = N_("Refreshes a lock that “hold” or “run” acquired on this machine."),
  .entries = refresh_entries,
};

typedef struct
{
  Token  token;
  int    event;
  gint64 lifetime_ms;
  gint64 expiration;  /* at first, in microseconds */
} Request;

/* --- The lock --- */

static gint64
expiration_of (FluflLockDetails *details)
{
  GDateTime *time = flufl_lock_details_get_expiration (details);

  return g_date_time_to_unix (time) * G_USEC_PER_SEC + g_date_time_get_microsecond (time);
}

static gboolean
is_held_by_token (const Request *self, const Look *look)
{
  return look->details != NULL && token_is_of (&self->token, look->details);
}

/* Whether the disk shows that the request is done. */
static gboolean
is_done (const Request *self, const Look *look)
{
  if (self->event == EVENT_RELEASE)
    return !is_held_by_token (self, look);
  return is_held_by_token (self, look) && expiration_of (look->details) != self->expiration;
}

/* --- The holder --- */

/* Says why the holder cannot be asked. Returns: the exit status */
static int
explain_refusal (const Request *self, FluflLockDetails *details, int errsv)
{
  int pid = flufl_lock_details_get_pid (details);

  if (errsv == ESRCH)
    return fail (EXIT_LOST, _("The process %d, which held the lock “%s”, has died."), pid, self->token.path);
  /* Translators: The process is asked, by a signal, to release or refresh the lock. */
  return fail (EXIT_REFUSED, _("Could not ask the process %d, which holds the lock “%s”: %s."), pid,
               self->token.path, g_strerror (errsv));
}

/* Process IDs mean something on the holder's machine only. */
static gboolean
is_here (const Request *self, FluflLockDetails *details)
{
  g_autoptr (FluflLock) lock = options_make_lock (self->token.path, NULL);
  const char *here = flufl_lock_get_host_name (lock);
  const char *host = flufl_lock_details_get_host_name (details);

  if (host != NULL && g_strcmp0 (here, host) == 0)
    return TRUE;
  /* Translators: “this” is the command that the user has typed. */
  fail (EXIT_REFUSED, _("The process that holds the lock “%s” runs on host “%s”. Run this there."),
        self->token.path, host != NULL ? host : "?");
  return FALSE;
}

static int
begin_request (Request *self)
{
  g_auto (Look) look = { 0 };

  if (!look_at (&look, self->token.path))
    return fail_by_error (look.error);
  if (!is_held_by_token (self, &look))
    return fail (EXIT_LOST, _("The token does not hold the lock “%s” any more."), self->token.path);
  if (!is_here (self, look.details))
    return EXIT_REFUSED;
  if (flufl_lock_details_get_state (look.details) == FLUFL_LOCK_STATE_STALE)
    return explain_refusal (self, look.details, ESRCH);
  self->expiration = expiration_of (look.details);
  if (!events_ask (flufl_lock_details_get_pid (look.details), self->event, self->lifetime_ms))
    return explain_refusal (self, look.details, errno);
  return EXIT_DONE;
}

static int
repeat_request (const Request *self, const Look *look)
{
  if (events_ask (flufl_lock_details_get_pid (look->details), self->event, self->lifetime_ms))
    return EXIT_DONE;
  return explain_refusal (self, look->details, errno);
}

/* Until the disk shows the answer. */
static int
wait_for_answer (const Request *self)
{
  gint64 begun = g_get_monotonic_time (), asked = begun, now;
  int pause = PAUSE_FIRST;

  do
    {
      g_auto (Look) look = { 0 };

      if (!look_at (&look, self->token.path))
        return fail_by_error (look.error);
      if (is_done (self, &look))
        return EXIT_DONE;
      if (!is_held_by_token (self, &look))
        return fail (EXIT_LOST, _("The lock “%s” was lost."), self->token.path);
      now = g_get_monotonic_time ();
      if (now - asked > REPEAT * 1000)
        {
          asked = now;
          if (repeat_request (self, &look) != EXIT_DONE)
            return EXIT_LOST;
        }
      poll (NULL, 0, pause);
      pause = MIN (pause * 2, PAUSE_LAST);
    }
  while (now - begun < PATIENCE * 1000);
  return fail (EXIT_BUSY,
               P_("The process that holds the lock “%s” did not answer within %d s.",
                  "The process that holds the lock “%s” did not answer within %d s.", PATIENCE / 1000),
               self->token.path, PATIENCE / 1000);
}

static int
request (Request *self)
{
  int status = begin_request (self);

  if (status == EXIT_DONE)
    status = wait_for_answer (self);
  token_clear (&self->token);
  return status;
}

int
command_release (int argc, char **argv)
{
  Request self = { .event = EVENT_RELEASE };

  if (!options_parse (&release_kind, &argc, &argv) || !options_count (&release_kind, argc, 2, 2)
      || !token_parse (argv[1], &self.token))
    return EXIT_USAGE;
  if (self.token.kind == TOKEN_HOLD)
    return request (&self);
  token_clear (&self.token);
  return fail (EXIT_USAGE, _("The lock of “run” is released when its command ends."));
}

int
command_refresh (int argc, char **argv)
{
  Request self = { .event = EVENT_REFRESH };

  if (!options_parse (&refresh_kind, &argc, &argv) || !options_count (&refresh_kind, argc, 2, 2)
      || (given.lifetime != NULL
          && !options_seconds ("--lifetime", given.lifetime, &self.lifetime_ms)))
    return EXIT_USAGE;
  if (given.lifetime != NULL && (self.lifetime_ms == 0 || self.lifetime_ms > LIFETIME_MAX_MS))
    return fail (EXIT_USAGE,
                 P_("The lifetime must be more than 0 and at most %d second.",
                    "The lifetime must be more than 0 and at most %d seconds.", LIFETIME_MAX_MS / 1000),
                 (int) (LIFETIME_MAX_MS / 1000));
  return token_parse (argv[1], &self.token) ? request (&self) : EXIT_USAGE;
}
