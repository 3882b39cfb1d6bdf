/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Waiting goes by two clocks. A watch tells at once that the one before us is
 * gone; then only link(2) is asked, which is cheap and decides. A timer, which
 * needs nobody, comes now and then, looks at who has the lock, and breaks what
 * may be broken. Without a watch there is the timer alone.
 */

#include "config.h"

#include "flufl-acquire.h"

#include <errno.h>
#include <sys/stat.h>

#include "flufl-holder.h"
#include "flufl-process.h"
#include "flufl-roll.h"

/* A wait that lasts is told of once, after so long. */
#define ANNOUNCE_AFTER (250 * 1000)

/* Where there is no queue: one who waits for so long looks, now and then, for
 * what killed waiters have left. */
#define SWEEP_AFTER ANNOUNCE_AFTER
/* In the queue, where turns are short, nobody reads the directory for that. */
#define COLLECT_AFTER G_USEC_PER_SEC

/* Without a watch. On a local file system a try costs microseconds, and one
 * whose turn is near must be there when it comes, for those behind wait for it:
 * so it sleeps for as long as those before it may take, at the least. What has
 * not moved for some time is not likely to do so now: one that sleeps for an
 * eighth of that time is late by an eighth at most. On other file systems every
 * look is a round trip that all clients of the server pay for. */
#define UNTOLD_PAUSE_NEXT 100
#define UNTOLD_PAUSE_EACH 200
#define UNTOLD_PAUSE_CROWD (1 * 1000)
#define UNTOLD_PAUSE_MAX (50 * 1000)
#define UNTOLD_PART 8
#define REMOTE_BACKOFF_MIN (20 * 1000)
#define REMOTE_BACKOFF_MAX (1000 * 1000)

/* With a watch: one who was called and does not move within this, and so much
 * more for each that is before us, may be asleep. */
gint64 flufl_acquire_patience = 10 * 1000;
#define WATCH_PATIENCE_EACH (1 * 1000)
#define WATCH_BACKOFF_MAX (1000 * 1000)

/* A wait is quiet when its pause has come to that, and the lock is neither expired nor broken.
 * Then a lstat(2) each time is enough, and the pause grows on. Microseconds. */
#define QUIET_BACKOFF_MAX (10 * G_USEC_PER_SEC)
/* What the dead have left is looked for so often in a quiet wait … */
#define QUIET_COLLECT (60 * G_USEC_PER_SEC)
/* … and so often as long as there may be more. */
#define COLLECT_MORE (200 * 1000)

/* Where many take turns one comes behind another within microseconds. Nanoseconds. */
#define LONG_LEAD (10 * FLUFL_NSEC_PER_MSEC)

/* Woken often, and in vain, we look no more often than this … */
#define LOOK_EVERY (100 * 1000)
/* … unless we sleep so long that looking each time costs next to nothing. */
#define UNTOLD_LOOK_FROM (5 * 1000)

/* To open a lock file of a file server costs calls; and the server of NFS 4 may
 * promise the client to ask for it back before anything changes, which makes the
 * holder's next step a slow one. So there it is looked at when the wait lasts. On
 * NFS flufl_attempt() knows when it is time again, by what the server tells anyhow;
 * where less is certain, and as long as no lock was seen, so often. */
#define REMOTE_LOOK_EVERY (2 * G_USEC_PER_SEC)

/* A process of flufl.lock sleeps for up to 2.01 s between two tries: who leaves
 * the lock free for so long has let each of them try. */
gint64 flufl_acquire_gap = 2100 * 1000;
#define GAP_LOOK (10 * 1000)
/* But if it is seldom free all the same, it is of no use to leave it so. */
#define GAP_LOOKS 50
#define GAP_FREE_PART 4

/* How often the one before us may be found gone at once. */
#define ARM_ROUNDS 8

/* A server that answers nothing but errors for so long, or for the lifetime if
 * that is longer, will not do better for being asked for ever. */
#define PATIENCE (10 * G_USEC_PER_SEC)

static gboolean
is_cancelled (FluflAcquire *self)
{
  return (self->given_up != NULL && g_atomic_int_get (self->given_up))
         || g_cancellable_is_cancelled (self->cancellable);
}

/* --- The watch --- */

static void
watched_cb (FluflWatchEvents events, gpointer user_data)
{
  FluflAcquire *self = user_data;

  g_atomic_int_or ((guint *) &self->events, (guint) events);
  flufl_turn_call (&self->turn);
  flufl_sleeper_wake (self->sleeper);
}

