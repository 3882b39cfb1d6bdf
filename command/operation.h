/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * An operation that signals and the death of another process can end.
 */

#pragma once

#include <libflufllock.h>

G_BEGIN_DECLS

/* Instead of an exit status: the job is to stop. */
#define OPERATION_STOPPED (-1)

int  operation_run_to_end         (FluflOperation *operation, int other_fd, gboolean can_stop);
int  operation_await_continuation (int other_fd);
void operation_get_error          (FluflOperation *operation, GError **error);

G_END_DECLS
