/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The library on Windows, with several processes. It has no fork(2), so the program starts itself:
 *
 *   test-windows hold LOCK    acquires, prints "held", and holds until it is killed
 *   test-windows lend LOCK    the same, and releases when it reads a line, after it printed the time
 *   test-windows count LOCK TURNS LINGER    adds TURNS to the number in LOCK.count
 */

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <libflufllock.h>

#include "posix-removal.h"

#define COUNTERS 16
#define TURNS 50
#define KILLS 20
#define PATIENCE 60000 /* milliseconds */

typedef struct
{
  char      *dir, *path;
  FluflLock *lock, *other;
} Fixture;

static const char *program;

static void
set_up (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  self->dir = g_dir_make_tmp ("flufl-XXXXXX", NULL);
  g_assert_nonnull (self->dir);
  self->path = g_build_filename (self->dir, "x.lock", NULL);
  self->lock = flufl_lock_new_for_path (self->path);
  self->other = flufl_lock_new_for_path (self->path);
}

/* @removed: whether files count that are removed, and stay until they are closed */
static guint
count_files (Fixture *self, gboolean removed)
{
  g_autoptr (GDir) dir = g_dir_open (self->dir, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n += removed || !g_str_has_prefix (name, ".flufl-gone-");
  return n;
}

/* Each test leaves the directory empty. */
static void
tear_down (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_clear_object (&self->lock);
  g_clear_object (&self->other);
  g_assert_cmpuint (count_files (self, TRUE), ==, 0);
  g_assert_cmpint (g_rmdir (self->dir), ==, 0);
  g_free (self->path);
  g_free (self->dir);
}

static void
acquire (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_acquire (lock, PATIENCE, NULL, &error));
  g_assert_no_error (error);
}

static void
release (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_release (lock, NULL, &error));
  g_assert_no_error (error);
}

/* --- Other processes --- */

static int
hold (const char *path)
{
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GError) error = NULL;

  if (!flufl_lock_acquire (lock, PATIENCE, NULL, &error))
    {
      g_print ("%s\n", error->message);
      return 1;
    }
  g_print ("held %lu\n", GetCurrentProcessId ());
  Sleep (10 * PATIENCE); /* it is killed long before, unless the test failed */
  return 0;
}

/* The monotonic clock is the same in all processes. */
static int
lend (const char *path)
{
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GError) error = NULL;
  char line[16];

  /* The first release of a process loads code, which takes Wine longer than the release. */
  if (!flufl_lock_acquire (lock, PATIENCE, NULL, &error) || !flufl_lock_release (lock, NULL, &error)
      || !flufl_lock_acquire (lock, PATIENCE, NULL, &error))
    {
      g_print ("%s\n", error->message);
      return 1;
    }
  g_print ("held %lu\n", GetCurrentProcessId ());
  if (fgets (line, sizeof line, stdin) == NULL)
    return 1;
  g_print ("%" G_GINT64_FORMAT "\n", g_get_monotonic_time ());
  return flufl_lock_release (lock, NULL, NULL) ? 0 : 1;
}

static int
add_one (const char *path, GError **error)
{
  g_autofree char *text = NULL, *sum = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return 1;
  sum = g_strdup_printf ("%d", atoi (text) + 1);
  return g_file_set_contents_full (path, sum, -1, G_FILE_SET_CONTENTS_NONE, 0666, error) ? 0 : 1;
}

static int
count (const char *path, int turns, gboolean linger)
{
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autofree char *counter = g_strconcat (path, ".count", NULL);
  g_autoptr (GError) error = NULL;

  flufl_lock_set_linger (lock, linger);
  for (int i = 0; i < turns; i++)
    if (!flufl_lock_acquire (lock, PATIENCE, NULL, &error) || add_one (counter, &error) != 0
        || !flufl_lock_release (lock, NULL, &error))
      {
        g_print ("%s\n", error->message);
        return 1;
      }
  g_print ("done\n");
  return 0;
}

static GSubprocess *
start (const char *action, const char *path, const char *more, const char *last)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *process
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                          program, action, path, more, last, NULL);

  g_assert_no_error (error);
  return process;
}

