/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The one reader of a lock's directory.
 */

#pragma once

#include "flufl-site.h"

G_BEGIN_DECLS

int flufl_claim_list (const FluflSite *site,
                      guint            names_max,
                      FluflNameFunc    func,
                      gpointer         user_data,
                      guint           *out_n_names);

G_END_DECLS
