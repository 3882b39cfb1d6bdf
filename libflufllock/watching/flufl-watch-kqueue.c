/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Watches files by kqueue(2) on macOS, FreeBSD, NetBSD and OpenBSD. The whole process has one
 * kernel queue, which is never closed. Each watched file is open. Two parties that watch one inode
 * share the descriptor.
 *
 * This file compiles for these systems, but has not run on them. The tests run this file on Linux,
 * over a kqueue(2) that the tests make of inotify(7).
 *
 * Where the kernels differ:
 *
 * - unlink(2) of one of two names is NOTE_DELETE on macOS, FreeBSD and OpenBSD, and NOTE_LINK on
 *   NetBSD. These two notes therefore do not show whether the watched name was removed. lstat(2)
 *   shows that after each event.
 * - FreeBSD and NetBSD report the close of a writer by NOTE_CLOSE_WRITE. On the other systems the
 *   exit of the process stands for the close. NOTE_FUNLOCK of macOS is not used, since the kernel
 *   sends it when any descriptor is closed on which flock(2) was tried, even in vain. A waiter that
 *   asks about a life-line would wake itself again and again.
 */

#include "config.h"

#include "flufl-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "flufl-process.h"

#ifndef NOTE_CLOSE_WRITE
#define NOTE_CLOSE_WRITE 0
#endif
#ifdef O_EVTONLY
#define OPEN_TO_WATCH O_EVTONLY /* such a descriptor does not keep a volume from being unmounted */
#else
#define OPEN_TO_WATCH O_RDONLY
#endif

#define BATCH 32

/* The shortest time, in microseconds, between two requests for a queue by a process that was
 * refused one because it has no descriptor left. */
#define REFUSED_REST (10 * G_USEC_PER_SEC)

/* What a process knows of its queue. A forked child does not inherit the queue of its parent, and
 * closes the watched files. */
typedef struct
{
  FluflPerProcess process;
  GMutex          mutex;    /* protects what follows */
  int             fd;       /* -1: no queue now; also read without the mutex */
  gint64          ask_from; /* monotonic microseconds: when to ask for a queue again */
  GHashTable     *inodes;   /* set of Watched */
  GHashTable     *ends;     /* by process id: how many parties wait for its end */
} State;

/* An inode that is watched. */
typedef struct
{
  guint64 dev, ino;
  int     fd;
  guint64 kept;    /* of flufl_process_keep_file() */
  guint   notes;   /* those that the kernel was asked for */
  GQueue  parties; /* of Party, by their links */
} Watched;

typedef struct
{
  FluflWatch *watch;
  Watched    *watched;
  char       *path;
  int         pid; /* whose end is awaited, or 0 */
  GList       link;
} Party;

static void
state_init (gpointer data)
{
  State *state = data;

  g_mutex_init (&state->mutex);
  state->fd = -1;
}

static State *
get_state (void)
{
  static FluflPerProcess *current;

  return flufl_process_get_own (&current, sizeof (State), state_init, NULL);
}

static guint
watched_hash (gconstpointer data)
{
  return g_int64_hash (&((const Watched *) data)->ino);
}

static gboolean
watched_equal (gconstpointer a, gconstpointer b)
{
  const Watched *v = a, *w = b;

  return v->ino == w->ino && v->dev == w->dev;
}

static gboolean
is_of (const Watched *watched, const struct stat *st)
{
  return (guint64) st->st_dev == watched->dev && (guint64) st->st_ino == watched->ino;
}

/* Returns the notes to ask the kernel for. NOTE_LINK and NOTE_DELETE are always among them, since
 * either may mean the removal of a name. */
static guint
notes_of (FluflWatchEvents wanted)
{
  guint notes = NOTE_DELETE | NOTE_RENAME | NOTE_LINK | NOTE_REVOKE;

  if ((wanted & FLUFL_WATCH_CLOSED) != 0)
    notes |= NOTE_CLOSE_WRITE;
  if ((wanted & FLUFL_WATCH_CHANGED) != 0)
    notes |= NOTE_ATTRIB;
  /* The content of a directory is its names. */
  if ((wanted & (FLUFL_WATCH_WRITTEN | FLUFL_WATCH_NAMES)) != 0)
    notes |= NOTE_WRITE | NOTE_EXTEND;
  return notes;
}

static FluflWatchEvents
events_of (guint notes)
{
  FluflWatchEvents events = 0;

  if ((notes & NOTE_REVOKE) != 0)
    events |= FLUFL_WATCH_REMOVED;
  if ((notes & NOTE_CLOSE_WRITE) != 0)
    events |= FLUFL_WATCH_CLOSED;
  if ((notes & (NOTE_ATTRIB | NOTE_LINK | NOTE_DELETE)) != 0)
    events |= FLUFL_WATCH_CHANGED;
  if ((notes & (NOTE_WRITE | NOTE_EXTEND)) != 0)
    events |= FLUFL_WATCH_WRITTEN | FLUFL_WATCH_NAMES;
  return events;
}

/* --- What the kernel is asked for; with the mutex --- */

