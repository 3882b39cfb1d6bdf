/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* Returns: a descriptor; -1 if the process has no terminal */
int
terminal_open (void)
{
  return open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

/* Whether @group is in the foreground. */
gboolean
terminal_is_of (int fd, pid_t group)
{
  return fd >= 0 && tcgetpgrp (fd) == group;
}

/* The caller must ignore or block SIGTTOU, since it may be in the background. */
void
terminal_give (int fd, pid_t group)
{
  if (fd >= 0)
    tcsetpgrp (fd, group);
}

/* Whether input, output and errors are a terminal. If not, a neighbour in a pipeline, such as
 * less(1), may need the terminal for itself. */
gboolean
terminal_is_all (void)
{
  return isatty (STDIN_FILENO) && isatty (STDOUT_FILENO) && isatty (STDERR_FILENO);
}

/* Stops the job, as the terminal would have done: all processes of our group. The process that
 * holds or acquires the lock is in a group of its own, and goes on. */
void
terminal_stop_job (int number)
{
  struct sigaction normal = { .sa_handler = SIG_DFL };
  struct sigaction former;

  sigaction (number, &normal, &former);
  kill (0, number);
  /* Here a shell has continued us; or nobody could, and the kernel has stopped nothing. */
  sigaction (number, &former, NULL);
}
