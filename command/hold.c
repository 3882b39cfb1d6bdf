/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “hold”: a process in the background keeps a lock until “release”, or the end of another process.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acquire.h"
#include "commands.h"
#include "events.h"
#include "exits.h"
#include "link.h"
#include "options.h"
#include "partner.h"
#include "say.h"
#include "surroundings.h"
#include "terminal.h"
#include "token.h"
#include "words.h"

/* Milliseconds between two looks at a process that no descriptor stands for. */
#define PARTNER_PAUSE 1000

static struct
{
  char    *for_pid;
  gboolean as_json;
} given;

static const GOptionEntry entries[] = {
  { "for-pid", 0, 0, G_OPTION_ARG_FILENAME, &given.for_pid,
    N_("Release the lock when the process PID ends"), N_("PID") },
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print errors as JSON"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind kind = {
  .usage = N_("LOCKFILE"),
  .summary = N_("Acquires a lock, prints a token, and holds the lock in the background."),
  .entries = entries,
  .more = acquire_entries,
};

typedef struct
{
  AcquireWish acquire;
  pid_t       partner;    /* 0: none */
  int         partner_fd; /* -1: none */
  int         link;       /* -1: the token is printed, and the holder is on its own */
} Hold;

/* No exit status yet. */
#define UNDECIDED (-1)

/* --- The partner --- */

static gboolean
has_partner_ended (const Hold *self)
{
  return self->partner != 0 && !partner_is_alive (self->partner, self->partner_fd);
}

static int
partner_pause (const Hold *self)
{
  return self->partner != 0 && self->partner_fd < 0 ? PARTNER_PAUSE : -1;
}

/* --- In the background --- */

static void
lost_cb (GCancellable *cancellable G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  events_post (EVENT_LOST);
}

/* The caller may wait for the end of its output, and may want to unmount its directory. */
static void
leave_caller (void)
{
  int null = open ("/dev/null", O_RDWR);

  for (int fd = 0; fd <= 2 && null >= 0; fd++)
    dup2 (null, fd);
  if (null > 2)
    close (null);
  if (chdir ("/") != 0)
    g_debug ("Could not change to the directory /: %s", g_strerror (errno));
}

/* Whether the front has ended without having printed the token. Nobody could release the lock then. */
static gboolean
is_token_lost (Hold *self)
{
  int value;
  LinkKind message = self->link >= 0 ? link_read (self->link, &value) : LINK_NOTHING;

  if (message == LINK_PRINTED)
    {
      close (self->link);
      self->link = -1;
    }
  return message == LINK_CLOSED;
}

/* Until the lock is to be released, or is lost. */
static void
hold_on (Hold *self, FluflLock *lock)
{
  struct pollfd fds[] = { { .fd = events_fd (), .events = POLLIN },
                          { .fd = self->partner_fd, .events = POLLIN },
                          { .fd = self->link, .events = POLLIN } };
  gint64 msec;
  int event;

  while (!has_partner_ended (self) && !is_token_lost (self))
    {
      fds[2].fd = self->link;
      events_wait (fds, G_N_ELEMENTS (fds), partner_pause (self));
      while ((event = events_next_asked (&msec)) != EVENT_NONE)
        if (event == EVENT_LOST || event == EVENT_RELEASE || event_ends (event))
          return;
        else if (event == EVENT_REFRESH
                 && !flufl_lock_refresh (lock, msec > 0 ? msec : FLUFL_LOCK_LIFETIME_DEFAULT, NULL,
                                         NULL)
                 && !flufl_lock_get_held (lock))
          return;
    }
}

static int
hold_in_background (Hold *self)
{
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GCancellable) lost = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *token = NULL;
  gulong handler;
  int status = acquire_lock (&self->acquire, self->link, &lock);

  if (status != EXIT_DONE || lock == NULL)
    {
      link_send (self->link, LINK_ENDED, status);
      return status;
    }
  lost = flufl_lock_dup_lost_cancellable (lock);
  handler = g_cancellable_connect (lost, G_CALLBACK (lost_cb), NULL, NULL);
  token = token_make (lock, TOKEN_HOLD);
  if (token != NULL)
    {
      leave_caller ();
      link_send_text (self->link, token);
      hold_on (self, lock);
      status = flufl_lock_release (lock, NULL, NULL) ? EXIT_DONE : EXIT_LOST;
      if (self->link >= 0 && status == EXIT_LOST) /* the front still waits for the reader of the token */
        link_send (self->link, LINK_ENDED, status);
    }
  else
    {
      error = flufl_lock_dup_lost_error (lock);
      status = fail_by_error (error);
      link_send (self->link, LINK_ENDED, status);
    }
  g_cancellable_disconnect (lost, handler);
  return status;
}

/* --- In the foreground --- */

typedef struct
{
  const Hold *hold;
  pid_t       holder;
  int         link;
  gboolean    has_terminal;
  gboolean    is_continued; /* SIGCONT came after the last SIGTSTP */
  char       *token;        /* owned; nullable */
} Front;

/* The holder stops its wait before the job stops: it may be about to acquire the lock. */
static int
look_at_events (Front *self)
{
  int event;

  while ((event = events_next ()) != EVENT_NONE)
    if (event_ends (event))
      return EXIT_SIGNAL + event;
    else if (event == SIGTSTP || event == SIGCONT)
      {
        self->is_continued = event == SIGCONT;
        kill (self->holder, event);
      }
  return UNDECIDED;
}

