/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A process with flufl.lock 8.2. The library's own steps make its claims, since the making of
 * claims does not matter here.
 */

#include "world-private.h"

#include "flufl-steps.h"

static FluflSteps
steps_of (const Actor *a)
{
  return (FluflSteps){ &world_syscalls, LOCK, a->proc.claim.path, LIFETIME };
}

gboolean
flufl_double_acquire (Actor *a, int tries)
{
  FluflSteps steps;
  int errsv;

  if (flufl_claim_create (&a->proc.claim, &a->proc.site, LIFETIME, &errsv) != FLUFL_OUTCOME_READY)
    return FALSE;
  steps = steps_of (a);
  while (!a->gone && tries-- > 0)
    {
      if (flufl_steps_link (&steps))
        {
          a->lease_end = world_boot_now () + LIFETIME;
          flufl_steps_touch (&steps);
          return !a->gone;
        }
      /* For a random time, from 10 ms on. */
      world_sleep (a, flufl_steps_look (&steps) ? 2 * FAKE_SEC : 0);
    }
  world_syscalls.unlink (a->proc.claim.path);
  return FALSE;
}

gboolean
flufl_double_refresh (Actor *a)
{
  FluflSteps steps = steps_of (a);
  gint64 start = world_boot_now ();

  if (!flufl_steps_refresh (&steps))
    return FALSE;
  a->lease_end = start + LIFETIME;
  return TRUE;
}

/* The same as flufl_steps_release(), but the refresh moves the end of the lease. */
void
flufl_double_release (Actor *a)
{
  FluflSteps steps = steps_of (a);

  if (!flufl_double_refresh (a))
    return;
  world_syscalls.unlink (steps.lock);
  world_syscalls.unlink (steps.claim);
}
