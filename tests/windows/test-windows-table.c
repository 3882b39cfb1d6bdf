/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The table of system calls on Windows: removals, times and life-lines.
 */

#include <errno.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "flufl-syscalls.h"

#define DELETERS 6
#define DELETIONS 200

typedef struct
{
  char *dir, *path;
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  self->dir = g_dir_make_tmp ("flufl-XXXXXX", NULL);
  g_assert_nonnull (self->dir);
  self->path = g_build_filename (self->dir, "x.lock", NULL);
}

/* Each test leaves the directory empty. */
static void
tear_down (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_assert_cmpint (g_rmdir (self->dir), ==, 0);
  g_free (self->path);
  g_free (self->dir);
}

typedef struct
{
  const char *path;
  int         begun, won; /* atomic */
} Deletion;

static gpointer
deleter (gpointer data)
{
  Deletion *self = data;

  g_atomic_int_inc (&self->begun);
  while (g_atomic_int_get (&self->begun) < DELETERS)
    ;
  if (flufl_syscalls_native.unlink (self->path) == 0)
    g_atomic_int_inc (&self->won);
  else
    g_assert_true (errno == ENOENT || errno == EBUSY);
  return NULL;
}

static void
deleters (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_test_summary ("Of six threads that unlink one name, one succeeds");
  for (int i = 0; i < DELETIONS; i++)
    {
      Deletion deletion = { self->path, 0, 0 };
      GThread *threads[DELETERS];
      int fd = flufl_syscalls_native.open (self->path, FLUFL_OPEN_CREATE);

      g_assert_cmpint (fd, >=, 0);
      g_assert_cmpint (flufl_syscalls_native.close (fd), ==, 0);
      for (int j = 0; j < DELETERS; j++)
        threads[j] = g_thread_new ("deleter", deleter, &deletion);
      for (int j = 0; j < DELETERS; j++)
        g_thread_join (threads[j]);
      g_assert_cmpint (deletion.won, ==, 1);
    }
}

static void
open_while_removed (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  int fd = flufl_syscalls_native.open (self->path, FLUFL_OPEN_CREATE), other;
  FluflStat st;

  g_test_summary ("The name of an open file goes at once, and is free for another file");
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (flufl_syscalls_native.unlink (self->path), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.lstat (self->path, &st), ==, -1);
  g_assert_cmpint (errno, ==, ENOENT);
  other = flufl_syscalls_native.open (self->path, FLUFL_OPEN_CREATE);
  g_assert_cmpint (other, >=, 0);
  g_assert_cmpint (flufl_syscalls_native.close (other), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.close (fd), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.unlink (self->path), ==, 0);
}

static void
times (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  const gint64 wanted = G_GINT64_CONSTANT (1893456000123456789);
  int fd = flufl_syscalls_native.open (self->path, FLUFL_OPEN_CREATE);
  FluflStat before, after;

  g_test_summary ("A time is stored as it is, up to the next 100 ns, and a touch renews the ctime");
  g_assert_cmpint (flufl_syscalls_native.pwrite (fd, "path", 4, 0), ==, 4);
  g_assert_cmpint (flufl_syscalls_native.fstat (fd, &before), ==, 0);
  g_usleep (20 * 1000); /* the clock of file times may stand still for 15.6 ms */
  g_assert_cmpint (flufl_syscalls_native.futimens (fd, wanted, wanted), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.close (fd), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.lstat (self->path, &after), ==, 0);
  g_assert_cmpint (after.mtime, ==, wanted / 100 * 100 + 100);
  g_assert_cmpint (after.ctime, >, before.ctime);
  g_assert_cmpint (after.size, ==, 4);
  g_assert_cmpuint (after.ino, ==, before.ino);
  g_assert_cmpuint (after.nlink, ==, 1);
  g_assert_cmpint (flufl_syscalls_native.unlink (self->path), ==, 0);
}

static void
life_line (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  int maker = flufl_syscalls_native.open (self->path, FLUFL_OPEN_CREATE);
  int a = flufl_syscalls_native.open (self->path, FLUFL_OPEN_LOOK);
  int b = flufl_syscalls_native.open (self->path, FLUFL_OPEN_LOOK);

  g_test_summary ("While the maker lives, nobody gets its life-line; then one breaker does");
  g_assert_cmpint (flufl_syscalls_native.flock (maker, FLUFL_LINE_TIE), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.flock (a, FLUFL_LINE_ASK), ==, -1);
  g_assert_cmpint (errno, ==, EWOULDBLOCK);
  g_assert_cmpint (flufl_syscalls_native.flock (a, FLUFL_LINE_TAKE), ==, -1);
  g_assert_cmpint (errno, ==, EWOULDBLOCK);
  g_assert_cmpint (flufl_syscalls_native.close (maker), ==, 0);

  g_assert_cmpint (flufl_syscalls_native.flock (a, FLUFL_LINE_ASK), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.flock (b, FLUFL_LINE_ASK), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.close (b), ==, 0);
  b = flufl_syscalls_native.open (self->path, FLUFL_OPEN_LOOK);
  g_assert_cmpint (flufl_syscalls_native.flock (b, FLUFL_LINE_TAKE), ==, -1);
  g_assert_cmpint (errno, ==, EWOULDBLOCK);
  g_assert_cmpint (flufl_syscalls_native.close (a), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.flock (b, FLUFL_LINE_TAKE), ==, 0);
  a = flufl_syscalls_native.open (self->path, FLUFL_OPEN_LOOK);
  g_assert_cmpint (flufl_syscalls_native.flock (a, FLUFL_LINE_ASK), ==, -1);
  g_assert_cmpint (flufl_syscalls_native.close (a), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.close (b), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.unlink (self->path), ==, 0);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/windows-table/times", times);
  ADD ("/windows-table/life-line", life_line);
  ADD ("/windows-table/open-while-removed", open_while_removed);
  ADD ("/windows-table/deleters", deleters);
  return g_test_run ();
}
