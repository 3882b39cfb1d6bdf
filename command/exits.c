/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "exits.h"

#include <libflufllock.h>

static const struct
{
  int        code; /* of FluflLockError */
  ExitStatus status;
} statuses[] = {
  { FLUFL_LOCK_ERROR_TIMED_OUT, EXIT_BUSY },      { FLUFL_LOCK_ERROR_ALREADY_HELD, EXIT_BUSY },
  { FLUFL_LOCK_ERROR_LOST, EXIT_LOST },           { FLUFL_LOCK_ERROR_NOT_HELD, EXIT_LOST },
  { FLUFL_LOCK_ERROR_NOT_A_LOCK, EXIT_NOT_A_LOCK }, { FLUFL_LOCK_ERROR_UNSUPPORTED, EXIT_REFUSED },
};

/* The names are part of the JSON that the command prints. */
static const struct
{
  ExitStatus  status;
  const char *name;
} names[] = {
  { EXIT_USAGE, "usage" },     { EXIT_NOT_A_LOCK, "not-a-lock" }, { EXIT_REFUSED, "refused" },
  { EXIT_BUSY, "busy" },       { EXIT_LOST, "lost" },             { EXIT_CANNOT_RUN, "cannot-run" },
  { EXIT_NO_COMMAND, "no-command" },
};

int
exit_status_of_error (const GError *error)
{
  if (error->domain == FLUFL_LOCK_ERROR)
    for (gsize i = 0; i < G_N_ELEMENTS (statuses); i++)
      if (statuses[i].code == error->code)
        return statuses[i].status;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY))
    return EXIT_BUSY;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME))
    return EXIT_USAGE;
  return EXIT_REFUSED;
}

const char *
exit_status_name (int status)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if ((int) names[i].status == status)
      return names[i].name;
  return "error";
}
