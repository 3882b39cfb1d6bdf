/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The operation “acquire”.
 */

#include "config.h"

#include <errno.h>

#include "flufl-call.h"
#include "flufl-error.h"
#include "flufl-lock-details-private.h"
#include "flufl-log-private.h"
#include "flufl-person-private.h"
#include "flufl-process.h"
#include "flufl-report-private.h"

/* How far an acquisition has come, or why it ended before its attempts or after them. */
typedef enum
{
  ACQUIRE_UNPREPARED, /* no attempt has been made yet */
  ACQUIRE_HELD_ALREADY,
  ACQUIRE_LOST_BEFORE, /* the object counted as the holder, but the disk shows a loss */
  ACQUIRE_TRYING,      /* attempts are made, and the result of the last one counts */
  ACQUIRE_NO_HEART,    /* the lock was won and given back, since no heartbeat could begin */
} AcquireState;

typedef struct
{
  FluflCall      call;
  gint64         timeout_ms;
  gint64         lifetime_ms;
  FluflHeartbeat heartbeat;
  gboolean       linger;
  AcquireState   state;
  GMainContext  *lease_context; /* owned; NULL: the default one */
  gint64         clock_offset;  /* nanoseconds */
  gint64         won;           /* monotonic time in microseconds */
  gboolean       acquiring;     /* whether the acquisition is registered with the lease */
  FluflAcquire   acquire;
} AcquireCall;

/* --- In the caller's thread: what is asked for --- */

/* Finds the main context of the lease. The default main context is created only if it is to refresh
 * the lock. GLib ends a process that creates a main context when no file descriptor is free. */
static GMainContext *
find_lease_context (const AcquireCall *self)
{
  GMainContext *context = self->call.context;

  if (context == NULL)
    context = g_main_context_get_thread_default ();
  if (context == NULL && self->heartbeat == FLUFL_HEARTBEAT_MAIN_CONTEXT)
    context = g_main_context_default ();
  return context != NULL ? g_main_context_ref (context) : NULL;
}

static FluflHeartbeat
choose_heartbeat (const FluflCall *call)
{
  if (call->lock->heartbeat != FLUFL_HEARTBEAT_AUTO)
    return call->lock->heartbeat;
  return call->task != NULL ? FLUFL_HEARTBEAT_MAIN_CONTEXT : FLUFL_HEARTBEAT_THREAD;
}

/* A second acquisition must not keep the holder from its release. */
static gboolean
acquire_is_decided (FluflCall *call)
{
  return call->lease->held && !call->lease->busy;
}

static gboolean
acquire_begin (FluflCall *call)
{
  AcquireCall *self = (AcquireCall *) call;
  FluflLock *lock = call->lock;

  if (self->timeout_ms == FLUFL_LOCK_TIMEOUT_DEFAULT)
    self->timeout_ms = lock->default_timeout;
  if (self->timeout_ms < FLUFL_LOCK_TIMEOUT_FOREVER)
    {
      call->error = flufl_report_bad_timeout (&call->site, self->timeout_ms);
      return FALSE;
    }
  if (!call->excludes_others)
    {
      call->number = call->lease->number;
      return TRUE;
    }
  self->lifetime_ms = lock->lifetime;
  self->heartbeat = choose_heartbeat (call);
  self->acquire.break_dead = lock->break_dead;
  self->acquire.announce_after = MAX (lock->waiting_delay * 1000, 1);
  call->site.names_kept = lock->linger;
  self->acquiring = flufl_lease_begin_acquiring (call->lease, &call->given_up,
                                                 call->stepper.sleeper,
                                                 call->task == NULL ? g_thread_self () : NULL);
  if (!self->acquiring)
    {
      call->error = flufl_report_cancelled ();
      return FALSE;
    }
  self->lease_context = find_lease_context (self);
  return TRUE;
}

/* --- Where it may block --- */

static gint64
deadline_after (gint64 now, gint64 timeout_ms)
{
  if (timeout_ms < 0 || timeout_ms > (G_MAXINT64 - now) / 1000)
    return G_MAXINT64;
  return now + timeout_ms * 1000;
}

/* Fails an acquisition of a lock that the object held when the call began. The disk shows whether it
 * still is the holder. Other operations may run meanwhile, and may be the first to find a loss. */
static void
refuse_another (AcquireCall *self)
{
  FluflCall *call = &self->call;
  int errsv;

  self->state = flufl_call_check (call, &errsv) == FLUFL_OUTCOME_LOST && call->loss != FLUFL_LOSS_NONE
                    ? ACQUIRE_LOST_BEFORE
                    : ACQUIRE_HELD_ALREADY;
}

