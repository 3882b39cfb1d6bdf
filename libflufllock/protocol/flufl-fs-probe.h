/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-site.h"

G_BEGIN_DECLS

typedef enum
{
  FLUFL_PROBE_FIT,
  FLUFL_PROBE_UNFIT,  /* the rest does not protect a lock there */
  FLUFL_PROBE_FAILED, /* nothing was found out, for want of permission or space, say */
} FluflProbe;

FluflProbe flufl_fs_probe (const FluflSite *site,
                           int             *out_errsv);

G_END_DECLS
