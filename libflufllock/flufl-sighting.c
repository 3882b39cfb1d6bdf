/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-sighting.h"

#include "flufl-holder.h"
#include "flufl-report-private.h"

/* How long a look is repeated that fails with an error which the user said to be passing.
 * Microseconds. */
#define RETRY_PATIENCE (10 * G_USEC_PER_SEC)

/*
 * flufl_sighting_look:
 *
 * Looks at the lock file. For steps.
 *
 * Returns: %TRUE if the look is to be taken again at @out_when
 */
gboolean
flufl_sighting_look (FluflSighting *self, FluflCall *call, gint64 *out_when)
{
  gint64 now;

  self->holder = flufl_holder_look (&call->site, &self->findings);
  if (self->findings.look.sight != FLUFL_SIGHT_FAILED
      || !flufl_site_is_retried (&call->site, self->findings.look.errsv))
    return FALSE;
  now = g_get_monotonic_time ();
  if (self->retry_until == 0)
    self->retry_until = now + RETRY_PATIENCE;
  self->cancelled = flufl_call_is_cancelled (call);
  if (self->cancelled || now > self->retry_until)
    return FALSE;
  *out_when = now + FLUFL_SIGHTING_POLL;
  return TRUE;
}

/*
 * flufl_sighting_report:
 *
 * Returns: (transfer full) (nullable): an error if @look has seen something else than a lock, or
 *   has failed
 */
GError *
flufl_sighting_report (const FluflSite *site, const FluflLook *look)
{
  if (look->sight == FLUFL_SIGHT_FOREIGN)
    return flufl_report_not_a_lock (site, look);
  if (look->sight == FLUFL_SIGHT_FAILED)
    return flufl_report_failed (site, FLUFL_FAILED_LOOK_AT_LOCK, look->errsv);
  return NULL;
}

/*
 * flufl_sighting_settle:
 *
 * What a look has found instead of a lock is an error, unless it is nothing.
 */
void
flufl_sighting_settle (FluflSighting *self, FluflCall *call)
{
  const FluflLook *look = &self->findings.look;

  call->error = self->cancelled ? flufl_report_cancelled ()
                                : flufl_sighting_report (&call->site, look);
  if (!self->cancelled && look->sight == FLUFL_SIGHT_FAILED)
    call->errsv = look->errsv;
}
