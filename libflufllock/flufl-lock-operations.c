/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The public operations: arguments in, results out. How they run is in
 * flufl-op.c.
 */

#include "config.h"

#include "flufl-op-private.h"

static gboolean
finish_boolean (FluflLock *self, GAsyncResult *result, gpointer tag, GError **error)
{
  GTask *task = flufl_op_finished_task (self, result, tag);

  return task != NULL && g_task_propagate_boolean (task, error);
}

/**
 * flufl_lock_acquire:
 * @self: a lock
 * @timeout_ms: for how long to wait, in milliseconds; 0 tries once,
 *   [const@Flufl.LOCK_TIMEOUT_FOREVER] (-1) waits for ever,
 *   [const@Flufl.LOCK_TIMEOUT_DEFAULT] as
 *   [property@Flufl.Lock:default-timeout] says
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Acquires the lock, and waits for it if somebody else holds it.
 *
 * At least one try is made, which includes a look at whether the holder's lock
 * has expired, or its holder is proved dead: then it is broken. The wait ends
 * within @timeout_ms, unless a file server keeps a call of the last try for
 * longer, and leaves nothing behind.
 *
 * Fails with `FLUFL_LOCK_ERROR_TIMED_OUT`; `FLUFL_LOCK_ERROR_ALREADY_HELD` if
 * this object has it; `FLUFL_LOCK_ERROR_NOT_A_LOCK` if something else is at the
 * path; `FLUFL_LOCK_ERROR_UNSUPPORTED` where there are no hard links, and on SMB;
 * `G_IO_ERROR_CANCELLED`, and then the lock is not held; or with what the system
 * says, such as `G_IO_ERROR_NOT_FOUND` where the directory is missing.
 *
 * Returns: %TRUE if the lock is held now; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_acquire (FluflLock    *self,
                    gint64        timeout_ms,
                    GCancellable *cancellable,
                    GError      **error)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_ACQUIRE, self, cancellable);

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  op.timeout = timeout_ms;
  return flufl_op_run_sync (&op, error);
}

/**
 * flufl_lock_acquire_async:
 * @self: a lock
 * @timeout_ms: for how long to wait, in milliseconds; 0 tries once,
 *   [const@Flufl.LOCK_TIMEOUT_FOREVER] (-1) waits for ever,
 *   [const@Flufl.LOCK_TIMEOUT_DEFAULT] as
 *   [property@Flufl.Lock:default-timeout] says
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.acquire].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * A cancellation is answered within a second even if a file server keeps a call.
 * Then the object is busy, and other operations on it fail with
 * `G_IO_ERROR_PENDING`, until that call returns. What it won is given up.
 *
 * Since: 0.1
 */
void
flufl_lock_acquire_async (FluflLock          *self,
                          gint64              timeout_ms,
                          GCancellable       *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer            user_data)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_ACQUIRE, self, cancellable);

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  op.timeout = timeout_ms;
  flufl_op_start (&op, flufl_lock_acquire_async, callback, user_data);
}

