/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The environment and the standard descriptors, as the caller gave them and as this program needs
 * them.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void   surroundings_begin           (void);
void   surroundings_close_inherited (void);
char **surroundings_dup             (void);

G_END_DECLS
