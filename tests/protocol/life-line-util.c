/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Holders that die, and processes that cannot have a life-line.
 */

#include "life-line-util.h"

#include <errno.h>
#include <string.h>

/* A process acquires the lock, and then dies. */
void
leave_dead_holder (void)
{
  Proc holder;

  proc_init (&holder);
  proc_acquire (&holder);
  g_assert_nonnull (holder.claim.line);
  proc_die (&holder);
  proc_clear (&holder);
}

/* The other processes run on the server, so nothing is known of them here. */
static int
open_elsewhere (const char *path, FluflOpen how)
{
  if (g_str_has_prefix (path, "/proc/") && g_ascii_isdigit (path[strlen ("/proc/")]))
    {
      errno = ENOENT;
      return -1;
    }
  return fake_syscalls.open (path, how);
}

void
remote_init (Proc *p)
{
  static FluflSyscalls elsewhere;

  elsewhere = fake_syscalls;
  elsewhere.open = open_elsewhere;
  proc_init_at (p, &elsewhere, LOCK);
  p->site.fs_kind = FLUFL_FS_NFS;
}

void
give_up_or_back (Proc *p)
{
  if (proc_has_it (p))
    g_assert_cmpint (proc_release (p), ==, FLUFL_OUTCOME_RELEASED);
  else
    proc_abandon (p);
  proc_clear (p);
}
