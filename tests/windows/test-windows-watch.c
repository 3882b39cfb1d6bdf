/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The watching room on Windows: which changes of names, and which ends of processes, it reports.
 */

#include <string.h>
#include <windows.h>

#include <gio/gio.h>
#include <glib/gstdio.h>

#include "flufl-watch.h"

/* No report is waited for as long as this, unless the test fails. Microseconds. */
#define PATIENCE (60 * G_USEC_PER_SEC)
/* More changes than fit in what is read at a time. */
#define MANY 600

typedef struct
{
  FluflWatch watch;
  int        events;
} Party;

typedef struct
{
  char *dir, *path, *other;
  Party party, second;
} Fixture;

static const char *program;

static void
reported (FluflWatchEvents events, gpointer user_data)
{
  ((Party *) user_data)->events |= (int) events;
}

static void
party_init (Party *self)
{
  *self = (Party){ .watch = { .func = reported, .user_data = self } };
}

static void
make_file (const char *path)
{
  g_assert_true (g_file_set_contents (path, "x", 1, NULL));
}

static void
set_up (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  self->dir = g_dir_make_tmp ("flufl-XXXXXX", NULL);
  g_assert_nonnull (self->dir);
  self->path = g_strconcat (self->dir, "/x.lock", NULL);
  self->other = g_strconcat (self->dir, "/y.lock", NULL);
  make_file (self->path);
  party_init (&self->party);
  party_init (&self->second);
}

/* The directory can be removed: no watch has it open. */
static void
tear_down (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  flufl_watch_remove (&self->party.watch);
  flufl_watch_remove (&self->second.watch);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
  g_remove (self->path);
  g_remove (self->other);
  g_assert_cmpint (g_rmdir (self->dir), ==, 0);
  g_assert_false (g_file_test (self->dir, G_FILE_TEST_EXISTS));
  g_free (self->dir);
  g_free (self->path);
  g_free (self->other);
}

static FluflWatchResult
watch (Party *self, const char *path)
{
  return flufl_watch_add (&self->watch, path, FLUFL_WATCH_REMOVED | FLUFL_WATCH_CLOSED);
}

static gboolean
has_news (DWORD milliseconds)
{
  return WaitForSingleObject ((HANDLE) (gintptr) flufl_watch_fd (), milliseconds) == WAIT_OBJECT_0;
}

/* Dispatches until something is reported to the party. */
static void
await (Party *self)
{
  gint64 until = g_get_monotonic_time () + PATIENCE;

  while (self->events == 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      if (has_news (1000))
        flufl_watch_dispatch ();
    }
}

static void
removed (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_test_summary ("The removal of a watched name is reported, and that of another is not");
  make_file (self->other);
  g_assert_cmpint (watch (&self->party, self->path), ==, FLUFL_WATCH_ARMED);
  g_assert_cmpint (watch (&self->second, self->other), ==, FLUFL_WATCH_ARMED);
  g_assert_cmpuint (flufl_watch_count (), ==, 2);
  g_assert_cmpint (g_remove (self->other), ==, 0);
  await (&self->second);
  g_assert_cmpint (self->second.events, ==, FLUFL_WATCH_REMOVED);
  g_assert_cmpint (self->party.events, ==, 0);
  g_assert_cmpuint (flufl_watch_count (), ==, 1);
  g_assert_cmpint (g_remove (self->path), ==, 0);
  await (&self->party);
  g_assert_cmpint (self->party.events, ==, FLUFL_WATCH_REMOVED);
}

static void
renamed (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_test_summary ("A watched name that a file loses by a rename is reported");
  g_assert_cmpint (watch (&self->party, self->path), ==, FLUFL_WATCH_ARMED);
  g_assert_cmpint (g_rename (self->path, self->other), ==, 0);
  await (&self->party);
  g_assert_cmpint (self->party.events, ==, FLUFL_WATCH_REMOVED);
}

static void
other_case (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *path = g_strconcat (self->dir, "/X.Lock", NULL);

  g_test_summary ("A name is watched in any case");
  g_assert_cmpint (watch (&self->party, path), ==, FLUFL_WATCH_ARMED);
  g_assert_cmpint (g_remove (self->path), ==, 0);
  await (&self->party);
  g_assert_cmpint (self->party.events, ==, FLUFL_WATCH_REMOVED);
}

static void
missing (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *nowhere = g_strconcat (self->dir, "/none/x.lock", NULL);

  g_test_summary ("A name that is not there is gone, and a directory cannot be watched");
  g_assert_cmpint (watch (&self->party, self->other), ==, FLUFL_WATCH_GONE);
  g_assert_cmpint (watch (&self->second, nowhere), ==, FLUFL_WATCH_UNAVAILABLE);
  g_assert_cmpuint (flufl_watch_count (), ==, 0);
}

