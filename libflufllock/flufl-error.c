/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-error.h"

#include <gio/gio.h>

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

/* By GIOErrorEnum. */
static gboolean
io_error_means_unavailable (int code)
{
  switch (code)
    {
    case G_IO_ERROR_NOT_SUPPORTED:
    case G_IO_ERROR_PERMISSION_DENIED:
    case G_IO_ERROR_READ_ONLY:
    case G_IO_ERROR_NO_SPACE:
    case G_IO_ERROR_NOT_FOUND:
    case G_IO_ERROR_NOT_DIRECTORY:
    case G_IO_ERROR_FILENAME_TOO_LONG:
    case G_IO_ERROR_INVALID_FILENAME:
    case G_IO_ERROR_TOO_MANY_LINKS:
      return TRUE;
    default:
      return FALSE;
    }
}

/**
 * flufl_error_means_unavailable:
 * @error: (nullable): an error of an acquisition
 *
 * Gets whether an acquisition has failed because there can be no lock of this process at the place. A
 * program that must open its document nevertheless then goes on without a lock. The error does not
 * mean that somebody else has the lock.
 *
 * | Error | Result | Meaning |
 * |-|-|-|
 * | `FLUFL_LOCK_ERROR_UNSUPPORTED` | %TRUE | the file system has no hard links, or is SMB |
 * | `G_IO_ERROR_NOT_SUPPORTED` | %TRUE | the file has no path on this machine, or the system lacks a call |
 * | `G_IO_ERROR_PERMISSION_DENIED` | %TRUE | this user may not create files in the directory |
 * | `G_IO_ERROR_READ_ONLY` | %TRUE | the file system is read-only |
 * | `G_IO_ERROR_NO_SPACE` | %TRUE | the disk is full |
 * | `G_IO_ERROR_NOT_FOUND`, `G_IO_ERROR_NOT_DIRECTORY` | %TRUE | the directory does not exist |
 * | `G_IO_ERROR_FILENAME_TOO_LONG`, `G_IO_ERROR_INVALID_FILENAME` | %TRUE | the file system refuses the names of the lock's files |
 * | `G_IO_ERROR_TOO_MANY_LINKS` | %TRUE | the symbolic links of the document are a circle |
 * | `FLUFL_LOCK_ERROR_TIMED_OUT` | %FALSE | somebody else holds the lock |
 * | `FLUFL_LOCK_ERROR_LOST` | %FALSE | this object held the lock, and somebody else may hold it now |
 * | `FLUFL_LOCK_ERROR_NOT_A_LOCK` | %FALSE | the file in the lock's place may be the lock of another program |
 * | `FLUFL_LOCK_ERROR_ALREADY_HELD`, `FLUFL_LOCK_ERROR_NOT_HELD` | %FALSE | the program has made a mistake |
 * | `G_IO_ERROR_CANCELLED`, `G_IO_ERROR_PENDING`, `G_IO_ERROR_BUSY` | %FALSE | nothing is known of the place |
 * | another error | %FALSE | it may pass: a file server does not answer, for example |
 *
 * If this user lacks permission to write in the directory, a user with that permission can still hold
 * the lock. [method@Flufl.Lock.query_details] shows such a holder. It needs permission to read only.
 *
 * Returns: whether there can be no lock at the place; %FALSE if @error is %NULL
 *
 * Since: 0.1
 */
gboolean
flufl_error_means_unavailable (const GError *error)
{
  return error != NULL && flufl_error_code_means_unavailable (error->domain, error->code);
}

/**
 * flufl_error_code_means_unavailable:
 * @domain: the domain of an error
 * @code: its code
 *
 * The same as [func@Flufl.error_means_unavailable], for languages in which a [struct@GLib.Error]
 * cannot be passed to a function.
 *
 * Returns: whether there can be no lock at the place
 *
 * Since: 0.1
 */
gboolean
flufl_error_code_means_unavailable (GQuark domain, int code)
{
  if (domain == G_IO_ERROR)
    return io_error_means_unavailable (code);
  return domain == FLUFL_LOCK_ERROR && code == FLUFL_LOCK_ERROR_UNSUPPORTED;
}
