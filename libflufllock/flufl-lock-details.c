/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-lock-details-private.h"

#include "flufl-identity.h"
#include "flufl-person-private.h"

struct _FluflLockDetails
{
  gatomicrefcount refs; /* nothing changes: a copy is a reference */
  char           *claim_name; /* nullable: another program's lock */
  char           *host_name; /* nullable */
  int             pid;
  gboolean        own; /* it is that of this process */
  char           *program_name; /* nullable */
  const char     *user_name; /* interned or foreign_user; nullable */
  const char     *real_name; /* interned or foreign_real; nullable */
  char           *foreign_user, *foreign_real; /* owned; NULL for a lock of this library or flufl.lock */
  GDateTime      *acquisition; /* nullable */
  GFile          *lock_file;
  GFile          *claim_file;
  GDateTime      *expiration; /* nullable */
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

/* What people know the holder by, as far as it was learned. */
static void
take_names (FluflLockDetails *self, const FluflSite *site, const FluflFindings *findings)
{
  const FluflLook *look = &findings->look;
  gint64 acquired = flufl_look_acquired (look, site);
  FluflPerson person;

  if (look->claim.host[0] != '\0')
    self->host_name = g_utf8_make_valid (look->claim.host, -1);
  if (findings->program[0] != '\0')
    self->program_name = g_utf8_make_valid (findings->program, -1);
  if (flufl_person_find (look->owner, &person))
    {
      self->user_name = person.name;
      self->real_name = person.real_name;
    }
  if (acquired != 0)
    self->acquisition = flufl_date_time_from_nsec (acquired);
}

/*
 * flufl_lock_details_new:
 * @findings: with a look that saw a claim, or a strange one; after flufl_person_learn_holder()
 */
FluflLockDetails *
flufl_lock_details_new (const FluflSite *site, const FluflFindings *findings, FluflLockState state)
{
  const FluflLook *look = &findings->look;
  FluflLockDetails *self = g_new0 (FluflLockDetails, 1);
  g_autofree char *claim_path = flufl_site_path_of (site, look->claim.name);

  g_atomic_ref_count_init (&self->refs);
  take_names (self, site, findings);
  self->pid = look->claim.pid;
  self->own = flufl_identity_is_own (site, &look->claim);
  self->claim_name = g_strdup (look->claim.name);
  self->lock_file = g_file_new_for_path (site->lock_path);
  self->claim_file = g_file_new_for_path (claim_path);
  if (look->mtime != G_MAXINT64)
    self->expiration = flufl_date_time_from_nsec (look->mtime);
  self->state = state;
  return self;
}

/*
 * flufl_lock_details_new_foreign:
 * @path: of the lock that another program has made in its own way
 * @office: what that shows
 */
FluflLockDetails *
flufl_lock_details_new_foreign (const char *path, const char *program, const FluflOfficeLock *office)
{
  FluflLockDetails *self = g_new0 (FluflLockDetails, 1);

  g_atomic_ref_count_init (&self->refs);
  self->host_name = g_strdup (office->host_name);
  self->program_name = g_strdup (program);
  self->user_name = self->foreign_user = g_strdup (office->user_name);
  self->real_name = self->foreign_real = g_strdup (office->real_name);
  if (office->since != NULL)
    self->acquisition = g_date_time_ref (office->since);
  self->lock_file = g_file_new_for_path (path);
  self->claim_file = g_object_ref (self->lock_file);
  self->state = FLUFL_LOCK_STATE_UNKNOWN;
  return self;
}

/* The name of the claim, which no other lock of this library has. Empty for a lock of another program. */
const char *
flufl_lock_details_claim_name (const FluflLockDetails *self)
{
  return self->claim_name != NULL ? self->claim_name : "";
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
  g_free (self->claim_name);
  g_free (self->host_name);
  g_free (self->program_name);
  g_clear_pointer (&self->acquisition, g_date_time_unref);
  g_object_unref (self->lock_file);
  g_object_unref (self->claim_file);
  g_clear_pointer (&self->expiration, g_date_time_unref);
  g_free (self->foreign_user);
  g_free (self->foreign_real);
  g_free (self);
}

/**
 * flufl_lock_details_get_host_name:
 * @self: the details
 *
 * Gets the name of the host on which the lock was acquired, as the holder
 * spells it. A very long name may be cut.
 *
 * Other processes write this name; see [method@Flufl.LockDetails.get_program_name].
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
 * namespace, such as that of a container, the same number means another process.
 *
 * Returns: the process ID; 0 for details of [method@Flufl.Lock.query_foreign_details]
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
 * flufl_lock_details_is_own_process:
 * @self: the details
 *
 * Gets whether the holder is an object of this process. The state is
 * [enum@Flufl.LockState].OURS only if it is the very object that was asked.
 *
 * Returns: whether this process holds the lock
 *
 * Since: 0.1
 */
gboolean
flufl_lock_details_is_own_process (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->own;
}

/**
 * flufl_lock_details_get_program_name:
 * @self: the details
 *
 * Gets the name of the holder's program. It is the
 * [property@Flufl.Lock:program-name] of the holder, cut to 32 bytes. If the
 * holder's claim names no program, it is the name of the holder's process, provided
 * that this process is proved to live on this machine. For details of
 * [method@Flufl.Lock.query_foreign_details] it is `LibreOffice`.
 *
 * Other processes write this name, and it may have any characters. Escape it before
 * you put it in markup, and replace control characters before you print it on a
 * terminal.
 *
 * Returns: (nullable): the program's name, or %NULL if it is not known
 *
 * Since: 0.1
 */
const char *
flufl_lock_details_get_program_name (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->program_name;
}

/**
 * flufl_lock_details_get_user_name:
 * @self: the details
 *
 * Gets the login name of the user who owns the lock file, as this machine knows
 * the user.
 *
 * The name is looked up in a thread of the library. It is left out if the system
 * does not find it within a tenth of a second, and on Windows.
 *
 * For details of [method@Flufl.Lock.query_foreign_details] it is the name that the
 * other program wrote; see [method@Flufl.LockDetails.get_program_name].
 *
 * Returns: (nullable): the user's name, or %NULL if it is not known
 *
 * Since: 0.1
 */
const char *
flufl_lock_details_get_user_name (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->user_name;
}

/**
 * flufl_lock_details_get_real_name:
 * @self: the details
 *
 * Gets the name of the person who owns the lock file, such as `Jane Doe`, as this
 * machine knows it.
 *
 * For details of [method@Flufl.Lock.query_foreign_details] it is the name that the
 * other program wrote; see [method@Flufl.LockDetails.get_program_name].
 *
 * Returns: (nullable): the person's name, or %NULL if the system does not know it
 *
 * Since: 0.1
 */
const char *
flufl_lock_details_get_real_name (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->real_name;
}

/**
 * flufl_lock_details_get_acquisition:
 * @self: the details
 *
 * Gets the moment when the holder acquired the lock, by the holder's clock. It may
 * be early by a twentieth of the lifetime until the first refresh. Where the file
 * system does not keep the time, it is the moment when the holder began to wait.
 *
 * For details of [method@Flufl.Lock.query_foreign_details] it is the minute at which
 * the document was opened, by that host's clock.
 *
 * Returns: (transfer none) (nullable): the acquisition, in UTC, or %NULL if it is
 *   not known, for example because the holder uses flufl.lock
 *
 * Since: 0.1
 */
GDateTime *
flufl_lock_details_get_acquisition (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->acquisition;
}

/**
 * flufl_lock_details_get_lock_file:
 * @self: the details
 *
 * Gets the lock file. For details of [method@Flufl.Lock.query_foreign_details] it is
 * the file `.~lock.NAME#` of the other program.
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
 * same inode as the lock file. For details of
 * [method@Flufl.Lock.query_foreign_details] it is the lock file itself.
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
 * Returns: (transfer none) (nullable): the expiration, in UTC; %NULL for a lock of another program,
 *   as [method@Flufl.Lock.query_foreign_details] finds them
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
 * Returns: the state; `FLUFL_LOCK_STATE_UNKNOWN` for details of
 *   [method@Flufl.Lock.query_foreign_details]
 *
 * Since: 0.1
 */
FluflLockState
flufl_lock_details_get_state (FluflLockDetails *self)
{
  g_return_val_if_fail (self != NULL, FLUFL_LOCK_STATE_UNKNOWN);

  return self->state;
}
