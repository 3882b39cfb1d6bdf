/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "protocol-util.h"

#include "flufl-path.h"

void
proc_init (Proc *self)
{
  proc_init_at (self, &fake_syscalls, LOCK);
}

void
proc_init_at (Proc *self, const FluflSyscalls *sys, const char *lock_path)
{
  *self = (Proc){ .break_dead = TRUE };
  flufl_site_init (&self->site, sys, lock_path, "|");
}

void
proc_init_native (Proc *self, const FluflSyscalls *sys, const char *lock_path)
{
  *self = (Proc){ .break_dead = TRUE };
  flufl_site_init (&self->site, sys, lock_path, FLUFL_DEFAULT_SEPARATOR);
}

void
proc_clear (Proc *self)
{
  flufl_claim_clear (&self->claim);
  flufl_site_clear (&self->site);
}

FluflOutcome
proc_attempt (Proc *self)
{
  return flufl_attempt (&self->claim, &self->site, LIFETIME, self->break_dead, TRUE, &self->found);
}

void
proc_acquire (Proc *self)
{
  g_assert_cmpint (proc_attempt (self), ==, FLUFL_OUTCOME_HELD);
  g_assert_true (proc_has_it (self));
}

FluflOutcome
proc_release (Proc *self)
{
  int errsv = 0;

  return flufl_claim_release (&self->claim, &self->site, &errsv);
}

FluflOutcome
proc_park (Proc *self)
{
  int errsv = 0;

  return flufl_claim_park (&self->claim, &self->site, &errsv);
}

FluflOutcome
proc_refresh (Proc *self)
{
  int errsv = 0;

  return flufl_claim_refresh (&self->claim, &self->site, LIFETIME, &errsv);
}

void
proc_abandon (Proc *self)
{
  flufl_claim_abandon (&self->claim, &self->site);
}

void
proc_die (Proc *self)
{
  flufl_claim_clear (&self->claim);
}

gboolean
proc_has_it (Proc *self)
{
  return self->claim.path != NULL && fake_disk_exists (LOCK) && fake_disk_exists (self->claim.path)
         && fake_disk_nlink (self->claim.path) == 2
         && g_strcmp0 (fake_disk_content (LOCK), self->claim.path) == 0;
}

void
assert_disk_empty (void)
{
  g_autofree char *list = fake_disk_list ();

  g_assert_cmpstr (list, ==, "");
  g_assert_cmpuint (fake_disk_n_open (), ==, 0);
}

void
put_claim (const char *name, gboolean linked, double seconds)
{
  g_autofree char *path = g_strconcat ("/d|e/", name, NULL);

  fake_disk_put (path, path, -1, FLUFL_FILE_REGULAR);
  fake_disk_set_mtime (path, fake_disk_server_now () + (gint64) (seconds * (double) FAKE_SEC));
  if (linked)
    g_assert_cmpint (fake_syscalls.link (path, LOCK), ==, 0);
}

/* A file that was a lock, and lost its content with the power. */
void
blank_file (const char *path, gsize n_zeros)
{
  g_autofree char *zeros = g_malloc0 (n_zeros + 1);

  fake_disk_set_content (path, zeros, (gssize) n_zeros);
}
