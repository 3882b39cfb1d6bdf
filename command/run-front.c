/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “run”: the process that the caller started.
 */

#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"
#include "exits.h"
#include "family.h"
#include "link.h"
#include "say.h"
#include "terminal.h"
#include "words.h"

typedef struct
{
  RunFront front;
  pid_t    supervisor;  /* or the keeper, its parent */
  gboolean has_keeper;
  gboolean has_ended;   /* the process “supervisor” */
  int      wait_status; /* its end */
  pid_t    command;     /* and its process group; 0: not started */
  gboolean is_over;
  gboolean had_terminal; /* the command has had it */
  gboolean is_hung_up;   /* the command has had SIGHUP, since nobody can continue the job */
  gboolean is_continued; /* SIGCONT came after the last SIGTSTP */
  int      status;      /* the exit status */
  int      signal;      /* that ended the command; 0: none */
} Front;

static void
signal_supervisor (const Front *self, int number)
{
  if (!self->has_ended)
    kill (self->supervisor, number);
}

/* --- Signals --- */

/* Ctrl-Z goes to the supervisor even while there is no command. Only the supervisor knows whether it
 * waits or is about to start the command, and it stops the one or the other before the job stops. */
static void
handle_event (Front *self, int event)
{
  if (event == SIGTSTP || event == SIGCONT)
    self->is_continued = event == SIGCONT;
  if (event_is_passed_on (event))
    signal_supervisor (self, event);
}

static void
handle_events (Front *self)
{
  int event;

  while ((event = events_next ()) != EVENT_NONE)
    handle_event (self, event);
}

/* --- The terminal --- */

static gboolean
front_is_in_foreground (const Front *self)
{
  return terminal_is_of (self->front.terminal, self->front.front_group);
}

static gboolean
take_terminal_back (Front *self)
{
  if (self->command == 0 || !terminal_is_of (self->front.terminal, self->command))
    return FALSE;
  self->had_terminal = TRUE;
  terminal_give (self->front.terminal, self->front.front_group);
  return TRUE;
}

/* Stops the job, whose command wants the terminal. Returns FALSE if nobody can continue the job, so
 * that the kernel has not stopped it. */
static gboolean
stop_until_foreground (Front *self, int number)
{
  handle_events (self);
  self->is_continued = FALSE;
  terminal_stop_job (number);
  handle_events (self);
  return self->is_continued || front_is_in_foreground (self);
}

/* The command was stopped, or the wait before it. A shell must see its job stopped, and must have the
 * terminal back. Without a terminal nobody would continue us, so only the command or the wait is
 * stopped. A stop of the wait may be older than the signal that continued the job. */
static void
handle_stop (Front *self, int number)
{
  gboolean wants_terminal = number == SIGTTIN || number == SIGTTOU;
  gboolean had_it;

  if (self->front.terminal < 0 || number == SIGSTOP)
    return;
  had_it = take_terminal_back (self) || wants_terminal;
  if (self->command != 0 && wants_terminal && !front_is_in_foreground (self))
    {
      /* The kernel sends SIGHUP to a stopped job that nobody can continue. A command that goes on all
       * the same stays stopped the next time. */
      if (!stop_until_foreground (self, number))
        {
          if (self->is_hung_up)
            return;
          self->is_hung_up = TRUE;
          signal_supervisor (self, SIGHUP);
        }
    }
  else if (self->command != 0 ? !wants_terminal : !self->is_continued)
    terminal_stop_job (number);
  if (self->command != 0 && (had_it || self->front.may_have_terminal) && front_is_in_foreground (self))
    {
      self->had_terminal = TRUE;
      terminal_give (self->front.terminal, self->command);
    }
  signal_supervisor (self, SIGCONT);
}

/* --- The supervisor --- */

/* The supervisor has ended without a result: somebody has killed it. A keeper has ended then, too. */
static void
outlive_supervisor (Front *self)
{
  int wait_status = self->wait_status;

  while (!self->has_ended && waitpid (self->supervisor, &wait_status, 0) < 0 && errno == EINTR)
    ;
  self->has_ended = TRUE;
  self->is_over = TRUE;
  if (!self->has_keeper)
    self->status = run_outlive_supervisor (self->command);
  if (WIFEXITED (wait_status) && WEXITSTATUS (wait_status) != EXIT_DONE) /* it has said why */
    self->status = WEXITSTATUS (wait_status);
  if (self->has_keeper && FAMILY_GROUP_AFTER_END (self->command) > 0)
    kill (-self->command, SIGKILL);
  if (self->status != EXIT_DONE)
    return;
  /* The supervisor may have died after the start of the command, and before it reported that. */
  self->status = fail (EXIT_LOST, self->command == 0
                                    ? _("The process that acquires the lock has died.")
                                    : _("The process that held the lock has died. The command is killed."));
}