/* One behind others is told that the lock has gone, which only matters if the one that it waits
 * for does not move. */
static void
lock_moved_cb (FluflWatchEvents events G_GNUC_UNUSED, gpointer user_data)
{
  FluflAcquire *self = user_data;

  g_atomic_int_set (&self->lock_moved, TRUE);
  flufl_turn_call (&self->turn);
  flufl_sleeper_wake (self->sleeper);
}

static void
unwatch_lock (FluflAcquire *self)
{
  flufl_watch_remove (&self->lock_watch);
  self->lock_watch.func = NULL;
}

static void
disarm (FluflAcquire *self)
{
  flufl_watch_remove (&self->watch);
  unwatch_lock (self);
  self->armed = FALSE;
}

/* What tells the end of a predecessor, or of the lock. Not that it changes, for
 * a predecessor that becomes the lock is no news; who gives up writes to its
 * claim, for a child that has it open, too. The end of a lock is told with the
 * unlink of the lock file, whoever has the claim open by its other name. */
#define PREDECESSOR_EVENTS (FLUFL_WATCH_REMOVED | FLUFL_WATCH_CLOSED | FLUFL_WATCH_WRITTEN)

/* The lock file of one that keeps its claim loses a name and no more. */
#define LOCK_EVENTS (FLUFL_WATCH_REMOVED | FLUFL_WATCH_CLOSED | FLUFL_WATCH_CHANGED)

static FluflWatchResult
watch_predecessor (FluflAcquire *self)
{
  g_autofree char *path = flufl_site_path_of (self->site, self->view.predecessor.name);

  return flufl_watch_add (&self->watch, path, PREDECESSOR_EVENTS);
}

static gint64
jittered (FluflAcquire *self, gint64 pause)
{
  guint32 random = 0;

  /* Not g_random_int(): forked children share its state, and would wake up
   * together. */
  self->site->sys->random (&random, sizeof random);
  return pause / 2 + (gint64) (random % (guint32) MAX (pause / 2, 1));
}

/* One right before us that came long ago may have been stopped since; others know
 * that, and have gone on. To wait until its time is over would keep all those
 * waiting that are behind us. Whether it need not be waited for. */
static gboolean
leads_for_nothing (FluflAcquire *self)
{
  const FluflClaimName *predecessor = &self->view.predecessor;

  if (self->view.lead < LONG_LEAD || predecessor->ticket == self->cleared)
    return FALSE;
  self->cleared = predecessor->ticket;
  return !flufl_queue_check (self->queue, self->site, predecessor, self->break_dead);
}

/*
 * Finds whom to wait for, and watches him.
 *
 * No wake-up can be lost: whoever is seen in the directory and gone when the
 * watch is set is GONE, and then we look again; whoever goes later is told of.
 * The same with the lock file, when nobody is before us: GONE, and we link.
 *
 * Returns: FALSE if the lock file has gone: link again
 */
static gboolean
arm (FluflAcquire *self)
{
  disarm (self);
  self->watch.func = watched_cb;
  self->watch.user_data = self;

  /* What was kept of an earlier reading has one name less each time. */
  for (int round = 0; round < ARM_ROUNDS; round += !self->view.is_kept)
    {
      FluflWatchResult result;

      flufl_queue_view (self->queue, self->site, &self->claim, self->break_dead, &self->view);
      if (self->view.found)
        {
          if (leads_for_nothing (self))
            continue;
          result = watch_predecessor (self);
          if (result == FLUFL_WATCH_GONE)
            {
              flufl_roll_strike (self->site, self->view.predecessor.name);
              continue;
            }
        }
      else
        result = flufl_watch_add (&self->watch, self->site->lock_path, LOCK_EVENTS);
      if (result == FLUFL_WATCH_GONE)
        return FALSE;

      if (result == FLUFL_WATCH_ARMED)
        {
          self->armed = TRUE;
          self->pause = self->timer = 0; /* he too has patience coming */
        }
      else if (self->view.n_older != self->behind)
        {
          self->behind = self->view.n_older;
          self->moved = g_get_monotonic_time ();
        }
      break;
    }
  return TRUE;
}

