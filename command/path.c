/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Paths mean what they mean to the kernel: behind a symbolic link, “..” is the parent of the directory
 * that the link points to. A GFile drops “x/..” from a path as text. It takes a relative path from the
 * variable PWD, which may have symbolic links, or from the root if the working directory was deleted.
 */

#include "path.h"

#include <libflufllock.h>
#include <stdlib.h>
#include <string.h>

/* Returns: (transfer full): the path without slashes at its end, which a GFile drops, too */
char *
path_trim (const char *path)
{
  gsize length = strlen (path);

  while (length > 1 && path[length - 1] == '/')
    length--;
  return g_strndup (path, length);
}

/* Returns: (transfer full) (nullable): the path without symbolic links; NULL with errno set */
char *
path_resolve_directory (const char *path)
{
  char *real = realpath (path, NULL);
  char *resolved = g_strdup (real);

  free (real);
  return resolved;
}

/* Whether a GFile of the path is the kernel's file. */
static gboolean
is_plain (const char *path)
{
  return path[0] == '/' && strstr (path, "/..") == NULL;
}

/* Returns: (transfer full) (nullable): a plain path of the file, which need not exist. NULL if there is
 * none, for example since the directory does not exist. */
static char *
make_plain (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *real = NULL;

  if (is_plain (path))
    return g_strdup (path);
  real = path_resolve_directory (directory);
  if (real == NULL || strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    return NULL;
  return g_build_filename (real, name, NULL);
}

/* Returns: (transfer full): the file for a lock. Tokens and JSON have its path. */
GFile *
path_make_lock_file (const char *path)
{
  g_autofree char *trimmed = path_trim (path);
  g_autofree char *plain = make_plain (trimmed);
  g_autoptr (FluflLock) lock = NULL;

  /* The default GVfs would register some thirty types, and look for modules, to name the same file. */
  if (plain != NULL)
    return g_vfs_get_file_for_path (g_vfs_get_local (), plain);
  lock = flufl_lock_new_for_path (trimmed);
  return g_object_ref (flufl_lock_get_file (lock));
}
