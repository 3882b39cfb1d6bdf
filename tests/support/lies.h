/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The real system calls, until a test asks for lies: then they stall, fail, copy where they
 * should link, or let time pass. Calls on /proc stay honest. Any thread may use this.
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

/* Makes all calls honest again, and their counts 0. Fails if a call still stalls. */
void  lies_reset        (void);

/* The next @times calls (-1: all) are not carried out, and fail with @errsv. */
void  lies_fail         (LiesCall    call,
                         int         errsv,
                         int         times);
/* The calls after the next @n do the same. */
void  lies_fail_after   (LiesCall    call,
                         guint       n,
                         int         errsv);
/* All calls from now on wait for lies_let_go(). */
void  lies_stall        (LiesCall    call,
                         LiesWhen    when);
void  lies_let_go       (void);
/* Waits until @n calls stall at once. */
void  lies_wait_stalled (guint       n);
guint lies_n_stalled    (void);
/* The number of calls, including those that stall. */
guint lies_count        (LiesCall    call);
/* Fails the test when this thread makes a call; NULL: none is forbidden. */
void  lies_forbid       (GThread    *thread);

/* Sets the boot clock @msec milliseconds forward, as if the machine had been suspended. */
void  lies_pass_time    (gint64      msec);
/* Sets this machine's clock @msec milliseconds ahead of the file server's. */
void  lies_skew         (gint64      msec);
/* Lets six seconds pass in each link(2) that finds a lock. A lock that is left alone has then
 * rested. For objects with a lifetime of hours, which do not touch their claims meanwhile. */
void  lies_rest         (void);

/* The kind of file system that calls report for the directory. UNASKED: the real one. */
void  lies_fs_kind      (FluflFsKind kind);
/* link(2) makes a copy instead, and reports success. */
void  lies_copy_links   (gboolean    copies);

G_END_DECLS
