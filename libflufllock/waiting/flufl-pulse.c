/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "flufl-pulse.h"

#include "flufl-engine.h"

struct _FluflPulse
{
  gatomicrefcount refs;
  int             stopped; /* atomic */
  FluflSleeper   *sleeper; /* owned; NULL: in a context */
  GMutex          mutex;   /* protects what follows */
  GSource        *source;  /* owned; NULL when it has been stopped */
  FluflPulseFunc  func;
  gpointer        user_data;
  GDestroyNotify  destroy;
};

static void
pulse_unref (gpointer data)
{
  FluflPulse *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_mutex_clear (&self->mutex);
  g_clear_pointer (&self->sleeper, flufl_sleeper_free);
  g_free (self);
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return callback (user_data);
}

static GSourceFuncs source_funcs = { .dispatch = source_dispatch };

static void beat (gpointer data);

static void
wait_for_beat (FluflPulse *self, gint64 usec)
{
  gint64 when = flufl_time_now (FLUFL_TIME_BOOT) + usec;

  if (self->sleeper == NULL)
    {
      /* Once it has been stopped, nobody keeps the context for us. */
      g_mutex_lock (&self->mutex);
      if (self->source != NULL)
        g_source_set_ready_time (self->source, g_get_monotonic_time () + usec);
      g_mutex_unlock (&self->mutex);
    }
  else
    {
      g_atomic_ref_count_inc (&self->refs);
      flufl_sleeper_call (self->sleeper, FLUFL_TIME_BOOT, when, beat, self);
    }
}

/* In a worker thread, with a reference of its own. */
static void
beat (gpointer data)
{
  FluflPulse *self = data;

  if (!g_atomic_int_get (&self->stopped))
    {
      gint64 next = self->func (self->user_data);

      if (next >= 0 && !g_atomic_int_get (&self->stopped))
        wait_for_beat (self, next);
    }
  pulse_unref (self);
}

static gboolean
context_is_awake_cb (gpointer data)
{
  FluflPulse *self = data;

  g_atomic_ref_count_inc (&self->refs);
  flufl_workers_push (beat, self);
  return G_SOURCE_CONTINUE;
}

/*
 * flufl_pulse_start:
 * @context: (nullable): the main context whose life the pulse shows; the work
 *   itself is done in a worker thread
 *
 * Returns: (transfer full): to be ended by flufl_pulse_stop()
 */
FluflPulse *
flufl_pulse_start (GMainContext   *context,
                   gint64          first_usec,
                   FluflPulseFunc  func,
                   gpointer        user_data,
                   GDestroyNotify  destroy)
{
  FluflPulse *self = g_new0 (FluflPulse, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->mutex);
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  if (context != NULL)
    {
      self->source = g_source_new (&source_funcs, sizeof (GSource));
      g_source_set_static_name (self->source, "[flufl] heartbeat");
      g_atomic_ref_count_inc (&self->refs);
      g_source_set_callback (self->source, context_is_awake_cb, self, pulse_unref);
      g_source_attach (self->source, context);
    }
  else
    self->sleeper = flufl_sleeper_new (NULL);
  wait_for_beat (self, first_usec);
  return self;
}

/*
 * flufl_pulse_stop:
 * @self: (transfer full):
 *
 * No beat begins after this; one that has begun goes on. The context, which the
 * caller has kept until now, is not touched any more.
 */
void
flufl_pulse_stop (FluflPulse *self)
{
  g_atomic_int_set (&self->stopped, TRUE);
  if (self->sleeper != NULL)
    flufl_sleeper_wake (self->sleeper);
  g_mutex_lock (&self->mutex);
  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_clear_pointer (&self->source, g_source_unref);
    }
  g_mutex_unlock (&self->mutex);
  pulse_unref (self);
}
