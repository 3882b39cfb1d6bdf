/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The actions of a process, from its beginning to its end.
 */

#include "world-private.h"

#include <string.h>

/* Times a little longer than the rest, and than lifetime and slop. */
#define REST (FLUFL_GRACE + FAKE_SEC / 10)
#define EXPIRY (LIFETIME + FLUFL_SLOP + FAKE_SEC)

/* The process has the lock, so no other process may have it. */
void
actor_entered (Actor *a)
{
  a->holding = TRUE;
  if (a->lease_end <= world_boot_now () || a->robbed)
    return;
  for (guint i = 0; i < world.n_actors; i++)
    {
      const Actor *other = &world.actors[i];

      if (other != a && other->holding && !other->gone && !other->robbed
          && other->lease_end > world_boot_now ())
        world_violation ("two hold the lock: process %u and process %u", other->id, a->id);
    }
}

static void
look_after_queue (Actor *a)
{
  FluflQueueView view;

  flufl_queue_view (&a->queue, &a->proc.site, &a->proc.claim, FALSE, &view);
  if (!view.found)
    return;
  a->collecting = TRUE;
  flufl_queue_check (&a->queue, &a->proc.site, &view.predecessor, TRUE);
  a->collecting = FALSE;
}

FluflOutcome
actor_acquire (Actor *a, int tries, gboolean queue)
{
  Proc *p = &a->proc;
  FluflOutcome outcome = FLUFL_OUTCOME_BUSY;

  for (int i = 0; i < tries && !a->gone; i++)
    {
      outcome = proc_attempt (p);
      if (a->gone || (outcome != FLUFL_OUTCOME_BUSY && outcome != FLUFL_OUTCOME_UNSURE))
        break;
      if (queue && p->claim.path != NULL)
        look_after_queue (a);
      world_sleep (a, p->found.resting || outcome == FLUFL_OUTCOME_UNSURE ? REST : EXPIRY);
    }
  if (a->gone)
    return FLUFL_OUTCOME_FAILED;
  if (outcome == FLUFL_OUTCOME_HELD)
    {
      a->was_late = FALSE;
      a->lease_end = p->claim.lease_start + p->claim.lifetime;
    }
  return outcome;
}

static void
begin_to_give_back (Actor *a)
{
  a->holding = FALSE;
  world_note ("gives back");
}

static gboolean
acquire (Actor *a, gboolean queue)
{
  gboolean held;

  if (world.scenario->flufl)
    held = flufl_double_acquire (a, (int) world.tries);
  else
    {
      FluflOutcome outcome = actor_acquire (a, (int) world.tries, queue);

      held = outcome == FLUFL_OUTCOME_HELD;
      if (!held)
        proc_abandon (&a->proc);
    }
  if (a->gone)
    return FALSE;
  world_note (held ? "HOLDS THE LOCK" : "gives up");
  if (held)
    actor_entered (a);
  return held;
}

/* A process must not lose a lock that was never late. After a lost reply this is not judged. */
static void
judge_loss (const Actor *a, FluflOutcome outcome)
{
  if (outcome == FLUFL_OUTCOME_LOST && !a->gone && !world.lost_any && !world.deleted_any
      && !world_is_lenient () && !a->was_late && a->lease_end > world_boot_now ())
    world_violation ("process %u is told that it lost a lock which has not expired", a->id);
}

static gboolean
refresh (Actor *a)
{
  FluflOutcome outcome;

  if (world.scenario->flufl)
    {
      if (!flufl_double_refresh (a) || a->gone)
        {
          a->holding = FALSE;
          return FALSE;
        }
    }
  else
    {
      outcome = proc_refresh (&a->proc);
      judge_loss (a, outcome);
      if (outcome == FLUFL_OUTCOME_LOST || a->gone)
        {
          /* The face does the same. */
          begin_to_give_back (a);
          if (outcome == FLUFL_OUTCOME_LOST)
            proc_abandon (&a->proc);
          return FALSE;
        }
      a->was_late = a->was_late || a->proc.claim.lease_start >= a->lease_end;
      a->lease_end = a->proc.claim.lease_start + a->proc.claim.lifetime;
    }
  world_note ("has refreshed the lock");
  actor_entered (a);
  return TRUE;
}

static void
release (Actor *a, gboolean keep)
{
  FluflOutcome outcome = FLUFL_OUTCOME_FAILED;

  begin_to_give_back (a);
  if (world.scenario->flufl)
    {
      flufl_double_release (a);
      flufl_claim_clear (&a->proc.claim);
      return;
    }
  for (int i = 0; i < 4 && outcome == FLUFL_OUTCOME_FAILED && !a->gone; i++)
    outcome = keep ? proc_park (&a->proc) : proc_release (&a->proc);
  judge_loss (a, outcome);
  world_note (outcome == FLUFL_OUTCOME_RELEASED ? "has given back" : "had lost it");
}

/* Runs the script up to the next colon, or to its end. */
void
actor_run (Actor *a)
{
  gboolean goes_on = TRUE;

  while (goes_on && !a->gone && *a->script != '\0' && *a->script != ':')
    switch (*a->script++)
      {
      case 'A':
        goes_on = acquire (a, FALSE);
        break;
      case 'Q':
        goes_on = acquire (a, TRUE);
        break;
      case 'W':
        world_sleep (a, 0);
        break;
      case 'F':
        goes_on = refresh (a);
        break;
      case 'R':
      case 'P':
        release (a, a->script[-1] == 'P');
        break;
      default:
        g_assert_not_reached ();
      }

  if (*a->script == ':' && goes_on)
    {
      a->script++;
      return;
    }
  if (!a->gone && a->proc.claim.path != NULL && !world.scenario->flufl)
    proc_abandon (&a->proc);
  a->done = TRUE;
}
