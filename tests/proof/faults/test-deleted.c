/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Before each call of each operation a person deletes the lock file, the claims, or both, or
 * replaces the directory. A newcomer then acquires the lock. Its files stay untouched, whatever
 * the operation does next. Only a deletion between the look at the lock file and the unlink(2)
 * right after it can do harm, see docs/protocol.md, "Deleted by others".
 */

#include <string.h>

#include "play.h"

#define ELSEWHERE "/elsewhere"

typedef enum
{
  DELETES_LOCK,
  DELETES_CLAIMS,
  DELETES_BOTH,
  MOVES_DIRECTORY,  /* an empty one takes its place */
  COPIES_DIRECTORY, /* a copy of it takes its place */
  N_DELETIONS,
} Deletion;

static const char *const deletion_names[N_DELETIONS] = {
  "lock file deleted", "claims deleted", "both deleted", "directory replaced",
  "directory replaced by a copy",
};

static struct
{
  Deletion deletion;
  gboolean taken;     /* a newcomer acquires the lock at once … */
  gboolean backed_up; /* … after a backup by hard links was made */
  guint    leavings;  /* the number of the release before which the person comes; 0: a call */
  gboolean struck;
  gboolean in_window; /* the next call is the unlink(2) of the lock file */
  gboolean got_it;    /* the newcomer has got the lock since then */
  Proc     newcomer;
} person;

static guint n_runs, n_complaints, n_windows; /* of this test */
static guint n_all_runs;
static const char *title;

static void
complain (guint nth, const char *what)
{
  n_complaints++;
  g_test_message ("%s, call %u (%s), %s%s: %s", title, nth,
                  nth > 0 ? faulty_words (nth) : "none", deletion_names[person.deletion], person.backed_up ? " after a backup" : "", what);
}

static void
delete_claims (void)
{
  g_autofree char *list = disk_list (&disk_in_memory);
  g_auto (GStrv) names = g_strsplit (list, "\n", -1);

  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_has_prefix (names[i], "x.lock|"))
      {
        g_autofree char *path = flufl_site_path_of (&person.newcomer.site, names[i]);

        fake_syscalls.unlink (path);
      }
}

static void
strike (void)
{
  g_autofree char *directory = flufl_site_directory (&person.newcomer.site);

  person.struck = TRUE;
  person.in_window = strcmp (faulty_words (faulty_n_calls ()), "unlink x.lock") == 0;
  switch (person.deletion)
    {
    case DELETES_LOCK:
      fake_syscalls.unlink (LOCK);
      break;
    case DELETES_BOTH:
      fake_syscalls.unlink (LOCK);
      delete_claims ();
      break;
    case DELETES_CLAIMS:
      delete_claims ();
      break;
    case MOVES_DIRECTORY:
      fake_disk_move_directory (directory, ELSEWHERE);
      break;
    case COPIES_DIRECTORY:
      fake_disk_move_directory (directory, ELSEWHERE);
      fake_disk_copy_directory (ELSEWHERE, directory);
      break;
    case N_DELETIONS:
    default:
      g_assert_not_reached ();
    }
  person.got_it = person.taken && proc_attempt (&person.newcomer) == FLUFL_OUTCOME_HELD;
}

static gboolean
newcomer_has_it (void)
{
  const Proc *n = &person.newcomer;

  return person.got_it && fake_disk_exists (n->claim.path) && fake_disk_exists (LOCK)
         && g_strcmp0 (fake_disk_content (LOCK), n->claim.path) == 0
         && fake_disk_nlink (n->claim.path) == 2;
}

/* Whether the operation was to remove any lock, and found the newcomer's. */
static gboolean
was_meant (const Stage *stage)
{
  return stage->act_by_force && stage->p.found.look.ino == person.newcomer.claim.ino;
}

static void
judge_newcomer (Play *play, guint nth)
{
  Stage *stage = &play->stage;
  int errsv = 0;

  if (!newcomer_has_it ())
    {
      n_windows += person.in_window;
      if (!person.in_window && !was_meant (stage))
        complain (nth, "it touched the lock of another");
      return;
    }
  if (stage->believes
      && flufl_claim_check (&stage->p.claim, &stage->p.site, &errsv) != FLUFL_OUTCOME_LOST)
    complain (nth, "it takes the lock of another for its own");
  stage_leave (stage);
  if (!newcomer_has_it ())
    complain (nth, "when it left it touched the lock of another");
}

