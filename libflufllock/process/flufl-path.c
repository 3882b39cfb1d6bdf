/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-path.h"

#include <stdlib.h>

#include "flufl-thread.h"

char *
flufl_path_resolve (const char *directory)
{
  g_autofree char *resolved = NULL;
  char *real;

  flufl_thread_begin_wait ();
  real = realpath (directory, NULL);
  flufl_thread_end_call (0);
  if (real != NULL)
    resolved = g_strdup (real);
  free (real);
  return g_steal_pointer (&resolved);
}
