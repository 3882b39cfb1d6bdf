/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "killing.h"

#include <string.h>
#include <unistd.h>

#include "bystanders.h"
#include "shared-memory.h"

const Ground grounds[N_GROUNDS] = {
  { "life-line", FLUFL_FS_LOCAL, TRUE },
  { "process id", FLUFL_FS_NFS, TRUE },
  { "expiry", FLUFL_FS_NFS, FALSE },
};

Killing killing;

void
killing_init (const Killer *killer)
{
  FluflIdentity us;

  flufl_identity_get (&flufl_syscalls_native, &us); /* it is found out only once */
  killing = (Killing){ .disk = &disk_real, .killer = killer };
  killing.ring = shared_memory_new (sizeof *killing.ring);
  killing.disk->lock ();
  for (gsize g = 0; g < N_GROUNDS; g++)
    killing.times[g] = g_array_new (FALSE, FALSE, sizeof (gint64));
}

void
killing_clear (void)
{
  for (gsize g = 0; g < N_GROUNDS; g++)
    g_array_unref (killing.times[g]);
  killing.disk->clear ();
  shared_memory_free (killing.ring, sizeof *killing.ring);
}

void
killing_complain (guint nth, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  killing.n_complaints++;
  g_test_message ("%s, %s, call %u: %s", killing.scene->name, killing.ground->name, nth, text);
}

/* --- The process that has the lock by its own word --- */

static void
enter_ring (void)
{
  Ring *ring = killing.ring;
  int us = (int) getpid (), holder = g_atomic_int_get (&ring->holder);

  if (holder != 0 && holder != g_atomic_int_get (&ring->doomed))
    g_atomic_int_inc (&ring->overlaps);
  else if (!g_atomic_int_compare_and_exchange (&ring->holder, holder, us))
    g_atomic_int_inc (&ring->overlaps);
}

static void
leave_ring (void)
{
  g_atomic_int_compare_and_exchange (&killing.ring->holder, (int) getpid (), 0);
}

/* --- The victim --- */

static void
die (void)
{
  g_atomic_int_set (&killing.ring->doomed, (int) getpid ());
  killing.killer->die ();
}

static void
wait_a_little (void)
{
  g_usleep (200);
}

static void
rest_a_while (void)
{
  killing.disk->pass (FLUFL_GRACE / 2);
}

void
killing_perform (guint nth, void (*hook) (void), void (*wait) (void))
{
  const Blow blow = { .kind = BLOW_HOOK_BEFORE, .hook = hook };
  Ring *ring = killing.ring;
  Stage stage;
  guint before;

  faulty_begin (killing.disk->sys, killing.disk->pass);
  stage_open (&stage, killing.disk, &faulty_syscalls, killing.ground->kind);
  bystanders_put (killing.disk);
  stage.holding = enter_ring;
  stage.leaving = leave_ring;
  killing.scene->prepare (&stage);
  stage.wait = wait;
  ring->guarded = stage.guarded;
  before = faulty_n_calls ();
  if (nth > 0)
    faulty_order (before + nth, &blow);
  g_atomic_int_set (&ring->prepared, TRUE);

  killing.scene->act (&stage);
  ring->n_calls = faulty_n_calls () - before;
  if (hook == die && nth > ring->n_calls) /* it dies with the files that it then has */
    die ();
  ring->believes = stage.believes
                   && flufl_claim_lease_left (&stage.p.claim, &stage.p.site) > 0;
  faulty_repent ();
  leave_ring ();
  stage_leave (&stage);
  ring->ended = TRUE;
  _exit (0);
}

void
killing_suffer (guint nth, gboolean contended)
{
  killing_perform (nth, die, contended ? wait_a_little : rest_a_while);
}

/* --- Those who live on --- */

void
killing_reset (void)
{
  memset (killing.ring, 0, sizeof *killing.ring);
  killing.disk->reset (killing.ground->kind);
}

static int
start (guint nth, gboolean contended)
{
  killing_reset ();
  killing.n_runs++;
  return killing.killer->start (nth, contended);
}

guint
killing_count (void)
{
  killing.killer->await (start (0, FALSE));
  g_assert_true (killing.ring->ended);
  killing.n_runs--;
  return killing.ring->n_calls;
}

/* Competes with the victim for the lock, until the victim is dead. */
static void
contend (int victim, Proc *us)
{
  gboolean ended = FALSE;

  while (!g_atomic_int_get (&killing.ring->prepared))
    g_usleep (50);
  while (!ended)
    {
      ended = killing.killer->has_ended (victim);
      if (!ended && proc_attempt (us) == FLUFL_OUTCOME_HELD)
        {
          enter_ring ();
          g_usleep (20);
          leave_ring ();
          proc_release (us);
        }
      else if (!ended)
        g_usleep (20);
    }
}

/* The longest time for which the lock may keep others out, see docs/protocol.md.
 * @out_ours: whether it is the lock of the victim, or of another in its process */
