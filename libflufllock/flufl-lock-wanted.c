/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * How a holder learns that somebody waits.
 */

#include "config.h"

#include "flufl-lock-private.h"
#include "flufl-observer-private.h"

/* The least time between two looks where no watch reports waiters, in milliseconds. */
#define INTERVAL_MIN 100

/* With the mutex. */
static gboolean
is_to_observe (FluflLock *self)
{
  return self->watch_wanted && flufl_lease_is_held (self->lease);
}

static void
view_cb (GObject *object, FluflView *view)
{
  FluflLock *self = FLUFL_LOCK (object);
  gboolean changed;

  flufl_lease_lock (self->lease);
  changed = self->observer != NULL && is_to_observe (self) && self->wanted != view->found;
  if (changed)
    self->wanted = view->found;
  flufl_lease_unlock (self->lease);
  if (changed)
    flufl_lock_notify_wanted (self);
}

/* With the mutex. */
static gboolean
is_to_start (FluflLock *self)
{
  return is_to_observe (self) && self->observer == NULL && self->lease->tie != NULL;
}

/* Returns: (transfer full) (nullable): what observes a lease that is not to be observed any more */
static FluflObserver *
take_past (FluflLock *self, gboolean *out_wanted, gboolean *out_starts)
{
  FluflLease *lease = self->lease;
  FluflObserver *past = NULL;

  flufl_lease_lock (lease);
  if (self->observer != NULL && (!is_to_observe (self) || self->observed != lease->number))
    {
      past = g_steal_pointer (&self->observer);
      *out_wanted = self->wanted;
      self->wanted = FALSE;
    }
  *out_starts = is_to_start (self);
  flufl_lease_unlock (lease);
  return past;
}

/* It is started without the mutex, and dropped if another thread was faster. */
static void
start (FluflLock *self)
{
  FluflLease *lease = self->lease;
  g_autoptr (GMainContext) context = NULL;
  FluflTie *tie = NULL;
  FluflObserver *fresh;
  gint64 interval_ms;
  guint number;

  flufl_lease_lock (lease);
  number = lease->number;
  interval_ms = MAX (lease->lifetime / FLUFL_NSEC_PER_MSEC / 3, INTERVAL_MIN);
  if (is_to_start (self))
    {
      tie = flufl_tie_ref (lease->tie);
      context = g_main_context_ref (lease->context != NULL ? lease->context
                                                           : g_main_context_default ());
    }
  flufl_lease_unlock (lease);
  if (tie == NULL)
    return;
  fresh = flufl_observer_start (self, FLUFL_LOOKOUT_WAITER, (int) MIN (interval_ms, G_MAXINT),
                                context, tie, view_cb);
  flufl_tie_unref (tie);
  flufl_lease_lock (lease);
  if (is_to_observe (self) && self->observer == NULL && lease->number == number)
    {
      self->observer = g_steal_pointer (&fresh);
      self->observed = number;
    }
  flufl_lease_unlock (lease);
  if (fresh != NULL)
    flufl_observer_stop (fresh);
}

/*
 * flufl_lock_adjust_wanted:
 *
 * Begins or ends to look for waiters, as the lease and the setting ask for. Called in a thread of
 * the user's, without mutexes.
 */
void
flufl_lock_adjust_wanted (FluflLock *self)
{
  gboolean wanted = FALSE, starts;
  FluflObserver *past = take_past (self, &wanted, &starts);

  if (past != NULL)
    flufl_observer_stop (past);
  if (wanted)
    flufl_lock_notify_wanted (self);
  /* Whoever changes the lease or the setting meanwhile calls this function, too. */
  if (starts)
    start (self);
}

/* Called while the object is disposed of. */
void
flufl_lock_stop_wanted (FluflLock *self)
{
  FluflObserver *past;

  flufl_lease_lock (self->lease);
  past = g_steal_pointer (&self->observer);
  self->watch_wanted = FALSE;
  flufl_lease_unlock (self->lease);
  if (past != NULL)
    flufl_observer_stop (past);
}

/**
 * flufl_lock_get_watch_wanted:
 * @self: a lock
 *
 * Gets [property@Flufl.Lock:watch-wanted].
 *
 * Returns: whether the object looks for waiters while it holds the lock
 *
 * Since: 0.1
 */
gboolean
flufl_lock_get_watch_wanted (FluflLock *self)
{
  gboolean watch_wanted;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);

  flufl_lease_lock (self->lease);
  watch_wanted = self->watch_wanted;
  flufl_lease_unlock (self->lease);
  return watch_wanted;
}

/**
 * flufl_lock_set_watch_wanted:
 * @self: a lock
 * @watch_wanted: whether the object looks for waiters while it holds the lock
 *
 * Sets [property@Flufl.Lock:watch-wanted]. A change takes effect at once.
 *
 * Since: 0.1
 */
void
flufl_lock_set_watch_wanted (FluflLock *self, gboolean watch_wanted)
{
  gboolean changed;

  g_return_if_fail (FLUFL_IS_LOCK (self));

  flufl_lease_lock (self->lease);
  changed = self->watch_wanted != !!watch_wanted;
  self->watch_wanted = !!watch_wanted;
  flufl_lease_unlock (self->lease);
  if (!changed)
    return;
  flufl_lock_adjust_wanted (self);
  g_object_notify (G_OBJECT (self), "watch-wanted");
}

/**
 * flufl_lock_get_wanted:
 * @self: a lock
 *
 * Gets whether somebody waits for the lock that this object holds, as far as
 * [property@Flufl.Lock:watch-wanted] has found out. The disk is not touched.
 *
 * Returns: whether somebody waits
 *
 * Since: 0.1
 */
gboolean
flufl_lock_get_wanted (FluflLock *self)
{
  gboolean wanted;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);

  flufl_lease_lock (self->lease);
  /* The view of an earlier lease may still be there, and a forked child has a copy of its parent's. */
  wanted = self->wanted && is_to_observe (self) && self->observed == self->lease->number;
  flufl_lease_unlock (self->lease);
  return wanted;
}
