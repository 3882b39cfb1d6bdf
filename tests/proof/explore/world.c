/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A run, from its beginning, with the files that are there, to its end, which is judged.
 */

#include "world-private.h"

#include "flufl-exclusive-leftovers.h"

#include <stdarg.h>
#include <string.h>

#define BYSTANDER "/d|e/x.lock.old"

World world;

gint64
world_boot_now (void)
{
  return fake_syscalls.clock (FLUFL_CLOCK_BOOT);
}

gboolean
world_is_lenient (void)
{
  const Scenario *scenario = world.scenario;

  return scenario->flufl || scenario->without_a1
         || (scenario->cluster && scenario->kind != FLUFL_FS_OTHER);
}

gint64
actor_skew (const Actor *a)
{
  /* One process's clock is right, one is ahead, and one is behind. */
  return world.skew * ((gint64) (a->id + 1) % 3 - 1);
}

void
world_note (const char *format, ...)
{
  va_list args;

  if (world.log == NULL || (world.current != NULL && world.current->gone))
    return;
  g_string_append_printf (world.log, "%7.1f s  ",
                          (double) (world_boot_now () % (3600 * FAKE_SEC)) / (double) FAKE_SEC);
  if (world.current != NULL)
    g_string_append_printf (world.log, "%*sprocess %u ", (int) world.current->id * 4, "",
                            world.current->id);
  va_start (args, format);
  g_string_append_vprintf (world.log, format, args);
  va_end (args);
  g_string_append_c (world.log, '\n');
}

void
world_violation (const char *format, ...)
{
  va_list args;

  if (world.violation != NULL)
    return;
  va_start (args, format);
  world.violation = g_strdup_vprintf (format, args);
  va_end (args);
  if (world.log != NULL)
    g_string_append_printf (world.log, "VIOLATION: %s\n", world.violation);
}

/* A process, in one run after another. */
static void
live (gpointer user_data)
{
  Actor *a = user_data;

  for (;;)
    {
      Actor *next;

      actor_run (a);
      next = a->gone ? NULL : world_choose ();
      world.current = next;
      coroutine_switch (next != NULL ? next->coroutine : NULL);
    }
}

/* Lets a process that has not ended run to its end, without any effect. */
static void
unwind (Actor *a)
{
  if (!a->started || a->done)
    return;
  actor_close_files (a);
  a->gone = TRUE;
  world.current = a;
  coroutine_switch (a->coroutine);
}

static void
actor_init (Actor *a, guint id, const char *script)
{
  Coroutine *coroutine = a->coroutine;

  memset (a, 0, sizeof *a);
  a->id = id;
  a->script = script;
  a->coroutine = coroutine;
  a->last_reader = NOBODY;
  proc_init (&a->proc);
  a->proc.site.sys = &world_syscalls;
  a->proc.site.without_links = !world.scenario->cluster; /* it counts on one kind only */
  /* On NFS only a claim that is named for it is kept. */
  a->proc.site.names_kept = world.scenario->kind == FLUFL_FS_NFS && strchr (script, 'P') != NULL;
}

static void
actor_clear (Actor *a)
{
  world.current = a;
  proc_clear (&a->proc);
  flufl_queue_clear (&a->queue);
}

/* A process that exists only at the beginning, and dies. */
static Actor *
add_victim (void)
{
  Actor *a = &world.actors[world.n_actors++];

  actor_init (a, world.n_actors - 1, "");
  world.current = a;
  return a;
}

static void
kill_victim (Actor *a)
{
  a->holding = FALSE;
  a->pending = "its work";
  actor_crash (a);
  world.crashed_any = FALSE;
  a->done = TRUE;
}

#define REMOTE "x.lock^other^77^T0000000000000001R0123456789abE"

/* An expired lock of another host, where there are no hard links. */
static void
put_exclusive (gboolean with_claim)
{
  const char *const line = REMOTE "^x1\n";

  fake_disk_put (LOCK, line, -1, FLUFL_FILE_REGULAR);
  fake_disk_set_mtime (LOCK, fake_disk_server_now () - 60 * FAKE_SEC);
  world_adopt (LOCK);
  if (!with_claim)
    return;
  fake_disk_put ("/d|e/" REMOTE, line, -1, FLUFL_FILE_REGULAR);
  world_adopt ("/d|e/" REMOTE);
}

