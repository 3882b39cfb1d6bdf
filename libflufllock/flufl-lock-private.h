/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#pragma once

#include "flufl-acquire.h"
#include "flufl-lock.h"
#include "flufl-pulse.h"

G_BEGIN_DECLS

typedef struct _FluflWatch FluflWatch;

struct _FluflLock
{
  GObject         parent_instance;

  /* Never change after construction. */
  GFile          *file;      /* owned; nullable only by misuse */
  const char     *separator; /* interned */

  /* Calls on the claim come one at a time, from operations and heartbeats.
   * Taken before mutex. */
  GMutex          disk;
  FluflSite       site;      /* lock_path is NULL where no lock can be */
  FluflClaim      claim;     /* has a path while this object has the lock */
  FluflClaim      parked;    /* has one while a claim is kept for the next use */

  GMutex          mutex;     /* protects what follows */
  gint64          lifetime;        /* ms */
  gint64          default_timeout; /* ms */
  FluflHeartbeat  heartbeat;
  gboolean        break_dead;
  gboolean        linger;
  GArray         *retry_errnos;    /* nullable */
  gboolean        busy;      /* an operation runs */
  gboolean        held;
  gboolean        lost;      /* the last holding ended in a loss */
  int             holder_pid; /* the process that acquired: a forked child is another */
  gboolean        warned_of_clocks; /* only touched while busy */
  guint           holding;   /* number of the present or last holding */
  char           *claim_path; /* owned; what claim-file shows */
  GMainContext   *context;   /* owned; that of the last acquisition */
  gint64          lease_end; /* monotonic, of what was last seen to be held */
  int             beat_errsv; /* what the last heartbeat failed with, or 0 */
  FluflPulse     *pulse;     /* owned; nullable */
  FluflWatch     *watch;     /* owned; nullable: over the end of the lease */
  GCancellable   *loss;      /* owned; made when it is asked for */
};

/* The table that new locks use; tests put theirs here. */
extern const FluflSyscalls *flufl_lock_syscalls;

gboolean flufl_lock_is_held      (FluflLock    *self);
void     flufl_lock_begin_holding (FluflLock   *self,
                                  FluflClaim   *claim,
                                  GMainContext *context,
                                  int           pid);
gboolean flufl_lock_end_holding  (FluflLock    *self);
void     flufl_lock_stop_pulse   (FluflLock    *self);
void     flufl_lock_renew_lease  (FluflLock    *self,
                                  gint64        since);
gboolean flufl_lock_lose         (FluflLock    *self);
void     flufl_lock_drop_remains (FluflLock    *self);
void     flufl_lock_drop_parked  (FluflLock    *self);
void     flufl_lock_notify_held  (FluflLock    *self);
void     flufl_lock_tell_lost    (FluflLock    *self,
                                  const GError *error);
void     flufl_lock_emit_waiting (FluflLock        *self,
                                  FluflLockDetails *details);

G_END_DECLS
