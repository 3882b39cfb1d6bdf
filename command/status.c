/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “status” and “list”: who holds locks.
 */

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "exits.h"
#include "look.h"
#include "options.h"
#include "path.h"
#include "say.h"
#include "words.h"

static struct
{
  gboolean as_json, check;
} given;

static const GOptionEntry status_entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print JSON"), NULL },
  { "check", 0, 0, G_OPTION_ARG_NONE, &given.check,
    N_("Print only errors, and exit with 75 if a lock is held"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind status_kind = {
  .usage = N_("LOCKFILE…"),
  .summary = N_("Shows who holds each lock, since when and until when, and whether the holder lives."),
  .entries = status_entries,
};

static const GOptionEntry list_entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print JSON"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind list_kind = {
  .usage = N_("DIRECTORY"),
  .summary = N_("Shows the held locks in a directory."),
  .entries = list_entries,
};

/* The answers about some locks, as they are printed. */
typedef struct
{
  Json *json; /* nullable; in the array */
  int   status;
} Report;

static void
report_look (Report *self, const Look *look)
{
  g_autofree char *text = look_describe (look);

  if (self->json != NULL)
    look_to_json (look, self->json, NULL);
  else if (look->error != NULL)
    say ("%s", text);
  else if (!given.check)
    print_line (text);
  if (look->error != NULL)
    self->status = exit_status_of_error (look->error);
  else if (given.check && !look_is_free (look) && self->status == EXIT_DONE)
    self->status = EXIT_BUSY;
}

static void
report_begin (Report *self)
{
  if (!given.as_json)
    return;
  self->json = json_new ();
  json_begin (self->json, NULL, '[');
}

static int
report_end (Report *self)
{
  if (self->json != NULL)
    {
      json_end (self->json, ']');
      print_json (self->json);
      json_free (self->json);
    }
  return self->status;
}

int
command_status (int argc, char **argv)
{
  Report report = { 0 };

  if (!options_parse (&status_kind, &argc, &argv) || !options_count (&status_kind, argc, 2, 0))
    return EXIT_USAGE;
  if (given.check && given.as_json)
    return fail (EXIT_USAGE, _("--check and --json exclude each other."));
  report_begin (&report);
  for (int i = 1; i < argc; i++)
    {
      g_auto (Look) look = { 0 };

      look_at_given (&look, argv[i]);
      report_look (&report, &look);
    }
  return report_end (&report);
}

/* --- list --- */

/* No lock without hard links is longer. Its name is in it, with some bytes more. */
#define CONTENT_MAX 300

/* Whether the file has another name in its directory with which this name begins, as the name of a claim
 * begins with that of its lock file. */
static gboolean
has_shorter_name (const char *path, const struct stat *st)
{
  for (const char *end = strrchr (path, '/') + 2; *end != '\0'; end++)
    {
      g_autofree char *shorter = NULL;
      struct stat other;

      if (g_ascii_isalnum (*end))
        continue;
      shorter = g_strndup (path, (gsize) (end - path));
      if (lstat (shorter, &other) == 0 && other.st_ino == st->st_ino && other.st_dev == st->st_dev)
        return TRUE;
    }
  return FALSE;
}

/* A lock has a second name, that of its claim. A claim with its own name as a lock file shows itself. One
 * that may not be read is known by the names. Where there are no hard links, only the content shows what
 * a small file is. */
static gboolean
look_at_candidate (Look *look, const char *path)
{
  struct stat st;

  if (lstat (path, &st) != 0 || !S_ISREG (st.st_mode)
      || (st.st_nlink < 2 && (st.st_size == 0 || st.st_size > CONTENT_MAX)))
    return FALSE;
  if (!look_at (look, path))
    return st.st_nlink >= 2
           && !g_error_matches (look->error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK)
           && !has_shorter_name (path, &st);
  return look->details != NULL
         && !g_file_equal (flufl_lock_details_get_lock_file (look->details),
                           flufl_lock_details_get_claim_file (look->details));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Returns: (transfer full) (nullable): the names, sorted; NULL with errno set */
static GPtrArray *
read_names (const char *path)
{
  DIR *dir = opendir (path);
  GPtrArray *names;
  const struct dirent *entry;

  if (dir == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((entry = readdir (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (dir);
  g_ptr_array_sort (names, compare_names);
  return names;
}

int
command_list (int argc, char **argv)
{
  g_autofree char *directory = NULL;
  g_autoptr (GPtrArray) names = NULL;
  Report report = { 0 };

  if (!options_parse (&list_kind, &argc, &argv) || !options_count (&list_kind, argc, 2, 2))
    return EXIT_USAGE;
  directory = path_resolve_directory (argv[1]);
  names = directory != NULL ? read_names (directory) : NULL;
  if (names == NULL)
    return fail (EXIT_REFUSED, _("Could not read the directory “%s”: %s."), argv[1], g_strerror (errno));
  report_begin (&report);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (argv[1], names->pdata[i], NULL);
      g_auto (Look) look = { 0 };

      if (look_at_candidate (&look, path))
        report_look (&report, &look);
    }
  return report_end (&report);
}
