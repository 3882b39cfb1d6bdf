/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-look.h"
#include "flufl-site.h"

G_BEGIN_DECLS

/* Fields with durations, in milliseconds. */
#define FLUFL_LOG_WAITED "FLUFL_WAITED_MSEC"
#define FLUFL_LOG_HELD "FLUFL_HELD_MSEC"

gboolean flufl_log_is_wanted (void);
void     flufl_log           (const FluflSite *site,
                              const char      *event,
                              const FluflLook *look,
                              const char      *span,
                              gint64           msec,
                              const char      *text);

G_END_DECLS
