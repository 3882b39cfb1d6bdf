/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-operation.h"

#include "flufl-call.h"

struct _FluflOperation
{
  gatomicrefcount refs;
  FluflLock      *lock;  /* owned */
  FluflCall      *call;  /* owned; NULL once it was dropped */
  gboolean        over;
  guint           ends;     /* the lease that it ends, whatever happens; 0: none */
  gboolean        was_read; /* the answer, so that the lock, too, is the caller's */
};

G_DEFINE_BOXED_TYPE (FluflOperation, flufl_operation, flufl_operation_ref, flufl_operation_unref)

/* By kind. */
static const FluflCallMaker makers[] = {
  [FLUFL_OPERATION_KIND_ACQUIRE] = flufl_call_new_acquire,
  [FLUFL_OPERATION_KIND_RELEASE] = flufl_call_new_release,
  [FLUFL_OPERATION_KIND_REFRESH] = flufl_call_new_refresh,
  [FLUFL_OPERATION_KIND_CHECK] = flufl_call_new_check,
  [FLUFL_OPERATION_KIND_QUERY_STATE] = flufl_call_new_query_state,
  [FLUFL_OPERATION_KIND_QUERY_DETAILS] = flufl_call_new_query_details,
  [FLUFL_OPERATION_KIND_BREAK_LOCK] = flufl_call_new_break_lock,
  [FLUFL_OPERATION_KIND_END_LEASE] = flufl_call_new_end_lease,
};

static FluflOperation *
operation_new (FluflLock *lock, FluflCall *call)
{
  FluflOperation *self = g_new0 (FluflOperation, 1);

  g_atomic_ref_count_init (&self->refs);
  self->lock = g_object_ref (lock);
  self->call = call;
  return self;
}

/**
 * flufl_operation_new:
 * @lock: the lock
 * @kind: what to do
 * @value: what that takes; see the kinds
 * @cancellable: (nullable): a cancellable, or %NULL
 *
 * Makes an operation, which [method@Flufl.Operation.run] begins.
 *
 * Returns: (transfer full): the operation
 *
 * Since: 0.1
 */
FluflOperation *
flufl_operation_new (FluflLock         *lock,
                     FluflOperationKind kind,
                     gint64             value,
                     GCancellable      *cancellable)
{
  FluflOperation *self;

  g_return_val_if_fail (FLUFL_IS_LOCK (lock), NULL);
  g_return_val_if_fail ((gsize) kind < G_N_ELEMENTS (makers), NULL);
  g_return_val_if_fail (kind != FLUFL_OPERATION_KIND_END_LEASE || (value > 0 && value <= G_MAXUINT),
                        NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);

  self = operation_new (lock, makers[kind](lock, value, cancellable));
  if (kind == FLUFL_OPERATION_KIND_END_LEASE)
    self->ends = (guint) value;
  return self;
}

/**
 * flufl_operation_new_break_lock_of:
 * @lock: the lock
 * @details: the details of the holder, as [method@Flufl.Lock.query_details] has found them
 * @flags: what may be broken
 * @cancellable: (nullable): a cancellable, or %NULL
 *
 * Makes an operation that does what [method@Flufl.Lock.break_lock_of] does.
 *
 * Returns: (transfer full): the operation
 *
 * Since: 0.1
 */
FluflOperation *
flufl_operation_new_break_lock_of (FluflLock        *lock,
                                   FluflLockDetails *details,
                                   FluflBreakFlags   flags,
                                   GCancellable     *cancellable)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (lock), NULL);
  g_return_val_if_fail (details != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);

  return operation_new (lock, flufl_call_new_break_lock_of (lock, details, flags, cancellable));
}

/**
 * flufl_operation_ref:
 * @self: an operation
 *
 * Takes a reference to the operation.
 *
 * Returns: (transfer full): @self
 *
 * Since: 0.1
 */
FluflOperation *
flufl_operation_ref (FluflOperation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->refs);
  return self;
}

/* Gives up the lease that the operation was to end, and has not. */
static void
give_up (FluflOperation *self)
{
  if (self->ends != 0)
    flufl_lock_give_up_win (self->lock, self->ends);
  self->ends = 0;
}

static void
drop (FluflOperation *self, gboolean undo)
{
  guint win;

  if (self->call == NULL)
    return;
  win = self->over ? flufl_call_get_win (self->call) : 0;
  flufl_call_drop (g_steal_pointer (&self->call));
  if (win != 0 && undo)
    flufl_lock_give_up_win (self->lock, win);
  give_up (self);
}

/**
 * flufl_operation_unref:
 * @self: (transfer full): an operation
 *
 * Gives up a reference. The last one drops the operation, as by
 * [method@Flufl.Operation.drop], unless its answer has been read.
 *
 * Since: 0.1
 */
void
flufl_operation_unref (FluflOperation *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  drop (self, !self->was_read);
  g_object_unref (self->lock);
  g_free (self);
}

static gint64
end_of_slice (gint64 slice_ms)
{
  gint64 now = g_get_monotonic_time ();

  if (slice_ms == 0)
    return 0;
  return slice_ms < 0 || slice_ms > (G_MAXINT64 - now) / 1000 ? G_MAXINT64 : now + slice_ms * 1000;
}

