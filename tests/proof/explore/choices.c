/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The events that can happen next. The search chooses one of them, and this file lets it happen.
 */

#include "world-private.h"

#include <errno.h>
#include <string.h>

#define CHOICES_MAX 64

/* The times that may pass: more than the rest; more than lifetime and slop; less and more than
 * half the grace; enough to make a lease unsafe; the rest of an orphan whose life-line is busy. */
static const gint64 spans[] = {
  FLUFL_GRACE + FAKE_SEC / 10,
  LIFETIME + FLUFL_SLOP + FAKE_SEC,
  FLUFL_GRACE / 2 - FAKE_SEC / 10,
  FLUFL_GRACE / 2 + FAKE_SEC / 10,
  LIFETIME - FAKE_SEC,
  61 * FAKE_SEC,
};

static gboolean
can_step (const Actor *a)
{
  return !a->done && !a->gone
         && (!a->asleep || world_boot_now () >= a->wake_at
             || (!a->in_call && world.changes != a->seen_changes));
}

guint64
world_hash (void)
{
  guint64 hash = 0, now = (guint64) world_boot_now ();

  for (guint i = 0; i < world.n_names; i++)
    {
      const Name *name = &world.names[i];
      guint64 one = name->hash;
      const File *file;
      FluflStat st;

      fake_syscalls.lstat (name->path, &st);
      file = &world.files[st.ino];
      one = mix (one, file->owner * 64 + file->number);
      one = mix (one, file->writes * 4 + (guint64) file->published * 2 + (guint64) file->given_up);
      one = mix (one, (guint64) st.mtime);
      one = mix (one, (guint64) st.ctime);
      hash += mix (one, name->maker);
    }
  for (guint i = 0; i < world.n_actors; i++)
    {
      const Actor *a = &world.actors[i];

      hash = mix (hash, a->history);
      hash = mix (hash, (guint64) a->done | (guint64) a->crashed << 1 | (guint64) can_step (a) << 2
                            | (guint64) a->robbed << 3 | (guint64) a->excused << 4);
      hash = mix (hash, a->delayed_since != 0 ? now - (guint64) a->delayed_since : 1);
    }
  hash = mix (hash, now);
  hash = mix (hash, world.budget.times | world.budget.crashes << 8 | world.budget.losses << 16
                        | world.budget.deletions << 24);
  hash = mix (hash, (guint64) (world.last_span + 1));
  if (world.budget.preemptions >= 0)
    hash = mix (hash, (guint64) world.budget.preemptions * 16 + (world.last != NULL ? world.last->id : 15));
  return hash;
}

/* Whether @span may pass: no process is delayed for longer than half the grace between the check
 * of its deadline and the call after it. */
static gboolean
may_pass (gint64 span)
{
  if (world.scenario->without_a1)
    return TRUE;
  for (guint i = 0; i < world.n_actors; i++)
    {
      const Actor *a = &world.actors[i];

      if (!a->done && !a->gone && a->delayed_since != 0
          && world_boot_now () + span - a->delayed_since > FLUFL_GRACE / 2)
        return FALSE;
    }
  return TRUE;
}

static void
add (Choice *choices, guint *n, ChoiceKind kind, guint who, guint arg)
{
  g_assert_cmpuint (*n, <, CHOICES_MAX);
  choices[(*n)++] = (Choice){ (guint8) kind, (guint8) who, (guint8) arg };
}

static void
add_steps (Choice *choices, guint *n)
{
  gboolean stay = world.last != NULL && can_step (world.last) && !world.last->asleep;

  if (stay)
    add (choices, n, CHOICE_STEP, world.last->id, 0);
  if (stay && world.budget.preemptions == 0)
    return;
  for (guint i = 0; i < world.n_actors; i++)
    if (can_step (&world.actors[i]) && !(stay && &world.actors[i] == world.last))
      add (choices, n, CHOICE_STEP, i, 0);
}

/* Lists the events that can happen next, and returns their number. 0: all processes have ended. */
static guint
list_choices (Choice *choices)
{
  guint n = 0;
  guint n_steps;
  gboolean alive = FALSE;

  add_steps (choices, &n);
  n_steps = n;
  for (guint i = 0; i < n_steps; i++)
    {
      const Actor *a = &world.actors[choices[i].who];

      if (world.budget.losses == 0 || !a->lossy || a->asleep)
        continue;
      add (choices, &n, CHOICE_LOSE, a->id, 0);
      if (strcmp (a->pending, "link") == 0 || strcmp (a->pending, "unlink") == 0)
        add (choices, &n, CHOICE_LOSE, a->id, 1);
    }
  for (guint i = 0; i < world.n_actors; i++)
    {
      const Actor *a = &world.actors[i];

      alive = alive || (!a->done && !a->gone);
      if (world.budget.crashes > 0 && !a->done && !a->gone)
        add (choices, &n, CHOICE_CRASH, i, 0);
    }
  if (alive && world.budget.deletions > 0 && fake_disk_exists (LOCK))
    for (guint i = 0; i < N_DELETIONS; i++)
      add (choices, &n, CHOICE_DELETE, 0, i);
  /* Two spans in succession come in one order only. */
  if (alive && world.budget.times > 0)
    for (guint i = 0; i < world.budget.n_spans; i++)
      if ((int) i >= world.last_span && may_pass (spans[i]))
        add (choices, &n, CHOICE_TIME, 0, i);
  return n;
}

