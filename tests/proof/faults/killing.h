/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Processes that act in a scene and die before one of their calls, and what they may leave. How
 * such a process is started and dies differs from system to system, and is the test's part.
 */

#pragma once

#include "faulty-calls.h"
#include "scenes.h"

G_BEGIN_DECLS

/* The step in which the time of a recovery is measured. */
#define KILLING_STEP (FAKE_SEC * 9 / 10)

/* Shared by both processes. */
typedef struct
{
  int      holder;    /* pid of the process that says it has the lock; 0: none */
  int      doomed;    /* pid of a process that is about to be killed */
  int      overlaps;
  gboolean prepared;
  gboolean guarded;   /* another holds the lock, in the victim's process */
  gboolean ended;     /* the victim came to its end */
  gboolean believes;  /* it had the lock then by its own word, with a lease that ran */
  guint    n_calls;
  gboolean hits_lock; /* the call at which it stops is unlink(2) of the lock file */
} Ring;

typedef struct
{
  const char *name;
  FluflFsKind kind;
  gboolean    break_dead; /* the newcomer looks whether the victim is alive */
} Ground;

#define N_GROUNDS 3

/* By life-line, process identity, and expiry. */
extern const Ground grounds[N_GROUNDS];

/* How the victim's process comes and goes. */
typedef struct
{
  /* Starts a process that calls killing_perform(), and returns its pid. */
  int      (*start)     (guint    nth,
                         gboolean contended);
  gboolean (*has_ended) (int pid);
  /* Waits for its end. Neither function is called again for this process. */
  void     (*await)     (int pid);
  /* Ends this process at once. */
  void     (*die)       (void);
} Killer;

/* The test that runs, and its sums. */
typedef struct
{
  const Disk   *disk;
  const Killer *killer;
  Ring         *ring;
  const Scene  *scene;
  const Ground *ground;
  guint         n_runs, n_complaints; /* of this test */
  guint         n_all_runs;
  GArray       *times[N_GROUNDS]; /* after which a newcomer got the lock, in nanoseconds */
} Killing;

extern Killing killing;

/* Prepares the tests, or a victim of another program. */
void  killing_init      (const Killer *killer);
void  killing_clear     (void);

/* In the victim's process. It stops, by @hook, before its call @nth; 0: before none. */
void  killing_perform   (guint         nth,
                         void        (*hook) (void),
                         void        (*wait) (void));
/* The victim is killed. It rests between two tries, or only a little if another contends. */
void  killing_suffer    (guint         nth,
                         gboolean      contended);

/* FALSE: the test is skipped. */
gboolean killing_begin  (const Scene  *scene);
void  killing_end       (void);
/* To be called before a victim is started. */
void  killing_reset     (void);
/* The number of calls of a victim that nobody stops. */
guint killing_count     (void);
/* Kills a victim before its call @nth, and judges. @contended: while a newcomer contends. */
void  killing_run       (guint         nth,
                         gboolean      contended);
void  killing_complain  (guint         nth,
                         const char   *format,
                         ...) G_GNUC_PRINTF (2, 3);
void  killing_say_times (void);

G_END_DECLS
