/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * kqueue(2) for Linux, made of inotify(7) and timerfds, as far as the watcher uses it. It
 * shows what the watcher does with the events that the manual pages of the systems promise. It does
 * not show that a kernel keeps these promises.
 *
 * A process has one queue, and one thread at a time calls these functions.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <glib.h>

#include <sys/event.h>
#undef close

/* The note that one of two names has gone: NetBSD has another than the other systems. */
#ifdef FAKE_KQUEUE_LINK_FOR_DELETE
#define NAME_GONE NOTE_LINK
#else
#define NAME_GONE NOTE_DELETE
#endif
#ifndef NOTE_CLOSE_WRITE
#define NOTE_CLOSE_WRITE 0
#endif

/* They are the content of a directory. */
#define NAME_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

/* Nanoseconds. */
#define LOOK_EVERY (20 * 1000000)

/* A file that is watched. */
typedef struct
{
  struct kevent asked;
  struct stat   seen;
  unsigned      news;
} Note;

/* A timer, or a process, at which a timer makes it look. pidfd_open(2) would do the same, and is
 * missing in memcheck. */
typedef struct
{
  struct kevent asked;
  int           fd;
} Other;

void (*fake_kqueue_on_add) (void);

static int queue = -1, inotify = -1;
static pid_t owner; /* a forked child does not have the queue */
static GHashTable *notes;  /* of Note, by watch descriptor */
static GHashTable *others; /* of Other, by descriptor */

static void
add_to_queue (int fd)
{
  struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

  g_assert_cmpint (epoll_ctl (queue, EPOLL_CTL_ADD, fd, &event), ==, 0);
}

int
kqueue (void)
{
  int files = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);

  if (files < 0)
    return -1;
  owner = getpid ();
  inotify = files;
  queue = epoll_create1 (0);
  g_assert_cmpint (queue, >=, 0);
  add_to_queue (inotify);
  g_clear_pointer (&notes, g_hash_table_unref);
  g_clear_pointer (&others, g_hash_table_unref);
  notes = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  others = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return queue;
}

static int
add_file (const struct kevent *change)
{
  char path[64];
  Note *note;
  int wd;

  if (fake_kqueue_on_add != NULL)
    {
      fake_kqueue_on_add ();
      fake_kqueue_on_add = NULL;
    }
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", (int) change->ident);
  wd = inotify_add_watch (inotify, path,
                          IN_ATTRIB | IN_MODIFY | IN_MOVE_SELF | IN_CLOSE_WRITE | IN_UNMOUNT
                              | NAME_EVENTS);
  if (wd < 0)
    return -1;
  note = g_hash_table_lookup (notes, GINT_TO_POINTER (wd));
  if (note == NULL)
    {
      note = g_new0 (Note, 1);
      g_hash_table_insert (notes, GINT_TO_POINTER (wd), note);
    }
  note->asked = *change;
  return fstat ((int) change->ident, &note->seen);
}

static int
add_other (const struct kevent *change)
{
  const struct timespec each = { .tv_nsec = LOOK_EVERY };
  const struct timespec once = { .tv_nsec = change->data * 1000000 };
  const struct itimerspec time = {
    .it_value = change->filter == EVFILT_PROC ? each : once,
    .it_interval = change->filter == EVFILT_PROC ? each : (struct timespec){ 0, 0 },
  };
  Other *other;
  int fd;

  if (change->filter == EVFILT_PROC && kill ((pid_t) change->ident, 0) != 0)
    return -1;
  fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (fd < 0)
    return -1;
  g_assert_cmpint (timerfd_settime (fd, 0, &time, NULL), ==, 0);
  add_to_queue (fd);
  other = g_new0 (Other, 1);
  other->asked = *change;
  other->fd = fd;
  g_hash_table_insert (others, GINT_TO_POINTER (fd), other);
  return 0;
}

/* Takes note that the timer has run out. */
static gboolean
is_due (const Other *other)
{
  guint64 count;

  return read (other->fd, &count, sizeof count) == sizeof count
         && (other->asked.filter == EVFILT_TIMER || kill ((pid_t) other->asked.ident, 0) != 0);
}

static void
drop_other (Other *other)
{
  close (other->fd);
  g_hash_table_remove (others, GINT_TO_POINTER (other->fd));
}

