/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * An operation on a FluflLock, the same for its two forms. What it does on disk
 * is in flufl-op-run.c, which flufl-op.c calls, and not the other way round.
 */

#pragma once

#include "flufl-lock-private.h"

G_BEGIN_DECLS

typedef enum
{
  FLUFL_OP_ACQUIRE,
  FLUFL_OP_RELEASE,
  FLUFL_OP_REFRESH,
  FLUFL_OP_CHECK,
  FLUFL_OP_QUERY_STATE,
  FLUFL_OP_QUERY_DETAILS,
  FLUFL_OP_BREAK,
} FluflOpKind;

typedef struct
{
  FluflOpKind       kind;
  FluflLock        *lock;        /* borrowed from the caller or the task */
  GTask            *task;        /* borrowed; NULL: synchronous */
  GCancellable     *cancellable; /* borrowed; nullable */
  gint64            timeout;     /* ms */
  gint64            lifetime;    /* ms */
  FluflBreakFlags   flags;
  FluflHeartbeat    heartbeat;
  int               process;     /* the mark of that which began it */
  gboolean          begun;
  gboolean          settled;
  GSource          *cancel;      /* owned, in the task's context; nullable */
  gboolean          told;        /* cancelled, though a worker is still on it */
  GSource          *posted;      /* owned, in the task's context; nullable */

  FluflAcquire      acquire;     /* for ACQUIRE */
  FluflFindings     findings;    /* for others that look */

  GError           *error;       /* the result, or else: */
  gboolean          answer;
  FluflLockState    state;
  FluflLockDetails *details;
  gboolean          ended;       /* the holding has … */
  gboolean          lost;        /* … by a loss of which nobody was told */
} FluflOp;

#define FLUFL_OP_INIT(kind_, lock_, cancellable_) \
  { .kind = (kind_), .lock = (lock_), .cancellable = (cancellable_), \
    .lifetime = FLUFL_LOCK_LIFETIME_AS_SET }

gboolean flufl_op_run_sync       (FluflOp              *op,
                                  GError              **error);
void     flufl_op_start          (const FluflOp        *arguments,
                                  gpointer              tag,
                                  GAsyncReadyCallback   callback,
                                  gpointer              user_data);
GTask   *flufl_op_finished_task  (FluflLock            *lock,
                                  GAsyncResult         *result,
                                  gpointer              tag);

/* flufl-op-run.c */
void     flufl_op_run            (FluflOp              *op);
gboolean flufl_op_prepare        (FluflOp              *op);
void     flufl_op_conclude       (FluflOp              *op);
FluflLockState flufl_op_judge    (const FluflOp        *op,
                                  const FluflLook      *look,
                                  FluflLiveness         liveness);

G_END_DECLS
