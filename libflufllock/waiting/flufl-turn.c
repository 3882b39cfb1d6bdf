/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-turn.h"

#include <string.h>

#include "flufl-process.h"

/* How many waiters of a group are in front. One takes the lock, and a second one is ready behind
 * it, so that the lock is not left free while another waiter comes to the front. */
guint flufl_turn_front_max = 2;
gint64 flufl_turn_patience = G_USEC_PER_SEC;

/* The waiters of this process that can stand for each other. They want the same lock by the same
 * path and separator, and have the same setting of break-dead. */
typedef struct
{
  const FluflSyscalls *sys;
  char                *lock_path; /* owned */
  const char          *separator; /* interned */
  gboolean             break_dead;
  GQueue               waiters;   /* of FluflTurn, by their links */
  guint                n_front;   /* the number of waiters in front that are not stalled */
  FluflSleeper        *sleeper;   /* owned; calls meet() at the time @armed */
  gint64               armed;     /* when meet() looks for stalled waiters; G_MAXINT64: never */
  gboolean             dropped;   /* to be freed by meet() */
} Group;

typedef struct
{
  FluflPerProcess base;
  GMutex          mutex; /* protects what follows, and each FluflTurn */
  GHashTable     *groups; /* owned; Group → Group */
  guint           n_groups; /* atomic, to be read without the mutex */
} Groups;

static FluflPerProcess *current;

static guint
group_hash (gconstpointer key)
{
  const Group *self = key;

  return g_str_hash (self->lock_path) ^ (guint) self->break_dead;
}

static gboolean
group_equal (gconstpointer left, gconstpointer right)
{
  const Group *a = left, *b = right;

  return a->sys == b->sys && a->separator == b->separator && a->break_dead == b->break_dead
         && strcmp (a->lock_path, b->lock_path) == 0;
}

static void
groups_init (gpointer data)
{
  Groups *self = data;

  g_mutex_init (&self->mutex);
  self->groups = g_hash_table_new (group_hash, group_equal);
}

static void
groups_clear (gpointer data)
{
  Groups *self = data;

  g_hash_table_unref (self->groups);
}

static Groups *
get_groups (void)
{
  return flufl_process_get_own (&current, sizeof (Groups), groups_init, groups_clear);
}

/* Finds a group. Called with the mutex. */
static Group *
find (Groups *self, const FluflSite *site, gboolean break_dead)
{
  Group key = { .sys = site->sys, .lock_path = site->lock_path, .separator = site->separator,
                .break_dead = break_dead };

  return g_hash_table_lookup (self->groups, &key);
}

static Group *
find_or_add (Groups *self, const FluflSite *site, gboolean break_dead)
{
  Group *group = find (self, site, break_dead);

  if (group != NULL)
    return group;
  group = g_new0 (Group, 1);
  group->sys = site->sys;
  group->lock_path = g_strdup (site->lock_path);
  group->separator = site->separator;
  group->break_dead = break_dead;
  g_queue_init (&group->waiters);
  group->sleeper = flufl_sleeper_new ();
  group->armed = G_MAXINT64;
  g_hash_table_add (self->groups, group);
  g_atomic_int_inc (&self->n_groups);
  return group;
}

static void
group_free (Group *self)
{
  flufl_sleeper_free (self->sleeper);
  g_free (self->lock_path);
  g_free (self);
}

static void
drop_if_empty (Groups *self, Group *group)
{
  if (group->waiters.length > 0)
    return;
  g_hash_table_remove (self->groups, group);
  g_atomic_int_add (&self->n_groups, -1);
  if (group->armed == G_MAXINT64)
    {
      group_free (group);
      return;
    }
  group->dropped = TRUE;
  flufl_sleeper_wake (group->sleeper);
}

/* Returns the first waiter that is not in front. Called with the mutex. */
static FluflTurn *
first_behind (Group *group)
{
  for (GList *l = group->waiters.head; l != NULL; l = l->next)
    if (!((FluflTurn *) l->data)->in_front)
      return l->data;
  return NULL;
}

/* Whether some waiter relies on the waiters in front. Called with the mutex. */
static gboolean
must_watch_front (Group *group)
{
  for (GList *l = group->waiters.head; l != NULL; l = l->next)
    {
      const FluflTurn *turn = l->data;

      if (!turn->in_front || turn->relies)
        return TRUE;
    }
  return FALSE;
}

