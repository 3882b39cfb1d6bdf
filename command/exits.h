/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The exit statuses of the command. Those of sysexits.h have its numbers.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  EXIT_DONE = 0,
  EXIT_USAGE = 64,       /* EX_USAGE: the command line cannot be understood */
  EXIT_NOT_A_LOCK = 65,  /* EX_DATAERR: another file is at the lock file's path */
  EXIT_REFUSED = 73,     /* EX_CANTCREAT: the system refuses, or the file system has no locks */
  EXIT_BUSY = 75,        /* EX_TEMPFAIL: somebody else holds the lock */
  EXIT_LOST = 76,        /* EX_PROTOCOL: the lock was lost */
  EXIT_CANNOT_RUN = 126, /* as shells say it */
  EXIT_NO_COMMAND = 127, /* so is this */
  EXIT_SIGNAL = 128,     /* plus the number of the signal */
} ExitStatus;

int         exit_status_of_error (const GError *error);
const char *exit_status_name     (int           status);

G_END_DECLS
