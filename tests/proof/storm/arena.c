/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "arena.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Arena *
arena_open (const char *path)
{
  int fd = open (path, O_RDWR | O_CLOEXEC);
  void *memory;

  g_assert_cmpint (fd, >=, 0);
  memory = mmap (NULL, sizeof (Arena), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (memory != MAP_FAILED);
  close (fd);
  return memory;
}

/* A number for the last part of @path: FNV-1a. */
guint64
arena_name_id (const char *path)
{
  const char *slash = strrchr (path, '/');
  guint64 id = G_GUINT64_CONSTANT (14695981039346656037);

  for (const char *p = slash != NULL ? slash + 1 : path; *p != '\0'; p++)
    id = (id ^ (guchar) *p) * G_GUINT64_CONSTANT (1099511628211);
  return id;
}