/* As in “run”, without a terminal only the wait is stopped. */
static void
handle_stop (const Front *self, int number)
{
  if (!self->has_terminal)
    return;
  if (!self->is_continued)
    terminal_stop_job (number);
  kill (self->holder, SIGCONT);
}

static int
look_at_holder (Front *self)
{
  int value = 0;

  switch (link_read (self->link, &value))
    {
    case LINK_TEXT:
      self->token = link_read_text (self->link, value);
      return UNDECIDED; /* a text that is cut short is followed by the end of the link */
    case LINK_STOPPED:
      handle_stop (self, value);
      return UNDECIDED;
    case LINK_ENDED:
      /* With a token the holder has no standard error any more. */
      if (self->token != NULL)
        fail (value, _("The lock “%s” was lost."), self->hold->acquire.path);
      return value;
    case LINK_CLOSED:
      return fail (EXIT_LOST, _("The process that acquires the lock has died."));
    case LINK_NOTHING:
    default:
      return UNDECIDED;
    }
}

/* The holder releases the lock unless it learns that the token is printed. */
static int
print_token (const Front *self)
{
  print_line (self->token);
  if (ferror (stdout))
    return fail (EXIT_REFUSED, _("Could not print the token. The lock is released."));
  link_send (self->link, LINK_PRINTED, 0);
  return EXIT_DONE;
}

/* Returns: the exit status, once the token is printed or never will be */
static int
wait_for_token (Front *self)
{
  struct pollfd fds[] = { { .fd = events_fd (), .events = POLLIN },
                          { .fd = self->link, .events = POLLIN },
                          { .fd = self->hold->partner_fd, .events = POLLIN },
                          { .fd = -1, .events = POLLOUT } };
  int status = UNDECIDED;

  while (status == UNDECIDED)
    {
      fds[3].fd = self->token != NULL ? STDOUT_FILENO : -1; /* its reader may be slow */
      fds[3].revents = 0;
      if (poll (fds, G_N_ELEMENTS (fds), partner_pause (self->hold)) < 0 && errno != EINTR)
        return EXIT_REFUSED;
      status = look_at_events (self);
      if (status == UNDECIDED && has_partner_ended (self->hold))
        status = fail (EXIT_LOST, _("The process %d, for which the lock is acquired, has ended."),
                       (int) self->hold->partner);
      if (status == UNDECIDED)
        status = look_at_holder (self);
      if (status == UNDECIDED && fds[3].revents != 0)
        status = print_token (self);
    }
  return status;
}

/* When this returns, the claim of a waiter has gone, or the lock whose token is not printed. A file
 * server may not answer, so another signal ends the wait. */
static void
end_holder (Front *self)
{
  struct pollfd fd = { .fd = events_fd (), .events = POLLIN };
  int status = UNDECIDED;

  kill (self->holder, SIGTERM);
  while (status == UNDECIDED && waitpid (self->holder, NULL, WNOHANG) == 0)
    {
      poll (&fd, 1, -1); /* the holder's end is an event */
      status = look_at_events (self);
    }
}

static int
hold_in_front (const Hold *hold, pid_t holder, int link)
{
  Front self = { .hold = hold, .holder = holder, .link = link };
  int terminal = terminal_open (), status;

  self.has_terminal = terminal >= 0;
  if (self.has_terminal)
    close (terminal);
  status = wait_for_token (&self);
  close (self.link);
  if (status != EXIT_DONE)
    end_holder (&self);
  g_free (self.token);
  return status;
}

/* Both processes go on from here. */
static int
part (Hold *self)
{
  sigset_t mask;
  int fds[2];
  pid_t child;

  if (!events_catch ())
    return fail (EXIT_REFUSED, _("Could not create a pipe: %s."), g_strerror (errno));
  if (!link_open (fds))
    return fail (EXIT_REFUSED, _("Could not create a socket: %s."), g_strerror (errno));
  events_block (&mask);
  child = fork ();
  if (child == 0)
    {
      setsid ();
      if (!events_open_pipe ())
        _exit (EXIT_REFUSED);
    }
  events_unblock (&mask);
  if (child < 0)
    return fail (EXIT_REFUSED, _("Could not create a process: %s."), g_strerror (errno));
  close (fds[child == 0 ? 0 : 1]);
  self->link = fds[1];
  if (child == 0)
    return hold_in_background (self);
  return hold_in_front (self, child, fds[0]);
}

int
command_hold (int argc, char **argv)
{
  Hold self = { .partner_fd = -1 };
  gint64 pid = 0;

  if (!options_parse (&kind, &argc, &argv) || !options_count (&kind, argc, 2, 2)
      || !acquire_read_options (&self.acquire)
      || (given.for_pid != NULL && !options_number ("--for-pid", given.for_pid, G_MAXINT32, &pid)))
    return EXIT_USAGE;
  if (self.acquire.busy_status == EXIT_DONE)
    return fail (EXIT_USAGE, _("“hold” cannot exit with 0 without the lock: give -E another number."));
  surroundings_close_inherited ();
  self.acquire.path = argv[1];
  self.acquire.can_stop = TRUE;
  self.partner = (pid_t) pid;
  if (given.for_pid != NULL && (pid == 0 || !partner_open (self.partner, &self.partner_fd)))
    return fail (EXIT_USAGE, _("There is no process %s."), given.for_pid);
  return part (&self);
}