/* Wakes the waiters that rely on another one, because a waiter in front has stalled or left. Called
 * with the mutex. */
static void
wake_led (Group *group)
{
  for (GList *l = group->waiters.head; l != NULL; l = l->next)
    {
      FluflTurn *turn = l->data;

      if (turn->relies)
        flufl_sleeper_wake (turn->sleeper);
      turn->relies = FALSE;
      if (!turn->in_front)
        break; /* the waiters after it are not in front either */
    }
}

/* Returns the time from which a waiter in front counts as stalled, unless it moves. */
static gint64
late_from (const FluflTurn *turn)
{
  return turn->due < G_MAXINT64 - flufl_turn_patience ? turn->due + flufl_turn_patience
                                                      : G_MAXINT64;
}

/* Marks the waiters in front that have stalled. Returns when the next waiter in front may have
 * stalled. Called with the mutex. */
static gint64
find_stalled (Group *group, gint64 now)
{
  gint64 next = G_MAXINT64;
  gboolean any = FALSE;

  for (GList *l = group->waiters.head; l != NULL; l = l->next)
    {
      FluflTurn *turn = l->data;
      gint64 late = late_from (turn);

      if (!turn->in_front || turn->is_stalled)
        continue;
      if (now < late)
        next = MIN (next, late);
      else
        {
          turn->is_stalled = any = TRUE;
          group->n_front--;
        }
    }
  if (any)
    wake_led (group);
  return next;
}

static void meet (gpointer data);

/* Makes a worker check at @when that the waiters in front move, if another waiter relies on them.
 * If no thread can be started for the worker, there is no check. Called with the mutex. */
static void
arm (Group *group, gint64 when)
{
  if (when >= group->armed || !must_watch_front (group))
    return;
  if (group->armed != G_MAXINT64)
    /* The worker calls meet() when it is woken, and meet() arms the group again. */
    flufl_sleeper_wake (group->sleeper);
  else if (flufl_sleeper_schedule (group->sleeper, when, meet, group))
    group->armed = when;
}

/* Moves waiters to the front until enough are there. The waiters in front, including the stalled
 * ones, are the first of the group. Called with the mutex. */
static void
fill_front (Group *group)
{
  gint64 now = g_get_monotonic_time ();
  FluflTurn *next;

  while (group->n_front < flufl_turn_front_max && (next = first_behind (group)) != NULL)
    {
      next->in_front = TRUE;
      next->due = now;
      group->n_front++;
      flufl_sleeper_wake (next->sleeper);
      arm (group, now + flufl_turn_patience);
    }
}

/* Finds waiters that have stalled, and lets others come to the front. Called in a worker. */
static void
meet (gpointer data)
{
  Group *group = data;
  Groups *groups = get_groups ();
  gint64 now = g_get_monotonic_time (), next;

  g_mutex_lock (&groups->mutex);
  group->armed = G_MAXINT64;
  if (group->dropped)
    group_free (group);
  else
    {
      next = find_stalled (group, now);
      fill_front (group);
      if (next != G_MAXINT64)
        arm (group, next);
    }
  g_mutex_unlock (&groups->mutex);
}

/*
 * flufl_turn_must_wait:
 *
 * Returns: whether enough waiters of this process are in front, so that a waiter that arrives need
 *   not even try
 */
gboolean
flufl_turn_must_wait (const FluflSite *site, gboolean break_dead)
{
  Groups *self = get_groups ();
  const Group *group;
  gboolean waits;

  if (g_atomic_int_get (&self->n_groups) == 0)
    return FALSE;
  g_mutex_lock (&self->mutex);
  group = find (self, site, break_dead);
  waits = group != NULL && group->n_front >= flufl_turn_front_max;
  g_mutex_unlock (&self->mutex);
  return waits;
}

/*
 * flufl_turn_join:
 * @sleeper: is woken when the waiter comes to the front
 *
 * Adds a waiter to the group of its lock.
 *
 * Returns: whether the waiter is in front at once
 */
