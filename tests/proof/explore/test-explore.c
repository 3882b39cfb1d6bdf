/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The protocol's own code, run by two processes in every order of their calls, with a death, a
 * pause or a lost reply at any place; and by more processes in random orders.
 *
 * Complete are the searches of each scenario of two processes, with three tries for the lock
 * each: in every order without events and, with --minutes, with one event, too. Bounded are the
 * orders with one event, which have at most two changes to the other process where the current
 * one could have gone on. A pause has one of the lengths in choices.c (spans). A hash of 64 bits
 * stands for a state. A1 of docs/protocol.md is assumed: no process is delayed for more than half
 * the grace just before a call that the deadline guards.
 */

#include <string.h>

#include "search.h"

static const Scenario scenarios[] = {
  { .name = "cycles", .kind = FLUFL_FS_NFS, .scripts = { "AWRAWR", "AWR" } },
  { .name = "cycles-local", .kind = FLUFL_FS_LOCAL, .scripts = { "AWRAWR", "AWR" } },
  { .name = "two-breakers", .kind = FLUFL_FS_NFS, .seed = SEED_EXPIRED, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "two-breakers-local", .kind = FLUFL_FS_LOCAL, .seed = SEED_EXPIRED, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "late-release", .kind = FLUFL_FS_NFS, .age = 26, .scripts = { "A:R", "AWR" } },
  { .name = "late-release-local", .kind = FLUFL_FS_LOCAL, .age = 26, .scripts = { "A:R", "AWR" } },
  { .name = "refresh", .kind = FLUFL_FS_NFS, .age = 26, .scripts = { "A:FWR", "AWR" } },
  { .name = "refresh-local", .kind = FLUFL_FS_LOCAL, .age = 26, .scripts = { "A:FWR", "AWR" } },
  { .name = "refresh-in-time", .kind = FLUFL_FS_NFS, .age = 14, .scripts = { "A:FWFR", "AWR" } },
  { .name = "orphan", .kind = FLUFL_FS_NFS, .seed = SEED_ORPHAN, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "orphan-local", .kind = FLUFL_FS_LOCAL, .seed = SEED_LINE_ORPHAN, .age = 6,
    .scripts = { "AWR", "AWR" } },
  { .name = "killed", .kind = FLUFL_FS_NFS, .seed = SEED_KILLED, .age = 1,
    .scripts = { "AWR", "AWR" } },
  { .name = "life-line", .kind = FLUFL_FS_LOCAL, .seed = SEED_KILLED, .age = 1,
    .scripts = { "AWR", "AWR" } },
  { .name = "linger", .kind = FLUFL_FS_LOCAL, .scripts = { "AP:AWPAWP", "AWR" } },
  { .name = "linger-late", .kind = FLUFL_FS_LOCAL, .age = 26, .scripts = { "APA:FPAWP", "AWR" } },
  { .name = "linger-nfs", .kind = FLUFL_FS_NFS, .scripts = { "AP:AWPAWP", "AWR" } },
  { .name = "linger-late-nfs", .kind = FLUFL_FS_NFS, .age = 26, .scripts = { "APA:FPAWP", "AWR" } },
  { .name = "blank", .kind = FLUFL_FS_NFS, .seed = SEED_BLANK, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "blank-local", .kind = FLUFL_FS_LOCAL, .seed = SEED_BLANK, .age = 1,
    .scripts = { "AWR", "AWR" } },
  { .name = "copied", .kind = FLUFL_FS_NFS, .seed = SEED_COPIED, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "copied-local", .kind = FLUFL_FS_LOCAL, .seed = SEED_COPIED, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "stepped", .kind = FLUFL_FS_LOCAL, .age = 6, .step = 3600, .watches = TRUE,
    .scripts = { "A:FWR", "AWR" } },
  { .name = "stepped-linger", .kind = FLUFL_FS_LOCAL, .age = 6, .step = 3600, .watches = TRUE,
    .scripts = { "AP:AFWPAWP", "AWR" } },
  { .name = "collect", .kind = FLUFL_FS_LOCAL, .seed = SEED_WAITER, .age = 1,
    .scripts = { "QWR", "QWR" } },
  { .name = "without-links", .kind = FLUFL_FS_FAT, .scripts = { "AWRAWR", "AWR" } },
  { .name = "without-links-far", .kind = FLUFL_FS_OTHER, .scripts = { "AWRAWR", "AWR" } },
  { .name = "without-links-breakers", .kind = FLUFL_FS_OTHER, .seed = SEED_EXPIRED, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "without-links-orphan", .kind = FLUFL_FS_OTHER, .seed = SEED_ORPHAN, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "without-links-blank", .kind = FLUFL_FS_OTHER, .seed = SEED_BLANK, .age = 100,
    .scripts = { "AWR", "AWR" } },
  { .name = "without-links-killed", .kind = FLUFL_FS_FAT, .seed = SEED_KILLED, .age = 1,
    .scripts = { "AWR", "AWR" } },
  { .name = "without-links-late", .kind = FLUFL_FS_OTHER, .age = 29, .scripts = { "A:R", "AWR" } },
  { .name = "without-links-refresh", .kind = FLUFL_FS_OTHER, .age = 29,
    .scripts = { "A:FWR", "AWR" } },
  { .name = "cluster", .kind = FLUFL_FS_OTHER, .cluster = TRUE, .scripts = { "AWRAWR", "AWR" } },
  { .name = "cluster-breakers", .kind = FLUFL_FS_OTHER, .cluster = TRUE, .seed = SEED_EXPIRED,
    .age = 100, .scripts = { "AWR", "AWR" } },
  { .name = "cluster-orphan", .kind = FLUFL_FS_OTHER, .cluster = TRUE, .seed = SEED_ORPHAN, .age = 100,
    .tries = 5, .scripts = { "AWR", "AWR" } },
  { .name = "cluster-killed", .kind = FLUFL_FS_OTHER, .cluster = TRUE, .seed = SEED_KILLED, .age = 1,
    .scripts = { "AWR", "AWR" } },
  { .name = "cluster-copied", .kind = FLUFL_FS_OTHER, .cluster = TRUE, .seed = SEED_COPIED, .age = 100,
    .tries = 5, .scripts = { "AWR", "AWR" } },
  { .name = "cluster-late", .kind = FLUFL_FS_OTHER, .cluster = TRUE, .age = 26,
    .scripts = { "A:R", "AWR" } },
  { .name = "cluster-refresh", .kind = FLUFL_FS_OTHER, .cluster = TRUE, .age = 6,
    .scripts = { "A:FWFWR", "AWR" } },
};

