/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The wait that the leader makes for all that sleep. Two events end it early: that of the watches,
 * and the kick of this process.
 */

#include "config.h"

#include "flufl-engine-private.h"

#include <windows.h>

#include "flufl-thread.h"
#include "flufl-watch.h"

/* Only the lower 32 bits of a handle count. */
static HANDLE
handle_of (int fd)
{
  return (HANDLE) (gintptr) fd;
}

static void
make_kick (FluflEngine *engine)
{
  HANDLE event;

  if (engine->kick[0] >= 0)
    return;
  event = CreateEventW (NULL, FALSE, FALSE, NULL);
  engine->kick[0] = event != NULL ? (int) (gintptr) event : -1;
}

void
flufl_engine_kick (FluflEngine *engine)
{
  if (engine->polling && engine->kick[0] >= 0)
    SetEvent (handle_of (engine->kick[0]));
  engine->polling = FALSE; /* once is enough */
}

/* Rounded up: the leader must not wake before the time. */
static DWORD
milliseconds (gint64 left)
{
  return left == G_MAXINT64 ? INFINITE : (DWORD) MIN ((left + 999) / 1000, G_MAXINT32);
}

/* Returns: the first event that is set, or %NULL when the time is over */
static HANDLE
wait_for (const HANDLE *events, DWORD n, gint64 left)
{
  DWORD result = WAIT_TIMEOUT;

  flufl_thread_begin_wait ();
  if (n > 0)
    result = WaitForMultipleObjects (n, events, FALSE, milliseconds (left));
  else
    Sleep (milliseconds (left));
  if (result == WAIT_FAILED) /* somebody closed an event */
    Sleep (milliseconds (MIN (left, BLIND_SLICE)));
  flufl_thread_end_call (0);
  return result < WAIT_OBJECT_0 + n ? events[result - WAIT_OBJECT_0] : NULL;
}

void
flufl_engine_poll (FluflEngine *engine, gint64 left)
{
  HANDLE events[2], watch = NULL, first;
  DWORD n = 0;

  make_kick (engine);
  left = MIN (left, flufl_engine_time_left (engine));
  if (engine->kick[0] < 0)
    left = MIN (left, BLIND_SLICE);
  engine->polled_fd = flufl_watch_fd ();
  if (engine->polled_fd >= 0)
    watch = events[n++] = handle_of (engine->polled_fd);
  if (engine->kick[0] >= 0)
    events[n++] = handle_of (engine->kick[0]);
  engine->polling = TRUE;
  g_mutex_unlock (&engine->mutex);

  first = wait_for (events, n, left);
  /* It wakes sleepers, which takes the mutex. */
  if (first != NULL && first == watch)
    flufl_watch_dispatch ();

  g_mutex_lock (&engine->mutex);
  engine->polling = FALSE;
}
