/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A pulse is a function that is called repeatedly in a worker. Each call is a beat. Pulses with the
 * same main context form a group, and pulses without a context form another group. Each group has
 * one timer. When the timer fires, the beats that are almost due run, too. Beats of one lane that
 * are due together run one after another in one thread. The lanes run in parallel, so a file
 * server that does not answer delays its own lane only.
 *
 * A worker, the keeper, has the timer of the group without a context. The keeper does not
 * serve the inotify watches of waiters (flufl-watch.h). If it did, a release would have to wake the
 * keeper first, and the keeper the waiting thread.
 */

#include "config.h"

#include "flufl-pulse.h"

#include "flufl-boot-timer.h"
#include "flufl-keeper.h"
#include "flufl-process.h"
#include "flufl-workers.h"

/* A pulse is done together with another one if at most 1/EARLY_PART of its interval is left. */
#define EARLY_PART 4

/* If no thread can be started for a beat, it is retried after this time, in microseconds. */
#define NO_THREAD_PAUSE (20 * 1000)

typedef struct _Group Group;

struct _FluflPulse
{
  gatomicrefcount refs;
  Group          *group;    /* owned */
  guint64         lane;
  FluflPulseFunc  func;
  gpointer        user_data;
  GDestroyNotify  destroy;  /* nullable */
  int             stopped;  /* atomic */

  /* Under the group's mutex. */
  gboolean        beating;
  gint64          due;      /* boot time in microseconds; G_MAXINT64: not now */
  gint64          interval; /* the last that was asked for, in microseconds */
  guint           index;    /* in pulses */
};

struct _Group
{
  gatomicrefcount refs;
  int             process; /* the mark of the process to which it belongs */
  GMainContext   *context; /* borrowed, for as long as there are pulses; nullable */

  GMutex          mutex;   /* protects what follows */
  GPtrArray      *pulses;  /* owned; of FluflPulse, borrowed */
  gint64          armed;   /* when the appointment is; G_MAXINT64: there is none */
  GSource        *source;  /* owned; keeps the appointment in a context; nullable */
  gpointer        tag;     /* of the timer's descriptor in source; nullable */
  FluflBootTimer  timer;
  FluflKeeper     keeper;  /* without a context */
};

/* Of one process. */
typedef struct
{
  FluflPerProcess base;
  GMutex          mutex;  /* protects what follows; taken before that of a group */
  GPtrArray      *groups; /* owned; of Group, owned */
} Groups;

static FluflPerProcess *current;

static void
groups_init (gpointer data)
{
  Groups *self = data;

  g_mutex_init (&self->mutex);
  self->groups = g_ptr_array_new ();
}

static void
groups_clear (gpointer data)
{
  Groups *self = data;

  g_ptr_array_unref (self->groups);
}

static Groups *
get_groups (void)
{
  return flufl_process_get_own (&current, sizeof (Groups), groups_init, groups_clear);
}

