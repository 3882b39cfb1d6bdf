/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A person who deletes files, and the consequences for the rules.
 */

#include "world-private.h"

void
world_rob_holder (void)
{
  FluflStat st;

  if (fake_syscalls.lstat (LOCK, &st) == 0 && world.files[st.ino].owner < WORLD_MAX)
    world.actors[world.files[st.ino].owner].robbed = TRUE;
}

void
world_excuse_all (void)
{
  for (guint i = 0; i < world.n_actors; i++)
    world.actors[i].excused = TRUE;
}

static void
delete_names (gboolean lock, gboolean claims)
{
  for (guint i = world.n_names; i > 0; i--)
    {
      g_autofree char *path = g_strdup (world.names[i - 1].path);

      if ((lock && world_is_lock (path)) || (claims && g_str_has_prefix (path, LOCK "|")))
        {
          fake_syscalls.unlink (path);
          world_remove_name (path);
        }
    }
}

void
world_delete (Deletion what)
{
  static const char *const words[N_DELETIONS] = {
    "the lock file", "the claims", "the lock file and the claims", "the directory, and makes another",
  };

  world_note ("A PERSON DELETES %s", words[what]);
  world_excuse_all ();
  if (what != DELETION_CLAIMS)
    world_rob_holder ();
  if (what == DELETION_DIRECTORY)
    {
      fake_disk_move_directory ("/d|e", "/moved");
      while (world.n_names > 0)
        g_free (world.names[--world.n_names].path);
      world.moved_any = TRUE;
    }
  else
    delete_names (what != DELETION_CLAIMS, what != DELETION_LOCK);
  world.deleted_any = TRUE;
  world.changes++;
}
