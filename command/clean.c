/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “clean”: claims that dead processes have left.
 */

#include <errno.h>
#include <libflufllock.h>

#include "commands.h"
#include "exits.h"
#include "json.h"
#include "options.h"
#include "path.h"
#include "say.h"
#include "words.h"

static struct
{
  gboolean as_json, dry_run;
} given;

static const GOptionEntry entries[] = {
  { "dry-run", 0, 0, G_OPTION_ARG_NONE, &given.dry_run,
    N_("Show the claims that would be removed, and leave them"), NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print JSON"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind kind = {
  .usage = N_("DIRECTORY"),
  .summary = N_("Removes the claims that dead processes have left in a directory, and no other files."),
  .entries = entries,
  .has_no_lock = TRUE,
};

static void
show_words (GPtrArray *claims)
{
  for (guint i = 0; i < claims->len; i++)
    {
      g_autofree char *path = g_file_get_path (claims->pdata[i]);
      g_autofree char *line = NULL;

      g_strdelimit (path, "\n", '?'); /* a line for each claim */
      /* Translators: %s is a file, in “Removed …”, too. */
      line = given.dry_run ? g_strdup_printf (_("Would remove %s"), path)
                           : g_strdup_printf (_("Removed %s"), path);
      print_line (line);
    }
}

static void
show_json (GPtrArray *claims)
{
  g_autoptr (Json) json = json_new ();

  json_begin (json, NULL, '{');
  json_bool (json, "removed", !given.dry_run);
  json_begin (json, "claims", '[');
  for (guint i = 0; i < claims->len; i++)
    {
      g_autofree char *path = g_file_get_path (claims->pdata[i]);

      json_string (json, NULL, path);
    }
  json_end (json, ']');
  json_end (json, '}');
  print_json (json);
}

int
command_clean (int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (GFile) directory = NULL;
  g_autoptr (GPtrArray) claims = NULL;
  g_autoptr (GError) error = NULL;

  if (!options_parse (&kind, &argc, &argv) || !options_count (&kind, argc, 2, 2))
    return EXIT_USAGE;
  path = path_resolve_directory (argv[1]);
  if (path == NULL)
    return fail (EXIT_REFUSED, _("Could not read the directory “%s”: %s."), argv[1], g_strerror (errno));
  directory = g_file_new_for_path (path);
  claims = flufl_lock_remove_leftovers (directory, given.dry_run, NULL, &error);
  if (claims == NULL)
    return fail_by_error (error);
  if (given.as_json)
    show_json (claims);
  else
    show_words (claims);
  return EXIT_DONE;
}
