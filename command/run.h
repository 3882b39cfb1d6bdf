/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The subcommand “run” is two processes. The front is what the caller started. It passes signals
 * on, stops and continues as shells expect, and returns the exit status. The supervisor holds
 * the lock, and is the parent of the command. It goes on while the front is stopped, and ends
 * the command before it releases the lock if the front is killed. If the caller has left children to
 * the front, a third process is between the two: the keeper, which ends what a killed supervisor
 * leaves.
 */

#pragma once

#include <signal.h>

#include "acquire.h"

G_BEGIN_DECLS

/* What becomes of the command if the lock is lost. */
typedef enum
{
  ON_LOST_TERM, /* SIGTERM, and SIGKILL after some time */
  ON_LOST_KILL, /* SIGKILL */
  ON_LOST_WARN, /* nothing but a warning */
} OnLost;

typedef struct
{
  AcquireWish acquire;
  OnLost      on_lost;
  gint64      kill_after_ms;
  char      **argv;  /* the command */
} RunWish;

/* What the supervisor has to know of the front. */
typedef struct
{
  int   link;
  pid_t front_group;
  int   terminal;      /* a descriptor; -1: none */
  gboolean may_have_terminal; /* from its start, if the front has it then */
} RunFront;

int run_in_front  (const RunWish *wish);
int run_supervise (const RunWish *wish, const RunFront *front);

int run_keep (const sigset_t *mask);
int run_outlive_supervisor (pid_t command);

/* What a command is started with. */
typedef struct
{
  const RunWish  *wish;
  const RunFront *front;
  char          **environment;
} RunStart;

pid_t run_start (const RunStart *start, int *out_status);

G_END_DECLS
