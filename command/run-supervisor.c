/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “run”: the process that holds the lock, and is the parent of the command.
 */

#include "run.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "events.h"
#include "exits.h"
#include "family.h"
#include "link.h"
#include "say.h"
#include "surroundings.h"
#include "token.h"
#include "words.h"

/* The times, in milliseconds, between two checks of whether a killed family has ended, and between
 * two checks of the lease. */
#define KILL_PAUSE 20
#define LEASE_PAUSE 1000

#ifdef CLOCK_BOOTTIME
#define LEASE_CLOCK CLOCK_BOOTTIME /* goes on while the machine sleeps */
#else
#define LEASE_CLOCK CLOCK_MONOTONIC
#endif

typedef struct
{
  const RunWish  *wish;
  const RunFront *front;
  FluflLock      *lock;       /* owned */
  GCancellable   *lost;       /* owned; cancelled when the library finds a loss */
  pid_t           command;
  gboolean        has_ended;  /* whether the command has */
  int             wait_status;
  gboolean        is_lost;
  char           *loss;       /* owned; nullable; why the lock was lost */
  GThread        *sayer;      /* owned; nullable; prints that */
  gboolean        front_is_gone;
  gboolean        is_ending;  /* the whole family is to end */
  gint64          kill_at;    /* milliseconds; when SIGKILL follows */
  gint64          lease_end;  /* milliseconds; 0: a heartbeat refreshes the lock, or it is lost */
  GThread        *refresher;  /* owned; nullable; refreshes on request */
  gint64          refresh_ms;
  int             is_refreshed; /* atomic; the refresher has ended */
  gboolean        must_refresh; /* asked for while the refresher was at work */
  gint64          next_ms;      /* the lifetime that came with that; 0: none */
} Supervisor;

