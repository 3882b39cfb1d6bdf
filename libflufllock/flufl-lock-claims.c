/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The claims that are not the lock: those of waiters, and those of the dead.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-list.h"
#include "flufl-exclusive-leftovers.h"
#include "flufl-exclusive-name.h"
#include "flufl-leftovers.h"
#include "flufl-lock-details-private.h"
#include "flufl-lock-private.h"
#include "flufl-path.h"
#include "flufl-person-private.h"
#include "flufl-report-private.h"
#include "flufl-waiter.h"

/* The names that are read, whatever they are, as for a sweep of a local file system. */
#define NAMES_MAX 100000

static gboolean
keep_name (const char *name, gpointer names)
{
  g_ptr_array_add (names, g_strdup (name));
  return TRUE;
}

/* --- Waiters --- */

typedef struct
{
  FluflSite     site;   /* a copy */
  FluflLook     holder;
  FluflLease   *lease;
  GCancellable *cancellable; /* nullable */
} Waiters;

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
look_at_waiter (Waiters *self, const char *name)
{
  FluflFindings findings = { 0 };
  const FluflClaimName *claim = &findings.look.claim;
  Waiter *waiter;

  if (!flufl_waiter_look (&self->site, name, &self->holder, &findings))
    return NULL;
  flufl_person_learn_holder (&self->site, &findings);
  findings.look.atime = 0; /* it has acquired nothing: its arrival counts */
  waiter = g_new0 (Waiter, 1);
  waiter->ticket = claim->ours ? claim->arrival : G_MAXUINT64;
  waiter->details = flufl_lock_details_new (&self->site, &findings,
                                            flufl_lease_judge (self->lease, &findings.look,
                                                               findings.liveness));
  return waiter;
}

/* Returns: (transfer full) (nullable): of Waiter, in their order */
static GPtrArray *
find_waiters (Waiters *self, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *waiters;

  flufl_site_fs_kind (&self->site); /* by which claims are named */
  /* As for a query, nobody waits in a directory that does not exist. */
  if (flufl_claim_list (&self->site, NAMES_MAX, keep_name, names, NULL) != 0 && errno != ENOENT)
    {
      int errsv = errno;
      g_autofree char *directory = flufl_site_directory (&self->site);

      g_propagate_error (error, flufl_report_unlisted (directory, errsv));
      return NULL;
    }
  flufl_look_take (&self->holder, &self->site, self->site.lock_path);
  waiters = g_ptr_array_new_with_free_func (waiter_free);
  for (guint i = 0; i < names->len && !g_cancellable_is_cancelled (self->cancellable); i++)
    {
      Waiter *waiter = look_at_waiter (self, names->pdata[i]);

      if (waiter != NULL)
        g_ptr_array_add (waiters, waiter);
    }
  g_ptr_array_sort (waiters, compare_tickets);
  return waiters;
}

static void
free_details (gpointer details)
{
  flufl_lock_details_free (details);
}

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
 * which its claim is fresh, or %NULL where a lock is no hard link, and [method@Flufl.LockDetails.get_acquisition] the moment when
 * it began to wait. The function reads the directory, and each claim. It
 * may block, and has no asynchronous form.
 *
 * Returns: (transfer container) (element-type Flufl.LockDetails): the waiters; %NULL
 *   with @error set
 *
 * Since: 0.1
 */
GPtrArray *
flufl_lock_list_waiters (FluflLock *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) waiters = NULL;
  GPtrArray *result;
  Waiters listing = { .cancellable = cancellable };
  int errsv;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!flufl_lock_check_usable (self, error))
    return NULL;
  listing.lease = self->lease;
  flufl_lease_copy_site (self->lease, &listing.site);
  errsv = flufl_document_resolve (self->document, self->lease, &listing.site);
  if (errsv == 0)
    waiters = find_waiters (&listing, error);
  else
    g_propagate_error (error, flufl_report_unresolved (self->document->path, errsv));
  flufl_site_drop_copy (&listing.site);
  if (waiters == NULL || g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  result = g_ptr_array_new_full (waiters->len, free_details);
  for (guint i = 0; i < waiters->len; i++)
    g_ptr_array_add (result, g_steal_pointer (&((Waiter *) waiters->pdata[i])->details));
  return result;
}

/* --- Claims of the dead --- */

/* Whether the claim @name is the leftover of a dead process, and, unless @dry_run is set, was
 * removed. The rules are those of the waiters that collect leftovers. */
static gboolean
is_collected (const char *directory, const char *name, gboolean dry_run)
{
  g_autofree char *lock_name = flufl_claim_name_dup_lock (name, FLUFL_DEFAULT_SEPARATOR);
  g_autofree char *lock_path = lock_name != NULL ? g_build_filename (directory, lock_name, NULL) : NULL;
  g_autofree char *path = g_build_filename (directory, name, NULL);
  gboolean collected = FALSE;
  FluflLiveness liveness;
  FluflClaimName claim;
  FluflSight sight;
  FluflSite site = { 0 };
  FluflStat st;

  if (lock_path == NULL)
    return FALSE;
  flufl_site_init (&site, flufl_lock_syscalls, lock_path, FLUFL_DEFAULT_SEPARATOR);
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
  flufl_site_init (&site, place->sys, lock_path, FLUFL_DEFAULT_SEPARATOR);
  flufl_site_fs_kind (&site);
  collected = site.exclusive && flufl_exclusive_is_leftover (&site, name)
              && (dry_run || site.sys->unlink (path) == 0);
  flufl_site_clear (&site);
  return collected;
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
 * lock. Lock files and other files stay. The function may block, and has no
 * asynchronous form.
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
  g_autofree char *path = NULL;
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GPtrArray) removed = NULL;
  g_autofree char *some_path = NULL;
  FluflSite place = { 0 };

  g_return_val_if_fail (G_IS_FILE (directory), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  path = g_file_get_path (directory);
  if (path == NULL)
    {
      g_propagate_error (error, flufl_report_no_path (directory));
      return NULL;
    }
  names = g_ptr_array_new_with_free_func (g_free);
  if (flufl_lock_syscalls->list (path, keep_name, names) != 0)
    {
      g_propagate_error (error, flufl_report_unlisted (path, errno));
      return NULL;
    }
  removed = g_ptr_array_new_with_free_func (g_object_unref);
  some_path = g_build_filename (path, "lock", NULL);
  flufl_site_init (&place, flufl_lock_syscalls, some_path, FLUFL_DEFAULT_SEPARATOR);
  flufl_site_fs_kind (&place);
  for (guint i = 0; i < names->len && !g_cancellable_is_cancelled (cancellable); i++)
    if (place.exclusive ? is_collected_exclusive (&place, names->pdata[i], dry_run)
                        : is_collected (path, names->pdata[i], dry_run))
      g_ptr_array_add (removed, g_file_get_child (directory, names->pdata[i]));
  flufl_site_clear (&place);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  return g_steal_pointer (&removed);
}
