/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-macros.h"

G_BEGIN_DECLS

/**
 * FluflLockState:
 * @FLUFL_LOCK_STATE_UNLOCKED: nobody holds the lock: there is no lock file
 * @FLUFL_LOCK_STATE_OURS: this object holds the lock, which has not expired
 * @FLUFL_LOCK_STATE_OURS_EXPIRED: this object holds the lock, but its
 *   expiration is past: another process may break it at any moment
 * @FLUFL_LOCK_STATE_STALE: the holder is proved to be dead. The next process
 *   that wants the lock breaks it
 * @FLUFL_LOCK_STATE_THEIRS_EXPIRED: somebody else holds the lock and its
 *   expiration is past
 * @FLUFL_LOCK_STATE_UNKNOWN: somebody else holds the lock and it has not
 *   expired; nothing proves whether the holder is alive
 * @FLUFL_LOCK_STATE_THEIRS: somebody else holds the lock, it has not expired,
 *   and the holder is proved to be alive
 *
 * The state of a lock at the moment of a query.
 *
 * The first six states have the names and values of flufl.lock's `LockState`.
 * Unlike flufl.lock, this library calls a holder dead or alive only with proof.
 * A host name and a process ID prove nothing.
 *
 * Since: 0.1
 */
typedef enum
{
  FLUFL_LOCK_STATE_UNLOCKED = 1,
  FLUFL_LOCK_STATE_OURS = 2,
  FLUFL_LOCK_STATE_OURS_EXPIRED = 3,
  FLUFL_LOCK_STATE_STALE = 4,
  FLUFL_LOCK_STATE_THEIRS_EXPIRED = 5,
  FLUFL_LOCK_STATE_UNKNOWN = 6,
  FLUFL_LOCK_STATE_THEIRS = 7,
} FluflLockState;

/**
 * FluflHeartbeat:
 * @FLUFL_HEARTBEAT_NONE: the lock is refreshed only when
 *   [method@Flufl.Lock.refresh] is called, as in flufl.lock
 * @FLUFL_HEARTBEAT_MAIN_CONTEXT: the library refreshes it every third of its
 *   lifetime, as long as the thread-default main context of the acquisition runs.
 *   An application whose main loop hangs loses its lock
 * @FLUFL_HEARTBEAT_THREAD: the library refreshes it every third of its lifetime,
 *   as long as the process lives, for programs that run no main loop
 * @FLUFL_HEARTBEAT_AUTO: `MAIN_CONTEXT` for an asynchronous acquisition,
 *   `THREAD` for a synchronous one
 *
 * Who refreshes a held lock.
 *
 * Since: 0.1
 */
typedef enum
{
  FLUFL_HEARTBEAT_NONE = 0,
  FLUFL_HEARTBEAT_MAIN_CONTEXT = 1,
  FLUFL_HEARTBEAT_THREAD = 2,
  FLUFL_HEARTBEAT_AUTO = 3,
} FluflHeartbeat;

/**
 * FluflBreakFlags:
 * @FLUFL_BREAK_NONE: break the lock only if it expired more than ten seconds ago
 *   or its holder is proved to be dead
 * @FLUFL_BREAK_FORCE: remove whatever is at the lock file's path, even a live lock
 *   or a file that is not a lock, but not a directory. Only the caller can know
 *   that this is safe
 *
 * What [method@Flufl.Lock.break_lock] may break.
 *
 * Since: 0.1
 */
typedef enum /*< flags >*/
{
  FLUFL_BREAK_NONE = 0,
  FLUFL_BREAK_FORCE = (1 << 0),
} FluflBreakFlags;

/**
 * FluflOperationKind:
 * @FLUFL_OPERATION_KIND_ACQUIRE: [method@Flufl.Lock.acquire]; the value is the timeout, in
 *   milliseconds
 * @FLUFL_OPERATION_KIND_RELEASE: [method@Flufl.Lock.release]; the value is not used
 * @FLUFL_OPERATION_KIND_REFRESH: [method@Flufl.Lock.refresh]; the value is the lifetime, in
 *   milliseconds
 * @FLUFL_OPERATION_KIND_CHECK: [method@Flufl.Lock.check]; the value is not used
 * @FLUFL_OPERATION_KIND_QUERY_STATE: [method@Flufl.Lock.query_state]; the value is not used
 * @FLUFL_OPERATION_KIND_QUERY_DETAILS: [method@Flufl.Lock.query_details]; the value is not used
 * @FLUFL_OPERATION_KIND_BREAK_LOCK: [method@Flufl.Lock.break_lock]; the value is the flags
 * @FLUFL_OPERATION_KIND_END_LEASE: [method@Flufl.LockGuard.release]; the value is the number of the
 *   lease, from [method@Flufl.Operation.get_lease]. The lock is given up if the release fails or is
 *   dropped
 *
 * What a [struct@Flufl.Operation] does.
 *
 * Since: 0.1
 */
typedef enum
{
  FLUFL_OPERATION_KIND_ACQUIRE,
  FLUFL_OPERATION_KIND_RELEASE,
  FLUFL_OPERATION_KIND_REFRESH,
  FLUFL_OPERATION_KIND_CHECK,
  FLUFL_OPERATION_KIND_QUERY_STATE,
  FLUFL_OPERATION_KIND_QUERY_DETAILS,
  FLUFL_OPERATION_KIND_BREAK_LOCK,
  FLUFL_OPERATION_KIND_END_LEASE,
} FluflOperationKind;

G_END_DECLS
