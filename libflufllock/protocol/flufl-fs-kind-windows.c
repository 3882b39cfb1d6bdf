/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-fs-kind.h"

#include <windows.h>

#include "flufl-path.h"

/* The root of the volume, and the type of its file system. */
static gboolean
find_volume (const char *directory, wchar_t *volume, wchar_t *type)
{
  g_autofree char *root = g_strconcat (directory, "/", NULL);
  g_autofree wchar_t *name = flufl_path_to_wide (root);

  return name != NULL && GetVolumePathNameW (name, volume, MAX_PATH)
         && GetVolumeInformationW (volume, NULL, 0, NULL, NULL, NULL, type, MAX_PATH);
}

FluflFsKind
flufl_fs_kind (const char *directory)
{
  wchar_t volume[MAX_PATH + 1], type[MAX_PATH + 1];

  if (!find_volume (directory, volume, type))
    return FLUFL_FS_UNASKED;
  return wcscmp (type, L"NTFS") == 0 && GetDriveTypeW (volume) != DRIVE_REMOTE ? FLUFL_FS_LOCAL
                                                                              : FLUFL_FS_OTHER;
}

gboolean
flufl_fs_may_hang (const char *directory)
{
  return flufl_fs_kind (directory) != FLUFL_FS_LOCAL;
}

char *
flufl_fs_type (const char *directory)
{
  wchar_t volume[MAX_PATH + 1], type[MAX_PATH + 1];

  return find_volume (directory, volume, type)
             ? g_utf16_to_utf8 ((const gunichar2 *) type, -1, NULL, NULL, NULL)
             : NULL;
}
