/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the watcher of kqueue(2) does besides what test-watching.c shows: names, ends of processes,
 * and the files that it has open.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "flufl-test-util.h"
#include "flufl-watch.h"

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

static void
add (Party *self, const char *path, FluflWatchEvents wanted)
{
  party_init (self);
  g_assert_cmpint (flufl_watch_add (&self->watch, path, wanted), ==, FLUFL_WATCH_ARMED);
}

static void
hear (void)
{
  struct pollfd fd = { flufl_watch_fd (), POLLIN, 0 };

  while (poll (&fd, 1, 0) > 0)
    flufl_watch_dispatch ();
}

/* The test's alarm ends a wait in vain. */
static void
await_call (Party *self)
{
  struct pollfd fd = { flufl_watch_fd (), POLLIN, 0 };

  while (self->calls == 0)
    {
      poll (&fd, 1, -1);
      flufl_watch_dispatch ();
    }
}

static void
make_file (const char *path)
{
  g_assert_true (g_file_set_contents (path, "x", 1, NULL));
}

/* A descriptor of this process for the file @path, or -1. */
static int
find_descriptor (const char *path)
{
  struct stat file, st;

  g_assert_cmpint (stat (path, &file), ==, 0);
  for (int fd = 0; fd < 256; fd++)
    if (fstat (fd, &st) == 0 && st.st_dev == file.st_dev && st.st_ino == file.st_ino)
      return fd;
  return -1;
}

static void
test_names (void)
{
  TestPlace place;
  Party p, q, r;
  g_autofree char *other = NULL;

  g_test_summary ("Two names of one inode: a party's watch ends with its own name");
  test_place_init (&place);
  other = test_place_path (&place, "y");
  make_file (place.lock);
  g_assert_cmpint (link (place.lock, other), ==, 0);
  add (&p, place.lock, FLUFL_WATCH_REMOVED);
  add (&q, other, FLUFL_WATCH_REMOVED);
  add (&r, other, FLUFL_WATCH_REMOVED | FLUFL_WATCH_CHANGED);
  g_assert_cmpuint (flufl_watch_count (), ==, 1);
  g_assert_cmpint (g_unlink (place.lock), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_REMOVED);
  g_assert_cmpuint (q.calls, ==, 0);
  g_assert_cmpint (r.events, ==, FLUFL_WATCH_CHANGED);
  g_assert_cmpuint (flufl_watch_count (), ==, 1);
  flufl_watch_remove (&r.watch);

  g_assert_cmpint (g_rename (other, place.lock), ==, 0);
  hear ();
  g_assert_cmpint (q.events, ==, FLUFL_WATCH_REMOVED);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  g_assert_cmpint (find_descriptor (place.lock), ==, -1);
  flufl_watch_remove (&p.watch);
  flufl_watch_remove (&q.watch);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_new_file_of_the_name (void)
{
  TestPlace place;
  Party p;
  g_autofree char *other = NULL;

  g_test_summary ("A lock that is released and taken again is another file");
  test_place_init (&place);
  other = test_place_path (&place, "y");
  make_file (place.lock);
  make_file (other);
  add (&p, place.lock, FLUFL_WATCH_REMOVED);
  g_assert_cmpint (g_rename (other, place.lock), ==, 0);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&p.watch);
  test_place_empty (&place);
  test_place_clear (&place);
}

static TestPlace *going;

static void
go (void)
{
  g_assert_cmpint (g_unlink (going->lock), ==, 0);
}

static void
test_gone_meanwhile (void)
{
  TestPlace place;
  Party p;

  g_test_summary ("The name goes after the file was opened, and before the kernel watches it");
  test_place_init (&place);
  party_init (&p);
  make_file (place.lock);
  going = &place;
  fake_kqueue_on_add = go;
  g_assert_cmpint (flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_EVERYTHING), ==,
                   FLUFL_WATCH_GONE);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  test_place_clear (&place);
}

static pid_t
start_child (void)
{
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (TEST_PATIENCE_SEC);
      for (;;)
        pause ();
    }
  return pid;
}