/**
 * flufl_operation_run:
 * @self: an operation
 * @interrupt_fd: a file descriptor; when it can be read from this returns; -1
 *   for none
 * @slice_ms: this returns after that many milliseconds; 0 instead of waiting; -1
 *   for no limit
 *
 * Begins the operation, or goes on with it. An acquisition keeps its place among
 * those that wait.
 *
 * On a local file system the calling thread does all work. Elsewhere a call may
 * hang for as long as a file server does; so a worker thread does the work, and
 * the calling thread waits for it.
 *
 * Returns: whether the operation is over
 *
 * Since: 0.1
 */
gboolean
flufl_operation_run (FluflOperation *self, int interrupt_fd, gint64 slice_ms)
{
  g_return_val_if_fail (self != NULL, TRUE);
  g_return_val_if_fail (self->call != NULL, TRUE);

  if (self->over)
    return TRUE;
  self->over = flufl_call_run_until (self->call, interrupt_fd, end_of_slice (slice_ms));
  if (self->over && self->call->answer)
    self->ends = 0;
  else if (self->over)
    give_up (self);
  return self->over;
}

/**
 * flufl_operation_drop:
 * @self: an operation
 *
 * Ends the operation: its caller does not want it any more. If it is an
 * acquisition that has won the lock, the lock is released, unless it was
 * acquired anew since. If it is the end of a lease that has not ended, the lock
 * is given up.
 *
 * A worker thread does the work on a file system that may hang. This function waits for the worker for
 * about 0.1 s at most. The worker removes the claim file later. If the process ends before, other processes
 * remove it.
 *
 * The operation cannot be run again.
 *
 * Since: 0.1
 */
void
flufl_operation_drop (FluflOperation *self)
{
  g_return_if_fail (self != NULL);

  drop (self, TRUE);
}

/**
 * flufl_operation_get_answer:
 * @self: an operation that is over
 *
 * Gets what the method of [class@Flufl.Lock] returns, if that is a boolean. With
 * the answer of an acquisition the lock passes to the caller, who releases it.
 *
 * Returns: the answer; %FALSE if the operation has failed
 *
 * Since: 0.1
 */
gboolean
flufl_operation_get_answer (FluflOperation *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (!self->over || self->call == NULL)
    return FALSE;
  self->was_read = TRUE;
  return self->call->answer;
}

/**
 * flufl_operation_get_lease:
 * @self: an operation that is over
 *
 * Gets the number of the lease that an acquisition has begun. Each acquisition of an object begins a
 * lease with another number. A scope that notes the number ends its own lease, and no later one:
 * see `FLUFL_OPERATION_KIND_END_LEASE`.
 *
 * Returns: the number; 0 if the operation has failed, or was no acquisition
 *
 * Since: 0.1
 */
guint
flufl_operation_get_lease (FluflOperation *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->over && self->call != NULL ? flufl_call_get_win (self->call) : 0;
}

/**
 * flufl_operation_get_state:
 * @self: an operation that is over
 *
 * Gets the state that a query has found.
 *
 * Returns: the state; `FLUFL_LOCK_STATE_UNKNOWN` if the operation has failed, or
 *   was no query
 *
 * Since: 0.1
 */
FluflLockState
flufl_operation_get_state (FluflOperation *self)
{
  g_return_val_if_fail (self != NULL, FLUFL_LOCK_STATE_UNKNOWN);

  return self->over && self->call != NULL ? flufl_call_get_state (self->call)
                                          : FLUFL_LOCK_STATE_UNKNOWN;
}

/**
 * flufl_operation_steal_details:
 * @self: an operation that is over
 *
 * Gets the details that a query has found, once.
 *
 * Returns: (transfer full) (nullable): the details; %NULL if the operation has
 *   failed, or was no query of details
 *
 * Since: 0.1
 */
FluflLockDetails *
flufl_operation_steal_details (FluflOperation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->over && self->call != NULL ? flufl_call_steal_details (self->call) : NULL;
}

/**
 * flufl_operation_get_error:
 * @self: an operation that is over
 * @domain: (out) (optional): the error's domain
 * @code: (out) (optional): its code
 * @message: (out) (optional) (transfer none) (nullable): its message, which lives as long as
 *   @self and until that is dropped
 * @errsv: (out) (optional): the errno of the system call that failed, or 0 if
 *   no system call did
 *
 * Gets the parts of the error. An interpreter that turns a [struct@GLib.Error]
 * into an exception runs code of its own, and a signal handler may raise another
 * exception in the middle of that. The parts can be read without it.
 *
 * Returns: whether the operation has failed
 *
 * Since: 0.1
 */
gboolean
flufl_operation_get_error (FluflOperation *self,
                           GQuark         *domain,
                           int            *code,
                           const char    **message,
                           int            *errsv)
{
  const GError *error;

  g_return_val_if_fail (self != NULL, FALSE);

  error = self->over && self->call != NULL ? self->call->error : NULL;
  if (domain != NULL)
    *domain = error != NULL ? error->domain : 0;
  if (code != NULL)
    *code = error != NULL ? error->code : 0;
  if (message != NULL)
    *message = error != NULL ? error->message : NULL;
  if (errsv != NULL)
    *errsv = error != NULL ? self->call->errsv : 0;
  return error != NULL;
}