static gboolean
has_queue (State *state)
{
  if (state->fd >= 0)
    return TRUE;
  if (g_get_monotonic_time () < state->ask_from)
    return FALSE;
  g_atomic_int_set (&state->fd, kqueue ());
  if (state->fd >= 0)
    {
      fcntl (state->fd, F_SETFD, FD_CLOEXEC);
      if (state->inodes == NULL)
        {
          state->inodes = g_hash_table_new (watched_hash, watched_equal);
          state->ends = g_hash_table_new (NULL, NULL);
        }
      return TRUE;
    }
  state->ask_from = g_get_monotonic_time () + REFUSED_REST;
  return FALSE;
}

static gboolean
ask_kernel (State *state, const struct kevent *change)
{
  int result;

  do
    result = kevent (state->fd, change, 1, NULL, 0, NULL);
  while (result < 0 && errno == EINTR);
  return result >= 0;
}

static gboolean
ask_for_notes (State *state, Watched *watched, guint notes)
{
  struct kevent change;

  if ((notes & ~watched->notes) == 0)
    return TRUE;
  notes |= watched->notes;
  EV_SET (&change, (uintptr_t) watched->fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, notes, 0, watched);
  if (!ask_kernel (state, &change))
    return FALSE;
  watched->notes = notes;
  return TRUE;
}

/* Asks the kernel to report the exit of a process. If the process has ended already, a timer stands
 * for the exit, so that the event comes with the next dispatch. Returns FALSE if no event will
 * come: some systems do not report the exit of another user's process. */
static gboolean
ask_for_end (State *state, int pid)
{
  struct kevent change;
  int n = GPOINTER_TO_INT (g_hash_table_lookup (state->ends, GINT_TO_POINTER (pid)));

  if (n == 0)
    {
      EV_SET (&change, (uintptr_t) pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, NULL);
      if (!ask_kernel (state, &change))
        {
          if (errno != ESRCH)
            return FALSE;
          EV_SET (&change, (uintptr_t) pid, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);
          if (!ask_kernel (state, &change))
            return FALSE;
        }
    }
  g_hash_table_insert (state->ends, GINT_TO_POINTER (pid), GINT_TO_POINTER (n + 1));
  return TRUE;
}

