/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The part of kqueue(2) that the watcher uses, for a system that has none: fake-kqueue.c. As in the
 * systems that have it, some of the notes may be missing.
 */

#pragma once

#include <stdint.h>
#include <time.h>

struct kevent
{
  uintptr_t ident;
  short     filter;
  unsigned  flags;
  unsigned  fflags;
  int64_t   data;
  void     *udata;
};

#define EVFILT_VNODE (-4)
#define EVFILT_PROC (-5)
#define EVFILT_TIMER (-7)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020

#define NOTE_DELETE 0x0001
#define NOTE_WRITE 0x0002
#define NOTE_EXTEND 0x0004
#define NOTE_ATTRIB 0x0008
#define NOTE_LINK 0x0010
#define NOTE_RENAME 0x0020
#define NOTE_REVOKE 0x0040
#ifndef FAKE_KQUEUE_NO_CLOSE_WRITE
#define NOTE_CLOSE_WRITE 0x0200
#endif
#define NOTE_EXIT 0x80000000U

#define EV_SET(event, a, b, c, d, e, f)                                                            \
  (*(event) = (struct kevent){ (a), (b), (c), (d), (e), (f) })

/* Called once, before the next file is added. */
extern void (*fake_kqueue_on_add) (void);

/* A descriptor that is closed takes its notes along. */
#define close fake_kqueue_close
int close (int fd);

int kqueue (void);
int kevent (int                    queue,
            const struct kevent   *changes,
            int                    n_changes,
            struct kevent         *events,
            int                    n_events,
            const struct timespec *timeout);
