/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every step of the protocol under every fault. Whatever goes wrong once, or
 * from then on for ever, the process knows whether it has the lock, leaves
 * nothing behind that could be removed, touches nothing that is not its own,
 * and shuts nobody out for longer than docs/protocol.md says.
 */

#include <errno.h>
#include <string.h>

#include "matrix.h"
#include "scenes.h"

typedef struct
{
  const Disk  *disk;
  const Scene *scene;
  FluflFsKind  kind;
  Stage        stage;
  struct stat  lock;     /* before p acts */
  gboolean     had_lock;
  char       **names;    /* in the directory then; owned */
  gint64       slowest;  /* how long a newcomer had to wait, at most */
} Play;

static const char *const bystanders[]
    = { "x.lock.txt", "y.lock|h|1|T18eac9a40973529cR1", "z", NULL };

static char *
path_of (Play *play, const char *name)
{
  return flufl_site_path_of (&play->stage.other.site, name);
}

static void
prepare (gpointer data)
{
  Play *play = data;
  Stage *stage = &play->stage;

  faulty_begin (play->disk->sys);
  stage_open (stage, play->disk, &faulty_syscalls, play->kind);
  for (gsize i = 0; bystanders[i] != NULL; i++)
    {
      g_autofree char *path = path_of (play, bystanders[i]);

      disk_put (play->disk, path, bystanders[i], -3600);
    }
  play->scene->prepare (stage);
  play->had_lock = disk_look (play->disk, play->disk->lock (), &play->lock);
  if (play->scene->trait == SCENE_LEAVES)
    {
      g_autofree char *list = disk_list (play->disk);

      play->names = g_strsplit (list, "\n", -1);
    }
}

static void
act (gpointer data)
{
  Play *play = data;

  play->scene->act (&play->stage);
}

/* Nothing that is not p's was touched. */
static void
judge_bystanders (Play *play)
{
  struct stat st;

  for (gsize i = 0; bystanders[i] != NULL; i++)
    {
      g_autofree char *path = path_of (play, bystanders[i]);

      if (!disk_look (play->disk, path, &st) || st.st_nlink != 1
          || st.st_size != (off_t) strlen (bystanders[i]))
        matrix_complain ("%s was touched", bystanders[i]);
    }
  if (!play->stage.guarded)
    return;
  if (!disk_look (play->disk, play->disk->lock (), &st))
    matrix_complain ("the lock file of somebody else was removed");
  else if (st.st_ino != play->lock.st_ino || st.st_nlink != play->lock.st_nlink
           || st.st_size != play->lock.st_size || st.st_mtim.tv_sec != play->lock.st_mtim.tv_sec
           || st.st_mtim.tv_nsec != play->lock.st_mtim.tv_nsec)
    matrix_complain ("the lock file of somebody else was touched");
}

static void
judge_answer (Play *play, const Blow *blow)
{
  Stage *stage = &play->stage;

  if (play->scene->trait == SCENE_PATIENT && stage->outcome != FLUFL_OUTCOME_HELD && !blow->for_ever
      && (blow->errsv == 0 || flufl_site_is_passing (&stage->p.site, blow->errsv)))
    matrix_complain ("it gives up: outcome %d", stage->outcome);

  switch (stage->outcome)
    {
    case FLUFL_OUTCOME_FAILED:
    case FLUFL_OUTCOME_UNSURE:
    case FLUFL_OUTCOME_UNSUPPORTED:
      if (stage->errsv == 0)
        matrix_complain ("a failure without errno");
      break;
    default:
      break;
    }
}

/* Whether the blow keeps p from removing what it would. */
static gboolean
forbids_removal (Call call, const Blow *blow)
{
  if (call == CALL_UNLINK)
    return TRUE;
  /* Who cannot look leaves the lock file to others. */
  return (call == CALL_LSTAT || call == CALL_OPEN || call == CALL_FSTAT || call == CALL_READ)
         && blow->kind == BLOW_FAIL;
}

static void
judge_belief (Play *play, Call call, const Blow *blow)
{
  Stage *stage = &play->stage;
  /* Nothing is known to have changed: it is to try again. */
  gboolean failed = stage->outcome == FLUFL_OUTCOME_FAILED || stage->outcome == FLUFL_OUTCOME_UNSURE;
  gboolean lost_reply = call == CALL_UNLINK && blow->kind == BLOW_LOSE;
  gboolean late = stage->believes
                  && flufl_claim_lease_left (&stage->p.claim, &stage->p.site) <= 0;
  struct stat st;

  if (stage->believes && !stage_p_has_it (stage) && !(failed && (lost_reply || late)))
    matrix_complain ("it believes that it has the lock, and has not");
  if (stage->believes && stage->guarded && !late)
    matrix_complain ("two hold the lock");
  if (stage->believes || !disk_look (play->disk, play->disk->lock (), &st)
      || (play->had_lock && st.st_ino == play->lock.st_ino))
    return;
  if (!forbids_removal (call, blow))
    matrix_complain ("it does not know that it has the lock");
  else if (st.st_nlink >= 2 && !blow->for_ever)
    matrix_complain ("it did not even remove its claim");
}

