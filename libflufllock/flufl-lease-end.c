/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * How leases are given up: when their objects are disposed of, when the program asks for it, and
 * when the process ends.
 */

#include "config.h"

#include "flufl-lease-private.h"

#include <unistd.h>

#include "flufl-process.h"
#include "flufl-thread.h"

/* How long an object that is disposed of waits for a file server to remove its files, and how long
 * a process that ends waits for the files of all its objects together. In microseconds. */
#define CLOSE_PATIENCE (20 * 1000)
#define EXIT_PATIENCE (2 * G_USEC_PER_SEC)

/* Microseconds between two looks at a state that has no event. */
#define LOOK_AGAIN 1000

/* The leases of one process. */
typedef struct
{
  FluflPerProcess base;
  GMutex          mutex;   /* protects what follows */
  GCond           changed;
  GQueue          leases;  /* of FluflLease, whose objects have begun an acquisition */
  guint           n_closing; /* workers that remove the files of leases */
  guint           n_failed; /* leases whose files could not be removed */
  int             ending;  /* whether the process is ending; atomic */
  gboolean        ended;   /* whether all that can be given up at the end has been */
  pid_t           pid;     /* a child of a bare clone(2) has a copy of this */
} Leases;

static FluflPerProcess *current;

static void
leases_init (gpointer data)
{
  Leases *self = data;

  g_mutex_init (&self->mutex);
  g_cond_init (&self->changed);
  g_queue_init (&self->leases);
  self->pid = getpid ();
}

static Leases *
get_leases (void)
{
  return flufl_process_get_own (&current, sizeof (Leases), leases_init, NULL);
}

/*
 * flufl_lease_enlist:
 *
 * Puts the lease of an object that is about to acquire on the list. From now on the lease is given
 * up when the process ends. Called by one acquisition at a time.
 *
 * Returns: %FALSE if the process is ending
 */
gboolean
flufl_lease_enlist (FluflLease *self)
{
  Leases *leases = self->leases != NULL ? self->leases : get_leases ();

  if (g_atomic_int_get (&leases->ending))
    return FALSE;
  if (self->leases != NULL)
    return TRUE;
  g_mutex_lock (&leases->mutex);
  self->leases = leases;
  self->link = (GList){ .data = self };
  g_queue_push_tail_link (&leases->leases, &self->link);
  g_mutex_unlock (&leases->mutex);
  return TRUE;
}

/* Takes the lease of an object that is finalized off the list. */
void
flufl_lease_delist (FluflLease *self)
{
  Leases *leases = self->leases;

  if (leases == NULL || leases->base.process != flufl_process_mark ())
    return;
  g_mutex_lock (&leases->mutex);
  g_queue_unlink (&leases->leases, &self->link);
  self->leases = NULL;
  g_mutex_unlock (&leases->mutex);
}

/* --- One lease --- */

typedef struct
{
  FluflLease *lease; /* owned */
  Leases     *leases;
  gboolean    only_kept;
  guint       number; /* of the lease that may end; 0: any */
  gboolean    done;  /* whether the worker is done; protected by the mutex of leases */
  gboolean    left;  /* whether nobody waits for the worker; protected by the mutex of leases */
} Closing;

static void
note_failure (Leases *leases)
{
  g_mutex_lock (&leases->mutex);
  leases->n_failed++;
  g_mutex_unlock (&leases->mutex);
}

/* Whether the lease that the object has now is the one to end. Called with the mutex of the lease
 * or with that of the disk. */
static gboolean
is_meant (const FluflLease *self, guint number)
{
  return number == 0 || number == self->number;
}

/* Releases the lock, and removes the claim that is kept. A lock that cannot be removed is left to
 * other processes. Its life-line is cut, since with a life-line the lock would seem to be held. */
static void
give_up (FluflLease *self, gboolean only_kept, guint number)
{
  FluflOutcome outcome = FLUFL_OUTCOME_RELEASED;
  FluflSite site;
  int errsv = 0;

  if (!only_kept)
    {
      flufl_lease_copy_site (self, &site);
      flufl_lease_lock_disk (self);
      if (is_meant (self, number) && flufl_lease_end (self) && self->claim.path != NULL)
        outcome = flufl_claim_release (&self->claim, &site, &errsv);
      if (outcome == FLUFL_OUTCOME_FAILED)
        flufl_claim_clear (&self->claim);
      flufl_lease_unlock_disk (self);
      if (outcome == FLUFL_OUTCOME_FAILED)
        note_failure (get_leases ());
      flufl_lease_learn_site (self, &site);
    }
  if (number == 0)
    flufl_lease_drop_kept (self);
}

static void
give_up_in_worker (gpointer data)
{
  Closing *self = data;
  Leases *leases = self->leases;
  gboolean left;

  give_up (self->lease, self->only_kept, self->number);
  flufl_lease_unref (self->lease);
  g_mutex_lock (&leases->mutex);
  self->done = TRUE;
  left = self->left;
  leases->n_closing--;
  g_cond_broadcast (&leases->changed);
  g_mutex_unlock (&leases->mutex);
  if (left)
    g_free (self);
}

