/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The wait that the leader makes for all that sleep. Nothing is watched, so only an event that this
 * process sets ends it early.
 */

#include "config.h"

#include "flufl-engine-private.h"

#include <windows.h>

#include "flufl-thread.h"

static HANDLE
handle_of (int fd)
{
  return (HANDLE) (gintptr) fd;
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

void
flufl_engine_poll (FluflEngine *engine, gint64 left)
{
  const FluflSleeper *first = flufl_engine_first_scheduled (engine);
  DWORD wait;

  /* Only the lower 32 bits of a handle count. */
  if (engine->kick[0] < 0)
    {
      HANDLE event = CreateEventW (NULL, FALSE, FALSE, NULL);

      engine->kick[0] = event != NULL ? (int) (gintptr) event : -1;
    }
  if (first != NULL)
    left = MIN (left, MAX (first->when - g_get_monotonic_time (), 0));
  if (engine->kick[0] < 0)
    left = MIN (left, BLIND_SLICE);
  wait = milliseconds (left);
  engine->polling = TRUE;
  g_mutex_unlock (&engine->mutex);

  flufl_thread_begin_wait ();
  if (engine->kick[0] >= 0)
    WaitForSingleObject (handle_of (engine->kick[0]), wait);
  else
    Sleep (wait);
  flufl_thread_end_call (0);

  g_mutex_lock (&engine->mutex);
  engine->polling = FALSE;
}
