/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * operations DIRECTORY
 *
 * Counts the calls of the table of system calls, and the heap allocations, of each operation on a
 * lock in DIRECTORY. Prints a line for each operation: its name, calls, allocations, and the calls
 * by their names, with tabs between them. There are no allocations where they cannot be counted.
 *
 * operations DIRECTORY NAME TIMES
 *
 * Does one operation some times, for a tool that counts instructions.
 */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gio/gio.h>

#include "flufl-lock-private.h"
#include "libflufllock.h"

/* Before the count begins, everything that a process makes once is made. */
#define WARM_UP 20
#define TIMES 101

/* No heartbeat comes, and no lease ends, while operations are counted. */
#define LIFETIME (3600 * 1000)

/* --- Heap allocations --- */

static int n_allocations;

#ifdef COUNT_ALLOCATIONS
/* These stand before the functions of the C library, for each library of the process. */
void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *block, size_t size);

void *
malloc (size_t size)
{
  g_atomic_int_inc (&n_allocations);
  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  g_atomic_int_inc (&n_allocations);
  return __libc_calloc (n, size);
}

void *
realloc (void *block, size_t size)
{
  g_atomic_int_inc (&n_allocations);
  return __libc_realloc (block, size);
}
#endif

/* --- The table of system calls --- */

/* X (entry, result, parameters, arguments). The clocks are not among them: the kernel maps them into
 * each process. */
#define CALLS \
  X (open, int, (const char *path, FluflOpen how), (path, how)) \
  X (close, int, (int fd), (fd)) \
  X (read, gssize, (int fd, void *buffer, gsize size), (fd, buffer, size)) \
  X (pwrite, gssize, (int fd, const void *buffer, gsize size, gint64 offset), \
     (fd, buffer, size, offset)) \
  X (fstat, int, (int fd, FluflStat *st), (fd, st)) \
  X (lstat, int, (const char *path, FluflStat *st), (path, st)) \
  X (identify, int, (const char *path, guint64 *dev, guint64 *ino), (path, dev, ino)) \
  X (futimens, int, (int fd, gint64 mtime, gint64 atime), (fd, mtime, atime)) \
  X (utimens, int, (const char *path, gint64 mtime, gint64 atime), (path, mtime, atime)) \
  X (flock, int, (int fd, FluflLine line), (fd, line)) \
  X (link, int, (const char *from, const char *to), (from, to)) \
  X (rename, int, (const char *from, const char *to), (from, to)) \
  X (unlink, int, (const char *path), (path)) \
  X (list, int, (const char *directory, FluflNameFunc func, gpointer data), (directory, func, data)) \
  X (kill, int, (int pid), (pid)) \
  X (random, int, (void *buffer, gsize size), (buffer, size)) \
  X (fs_kind, FluflFsKind, (const char *directory), (directory))

#define X(entry, result, parameters, arguments) CALL_##entry,
enum { CALLS N_CALLS };
#undef X

#define X(entry, result, parameters, arguments) #entry,
static const char *const call_names[] = { CALLS };
#undef X

static int n_calls[N_CALLS];

