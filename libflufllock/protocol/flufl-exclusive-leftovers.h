/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What dead processes left behind, where locks are created exclusively.
 */

#pragma once

#include "flufl-site.h"

G_BEGIN_DECLS

void flufl_exclusive_collect (FluflSite *site,
                              guint      names_max,
                              guint      files_max);

gboolean flufl_exclusive_is_leftover (FluflSite  *site,
                                      const char *name);

G_END_DECLS
