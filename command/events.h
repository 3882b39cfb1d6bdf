/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Signals and other events, as bytes of a pipe that poll(2) waits for. Each process has one such
 * pipe.
 */

#pragma once

#include <glib.h>
#include <poll.h>
#include <signal.h>

G_BEGIN_DECLS

/* An event is the number of a signal, or one of these. */
enum
{
  EVENT_NONE = 0,
  EVENT_LOST = 200,      /* the library reports a loss */
  EVENT_REFRESH = 201,   /* another process asks for a refresh */
  EVENT_RELEASE = 202,   /* another process asks for the release */
  EVENT_REFRESHED = 203, /* the refresh that was asked for is over */
};

/* Six days: the milliseconds that a request can carry. */
#define EVENTS_ASKED_MS_MAX ((gint64) G_MAXINT32 >> 2)

gboolean events_catch         (void);
gboolean events_open_pipe     (void);
void     events_block         (sigset_t *out_mask);
void     events_unblock       (const sigset_t *mask);
void     events_give_back     (void);
void     events_let_stop      (void);
int      events_fd            (void);
int      events_next          (void);
int      events_next_asked    (gint64 *out_msec);
void     events_post          (int event);
void     events_wait          (struct pollfd *fds, guint n, int timeout);
gboolean event_is_passed_on   (int event);
gboolean event_ends           (int event);
void     events_answer_for    (const char *claim);
gboolean events_ask           (int pid, const char *claim, int event, gint64 msec);

G_END_DECLS