/* Waits until the worker is done, or until the time @until if a file server takes longer. */
static void
wait_for_closing (Closing *self, gint64 until)
{
  Leases *leases = self->leases;
  gboolean in_time = TRUE, done;

  g_mutex_lock (&leases->mutex);
  while (!self->done && in_time)
    in_time = g_cond_wait_until (&leases->changed, &leases->mutex, until);
  done = self->done;
  self->left = !done;
  g_mutex_unlock (&leases->mutex);
  if (done)
    g_free (self);
}

/* Whether the lease has files to remove. Called with the mutex of the lease. */
static gboolean
has_files (const FluflLease *self, gboolean only_kept, guint number)
{
  return (self->keeps && number == 0) || (self->won && !only_kept && is_meant (self, number));
}

/* Gives up a lease. On a local file system the calling thread removes the files. Otherwise a worker
 * does, for which the caller waits for @patience microseconds at most.
 *
 * Returns: whether there was anything to give up */
static gboolean
let_go (FluflLease *self, gboolean only_kept, guint number, gint64 patience)
{
  Leases *leases = get_leases ();
  Closing *closing;
  gboolean any, local;

  flufl_lease_lock (self);
  any = has_files (self, only_kept, number);
  local = self->site.fs_kind == FLUFL_FS_LOCAL;
  flufl_lease_unlock (self);
  if (!any)
    return FALSE;
  if (local)
    {
      give_up (self, only_kept, number);
      return TRUE;
    }

  closing = g_new0 (Closing, 1);
  closing->lease = flufl_lease_ref (self);
  closing->leases = leases;
  closing->only_kept = only_kept;
  closing->number = number;
  g_mutex_lock (&leases->mutex);
  leases->n_closing++;
  g_mutex_unlock (&leases->mutex);
  if (flufl_workers_push (give_up_in_worker, closing))
    wait_for_closing (closing, g_get_monotonic_time () + patience);
  else
    {
      closing->left = TRUE;
      give_up_in_worker (closing);
    }
  return TRUE;
}

/*
 * flufl_lease_let_go:
 * @only_kept: whether to remove the claim that is kept, and not the lock
 *
 * Removes the object's files. The function waits for a file server for 20 ms at most, and a worker
 * thread does the rest. If no thread can be started for the worker, the function waits until the
 * files are removed.
 */
void
flufl_lease_let_go (FluflLease *self, gboolean only_kept)
{
  let_go (self, only_kept, 0, CLOSE_PATIENCE);
}

/*
 * flufl_lease_let_go_of:
 * @number: the number of a lease
 *
 * Does what flufl_lease_let_go() does for one lease, and not for a later one of the object.
 *
 * Returns: whether the object still had that lease
 */
gboolean
flufl_lease_let_go_of (FluflLease *self, guint number)
{
  return let_go (self, FALSE, number, CLOSE_PATIENCE);
}

/* Ends a running acquisition as cancelled. Returns the number of the acquisition, or 0 if none runs
 * or the thread @except itself makes it. */
static guint
stop_acquiring (FluflLease *self, const GThread *except)
{
  guint number = 0;

  flufl_lease_lock (self);
  if (self->given_up != NULL)
    {
      g_atomic_int_set (self->given_up, TRUE);
      flufl_sleeper_wake (self->acquirer);
      if (self->acquiring_thread == NULL || self->acquiring_thread != except)
        number = self->acquisition;
    }
  flufl_lease_unlock (self);
  return number;
}

/*
 * flufl_lease_abandon:
 *
 * Gives up the lock that the object holds, and the acquisition that it makes.
 */
void
flufl_lease_abandon (FluflLease *self)
{
  stop_acquiring (self, NULL);
  flufl_lease_let_go (self, FALSE);
}

/* --- All of a process --- */

/* Lists the leases. If @at_exit is set, leases that are not to be released at exit are left out.
 *
 * Returns: (transfer full) (element-type FluflLease): the leases */
static GPtrArray *
list_leases (Leases *self, gboolean at_exit)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (flufl_lease_unref);

  g_mutex_lock (&self->mutex);
  for (GList *l = self->leases.head; l != NULL; l = l->next)
    {
      FluflLease *lease = l->data;

      if (!at_exit || g_atomic_int_get (&lease->release_at_exit))
        g_ptr_array_add (all, flufl_lease_ref (lease));
    }
  g_mutex_unlock (&self->mutex);
  return all;
}

static gboolean
is_acquiring (FluflLease *self, guint number)
{
  gboolean acquiring;

  flufl_lease_lock (self);
  acquiring = self->given_up != NULL && self->acquisition == number;
  flufl_lease_unlock (self);
  return acquiring;
}

static gboolean
wait_for_workers (Leases *self, gint64 until)
{
  gboolean in_time = TRUE, done;

  g_mutex_lock (&self->mutex);
  while (self->n_closing > 0 && in_time)
    in_time = g_cond_wait_until (&self->changed, &self->mutex, until);
  done = self->n_closing == 0;
  g_mutex_unlock (&self->mutex);
  return done;
}

