/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Whether a claim that is not the lock belongs to a waiter.
 */

#pragma once

#include "flufl-attempt.h"

G_BEGIN_DECLS

gboolean flufl_waiter_look (FluflSite       *site,
                            const char      *name,
                            const FluflLook *holder,
                            FluflFindings   *findings);

G_END_DECLS
