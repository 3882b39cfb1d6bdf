/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "holder.h"

#include "words.h"

/* The names are part of the JSON that the command prints. */
static const struct
{
  FluflLockState state;
  const char    *name;
  int            alive; /* -1: nothing proves either */
} states[] = {
  { FLUFL_LOCK_STATE_UNLOCKED, "unlocked", -1 },
  { FLUFL_LOCK_STATE_OURS, "ours", 1 },
  { FLUFL_LOCK_STATE_OURS_EXPIRED, "ours-expired", 1 },
  { FLUFL_LOCK_STATE_STALE, "stale", 0 },
  { FLUFL_LOCK_STATE_THEIRS_EXPIRED, "expired", -1 },
  { FLUFL_LOCK_STATE_UNKNOWN, "held", -1 },
  { FLUFL_LOCK_STATE_THEIRS, "alive", 1 },
};

static gsize
find_state (FluflLockState state)
{
  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    if (states[i].state == state)
      return i;
  return 5;
}

const char *
state_name (FluflLockState state)
{
  return states[find_state (state)].name;
}

/* The time is that of this machine's time zone. The date is left out if it is today. */
static char *
describe_time (GDateTime *when)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GDateTime) local = g_date_time_to_local (when);

  if (g_date_time_get_year (now) == g_date_time_get_year (local)
      && g_date_time_get_day_of_year (now) == g_date_time_get_day_of_year (local))
    /* Translators: A time of today, for g_date_time_format(), in a sentence such as “The lock expired
     * at %s.” Use numbers. A preposition before the time can be put here instead of into the sentences. */
    return g_date_time_format (local, C_("time-in-sentence", "%H:%M:%S"));
  /* Translators: A date and a time, for g_date_time_format(), in the same sentences. */
  return g_date_time_format (local, C_("time-in-sentence", "%Y-%m-%d %H:%M:%S"));
}

/* Returns: (nullable): a sentence; NULL if the state shows nothing about the process. An expired lock
 * is reported as expired even if its holder is known to be alive. */
static const char *
describe_life (FluflLockState state)
{
  switch (state)
    {
    case FLUFL_LOCK_STATE_STALE:
      return _("The process is dead.");
    case FLUFL_LOCK_STATE_OURS:
    case FLUFL_LOCK_STATE_OURS_EXPIRED:
    case FLUFL_LOCK_STATE_THEIRS:
      return _("The process is alive.");
    case FLUFL_LOCK_STATE_UNLOCKED:
    case FLUFL_LOCK_STATE_THEIRS_EXPIRED:
      return NULL;
    case FLUFL_LOCK_STATE_UNKNOWN:
    default:
      /* Translators: “the process” is that of the holder, whom the sentence before this one names. */
      return _("Nothing proves whether the process is alive.");
    }
}

/* What another program wrote may have terminal codes. */
static char *
printable (const char *text)
{
  g_autoptr (GString) shown = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (shown, g_unichar_isprint (c) ? c : 0xfffd);
    }
  return g_string_free (g_steal_pointer (&shown), FALSE);
}

/* Returns: (nullable) (transfer full): NULL for NULL */
static char *
dup_printable (const char *text)
{
  return text != NULL ? printable (text) : NULL;
}

/* A sentence that names the holder. */
static char *
describe_who (FluflLockDetails *details)
{
  g_autofree char *user = dup_printable (flufl_lock_details_get_user_name (details));
  const char *program = flufl_lock_details_get_program_name (details);
  const char *raw_host = flufl_lock_details_get_host_name (details);
  g_autofree char *shown = printable (program != NULL ? program : "");
  g_autofree char *host = printable (raw_host != NULL ? raw_host : "");
  int pid = flufl_lock_details_get_pid (details);

  if (raw_host == NULL)
    /* Translators: “it” is the lock, as in the messages that follow. The path of the lock and a
     * colon are before them. */
    return g_strdup (_("A program with names of its own for claims holds it."));
  if (user != NULL && program != NULL)
    /* Translators: “it” is the lock. */
    return g_strdup_printf (_("User “%s” holds it with “%s”, process %d on host “%s”."), user, shown, pid,
                            host);
  if (user != NULL)
    /* Translators: “it” is the lock. */
    return g_strdup_printf (_("User “%s” holds it with process %d on host “%s”."), user, pid, host);
  if (program != NULL)
    /* Translators: “it” is the lock. The first %s is a program. */
    return g_strdup_printf (_("“%s”, process %d on host “%s”, holds it."), shown, pid, host);
  /* Translators: “it” is the lock. */
  return g_strdup_printf (_("Process %d on host “%s” holds it."), pid, host);
}

