/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Who or what is in the way, in words: a lock, or a file that is not one.
 */

#include "config.h"

#include "flufl-report-private.h"

#include <errno.h>
#include <string.h>

#include "flufl-error.h"
#include "flufl-lock-details-private.h"
#include "flufl-person-private.h"
#include "flufl-words-private.h"

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
  return g_date_time_format (local != NULL ? local : utc,
                             /* Translators: A date, a time and a time zone, for g_date_time_format(),
                              * in a sentence such as “The lock expired at %s.” Use numbers. A
                              * preposition before the time can be put here instead of into the
                              * sentences. */
                             C_("time-in-sentence", "%Y-%m-%d %H:%M:%S %Z"));
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
    return g_strdup (_("This process may not read the lock file, so the holder is not known."));
  if (look->sight == FLUFL_SIGHT_BLANK)
    return g_strdup (_("The lock file is still empty, so the holder is not known."));
  if (look->sight != FLUFL_SIGHT_STRANGE)
    return NULL;
  path = flufl_site_path_of (site, look->claim.name);
  shown = show_foreign (path);
  return g_strdup_printf (_("The claim file “%s” has another form of name, perhaps with a separator "
                            "other than “%s”, so the holder is not known."),
                          shown, site->separator);
}

/* The texts that a sentence about the holder names. */
typedef struct
{
  char *user;      /* owned; nullable */
  char *real_name; /* owned; nullable: none, or that of @user */
  char *program;   /* owned; nullable */
  char *host;      /* owned */
  int   pid;
} Holder;

static void
holder_clear (Holder *self)
{
  g_free (self->user);
  g_free (self->real_name);
  g_free (self->program);
  g_free (self->host);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Holder, holder_clear)

static void
holder_init (Holder *self, const FluflFindings *findings)
{
  const FluflLook *look = &findings->look;
  FluflPerson person;

  self->host = show_foreign (look->claim.host);
  self->pid = look->claim.pid;
  if (findings->program[0] != '\0')
    self->program = show_foreign (findings->program);
  if (!flufl_person_find (look->owner, &person))
    return;
  self->user = show_foreign (person.name);
  if (person.real_name != NULL && strcmp (person.real_name, person.name) != 0)
    self->real_name = show_foreign (person.real_name);
}

/* A sentence that names a holder whose user is known. */
static char *
describe_user (const Holder *self)
{
  if (self->real_name != NULL && self->program != NULL)
    /* Translators: “it” is the lock. The texts are the user's account, the user's real name, the
     * program, its process ID, and its machine. */
    return g_strdup_printf (_("User “%s” (%s) holds it with “%s”, process %d on host “%s”."), self->user,
                            self->real_name, self->program, self->pid, self->host);
  if (self->real_name != NULL)
    /* Translators: “it” is the lock. The texts are the user's account and the user's real name. */
    return g_strdup_printf (_("User “%s” (%s) holds it with process %d on host “%s”."), self->user,
                            self->real_name, self->pid, self->host);
  if (self->program != NULL)
    /* Translators: “it” is the lock. */
    return g_strdup_printf (_("User “%s” holds it with “%s”, process %d on host “%s”."), self->user,
                            self->program, self->pid, self->host);
  /* Translators: “it” is the lock. */
  return g_strdup_printf (_("User “%s” holds it with process %d on host “%s”."), self->user, self->pid,
                          self->host);
}

/* A sentence that names the holder. */
static char *
describe_holder (const FluflSite *site, const FluflFindings *findings)
{
  g_auto (Holder) holder = { 0 };
  char *nameless = describe_nameless (site, &findings->look);

  if (nameless != NULL)
    return nameless;
  holder_init (&holder, findings);
  if (findings->own)
    /* Translators: “it” is the lock. %d is the process ID. */
    return g_strdup_printf (_("Another object of this process (%d) holds it."), holder.pid);
  if (holder.user != NULL)
    return describe_user (&holder);
  if (holder.program != NULL)
    /* Translators: The first %s is a program. */
    return g_strdup_printf (_("“%s”, process %d on host “%s”, holds the lock."), holder.program,
                            holder.pid, holder.host);
  return g_strdup_printf (_("Process %d on host “%s” holds the lock."), holder.pid, holder.host);
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
    /* Translators: The texts are a date and a time each. */
    return g_strdup_printf (_("The lock was acquired at %s, and it expired at %s."), since, until);
  if (since != NULL)
    /* Translators: The texts are a date and a time each. */
    return g_strdup_printf (_("The lock was acquired at %s, and it is held until %s or longer."), since,
                            until);
  if (past)
    return g_strdup_printf (_("The lock expired at %s."), until);
  return g_strdup_printf (_("The lock is held until %s or longer."), until);
}

