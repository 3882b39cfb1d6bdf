/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The operations that look: “check”, “query_state” and “query_details”.
 */

#include "config.h"

#include <errno.h>

#include "flufl-call.h"
#include "flufl-error.h"
#include "flufl-lock-details-private.h"
#include "flufl-person-private.h"
#include "flufl-report-private.h"
#include "flufl-sighting.h"

typedef struct
{
  FluflCall         call;
  FluflSighting     sighting; /* of a query */
  FluflOutcome      outcome;  /* of a check */
  int               errsv;    /* of a check */
  FluflLockState    state;
  FluflLockDetails *details;      /* owned; nullable */
} QueryCall;

/* --- Check --- */

static gboolean
check_step (FluflCall *call, gint64 *out_when G_GNUC_UNUSED)
{
  QueryCall *self = (QueryCall *) call;

  self->outcome = flufl_call_check (call, &self->errsv);
  call->answer = self->outcome == FLUFL_OUTCOME_HELD;
  return FALSE;
}

static void
check_settle (FluflCall *call)
{
  QueryCall *self = (QueryCall *) call;

  if (self->outcome == FLUFL_OUTCOME_LOST)
    flufl_call_report_not_held (call);
  if (self->outcome != FLUFL_OUTCOME_UNSURE)
    return;
  call->error = flufl_report_failed (&call->site, FLUFL_FAILED_LOOK_AT_CLAIM, self->errsv);
  call->errsv = self->errsv;
}

static const FluflCallClass check_class = {
  .answers_cancel = TRUE,
  .step = check_step,
  .settle = check_settle,
  .emit = flufl_call_emit_end,
  .return_result = flufl_call_return_boolean,
};

/* --- Query --- */

static gboolean
query_step (FluflCall *call, gint64 *out_when)
{
  return flufl_sighting_look (&((QueryCall *) call)->sighting, call, out_when);
}

static gboolean
details_step (FluflCall *call, gint64 *out_when)
{
  FluflSighting *sighting = &((QueryCall *) call)->sighting;

  if (query_step (call, out_when))
    return TRUE;
  if (sighting->holder)
    flufl_person_learn_holder (&call->site, &sighting->findings);
  return FALSE;
}

static void
state_settle (FluflCall *call)
{
  QueryCall *self = (QueryCall *) call;

  self->state = FLUFL_LOCK_STATE_UNKNOWN;
  flufl_sighting_settle (&self->sighting, call);
  if (call->error == NULL)
    self->state = self->sighting.holder ? flufl_lease_judge (call->lease, &self->sighting.findings.look,
                                                    self->sighting.findings.liveness)
                               : FLUFL_LOCK_STATE_UNLOCKED;
}

static void
state_return (FluflCall *call)
{
  g_task_return_int (call->task, (gssize) ((QueryCall *) call)->state);
}

static const FluflCallClass state_class = {
  .sleeps = TRUE,
  .answers_cancel = TRUE,
  .step = query_step,
  .settle = state_settle,
  .return_result = state_return,
};

static void
details_settle (FluflCall *call)
{
  QueryCall *self = (QueryCall *) call;

  state_settle (call);
  if (call->error != NULL)
    return;
  if (!self->sighting.holder)
    call->error = flufl_report_nobody (&call->site);
  else if (self->sighting.findings.look.sight == FLUFL_SIGHT_UNREADABLE)
    {
      call->error = flufl_report_failed (&call->site, FLUFL_FAILED_READ_LOCK, EACCES);
      call->errsv = EACCES;
    }
  else
    self->details = flufl_lock_details_new (&call->site, &self->sighting.findings, self->state);
}

static void
details_return (FluflCall *call)
{
  g_task_return_pointer (call->task, flufl_call_steal_details (call),
                         (GDestroyNotify) flufl_lock_details_free);
}

static void
details_clear (FluflCall *call)
{
  g_clear_pointer (&((QueryCall *) call)->details, flufl_lock_details_free);
}

static const FluflCallClass details_class = {
  .sleeps = TRUE,
  .answers_cancel = TRUE,
  .step = details_step,
  .settle = details_settle,
  .return_result = details_return,
  .clear = details_clear,
};

/*
 * flufl_call_get_state:
 *
 * Returns: the state that a query has found; UNKNOWN if @self is not a query
 */
FluflLockState
flufl_call_get_state (FluflCall *self)
{
  return self->class == &state_class || self->class == &details_class
             ? ((QueryCall *) self)->state
             : FLUFL_LOCK_STATE_UNKNOWN;
}

/*
 * flufl_call_steal_details:
 *
 * Returns: (transfer full) (nullable): the details that a query has found
 */
FluflLockDetails *
flufl_call_steal_details (FluflCall *self)
{
  return self->class == &details_class ? g_steal_pointer (&((QueryCall *) self)->details) : NULL;
}

/* --- Public --- */

