/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The getters and setters. They do not touch the disk, except one: to set linger to FALSE removes
 * the claim that is kept.
 */

#include "config.h"

#include "flufl-lock-private.h"

/**
 * flufl_lock_get_file:
 * @self: a lock
 *
 * Gets the lock file. If the lock is that of a document, this is the lock file as it was known when
 * the last operation ended; the first operation follows symbolic links.
 *
 * Returns: (transfer none): the lock file
 *
 * Since: 0.1
 */
GFile *
flufl_lock_get_file (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  return g_atomic_pointer_get (&self->file);
}

/**
 * flufl_lock_get_separator:
 * @self: a lock
 *
 * Gets what separates the parts of a claim file's name.
 *
 * Returns: the separator
 *
 * Since: 0.1
 */
const char *
flufl_lock_get_separator (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  return self->separator;
}

/**
 * flufl_lock_get_without_links:
 * @self: a lock
 *
 * Gets whether locks on a file system that the library does not know do without hard links.
 *
 * Returns: whether they do
 *
 * Since: 0.1
 */
gboolean
flufl_lock_get_without_links (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);

  return self->lease->site.without_links;
}

/**
 * flufl_lock_get_lifetime:
 * @self: a lock
 *
 * Gets the time from an acquisition or refresh to the expiration of the lock.
 *
 * Returns: the lifetime, in milliseconds
 *
 * Since: 0.1
 */
gint64
flufl_lock_get_lifetime (FluflLock *self)
{
  gint64 lifetime;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), 0);

  flufl_lease_lock (self->lease);
  lifetime = self->lifetime;
  flufl_lease_unlock (self->lease);
  return lifetime;
}

/* Sets *@field; says whether that changed it. */
static gboolean
change_int64 (FluflLock *self, gint64 *field, gint64 value)
{
  gboolean changed;

  flufl_lease_lock (self->lease);
  changed = *field != value;
  *field = value;
  flufl_lease_unlock (self->lease);
  return changed;
}

/**
 * flufl_lock_set_lifetime:
 * @self: a lock
 * @lifetime_ms: the lifetime, in milliseconds, from 1 to 68 years
 *
 * Sets the time from an acquisition or refresh to the expiration of the lock.
 * A change takes effect at the next acquisition or refresh.
 *
 * Since: 0.1
 */
void
flufl_lock_set_lifetime (FluflLock *self, gint64 lifetime_ms)
{
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (flufl_lock_lifetime_is_valid (lifetime_ms));

  if (change_int64 (self, &self->lifetime, lifetime_ms))
    g_object_notify (G_OBJECT (self), "lifetime");
}

/**
 * flufl_lock_get_default_timeout:
 * @self: a lock
 *
 * Gets the timeout of an acquisition that is started with
 * [const@Flufl.LOCK_TIMEOUT_DEFAULT].
 *
 * Returns: the timeout, in milliseconds, or -1 for ever
 *
 * Since: 0.1
 */
gint64
flufl_lock_get_default_timeout (FluflLock *self)
{
  gint64 timeout;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), 0);

  flufl_lease_lock (self->lease);
  timeout = self->default_timeout;
  flufl_lease_unlock (self->lease);
  return timeout;
}

/**
 * flufl_lock_set_default_timeout:
 * @self: a lock
 * @timeout_ms: the timeout, in milliseconds; 0 means to try once, -1 to wait
 *   for ever
 *
 * Sets the timeout of an acquisition that is started with
 * [const@Flufl.LOCK_TIMEOUT_DEFAULT].
 *
 * Since: 0.1
 */
void
flufl_lock_set_default_timeout (FluflLock *self, gint64 timeout_ms)
{
  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (timeout_ms >= FLUFL_LOCK_TIMEOUT_FOREVER);

  if (change_int64 (self, &self->default_timeout, timeout_ms))
    g_object_notify (G_OBJECT (self), "default-timeout");
}

