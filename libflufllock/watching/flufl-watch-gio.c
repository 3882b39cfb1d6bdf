/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Where there is no inotify: GFileMonitor, which has kqueue(2) and others behind
 * it. It reports its events in a main context, so there is a thread that runs one. A monitor may be
 * late by a second, and watches names rather than inodes: both do no harm, since link(2) decides.
 *
 * A late monitor also reports changes from before the watch was set. A waiter that such a report
 * wakes would find the lock free before the waiter whose turn it is. A report is therefore dropped
 * while the file is unchanged.
 */

#include "config.h"

#include "flufl-watch.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>

#include "flufl-process.h"
#include "flufl-thread.h"

typedef struct
{
  int           process; /* its mark */
  GMainContext *context; /* run by a thread of its own, for ever */
  GMutex        mutex;   /* recursive locking is not needed: see FluflWatchFunc */
  GCond         cond;
  guint         n_watches;
} State;

/* What a watch has in the kernel's place. */
typedef struct
{
  GFileMonitor *monitor;

  /* Under the mutex. */
  FluflWatch   *watch; /* NULL: ended, or not begun */
  struct stat   seen;  /* when it was set */
} Watched;

static int
poll_files (GPollFD *files, guint n_files, int timeout_ms)
{
  return FLUFL_WAIT_FOR (g_poll (files, n_files, timeout_ms));
}

static State *
get_state (void)
{
  static State *state;

  if (g_once_init_enter (&state))
    {
      State *fresh = g_new0 (State, 1);

      fresh->process = flufl_process_mark ();
      fresh->context = g_main_context_new ();
      g_main_context_set_poll_func (fresh->context, poll_files);
      g_mutex_init (&fresh->mutex);
      g_cond_init (&fresh->cond);
      g_once_init_leave (&state, fresh);
    }
  return state;
}

static gpointer
run_context (gpointer data)
{
  State *state = data;

  g_main_context_push_thread_default (state->context);
  for (;;)
    g_main_context_iteration (state->context, TRUE);
  return NULL;
}

/* Neither this thread nor GIO's own are there in a forked child. */
static gboolean
has_thread (State *state)
{
  static gsize tried;
  static gboolean runs;

  if (state->process != flufl_process_mark ())
    return FALSE;
  if (g_once_init_enter (&tried))
    {
      runs = flufl_thread_start ("flufl-watch", run_context, state);
      g_once_init_leave (&tried, 1);
    }
  return runs;
}

static FluflWatchEvents
events_of (GFileMonitorEvent event)
{
  switch (event)
    {
    case G_FILE_MONITOR_EVENT_DELETED:
    case G_FILE_MONITOR_EVENT_MOVED_OUT:
    case G_FILE_MONITOR_EVENT_RENAMED:
    case G_FILE_MONITOR_EVENT_UNMOUNTED:
      return FLUFL_WATCH_REMOVED;
    case G_FILE_MONITOR_EVENT_CHANGES_DONE_HINT:
      return FLUFL_WATCH_CLOSED | FLUFL_WATCH_WRITTEN;
    case G_FILE_MONITOR_EVENT_CHANGED:
      return FLUFL_WATCH_WRITTEN;
    case G_FILE_MONITOR_EVENT_ATTRIBUTE_CHANGED:
      return FLUFL_WATCH_CHANGED;
    default:
      return 0;
    }
}

/* Under the mutex. A name that went and came back as it was is no news either. */
static gboolean
is_as_seen (const Watched *watched, GFile *file)
{
  const struct stat *seen = &watched->seen;
  struct stat st;

  return lstat (g_file_peek_path (file), &st) == 0
         && st.st_dev == seen->st_dev && st.st_ino == seen->st_ino
         && st.st_nlink == seen->st_nlink && st.st_size == seen->st_size
         && st.st_ctim.tv_sec == seen->st_ctim.tv_sec
         && st.st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
}

/* Under the mutex: no event is reported any more. */
static void
end (State *state, Watched *watched)
{
  watched->watch->watched = NULL;
  watched->watch = NULL;
  state->n_watches--;
}

static void
changed_cb (GFileMonitor *monitor G_GNUC_UNUSED, GFile *file,
            GFile *other G_GNUC_UNUSED, GFileMonitorEvent event, gpointer user_data)
{
  State *state = get_state ();
  Watched *watched = user_data;
  FluflWatchEvents events = events_of (event);

  g_mutex_lock (&state->mutex);
  if (events != 0 && watched->watch != NULL && !is_as_seen (watched, file))
    {
      FluflWatch *watch = watched->watch;

      if ((events & watch->wanted) != 0)
        watch->func (events & watch->wanted, watch->user_data);
      if ((events & FLUFL_WATCH_REMOVED) != 0)
        end (state, watched);
    }
  g_mutex_unlock (&state->mutex);
}

