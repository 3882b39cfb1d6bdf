/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-boot-timer.h"

#include <time.h>
#include <unistd.h>

#ifdef HAVE_TIMERFD
#include <sys/timerfd.h>
#endif

/*
 * flufl_boot_time_now:
 *
 * Returns: microseconds of the clock that goes on while the machine sleeps, where there is one
 */
gint64
flufl_boot_time_now (void)
{
#ifdef CLOCK_BOOTTIME
  struct timespec ts;

  if (clock_gettime (CLOCK_BOOTTIME, &ts) == 0)
    return (gint64) ts.tv_sec * G_USEC_PER_SEC + ts.tv_nsec / 1000;
#endif
  return g_get_monotonic_time ();
}

void
flufl_boot_timer_init (FluflBootTimer *self)
{
  self->fd = -1;
  self->when = G_MAXINT64;
}

void
flufl_boot_timer_clear (FluflBootTimer *self)
{
  if (self->fd >= 0)
    close (self->fd);
  flufl_boot_timer_init (self);
}

/*
 * flufl_boot_timer_set:
 * @when_usec: as flufl_boot_time_now() counts; G_MAXINT64: at no time
 *
 * From then on the descriptor can be read from, until it is set anew. If the system provides none
 * it stays -1, and the caller has to look at the clock.
 */
void
flufl_boot_timer_set (FluflBootTimer *self, gint64 when_usec)
{
#ifdef HAVE_TIMERFD
  struct itimerspec spec = { 0 };

  if (when_usec == self->when)
    return;
  if (self->fd < 0)
    self->fd = timerfd_create (CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (when_usec != G_MAXINT64)
    {
      gint64 when = MAX (when_usec, 1); /* 0 would be no time at all */

      spec.it_value.tv_sec = (time_t) (when / G_USEC_PER_SEC);
      spec.it_value.tv_nsec = (long) (when % G_USEC_PER_SEC) * 1000;
    }
  self->when = when_usec;
  /* It may be another file by now, which somebody opened after closing all. */
  if (self->fd >= 0 && timerfd_settime (self->fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
    self->fd = -1;
#else
  (void) self;
  (void) when_usec;
#endif
}

/*
 * flufl_boot_timer_attach:
 * @self: has a descriptor
 *
 * Makes @source ready when the time has come.
 *
 * Returns: (nullable): the tag of the source
 */
gpointer
flufl_boot_timer_attach (FluflBootTimer *self, GSource *source)
{
#ifdef HAVE_TIMERFD
  return g_source_add_unix_fd (source, self->fd, G_IO_IN);
#else
  (void) self;
  (void) source;
  return NULL;
#endif
}
