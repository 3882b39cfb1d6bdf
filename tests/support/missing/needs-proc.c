/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Linked into a test that reads /proc, or expects the library to. Where that is not mounted, as in
 * some chroots, no process can be proved dead or alive, and the whole test is skipped.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void __attribute__ ((constructor))
skip_without_proc (void)
{
  if (access ("/proc/self/stat", R_OK) == 0)
    return;
  puts ("1..0 # SKIP /proc is not mounted");
  exit (EXIT_SUCCESS);
}
