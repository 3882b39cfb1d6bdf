/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "scenes.h"

#include <string.h>

#include "flufl-life-line.h"
#include "flufl-path.h"
#include "flufl-queue.h"

#define SEPARATOR FLUFL_DEFAULT_SEPARATOR

#define LONG_AGO (-1000.0)

/* The number of tries within which an old lock is recovered, has rested, and is broken. */
#define PATIENT 24

static gboolean
is_over (FluflOutcome outcome)
{
  return outcome != FLUFL_OUTCOME_BUSY && outcome != FLUFL_OUTCOME_UNSURE;
}

FluflOutcome
proc_try (Proc *proc, Stage *stage, int tries)
{
  FluflOutcome outcome = proc_attempt (proc);

  for (int i = 1; i < tries && !is_over (outcome); i++)
    {
      if (stage->wait != NULL)
        stage->wait ();
      else
        stage->disk->pass (FAKE_SEC);
      outcome = proc_attempt (proc);
    }
  return outcome;
}

/* --- Steps of p --- */

static void
acquire (Stage *self, int tries)
{
  self->outcome = proc_try (&self->p, self, tries);
  self->errsv = self->p.found.errsv;
  self->believes = self->outcome == FLUFL_OUTCOME_HELD;
  if (self->believes && self->holding != NULL)
    self->holding ();
  if (!is_over (self->outcome)) /* a timeout */
    proc_abandon (&self->p);
}

/* Does the same as an object that has found its lock lost. */
static void
lose (Stage *self)
{
  self->believes = FALSE;
  self->p.claim.unsure = self->p.claim.path != NULL;
  proc_abandon (&self->p);
}

static void
settle_release (Stage *self, FluflOutcome outcome)
{
  self->outcome = outcome;
  self->believes = outcome == FLUFL_OUTCOME_FAILED;
}

static void
release (Stage *self)
{
  if (self->leaving != NULL)
    self->leaving ();
  settle_release (self, flufl_claim_release (&self->p.claim, &self->p.site, &self->errsv));
}

static void
park (Stage *self)
{
  if (self->leaving != NULL)
    self->leaving ();
  settle_release (self, flufl_claim_park (&self->p.claim, &self->p.site, &self->errsv));
}

static void
refresh_for (Stage *self, gint64 lifetime)
{
  self->outcome = flufl_claim_refresh (&self->p.claim, &self->p.site, lifetime, &self->errsv);
  self->believes = self->outcome != FLUFL_OUTCOME_LOST;
  if (!self->believes)
    lose (self);
}

static void
refresh (Stage *self)
{
  refresh_for (self, 2 * LIFETIME);
}

static void
refresh_briefly (Stage *self)
{
  refresh_for (self, LIFETIME / 3);
}

static void
check (Stage *self)
{
  self->outcome = flufl_claim_check (&self->p.claim, &self->p.site, &self->errsv);
}

static void
acquire_once (Stage *self)
{
  acquire (self, 1);
}

static void
acquire_patiently (Stage *self)
{
  acquire (self, PATIENT);
}

/* The other process gives the lock back after a while. */
static void
acquire_in_turn (Stage *self)
{
  self->outcome = proc_try (&self->p, self, 2);
  if (self->other.claim.path != NULL)
    {
      FluflOutcome outcome = proc_release (&self->other);

      g_assert_true (outcome == FLUFL_OUTCOME_RELEASED || self->disturbed);
    }
  self->guarded = FALSE;
  if (is_over (self->outcome))
    {
      self->errsv = self->p.found.errsv;
      self->believes = self->outcome == FLUFL_OUTCOME_HELD;
    }
  else
    acquire (self, PATIENT);
}

static void
acquire_and_release (Stage *self)
{
  acquire (self, PATIENT);
  if (self->believes)
    release (self);
}

static void
cycle_lingering (Stage *self)
{
  for (int i = 0; i < 2 && self->believes; i++)
    {
      park (self);
      if (!self->believes)
        acquire (self, 4);
    }
}