/* A first arrival where others were met lately: it does not go before them. */
static gboolean
queue_up (FluflAcquire *self)
{
  if (self->queue == NULL || !flufl_queue_expects_company (self->queue)
      || flufl_site_fs_kind (self->site) != FLUFL_FS_LOCAL
      || g_get_monotonic_time () >= self->deadline)
    return FALSE;
  if (flufl_attempt_claim (&self->claim, self->site, self->lifetime, &self->findings)
      != FLUFL_OUTCOME_AGAIN)
    return FALSE;
  if (arm (self) && self->view.found)
    {
      flufl_queue_met_company (self->queue);
      return TRUE;
    }
  flufl_queue_met_nobody (self->queue);
  disarm (self);
  return FALSE;
}

/* How long one before us may take to move before we ask what it does. */
static gint64
patience (FluflAcquire *self)
{
  return flufl_acquire_patience + WATCH_PATIENCE_EACH * (gint64) self->view.n_older;
}

static gboolean
is_giving_way (FluflAcquire *self)
{
  return self->gap_until != 0;
}

/* Without a watch nothing tells that the one before us has died: others before
 * it move on, it stays. Whether it need not be waited for. */
static gboolean
stays_for_nothing (FluflAcquire *self, gint64 now)
{
  const FluflClaimName *predecessor = &self->view.predecessor;

  if (predecessor->ticket != self->asked)
    {
      self->asked = predecessor->ticket;
      self->ask_at = now + flufl_acquire_patience;
    }
  if (now < self->ask_at)
    return FALSE;
  self->ask_at = now + LOOK_EVERY;
  return !flufl_queue_check (self->queue, self->site, predecessor, self->break_dead);
}

/* Without a watch, our timer came: whether those before us move on. Then we do
 * not link, or the lock would be ours whenever we come between a release and
 * the link(2) of the one whose turn it is. */
static gboolean
is_behind_others (FluflAcquire *self, gint64 now)
{
  if (self->armed || is_giving_way (self) || !self->view.found || self->claim.path == NULL
      || now >= self->deadline || now >= self->moved + patience (self))
    return FALSE;
  if (!stays_for_nothing (self, now) && self->view.n_older == 1)
    {
      g_autofree char *path = flufl_site_path_of (self->site, self->view.predecessor.name);
      struct stat st;

      /* Cheaper than the whole directory, and it cannot tell more. */
      if (self->site->sys->lstat (path, &st) == 0)
        return TRUE;
    }
  return arm (self) && self->view.found;
}

/* --- Time --- */

/* When what was last seen of the lock changes by itself, or G_MAXINT64: it
 * expires, or has rested long enough to be broken, or looked at. */
static gint64
next_turn (FluflAcquire *self, gint64 now)
{
  const FluflFindings *found = &self->findings;
  gint64 left;

  if (found->look.sight != FLUFL_SIGHT_CLAIM && found->look.sight != FLUFL_SIGHT_UNREADABLE)
    return G_MAXINT64;
  if (found->watched)
    left = found->vigil.left;
  else if (found->resting || found->changed != 0)
    {
      gint64 since = found->changed != 0 ? found->changed : found->look.ctime;

      left = flufl_time_since (flufl_time_add (since, FLUFL_GRACE),
                               flufl_claim_server_now (&self->claim, self->site));
    }
  else
    left = flufl_time_since (flufl_time_add (found->look.mtime, FLUFL_SLOP),
                             self->site->sys->clock (FLUFL_CLOCK_REAL));
  /* What is past and has changed nothing is left to the back-off. */
  if (left < 0)
    return G_MAXINT64;
  return now + left / 1000 + 1000;
}

/* Without a watch, on a local file system. */
static gint64
untold_pause (FluflAcquire *self, gint64 now)
{
  gint64 pause = UNTOLD_PAUSE_NEXT;

  if (self->view.crowded)
    pause = UNTOLD_PAUSE_CROWD;
  else if (self->view.n_older > 1)
    pause = UNTOLD_PAUSE_EACH * (gint64) self->view.n_older;
  return MIN (MAX (pause, (now - self->moved) / UNTOLD_PART), UNTOLD_PAUSE_MAX);
}

static gint64
next_pause (FluflAcquire *self, gint64 now)
{
  gint64 longest = !self->armed ? REMOTE_BACKOFF_MAX
                   : self->quiet ? QUIET_BACKOFF_MAX
                                 : WATCH_BACKOFF_MAX;

  if (!self->armed && flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL)
    return untold_pause (self, now);
  if (self->pause > 0)
    return MIN (self->pause * 2, longest);
  if (self->armed)
    return patience (self);
  return REMOTE_BACKOFF_MIN;
}

