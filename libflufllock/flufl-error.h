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
 * @FLUFL_LOCK_ERROR_NOT_HELD: the object does not hold the lock, or, when
 *   details are asked for, nobody does
 * @FLUFL_LOCK_ERROR_TIMED_OUT: somebody else held the lock for the whole
 *   timeout. The message says who. Try again later
 * @FLUFL_LOCK_ERROR_LOST: the object held the lock, and it was broken by
 *   somebody else, or could not be refreshed before it expired. What it
 *   protects may have changed: start over
 * @FLUFL_LOCK_ERROR_NOT_A_LOCK: what is at the lock file's path is no lock.
 *   Choose another path, or remove it if nothing needs it
 * @FLUFL_LOCK_ERROR_UNSUPPORTED: no lock can be made on this file system: it has
 *   no working hard links, or is SMB. Choose a path on another one
 *
 * Errors about the lock itself. What the system refuses is a `G_IO_ERROR`,
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

G_END_DECLS
