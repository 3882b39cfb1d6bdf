/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Waiters in a queue: the order of their turns, waiters that leave, and waiters that are passed over.
 */

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acquire-util.h"
#include "agent.h"

static void
test_line (gconstpointer data)
{
  gboolean async = GPOINTER_TO_INT (data);
  TestPlace place;
  Agent agents[8];
  const int n = G_N_ELEMENTS (agents);

  if (!agent_setup (&place))
    return;
  g_test_summary ("First come, first served, one woken at a time");
  for (int i = 0; i < n; i++)
    agent_init (&agents[i], &place);
  agent_take (&agents[0]);
  for (int i = 1; i < n; i++)
    {
      if (async)
        agent_take_async (&agents[i], NULL);
      else
        agent_take_in_thread (&agents[i], NULL);
      agent_await_watches ((guint) i);
    }
  for (int i = 1; i < n; i++)
    {
      agent_drop (&agents[i - 1]);
      agent_await (&agents[i]);
      g_assert_cmpint (agents[i].acquire.result, ==, FLUFL_RESULT_HELD);
      for (int k = i + 1; k < n; k++)
        g_assert_false (g_atomic_int_get (&agents[k].done));
    }
  agent_drop (&agents[n - 1]);
  for (int i = 0; i < n; i++)
    agent_clear (&agents[i]);
  agent_teardown (&place);
}

static void
test_one_leaves_the_queue (void)
{
  TestPlace place;
  Agent a, b, c;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  if (!agent_setup (&place))
    return;
  agent_init (&a, &place);
  agent_init (&b, &place);
  agent_init (&c, &place);
  agent_take (&a);
  agent_take_in_thread (&b, cancellable);
  agent_await_watches (1);
  agent_take_async (&c, NULL);
  agent_await_watches (2);
  g_cancellable_cancel (cancellable);
  agent_await (&b);
  g_assert_cmpint (b.acquire.result, ==, FLUFL_RESULT_CANCELLED);
  g_test_message ("The waiter behind it is behind the holder now");
  agent_await_watches (1);
  agent_drop (&a);
  agent_await (&c);
  agent_drop (&c);
  agent_clear (&a);
  agent_clear (&b);
  agent_clear (&c);
  agent_teardown (&place);
}

static void
test_leaver_has_a_child (void)
{
  TestPlace place;
  Agent a, b, c;
  pid_t child;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  if (!agent_setup (&place))
    return;
  g_test_summary ("One gives up, and a child has its claim open");
  agent_init (&a, &place);
  agent_init (&b, &place);
  agent_init (&c, &place);
  agent_take (&a);
  agent_take_in_thread (&b, cancellable);
  agent_await_watches (1);
  agent_take_async (&c, NULL);
  agent_await_watches (2);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    for (;;)
      pause ();
  g_cancellable_cancel (cancellable);
  agent_await (&b);
  agent_drop (&a);
  agent_await (&c);
  agent_drop (&c);
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  agent_clear (&a);
  agent_clear (&b);
  agent_clear (&c);
  agent_teardown (&place);
}

