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
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faulty-calls.h"
#include "scenes.h"

/* Shorter than the grace, and longer than the part of it within which a process may act. */
#define SHORT_PAUSE (4 * FAKE_SEC)

/* Longer than any lock keeps others out, even an orphan whose life-line is busy. */
#define LONG_PAUSE (180 * FAKE_SEC)

/* The step in which the time of a recovery is measured. */
#define STEP (FAKE_SEC * 9 / 10)

/* Shared by both processes. */
typedef struct
{
  int      holder;    /* pid of the process that says it has the lock; 0: none */
  int      doomed;    /* pid of a process that is about to be killed */
  int      overlaps;
  gboolean prepared;
  gboolean guarded;   /* another holds the lock, in the victim's process */
  gboolean ended;     /* the victim came to its end */
  gboolean believes;  /* it had the lock then by its own word, with a lease that ran */
  guint    n_calls;
  gboolean hits_lock; /* the call at which it stops is unlink(2) of the lock file */
} Ring;

typedef enum
{
  END_KILL,
  END_STOP,
} End;

typedef struct
{
  const char *name;
  FluflFsKind kind;
  gboolean    break_dead; /* the newcomer looks whether the victim is alive */
} Ground;

static const Ground grounds[] = {
  { "life-line", FLUFL_FS_LOCAL, TRUE },
  { "process id", FLUFL_FS_NFS, TRUE },
  { "expiry", FLUFL_FS_NFS, FALSE },
};

static const Disk *const disk = &disk_real;
static Ring *ring;
static const Scene *scene;
static const Ground *ground;

static guint n_runs, n_complaints; /* of this test */
static guint n_all_runs;
static GArray *all_times[G_N_ELEMENTS (grounds)];

static void G_GNUC_PRINTF (2, 3)
complain (guint nth, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  n_complaints++;
  g_test_message ("%s, %s, call %u: %s", scene->name, ground->name, nth, text);
}

/* --- The process that has the lock by its own word --- */

static void
enter_ring (void)
{
  int us = (int) getpid (), holder = g_atomic_int_get (&ring->holder);

  if (holder != 0 && holder != g_atomic_int_get (&ring->doomed))
    g_atomic_int_inc (&ring->overlaps);
  else if (!g_atomic_int_compare_and_exchange (&ring->holder, holder, us))
    g_atomic_int_inc (&ring->overlaps);
}

static void
leave_ring (void)
{
  g_atomic_int_compare_and_exchange (&ring->holder, (int) getpid (), 0);
}

/* --- The victim --- */

static void
die (void)
{
  g_atomic_int_set (&ring->doomed, (int) getpid ());
  raise (SIGKILL);
}

static void
stop (void)
{
  ring->hits_lock = strcmp (faulty_words (faulty_n_calls ()), "unlink x.lock") == 0;
  raise (SIGSTOP);
}

static void
wait_a_little (void)
{
  g_usleep (200);
}

static void
rest_a_while (void)
{
  disk->pass (FLUFL_GRACE / 2);
}

static void
perform (guint nth, End end, gboolean contended)
{
  const Blow blow = { .kind = BLOW_HOOK_BEFORE, .hook = end == END_KILL ? die : stop };
  Stage stage;
  guint before;

  faulty_begin (disk->sys, disk->pass);
  stage_open (&stage, disk, &faulty_syscalls, ground->kind);
  stage.holding = enter_ring;
  stage.leaving = leave_ring;
  scene->prepare (&stage);
  /* A victim that is stopped must not wait until another's lock has expired. */
  if (end == END_KILL)
    stage.wait = contended ? wait_a_little : rest_a_while;
  ring->guarded = stage.guarded;
  before = faulty_n_calls ();
  if (nth > 0)
    faulty_order (before + nth, &blow);
  g_atomic_int_set (&ring->prepared, TRUE);

  scene->act (&stage);
  ring->n_calls = faulty_n_calls () - before;
  if (end == END_KILL && nth > ring->n_calls) /* it dies with the files that it then has */
    die ();
  ring->believes = stage.believes
                   && flufl_claim_lease_left (&stage.p.claim, &stage.p.site) > 0;
  faulty_repent ();
  leave_ring ();
  stage_leave (&stage);
  ring->ended = TRUE;
  _exit (0);
}

static pid_t
start (guint nth, End end, gboolean contended)
{
  pid_t pid;

  memset (ring, 0, sizeof *ring);
  disk->reset (ground->kind);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    perform (nth, end, contended);
  n_runs++;
  return pid;
}

static guint
count_calls (End end)
{
  int status;
  pid_t pid = start (0, end, FALSE);

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  n_runs--;
  return ring->n_calls;
}

/* --- Killed --- */

