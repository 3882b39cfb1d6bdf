/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Who holds the lock, and whether that process is alive.
 */

#pragma once

#include "flufl-attempt.h"
#include "flufl-life-line.h"

G_BEGIN_DECLS

FluflLifeLine flufl_holder_ask     (FluflSite     *site,
                                    int            fd,
                                    FluflLine      question,
                                    FluflFindings *findings);
gboolean      flufl_holder_is_near (const FluflFindings *findings,
                                    FluflLifeLine        line);
void          flufl_holder_name    (const FluflSite *site,
                                    FluflFindings   *findings);
gboolean      flufl_holder_look    (FluflSite     *site,
                                    FluflFindings *findings);

G_END_DECLS
