/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "look.h"

#include "exits.h"
#include "holder.h"
#include "options.h"
#include "path.h"
#include "words.h"

/* Returns FALSE if the file cannot be looked at, or is not a lock. */
gboolean
look_at (Look *self, const char *path)
{
  g_autoptr (FluflLock) lock = options_make_lock (path, NULL);

  self->path = g_strdup (path);
  self->details = flufl_lock_query_details (lock, NULL, &self->error);
  if (g_error_matches (self->error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD))
    g_clear_error (&self->error);
  return self->error == NULL;
}

/* As look_at(), for a path of the command line. A mistake in it, or a file system that is not mounted,
 * must not look like a lock that is free. */
gboolean
look_at_given (Look *self, const char *path)
{
  g_autofree char *trimmed = path_trim (path);
  g_autofree char *directory = g_path_get_dirname (trimmed);

  if (!look_at (self, path))
    return FALSE;
  if (self->details == NULL && !g_file_test (directory, G_FILE_TEST_IS_DIR))
    g_set_error (&self->error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 _("There is no directory “%s” for the lock “%s”."), directory, path);
  return self->error == NULL;
}

void
look_clear (Look *self)
{
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->details, flufl_lock_details_free);
  g_clear_error (&self->error);
}

/* Whether the next process gets the lock: nobody holds it, or its holder is dead. */
gboolean
look_is_free (const Look *self)
{
  return self->error == NULL
         && (self->details == NULL
             || flufl_lock_details_get_state (self->details) == FLUFL_LOCK_STATE_STALE);
}

/* Returns: (transfer full): sentences */
char *
look_describe (const Look *self)
{
  g_autofree char *holder = NULL;
  g_autofree char *path = g_strdelimit (g_strdup (self->path), "\n", '?'); /* a line for each lock */

  if (self->error != NULL)
    return g_strdup (self->error->message);
  if (self->details == NULL)
    /* Translators: “it” is the lock, whose path and a colon are before this. */
    return g_strdup_printf ("%s: %s", path, _("Nobody holds it."));
  holder = describe_holder (self->details);
  return g_strdup_printf ("%s: %s", path, holder);
}

static void
json_error (Json *json, const GError *error)
{
  json_begin (json, "error", '{');
  json_string (json, "name", exit_status_name (exit_status_of_error (error)));
  json_int (json, "status", exit_status_of_error (error));
  json_string (json, "message", error->message);
  json_end (json, '}');
}

void
look_to_json (const Look *self, Json *json, const char *key)
{
  json_begin (json, key, '{');
  json_string (json, "path", self->path);
  if (self->error != NULL)
    json_error (json, self->error);
  else
    json_string (json, "state",
                 state_name (self->details != NULL ? flufl_lock_details_get_state (self->details)
                                                   : FLUFL_LOCK_STATE_UNLOCKED));
  if (self->details != NULL)
    json_holder (json, self->details);
  json_end (json, '}');
}