/* A scenario with flufl's algorithm, in which two processes get the lock. */
static const Scenario flufl_breakers = {
  .name = "flufl", .kind = FLUFL_FS_NFS, .seed = SEED_EXPIRED, .age = 100, .flufl = TRUE,
  .scripts = { "AWR", "AWR" },
};
static const Scenario delayed_breakers = {
  .name = "delayed", .kind = FLUFL_FS_NFS, .seed = SEED_EXPIRED, .age = 100, .without_a1 = TRUE,
  .scripts = { "AWR", "AWR" },
};

/* The options. With numbers of events there is only that search, for each scenario. */
static int times = -1, crashes = -1, losses = -1, deletions = -1, spans = 2, preemptions = -1;
static int n_tries = 3;
static int n_walks = -1;
static gint64 seed = -1;
static double minutes;
static char *only;
static gboolean is_slow, is_long;

static struct
{
  guint64 runs, states, walks, steps;
  guint   searches, complete;
} total;

static const GOptionEntry options[] = {
  { "scenario", 0, 0, G_OPTION_ARG_STRING, &only, "Only this one", "NAME" },
  { "times", 0, 0, G_OPTION_ARG_INT, &times, "Spans of time that pass", "N" },
  { "crashes", 0, 0, G_OPTION_ARG_INT, &crashes, "Processes that die", "N" },
  { "losses", 0, 0, G_OPTION_ARG_INT, &losses, "Replies that get lost", "N" },
  { "deletions", 0, 0, G_OPTION_ARG_INT, &deletions, "By a person", "N" },
  { "spans", 0, 0, G_OPTION_ARG_INT, &spans, "How many different spans", "1-6" },
  { "preemptions", 0, 0, G_OPTION_ARG_INT, &preemptions, "At most so many", "N" },
  { "tries", 0, 0, G_OPTION_ARG_INT, &n_tries, "For the lock, of each process", "N" },
  { "walks", 0, 0, G_OPTION_ARG_INT, &n_walks, "Run N random schedules", "N" },
  { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "The seed of the first random schedule", "N" },
  { "minutes", 0, 0, G_OPTION_ARG_DOUBLE, &minutes, "Go on for N minutes", "N" },
  G_OPTION_ENTRY_NULL,
};

