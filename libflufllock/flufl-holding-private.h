/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a FluflLock has to do with the disk: the claim, and what is known of its
 * lease. The heartbeat shares it with the object, and so has no need to keep
 * that alive: an object goes when its user says so, in the user's thread.
 */

#pragma once

#include "flufl-acquire.h"
#include "flufl-enums.h"
#include "flufl-pulse.h"
#include "flufl-report-private.h"

G_BEGIN_DECLS

typedef struct _FluflHolding FluflHolding;
typedef struct _FluflLease FluflLease;

/* Tells the object, which has been referenced, of a loss. */
typedef void (*FluflLossFunc) (gpointer object, const GError *error);

struct _FluflHolding
{
  gatomicrefcount refs;
  int           process;    /* the mark of that which this is of; atomic */

  /* Calls on the claim come one at a time, from operations and heartbeats.
   * Taken before mutex. */
  GMutex        disk;
  FluflSite     site;       /* lock_path is NULL where no lock can be */
  FluflClaim    claim;      /* has a path while the object has the lock */
  FluflClaim    parked;     /* has one while a claim is kept for the next use … */
  gint64        parked_at;  /* … since then; monotonic microseconds */

  GMutex        mutex;      /* protects what follows, and the object's settings */
  gboolean      busy;       /* an operation runs */
  gboolean      held;
  FluflLoss     lost;       /* how the last one ended; NONE: not in a loss … */
  int           lost_errsv; /* … and what kept it from being refreshed, or 0 */
  guint         number;     /* of the present or last one */
  char         *claim_path; /* owned; what claim-file shows */
  GMainContext *context;    /* owned; that of the last acquisition */
  FluflHeartbeat heartbeat; /* that of the last acquisition */
  gint64        lease_end;  /* monotonic, of what was last seen to be held */
  int           beat_errsv; /* what the last heartbeat failed with, or 0 */
  FluflSleeper *idle;       /* owned; nullable: has the appointment to let parked go */
  FluflPulse   *pulse;      /* owned; nullable */
  FluflLease   *lease;      /* owned; nullable: of one with a heartbeat */
  GCancellable *loss;       /* owned; made when it is asked for */

  FluflQueue    queue;      /* only touched by acquisitions: one at a time */

  /* Taken alone: a reference may run functions of a language's binding. */
  GMutex        object_mutex;
  gpointer      object;     /* borrowed; NULL once it is disposed of */
  FluflLossFunc tell_loss;
};

FluflHolding *flufl_holding_new          (FluflLossFunc     tell_loss);
FluflHolding *flufl_holding_ref          (FluflHolding     *self);
void          flufl_holding_unref        (FluflHolding     *self);
void          flufl_holding_close        (FluflHolding     *self);
void          flufl_holding_set_object   (FluflHolding     *self,
                                          gpointer          object);

void          flufl_holding_enter_process (FluflHolding    *self);
void          flufl_holding_lock         (FluflHolding     *self);
void          flufl_holding_unlock       (FluflHolding     *self);
void          flufl_holding_lock_disk    (FluflHolding     *self);
void          flufl_holding_unlock_disk  (FluflHolding     *self);

gboolean      flufl_holding_is_held      (FluflHolding     *self);
GError       *flufl_holding_report_loss  (FluflHolding     *self);
void          flufl_holding_stop_heart   (FluflHolding     *self);
gboolean      flufl_holding_end          (FluflHolding     *self);
gboolean      flufl_holding_lose         (FluflHolding     *self);
gboolean      flufl_holding_lose_number  (FluflHolding     *self,
                                          guint             number,
                                          gboolean          late);
void          flufl_holding_post_loss    (FluflHolding     *self,
                                          guint             number);
void          flufl_holding_drop_remains (FluflHolding     *self);
void          flufl_holding_drop_parked  (FluflHolding     *self);
void          flufl_holding_note_parked  (FluflHolding     *self);

/* Microseconds after which a claim that is kept, and not used, is let go. */
extern gint64 flufl_holding_idle_time;

/* flufl-heartbeat.c */
void          flufl_heartbeat_begin      (FluflHolding     *self,
                                          FluflClaim       *claim,
                                          GMainContext     *context,
                                          FluflHeartbeat    heartbeat);
void          flufl_heartbeat_renew      (FluflHolding     *self,
                                          gint64            since);

/* A holding that is refreshed; shared by the pulse and the appointment at its
 * end. Of nothing of GObject, for that would have its mutexes at any moment, and
 * a child that is forked just then would wait for them. */
struct _FluflLease
{
  gatomicrefcount refs;
  FluflHolding   *holding; /* owned */
  guint           number;
  int             over;    /* atomic; the holding is */
  FluflSleeper   *sleeper; /* owned; has the appointment at the end of the lease */
};

FluflLease   *flufl_lease_new            (FluflHolding     *holding);
FluflLease   *flufl_lease_ref            (FluflLease       *lease);
void          flufl_lease_unref          (gpointer          lease);

G_END_DECLS