static void
test_claim_is_kept (void)
{
  TestPlace place;
  Agent a, b;
  FluflClaim kept = { .path = NULL };

  if (!agent_setup (&place))
    return;
  g_test_summary ("A holder that keeps its claim wakes up the next one");
  agent_init (&a, &place);
  agent_init (&b, &place);
  for (int i = 0; i < 20; i++)
    {
      int errsv = 0;

      agent_prepare (&a, G_MAXINT64, NULL);
      a.acquire.claim = kept;
      acquire_run (&a.acquire);
      g_assert_cmpint (a.acquire.result, ==, FLUFL_RESULT_HELD);
      agent_take_in_thread (&b, NULL);
      agent_await_watches (1);
      g_assert_cmpint (flufl_claim_park (&a.acquire.claim, &a.site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
      kept = a.acquire.claim;
      g_assert_nonnull (kept.path);
      agent_await (&b);
      agent_drop (&b);
    }
  flufl_claim_abandon (&kept, &a.site);
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
}

static void
test_idle_waiter_is_passed_over (void)
{
  TestPlace place;
  Agent a, b;
  int errsv = 0;

  if (!agent_setup (&place))
    return;
  g_test_summary ("One who came first and never moves, although it lives");
  flufl_acquire_patience = 1000;
  agent_init (&a, &place);
  agent_init (&b, &place);
  g_assert_cmpint (flufl_claim_create (&a.acquire.claim, &a.site, AGENT_LIFETIME, &errsv), ==,
                   FLUFL_OUTCOME_READY);
  flufl_queue_met_company (&b.queue);
  agent_take (&b);
  g_assert_nonnull (b.queue.passed_over);
  agent_drop (&b);
  g_test_message ("It is not waited for again");
  flufl_acquire_patience = AGENT_HOUR;
  agent_take (&b);
  agent_drop (&b);
  flufl_claim_abandon (&a.acquire.claim, &a.site);
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
}

static void
test_stopped_is_passed_over (void)
{
  FluflIdentity identity;
  TestPlace place;
  Agent a, b;
  gint64 start;
  int errsv = 0, status;
  pid_t pid;

  if (!agent_setup (&place))
    return;
  g_test_summary ("One that came long before us and was stopped is not given time to move");
  flufl_identity_get (&agent_sys, &identity);
  agent_init (&a, &place);
  agent_init (&b, &place);
  pid = fork ();
  if (pid == 0)
    {
      if (flufl_claim_create (&a.acquire.claim, &a.site, AGENT_LIFETIME, &errsv)
          == FLUFL_OUTCOME_READY)
        raise (SIGSTOP);
      _exit (1);
    }
  g_assert_cmpint (waitpid (pid, &status, WUNTRACED), ==, pid);
  g_assert_true (WIFSTOPPED (status));
  if (identity.space[0] == '\0')
    g_test_skip ("processes cannot be distinguished here");
  else
    {
      start = g_get_monotonic_time ();
      while (g_get_monotonic_time () - start < 20 * 1000)
        g_thread_yield ();
      flufl_queue_met_company (&b.queue);
      agent_take (&b);
      g_assert_nonnull (b.queue.passed_over);
      agent_drop (&b);
    }
  kill (pid, SIGKILL);
  waitpid (pid, &status, 0);
  test_place_empty (&place);
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
}

static int n_links, n_lstats;

static int
count_link (const char *from, const char *to)
{
  g_atomic_int_inc (&n_links);
  return link (from, to);
}

static int
count_lstat (const char *path, FluflStat *st)
{
  g_atomic_int_inc (&n_lstats);
  return flufl_syscalls_native.lstat (path, st);
}

static void
test_unwatched_keeps_its_place (void)
{
  TestPlace place;
  Agent a, b;
  int errsv = 0;

  if (!agent_setup_unwatched (&place))
    return;
  g_test_summary ("A waiter without a watch does not overtake, even if the lock is free");
  agent_init (&a, &place);
  agent_init (&b, &place);
  if (flufl_site_fs_kind (&b.site) != FLUFL_FS_LOCAL)
    g_test_skip ("no queue here");
  else
    {
      agent_sys.link = count_link;
      agent_sys.lstat = count_lstat;
      g_assert_cmpint (flufl_claim_create (&a.acquire.claim, &a.site, AGENT_LIFETIME, &errsv), ==,
                       FLUFL_OUTCOME_READY);
      flufl_queue_met_company (&b.queue);
      agent_take_in_thread (&b, NULL);
      while (g_atomic_int_get (&n_lstats) < 20)
        g_thread_yield ();
      g_assert_cmpint (g_atomic_int_get (&n_links), ==, 0);
      flufl_claim_abandon (&a.acquire.claim, &a.site);
      agent_await (&b);
      agent_drop (&b);
    }
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
}

static void
test_unwatched_looks_less_and_less (void)
{
  TestPlace place;
  Agent a, b;
  gint64 start;

  if (!agent_setup_unwatched (&place))
    return;
  g_test_summary ("A lock that is held for long is not asked for a thousand times a second");
  agent_init (&a, &place);
  agent_init (&b, &place);
  if (flufl_site_fs_kind (&b.site) != FLUFL_FS_LOCAL)
    g_test_skip ("no short pauses here");
  else
    {
      agent_take (&a);
      start = g_get_monotonic_time ();
      agent_sys.lstat = count_lstat;
      agent_take_in_thread (&b, NULL);
      /* Each lstat(2) comes after a sixteenth of the time before it, at the earliest. */
      while (g_atomic_int_get (&n_lstats) < 100)
        g_thread_yield ();
      g_assert_cmpint (g_get_monotonic_time () - start, >, 100 * 1000);
      agent_drop (&a);
      agent_await (&b);
      agent_drop (&b);
    }
  agent_clear (&a);
  agent_clear (&b);
  agent_teardown (&place);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Each waiter here stands for a process. */
  flufl_turn_front_max = G_MAXUINT;

  g_test_add_data_func ("/line/order/sync", GINT_TO_POINTER (FALSE), test_line);
  g_test_add_data_func ("/line/order/async", GINT_TO_POINTER (TRUE), test_line);
  g_test_add_func ("/line/one-leaves", test_one_leaves_the_queue);
  g_test_add_func ("/line/leaver-has-a-child", test_leaver_has_a_child);
  g_test_add_func ("/line/claim-is-kept", test_claim_is_kept);
  g_test_add_func ("/line/idle-waiter-is-passed-over", test_idle_waiter_is_passed_over);
  g_test_add_func ("/line/stopped-is-passed-over", test_stopped_is_passed_over);
  g_test_add_func ("/line/unwatched/keeps-its-place", test_unwatched_keeps_its_place);
  g_test_add_func ("/line/unwatched/looks-less-and-less", test_unwatched_looks_less_and_less);

  return g_test_run ();
}
