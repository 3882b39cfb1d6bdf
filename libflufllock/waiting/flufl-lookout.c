/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * On a local file system two watches report what changes. One is on the names of the directory, the
 * other on the file that was found: the lock file or a waiter's claim. A timer is for what becomes
 * of a lock without an event, its expiration. Where there is no watch, and for what a watch does not
 * report, the lookout looks at an interval.
 *
 * No change is lost: each look is taken after the watches are set.
 */

#include "config.h"

#include "flufl-lookout.h"

#include <string.h>

#include "flufl-claim-list.h"
#include "flufl-holder.h"
#include "flufl-process.h"
#include "flufl-stepper.h"
#include "flufl-waiter.h"
#include "flufl-watch.h"

/* The least time between two looks, in microseconds. A lock that is handed on a thousand times a
 * second is not looked at as often. */
#define REST (20 * 1000)

/* How often the file that was found may be replaced before a watch is set on it. */
#define ARM_ROUNDS 8

/* How often a lookout checks its directory, as no event reports the rename of a parent, another target
 * of a symbolic link, or a mount. */
int flufl_lookout_check_ms = 10 * 1000;

/* Names that are read to find a waiter. */
#define NAMES_MAX 100000

/* How long a claim has to be there until it is a waiter's, in microseconds. A process that tries only
 * once has a claim for a moment. */
#define PERSISTENCE (50 * 1000)

/* Microseconds. The kernel reports the close of a file before it drops the life-line, and the
 * creation of a claim before its content is written. So there are more looks after an event. */
static const gint64 second_looks[] = { REST, 100 * 1000, 1000 * 1000 };

/* A watch, and the events that it has reported since they were last taken. */
typedef struct
{
  FluflWatch watch;
  int        events; /* atomic */
  gboolean   armed;
} Post;

struct _FluflLookout
{
  FluflStepper     stepper;
  gatomicrefcount  refs;     /* the owner's, and the worker's */
  int              process;  /* the mark of that which started it */
  FluflSite        site;     /* a copy */
  FluflLookoutKind kind;
  FluflLookoutPlaceFunc place; /* nullable */
  FluflLookoutFunc func;
  gpointer         user_data;
  GDestroyNotify   destroy;

  int              interval; /* milliseconds; atomic, as is … */
  int              stopped;  /* … this, and … */
  int              asked;    /* … this: a look is due at once, and … */
  int              resting;  /* … this: an event need not wake it */

  /* Touched by the steps only. */
  gint64           look_from; /* monotonic microseconds: no look before that */
  gint64           look_at;   /* … and one without an event then */
  guint            n_second;  /* second looks that were taken since the last event */
  const char      *prepared;  /* the path for which the watches are prepared; nullable */
  char            *names_path;   /* owned; nullable: no watch reports of this place */
  char             prefix[64 + 1]; /* with which the names of the lock and its claims begin */
  Post             names;
  Post             file;
  guint64          names_dev, names_ino; /* of the directory that is watched */
  guint64          file_dev, file_ino; /* of the file that is watched */
  char             waiter[FLUFL_NAME_MAX + 1]; /* a claim; "": none … */
  gint64           waiter_since; /* … which was first seen then; monotonic microseconds */
  gboolean         shown;     /* func was called … */
  FluflView        last;      /* … with this */
  FluflView        view;      /* of the present look */
};

static void
lookout_unref (FluflLookout *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  flufl_sleeper_free (self->stepper.sleeper);
  self->destroy (self->user_data);
  flufl_site_drop_copy (&self->site);
  g_free (self->names_path);
  g_free (self);
}

/* --- Watches --- */

static void
note_event (FluflLookout *self, Post *post, FluflWatchEvents events)
{
  g_atomic_int_or ((guint *) &post->events, (guint) events);
  if (!g_atomic_int_get (&self->resting))
    flufl_sleeper_wake (self->stepper.sleeper);
}

static void
names_cb (FluflWatchEvents events, gpointer user_data)
{
  note_event (user_data, &((FluflLookout *) user_data)->names, events);
}

static void
file_cb (FluflWatchEvents events, gpointer user_data)
{
  note_event (user_data, &((FluflLookout *) user_data)->file, events);
}

static void
disarm (Post *post)
{
  flufl_watch_remove (&post->watch);
  post->armed = FALSE;
}

static FluflWatchEvents
take_events (Post *post)
{
  FluflWatchEvents events = (FluflWatchEvents) g_atomic_int_and ((guint *) &post->events, 0);

  if ((events & FLUFL_WATCH_REMOVED) != 0)
    disarm (post);
  return events;
}

