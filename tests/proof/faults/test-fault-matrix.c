/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Every step of the protocol under every fault. Whatever goes wrong, once or for ever, the process
 * knows whether it has the lock, leaves no file behind that could be removed, touches no file of
 * others, and shuts no process out for longer than docs/protocol.md allows.
 */

#include "play.h"

static void
prepare (gpointer data)
{
  Play *play = data;

  play_open (play, &disk_in_memory);
  play->scene->prepare (&play->stage);
  play_remember (play);
}

static void
act (gpointer data)
{
  Play *play = data;

  play->scene->act (&play->stage);
}

static void
judge_answer (Play *play, const Blow *blow)
{
  Stage *stage = &play->stage;
  /* A lock without content is broken, if nothing goes wrong. */
  gboolean gets_it = play->scene->trait == SCENE_PATIENT
                     || (play->scene->trait == SCENE_BLANK && blow->kind == BLOW_NONE);

  if (gets_it && stage->outcome != FLUFL_OUTCOME_HELD && !blow->for_ever
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

static void
judge_belief (Play *play, Call call, const Blow *blow)
{
  Stage *stage = &play->stage;
  /* The step is not known to have changed anything, so it is tried again. */
  gboolean failed = stage->outcome == FLUFL_OUTCOME_FAILED || stage->outcome == FLUFL_OUTCOME_UNSURE;
  gboolean lost_reply = call == CALL_UNLINK && blow->kind == BLOW_LOSE;
  const gint64 boot = stage->disk->sys->clock (FLUFL_CLOCK_BOOT);
  const gint64 real = stage->disk->sys->clock (FLUFL_CLOCK_REAL);
  gint64 left = stage->believes ? flufl_claim_lease_left (&stage->p.claim, &stage->p.site) : 0;
  gboolean late = stage->believes && left <= 0;
  FluflStat st;

  if (stage->believes && !stage_p_has_it (stage) && !(failed && (lost_reply || late)))
    matrix_complain ("it believes that it has the lock, and has not");
  if (stage->believes && stage->guarded && !late)
    matrix_complain ("two hold the lock");
  if (stage->believes && disk_look (stage->disk, stage->disk->lock (), &st)
      && st.mtime < stage->p.claim.lease_start - boot + real + stage->p.claim.lifetime)
    matrix_complain ("its lease is longer than its lock");
  if (play->scene->trait == SCENE_PATIENT && stage->believes
      && (blow->kind != BLOW_SLOW || call == CALL_LINK) && left < LIFETIME * 9 / 10)
    matrix_complain ("the lock that it got is old");
  play_judge_lock (play, stage->believes, call, blow);
}

static void
judge (gpointer data, Call call, const Blow *blow)
{
  Play *play = data;

  judge_answer (play, blow);
  judge_belief (play, call, blow);
  if (!blow->for_ever)
    faulty_repent ();
  stage_leave (&play->stage);
  play_close (play, call, blow);
}

static void
test_scene (gconstpointer data)
{
  Play play = { .scene = data };

  for (FluflFsKind kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_OTHER; kind++)
    {
      g_autofree char *title = g_strdup_printf ("%s, %s", play.scene->name, fs_kind_name (kind));
      Operation operation = { title, &play, FALSE, prepare, act, judge };

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
  flufl_identity_get (&flufl_syscalls_native, &us); /* it is found out only once */
  for (guint i = 0; i < n_scenes; i++)
    {
      g_autofree char *path = g_strdup_printf ("/faults/%s", scenes[i].name);

      g_test_add_data_func (g_strdelimit (path, " ,", '-'), &scenes[i], test_scene);
    }
  return matrix_main ();
}
