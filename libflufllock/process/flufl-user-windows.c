/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A file of Windows has no user ID.
 */

#include "config.h"

#include "flufl-user.h"

gboolean
flufl_user_look_up (gint64 user_id     G_GNUC_UNUSED,
                    char **out_name    G_GNUC_UNUSED,
                    char **out_real_name G_GNUC_UNUSED)
{
  return FALSE;
}