#define X(entry, result, parameters, arguments) \
  static result \
  counted_##entry parameters \
  { \
    g_atomic_int_inc (&n_calls[CALL_##entry]); \
    return flufl_syscalls_native.entry arguments; \
  }
CALLS
#undef X

static void
count_calls (void)
{
  static FluflSyscalls counted;

  counted = flufl_syscalls_native;
#define X(entry, result, parameters, arguments) counted.entry = counted_##entry;
  CALLS
#undef X
  flufl_lock_syscalls = &counted;
}

/* --- Operations --- */

typedef struct
{
  FluflLock *lock;
  FluflLock *taken; /* a lock that another process has */
} Locks;

typedef struct
{
  const char    *name;
  FluflHeartbeat heartbeat;
  gboolean       linger;
  void         (*before) (Locks *locks); /* these two are not counted */
  void         (*run)    (Locks *locks);
  void         (*after)  (Locks *locks);
} Operation;

static void
must (gboolean fine, const char *what, GError *error)
{
  if (!fine)
    g_error ("%s: %s", what, error != NULL ? error->message : "the answer is wrong");
}

static void
nothing (Locks *locks G_GNUC_UNUSED)
{
}

static void
acquire (Locks *locks)
{
  GError *error = NULL;

  must (flufl_lock_acquire (locks->lock, 10000, NULL, &error), "acquire", error);
}

static void
release (Locks *locks)
{
  GError *error = NULL;

  must (flufl_lock_release (locks->lock, NULL, &error), "release", error);
}

static void
cycle (Locks *locks)
{
  acquire (locks);
  release (locks);
}

static void
refresh (Locks *locks)
{
  GError *error = NULL;

  must (flufl_lock_refresh (locks->lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, &error), "refresh", error);
}

static void
check (Locks *locks)
{
  GError *error = NULL;

  must (flufl_lock_check (locks->lock, NULL, &error), "check", error);
}

static void
query_free (Locks *locks)
{
  must (flufl_lock_query_state (locks->lock, NULL, NULL) == FLUFL_LOCK_STATE_UNLOCKED,
        "query_state", NULL);
}

static void
query_taken (Locks *locks)
{
  must (flufl_lock_query_state (locks->taken, NULL, NULL) == FLUFL_LOCK_STATE_THEIRS,
        "query_state", NULL);
}

static void
try_taken (Locks *locks)
{
  g_autoptr (GError) error = NULL;

  must (!flufl_lock_acquire (locks->taken, 0, NULL, &error)
            && g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT),
        "acquire", error);
}

static void
reply_cb (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer reply)
{
  *(GAsyncResult **) reply = g_object_ref (result);
}

static GAsyncResult *
wait_reply (GAsyncResult **reply)
{
  while (*reply == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *reply;
}

static void
cycle_async (Locks *locks)
{
  g_autoptr (GAsyncResult) acquired = NULL;
  g_autoptr (GAsyncResult) released = NULL;
  GError *error = NULL;

  flufl_lock_acquire_async (locks->lock, 10000, NULL, reply_cb, &acquired);
  must (flufl_lock_acquire_finish (locks->lock, wait_reply (&acquired), &error), "acquire", error);
  flufl_lock_release_async (locks->lock, NULL, reply_cb, &released);
  must (flufl_lock_release_finish (locks->lock, wait_reply (&released), &error), "release", error);
}

static const Operation operations[] = {
  { "acquire", FLUFL_HEARTBEAT_NONE, FALSE, nothing, acquire, release },
  { "release", FLUFL_HEARTBEAT_NONE, FALSE, acquire, release, nothing },
  { "refresh", FLUFL_HEARTBEAT_NONE, FALSE, acquire, refresh, release },
  { "check", FLUFL_HEARTBEAT_NONE, FALSE, acquire, check, release },
  { "query of a free lock", FLUFL_HEARTBEAT_NONE, FALSE, nothing, query_free, nothing },
  { "query of a taken lock", FLUFL_HEARTBEAT_NONE, FALSE, nothing, query_taken, nothing },
  { "try on a taken lock", FLUFL_HEARTBEAT_NONE, FALSE, nothing, try_taken, nothing },
  { "cycle", FLUFL_HEARTBEAT_NONE, FALSE, nothing, cycle, nothing },
  { "cycle, heartbeat", FLUFL_HEARTBEAT_THREAD, FALSE, nothing, cycle, nothing },
  { "cycle, linger", FLUFL_HEARTBEAT_NONE, TRUE, nothing, cycle, nothing },
  { "cycle, linger, heartbeat", FLUFL_HEARTBEAT_THREAD, TRUE, nothing, cycle, nothing },
  { "cycle, async", FLUFL_HEARTBEAT_NONE, FALSE, nothing, cycle_async, nothing },
  { "cycle, async, linger", FLUFL_HEARTBEAT_NONE, TRUE, nothing, cycle_async, nothing },
};

static FluflLock *
lock_new (const char *directory, const char *name, FluflHeartbeat heartbeat, gboolean linger)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  FluflLock *lock = flufl_lock_new_for_path (path);

  flufl_lock_set_lifetime (lock, LIFETIME);
  flufl_lock_set_heartbeat (lock, heartbeat);
  flufl_lock_set_linger (lock, linger);
  return lock;
}

static Locks
locks_new (const Operation *operation, const char *directory)
{
  return (Locks){ lock_new (directory, "x.lock", operation->heartbeat, operation->linger),
                  lock_new (directory, "taken.lock", FLUFL_HEARTBEAT_NONE, FALSE) };
}

static void
locks_clear (Locks *locks)
{
  g_object_unref (locks->lock);
  g_object_unref (locks->taken);
}

static int
compare (const void *a, const void *b)
{
  return *(const int *) a - *(const int *) b;
}

/* What most rounds count. On a busy machine a round of an asynchronous operation may start a thread,
 * or count what a worker does after the last round. */
static int
median (int counts[TIMES])
{
  qsort (counts, TIMES, sizeof counts[0], compare);
  return counts[TIMES / 2];
}

static void
count (const Operation *operation, const char *directory)
{
  static int calls[N_CALLS][TIMES], allocations[TIMES];
  Locks locks = locks_new (operation, directory);
  GString *names = g_string_new (NULL);
  int all = 0;

  for (int i = -WARM_UP; i < TIMES; i++)
    {
      int round = MAX (i, 0);

      operation->before (&locks);
      for (int c = 0; c < N_CALLS; c++)
        calls[c][round] = -g_atomic_int_get (&n_calls[c]);
      allocations[round] = -g_atomic_int_get (&n_allocations);
      operation->run (&locks);
      allocations[round] += g_atomic_int_get (&n_allocations);
      for (int c = 0; c < N_CALLS; c++)
        calls[c][round] += g_atomic_int_get (&n_calls[c]);
      operation->after (&locks);
    }
  locks_clear (&locks);

  for (int c = 0; c < N_CALLS; c++)
    {
      int n = median (calls[c]);

      all += n;
      if (n > 0)
        g_string_append_printf (names, "%s%d %s", names->len > 0 ? ", " : "", n, call_names[c]);
    }
  printf ("%s\t%d\t", operation->name, all);
#ifdef COUNT_ALLOCATIONS
  printf ("%d", median (allocations));
#endif
  printf ("\t%s\n", names->str);
  g_string_free (names, TRUE);
}

static int
do_named (const char *directory, const char *name, int times)
{
  const Operation *operation = operations, *end = operations + G_N_ELEMENTS (operations);
  Locks locks;

  while (operation < end && strcmp (operation->name, name) != 0)
    operation++;
  if (operation == end)
    return 2;
  locks = locks_new (operation, directory);
  for (int i = 0; i < times; i++)
    {
      operation->before (&locks);
      operation->run (&locks);
      operation->after (&locks);
    }
  locks_clear (&locks);
  return 0;
}

/* A process that holds a lock until @until can be read. */
static pid_t
fork_holder (const char *directory, int until[2])
{
  int taken[2];
  char byte = 0;
  pid_t child;

  must (pipe (until) == 0 && pipe (taken) == 0, "pipe", NULL);
  child = fork ();
  must (child >= 0, "fork", NULL);
  if (child == 0)
    {
      FluflLock *lock = lock_new (directory, "taken.lock", FLUFL_HEARTBEAT_NONE, FALSE);

      close (until[1]);
      must (flufl_lock_acquire (lock, 0, NULL, NULL), "acquire", NULL);
      must (write (taken[1], &byte, 1) == 1, "write", NULL);
      must (read (until[0], &byte, 1) == 0, "read", NULL);
      must (flufl_lock_release (lock, NULL, NULL), "release", NULL);
      _exit (0);
    }
  close (taken[1]);
  must (read (taken[0], &byte, 1) == 1, "read", NULL);
  close (taken[0]);
  return child;
}

int
main (int argc, char *argv[])
{
  int until[2], status;
  pid_t holder;

  if (argc == 4)
    return do_named (argv[1], argv[2], atoi (argv[3]));
  if (argc != 2)
    return 2;
  if (flufl_syscalls_native.fs_kind (argv[1]) != FLUFL_FS_LOCAL)
    {
      printf ("the directory for temporary files is not on a local file system\n");
      return 77;
    }
  holder = fork_holder (argv[1], until);
  count_calls ();
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    count (&operations[i], argv[1]);
  close (until[1]);
  must (waitpid (holder, &status, 0) == holder && status == 0, "the holder", NULL);
  return 0;
}