/* A sentence for what is known of the holder's process, or NULL. */
static const char *
describe_liveness (const FluflFindings *findings)
{
  if (findings->look.sight != FLUFL_SIGHT_CLAIM || findings->own)
    return NULL;
  if (findings->stopped)
    /* Translators: A signal, such as that of Ctrl+Z, has stopped the process. Another one continues it. */
    return _("The process is alive, but it is stopped, and does nothing until it is continued.");
  switch (findings->liveness)
    {
    case FLUFL_LIVENESS_ALIVE:
      return _("The process is alive.");
    case FLUFL_LIVENESS_DEAD:
      return _("The process is dead.");
    case FLUFL_LIVENESS_UNKNOWN:
    default:
      return _("It is not known whether the process is alive.");
    }
}

/* A number of seconds, for a sentence and its plural form. */
static int
seconds_of (gint64 nsec)
{
  return (int) (nsec / FLUFL_NSEC_PER_SEC);
}

/* A sentence for an expired lock that may not be broken yet, because clocks may differ; or NULL. */
static char *
describe_slop (const FluflSite *site, const FluflFindings *findings)
{
  int slop = seconds_of (FLUFL_SLOP);

  if (!is_past (site, &findings->look) || findings->overdue || findings->resting
      || findings->look.sight != FLUFL_SIGHT_CLAIM || findings->break_errsv != 0)
    return NULL;
  return g_strdup_printf (P_("The lock can be broken %d s after it expired.",
                             "The lock can be broken %d s after it expired.", slop),
                          slop);
}

/* Sentences for what keeps the lock from being broken, or NULL. */
static char *
describe_break (const FluflFindings *findings)
{
  int seconds;

  if (findings->look.sight == FLUFL_SIGHT_STRANGE && findings->break_errsv != 0)
    /* Translators: “It” is the lock. “By force” is what the flag FLUFL_BREAK_FORCE and the option
     * --force are for. A separator is a text between the parts of a file's name. */
    return g_strdup (_("It can only be broken by force. If it was taken with another separator, use "
                       "that one."));
  if (findings->break_errsv == EXDEV)
    /* Translators: “It” is the lock. “without-links” is the name of a property, and stays. */
    return g_strdup (_("It was made by a program with another setting of “without-links”, so it can only "
                       "be broken by force."));
  if (findings->break_errsv == EMLINK && findings->look.exclusive)
    /* Translators: “it” is the lock. */
    return g_strdup (_("Nine attempts to break it were not completed, so it can only be broken by "
                       "force."));
  if (findings->break_errsv == EEXIST)
    /* Translators: Both numbers are greater than 1. */
    return g_strdup_printf (_("The lock seems to be a copy. It can be broken %d s after it expired, once "
                              "nothing has changed for %d s."),
                            seconds_of (FLUFL_SLOP), seconds_of (FLUFL_GRACE));
  if (findings->break_errsv != 0)
    /* Translators: “From here” means “by this process”. %s is the system's text for the error. */
    return g_strdup_printf (_("The lock cannot be broken from here: %s."),
                            g_strerror (findings->break_errsv));
  if (findings->resting)
    {
      seconds = seconds_of (findings->rest);
      return g_strdup_printf (P_("The lock can be broken once nothing has changed for %d s.",
                                 "The lock can be broken once nothing has changed for %d s.", seconds),
                              seconds);
    }
  if (!findings->in_vigil)
    return NULL;
  seconds = seconds_of (findings->vigil_left) + 1;
  return g_strdup_printf (P_("The lock can be broken if it is not refreshed within %d s.",
                             "The lock can be broken if it is not refreshed within %d s.", seconds),
                          seconds);
}

/* Appends sentences, if there are any. */
static void
append (char **text, const char *more)
{
  char *joined = flufl_words_join (*text, more);

  g_free (*text);
  *text = joined;
}

