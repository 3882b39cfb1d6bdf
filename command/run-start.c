/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “run”: the start of the command.
 */

#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "events.h"
#include "exits.h"
#include "family.h"
#include "say.h"
#include "terminal.h"
#include "words.h"

#ifndef __linux__
extern char **environ; /* no header has it everywhere */
#endif

/* In the child. Between vfork(2) and exec(3) only calls that are async-signal-safe are made, since
 * the supervisor has threads. On most systems the child has the supervisor's memory. The child
 * changes nothing there but errno, the stack, and “environ”, which run_start() sets back. Its handlers and its mask
 * of signals are its own, and no handler of this program is left when it unblocks signals. */
static void
become_command (const RunStart *start, pid_t supervisor, int fd)
{
  const RunFront *front = start->front;
  int errsv;

  family_die_with (supervisor);
  setpgid (0, 0);
  if (front->may_have_terminal && terminal_is_of (front->terminal, front->front_group))
    terminal_give (front->terminal, getpid ());
  environ = start->environment;
  events_give_back ();
  execvp (start->wish->argv[0], start->wish->argv);
  errsv = errno;
  if (terminal_is_of (front->terminal, getpid ()))
    terminal_give (front->terminal, front->front_group);
  while (write (fd, &errsv, sizeof errsv) < 0 && errno == EINTR)
    ;
  _exit (EXIT_NO_COMMAND);
}

/* Returns: 0 once the child runs the command; otherwise the error of exec(3) */
static int
read_failure (int fd)
{
  int errsv = 0;
  gssize n;

  do
    n = read (fd, &errsv, sizeof errsv);
  while (n < 0 && errno == EINTR);
  return n == sizeof errsv ? errsv : 0;
}

static int
report_failure (const char *name, int errsv)
{
  if (errsv == ENOENT || errsv == ENOTDIR)
    return fail (EXIT_NO_COMMAND, _("There is no command “%s”."), name);
  return fail (EXIT_CANNOT_RUN, _("Could not run “%s”: %s."), name, g_strerror (errsv));
}

/*
 * run_start:
 * @out_status: the exit status if the command does not run, after it said why
 *
 * Starts the command in a process group of its own.
 *
 * Returns: its process ID; 0 if it does not run
 */
pid_t
run_start (const RunStart *start, int *out_status)
{
  pid_t supervisor = getpid (), child;
  char **own_environment = environ;
  sigset_t mask;
  int fds[2], errsv;

  if (pipe (fds) != 0)
    {
      *out_status = report_failure (start->wish->argv[0], errno);
      return 0;
    }
  fcntl (fds[0], F_SETFD, FD_CLOEXEC);
  fcntl (fds[1], F_SETFD, FD_CLOEXEC);
  events_block (&mask);
  /* A copy of the memory would cost more than the start of a small command. The supervisor's other
   * threads go on refreshing the lock meanwhile. */
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS /* macOS declares vfork(2) deprecated */
  child = vfork ();
  G_GNUC_END_IGNORE_DEPRECATIONS
  if (child == 0)
    become_command (start, supervisor, fds[1]);
  errsv = errno;
  environ = own_environment;
  events_unblock (&mask);
  close (fds[1]);
  if (child > 0)
    {
      setpgid (child, child); /* the child does the same: whoever comes first */
      errsv = read_failure (fds[0]);
    }
  close (fds[0]);
  if (child > 0 && errsv == 0)
    return child;
  *out_status = report_failure (start->wish->argv[0], errsv);
  return 0;
}
