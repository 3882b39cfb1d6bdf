/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "flufl-acquire.h"

#include "flufl-engine.h"

/* A wait that lasts is told of once, after so long. */
#define ANNOUNCE_AFTER (250 * 1000)

/* On a local file system a look costs microseconds, on others every one is a
 * round trip that all clients of the server pay for. */
#define LOCAL_BACKOFF_MIN (1 * 1000)
#define LOCAL_BACKOFF_MAX (50 * 1000)
#define REMOTE_BACKOFF_MIN (20 * 1000)
#define REMOTE_BACKOFF_MAX (1000 * 1000)

/* A server that answers nothing but errors for so long, or for the lifetime if
 * that is longer, will not do better for being asked for ever. */
#define PATIENCE (10 * G_USEC_PER_SEC)

/* When to try again: somewhere in the second half of the back-off, so that
 * those who began together part, and never after the deadline. */
static gint64
next_try (FluflAcquire *self, gint64 now)
{
  gboolean local = flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL;
  guint32 random = 0;
  gint64 pause, when;

  if (self->backoff == 0)
    self->backoff = local ? LOCAL_BACKOFF_MIN : REMOTE_BACKOFF_MIN;
  pause = self->backoff;
  self->backoff = MIN (self->backoff * 2, local ? LOCAL_BACKOFF_MAX : REMOTE_BACKOFF_MAX);

  /* Not g_random_int(): forked children share its state, and would wake up
   * together. */
  self->site->sys->random (&random, sizeof random);
  when = now + pause / 2 + (gint64) (random % (guint32) (pause / 2));

  if (now < self->started + ANNOUNCE_AFTER)
    when = MIN (when, self->started + ANNOUNCE_AFTER);
  return MIN (when, self->deadline);
}

static void
announce_if_long (FluflAcquire *self, gint64 now)
{
  if (self->announced || now - self->started < ANNOUNCE_AFTER)
    return;
  if (self->findings.look.sight == FLUFL_SIGHT_CLAIM)
    {
      self->announced = TRUE;
      if (self->waiting != NULL)
        self->waiting (self, self->user_data);
    }
}

static gboolean
is_out_of_patience (FluflAcquire *self, gint64 now)
{
  if (self->outcome != FLUFL_OUTCOME_UNSURE)
    self->unsure_since = 0;
  else if (self->unsure_since == 0)
    self->unsure_since = now;
  return self->unsure_since != 0
         && now - self->unsure_since > MAX (PATIENCE, self->lifetime / 1000);
}

static FluflResult
give_up (FluflAcquire *self, FluflResult result)
{
  flufl_claim_abandon (&self->claim, self->site);
  return result;
}

/* One attempt. Says when to make the next if the answer is WAIT. */
static FluflResult
step (FluflAcquire *self, gint64 *out_when)
{
  gint64 now;

  if (g_cancellable_is_cancelled (self->cancellable))
    return give_up (self, FLUFL_RESULT_CANCELLED);

  self->outcome = flufl_attempt (&self->claim, self->site, self->lifetime, self->break_dead,
                                 &self->findings);
  switch (self->outcome)
    {
    case FLUFL_OUTCOME_HELD:
      /* A cancellation that met the win: nobody expects to hold it. */
      if (!g_cancellable_is_cancelled (self->cancellable))
        return FLUFL_RESULT_HELD;
      self->claim.unsure = TRUE;
      return give_up (self, FLUFL_RESULT_CANCELLED);
    case FLUFL_OUTCOME_BUSY:
    case FLUFL_OUTCOME_UNSURE:
      break;
    default:
      return FLUFL_RESULT_REFUSED;
    }

  now = g_get_monotonic_time ();
  if (g_cancellable_is_cancelled (self->cancellable))
    return give_up (self, FLUFL_RESULT_CANCELLED);
  if (now >= self->deadline)
    return give_up (self, FLUFL_RESULT_TIMED_OUT);
  if (is_out_of_patience (self, now))
    {
      self->outcome = FLUFL_OUTCOME_FAILED;
      return give_up (self, FLUFL_RESULT_REFUSED);
    }
  announce_if_long (self, now);
  *out_when = next_try (self, now);
  return FLUFL_RESULT_WAIT;
}

static void
begin (FluflAcquire *self)
{
  self->started = g_get_monotonic_time ();
  self->result = FLUFL_RESULT_WAIT;
}

/*
 * flufl_acquire_run:
 *
 * Acquires in the calling thread; the result is in @self.
 */
void
flufl_acquire_run (FluflAcquire *self)
{
  gint64 when;

  begin (self);
  while ((self->result = step (self, &when)) == FLUFL_RESULT_WAIT)
    flufl_sleep_until (when, self->cancellable);
}

static void
step_in_worker (gpointer user_data)
{
  FluflAcquire *self = user_data;
  gint64 when;

  self->result = step (self, &when);
  if (self->result == FLUFL_RESULT_WAIT)
    flufl_engine_at (when, self->cancellable, step_in_worker, self);
  else
    self->done (self, self->user_data);
}

/*
 * flufl_acquire_start:
 *
 * Acquires in worker threads, none of which is kept while it waits. The
 * functions waiting and done are called in one of them.
 */
void
flufl_acquire_start (FluflAcquire *self)
{
  begin (self);
  flufl_engine_push (step_in_worker, self);
}