static void
prepare_watches (FluflLookout *self)
{
  FluflSite *site = &self->site;
  g_autofree char *directory = flufl_site_directory (site);

  disarm (&self->names);
  disarm (&self->file);
  g_clear_pointer (&self->names_path, g_free);
  self->prepared = site->lock_path;
  if (flufl_site_fs_kind (site) != FLUFL_FS_LOCAL)
    return;
  g_strlcpy (self->prefix, site->lock_name, sizeof self->prefix);
  self->names.watch.prefix = self->prefix;
  self->names_path = g_strconcat (directory, g_str_has_suffix (directory, "/") ? "" : "/", ".", NULL);
}

/* Returns FALSE if it is not known where the lock is. */
static gboolean
find_place (FluflLookout *self)
{
  int errsv = self->place != NULL ? self->place (&self->site, self->user_data) : 0;

  if (errsv != 0)
    {
      self->view = (FluflView){ .unresolved = errsv };
      return FALSE;
    }
  if (self->prepared != self->site.lock_path)
    {
      if (self->prepared != NULL)
        self->site.fs_kind = FLUFL_FS_UNASKED; /* it is in another directory */
      prepare_watches (self);
    }
  return TRUE;
}

/* Ends the watches if the path leads to another directory by now, or to none. */
static void
check_directory (FluflLookout *self)
{
  guint64 dev, ino;

  if (!self->names.armed
      || (self->site.sys->identify (self->names_path, &dev, &ino) == 0 && dev == self->names_dev
          && ino == self->names_ino))
    return;
  disarm (&self->names);
  disarm (&self->file);
}

/* The directory is identified first. If it is replaced before the watch is set, the next check finds
 * that. */
static void
arm_names (FluflLookout *self)
{
  if (self->names.armed || self->names_path == NULL
      || self->site.sys->identify (self->names_path, &self->names_dev, &self->names_ino) != 0)
    return;
  self->names.armed = flufl_watch_add (&self->names.watch, self->names_path, FLUFL_WATCH_NAMES)
                      == FLUFL_WATCH_ARMED;
}

static gboolean
watches_found_file (const FluflLookout *self)
{
  const FluflLook *look = &self->view.findings.look;

  return self->file.armed && flufl_look_is_inode (look, self->file_dev, self->file_ino);
}

/* Returns FALSE if the file has gone, or if another look is due for another reason. */
static gboolean
arm_file (FluflLookout *self)
{
  const FluflLook *look = &self->view.findings.look;
  g_autofree char *path = NULL;
  FluflWatchResult result;

  disarm (&self->file);
  if (self->names_path == NULL || !self->view.found)
    return TRUE;
  path = self->kind == FLUFL_LOOKOUT_HOLDER ? g_strdup (self->site.lock_path)
                                            : flufl_site_path_of (&self->site, look->claim.name);
  self->file.watch.pid = look->sight == FLUFL_SIGHT_CLAIM
                                 && flufl_identity_is_here (&self->site, &look->claim)
                             ? look->claim.pid
                             : 0;
  result = flufl_watch_add (&self->file.watch, path, FLUFL_WATCH_CLOSED | FLUFL_WATCH_CHANGED);
  self->file.armed = result == FLUFL_WATCH_ARMED;
  self->file_dev = look->dev;
  self->file_ino = look->ino;
  return result == FLUFL_WATCH_UNAVAILABLE;
}

/* --- Looks --- */

typedef struct
{
  FluflLookout *lookout;
  FluflLook     holder;
} Search;

static gboolean
is_waiter (Search *self, const char *name)
{
  FluflLookout *lookout = self->lookout;

  return flufl_waiter_look (&lookout->site, name, &self->holder, &lookout->view.findings);
}

static gboolean
see_name (const char *name, gpointer user_data)
{
  Search *self = user_data;

  if (!is_waiter (self, name))
    return TRUE;
  g_strlcpy (self->lookout->waiter, name, sizeof self->lookout->waiter);
  self->lookout->waiter_since = g_get_monotonic_time ();
  return FALSE;
}

static void
look_for_holder (FluflLookout *self)
{
  FluflView *view = &self->view;

  view->found = flufl_holder_look (&self->site, &view->findings);
  view->expired = view->found
                  && view->findings.look.mtime < self->site.sys->clock (FLUFL_CLOCK_REAL);
}

