/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The claims that are not the lock: those of waiters, and those of the dead.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-call.h"
#include "flufl-claim-list.h"
#include "flufl-exclusive-leftovers.h"
#include "flufl-exclusive-name.h"
#include "flufl-leftovers.h"
#include "flufl-lock-details-private.h"
#include "flufl-person-private.h"
#include "flufl-report-private.h"
#include "flufl-waiter.h"

/* The names that are read, whatever they are, as for a sweep of a local file system. */
#define NAMES_MAX 100000

/* A call that lists waiters or removes leftovers. */
typedef struct
{
  FluflCall  call;
  FluflLook  holder;    /* of a list of waiters */
  GFile     *directory; /* of a removal of leftovers; owned; nullable */
  gboolean   dry_run;
  GPtrArray *found;     /* owned; nullable; the result */
  gboolean   stopped;   /* by a cancellation */
} ClaimsCall;

static gboolean
keep_name (const char *name, gpointer names)
{
  g_ptr_array_add (names, g_strdup (name));
  return TRUE;
}

static gboolean
is_stopped (ClaimsCall *self)
{
  self->stopped = flufl_call_is_cancelled (&self->call);
  return self->stopped;
}

static void
claims_settle (FluflCall *call)
{
  ClaimsCall *self = (ClaimsCall *) call;
  g_autofree char *directory = flufl_site_directory (&call->site);

  if (self->stopped)
    call->error = flufl_report_cancelled ();
  else if (call->errsv != 0)
    call->error = flufl_report_unlisted (directory, call->errsv);
}

static void
claims_return (FluflCall *call)
{
  g_task_return_pointer (call->task, g_steal_pointer (&((ClaimsCall *) call)->found),
                         (GDestroyNotify) g_ptr_array_unref);
}

static void
claims_clear (FluflCall *call)
{
  ClaimsCall *self = (ClaimsCall *) call;

  g_clear_pointer (&self->found, g_ptr_array_unref);
  g_clear_object (&self->directory);
}

/* Returns: (transfer full) (nullable): the result of the synchronous form */
static GPtrArray *
run_and_clear (ClaimsCall *self, GError **error)
{
  GPtrArray *found;

  flufl_call_run (&self->call, error);
  found = g_steal_pointer (&self->found);
  flufl_call_clear (&self->call);
  return found;
}

/* --- Waiters --- */

typedef struct
{
  guint64           ticket;  /* G_MAXUINT64: not known */
  FluflLockDetails *details; /* owned */
} Waiter;

static void
waiter_free (gpointer data)
{
  Waiter *self = data;

  if (self->details != NULL)
    flufl_lock_details_free (self->details);
  g_free (self);
}

static int
compare_tickets (gconstpointer a, gconstpointer b)
{
  const Waiter *first = *(const Waiter *const *) a, *second = *(const Waiter *const *) b;

  return (first->ticket > second->ticket) - (first->ticket < second->ticket);
}

/* Returns: (transfer full) (nullable): the waiter whose claim is @name, if it may live */
static Waiter *
look_at_waiter (ClaimsCall *self, const char *name)
{
  FluflSite *site = &self->call.site;
  FluflFindings findings = { 0 };
  const FluflClaimName *claim = &findings.look.claim;
  Waiter *waiter;

  if (!flufl_waiter_look (site, name, &self->holder, &findings))
    return NULL;
  flufl_person_learn_holder (site, &findings);
  findings.look.atime = 0; /* it has acquired nothing: its arrival counts */
  waiter = g_new0 (Waiter, 1);
  waiter->ticket = claim->ours ? claim->arrival : G_MAXUINT64;
  waiter->details = flufl_lock_details_new (site, &findings,
                                            flufl_lease_judge (self->call.lease, &findings.look,
                                                               findings.liveness));
  return waiter;
}

static void
free_details (gpointer details)
{
  flufl_lock_details_free (details);
}

static gboolean
waiters_step (FluflCall *call, gint64 *out_when G_GNUC_UNUSED)
{
  ClaimsCall *self = (ClaimsCall *) call;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) waiters = g_ptr_array_new_with_free_func (waiter_free);

  flufl_site_fs_kind (&call->site); /* by which claims are named */
  /* As for a query, nobody waits in a directory that does not exist. */
  if (flufl_claim_list (&call->site, NAMES_MAX, keep_name, names, NULL) != 0 && errno != ENOENT)
    {
      call->errsv = errno;
      return FALSE;
    }
  flufl_look_take (&self->holder, &call->site, call->site.lock_path);
  for (guint i = 0; !is_stopped (self) && i < names->len; i++)
    {
      Waiter *waiter = look_at_waiter (self, names->pdata[i]);

      if (waiter != NULL)
        g_ptr_array_add (waiters, waiter);
    }
  if (self->stopped)
    return FALSE;
  g_ptr_array_sort (waiters, compare_tickets);
  self->found = g_ptr_array_new_full (waiters->len, free_details);
  for (guint i = 0; i < waiters->len; i++)
    g_ptr_array_add (self->found, g_steal_pointer (&((Waiter *) waiters->pdata[i])->details));
  return FALSE;
}

