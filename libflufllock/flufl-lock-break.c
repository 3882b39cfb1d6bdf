/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The operations “break_lock” and “break_lock_of”.
 */

#include "config.h"

#include "flufl-call.h"
#include "flufl-holder.h"
#include "flufl-lock-details-private.h"
#include "flufl-log-private.h"
#include "flufl-person-private.h"
#include "flufl-report-private.h"
#include "flufl-sighting.h"

typedef struct
{
  FluflCall       call;
  FluflBreakFlags flags;
  char           *only;  /* owned; the claim whose lock may be broken; NULL: any */
  FluflSighting   sighting;
  FluflOutcome    outcome;
  FluflClaim      clock; /* a claim that shows the server's time */
  gboolean        held_is_known; /* whether the disk has shown … */
  gboolean        held;  /* … that this object holds the lock */
  gint64          give_up; /* boot time in nanoseconds; 0: not known yet */
} BreakCall;

/* Beyond twice the time that the rest and the vigil should take, in nanoseconds. */
#define BREAK_PATIENCE (30 * FLUFL_NSEC_PER_SEC)

static gboolean
break_begin (FluflCall *call)
{
  BreakCall *self = (BreakCall *) call;

  self->sighting.findings.only = self->only;
  return TRUE;
}

/* Whether the lock may be broken after another wait. Where this process has to see itself that nothing
 * changes, and each look takes seconds, the rest would never be over. */
static gboolean
goes_on (BreakCall *self)
{
  const FluflFindings *findings = &self->sighting.findings;
  gint64 now = self->call.site.sys->clock (FLUFL_CLOCK_BOOT);

  if (!findings->resting && !findings->in_vigil)
    return FALSE;
  if (self->give_up == 0)
    self->give_up = now + 2 * (findings->vigil_left + FLUFL_GRACE) + BREAK_PATIENCE;
  return flufl_site_is_trusted (&self->call.site) || now < self->give_up;
}

/* Looks again at once if a look has only prepared the break of an orphan, or if the lock has gone
 * meanwhile. */
static FluflOutcome
try_to_break (BreakCall *self)
{
  FluflFindings *findings = &self->sighting.findings;
  FluflOutcome outcome;

  do
    outcome = flufl_break_with_clock (&self->clock, &self->call.site, findings);
  while (outcome == FLUFL_OUTCOME_AGAIN && !findings->broken
         && findings->look.sight != FLUFL_SIGHT_NOTHING);
  return outcome;
}

/* Returns TRUE if the lock rests, and another try is due later. */
static gboolean
break_by_rule (BreakCall *self, gint64 *out_when)
{
  FluflCall *call = &self->call;

  if (self->clock.path == NULL)
    {
      if (flufl_sighting_look (&self->sighting, call, out_when))
        return TRUE;
      call->answer = !self->sighting.holder && self->sighting.findings.look.sight == FLUFL_SIGHT_NOTHING;
      if (!self->sighting.holder)
        return FALSE;
    }
  self->outcome = try_to_break (self);
  call->answer = self->outcome == FLUFL_OUTCOME_AGAIN;
  self->sighting.cancelled = flufl_call_is_cancelled (call);
  if (self->outcome != FLUFL_OUTCOME_BUSY || self->sighting.cancelled || !goes_on (self))
    {
      self->sighting.cancelled &= !call->answer;
      flufl_claim_abandon (&self->clock, &call->site);
      return FALSE;
    }
  *out_when = g_get_monotonic_time () + FLUFL_SIGHTING_POLL;
  return TRUE;
}

/* Asks after the holder whose lock was spared. */
static void
look_at_other (BreakCall *self)
{
  FluflSighting *sighting = &self->sighting;

  sighting->holder = flufl_holder_look (&self->call.site, &sighting->findings);
  self->call.answer = !sighting->holder && sighting->findings.look.sight == FLUFL_SIGHT_NOTHING;
}