/* The waiter that was seen last is asked for first, so that others cost nothing. */
static void
look_for_waiter (FluflLookout *self)
{
  Search search = { .lookout = self };

  flufl_site_fs_kind (&self->site); /* by which claims are named, and the lock file is read */
  flufl_look_take (&search.holder, &self->site, self->site.lock_path);
  /* Without a lock that names the claim of the holder, that claim would seem to wait. */
  if (search.holder.sight == FLUFL_SIGHT_NOTHING || search.holder.sight == FLUFL_SIGHT_FAILED
      || search.holder.sight == FLUFL_SIGHT_BLANK)
    self->waiter[0] = '\0';
  else if (self->waiter[0] == '\0' || !is_waiter (&search, self->waiter))
    {
      self->waiter[0] = '\0';
      flufl_claim_list (&self->site, NAMES_MAX, see_name, &search, NULL);
    }
  /* One that takes the place of another keeps the lock wanted. */
  self->view.found = self->waiter[0] != '\0'
                     && (self->last.found
                         || g_get_monotonic_time () - self->waiter_since >= PERSISTENCE);
}

static void
look_once (FluflLookout *self)
{
  self->view = (FluflView){ 0 };
  if (self->kind == FLUFL_LOOKOUT_HOLDER)
    look_for_holder (self);
  else
    look_for_waiter (self);
}

static void
look_and_arm (FluflLookout *self)
{
  check_directory (self);
  arm_names (self);
  for (int round = 0; round < ARM_ROUNDS; round++)
    {
      look_once (self);
      if (watches_found_file (self) || arm_file (self))
        break;
    }
  if (!self->view.found && self->view.findings.look.sight == FLUFL_SIGHT_NOTHING
      && self->kind == FLUFL_LOOKOUT_HOLDER && !self->names.armed)
    {
      g_autofree char *directory = flufl_site_directory (&self->site);

      self->view.no_directory = !g_file_test (directory, G_FILE_TEST_IS_DIR);
    }
}

/* By its name, an exclusively created lock is the same as before, whatever its inode number is. */
static gboolean
is_same_file (const FluflLook *was, const FluflLook *is)
{
  if (strcmp (was->claim.name, is->claim.name) != 0 || was->exclusive != is->exclusive)
    return FALSE;
  return is->exclusive || flufl_look_is_inode (was, is->dev, is->ino);
}

static gboolean
is_news (const FluflLookout *self)
{
  const FluflView *old = &self->last, *new = &self->view;
  const FluflLook *was = &old->findings.look, *is = &new->findings.look;

  if (!self->shown || old->found != new->found || old->expired != new->expired
      || old->no_directory != new->no_directory || old->unresolved != new->unresolved)
    return TRUE;
  if (!new->found && self->kind == FLUFL_LOOKOUT_WAITER)
    return FALSE;
  return was->sight != is->sight || was->errsv != is->errsv || was->foreign != is->foreign
         || was->mtime != is->mtime || !is_same_file (was, is)
         || old->findings.liveness != new->findings.liveness;
}

/* --- When to look again --- */

/* Whether each event that may come is reported. */
static gboolean
relies_on_watches (FluflLookout *self)
{
  const FluflView *view = &self->view;
  const FluflLook *look = &view->findings.look;

  if (!self->names.armed || view->unresolved != 0)
    return FALSE;
  if (!view->found)
    return self->kind == FLUFL_LOOKOUT_WAITER || look->sight == FLUFL_SIGHT_NOTHING;
  if (!self->file.armed || look->sight == FLUFL_SIGHT_UNREADABLE)
    return FALSE;
  /* A death that only a question for the process finds. */
  return view->findings.liveness != FLUFL_LIVENESS_ALIVE
         || flufl_life_line_is_known (&self->site, look);
}

/* Monotonic microseconds; G_MAXINT64: never. */
static gint64
expires_at (const FluflLookout *self, gint64 now)
{
  gint64 left;

  if (self->kind == FLUFL_LOOKOUT_WAITER || !self->view.found || self->view.expired)
    return G_MAXINT64;
  left = flufl_time_since (self->view.findings.look.mtime,
                           self->site.sys->clock (FLUFL_CLOCK_REAL));
  return now + MAX (left, 0) / 1000 + 1000;
}

/* Monotonic microseconds. */
static gint64
next_check (void)
{
  gint64 period = g_atomic_int_get (&flufl_lookout_check_ms);

  return g_get_monotonic_time () + period * 1000;
}

static gint64
next_look (FluflLookout *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 when = expires_at (self, now);

  self->look_from = now + REST;
  if (self->waiter[0] != '\0' && !self->view.found)
    when = MIN (when, self->waiter_since + PERSISTENCE);
  if (!relies_on_watches (self))
    when = MIN (when, now + (gint64) g_atomic_int_get (&self->interval) * 1000);
  if (self->n_second < G_N_ELEMENTS (second_looks))
    {
      when = MIN (when, now + second_looks[self->n_second]);
      self->n_second++;
    }
  self->look_at = when;
  return MIN (when, next_check ());
}

