/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The watching room as it is where there is no inotify.
 */

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "flufl-test-util.h"
#include "flufl-watch.h"

typedef struct
{
  FluflWatch watch;
  int        events; /* atomic */
} Party;

static void
told (FluflWatchEvents events, gpointer user_data)
{
  g_atomic_int_or ((guint *) &((Party *) user_data)->events, (guint) events);
}

static void
party_init (Party *self)
{
  *self = (Party){ .watch = { .func = told } };
  self->watch.user_data = self;
}

static void
await_event (Party *self, FluflWatchEvents events)
{
  while ((g_atomic_int_get (&self->events) & (int) events) == 0)
    g_usleep (1000);
}

static void
write_to (const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

  g_assert_cmpint (write (fd, "x", 1), ==, 1);
  close (fd);
}

static void
test_events (void)
{
  TestPlace place;
  Party p, q;

  test_place_init (&place);
  party_init (&p);
  party_init (&q);
  g_assert_cmpint (flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_REMOVED), ==,
                   FLUFL_WATCH_GONE);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);

  write_to (place.lock);
  g_assert_cmpint (flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_EVERYTHING), ==,
                   FLUFL_WATCH_ARMED);
  g_assert_cmpint (flufl_watch_add (&q.watch, place.lock, FLUFL_WATCH_REMOVED), ==,
                   FLUFL_WATCH_ARMED);
  g_assert_cmpuint (flufl_watch_count (), ==, 2);
  write_to (place.lock);
  await_event (&p, FLUFL_WATCH_CLOSED);
  g_assert_cmpint (g_unlink (place.lock), ==, 0);
  await_event (&p, FLUFL_WATCH_REMOVED);
  await_event (&q, FLUFL_WATCH_REMOVED);
  g_assert_cmpint (q.events, ==, FLUFL_WATCH_REMOVED);
  while (flufl_watch_count () != 0)
    g_usleep (1000);
  flufl_watch_remove (&p.watch);
  flufl_watch_remove (&q.watch);
  test_place_clear (&place);
}

static void
test_removed_is_silent (void)
{
  TestPlace place;
  Party p, q;

  test_place_init (&place);
  party_init (&p);
  party_init (&q);
  write_to (place.lock);
  flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_REMOVED);
  flufl_watch_add (&q.watch, place.lock, FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&p.watch);
  g_assert_cmpint (g_unlink (place.lock), ==, 0);
  await_event (&q, FLUFL_WATCH_REMOVED);
  g_assert_cmpint (p.events, ==, 0);
  flufl_watch_remove (&q.watch);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  test_place_clear (&place);
}

static void
test_what_was_is_silent (void)
{
  TestPlace place;
  Party p, q, r;
  g_autofree char *other = NULL;
  g_autofree char *noise = NULL;

  g_test_summary ("An event from before the watch was set is reported late");
  test_place_init (&place);
  other = test_place_path (&place, "other");
  noise = test_place_path (&place, "noise");
  for (int i = 0; i < 5; i++)
    {
      party_init (&p);
      party_init (&q);
      party_init (&r);
      write_to (other);
      flufl_watch_add (&q.watch, other, FLUFL_WATCH_REMOVED);
      /* After a change of a file without a watch, GLib reports nothing for 100 ms. */
      write_to (noise);
      g_usleep (1000);
      write_to (place.lock);
      g_assert_cmpint (flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_EVERYTHING), ==,
                       FLUFL_WATCH_ARMED);
      g_assert_cmpint (g_unlink (other), ==, 0);
      await_event (&q, FLUFL_WATCH_REMOVED);
      /* This call returns after all events that are due now have been reported. */
      flufl_watch_add (&r.watch, noise, FLUFL_WATCH_REMOVED);
      g_assert_cmpint (g_atomic_int_get (&p.events), ==, 0);
      g_assert_cmpint (g_unlink (place.lock), ==, 0);
      await_event (&p, FLUFL_WATCH_REMOVED);
      flufl_watch_remove (&p.watch);
      flufl_watch_remove (&q.watch);
      flufl_watch_remove (&r.watch);
    }
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_child (void)
{
  TestPlace place;
  Party p;
  pid_t pid;
  int status;

  g_test_summary ("A forked child has no thread that could report, and learns that");
  test_place_init (&place);
  party_init (&p);
  write_to (place.lock);
  flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_REMOVED);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      flufl_watch_remove (&p.watch);
      if (flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_REMOVED) != FLUFL_WATCH_UNAVAILABLE)
        _exit (1);
      /* Success. Memory that GLib keeps for the parent's threads is not a leak of the child, and
       * memcheck looks for leaks only in a process that exits. */
      kill (getpid (), SIGKILL);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
  flufl_watch_remove (&p.watch);
  test_place_empty (&place);
  test_place_clear (&place);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  alarm (TEST_PATIENCE_SEC);

  g_test_add_func ("/watching-gio/events", test_events);
  g_test_add_func ("/watching-gio/removed-is-silent", test_removed_is_silent);
  g_test_add_func ("/watching-gio/what-was-is-silent", test_what_was_is_silent);
  g_test_add_func ("/watching-gio/child", test_child);

  return g_test_run ();
}
