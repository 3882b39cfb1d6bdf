/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-look.h"
#include "flufl-site.h"

G_BEGIN_DECLS

gboolean flufl_log_is_wanted (void);
void     flufl_log           (const FluflSite *site,
                              const char      *event,
                              const FluflLook *look,
                              const char      *text);

G_END_DECLS
