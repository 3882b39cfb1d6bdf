/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Who or what is in the way, in words.
 */

#include "config.h"

#include "flufl-report-private.h"

#include <errno.h>
#include <string.h>

#include "flufl-lock-details-private.h"
#include "flufl-person-private.h"

/* Text that another process wrote, as it may be shown: valid UTF-8 without what moves a cursor,
 * begins a line or turns the direction of what follows. */
static char *
show_foreign (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GString) shown = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      GUnicodeType type = g_unichar_type (c);
      gboolean is_plain = g_unichar_isprint (c) && type != G_UNICODE_LINE_SEPARATOR
                          && type != G_UNICODE_PARAGRAPH_SEPARATOR;

      g_string_append_unichar (shown, is_plain ? c : 0xfffd);
    }
  return g_string_free (g_steal_pointer (&shown), FALSE);
}

/* In the time zone of the reader, which is named: the holder may be in another one. */
static char *
format_time (gint64 nsec)
{
  g_autoptr (GDateTime) utc = flufl_date_time_from_nsec (nsec);
  g_autoptr (GDateTime) local = g_date_time_to_local (utc);

  /* Next to the ends of time there is no local one. */
  return g_date_time_format (local != NULL ? local : utc, "%Y-%m-%d %H:%M:%S %Z");
}

static gboolean
is_past (const FluflSite *site, const FluflLook *look)
{
  return look->mtime < site->sys->clock (FLUFL_CLOCK_REAL);
}

/* A sentence for a holder whose process the lock file does not name, or NULL. */
static char *
describe_nameless (const FluflSite *site, const FluflLook *look)
{
  g_autofree char *path = NULL;
  g_autofree char *shown = NULL;

  if (look->sight == FLUFL_SIGHT_UNREADABLE)
    return g_strdup ("This process may not read the lock file, so the holder is not known.");
  if (look->sight != FLUFL_SIGHT_STRANGE)
    return NULL;
  path = flufl_site_path_of (site, look->claim.name);
  shown = show_foreign (path);
  return g_strdup_printf ("The claim file “%s” has another form of name, perhaps with a separator "
                          "other than “%s”, so the holder is not known.",
                          shown, site->separator);
}

/* A user as people know one, or NULL. */
static char *
describe_user (gint64 user_id)
{
  g_autofree char *name = NULL, *real_name = NULL;
  FluflPerson person;

  if (!flufl_person_find (user_id, &person))
    return NULL;
  name = show_foreign (person.name);
  if (person.real_name == NULL || strcmp (person.real_name, person.name) == 0)
    return g_strdup_printf ("“%s”", name);
  real_name = show_foreign (person.real_name);
  return g_strdup_printf ("“%s” (%s)", name, real_name);
}

/* A sentence that names the holder. */
static char *
describe_holder (const FluflSite *site, const FluflFindings *findings)
{
  const FluflLook *look = &findings->look;
  g_autofree char *host = show_foreign (look->claim.host);
  g_autofree char *program = show_foreign (findings->program);
  g_autofree char *user = describe_user (look->owner);
  char *nameless = describe_nameless (site, look);
  int pid = look->claim.pid;

  if (nameless != NULL)
    return nameless;
  if (findings->own)
    return g_strdup_printf ("Another object of this process (%d) holds it.", pid);
  if (user != NULL && program[0] != '\0')
    return g_strdup_printf ("User %s holds it with “%s”, process %d on host “%s”.", user, program, pid,
                            host);
  if (user != NULL)
    return g_strdup_printf ("User %s holds it with process %d on host “%s”.", user, pid, host);
  if (program[0] != '\0')
    return g_strdup_printf ("“%s”, process %d on host “%s”, holds the lock.", program, pid, host);
  return g_strdup_printf ("Process %d on host “%s” holds the lock.", pid, host);
}

