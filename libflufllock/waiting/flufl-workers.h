/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Threads that do what may block. Their number is not limited: a few calls that hang on one file
 * server must not keep all other locks of the process waiting. One that has nothing to do goes
 * after a while.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef void (*FluflWorkFunc) (gpointer user_data);

/* How many threads there may be; for tests. */
extern guint flufl_workers_max;

gboolean flufl_workers_push (FluflWorkFunc func,
                             gpointer      user_data);

G_END_DECLS
