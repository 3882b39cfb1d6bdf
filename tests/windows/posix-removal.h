/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether the name of an open file can be removed at once here, as on Windows 10 and in Wine 10.
 * Otherwise the library gives the file another name first. */
gboolean posix_removal_works (const char *directory);

G_END_DECLS
