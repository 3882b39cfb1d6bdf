/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The names on the disk, and the facts about the files that they lead to.
 */

#include "world-private.h"

#include "flufl-exclusive-name.h"

#include <stdio.h>
#include <string.h>

static const char *
last_part (const char *path)
{
  return strrchr (path, '/') + 1;
}

static Name *
find_name (const char *path)
{
  for (guint i = 0; i < world.n_names; i++)
    if (strcmp (world.names[i].path, path) == 0)
      return &world.names[i];
  return NULL;
}

void
world_add_name (const char *path, guint maker)
{
  Name *name = &world.names[world.n_names++];

  g_assert_cmpuint (world.n_names, <=, G_N_ELEMENTS (world.names));
  name->path = g_strdup (path);
  name->hash = g_str_hash (path) * G_GUINT64_CONSTANT (0x9E3779B97F4A7C15);
  name->maker = maker;
}

void
world_adopt (const char *path)
{
  FluflStat st;

  g_assert_cmpint (fake_syscalls.lstat (path, &st), ==, 0);
  world_add_name (path, NOBODY);
  if (world.files[st.ino].number == 0)
    world.files[st.ino].number = ++world.n_made[NOBODY];
}

void
world_remove_name (const char *path)
{
  Name *name = find_name (path);

  g_free (name->path);
  *name = world.names[--world.n_names];
}

File *
world_file_at (const char *path)
{
  FluflStat st;

  if (find_name (path) == NULL || fake_syscalls.lstat (path, &st) != 0)
    return NULL;
  return &world.files[st.ino];
}

File *
world_file_of (int fd)
{
  FluflStat st;

  g_assert_cmpint (fake_syscalls.fstat (fd, &st), ==, 0);
  return &world.files[st.ino];
}

gboolean
world_is_lock (const char *path)
{
  return strcmp (path, LOCK) == 0;
}

gboolean
world_is_exclusive (void)
{
  return world.scenario->kind == FLUFL_FS_FAT
         || (world.scenario->kind == FLUFL_FS_OTHER && !world.scenario->cluster);
}

gboolean
world_is_mark (const char *path)
{
  g_autofree char *who = world_is_exclusive ()
                             ? flufl_exclusive_dup_who (&world.current->proc.site, last_part (path))
                             : NULL;

  return who != NULL;
}

const char *
world_short_name (const char *path)
{
  static char names[4][32];
  static guint turn;
  char *out = names[++turn % 4];
  const char *random = strrchr (path, 'R');
  unsigned number;

  if (world_is_lock (path))
    return "L";
  if (random == NULL || sscanf (random, "R%12x", &number) != 1)
    return last_part (path);
  g_snprintf (out, sizeof names[0], "C%u.%u", number >> 8, number & 255);
  return out;
}
