/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "doctor.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "exits.h"
#include "json.h"
#include "options.h"
#include "path.h"
#include "say.h"
#include "words.h"

static struct
{
  gboolean as_json;
} given;

static const GOptionEntry entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print JSON"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind kind = {
  .usage = N_("DIRECTORY"),
  /* Translators: The line break is for terminals with 80 columns; put yours where it fits. */
  .summary = N_("Examines whether and how locks work in a directory. Makes files whose names\n"
                "begin with “.flufl-doctor-”, and removes them."),
  .entries = entries,
};

struct _Doctor
{
  const char *given;     /* the directory, as the command line names it */
  char       *directory; /* owned; without symbolic links */
  Json       *json;      /* nullable; in the array */
  guint       n_bad;
  gboolean    is_fat;
};

static const struct
{
  const char *name; /* part of the JSON */
  const char *words;
} verdicts[] = {
  /* Translators: The verdicts “good”, “note” and “BAD” are a column before what “doctor” has found.
   * “note”: it works, and one should know this. */
  [VERDICT_GOOD] = { "good", N_("good") },
  [VERDICT_NOTE] = { "note", N_("note") },
  [VERDICT_BAD] = { "bad", N_("BAD") },
};

/* A line that begins with the verdict, in a column that is wide enough for all. */
static char *
make_line (Verdict verdict, const char *text)
{
  g_autoptr (GString) line = g_string_new (_(verdicts[verdict].words));
  glong width = 0, left;

  for (gsize i = 0; i < G_N_ELEMENTS (verdicts); i++)
    width = MAX (width, g_utf8_strlen (_(verdicts[i].words), -1));
  for (left = width - g_utf8_strlen (line->str, -1) + 2; left > 0; left--)
    g_string_append_c (line, ' ');
  g_string_append (line, text);
  return g_string_free (g_steal_pointer (&line), FALSE);
}

const char *
doctor_directory (Doctor *self)
{
  return self->directory;
}

/* Returns: (transfer full): the path of a file that may be made, and is to be removed */
char *
doctor_make_path (Doctor *self, const char *suffix)
{
  g_autofree char *name = g_strdup_printf (".flufl-doctor-%d-%08x%s", (int) getpid (), g_random_int (),
                                           suffix);

  return g_build_filename (self->directory, name, NULL);
}

gboolean
doctor_found_bad (Doctor *self)
{
  return self->n_bad > 0;
}

void
doctor_set_fat (Doctor *self)
{
  self->is_fat = TRUE;
}

gboolean
doctor_is_fat (Doctor *self)
{
  return self->is_fat;
}

/* Whether locks need no hard links here. */
gboolean
doctor_is_without_links (Doctor *self)
{
  return self->is_fat || options_without_links ();
}

/* @name: of the examination, in JSON */
void
doctor_report (Doctor *self, const char *name, Verdict verdict, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  self->n_bad += verdict == VERDICT_BAD;
  if (self->json == NULL)
    {
      line = make_line (verdict, text);
      print_line (line);
      return;
    }
  json_begin (self->json, NULL, '{');
  json_string (self->json, "name", name);
  json_string (self->json, "verdict", verdicts[verdict].name);
  json_string (self->json, "message", text);
  json_end (self->json, '}');
}

static void
examine (Doctor *self)
{
  doctor_look_at_mount (self);
  doctor_look_at_permissions (self);
  doctor_try_files (self);
  doctor_try_watch (self);
  doctor_try_lock (self);
}

static void
examine_in_json (Doctor *self)
{
  self->json = json_new ();
  json_begin (self->json, NULL, '{');
  json_string (self->json, "directory", self->given);
  json_begin (self->json, "examinations", '[');
  examine (self);
  json_end (self->json, ']');
  json_bool (self->json, "usable", !doctor_found_bad (self));
  json_end (self->json, '}');
  print_json (self->json);
  json_free (self->json);
}

static int
examine_and_report (Doctor *self)
{
  if (given.as_json)
    examine_in_json (self);
  else
    examine (self);
  return doctor_found_bad (self) ? EXIT_REFUSED : EXIT_DONE;
}

int
command_doctor (int argc, char **argv)
{
  Doctor self = { 0 };
  struct stat st;
  int status;

  if (!options_parse (&kind, &argc, &argv) || !options_count (&kind, argc, 2, 2))
    return EXIT_USAGE;
  self.given = argv[1];
  self.directory = path_resolve_directory (self.given);
  if (self.directory == NULL || stat (self.directory, &st) != 0)
    status = fail (EXIT_REFUSED, _("Could not look at “%s”: %s."), self.given, g_strerror (errno));
  else if (!S_ISDIR (st.st_mode))
    status = fail (EXIT_REFUSED, _("“%s” is not a directory."), self.given);
  else
    status = examine_and_report (&self);
  g_free (self.directory);
  return status;
}