/* Takes the ends of the caller's children, which are children of this process if there is a keeper.
 * If somebody has killed the keeper, the supervisor ends the command. */
static void
reap (Front *self)
{
  if (!self->has_keeper || self->has_ended)
    return;
  self->has_ended = family_reap_until (self->supervisor, &self->wait_status);
  if (self->has_ended && WIFSIGNALED (self->wait_status))
    shutdown (self->front.link, SHUT_WR);
}

static void
handle_message (Front *self)
{
  int value;

  switch (link_read (self->front.link, &value))
    {
    case LINK_STARTED:
      self->command = value;
      break;
    case LINK_STOPPED:
      handle_stop (self, value);
      break;
    case LINK_KILLED:
      self->is_over = TRUE;
      self->signal = value;
      self->status = EXIT_SIGNAL + value;
      break;
    case LINK_ENDED:
      self->is_over = TRUE;
      self->status = value;
      break;
    case LINK_CLOSED:
      outlive_supervisor (self);
      break;
    case LINK_NOTHING:
    default:
      break;
    }
}

static void
wait_for_end (Front *self)
{
  struct pollfd fds[] = { { .fd = events_fd (), .events = POLLIN },
                          { .fd = self->front.link, .events = POLLIN } };

  while (!self->is_over)
    {
      events_wait (fds, G_N_ELEMENTS (fds), -1);
      handle_events (self);
      reap (self);
      handle_message (self);
    }
}

/* Ctrl-C and Ctrl-\ go to the group that has the terminal. If that was the command's, then ours, and
 * with it a script that runs us, has not seen it: it must end as well. The front dumps no core. */
static void
end_job_by_signal (const Front *self)
{
  struct sigaction normal = { .sa_handler = SIG_DFL };
  struct rlimit no_core = { 0 };

  if ((self->signal != SIGINT && self->signal != SIGQUIT) || !self->had_terminal)
    return;
  setrlimit (RLIMIT_CORE, &no_core);
  sigaction (self->signal, &normal, NULL);
  kill (0, self->signal);
}

/* Both processes go on from here, or all three. */
static int
part (const RunWish *wish, Front *self, int fds[2])
{
  sigset_t mask;
  int status;

  events_block (&mask);
  self->supervisor = fork ();
  if (self->supervisor != 0)
    {
      events_unblock (&mask);
      close (fds[1]);
      self->front.link = fds[0];
      return -1;
    }
  close (fds[0]);
  self->front.link = fds[1];
  if (self->has_keeper && (status = run_keep (&mask)) >= 0)
    return status;
  setpgid (0, 0);
  if (!events_open_pipe ())
    _exit (fail (EXIT_REFUSED, _("Could not create a pipe: %s."), g_strerror (errno)));
  events_unblock (&mask);
  return run_supervise (wish, &self->front);
}

/*
 * run_in_front:
 *
 * Returns: the exit status, in each process
 */
int
run_in_front (const RunWish *wish)
{
  Front self = { .front.terminal = -1 };
  int fds[2], status;

  self.front.front_group = getpgrp ();
  self.front.terminal = terminal_open ();
  self.front.may_have_terminal = terminal_is_all ();
  if (!events_catch ())
    return fail (EXIT_REFUSED, _("Could not create a pipe: %s."), g_strerror (errno));
  family_note_front ();
  self.has_keeper = family_has_strangers ();
  if (!self.has_keeper)
    family_adopt_orphans ();
  if (!link_open (fds))
    return fail (EXIT_REFUSED, _("Could not create a socket: %s."), g_strerror (errno));
  status = part (wish, &self, fds);
  if (self.supervisor == 0)
    return status;
  if (self.supervisor < 0)
    return fail (EXIT_REFUSED, _("Could not create a process: %s."), g_strerror (errno));
  wait_for_end (&self);
  take_terminal_back (&self);
  end_job_by_signal (&self);
  return self.status;
}