/*
 * describe_waiter:
 *
 * Returns: a sentence that names the waiter
 */
char *
describe_waiter (FluflLockDetails *details)
{
  g_autofree char *user = dup_printable (flufl_lock_details_get_user_name (details));
  const char *program = flufl_lock_details_get_program_name (details);
  const char *raw_host = flufl_lock_details_get_host_name (details);
  g_autofree char *shown = printable (program != NULL ? program : "");
  g_autofree char *host = printable (raw_host != NULL ? raw_host : "?");
  int pid = flufl_lock_details_get_pid (details);

  if (user != NULL && program != NULL)
    /* Translators: The texts are the user's account, the program, its process ID, and its machine. */
    return g_strdup_printf (_("User “%s” waits with “%s”, process %d on host “%s”."), user, shown, pid,
                            host);
  if (user != NULL)
    return g_strdup_printf (_("User “%s” waits with process %d on host “%s”."), user, pid, host);
  if (program != NULL)
    /* Translators: The first %s is a program. */
    return g_strdup_printf (_("“%s”, process %d on host “%s”, waits."), shown, pid, host);
  return g_strdup_printf (_("Process %d on host “%s” waits."), pid, host);
}

/* Whether the expiration is in the past by this machine's clock. */
gboolean
holder_is_late (FluflLockDetails *details)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  return g_date_time_compare (flufl_lock_details_get_expiration (details), now) < 0;
}

/* A sentence that shows since when and until when. */
static char *
describe_when (FluflLockDetails *details)
{
  GDateTime *acquisition = flufl_lock_details_get_acquisition (details);
  g_autofree char *since = acquisition != NULL ? describe_time (acquisition) : NULL;
  g_autofree char *until = describe_time (flufl_lock_details_get_expiration (details));
  gboolean past = holder_is_late (details);

  if (since != NULL && past)
    return g_strdup_printf (_("The lock was acquired at %s, and it expired at %s."), since, until);
  if (since != NULL)
    return g_strdup_printf (_("The lock was acquired at %s, and it is held until %s or longer."), since,
                            until);
  if (past)
    return g_strdup_printf (_("The lock expired at %s."), until);
  return g_strdup_printf (_("The lock is held until %s or longer."), until);
}

/* A sentence about a lock whose holder is dead: when it would expire is nothing to wait for. */
static char *
describe_since (FluflLockDetails *details)
{
  GDateTime *acquisition = flufl_lock_details_get_acquisition (details);
  g_autofree char *since = acquisition != NULL ? describe_time (acquisition) : NULL;

  if (since == NULL)
    return g_strdup (_("A process that may remove the files of the lock can take it over."));
  return g_strdup_printf (_("The lock was acquired at %s. A process that may remove its files can take it "
                            "over."),
                          since);
}

/*
 * describe_holder:
 *
 * Returns: sentences that name the holder, show whether it lives, and since when and until when it
 *   holds the lock
 */
char *
describe_holder (FluflLockDetails *details)
{
  g_autofree char *who = describe_who (details);
  g_autofree char *when = flufl_lock_details_get_state (details) == FLUFL_LOCK_STATE_STALE
                              ? describe_since (details)
                              : describe_when (details);
  const char *life = describe_life (flufl_lock_details_get_state (details));
  g_autofree char *known = NULL;

  if (flufl_lock_details_get_host_name (details) == NULL || life == NULL)
    return words_join (who, when);
  known = words_join (who, life);
  return words_join (known, when);
}

/* Adds the members to the object that is open. */
void
json_holder (Json *json, FluflLockDetails *details)
{
  gsize i = find_state (flufl_lock_details_get_state (details));
  g_autofree char *claim = g_file_get_path (flufl_lock_details_get_claim_file (details));
  GDateTime *acquisition = flufl_lock_details_get_acquisition (details);

  json_string (json, "user", flufl_lock_details_get_user_name (details));
  json_string (json, "real-name", flufl_lock_details_get_real_name (details));
  json_string (json, "program", flufl_lock_details_get_program_name (details));
  json_string (json, "host", flufl_lock_details_get_host_name (details));
  json_int (json, "pid", flufl_lock_details_get_pid (details));
  if (states[i].alive >= 0)
    json_bool (json, "alive", states[i].alive);
  else
    json_string (json, "alive", NULL);
  if (acquisition != NULL)
    json_time (json, "since", acquisition);
  else
    json_string (json, "since", NULL);
  json_time (json, "expires", flufl_lock_details_get_expiration (details));
  json_string (json, "claim", claim);
}