gboolean
flufl_turn_join (FluflTurn       *self,
                 const FluflSite *site,
                 gboolean         break_dead,
                 FluflSleeper    *sleeper)
{
  Groups *groups = get_groups ();
  gboolean in_front;
  Group *group;

  g_mutex_lock (&groups->mutex);
  group = find_or_add (groups, site, break_dead);
  in_front = group->n_front < flufl_turn_front_max;
  self->group = group;
  self->link = (GList){ .data = self };
  self->sleeper = sleeper;
  self->in_front = in_front;
  self->is_stalled = self->relies = FALSE;
  self->due = in_front ? g_get_monotonic_time () : G_MAXINT64;
  g_queue_push_tail_link (&group->waiters, &self->link);
  if (in_front)
    group->n_front++;
  else
    arm (group, g_get_monotonic_time () + flufl_turn_patience);
  g_mutex_unlock (&groups->mutex);
  return in_front;
}

gboolean
flufl_turn_is_joined (const FluflTurn *self)
{
  return self->group != NULL;
}

/* Whether the waiter is in front. */
gboolean
flufl_turn_has_come (FluflTurn *self)
{
  Groups *groups = get_groups ();
  gboolean has_come;

  g_mutex_lock (&groups->mutex);
  has_come = self->in_front;
  g_mutex_unlock (&groups->mutex);
  return has_come;
}

/*
 * flufl_turn_relies_on_another:
 * @out_until: when to call this again at the latest, in monotonic microseconds. Unless the other
 *   waiter has moved, it counts as stalled by then
 *
 * Returns: whether another waiter in front came before this one, and moves when it should. If a
 *   thread can be started, this waiter is woken when the other one stalls
 */
gboolean
flufl_turn_relies_on_another (FluflTurn *self, gint64 *out_until)
{
  Groups *groups = get_groups ();
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&groups->mutex);
  self->relies = FALSE;
  for (GList *l = self->link.prev; l != NULL && !self->relies; l = l->prev)
    {
      const FluflTurn *turn = l->data;

      *out_until = late_from (turn);
      self->relies = turn->in_front && !turn->is_stalled && now < *out_until;
    }
  g_mutex_unlock (&groups->mutex);
  return self->relies;
}

/*
 * flufl_turn_moves:
 * @due: when the waiter should move next, at the latest, in monotonic microseconds
 *
 * Notes that the waiter moves, so that it does not count as stalled.
 */
void
flufl_turn_moves (FluflTurn *self, gint64 due)
{
  Groups *groups = get_groups ();
  Group *group = self->group;

  g_mutex_lock (&groups->mutex);
  self->due = due;
  if (self->is_stalled)
    {
      self->is_stalled = FALSE;
      group->n_front++;
    }
  /* A waiter in front that relies on this one finds the time by itself, so only the waiters behind
   * need the worker. */
  if (first_behind (group) != NULL)
    arm (group, late_from (self));
  g_mutex_unlock (&groups->mutex);
}

/* Notes that an event has come for the waiter, so that it should move now. */
void
flufl_turn_try_now (FluflTurn *self)
{
  Groups *groups = get_groups ();
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&groups->mutex);
  if (self->group != NULL && now < self->due)
    {
      self->due = now;
      arm (self->group, now + flufl_turn_patience);
    }
  g_mutex_unlock (&groups->mutex);
}

void
flufl_turn_leave (FluflTurn *self)
{
  Groups *groups = get_groups ();
  Group *group = self->group;

  if (group == NULL)
    return;
  g_mutex_lock (&groups->mutex);
  g_queue_unlink (&group->waiters, &self->link);
  if (self->in_front && !self->is_stalled)
    group->n_front--;
  if (self->in_front)
    wake_led (group);
  fill_front (group);
  drop_if_empty (groups, group);
  self->group = NULL;
  g_mutex_unlock (&groups->mutex);
}

guint
flufl_turn_count (gboolean in_front)
{
  Groups *self = get_groups ();
  GHashTableIter iter;
  gpointer key;
  guint n = 0;

  g_mutex_lock (&self->mutex);
  g_hash_table_iter_init (&iter, self->groups);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    for (GList *l = ((Group *) key)->waiters.head; l != NULL; l = l->next)
      n += ((FluflTurn *) l->data)->in_front == in_front;
  g_mutex_unlock (&self->mutex);
  return n;
}