static void acquire_waiting (FluflAcquire *acquire, gpointer user_data);

static void
prepare (AcquireCall *self)
{
  FluflCall *call = &self->call;
  FluflAcquire *acquire = &self->acquire;

  flufl_lease_make_ready (call->lease, &acquire->claim);
  acquire->site = &call->site;
  acquire->queue = &call->lease->queue;
  acquire->lifetime = self->lifetime_ms * FLUFL_NSEC_PER_MSEC;
  acquire->sleeper = call->stepper.sleeper;
  acquire->cancellable = call->cancellable;
  acquire->given_up = &call->given_up;
  acquire->waiting = acquire_waiting;
  acquire->user_data = self;
  self->state = ACQUIRE_TRYING;
  flufl_acquire_begin (acquire);
  acquire->deadline = deadline_after (acquire->started, self->timeout_ms);
}

/* Begins the lease of a lock that is won. The heartbeat begins here, and not when the caller hears
 * of the win. */
static void
take_win (AcquireCall *self)
{
  FluflCall *call = &self->call;
  FluflClaim *claim = &self->acquire.claim;
  int errsv = 0;

  self->won = g_get_monotonic_time ();
  self->clock_offset = claim->clock_offset;
  call->answer = flufl_lease_begin (call->lease, claim, &call->site, self->heartbeat,
                                    &self->lease_context);
  call->number = call->lease->number;
  if (call->answer)
    return;
  flufl_claim_release (claim, &call->site, &errsv);
  self->state = ACQUIRE_NO_HEART;
}

static gboolean
acquire_undo (FluflCall *call, gint64 *out_when G_GNUC_UNUSED)
{
  call->undone = TRUE;
  call->answer = FALSE;
  flufl_lease_end (call->lease);
  flufl_lease_drop_remains (call->lease);
  return FALSE;
}

/* Makes one step of an acquisition. Returns TRUE if another step is due at @out_when. */
static gboolean
try_to_acquire (AcquireCall *self, gint64 *out_when)
{
  FluflCall *call = &self->call;

  if (self->state == ACQUIRE_UNPREPARED)
    {
      if (!call->excludes_others)
        {
          refuse_another (self);
          return FALSE;
        }
      prepare (self);
    }
  if (flufl_acquire_step (&self->acquire, out_when) == FLUFL_RESULT_WAIT)
    return TRUE;
  if (self->acquire.result == FLUFL_RESULT_HELD)
    take_win (self);
  else if (self->acquire.result == FLUFL_RESULT_TIMED_OUT)
    flufl_person_learn_holder (&call->site, &self->acquire.findings);
  else if (self->acquire.result == FLUFL_RESULT_REFUSED)
    flufl_findings_explain (&self->acquire.findings, &call->site, self->acquire.outcome);
  return FALSE;
}

static gboolean
acquire_step (FluflCall *call, gint64 *out_when)
{
  AcquireCall *self = (AcquireCall *) call;

  if (try_to_acquire (self, out_when))
    return TRUE;
  self->acquiring = FALSE;
  if (call->answer && !g_atomic_int_get (&call->given_up))
    return FALSE;
  if (call->answer)
    acquire_undo (call, out_when);
  flufl_lease_end_acquiring (call->lease, &call->given_up);
  return FALSE;
}

/* --- A wait that lasts --- */

typedef struct
{
  int           process; /* the mark of the process that waits */
  FluflLock    *lock;    /* owned */
  FluflSite     site;    /* its path is a string that the lock object owns */
  FluflFindings findings;
  GSource      *source;  /* owned; nullable */
} Waiting;

static gboolean
waiting_cb (gpointer data)
{
  Waiting *self = data;

  if (self->process == flufl_process_mark ())
    {
      g_autoptr (FluflLockDetails) details = flufl_lock_details_new (
          &self->site, &self->findings,
          flufl_lease_judge (self->lock->lease, &self->findings.look, self->findings.liveness));

      flufl_lock_emit_waiting (self->lock, details);
    }
  return G_SOURCE_REMOVE;
}

static void
waiting_free (gpointer data)
{
  Waiting *self = data;

  g_clear_pointer (&self->source, g_source_unref);
  g_object_unref (self->lock);
  g_free (self);
}

static void
acquire_waiting (FluflAcquire *acquire, gpointer user_data)
{
  FluflCall *call = user_data;
  Waiting *waiting = g_new0 (Waiting, 1);

  flufl_person_learn_holder (acquire->site, &acquire->findings);
  waiting->process = call->process;
  waiting->lock = g_object_ref (call->lock);
  waiting->site = *acquire->site;
  waiting->findings = acquire->findings;
  flufl_call_post (call, waiting_cb, waiting, waiting_free, &waiting->source);
}

