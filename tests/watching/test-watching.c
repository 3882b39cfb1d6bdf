/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The watching room, on a real directory: the tests check the events that the kernel reports.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "flufl-test-util.h"
#include "flufl-watch.h"

/* All that is reported of a file that is not a directory. */
#define OF_A_FILE (FLUFL_WATCH_EVERYTHING & ~FLUFL_WATCH_NAMES)

typedef struct
{
  FluflWatch watch;
  int        events;
  guint      calls;
} Party;

static void
told (FluflWatchEvents events, gpointer user_data)
{
  Party *self = user_data;

  self->events |= (int) events;
  self->calls++;
}

static void
party_init (Party *self)
{
  *self = (Party){ .watch = { .func = told } };
  self->watch.user_data = self;
}

static gboolean
has_news (void)
{
  struct pollfd fd = { flufl_watch_fd (), POLLIN, 0 };

  return poll (&fd, 1, 0) > 0;
}

static void
hear (void)
{
  while (has_news ())
    flufl_watch_dispatch ();
}

static void
make_file (const char *path)
{
  g_assert_true (g_file_set_contents (path, "x", 1, NULL));
}

static gboolean
can_watch (void)
{
  Party p;

  party_init (&p);
  if (flufl_watch_add (&p.watch, "/", FLUFL_WATCH_REMOVED) == FLUFL_WATCH_ARMED)
    {
      flufl_watch_remove (&p.watch);
      hear ();
      return TRUE;
    }
  g_test_skip ("no watches here");
  return FALSE;
}

static void
test_events (void)
{
  TestPlace place;
  Party p;
  int fd;

  if (!can_watch ())
    return;
  test_place_init (&place);
  party_init (&p);

  g_test_message ("A file that is not there");
  g_assert_cmpint (flufl_watch_add (&p.watch, place.lock, OF_A_FILE), ==,
                   FLUFL_WATCH_GONE);
  flufl_watch_remove (&p.watch);

  g_test_message ("A reader is no news");
  make_file (place.lock);
  g_assert_cmpint (flufl_watch_add (&p.watch, place.lock, OF_A_FILE), ==,
                   FLUFL_WATCH_ARMED);
  fd = open (place.lock, O_RDONLY | O_CLOEXEC);
  close (fd);
  hear ();
  g_assert_cmpint (p.events, ==, 0);

  g_test_message ("Times, a write, a writer's close, the end");
  g_assert_cmpint (utimensat (AT_FDCWD, place.lock, NULL, 0), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_CHANGED);
  fd = open (place.lock, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "x", 1, 0), ==, 1);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_CHANGED | FLUFL_WATCH_WRITTEN);
  close (fd);
  hear ();
  g_assert_cmpint (p.events, ==,
                   FLUFL_WATCH_CHANGED | FLUFL_WATCH_WRITTEN | FLUFL_WATCH_CLOSED);
  g_assert_cmpint (g_unlink (place.lock), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, OF_A_FILE);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  flufl_watch_remove (&p.watch);
  test_place_clear (&place);
}

static void
test_names (void)
{
  TestPlace place;
  Party p;
  g_autofree char *names = NULL, *other = NULL;

  if (!can_watch ())
    return;
  g_test_summary ("A watch of a directory reports that a name comes, moves and goes");
  test_place_init (&place);
  party_init (&p);
  p.watch.prefix = "x.lock";
  names = test_place_path (&place, ".");
  other = test_place_path (&place, "x.lock.y");
  make_file (place.lock);
  hear ();
  g_assert_cmpint (flufl_watch_add (&p.watch, names, FLUFL_WATCH_NAMES), ==, FLUFL_WATCH_ARMED);
  hear ();
  g_assert_cmpint (p.events, ==, 0);
  g_assert_cmpint (link (place.lock, other), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_NAMES);
  p.events = 0;
  g_assert_cmpint (g_rename (place.lock, other), ==, 0);
  g_assert_cmpint (g_unlink (other), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_NAMES);
  p.events = 0;
  g_assert_cmpint (g_rename (place.lock, other), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_NAMES);
  g_assert_cmpint (g_unlink (other), ==, 0);
  flufl_watch_remove (&p.watch);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  test_place_clear (&place);
}