/* Sentences about who or what is in the way. */
char *
flufl_report_describe_obstacle (const FluflSite *site, const FluflFindings *findings)
{
  const FluflLook *look = &findings->look;
  g_autofree char *failure = NULL, *times = NULL, *slop = NULL, *obstacle = NULL;
  int grace = seconds_of (FLUFL_GRACE);
  char *text;

  if (findings->errsv != 0)
    {
      failure = flufl_report_describe_failure (site, findings->failed_step, findings->errsv);
      return flufl_words_join (_("The last attempt failed."), failure);
    }
  if (look->sight == FLUFL_SIGHT_NOTHING)
    /* Translators: “it” is the lock. */
    return g_strdup (_("Other processes took it each time it became free."));
  /* A wait meets a foreign file only if it may be a lock that was just released. Other foreign
   * files end the acquisition with NOT_A_LOCK. */
  if (look->sight == FLUFL_SIGHT_FOREIGN)
    return g_strdup_printf (P_("The file may be a lock whose claim was just removed. It counts as no "
                               "lock once nothing has changed for %d s.",
                               "The file may be a lock whose claim was just removed. It counts as no "
                               "lock once nothing has changed for %d s.",
                               grace),
                            grace);

  text = describe_holder (site, findings);
  append (&text, describe_liveness (findings));
  append (&text, times = describe_times (site, look));
  append (&text, slop = describe_slop (site, findings));
  append (&text, obstacle = describe_break (findings));
  return text;
}

/* --- A file that is not a lock --- */

/* A sentence for what lies in the place of the lock file. */
static char *
describe_foreign (const FluflSite *site, FluflForeign foreign)
{
  g_autofree char *path = flufl_report_lock_file (site);

  switch (foreign)
    {
    case FLUFL_FOREIGN_DIRECTORY:
      return g_strdup_printf (_("“%s” is not a lock file but a directory."), path);
    case FLUFL_FOREIGN_SYMLINK:
      return g_strdup_printf (_("“%s” is not a lock file but a symbolic link."), path);
    case FLUFL_FOREIGN_PIPE:
      return g_strdup_printf (_("“%s” is not a lock file but a named pipe."), path);
    case FLUFL_FOREIGN_SOCKET:
      return g_strdup_printf (_("“%s” is not a lock file but a socket."), path);
    case FLUFL_FOREIGN_DEVICE:
      return g_strdup_printf (_("“%s” is not a lock file but a device."), path);
    case FLUFL_FOREIGN_SOCKET_OR_DEVICE:
      return g_strdup_printf (_("“%s” is not a lock file but a socket or a device."), path);
    case FLUFL_FOREIGN_EMPTY:
      return g_strdup_printf (_("“%s” is not a lock file: it is empty."), path);
    case FLUFL_FOREIGN_ZEROS:
      return g_strdup_printf (_("“%s” is not a lock file: it contains only zero bytes."), path);
    case FLUFL_FOREIGN_CONTENT:
    case FLUFL_FOREIGN_NONE:
    default:
      return g_strdup_printf (_("“%s” is not a lock file: its content does not name a claim file of "
                                "this lock."),
                              path);
    }
}

/* Most often it is the very file that the lock was to protect: so nothing here may advise to
 * remove what has content. */
GError *
flufl_report_not_a_lock (const FluflSite *site, const FluflLook *look)
{
  g_autofree char *path = flufl_report_lock_file (site);
  g_autofree char *foreign = describe_foreign (site, look->foreign);
  g_autofree char *advice = NULL;
  g_autofree char *text = NULL;

  if (look->is_blank && look->nlink >= 2)
    /* Translators: “It” is the file at the lock file's path. */
    advice = g_strdup (_("It has another hard link, so it may be a lock whose content is lost. Break "
                         "it by force only if nobody holds it."));
  else if (look->is_blank)
    /* Translators: “It” is the empty file at the lock file's path. */
    advice = g_strdup (_("If nothing needs it, remove it, or break the lock by force."));
  else if (!g_str_has_suffix (path, ".lock") && site->lock_name[strspn (site->lock_name, ".")] != '\0'
           && strlen (site->lock_name) + strlen (".lock") <= FLUFL_NAME_MAX)
    /* Translators: “It” is the file at the lock file's path, most often the user's data. */
    advice = g_strdup_printf (_("To protect it, use another file as the lock, such as “%s.lock”."), path);
  else
    advice = g_strdup (_("Choose another path for the lock."));
  text = flufl_words_join (foreign, advice);
  return g_error_new_literal (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK, text);
}
