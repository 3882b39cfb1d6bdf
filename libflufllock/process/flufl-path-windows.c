/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Names on Windows: docs/systems.md, "Windows".
 */

#include "config.h"

#include "flufl-path.h"

#include <errno.h>
#include <windows.h>

char *
flufl_path_dup_native (const char *path)
{
  char *native = g_strdup (path);

  for (char *p = native; *p != '\0'; p++)
    if (*p == '\\')
      *p = '/';
  return native;
}

/* Windows takes "x/.." out of a path as text, as GFile does. */
char *
flufl_path_resolve (const char *directory G_GNUC_UNUSED)
{
  return NULL;
}

char *
flufl_path_resolve_file (const char *path)
{
  return g_strdup (path);
}

/* Long paths need a prefix, behind which '/' is no separator.
 *
 * Returns: (transfer full) (nullable): NULL with errno set if the path is no UTF-8 */
wchar_t *
flufl_path_to_wide (const char *path)
{
  g_autofree char *native = NULL;
  gsize length = strlen (path);
  wchar_t *result;

  if (length < MAX_PATH - 12 || g_str_has_prefix (path, "//?/"))
    native = g_strdup (path);
  else if (path[0] == '/' && path[1] == '/')
    native = g_strconcat ("\\\\?\\UNC\\", path + 2, NULL);
  else
    native = g_strconcat ("\\\\?\\", path, NULL);
  for (char *p = native; *p != '\0'; p++)
    if (*p == '/')
      *p = '\\';
  result = (wchar_t *) g_utf8_to_utf16 (native, -1, NULL, NULL, NULL);
  if (result == NULL)
    errno = ENOENT;
  return result;
}

static gboolean
is_device_name (const char *name)
{
  static const char *const devices[] = { "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$" };
  gsize length = strcspn (name, ".");

  while (length > 0 && name[length - 1] == ' ')
    length--;
  for (gsize i = 0; i < G_N_ELEMENTS (devices); i++)
    if (length == strlen (devices[i]) && g_ascii_strncasecmp (name, devices[i], length) == 0)
      return TRUE;
  return length == 4 && g_ascii_isdigit (name[3])
         && (g_ascii_strncasecmp (name, "COM", 3) == 0
             || g_ascii_strncasecmp (name, "LPT", 3) == 0);
}

/* Windows would open another file, a device or a stream of another file. */
FluflNameFault
flufl_name_find_fault (const char *name)
{
  gsize length = strlen (name);

  for (gsize i = 0; i < length; i++)
    if (FLUFL_NAME_FORBIDS (name[i]) || g_ascii_iscntrl (name[i]))
      return FLUFL_NAME_FAULT_CHARACTER;
  if (length > 0 && (name[length - 1] == '.' || name[length - 1] == ' '))
    return FLUFL_NAME_FAULT_END;
  if (is_device_name (name))
    return FLUFL_NAME_FAULT_DEVICE;
  return FLUFL_NAME_FAULT_NONE;
}

gboolean
flufl_name_begins_with (const char *text, const char *name, gsize length)
{
  g_autofree wchar_t *left = NULL, *right = NULL;
  glong n_left, n_right;

  if (strncmp (text, name, length) == 0)
    return TRUE;
  if (strnlen (text, length) != strnlen (name, length))
    return FALSE;
  left = (wchar_t *) g_utf8_to_utf16 (text, (glong) length, NULL, &n_left, NULL);
  right = (wchar_t *) g_utf8_to_utf16 (name, (glong) length, NULL, &n_right, NULL);
  return left != NULL && right != NULL
         && CompareStringOrdinal (left, (int) n_left, right, (int) n_right, TRUE) == CSTR_EQUAL;
}

/* In upper case, as the file system compares. */
char *
flufl_name_fold (const char *name)
{
  glong length = 0;
  g_autofree wchar_t *wide = (wchar_t *) g_utf8_to_utf16 (name, -1, NULL, &length, NULL);
  char *folded;

  if (wide == NULL)
    return g_strdup (name);
  CharUpperBuffW (wide, (DWORD) length);
  folded = g_utf16_to_utf8 ((const gunichar2 *) wide, length, NULL, NULL, NULL);
  return folded != NULL ? folded : g_strdup (name);
}