/* A sentence that shows since when the lock is held, and when it expires or expired. */
static char *
describe_times (const FluflSite *site, const FluflLook *look)
{
  g_autofree char *until = format_time (look->mtime);
  gint64 acquired = look->sight == FLUFL_SIGHT_CLAIM ? flufl_look_acquired (look, site) : 0;
  g_autofree char *since = acquired != 0 ? format_time (acquired) : NULL;
  gboolean past = is_past (site, look);

  if (since != NULL && past)
    return g_strdup_printf ("The lock was acquired at %s, and it expired at %s.", since, until);
  if (since != NULL)
    return g_strdup_printf ("The lock was acquired at %s, and it is held until %s or longer.", since,
                            until);
  if (past)
    return g_strdup_printf ("The lock expired at %s.", until);
  return g_strdup_printf ("The lock is held until %s or longer.", until);
}

/* A sentence for what is known of the holder's process, or "". */
static const char *
describe_liveness (const FluflFindings *findings)
{
  if (findings->look.sight != FLUFL_SIGHT_CLAIM || findings->own)
    return "";
  if (findings->stopped)
    return " The process is alive, but it is stopped, and does nothing until it is continued.";
  switch (findings->liveness)
    {
    case FLUFL_LIVENESS_ALIVE:
      return " The process is alive.";
    case FLUFL_LIVENESS_DEAD:
      return " The process is dead.";
    case FLUFL_LIVENESS_UNKNOWN:
    default:
      return " It is not known whether the process is alive.";
    }
}

/* Sentences about who or what is in the way. */
char *
flufl_report_describe_obstacle (const FluflSite *site, const FluflFindings *findings)
{
  const FluflLook *look = &findings->look;
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean past = is_past (site, look);
  g_autofree char *holder = NULL, *times = NULL;

  if (findings->errsv != 0)
    {
      g_autofree char *failure
          = flufl_report_describe_failure (site, findings->failed_step, findings->errsv);

      return g_strdup_printf ("The last attempt failed. %s", failure);
    }
  if (look->sight == FLUFL_SIGHT_NOTHING)
    return g_strdup ("Other processes took it each time it became free.");
  /* A wait meets a foreign file only if it may be a lock that was just released. Other foreign
   * files end the acquisition with NOT_A_LOCK. */
  if (look->sight == FLUFL_SIGHT_FOREIGN)
    return g_strdup_printf ("The file may be a lock whose claim was just removed. It counts as no "
                            "lock once nothing has changed for %d s.",
                            (int) (FLUFL_GRACE / FLUFL_NSEC_PER_SEC));

  holder = describe_holder (site, findings);
  times = describe_times (site, look);
  g_string_append_printf (text, "%s%s %s", holder, describe_liveness (findings), times);
  if (past && !findings->expired && !findings->resting && look->sight == FLUFL_SIGHT_CLAIM
      && findings->break_errsv == 0)
    g_string_append_printf (text, " The lock can be broken %d s after it expired.",
                            (int) (FLUFL_SLOP / FLUFL_NSEC_PER_SEC));
  if (look->sight == FLUFL_SIGHT_STRANGE && findings->break_errsv != 0)
    g_string_append (text, " It can only be broken by force. If it was taken with another separator, use "
                           "that one.");
  else if (findings->break_errsv == EEXIST)
    g_string_append_printf (text, " The lock seems to be a copy. It can be broken %d s after it "
                            "expired, once nothing has changed for %d s.",
                            (int) (FLUFL_SLOP / FLUFL_NSEC_PER_SEC),
                            (int) (FLUFL_GRACE / FLUFL_NSEC_PER_SEC));
  else if (findings->break_errsv != 0)
    g_string_append_printf (text, " The lock cannot be broken from here: %s.",
                            g_strerror (findings->break_errsv));
  else if (findings->resting)
    g_string_append_printf (text, " The lock can be broken once nothing has changed for %d s.",
                            (int) (findings->rest / FLUFL_NSEC_PER_SEC));
  else if (findings->in_vigil)
    g_string_append_printf (text, " The lock can be broken if it is not refreshed within "
                            "%" G_GINT64_FORMAT " s.",
                            findings->vigil.left / FLUFL_NSEC_PER_SEC + 1);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