/* Competes with the victim for the lock, until the victim is dead. */
static void
contend (pid_t victim, Proc *us)
{
  int status;

  while (!g_atomic_int_get (&ring->prepared))
    g_usleep (50);
  for (;;)
    {
      if (waitpid (victim, &status, WNOHANG) == victim)
        return;
      if (proc_attempt (us) == FLUFL_OUTCOME_HELD)
        {
          enter_ring ();
          g_usleep (20);
          leave_ring ();
          proc_release (us);
        }
      else
        g_usleep (20);
    }
}

/* The longest time for which the lock may keep others out, see docs/protocol.md.
 * @out_ours: whether it is the lock of the victim, or of another in its process */
static gint64
longest_wait (Proc *us, pid_t victim, gboolean *out_ours)
{
  const gint64 now = disk->sys->clock (FLUFL_CLOCK_REAL);
  g_autofree char *claim = NULL;
  FluflLook look;
  gint64 rests;

  flufl_look_take (&look, &us->site, disk->lock ());
  *out_ours = look.sight == FLUFL_SIGHT_CLAIM && look.claim.pid == victim;
  if (look.sight != FLUFL_SIGHT_CLAIM)
    return 0;
  claim = flufl_site_path_of (&us->site, look.claim.name);
  rests = disk_exists (disk, claim) ? 0 : FLUFL_GRACE;
  if (ground->kind == FLUFL_FS_LOCAL && look.claim.life_line)
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
  g_autofree char *list = disk_list (disk);
  g_auto (GStrv) names = g_strsplit (list, "\n", -1);
  guint n = 0;

  for (guint i = 0; names[i] != NULL; i++)
    n += names[i][0] != '\0';
  if (disk_exists (disk, disk->lock ()))
    complain (nth, "the lock file is left");
  else if (n > (scene->trait == SCENE_LEAVES || ring->guarded ? 2 : 1))
    complain (nth, "files are left: %s", g_strdelimit (list, "\n", ' '));
}

static void
newcomer_gets_it (guint nth, Proc *us, pid_t victim)
{
  gboolean ours;
  gint64 longest = longest_wait (us, victim, &ours), took = 0, step;
  FluflOutcome outcome;

  /* Each rest ends between two steps. */
  longest += longest > FLUFL_GRACE ? 2 * STEP : STEP;
  /* Only the time that passes for the processes counts, not that of a busy machine. */
  while ((outcome = proc_attempt (us)) == FLUFL_OUTCOME_BUSY && took <= longest)
    {
      step = longest - took > FLUFL_GRACE + 2 * STEP ? FLUFL_GRACE : STEP;
      disk->pass (step);
      took += step;
    }
  if (outcome == FLUFL_OUTCOME_NOT_A_LOCK && scene->trait == SCENE_BLANK)
    {
      g_assert_cmpint (flufl_break_force (&us->site, &us->found), ==, FLUFL_OUTCOME_RELEASED);
      return;
    }
  if (outcome != FLUFL_OUTCOME_HELD || took > longest)
    {
      complain (nth, "a newcomer does not get the lock within %.1f s: outcome %d",
                (double) longest / FAKE_SEC, outcome);
      return;
    }
  if (ours)
    g_array_append_val (all_times[ground - grounds], took);
  enter_ring ();
  leave_ring ();
  if (proc_release (us) != FLUFL_OUTCOME_RELEASED)
    complain (nth, "a newcomer cannot release the lock");
}

static void
kill_one (guint nth, gboolean contended)
{
  gboolean no_lock;
  pid_t victim = start (nth, END_KILL, contended);
  Proc us;

  proc_init_at (&us, disk->sys, disk->lock ());
  us.break_dead = ground->break_dead;
  if (contended)
    contend (victim, &us);
  else
    g_assert_cmpint (waitpid (victim, NULL, 0), ==, victim);
  no_lock = scene->prepare == scene_find ("acquire, no lock")->prepare;
  if (!no_lock)
    {
      newcomer_gets_it (nth, &us, victim);
      proc_abandon (&us);
      judge_remains (nth);
    }
  if (ring->overlaps > 0)
    complain (nth, "two held the lock");
  proc_clear (&us);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

/* Prints how long a newcomer had to wait for the lock of a killed process. */
static void
say_times (void)
{
  for (gsize g = 0; g < G_N_ELEMENTS (grounds); g++)
    {
      GArray *times = all_times[g];

      if (times->len > 0)
        {
          g_array_sort (times, compare_times);
          g_print ("# figures: broken by %s: %u times, after %.1f s (median), %.1f s (most)\n",
                   grounds[g].name, times->len,
                   (double) g_array_index (times, gint64, times->len / 2) / FAKE_SEC,
                   (double) g_array_index (times, gint64, times->len - 1) / FAKE_SEC);
        }
      g_array_unref (times);
    }
}

static gboolean
begin (gconstpointer data)
{
  scene = data;
  n_runs = n_complaints = 0;
  if (disk_real_is_local ())
    return TRUE;
  g_test_skip ("the directory for temporary files is not on a local file system");
  return FALSE;
}

static void
end (void)
{
  g_test_message ("%u runs, %u complaints", n_runs, n_complaints);
  n_all_runs += n_runs;
  if (n_complaints > 0)
    g_test_fail ();
}

static void
test_kill (gconstpointer data)
{
  if (!begin (data))
    return;
  for (gsize g = 0; g < G_N_ELEMENTS (grounds); g++)
    {
      guint n_calls;

      ground = &grounds[g];
      if ((scene->kinds & KIND (ground->kind)) == 0)
        continue;
      n_calls = count_calls (END_KILL);
      for (guint nth = 1; nth <= n_calls + 1; nth++)
        {
          kill_one (nth, FALSE);
          if (!ring->guarded && ground->break_dead)
            kill_one (nth, TRUE);
        }
    }
  end ();
}

/* --- Stopped --- */

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

  return disk_look (disk, disk->lock (), &lock) && disk_look (disk, us->claim.path, &claim)
         && lock.ino == claim.ino && lock.ino == before->ino && lock.nlink == 2
         && lock.mtime == before->mtime;
}

