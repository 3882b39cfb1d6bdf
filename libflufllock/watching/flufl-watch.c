/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The process has one inotify instance. A user may have only 128, and closing one that had a watch
 * takes milliseconds, so it is never closed. Two parties that watch one inode share the kernel's
 * watch.
 */

#include "config.h"

#include "flufl-watch.h"

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "flufl-process.h"

/* If there are too many inotify instances, the kernel takes 10 to 40 ms to refuse one. The library
 * retries at most this often, in microseconds. */
#define REFUSED_REST (10 * G_USEC_PER_SEC)

/* What a process knows of its instance. A forked child has another: it must not read the events of
 * its parent. It closes the parent's instance, since a user may have only 128. */
typedef struct _State State;

struct _State
{
  State      *parents; /* left as it was at the fork, and so not freed */
  int         process; /* as flufl_process_mark() */
  GMutex      mutex;   /* protects what follows */
  int         fd;      /* -1: none yet, or not any more; also read without the mutex */
  guint64     kept;    /* of flufl_process_keep_file(), for fd */
  gint64      ask_from; /* monotonic microseconds: when to ask for one again */
  GHashTable *by_wd;   /* of Watched */
};

/* An inode that is watched. */
typedef struct
{
  int    wd;
  GQueue parties; /* of FluflWatch, by their links */
} Watched;

static State *current;

static State *
get_state (void)
{
  for (;;)
    {
      State *old = g_atomic_pointer_get (&current);
      State *fresh;

      if (old != NULL && old->process == flufl_process_mark ())
        return old;
      fresh = g_new0 (State, 1);
      fresh->parents = old;
      fresh->process = flufl_process_mark ();
      fresh->fd = -1;
      fresh->by_wd = g_hash_table_new_full (NULL, NULL, NULL, g_free);
      g_mutex_init (&fresh->mutex);
      /* The parent's state is left as it is: fork(2) may have come while
       * another thread was at it. */
      if (g_atomic_pointer_compare_and_exchange (&current, old, fresh))
        return fresh;
      g_hash_table_unref (fresh->by_wd);
      g_mutex_clear (&fresh->mutex);
      g_free (fresh);
    }
}

#define NAME_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

static guint32
mask_of (FluflWatchEvents wanted)
{
  /* IN_DELETE_SELF comes once: with the last name, or, if the file is open by that name, with the
   * close after it. The link and the touches of a claim do not wake a waiter that waits for the
   * claim to go. The death of an owner that has it open is a close. */
  guint32 mask = IN_DELETE_SELF | IN_MOVE_SELF;

  if ((wanted & FLUFL_WATCH_CLOSED) != 0)
    mask |= IN_CLOSE_WRITE;
  if ((wanted & FLUFL_WATCH_CHANGED) != 0)
    mask |= IN_ATTRIB;
  if ((wanted & FLUFL_WATCH_WRITTEN) != 0)
    mask |= IN_MODIFY;
  if ((wanted & FLUFL_WATCH_NAMES) != 0)
    mask |= NAME_EVENTS;
  return mask;
}

static FluflWatchEvents
events_of (guint32 mask)
{
  FluflWatchEvents events = 0;

  if ((mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0)
    events |= FLUFL_WATCH_REMOVED;
  if ((mask & IN_CLOSE_WRITE) != 0)
    events |= FLUFL_WATCH_CLOSED;
  if ((mask & IN_ATTRIB) != 0)
    events |= FLUFL_WATCH_CHANGED;
  if ((mask & IN_MODIFY) != 0)
    events |= FLUFL_WATCH_WRITTEN;
  if ((mask & NAME_EVENTS) != 0)
    events |= FLUFL_WATCH_NAMES;
  return events;
}

/* With the mutex. */
static gboolean
has_instance (State *state)
{
  if (state->fd >= 0)
    return TRUE;
  if (g_get_monotonic_time () < state->ask_from)
    return FALSE;
  g_atomic_int_set (&state->fd, inotify_init1 (IN_CLOEXEC | IN_NONBLOCK));
  if (state->fd >= 0)
    {
      state->kept = flufl_process_keep_file (state->fd, close);
      return TRUE;
    }
  state->ask_from = g_get_monotonic_time () + REFUSED_REST;
  return FALSE;
}

/*
 * flufl_watch_add:
 * @watch: with func and user_data set, and not watching
 * @path: a file; for NAMES a directory, with “/.” at its end
 * @wanted: REMOVED is always reported
 *
 * Reports the events in @wanted, from this call on, once somebody dispatches. If @path was removed
 * before, returns %FLUFL_WATCH_GONE, so that no removal is missed.
 */
FluflWatchResult
flufl_watch_add (FluflWatch *watch, const char *path, FluflWatchEvents wanted)
{
  State *state = get_state ();
  FluflWatchResult result = FLUFL_WATCH_UNAVAILABLE;
  Watched *watched;
  int wd;

  g_assert (watch->state == NULL);

  /* The mutex is held until the watch is in the table, since another thread could read its first
   * event before. */
  g_mutex_lock (&state->mutex);
  if (!has_instance (state))
    goto out;

  /* IN_MASK_ADD: another party may watch this inode for other things. */
  wd = inotify_add_watch (state->fd, path, mask_of (wanted) | IN_DONT_FOLLOW | IN_MASK_ADD);
  if (wd < 0)
    {
      if (errno == ENOENT)
        result = FLUFL_WATCH_GONE;
      goto out;
    }

  watched = g_hash_table_lookup (state->by_wd, GINT_TO_POINTER (wd));
  if (watched == NULL)
    {
      watched = g_new0 (Watched, 1);
      watched->wd = wd;
      g_hash_table_insert (state->by_wd, GINT_TO_POINTER (wd), watched);
    }
  watch->wanted = wanted | FLUFL_WATCH_REMOVED;
  watch->state = state;
  watch->watched = watched;
  watch->link.data = watch;
  g_queue_push_tail_link (&watched->parties, &watch->link);
  result = FLUFL_WATCH_ARMED;

out:
  g_mutex_unlock (&state->mutex);
  return result;
}

/*
 * flufl_watch_remove:
 *
 * Ends the watch, if it has not ended. The function of @watch is not called after this one returns.
 */
void
flufl_watch_remove (FluflWatch *watch)
{
  State *state = watch->state;

  if (state == NULL)
    return;
  watch->state = NULL;
  if (state->process != flufl_process_mark ())
    {
      watch->watched = NULL;
      return;
    }

  g_mutex_lock (&state->mutex);
  if (watch->watched != NULL)
    {
      Watched *watched = watch->watched;

      g_queue_unlink (&watched->parties, &watch->link);
      if (watched->parties.length == 0)
        {
          inotify_rm_watch (state->fd, watched->wd);
          g_hash_table_remove (state->by_wd, GINT_TO_POINTER (watched->wd));
        }
      watch->watched = NULL;
    }
  g_mutex_unlock (&state->mutex);
}

/* @name: (nullable): the name in the directory that is watched */
static void
tell (Watched *watched, FluflWatchEvents events, const char *name)
{
  for (GList *l = watched->parties.head; l != NULL; l = l->next)
    {
      FluflWatch *watch = l->data;

      if (name != NULL && watch->prefix != NULL && !g_str_has_prefix (name, watch->prefix))
        continue;
      if ((events & watch->wanted) != 0)
        watch->func (events & watch->wanted, watch->user_data);
    }
}

/* This watch reports nothing any more. The caller removes the kernel's watch, unless it is gone with
 * the inode. */
static void
end (State *state, Watched *watched)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&watched->parties)) != NULL)
    ((FluflWatch *) link->data)->watched = NULL;
  g_hash_table_remove (state->by_wd, GINT_TO_POINTER (watched->wd));
}

