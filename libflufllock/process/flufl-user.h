/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The names of users, as the system knows them.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* May wait for a directory server, for any time. */
gboolean flufl_user_look_up (gint64   user_id,
                             char   **out_name,
                             char   **out_real_name);

G_END_DECLS