static void
begin_lingering (Stage *self)
{
  self->p.site.names_kept = TRUE;
  acquire (self, 4);
  cycle_lingering (self);
}

static void
break_by_force (Stage *self)
{
  self->act_by_force = TRUE;
  self->outcome = flufl_break_force (&self->p.site, &self->p.found);
  self->errsv = self->p.found.errsv;
}

/* Does the same as an object that is asked to break a lock. It reads the server's clock from a
 * claim that it never links. */
static void
break_expired (Stage *self)
{
  self->outcome
      = flufl_claim_create (&self->p.claim, &self->p.site, LIFETIME, &self->p.found.errsv);
  for (int i = 0; self->outcome == FLUFL_OUTCOME_READY && i < PATIENT; i++)
    {
      self->outcome = flufl_break (&self->p.claim, &self->p.site, TRUE, &self->p.found);
      if (self->outcome != FLUFL_OUTCOME_BUSY || !self->p.found.resting)
        break;
      self->outcome = FLUFL_OUTCOME_READY;
      self->disk->pass (FAKE_SEC);
    }
  self->errsv = self->p.found.errsv;
  proc_abandon (&self->p);
}

static void
query (Stage *self)
{
  FluflLook look;
  int fd;

  flufl_look_open (&look, &self->p.site, self->p.site.lock_path, &fd);
  flufl_life_line_judge (&self->p.site, &look,
                         flufl_life_line_try (&self->p.site, &look, fd, FLUFL_LINE_ASK));
  if (fd >= 0)
    self->p.site.sys->close (fd);
  self->outcome = look.sight == FLUFL_SIGHT_FAILED ? FLUFL_OUTCOME_UNSURE : FLUFL_OUTCOME_BUSY;
  self->errsv = look.errsv;
}

static void
give_up (Stage *self)
{
  if (self->believes)
    release (self);
  else
    proc_abandon (&self->p);
}

/* A waiter checks whether the waiter before it is alive. */
static void
collect (Stage *self)
{
  FluflQueue queue = { 0 };
  FluflQueueView view;

  self->outcome = proc_attempt (&self->p);
  self->errsv = self->p.found.errsv;
  if (self->p.claim.path == NULL)
    return;
  self->believes = self->outcome == FLUFL_OUTCOME_HELD;
  flufl_queue_view (&queue, &self->p.site, &self->p.claim, TRUE, &view);
  if (view.found)
    flufl_queue_check (&queue, &self->p.site, &view.predecessor, TRUE);
  flufl_queue_clear (&queue);
  give_up (self);
}

/* A waiter without a queue checks the claims of others. */
static void
sweep (Stage *self)
{
  FluflLeftovers leftovers = { 0 };

  self->outcome = proc_attempt (&self->p);
  self->errsv = self->p.found.errsv;
  if (self->p.claim.path == NULL)
    return;
  self->believes = self->outcome == FLUFL_OUTCOME_HELD;
  flufl_leftovers_sweep (&leftovers, &self->p.site);
  flufl_leftovers_clear (&leftovers);
  give_up (self);
}

/* --- States of the directory --- */

static void
hold (Proc *proc)
{
  g_assert_cmpint (proc_attempt (proc), ==, FLUFL_OUTCOME_HELD);
}

static void
p_holds (Stage *self)
{
  hold (&self->p);
  self->believes = TRUE;
  if (self->holding != NULL)
    self->holding ();
  self->disk->pass (FAKE_SEC);
}

static void
p_is_late (Stage *self)
{
  p_holds (self);
  self->disk->pass (LIFETIME - 2 * FAKE_SEC);
}

static void
p_lingers (Stage *self)
{
  self->p.site.names_kept = TRUE;
  p_holds (self);
}

static void
other_holds (Stage *self)
{
  hold (&self->other);
  self->disk->pass (FAKE_SEC);
  self->guarded = TRUE;
}