/* When to try again: somewhere in the second half of the pause, so that
 * those who began together part, and never after the deadline. */
static gint64
next_try (FluflAcquire *self, gint64 now)
{
  gint64 when;

  if (is_giving_way (self))
    {
      self->timer = now + GAP_LOOK;
      return MIN (self->timer, self->deadline);
    }
  if (now >= self->timer)
    {
      self->pause = next_pause (self, now);
      self->timer = now + jittered (self, self->pause);
    }

  when = MIN (self->timer, next_turn (self, now));
  if (self->collect_at > now && self->break_dead && self->more_dead)
    when = MIN (when, self->collect_at);
  if (!self->announced && now < self->started + ANNOUNCE_AFTER)
    when = MIN (when, self->started + ANNOUNCE_AFTER);
  return MIN (when, self->deadline);
}

static void
announce_if_long (FluflAcquire *self, gint64 now)
{
  if (self->announced || now - self->started < ANNOUNCE_AFTER)
    return;
  if (self->findings.look.sight == FLUFL_SIGHT_CLAIM
      || self->findings.look.sight == FLUFL_SIGHT_STRANGE)
    {
      self->announced = TRUE;
      if (self->waiting != NULL)
        self->waiting (self, self->user_data);
    }
}

static gboolean
is_out_of_patience (FluflAcquire *self, gint64 now)
{
  if (self->outcome != FLUFL_OUTCOME_UNSURE)
    self->unsure_since = 0;
  else if (self->unsure_since == 0)
    self->unsure_since = now;
  return self->unsure_since != 0
         && now - self->unsure_since > MAX (PATIENCE, self->lifetime / 1000);
}

/* The first step comes at once, and need not ask what time it is. */
static gint64
time_of_step (const FluflAcquire *self)
{
  return self->timer == 0 && !self->rested ? self->started : g_get_monotonic_time ();
}

/* --- Steps --- */

/* Every end comes by here. */
static FluflResult
finish (FluflAcquire *self, FluflResult result)
{
  disarm (self);
  flufl_turn_leave (&self->turn);
  if (result != FLUFL_RESULT_HELD && result != FLUFL_RESULT_REFUSED)
    flufl_claim_abandon (&self->claim, self->site);
  self->result = result;
  return result;
}

/* In a forked child: the claim and the watch are the parent's, and its threads are at them.
 * Nothing is done on disk. */
static FluflResult
leave_to_parent (FluflAcquire *self)
{
  flufl_watch_remove (&self->watch);
  unwatch_lock (self);
  flufl_claim_clear (&self->claim);
  self->turn.group = NULL;
  self->result = FLUFL_RESULT_FORKED;
  return FLUFL_RESULT_FORKED;
}

static gboolean
lock_is_free (FluflAcquire *self)
{
  struct stat st;

  return self->site->sys->lstat (self->site->lock_path, &st) != 0 && errno == ENOENT;
}

/* Whether the one that the lock is left to has had its turn, or does not come. */
static gboolean
gap_is_over (FluflAcquire *self, gint64 now)
{
  gboolean waits = flufl_queue_stranger_waits (self->site, &self->view);

  self->gap_looks++;
  self->gap_free += lock_is_free (self);
  if (waits && now < self->gap_until
      && (self->gap_looks < GAP_LOOKS || self->gap_free * GAP_FREE_PART >= self->gap_looks))
    return FALSE;
  self->gave_way = waits || !self->uncalled;
  /* It had all the time: never again for this one. */
  if (waits && self->gap_free == self->gap_looks)
    flufl_queue_ignore (self->queue, &self->view.stranger);
  return TRUE;
}

/*
 * Our processes hand the lock on within microseconds: those of flufl.lock would
 * never find it free. So where one has waited for long, the first of ours that
 * finds the lock free leaves it so until that one has taken it, and does that
 * once: the turn after that is its own. Others of flufl.lock may take it
 * meanwhile, again and again, as those do that come the moment that it is free.
 */