/**
 * flufl_lock_get_heartbeat:
 * @self: a lock
 *
 * Gets who refreshes the lock while it is held.
 *
 * Returns: the kind of heartbeat
 *
 * Since: 0.1
 */
FluflHeartbeat
flufl_lock_get_heartbeat (FluflLock *self)
{
  FluflHeartbeat heartbeat;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FLUFL_HEARTBEAT_NONE);

  flufl_lease_lock (self->lease);
  heartbeat = self->heartbeat;
  flufl_lease_unlock (self->lease);
  return heartbeat;
}

/**
 * flufl_lock_set_heartbeat:
 * @self: a lock
 * @heartbeat: the kind of heartbeat
 *
 * Sets who refreshes the lock while it is held, from the next acquisition on.
 *
 * Since: 0.1
 */
void
flufl_lock_set_heartbeat (FluflLock *self, FluflHeartbeat heartbeat)
{
  gboolean changed;

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (heartbeat >= FLUFL_HEARTBEAT_NONE && heartbeat <= FLUFL_HEARTBEAT_AUTO);

  flufl_lease_lock (self->lease);
  changed = self->heartbeat != heartbeat;
  self->heartbeat = heartbeat;
  flufl_lease_unlock (self->lease);
  if (changed)
    g_object_notify (G_OBJECT (self), "heartbeat");
}

/**
 * flufl_lock_get_break_dead:
 * @self: a lock
 *
 * Gets whether an acquisition breaks a lock whose holder is proved to be dead.
 *
 * Returns: whether it does
 *
 * Since: 0.1
 */
gboolean
flufl_lock_get_break_dead (FluflLock *self)
{
  gboolean break_dead;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);

  flufl_lease_lock (self->lease);
  break_dead = self->break_dead;
  flufl_lease_unlock (self->lease);
  return break_dead;
}

/**
 * flufl_lock_set_break_dead:
 * @self: a lock
 * @break_dead: whether to break it
 *
 * Sets whether an acquisition breaks a lock whose holder is proved to be dead
 * before the lock expires.
 *
 * Since: 0.1
 */
void
flufl_lock_set_break_dead (FluflLock *self, gboolean break_dead)
{
  gboolean changed;

  g_return_if_fail (FLUFL_IS_LOCK (self));

  flufl_lease_lock (self->lease);
  changed = self->break_dead != !!break_dead;
  self->break_dead = !!break_dead;
  flufl_lease_unlock (self->lease);
  if (changed)
    g_object_notify (G_OBJECT (self), "break-dead");
}

/**
 * flufl_lock_get_linger:
 * @self: a lock
 *
 * Gets whether a release keeps the claim file for the next acquisition.
 *
 * Returns: whether it does
 *
 * Since: 0.1
 */
gboolean
flufl_lock_get_linger (FluflLock *self)
{
  gboolean linger;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);

  flufl_lease_lock (self->lease);
  linger = self->linger;
  flufl_lease_unlock (self->lease);
  return linger;
}

/**
 * flufl_lock_set_linger:
 * @self: a lock
 * @linger: whether to keep it
 *
 * Sets whether a release keeps the claim file for the next acquisition. Setting
 * it to %FALSE removes one that is kept.
 *
 * Since: 0.1
 */
void
flufl_lock_set_linger (FluflLock *self, gboolean linger)
{
  gboolean changed;

  g_return_if_fail (FLUFL_IS_LOCK (self));

  flufl_lease_lock (self->lease);
  changed = self->linger != !!linger;
  self->linger = !!linger;
  flufl_lease_unlock (self->lease);
  if (!changed)
    return;
  if (!linger)
    flufl_lease_let_go (self->lease, TRUE);
  g_object_notify (G_OBJECT (self), "linger");
}

/**
 * flufl_lock_get_release_at_exit:
 * @self: a lock
 *
 * Gets whether the lock is released when the process ends.
 *
 * Returns: whether it is released
 *
 * Since: 0.1
 */
