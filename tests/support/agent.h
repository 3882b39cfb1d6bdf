/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * One who takes a lock on a real directory, and waits for it. Timers are set so
 * late that only what is to be shown can end a wait; a wait that is not ended
 * kills the test.
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

/* All agents' calls. */
extern FluflSyscalls agent_sys;

/* FALSE if the test is skipped. */
gboolean agent_setup          (TestPlace    *place);
/* Without watches, for as long as the process lives. FALSE if a child does the test. */
gboolean agent_setup_blind    (TestPlace    *place);
void     agent_teardown       (TestPlace    *place);
/* How often a blind process has asked for watches. */
extern int agent_n_asked;

void     agent_init           (Agent        *self,
                               TestPlace    *place);
void     agent_clear          (Agent        *self);

/* For those who start the acquisition themselves. */
void     agent_prepare        (Agent        *self,
                               gint64        deadline,
                               GCancellable *cancellable);
void     agent_take           (Agent        *self);
void     agent_take_in_thread (Agent        *self,
                               GCancellable *cancellable);
void     agent_take_async     (Agent        *self,
                               GCancellable *cancellable);
/* Until what the two above began is over. */
void     agent_await          (Agent        *self);
void     agent_drop           (Agent        *self);

/* Until so many waiters have a watch. */
void     agent_await_watches  (guint         n);
/* After agent_setup(). GLib's watcher is late by 100 ms: there fewer turns must do. */
guint    agent_turns          (guint         n);

G_END_DECLS
