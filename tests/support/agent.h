/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * An agent takes a lock on a real directory, and waits for it. Timers are set so late that only
 * the event under test can end a wait. A wait that does not end kills the test.
 */

#pragma once

#include "flufl-acquire.h"
#include "flufl-test-util.h"

G_BEGIN_DECLS

#define AGENT_HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)
#define AGENT_LIFETIME (3600 * FLUFL_NSEC_PER_SEC)

typedef struct
{
  FluflSite     site;
  FluflQueue    queue;
  FluflAcquire  acquire;
  GThread      *thread;
  int           done;
} Agent;

/* The system calls of all agents. */
extern FluflSyscalls agent_sys;

/* FALSE if the test is skipped. */
gboolean agent_setup           (TestPlace    *place);
/* Sets up agents without watches, for the life of the process. FALSE if a child runs the test. */
gboolean agent_setup_unwatched (TestPlace    *place);
void     agent_teardown        (TestPlace    *place);
/* The number of times that a process without watches has asked for them. */
extern int agent_n_asked;

void     agent_init           (Agent        *self,
                               TestPlace    *place);
void     agent_clear          (Agent        *self);

/* For tests that start the acquisition themselves. */
void     agent_prepare        (Agent        *self,
                               gint64        deadline,
                               GCancellable *cancellable);
void     agent_take           (Agent        *self);
void     agent_take_in_thread (Agent        *self,
                               GCancellable *cancellable);
void     agent_take_async     (Agent        *self,
                               GCancellable *cancellable);
/* Waits for the end of an acquisition that one of the two functions above began. */
void     agent_await          (Agent        *self);
void     agent_drop           (Agent        *self);

/* Waits until @n waiters have a watch. */
void     agent_await_watches  (guint         n);

G_END_DECLS
