/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-claim-name.h"
#include "flufl-site.h"

G_BEGIN_DECLS

typedef enum
{
  FLUFL_LIVENESS_UNKNOWN,
  FLUFL_LIVENESS_ALIVE, /* proved */
  FLUFL_LIVENESS_DEAD,  /* proved */
} FluflLiveness;

void          flufl_identity_get        (const FluflSyscalls *sys,
                                         FluflIdentity       *out_identity);
const char   *flufl_identity_host_name  (void);
FluflLiveness flufl_identity_judge      (const FluflSite      *site,
                                         const FluflClaimName *claim);
gboolean      flufl_identity_is_own     (const FluflSite      *site,
                                         const FluflClaimName *claim);
gboolean      flufl_identity_is_here    (const FluflSite      *site,
                                         const FluflClaimName *claim);
gboolean      flufl_identity_is_stopped (const FluflSite      *site,
                                         const FluflClaimName *claim);

G_END_DECLS