/* --- In the caller's thread again: what came of it --- */

static void
warn_of_clocks (AcquireCall *self)
{
  FluflLock *lock = self->call.lock;
  double offset = (double) self->clock_offset / (double) FLUFL_NSEC_PER_SEC;
  g_autofree char *path = NULL;

  if (lock->warned_of_clocks || ABS (offset) <= 5.0)
    return;
  lock->warned_of_clocks = TRUE;
  path = flufl_report_path (&self->call.site);
  g_warning ("The clock of the file server of “%s” is %.1f s %s this machine's. Locks that "
             "several machines share may be broken late, or early if other clocks are wrong, too. "
             "Set the clocks.",
             path, ABS (offset), offset > 0 ? "ahead of" : "behind");
}

static void
drop_remains (gpointer lease)
{
  flufl_lease_drop_remains (lease);
  flufl_lease_unref (lease);
}

/* Makes the error of an acquisition whose lease was over before the user could hear of the win. */
static void
settle_lost_win (FluflCall *call)
{
  FluflLease *lease = call->lease;

  call->answer = FALSE;
  call->error = flufl_lease_report_loss (lease);
  if (call->error == NULL) /* the lock was given up by flufl_lock_abandon() or release_all() */
    call->error = flufl_report_cancelled ();
  if (call->task == NULL)
    flufl_lease_drop_remains (lease);
  else if (!flufl_workers_push (drop_remains, flufl_lease_ref (lease)))
    flufl_lease_unref (lease); /* the next acquisition removes them */
}

static void
log_win (AcquireCall *self)
{
  const FluflFindings *findings = &self->acquire.findings;
  g_autofree char *text = NULL;
  gint64 waited;

  if (!flufl_log_is_wanted ())
    return;
  waited = (self->won - self->acquire.started) / 1000;
  text = g_strdup_printf ("is acquired after %" G_GINT64_FORMAT " ms%s.",
                          waited,
                          findings->broken ? ", and the one that was in the way is broken" : "");
  flufl_log (&self->call.site, "acquired", findings->holder_seen ? &findings->look : NULL,
             FLUFL_LOG_WAITED, waited, text);
}

static void
settle_win (AcquireCall *self)
{
  if (flufl_lease_confirm_win (self->call.lease, self->call.lock))
    {
      warn_of_clocks (self);
      log_win (self);
    }
  else
    settle_lost_win (&self->call);
}

static void
settle_result (AcquireCall *self)
{
  FluflAcquire *acquire = &self->acquire;
  FluflCall *call = &self->call;

  switch (acquire->result)
    {
    case FLUFL_RESULT_HELD:
      settle_win (self);
      break;
    case FLUFL_RESULT_TIMED_OUT:
      call->error = flufl_report_timed_out (&call->site, &acquire->findings, self->timeout_ms);
      break;
    case FLUFL_RESULT_CANCELLED:
      call->error = flufl_report_cancelled ();
      break;
    case FLUFL_RESULT_FORKED: /* leave_to_parent() in flufl-call.c reports it */
      break;
    case FLUFL_RESULT_REFUSED:
    case FLUFL_RESULT_WAIT:
    default:
      call->error = flufl_report_refused (&call->site, acquire->outcome, &acquire->findings);
      call->errsv = acquire->findings.errsv;
      break;
    }
}

static void
acquire_settle (FluflCall *call)
{
  AcquireCall *self = (AcquireCall *) call;

  if (call->undone)
    {
      call->error = flufl_report_cancelled ();
      return;
    }
  switch (self->state)
    {
    case ACQUIRE_HELD_ALREADY:
      call->error = flufl_report_already_held (&call->site);
      break;
    case ACQUIRE_LOST_BEFORE:
      flufl_call_report_not_held (call);
      break;
    case ACQUIRE_NO_HEART:
      call->error = flufl_report_no_thread (&call->site);
      break;
    case ACQUIRE_UNPREPARED:
    case ACQUIRE_TRYING:
    default:
      settle_result (self);
      break;
    }
}

static void
acquire_emit (FluflCall *call)
{
  if (call->answer)
    flufl_lock_notify_held (call->lock);
  else
    flufl_call_emit_end (call);
}

