/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “release” and “refresh”: requests to the process that holds a lock.
 */

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>

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

/* The resolution of times on disk, in microseconds. */
#define RESOLUTION (2 * G_USEC_PER_SEC)

/* The digits of the namespaces in a claim's name: docs/protocol.md, "Claim names". */
#define NAMESPACES_LENGTH 8

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
  int    pid;         /* of the holder */
  int    event;
  gint64 lifetime_ms;
  gint64 expiration;  /* at the last look, in microseconds */
  gint64 looked;      /* when that look began, in microseconds of real time */
} Request;

/* No exit status yet. */
#define UNDECIDED (-1)

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

/* Whether an expiration that was set after the last look is that of the lifetime asked for. The refresh
 * counts the lifetime from this machine's clock, or from the file server's if that is ahead. */
static gboolean
has_lifetime (const Request *self, gint64 expiration)
{
  gint64 begun = expiration - self->lifetime_ms * 1000;
  GStatBuf st;

  if (begun > self->looked - RESOLUTION && begun < g_get_real_time () + RESOLUTION)
    return TRUE;
  return g_lstat (self->token.path, &st) == 0
         && ABS (begun - (gint64) st.st_ctime * G_USEC_PER_SEC) < RESOLUTION;
}

/* Whether a refresh came after the last look. The heartbeat and other requests refresh the lock, too,
 * and they may keep its lifetime. */
static gboolean
is_refreshed (Request *self, const Look *look, gint64 looked)
{
  gint64 expiration = expiration_of (look->details);
  gboolean refreshed = expiration != self->expiration
                       && (self->lifetime_ms == 0 || has_lifetime (self, expiration));

  self->expiration = expiration;
  self->looked = looked;
  return refreshed;
}

/* Looks whether the disk shows that the request is done. Returns: the exit status; or UNDECIDED */
static int
look_for_answer (Request *self)
{
  g_auto (Look) look = { 0 };
  gint64 looked = g_get_real_time ();

  if (!look_at (&look, self->token.path))
    return fail_by_error (look.error);
  if (is_held_by_token (self, &look))
    return self->event == EVENT_REFRESH && is_refreshed (self, &look, looked) ? EXIT_DONE : UNDECIDED;
  if (self->event == EVENT_RELEASE)
    return EXIT_DONE;
  return fail (EXIT_LOST, _("The lock “%s” was lost."), self->token.path);
}

/* --- The holder --- */

/* Says why the holder cannot be asked. Returns: the exit status */
static int
explain_refusal (const Request *self, int errsv)
{
  int pid = self->pid;

  if (errsv == ESRCH)
    return fail (EXIT_LOST, _("The process %d, which held the lock “%s”, has died."), pid, self->token.path);
  /* Translators: The process is asked, by a signal, to release or refresh the lock. */
  return fail (EXIT_REFUSED, _("Could not ask the process %d, which holds the lock “%s”: %s."), pid,
               self->token.path, g_strerror (errsv));
}

/* Whether the claim's name shows that its process has other namespaces than this one. */
static gboolean
is_in_other_namespaces (const Request *self)
{
  g_autofree char *boot = NULL, *pid_space = NULL, *time_space = NULL, *all = NULL, *sum = NULL;
  const char *unique = strrchr (self->token.claim, '|');
  const char *shown = unique != NULL ? strchr (unique, 'N') : NULL;

  if (shown == NULL || strspn (shown + 1, "0123456789abcdef") != NAMESPACES_LENGTH
      || !g_file_get_contents ("/proc/sys/kernel/random/boot_id", &boot, NULL, NULL))
    return FALSE;
  pid_space = g_file_read_link ("/proc/self/ns/pid", NULL);
  time_space = g_file_read_link ("/proc/self/ns/time", NULL);
  if (pid_space == NULL)
    return FALSE;
  all = g_strjoin (" ", g_strchomp (boot), pid_space, time_space != NULL ? time_space : "", NULL);
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
  return strncmp (shown + 1, sum, NAMESPACES_LENGTH) != 0;
}

/* Process IDs mean something on the holder's machine and in its pid namespace only. The name of a claim
 * has one hash for the namespaces of processes and time, so a process in another one of time is refused, too. */
static gboolean
is_here (const Request *self, FluflLockDetails *details)
{
  g_autoptr (FluflLock) lock = options_make_lock (self->token.path, NULL);
  const char *here = flufl_lock_get_host_name (lock);
  const char *host = flufl_lock_details_get_host_name (details);

  if (host == NULL || g_strcmp0 (here, host) != 0)
    /* Translators: “this” is the command that the user has typed. */
    fail (EXIT_REFUSED, _("The process that holds the lock “%s” runs on host “%s”. Run this there."),
          self->token.path, host != NULL ? host : "?");
  else if (is_in_other_namespaces (self))
    /* Translators: “this” is the command that the user has typed. */
    fail (EXIT_REFUSED, _("The process that holds the lock “%s” runs in another container. Run this there."),
          self->token.path);
  else
    return TRUE;
  return FALSE;
}

/* Returns FALSE with errno set. */
static gboolean
ask (const Request *self)
{
  return events_ask (self->pid, self->token.claim, self->event, self->lifetime_ms);
}

/* Asks the process. Returns: as look_for_answer() */
static int
send_request (Request *self)
{
  int status = UNDECIDED, errsv;

  if (ask (self))
    return UNDECIDED;
  errsv = errno;
  if (errsv == ESRCH) /* the process may have done it, and ended, since the look */
    status = look_for_answer (self);
  return status == UNDECIDED ? explain_refusal (self, errsv) : status;
}

static int
begin_request (Request *self)
{
  g_auto (Look) look = { 0 };
  int status;

  self->looked = g_get_real_time ();
  if (!look_at (&look, self->token.path))
    return fail_by_error (look.error);
  if (!is_held_by_token (self, &look))
    return fail (EXIT_LOST, _("The token does not hold the lock “%s” any more."), self->token.path);
  self->pid = flufl_lock_details_get_pid (look.details);
  if (flufl_lock_details_get_state (look.details) == FLUFL_LOCK_STATE_STALE)
    return explain_refusal (self, ESRCH);
  if (!is_here (self, look.details))
    return EXIT_REFUSED;
  self->expiration = expiration_of (look.details);
  status = send_request (self);
  return status == UNDECIDED ? EXIT_DONE : status;
}

/* Until the disk shows the answer. */
static int
wait_for_answer (Request *self)
{
  gint64 begun = g_get_monotonic_time (), asked = begun, now;
  int pause = PAUSE_FIRST, status;

  do
    {
      status = look_for_answer (self);
      now = g_get_monotonic_time ();
      if (status == UNDECIDED && now - asked > REPEAT * 1000)
        {
          asked = now;
          status = send_request (self);
        }
      if (status != UNDECIDED)
        return status;
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
  if (given.lifetime != NULL && (self.lifetime_ms == 0 || self.lifetime_ms > EVENTS_ASKED_MS_MAX))
    return fail (EXIT_USAGE,
                 P_("The lifetime must be more than 0 and at most %d second.",
                    "The lifetime must be more than 0 and at most %d seconds.", EVENTS_ASKED_MS_MAX / 1000),
                 (int) (EVENTS_ASKED_MS_MAX / 1000));
  return token_parse (argv[1], &self.token) ? request (&self) : EXIT_USAGE;
}