/* If all processes sleep, lets time pass until the first one wakes. Returns whether it did. */
static gboolean
sleep_over (void)
{
  gint64 first = G_MAXINT64;

  for (guint i = 0; i < world.n_actors; i++)
    {
      const Actor *a = &world.actors[i];

      if (can_step (a))
        return FALSE;
      if (!a->done && !a->gone)
        first = MIN (first, a->wake_at);
    }
  if (first == G_MAXINT64)
    return FALSE;
  fake_disk_advance (first - world_boot_now ());
  world.current = NULL;
  world_note ("all sleep, and time passes");
  return TRUE;
}

void
actor_close_files (Actor *a)
{
  for (guint i = 0; i < MAX_FDS; i++)
    if (a->fds[i] != 0)
      fake_syscalls.close (a->fds[i]);
  memset (a->fds, 0, sizeof a->fds);
}

void
actor_crash (Actor *a)
{
  world.current = a;
  world_note ("is killed before: %s", a->pending);
  a->gone = a->crashed = TRUE;
  actor_close_files (a);
  world.crashed_any = TRUE;
  world.changes++; /* the end of a life-line wakes the processes that watch it */
  if (world.last == a)
    world.last = NULL;
}

static int
lost_as (const Actor *a, guint arg)
{
  if (arg == 0 && strcmp (a->pending, "link") == 0)
    return EEXIST;
  if (arg == 0 && strcmp (a->pending, "unlink") == 0)
    return ENOENT;
  return EIO;
}

Actor *
world_choose (void)
{
  Choice choices[CHOICES_MAX];

  for (;;)
    {
      const Choice *choice;
      Actor *a;
      guint n;
      int chosen;

      while (sleep_over ())
        ;
      n = world.violation != NULL ? 0 : list_choices (choices);
      if (n == 0)
        return NULL;
      chosen = world.chooser (choices, n, world.user_data);
      if (chosen < 0)
        {
          world.cut = TRUE;
          return NULL;
        }

      choice = &choices[chosen];
      a = &world.actors[choice->who];
      switch ((ChoiceKind) choice->kind)
        {
        case CHOICE_LOSE:
          world.budget.losses--;
          world.lost_any = TRUE;
          a->lost_as = lost_as (a, choice->arg);
          G_GNUC_FALLTHROUGH;
        case CHOICE_STEP:
          if (world.last != NULL && a != world.last && can_step (world.last) && !world.last->asleep
              && world.budget.preemptions > 0)
            world.budget.preemptions--;
          world.last = a;
          world.last_span = -1;
          a->started = TRUE;
          /* The history shows that the process has gone on, even if its call has no answer. */
          a->history = mix (a->history, 1);
          return a;
        case CHOICE_CRASH:
          world.budget.crashes--;
          actor_crash (a);
          world.last_span = -1;
          break;
        case CHOICE_TIME:
          world.budget.times--;
          world.last_span = choice->arg;
          world.delayed_any = TRUE;
          fake_disk_advance (spans[choice->arg]);
          world.current = NULL;
          world_note ("%.1f s have passed", (double) spans[choice->arg] / (double) FAKE_SEC);
          break;
        case CHOICE_DELETE:
          world.budget.deletions--;
          world.last_span = -1;
          world.current = NULL;
          world_delete (choice->arg);
          break;
        default:
          g_assert_not_reached ();
        }
    }
}

/* To be called by a process. Others go on, and the function returns when it is the caller's
 * turn, or when the caller is gone. */
void
world_schedule (void)
{
  Actor *self = world.current;
  Actor *next = world_choose ();

  world.current = next;
  if (next != self)
    coroutine_switch (next != NULL ? next->coroutine : NULL);
}

gboolean
world_be_slow (Actor *a, const char *call, gint64 nsec)
{
  if (world.solo)
    {
      fake_disk_advance (nsec);
      return !a->gone;
    }
  a->pending = call;
  a->lossy = FALSE;
  a->asleep = a->in_call = TRUE;
  a->delayed_since = world_boot_now ();
  a->wake_at = a->delayed_since + nsec;
  a->history = mix (a->history, (guint64) nsec);
  world_schedule ();
  a->asleep = a->in_call = FALSE;
  a->delayed_since = 0;
  a->pending = NULL;
  return !a->gone;
}

void
world_sleep (Actor *a, gint64 nsec)
{
  if (a->gone)
    return;
  if (world.solo)
    {
      fake_disk_advance (nsec);
      return;
    }
  a->pending = nsec > 0 ? "its next try" : "its work";
  a->lossy = FALSE;
  a->asleep = nsec > 0;
  a->wake_at = world_boot_now () + nsec;
  a->seen_changes = world.changes;
  a->history = mix (a->history, (guint64) nsec);
  world_schedule ();
  a->asleep = FALSE;
  a->pending = NULL;
}
