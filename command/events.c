/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The highest number of a signal is not a constant everywhere. */
#ifdef SIGRTMAX
#define SIGNAL_MAX SIGRTMAX
#else
#define SIGNAL_MAX (NSIG - 1)
#endif

/* Another process of this command asks by SIGURG with such a value. A process that does not expect
 * SIGURG ignores it, so no harm is done if the process ID belongs to another program meanwhile. The
 * lowest bits say what for, and the rest is a time in milliseconds. */
#define ASKED_BITS 2
#define ASKED_REFRESH 1
#define ASKED_RELEASE 2

#if defined (_POSIX_REALTIME_SIGNALS) && _POSIX_REALTIME_SIGNALS > 0
#define CAN_ASK 1 /* there is sigqueue(3) */
#endif

static int pipe_fds[2] = { -1, -1 };
static sigset_t caught;       /* the signals with our handler … */
static struct sigaction former_chld, former_pipe, former_ttou, former_ttin; /* … and others */
static sigset_t former_mask;
static volatile sig_atomic_t asked_ms;

/* Faults of this program stay with it. A stop for the terminal is of this process. */
static gboolean
is_own (int number)
{
  static const int own[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL, SIGTRAP,
                             SIGABRT, SIGSYS,  SIGCHLD, SIGPIPE, SIGTTOU, SIGTTIN };

  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    if (own[i] == number)
      return TRUE;
  return FALSE;
}

/* Async-signal-safe. The pipe does not block: if it is full the process has much to do already. */
void
events_post (int event)
{
  guchar byte = (guchar) event;
  int errsv = errno;
  gssize ignored G_GNUC_UNUSED = write (pipe_fds[1], &byte, 1);

  errno = errsv;
}

static void
caught_cb (int number, siginfo_t *info, void *context G_GNUC_UNUSED)
{
#ifdef CAN_ASK
  if (number == SIGURG && info->si_code == SI_QUEUE)
    {
      int value = info->si_value.sival_int;

      asked_ms = value >> ASKED_BITS;
      number = (value & ((1 << ASKED_BITS) - 1)) == ASKED_RELEASE ? EVENT_RELEASE : EVENT_REFRESH;
    }
#else
  (void) info;
#endif
  events_post (number);
}

/* What the caller has chosen to ignore, as nohup(1) does, stays ignored. Returns FALSE with errno
 * set. */
gboolean
events_catch (void)
{
  struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART, .sa_sigaction = caught_cb };
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  struct sigaction former;

  if (!events_open_pipe ())
    return FALSE;
  sigemptyset (&action.sa_mask);
  sigemptyset (&caught);
  sigaction (SIGPIPE, &ignore, &former_pipe);
  sigaction (SIGTTOU, &ignore, &former_ttou);
  sigaction (SIGTTIN, &ignore, &former_ttin);
  sigaction (SIGCHLD, &action, &former_chld);
  for (int number = 1; number <= SIGNAL_MAX; number++)
    if (!is_own (number) && sigaction (number, NULL, &former) == 0
        && (former.sa_handler != SIG_IGN || number == SIGURG)
        && sigaction (number, &action, NULL) == 0)
      sigaddset (&caught, number);
  sigemptyset (&action.sa_mask);
  sigprocmask (SIG_SETMASK, &action.sa_mask, &former_mask);
  return TRUE;
}

/* A forked child needs a pipe of its own. Returns FALSE with errno set. */
gboolean
events_open_pipe (void)
{
  for (guint i = 0; i < 2; i++)
    if (pipe_fds[i] >= 0)
      close (pipe_fds[i]);
  if (pipe (pipe_fds) != 0)
    {
      pipe_fds[0] = pipe_fds[1] = -1;
      return FALSE;
    }
  for (guint i = 0; i < 2; i++)
    {
      fcntl (pipe_fds[i], F_SETFD, FD_CLOEXEC);
      fcntl (pipe_fds[i], F_SETFL, O_NONBLOCK);
    }
  return TRUE;
}

/* For the time of a fork(2): a signal that comes meanwhile waits. */
void
events_block (sigset_t *out_mask)
{
  sigset_t all;

  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, out_mask);
}

void
events_unblock (const sigset_t *mask)
{
  sigprocmask (SIG_SETMASK, mask, NULL);
}

/* In the child that becomes the command: signals are as the caller of this program had them. */
void
events_give_back (void)
{
  struct sigaction normal = { .sa_handler = SIG_DFL };

  for (int number = 1; number <= SIGNAL_MAX; number++)
    if (sigismember (&caught, number) == 1)
      sigaction (number, &normal, NULL);
  sigaction (SIGCHLD, former_chld.sa_handler == SIG_IGN ? &former_chld : &normal, NULL);
  sigaction (SIGPIPE, &former_pipe, NULL);
  sigaction (SIGTTOU, &former_ttou, NULL);
  sigaction (SIGTTIN, &former_ttin, NULL);
  sigprocmask (SIG_SETMASK, &former_mask, NULL);
}

int
events_fd (void)
{
  return pipe_fds[0];
}

/* Returns: the next event; EVENT_NONE if there is none now */
int
events_next (void)
{
  guchar byte;

  return read (pipe_fds[0], &byte, 1) == 1 ? byte : EVENT_NONE;
}

gboolean
event_is_passed_on (int event)
{
  return event > 0 && event <= SIGNAL_MAX && !is_own (event);
}

/* Whether a process that waits for the lock ends by it, as by its default action. */
gboolean
event_ends (int event)
{
  return event_is_passed_on (event) && event != SIGCONT && event != SIGTSTP && event != SIGWINCH
         && event != SIGURG;
}

/* Returns: the milliseconds that came with the last request; 0 for none */
gint64
events_asked_ms (void)
{
  return asked_ms;
}

/* Asks the process @pid of this command. Returns FALSE with errno set. */
gboolean
events_ask (int pid, int event, gint64 msec)
{
#ifdef CAN_ASK
  union sigval value = { 0 };

  value.sival_int = (int) (msec << ASKED_BITS)
                    | (event == EVENT_RELEASE ? ASKED_RELEASE : ASKED_REFRESH);
  return sigqueue (pid, SIGURG, value) == 0;
#else
  (void) pid, (void) event, (void) msec;
  errno = ENOTSUP;
  return FALSE;
#endif
}
