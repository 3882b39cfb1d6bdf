/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A storm on Windows: processes take turns on one lock, and their parent kills holders and
 * waiters. The program starts itself as a worker:
 *
 *   test-windows-storm [--seconds N] [OPTION...]
 *   test-windows-storm worker PID KIND LOCK    PID is that of the test
 *
 * Three things show that no two processes are inside at once. The lock knows nothing of them: a
 * number in shared memory, a file that only one process can have open, and the updates of a file,
 * each of which must follow upon the last one.
 */

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include <gio/gio.h>
#include <glib/gstdio.h>

#include "flufl-lock.h"
#include "flufl-path.h"
#include "flufl-steps.h"
#include "flufl-test-util.h"
#include "posix-removal.h"
#include "shared-memory.h"

#define DEFAULT_SECONDS 10
/* No turn, end or acquisition is waited for as long as this, unless the test fails. */
#define PATIENCE_MS 60000
/* A waiter that could not judge a leftover at once asks for it again after a minute. */
#define COLLECTION_MS (2 * 60000 + PATIENCE_MS)
/* After its death a process may have files open for this long. */
#define DYING_MS 1000
#define MAX_KILLS 4096
#define FLUFL_LIFETIME (15 * FLUFL_NSEC_PER_SEC)
/* An update has a fixed size, so that one write makes it. */
#define UPDATE_SIZE 40

typedef enum
{
  KIND_PLAIN,
  KIND_LINGER,
  KIND_FLUFL,
  N_KINDS,
} Kind;

static const Kind workers[] = { KIND_PLAIN, KIND_PLAIN, KIND_PLAIN, KIND_PLAIN,
                                KIND_LINGER, KIND_LINGER, KIND_LINGER, KIND_FLUFL };

#define N_WORKERS G_N_ELEMENTS (workers)

/* Only the holder writes here, except to what is atomic. */
typedef struct
{
  int  inside;                   /* atomic; pid; 0: nobody */
  int  stop;                     /* atomic */
  int  entries;                  /* atomic */
  int  overlaps, lost, failures; /* atomic */
  int  n_killed;                 /* atomic */
  int  killed[MAX_KILLS];        /* pids, before they are killed; no other process gets them */
  int  turns[N_KINDS];
  int  pid;                      /* the process that writes the next update */
  char update[UPDATE_SIZE];      /* the last one … */
  char next[UPDATE_SIZE];        /* … and the one that may follow */
} Arena;

static Arena *arena;

/* --- A turn --- */

static gboolean
is_killed (int pid)
{
  int n = g_atomic_int_get (&arena->n_killed);

  for (int i = 0; i < n; i++)
    if (arena->killed[i] == pid)
      return TRUE;
  return FALSE;
}

static void
overlap (const char *what, int other)
{
  g_printerr ("%lu: %s, %d is inside as well\n", GetCurrentProcessId (), what, other);
  g_atomic_int_inc (&arena->overlaps);
}

static int
enter (void)
{
  int before = g_atomic_int_get (&arena->inside);

  if (before != 0 && !is_killed (before))
    overlap ("in memory", before);
  else if (!g_atomic_int_compare_and_exchange (&arena->inside, before,
                                               (int) GetCurrentProcessId ()))
    overlap ("in memory", g_atomic_int_get (&arena->inside));
  g_atomic_int_inc (&arena->entries);
  return before;
}

/* The file goes with the handle, even if the process is killed. */
static HANDLE
open_ring (const char *path, int before)
{
  g_autofree wchar_t *name = flufl_path_to_wide (path);
  HANDLE handle = INVALID_HANDLE_VALUE;

  for (int i = 0; i < DYING_MS; i++)
    {
      handle = CreateFileW (name, GENERIC_WRITE | DELETE, 0, NULL, CREATE_NEW,
                            FILE_FLAG_DELETE_ON_CLOSE, NULL);
      if (handle != INVALID_HANDLE_VALUE || before == 0)
        break;
      Sleep (1);
    }
  if (handle == INVALID_HANDLE_VALUE)
    overlap ("with a file", before);
  return handle;
}