typedef struct
{
  GFile    *file;
  Watched  *watched;
  gboolean  done;
} Request;

/* In the thread: a monitor belongs to the context it is made in. */
static gboolean
make_monitor_cb (gpointer data)
{
  State *state = get_state ();
  Request *request = data;
  GFileMonitor *monitor = g_file_monitor_file (request->file, G_FILE_MONITOR_NONE, NULL, NULL);

  /* It looks every 5 s, which timers do better. The type is not public. */
  if (monitor != NULL && strcmp (G_OBJECT_TYPE_NAME (monitor), "GPollFileMonitor") == 0)
    g_clear_object (&monitor);
  if (monitor != NULL)
    {
      g_file_monitor_set_rate_limit (monitor, 0);
      g_signal_connect (monitor, "changed", G_CALLBACK (changed_cb), request->watched);
    }
  g_mutex_lock (&state->mutex);
  request->watched->monitor = monitor;
  request->done = TRUE;
  g_cond_broadcast (&state->cond);
  g_mutex_unlock (&state->mutex);
  return G_SOURCE_REMOVE;
}

/* In the thread, so that no event of it is on its way. */
static gboolean
drop_monitor_cb (gpointer data)
{
  Watched *watched = data;

  if (watched->monitor != NULL)
    {
      g_signal_handlers_disconnect_by_data (watched->monitor, watched);
      g_file_monitor_cancel (watched->monitor);
      g_object_unref (watched->monitor);
    }
  g_free (watched);
  return G_SOURCE_REMOVE;
}

static void
run_in_thread (State *state, GSourceFunc func, gpointer data)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, state->context);
  g_source_unref (source);
}

FluflWatchResult
flufl_watch_add (FluflWatch *watch, const char *path, FluflWatchEvents wanted)
{
  State *state = get_state ();
  FluflWatchResult result = FLUFL_WATCH_UNAVAILABLE;
  Request request = { .done = FALSE };
  Watched *watched;

  g_assert (watch->state == NULL);
  if (!has_thread (state))
    return FLUFL_WATCH_UNAVAILABLE;

  watched = g_new0 (Watched, 1);
  request.file = g_file_new_for_path (path);
  request.watched = watched;
  run_in_thread (state, make_monitor_cb, &request);
  g_mutex_lock (&state->mutex);
  while (!request.done)
    g_cond_wait (&state->cond, &state->mutex);
  /* The monitor is set: a change that is not seen here is reported, since its event waits for
   * the mutex. */
  if (watched->monitor != NULL)
    {
      if (lstat (path, &watched->seen) == 0)
        result = FLUFL_WATCH_ARMED;
      else if (errno == ENOENT)
        result = FLUFL_WATCH_GONE;
    }
  if (result == FLUFL_WATCH_ARMED)
    {
      watch->wanted = wanted | FLUFL_WATCH_REMOVED;
      watched->watch = watch;
      watch->watched = watch->state = watched;
      state->n_watches++;
    }
  g_mutex_unlock (&state->mutex);
  g_object_unref (request.file);

  if (result != FLUFL_WATCH_ARMED)
    run_in_thread (state, drop_monitor_cb, watched);
  return result;
}

void
flufl_watch_remove (FluflWatch *watch)
{
  State *state = get_state ();
  Watched *watched = watch->state;

  if (watched == NULL)
    return;
  watch->state = NULL;
  if (state->process != flufl_process_mark ())
    {
      watch->watched = NULL;
      return;
    }
  g_mutex_lock (&state->mutex);
  if (watched->watch != NULL)
    end (state, watched);
  g_mutex_unlock (&state->mutex);
  run_in_thread (state, drop_monitor_cb, watched);
}

/* Events come by a thread. */
int
flufl_watch_fd (void)
{
  return -1;
}

void
flufl_watch_dispatch (void)
{
}

guint
flufl_watch_count (void)
{
  State *state = get_state ();
  guint n;

  g_mutex_lock (&state->mutex);
  n = state->n_watches;
  g_mutex_unlock (&state->mutex);
  return n;
}

gboolean
flufl_watch_needs_process (void)
{
  return FALSE;
}
