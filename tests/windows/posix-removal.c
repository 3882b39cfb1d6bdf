/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * It asks the system, and not the library.
 */

#include "posix-removal.h"

#include <windows.h>

/* Some versions of mingw-w64 lack these. */
#define DISPOSITION_INFO_EX ((FILE_INFO_BY_HANDLE_CLASS) 21)
#define DISPOSITION_DELETE_POSIX 3

gboolean
posix_removal_works (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "removal", NULL);
  DWORD flags = DISPOSITION_DELETE_POSIX;
  gboolean works;
  HANDLE handle = CreateFileA (path, GENERIC_WRITE | DELETE, FILE_SHARE_READ, NULL, CREATE_NEW,
                               FILE_FLAG_DELETE_ON_CLOSE, NULL);

  g_assert_true (handle != INVALID_HANDLE_VALUE);
  works = SetFileInformationByHandle (handle, DISPOSITION_INFO_EX, &flags, sizeof flags);
  CloseHandle (handle);
  g_assert_cmpuint (GetFileAttributesA (path), ==, INVALID_FILE_ATTRIBUTES);
  return works;
}
