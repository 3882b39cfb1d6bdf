/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The names of the exclusive-create protocol, and the line in its files: docs/without-links.md.
 */

#pragma once

#include "flufl-look.h"

G_BEGIN_DECLS

/* Each mark has one digit. */
#define FLUFL_EXCLUSIVE_MARKS_MAX 9

char    *flufl_exclusive_line      (const FluflSite *site,
                                    const char      *claim_name);
gboolean flufl_exclusive_parse     (const char      *content,
                                    gsize            length,
                                    const FluflSite *site,
                                    FluflClaimName  *out_claim);
gboolean flufl_exclusive_is_begun  (const char      *content,
                                    gsize            length,
                                    const FluflSite *site);
char    *flufl_exclusive_who       (const FluflSite *site,
                                    const FluflLook *look);
char    *flufl_exclusive_mark_path (const FluflSite *site,
                                    const char      *who,
                                    guint            number);
char    *flufl_exclusive_dup_who   (const FluflSite *site,
                                    const char      *name);

char    *flufl_exclusive_dup_lock  (const char      *name,
                                    const char      *separator);

G_END_DECLS
