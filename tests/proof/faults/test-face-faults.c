/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Every operation of FluflLock under every fault. It answers with a result or a proper error, the
 * object knows whether it has the lock, and no file is left behind.
 */

#include <string.h>

#include "flufl-lock-private.h"
#include "libflufllock.h"
#include "play.h"

/* Microseconds after which an operation is cancelled that has not ended. It waits for a lock, or
 * for one to have rested, and time stands still on these disks. */
#define PATIENCE (20 * 1000)

typedef struct
{
  const Disk *disk;
  Play        play;
  gboolean    patient;  /* its operations are not cancelled */
  FluflLock  *lock;
  GCancellable *cancellable;
  gboolean    answer;
  gboolean    failed;   /* the last operation has said that nothing is changed */
  GError     *error;
} Face;

typedef struct
{
  const char *name;
  const char *scene;    /* the scene with the state of the directory at the beginning */
  gboolean    holds;    /* whether the object holds the lock then */
  gboolean    real;     /* only on the real disk */
  void      (*act) (Face *self);
} Act;

/* --- The thread that loses patience --- */

static GMutex mutex;
static GCond changed;
static GCancellable *waiting; /* under the mutex; borrowed */
static gint64 until;
static gboolean over;

static gpointer
lose_patience (gpointer unused G_GNUC_UNUSED)
{
  g_mutex_lock (&mutex);
  while (!over)
    if (waiting == NULL)
      g_cond_wait (&changed, &mutex);
    else if (g_get_monotonic_time () < until)
      g_cond_wait_until (&changed, &mutex, until);
    else
      {
        g_cancellable_cancel (waiting);
        waiting = NULL;
      }
  g_mutex_unlock (&mutex);
  return NULL;
}

static void
wait_for (GCancellable *cancellable)
{
  g_mutex_lock (&mutex);
  waiting = cancellable;
  until = g_get_monotonic_time () + PATIENCE;
  /* The signal wakes the thread if it waits without a limit. If it waits until an earlier time, it
   * wakes by itself. */
  g_cond_signal (&changed);
  g_mutex_unlock (&mutex);
}

/* --- Operations --- */

static void
acquire_once (Face *self)
{
  self->answer = flufl_lock_acquire (self->lock, 0, self->cancellable, &self->error);
}

static void
other_leaves (gpointer data)
{
  Face *self = data;

  g_assert_cmpint (proc_release (&self->play.stage.other), ==, FLUFL_OUTCOME_RELEASED);
  self->play.stage.guarded = FALSE;
}

static void
acquire_in_turn (Face *self)
{
  faulty_meanwhile (CALL_LINK, 2, other_leaves, self);
  self->answer = flufl_lock_acquire (self->lock, -1, self->cancellable, &self->error);
}

static void
release (Face *self)
{
  self->answer = flufl_lock_release (self->lock, self->cancellable, &self->error);
  self->failed = !self->answer;
}

static void
refresh (Face *self)
{
  self->answer = flufl_lock_refresh (self->lock, 30000, self->cancellable, &self->error);
}

static void
check (Face *self)
{
  self->answer = flufl_lock_check (self->lock, self->cancellable, &self->error)
                 || self->error == NULL;
}

static void
query_state (Face *self)
{
  FluflLockState state = flufl_lock_query_state (self->lock, self->cancellable, &self->error);

  self->answer = self->error == NULL;
  if (self->answer && state == FLUFL_LOCK_STATE_OURS)
    matrix_complain ("it takes another's lock for its own");
}

static void
query_details (Face *self)
{
  g_autoptr (FluflLockDetails) details
      = flufl_lock_query_details (self->lock, self->cancellable, &self->error);

  self->answer = details != NULL;
}

static void
break_lock (Face *self)
{
  self->answer = flufl_lock_break_lock (self->lock, FLUFL_BREAK_NONE, self->cancellable,
                                        &self->error);
}

static void
break_by_force (Face *self)
{
  self->answer = flufl_lock_break_lock (self->lock, FLUFL_BREAK_FORCE, self->cancellable,
                                        &self->error);
}

static void
linger (Face *self)
{
  flufl_lock_set_linger (self->lock, TRUE);
  release (self);
  if (self->answer)
    {
      acquire_once (self);
      if (self->answer)
        release (self);
    }
}

static void
drop (Face *self)
{
  g_clear_object (&self->lock);
  self->answer = TRUE;
}

static const Act acts[] = {
  { "acquire", "acquire", FALSE, FALSE, acquire_once },
  { "acquire, held", "acquire, held", FALSE, FALSE, acquire_once },
  { "acquire, waiting", "acquire, waiting", FALSE, TRUE, acquire_in_turn },
  { "acquire, no lock", "acquire, no lock", FALSE, FALSE, acquire_once },
  { "acquire, expired", "acquire, expired", FALSE, FALSE, acquire_once },
  { "acquire, killed holder", "acquire, killed holder", FALSE, FALSE, acquire_once },
  { "release", "acquire", TRUE, FALSE, release },
  { "refresh", "acquire", TRUE, FALSE, refresh },
  { "check", "acquire", TRUE, FALSE, check },
  { "query state", "query", FALSE, FALSE, query_state },
  { "query details", "query", FALSE, FALSE, query_details },
  { "break, expired", "break, expired", FALSE, FALSE, break_lock },
  { "break, killed holder", "break, killed holder", FALSE, FALSE, break_lock },
  { "break, held", "break, held", FALSE, FALSE, break_lock },
  { "break, forced", "break, forced", FALSE, FALSE, break_by_force },
  { "linger", "acquire", TRUE, FALSE, linger },
  { "drop", "acquire", TRUE, FALSE, drop },
};

