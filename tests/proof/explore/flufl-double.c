/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The calls of a process with flufl.lock 8.2, one by one, as they are seen from outside
 * (docs/protocol.md, "Compared with flufl.lock"). The library's own steps make its claims, since
 * the making of claims does not matter here.
 */

#include "world-private.h"

#include <fcntl.h>
#include <string.h>

static void
touch (const char *path)
{
  gint64 expiration = world_syscalls.clock (FLUFL_CLOCK_REAL) + LIFETIME;

  expiration = expiration / FAKE_SEC * FAKE_SEC;
  world_syscalls.utimens (path, expiration, expiration);
}

/* The claim that L names; NULL if there is no L. */
static char *
read_lock (void)
{
  char content[512];
  gssize n;
  int fd = world_syscalls.open (LOCK, FLUFL_OPEN_LOOK);

  if (fd < 0)
    return NULL;
  n = world_syscalls.read (fd, content, sizeof content);
  world_syscalls.close (fd);
  return n < 0 ? NULL : g_strndup (content, (gsize) n);
}

static void
break_lock (void)
{
  g_autofree char *before = read_lock ();
  g_autofree char *winner = NULL;

  if (before == NULL)
    return;
  touch (LOCK);
  winner = read_lock ();
  world_syscalls.unlink (LOCK);
  if (winner != NULL)
    world_syscalls.unlink (winner);
}

gboolean
flufl_double_acquire (Actor *a, int tries)
{
  FluflStat st;
  int errsv;

  if (flufl_claim_create (&a->proc.claim, &a->proc.site, LIFETIME, &errsv) != FLUFL_OUTCOME_READY)
    return FALSE;
  while (!a->gone && tries-- > 0)
    {
      gboolean known;

      if (world_syscalls.link (a->proc.claim.path, LOCK) == 0)
        {
          a->lease_end = world_boot_now () + LIFETIME;
          touch (a->proc.claim.path);
          return !a->gone;
        }
      known = world_syscalls.lstat (LOCK, &st) == 0;
      if (known && st.mtime + FLUFL_SLOP < world_syscalls.clock (FLUFL_CLOCK_REAL))
        {
          break_lock ();
          known = FALSE;
        }
      /* For a random time, from 10 ms on. */
      world_sleep (a, known ? 2 * FAKE_SEC : 0);
    }
  world_syscalls.unlink (a->proc.claim.path);
  return FALSE;
}

gboolean
flufl_double_refresh (Actor *a)
{
  g_autofree char *content = NULL;
  gint64 start = world_boot_now ();
  FluflStat st;

  touch (a->proc.claim.path);
  if (world_syscalls.lstat (LOCK, &st) != 0 || st.nlink != 2)
    return FALSE;
  content = read_lock ();
  if (g_strcmp0 (content, a->proc.claim.path) != 0)
    return FALSE;
  a->lease_end = start + LIFETIME;
  return TRUE;
}

void
flufl_double_release (Actor *a)
{
  if (!flufl_double_refresh (a))
    return;
  world_syscalls.unlink (LOCK);
  world_syscalls.unlink (a->proc.claim.path);
}