static gboolean
break_step (FluflCall *call, gint64 *out_when)
{
  BreakCall *self = (BreakCall *) call;

  if (!self->held_is_known)
    {
      self->held_is_known = TRUE;
      self->held = flufl_call_holds (call);
    }
  if (self->held)
    return FALSE;
  if ((self->flags & FLUFL_BREAK_FORCE) == 0)
    {
      if (break_by_rule (self, out_when))
        return TRUE;
    }
  else
    {
      self->sighting.holder = TRUE;
      self->outcome = flufl_break_force (&call->site, &self->sighting.findings);
      call->answer = self->outcome == FLUFL_OUTCOME_RELEASED;
    }
  if (self->outcome == FLUFL_OUTCOME_OTHER)
    look_at_other (self);
  if (call->answer)
    return FALSE;
  flufl_findings_explain (&self->sighting.findings, &call->site, self->outcome);
  flufl_person_learn_holder (&call->site, &self->sighting.findings);
  return FALSE;
}

static void
break_settle (FluflCall *call)
{
  BreakCall *self = (BreakCall *) call;

  if (self->sighting.findings.broken)
    flufl_log (&call->site, "broken", &self->sighting.findings.look, NULL, 0, "is broken.");
  if (call->answer)
    return;
  if (self->held)
    call->error = flufl_report_already_held (&call->site);
  else if (!self->sighting.holder || self->sighting.cancelled)
    flufl_sighting_settle (&self->sighting, call);
  else if (self->outcome == FLUFL_OUTCOME_OTHER)
    call->error = flufl_report_other_holder (&call->site, &self->sighting.findings);
  else if (self->outcome == FLUFL_OUTCOME_BUSY)
    call->error = flufl_report_not_broken (&call->site, &self->sighting.findings);
  else
    {
      call->error = flufl_report_refused (&call->site, self->outcome, &self->sighting.findings);
      call->errsv = self->sighting.findings.errsv;
    }
}

static void
break_clear (FluflCall *call)
{
  BreakCall *self = (BreakCall *) call;

  flufl_claim_clear (&self->clock);
  g_free (self->only);
}

static const FluflCallClass break_class = {
  .excludes_others = TRUE,
  .sleeps = TRUE,
  .begin = break_begin,
  .step = break_step,
  .settle = break_settle,
  .emit = flufl_call_emit_end,
  .return_result = flufl_call_return_boolean,
  .clear = break_clear,
};

/* --- Public --- */

FluflCall *
flufl_call_new_break_lock (FluflLock *self, gint64 flags, GCancellable *cancellable)
{
  BreakCall *call = g_new0 (BreakCall, 1);

  flufl_call_init (&call->call, &break_class, self, cancellable);
  call->flags = (FluflBreakFlags) flags;
  return &call->call;
}