static FluflCall *
query_call_new (const FluflCallClass *class, FluflLock *lock, GCancellable *cancellable)
{
  QueryCall *call = g_new0 (QueryCall, 1);

  flufl_call_init (&call->call, class, lock, cancellable);
  return &call->call;
}

FluflCall *
flufl_call_new_check (FluflLock *self, gint64 unused G_GNUC_UNUSED, GCancellable *cancellable)
{
  return query_call_new (&check_class, self, cancellable);
}

FluflCall *
flufl_call_new_query_state (FluflLock *self, gint64 unused G_GNUC_UNUSED, GCancellable *cancellable)
{
  return query_call_new (&state_class, self, cancellable);
}

FluflCall *
flufl_call_new_query_details (FluflLock *self, gint64 unused G_GNUC_UNUSED,
                               GCancellable *cancellable)
{
  return query_call_new (&details_class, self, cancellable);
}

/**
 * flufl_lock_check:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Checks on disk whether this object holds the lock. The lease is not extended.
 *
 * Before a write that needs the lock, call [method@Flufl.Lock.refresh] instead.
 * A refresh asks the file server and extends the lease, while the answer of this
 * method may be some seconds old on NFS.
 *
 * Fails with
 *
 * - `FLUFL_LOCK_ERROR_LOST` if the object has lost the lock. A loss that is found
 *   here is reported by [signal@Flufl.Lock::lost] and by the cancellable as well,
 * - `FLUFL_LOCK_ERROR_NOT_HELD` if the object did not hold the lock,
 * - `G_IO_ERROR_CANCELLED` if the operation was cancelled,
 * - an error of the system.
 *
 * Returns: %TRUE if the object holds the lock; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_check (FluflLock *self, GCancellable *cancellable, GError **error)
{
  QueryCall call = { 0 };

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  flufl_call_init (&call.call, &check_class, self, cancellable);
  return flufl_call_run_and_clear (&call.call, error);
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
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_call_start (flufl_call_new_check (self, 0, cancellable),
                    flufl_lock_check_async, callback, user_data);
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
 * Returns: %TRUE if the object holds the lock; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_check_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return flufl_call_finish_boolean (self, result, flufl_lock_check_async, error);
}

/**
 * flufl_lock_query_state:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Looks at the state of the lock, whoever holds it. Nothing is written. If the
 * lock file or its directory does not exist, the lock is unlocked.
 *
 * Fails with
 *
 * - `FLUFL_LOCK_ERROR_NOT_A_LOCK` if another file is at the path,
 * - `G_IO_ERROR_CANCELLED` if the operation was cancelled,
 * - an error of the system.
 *
 * Returns: the state; `FLUFL_LOCK_STATE_UNKNOWN` when @error is set
 *
 * Since: 0.1
 */
FluflLockState
flufl_lock_query_state (FluflLock *self, GCancellable *cancellable, GError **error)
{
  QueryCall call = { 0 };
  FluflLockState state;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FLUFL_LOCK_STATE_UNKNOWN);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FLUFL_LOCK_STATE_UNKNOWN);
  g_return_val_if_fail (error == NULL || *error == NULL, FLUFL_LOCK_STATE_UNKNOWN);

  flufl_call_init (&call.call, &state_class, self, cancellable);
  call.state = FLUFL_LOCK_STATE_UNKNOWN;
  flufl_call_run (&call.call, error);
  state = call.state;
  flufl_call_clear (&call.call);
  return state;
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
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_call_start (flufl_call_new_query_state (self, 0, cancellable),
                    flufl_lock_query_state_async, callback, user_data);
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
  GTask *task = flufl_call_finished_task (self, result, flufl_lock_query_state_async);
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
 * Gets the holder and the expiration of the lock. Nothing is written.
 *
 * Fails with
 *
 * - `FLUFL_LOCK_ERROR_NOT_HELD` if nobody holds the lock,
 * - `FLUFL_LOCK_ERROR_NOT_A_LOCK` if another file is at the path,
 * - `G_IO_ERROR_PERMISSION_DENIED` if the lock file may not be read,
 * - `G_IO_ERROR_CANCELLED` if the operation was cancelled,
 * - another error of the system.
 *
 * Returns: (transfer full): the details; %NULL with @error set
 *
 * Since: 0.1
 */
FluflLockDetails *
flufl_lock_query_details (FluflLock *self, GCancellable *cancellable, GError **error)
{
  QueryCall call = { 0 };
  FluflLockDetails *details;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  flufl_call_init (&call.call, &details_class, self, cancellable);
  flufl_call_run (&call.call, error);
  details = flufl_call_steal_details (&call.call);
  flufl_call_clear (&call.call);
  return details;
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
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_call_start (flufl_call_new_query_details (self, 0, cancellable),
                    flufl_lock_query_details_async, callback, user_data);
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
  GTask *task = flufl_call_finished_task (self, result, flufl_lock_query_details_async);

  return task != NULL ? g_task_propagate_pointer (task, error) : NULL;
}
