/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Between the workers of a lookout and the thread of an object. Neither keeps the object, and a
 * main context that nobody runs has one view at most.
 */

#include "config.h"

#include "flufl-observer-private.h"

#include "flufl-document-private.h"
#include "flufl-person-private.h"
#include "flufl-process.h"

struct _FluflObserver
{
  gatomicrefcount   refs;    /* the owner's, the lookout's, and that of a note */
  int               process; /* the mark of that which started it */
  FluflLease       *lease;   /* owned; has the strings of the lookout's site … */
  FluflDocument    *document; /* owned; nullable; … as this has */
  FluflLookoutKind  kind;
  FluflTie         *tie;     /* owned; to the object, which is given to … */
  FluflObserverFunc func;    /* … this */
  FluflLookout     *lookout; /* owned, until it is stopped */

  GMutex            mutex;   /* protects what follows */
  GMainContext     *context; /* owned; NULL: it is stopped */
  gboolean          posted;  /* a note is on its way, with … */
  FluflView         view;    /* … this, the newest view */
  gboolean          seen;    /* there is one */
};

/* Let go of by its data: see post() in flufl-call.c. */
typedef struct
{
  FluflObserver *observer; /* owned */
  GSource       *source;   /* owned */
} Note;

static FluflObserver *
observer_ref (FluflObserver *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static void
observer_unref (gpointer data)
{
  FluflObserver *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_pointer (&self->document, flufl_document_unref);
  flufl_lease_unref (self->lease);
  flufl_tie_unref (self->tie);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* In a thread of the user's: so it may come to have the last reference to the object. */
static gboolean
note_cb (gpointer data)
{
  FluflObserver *self = ((Note *) data)->observer;
  GObject *object;
  gboolean stopped;
  FluflView view;

  if (self->process != flufl_process_mark ())
    return G_SOURCE_REMOVE;
  g_mutex_lock (&self->mutex);
  self->posted = FALSE;
  view = self->view;
  stopped = self->context == NULL;
  g_mutex_unlock (&self->mutex);
  object = stopped ? NULL : flufl_tie_get (self->tie);
  if (object != NULL)
    {
      self->func (object, &view);
      flufl_tie_put (self->tie);
    }
  return G_SOURCE_REMOVE;
}

static void
note_free (gpointer data)
{
  Note *note = data;

  g_source_unref (note->source);
  if (note->observer->process == flufl_process_mark ())
    observer_unref (note->observer);
  g_free (note);
}

/* With the mutex. */
static void
post (FluflObserver *self)
{
  GSource *source = g_idle_source_new ();
  Note *note = g_new (Note, 1);

  note->observer = observer_ref (self);
  note->source = source;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[flufl] observer");
  g_source_set_callback (source, note_cb, note, note_free);
  g_source_attach (source, self->context);
  self->posted = TRUE;
}

static int
place_cb (FluflSite *site, gpointer user_data)
{
  FluflObserver *self = user_data;

  return flufl_document_resolve (self->document, self->lease, site);
}

/* In a worker. */
static void
view_cb (FluflSite *site, FluflView *view, gpointer user_data)
{
  FluflObserver *self = user_data;

  if (self->kind == FLUFL_LOOKOUT_HOLDER && view->found)
    flufl_person_learn_holder (site, &view->findings);
  g_mutex_lock (&self->mutex);
  self->view = *view;
  self->seen = TRUE;
  if (self->context != NULL && !self->posted)
    post (self);
  g_mutex_unlock (&self->mutex);
}

/*
 * flufl_observer_start:
 * @lock: the lock that is looked at, which is not kept
 * @tie: to the object that is given to @func, for as long as it lives
 *
 * Returns: (transfer full) (nullable): to be ended by flufl_observer_stop(); %NULL if no thread can
 *   be started
 */
FluflObserver *
flufl_observer_start (FluflLock         *lock,
                      FluflLookoutKind   kind,
                      int                interval_ms,
                      GMainContext      *context,
                      FluflTie          *tie,
                      FluflObserverFunc  func)
{
  FluflObserver *self = g_new0 (FluflObserver, 1);
  FluflSite site;

  g_atomic_ref_count_init (&self->refs);
  self->process = flufl_process_mark ();
  self->lease = flufl_lease_ref (lock->lease);
  if (lock->document != NULL)
    self->document = flufl_document_ref (lock->document);
  self->kind = kind;
  self->tie = flufl_tie_ref (tie);
  self->func = func;
  g_mutex_init (&self->mutex);
  self->context = g_main_context_ref (context);
  flufl_lease_copy_site (lock->lease, &site);
  self->lookout = flufl_lookout_start (&site, kind, interval_ms, place_cb, view_cb,
                                       observer_ref (self), observer_unref);
  flufl_site_drop_copy (&site);
  if (self->lookout != NULL)
    return self;
  observer_unref (self);
  flufl_observer_stop (self);
  return NULL;
}

/*
 * flufl_observer_follow_lease:
 *
 * From now on the newest view is reported once more when the object of the lease has become the holder,
 * since that may change what the view means.
 */
void
flufl_observer_follow_lease (FluflObserver *self)
{
  FluflLease *lease = self->lease;

  flufl_lease_lock (lease);
  g_atomic_pointer_set (&lease->followers, g_slist_prepend (lease->followers, self));
  flufl_lease_unlock (lease);
}

/*
 * flufl_observer_repeat_views:
 *
 * Makes the observers that follow the lease report their newest views once more.
 */
void
flufl_observer_repeat_views (FluflLease *lease)
{
  if (g_atomic_pointer_get (&lease->followers) == NULL)
    return;
  flufl_lease_lock (lease);
  for (GSList *l = lease->followers; l != NULL; l = l->next)
    {
      FluflObserver *self = l->data;

      if (self->process != flufl_process_mark ())
        continue;
      g_mutex_lock (&self->mutex);
      if (self->seen && self->context != NULL && !self->posted)
        post (self);
      g_mutex_unlock (&self->mutex);
    }
  flufl_lease_unlock (lease);
}

void
flufl_observer_set_interval (FluflObserver *self, int interval_ms)
{
  flufl_lookout_set_interval (self->lookout, interval_ms);
}

/*
 * flufl_observer_stop:
 * @self: (transfer full):
 *
 * Its function is not called after this, except by a call that runs in another thread. A forked
 * child leaves the parent's observer as it is: a worker of the parent may have its mutex.
 */
void
flufl_observer_stop (FluflObserver *self)
{
  g_autoptr (GMainContext) context = NULL;

  if (self->process != flufl_process_mark ())
    return;
  flufl_lease_lock (self->lease);
  g_atomic_pointer_set (&self->lease->followers, g_slist_remove (self->lease->followers, self));
  flufl_lease_unlock (self->lease);
  g_mutex_lock (&self->mutex);
  context = g_steal_pointer (&self->context);
  g_mutex_unlock (&self->mutex);
  if (self->lookout != NULL)
    flufl_lookout_stop (self->lookout);
  observer_unref (self);
}
