/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "operation.h"

#include <errno.h>
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

/* Returns: 0, or OPERATION_STOPPED, or the exit status if a signal came that ends a wait. Later events
 * stay where they are. */
static int
look_at_events (gboolean can_stop, gboolean *out_continues)
{
  int event;

  while ((event = events_next ()) != EVENT_NONE)
    if (event_ends (event))
      return EXIT_SIGNAL + event;
    else if (event == SIGTSTP && can_stop)
      return OPERATION_STOPPED;
    else if (event == SIGCONT && out_continues != NULL)
      {
        *out_continues = TRUE;
        return EXIT_DONE;
      }
  return EXIT_DONE;
}

/*
 * operation_run_to_end:
 * @other_fd: a descriptor that can be read, or is hung up, once nobody wants the result any more;
 *   -1 for none
 * @can_stop: whether SIGTSTP ends this with OPERATION_STOPPED
 *
 * Returns: 0 when the operation is over; otherwise the exit status: a signal came, or nobody wants
 *   the result; or OPERATION_STOPPED. The operation is dropped then
 */
int
operation_run_to_end (FluflOperation *operation, int other_fd, gboolean can_stop)
{
  int status = EXIT_DONE;

  while (status == EXIT_DONE && !flufl_operation_run (operation, events_fd (), SLICE))
    {
      status = look_at_events (can_stop, NULL);
      if (status == EXIT_DONE && other_is_gone (other_fd))
        status = EXIT_LOST;
    }
  if (status != EXIT_DONE)
    flufl_operation_drop (operation);
  return status;
}

/*
 * operation_await_continuation:
 * @other_fd: as above
 *
 * Waits for SIGCONT.
 *
 * Returns: 0 when it came; OPERATION_STOPPED if SIGTSTP came once more; otherwise the exit status
 */
int
operation_await_continuation (int other_fd)
{
  struct pollfd fds[] = { { .fd = events_fd (), .events = POLLIN },
                          { .fd = other_fd, .events = POLLIN } };
  gboolean continues = FALSE;
  int status = EXIT_DONE;

  while (status == EXIT_DONE && !continues)
    {
      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0 && errno != EINTR)
        return EXIT_REFUSED;
      status = look_at_events (TRUE, &continues);
      if (status == EXIT_DONE && other_is_gone (other_fd))
        status = EXIT_LOST;
    }
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