static const Scenario stepped_unwatched = {
  .name = "unwatched", .kind = FLUFL_FS_LOCAL, .age = 6, .step = 3600,
  .scripts = { "A:FWR", "AWR" },
};

/* The same disk, taken for one whose ctime can be trusted. */
static const Scenario trusting_breakers = {
  .name = "trusting", .kind = FLUFL_FS_NFS, .cluster = TRUE, .seed = SEED_KILLED, .age = 6,
  .scripts = { "AWR", "AWR" },
};
static void
search (const Scenario *scenario, const Budget *budget)
{
  gint64 start = g_get_monotonic_time ();
  Findings found;

  search_all (scenario, budget, G_MAXUINT64, G_MAXINT64, &found);
  g_test_message ("%s, %u pauses, %u deaths, %u lost replies, %u deletions: %" G_GUINT64_FORMAT
                  " runs, %" G_GUINT64_FORMAT " states, %s, %.1f s",
                  scenario->name, budget->times, budget->crashes, budget->losses,
                  budget->deletions, found.runs, found.states, found.complete ? "complete" : "not complete",
                  (double) (g_get_monotonic_time () - start) / 1e6);
  if (found.violation != NULL)
    {
      g_test_message ("%s\n%s", found.violation, found.schedule);
      g_test_fail ();
    }
  else
    g_assert_true (found.complete);
  total.runs += found.runs;
  total.states += found.states;
  total.searches++;
  total.complete += found.complete;
  findings_clear (&found);
}

static Budget
budget_of (guint n_times, guint n_crashes, guint n_losses, guint n_deletions)
{
  return (Budget){ .times = n_times, .crashes = n_crashes, .losses = n_losses,
                   .deletions = n_deletions,
                   .preemptions = preemptions, .n_spans = (guint) spans, .tries = (guint) n_tries };
}

/* Searches every order. Then searches orders with one event at any place, and with few changes
 * from one process to the other, since all orders would take too long. */
static void
test_scenario (gconstpointer data)
{
  const Scenario *scenario = data;
  Budget budget = budget_of (0, 0, 0, 0);

  if (times >= 0 || crashes >= 0 || losses >= 0 || deletions >= 0)
    {
      budget = budget_of ((guint) MAX (times, 0), (guint) MAX (crashes, 0), (guint) MAX (losses, 0),
                          (guint) MAX (deletions, 0));
      search (scenario, &budget);
      return;
    }

  if (is_slow)
    {
      /* Under memcheck each step must run, but not each order. */
      budget = budget_of (0, 1, 0, 0);
      budget.preemptions = 0;
      search (scenario, &budget);
      return;
    }
  search (scenario, &budget);
  for (int event = 0; event < 4; event++)
    {
      /* No reply gets lost within one machine. */
      if (event == 2 && scenario->kind == FLUFL_FS_LOCAL)
        continue;
      budget = budget_of (event == 0, event == 1, event == 2, event == 3);
      if (!is_long && preemptions < 0)
        budget.preemptions = 2;
      search (scenario, &budget);
    }
}

/* The search must find a violation that contains @what. Otherwise it proves nothing. */
static void
must_find (const Scenario *scenario, const Budget *budget, const char *what)
{
  Findings found;

  search_all (scenario, budget, G_MAXUINT64, G_MAXINT64, &found);
  g_assert_nonnull (found.violation);
  g_test_message ("found after %" G_GUINT64_FORMAT " runs:\n%s", found.runs, found.schedule);
  g_assert_nonnull (strstr (found.violation, what));
  total.runs += found.runs;
  total.states += found.states;
  findings_clear (&found);
}

static void
test_flufl (void)
{
  Budget budget = budget_of (0, 0, 0, 0);

  g_test_summary ("The two holders of flufl's way to break a lock, without any pause");
  /* A schedule with few changes is easy to read. */
  budget.preemptions = 2;
  must_find (&flufl_breakers, &budget, "two hold the lock");
}

static void
test_unwatched (void)
{
  Budget budget = budget_of (0, 0, 0, 0);

  g_test_summary ("A breaker that believes the wall clock removes a live lock");
  budget.preemptions = 2;
  must_find (&stepped_unwatched, &budget, "which has not expired");
}