/**
 * flufl_lock_acquire_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.acquire_async]; the errors are those
 * of [method@Flufl.Lock.acquire].
 *
 * Returns: %TRUE if the lock is held now; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_acquire_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, flufl_lock_acquire_async, error);
}

/**
 * flufl_lock_release:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Releases the lock.
 *
 * Fails with `FLUFL_LOCK_ERROR_NOT_HELD`; `FLUFL_LOCK_ERROR_LOST` if somebody
 * had broken it before, and then it is not held any more, and
 * [method@Flufl.Lock.get_cancellable] has been cancelled; `G_IO_ERROR_CANCELLED`
 * if it was cancelled before it began, and then the lock is still held. If the
 * system fails to remove the claim file, the lock is still held but no longer
 * refreshed: release it again, or leave it to expire.
 *
 * Returns: %TRUE if the lock was released; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_release (FluflLock *self, GCancellable *cancellable, GError **error)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_RELEASE, self, cancellable);

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return flufl_op_run_sync (&op, error);
}

/**
 * flufl_lock_release_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.release].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_release_async (FluflLock          *self,
                          GCancellable       *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer            user_data)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_RELEASE, self, cancellable);

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_op_start (&op, flufl_lock_release_async, callback, user_data);
}

/**
 * flufl_lock_release_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.release_async]; the errors are those
 * of [method@Flufl.Lock.release].
 *
 * Returns: %TRUE if the lock was released; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_release_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, flufl_lock_release_async, error);
}

/**
 * flufl_lock_refresh:
 * @self: a lock
 * @lifetime_ms: the new lifetime, in milliseconds, which becomes
 *   [property@Flufl.Lock:lifetime]; or [const@Flufl.LOCK_LIFETIME_AS_SET] (-1)
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Extends the lease: the lock expires a lifetime from now. Also makes sure that
 * it is still held.
 *
 * Fails with `FLUFL_LOCK_ERROR_NOT_HELD`; with `FLUFL_LOCK_ERROR_LOST` if
 * somebody has broken the lock, and then [signal@Flufl.Lock::lost] is emitted
 * too; or with what the system says, and then the lease that ran goes on.
 *
 * Returns: %TRUE if the lease was extended; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_refresh (FluflLock    *self,
                    gint64        lifetime_ms,
                    GCancellable *cancellable,
                    GError      **error)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_REFRESH, self, cancellable);

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  op.lifetime = lifetime_ms;
  return flufl_op_run_sync (&op, error);
}

/**
 * flufl_lock_refresh_async:
 * @self: a lock
 * @lifetime_ms: the new lifetime, in milliseconds, which becomes
 *   [property@Flufl.Lock:lifetime]; or [const@Flufl.LOCK_LIFETIME_AS_SET] (-1)
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.refresh].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_refresh_async (FluflLock          *self,
                          gint64              lifetime_ms,
                          GCancellable       *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer            user_data)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_REFRESH, self, cancellable);

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  op.lifetime = lifetime_ms;
  flufl_op_start (&op, flufl_lock_refresh_async, callback, user_data);
}

/**
 * flufl_lock_refresh_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.refresh_async]; the errors are those
 * of [method@Flufl.Lock.refresh].
 *
 * Returns: %TRUE if the lease was extended; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_refresh_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, flufl_lock_refresh_async, error);
}

/**
 * flufl_lock_check:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Looks on disk whether this object holds the lock. Nothing is written, and the
 * lease is not extended.
 *
 * On NFS the answer may be some seconds old; [method@Flufl.Lock.refresh] asks
 * the server.
 *
 * Returns: %TRUE if it holds the lock; %FALSE if it does not, or with @error set
 *   if that could not be found out
 *
 * Since: 0.1
 */
gboolean
flufl_lock_check (FluflLock *self, GCancellable *cancellable, GError **error)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_CHECK, self, cancellable);

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return flufl_op_run_sync (&op, error);
}

/**
 * flufl_lock_check_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.check].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_check_async (FluflLock          *self,
                        GCancellable       *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer            user_data)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_CHECK, self, cancellable);

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_op_start (&op, flufl_lock_check_async, callback, user_data);
}

/**
 * flufl_lock_check_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.check_async]; the errors are those
 * of [method@Flufl.Lock.check].
 *
 * Returns: %TRUE if it holds the lock; %FALSE if it does not, or with @error set
 *   if that could not be found out
 *
 * Since: 0.1
 */
gboolean
flufl_lock_check_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, flufl_lock_check_async, error);
}

/**
 * flufl_lock_query_state:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Looks at the state of the lock, whoever holds it. Nothing is written. Where
 * nothing is at the path, not even the directory, the lock is unlocked.
 *
 * Fails with `FLUFL_LOCK_ERROR_NOT_A_LOCK` if something else is at the path, or
 * with what the system says.
 *
 * Returns: the state; `FLUFL_LOCK_STATE_UNKNOWN` when @error is set
 *
 * Since: 0.1
 */
FluflLockState
flufl_lock_query_state (FluflLock *self, GCancellable *cancellable, GError **error)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_QUERY_STATE, self, cancellable);

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FLUFL_LOCK_STATE_UNKNOWN);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FLUFL_LOCK_STATE_UNKNOWN);
  g_return_val_if_fail (error == NULL || *error == NULL, FLUFL_LOCK_STATE_UNKNOWN);

  op.state = FLUFL_LOCK_STATE_UNKNOWN;
  flufl_op_run_sync (&op, error);
  return op.state;
}

/**
 * flufl_lock_query_state_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.query_state].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_query_state_async (FluflLock          *self,
                              GCancellable       *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer            user_data)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_QUERY_STATE, self, cancellable);

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_op_start (&op, flufl_lock_query_state_async, callback, user_data);
}

/**
 * flufl_lock_query_state_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.query_state_async]; the errors are those
 * of [method@Flufl.Lock.query_state].
 *
 * Returns: the state; `FLUFL_LOCK_STATE_UNKNOWN` when @error is set
 *
 * Since: 0.1
 */