static void
group_unref (gpointer data)
{
  Group *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  flufl_boot_timer_clear (&self->timer);
  g_ptr_array_unref (self->pulses);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static Group *
group_ref (Group *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static void
pulse_unref (gpointer data)
{
  FluflPulse *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  group_unref (self->group);
  g_free (self);
}

/* --- The appointment; all with the group's mutex --- */

/* Returns FALSE if no thread can be started for a keeper. */
static gboolean
arm_in_worker (Group *self, gint64 when)
{
  if (!flufl_keeper_meet_at (&self->keeper, when))
    return FALSE;
  self->armed = when;
  return TRUE;
}

static void
arm_in_context (Group *self, gint64 when)
{
  self->armed = when;
  flufl_boot_timer_set (&self->timer, when);
  if (self->timer.fd < 0)
    g_source_set_ready_time (self->source, g_get_monotonic_time ()
                                               + MAX (when - flufl_boot_time_now (), 0));
  else
    {
      g_source_set_ready_time (self->source, -1); /* of a time without a timer */
      if (self->tag == NULL)
        self->tag = flufl_boot_timer_attach (&self->timer, self->source);
    }
}

static gboolean
arm (Group *self, gint64 when)
{
  if (when >= self->armed)
    return TRUE;
  if (self->context == NULL)
    return arm_in_worker (self, when);
  arm_in_context (self, when);
  return TRUE;
}

/* --- Beats --- */

/* Of one lane. */
typedef struct
{
  Group     *group;  /* owned */
  GPtrArray *pulses; /* owned; of FluflPulse, owned */
} Batch;

static void
beat (FluflPulse *self)
{
  Group *group = self->group;
  gint64 next = -1;

  if (!g_atomic_int_get (&self->stopped))
    next = self->func (self->user_data);
  g_mutex_lock (&group->mutex);
  self->beating = FALSE;
  if (next >= 0)
    {
      self->interval = next;
      self->due = MIN (self->due, flufl_boot_time_now () + next);
    }
  if (self->due != G_MAXINT64 && !g_atomic_int_get (&self->stopped))
    arm (group, self->due);
  /* take_due() held the keeper, so that this beat could make the next appointment even if no thread
   * can be started. The keeper may now end. */
  if (group->context == NULL)
    flufl_keeper_let_go (&group->keeper);
  g_mutex_unlock (&group->mutex);
}

static void
batch_free (Batch *self)
{
  g_ptr_array_unref (self->pulses);
  group_unref (self->group);
  g_free (self);
}

static void
run_batch (gpointer data)
{
  Batch *self = data;

  for (guint i = 0; i < self->pulses->len; i++)
    beat (self->pulses->pdata[i]);
  batch_free (self);
}

static Batch *
batch_of_lane (Group *group, GPtrArray *batches, guint64 lane)
{
  Batch *batch;

  for (guint i = 0; i < batches->len; i++)
    {
      const FluflPulse *first;

      batch = batches->pdata[i];
      first = batch->pulses->pdata[0];
      if (first->lane == lane)
        return batch;
    }
  batch = g_new (Batch, 1);
  batch->group = group_ref (group);
  batch->pulses = g_ptr_array_new_with_free_func (pulse_unref);
  g_ptr_array_add (batches, batch);
  return batch;
}

/* With the mutex. Takes what is due, and makes the next appointment. */
static GPtrArray *
take_due (Group *self)
{
  GPtrArray *batches = g_ptr_array_new ();
  gint64 now = flufl_boot_time_now ();
  gint64 next = G_MAXINT64;
  gboolean any = FALSE;

  for (guint i = 0; i < self->pulses->len && !any; i++)
    any = ((FluflPulse *) self->pulses->pdata[i])->due <= now;
  for (guint i = 0; i < self->pulses->len; i++)
    {
      FluflPulse *pulse = self->pulses->pdata[i];

      if (any && pulse->due != G_MAXINT64 && !pulse->beating
          && pulse->due <= now + pulse->interval / EARLY_PART)
        {
          pulse->beating = TRUE;
          if (self->context == NULL)
            flufl_keeper_hold (&self->keeper);
          pulse->due = G_MAXINT64;
          g_atomic_ref_count_inc (&pulse->refs);
          g_ptr_array_add (batch_of_lane (self, batches, pulse->lane)->pulses, pulse);
        }
      else if (!pulse->beating)
        next = MIN (next, pulse->due);
    }
  self->armed = G_MAXINT64;
  if (next != G_MAXINT64)
    arm (self, next);
  return batches;
}

/* Called with the mutex, and returns with it. The function releases the mutex while it starts the
 * work. If no other thread can be started, the keeper does the work itself. No appointment is kept
 * until that work is done. */
static void
meet_in_keeper (gpointer data)
{
  Group *self = data;
  g_autoptr (GPtrArray) batches = take_due (self);

  g_mutex_unlock (&self->mutex);
  for (guint i = 0; i < batches->len; i++)
    if (!flufl_workers_push (run_batch, batches->pdata[i]))
      run_batch (batches->pdata[i]);
  g_mutex_lock (&self->mutex);
}

/* --- In a context --- */

/* With the mutex. No thread can be started just now. */
static void
put_off (Group *self, Batch *batch)
{
  gint64 when = flufl_boot_time_now () + NO_THREAD_PAUSE;

  for (guint i = 0; i < batch->pulses->len; i++)
    {
      FluflPulse *pulse = batch->pulses->pdata[i];

      pulse->beating = FALSE;
      pulse->due = MIN (pulse->due, when);
    }
  if (self->source != NULL)
    arm (self, when);
}

/* In the thread of the context, which must not wait. */
static void
meet_in_context (Group *self)
{
  g_autoptr (GPtrArray) batches = NULL;

  g_mutex_lock (&self->mutex);
  if (self->source != NULL)
    batches = take_due (self);
  if (self->source != NULL && self->armed == G_MAXINT64)
    {
      flufl_boot_timer_set (&self->timer, G_MAXINT64);
      g_source_set_ready_time (self->source, -1);
    }
  g_mutex_unlock (&self->mutex);
  for (guint i = 0; batches != NULL && i < batches->len; i++)
    {
      Batch *batch = batches->pdata[i];

      if (flufl_workers_push (run_batch, batch))
        continue;
      g_mutex_lock (&self->mutex);
      put_off (self, batch);
      g_mutex_unlock (&self->mutex);
      batch_free (batch);
    }
}

typedef struct
{
  GSource source;
  Group  *group; /* owned */
} GroupSource;

static gboolean
source_dispatch (GSource *source, GSourceFunc callback G_GNUC_UNUSED,
                 gpointer user_data G_GNUC_UNUSED)
{
  Group *group = ((GroupSource *) source)->group;

  /* A forked child has a copy, whose timer is the parent's. */
  if (group->process != flufl_process_mark ())
    return G_SOURCE_REMOVE;
  meet_in_context (group);
  return G_SOURCE_CONTINUE;
}

static void
source_finalize (GSource *source)
{
  group_unref (((GroupSource *) source)->group);
}

static GSourceFuncs source_funcs = { .dispatch = source_dispatch, .finalize = source_finalize };

/* --- Groups --- */

/* With the mutex of all groups, to a new one. */
static void
attach (Group *self)
{
  self->source = g_source_new (&source_funcs, sizeof (GroupSource));
  g_source_set_static_name (self->source, "[flufl] heartbeats");
  ((GroupSource *) self->source)->group = group_ref (self);
  g_source_attach (self->source, self->context);
}

/* With the mutex of all groups. */
static Group *
find_group (Groups *all, GMainContext *context)
{
  Group *group;

  for (guint i = 0; i < all->groups->len; i++)
    {
      group = all->groups->pdata[i];
      if (group->context == context)
        return group;
    }
  group = g_new0 (Group, 1);
  g_atomic_ref_count_init (&group->refs);
  g_mutex_init (&group->mutex);
  group->process = flufl_process_mark ();
  group->context = context;
  group->pulses = g_ptr_array_new ();
  group->armed = G_MAXINT64;
  flufl_boot_timer_init (&group->timer);
  if (context == NULL)
    flufl_keeper_init (&group->keeper, &group->mutex, meet_in_keeper, group);
  else
    attach (group);
  g_ptr_array_add (all->groups, group);
  return group;
}

/* With both mutexes. The group without a context stays for ever. Returns the source, which the
 * caller drops without the mutexes. */
static GSource *
detach_if_empty (Groups *all, Group *self)
{
  if (self->pulses->len > 0 || self->context == NULL)
    return NULL;
  g_ptr_array_remove_fast (all->groups, self);
  return g_steal_pointer (&self->source);
}

static void
drop_source (Group *group, GSource *source)
{
  if (source == NULL)
    return;
  g_source_destroy (source);
  g_source_unref (source);
  group_unref (group);
}

/* With the mutex. */
static void
remove_pulse (Group *self, FluflPulse *pulse)
{
  FluflPulse *last = self->pulses->pdata[self->pulses->len - 1];

  last->index = pulse->index;
  self->pulses->pdata[pulse->index] = last;
  g_ptr_array_set_size (self->pulses, (int) self->pulses->len - 1);
}

/* With the mutex. There are no pulses any more. */
static void
end_soon (Group *self)
{
  flufl_keeper_end_soon (&self->keeper);
  self->armed = self->keeper.when;
}

/*
 * flufl_pulse_start:
 * @context: (nullable): the main context that must run for the pulse to beat. The caller keeps it
 *   until the pulse is stopped. A worker thread calls @func, with or without a context
 * @lane: pulses with the same number may wait for each other
 *
 * Returns: (transfer full) (nullable): a new pulse; end it with flufl_pulse_stop(). %NULL if no
 *   thread can be started. @destroy is not called then
 */
FluflPulse *
flufl_pulse_start (GMainContext   *context,
                   guint64         lane,
                   gint64          first_usec,
                   FluflPulseFunc  func,
                   gpointer        user_data,
                   GDestroyNotify  destroy)
{
  Groups *all = get_groups ();
  FluflPulse *self = g_new0 (FluflPulse, 1);
  Group *group;
  gboolean armed;

  g_atomic_ref_count_init (&self->refs);
  self->lane = lane;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->interval = first_usec;
  self->due = flufl_boot_time_now () + first_usec;

  g_mutex_lock (&all->mutex);
  group = find_group (all, context);
  self->group = group_ref (group);
  g_mutex_lock (&group->mutex);
  self->index = group->pulses->len;
  g_ptr_array_add (group->pulses, self);
  armed = arm (group, self->due);
  if (!armed)
    remove_pulse (group, self);
  g_mutex_unlock (&group->mutex);
  g_mutex_unlock (&all->mutex);

  if (armed)
    return self;
  self->destroy = NULL;
  pulse_unref (self);
  return NULL;
}

/*
 * flufl_pulse_set:
 *
 * The next beat is due in @next_usec. It comes earlier with another pulse that is due (EARLY_PART),
 * or if a beat that is under way returns a shorter time. A beat that is under way goes on.
 */
void
flufl_pulse_set (FluflPulse *self, gint64 next_usec)
{
  Group *group = self->group;

  g_mutex_lock (&group->mutex);
  self->interval = next_usec;
  self->due = flufl_boot_time_now () + next_usec;
  if (!self->beating)
    arm (group, self->due);
  g_mutex_unlock (&group->mutex);
}

/*
 * flufl_pulse_stop:
 * @self: (transfer full):
 *
 * No beat begins after this; one that has begun goes on. The context is not touched any more.
 */
void
flufl_pulse_stop (FluflPulse *self)
{
  Group *group = self->group;
  Groups *all = get_groups ();
  GSource *source;

  g_atomic_int_set (&self->stopped, TRUE);
  g_mutex_lock (&all->mutex);
  g_mutex_lock (&group->mutex);
  remove_pulse (group, self);
  if (group->context == NULL && group->pulses->len == 0)
    end_soon (group);
  source = detach_if_empty (all, group);
  g_mutex_unlock (&group->mutex);
  g_mutex_unlock (&all->mutex);
  drop_source (group, source);
  pulse_unref (self);
}
