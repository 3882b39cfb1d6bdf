/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the names of files are on this system. Paths have '/' between their parts everywhere: where
 * others are possible, flufl_path_dup_native() has replaced them.
 */

#pragma once

#include <limits.h>
#include <string.h>

#include <glib.h>

G_BEGIN_DECLS

/* Why no file that is locked can have a name. */
typedef enum
{
  FLUFL_NAME_FAULT_NONE,      /* one can */
  FLUFL_NAME_FAULT_CHARACTER, /* it has a character that names cannot have */
  FLUFL_NAME_FAULT_END,       /* the system leaves its last character out */
  FLUFL_NAME_FAULT_DEVICE,
} FluflNameFault;

#ifdef G_OS_WIN32

/* Bytes in the longest path, with the null byte. */
#define FLUFL_PATH_MAX 32767
#define FLUFL_DEFAULT_SEPARATOR "^"
/* Whether no file's name has the character. */
#define FLUFL_NAME_FORBIDS(c) (strchr ("/\\:*?\"<>|", (c)) != NULL)
/* What another process wrote may have either. */
#define FLUFL_IS_SLASH(c) ((c) == '/' || (c) == '\\')

char          *flufl_path_dup_native  (const char *path);
wchar_t       *flufl_path_to_wide     (const char *path);
FluflNameFault flufl_name_find_fault  (const char *name);
gboolean       flufl_name_begins_with (const char *text,
                                       const char *name,
                                       gsize       length);
char          *flufl_name_fold        (const char *name);

#else

#ifdef PATH_MAX
#define FLUFL_PATH_MAX PATH_MAX
#else
#define FLUFL_PATH_MAX 4096
#endif
#define FLUFL_DEFAULT_SEPARATOR "|"
#define FLUFL_NAME_FORBIDS(c) ((c) == '/')
#define FLUFL_IS_SLASH(c) ((c) == '/')

static inline char *
flufl_path_dup_native (const char *path)
{
  return g_strdup (path);
}

static inline FluflNameFault
flufl_name_find_fault (const char *name G_GNUC_UNUSED)
{
  return FLUFL_NAME_FAULT_NONE;
}

/* Whether @text begins with @length bytes that mean the same as those of @name. */
static inline gboolean
flufl_name_begins_with (const char *text, const char *name, gsize length)
{
  return strncmp (text, name, length) == 0;
}

/* Returns: what is the same for all names of one file */
static inline char *
flufl_name_fold (const char *name)
{
  return g_strdup (name);
}

#endif

/* Returns: (nullable): the path without symbolic links */
char       *flufl_path_resolve     (const char *directory);
char       *flufl_path_resolve_file (const char *path);
gboolean    flufl_path_has_parent  (const char *path);

G_END_DECLS
