/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "bystanders.h"

#include <string.h>

#include "flufl-path.h"

#define SEPARATOR FLUFL_DEFAULT_SEPARATOR

static const char *const names[]
    = { "x.lock.txt", "y.lock" SEPARATOR "h" SEPARATOR "1" SEPARATOR "T18eac9a40973529cR1", "z",
        NULL };

static char *
path_of (const Disk *disk, const char *name)
{
  g_autofree char *directory = g_path_get_dirname (disk->lock ());

  return g_strconcat (directory, "/", name, NULL);
}

void
bystanders_put (const Disk *disk)
{
  for (gsize i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = path_of (disk, names[i]);

      disk_put (disk, path, names[i], -3600);
    }
}

gboolean
bystanders_has (const char *name)
{
  return g_strv_contains (names, name);
}

const char *
bystanders_find_touched (const Disk *disk)
{
  FluflStat st;

  for (gsize i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = path_of (disk, names[i]);

      if (!disk_look (disk, path, &st) || st.nlink != 1 || st.size != (gint64) strlen (names[i]))
        return names[i];
    }
  return NULL;
}
