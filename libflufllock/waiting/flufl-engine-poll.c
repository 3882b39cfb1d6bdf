/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The poll that the leader makes for all that sleep.
 */

#include "config.h"

#include "flufl-engine-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

#include "flufl-thread.h"
#include "flufl-watch.h"

/* Interrupts that are polled at a time; those beyond it are polled when others are gone. */
#define INTERRUPTS_MAX 32

static void
make_kick (FluflEngine *engine)
{
  if (engine->kick[0] >= 0)
    return;
#ifdef HAVE_EVENTFD
  engine->kick[0] = engine->kick[1] = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (engine->kick[0] >= 0)
    engine->kept[0] = flufl_process_keep_file (engine->kick[0], close);
#else
  if (pipe (engine->kick) != 0)
    engine->kick[0] = engine->kick[1] = -1;
  else
    for (int i = 0; i < 2; i++)
      {
        fcntl (engine->kick[i], F_SETFD, FD_CLOEXEC);
        fcntl (engine->kick[i], F_SETFL, O_NONBLOCK);
        engine->kept[i] = flufl_process_keep_file (engine->kick[i], close);
      }
#endif
}

void
flufl_engine_kick (FluflEngine *engine)
{
  guint64 one = 1;

  if (!engine->polling)
    return;
  engine->polling = FALSE; /* once is enough */
  if (engine->kick[1] >= 0)
    while (write (engine->kick[1], &one, sizeof one) < 0 && errno == EINTR)
      ;
}

static void
drain_kick (FluflEngine *engine)
{
  guint64 count;

  while (read (engine->kick[0], &count, sizeof count) > 0)
    {
#ifdef HAVE_EVENTFD
      break;
#endif
    }
}

static int
poll_for (struct pollfd *fds, nfds_t n, gint64 left)
{
#ifdef HAVE_PPOLL
  struct timespec ts;

  ts.tv_sec = (time_t) (left / G_USEC_PER_SEC);
  ts.tv_nsec = (long) (left % G_USEC_PER_SEC) * 1000;
  return ppoll (fds, n, left == G_MAXINT64 ? NULL : &ts, NULL);
#else
  return poll (fds, n, left == G_MAXINT64 ? -1 : (int) MIN ((left + 999) / 1000, G_MAXINT));
#endif
}

static nfds_t
add_interrupt (struct pollfd *fds, nfds_t n, const FluflSleeper *sleeper)
{
  if (sleeper->interrupt_fd < 0 || sleeper->interrupted || n == INTERRUPTS_MAX)
    return n;
  fds[n] = (struct pollfd){ sleeper->interrupt_fd, POLLIN, 0 };
  return n + 1;
}

static nfds_t
list_interrupts (FluflEngine *engine, struct pollfd *fds)
{
  nfds_t n = 0;

  if (engine->leader != NULL)
    n = add_interrupt (fds, n, engine->leader);
  for (GList *l = engine->followers.head; l != NULL; l = l->next)
    n = add_interrupt (fds, n, l->data);
  return n;
}

static void
interrupt_if (FluflSleeper *sleeper, int fd)
{
  if (sleeper->interrupt_fd != fd)
    return;
  sleeper->interrupted = sleeper->woken = TRUE;
  if (sleeper->follows)
    g_cond_signal (&sleeper->cond);
}

/* Those that slept when it was polled, and those that do now, may be others. */
static void
tell_interrupts (FluflEngine *engine, const struct pollfd *fds, nfds_t n)
{
  for (nfds_t i = 0; i < n; i++)
    {
      if (fds[i].revents == 0)
        continue;
      if (engine->leader != NULL)
        interrupt_if (engine->leader, fds[i].fd);
      for (GList *l = engine->followers.head; l != NULL; l = l->next)
        interrupt_if (l->data, fds[i].fd);
    }
}

enum
{
  POLL_WATCH,
  POLL_KICK,
  POLL_INTERRUPTS,
};

/* Polls for @left microseconds, or until the first call. Lets go of the mutex meanwhile. */
void
flufl_engine_poll (FluflEngine *engine, gint64 left)
{
  struct pollfd fds[POLL_INTERRUPTS + INTERRUPTS_MAX];
  nfds_t n_interrupts = list_interrupts (engine, fds + POLL_INTERRUPTS);
  int n;

  make_kick (engine);
  left = MIN (left, flufl_engine_time_left (engine));
  engine->polled_fd = flufl_watch_fd ();
  fds[POLL_WATCH] = (struct pollfd){ engine->polled_fd, POLLIN, 0 };
  fds[POLL_KICK] = (struct pollfd){ engine->kick[0], POLLIN, 0 };
  if (engine->kick[0] < 0)
    left = MIN (left, BLIND_SLICE);
  engine->polling = TRUE;
  g_mutex_unlock (&engine->mutex);

  n = FLUFL_WAIT_FOR (poll_for (fds, POLL_INTERRUPTS + n_interrupts, left));
  /* As where the limit of descriptors is lower than their number here. */
  if (n < 0 && errno != EINTR)
    (void) FLUFL_WAIT_FOR (poll_for (NULL, 0, MIN (left, BLIND_SLICE)));

  g_mutex_lock (&engine->mutex);
  engine->polling = FALSE;
  if (n <= 0 || flufl_engine_is_parents (engine))
    return;
  if ((fds[POLL_KICK].revents & POLLIN) != 0)
    drain_kick (engine);
  else if (fds[POLL_KICK].revents != 0)
    {
      engine->kick[0] = engine->kick[1] = -1; /* somebody closed it */
      for (int i = 0; i < 2; i++)
        flufl_process_forget_file (engine->kept[i]);
    }
  tell_interrupts (engine, fds + POLL_INTERRUPTS, n_interrupts);
  if (fds[POLL_WATCH].revents != 0)
    {
      /* It wakes sleepers, which takes the mutex. */
      g_mutex_unlock (&engine->mutex);
      flufl_watch_dispatch ();
      g_mutex_lock (&engine->mutex);
    }
}