static void
forget_end (State *state, int pid)
{
  struct kevent change;
  int n = GPOINTER_TO_INT (g_hash_table_lookup (state->ends, GINT_TO_POINTER (pid)));

  if (n > 1)
    {
      g_hash_table_insert (state->ends, GINT_TO_POINTER (pid), GINT_TO_POINTER (n - 1));
      return;
    }
  g_hash_table_remove (state->ends, GINT_TO_POINTER (pid));
  /* The queue has either the process or the timer, so one of the two calls fails. */
  EV_SET (&change, (uintptr_t) pid, EVFILT_PROC, EV_DELETE, 0, 0, NULL);
  ask_kernel (state, &change);
  EV_SET (&change, (uintptr_t) pid, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
  ask_kernel (state, &change);
}

/* --- Parties and inodes; with the mutex --- */

/* Closes a file that nobody watches, which also ends the notes of the kernel. A daemon may have
 * closed the descriptor, as it closes whatever it inherits. The number may then belong to another
 * file, which must stay open. */
static void
drop_if_unused (State *state, Watched *watched)
{
  struct stat st;

  if (watched->parties.length > 0)
    return;
  g_hash_table_remove (state->inodes, watched);
  if (flufl_process_forget_file (watched->kept) && fstat (watched->fd, &st) == 0
      && is_of (watched, &st))
    close (watched->fd);
  g_free (watched);
}

static void
end (State *state, Party *party)
{
  g_queue_unlink (&party->watched->parties, &party->link);
  if (party->pid != 0)
    forget_end (state, party->pid);
  party->watch->watched = NULL;
  g_free (party->path);
  g_free (party);
}

static gboolean
is_named (const Watched *watched, const char *path)
{
  struct stat st;

  return lstat (path, &st) == 0 && is_of (watched, &st);
}

/* Opens the file. If its inode is watched already, the descriptor of that watch is used instead. */
static Watched *
open_watched (State *state, const char *path)
{
  Watched key = { .fd = -1 };
  Watched *watched = NULL;
  struct stat st;
  int fd = open (path, OPEN_TO_WATCH | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

  if (fd < 0)
    return NULL;
  if (fstat (fd, &st) == 0)
    {
      key.dev = (guint64) st.st_dev;
      key.ino = (guint64) st.st_ino;
      watched = g_hash_table_lookup (state->inodes, &key);
      if (watched == NULL)
        {
          watched = g_new0 (Watched, 1);
          *watched = key;
          watched->fd = fd;
          watched->kept = flufl_process_keep_file (fd, close);
          g_hash_table_add (state->inodes, watched);
          return watched;
        }
    }
  close (fd);
  return watched;
}

/*
 * flufl_watch_add:
 *
 * Adds a watch, as in flufl-watch.c. The path is looked at after the kernel was asked for notes. If
 * the name was removed before, the path does not name the file then.
 */
FluflWatchResult
flufl_watch_add (FluflWatch *watch, const char *path, FluflWatchEvents wanted)
{
  State *state = get_state ();
  FluflWatchResult result = FLUFL_WATCH_UNAVAILABLE;
  Watched *watched;
  Party *party;

  g_assert (watch->state == NULL);
  g_mutex_lock (&state->mutex);
  if (!has_queue (state))
    goto out;
  watched = open_watched (state, path);
  if (watched == NULL)
    {
      if (errno == ENOENT)
        result = FLUFL_WATCH_GONE;
      goto out;
    }
  if (ask_for_notes (state, watched, notes_of (wanted)))
    result = is_named (watched, path) ? FLUFL_WATCH_ARMED : FLUFL_WATCH_GONE;
  if (result != FLUFL_WATCH_ARMED)
    {
      drop_if_unused (state, watched);
      goto out;
    }
  party = g_new0 (Party, 1);
  party->watch = watch;
  party->watched = watched;
  party->path = g_strdup (path);
  if (watch->pid > 0 && (wanted & FLUFL_WATCH_CLOSED) != 0 && ask_for_end (state, watch->pid))
    party->pid = watch->pid;
  party->link.data = party;
  g_queue_push_tail_link (&watched->parties, &party->link);
  watch->wanted = wanted | FLUFL_WATCH_REMOVED;
  watch->state = state;
  watch->watched = party;

out:
  g_mutex_unlock (&state->mutex);
  return result;
}

void
flufl_watch_remove (FluflWatch *watch)
{
  State *state = watch->state;

  if (state == NULL)
    return;
  watch->state = NULL;
  if (state->process.process != flufl_process_mark ())
    {
      watch->watched = NULL;
      return;
    }
  g_mutex_lock (&state->mutex);
  if (watch->watched != NULL)
    {
      Party *party = watch->watched;
      Watched *watched = party->watched;

      end (state, party);
      drop_if_unused (state, watched);
    }
  g_mutex_unlock (&state->mutex);
}

/* --- Events; with the mutex --- */

static void
tell (Party *party, FluflWatchEvents events)
{
  FluflWatch *watch = party->watch;

  if ((events & watch->wanted) != 0)
    watch->func (events & watch->wanted, watch->user_data);
}

static void
take_notes (State *state, Watched *watched, guint notes)
{
  for (GList *l = watched->parties.head, *next; l != NULL; l = next)
    {
      Party *party = l->data;
      FluflWatchEvents events = events_of (notes);

      next = l->next;
      if (!is_named (watched, party->path))
        events |= FLUFL_WATCH_REMOVED;
      tell (party, events);
      if ((events & FLUFL_WATCH_REMOVED) != 0)
        end (state, party);
    }
  drop_if_unused (state, watched);
}

static void
take_end (State *state, int pid)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_remove (state->ends, GINT_TO_POINTER (pid));
  g_hash_table_iter_init (&iter, state->inodes);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    for (GList *l = ((Watched *) key)->parties.head; l != NULL; l = l->next)
      {
        Party *party = l->data;

        if (party->pid != pid)
          continue;
        party->pid = 0;
        tell (party, FLUFL_WATCH_CLOSED);
      }
}

/* Ends all watches, because the queue was closed. All waiters then look at their files and watch
 * anew. */
static void
end_all (State *state)
{
  g_autoptr (GList) all = g_hash_table_get_keys (state->inodes);

  g_atomic_int_set (&state->fd, -1);
  for (GList *l = all; l != NULL; l = l->next)
    {
      Watched *watched = l->data;
      GList *link;

      while ((link = watched->parties.head) != NULL)
        {
          Party *party = link->data;

          tell (party, FLUFL_WATCH_EVERYTHING);
          party->pid = 0;
          end (state, party);
        }
      drop_if_unused (state, watched);
    }
  g_hash_table_remove_all (state->ends);
}

int
flufl_watch_fd (void)
{
  return g_atomic_int_get (&get_state ()->fd);
}

void
flufl_watch_dispatch (void)
{
  const struct timespec at_once = { 0, 0 };
  State *state = get_state ();
  struct kevent news[BATCH];
  int n;

  g_mutex_lock (&state->mutex);
  do
    {
      n = state->fd >= 0 ? kevent (state->fd, NULL, 0, news, BATCH, &at_once) : 0;
      if (n < 0 && errno != EINTR)
        {
          /* The program has closed the queue, as daemons close all descriptors they inherit. */
          end_all (state);
          break;
        }
      for (int i = 0; i < n; i++)
        if (news[i].filter == EVFILT_VNODE)
          take_notes (state, (Watched *) news[i].udata, (guint) news[i].fflags);
        else
          take_end (state, (int) news[i].ident);
    }
  while (n < 0 || n == BATCH);
  g_mutex_unlock (&state->mutex);
}

/* How many inodes are watched. */
guint
flufl_watch_count (void)
{
  State *state = get_state ();
  guint n;

  g_mutex_lock (&state->mutex);
  n = state->inodes != NULL ? g_hash_table_size (state->inodes) : 0;
  g_mutex_unlock (&state->mutex);
  return n;
}

gboolean
flufl_watch_needs_process (void)
{
  return NOTE_CLOSE_WRITE == 0;
}
