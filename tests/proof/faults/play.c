/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "play.h"

#include <string.h>

#include "bystanders.h"

const char *
fs_kind_name (FluflFsKind kind)
{
  static const char *const names[] = { "", "local", "nfs", "other" };

  return names[kind];
}

static char *
path_of (Play *play, const char *name)
{
  return flufl_site_path_of (&play->stage.other.site, name);
}

void
play_open (Play *play, const Disk *disk)
{
  faulty_begin (disk->sys, disk->pass);
  stage_open (&play->stage, disk, &faulty_syscalls, play->kind);
  bystanders_put (disk);
}

void
play_remember (Play *play)
{
  const Disk *disk = play->stage.disk;

  play->had_lock = disk_look (disk, disk->lock (), &play->lock);
  if (play->scene->trait == SCENE_LEAVES)
    {
      g_autofree char *list = disk_list (disk);

      play->names = g_strsplit (list, "\n", -1);
    }
}

/* Whether the fault prevents p from removing its files. */
static gboolean
forbids_removal (Call call, const Blow *blow)
{
  if (call == CALL_UNLINK)
    return TRUE;
  /* A process that cannot look leaves the lock file to others. */
  return (call == CALL_LSTAT || call == CALL_IDENTIFY || call == CALL_OPEN || call == CALL_FSTAT || call == CALL_READ)
         && blow->kind == BLOW_FAIL;
}

void
play_judge_lock (Play *play, gboolean holds, Call call, const Blow *blow)
{
  const Disk *disk = play->stage.disk;
  FluflStat st;

  if (holds || !disk_look (disk, disk->lock (), &st)
      || (play->had_lock && st.ino == play->lock.ino))
    return;
  if (!forbids_removal (call, blow))
    matrix_complain ("it does not know that it has the lock");
  else if (st.nlink >= 2 && !blow->for_ever)
    matrix_complain ("it did not even remove its claim");
}

/* Complains if a file of others was touched. */
static void
judge_bystanders (Play *play)
{
  const char *touched = bystanders_find_touched (play->stage.disk);
  FluflStat st;

  if (touched != NULL)
    matrix_complain ("%s was touched", touched);
  if (!play->stage.guarded)
    return;
  if (!disk_look (play->stage.disk, play->stage.disk->lock (), &st))
    matrix_complain ("the lock file of somebody else was removed");
  else if (st.ino != play->lock.ino || st.nlink != play->lock.nlink
           || st.size != play->lock.size || st.mtime != play->lock.mtime)
    matrix_complain ("the lock file of somebody else was touched");
}

/* The longest time for which a lock that was left may keep others out, see docs/protocol.md. */
static gint64
longest_wait (Play *play, Proc *newcomer)
{
  const gint64 now = play->stage.disk->sys->clock (FLUFL_CLOCK_REAL);
  gint64 wait = 2 * FAKE_SEC;
  g_autofree char *claim = NULL;
  FluflLook look;

  flufl_look_take (&look, &newcomer->site, play->stage.disk->lock ());
  if (look.sight == FLUFL_SIGHT_NOTHING)
    return 0;
  if (play->kind != FLUFL_FS_LOCAL || look.sight != FLUFL_SIGHT_CLAIM || !look.claim.life_line)
    wait += MAX (look.mtime + FLUFL_SLOP - now, 0) + FLUFL_GRACE;
  /* The newcomer itself must see it unchanged: docs/filesystems.md. On NFS it watches a lock whose
   * process lives on its machine: docs/protocol.md, "Watching before breaking". */
  if (play->kind == FLUFL_FS_OTHER)
    wait += LIFETIME + FLUFL_GRACE;
  else if (play->kind == FLUFL_FS_NFS)
    wait += LIFETIME / 3;
  claim = path_of (play, look.claim.name);
  if (!disk_exists (play->stage.disk, claim)) /* an orphan */
    wait += FLUFL_GRACE;
  return wait;
}

static void
judge_newcomer (Play *play)
{
  Stage *stage = &play->stage;
  gint64 longest, waited;
  FluflOutcome outcome;
  Proc newcomer;

  if (stage->guarded && stage->other.claim.path == NULL)
    return; /* the file is not a lock */
  if (stage->other.claim.path != NULL)
    {
      if (proc_release (&stage->other) != FLUFL_OUTCOME_RELEASED)
        matrix_complain ("the other could not release its lock");
      stage->guarded = FALSE;
    }

  proc_init_native (&newcomer, play->stage.disk->sys, play->stage.disk->lock ());
  longest = longest_wait (play, &newcomer);
  waited = play->stage.disk->sys->clock (FLUFL_CLOCK_BOOT);
  outcome = proc_try (&newcomer, stage, 1 + (int) (longest / FAKE_SEC));
  waited = play->stage.disk->sys->clock (FLUFL_CLOCK_BOOT) - waited;
  play->slowest = MAX (play->slowest, waited);
  if (outcome == FLUFL_OUTCOME_HELD)
    outcome = proc_release (&newcomer);
  /* Once its claim is removed, nothing shows whose lock it is. */
  if (play->scene->trait == SCENE_BLANK && outcome == FLUFL_OUTCOME_NOT_A_LOCK)
    g_assert_cmpint (flufl_break_force (&newcomer.site, &newcomer.found), ==,
                     FLUFL_OUTCOME_RELEASED);
  else if (outcome != FLUFL_OUTCOME_RELEASED)
    matrix_complain ("a newcomer does not get the lock within %.0f s: outcome %d",
                     (double) longest / FAKE_SEC, outcome);
  proc_abandon (&newcomer);
  proc_clear (&newcomer);
}

/* Complains if files of p's are left when all processes are gone. */
static void
judge_litter (Play *play, gboolean may_leave)
{
  g_autofree char *list = disk_list (play->stage.disk);
  g_auto (GStrv) names = g_strsplit (list, "\n", -1);

  for (guint i = 0; names[i] != NULL && !may_leave; i++)
    if (!bystanders_has (names[i])
        && !(play->stage.guarded && strcmp (names[i], "x.lock") == 0)
        && !(play->scene->trait == SCENE_LEAVES
             && g_strv_contains ((const char *const *) play->names, names[i])))
      {
        matrix_complain ("files are left: %s", g_strdelimit (list, "\n", ' '));
        break;
      }
}

void
play_close (Play *play, Call call, const Blow *blow)
{
  faulty_repent ();
  if (faulty_n_open () != 0)
    matrix_complain ("%u files are left open", faulty_n_open ());
  judge_bystanders (play);
  judge_newcomer (play);
  judge_litter (play, call == CALL_UNLINK && blow->kind == BLOW_FAIL);
  stage_close (&play->stage);
  g_clear_pointer (&play->names, g_strfreev);
}