/* The last update in the file is that of the last turn, or one of a process that was killed when it
 * had just written it. */
static void
check_update (HANDLE file)
{
  char found[UPDATE_SIZE] = "";
  OVERLAPPED start = { 0 };
  DWORD n = 0;

  if (ReadFile (file, found, sizeof found, &n, &start) && n == sizeof found)
    {
      if (memcmp (found, arena->update, sizeof found) == 0)
        return;
      if (memcmp (found, arena->next, sizeof found) == 0 && is_killed (arena->pid))
        {
          memcpy (arena->update, found, sizeof found);
          return;
        }
    }
  g_printerr ("%lu: an update was lost: “%.*s” follows upon “%s”\n", GetCurrentProcessId (),
              (int) sizeof found, found, arena->update);
  g_atomic_int_inc (&arena->lost);
}

static void
write_update (HANDLE file)
{
  OVERLAPPED start = { 0 };
  DWORD n = 0;

  memset (arena->next, 0, sizeof arena->next);
  g_snprintf (arena->next, sizeof arena->next, "%d %08x by %lu", atoi (arena->update) + 1,
              g_random_int (), GetCurrentProcessId ());
  arena->pid = (int) GetCurrentProcessId ();
  if (!WriteFile (file, arena->next, sizeof arena->next, &n, &start) || n != sizeof arena->next)
    g_error ("an update cannot be written");
  memcpy (arena->update, arena->next, sizeof arena->update);
}

static void
take_turn (const char *lock, Kind kind)
{
  g_autofree char *ring_path = g_strconcat (lock, ".ring", NULL);
  g_autofree char *updates_path = g_strconcat (lock, ".updates", NULL);
  g_autofree wchar_t *updates = flufl_path_to_wide (updates_path);
  HANDLE ring = open_ring (ring_path, enter ());
  HANDLE file = CreateFileW (updates, GENERIC_READ | GENERIC_WRITE,
                             FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);

  check_update (file);
  g_usleep (g_random_int_range (0, 2000));
  write_update (file);
  arena->turns[kind]++;
  CloseHandle (file);
  if (ring != INVALID_HANDLE_VALUE)
    CloseHandle (ring);
  g_atomic_int_compare_and_exchange (&arena->inside, (int) GetCurrentProcessId (), 0);
}

/* --- Workers --- */

static gboolean
goes_on (void)
{
  return !g_atomic_int_get (&arena->stop);
}

static int
work (const char *path, Kind kind)
{
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GError) error = NULL;

  flufl_lock_set_linger (lock, kind == KIND_LINGER);
  while (goes_on ())
    {
      if (!flufl_lock_acquire (lock, PATIENCE_MS, NULL, &error))
        break;
      take_turn (path, kind);
      if (!flufl_lock_release (lock, NULL, &error))
        break;
      g_usleep (g_random_int_range (0, 5000));
    }
  flufl_lock_set_linger (lock, FALSE);
  if (error == NULL)
    return EXIT_SUCCESS;
  g_printerr ("%lu: %s\n", GetCurrentProcessId (), error->message);
  g_atomic_int_inc (&arena->failures);
  return EXIT_FAILURE;
}

