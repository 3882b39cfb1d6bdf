/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include <string.h>
#include <sys/stat.h>

#include "queue-util.h"

void
line_init (Line *self)
{
  FluflClaimName name;
  int errsv = 0;

  memset (self, 0, sizeof *self);
  fake_disk_reset ();
  proc_init (&self->p);
  flufl_identity_get (&fake_syscalls, &self->us);
  fake_disk_advance (FAKE_SEC);
  g_assert_cmpint (flufl_claim_create (&self->p.claim, &self->p.site, LIFETIME, &errsv), ==,
                   FLUFL_OUTCOME_READY);
  g_assert_true (flufl_claim_name_parse (self->p.claim.path, strlen (self->p.claim.path), "x.lock",
                                         "|", &name));
  self->ticket = name.arrival;
}

void
line_clear (Line *self)
{
  flufl_queue_clear (&self->queue);
  proc_abandon (&self->p);
  proc_clear (&self->p);
}

void
line_look (Line *self)
{
  flufl_queue_view (&self->queue, &self->p.site, &self->p.claim, self->collect, &self->view);
}

/* A claim that came @later than that of the waiter. */
char *
line_put (Line *self, const FluflIdentity *who, gint64 later)
{
  static guint64 random;
  char *name = flufl_claim_name_build ("x.lock", "|", who, self->ticket + (guint64) later, ++random,
                                       FLUFL_MARK_NONE);

  put_claim (name, FALSE, 15);
  return name;
}

gboolean
line_skip_without_boot (Line *self)
{
  if (self->us.boot[0] != '\0')
    return FALSE;
  g_test_skip ("this kernel shows no boot id");
  line_clear (self);
  return TRUE;
}