FluflCall *
flufl_call_new_break_lock_of (FluflLock              *self,
                               const FluflLockDetails *details,
                               FluflBreakFlags         flags,
                               GCancellable           *cancellable)
{
  FluflCall *call = flufl_call_new_break_lock (self, flags, cancellable);

  ((BreakCall *) call)->only = g_strdup (flufl_lock_details_claim_name (details));
  return call;
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
 * Without `FLUFL_BREAK_FORCE` this breaks a lock that expired more than ten seconds ago, or whose
 * holder is proved dead. The ten seconds are for clocks that differ. During these ten seconds the
 * state is `FLUFL_LOCK_STATE_THEIRS_EXPIRED` already, but the lock is not broken. A lock is left
 * alone for five seconds after its last change, unless the [life-line](protocol.html#life-line) of
 * its holder proves the death. An expired lock whose holder is proved to live on this machine is
 * watched first, for a third of its lifetime and five seconds. If a process has removed the claim,
 * and may still be about to remove the lock file, the lock is left alone for a minute.
 *
 * With `FLUFL_BREAK_FORCE` this removes whatever is at the lock file's path, except a directory. A
 * live holder loses its lock, and a file that is not a lock is deleted. Only the caller can know
 * that this is safe.
 *
 * If this object counts as the holder, the disk shows whether it still is. If it has lost the lock,
 * [signal@Flufl.Lock::lost] reports that, and the lock that somebody else holds by now is broken.
 *
 * Succeeds if nothing is at the path. Fails with
 *
 * - `G_IO_ERROR_BUSY` if the lock may not be broken; the message names its holder,
 * - `FLUFL_LOCK_ERROR_ALREADY_HELD` if this object holds the lock,
 * - `FLUFL_LOCK_ERROR_NOT_A_LOCK` if another file is at the path,
 * - `G_IO_ERROR_PENDING` if an acquisition, a release or another break runs on the object,
 * - `G_IO_ERROR_CANCELLED` if @cancellable was cancelled,
 * - an error of the system.
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
  BreakCall call = { 0 };

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  flufl_call_init (&call.call, &break_class, self, cancellable);
  call.flags = flags;
  return flufl_call_run_and_clear (&call.call, error);
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
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_call_start (flufl_call_new_break_lock (self, flags, cancellable),
                    flufl_lock_break_lock_async, callback, user_data);
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
  return flufl_call_finish_boolean (self, result, flufl_lock_break_lock_async, error);
}

/**
 * flufl_lock_break_lock_of:
 * @self: a lock
 * @details: the details of the holder, as [method@Flufl.Lock.query_details] has found them
 * @flags: what may be broken
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Breaks the lock of one holder, without acquiring it.
 *
 * This does what [method@Flufl.Lock.break_lock] does, but only to the lock that @details describe.
 * A program that asks a person whether to break a lock uses this method, since the lock may change
 * hands before the person answers. The lock of another holder stays, even with
 * `FLUFL_BREAK_FORCE`. So does a file that is not a lock, and whatever is at the path if @details
 * are those of [method@Flufl.Lock.query_foreign_details].
 *
 * A holder that uses [property@Flufl.Lock:linger] may release the lock and acquire it again with the
 * same claim. It then counts as the same holder.
 *
 * With `FLUFL_BREAK_FORCE` the lock is looked at again right before it is removed. Only a change
 * between these two system calls goes unnoticed.
 *
 * Succeeds if nothing is at the path. Fails with the errors of [method@Flufl.Lock.break_lock], and
 * with `FLUFL_LOCK_ERROR_NOT_HELD` if another process holds the lock by now.
 *
 * Returns: %TRUE if the lock of that holder is not in the way any more; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_break_lock_of (FluflLock        *self,
                          FluflLockDetails *details,
                          FluflBreakFlags   flags,
                          GCancellable     *cancellable,
                          GError          **error)
{
  BreakCall call = { 0 };

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (details != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  flufl_call_init (&call.call, &break_class, self, cancellable);
  call.flags = flags;
  call.only = g_strdup (flufl_lock_details_claim_name (details));
  return flufl_call_run_and_clear (&call.call, error);
}

/**
 * flufl_lock_break_lock_of_async:
 * @self: a lock
 * @details: the details of the holder, as [method@Flufl.Lock.query_details] has found them
 * @flags: what may be broken
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.break_lock_of].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_break_lock_of_async (FluflLock          *self,
                                FluflLockDetails   *details,
                                FluflBreakFlags     flags,
                                GCancellable       *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer            user_data)
{
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (details != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  flufl_call_start (flufl_call_new_break_lock_of (self, details, flags, cancellable),
                    flufl_lock_break_lock_of_async, callback, user_data);
}

/**
 * flufl_lock_break_lock_of_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.break_lock_of_async]; the errors are those
 * of [method@Flufl.Lock.break_lock_of].
 *
 * Returns: %TRUE if the lock of that holder is not in the way any more; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
flufl_lock_break_lock_of_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  return flufl_call_finish_boolean (self, result, flufl_lock_break_lock_of_async, error);
}
