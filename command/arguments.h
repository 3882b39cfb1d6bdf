/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The arguments of the command line, as GOptionContext understands them.
 */

#pragma once

#include "options.h"

G_BEGIN_DECLS

char **arguments_split (const OptionsKind *kind, int *argc, char **argv);

G_END_DECLS
