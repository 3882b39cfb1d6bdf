/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Giving up a lock, or all of them, whatever is under way.
 */

#include "config.h"

#include "flufl-lock-private.h"

/**
 * flufl_lock_abandon:
 * @self: a lock
 *
 * Gives up the lock, whatever is under way. A lock that is held is released, and
 * an acquisition that runs ends with `G_IO_ERROR_CANCELLED`. This is for a place
 * that cannot wait and has nobody to report an error to, such as the end of a
 * window.
 *
 * Never fails, and waits for a file server for 20 ms at most; the rest goes on in
 * another thread. Another acquisition fails with `G_IO_ERROR_PENDING` until the
 * callback of the first one has come.
 *
 * Since: 0.1
 */
void
flufl_lock_abandon (FluflLock *self)
{
  gboolean held;

  g_return_if_fail (FLUFL_IS_LOCK (self));

  held = flufl_lease_is_held (self->lease);
  flufl_lease_abandon (self->lease);
  if (held)
    flufl_lock_notify_held (self);
}

/* Returns: (transfer full): of FluflTie, in use: to those objects that hold their locks */
static GPtrArray *
list_holders (GPtrArray *leases)
{
  GPtrArray *holders = g_ptr_array_new_with_free_func (flufl_tie_put);

  for (guint i = 0; i < leases->len; i++)
    {
      FluflLease *lease = leases->pdata[i];
      FluflTie *tie = flufl_lease_get_tie (lease);

      if (tie != NULL && flufl_lease_is_held (lease))
        g_ptr_array_add (holders, tie);
      else
        g_clear_pointer (&tie, flufl_tie_put);
    }
  return holders;
}

/**
 * flufl_lock_release_all:
 * @timeout_ms: for how long to wait for file servers and for acquisitions that
 *   run, in milliseconds; -1 for as long as it takes
 *
 * Gives up all locks of this process, as [method@Flufl.Lock.abandon] does for
 * one: those that are held, and those that are being acquired.
 *
 * A process that calls exit(3), or returns from `main()`, does this by itself,
 * for two seconds at most. The exit leaves out objects whose
 * [property@Flufl.Lock:release-at-exit] is %FALSE. This function gives up their
 * locks, too. A forked child never touches the locks of its parent.
 *
 * Work that a lock protects is not stopped: it is no loss if the program itself
 * gives up its locks. End the work before.
 *
 * A lock whose files cannot be removed is given up all the same: others break
 * it, on a local file system within milliseconds.
 *
 * Returns: %TRUE if all locks were given up in time; %FALSE if some still are
 *   being given up, or have files that could not be removed
 *
 * Since: 0.1
 */
gboolean
flufl_lock_release_all (gint64 timeout_ms)
{
  g_autoptr (GPtrArray) leases = NULL;
  g_autoptr (GPtrArray) holders = NULL;
  gint64 now = g_get_monotonic_time ();
  gboolean done;

  g_return_val_if_fail (timeout_ms >= FLUFL_LOCK_TIMEOUT_FOREVER, FALSE);

  leases = flufl_lease_list_all ();
  holders = list_holders (leases);
  done = flufl_lease_abandon_all (leases, timeout_ms < 0 || timeout_ms > (G_MAXINT64 - now) / 1000
                                              ? G_MAXINT64
                                              : now + timeout_ms * 1000);
  for (guint i = 0; i < holders->len; i++)
    flufl_lock_notify_held (flufl_tie_object (holders->pdata[i]));
  return done;
}
