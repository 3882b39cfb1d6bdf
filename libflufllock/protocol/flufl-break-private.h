/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the two ways of breaking a lock share.
 */

#pragma once

#include "flufl-attempt.h"

G_BEGIN_DECLS

void     flufl_break_begin     (FluflFindings   *findings);
gboolean flufl_break_is_spared (const FluflFindings *findings,
                                const FluflLook     *look);
gint64   flufl_break_observe   (const FluflSite *site,
                                FluflFindings   *findings,
                                const FluflLook *look);
gboolean flufl_break_sees_lock (const FluflSite *site,
                                gint64           server_now,
                                gint64           unchanged,
                                FluflFindings   *findings,
                                FluflOutcome    *out_outcome);

G_END_DECLS
