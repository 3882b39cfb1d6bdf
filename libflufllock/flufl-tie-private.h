/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A weak reference to an object of the application, which any thread can use while it exists.
 *
 * It is used instead of GWeakRef, with which a program can hang in GLib 2.74. g_weak_ref_get() calls
 * g_object_ref() while it holds a lock for all weak references of the process, and g_object_ref() calls the
 * toggle notification of a language binding, which waits for that language's global lock. The
 * thread that has the global lock may wait for the lock of the weak references, for instance while
 * it constructs an object. No lock is held while a tie adds or drops a reference.
 */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _FluflTie FluflTie;

FluflTie *flufl_tie_new   (gpointer  object);
FluflTie *flufl_tie_ref   (FluflTie *self);
void      flufl_tie_unref (gpointer  self);
gpointer  flufl_tie_get   (FluflTie *self);
gpointer  flufl_tie_object (FluflTie *self);
void      flufl_tie_put   (gpointer  self);
void      flufl_tie_cut   (FluflTie *self);

/* After how many milliseconds a reference is dropped that a disposer has left; atomic. */
extern int flufl_tie_delay_ms;

G_END_DECLS
