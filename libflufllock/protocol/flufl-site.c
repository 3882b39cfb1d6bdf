/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "flufl-site.h"

#include <errno.h>
#include <string.h>

/*
 * flufl_site_init:
 * @lock_path: absolute; everything after its last '/' is the lock's name
 */
void
flufl_site_init (FluflSite           *site,
                 const FluflSyscalls *sys,
                 const char          *lock_path,
                 const char          *separator)
{
  g_assert (lock_path[0] == '/');

  site->sys = sys;
  site->lock_path = g_strdup (lock_path);
  site->lock_name = strrchr (site->lock_path, '/') + 1;
  site->separator = g_intern_string (separator);
  site->fs_kind = FLUFL_FS_UNASKED;
  site->name_ahead = FALSE;
  site->no_life_lines = FALSE;
  site->retry_errnos = NULL;
  site->n_retry_errnos = 0;
}

void
flufl_site_clear (FluflSite *site)
{
  g_clear_pointer (&site->lock_path, g_free);
  g_clear_pointer (&site->retry_errnos, g_free);
  site->n_retry_errnos = 0;
  site->lock_name = NULL;
}

char *
flufl_site_directory (const FluflSite *site)
{
  gsize length = (gsize) (site->lock_name - site->lock_path);

  return g_strndup (site->lock_path, MAX (length - 1, 1));
}

/* Claims are always next to the lock file, whatever directory their content
 * names: the same directory has other paths on other machines, and a path
 * that somebody else wrote is never followed. */
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
    }
  return site->fs_kind != FLUFL_FS_UNASKED ? site->fs_kind : FLUFL_FS_OTHER;
}

/* Whether an error tells of the moment (a server that is away, a lost reply)
 * and not of the place: then the same call may do later. */
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
  for (gsize i = 0; i < site->n_retry_errnos; i++)
    if (site->retry_errnos[i] == errsv)
      return TRUE;
  return FALSE;
}