static gboolean
gives_way (FluflAcquire *self, gint64 now)
{
  if (self->gave_way || now >= self->deadline)
    return FALSE;
  if (is_giving_way (self))
    {
      if (gap_is_over (self, now))
        self->gap_until = 0;
    }
  else if (flufl_queue_owes_a_turn (self->queue, self->site, &self->view) && lock_is_free (self))
    {
      self->gap_until = now + flufl_acquire_gap;
      self->gap_looks = self->gap_free = 0;
    }
  return is_giving_way (self);
}

/* --- Rest --- */

/* Whether other waiters of this process are in front. One that cannot wait tries at once. */
static gboolean
must_rest (FluflAcquire *self)
{
  return self->queue != NULL && self->started < self->deadline
         && flufl_turn_must_rest (self->site, self->break_dead)
         && flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL;
}

/* The claim is made when its turn comes, and then it tells this moment as that of arrival. */
static void
begin_rest (FluflAcquire *self)
{
  flufl_claim_abandon (&self->claim, self->site);
  flufl_queue_met_company (self->queue);
  if (self->site->arrival == 0)
    self->site->arrival = self->site->sys->clock (FLUFL_CLOCK_REAL);
  self->rests = self->rested = TRUE;
  self->timer = 0;
}

/* What is told of is not known from a claim's tries here. */
static void
announce_rest (FluflAcquire *self, gint64 now)
{
  if (self->announced || now < self->announce_at)
    return;
  self->announce_at = now + ANNOUNCE_AFTER;
  flufl_holder_look (self->site, &self->findings);
  announce_if_long (self, now);
}

/*
 * Waits without a claim for others of this process that are in front.
 *
 * Returns: whether the step is done, with its result in @self; otherwise the waiter is in front,
 *   or its time is over, and it tries
 */
static gboolean
rest (FluflAcquire *self, gint64 *out_when)
{
  gint64 now = g_get_monotonic_time (), ask_at;

  if (!flufl_turn_is_joined (&self->turn))
    {
      if (flufl_turn_join (&self->turn, self->site, self->break_dead, self->sleeper))
        return FALSE;
      begin_rest (self);
    }
  if (now >= self->deadline || flufl_turn_has_come (&self->turn, now, &ask_at))
    {
      self->rests = FALSE;
      return FALSE;
    }
  announce_rest (self, now);
  /* In a handler of the announcement. */
  if (self->process != flufl_process_mark ())
    {
      leave_to_parent (self);
      return TRUE;
    }
  *out_when = MIN (ask_at, self->deadline);
  if (!self->announced)
    *out_when = MIN (*out_when, self->announce_at);
  return TRUE;
}

static gboolean
look_is_due (FluflAcquire *self, gint64 now)
{
  if (now >= self->deadline)
    return TRUE;
  if (flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL)
    return now - self->looked >= LOOK_EVERY;
  return !flufl_attempt_times_tell (&self->claim, self->site, &self->findings)
         && now - self->looked >= REMOTE_LOOK_EVERY;
}

/* One try. Looking at what is in the way costs several times what linking does:
 * so only if @look, or if that was long ago. */
static void
try (FluflAcquire *self, gboolean look)
{
  gint64 now = time_of_step (self);

  if (gives_way (self, now))
    {
      disarm (self);
      self->outcome = FLUFL_OUTCOME_BUSY;
      return;
    }
  self->outcome = flufl_attempt (&self->claim, self->site, self->lifetime, self->break_dead,
                                 look || look_is_due (self, now), &self->findings);
  if (self->findings.looked)
    self->looked = now;
}

/* The watch stays as it is; but others may have died since it was set. */
static void
collect_meanwhile (FluflAcquire *self, gint64 now)
{
  FluflQueueView view;

  if (!self->break_dead || self->claim.path == NULL || now < self->collect_at
      || now < self->queue->leftovers.ask_at)
    return;
  self->more_dead = FALSE;
  if (self->view.crowded)
    flufl_leftovers_sweep (&self->queue->leftovers, self->site);
  else
    {
      flufl_queue_view (self->queue, self->site, &self->claim, TRUE, &view);
      self->more_dead = view.more_dead;
    }
  self->collect_at = now + (self->more_dead ? COLLECT_MORE : self->quiet ? QUIET_COLLECT : 0);
}

/* The times of the lock file as they are now. Says whether it seems to be the lock that was
 * looked at, held on, and not expired: a refresh changes the times and no more. */
