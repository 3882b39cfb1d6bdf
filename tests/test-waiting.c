/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Waits, on a real directory. Timers are set so late that only what is to be
 * shown can end a wait; a wait that is not ended kills the test.
 */

#include <errno.h>
#include <string.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine-util.h"
#include "flufl-acquire.h"
#include "flufl-test-util.h"

#ifdef __linux__
#include <sys/inotify.h>
#include <sys/syscall.h>
#endif

#define HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)
#define LIFETIME (3600 * FLUFL_NSEC_PER_SEC)

typedef struct
{
  FluflSite     site;
  FluflQueue    queue;
  FluflAcquire  acquire;
  GThread      *thread;
  int           done;
} Agent;

static FluflSyscalls sys;

/* The test's own answer, where a machine has no instance left to give. */
static gboolean no_inotify;
static int n_asked;

#ifdef __linux__
int
inotify_init1 (int flags)
{
  if (no_inotify)
    {
      n_asked++;
      errno = EMFILE;
      return -1;
    }
  /* What libc does, whose function this one hides. */
  return (int) syscall (SYS_inotify_init1, flags);
}

/* GLib, if refused, asks the old way at once. */
int
inotify_init (void)
{
  if (no_inotify)
    {
      errno = EMFILE;
      return -1;
    }
  return (int) syscall (SYS_inotify_init1, 0);
}
#endif

static void
agent_init (Agent *self, TestPlace *place)
{
  memset (self, 0, sizeof *self);
  flufl_site_init (&self->site, &sys, place->lock, "|");
}

static void
agent_clear (Agent *self)
{
  flufl_queue_clear (&self->queue);
  flufl_site_clear (&self->site);
}

static void
prepare (Agent *self, gint64 deadline, GCancellable *cancellable)
{
  memset (&self->acquire, 0, sizeof self->acquire);
  self->acquire.site = &self->site;
  self->acquire.queue = &self->queue;
  self->acquire.lifetime = LIFETIME;
  self->acquire.deadline = deadline;
  self->acquire.cancellable = cancellable;
  self->acquire.announced = TRUE; /* that timer too */
  g_atomic_int_set (&self->done, 0);
}

static void
take (Agent *self)
{
  prepare (self, G_MAXINT64, NULL);
  flufl_acquire_run (&self->acquire);
  g_assert_cmpint (self->acquire.result, ==, FLUFL_RESULT_HELD);
}

static void
drop (Agent *self)
{
  int errsv = 0;

  g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                   FLUFL_OUTCOME_RELEASED);
}

static gpointer
take_thread (gpointer data)
{
  Agent *self = data;

  flufl_acquire_run (&self->acquire);
  g_atomic_int_set (&self->done, 1);
  return NULL;
}

static void
take_in_thread (Agent *self, GCancellable *cancellable)
{
  prepare (self, G_MAXINT64, cancellable);
  self->thread = g_thread_new ("waiter", take_thread, self);
}

static void
done_cb (FluflAcquire *acquire G_GNUC_UNUSED, gpointer user_data)
{
  g_atomic_int_set ((int *) user_data, 1);
}

static void
take_async (Agent *self, GCancellable *cancellable)
{
  prepare (self, G_MAXINT64, cancellable);
  self->acquire.done = done_cb;
  self->acquire.user_data = &self->done;
  flufl_acquire_start (&self->acquire);
}

static void
await_done (Agent *self)
{
  while (!g_atomic_int_get (&self->done))
    g_thread_yield ();
  if (self->thread != NULL)
    g_thread_join (g_steal_pointer (&self->thread));
}

static void
await_watches (guint n)
{
  while (flufl_watch_count () != n)
    g_thread_yield ();
}

/* After setup(). GLib's watcher is late by 100 ms: there fewer turns must do. */
static guint
turns (guint n)
{
  return flufl_watch_fd () >= 0 ? n : n / 5;
}

static gboolean
setup (TestPlace *place)
{
  FluflWatch watch = { .func = NULL };

  sys = flufl_syscalls_posix;
  flufl_acquire_patience = HOUR;
  alarm (TEST_PATIENCE_SEC);
  test_place_init (place);
  if (flufl_watch_add (&watch, place->dir, FLUFL_WATCH_REMOVED) == FLUFL_WATCH_ARMED
      && sys.fs_kind (place->dir) == FLUFL_FS_LOCAL)
    {
      flufl_watch_remove (&watch);
      return TRUE;
    }
  flufl_watch_remove (&watch);
  test_place_clear (place);
  g_test_skip ("no watches here");
  return FALSE;
}

