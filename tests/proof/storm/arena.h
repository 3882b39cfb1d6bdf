/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The memory that the processes of the storm share, besides the lock.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The size of the file that storm.py makes. */
#define ARENA_SIZE (1 << 23)
#define ARENA_DELETIONS 65536
#define ARENA_HOLES 1024
#define ARENA_SLOTS 256

/* A deletion by the person, after @t0 and before @t1. */
typedef struct
{
  guint64 claim; /* of the lock, or the deleted claim itself: arena_name_id() */
  gint64  t0, t1; /* monotonic us */
  int     what;
} Deletion;

enum
{
  DELETED_LOCK = 1 << 0,
  DELETED_CLAIM = 1 << 1,
};

/* A release that ended well although its lock was deleted meanwhile. It may have removed
 * another lock, which its maker linked after @t0 and before @t1. */
typedef struct
{
  gint64 t0, t1;
} Hole;

enum
{
  SLOT_OUT,
  SLOT_INSIDE,
  SLOT_LOOKING,   /* inside, and about to look whether it still has the lock */
  SLOT_RELEASING, /* no longer inside */
};

/* A process, and its turn. Only that process writes here. */
typedef struct
{
  int     pid;
  int     state;
  int     beats;     /* whether a heartbeat may give up the lock */
  guint   turn;      /* the number of the turn */
  guint64 claim;     /* of this turn */
  gint64  begun;     /* when the acquisition began */
  gint64  entered;
  gint64  releasing; /* when the last call that looks or releases began */
} Slot;

/* worker.py has the beginning of this structure, too. In a storm without deletions only the
 * holder of the lock writes here, except to owner, overlaps and losses. */
typedef struct
{
  int    owner; /* pid of the process that is inside, or was when it died */
  int    overlaps;
  gint64 sections;
  gint64 flufl_sections;
  gint64 compat_sections;
  gint64 last; /* monotonic us */
  gint64 longest_silence;
  int    stop;
  int    losses;       /* reported by a refresh, a release or a heartbeat */
  int    early_losses; /* those before the end of the lease that no deletion explains */
  int    deletes;      /* whether there is a person who deletes */
  int    deleted_locks;
  int    deleted_claims;
  int    explained_overlaps;
  int    explained_losses;
  int    untold; /* deletions that a later refresh or release did not report */
  int    n_holes;

  guint    deleting; /* odd: a file may be gone that is not recorded below yet */
  guint    n_deletions;
  Deletion deletions[ARENA_DELETIONS]; /* the latest ones */
  Hole     holes[ARENA_HOLES];
  Slot     slots[ARENA_SLOTS];
} Arena;

G_STATIC_ASSERT (sizeof (Arena) <= ARENA_SIZE);

Arena   *arena_open    (const char *path);
guint64  arena_name_id (const char *path);

G_END_DECLS