static gboolean
lock_stays (FluflAcquire *self)
{
  FluflLook *look = &self->findings.look;
  struct stat st;

  if (look->sight != FLUFL_SIGHT_CLAIM
      || self->site->sys->lstat (self->site->lock_path, &st) != 0
      || !flufl_look_is_inode (look, st.st_dev, st.st_ino) || st.st_nlink != look->nlink
      || FLUFL_STAT_MTIME (&st) < look->mtime)
    return FALSE;
  look->mtime = FLUFL_STAT_MTIME (&st);
  look->ctime = FLUFL_STAT_CTIME (&st);
  return flufl_time_add (look->mtime, FLUFL_SLOP) > self->site->sys->clock (FLUFL_CLOCK_REAL);
}

/* Whether the death of the holder is found by asking for its process, and told by nothing. */
static gboolean
must_ask_for_holder (const FluflAcquire *self)
{
  const FluflClaimName *holder = &self->findings.look.claim;

  return self->break_dead && holder->ours && holder->start[0] != '\0' && !holder->life_line;
}

/*
 * A step that only the timer, or a refresh of the lock, has called for, in a wait that has lasted.
 * What expires or has rested is known by time. The end of the lock, or of the one before us, is
 * told; where the latter does not move when the lock goes, the watch of the lock tells that.
 *
 * Returns: whether there is nothing to do
 */
static gboolean
stays_quiet (FluflAcquire *self, FluflWatchEvents events, gint64 now)
{
  if (!self->armed || self->pause < WATCH_BACKOFF_MAX || (events & ~FLUFL_WATCH_CHANGED) != 0
      || is_giving_way (self) || self->findings.expired || self->findings.resting
      || now >= self->deadline || must_ask_for_holder (self)
      || (!self->announced && now - self->started >= ANNOUNCE_AFTER))
    return FALSE;
  if (self->view.found && self->lock_watch.func == NULL)
    {
      self->lock_watch.func = lock_moved_cb;
      self->lock_watch.user_data = self;
      flufl_watch_add (&self->lock_watch, self->site->lock_path, FLUFL_WATCH_REMOVED);
    }
  if (!lock_stays (self))
    return FALSE;
  self->quiet = TRUE;
  collect_meanwhile (self, now);
  /* The refresh of the lock has been as good as the timer. */
  self->timer = MIN (self->timer, now);
  return TRUE;
}

/* What must be seen again within a second is, from now on. */
static void
end_quiet (FluflAcquire *self, gint64 now)
{
  if (!self->quiet)
    return;
  self->quiet = FALSE;
  self->pause = WATCH_BACKOFF_MAX;
  self->timer = MIN (self->timer, now + WATCH_BACKOFF_MAX);
}

/* Out of a quiet wait: one before us that does not move now is asked for soon. */
static void
heed_lock_moved (FluflAcquire *self, gint64 now)
{
  if (!g_atomic_int_compare_and_exchange (&self->lock_moved, TRUE, FALSE))
    return;
  unwatch_lock (self);
  self->quiet = FALSE;
  self->pause = patience (self);
  self->timer = now + jittered (self, self->pause);
}

/* After a try in vain, on a local file system: keeps the watch, or sets it on
 * another file. */
static void
watch (FluflAcquire *self, FluflWatchEvents events, gboolean ask)
{
  for (int round = 0; round < ARM_ROUNDS && !is_giving_way (self); round++)
    {
      if ((events & ~FLUFL_WATCH_CLOSED) == 0)
        {
          gboolean useless = ask && self->view.found
                             && !flufl_queue_check (self->queue, self->site,
                                                    &self->view.predecessor, self->break_dead);

          if (self->armed && !useless)
            {
              if (ask)
                collect_meanwhile (self, g_get_monotonic_time ());
              return;
            }
        }
      events = 0;
      if (self->claim.path == NULL) /* gone this moment: the next try makes one */
        {
          disarm (self);
          return;
        }
      if (arm (self))
        return;
      try (self, FALSE);
      if (self->outcome != FLUFL_OUTCOME_BUSY)
        return;
    }
}

/*
 * flufl_acquire_step:
 *
 * One try, and what it calls for. When it returns WAIT, the next one is due at @out_when, in
 * monotonic microseconds, or when the sleeper is woken.
 *
 * Returns: WAIT, or the result, which is in @self, too
 */