static void
put_seed (Seed seed)
{
  Actor *victim;
  int errsv;

  switch (seed)
    {
    case SEED_NOTHING:
      break;
    case SEED_EXPIRED:
    case SEED_ORPHAN:
      if (world_is_exclusive ())
        {
          put_exclusive (seed == SEED_EXPIRED);
          break;
        }
      put_claim ("x.lock|other|77|123", TRUE, -60);
      if (seed == SEED_ORPHAN)
        fake_syscalls.unlink (LOCK "|other|77|123");
      world_adopt (LOCK);
      if (seed == SEED_EXPIRED)
        world_adopt (LOCK "|other|77|123");
      break;
    case SEED_COPIED:
      put_claim ("x.lock|other|77|123", FALSE, -60);
      fake_disk_put (LOCK, LOCK "|other|77|123", -1, FLUFL_FILE_REGULAR);
      fake_disk_set_mtime (LOCK, fake_disk_mtime (LOCK "|other|77|123"));
      world_adopt (LOCK);
      world_adopt (LOCK "|other|77|123");
      break;
    case SEED_WAITER:
      victim = add_victim ();
      flufl_claim_create (&victim->proc.claim, &victim->proc.site, LIFETIME, &errsv);
      kill_victim (victim);
      break;
    case SEED_KILLED:
    case SEED_BLANK:
    case SEED_LINE_ORPHAN:
      victim = add_victim ();
      actor_acquire (victim, 1, FALSE);
      if (seed == SEED_LINE_ORPHAN)
        world_syscalls.unlink (victim->proc.claim.path);
      if (seed == SEED_BLANK)
        fake_disk_set_content (LOCK, "", 0);
      kill_victim (victim);
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
reset (const Scenario *scenario, const Budget *budget)
{
  for (guint i = 0; i < world.n_names; i++)
    g_free (world.names[i].path);
  world.n_names = 0;
  memset (world.files, 0, sizeof world.files);
  memset (world.n_made, 0, sizeof world.n_made);
  for (guint i = 0; i < MAX_INODES; i++)
    world.files[i].owner = NOBODY;
  world.scenario = scenario;
  world.tries = scenario->tries != 0 ? scenario->tries : budget->tries;
  world.budget = (Budget){ .preemptions = -1 };
  world.n_actors = 0;
  world.current = world.last = NULL;
  world.last_span = -1;
  world.solo = TRUE;
  world.changes = 0;
  world.lost_any = world.crashed_any = world.delayed_any = FALSE;
  world.deleted_any = world.moved_any = FALSE;
  world.violation = NULL;
  world.cut = FALSE;

  flufl_break_keeps_vigil = scenario->watches || scenario->cluster;
  flufl_break_rest_gap = G_MAXINT64;
  fake_disk_reset ();
  /* Its names and inode numbers stay as they are, since the world knows files by them. */
  fake_disk_kind (scenario->kind == FLUFL_FS_FAT ? FLUFL_FS_LOCAL : scenario->kind);
  fake_disk_later_ctime (scenario->cluster);
  fake_disk_put (BYSTANDER, "not ours", -1, FLUFL_FILE_REGULAR);
  world_adopt (BYSTANDER);

  while (scenario->scripts[world.n_actors] != NULL)
    {
      actor_init (&world.actors[world.n_actors], world.n_actors, scenario->scripts[world.n_actors]);
      world.n_actors++;
    }
  put_seed (scenario->seed);
  for (guint i = 0; i < world.n_actors; i++)
    if (strchr (world.actors[i].script, ':') != NULL)
      {
        world.current = &world.actors[i];
        actor_run (world.current);
      }
  fake_disk_advance ((gint64) (scenario->age * (double) FAKE_SEC));
  fake_disk_step_clocks ((gint64) (scenario->step * (double) FAKE_SEC));
  world.solo = FALSE;
  world.budget = *budget;
}

/* A claim whose owner is gone, and whose lock was deleted. */
static gboolean
is_left_by_deletion (guint owner, const File *file)
{
  return world.deleted_any && (owner == NOBODY || file->given_up);
}

/* Whether a name may be left: the process that left it, or its file, was killed. */
static void
judge_leftovers (void)
{
  for (guint i = 0; i < world.n_names; i++)
    {
      const Name *name = &world.names[i];
      FluflStat st;
      guint owner;

      fake_syscalls.lstat (name->path, &st);
      owner = world.files[st.ino].owner;
      if (strcmp (name->path, BYSTANDER) != 0
          && !(name->maker < WORLD_MAX && world.actors[name->maker].crashed)
          && !(owner < WORLD_MAX && world.actors[owner].crashed)
          && !is_left_by_deletion (owner, &world.files[st.ino]))
        world_violation ("%s is left", name->path);
    }
  if (!fake_disk_exists (BYSTANDER) && !world.moved_any)
    world_violation ("a file beside the lock is gone");
}

/* When all processes have ended, another one must get the lock in time, and leave nothing. */
static void
judge_end (void)
{
  Actor *a = &world.actors[world.n_actors];
  FluflOutcome outcome;

  g_assert_cmpuint (world.n_actors, <, WORLD_MAX);
  world.solo = TRUE;
  actor_init (a, world.n_actors, "");
  world.n_actors++;
  world.current = a;
  world_note ("comes when all are over");
  fake_disk_advance (120 * FAKE_SEC + 2 * world.skew);
  outcome = actor_acquire (a, 8, FALSE);
  /* Only a person removes a blank lock whose claim is gone (docs/protocol.md). */
  if (outcome == FLUFL_OUTCOME_NOT_A_LOCK && world.scenario->seed == SEED_BLANK
      && (world.crashed_any || world.lost_any || world.delayed_any || world.deleted_any))
    ;
  else if (outcome != FLUFL_OUTCOME_HELD)
    world_violation ("the lock can never be had again (%d)", outcome);
  else if (proc_release (&a->proc) != FLUFL_OUTCOME_RELEASED)
    world_violation ("the lock cannot be given back");
  else
    {
      if (world_is_exclusive ())
        flufl_exclusive_collect (&a->proc.site, 1000, 100);
      judge_leftovers ();
    }
  proc_abandon (&a->proc);
  actor_clear (a);
  world.n_actors--;
}

char *
world_run (const Scenario *scenario,
           const Budget   *budget,
           gint64          skew,
           Chooser         chooser,
           gpointer        user_data,
           GString        *log,
           gboolean       *out_cut)
{
  Actor *first;

  world.skew = scenario->cluster ? 3600 * FAKE_SEC : skew;
  world.log = log;
  world.chooser = chooser;
  world.user_data = user_data;
  reset (scenario, budget);
  for (guint i = 0; i < world.n_actors; i++)
    {
      Actor *a = &world.actors[i];

      a->pending = "its beginning";
      if (!a->done && a->coroutine == NULL)
        a->coroutine = coroutine_new (live, a);
    }

  first = world_choose ();
  world.current = first;
  if (first != NULL)
    coroutine_switch (first->coroutine);

  if (!world.cut && world.violation == NULL && !world_is_lenient ())
    judge_end ();
  /* The others run to their ends, without any effect. */
  world.solo = TRUE;
  for (guint i = 0; i < world.n_actors; i++)
    {
      unwind (&world.actors[i]);
      actor_clear (&world.actors[i]);
    }
  if (world.violation == NULL && !world.cut && fake_disk_n_open () > 0)
    world_violation ("a file is left open");
  *out_cut = world.cut;
  return g_steal_pointer (&world.violation);
}

void
world_clear (void)
{
  for (guint i = 0; i < WORLD_MAX; i++)
    g_clear_pointer (&world.actors[i].coroutine, coroutine_free);
  for (guint i = 0; i < world.n_names; i++)
    g_free (world.names[i].path);
  world.n_names = 0;
}
