/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "options.h"

#include <math.h>
#include <string.h>

#include "arguments.h"
#include "exits.h"
#include "path.h"
#include "say.h"
#include "words.h"

/* 30 years: what is more is a mistake in the unit. */
#define SECONDS_MAX 1e9

static gboolean without_links;

/* Of all subcommands that look at a lock. */
static const GOptionEntry lock_entries[] = {
  { "without-links", 0, 0, G_OPTION_ARG_NONE, &without_links,
    /* Translators: All users of one lock must give this option, or none of them. */
    N_("Use no hard links on sshfs and the like, as all users of the lock must"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* Errors of the command line itself are JSON, too, if that is asked for anywhere in it. */
static void
find_json (int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp (argv[i], "--") != 0; i++)
    if (strcmp (argv[i], "--json") == 0)
      fail_as_json (TRUE);
}

/* GOptionContext leaves the “--” before an argument that begins with “-”. In a strict command line
 * only the first can be ours. */
static void
remove_separator (const OptionsKind *kind, int *argc, char **argv)
{
  int end = kind->is_strict ? MIN (*argc, 2) : *argc, i = 1;

  while (i < end && strcmp (argv[i], "--") != 0)
    i++;
  if (i >= end)
    return;
  for (; i < *argc; i++) /* with the NULL at the end */
    argv[i] = argv[i + 1];
  *argc -= 1;
}

/* Returns FALSE after it said what is wrong. */
gboolean
options_parse (const OptionsKind *kind, int *argc, char ***argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (kind->usage);
  g_autofree char *name = g_strconcat ("flufl-lock ", (*argv)[0], NULL);
  g_autoptr (GError) error = NULL;

  if (!kind->is_strict)
    find_json (*argc, *argv);
  *argv = arguments_split (kind, argc, *argv);
  g_set_prgname (name);
  /* GLib translates the texts if it shows them. So a command line without a mistake reads no
   * catalogue. */
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_set_summary (context, kind->summary);
  g_option_context_add_main_entries (context, kind->entries, GETTEXT_PACKAGE);
  if (kind->more != NULL)
    g_option_context_add_main_entries (context, kind->more, GETTEXT_PACKAGE);
  if (!kind->has_no_lock)
    g_option_context_add_main_entries (context, lock_entries, GETTEXT_PACKAGE);
  g_option_context_set_strict_posix (context, kind->is_strict);
  if (!g_option_context_parse (context, argc, argv, &error))
    {
      /* Translators: The first text is GLib's, such as “Unknown option --x”; the second is a
       * subcommand. */
      fail (EXIT_USAGE, _("%s. See flufl-lock %s --help."), error->message, (*argv)[0]);
      return FALSE;
    }
  remove_separator (kind, argc, *argv);
  if (*argc > 1 && (*argv)[1][0] == '\0') /* a variable of a script that is not set, as a rule */
    fail (EXIT_USAGE, _("The first argument of flufl-lock %s is empty."), (*argv)[0]);
  else
    return TRUE;
  return FALSE;
}

/* Whether there are @min to @max arguments; those include the subcommand's name. @max: 0 for any
 * number. Otherwise it said what is wrong. */
gboolean
options_count (const OptionsKind *kind, int argc, int min, int max)
{
  if (argc >= min && (max == 0 || argc <= max))
    return TRUE;
  if (argc < min)
    /* Translators: %s is what comes after the options, such as “LOCKFILE”. */
    fail (EXIT_USAGE, _("The command line lacks an argument. The arguments are: %s"), _(kind->usage));
  else
    /* Translators: %s is what comes after the options, such as “LOCKFILE”. */
    fail (EXIT_USAGE, _("The command line has too many arguments. The arguments are: %s"), _(kind->usage));
  return FALSE;
}

/* Seconds, perhaps with a fraction, to milliseconds. A fraction of a millisecond counts as a whole one. */
gboolean
options_seconds (const char *option, const char *text, gint64 *out_msec)
{
  char *end;
  double seconds = g_ascii_strtod (text, &end);

  if (end == text || *end != '\0' || !isfinite (seconds) || signbit (seconds)
      || seconds > SECONDS_MAX)
    {
      /* Translators: The second %s is an option, such as “--lifetime”. */
      fail (EXIT_USAGE, _("The value “%s” of %s is not a number of seconds from 0 to %.0f."), text, option,
            SECONDS_MAX);
      return FALSE;
    }
  *out_msec = (gint64) ceil (seconds * 1000);
  return TRUE;
}

gboolean
options_number (const char *option, const char *text, gint64 max, gint64 *out_number)
{
  if (g_ascii_string_to_signed (text, 10, 0, max, out_number, NULL))
    return TRUE;
  /* Translators: The second %s is an option, such as “-E”. */
  fail (EXIT_USAGE, _("The value “%s” of %s is not a number from 0 to %d."), text, option, (int) max);
  return FALSE;
}

gboolean
options_without_links (void)
{
  return without_links;
}

/*
 * options_make_lock:
 * @program: (nullable): what the claim names as the program
 *
 * Returns: (transfer full): the lock at @path, with what the command line says of all locks
 */
FluflLock *
options_make_lock (const char *path, const char *program)
{
  g_autoptr (GFile) file = path_make_lock_file (path);

  return g_object_new (FLUFL_TYPE_LOCK, "file", file, "program-name", program, "without-links", without_links,
                       NULL);
}
