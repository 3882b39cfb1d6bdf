/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * One acquisition: attempts, and the waits between them.
 */

#pragma once

#include <gio/gio.h>

#include "flufl-attempt.h"
#include "flufl-engine.h"
#include "flufl-queue.h"
#include "flufl-turn.h"
#include "flufl-watch.h"

G_BEGIN_DECLS

typedef enum
{
  FLUFL_RESULT_WAIT, /* never a final one */
  FLUFL_RESULT_HELD,
  FLUFL_RESULT_TIMED_OUT,
  FLUFL_RESULT_CANCELLED,
  FLUFL_RESULT_REFUSED, /* outcome says how */
  FLUFL_RESULT_FORKED,  /* it is the parent's, and this is a forked child */
} FluflResult;

typedef struct _FluflAcquire FluflAcquire;
typedef void (*FluflAcquireFunc) (FluflAcquire *self, gpointer user_data);

struct _FluflAcquire
{
  /* Set by the caller. */
  FluflSite       *site;        /* borrowed */
  gint64           lifetime;    /* nanoseconds */
  gint64           deadline;    /* monotonic microseconds; G_MAXINT64: none */
  gboolean         break_dead;
  FluflQueue      *queue;       /* borrowed; kept from one acquisition to the next */
  FluflSleeper    *sleeper;     /* borrowed; woken when there is something to do */
  GCancellable    *cancellable; /* borrowed; nullable */
  int             *given_up;    /* borrowed; the same for good, should it be reset; atomic;
                                 * nullable */
  gint64           announce_after; /* microseconds; 0: 250 ms */
  FluflAcquireFunc waiting;     /* called when it takes that long, and when another holder is seen
                                 * later; nullable */
  gpointer         user_data;

  /* Results. */
  FluflResult      result;
  FluflOutcome     outcome;
  FluflClaim       claim;       /* the lock, when HELD; else empty */
  FluflFindings    findings;

  /* Private. */
  int              process;     /* the mark of that which began it */
  gint64           started;
  gint64           timer;       /* when to look again, whatever is told */
  gint64           pause;       /* the last one; 0: the next is the first */
  gboolean         quiet;       /* nothing has happened for long … */
  gint64           quiet_until; /* … and need not be seen before this; 0: it is over */
  gint64           collect_at;  /* when to look for what the dead have left … */
  gboolean         more_dead;   /* … of which there may be more */
  gint64           looked;      /* when the lock file was last looked at */
  FluflWatch       watch;
  int              events;      /* FluflWatchEvents since the last step; atomic */
  gboolean         armed;       /* watch is on the predecessor or the lock file */
  FluflQueueView   view;
  guint64          cleared;     /* ticket of one that came long before us, and moves */
  guint            behind;      /* view.n_older when there was no watch … */
  gint64           moved;       /* … and since when it is that */
  guint64          asked;       /* ticket of the one before us that stays … */
  gint64           ask_at;      /* … and when to ask next what it does */
  gint64           gap_until;   /* the lock is left free for a stranger; 0: it is not */
  guint            gap_looks;   /* at the lock since then … */
  guint            gap_free;    /* … and so often it was free */
  gboolean         uncalled;    /* the timer came, and no word of the one before us */
  gboolean         gave_way;    /* left it free when it was our turn */
  gint64           unsure_since; /* 0: the last attempt was answered */
  gboolean         announced;
  guint            announced_holder; /* hash of its claim's name */
  gint64           announce_at; /* not before */
  FluflTurn        turn;        /* among the waiters of this process */
  gboolean         rests;       /* others of them are in front … */
  gboolean         rested;      /* … or were */
};

/* Microseconds; tests make it so long that only a watch can end a wait. */
extern gint64 flufl_acquire_patience;
/* Microseconds; so long the lock is left free for a stranger. */
extern gint64 flufl_acquire_gap;

void        flufl_acquire_begin (FluflAcquire *self);
FluflResult flufl_acquire_step  (FluflAcquire *self,
                                 gint64       *out_when);

G_END_DECLS