/* Ends all acquisitions of @leases, and gives up all locks. Locks that are held are released before
 * the function waits for acquisitions and workers. */
static gboolean
abandon_all (GPtrArray *leases, const GThread *except, gint64 until)
{
  Leases *self = get_leases ();
  g_autofree guint *acquisitions = g_new (guint, leases->len + 1);
  guint n_failed;
  gboolean done = TRUE;

  g_mutex_lock (&self->mutex);
  n_failed = self->n_failed;
  g_mutex_unlock (&self->mutex);
  for (guint i = 0; i < leases->len; i++)
    acquisitions[i] = stop_acquiring (leases->pdata[i], except);
  for (guint i = 0; i < leases->len; i++)
    let_go (leases->pdata[i], FALSE, 0, 0);
  for (guint i = 0; i < leases->len; i++)
    {
      if (acquisitions[i] == 0)
        continue;
      while (is_acquiring (leases->pdata[i], acquisitions[i]) && g_get_monotonic_time () < until)
        g_usleep (LOOK_AGAIN);
      done &= !is_acquiring (leases->pdata[i], acquisitions[i]);
      let_go (leases->pdata[i], FALSE, 0, 0);
    }
  done &= wait_for_workers (self, until);
  g_mutex_lock (&self->mutex);
  done &= self->n_failed == n_failed;
  g_mutex_unlock (&self->mutex);
  return done;
}

/*
 * flufl_lease_abandon_all:
 * @leases: (element-type FluflLease): the leases to give up
 * @until: when to wait no longer, in monotonic microseconds
 *
 * Gives up the leases. The function does not wait for an acquisition of the calling thread itself,
 * which a handler has interrupted.
 *
 * Returns: whether all were given up in time
 */
gboolean
flufl_lease_abandon_all (GPtrArray *leases, gint64 until)
{
  return abandon_all (leases, g_thread_self (), until);
}

/*
 * flufl_lease_list_all:
 *
 * Returns: (transfer full) (element-type FluflLease): the leases of this process whose objects
 *   have begun an acquisition
 */
GPtrArray *
flufl_lease_list_all (void)
{
  return list_leases (get_leases (), FALSE);
}

/* --- The end of the process --- */

/* Locks a mutex, unless another thread keeps it until @until. The process may end in a handler of a
 * Unix signal that has interrupted a thread with the mutex. Returns whether the mutex is locked. */
static gboolean
lock_until (GMutex *mutex, gint64 until)
{
  while (!g_mutex_trylock (mutex))
    {
      if (g_get_monotonic_time () >= until)
        return FALSE;
      g_usleep (LOOK_AGAIN);
    }
  return TRUE;
}

/* Whether there is anything to give up. Called with the mutex of the list. The mutex of a lease is
 * only tried, since an interrupted thread may have it. A lease whose mutex is locked counts as
 * work. */
static gboolean
has_work (Leases *self)
{
  gboolean any = self->n_closing > 0;

  for (GList *l = self->leases.head; l != NULL && !any; l = l->next)
    {
      FluflLease *lease = l->data;

      any = !g_mutex_trylock (&lease->mutex);
      if (any)
        break;
      any = lease->given_up != NULL || has_files (lease, FALSE, 0);
      g_mutex_unlock (&lease->mutex);
    }
  return any;
}

typedef struct
{
  Leases        *leases;
  const GThread *thread; /* the thread that ends the process */
} End;

static void
end_in_worker (gpointer data)
{
  const End *end = data;
  Leases *self = end->leases;
  g_autoptr (GPtrArray) leases = list_leases (self, TRUE);

  abandon_all (leases, end->thread, g_get_monotonic_time () + EXIT_PATIENCE);
  g_mutex_lock (&self->mutex);
  self->ended = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);
}

/* Gives up all leases when the process ends. A worker does it, so that a mutex or a file server
 * that makes the worker wait does not keep the process from its end. A Unix signal handler may end
 * the process amid an operation, and may have interrupted malloc(3), which every thread needs. All
 * files are then left to other processes. */
__attribute__ ((destructor)) static void
give_up_all_at_exit (void)
{
  static End end;
  Leases *self = (Leases *) g_atomic_pointer_get (&current);
  gint64 until = g_get_monotonic_time () + EXIT_PATIENCE;
  gboolean in_time = TRUE;

  if (self == NULL || self->base.process != flufl_process_mark () || self->pid != getpid ())
    return;
  g_atomic_int_set (&self->ending, TRUE);
  if (flufl_thread_is_amid_operation () || !lock_until (&self->mutex, until))
    return;
  if (has_work (self))
    {
      g_mutex_unlock (&self->mutex);
      end = (End){ self, g_thread_self () };
      if (!flufl_workers_push (end_in_worker, &end))
        end_in_worker (&end);
      g_mutex_lock (&self->mutex);
      while (!self->ended && in_time)
        in_time = g_cond_wait_until (&self->changed, &self->mutex, until);
    }
  g_mutex_unlock (&self->mutex);
}