gboolean
flufl_lock_get_release_at_exit (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);

  return g_atomic_int_get (&self->lease->release_at_exit);
}

/**
 * flufl_lock_set_release_at_exit:
 * @self: a lock
 * @release_at_exit: whether it is released
 *
 * Sets whether the lock is released when the process ends.
 *
 * Since: 0.1
 */
void
flufl_lock_set_release_at_exit (FluflLock *self, gboolean release_at_exit)
{
  int fresh = release_at_exit ? TRUE : FALSE;

  g_return_if_fail (FLUFL_IS_LOCK (self));

  if (g_atomic_int_get (&self->lease->release_at_exit) == fresh)
    return;
  g_atomic_int_set (&self->lease->release_at_exit, fresh);
  g_object_notify (G_OBJECT (self), "release-at-exit");
}

/**
 * flufl_lock_get_waiting_delay:
 * @self: a lock
 *
 * Gets for how long an acquisition waits before [signal@Flufl.Lock::waiting].
 *
 * Returns: the delay in milliseconds
 *
 * Since: 0.1
 */
gint64
flufl_lock_get_waiting_delay (FluflLock *self)
{
  gint64 delay_ms;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), 0);

  flufl_lease_lock (self->lease);
  delay_ms = self->waiting_delay;
  flufl_lease_unlock (self->lease);
  return delay_ms;
}

/**
 * flufl_lock_set_waiting_delay:
 * @self: a lock
 * @delay_ms: the delay in milliseconds, at least 0
 *
 * Sets for how long an acquisition waits before [signal@Flufl.Lock::waiting].
 *
 * Since: 0.1
 */
void
flufl_lock_set_waiting_delay (FluflLock *self, gint64 delay_ms)
{
  gboolean changed;

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (flufl_lock_waiting_delay_is_valid (delay_ms));

  flufl_lease_lock (self->lease);
  changed = self->waiting_delay != delay_ms;
  self->waiting_delay = delay_ms;
  flufl_lease_unlock (self->lease);
  if (changed)
    g_object_notify (G_OBJECT (self), "waiting-delay");
}

/**
 * flufl_lock_get_program_name:
 * @self: a lock
 *
 * Gets what this program is called in the claims of this object.
 *
 * Returns: (nullable): the program's name, or %NULL if claims do not name it
 *
 * Since: 0.1
 */
const char *
flufl_lock_get_program_name (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  return self->program_name;
}

/**
 * flufl_lock_get_host_name:
 * @self: a lock
 *
 * Gets the name of this machine in the claims of this object. If the system's name is not valid
 * UTF-8, the claims have its bytes, and this is a valid copy.
 *
 * Returns: the host name
 *
 * Since: 0.1
 */
const char *
flufl_lock_get_host_name (FluflLock *self)
{
  const char *name;
  g_autofree char *valid = NULL;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  name = self->host_name != NULL ? self->host_name : flufl_identity_host_name ();
  if (g_utf8_validate (name, -1, NULL))
    return name;
  valid = g_utf8_make_valid (name, -1);
  return g_intern_string (valid);
}

/* Makes a file for @path. If @file is native, the new file has the same GVfs. The default GVfs would
 * register some thirty types and load modules. */
static GFile *
file_like (GFile *file, const char *path)
{
  return g_file_is_native (file) ? g_file_resolve_relative_path (file, path)
                                 : g_file_new_for_path (path);
}

/**
 * flufl_lock_dup_claim_file: (get-property claim-file)
 * @self: a lock
 *
 * Gets the claim file of this object, while it holds the lock.
 *
 * Returns: (transfer full) (nullable): the claim file, or %NULL when the lock
 *   is not held
 *
 * Since: 0.1
 */