/* The lock was broken while p was late, and another process holds it. */
static void
p_was_broken (Stage *self)
{
  p_holds (self);
  self->disk->pass (LIFETIME + FLUFL_SLOP + FAKE_SEC);
  g_assert_cmpint (proc_try (&self->other, self, 2 * PATIENT), ==, FLUFL_OUTCOME_HELD);
  self->guarded = TRUE;
}

static void
other_was_killed (Stage *self)
{
  hold (&self->other);
  proc_die (&self->other);
  self->disk->pass (FAKE_SEC);
}

static char *
claim_of_elsewhere (Stage *self)
{
  return g_strconcat (self->disk->lock (), SEPARATOR "elsewhere" SEPARATOR "7" SEPARATOR
                      "T18eac9a40973529cR1B1N1S1", NULL);
}

static void
put_lock (Stage *self, const char *claim, const char *content, double seconds)
{
  disk_put (self->disk, claim, content, seconds);
  g_assert_cmpint (self->disk->sys->link (claim, self->disk->lock ()), ==, 0);
  self->disk->pass (FLUFL_GRACE + FAKE_SEC);
}

static void
old_lock (Stage *self)
{
  g_autofree char *claim = claim_of_elsewhere (self);

  put_lock (self, claim, claim, LONG_AGO);
}

static void
old_blank_lock (Stage *self)
{
  g_autofree char *claim = claim_of_elsewhere (self);

  put_lock (self, claim, "", LONG_AGO);
}

/* A claim of this machine without a life-line, whose process can be looked for. */
static char *
claim_of_dead_process (Stage *self, double *out_seconds)
{
  g_autofree char *name = NULL;
  FluflIdentity id;

  flufl_identity_get (&flufl_syscalls_native, &id);
  id.pid = G_MAXINT32;
  name = flufl_claim_name_build ("x.lock", SEPARATOR, &id, 1, 2, FLUFL_MARK_NONE);
  *out_seconds = id.start[0] != '\0' ? 3600 : LONG_AGO;
  return flufl_site_path_of (&self->other.site, name);
}

static void
lock_of_dead_process (Stage *self)
{
  double seconds;
  g_autofree char *claim = claim_of_dead_process (self, &seconds);

  put_lock (self, claim, claim, seconds);
}

static void
dead_waiter (Stage *self)
{
  double seconds;
  g_autofree char *claim = claim_of_dead_process (self, &seconds);

  disk_put (self->disk, claim, claim, seconds);
  other_holds (self);
}

static void
old_orphan (Stage *self)
{
  g_autofree char *claim = claim_of_elsewhere (self);

  put_lock (self, claim, claim, LONG_AGO);
  g_assert_cmpint (self->disk->sys->unlink (claim), ==, 0);
  self->disk->pass (FLUFL_GRACE + FAKE_SEC);
}

static void
killed_orphan (Stage *self)
{
  hold (&self->other);
  g_assert_cmpint (self->disk->sys->unlink (self->other.claim.path), ==, 0);
  proc_die (&self->other);
  self->disk->pass (FLUFL_GRACE + FAKE_SEC);
}

static void
no_lock (Stage *self)
{
  disk_put (self->disk, self->disk->lock (), "What the lock was to protect.\n", 0);
  self->guarded = TRUE;
}

static void
killed_waiter (Stage *self)
{
  Proc dead;

  hold (&self->other);
  self->guarded = TRUE;
  proc_init_native (&dead, self->disk->sys, self->disk->lock ());
  g_assert_cmpint (proc_attempt (&dead), ==, FLUFL_OUTCOME_BUSY);
  proc_die (&dead);
  proc_clear (&dead);
  self->disk->pass (FAKE_SEC);
}

static void
nothing (Stage *self G_GNUC_UNUSED)
{
}

#define LOCAL KIND (FLUFL_FS_LOCAL)

