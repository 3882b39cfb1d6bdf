/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-lock-guard.h"

#include "flufl-call-private.h"

struct _FluflLockGuard
{
  FluflLock *lock;   /* owned */
  guint      number; /* of the lease that it ends */
};

/**
 * flufl_lock_guard_new: (skip)
 * @lock: a lock
 * @timeout_ms: how long to wait, in milliseconds; or
 *   [const@Flufl.LOCK_TIMEOUT_FOREVER] (-1), or
 *   [const@Flufl.LOCK_TIMEOUT_DEFAULT] (-2)
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Acquires the lock as [method@Flufl.Lock.acquire] does, with the same errors,
 * and makes a guard that releases it.
 *
 * The guard has a reference to @lock. Any thread may end it.
 *
 * Returns: (transfer full) (nullable): a guard; %NULL with @error set
 *
 * Since: 0.1
 */
FluflLockGuard *
flufl_lock_guard_new (FluflLock    *lock,
                      gint64        timeout_ms,
                      GCancellable *cancellable,
                      GError      **error)
{
  FluflLockGuard *guard = NULL;
  FluflCall *call;

  g_return_val_if_fail (FLUFL_IS_LOCK (lock), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  call = flufl_call_new_acquire (lock, timeout_ms, cancellable);
  if (flufl_call_run (call, error))
    {
      guard = g_new0 (FluflLockGuard, 1);
      guard->lock = g_object_ref (lock);
      guard->number = call->number;
    }
  flufl_call_free (call);
  return guard;
}

/**
 * flufl_lock_guard_release: (skip)
 * @guard: (transfer full): a guard
 * @error: return location for an error
 *
 * Releases the lock and frees the guard, as [method@Flufl.LockGuard.free] does,
 * and reports a loss, which the silent end of a scope cannot.
 *
 * Fails with
 *
 * - `FLUFL_LOCK_ERROR_LOST` if the lease of this guard ended in a loss,
 * - `FLUFL_LOCK_ERROR_NOT_HELD` if it was released before. If @lock was acquired again
 *   since, the new lease stays,
 * - `G_IO_ERROR_PENDING` if another operation runs on the object. The lock is
 *   given up all the same,
 * - an error of the system if the claim file cannot be removed. The lock is given
 *   up all the same: others break it.
 *
 * Returns: %TRUE if the lock was released; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_guard_release (FluflLockGuard *guard, GError **error)
{
  gboolean released;

  g_return_val_if_fail (guard != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  released = flufl_lock_release_win (guard->lock, guard->number, error);
  if (!released)
    flufl_lock_give_up_win (guard->lock, guard->number);
  g_object_unref (guard->lock);
  g_free (guard);
  return released;
}

/**
 * flufl_lock_guard_free: (skip)
 * @guard: (transfer full): a guard
 *
 * Releases the lock and frees the guard. `g_autoptr (FluflLockGuard)` calls this
 * at the end of its scope.
 *
 * If the lease of this guard has ended, by a loss or a release, nothing is
 * released. A loss is not reported: see [method@Flufl.LockGuard.release].
 *
 * Since: 0.1
 */
void
flufl_lock_guard_free (FluflLockGuard *guard)
{
  g_return_if_fail (guard != NULL);

  flufl_lock_guard_release (guard, NULL);
}