static const FluflCallClass waiters_class = {
  .answers_cancel = TRUE,
  .step = waiters_step,
  .settle = claims_settle,
  .return_result = claims_return,
  .clear = claims_clear,
};

/**
 * flufl_lock_list_waiters:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Lists the waiters of the lock: the acquisitions that have a claim beside the
 * lock file, without the holder's. Nothing is written.
 *
 * They are in the order of their arrival, which is the order of their turns on a
 * local file system as a rule. Processes of flufl.lock come last, since their
 * claims do not show it. Usually at most two waiters of each process have claims;
 * the others wait behind them without one. Those that are proved dead are left out.
 *
 * Of a waiter, [method@Flufl.LockDetails.get_expiration] has the moment until
 * which its claim is fresh, or %NULL where a lock is no hard link, and
 * [method@Flufl.LockDetails.get_acquisition] the moment when it began to wait. The function
 * reads the directory, and each claim. It may block.
 *
 * Fails with
 *
 * - `G_IO_ERROR_CANCELLED` if the operation was cancelled,
 * - an error of the system, if the directory cannot be read. A directory that does not
 *   exist has no waiters.
 *
 * Returns: (transfer container) (element-type Flufl.LockDetails): the waiters; %NULL
 *   with @error set
 *
 * Since: 0.1
 */
GPtrArray *
flufl_lock_list_waiters (FluflLock *self, GCancellable *cancellable, GError **error)
{
  ClaimsCall call = { 0 };

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  flufl_call_init (&call.call, &waiters_class, self, cancellable);
  return run_and_clear (&call, error);
}

/**
 * flufl_lock_list_waiters_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.list_waiters].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_list_waiters_async (FluflLock          *self,
                               GCancellable       *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer            user_data)
{
  ClaimsCall *call;

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  call = g_new0 (ClaimsCall, 1);
  flufl_call_init (&call->call, &waiters_class, self, cancellable);
  flufl_call_start (&call->call, flufl_lock_list_waiters_async, callback, user_data);
}

/**
 * flufl_lock_list_waiters_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.list_waiters_async]; the errors are those
 * of [method@Flufl.Lock.list_waiters].
 *
 * Returns: (transfer container) (element-type Flufl.LockDetails): the waiters; %NULL
 *   with @error set
 *
 * Since: 0.1
 */
GPtrArray *
flufl_lock_list_waiters_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  GTask *task = flufl_call_finished_task (self, result, flufl_lock_list_waiters_async);

  return task != NULL ? g_task_propagate_pointer (task, error) : NULL;
}

/* --- Claims of the dead --- */

/* Whether the claim @name is the leftover of a dead process, and, unless @dry_run is set, was
 * removed. The rules are those of the waiters that collect leftovers. */
static gboolean
is_collected (const FluflSite *place, const char *name, gboolean dry_run)
{
  g_autofree char *lock_name = flufl_claim_name_dup_lock (name, place->separator);
  g_autofree char *lock_path = lock_name != NULL ? flufl_site_path_of (place, lock_name) : NULL;
  g_autofree char *path = flufl_site_path_of (place, name);
  gboolean collected = FALSE;
  FluflLiveness liveness;
  FluflClaimName claim;
  FluflSight sight;
  FluflSite site = { 0 };
  FluflStat st;

  if (lock_path == NULL)
    return FALSE;
  flufl_site_init (&site, place->sys, lock_path, place->separator);
  if (flufl_claim_name_parse (name, strlen (name), lock_name, site.separator, &claim) && claim.ours)
    {
      liveness = flufl_leftovers_judge (&site, &claim, !dry_run, &sight);
      if (liveness == FLUFL_LIVENESS_DEAD && dry_run)
        collected = sight == FLUFL_SIGHT_CLAIM && site.sys->lstat (path, &st) == 0 && st.nlink == 1;
      else
        collected = liveness == FLUFL_LIVENESS_DEAD && sight == FLUFL_SIGHT_NOTHING;
    }
  flufl_site_clear (&site);
  return collected;
}

/* is_collected() where locks are created exclusively. */
static gboolean
is_collected_exclusive (const FluflSite *place, const char *name, gboolean dry_run)
{
  g_autofree char *lock_name = flufl_exclusive_dup_lock (name, place->separator);
  g_autofree char *lock_path = lock_name != NULL ? flufl_site_path_of (place, lock_name) : NULL;
  g_autofree char *path = flufl_site_path_of (place, name);
  gboolean collected;
  FluflSite site = { 0 };

  if (lock_path == NULL)
    return FALSE;
  flufl_site_init (&site, place->sys, lock_path, place->separator);
  flufl_site_fs_kind (&site);
  collected = site.exclusive && flufl_exclusive_is_leftover (&site, name)
              && (dry_run || site.sys->unlink (path) == 0);
  flufl_site_clear (&site);
  return collected;
}