/* --- One combination --- */

static const Act *acted;

static void
prepare (gpointer data)
{
  Face *self = data;

  play_open (&self->play, self->disk);
  self->play.scene->prepare (&self->play.stage);
  self->lock = flufl_lock_new_for_path (self->disk->lock ());
  flufl_lock_set_heartbeat (self->lock, FLUFL_HEARTBEAT_NONE);
  self->cancellable = g_cancellable_new ();
  self->failed = FALSE;
  if (acted->holds)
    {
      g_assert_true (flufl_lock_acquire (self->lock, 0, NULL, &self->error));
      g_assert_no_error (self->error);
    }
  play_remember (&self->play);
}

static void
act (gpointer data)
{
  Face *self = data;

  wait_for (self->patient ? NULL : self->cancellable);
  acted->act (self);
  wait_for (NULL);
}

static void
judge_error (Face *self, const GError *error)
{
  if (error->domain != FLUFL_LOCK_ERROR && error->domain != G_IO_ERROR)
    matrix_complain ("an error of domain %s", g_quark_to_string (error->domain));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!g_utf8_validate (error->message, -1, NULL) || !g_str_has_suffix (error->message, ".")
      || strstr (error->message, self->disk->lock ()) == NULL)
    matrix_complain ("“%s” is no sentence that names the lock", error->message);
}

static gboolean
has_it (Face *self)
{
  g_autoptr (GFile) file = flufl_lock_dup_claim_file (self->lock);
  FluflStat claim, lock;

  return file != NULL && disk_look (self->disk, g_file_peek_path (file), &claim)
         && disk_look (self->disk, self->disk->lock (), &lock) && claim.nlink == 2
         && claim.ino == lock.ino;
}

static void
judge (gpointer data, Call call, const Blow *blow)
{
  Face *self = data;
  gboolean lost_reply = call == CALL_UNLINK && blow->kind == BLOW_LOSE;
  gboolean held = self->lock != NULL && flufl_lock_get_held (self->lock);

  if (self->answer != (self->error == NULL))
    matrix_complain ("an answer and an error, or neither");
  if (self->error != NULL)
    judge_error (self, self->error);
  if (held && !has_it (self) && !(self->failed && lost_reply))
    matrix_complain ("it believes that it has the lock, and has not");
  if (held && self->play.stage.guarded)
    matrix_complain ("two hold the lock");
  play_judge_lock (&self->play, held, call, blow);
  g_clear_error (&self->error);

  if (!blow->for_ever)
    faulty_repent ();
  if (held && !flufl_lock_release (self->lock, NULL, &self->error))
    judge_error (self, self->error);
  g_clear_error (&self->error);
  g_clear_object (&self->lock);
  g_clear_object (&self->cancellable);
  play_close (&self->play, call, blow);
  self->patient = FALSE;
}

static void
test_act (gconstpointer data)
{
  const Disk *disks[] = { &disk_in_memory, &disk_real };
  Face face = { .answer = FALSE };

  acted = data;
  face.play.scene = scene_find (acted->scene);
  for (gsize i = 0; i < G_N_ELEMENTS (disks); i++)
    for (FluflFsKind kind = FLUFL_FS_LOCAL; kind <= FLUFL_FS_OTHER; kind++)
      {
        g_autofree char *title
            = g_strdup_printf ("%s, %s, %s", acted->name, disks[i]->name, fs_kind_name (kind));
        Operation operation = { title, &face, disks[i] == &disk_real, prepare, act, judge };

        if ((face.play.scene->kinds & KIND (kind)) == 0)
          continue;
        if (disks[i] == &disk_in_memory ? acted->real
                                        : kind != FLUFL_FS_LOCAL || !disk_real_is_local ())
          continue;
        face.disk = disks[i];
        face.play.kind = kind;
        /* Where the library does not trust the file system, a break waits for a lifetime that it
         * sees itself. The time of the disk in memory stands still meanwhile, so the wait is
         * cancelled. The test “cluster” has such breaks to their end. */
        face.patient = kind != FLUFL_FS_OTHER || acted->act != break_lock;
        matrix_run (&operation);
      }
  matrix_end_test ();
}

int
main (int argc, char **argv)
{
  FluflIdentity us;
  GThread *thread;
  int status;

  g_test_init (&argc, &argv, NULL);
  flufl_identity_get (&flufl_syscalls_native, &us); /* it is found out only once */
  flufl_lock_syscalls = &faulty_syscalls;
  flufl_acquire_patience = 200;
  thread = g_thread_new ("patience", lose_patience, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (acts); i++)
    {
      g_autofree char *path = g_strdup_printf ("/face-faults/%s", acts[i].name);

      g_test_add_data_func (g_strdelimit (path, " ,", '-'), &acts[i], test_act);
    }
  status = matrix_main ();
  g_mutex_lock (&mutex);
  over = TRUE;
  g_cond_signal (&changed);
  g_mutex_unlock (&mutex);
  g_thread_join (thread);
  disk_real.clear ();
  return status;
}