static int
delete_other (const struct kevent *change)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, others);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Other *other = value;

      if (other->asked.ident == change->ident && other->asked.filter == change->filter)
        {
          drop_other (other);
          return 0;
        }
    }
  errno = ENOENT;
  return -1;
}

int
fake_kqueue_close (int fd)
{
  GHashTableIter iter;
  gpointer wd, note;

  if (notes != NULL && owner == getpid ())
    {
      g_hash_table_iter_init (&iter, notes);
      while (g_hash_table_iter_next (&iter, &wd, &note))
        if (((Note *) note)->asked.ident == (uintptr_t) fd)
          {
            inotify_rm_watch (inotify, GPOINTER_TO_INT (wd));
            g_hash_table_iter_remove (&iter);
          }
    }
  return close (fd);
}

static void
take_file_event (const struct inotify_event *event)
{
  Note *note = g_hash_table_lookup (notes, GINT_TO_POINTER (event->wd));
  unsigned news = 0;
  struct stat now;

  if (note == NULL || fstat ((int) note->asked.ident, &now) != 0)
    return;
  if ((event->mask & (IN_MODIFY | NAME_EVENTS)) != 0)
    news |= NOTE_WRITE;
  if ((event->mask & IN_CLOSE_WRITE) != 0)
    news |= NOTE_CLOSE_WRITE;
  if ((event->mask & IN_MOVE_SELF) != 0)
    news |= NOTE_RENAME;
  if ((event->mask & IN_UNMOUNT) != 0)
    news |= NOTE_REVOKE;
  if (now.st_nlink > note->seen.st_nlink)
    news |= NOTE_LINK;
  else if (now.st_nlink < note->seen.st_nlink)
    news |= now.st_nlink > 0 ? NAME_GONE : NOTE_DELETE;
  else if ((event->mask & IN_ATTRIB) != 0)
    news |= NOTE_ATTRIB;
  note->seen = now;
  note->news |= news & note->asked.fflags;
}

static void
read_file_events (void)
{
  char buffer[4096] __attribute__ ((aligned (__alignof__ (struct inotify_event))));
  ssize_t n;

  while ((n = read (inotify, buffer, sizeof buffer)) > 0)
    for (ssize_t i = 0; i < n;)
      {
        const struct inotify_event *event = (const void *) (buffer + i);

        i += (ssize_t) (sizeof *event + event->len);
        take_file_event (event);
      }
}

static int
read_events (struct kevent *events, int n_events)
{
  struct epoll_event ready[16];
  GHashTableIter iter;
  gpointer value;
  int n = 0;
  int n_ready = epoll_wait (queue, ready, MIN ((int) G_N_ELEMENTS (ready), n_events), 0);

  for (int i = 0; i < n_ready; i++)
    {
      Other *other = g_hash_table_lookup (others, GINT_TO_POINTER (ready[i].data.fd));

      if (other == NULL)
        {
          read_file_events ();
          continue;
        }
      if (!is_due (other))
        continue;
      events[n++] = other->asked;
      drop_other (other);
    }
  g_hash_table_iter_init (&iter, notes);
  while (n < n_events && g_hash_table_iter_next (&iter, NULL, &value))
    {
      Note *note = value;

      if (note->news != 0)
        {
          events[n] = note->asked;
          events[n++].fflags = note->news;
        }
      note->news = 0;
    }
  return n;
}

int
kevent (int                    fd,
        const struct kevent   *changes,
        int                    n_changes,
        struct kevent         *events,
        int                    n_events,
        const struct timespec *timeout G_GNUC_UNUSED)
{
  if (fd != queue || owner != getpid () || fcntl (fd, F_GETFD) < 0)
    {
      errno = EBADF;
      return -1;
    }
  for (int i = 0; i < n_changes; i++)
    {
      const struct kevent *change = &changes[i];
      int result;

      if (change->filter == EVFILT_VNODE)
        result = add_file (change);
      else if ((change->flags & EV_ADD) != 0)
        result = add_other (change);
      else
        result = delete_other (change);
      if (result != 0)
        return -1;
    }
  return n_events > 0 ? read_events (events, n_events) : 0;
}