/* Fifteen events with such names leave room in the reader's buffer for an event without a name. */
static void
test_long_names (void)
{
  TestPlace place;
  Party p;
  g_autofree char *names = NULL;
  char name[NAME_MAX + 1] = { 0 };

  if (!can_watch ())
    return;
  g_test_summary ("One dispatch reports all events, however long their names are");
  test_place_init (&place);
  party_init (&p);
  names = test_place_path (&place, ".");
  g_assert_cmpint (flufl_watch_add (&p.watch, names, FLUFL_WATCH_NAMES), ==, FLUFL_WATCH_ARMED);
  memset (name, 'x', NAME_MAX);
  for (name[0] = 'a'; name[0] <= 'z'; name[0]++)
    {
      g_autofree char *path = test_place_path (&place, name);
      int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

      g_assert_cmpint (fd, >=, 0);
      close (fd);
    }
  flufl_watch_dispatch ();
  g_assert_cmpuint (p.calls, ==, 26);
  flufl_watch_remove (&p.watch);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_quiet (void)
{
  TestPlace place;
  Party p;
  g_autofree char *other = NULL;

  if (!can_watch ())
    return;
  g_test_summary ("A watch of the removal reports nothing else");
  test_place_init (&place);
  party_init (&p);
  other = test_place_path (&place, "y");
  make_file (place.lock);
  g_assert_cmpint (flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_REMOVED | FLUFL_WATCH_CLOSED),
                   ==, FLUFL_WATCH_ARMED);
  g_assert_cmpint (link (place.lock, other), ==, 0);
  g_assert_cmpint (utimensat (AT_FDCWD, place.lock, NULL, 0), ==, 0);
  g_assert_cmpint (g_unlink (place.lock), ==, 0);
  g_assert_false (has_news ());
  g_assert_cmpint (g_unlink (other), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&p.watch);

  make_file (place.lock);
  party_init (&p);
  flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_REMOVED);
  g_assert_cmpint (g_rename (place.lock, other), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&p.watch);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_shared (void)
{
  TestPlace place;
  Party p, q;

  if (!can_watch ())
    return;
  g_test_summary ("Two parties, one inode: each hears what it asked for, as long as it asks");
  test_place_init (&place);
  party_init (&p);
  party_init (&q);
  make_file (place.lock);
  flufl_watch_add (&p.watch, place.lock, OF_A_FILE);
  flufl_watch_add (&q.watch, place.lock, FLUFL_WATCH_REMOVED);
  g_assert_cmpuint (flufl_watch_count (), ==, 1);

  g_assert_cmpint (utimensat (AT_FDCWD, place.lock, NULL, 0), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_CHANGED);
  g_assert_cmpuint (q.calls, ==, 0);

  flufl_watch_remove (&p.watch);
  g_assert_cmpuint (flufl_watch_count (), ==, 1);
  g_assert_cmpint (g_unlink (place.lock), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_CHANGED);
  g_assert_cmpint (q.events, ==, FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&q.watch);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  test_place_clear (&place);
}