static char *
read_line (GSubprocess *process)
{
  g_autoptr (GDataInputStream) stream
      = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));

  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (stream), FALSE);
  g_data_input_stream_set_newline_type (stream, G_DATA_STREAM_NEWLINE_TYPE_ANY);
  return g_data_input_stream_read_line (stream, NULL, NULL, NULL);
}

/* Starts a process that holds the lock, and returns it. */
static HANDLE
start_holder (Fixture *self, const char *action, GSubprocess **out_process)
{
  GSubprocess *process = start (action, self->path, NULL, NULL);
  g_autofree char *line = read_line (process);
  HANDLE handle;

  g_assert_nonnull (line);
  g_assert_true (g_str_has_prefix (line, "held "));
  handle = OpenProcess (PROCESS_TERMINATE | SYNCHRONIZE, FALSE, (DWORD) atoi (line + 5));
  g_assert_nonnull (handle);
  *out_process = process;
  return handle;
}

static void
kill_holder (HANDLE holder, GSubprocess *process)
{
  g_assert_true (TerminateProcess (holder, 9));
  CloseHandle (holder);
  g_subprocess_wait (process, NULL, NULL);
  g_object_unref (process);
}

static int
compare_times (gconstpointer left, gconstpointer right)
{
  const gint64 *a = left, *b = right;

  return (*a > *b) - (*a < *b);
}

/* --- Cases --- */