static void
test_trusting (void)
{
  Budget budget = budget_of (0, 0, 0, 0);

  g_test_summary ("A breaker that believes a ctime which any client makes: two hold the lock");
  budget.preemptions = 3;
  must_find (&trusting_breakers, &budget, "two hold the lock");
}

static void
test_without_a1 (void)
{
  Budget budget = budget_of (2, 0, 0, 0);

  if (is_slow)
    {
      g_test_skip ("takes too long on a slow machine");
      return;
    }
  g_test_summary ("A breaker or releaser is delayed for longer than the grace: A1 is needed");
  budget.preemptions = 2;
  must_find (&delayed_breakers, &budget, "two hold the lock");
}

/* A random run of three to five processes, in any scenario, with several events and wrong
 * clocks. */
static void
walk (guint32 number)
{
  static const char *const more[] = { "AWR", "AFWR", "AWRAWR", "AR" };
  g_autoptr (GRand) rand = g_rand_new_with_seed (number);
  const Scenario *base = &scenarios[g_rand_int_range (rand, 0, G_N_ELEMENTS (scenarios))];
  Scenario scenario = *base;
  Budget budget = { .preemptions = -1, .n_spans = 6, .tries = 4 };
  guint n = (guint) g_rand_int_range (rand, 3, 6);
  gint64 skew = 0;
  Findings found;

  for (guint i = 2; i < n; i++)
    scenario.scripts[i] = more[g_rand_int_range (rand, 0, G_N_ELEMENTS (more))];
  budget.times = (guint) g_rand_int_range (rand, 0, 4);
  budget.crashes = (guint) g_rand_int_range (rand, 0, 3);
  budget.deletions = (guint) MAX (g_rand_int_range (rand, -2, 3), 0);
  /* On one machine there is one clock, and no reply is lost. */
  if (scenario.kind != FLUFL_FS_LOCAL)
    {
      static const gint64 skews[] = { 0, 0, 3, 40 };

      budget.losses = (guint) g_rand_int_range (rand, 0, 3);
      skew = skews[g_rand_int_range (rand, 0, G_N_ELEMENTS (skews))] * FAKE_SEC;
    }
  search_walk (&scenario, &budget, skew, number, &found);
  total.walks++;
  total.steps += found.steps;
  if (found.violation != NULL)
    {
      g_test_message ("%s; again by --seed %u --walks 1\n%s", found.violation, number,
                      found.schedule);
      g_test_fail ();
    }
  findings_clear (&found);
}

static void
test_walks (void)
{
  guint32 first = seed >= 0 ? (guint32) seed : is_long ? (guint32) g_get_real_time () : 1;
  guint n = n_walks >= 0 ? (guint) n_walks : is_slow ? 100 : 20000;
  gint64 end = g_get_monotonic_time () + (gint64) (minutes * 60e6);

  g_test_message ("walks from --seed %u on", first);
  for (guint i = 0; (i < n || g_get_monotonic_time () < end) && !g_test_failed (); i++)
    walk (first + i);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  FluflIdentity identity;
  int result;

  g_option_context_set_ignore_unknown_options (context, TRUE);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  g_test_init (&argc, &argv, NULL);
  is_slow = g_getenv ("FLUFL_TEST_SLOW_MACHINE") != NULL;
  is_long = minutes > 0;
  /* The real calls find out the identity, once. */
  flufl_identity_get (&flufl_syscalls_native, &identity);

  g_test_add_func ("/explore/flufl", test_flufl);
  g_test_add_func ("/explore/without-a1", test_without_a1);
  g_test_add_func ("/explore/unwatched", test_unwatched);
  g_test_add_func ("/explore/trusting", test_trusting);
  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    if (only == NULL || strcmp (only, scenarios[i].name) == 0)
      {
        g_autofree char *path = g_strconcat ("/explore/", scenarios[i].name, NULL);

        g_test_add_data_func (path, &scenarios[i], test_scenario);
      }
  g_test_add_func ("/explore/walks", test_walks);
  result = g_test_run ();
  g_print ("# figures: %u searches (%u complete), %" G_GUINT64_FORMAT " runs, %" G_GUINT64_FORMAT
           " states, %" G_GUINT64_FORMAT " walks of %" G_GUINT64_FORMAT " steps, %s\n",
           total.searches, total.complete, total.runs, total.states, total.walks, total.steps,
           result == 0 ? "no violation of ours" : "FAILED");
  world_clear ();
  return result;
}
