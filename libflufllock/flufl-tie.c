/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * One thread uses an object while another drops the last reference.
 *
 * A user pins the tie, and then adds its reference. The object is not finalized before its disposal
 * has cut the tie. If others have pinned the tie at that moment, the disposer adds a reference that
 * it does not drop. So a pinned object stays. Pins and the cut are in one atomic integer, and no
 * thread waits for another.
 *
 * The last user drops the reference that was left, some time later. In GLib 2.74
 * g_object_unref() touches an object once more after it has given up its reference, if the object
 * got another one during its disposal. The object must not be freed before that, and nothing shows
 * when the disposer's g_object_unref() has returned.
 */

#include "config.h"

#include "flufl-tie-private.h"

/* In the state: nobody can pin it any more, … */
#define CUT 1

/* … the disposer has left a reference, and … */
#define LEFT 2

/* … one user. */
#define PIN 4

struct _FluflTie
{
  gatomicrefcount refs;
  gpointer        object; /* not owned */
  int             state;  /* atomic */
};

int flufl_tie_delay_ms = 10 * 1000;

/* The tie whose user drops its own reference in this thread. */
static GPrivate putting;

/*
 * flufl_tie_new:
 * @object: whose disposal must call flufl_tie_cut()
 *
 * Returns: (transfer full): free with flufl_tie_unref(), in any thread
 */
FluflTie *
flufl_tie_new (gpointer object)
{
  FluflTie *self = g_new0 (FluflTie, 1);

  g_atomic_ref_count_init (&self->refs);
  self->object = object;
  return self;
}

FluflTie *
flufl_tie_ref (FluflTie *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
flufl_tie_unref (gpointer data)
{
  FluflTie *self = data;

  if (g_atomic_ref_count_dec (&self->refs))
    g_free (self);
}

static gboolean
pin (FluflTie *self)
{
  int state;

  do
    {
      state = g_atomic_int_get (&self->state);
      if ((state & CUT) != 0)
        return FALSE;
    }
  while (!g_atomic_int_compare_and_exchange (&self->state, state, state + PIN));
  return TRUE;
}

/*
 * flufl_tie_get:
 *
 * Called without mutexes, since a language binding may wait for its global lock here. The disposal of
 * the object may begin in another thread at any time.
 *
 * Returns: (nullable): the object, to be given back by flufl_tie_put(); %NULL if its disposal has
 *   begun
 */
gpointer
flufl_tie_get (FluflTie *self)
{
  if (!pin (self))
    return NULL;
  flufl_tie_ref (self);
  g_object_ref (self->object);
  if ((g_atomic_int_get (&self->state) & CUT) == 0)
    return self->object;
  flufl_tie_put (self);
  return NULL;
}

static gboolean
once (gpointer object G_GNUC_UNUSED)
{
  return G_SOURCE_REMOVE;
}

/* Drops a reference after a delay: in the main context that dispatches in this thread, or else in the
 * thread-default one. An object whose context is not iterated any more stays. */
static void
drop_later (gpointer object)
{
  GSource *current = g_main_current_source ();
  GMainContext *context = current != NULL ? g_source_get_context (current)
                                          : g_main_context_get_thread_default ();
  g_autoptr (GSource) source = g_timeout_source_new ((guint) g_atomic_int_get (&flufl_tie_delay_ms));

  g_source_set_static_name (source, "[flufl] tie");
  g_source_set_callback (source, once, object, g_object_unref);
  g_source_attach (source, context);
}

/*
 * flufl_tie_object:
 *
 * Returns: (transfer none): the object, between flufl_tie_get() and flufl_tie_put()
 */
gpointer
flufl_tie_object (FluflTie *self)
{
  return self->object;
}

/*
 * flufl_tie_put:
 *
 * Ends a use of the object. Called without mutexes, in a thread that may free the object.
 */
void
flufl_tie_put (gpointer data)
{
  FluflTie *self = data;
  gpointer object = self->object;
  gpointer outer = g_private_get (&putting);

  g_private_set (&putting, self);
  g_object_unref (object);
  g_private_set (&putting, outer);
  if (g_atomic_int_add (&self->state, -PIN) == (CUT | LEFT | PIN))
    drop_later (object);
  flufl_tie_unref (self);
}

/*
 * flufl_tie_cut:
 *
 * Called without mutexes while the object is disposed of. A second call does nothing.
 */
void
flufl_tie_cut (FluflTie *self)
{
  gpointer object = g_object_ref (self->object);
  /* In flufl_tie_put() the user's reference was the last one, and its pin needs no other. */
  int own = g_private_get (&putting) == self ? PIN : 0;
  int state, left;

  do
    {
      state = g_atomic_int_get (&self->state);
      left = (state & CUT) == 0 && state > own ? LEFT : 0;
    }
  while (!g_atomic_int_compare_and_exchange (&self->state, state, state | CUT | left));
  if (left == 0)
    g_object_unref (object);
}
