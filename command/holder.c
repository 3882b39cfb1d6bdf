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
    return g_date_time_format (local, "%H:%M:%S");
  return g_date_time_format (local, "%Y-%m-%d %H:%M:%S");
}

static const char *
describe_life (FluflLockState state)
{
  switch (state)
    {
    case FLUFL_LOCK_STATE_STALE:
      return _("It is dead.");
    case FLUFL_LOCK_STATE_OURS:
    case FLUFL_LOCK_STATE_OURS_EXPIRED:
    case FLUFL_LOCK_STATE_THEIRS:
      return _("It is alive.");
    case FLUFL_LOCK_STATE_UNLOCKED:
    case FLUFL_LOCK_STATE_THEIRS_EXPIRED:
    case FLUFL_LOCK_STATE_UNKNOWN:
    default:
      return _("Nothing proves whether it is alive.");
    }
}

/*
 * describe_holder:
 *
 * Returns: sentences that name the holder, its host, the expiration, and whether it lives
 */
char *
describe_holder (FluflLockDetails *details)
{
  const char *host = flufl_lock_details_get_host_name (details);
  FluflLockState state = flufl_lock_details_get_state (details);
  g_autofree char *expiration = describe_time (flufl_lock_details_get_expiration (details));
  g_autofree char *holder = NULL;

  if (host == NULL)
    return g_strdup_printf (_("A program with names of its own for claims holds it until %s."), expiration);
  holder = g_strdup_printf (_("Process %d on host “%s”"), flufl_lock_details_get_pid (details), host);
  if (state == FLUFL_LOCK_STATE_THEIRS_EXPIRED)
    return g_strdup_printf (_("%s holds it, although it expired at %s. %s"), holder, expiration,
                            describe_life (state));
  return g_strdup_printf (_("%s holds it until %s or longer. %s"), holder, expiration,
                          describe_life (state));
}

/* Adds the members to the object that is open. */
void
json_holder (Json *json, FluflLockDetails *details)
{
  gsize i = find_state (flufl_lock_details_get_state (details));
  g_autofree char *claim = g_file_get_path (flufl_lock_details_get_claim_file (details));

  json_string (json, "host", flufl_lock_details_get_host_name (details));
  json_int (json, "pid", flufl_lock_details_get_pid (details));
  if (states[i].alive >= 0)
    json_bool (json, "alive", states[i].alive);
  else
    json_string (json, "alive", NULL);
  json_time (json, "expires", flufl_lock_details_get_expiration (details));
  json_string (json, "claim", claim);
}
