/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What people call this program.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

const char *flufl_program_find_name (void);

G_END_DECLS
