/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Waits: the waiters that wake up, the times at which they do, and the costs.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acquire-util.h"
#include "agent.h"
#include "engine-util.h"

static void
test_woken (gconstpointer data)
{
  gboolean async = GPOINTER_TO_INT (data);
  TestPlace place;
  Agent a, b;

  if (!agent_setup (&place))
    return;
  agent_init (&a, &place);
  agent_init (&b, &place);
  for (guint i = 0; i < 200; i++)
    {
      agent_take (&a);
      if (async)
        agent_take_async (&b, NULL);
      else
        agent_take_in_thread (&b, NULL);
      /* The release may come before the wait. A wake-up must not be lost then. */
      if (i % 2 == 0)
        agent_await_watches (1);
      agent_drop (&a);
      agent_await (&b);
      g_assert_cmpint (b.acquire.result, ==, FLUFL_RESULT_HELD);
      agent_drop (&b);
    }
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
}

/* A holder that releases at a chosen call of a waiter. */
static Agent *going;
static enum { AT_LINK, BEFORE_LIST, AFTER_LIST } going_at;

static void
go (void)
{
  Agent *agent = g_steal_pointer (&going);

  if (agent != NULL)
    agent_drop (agent);
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
  result = flufl_syscalls_native.list (directory, func, user_data);
  if (going_at == AFTER_LIST)
    go ();
  return result;
}

static void
test_no_wake_up_lost (gconstpointer data)
{
  TestPlace place;
  Agent a, b;

  if (!agent_setup (&place))
    return;
  g_test_summary ("The holder goes while the waiter makes ready to wait");
  going_at = GPOINTER_TO_INT (data);
  agent_init (&a, &place);
  agent_init (&b, &place);
  for (int i = 0; i < 10; i++)
    {
      agent_sys.link = link;
      agent_sys.list = flufl_syscalls_native.list;
      agent_take (&a);
      going = &a;
      agent_sys.link = link_and_go;
      agent_sys.list = list_and_go;
      agent_take (&b);
      g_assert_null (going);
      agent_drop (&b);
    }
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
}

/* The number of inotify instances that this process has open. */
static guint
count_instances (void)
{
  return test_each_descriptor ("inotify", NULL);
}

static void
test_hundred (gconstpointer data)
{
  gboolean async = GPOINTER_TO_INT (data);
  TestPlace place;
  Agent holder, agents[100];
  guint n;

  if (!agent_setup (&place))
    return;
  g_test_summary ("A hundred waiters in a process share what they wait with");
  n = G_N_ELEMENTS (agents);
  agent_init (&holder, &place);
  agent_take (&holder);
  for (guint i = 0; i < n; i++)
    {
      agent_init (&agents[i], &place);
      if (async)
        agent_take_async (&agents[i], NULL);
      else
        agent_take_in_thread (&agents[i], NULL);
      agent_await_watches (i + 1);
    }
  g_assert_cmpuint (count_instances (), ==, 1);
  agent_drop (&holder);
  for (guint i = 0; i < n; i++)
    {
      agent_await (&agents[i]);
      agent_drop (&agents[i]);
      agent_clear (&agents[i]);
    }
  agent_clear (&holder);
  agent_teardown (&place);
}

static void
test_deadline (void)
{
  TestPlace place;
  Agent a, b;

  if (!agent_setup (&place))
    return;
  agent_init (&a, &place);
  agent_init (&b, &place);
  agent_take (&a);
  for (int i = 0; i < 3; i++)
    {
      gint64 deadline = g_get_monotonic_time () + i * 20000;

      agent_prepare (&b, deadline, NULL);
      acquire_run (&b.acquire);
      g_assert_cmpint (b.acquire.result, ==, FLUFL_RESULT_TIMED_OUT);
      g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
      g_assert_cmpint (b.acquire.findings.look.sight, ==, FLUFL_SIGHT_CLAIM);
    }
  agent_drop (&a);
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
}

static void
test_child (void)
{
  TestPlace place;
  Agent a, b, c;
  pid_t pid;
  int status;

  if (!agent_setup (&place))
    return;
  g_test_summary ("A forked child waits, although its parent waits too");
  agent_init (&a, &place);
  agent_init (&b, &place);
  agent_init (&c, &place);
  agent_take (&a);
  agent_take_in_thread (&b, NULL);
  agent_await_watches (1);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      agent_prepare (&c, G_MAXINT64, NULL);
      acquire_run (&c.acquire);
      if (c.acquire.result != FLUFL_RESULT_HELD)
        _exit (1);
      agent_drop (&c);
      /* Success. Memory that GLib keeps for the parent's threads is not a leak of the child, and
       * memcheck looks for leaks only in a process that exits. */
      kill (getpid (), SIGKILL);
    }
  while (test_place_count (&place) != 4)
    g_thread_yield ();
  agent_drop (&a);
  agent_await (&b);
  agent_drop (&b);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
  agent_clear (&a);
  agent_clear (&b);
  agent_clear (&c);
  agent_teardown (&place);
}

static void
test_without_watches (void)
{
  TestPlace place;
  Agent a, b;
  gint64 start = g_get_monotonic_time ();

  if (!agent_setup_unwatched (&place))
    return;
  agent_init (&a, &place);
  agent_init (&b, &place);
  for (int i = 0; i < 3; i++)
    {
      agent_take (&a);
      agent_take_in_thread (&b, NULL);
      while (test_place_count (&place) != 3)
        g_thread_yield ();
      g_usleep (1000);
      agent_drop (&a);
      agent_await (&b);
      agent_drop (&b);
    }
  g_assert_cmpint (flufl_watch_fd (), ==, -1);
  /* A refusal by the kernel takes as long as a hundred hand-offs. */
  g_assert_cmpint (agent_n_asked, <=,
                   1 + (g_get_monotonic_time () - start) / (10 * G_USEC_PER_SEC));
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
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

      engine_sleep_until (when, NULL);
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
  /* Each waiter here stands for a process. */
  flufl_turn_front_max = G_MAXUINT;

  g_test_add_func ("/waiting/engine", test_engine);
  g_test_add_data_func ("/waiting/woken/sync", GINT_TO_POINTER (FALSE), test_woken);
  g_test_add_data_func ("/waiting/woken/async", GINT_TO_POINTER (TRUE), test_woken);
  g_test_add_data_func ("/waiting/no-wake-up-lost/link", GINT_TO_POINTER (AT_LINK),
                        test_no_wake_up_lost);
  g_test_add_data_func ("/waiting/no-wake-up-lost/before-list", GINT_TO_POINTER (BEFORE_LIST),
                        test_no_wake_up_lost);
  g_test_add_data_func ("/waiting/no-wake-up-lost/after-list", GINT_TO_POINTER (AFTER_LIST),
                        test_no_wake_up_lost);
  g_test_add_data_func ("/waiting/hundred/sync", GINT_TO_POINTER (FALSE), test_hundred);
  g_test_add_data_func ("/waiting/hundred/async", GINT_TO_POINTER (TRUE), test_hundred);
  g_test_add_func ("/waiting/deadline", test_deadline);
  g_test_add_func ("/waiting/child", test_child);
  g_test_add_func ("/waiting/without-watches", test_without_watches);

  return g_test_run ();
}