static void
teardown (TestPlace *place)
{
  await_watches (0);
  test_place_clear (place);
  flufl_acquire_patience = 10 * 1000;
  alarm (0);
}

static void
test_woken (gconstpointer data)
{
  gboolean async = GPOINTER_TO_INT (data);
  TestPlace place;
  Agent a, b;

  if (!setup (&place))
    return;
  agent_init (&a, &place);
  agent_init (&b, &place);
  for (guint i = 0; i < turns (200); i++)
    {
      take (&a);
      if (async)
        take_async (&b, NULL);
      else
        take_in_thread (&b, NULL);
      /* Also before it waits: then no wake-up may be lost on the way there. */
      if (i % 2 == 0)
        await_watches (1);
      drop (&a);
      await_done (&b);
      g_assert_cmpint (b.acquire.result, ==, FLUFL_RESULT_HELD);
      drop (&b);
    }
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

/* Lets a holder go at a chosen call of a waiter. */
static Agent *going;
static enum { AT_LINK, BEFORE_LIST, AFTER_LIST } going_at;

static void
go (void)
{
  Agent *agent = g_steal_pointer (&going);

  if (agent != NULL)
    drop (agent);
}

static int
link_and_go (const char *from, const char *to)
{
  int result = link (from, to);

  if (result != 0 && going_at == AT_LINK)
    {
      go ();
      errno = EEXIST;
    }
  return result;
}

static int
list_and_go (const char *directory, FluflNameFunc func, gpointer user_data)
{
  int result;

  if (going_at == BEFORE_LIST)
    go ();
  result = flufl_syscalls_posix.list (directory, func, user_data);
  if (going_at == AFTER_LIST)
    go ();
  return result;
}

static void
test_no_wake_up_lost (gconstpointer data)
{
  TestPlace place;
  Agent a, b;

  if (!setup (&place))
    return;
  g_test_summary ("The holder goes while the waiter makes ready to wait");
  going_at = GPOINTER_TO_INT (data);
  agent_init (&a, &place);
  agent_init (&b, &place);
  for (int i = 0; i < 10; i++)
    {
      sys.link = link;
      sys.list = flufl_syscalls_posix.list;
      take (&a);
      going = &a;
      sys.link = link_and_go;
      sys.list = list_and_go;
      take (&b);
      g_assert_null (going);
      drop (&b);
    }
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

static void
test_line (gconstpointer data)
{
  gboolean async = GPOINTER_TO_INT (data);
  TestPlace place;
  Agent agents[8];
  const int n = G_N_ELEMENTS (agents);

  if (!setup (&place))
    return;
  g_test_summary ("First come, first served, one woken at a time");
  for (int i = 0; i < n; i++)
    agent_init (&agents[i], &place);
  take (&agents[0]);
  for (int i = 1; i < n; i++)
    {
      if (async)
        take_async (&agents[i], NULL);
      else
        take_in_thread (&agents[i], NULL);
      await_watches ((guint) i);
    }
  for (int i = 1; i < n; i++)
    {
      drop (&agents[i - 1]);
      await_done (&agents[i]);
      g_assert_cmpint (agents[i].acquire.result, ==, FLUFL_RESULT_HELD);
      for (int k = i + 1; k < n; k++)
        g_assert_false (g_atomic_int_get (&agents[k].done));
    }
  drop (&agents[n - 1]);
  for (int i = 0; i < n; i++)
    agent_clear (&agents[i]);
  teardown (&place);
}

static void
test_one_leaves_the_line (void)
{
  TestPlace place;
  Agent a, b, c;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  if (!setup (&place))
    return;
  agent_init (&a, &place);
  agent_init (&b, &place);
  agent_init (&c, &place);
  take (&a);
  take_in_thread (&b, cancellable);
  await_watches (1);
  take_async (&c, NULL);
  await_watches (2);
  g_cancellable_cancel (cancellable);
  await_done (&b);
  g_assert_cmpint (b.acquire.result, ==, FLUFL_RESULT_CANCELLED);
  g_test_message ("Who was behind it is behind the holder now");
  await_watches (1);
  drop (&a);
  await_done (&c);
  drop (&c);
  agent_clear (&a);
  agent_clear (&b);
  agent_clear (&c);
  teardown (&place);
}

static void
test_leaver_has_a_child (void)
{
  TestPlace place;
  Agent a, b, c;
  pid_t child;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  if (!setup (&place))
    return;
  g_test_summary ("One gives up, and a child has its claim open");
  agent_init (&a, &place);
  agent_init (&b, &place);
  agent_init (&c, &place);
  take (&a);
  take_in_thread (&b, cancellable);
  await_watches (1);
  take_async (&c, NULL);
  await_watches (2);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    for (;;)
      pause ();
  g_cancellable_cancel (cancellable);
  await_done (&b);
  drop (&a);
  await_done (&c);
  drop (&c);
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  agent_clear (&a);
  agent_clear (&b);
  agent_clear (&c);
  teardown (&place);
}

static void
test_claim_is_kept (void)
{
  TestPlace place;
  Agent a, b;
  FluflClaim kept = { .path = NULL };

  if (!setup (&place))
    return;
  g_test_summary ("A holder that keeps its claim wakes up the next one");
  agent_init (&a, &place);
  agent_init (&b, &place);
  for (int i = 0; i < 20; i++)
    {
      int errsv = 0;

      prepare (&a, G_MAXINT64, NULL);
      a.acquire.claim = kept;
      flufl_acquire_run (&a.acquire);
      g_assert_cmpint (a.acquire.result, ==, FLUFL_RESULT_HELD);
      take_in_thread (&b, NULL);
      await_watches (1);
      g_assert_cmpint (flufl_claim_park (&a.acquire.claim, &a.site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
      kept = a.acquire.claim;
      g_assert_nonnull (kept.path);
      await_done (&b);
      drop (&b);
    }
  flufl_claim_abandon (&kept, &a.site);
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

static void
test_sleeper_is_passed (void)
{
  TestPlace place;
  Agent a, b;
  int errsv = 0;

  if (!setup (&place))
    return;
  g_test_summary ("One who came first and never moves, although it lives");
  flufl_acquire_patience = 1000;
  agent_init (&a, &place);
  agent_init (&b, &place);
  g_assert_cmpint (flufl_claim_create (&a.acquire.claim, &a.site, LIFETIME, &errsv), ==,
                   FLUFL_OUTCOME_AGAIN);
  flufl_queue_met_company (&b.queue);
  take (&b);
  g_assert_nonnull (b.queue.ignored);
  drop (&b);
  g_test_message ("It is not waited for again");
  flufl_acquire_patience = HOUR;
  take (&b);
  drop (&b);
  flufl_claim_abandon (&a.acquire.claim, &a.site);
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

static void
test_stopped_is_passed (void)
{
  FluflIdentity identity;
  TestPlace place;
  Agent a, b;
  gint64 start;
  int errsv = 0, status;
  pid_t pid;

  if (!setup (&place))
    return;
  g_test_summary ("One that came long before us and was stopped is not given time to move");
  flufl_identity_get (&sys, &identity);
  agent_init (&a, &place);
  agent_init (&b, &place);
  pid = fork ();
  if (pid == 0)
    {
      if (flufl_claim_create (&a.acquire.claim, &a.site, LIFETIME, &errsv) == FLUFL_OUTCOME_AGAIN)
        raise (SIGSTOP);
      _exit (1);
    }
  g_assert_cmpint (waitpid (pid, &status, WUNTRACED), ==, pid);
  g_assert_true (WIFSTOPPED (status));
  if (identity.space[0] == '\0')
    g_test_skip ("no process is told from another here");
  else
    {
      start = g_get_monotonic_time ();
      while (g_get_monotonic_time () - start < 20 * 1000)
        g_thread_yield ();
      flufl_queue_met_company (&b.queue);
      take (&b);
      g_assert_nonnull (b.queue.ignored);
      drop (&b);
    }
  kill (pid, SIGKILL);
  waitpid (pid, &status, 0);
  test_place_empty (&place);
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

/* Descriptors of inotify instances that this process has open. */
static guint
count_instances (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      if (target != NULL && strstr (target, "inotify") != NULL)
        n++;
    }
  return n;
}

static void
test_hundred (gconstpointer data)
{
  gboolean async = GPOINTER_TO_INT (data);
  TestPlace place;
  Agent holder, agents[100];
  guint n;

  if (!setup (&place))
    return;
  g_test_summary ("A hundred waiters in a process share what they wait with");
  n = turns (G_N_ELEMENTS (agents));
  agent_init (&holder, &place);
  take (&holder);
  for (guint i = 0; i < n; i++)
    {
      agent_init (&agents[i], &place);
      if (async)
        take_async (&agents[i], NULL);
      else
        take_in_thread (&agents[i], NULL);
      await_watches (i + 1);
    }
  g_assert_cmpuint (count_instances (), ==, 1);
  drop (&holder);
  for (guint i = 0; i < n; i++)
    {
      await_done (&agents[i]);
      drop (&agents[i]);
      agent_clear (&agents[i]);
    }
  agent_clear (&holder);
  teardown (&place);
}

static void
test_deadline (void)
{
  TestPlace place;
  Agent a, b;

  if (!setup (&place))
    return;
  agent_init (&a, &place);
  agent_init (&b, &place);
  take (&a);
  for (int i = 0; i < 3; i++)
    {
      gint64 deadline = g_get_monotonic_time () + i * 20000;

      prepare (&b, deadline, NULL);
      flufl_acquire_run (&b.acquire);
      g_assert_cmpint (b.acquire.result, ==, FLUFL_RESULT_TIMED_OUT);
      g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
      g_assert_cmpint (b.acquire.findings.look.sight, ==, FLUFL_SIGHT_CLAIM);
    }
  drop (&a);
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

static void
test_child (void)
{
  TestPlace place;
  Agent a, b, c;
  pid_t pid;
  int status;

  if (!setup (&place))
    return;
  g_test_summary ("A forked child waits, although its parent waits too");
  agent_init (&a, &place);
  agent_init (&b, &place);
  agent_init (&c, &place);
  take (&a);
  take_in_thread (&b, NULL);
  await_watches (1);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      prepare (&c, G_MAXINT64, NULL);
      flufl_acquire_run (&c.acquire);
      if (c.acquire.result != FLUFL_RESULT_HELD)
        _exit (1);
      drop (&c);
      /* Success. What GLib keeps for threads that are the parent's is no leak
       * of the child's, and memcheck asks only those who exit. */
      kill (getpid (), SIGKILL);
    }
  while (test_place_count (&place) != 4)
    g_thread_yield ();
  drop (&a);
  await_done (&b);
  drop (&b);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
  agent_clear (&a);
  agent_clear (&b);
  agent_clear (&c);
  teardown (&place);
}

/* Without watches, for as long as the process lives. */
static gboolean
setup_blind (TestPlace *place)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return FALSE;
    }
  sys = flufl_syscalls_posix;
  no_inotify = TRUE;
  flufl_acquire_patience = HOUR;
  alarm (TEST_PATIENCE_SEC);
  test_place_init (place);
  return TRUE;
}

static void
test_without_watches (void)
{
  TestPlace place;
  Agent a, b;
  gint64 start = g_get_monotonic_time ();

  if (!setup_blind (&place))
    return;
  agent_init (&a, &place);
  agent_init (&b, &place);
  for (int i = 0; i < 3; i++)
    {
      take (&a);
      take_in_thread (&b, NULL);
      while (test_place_count (&place) != 3)
        g_thread_yield ();
      g_usleep (1000);
      drop (&a);
      await_done (&b);
      drop (&b);
    }
  g_assert_cmpint (flufl_watch_fd (), ==, -1);
  /* To be refused takes the kernel as long as a hundred hand-offs. */
  g_assert_cmpint (n_asked, <=, 1 + (g_get_monotonic_time () - start) / (10 * G_USEC_PER_SEC));
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

static int n_links, n_looks;

static int
count_link (const char *from, const char *to)
{
  g_atomic_int_inc (&n_links);
  return link (from, to);
}

static int
count_lstat (const char *path, struct stat *st)
{
  g_atomic_int_inc (&n_looks);
  return lstat (path, st);
}

static void
test_untold_keeps_its_place (void)
{
  TestPlace place;
  Agent a, b;
  int errsv = 0;

  if (!setup_blind (&place))
    return;
  g_test_summary ("Who cannot watch goes before nobody either, although the lock is free");
  agent_init (&a, &place);
  agent_init (&b, &place);
  if (flufl_site_fs_kind (&b.site) != FLUFL_FS_LOCAL)
    g_test_skip ("no queue here");
  else
    {
      sys.link = count_link;
      sys.lstat = count_lstat;
      g_assert_cmpint (flufl_claim_create (&a.acquire.claim, &a.site, LIFETIME, &errsv), ==,
                       FLUFL_OUTCOME_AGAIN);
      flufl_queue_met_company (&b.queue);
      take_in_thread (&b, NULL);
      while (g_atomic_int_get (&n_looks) < 20)
        g_thread_yield ();
      g_assert_cmpint (g_atomic_int_get (&n_links), ==, 0);
      flufl_claim_abandon (&a.acquire.claim, &a.site);
      await_done (&b);
      drop (&b);
    }
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

static void
test_untold_looks_less_and_less (void)
{
  TestPlace place;
  Agent a, b;
  gint64 start;

  if (!setup_blind (&place))
    return;
  g_test_summary ("A lock that is held for long is not asked for a thousand times a second");
  agent_init (&a, &place);
  agent_init (&b, &place);
  if (flufl_site_fs_kind (&b.site) != FLUFL_FS_LOCAL)
    g_test_skip ("no short pauses here");
  else
    {
      take (&a);
      start = g_get_monotonic_time ();
      sys.lstat = count_lstat;
      take_in_thread (&b, NULL);
      /* Each comes after a sixteenth of the time before it, at the least. */
      while (g_atomic_int_get (&n_looks) < 100)
        g_thread_yield ();
      g_assert_cmpint (g_get_monotonic_time () - start, >, 100 * 1000);
      drop (&a);
      await_done (&b);
      drop (&b);
    }
  agent_clear (&a);
  agent_clear (&b);
  teardown (&place);
}

static void
count_work (gpointer data)
{
  g_atomic_int_inc ((int *) data);
}

static gpointer
sleep_thread (gpointer data)
{
  for (int i = 0; i < 50; i++)
    {
      gint64 when = g_get_monotonic_time () + g_random_int_range (0, 2000);

      flufl_sleep_until (when, NULL);
      g_assert_cmpint (g_get_monotonic_time (), >=, when);
    }
  return data;
}

static void
test_engine (void)
{
  GThread *threads[8];
  int n = 0;

  g_test_summary ("Threads and functions that sleep wake each other up, and none is forgotten");
  alarm (TEST_PATIENCE_SEC);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("sleeper", sleep_thread, NULL);
  for (int i = 0; i < 500; i++)
    engine_at (g_get_monotonic_time () + g_random_int_range (-100, 20000), NULL, count_work,
               &n);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  while (g_atomic_int_get (&n) != 500)
    g_thread_yield ();
  alarm (0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/waiting/engine", test_engine);
  g_test_add_data_func ("/waiting/woken/sync", GINT_TO_POINTER (FALSE), test_woken);
  g_test_add_data_func ("/waiting/woken/async", GINT_TO_POINTER (TRUE), test_woken);
  g_test_add_data_func ("/waiting/no-wake-up-lost/link", GINT_TO_POINTER (AT_LINK),
                        test_no_wake_up_lost);
  g_test_add_data_func ("/waiting/no-wake-up-lost/before-list", GINT_TO_POINTER (BEFORE_LIST),
                        test_no_wake_up_lost);
  g_test_add_data_func ("/waiting/no-wake-up-lost/after-list", GINT_TO_POINTER (AFTER_LIST),
                        test_no_wake_up_lost);
  g_test_add_data_func ("/waiting/line/sync", GINT_TO_POINTER (FALSE), test_line);
  g_test_add_data_func ("/waiting/line/async", GINT_TO_POINTER (TRUE), test_line);
  g_test_add_func ("/waiting/one-leaves-the-line", test_one_leaves_the_line);
  g_test_add_func ("/waiting/leaver-has-a-child", test_leaver_has_a_child);
  g_test_add_func ("/waiting/claim-is-kept", test_claim_is_kept);
  g_test_add_func ("/waiting/sleeper-is-passed", test_sleeper_is_passed);
  g_test_add_func ("/waiting/stopped-is-passed", test_stopped_is_passed);
  g_test_add_data_func ("/waiting/hundred/sync", GINT_TO_POINTER (FALSE), test_hundred);
  g_test_add_data_func ("/waiting/hundred/async", GINT_TO_POINTER (TRUE), test_hundred);
  g_test_add_func ("/waiting/deadline", test_deadline);
  g_test_add_func ("/waiting/child", test_child);
  g_test_add_func ("/waiting/without-watches", test_without_watches);
  g_test_add_func ("/waiting/untold/keeps-its-place", test_untold_keeps_its_place);
  g_test_add_func ("/waiting/untold/looks-less-and-less", test_untold_looks_less_and_less);

  return g_test_run ();
}
