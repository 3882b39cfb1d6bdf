/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-user.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

/* Bytes; an entry that is larger is not read. */
#define ENTRY_MAX (64 * 1024)

/* The first part of the field is the person's name. “&” in it stands for the user's. */
static char *
real_name_of (const struct passwd *entry)
{
  g_autofree char *name = g_strndup (entry->pw_gecos, strcspn (entry->pw_gecos, ","));
  g_autofree char *capital = g_strdup (entry->pw_name);
  g_auto (GStrv) parts = NULL;

  if (name[0] == '\0')
    return NULL;
  capital[0] = g_ascii_toupper (capital[0]);
  parts = g_strsplit (name, "&", -1);
  return g_strjoinv (capital, parts);
}

/*
 * flufl_user_look_up:
 * @out_name: (out) (transfer full):
 * @out_real_name: (out) (transfer full) (nullable):
 *
 * Returns: whether the user is known
 */
gboolean
flufl_user_look_up (gint64 user_id, char **out_name, char **out_real_name)
{
  g_autofree char *buffer = NULL;
  struct passwd entry, *found = NULL;
  int error = ERANGE;

  for (gsize size = 1024; error == ERANGE && size <= ENTRY_MAX; size *= 4)
    {
      buffer = g_realloc (buffer, size);
      /* Not marked as a wait: a child that is forked amid the call could not make it itself. */
      error = getpwuid_r ((uid_t) user_id, &entry, buffer, size, &found);
    }
  if (error != 0 || found == NULL)
    return FALSE;
  *out_name = g_strdup (entry.pw_name);
  *out_real_name = entry.pw_gecos != NULL ? real_name_of (&entry) : NULL;
  return TRUE;
}
