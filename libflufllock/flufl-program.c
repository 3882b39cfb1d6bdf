/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-program-private.h"

#include <gio/gio.h>

#define FLATPAK_INFO "/.flatpak-info"

/* A sandbox has a file that shows its application. */
static const char *
find_flatpak (void)
{
  static gsize asked;
  static const char *name;

  if (g_once_init_enter (&asked))
    {
      g_autoptr (GKeyFile) info = g_key_file_new ();

      if (g_key_file_load_from_file (info, FLATPAK_INFO, G_KEY_FILE_NONE, NULL))
        {
          g_autofree char *id = g_key_file_get_string (info, "Application", "name", NULL);

          name = g_intern_string (id);
        }
      g_once_init_leave (&asked, 1);
    }
  return name;
}

/* A program that a Snap starts outside of itself may have its environment, too. */
static const char *
find_snap (void)
{
  const char *name = g_getenv ("SNAP_INSTANCE_NAME");
  g_autofree char *valid = NULL;

  if (name == NULL)
    name = g_getenv ("SNAP_NAME");
  if (name == NULL || name[0] == '\0')
    return NULL;
  valid = g_utf8_make_valid (name, -1);
  return g_intern_string (valid);
}

/*
 * flufl_program_find_name:
 *
 * Returns: (nullable): an interned string in UTF-8: the ID of the default application, of the Flatpak, or
 *   the name of the Snap
 */
const char *
flufl_program_find_name (void)
{
  GApplication *application = g_application_get_default ();
  const char *id = application != NULL ? g_application_get_application_id (application) : NULL;

  if (id != NULL)
    return g_intern_string (id);
  id = find_flatpak ();
  return id != NULL ? id : find_snap ();
}
