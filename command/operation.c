/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "operation.h"

#include <poll.h>

#include "events.h"
#include "exits.h"

/* Milliseconds; the death of the other process is noticed within them. */
#define SLICE 1000

static gboolean
other_is_gone (int fd)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  return poll (&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLIN | POLLHUP)) != 0;
}

/*
 * operation_run_to_end:
 * @other_fd: a descriptor that can be read, or is hung up, once nobody wants the result any more;
 *   -1 for none
 *
 * Returns: 0 when the operation is over; otherwise the exit status: a signal came, or nobody wants
 *   the result. The operation is dropped then
 */
int
operation_run_to_end (FluflOperation *operation, int other_fd)
{
  int status = EXIT_DONE, event;

  while (status == EXIT_DONE && !flufl_operation_run (operation, events_fd (), SLICE))
    {
      while (status == EXIT_DONE && (event = events_next ()) != EVENT_NONE)
        if (event_ends (event))
          status = EXIT_SIGNAL + event;
      if (status == EXIT_DONE && other_is_gone (other_fd))
        status = EXIT_LOST;
    }
  if (status != EXIT_DONE)
    flufl_operation_drop (operation);
  return status;
}

/* Sets @error to that of an operation that is over, if it has failed. */
void
operation_get_error (FluflOperation *operation, GError **error)
{
  const char *message;
  GQuark domain;
  int code, errsv;

  if (flufl_operation_get_error (operation, &domain, &code, &message, &errsv))
    g_set_error_literal (error, domain, code, message);
}