/* A process with flufl.lock, which writes paths as Windows does. */
static int
work_as_flufl (const char *path)
{
  g_autofree char *claim = NULL;
  FluflSteps steps = { &flufl_syscalls_native, path, NULL, FLUFL_LIFETIME };
  gboolean held;

  while (goes_on ())
    {
      g_free (claim);
      claim = g_strdup_printf ("%s^%s^%lu^%u", path, g_get_host_name (), GetCurrentProcessId (),
                               g_random_int ());
      steps.claim = g_strdelimit (claim, "/", '\\');
      g_assert_true (flufl_steps_make (&steps));
      while (!(held = flufl_steps_link (&steps)) && goes_on ())
        if (flufl_steps_look (&steps))
          g_usleep (g_random_int_range (10 * 1000, 2 * G_USEC_PER_SEC));
      if (!held)
        return steps.sys->unlink (claim) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
      flufl_steps_touch (&steps);
      take_turn (path, KIND_FLUFL);
      if (!flufl_steps_release (&steps))
        {
          g_printerr ("%lu: flufl.lock has lost the lock\n", GetCurrentProcessId ());
          g_atomic_int_inc (&arena->failures);
          return EXIT_FAILURE;
        }
    }
  return EXIT_SUCCESS;
}

/* --- The parent --- */

typedef struct
{
  TestPlace place;
  char     *lock; /* as the library writes it */
  HANDLE    processes[N_WORKERS];
  int       pids[N_WORKERS];
  GArray   *dead;  /* of HANDLE: while they are open, no other process gets the pid */
  GArray   *times; /* from a kill to the next turn, in microseconds */
  int       n_holders_killed;
} Storm;

static void
start_worker (Storm *self, gsize i)
{
  wchar_t program[MAX_PATH];
  g_autofree char *arguments
      = g_strdup_printf ("test-windows-storm worker %lu %d \"%s\"", GetCurrentProcessId (),
                         workers[i], self->lock);
  g_autofree wchar_t *command
      = (wchar_t *) g_utf8_to_utf16 (arguments, -1, NULL, NULL, NULL);
  /* What it reports is to be seen. */
  STARTUPINFOW info = { .cb = sizeof info,
                        .dwFlags = STARTF_USESTDHANDLES,
                        .hStdInput = GetStdHandle (STD_INPUT_HANDLE),
                        .hStdOutput = GetStdHandle (STD_OUTPUT_HANDLE),
                        .hStdError = GetStdHandle (STD_ERROR_HANDLE) };
  PROCESS_INFORMATION process;

  g_assert_cmpuint (GetModuleFileNameW (NULL, program, MAX_PATH), <, MAX_PATH);
  if (!CreateProcessW (program, command, NULL, NULL, TRUE, DETACHED_PROCESS, NULL, NULL, &info,
                       &process))
    g_error ("CreateProcessW() failed with error %lu", GetLastError ());
  CloseHandle (process.hThread);
  self->processes[i] = process.hProcess;
  self->pids[i] = (int) process.dwProcessId;
}

static void
await_entry (int entries)
{
  gint64 until = g_get_monotonic_time () + PATIENCE_MS * 1000;

  while (g_atomic_int_get (&arena->entries) == entries)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_usleep (200);
    }
}

/* Three of four victims are inside. A process with flufl.lock is spared: its lock would have to
 * expire. */
static gsize
choose_victim (Storm *self)
{
  if (g_random_int_range (0, 4) > 0)
    for (int i = 0; i < 10000; i++)
      {
        int pid = g_atomic_int_get (&arena->inside);

        for (gsize j = 0; j < N_WORKERS; j++)
          if (self->pids[j] == pid && workers[j] != KIND_FLUFL)
            return j;
        YieldProcessor ();
      }
  return (gsize) g_random_int_range (0, N_WORKERS - 1);
}

static void
kill_one (Storm *self)
{
  gsize i = choose_victim (self);
  int n = g_atomic_int_get (&arena->n_killed), entries;
  gint64 from;

  g_assert_cmpint (workers[i], !=, KIND_FLUFL);
  g_assert_cmpint (n, <, MAX_KILLS);
  arena->killed[n] = self->pids[i];
  g_atomic_int_inc (&arena->n_killed);
  g_assert_true (TerminateProcess (self->processes[i], 9));
  g_assert_cmpuint (WaitForSingleObject (self->processes[i], PATIENCE_MS), ==, WAIT_OBJECT_0);
  from = g_get_monotonic_time ();
  entries = g_atomic_int_get (&arena->entries);
  self->n_holders_killed += g_atomic_int_get (&arena->inside) == self->pids[i];
  await_entry (entries);
  from = g_get_monotonic_time () - from;
  g_array_append_val (self->times, from);
  g_array_append_val (self->dead, self->processes[i]);
  start_worker (self, i);
}

