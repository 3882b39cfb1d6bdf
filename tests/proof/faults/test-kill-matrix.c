/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Processes that are killed, or stopped and continued, before each of their calls, on a real
 * disk. A death after a call is a death before the next one, or one at the end, which is tested,
 * too. Only the clock is not real, so a case does not take the minutes that pass for its
 * processes.
 */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "killing.h"

/* Shorter than the grace, and longer than the part of it within which a process may act. */
#define SHORT_PAUSE (4 * FAKE_SEC)

/* Longer than any lock keeps others out, even an orphan whose life-line is busy. */
#define LONG_PAUSE (180 * FAKE_SEC)

/* --- Killed --- */

static int
start (guint nth, gboolean contended)
{
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    killing_suffer (nth, contended);
  return pid;
}

static gboolean
has_ended (int pid)
{
  return waitpid (pid, NULL, WNOHANG) == pid;
}

static void
await (int pid)
{
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

static void
die (void)
{
  raise (SIGKILL);
}

static const Killer killer = { start, has_ended, await, die };

static void
test_kill (gconstpointer data)
{
  if (!killing_begin (data))
    return;
  for (gsize g = 0; g < N_GROUNDS; g++)
    {
      guint n_calls;

      killing.ground = &grounds[g];
      if ((killing.scene->kinds & KIND (killing.ground->kind)) == 0)
        continue;
      n_calls = killing_count ();
      for (guint nth = 1; nth <= n_calls + 1; nth++)
        {
          killing_run (nth, FALSE);
          if (!killing.ring->guarded && killing.ground->break_dead)
            killing_run (nth, TRUE);
        }
    }
  killing_end ();
}

/* --- Stopped --- */

static void
stop (void)
{
  killing.ring->hits_lock = strcmp (faulty_words (faulty_n_calls ()), "unlink x.lock") == 0;
  raise (SIGSTOP);
}

/* A victim that is stopped must not wait until another's lock has expired. */
static pid_t
start_to_stop (guint nth)
{
  pid_t pid;

  killing_reset ();
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    killing_perform (nth, stop, NULL);
  killing.n_runs++;
  return pid;
}

static guint
count_calls (void)
{
  int status;
  pid_t pid = start_to_stop (0);

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  killing.n_runs--;
  return killing.ring->n_calls;
}

typedef struct
{
  guint n_stops;
  guint n_broken; /* the number of times that another got the lock meanwhile */
  guint n_window; /* of them, the call that nothing guards removed that lock */
} Stops;

static gboolean
is_intact (Proc *us, const FluflStat *before)
{
  FluflStat lock, claim;

  return disk_look (killing.disk, killing.disk->lock (), &lock)
         && disk_look (killing.disk, us->claim.path, &claim) && lock.ino == claim.ino
         && lock.ino == before->ino && lock.nlink == 2 && lock.mtime == before->mtime;
}

static void
stop_one (guint nth, gint64 pause, Stops *stops)
{
  /* A process that looks less often begins its watch of a living holder anew. */
  gint64 step = MIN (2 * FAKE_SEC, SHORT_PAUSE / 2);
  pid_t victim = start_to_stop (nth);
  FluflOutcome outcome;
  FluflStat before;
  int status;
  Proc us;

  g_assert_cmpint (waitpid (victim, &status, WUNTRACED), ==, victim);
  if (!WIFSTOPPED (status))
    return;
  stops->n_stops++;

  proc_init_native (&us, killing.disk->sys, killing.disk->lock ());
  for (gint64 passed = 0;; passed += step)
    {
      outcome = proc_attempt (&us);
      if (outcome != FLUFL_OUTCOME_BUSY || passed >= pause)
        break;
      killing.disk->pass (step);
    }
  if (outcome == FLUFL_OUTCOME_HELD)
    {
      stops->n_broken++;
      disk_look (killing.disk, killing.disk->lock (), &before);
    }
  else if (pause == LONG_PAUSE && killing.scene->trait != SCENE_BLANK)
    killing_complain (nth, "nobody gets the lock of one who is stopped: outcome %d", outcome);

  kill (victim, SIGCONT);
  g_assert_cmpint (waitpid (victim, &status, 0), ==, victim);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (killing.ring->ended);

  if (outcome == FLUFL_OUTCOME_HELD)
    {
      gboolean intact = is_intact (&us, &before);

      if (!intact && killing.ring->hits_lock && pause > FLUFL_GRACE)
        stops->n_window++;
      else if (!intact)
        killing_complain (nth, "it touched the lock of another");
      else if (killing.ring->believes)
        killing_complain (nth, "it believes that it has the lock of another");
      if (proc_release (&us) != FLUFL_OUTCOME_RELEASED && intact)
        killing_complain (nth, "the other cannot release its lock");
    }
  proc_abandon (&us);
  proc_clear (&us);
}

static void
test_stop (gconstpointer data)
{
  if (!killing_begin (data))
    return;
  for (gsize g = 0; g < 2; g++)
    {
      Stops brief = { 0 }, lengthy = { 0 };
      guint n_calls;

      killing.ground = &grounds[g];
      if ((killing.scene->kinds & KIND (killing.ground->kind)) == 0)
        continue;
      n_calls = count_calls ();
      for (guint nth = 1; nth <= n_calls && !killing.ring->guarded; nth++)
        {
          stop_one (nth, SHORT_PAUSE, &brief);
          stop_one (nth, LONG_PAUSE, &lengthy);
        }
      g_test_message ("%s: %u stops, another got the lock in %u of them; for longer than the grace: "
                      "%u, %u, and %u times in the window of A1",
                      killing.ground->name, brief.n_stops, brief.n_broken, lengthy.n_stops,
                      lengthy.n_broken, lengthy.n_window);
    }
  killing_end ();
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  killing_init (&killer);
  for (guint i = 0; i < n_scenes; i++)
    {
      g_autofree char *killed = g_strdup_printf ("/killed/%s", scenes[i].name);
      g_autofree char *stopped = g_strdup_printf ("/stopped/%s", scenes[i].name);

      g_test_add_data_func (g_strdelimit (killed, " ,", '-'), &scenes[i], test_kill);
      if (strcmp (scenes[i].name, "break, forced") != 0) /* its caller answers for it */
        g_test_add_data_func (g_strdelimit (stopped, " ,", '-'), &scenes[i], test_stop);
    }
  status = g_test_run ();
  g_print ("# figures: %u processes killed or stopped\n", killing.n_all_runs);
  killing_say_times ();
  killing_clear ();
  return status;
}