/* Something was missed: all waiters look for themselves, and watch anew. */
static void
end_all (State *state)
{
  g_autoptr (GList) all = g_hash_table_get_values (state->by_wd);

  for (GList *l = all; l != NULL; l = l->next)
    {
      Watched *watched = l->data;

      tell (watched, FLUFL_WATCH_EVERYTHING, NULL);
      if (state->fd >= 0)
        inotify_rm_watch (state->fd, watched->wd);
      end (state, watched);
    }
}

static void
take_event (State *state, const struct inotify_event *event)
{
  FluflWatchEvents events = events_of (event->mask);
  Watched *watched;

  if ((event->mask & IN_Q_OVERFLOW) != 0)
    {
      end_all (state);
      return;
    }

  /* The kernel does not reuse watch descriptors soon, so an unknown one belongs to a watch that has
   * ended. */
  watched = g_hash_table_lookup (state->by_wd, GINT_TO_POINTER (event->wd));
  if (watched == NULL)
    return;
  tell (watched, events, event->len > 0 ? event->name : NULL);
  if ((events & FLUFL_WATCH_REMOVED) != 0)
    {
      if ((event->mask & IN_MOVE_SELF) != 0)
        inotify_rm_watch (state->fd, watched->wd);
      end (state, watched);
    }
}

/*
 * flufl_watch_fd:
 *
 * Returns: what to poll for reading before flufl_watch_dispatch(), or -1 if there is no instance.
 *   Takes no mutex.
 */
int
flufl_watch_fd (void)
{
  return g_atomic_int_get (&get_state ()->fd);
}

/* The largest event: its name has up to NAME_MAX bytes and a NUL. */
#define EVENT_MAX (sizeof (struct inotify_event) + NAME_MAX + 1)

/*
 * flufl_watch_dispatch:
 *
 * Reads the kernel's events, and reports them.
 */
void
flufl_watch_dispatch (void)
{
  State *state = get_state ();
  char buffer[4096] __attribute__ ((aligned (__alignof__ (struct inotify_event))));
  gssize n;

  g_mutex_lock (&state->mutex);
  do
    {
      n = state->fd >= 0 ? read (state->fd, buffer, sizeof buffer) : 0;
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          /* Somebody closed it, as daemons do with all they inherit. */
          if (n < 0 && errno != EAGAIN)
            {
              g_atomic_int_set (&state->fd, -1);
              flufl_process_forget_file (state->kept);
              end_all (state);
            }
          break;
        }
      for (gssize i = 0; i < n;)
        {
          const struct inotify_event *event = (const void *) (buffer + i);

          i += (gssize) (sizeof *event + event->len);
          take_event (state, event);
        }
    }
  /* If the buffer has room for another whole event, the kernel had no more. */
  while (n < 0 || (gsize) n > sizeof buffer - EVENT_MAX);
  g_mutex_unlock (&state->mutex);
}

/* How many inodes are watched. */
guint
flufl_watch_count (void)
{
  State *state = get_state ();
  guint n;

  g_mutex_lock (&state->mutex);
  n = g_hash_table_size (state->by_wd);
  g_mutex_unlock (&state->mutex);
  return n;
}

gboolean
flufl_watch_needs_process (void)
{
  return FALSE;
}
