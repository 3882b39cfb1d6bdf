/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * There is no fork(2). So each block has a name, of the test's process and a number.
 */

#include "shared-memory.h"

#include <windows.h>

static DWORD owner; /* 0: this process */
static int n_blocks;

void
shared_memory_join (guint32 pid)
{
  owner = pid;
}

/* The mapping lives as long as a process has a handle of it, and each has one until its end. */
gpointer
shared_memory_new (gsize size)
{
  g_autofree char *name
      = g_strdup_printf ("flufl-test-%lu-%d", owner != 0 ? owner : GetCurrentProcessId (),
                         n_blocks++);
  HANDLE mapping
      = CreateFileMappingA (INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, (DWORD) size, name);
  void *memory;

  g_assert_nonnull (mapping);
  /* A process that joins never makes a block. */
  g_assert_true ((GetLastError () == ERROR_ALREADY_EXISTS) == (owner != 0));
  memory = MapViewOfFile (mapping, FILE_MAP_ALL_ACCESS, 0, 0, size);
  g_assert_nonnull (memory);
  return memory;
}

void
shared_memory_free (gpointer memory, gsize size G_GNUC_UNUSED)
{
  UnmapViewOfFile (memory);
}
