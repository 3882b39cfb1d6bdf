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

/* Times are monotonic microseconds. Each of these parts of an acquisition belongs to one file. */

/* When to try again, whatever is reported: flufl-acquire-time.c. */
typedef struct
{
  gint64 at;
  gint64 pause; /* the last one; 0: the next one is the first */
} FluflRetry;

/* Which file the waiter waits for: flufl-acquire-order.c. */
typedef struct
{
  FluflWatch     watch;
  int            events;   /* FluflWatchEvents since the last step; atomic */
  gboolean       armed;    /* the watch is on the predecessor or the lock file */
  gboolean       uncalled; /* the waiter was woken by the time, and not by the watch */
  FluflQueueView view;
  guint64        cleared;  /* the arrival of a predecessor that came long before us, and moves */
  guint          behind;   /* view.n_older when there was no watch … */
  gint64         moved;    /* … and since when it is that */
  guint64        asked;    /* the arrival of a predecessor that stays … */
  gint64         ask_at;   /* … and when to ask next whether it still waits */
} FluflOrder;

/* The lock is left free for a process of flufl.lock: flufl-acquire-gap.c. */
typedef struct
{
  gint64   until;    /* 0: it is not left free */
  guint    n_looks;  /* at the lock since then … */
  guint    n_free;   /* … and how many of them found it free */
  gboolean gave_way; /* it was left free once, and is not again */
} FluflGap;

/* A wait in which nothing has happened for long: flufl-acquire-quiet.c. */
typedef struct
{
  gboolean on;
  gboolean relies; /* another waiter of this process looks at the lock … */
  gint64   relies_until; /* … and this one asks by then whether it still does */
  gint64   until; /* nothing need be seen before this; 0: the time is over */
} FluflQuiet;

/* When to look for claims of dead processes: flufl-acquire-quiet.c. */
typedef struct
{
  gint64   at;
  gboolean more_dead; /* the last collection has left some */
} FluflCollection;

/* What the signal “waiting” has said of the holder: flufl-acquire.c. */
typedef struct
{
  gboolean done;
  guint    holder; /* the hash of its claim's name */
  gint64   at;     /* not before this */
} FluflAnnouncement;

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
  int             *given_up;    /* borrowed; nullable; atomic; like cancellable, but stays set
                                 * even if the cancellable is reset */
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
  gboolean         is_first;    /* no step has ended in a wait, except for its turn */
  gint64           looked;      /* when the lock file was last looked at */
  gint64           unsure_since; /* 0: the last attempt was answered */
  FluflRetry       retry;
  FluflOrder       order;
  FluflTurn        turn;        /* among the waiters of this process */
  gboolean         waits_turn;  /* behind others of them, without a claim … */
  gboolean         waited_turn; /* … or did */
  FluflGap         gap;
  FluflQuiet       quiet;
  FluflCollection  collection;
  FluflAnnouncement announcement;
};

/* Microseconds; tests make it long enough that only a watch can end a wait. */
extern gint64 flufl_acquire_patience;
/* Microseconds for which the lock is left free for a process of flufl.lock. */
extern gint64 flufl_acquire_gap;

void        flufl_acquire_begin (FluflAcquire *self);
FluflResult flufl_acquire_step  (FluflAcquire *self,
                                 gint64       *out_when);

G_END_DECLS