FluflLockState
flufl_lock_query_state_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  GTask *task = flufl_op_finished_task (self, result, flufl_lock_query_state_async);
  g_autoptr (GError) failure = NULL;
  gssize state;

  if (task == NULL)
    return FLUFL_LOCK_STATE_UNKNOWN;
  state = g_task_propagate_int (task, &failure);
  if (failure == NULL)
    return (FluflLockState) state;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FLUFL_LOCK_STATE_UNKNOWN;
}

/**
 * flufl_lock_query_details:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Looks at who holds the lock, and until when. Nothing is written.
 *
 * Fails with `FLUFL_LOCK_ERROR_NOT_HELD` if nobody does,
 * `FLUFL_LOCK_ERROR_NOT_A_LOCK` if something else is at the path,
 * `G_IO_ERROR_PERMISSION_DENIED` if the lock file may not be read, or with what
 * else the system says.
 *
 * Returns: (transfer full): the details; %NULL with @error set
 *
 * Since: 0.1
 */
FluflLockDetails *
flufl_lock_query_details (FluflLock *self, GCancellable *cancellable, GError **error)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_QUERY_DETAILS, self, cancellable);

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  flufl_op_run_sync (&op, error);
  return op.details;
}

/**
 * flufl_lock_query_details_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.query_details].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_query_details_async (FluflLock          *self,
                                GCancellable       *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer            user_data)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_QUERY_DETAILS, self, cancellable);

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_op_start (&op, flufl_lock_query_details_async, callback, user_data);
}

/**
 * flufl_lock_query_details_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.query_details_async]; the errors are those
 * of [method@Flufl.Lock.query_details].
 *
 * Returns: (transfer full): the details; %NULL with @error set
 *
 * Since: 0.1
 */
FluflLockDetails *
flufl_lock_query_details_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  GTask *task = flufl_op_finished_task (self, result, flufl_lock_query_details_async);

  return task != NULL ? g_task_propagate_pointer (task, error) : NULL;
}

/**
 * flufl_lock_break_lock:
 * @self: a lock
 * @flags: what may be broken
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Breaks the lock that somebody else holds, without acquiring it.
 *
 * Without `FLUFL_BREAK_FORCE` only a lock that expired more than ten seconds
 * ago, or whose holder is proved dead, is broken. The ten seconds are for clocks
 * that differ: until they are over, a lock in the state
 * `FLUFL_LOCK_STATE_THEIRS_EXPIRED` stays. Unless its life-line proves the death,
 * a lock on which something changed less than five seconds ago is left alone
 * until then, so that this may take some seconds. Another lock stays as it is,
 * and this fails with `G_IO_ERROR_BUSY`, in words that say who holds it.
 *
 * With it whatever is at the lock file's path is removed, but for a directory:
 * the lock of a live holder, who loses it, or a file that is no lock. Nothing
 * but the caller's own knowledge makes that safe.
 *
 * Where nothing is at the path there is nothing to do. Fails with
 * `FLUFL_LOCK_ERROR_ALREADY_HELD` if this object holds the lock.
 *
 * Returns: %TRUE if the lock is not in the way any more; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_break_lock (FluflLock      *self,
                       FluflBreakFlags flags,
                       GCancellable   *cancellable,
                       GError        **error)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_BREAK, self, cancellable);

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  op.flags = flags;
  return flufl_op_run_sync (&op, error);
}

/**
 * flufl_lock_break_lock_async:
 * @self: a lock
 * @flags: what may be broken
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.break_lock].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_break_lock_async (FluflLock          *self,
                             FluflBreakFlags     flags,
                             GCancellable       *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer            user_data)
{
  FluflOp op = FLUFL_OP_INIT (FLUFL_OP_BREAK, self, cancellable);

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  op.flags = flags;
  flufl_op_start (&op, flufl_lock_break_lock_async, callback, user_data);
}

/**
 * flufl_lock_break_lock_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.break_lock_async]; the errors are those
 * of [method@Flufl.Lock.break_lock].
 *
 * Returns: %TRUE if the lock is not in the way any more; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_break_lock_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, flufl_lock_break_lock_async, error);
}
