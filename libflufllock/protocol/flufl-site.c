/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-site.h"

#include <errno.h>
#include <string.h>

#include "flufl-fs-kind.h"
#include "flufl-path.h"

/*
 * flufl_site_init:
 * @site: zeroed; without_links may be set
 * @lock_path: absolute; everything after its last '/' is the lock's name
 */
void
flufl_site_init (FluflSite           *site,
                 const FluflSyscalls *sys,
                 const char          *lock_path,
                 const char          *separator)
{
  g_assert (g_path_is_absolute (lock_path));

  site->sys = sys;
  site->lock_path = g_strdup (lock_path);
  site->lock_name = strrchr (site->lock_path, '/') + 1;
  site->has_parent = flufl_path_has_parent (lock_path);
  site->separator = g_intern_string (separator);
  site->host_name = NULL;
  site->program_name = NULL;
  site->subject = NULL;
  site->fs_kind = FLUFL_FS_UNASKED;
  site->exclusive = FALSE;
  site->names_kept = FALSE;
  site->arrival = 0;
  site->no_life_lines = FALSE;
  site->retry_errnos = NULL;
}

void
flufl_site_clear (FluflSite *site)
{
  g_clear_pointer (&site->lock_path, g_free);
  g_clear_pointer (&site->retry_errnos, g_array_unref);
  site->lock_name = NULL;
}

/*
 * flufl_site_copy:
 * @copy: for one thread, to be given up by flufl_site_drop_copy() before @site is cleared
 */
void
flufl_site_copy (FluflSite *copy, const FluflSite *site)
{
  *copy = *site;
  if (copy->exclusive)
    copy->separator = flufl_site_mark_separator (site);
  if (copy->retry_errnos != NULL)
    g_array_ref (copy->retry_errnos);
}

void
flufl_site_drop_copy (FluflSite *copy)
{
  g_clear_pointer (&copy->retry_errnos, g_array_unref);
}

/* Whether ".." is a part of the path, and not of a name. */
gboolean
flufl_path_has_parent (const char *path)
{
  for (const char *p = strstr (path, ".."); p != NULL; p = strstr (p + 2, ".."))
    if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
      return TRUE;
  return FALSE;
}

/*
 * flufl_site_resolve:
 * @path: of a file in the directory of the lock
 *
 * Makes a form of @path that means the same file to those who take "x/.." out of a path as text, as
 * GFile does, though "x" may be a symbolic link.
 *
 * Returns: (transfer full) (nullable): that form; %NULL if @path is one itself, or none can be found
 */
char *
flufl_site_resolve (const FluflSite *site, const char *path)
{
  g_autofree char *directory = NULL;
  g_autofree char *real = NULL;

  if (!site->has_parent)
    return NULL;
  directory = flufl_site_directory (site);
  real = flufl_path_resolve (directory);
  return real != NULL ? g_build_filename (real, strrchr (path, '/') + 1, NULL) : NULL;
}

char *
flufl_site_directory (const FluflSite *site)
{
  gsize length = (gsize) (site->lock_name - site->lock_path);

  /* The slash is a part of the root directory's name. */
  if (site->lock_name != g_path_skip_root (site->lock_path))
    length--;
  return g_strndup (site->lock_path, length);
}

/* Claims are always next to the lock file, whatever directory their content names. The same
 * directory has other paths on other machines, and a path that another process wrote is never
 * followed. */
char *
flufl_site_path_of (const FluflSite *site, const char *name)
{
  gsize directory = (gsize) (site->lock_name - site->lock_path), length = strlen (name);
  char *path = g_malloc (directory + length + 1);

  memcpy (path, site->lock_path, directory);
  memcpy (path + directory, name, length + 1);
  return path;
}

/* Never UNASKED: where there is no answer now, nothing is trusted for now. */
FluflFsKind
flufl_site_fs_kind (FluflSite *site)
{
  if (site->fs_kind == FLUFL_FS_UNASKED)
    {
      g_autofree char *directory = flufl_site_directory (site);

      site->fs_kind = site->sys->fs_kind (directory);
      /* Nothing but the kind decides, so all who share the directory decide alike. */
      site->exclusive = site->fs_kind == FLUFL_FS_FAT
                        || (site->fs_kind == FLUFL_FS_OTHER && site->without_links);
      if (site->exclusive)
        site->separator = flufl_site_mark_separator (site);
    }
  return site->fs_kind != FLUFL_FS_UNASKED ? site->fs_kind : FLUFL_FS_OTHER;
}

/* Whether one clock makes the ctime of all files, and nobody can set it. Elsewhere the ctime may be the
 * word of any client, and a lock counts as unchanged only while this process sees that itself. */
gboolean
flufl_site_is_trusted (const FluflSite *site)
{
  return site->fs_kind == FLUFL_FS_LOCAL || site->fs_kind == FLUFL_FS_NFS;
}

/* Whether one kernel keeps the flock(2) of all who share the directory. */
gboolean
flufl_site_has_life_lines (FluflSite *site)
{
  FluflFsKind kind = flufl_site_fs_kind (site);

  return kind == FLUFL_FS_LOCAL || kind == FLUFL_FS_FAT;
}

/*
 * flufl_site_mark_separator:
 *
 * FAT refuses the usual separator in a name, as do many of the other file systems without hard
 * links.
 *
 * Returns: the separator in the names and lines of the exclusive-create protocol, whatever the kind
 *   of this file system
 */
const char *
flufl_site_mark_separator (const FluflSite *site)
{
  return strcmp (site->separator, "|") == 0 ? g_intern_static_string ("^") : site->separator;
}

/* Whether a call may wait for a file server, as far as is known without one. */
gboolean
flufl_site_may_hang (const FluflSite *site)
{
  g_autofree char *directory = NULL;

  if (site->fs_kind != FLUFL_FS_UNASKED)
    return site->fs_kind != FLUFL_FS_LOCAL && site->fs_kind != FLUFL_FS_FAT;
  directory = flufl_site_directory (site);
  return flufl_fs_may_hang (directory);
}

/* Whether an error is temporary, such as that of a server that is away. The same call may succeed
 * later. */
gboolean
flufl_site_is_passing (const FluflSite *site, int errsv)
{
  switch (errsv)
    {
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
    case EINTR:
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
      return TRUE;
    default:
      break;
    }
  return flufl_site_is_retried (site, errsv);
}

/* Whether the user says so of an error. */
gboolean
flufl_site_is_retried (const FluflSite *site, int errsv)
{
  for (guint i = 0; site->retry_errnos != NULL && i < site->retry_errnos->len; i++)
    if (g_array_index (site->retry_errnos, int, i) == errsv)
      return TRUE;
  return FALSE;
}