FluflResult
flufl_acquire_step (FluflAcquire *self, gint64 *out_when)
{
  FluflWatchEvents events = (FluflWatchEvents) g_atomic_int_and ((guint *) &self->events, 0);
  gboolean first = self->timer == 0;
  gint64 now = time_of_step (self);
  gboolean overdue = now >= (self->armed ? self->timer : self->moved + patience (self));
  /* The end of a file that is watched is nobody's death. */
  gboolean closed = (events & FLUFL_WATCH_CLOSED) != 0;
  gboolean slow = !self->armed && self->pause >= UNTOLD_LOOK_FROM;
  gboolean look;

  if (self->process != flufl_process_mark ())
    return leave_to_parent (self);
  if (is_cancelled (self))
    return finish (self, FLUFL_RESULT_CANCELLED);
  if ((self->rests || (first && must_rest (self))) && rest (self, out_when))
    return self->result;
  if (flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL)
    look = first || slow || closed || (self->armed && events == 0);
  else
    {
      look = (!self->announced && now - self->started >= ANNOUNCE_AFTER)
             || self->findings.resting || self->findings.expired;
      if (first)
        self->looked = now; /* not yet, but it seems to be early enough later */
    }

  if (!is_giving_way (self))
    self->uncalled = self->armed && (events & ~FLUFL_WATCH_CLOSED) == 0;
  heed_lock_moved (self, now);
  if ((first && queue_up (self)) || is_behind_others (self, now) || stays_quiet (self, events, now))
    self->outcome = FLUFL_OUTCOME_BUSY;
  else
    {
      end_quiet (self, now);
      try (self, look);
      if (self->outcome == FLUFL_OUTCOME_BUSY && self->queue != NULL)
        {
          if (flufl_site_fs_kind (self->site) == FLUFL_FS_LOCAL)
            {
              flufl_queue_met_company (self->queue);
              if (!flufl_turn_is_joined (&self->turn) && now < self->deadline && rest (self, out_when))
                return self->result;
              watch (self, events, closed || (overdue && (self->armed || slow)));
            }
          else if (self->break_dead && now - self->started >= SWEEP_AFTER)
            flufl_leftovers_sweep (&self->queue->leftovers, self->site);
        }
    }

  switch (self->outcome)
    {
    case FLUFL_OUTCOME_HELD:
      /* It was our turn, and nobody told us: the one before us sleeps. */
      if (overdue && self->view.found)
        flufl_queue_ignore (self->queue, &self->view.predecessor);
      /* A cancellation that met the win: nobody expects to hold it. */
      if (!is_cancelled (self))
        return finish (self, FLUFL_RESULT_HELD);
      self->claim.unsure = TRUE;
      return finish (self, FLUFL_RESULT_CANCELLED);
    case FLUFL_OUTCOME_BUSY:
    case FLUFL_OUTCOME_UNSURE:
      break;
    default:
      return finish (self, FLUFL_RESULT_REFUSED);
    }

  now = g_get_monotonic_time ();
  if (is_cancelled (self))
    return finish (self, FLUFL_RESULT_CANCELLED);
  if (now >= self->deadline
      && (self->findings.holder_seen || self->outcome == FLUFL_OUTCOME_BUSY))
    return finish (self, FLUFL_RESULT_TIMED_OUT);
  /* Neither a holder nor a waiter was seen: the file system is the obstacle. */
  if (now >= self->deadline || is_out_of_patience (self, now))
    {
      self->outcome = FLUFL_OUTCOME_FAILED;
      flufl_claim_abandon (&self->claim, self->site);
      return finish (self, FLUFL_RESULT_REFUSED);
    }
  announce_if_long (self, now);
  /* In a handler of the announcement. */
  if (self->process != flufl_process_mark ())
    return leave_to_parent (self);
  *out_when = next_try (self, now);
  if (flufl_turn_is_joined (&self->turn))
    flufl_turn_moves (&self->turn, *out_when);
  return FLUFL_RESULT_WAIT;
}

/*
 * flufl_acquire_begin:
 *
 * To be called once before the first step, where that is made.
 */
void
flufl_acquire_begin (FluflAcquire *self)
{
  self->process = flufl_process_mark ();
  self->started = self->looked = self->moved = g_get_monotonic_time ();
  self->announce_at = self->started + ANNOUNCE_AFTER;
  self->collect_at = self->started + COLLECT_AFTER;
  self->result = FLUFL_RESULT_WAIT;
  if (self->queue != NULL)
    flufl_queue_begin (self->queue);
}