GFile *
flufl_lock_dup_claim_file (FluflLock *self)
{
  g_autofree char *path = NULL;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  flufl_lease_lock (self->lease);
  if (self->lease->held)
    path = g_strdup (self->lease->claim_path);
  flufl_lease_unlock (self->lease);
  return path != NULL ? file_like (flufl_lock_get_file (self), path) : NULL;
}

/**
 * flufl_lock_get_held:
 * @self: a lock
 *
 * Gets whether this object holds the lock, as far as it knows without a look
 * at the disk. In a forked child it does not.
 *
 * Returns: whether it is held
 *
 * Since: 0.1
 */
gboolean
flufl_lock_get_held (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), FALSE);

  return flufl_lease_is_held (self->lease);
}

/**
 * flufl_lock_get_remaining_lifetime:
 * @self: a lock
 *
 * Gets the time until the lease of a lock that is held ends, without a look at
 * the disk. Without a heartbeat, work must have ended by then, or
 * [method@Flufl.Lock.refresh] must begin another lease. Ten seconds after the end
 * of the lease other processes may break the lock.
 *
 * The lease ends one lifetime after the last refresh began. Before the first
 * refresh it ends one lifetime after the last touch of the acquisition, which may
 * have taken place some time before the acquisition returned. While the machine
 * sleeps, the time passes.
 *
 * Returns: the time, in milliseconds; 0 if the lease has ended, or if this object
 *   does not hold the lock
 *
 * Since: 0.1
 */
gint64
flufl_lock_get_remaining_lifetime (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), 0);

  return flufl_lease_get_left (self->lease);
}

/**
 * flufl_lock_get_retry_errnos:
 * @self: a lock
 * @n_errnos: (out): how many there are
 *
 * Gets the error numbers that are treated as temporary, besides those that the
 * library knows.
 *
 * Returns: (transfer full) (nullable) (array length=n_errnos): the error
 *   numbers; %NULL if there are none
 *
 * Since: 0.1
 */
int *
flufl_lock_get_retry_errnos (FluflLock *self, gsize *n_errnos)
{
  int *errnos = NULL;
  const GArray *kept;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);
  g_return_val_if_fail (n_errnos != NULL, NULL);

  *n_errnos = 0;
  flufl_lease_lock (self->lease);
  kept = self->lease->site.retry_errnos;
  if (kept != NULL)
    {
      *n_errnos = kept->len;
      errnos = g_memdup2 (kept->data, kept->len * sizeof (int));
    }
  flufl_lease_unlock (self->lease);
  return errnos;
}

/**
 * flufl_lock_set_retry_errnos:
 * @self: a lock
 * @errnos: (array length=n_errnos) (nullable): error numbers, as `<errno.h>`
 *   has them
 * @n_errnos: how many
 *
 * Sets the errors of the file server that are treated as temporary, besides those
 * that the library knows, such as `EIO` and `ESTALE`. An acquisition that meets
 * one goes on waiting, within its timeout; [method@Flufl.Lock.query_state],
 * [method@Flufl.Lock.query_details] and [method@Flufl.Lock.break_lock] look
 * again. If the server answers nothing else for ten seconds, or for the lifetime of
 * the lock to be acquired if that is longer, the error is reported.
 *
 * Since: 0.1
 */
void
flufl_lock_set_retry_errnos (FluflLock *self, const int *errnos, gsize n_errnos)
{
  GArray *fresh = NULL;
  GArray *past;

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (errnos != NULL || n_errnos == 0);

  if (n_errnos > 0)
    {
      fresh = g_array_sized_new (FALSE, FALSE, sizeof (int), (guint) n_errnos);
      g_array_append_vals (fresh, errnos, (guint) n_errnos);
    }
  /* Operations that run go on with those that they began with. */
  flufl_lease_lock (self->lease);
  past = self->lease->site.retry_errnos;
  self->lease->site.retry_errnos = fresh;
  flufl_lease_unlock (self->lease);
  g_clear_pointer (&past, g_array_unref);
}