static gint64
now_ms (void)
{
  struct timespec now;

  clock_gettime (LEASE_CLOCK, &now);
  return (gint64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- The end of the command and all that it has started --- */

static void
signal_family (const Supervisor *self, int number)
{
  family_signal (self->has_ended ? FAMILY_GROUP_AFTER_END (self->command) : self->command, number);
}

static void
begin_end (Supervisor *self, gboolean at_once)
{
  if (self->is_ending && !at_once)
    return;
  self->kill_at = at_once ? now_ms () : now_ms () + self->wish->kill_after_ms;
  self->is_ending = TRUE;
  if (at_once)
    return;
  signal_family (self, SIGTERM);
  signal_family (self, SIGCONT); /* a stopped process must receive SIGTERM, too */
}

static gpointer
say_in_thread (gpointer data)
{
  say ("%s", (const char *) data);
  return NULL;
}

/* Waits until the loss, if any, is printed. */
static void
end_saying (Supervisor *self)
{
  if (self->sayer != NULL)
    g_thread_join (g_steal_pointer (&self->sayer));
  else if (self->loss != NULL)
    say ("%s", self->loss);
  g_clear_pointer (&self->loss, g_free);
}

/* Notes the loss. A thread prints the message, since standard error may be a pipe whose reader is slow,
 * or a file whose server is away. Without a thread the message is printed after the end of the
 * command. */
static void
note_loss (Supervisor *self)
{
  g_autoptr (GError) error = NULL;

  self->is_lost = TRUE;
  self->lease_end = 0;
  error = flufl_lock_dup_lost_error (self->lock);
  self->loss = error != NULL ? g_strdup (error->message)
                             : g_strdup_printf (_("The lock “%s” was lost: it expired before it was refreshed."),
                                                self->wish->acquire.path);
  self->sayer = g_thread_try_new ("flufl-say", say_in_thread, self->loss, NULL);
}

/* Notes a loss while the command runs, and ends the command unless only a warning is wanted. */
static void
lose (Supervisor *self)
{
  if (self->is_lost)
    return;
  if (self->wish->on_lost != ON_LOST_WARN)
    begin_end (self, self->wish->on_lost == ON_LOST_KILL);
  note_loss (self);
}

/* Whether the library has found a loss, or the lease has ended without a heartbeat. */
static gboolean
has_lost (const Supervisor *self)
{
  return g_cancellable_is_cancelled (self->lost) || (self->lease_end > 0 && now_ms () >= self->lease_end);
}

/* --- What happens --- */

/* Notes when to count the lock as lost. Ten seconds later other processes may break it. With a heartbeat
 * the library finds the end of the lease itself, and this notes none. */
static void
note_lease_end (Supervisor *self)
{
  if (self->wish->acquire.no_heartbeat)
    self->lease_end = now_ms () + flufl_lock_get_remaining_lifetime (self->lock);
}

static gpointer
refresh_in_thread (gpointer data)
{
  Supervisor *self = data;
  /* The lease shows what came of it. */
  gboolean ignored G_GNUC_UNUSED = flufl_lock_refresh (self->lock, self->refresh_ms, NULL, NULL);

  g_atomic_int_set (&self->is_refreshed, TRUE);
  events_post (EVENT_REFRESHED);
  return NULL;
}

/* Begins a refresh in a thread of its own, since a file server can take long to answer. @asked_ms is the
 * new lifetime, or 0 for the present one. If no answer comes, the lock may have the new lifetime all the
 * same, and the lease may end meanwhile. If the system has no thread, the request is dropped. The process
 * that asked repeats it, and in the end reports that no answer came. */
static void
begin_refresh (Supervisor *self, gint64 asked_ms)
{
  gint64 begun = now_ms ();

  if (self->is_lost || has_lost (self))
    return;
  self->must_refresh = self->refresher != NULL;
  if (self->must_refresh)
    {
      self->next_ms = asked_ms > 0 ? asked_ms : self->next_ms;
      return;
    }
  self->next_ms = 0;
  self->refresh_ms = asked_ms > 0 ? asked_ms : flufl_lock_get_lifetime (self->lock);
  g_atomic_int_set (&self->is_refreshed, FALSE);
  self->refresher = g_thread_try_new ("flufl-refresh", refresh_in_thread, self, NULL);
  if (self->refresher != NULL && self->lease_end > 0)
    self->lease_end = MIN (self->lease_end, begun + self->refresh_ms);
}

/* Waits for the refresher. */
static void
end_refresh (Supervisor *self)
{
  g_thread_join (g_steal_pointer (&self->refresher));
  if (self->is_lost)
    return;
  if (flufl_lock_get_held (self->lock))
    note_lease_end (self);
  else
    lose (self);
  if (self->must_refresh)
    begin_refresh (self, self->next_ms);
}

/* Notes the end or a stop of the command. Orphans that it has left are reaped on the way. */
static void
reap (Supervisor *self)
{
  int wait_status;
  pid_t pid;

  while ((pid = waitpid (-1, &wait_status, WNOHANG | WUNTRACED)) > 0)
    if (pid == self->command && WIFSTOPPED (wait_status))
      link_try_send (self->front->link, LINK_STOPPED, WSTOPSIG (wait_status));
    else if (pid == self->command)
      {
        self->has_ended = TRUE;
        self->wait_status = wait_status;
      }
}

static void
handle_event (Supervisor *self, int event, gint64 asked_ms)
{
  if (event == EVENT_REFRESH)
    begin_refresh (self, asked_ms);
  else if (event_is_passed_on (event) && !self->has_ended)
    kill (-self->command, event);
}

/* Ends the command if the front is gone, since nobody waits for the result any more. */
static void
look_at_front (Supervisor *self)
{
  int value;

  if (self->front_is_gone || link_read (self->front->link, &value) != LINK_CLOSED)
    return;
  self->front_is_gone = TRUE;
  begin_end (self, FALSE);
}

/* The library may have found a loss, or the refresher may have ended. The events for both only end
 * the wait. An event can get lost if there are too many, so the state is asked here. */
static void
look_at_lock (Supervisor *self)
{
  if (self->refresher != NULL && g_atomic_int_get (&self->is_refreshed))
    end_refresh (self);
  if (has_lost (self))
    lose (self);
}

static void
kill_in_time (Supervisor *self)
{
  if (self->is_ending && now_ms () >= self->kill_at)
    signal_family (self, SIGKILL);
}

static int
next_timeout (const Supervisor *self)
{
  if (self->is_ending)
    return (int) CLAMP (self->kill_at - now_ms (), KILL_PAUSE, LEASE_PAUSE);
  if (self->lease_end > 0)
    return (int) CLAMP (self->lease_end - now_ms (), 0, LEASE_PAUSE);
  return -1;
}

/* Handles events until the command has ended. If the supervisor ends the command, this goes on
 * until all processes that the command started have ended. */
static void
watch_command (Supervisor *self)
{
  struct pollfd fds[] = { { .fd = events_fd (), .events = POLLIN },
                          { .fd = self->front->link, .events = POLLIN } };
  gint64 asked_ms;
  int event;

  while (!self->has_ended || (self->is_ending && !family_reap ()))
    {
      fds[1].fd = self->front_is_gone ? -1 : self->front->link;
      events_wait (fds, G_N_ELEMENTS (fds), next_timeout (self));
      while ((event = events_next_asked (&asked_ms)) != EVENT_NONE)
        handle_event (self, event, asked_ms);
      reap (self);
      look_at_front (self);
      look_at_lock (self);
      kill_in_time (self);
    }
}

/* --- Begin and end --- */

/* Called in the thread that finds a loss. */
static void
lost_cb (GCancellable *cancellable G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  events_post (EVENT_LOST);
}

/* Makes the environment of the command: the caller's environment, the path of the lock file, and
 * the token of the lock. Returns: (transfer full) (nullable): NULL if the lock is lost */
static char **
make_environment (FluflLock *lock)
{
  g_autofree char *token = token_make (lock, TOKEN_RUN);
  g_autoptr (GFile) claim = flufl_lock_dup_claim_file (lock);
  g_autoptr (GFile) directory = claim != NULL ? g_file_get_parent (claim) : NULL;
  g_autoptr (GFile) file = NULL;
  g_autofree char *name = NULL, *path = NULL;
  char **environment;

  if (token == NULL || directory == NULL)
    return NULL;
  name = g_file_get_basename (flufl_lock_get_file (lock));
  file = g_file_get_child (directory, name);
  path = g_file_get_path (file);
  environment = surroundings_dup ();
  environment = g_environ_setenv (environment, "FLUFL_LOCK_FILE", path, TRUE);
  return g_environ_setenv (environment, "FLUFL_LOCK_TOKEN", token, TRUE);
}

/* Starts the command unless the lock is lost by now. Returns whether it runs. */
static gboolean
start (Supervisor *self, int *out_status)
{
  g_auto (GStrv) environment = make_environment (self->lock);
  RunStart with = { self->wish, self->front, environment };

  if (environment == NULL || has_lost (self))
    {
      note_loss (self);
      *out_status = EXIT_LOST;
      return FALSE;
    }
  self->command = run_start (&with, out_status);
  if (self->command == 0)
    return FALSE;
  link_send (self->front->link, LINK_STARTED, self->command);
  return TRUE;
}

/* Releases the lock, and notes a loss that only the release finds. */
static void
release (Supervisor *self)
{
  g_autoptr (GError) error = NULL;

  if (self->is_lost || flufl_lock_release (self->lock, NULL, &error))
    return;
  say ("%s", error->message);
  self->is_lost = g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
}

static void
report_end (const Supervisor *self)
{
  int wait_status = self->wait_status;

  if (self->is_lost && self->wish->on_lost != ON_LOST_WARN)
    link_send (self->front->link, LINK_ENDED, EXIT_LOST);
  else if (WIFSIGNALED (wait_status))
    link_send (self->front->link, LINK_KILLED, WTERMSIG (wait_status));
  else
    link_send (self->front->link, LINK_ENDED, WEXITSTATUS (wait_status));
}

static int
run_with_lock (Supervisor *self)
{
  int status = EXIT_DONE;
  gulong handler;
  gboolean runs;

  note_lease_end (self);
  self->lost = flufl_lock_dup_lost_cancellable (self->lock);
  handler = g_cancellable_connect (self->lost, G_CALLBACK (lost_cb), NULL, NULL);
  runs = start (self, &status);
  if (runs)
    watch_command (self);

  g_cancellable_disconnect (self->lost, handler);
  release (self);
  end_saying (self);
  if (runs)
    report_end (self);
  else
    link_send (self->front->link, LINK_ENDED, status);
  if (self->refresher != NULL)
    g_thread_join (self->refresher);
  g_clear_object (&self->lost);
  return status;
}

/*
 * run_supervise:
 *
 * Acquires the lock, runs the command, and releases the lock. The result goes over the link.
 */
int
run_supervise (const RunWish *wish, const RunFront *front)
{
  Supervisor self = { .wish = wish, .front = front };
  int status;

  family_adopt_orphans ();
  status = acquire_lock (&wish->acquire, front->link, &self.lock);
  if (status == EXIT_DONE && self.lock != NULL)
    status = run_with_lock (&self);
  else
    link_send (front->link, LINK_ENDED, status);
  g_clear_object (&self.lock);
  return status;
}
