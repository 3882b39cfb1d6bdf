/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-lock-details-private.h"

struct _FluflLockDetails
{
  gatomicrefcount refs; /* nothing changes: a copy is a reference */
  char           *host_name; /* nullable */
  int             pid;
  GFile          *lock_file;
  GFile          *claim_file;
  GDateTime      *expiration;
  FluflLockState  state;
};

G_DEFINE_BOXED_TYPE (FluflLockDetails, flufl_lock_details,
                     flufl_lock_details_copy, flufl_lock_details_free)

GDateTime *
flufl_date_time_from_nsec (gint64 nsec)
{
  g_autoptr (GDateTime) seconds = NULL;
  gint64 whole = nsec / FLUFL_NSEC_PER_SEC, rest = nsec % FLUFL_NSEC_PER_SEC;

  if (rest < 0)
    whole--, rest += FLUFL_NSEC_PER_SEC;
  seconds = g_date_time_new_from_unix_utc (whole);
  if (seconds == NULL)
    return g_date_time_new_from_unix_utc (0);
  return g_date_time_add (seconds, rest / 1000);
}

/*
 * flufl_lock_details_new:
 * @look: one that saw a claim, or a strange one
 */
FluflLockDetails *
flufl_lock_details_new (const FluflSite *site, const FluflLook *look, FluflLockState state)
{
  FluflLockDetails *self = g_new0 (FluflLockDetails, 1);
  g_autofree char *claim_path = flufl_site_path_of (site, look->claim.name);

  g_atomic_ref_count_init (&self->refs);
  if (look->claim.host[0] != '\0')
    self->host_name = g_utf8_make_valid (look->claim.host, -1);
  self->pid = look->claim.pid;
  self->lock_file = g_file_new_for_path (site->lock_path);
  self->claim_file = g_file_new_for_path (claim_path);
  self->expiration = flufl_date_time_from_nsec (look->mtime);
  self->state = state;
  return self;
}

/**
 * flufl_lock_details_copy:
 * @self: the details
 *
 * Copies the details.
 *
 * Returns: (transfer full): the copy
 *
 * Since: 0.1
 */
FluflLockDetails *
flufl_lock_details_copy (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->refs);
  return self;
}

/**
 * flufl_lock_details_free:
 * @self: (transfer full): the details
 *
 * Frees the details.
 *
 * Since: 0.1
 */
void
flufl_lock_details_free (FluflLockDetails *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->host_name);
  g_object_unref (self->lock_file);
  g_object_unref (self->claim_file);
  g_date_time_unref (self->expiration);
  g_free (self);
}

/**
 * flufl_lock_details_get_host_name:
 * @self: the details
 *
 * Gets the name of the host on which the lock was acquired, as the holder
 * spells it. A very long name may be cut.
 *
 * Returns: (nullable): the host name; %NULL if the claim's name does not show it,
 *   for example because it has another separator
 *
 * Since: 0.1
 */
const char *
flufl_lock_details_get_host_name (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->host_name;
}

/**
 * flufl_lock_details_get_pid:
 * @self: the details
 *
 * Gets the holder's process ID in the holder's own pid namespace. In another
 * namespace, such as that of a container, it is another process.
 *
 * Returns: the process ID
 *
 * Since: 0.1
 */
int
flufl_lock_details_get_pid (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->pid;
}

/**
 * flufl_lock_details_get_lock_file:
 * @self: the details
 *
 * Gets the lock file.
 *
 * Returns: (transfer none): the lock file
 *
 * Since: 0.1
 */
GFile *
flufl_lock_details_get_lock_file (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->lock_file;
}

/**
 * flufl_lock_details_get_claim_file:
 * @self: the details
 *
 * Gets the holder's claim file: the file next to the lock file that is the
 * same inode as the lock file.
 *
 * Returns: (transfer none): the claim file
 *
 * Since: 0.1
 */
GFile *
flufl_lock_details_get_claim_file (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->claim_file;
}

/**
 * flufl_lock_details_get_expiration:
 * @self: the details
 *
 * Gets the moment when the lock expires, or has expired, if it is not
 * refreshed. Others break it no sooner than ten seconds after.
 *
 * Returns: (transfer none): the expiration, in UTC
 *
 * Since: 0.1
 */
GDateTime *
flufl_lock_details_get_expiration (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->expiration;
}

/**
 * flufl_lock_details_get_state:
 * @self: the details
 *
 * Gets the state in which the lock was found.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
FluflLockState
flufl_lock_details_get_state (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, FLUFL_LOCK_STATE_UNKNOWN);

  return self->state;
}
