/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the processes of the storm share, and the lock knows nothing of.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Of the file, see storm.py. */
#define ARENA_SIZE (1 << 23)
#define ARENA_DELETIONS 65536
#define ARENA_HOLES 1024
#define ARENA_SLOTS 256

/* What was deleted, and when: after @t0 and before @t1. */
typedef struct
{
  guint64 claim; /* the lock's, or the file itself: arena_name_id() */
  gint64  t0, t1; /* monotonic us */
  int     what;
} Deletion;

enum
{
  DELETED_LOCK = 1 << 0,
  DELETED_CLAIM = 1 << 1,
};

/* A release that ended well although its lock was deleted during it: it may have removed
 * another one, whose maker linked it after @t0 and before @t1. */
typedef struct
{
  gint64 t0, t1;
} Hole;

enum
{
  SLOT_OUT,
  SLOT_INSIDE,
  SLOT_LOOKING,   /* inside, and about to see whether it is still so */
  SLOT_RELEASING, /* no more inside */
};

/* A process, and its turn. Only that process writes here. */
typedef struct
{
  int     pid;
  int     state;
  int     beats;     /* whether a heartbeat may give up the lock */
  guint   turn;      /* counts them */
  guint64 claim;     /* of this turn */
  gint64  begun;     /* the acquisition */
  gint64  entered;
  gint64  releasing; /* the last call that releases */
} Slot;

/* The beginning is that of worker.py, too. In a storm without deletions whoever has the lock,
 * and nobody else, writes anything there but owner, overlaps and losses. */
typedef struct
{
  int    owner; /* pid of who is inside, or was when it died */
  int    overlaps;
  gint64 sections;
  gint64 flufl_sections;
  gint64 last; /* monotonic us */
  gint64 longest_silence;
  int    stop;
  int    losses;       /* told at a refresh or release, or by a heartbeat */
  int    early_losses; /* of them, before the lease can have been over, and not explained */
  int    deletes;      /* whether there is a person who deletes */
  int    deleted_locks;
  int    deleted_claims;
  int    explained_overlaps;
  int    explained_losses;
  int    untold; /* of a deletion, by a refresh or a release after it */
  int    n_holes;

  guint    deleting; /* odd: something may be gone that is not yet below */
  guint    n_deletions;
  Deletion deletions[ARENA_DELETIONS]; /* the last of them */
  Hole     holes[ARENA_HOLES];
  Slot     slots[ARENA_SLOTS];
} Arena;

G_STATIC_ASSERT (sizeof (Arena) <= ARENA_SIZE);

Arena   *arena_open    (const char *path);
guint64  arena_name_id (const char *path);

G_END_DECLS