static void
stop_one (guint nth, gint64 pause, Stops *stops)
{
  /* A process that looks less often begins its watch of a living holder anew. */
  gint64 step = MIN (2 * FAKE_SEC, SHORT_PAUSE / 2);
  pid_t victim = start (nth, END_STOP, FALSE);
  FluflOutcome outcome;
  FluflStat before;
  int status;
  Proc us;

  g_assert_cmpint (waitpid (victim, &status, WUNTRACED), ==, victim);
  if (!WIFSTOPPED (status))
    return;
  stops->n_stops++;

  proc_init_at (&us, disk->sys, disk->lock ());
  for (gint64 passed = 0;; passed += step)
    {
      outcome = proc_attempt (&us);
      if (outcome != FLUFL_OUTCOME_BUSY || passed >= pause)
        break;
      disk->pass (step);
    }
  if (outcome == FLUFL_OUTCOME_HELD)
    {
      stops->n_broken++;
      disk_look (disk, disk->lock (), &before);
    }
  else if (pause == LONG_PAUSE && scene->trait != SCENE_BLANK)
    complain (nth, "nobody gets the lock of one who is stopped: outcome %d", outcome);

  kill (victim, SIGCONT);
  g_assert_cmpint (waitpid (victim, &status, 0), ==, victim);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (ring->ended);

  if (outcome == FLUFL_OUTCOME_HELD)
    {
      gboolean intact = is_intact (&us, &before);

      if (!intact && ring->hits_lock && pause > FLUFL_GRACE)
        stops->n_window++;
      else if (!intact)
        complain (nth, "it touched the lock of another");
      else if (ring->believes)
        complain (nth, "it believes that it has the lock of another");
      if (proc_release (&us) != FLUFL_OUTCOME_RELEASED && intact)
        complain (nth, "the other cannot release its lock");
    }
  proc_abandon (&us);
  proc_clear (&us);
}

static void
test_stop (gconstpointer data)
{
  if (!begin (data))
    return;
  for (gsize g = 0; g < 2; g++)
    {
      Stops brief = { 0 }, lengthy = { 0 };
      guint n_calls;

      ground = &grounds[g];
      if ((scene->kinds & KIND (ground->kind)) == 0)
        continue;
      n_calls = count_calls (END_STOP);
      for (guint nth = 1; nth <= n_calls && !ring->guarded; nth++)
        {
          stop_one (nth, SHORT_PAUSE, &brief);
          stop_one (nth, LONG_PAUSE, &lengthy);
        }
      g_test_message ("%s: %u stops, another got the lock in %u of them; for longer than the grace: "
                      "%u, %u, and %u times in the window of A1",
                      ground->name, brief.n_stops, brief.n_broken, lengthy.n_stops,
                      lengthy.n_broken, lengthy.n_window);
    }
  end ();
}

int
main (int argc, char **argv)
{
  FluflIdentity us;
  int status;

  g_test_init (&argc, &argv, NULL);
  flufl_identity_get (&flufl_syscalls_native, &us);
  ring = mmap (NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert_true (ring != MAP_FAILED);
  for (gsize g = 0; g < G_N_ELEMENTS (grounds); g++)
    all_times[g] = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < n_scenes; i++)
    {
      g_autofree char *killed = g_strdup_printf ("/killed/%s", scenes[i].name);
      g_autofree char *stopped = g_strdup_printf ("/stopped/%s", scenes[i].name);

      g_test_add_data_func (g_strdelimit (killed, " ,", '-'), &scenes[i], test_kill);
      if (strcmp (scenes[i].name, "break, forced") != 0) /* its caller answers for it */
        g_test_add_data_func (g_strdelimit (stopped, " ,", '-'), &scenes[i], test_stop);
    }
  status = g_test_run ();
  g_print ("# figures: %u processes killed or stopped\n", n_all_runs);
  say_times ();
  disk_real.clear ();
  munmap (ring, sizeof *ring);
  return status;
}