static gboolean
has_seen_all (Storm *self)
{
  if (self->n_holders_killed == 0)
    return FALSE;
  for (int kind = 0; kind < N_KINDS; kind++)
    if (arena->turns[kind] == 0)
      return FALSE;
  return TRUE;
}

static void
rage (Storm *self, int seconds)
{
  gint64 end = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  gint64 until = end + PATIENCE_MS * 1000;

  for (gsize i = 0; i < N_WORKERS; i++)
    start_worker (self, i);
  await_entry (0);
  while (g_get_monotonic_time () < end || !has_seen_all (self))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_usleep (g_random_int_range (50, 400) * 1000);
      kill_one (self);
    }
  g_atomic_int_set (&arena->stop, TRUE);
  for (gsize i = 0; i < N_WORKERS; i++)
    {
      DWORD status;

      g_assert_cmpuint (WaitForSingleObject (self->processes[i], PATIENCE_MS), ==, WAIT_OBJECT_0);
      g_assert_true (GetExitCodeProcess (self->processes[i], &status));
      g_assert_cmpuint (status, ==, EXIT_SUCCESS);
      CloseHandle (self->processes[i]);
    }
}

static gpointer
wait_in_vain (gpointer data)
{
  gpointer *lock_and_cancellable = data;

  g_assert_false (flufl_lock_acquire (lock_and_cancellable[0], FLUFL_LOCK_TIMEOUT_FOREVER,
                                      lock_and_cancellable[1], NULL));
  return NULL;
}

/* Returns: the number of files whose names begin so */
static guint
remove_by_prefix (Storm *self, const char *prefix)
{
  g_autoptr (GDir) dir = g_dir_open (self->place.dir, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, prefix))
      {
        g_autofree char *path = test_place_path (&self->place, name);

        g_assert_cmpint (g_remove (path), ==, 0);
        n++;
      }
  return n;
}