static void
cycle (Fixture *self, gconstpointer linger)
{
  g_autofree char *content = NULL;
  g_autoptr (GFile) claim = NULL;
  g_autoptr (GError) error = NULL;
  const guint n_kept = linger != NULL ? 1 : 0;
  const gboolean posix_removal = posix_removal_works (self->dir);
  guint n_files, n_times_kept = 0;

  g_test_summary ("The lock file and a claim with this content exist while the lock is held");
  flufl_lock_set_linger (self->lock, linger != NULL);
  for (int i = 0; i < 20; i++)
    {
      acquire (self->lock);
      g_assert_cmpuint (count_files (self, FALSE), ==, 2);
      g_assert_true (flufl_lock_refresh (self->lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (flufl_lock_check (self->lock, NULL, &error));
      g_assert_no_error (error);
      release (self->lock);
      /* Without POSIX removal a removed name stays, which is one link too many, and a claim is not
       * kept twice. */
      n_files = count_files (self, posix_removal);
      g_assert_cmpuint (n_files, <=, n_kept);
      n_times_kept += n_files;
    }
  g_assert_cmpuint (n_times_kept, >=, (posix_removal ? 20 : 10) * n_kept);
  acquire (self->lock);
  claim = flufl_lock_dup_claim_file (self->lock);
  g_assert_true (g_file_get_contents (self->path, &content, NULL, NULL));
  g_strdelimit (content, "/", '\\');
  g_assert_cmpstr (content, ==, g_file_peek_path (claim));
  release (self->lock);
  flufl_lock_set_linger (self->lock, FALSE);
}

static void
other_object (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("Another object does not get a held lock, and its error names this process");
  acquire (self->lock);
  g_assert_false (flufl_lock_acquire (self->other, 100, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "Another object of this process"));
  release (self->lock);
  acquire (self->other);
  release (self->other);
}

static void
spelling (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *path = g_build_filename (self->dir, "X.LOCK", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A lock is the same lock in upper case");
  acquire (self->lock);
  g_assert_false (flufl_lock_acquire (lock, 100, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  release (self->lock);
  acquire (lock);
  release (lock);
}

static void
hostile_names (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  const char *const names[] = { "NUL", "con.lock", "lpt1", "a|b.lock", "a?.lock", "x.lock:stream",
                                "x.lock.", "x.lock " };

  g_test_summary ("Names that mean another file, a device or a stream are refused");
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strconcat (self->dir, "\\", names[i], NULL);
      g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
      g_autoptr (GError) error = NULL;

      g_assert_false (flufl_lock_acquire (lock, 0, NULL, &error));
      g_test_message ("%s", error->message);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME);
      g_assert_cmpuint (count_files (self, TRUE), ==, 0);
    }
}

static void
foreign (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A file or directory that is not a lock stays");
  g_assert_true (g_file_set_contents (self->path, "hello", -1, NULL));
  g_assert_false (flufl_lock_acquire (self->lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  g_clear_error (&error);
  g_assert_cmpint (g_remove (self->path), ==, 0);

  g_assert_cmpint (g_mkdir (self->path, 0777), ==, 0);
  g_assert_false (flufl_lock_acquire (self->lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  g_assert_nonnull (strstr (error->message, "directory"));
  g_assert_cmpint (g_rmdir (self->path), ==, 0);
}

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  int *answer = data;

  *answer = flufl_lock_acquire_finish (FLUFL_LOCK (source), result, &error) ? 1 : 2;
  if (*answer == 2)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
async (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  int first = 0, second = 0;

  g_test_summary ("An asynchronous acquisition wins; one that waits can be cancelled");
  flufl_lock_acquire_async (self->lock, PATIENCE, NULL, acquired_cb, &first);
  while (first == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (first, ==, 1);
  flufl_lock_set_waiting_delay (self->other, 0);
  g_signal_connect_swapped (self->other, "waiting", G_CALLBACK (g_cancellable_cancel), cancellable);
  flufl_lock_acquire_async (self->other, PATIENCE, cancellable, acquired_cb, &second);
  while (second == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (second, ==, 2);
  release (self->lock);
}

static void
break_lock (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *process;
  HANDLE holder = start_holder (self, "hold", &process);

  g_test_summary ("A live holder's lock is broken by force only");
  g_assert_cmpint (flufl_lock_query_state (self->lock, NULL, NULL), ==, FLUFL_LOCK_STATE_THEIRS);
  g_assert_false (flufl_lock_break_lock (self->lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_true (flufl_lock_break_lock (self->lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_no_error (error);
  acquire (self->lock);
  kill_holder (holder, process);
  release (self->lock);

  holder = start_holder (self, "hold", &process);
  kill_holder (holder, process);
  g_assert_true (flufl_lock_break_lock (self->lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_no_error (error);
}

static void
print_times (GArray *times, const char *what)
{
  g_array_sort (times, compare_times);
  g_test_message ("%s: median %.1f ms, most %.1f ms", what,
                  (double) g_array_index (times, gint64, times->len / 2) / 1000,
                  (double) g_array_index (times, gint64, times->len - 1) / 1000);
}

static void
killed (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_test_summary ("The lock of a killed process is taken at once");
  for (int i = 0; i < KILLS; i++)
    {
      GSubprocess *process;
      HANDLE holder = start_holder (self, "hold", &process);
      gint64 from;

      g_assert_false (flufl_lock_acquire (self->lock, 0, NULL, NULL));
      kill_holder (holder, process);
      from = g_get_monotonic_time ();
      acquire (self->lock);
      from = g_get_monotonic_time () - from;
      g_array_append_val (times, from);
      release (self->lock);
    }
  print_times (times, "killed before the acquisition");
  /* Far from the expiration of its lease. */
  g_assert_cmpint (g_array_index (times, gint64, KILLS / 2), <, 2 * G_USEC_PER_SEC);
}

/* A waiter in a thread: when it was seen waiting, and when it had the lock. */
typedef struct
{
  FluflLock *lock;
  int        waits; /* atomic */
  gint64     acquired; /* monotonic microseconds */
} Waiter;

static gpointer
wait_for_lock (gpointer data)
{
  Waiter *self = data;

  acquire (self->lock);
  self->acquired = g_get_monotonic_time ();
  release (self->lock);
  return NULL;
}

static void
waits_cb (FluflLock *lock G_GNUC_UNUSED, FluflLockDetails *details G_GNUC_UNUSED, gpointer data)
{
  g_atomic_int_set (&((Waiter *) data)->waits, TRUE);
}

static GThread *
start_waiter (Waiter *self, FluflLock *lock)
{
  gulong handler;
  GThread *thread;

  *self = (Waiter){ .lock = lock };
  flufl_lock_set_waiting_delay (lock, 0);
  handler = g_signal_connect (lock, "waiting", G_CALLBACK (waits_cb), self);
  thread = g_thread_new ("waiter", wait_for_lock, self);
  while (!g_atomic_int_get (&self->waits))
    g_usleep (1000);
  g_signal_handler_disconnect (lock, handler);
  g_usleep (20 * 1000); /* it is asleep by then */
  return thread;
}

static void
killed_before_a_waiter (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_test_summary ("A waiter learns at once that the holder was killed");
  for (int i = 0; i < KILLS; i++)
    {
      GSubprocess *process;
      HANDLE holder = start_holder (self, "hold", &process);
      Waiter waiter;
      GThread *thread = start_waiter (&waiter, self->lock);
      gint64 from = g_get_monotonic_time ();

      kill_holder (holder, process);
      g_thread_join (thread);
      from = waiter.acquired - from;
      g_array_append_val (times, from);
    }
  print_times (times, "killed holder");
  /* Far from the expiration of its lease. */
  g_assert_cmpint (g_array_index (times, gint64, KILLS / 2), <, 2 * G_USEC_PER_SEC);
}

static void
handed_over (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_test_summary ("A waiter learns at once that another process has released the lock");
  for (int i = 0; i < KILLS; i++)
    {
      GSubprocess *process;
      HANDLE holder = start_holder (self, "lend", &process);
      Waiter waiter;
      GThread *thread = start_waiter (&waiter, self->lock);
      GOutputStream *stdin_pipe = g_subprocess_get_stdin_pipe (process);
      g_autofree char *line = NULL;
      gint64 took;

      g_assert_true (g_output_stream_write_all (stdin_pipe, "\n", 1, NULL, NULL, NULL));
      line = read_line (process);
      g_assert_nonnull (line);
      g_thread_join (thread);
      took = waiter.acquired - g_ascii_strtoll (line, NULL, 10);
      g_array_append_val (times, took);
      CloseHandle (holder);
      g_assert_true (g_subprocess_wait_check (process, NULL, NULL));
      g_object_unref (process);
    }
  print_times (times, "hand-off");
  g_assert_cmpint (g_array_index (times, gint64, KILLS / 2), <, 2 * G_USEC_PER_SEC);
}

static void
contention (Fixture *self, gconstpointer linger)
{
  g_autofree char *counter = g_strconcat (self->path, ".count", NULL);
  g_autofree char *turns = g_strdup_printf ("%d", TURNS);
  g_autofree char *sum = NULL;
  GSubprocess *processes[COUNTERS];

  g_test_summary ("Sixteen processes add fifty each to one number");
  g_assert_true (g_file_set_contents (counter, "0", -1, NULL));
  for (int i = 0; i < COUNTERS; i++)
    processes[i] = start ("count", self->path, turns, linger != NULL ? "linger" : "no");
  for (int i = 0; i < COUNTERS; i++)
    {
      g_autofree char *line = read_line (processes[i]);

      g_assert_cmpstr (line, ==, "done");
      g_assert_true (g_subprocess_wait (processes[i], NULL, NULL));
      g_object_unref (processes[i]);
    }
  g_assert_true (g_file_get_contents (counter, &sum, NULL, NULL));
  g_assert_cmpint (atoi (sum), ==, COUNTERS * TURNS);
  g_assert_cmpint (g_remove (counter), ==, 0);
}

#define ADD(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  if (argc >= 3 && strcmp (argv[1], "hold") == 0)
    return hold (argv[2]);
  if (argc >= 3 && strcmp (argv[1], "lend") == 0)
    return lend (argv[2]);
  if (argc >= 5 && strcmp (argv[1], "count") == 0)
    return count (argv[2], atoi (argv[3]), strcmp (argv[4], "linger") == 0);

  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  ADD ("/windows/cycle/plain", NULL, cycle);
  ADD ("/windows/cycle/linger", "linger", cycle);
  ADD ("/windows/other-object", NULL, other_object);
  ADD ("/windows/spelling", NULL, spelling);
  ADD ("/windows/hostile-names", NULL, hostile_names);
  ADD ("/windows/foreign", NULL, foreign);
  ADD ("/windows/async", NULL, async);
  ADD ("/windows/break", NULL, break_lock);
  ADD ("/windows/killed", NULL, killed);
  ADD ("/windows/killed-before-a-waiter", NULL, killed_before_a_waiter);
  ADD ("/windows/handed-over", NULL, handed_over);
  ADD ("/windows/contention/plain", NULL, contention);
  ADD ("/windows/contention/linger", "linger", contention);
  return g_test_run ();
}
