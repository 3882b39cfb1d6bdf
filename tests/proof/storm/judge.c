/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * docs/protocol.md, "Deleted by others": a deleted lock is free, and its holder does not know
 * until it looks. So a turn may overlap with the turn of a holder that was robbed, and with no
 * other. A holder that looks after the deletion must learn of it, and a holder that reports a
 * loss must have been robbed.
 *
 * One case is a hole in this: a deletion between two calls of a release, the one that sees the
 * lock and the one that removes it. The release then removes the next lock. The sign of a hole is
 * a release that ended well although its lock was deleted meanwhile. A hole is counted, and
 * explains the loss or the overlap of the next turn.
 */

#include "judge.h"

#include <string.h>

/* Microseconds for which a holder may be stopped before it enters, if its lock was removed through
 * a hole. */
#define HOLE_SLACK (2 * G_TIME_SPAN_SECOND)
/* Milliseconds for which a killed process may still be seen after it has lost the lock. */
#define DYING_MS 1000

static Arena *arena;
static Slot *mine;

/* A killed process has lost the lock before it is seen to be a zombie. */
gboolean
judge_is_dead (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *stat = NULL;
  const char *state;

  if (!g_file_get_contents (path, &stat, NULL, NULL))
    return TRUE;
  state = strrchr (stat, ')');
  return state == NULL || state[2] == 'Z' || state[2] == 'X';
}

static int
state_of (const Slot *slot)
{
  return __atomic_load_n (&slot->state, __ATOMIC_SEQ_CST);
}

static void
set_state (int state)
{
  __atomic_store_n (&mine->state, state, __ATOMIC_SEQ_CST);
}

/* The deletion of @claim, or of the lock that it was, between @since and @until. A @claim of 0 is
 * that of a turn that was over before its name was known, and stands for any claim. */
static const Deletion *
find_deletion (int what, guint64 claim, gint64 since, gint64 until)
{
  guint n = __atomic_load_n (&arena->n_deletions, __ATOMIC_SEQ_CST);

  for (guint i = n; i > 0 && n - i < ARENA_DELETIONS; i--)
    {
      const Deletion *deletion = &arena->deletions[(i - 1) % ARENA_DELETIONS];

      if (deletion->t1 < since)
        return NULL;
      if ((deletion->what & what) != 0 && (claim == 0 || deletion->claim == claim)
          && deletion->t0 <= until)
        return deletion;
    }
  return NULL;
}

/* Waits until all deletions up to now are recorded. */
static void
settle (void)
{
  guint n = __atomic_load_n (&arena->deleting, __ATOMIC_SEQ_CST);

  while (n % 2 != 0 && __atomic_load_n (&arena->deleting, __ATOMIC_SEQ_CST) == n)
    g_usleep (100);
}

static void
keep_hole (gint64 t0)
{
  int n = __atomic_fetch_add (&arena->n_holes, 1, __ATOMIC_SEQ_CST);

  arena->holes[n % ARENA_HOLES] = (Hole){ t0, g_get_monotonic_time () };
}

/* The deletion of a lock while @slot was about to release it. */
static const Deletion *
find_hole (const Slot *slot, gint64 until)
{
  return state_of (slot) != SLOT_RELEASING
             ? NULL
             : find_deletion (DELETED_LOCK, slot->claim, slot->releasing, until);
}

/* Whether the lock of a turn that was entered at @entered may have been removed through a hole,
 * which is recorded, or may be later. */
static gboolean
is_after_hole (gint64 entered, gint64 until)
{
  int n = MIN (__atomic_load_n (&arena->n_holes, __ATOMIC_SEQ_CST), ARENA_HOLES);

  for (int i = 0; i < ARENA_SLOTS; i++)
    {
      const Deletion *deletion = find_hole (&arena->slots[i], until);

      if (deletion != NULL && deletion->t0 <= entered)
        return TRUE;
    }
  for (int i = 0; i < n; i++)
    if (arena->holes[i].t0 <= entered && entered <= arena->holes[i].t1 + HOLE_SLACK)
      return TRUE;
  return FALSE;
}

static gboolean
is_robbed (const Slot *turn, int what, gint64 until)
{
  return find_deletion (what, turn->claim, turn->begun, until) != NULL
         || is_after_hole (turn->entered, until);
}

/* Whether others may have the lock although @turn is inside. A holder that finds by a look that
 * its claim is gone removes the lock file, before it can say that it is out. */
static gboolean
may_overlap (const Slot *turn, gint64 until)
{
  gboolean gives_up = turn->state == SLOT_LOOKING || turn->beats;

  return is_robbed (turn, gives_up ? DELETED_LOCK | DELETED_CLAIM : DELETED_LOCK, until);
}

