/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The queue of waiters in a directory: finds the claim that a waiter waits for. The claims are in
 * the order of arrival that their names show, and each waiter waits for the one before it. The
 * queue is a hint. link(2) alone decides, so a process that does not know the queue does no harm.
 */

#pragma once

#include "flufl-claim.h"
#include "flufl-leftovers.h"

G_BEGIN_DECLS

/* What a lock object remembers of other waiters from one acquisition to the next: not the waiters
 * themselves, whose order is in the directory. All zero at first. */
typedef struct
{
  GPtrArray *passed_over;   /* nullable; names of claims that are passed over */
  gboolean   found_few;     /* the last reading: the next need not keep the names */
  guint      company;       /* how many arrivals still look at the queue first */
  gint64     unread_until; /* monotonic microseconds, as are … */
  gint64     small_until;   /* … this: until when the directory is taken to be small … */
  gint64     read_from; /* … and this: when a large one may be read; 0: not thought of yet */
  FluflLeftovers leftovers;
} FluflQueue;

/* What one look at the directory found. */
typedef struct
{
  gboolean       unread; /* the directory was not read: it is too large, or it is not its time yet */
  gboolean       is_kept; /* an earlier look at a large directory: claims may be gone */
  gboolean       more_dead; /* as many of the dead were collected as one look may */
  guint          n_older; /* claims that came before ours */
  gboolean       found;   /* predecessor is valid */
  FluflClaimName predecessor;
  gint64         head_start; /* the nanoseconds by which it came before us */
  gint64         other_since; /* ctime of other, which is valid unless it is 0 */
  FluflClaimName other; /* the oldest claim whose UNIQUE is not of this library */
} FluflQueueView;

void     flufl_queue_clear          (FluflQueue           *self);
void     flufl_queue_begin          (FluflQueue           *self);
void     flufl_queue_view           (FluflQueue           *self,
                                     FluflSite            *site,
                                     const FluflClaim     *claim,
                                     gboolean              collect,
                                     FluflQueueView       *out_view);
void     flufl_queue_pass_over         (FluflQueue           *self,
                                     const FluflClaimName *claim);
gboolean flufl_queue_check          (FluflQueue           *self,
                                     FluflSite            *site,
                                     const FluflClaimName *predecessor,
                                     gboolean              collect);
gboolean flufl_queue_owes_a_turn    (FluflQueue           *self,
                                     FluflSite            *site,
                                     const FluflQueueView *view);
gboolean flufl_queue_other_waits (FluflSite            *site,
                                     const FluflQueueView *view);
gboolean flufl_queue_expects_company (const FluflQueue    *self);
void     flufl_queue_met_company    (FluflQueue           *self);
void     flufl_queue_met_nobody     (FluflQueue           *self);

G_END_DECLS
