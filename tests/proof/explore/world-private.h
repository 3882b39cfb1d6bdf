/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The types, variables and functions that the parts of a world share.
 */

#pragma once

#include "coroutine.h"
#include "world.h"

G_BEGIN_DECLS

#define NOBODY WORLD_MAX
#define MAX_INODES 256
#define MAX_FDS 8

/* One process. */
typedef struct
{
  guint       id;
  Coroutine  *coroutine;
  const char *script;     /* the actions that are still to come */
  Proc        proc;
  FluflQueue  queue;
  guint64     random;

  gboolean    started;
  gboolean    done;
  gboolean    gone;       /* dead, or the run is over: its calls do nothing */
  gboolean    crashed;
  gboolean    asleep;     /* until wake_at, or until the lock file has changed */
  gint64      wake_at;
  guint       seen_changes;

  const char *pending;    /* the call that comes next */
  gboolean    lossy;      /* its reply can get lost */
  gboolean    in_call;    /* asleep within a slow call, so nothing wakes it early */
  gint64      delayed_since; /* since then it may be delayed for half the grace; 0: for ever */
  int         lost_as;    /* errno of its lost reply; 0: it is not lost */

  guint64     history;    /* hash of all answers, which are all that it knows */
  guint       last_reader; /* the maker of the claim that it has read last */

  gboolean    holding;
  gboolean    robbed;     /* a person has deleted the lock that it holds */
  gboolean    excused;    /* a person has deleted something since it looked at the lock file */
  gint64      lease_end;  /* boot time */
  gboolean    was_late;   /* it has refreshed a lock that had expired */
  gboolean    collecting; /* removes dead waiters' claims */
  int         fds[MAX_FDS]; /* 0: none */
  gboolean    locked[MAX_FDS]; /* by flock(2) */
} Actor;

/* The facts about a file that are not on the disk. */
typedef struct
{
  guint    owner;     /* its maker; NOBODY: it was there before */
  guint    number;    /* its number among the files of its owner */
  gboolean published; /* it has been the lock */
  gboolean given_up;  /* its owner has removed its name */
  guint    writes;
} File;

typedef struct
{
  char   *path;
  guint64 hash;
  guint   maker;
} Name;

typedef struct
{
  const Scenario *scenario;
  Budget    budget;     /* what is left */
  guint     tries;
  gint64    skew;
  Actor     actors[WORLD_MAX];
  guint     n_actors;
  Actor    *current;
  Actor    *last;       /* the process of the last step */
  int       last_span;  /* -1: no time has passed since the last step */
  gboolean  solo;       /* calls do not wait for a choice */
  guint     changes;    /* of the lock file */
  gboolean  lost_any, crashed_any, delayed_any, deleted_any, moved_any;
  File      files[MAX_INODES];
  guint     n_made[WORLD_MAX + 1];
  Name      names[64];
  guint     n_names;
  char     *violation;
  GString  *log;
  Chooser   chooser;
  gpointer  user_data;
  gboolean  cut;
} World;

extern World world;
extern const FluflSyscalls world_syscalls;

/* world.c */
/* Whether nothing but two holders is a violation. */
gboolean world_is_lenient (void);
/* By how much the clock of @a is ahead. */
gint64  actor_skew      (const Actor *a);
gint64  world_boot_now  (void);
void    world_violation (const char *format, ...) G_GNUC_PRINTF (1, 2);
void    world_note      (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* choices.c */
/* The actor whose call is next; NULL if the run is over. */
Actor  *world_choose    (void);
void    world_schedule  (void);
void    world_sleep     (Actor *a, gint64 nsec);
/* The call that comes next takes @nsec. Returns whether the process is still there after it. */
gboolean world_be_slow  (Actor *a, const char *call, gint64 nsec);
void    actor_crash     (Actor *a);
void    actor_close_files (Actor *a);

/* names.c */
/* Whether the scenario has no hard links: those of a kind that no other scenario has. */
gboolean world_is_exclusive (void);
/* Whether the file is a mark, which no hard link has. */
gboolean world_is_mark    (const char *path);
/* Takes note of a file that was there before. */
void    world_adopt       (const char *path);
void    world_add_name    (const char *path, guint maker);
void    world_remove_name (const char *path);
gboolean world_is_lock    (const char *path);
/* "L", or "C1.2": the second file that process 1 made, by one of its names. */
const char *world_short_name (const char *path);
/* Nullable. */
File   *world_file_at     (const char *path);
File   *world_file_of     (int fd);

/* person.c */
/* Deletes files as a person does who knows nothing of leases and tokens. */
void    world_delete      (Deletion what);
/* Marks the holder of the lock, which does not know that its lock is gone. */
void    world_rob_holder  (void);
void    world_excuse_all  (void);

/* script.c */
void    actor_run       (Actor *a);
FluflOutcome actor_acquire (Actor *a, int tries, gboolean queue);
void    actor_entered   (Actor *a);

/* flufl-double.c */
gboolean flufl_double_acquire (Actor *a, int tries);
gboolean flufl_double_refresh (Actor *a);
void     flufl_double_release (Actor *a);

static inline guint64
mix (guint64 hash, guint64 value)
{
  hash = (hash ^ value) * G_GUINT64_CONSTANT (0xff51afd7ed558ccd);
  hash ^= hash >> 32;
  hash *= G_GUINT64_CONSTANT (0xc4ceb9fe1a85ec53);
  return hash ^ hash >> 29;
}

G_END_DECLS