/* Returns: (nullable): the name of a claim whose process has ended */
static char *
find_leftover (Storm *self)
{
  g_autofree char *ours = g_strdup_printf ("^%lu^", GetCurrentProcessId ());
  g_autoptr (GDir) dir = g_dir_open (self->place.dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (strchr (name, '^') != NULL && strstr (name, ours) == NULL)
      return g_strdup (name);
  return NULL;
}

/* One waiter collects the claims of the dead. */
static void
collect (Storm *self)
{
  g_autoptr (FluflLock) holder = flufl_lock_new_for_path (self->lock);
  g_autoptr (FluflLock) waiter = flufl_lock_new_for_path (self->lock);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gpointer both[] = { waiter, cancellable };
  gint64 until = g_get_monotonic_time () + COLLECTION_MS * 1000;
  GThread *thread;
  char *leftover;

  g_assert_true (flufl_lock_acquire (holder, PATIENCE_MS, NULL, NULL));
  thread = g_thread_new ("waiter", wait_in_vain, both);
  while ((leftover = find_leftover (self)) != NULL)
    {
      if (g_get_monotonic_time () > until)
        g_error ("%s was not collected", leftover);
      g_free (leftover);
      g_usleep (10 * 1000);
    }
  g_cancellable_cancel (cancellable);
  g_thread_join (thread);
  g_assert_true (flufl_lock_release (holder, NULL, NULL));
}

static int
compare_times (gconstpointer left, gconstpointer right)
{
  const gint64 *a = left, *b = right;

  return (*a > *b) - (*a < *b);
}

static void
report (Storm *self)
{
  GArray *times = self->times;

  g_array_sort (times, compare_times);
  g_test_message (
      "figures: %d turns (%d plain, %d linger, %d flufl), %u kills, %d of them inside; the "
      "next turn after %.1f ms (median), %.1f ms (most); %d overlaps, %d lost updates",
      atoi (arena->update), arena->turns[KIND_PLAIN], arena->turns[KIND_LINGER],
      arena->turns[KIND_FLUFL], times->len, self->n_holders_killed,
      (double) g_array_index (times, gint64, times->len / 2) / 1000,
      (double) g_array_index (times, gint64, times->len - 1) / 1000, arena->overlaps, arena->lost);
}

static void
storm (gconstpointer seconds)
{
  Storm self = { .dead = g_array_new (FALSE, FALSE, sizeof (HANDLE)),
                 .times = g_array_new (FALSE, FALSE, sizeof (gint64)) };
  g_autofree char *updates = NULL, *last = NULL;
  guint n_half_removed, n_of_probes;

  g_test_summary ("After each kill the others take turns, one at a time, and nothing is left");
  test_place_init (&self.place);
  self.lock = flufl_path_dup_native (self.place.lock);
  updates = g_strconcat (self.place.lock, ".updates", NULL);
  g_strlcpy (arena->update, "0", sizeof arena->update);
  g_assert_true (g_file_set_contents (updates, arena->update, sizeof arena->update, NULL));
  rage (&self, GPOINTER_TO_INT (seconds));
  report (&self);
  g_assert_true (g_file_get_contents (updates, &last, NULL, NULL));
  g_assert_cmpstr (last, ==, arena->update);
  g_assert_cmpint (arena->overlaps, ==, 0);
  g_assert_cmpint (arena->lost, ==, 0);
  g_assert_cmpint (arena->failures, ==, 0);

  collect (&self);
  /* Without POSIX removal a file gets another name before it is removed. A process that is killed in
   * between leaves it so. */
  n_half_removed = remove_by_prefix (&self, ".flufl-gone-");
  g_test_message ("%u files were left half removed", n_half_removed);
  g_assert_cmpuint (n_half_removed, <=, posix_removal_works (self.place.dir) ? 0 : self.times->len);
  /* A process that is killed in its probe leaves a file with one or two names. A probe a minute later
   * removes them, as the test fs-probe shows. */
  n_of_probes = remove_by_prefix (&self, ".flufl-probe-");
  g_test_message ("%u names were left of probes", n_of_probes);
  g_assert_cmpuint (n_of_probes, <=, 2 * self.times->len);
  g_assert_cmpint (g_remove (updates), ==, 0);
  test_place_clear (&self.place);
  for (guint i = 0; i < self.dead->len; i++)
    CloseHandle (g_array_index (self.dead, HANDLE, i));
  g_array_unref (self.dead);
  g_array_unref (self.times);
  g_free (self.lock);
}

int
main (int argc, char *argv[])
{
  int seconds = DEFAULT_SECONDS, status;

  if (argc == 5 && strcmp (argv[1], "worker") == 0)
    {
      Kind kind = (Kind) atoi (argv[3]);

      shared_memory_join ((guint32) atoi (argv[2]));
      arena = shared_memory_new (sizeof *arena);
      return kind == KIND_FLUFL ? work_as_flufl (argv[4]) : work (argv[4], kind);
    }
  if (argc > 2 && strcmp (argv[1], "--seconds") == 0)
    {
      seconds = atoi (argv[2]);
      argv[2] = argv[0];
      argv += 2;
      argc -= 2;
    }
  g_test_init (&argc, &argv, NULL);
  arena = shared_memory_new (sizeof *arena);
  g_test_add_data_func ("/windows-storm/killed", GINT_TO_POINTER (seconds), storm);
  status = g_test_run ();
  shared_memory_free (arena, sizeof *arena);
  return status;
}
