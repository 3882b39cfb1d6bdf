/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-path.h"

#include <errno.h>
#include <stdlib.h>

#include "flufl-thread.h"

/* As many symbolic links as Linux follows. */
#define LINKS_MAX 40

char *
flufl_path_resolve (const char *directory)
{
  g_autofree char *resolved = NULL;
  char *real;

  flufl_thread_begin_wait ();
  real = realpath (directory, NULL);
  flufl_thread_end_call (0);
  if (real == NULL)
    return NULL;
  resolved = g_strdup (real);
  free (real);
  return g_steal_pointer (&resolved);
}

static char *
read_link (const char *path)
{
  char *target;

  flufl_thread_begin_wait ();
  target = g_file_read_link (path, NULL);
  flufl_thread_end_call (0);
  return target;
}

/* The path of a file that does not exist, in the directory as it really is. */
static char *
resolve_missing (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *real = flufl_path_resolve (directory);

  return real != NULL ? g_build_filename (real, name, NULL) : NULL;
}

/*
 * flufl_path_resolve_file:
 * @path: absolute; the file need not exist, and so may be what a symbolic link points to
 *
 * Returns: (transfer full) (nullable): the path of the file without symbolic links; %NULL with errno
 *   set
 */
char *
flufl_path_resolve_file (const char *path)
{
  g_autofree char *now = g_strdup (path);

  for (guint links = 0; links <= LINKS_MAX; links++)
    {
      char *real = flufl_path_resolve (now);
      g_autofree char *target = NULL, *directory = NULL;

      if (real != NULL || errno != ENOENT)
        return real;
      target = read_link (now);
      if (target == NULL)
        return resolve_missing (now);
      directory = g_path_get_dirname (now);
      g_free (now);
      now = g_path_is_absolute (target) ? g_steal_pointer (&target)
                                        : g_build_filename (directory, target, NULL);
    }
  errno = ELOOP;
  return NULL;
}
