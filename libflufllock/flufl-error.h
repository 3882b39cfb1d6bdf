/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-macros.h"

G_BEGIN_DECLS

/**
 * FluflLockError:
 * @FLUFL_LOCK_ERROR_ALREADY_HELD: the object holds the lock already. Release
 *   it first, or use a second object
 * @FLUFL_LOCK_ERROR_NOT_HELD: the object does not hold the lock; from a query of
 *   details, nobody holds it; from a break of one holder's lock, another process
 *   holds it now
 * @FLUFL_LOCK_ERROR_TIMED_OUT: somebody else held the lock for the whole
 *   timeout. The message names the holder. Try again later
 * @FLUFL_LOCK_ERROR_LOST: the object held the lock, and somebody broke it, or it
 *   could not be refreshed before it expired. The data that it protects may have
 *   changed: start over
 * @FLUFL_LOCK_ERROR_NOT_A_LOCK: the file at the lock file's path is not a lock.
 *   Choose another path, or remove the file if nothing needs it
 * @FLUFL_LOCK_ERROR_UNSUPPORTED: the file system cannot have locks: it has no
 *   working hard links, or it is SMB. Choose a path on another file system
 *
 * Errors about the lock itself. An error of the system is a `G_IO_ERROR`, and a
 * cancellation is `G_IO_ERROR_CANCELLED`.
 *
 * Since: 0.1
 */
typedef enum
{
  FLUFL_LOCK_ERROR_ALREADY_HELD,
  FLUFL_LOCK_ERROR_NOT_HELD,
  FLUFL_LOCK_ERROR_TIMED_OUT,
  FLUFL_LOCK_ERROR_LOST,
  FLUFL_LOCK_ERROR_NOT_A_LOCK,
  FLUFL_LOCK_ERROR_UNSUPPORTED,
} FluflLockError;

/**
 * FLUFL_LOCK_ERROR:
 *
 * The error domain of the library. Its codes are [error@Flufl.LockError].
 *
 * Since: 0.1
 */
#define FLUFL_LOCK_ERROR (flufl_lock_error_quark ())

FLUFL_AVAILABLE_IN_0_1
GQuark flufl_lock_error_quark (void);

FLUFL_AVAILABLE_IN_0_1
gboolean flufl_error_means_unavailable      (const GError *error);
FLUFL_AVAILABLE_IN_0_1
gboolean flufl_error_code_means_unavailable (GQuark        domain,
                                             int           code);

G_END_DECLS