/* For how long a lock that was left may keep others out: docs/protocol.md. */
static gint64
longest_wait (Play *play, Proc *newcomer)
{
  const gint64 now = play->disk->sys->clock (FLUFL_CLOCK_REAL);
  gint64 wait = 2 * FAKE_SEC;
  FluflLook look;

  flufl_look_take (&look, &newcomer->site, play->disk->lock ());
  if (look.sight == FLUFL_SIGHT_NOTHING)
    return 0;
  if (play->kind != FLUFL_FS_LOCAL || look.sight != FLUFL_SIGHT_CLAIM || !look.claim.life_line)
    wait += MAX (look.mtime + FLUFL_SLOP - now, 0) + FLUFL_GRACE;
  if (look.nlink < 2)
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
    return; /* it is no lock */
  if (stage->other.claim.path != NULL)
    {
      if (proc_release (&stage->other) != FLUFL_OUTCOME_RELEASED)
        matrix_complain ("the other could not release its lock");
      stage->guarded = FALSE;
    }

  proc_init_at (&newcomer, play->disk->sys, play->disk->lock ());
  longest = longest_wait (play, &newcomer);
  waited = play->disk->sys->clock (FLUFL_CLOCK_BOOT);
  outcome = proc_try (&newcomer, stage, 1 + (int) (longest / FAKE_SEC));
  waited = play->disk->sys->clock (FLUFL_CLOCK_BOOT) - waited;
  play->slowest = MAX (play->slowest, waited);
  if (outcome == FLUFL_OUTCOME_HELD)
    outcome = proc_release (&newcomer);
  /* Once its claim is removed nothing tells whose it is. */
  if (play->scene->trait == SCENE_BLANK && outcome == FLUFL_OUTCOME_NOT_A_LOCK)
    g_assert_cmpint (flufl_break_force (&newcomer.site, &newcomer.found), ==,
                     FLUFL_OUTCOME_RELEASED);
  else if (outcome != FLUFL_OUTCOME_RELEASED)
    matrix_complain ("a newcomer does not get the lock within %.0f s: outcome %d",
                     (double) longest / FAKE_SEC, outcome);
  proc_abandon (&newcomer);
  proc_clear (&newcomer);
}

/* Files of p's that are left when all are gone. */
static void
judge_litter (Play *play, gboolean may_leave)
{
  g_autofree char *list = disk_list (play->disk);
  g_auto (GStrv) names = g_strsplit (list, "\n", -1);

  for (guint i = 0; names[i] != NULL && !may_leave; i++)
    if (!g_strv_contains (bystanders, names[i])
        && !(play->stage.guarded && strcmp (names[i], "x.lock") == 0)
        && !(play->scene->trait == SCENE_LEAVES && g_strv_contains ((const char *const *) play->names, names[i])))
      {
        matrix_complain ("files are left: %s", g_strdelimit (list, "\n", ' '));
        break;
      }
}

static void
judge (gpointer data, Call call, const Blow *blow)
{
  Play *play = data;
  Stage *stage = &play->stage;

  judge_answer (play, blow);
  judge_belief (play, call, blow);
  if (!blow->for_ever)
    faulty_repent ();
  stage_leave (stage);
  faulty_repent ();
  if (faulty_n_open () != 0)
    matrix_complain ("%u files are left open", faulty_n_open ());
  judge_bystanders (play);
  judge_newcomer (play);
  judge_litter (play, call == CALL_UNLINK && blow->kind == BLOW_FAIL);
  stage_close (stage);
  g_clear_pointer (&play->names, g_strfreev);
}

static void
test_scene (gconstpointer data)
{
  static const char *const kinds[] = { "", "local", "nfs", "other" };
  const Disk *disk = &disk_in_memory;
  Play play = { .disk = disk, .scene = data };

  for (FluflFsKind kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_OTHER; kind++)
    {
      g_autofree char *title = g_strdup_printf ("%s, %s", play.scene->name, kinds[kind]);
      Operation operation = { title, &play, prepare, act, judge };

      if ((play.scene->kinds & KIND (kind)) == 0)
        continue;
      play.kind = kind;
      matrix_run (&operation);
    }
  g_test_message ("a newcomer waited for %.0f s at most", (double) play.slowest / FAKE_SEC);
  matrix_end_test ();
}

int
main (int argc, char **argv)
{
  FluflIdentity us;

  g_test_init (&argc, &argv, NULL);
  flufl_identity_get (&flufl_syscalls_posix, &us); /* asked for once */
  for (guint i = 0; i < n_scenes; i++)
    {
      g_autofree char *path = g_strdup_printf ("/faults/%s", scenes[i].name);

      g_test_add_data_func (g_strdelimit (path, " ,", '-'), &scenes[i], test_scene);
    }
  return matrix_main ();
}