/* Complains if a file beside the lock is gone, or has another number of links. */
static void
judge_bystander (guint nth)
{
  static const char path[] = "/d|e/x.lock.txt";

  if (person.deletion < MOVES_DIRECTORY
      && (!fake_disk_exists (path) || fake_disk_nlink (path) != 1 + (guint) person.backed_up))
    complain (nth, "a file beside the lock was touched");
}

/* Makes a backup as cp -al does. */
static void
back_up (void)
{
  g_autofree char *list = fake_disk_list ();
  g_auto (GStrv) paths = g_strsplit (list, "\n", -1);

  for (guint i = 0; paths[i] != NULL; i++)
    if (paths[i][0] != '\0')
      {
        g_autofree char *copy = g_strconcat ("/backup/", strrchr (paths[i], '/') + 1, NULL);

        g_assert_cmpint (fake_syscalls.link (paths[i], copy), ==, 0);
      }
}

/* The person comes before the process gives back its lock, perhaps long after its last call. */
static void
strike_leaver (void)
{
  if (person.leavings == 0 || --person.leavings > 0)
    return;
  strike ();
  person.in_window = FALSE;
}

/* The person comes before the @nth call, or, if that is 0, before the lock is given back for the
 * @leavings-th time. Returns whether that moment came. */
static gboolean
run_one (Play *play, guint nth, guint leavings)
{
  const Blow blow = { .kind = BLOW_HOOK_BEFORE, .hook = strike };
  Stage *stage = &play->stage;

  play_open (play, &disk_in_memory);
  stage->disturbed = TRUE;
  proc_init (&person.newcomer);
  person.struck = person.got_it = FALSE;
  play->scene->prepare (stage);
  if (person.backed_up)
    back_up ();
  person.leavings = leavings;
  if (nth == 0)
    stage->leaving = strike_leaver;
  else
    {
      nth += faulty_n_calls ();
      faulty_order (nth, &blow);
    }
  play->scene->act (stage);
  stage->leaving = NULL;
  faulty_repent ();
  if (person.got_it)
    judge_newcomer (play, nth);
  stage_leave (stage);
  if (person.struck)
    judge_bystander (nth);
  if (faulty_n_open () != 0)
    complain (nth, "files are left open");
  proc_abandon (&person.newcomer);
  proc_clear (&person.newcomer);
  stage_close (stage);
  n_runs += person.struck;
  return person.struck;
}

static void
run_all (Play *play)
{
  for (person.deletion = 0; person.deletion < N_DELETIONS; person.deletion++)
    for (person.taken = FALSE; person.taken <= TRUE; person.taken++)
      {
        for (guint nth = 1; run_one (play, nth, 0); nth++)
          ;
        for (guint nth = 1; run_one (play, 0, nth); nth++)
          ;
      }
}

static void
test_scene (gconstpointer data)
{
  Play play = { .scene = data };

  n_runs = n_complaints = n_windows = 0;
  for (FluflFsKind kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_OTHER; kind++)
    {
      g_autofree char *name = g_strdup_printf ("%s, %s", play.scene->name, fs_kind_name (kind));

      if ((play.scene->kinds & KIND (kind)) == 0)
        continue;
      play.kind = kind;
      title = name;
      for (person.backed_up = FALSE; person.backed_up <= TRUE; person.backed_up++)
        run_all (&play);
    }
  g_test_message ("%u deletions, %u of them between a look and the unlink(2) after it, "
                  "%u complaints", n_runs, n_windows, n_complaints);
  g_assert_cmpuint (n_runs, >, 0);
  if (n_complaints > 0)
    g_test_fail ();
  n_all_runs += n_runs;
}

int
main (int argc, char **argv)
{
  FluflIdentity us;
  int status;

  g_test_init (&argc, &argv, NULL);
  flufl_identity_get (&flufl_syscalls_native, &us); /* it is found out only once */
  for (guint i = 0; i < n_scenes; i++)
    {
      g_autofree char *path = g_strdup_printf ("/deleted/%s", scenes[i].name);

      g_test_add_data_func (g_strdelimit (path, " ,", '-'), &scenes[i], test_scene);
    }
  status = g_test_run ();
  g_print ("# figures: %u deletions\n", n_all_runs);
  return status;
}