static gint64
longest_wait (Proc *us, int victim, gboolean *out_ours)
{
  const gint64 now = killing.disk->sys->clock (FLUFL_CLOCK_REAL);
  g_autofree char *claim = NULL;
  FluflLook look;
  gint64 rests;

  flufl_look_take (&look, &us->site, killing.disk->lock ());
  *out_ours = look.sight == FLUFL_SIGHT_CLAIM && look.claim.pid == victim;
  if (look.sight != FLUFL_SIGHT_CLAIM)
    return 0;
  claim = flufl_site_path_of (&us->site, look.claim.name);
  rests = disk_exists (killing.disk, claim) ? 0 : FLUFL_GRACE;
  if (killing.ground->kind == FLUFL_FS_LOCAL && look.claim.life_line)
    return rests;
  rests += FLUFL_GRACE;
  if (us->break_dead && look.claim.start[0] != '\0')
    return rests;
  return MAX (look.mtime + FLUFL_SLOP - now, 0) + rests;
}

/* A killed process may leave one claim at most, and a file that was there before it. */
static void
judge_remains (guint nth)
{
  g_autofree char *list = disk_list (killing.disk);
  g_auto (GStrv) names = g_strsplit (list, "\n", -1);
  const char *touched = bystanders_find_touched (killing.disk);
  guint n = 0;

  for (guint i = 0; names[i] != NULL; i++)
    n += names[i][0] != '\0' && !bystanders_has (names[i]);
  if (touched != NULL)
    killing_complain (nth, "%s was touched", touched);
  if (disk_exists (killing.disk, killing.disk->lock ()))
    killing_complain (nth, "the lock file is left");
  else if (n > (killing.scene->trait == SCENE_LEAVES || killing.ring->guarded ? 2 : 1))
    killing_complain (nth, "files are left: %s", g_strdelimit (list, "\n", ' '));
}

static void
newcomer_gets_it (guint nth, Proc *us, int victim)
{
  gboolean ours;
  gint64 longest = longest_wait (us, victim, &ours), took = 0, step;
  FluflOutcome outcome;

  /* Each rest ends between two steps. */
  longest += longest > FLUFL_GRACE ? 2 * KILLING_STEP : KILLING_STEP;
  /* Only the time that passes for the processes counts, not that of a busy machine. */
  while ((outcome = proc_attempt (us)) == FLUFL_OUTCOME_BUSY && took <= longest)
    {
      step = longest - took > FLUFL_GRACE + 2 * KILLING_STEP ? FLUFL_GRACE : KILLING_STEP;
      killing.disk->pass (step);
      took += step;
    }
  if (outcome == FLUFL_OUTCOME_NOT_A_LOCK && killing.scene->trait == SCENE_BLANK)
    {
      g_assert_cmpint (flufl_break_force (&us->site, &us->found), ==, FLUFL_OUTCOME_RELEASED);
      return;
    }
  if (outcome != FLUFL_OUTCOME_HELD || took > longest)
    {
      killing_complain (nth, "a newcomer does not get the lock within %.1f s: outcome %d",
                (double) longest / FAKE_SEC, outcome);
      return;
    }
  if (ours)
    g_array_append_val (killing.times[killing.ground - grounds], took);
  enter_ring ();
  leave_ring ();
  if (proc_release (us) != FLUFL_OUTCOME_RELEASED)
    killing_complain (nth, "a newcomer cannot release the lock");
}

void
killing_run (guint nth, gboolean contended)
{
  int victim = start (nth, contended);
  Proc us;

  proc_init_native (&us, killing.disk->sys, killing.disk->lock ());
  us.break_dead = killing.ground->break_dead;
  if (contended)
    contend (victim, &us);
  else
    killing.killer->await (victim);
  if (killing.scene->prepare != scene_find ("acquire, no lock")->prepare)
    {
      newcomer_gets_it (nth, &us, victim);
      proc_abandon (&us);
      judge_remains (nth);
    }
  if (killing.ring->overlaps > 0)
    killing_complain (nth, "two held the lock");
  proc_clear (&us);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

/* Prints how long a newcomer had to wait for the lock of a killed process. */
void
killing_say_times (void)
{
  for (gsize g = 0; g < N_GROUNDS; g++)
    {
      GArray *times = killing.times[g];

      if (times->len > 0)
        {
          g_array_sort (times, compare_times);
          g_print ("# figures: broken by %s: %u times, after %.1f s (median), %.1f s (most)\n",
                   grounds[g].name, times->len,
                   (double) g_array_index (times, gint64, times->len / 2) / FAKE_SEC,
                   (double) g_array_index (times, gint64, times->len - 1) / FAKE_SEC);
        }
    }
}

gboolean
killing_begin (const Scene *scene)
{
  killing.scene = scene;
  killing.n_runs = killing.n_complaints = 0;
  if (disk_real_is_local ())
    return TRUE;
  g_test_skip ("the directory for temporary files is not on a local file system");
  return FALSE;
}

void
killing_end (void)
{
  g_test_message ("%u runs, %u complaints", killing.n_runs, killing.n_complaints);
  killing.n_all_runs += killing.n_runs;
  if (killing.n_complaints > 0)
    g_test_fail ();
}