/* Copies the turn of another process. FALSE: that process is not inside. */
static gboolean
see_turn (const Slot *slot, Slot *turn)
{
  guint number;

  do
    {
      number = __atomic_load_n (&slot->turn, __ATOMIC_SEQ_CST);
      *turn = *slot;
      turn->state = state_of (slot);
    }
  while (__atomic_load_n (&slot->turn, __ATOMIC_SEQ_CST) != number);
  return turn->pid != 0 && (turn->state == SLOT_INSIDE || turn->state == SLOT_LOOKING);
}

static void
meet (const Slot *slot)
{
  Slot turn;
  gint64 now;

  if (!see_turn (slot, &turn) || judge_is_dead (turn.pid))
    return;
  settle ();
  now = g_get_monotonic_time ();
  if (may_overlap (&turn, now) || may_overlap (mine, now))
    {
      g_atomic_int_inc (&arena->explained_overlaps);
      return;
    }
  for (int i = 0; i < DYING_MS; i++)
    {
      if (judge_is_dead (turn.pid))
        return;
      g_usleep (1000);
    }
  g_printerr ("%d is inside, and so am I, %d; neither lock was deleted\n", turn.pid, mine->pid);
  g_atomic_int_inc (&arena->overlaps);
}

void
judge_join (Arena *the_arena)
{
  arena = the_arena;
  for (int i = 0; i < ARENA_SLOTS; i++)
    {
      Slot *slot = &arena->slots[i];
      int pid = __atomic_load_n (&slot->pid, __ATOMIC_SEQ_CST);
      const Deletion *deletion;

      if ((pid != 0 && !judge_is_dead (pid))
          || !__atomic_compare_exchange_n (&slot->pid, &pid, (int) getpid (), FALSE,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        continue;
      /* The last process of this slot is dead, and may have been killed in a release. */
      deletion = find_hole (slot, G_MAXINT64);
      if (deletion != NULL)
        keep_hole (deletion->t0);
      mine = slot;
      set_state (SLOT_OUT);
      return;
    }
  g_error ("the arena has too few slots");
}

void
judge_enters (FluflLock *lock, gint64 begun)
{
  g_autoptr (GFile) claim = flufl_lock_dup_claim_file (lock);

  __atomic_add_fetch (&mine->turn, 1, __ATOMIC_SEQ_CST);
  mine->claim = claim != NULL ? arena_name_id (g_file_peek_path (claim)) : 0;
  mine->begun = begun;
  mine->entered = g_get_monotonic_time ();
  mine->beats = flufl_lock_get_heartbeat (lock) != FLUFL_HEARTBEAT_NONE;
  set_state (SLOT_INSIDE);
  for (int i = 0; i < ARENA_SLOTS; i++)
    if (&arena->slots[i] != mine)
      meet (&arena->slots[i]);
}

void
judge_looks (void)
{
  set_state (SLOT_LOOKING);
  mine->releasing = g_get_monotonic_time ();
}

/* Whether a look or a release that found nothing wrong should have found a deletion. It began at
 * @mine->releasing. */
static gboolean
should_have_been_told (void)
{
  const Deletion *deletion;

  settle ();
  deletion = find_deletion (DELETED_LOCK, mine->claim, mine->entered, mine->releasing);
  return deletion != NULL && deletion->t0 >= mine->entered && deletion->t1 < mine->releasing;
}

void
judge_has_looked (gboolean ours)
{
  if (!ours)
    return;
  if (should_have_been_told ())
    {
      g_printerr ("%d refreshed a lock that was deleted before\n", mine->pid);
      g_atomic_int_inc (&arena->untold);
    }
  set_state (SLOT_INSIDE);
}

void
judge_releases (void)
{
  mine->releasing = g_get_monotonic_time ();
  set_state (SLOT_RELEASING);
}

void
judge_has_released (void)
{
  const Deletion *deletion;

  if (should_have_been_told ())
    {
      g_printerr ("%d released a lock that was deleted before\n", mine->pid);
      g_atomic_int_inc (&arena->untold);
    }
  else if ((deletion = find_hole (mine, G_MAXINT64)) != NULL)
    keep_hole (deletion->t0);
  set_state (SLOT_OUT);
}

gboolean
judge_explains_loss (void)
{
  gboolean explained;

  settle ();
  explained = is_robbed (mine, DELETED_LOCK | DELETED_CLAIM, g_get_monotonic_time ());
  set_state (SLOT_OUT);
  return explained;
}
