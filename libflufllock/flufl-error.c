/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-error.h"

/**
 * flufl_lock_error_quark:
 *
 * The quark of the error domain [error@Flufl.LockError].
 *
 * Returns: the quark
 *
 * Since: 0.1
 */
G_DEFINE_QUARK (flufl-lock-error-quark, flufl_lock_error)