static void
no_watch (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_test_summary ("A watch that was removed reports nothing");
  g_assert_cmpint (watch (&self->party, self->path), ==, FLUFL_WATCH_ARMED);
  g_assert_cmpint (watch (&self->second, self->path), ==, FLUFL_WATCH_ARMED);
  flufl_watch_remove (&self->party.watch);
  g_assert_cmpint (g_remove (self->path), ==, 0);
  await (&self->second);
  g_assert_cmpint (self->party.events, ==, 0);
}

static gpointer
watch_in_thread (gpointer data)
{
  Fixture *self = data;

  g_assert_cmpint (watch (&self->party, self->path), ==, FLUFL_WATCH_ARMED);
  return NULL;
}

static void
thread_ends (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_test_summary ("A watch outlives the thread that has set it");
  g_thread_join (g_thread_new ("watch", watch_in_thread, self));
  g_assert_cmpint (self->party.events, ==, 0);
  g_assert_cmpint (g_remove (self->path), ==, 0);
  await (&self->party);
  g_assert_cmpint (self->party.events, ==, FLUFL_WATCH_REMOVED);
}

static void
many_changes (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_test_summary ("A removal behind more changes than are read at a time is reported");
  g_assert_cmpint (watch (&self->party, self->path), ==, FLUFL_WATCH_ARMED);
  for (int i = 0; i < MANY; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s/a-name-of-some-length-%d", self->dir, i);

      make_file (name);
      g_assert_cmpint (g_remove (name), ==, 0);
    }
  g_assert_cmpint (g_remove (self->path), ==, 0);
  await (&self->party);
  g_assert_true (self->party.events == FLUFL_WATCH_REMOVED
                 || self->party.events == (FLUFL_WATCH_REMOVED | FLUFL_WATCH_CLOSED));
}

static void
two_directories (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *dir = g_strconcat (self->dir, "/sub", NULL);
  g_autofree char *path = g_strconcat (dir, "/x.lock", NULL);

  g_test_summary ("Directories are watched beside each other");
  g_assert_cmpint (g_mkdir (dir, 0777), ==, 0);
  make_file (path);
  g_assert_cmpint (watch (&self->party, self->path), ==, FLUFL_WATCH_ARMED);
  g_assert_cmpint (g_remove (self->path), ==, 0);
  /* The read of the second directory begins after that of the first one has ended. */
  g_usleep (50 * 1000);
  g_assert_cmpint (watch (&self->second, path), ==, FLUFL_WATCH_ARMED);
  await (&self->party);
  g_assert_cmpint (self->second.events, ==, 0);
  g_assert_cmpint (g_remove (path), ==, 0);
  await (&self->second);
  g_assert_cmpint (self->second.events, ==, FLUFL_WATCH_REMOVED);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

/* A process that lives until it is killed. */
static GSubprocess *
start_process (void)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *process
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, program, "sleep", NULL);

  g_assert_no_error (error);
  return process;
}

static void
process_ends (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GSubprocess) process = start_process ();

  g_test_summary ("The end of a watch's process is reported once as a close");
  self->party.watch.pid = self->second.watch.pid = atoi (g_subprocess_get_identifier (process));
  g_assert_cmpint (self->party.watch.pid, >, 0);
  g_assert_cmpint (watch (&self->party, self->path), ==, FLUFL_WATCH_ARMED);
  g_assert_cmpint (flufl_watch_add (&self->second.watch, self->path, FLUFL_WATCH_REMOVED), ==,
                   FLUFL_WATCH_ARMED);
  g_subprocess_force_exit (process);
  await (&self->party);
  g_assert_cmpint (self->party.events, ==, FLUFL_WATCH_CLOSED);
  self->party.events = 0;
  g_assert_cmpint (g_remove (self->path), ==, 0);
  await (&self->party);
  g_assert_cmpint (self->party.events, ==, FLUFL_WATCH_REMOVED);
  g_assert_cmpint (self->second.events, ==, FLUFL_WATCH_REMOVED);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
}

static void
no_process (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_test_summary ("A process that is none has ended");
  self->party.watch.pid = 0x7ffffffc;
  g_assert_cmpint (watch (&self->party, self->path), ==, FLUFL_WATCH_ARMED);
  await (&self->party);
  g_assert_cmpint (self->party.events, ==, FLUFL_WATCH_CLOSED);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  if (argc == 2 && strcmp (argv[1], "sleep") == 0)
    {
      char byte;

      /* The end of the test closes the pipe. */
      return fread (&byte, 1, 1, stdin) == 0 ? 0 : 1;
    }
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  ADD ("/windows-watch/removed", removed);
  ADD ("/windows-watch/renamed", renamed);
  ADD ("/windows-watch/other-case", other_case);
  ADD ("/windows-watch/missing", missing);
  ADD ("/windows-watch/no-watch", no_watch);
  ADD ("/windows-watch/thread-ends", thread_ends);
  ADD ("/windows-watch/many-changes", many_changes);
  ADD ("/windows-watch/two-directories", two_directories);
  ADD ("/windows-watch/process-ends", process_ends);
  ADD ("/windows-watch/no-process", no_process);
  return g_test_run ();
}