static void
acquire_clear (FluflCall *call)
{
  AcquireCall *self = (AcquireCall *) call;

  if (self->acquiring)
    flufl_lease_end_acquiring (call->lease, &call->given_up);
  flufl_claim_clear (&self->acquire.claim);
  g_clear_pointer (&self->lease_context, g_main_context_unref);
}

static const FluflCallClass acquire_class = {
  .excludes_others = TRUE,
  .is_decided = acquire_is_decided,
  .sleeps = TRUE,
  .answers_cancel = TRUE,
  .begin = acquire_begin,
  .step = acquire_step,
  .undo = acquire_undo,
  .settle = acquire_settle,
  .emit = acquire_emit,
  .return_result = flufl_call_return_boolean,
  .clear = acquire_clear,
};

/* --- Public --- */

/* Makes an acquisition for the asynchronous form and for language bindings. */
FluflCall *
flufl_call_new_acquire (FluflLock *self, gint64 timeout_ms, GCancellable *cancellable)
{
  AcquireCall *call = g_new0 (AcquireCall, 1);

  flufl_call_init (&call->call, &acquire_class, self, cancellable);
  call->timeout_ms = timeout_ms;
  return &call->call;
}

/**
 * flufl_lock_acquire:
 * @self: a lock
 * @timeout_ms: for how long to wait, in milliseconds; 0 tries once,
 *   [const@Flufl.LOCK_TIMEOUT_FOREVER] (-1) waits for ever,
 *   [const@Flufl.LOCK_TIMEOUT_DEFAULT] (-2) stands for
 *   [property@Flufl.Lock:default-timeout]
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Acquires the lock, and waits for it if somebody else holds it.
 *
 * At least one try is made. An acquisition breaks a lock that expired more than ten seconds ago.
 * While [property@Flufl.Lock:break-dead] is set, it also breaks the lock of a holder that is proved
 * dead. The lock file may first have to stay unchanged for five seconds. If the holder of an expired
 * lock is proved to live on this machine, the acquisition first watches the lock for a third of its
 * lifetime and five seconds. The wait ends within @timeout_ms, unless a file server
 * is slow to answer the last try. A wait that ends without the lock leaves no files behind, unless
 * a file server does not answer.
 *
 * Fails with
 *
 * - `FLUFL_LOCK_ERROR_TIMED_OUT` if somebody else held the lock,
 * - `FLUFL_LOCK_ERROR_ALREADY_HELD` if this object holds it,
 * - `FLUFL_LOCK_ERROR_NOT_A_LOCK` if another file is at the path,
 * - `FLUFL_LOCK_ERROR_UNSUPPORTED` on SMB and rclone. It also fails so on another file system without
 *   hard links, except FAT, while [property@Flufl.Lock:without-links] is not set,
 * - `G_IO_ERROR_PENDING` if another acquisition, a release or a break runs on the object,
 * - `FLUFL_LOCK_ERROR_LOST` if the operation finds that this object has lost the lock that it held,
 *   or if the new lock is lost before the operation returns,
 * - `G_IO_ERROR_CANCELLED` if the operation was cancelled. The lock is not held then,
 * - an error of the system, such as `G_IO_ERROR_NOT_FOUND` if the directory does not exist.
 *
 * Temporary errors are retried within @timeout_ms. The operation fails if only such errors occur
 * for ten seconds, or for the lifetime of the lock if that is longer.
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
  AcquireCall call = { 0 };

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  flufl_call_init (&call.call, &acquire_class, self, cancellable);
  call.timeout_ms = timeout_ms;
  return flufl_call_run_and_clear (&call.call, error);
}

/**
 * flufl_lock_acquire_async:
 * @self: a lock
 * @timeout_ms: for how long to wait, in milliseconds; 0 tries once,
 *   [const@Flufl.LOCK_TIMEOUT_FOREVER] (-1) waits for ever,
 *   [const@Flufl.LOCK_TIMEOUT_DEFAULT] (-2) stands for
 *   [property@Flufl.Lock:default-timeout]
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.acquire].
 *
 * The disk is touched in other threads only. If none can be started, the operation fails with
 * `G_IO_ERROR_WOULD_BLOCK`. @callback is called in the main
 * context that is the thread-default now.
 *
 * A cancellation is answered within a second, even if a file server does not
 * answer. The object then stays busy until the server does: another acquisition
 * or release fails with `G_IO_ERROR_PENDING`. A lock that is won meanwhile is
 * released.
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
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_call_start (flufl_call_new_acquire (self, timeout_ms, cancellable),
                    flufl_lock_acquire_async, callback, user_data);
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
  return flufl_call_finish_boolean (self, result, flufl_lock_acquire_async, error);
}
