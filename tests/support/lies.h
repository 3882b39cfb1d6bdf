/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The real system calls, until a test says otherwise: then they stall, fail,
 * copy where they should link, or let time pass. Calls on /proc stay honest.
 * May be used from any thread.
 */

#pragma once

#include "flufl-syscalls.h"

G_BEGIN_DECLS

typedef enum
{
  LIES_OPEN,
  LIES_READ,
  LIES_PWRITE,
  LIES_FSTAT,
  LIES_LSTAT,
  LIES_IDENTIFY,
  LIES_FUTIMENS,
  LIES_UTIMENS,
  LIES_FLOCK,
  LIES_LINK,
  LIES_RENAME,
  LIES_UNLINK,
  LIES_LIST,
  LIES_FS_KIND,
  LIES_ANY, /* each of the above */
} LiesCall;

typedef enum
{
  LIES_BEFORE, /* the call stalls before it does anything */
  LIES_AFTER,  /* it is carried out, and its answer stalls */
} LiesWhen;

extern const FluflSyscalls lies_syscalls;

/* Honest again; nothing counted. Fails if a call is stalled still. */
void  lies_reset        (void);

/* The next @times calls (-1: all) are not carried out, and say @errsv. */
void  lies_fail         (LiesCall    call,
                         int         errsv,
                         int         times);
/* So do those that come after the next @n. */
void  lies_fail_after   (LiesCall    call,
                         guint       n,
                         int         errsv);
/* All calls from now on wait for lies_let_go(). */
void  lies_stall        (LiesCall    call,
                         LiesWhen    when);
void  lies_let_go       (void);
/* Waits until so many calls stall at once. */
void  lies_wait_stalled (guint       n);
guint lies_n_stalled    (void);
/* How many came, stalled ones too. */
guint lies_count        (LiesCall    call);
/* Fails the test when this thread makes a call; NULL: none is forbidden. */
void  lies_forbid       (GThread    *thread);

/* The clock that goes on while the machine sleeps has gone on. */
void  lies_pass_time    (gint64      msec);
/* This machine's clock is so much ahead of the file server's. */
void  lies_skew         (gint64      msec);
/* Each time link(2) finds a lock six seconds have passed before the answer is
 * there: long enough for a lock that is left alone to have rested. For objects
 * with a lifetime of hours, which do not touch their claims meanwhile. */
void  lies_rest         (void);

/* What the directory is said to lie on; UNASKED: the truth. */
void  lies_fs_kind      (FluflFsKind kind);
/* link(2) makes a copy instead, and says nothing. */
void  lies_copy_links   (gboolean    copies);

G_END_DECLS