static void
test_removed_is_silent (void)
{
  TestPlace place;
  Party p, q;

  if (!can_watch ())
    return;
  g_test_summary ("News that came before the removal, and late news of another watch");
  test_place_init (&place);
  party_init (&p);
  party_init (&q);
  make_file (place.lock);
  flufl_watch_add (&p.watch, place.lock, OF_A_FILE);
  g_assert_cmpint (g_unlink (place.lock), ==, 0);
  flufl_watch_remove (&p.watch);
  make_file (place.lock);
  flufl_watch_add (&q.watch, place.lock, OF_A_FILE);
  hear ();
  g_assert_cmpuint (p.calls, ==, 0);
  g_assert_cmpuint (q.calls, ==, 0);
  flufl_watch_remove (&q.watch);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_overflow (void)
{
  TestPlace place;
  g_autofree char *other = NULL;
  Party p, q;

  if (!can_watch ())
    return;
  g_test_summary ("When events are lost all waiters look, and watch anew");
  test_place_init (&place);
  party_init (&p);
  party_init (&q);
  other = test_place_path (&place, "y");
  make_file (place.lock);
  make_file (other);
  flufl_watch_add (&p.watch, place.lock, OF_A_FILE);
  flufl_watch_add (&q.watch, other, OF_A_FILE);
  /* The changes alternate, since the kernel would merge equal ones. The default limit is 16384. */
  for (guint i = 0; i < 20000; i++)
    {
      g_assert_cmpint (utimensat (AT_FDCWD, place.lock, NULL, 0), ==, 0);
      g_assert_cmpint (utimensat (AT_FDCWD, other, NULL, 0), ==, 0);
    }
  hear ();
  if ((p.events & FLUFL_WATCH_REMOVED) == 0)
    g_test_skip ("a long queue here");
  else
    {
      g_assert_cmpint (q.events, ==, OF_A_FILE);
      g_assert_cmpuint (flufl_watch_count (), ==, 0);
    }
  flufl_watch_remove (&p.watch);
  flufl_watch_remove (&q.watch);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_child (void)
{
  TestPlace place;
  Party p, q;
  pid_t pid;
  int status;

  if (!can_watch ())
    return;
  g_test_summary ("A forked child hears its own, and takes nothing from its parent");
  test_place_init (&place);
  party_init (&p);
  party_init (&q);
  make_file (place.lock);
  flufl_watch_add (&p.watch, place.lock, OF_A_FILE);

  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      int bad = 0;

      flufl_watch_remove (&p.watch);
      bad |= flufl_watch_fd () != -1;
      bad |= flufl_watch_add (&q.watch, place.lock, OF_A_FILE) != FLUFL_WATCH_ARMED;
      bad |= flufl_watch_count () != 1;
      unlink (place.lock);
      hear ();
      bad |= p.events != 0 || q.events != (FLUFL_WATCH_CHANGED | FLUFL_WATCH_REMOVED);
      _exit (bad ? 1 : 0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_CHANGED | FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&p.watch);
  test_place_clear (&place);
}

static void
test_no_descriptor (void)
{
  if (g_test_subprocess ())
    {
      struct rlimit limit, before;
      Party p;

      party_init (&p);
      g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
      limit = before;
      limit.rlim_cur = 0;
      g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
      g_assert_cmpint (flufl_watch_add (&p.watch, "/", FLUFL_WATCH_REMOVED), ==,
                       FLUFL_WATCH_UNAVAILABLE);
      g_assert_cmpint (flufl_watch_fd (), ==, -1);
      flufl_watch_dispatch ();
      flufl_watch_remove (&p.watch);
      g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

static void
test_closed_behind_our_back (void)
{
  if (!can_watch ())
    return;
  if (g_test_subprocess ())
    {
      Party p;

      g_test_summary ("Daemons close what they do not know");
      party_init (&p);
      flufl_watch_add (&p.watch, "/", FLUFL_WATCH_REMOVED);
      close (flufl_watch_fd ());
      flufl_watch_dispatch ();
      g_assert_cmpint (p.events, ==, FLUFL_WATCH_REMOVED);
      flufl_watch_remove (&p.watch);
      g_assert_cmpint (flufl_watch_add (&p.watch, "/", FLUFL_WATCH_REMOVED), ==, FLUFL_WATCH_ARMED);
      flufl_watch_remove (&p.watch);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

/* The descriptors of the process for which /proc shows @what. */
static guint
count_descriptors (const char *what)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      n += target != NULL && strstr (target, what) != NULL;
    }
  return n;
}

static void
test_inherited (void)
{
  g_autofree char *instance = NULL, *target = NULL;
  Party p;
  int status;
  pid_t pid;
  guint n;

  g_test_summary ("A forked child does not keep the parent's instance");
  party_init (&p);
  g_assert_cmpint (flufl_watch_add (&p.watch, "/", FLUFL_WATCH_REMOVED), ==, FLUFL_WATCH_ARMED);
  instance = g_strdup_printf ("/proc/self/fd/%d", flufl_watch_fd ());
  target = g_file_read_link (instance, NULL);
  n = count_descriptors ("inotify");
  if (target == NULL || strstr (target, "inotify") == NULL)
    {
      g_test_skip ("the watches are not those of inotify(7), or there is no /proc");
      flufl_watch_remove (&p.watch);
      return;
    }
  pid = fork ();
  if (pid == 0)
    _exit ((int) count_descriptors ("inotify"));
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, (int) n - 1);
  flufl_watch_remove (&p.watch);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/watching/events", test_events);
  g_test_add_func ("/watching/names", test_names);
  g_test_add_func ("/watching/long-names", test_long_names);
  g_test_add_func ("/watching/quiet", test_quiet);
  g_test_add_func ("/watching/shared", test_shared);
  g_test_add_func ("/watching/removed-is-silent", test_removed_is_silent);
  g_test_add_func ("/watching/overflow", test_overflow);
  g_test_add_func ("/watching/child", test_child);
  g_test_add_func ("/watching/inherited", test_inherited);
  g_test_add_func ("/watching/no-descriptor", test_no_descriptor);
  g_test_add_func ("/watching/closed-behind-our-back", test_closed_behind_our_back);

  return g_test_run ();
}
