/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “run”: what outlives a supervisor that somebody has killed. Mostly that is the front. The keeper
 * is a process between the front and the supervisor. It is needed if the front has children of its
 * caller, since their orphans would become children of the front, too.
 */

#include "run.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"
#include "exits.h"
#include "family.h"
#include "say.h"
#include "words.h"

/* Milliseconds between two looks whether a killed family has ended. */
#define KILL_PAUSE 20

/*
 * run_outlive_supervisor:
 * @command: the process group of the command; 0: not known
 *
 * Ends all that the command has started, after the supervisor has ended. The kernel has killed the
 * command, and its orphans are children of this process now.
 *
 * Returns: the exit status, after this function said why; EXIT_DONE if nobody was there
 */
int
run_outlive_supervisor (pid_t command)
{
  struct pollfd fds[] = { { .fd = events_fd (), .events = POLLIN } };

  if (command == 0 && family_reap ())
    return EXIT_DONE;
  family_signal (command, SIGKILL);
  while (!family_reap ())
    {
      events_wait (fds, G_N_ELEMENTS (fds), KILL_PAUSE);
      while (events_next () != EVENT_NONE)
        ;
      family_signal (FAMILY_GROUP_AFTER_END (command), SIGKILL);
    }
  return fail (EXIT_LOST, _("The process that held the lock has died. The command is killed."));
}

/* Passes signals on until the supervisor ends. Returns how that ended. */
static int
keep (pid_t supervisor)
{
  struct pollfd fds[] = { { .fd = events_fd (), .events = POLLIN } };
  int event, wait_status;

  while (!family_reap_until (supervisor, &wait_status))
    {
      events_wait (fds, G_N_ELEMENTS (fds), -1);
      while ((event = events_next ()) != EVENT_NONE)
        if (event_is_passed_on (event))
          kill (supervisor, event);
    }
  return wait_status;
}

/*
 * run_keep:
 * @mask: the signals to unblock; all are blocked
 *
 * Forks the supervisor. This process, the keeper, goes on while the front is stopped: like the
 * supervisor, it has a process group of its own.
 *
 * Returns: in the supervisor, -1; in the keeper, the exit status after the end of the supervisor,
 *   which is EXIT_DONE if somebody killed that and nobody was left
 */
int
run_keep (const sigset_t *mask)
{
  pid_t supervisor;
  int wait_status;

  setpgid (0, 0);
  family_adopt_orphans ();
  if (!events_open_pipe ())
    return fail (EXIT_REFUSED, _("Could not create a pipe: %s."), g_strerror (errno));
  supervisor = fork ();
  if (supervisor == 0)
    return -1;
  if (supervisor < 0)
    return fail (EXIT_REFUSED, _("Could not create a process: %s."), g_strerror (errno));
  events_unblock (mask);
  wait_status = keep (supervisor);
  return WIFEXITED (wait_status) ? WEXITSTATUS (wait_status) : run_outlive_supervisor (0);
}