const Scene scenes[] = {
  { "acquire", ANY_KIND, nothing, acquire_patiently, SCENE_PATIENT },
  { "acquire, once", ANY_KIND, nothing, acquire_once, SCENE_PLAIN },
  { "acquire and release", ANY_KIND, nothing, acquire_and_release, SCENE_PLAIN },
  { "acquire, held", ANY_KIND, other_holds, acquire_once, SCENE_PLAIN },
  { "acquire, waiting", ANY_KIND, other_holds, acquire_in_turn, SCENE_PATIENT },
  { "acquire, no lock", ANY_KIND, no_lock, acquire_once, SCENE_PLAIN },
  { "acquire, expired", ANY_KIND, old_lock, acquire_patiently, SCENE_PATIENT },
  { "acquire, blank", ANY_KIND, old_blank_lock, acquire_patiently, SCENE_BLANK },
  { "acquire, orphan", ANY_KIND, old_orphan, acquire_patiently, SCENE_PATIENT },
  { "acquire, killed holder", LOCAL, other_was_killed, acquire_patiently, SCENE_PATIENT },
  { "acquire, dead process", ANY_KIND, lock_of_dead_process, acquire_patiently, SCENE_PATIENT },
  { "acquire, killed releaser", LOCAL, killed_orphan, acquire_patiently, SCENE_PATIENT },
  { "release", ANY_KIND, p_holds, release, SCENE_PLAIN },
  { "release, late", ANY_KIND, p_is_late, release, SCENE_PLAIN },
  { "release, lost", ANY_KIND, p_was_broken, release, SCENE_PLAIN },
  { "refresh", ANY_KIND, p_holds, refresh, SCENE_PLAIN },
  { "refresh, lost", ANY_KIND, p_was_broken, refresh, SCENE_PLAIN },
  { "refresh, shorter", ANY_KIND, p_holds, refresh_briefly, SCENE_PLAIN },
  { "check", ANY_KIND, p_holds, check, SCENE_PLAIN },
  { "query", ANY_KIND, other_holds, query, SCENE_PLAIN },
  { "break, expired", ANY_KIND, old_lock, break_expired, SCENE_PLAIN },
  { "break, killed holder", LOCAL, other_was_killed, break_expired, SCENE_PLAIN },
  { "break, held", ANY_KIND, other_holds, break_expired, SCENE_PLAIN },
  { "break, forced", ANY_KIND, old_lock, break_by_force, SCENE_LEAVES },
  { "linger", ANY_KIND, p_holds, cycle_lingering, SCENE_PLAIN },
  { "linger, from the beginning", ANY_KIND, nothing, begin_lingering, SCENE_PLAIN },
  { "linger, named ahead", ANY_KIND, p_lingers, cycle_lingering, SCENE_PLAIN },
  { "collect", LOCAL, killed_waiter, collect, SCENE_LEAVES },
  { "sweep", ANY_KIND, dead_waiter, sweep, SCENE_LEAVES },
};

const guint n_scenes = G_N_ELEMENTS (scenes);

const Scene *
scene_find (const char *name)
{
  for (guint i = 0; i < n_scenes; i++)
    if (strcmp (scenes[i].name, name) == 0)
      return &scenes[i];
  g_assert_not_reached ();
}

/* --- The stage --- */

void
stage_open (Stage *self, const Disk *disk, const FluflSyscalls *sys, FluflFsKind kind)
{
  *self = (Stage){ .disk = disk };
  disk->reset (kind);
  proc_init_native (&self->p, sys, disk->lock ());
  proc_init_native (&self->other, disk->sys, disk->lock ());
}

void
stage_close (Stage *self)
{
  proc_clear (&self->p);
  proc_clear (&self->other);
}

gboolean
stage_p_has_it (Stage *self)
{
  FluflStat claim, lock;

  return self->p.claim.path != NULL && disk_look (self->disk, self->p.claim.path, &claim)
         && disk_look (self->disk, self->disk->lock (), &lock) && claim.nlink == 2
         && claim.dev == lock.dev && claim.ino == lock.ino;
}

void
stage_leave (Stage *self)
{
  for (int i = 0; i < 2 && self->believes; i++)
    release (self);
  if (self->believes)
    proc_die (&self->p);
  self->believes = FALSE;
  proc_abandon (&self->p);
}
