/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "say.h"

#include <libflufllock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "words.h"

static gboolean errors_as_json;

/* Whether errors are JSON from now on. */
void
fail_as_json (gboolean as_json)
{
  errors_as_json = as_json;
}

/* A file name may contain codes for the terminal, and any user may have chosen it. */
static void
disarm (GString *text)
{
  for (gsize i = 0; i < text->len; i++)
    {
      guchar byte = (guchar) text->str[i];
      gboolean is_c1 = byte == 0xc2 && (guchar) text->str[i + 1] >= 0x80 && (guchar) text->str[i + 1] < 0xa0;

      if ((byte < ' ' && byte != '\n') || byte == 0x7f)
        text->str[i] = '?';
      else if (is_c1)
        text->str[i] = text->str[i + 1] = '?';
    }
}

/* A mail of cron's, for example, is often in a locale without these quotation marks. In such a locale
 * translations may have letters beyond ASCII. A file name that is not UTF-8 stays as it is. */
static char *
dup_for_locale (const char *text)
{
  static const char *const plain[][2] = { { "“", "\"" }, { "”", "\"" }, { "„", "\"" }, { "…", "..." },
                                          { "’", "'" },  { "\u00a0", " " }, { "\u202f", " " } };
  g_autoptr (GString) result = g_string_new (text);
  const char *charset;
  char *converted;

  disarm (result);
  if (g_get_charset (&charset))
    return g_string_free (g_steal_pointer (&result), FALSE);
  for (gsize i = 0; i < G_N_ELEMENTS (plain); i++)
    g_string_replace (result, plain[i][0], plain[i][1], 0);
  converted = g_convert (result->str, -1, charset, "UTF-8", NULL, NULL, NULL);
  return converted != NULL ? converted : g_string_free (g_steal_pointer (&result), FALSE);
}

/* One write, so that the lines of several processes do not mix. */
static void
put (FILE *stream, const char *prefix, const char *text)
{
  g_autofree char *line = g_strconcat (prefix, text, "\n", NULL);

  fputs (line, stream);
  fflush (stream);
}

/* Whether a line on standard error does not have to wait for its reader. A process that holds a lock
 * asks first: it must be able to end its command in time. */
gboolean
can_say (void)
{
  struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

  return poll (&fd, 1, 0) > 0;
}

void
say (const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *shown = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  shown = dup_for_locale (text);
  put (stderr, "flufl-lock: ", shown);
}

void
print_line (const char *text)
{
  g_autofree char *shown = dup_for_locale (text);

  put (stdout, "", shown);
}

/* Returns: @status; that of a failure if a part of the output was lost */
int
check_output (int status)
{
  if (status == EXIT_DONE && ferror (stdout))
    return fail (EXIT_REFUSED, _("Could not write to standard output."));
  return status;
}

/* For g_print(). GOptionContext prints help by it, and then ends the program with 0. */
void
print_help_text (const char *text)
{
  g_autofree char *shown = dup_for_locale (text);

  fputs (shown, stdout);
  fflush (stdout);
  if (check_output (EXIT_DONE) != EXIT_DONE)
    exit (EXIT_REFUSED);
}

/* JSON is UTF-8 in every locale. */
void
print_json (const Json *json)
{
  put (stdout, "", json_text (json));
}

static void
fail_in_json (int status, const char *text)
{
  Json *json = json_new ();

  json_begin (json, NULL, '{');
  json_begin (json, "error", '{');
  json_string (json, "name", exit_status_name (status));
  json_int (json, "status", status);
  json_string (json, "message", text);
  json_end (json, '}');
  json_end (json, '}');
  put (stderr, "", json_text (json));
  json_free (json);
}

/* Says why the command fails. Returns: @status */
int
fail (int status, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (errors_as_json)
    fail_in_json (status, text);
  else
    say ("%s", text);
  return status;
}

/* As fail(), for a sentence and those that follow it. */
int
fail_with (int status, const char *sentence, const char *details)
{
  g_autofree char *text = words_join (sentence, details);

  return fail (status, "%s", text);
}

int
fail_by_error (const GError *error)
{
  /* The message speaks to programmers. */
  if (g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED)
      && strstr (error->message, "without-links") != NULL)
    return fail_with (exit_status_of_error (error), error->message,
                      _("For flufl-lock this property is the option --without-links."));
  return fail (exit_status_of_error (error), "%s", error->message);
}
