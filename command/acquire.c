/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "acquire.h"

#include <signal.h>
#include <unistd.h>

#include "events.h"
#include "exits.h"
#include "family.h"
#include "holder.h"
#include "link.h"
#include "operation.h"
#include "options.h"
#include "say.h"
#include "words.h"

/* After the library's waiting-delay of 250 ms. Nobody reads the line in a pipe. */
static void
waiting_cb (FluflLock *lock, FluflLockDetails *details, gpointer data)
{
  const AcquireWish *wish = data;
  g_autofree char *waiting = NULL, *holder = NULL, *text = NULL;

  (void) lock;
  if (wish->is_quiet || !(wish->is_verbose || isatty (STDERR_FILENO)) || !can_say ())
    return;
  holder = describe_holder (details);
  waiting = g_strdup_printf (_("Waiting for the lock “%s”."), wish->path);
  text = words_join (waiting, holder);
  say ("%s", text);
}

static FluflLock *
make_lock (const AcquireWish *wish)
{
  g_autofree char *program = wish->program != NULL ? g_path_get_basename (wish->program) : NULL;
  FluflLock *lock = options_make_lock (wish->path, program);

  if (wish->lifetime_ms > 0)
    flufl_lock_set_lifetime (lock, wish->lifetime_ms);
  flufl_lock_set_heartbeat (lock, wish->no_heartbeat ? FLUFL_HEARTBEAT_NONE : FLUFL_HEARTBEAT_THREAD);
  g_signal_connect (lock, "waiting", G_CALLBACK (waiting_cb), (gpointer) wish);
  return lock;
}

static int
report_failure (FluflOperation *operation, const AcquireWish *wish)
{
  g_autoptr (GError) error = NULL;
  int status;

  operation_get_error (operation, &error);
  status = exit_status_of_error (error);
  if (status != EXIT_BUSY)
    return fail_by_error (error);
  if (!wish->is_quiet && wish->busy_status != EXIT_DONE)
    fail (EXIT_BUSY, "%s", error->message);
  return wish->busy_status;
}

/* A stop does not prolong the time. Milliseconds; negative: no end. */
static gint64
time_left (const AcquireWish *wish, gint64 begun)
{
  gint64 waited_ms = (g_get_monotonic_time () - begun) / 1000;

  return wish->timeout_ms > 0 ? MAX (wish->timeout_ms - waited_ms, 0) : wish->timeout_ms;
}

/* Returns: as acquire_lock(); or OPERATION_STOPPED */
static int
acquire_unless_stopped (const AcquireWish *wish, int link, gint64 begun, FluflLock **out_lock)
{
  g_autoptr (FluflLock) lock = make_lock (wish);
  g_autoptr (FluflOperation) operation = flufl_operation_new (lock, FLUFL_OPERATION_KIND_ACQUIRE,
                                                              time_left (wish, begun), NULL);
  int status = operation_run_to_end (operation, link, wish->can_stop);

  if (status != EXIT_DONE)
    return status;
  if (!flufl_operation_get_answer (operation))
    return report_failure (operation, wish);
  *out_lock = g_steal_pointer (&lock);
  return EXIT_DONE;
}

/* No process can catch SIGSTOP, so a front that has got it has reported nothing. When it continues, it
 * passes SIGCONT on. */
static int
give_up_until_continued (int link, FluflLock **lock)
{
  flufl_lock_release (*lock, NULL, NULL);
  g_clear_object (lock);
  return operation_await_continuation (link);
}

/* The holder answers the requests for this lock only. */
static void
begin_to_answer (FluflLock *lock)
{
  g_autoptr (GFile) claim = flufl_lock_dup_claim_file (lock);
  g_autofree char *name = claim != NULL ? g_file_get_basename (claim) : NULL;

  if (name != NULL)
    events_answer_for (name);
}

/*
 * acquire_lock:
 * @link: to the process that wants the lock. It can be read, or is hung up, once nobody wants the
 *   lock any more. LINK_STOPPED goes over it when the wait is stopped
 * @out_lock: (transfer full): the lock, if it is held
 *
 * A wait that is stopped has no place among the waiters, since its turn would keep the others
 * waiting. When it is continued, it begins anew behind them.
 *
 * Returns: 0, or the exit status after it said why
 */
int
acquire_lock (const AcquireWish *wish, int link, FluflLock **out_lock)
{
  gint64 begun = g_get_monotonic_time ();
  int status;

  for (;;)
    {
      status = acquire_unless_stopped (wish, link, begun, out_lock);
      if (wish->can_stop && *out_lock != NULL && family_parent_is_stopped ())
        status = give_up_until_continued (link, out_lock);
      else if (status != OPERATION_STOPPED)
        break;
      while (status == OPERATION_STOPPED)
        {
          link_try_send (link, LINK_STOPPED, SIGTSTP);
          status = operation_await_continuation (link);
        }
      if (status != EXIT_DONE)
        return status;
    }
  if (*out_lock != NULL)
    begin_to_answer (*out_lock);
  if (*out_lock != NULL && wish->is_verbose && can_say ())
    say (_("The lock “%s” is acquired after %.3f s."), wish->path,
         (double) (g_get_monotonic_time () - begun) / G_USEC_PER_SEC);
  return status;
}