static void
end_child (pid_t pid)
{
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

static void
add_with_pid (Party *self, const char *path, FluflWatchEvents wanted, pid_t pid)
{
  party_init (self);
  self->watch.pid = (int) pid;
  g_assert_cmpint (flufl_watch_add (&self->watch, path, wanted), ==, FLUFL_WATCH_ARMED);
}

static void
test_end_of_process (void)
{
  TestPlace place;
  Party p, q, quiet, gone, stranger;
  pid_t pid, other;

  g_test_summary ("The end of a process is reported once to all that wait for it");
  test_place_init (&place);
  make_file (place.lock);
  pid = start_child ();
  other = start_child ();
  add_with_pid (&p, place.lock, FLUFL_WATCH_CLOSED, pid);
  add_with_pid (&q, place.lock, FLUFL_WATCH_EVERYTHING, pid);
  add_with_pid (&quiet, place.lock, FLUFL_WATCH_REMOVED, pid);
  add_with_pid (&gone, place.lock, FLUFL_WATCH_CLOSED, pid);
  add_with_pid (&stranger, place.lock, FLUFL_WATCH_CLOSED, other);
  flufl_watch_remove (&gone.watch);
  end_child (pid);
  await_call (&p);
  await_call (&q);
  hear ();
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_CLOSED);
  g_assert_cmpint (q.events, ==, FLUFL_WATCH_CLOSED);
  g_assert_cmpuint (p.calls, ==, 1);
  g_assert_cmpuint (q.calls, ==, 1);
  g_assert_cmpuint (quiet.calls + gone.calls + stranger.calls, ==, 0);

  /* Nobody waits for the other one any more. */
  flufl_watch_remove (&stranger.watch);
  end_child (other);
  hear ();
  g_assert_cmpuint (p.calls + q.calls, ==, 2);
  flufl_watch_remove (&p.watch);
  flufl_watch_remove (&q.watch);
  flufl_watch_remove (&quiet.watch);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_ended_before (void)
{
  TestPlace place;
  Party p, q;
  pid_t pid;

  g_test_summary ("A process that has ended before it is watched is reported, too");
  test_place_init (&place);
  make_file (place.lock);
  pid = start_child ();
  end_child (pid);
  add_with_pid (&p, place.lock, FLUFL_WATCH_CLOSED, pid);
  add_with_pid (&q, place.lock, FLUFL_WATCH_CLOSED, pid);
  await_call (&p);
  await_call (&q);
  g_assert_cmpint (p.events, ==, FLUFL_WATCH_CLOSED);
  flufl_watch_remove (&p.watch);
  flufl_watch_remove (&q.watch);

  /* A party that was removed before the event came hears nothing. */
  add_with_pid (&p, place.lock, FLUFL_WATCH_CLOSED, pid);
  flufl_watch_remove (&p.watch);
  add_with_pid (&q, place.lock, FLUFL_WATCH_CLOSED, pid);
  await_call (&q);
  g_assert_cmpuint (p.calls, ==, 0);
  flufl_watch_remove (&q.watch);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_life_line (void)
{
  TestPlace place;
  Party p;
  int holder, asker;

  g_test_summary ("A watch does not disturb the flock(2) of a holder");
  test_place_init (&place);
  make_file (place.lock);
  holder = open (place.lock, O_WRONLY | O_CLOEXEC);
  asker = open (place.lock, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (flock (holder, LOCK_EX | LOCK_NB), ==, 0);
  add (&p, place.lock, FLUFL_WATCH_EVERYTHING);
  flufl_watch_remove (&p.watch);
  g_assert_cmpint (flock (asker, LOCK_SH | LOCK_NB), ==, -1);
  g_assert_cmpint (errno, ==, EWOULDBLOCK);
  close (holder);
  close (asker);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_descriptors (void)
{
  TestPlace place;
  Party p;
  pid_t pid;
  int fd, status;

  g_test_summary ("A forked child does not have the files; a number that has another file stays");
  test_place_init (&place);
  make_file (place.lock);
  add (&p, place.lock, FLUFL_WATCH_REMOVED);
  fd = find_descriptor (place.lock);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    _exit (find_descriptor (place.lock) >= 0);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);

  g_assert_cmpint (dup2 (STDERR_FILENO, fd), ==, fd);
  flufl_watch_remove (&p.watch);
  g_assert_cmpint (close (fd), ==, 0);

  add (&p, place.lock, FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&p.watch);
  g_assert_cmpint (find_descriptor (place.lock), ==, -1);
  test_place_empty (&place);
  test_place_clear (&place);
}

static void
test_no_link (void)
{
  TestPlace place;
  Party p;

  g_test_summary ("A symbolic link is not followed, and nothing stays open");
  test_place_init (&place);
  party_init (&p);
  g_assert_cmpint (symlink (place.dir, place.lock), ==, 0);
  g_assert_cmpint (flufl_watch_add (&p.watch, place.lock, FLUFL_WATCH_REMOVED), ==,
                   FLUFL_WATCH_UNAVAILABLE);
  g_assert_cmpint (find_descriptor (place.dir), ==, -1);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  test_place_empty (&place);
  test_place_clear (&place);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  alarm (TEST_PATIENCE_SEC);

  g_test_add_func ("/watching-kqueue/names", test_names);
  g_test_add_func ("/watching-kqueue/new-file-of-the-name", test_new_file_of_the_name);
  g_test_add_func ("/watching-kqueue/gone-meanwhile", test_gone_meanwhile);
  g_test_add_func ("/watching-kqueue/end-of-process", test_end_of_process);
  g_test_add_func ("/watching-kqueue/ended-before", test_ended_before);
  g_test_add_func ("/watching-kqueue/life-line", test_life_line);
  g_test_add_func ("/watching-kqueue/descriptors", test_descriptors);
  g_test_add_func ("/watching-kqueue/no-link", test_no_link);

  return g_test_run ();
}