static gboolean
leftovers_step (FluflCall *call, gint64 *out_when G_GNUC_UNUSED)
{
  ClaimsCall *self = (ClaimsCall *) call;
  FluflSite *site = &call->site;
  g_autofree char *path = flufl_site_directory (site);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) removed = g_ptr_array_new_with_free_func (g_object_unref);

  if (site->sys->list (path, keep_name, names) != 0)
    {
      call->errsv = errno;
      return FALSE;
    }
  flufl_site_fs_kind (site);
  for (guint i = 0; !is_stopped (self) && i < names->len; i++)
    if (site->exclusive ? is_collected_exclusive (site, names->pdata[i], self->dry_run)
                        : is_collected (site, names->pdata[i], self->dry_run))
      g_ptr_array_add (removed, g_file_get_child (self->directory, names->pdata[i]));
  if (!self->stopped)
    self->found = g_steal_pointer (&removed);
  return FALSE;
}

static const FluflCallClass leftovers_class = {
  .answers_cancel = TRUE,
  .step = leftovers_step,
  .settle = claims_settle,
  .return_result = claims_return,
  .clear = claims_clear,
};

/* A call belongs to a lock, and has its site. Here it is a lock in @directory that nobody
 * acquires. */
static void
leftovers_call_init (ClaimsCall   *self,
                     GFile        *directory,
                     gboolean      dry_run,
                     GCancellable *cancellable)
{
  g_autoptr (GFile) file = g_file_get_child (directory, "lock");
  g_autoptr (FluflLock) lock = flufl_lock_new (file);
  g_autofree char *path = g_file_get_path (directory);

  flufl_call_init (&self->call, &leftovers_class, lock, cancellable);
  self->call.source = G_OBJECT (directory);
  self->directory = g_object_ref (directory);
  self->dry_run = dry_run;
  if (path == NULL)
    self->call.error = flufl_report_no_path (directory);
}

/**
 * flufl_lock_remove_leftovers:
 * @directory: a directory
 * @dry_run: find the claims, and do not remove them
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Removes the claims in @directory that dead processes have left, of all locks with the default
 * separator.
 *
 * Such a claim belongs to a waiter that was killed, or was kept by
 * [property@Flufl.Lock:linger]. It blocks nobody, and waiters remove it. This
 * function is for directories in which nobody waits any more.
 *
 * A claim is removed only if its process is proved to be dead and it is not the
 * lock. Lock files and other files stay. The function may block.
 *
 * Fails with
 *
 * - `G_IO_ERROR_NOT_SUPPORTED` if @directory has no local path,
 * - `G_IO_ERROR_CANCELLED` if the operation was cancelled. Some claims may have been
 *   removed by then,
 * - an error of the system, if the directory cannot be read.
 *
 * Returns: (transfer container) (element-type Gio.File): the claims that were
 *   removed, or would be; %NULL with @error set
 *
 * Since: 0.1
 */
GPtrArray *
flufl_lock_remove_leftovers (GFile        *directory,
                             gboolean      dry_run,
                             GCancellable *cancellable,
                             GError      **error)
{
  ClaimsCall call = { 0 };

  g_return_val_if_fail (G_IS_FILE (directory), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  leftovers_call_init (&call, directory, dry_run, cancellable);
  return run_and_clear (&call, error);
}

/**
 * flufl_lock_remove_leftovers_async:
 * @directory: a directory
 * @dry_run: find the claims, and do not remove them
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over, with
 *   @directory as the source object
 * @user_data: data for @callback
 *
 * The asynchronous form of [func@Flufl.Lock.remove_leftovers].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_remove_leftovers_async (GFile              *directory,
                                   gboolean            dry_run,
                                   GCancellable       *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer            user_data)
{
  ClaimsCall *call;

  g_return_if_fail (G_IS_FILE (directory));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  call = g_new0 (ClaimsCall, 1);
  leftovers_call_init (call, directory, dry_run, cancellable);
  flufl_call_start (&call->call, flufl_lock_remove_leftovers_async, callback, user_data);
}

/**
 * flufl_lock_remove_leftovers_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [func@Flufl.Lock.remove_leftovers_async]; the errors are those
 * of [func@Flufl.Lock.remove_leftovers].
 *
 * Returns: (transfer container) (element-type Gio.File): the claims that were
 *   removed, or would be; %NULL with @error set
 *
 * Since: 0.1
 */
GPtrArray *
flufl_lock_remove_leftovers_finish (GAsyncResult *result, GError **error)
{
  GTask *task;

  g_return_val_if_fail (G_IS_TASK (result), NULL);

  task = flufl_call_finished_task (g_task_get_source_object (G_TASK (result)), result,
                                   flufl_lock_remove_leftovers_async);
  return task != NULL ? g_task_propagate_pointer (task, error) : NULL;
}