/* Returns: whether the time has come only to check the directory, and it is the same as before */
static gboolean
checks_only (FluflLookout *self, FluflWatchEvents events)
{
  if (g_atomic_int_compare_and_exchange (&self->asked, TRUE, FALSE) || events != 0
      || g_get_monotonic_time () >= self->look_at || !self->names.armed)
    return FALSE;
  check_directory (self);
  return self->names.armed;
}

static gboolean
step (FluflStepper *stepper, gint64 *out_when)
{
  FluflLookout *self = (FluflLookout *) stepper;
  FluflWatchEvents file_events, names_events;

  if (g_atomic_int_get (&self->stopped))
    return FALSE;
  if (g_get_monotonic_time () < self->look_from)
    {
      g_atomic_int_set (&self->resting, TRUE);
      *out_when = self->look_from;
      return TRUE;
    }
  g_atomic_int_set (&self->resting, FALSE);
  names_events = take_events (&self->names);
  file_events = take_events (&self->file);
  if (checks_only (self, names_events | file_events))
    {
      *out_when = MIN (self->look_at, next_check ());
      return TRUE;
    }
  if ((file_events & FLUFL_WATCH_CLOSED) != 0
      || (self->kind == FLUFL_LOOKOUT_WAITER && (names_events | file_events) != 0))
    self->n_second = 0;
  if (find_place (self))
    look_and_arm (self);
  if (is_news (self))
    {
      self->last = self->view;
      self->shown = TRUE;
      self->func (&self->site, &self->view, self->user_data);
    }
  *out_when = next_look (self);
  return TRUE;
}

static void
done (FluflStepper *stepper)
{
  FluflLookout *self = (FluflLookout *) stepper;

  disarm (&self->names);
  disarm (&self->file);
  lookout_unref (self);
}

/* --- Life --- */

/*
 * flufl_lookout_start:
 * @site: whose strings stay until @destroy is called
 * @place: (nullable): finds out where the lock is, if that is not known yet
 * @interval_ms: the milliseconds between two looks where no watch reports changes
 * @destroy: called in any thread
 *
 * Returns: (transfer full) (nullable): to be ended by flufl_lookout_stop(); %NULL if no thread can
 *   be started: @destroy is not called then
 */
FluflLookout *
flufl_lookout_start (const FluflSite  *site,
                     FluflLookoutKind  kind,
                     int               interval_ms,
                     FluflLookoutPlaceFunc place,
                     FluflLookoutFunc  func,
                     gpointer          user_data,
                     GDestroyNotify    destroy)
{
  FluflLookout *self = g_new0 (FluflLookout, 1);

  g_atomic_ref_count_init (&self->refs);
  g_atomic_ref_count_inc (&self->refs);
  self->process = flufl_process_mark ();
  flufl_site_copy (&self->site, site);
  self->kind = kind;
  self->interval = interval_ms;
  self->place = place;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->n_second = kind == FLUFL_LOOKOUT_WAITER ? 0 : G_N_ELEMENTS (second_looks);
  self->names.watch.func = names_cb;
  self->file.watch.func = file_cb;
  self->names.watch.user_data = self->file.watch.user_data = self;
  self->stepper.step = step;
  self->stepper.done = done;
  self->stepper.sleeper = flufl_sleeper_new ();
  if (flufl_stepper_start (&self->stepper))
    return self;
  flufl_sleeper_free (self->stepper.sleeper);
  flufl_site_drop_copy (&self->site);
  g_free (self);
  return NULL;
}

/*
 * flufl_lookout_set_interval:
 *
 * Takes effect at once, with another look.
 */
void
flufl_lookout_set_interval (FluflLookout *self, int interval_ms)
{
  if (self->process != flufl_process_mark ())
    return;
  g_atomic_int_set (&self->interval, interval_ms);
  g_atomic_int_set (&self->asked, TRUE);
  flufl_sleeper_wake (self->stepper.sleeper);
}

/*
 * flufl_lookout_stop:
 * @self: (transfer full):
 *
 * A call of its function may still run. A forked child leaves the parent's lookout as it is.
 */
void
flufl_lookout_stop (FluflLookout *self)
{
  if (self->process != flufl_process_mark ())
    return;
  g_atomic_int_set (&self->stopped, TRUE);
  flufl_sleeper_wake (self->stepper.sleeper);
  lookout_unref (self);
}
