/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The hold of a FluflLock on its lock, and the claim that it keeps for its next use. The heartbeat
 * and workers have references to the lease, and none to the object. So an object is finalized when
 * its user drops it, in the user's thread.
 *
 * These functions end something, and none does another's work:
 *
 * | Function | Ends | On disk |
 * |-|-|-|
 * | flufl_lease_end() | the lease, with a release or a break | nothing: the caller does it before or after, with the disk mutex |
 * | flufl_lease_lose() | the lease, by a loss; keeps the cause | nothing |
 * | flufl_lease_drop_remains() | nothing | removes the claim of a lost lease |
 * | flufl_lease_let_go() | the lease, or only the kept claim | removes it, if need be in a worker |
 * | flufl_lease_let_go_of() | one lease, and no later one | as let_go() |
 * | flufl_lease_abandon() | a running acquisition, and what let_go() ends | as let_go() |
 * | flufl_lease_forget_object() | signals: the object is being disposed of | nothing |
 * | flufl_lease_close() | the object's part in the lease: it is finalized | nothing |
 */

#pragma once

#include <gio/gio.h>

#include "flufl-acquire.h"
#include "flufl-enums.h"
#include "flufl-pulse.h"
#include "flufl-report-private.h"
#include "flufl-tie-private.h"

G_BEGIN_DECLS

typedef struct _FluflLease FluflLease;
typedef struct _FluflHeart FluflHeart;

struct _FluflLease
{
  gatomicrefcount refs;
  int            process;    /* flufl_process_mark() of the process that owns the lease; atomic */

  /* Serializes the calls on the claims, by operations and heartbeats. Taken before mutex:
   * CONTRIBUTING.md, "Mutexes". */
  GMutex         disk;
  FluflClaim     claim;      /* has a path while the lock is held, or may be */
  FluflClaim     kept;       /* has a path while a claim is kept for the next use … */
  gint64         kept_at;    /* … since then, in monotonic microseconds */
  gboolean       idle_is_due; /* idle has an appointment */
  FluflQueue     queue;      /* what the last acquisition learned of other waiters */

  /* Protects what follows, and the object's settings. No call on the lock's disk is made with it. */
  GMutex         mutex;
  FluflSite      site;       /* lock_path is NULL where no lock can be. The first operation on the
                              * lock of a document replaces it. The old one is freed with the
                              * object, since other threads may still read it */
  gboolean       busy;       /* an operation runs that no other may run beside */
  gboolean       won;        /* the lock is this object's … */
  int            held;       /* … and its user knows; atomic, written with the mutex */
  FluflLoss      loss;       /* how the last lease ended; NONE: not in a loss … */
  int            loss_errsv; /* … and what kept it from being refreshed, or 0 */
  FluflLoss      past_loss;  /* the loss before the present lease; NONE: there was none … */
  int            past_errsv; /* … as loss_errsv … */
  guint          past_number; /* … of that lease */
  guint          number;     /* of the present or last lease … */
  gint64         begun;      /* … which began then; boot time in nanoseconds */
  char          *claim_path; /* owned; nullable; of the claim that is the lock, or was the last one */
  gint64         end;        /* boot time in nanoseconds */
  gint64         lifetime;   /* nanoseconds; what the heartbeat refreshes it for */
  FluflHeartbeat heartbeat;
  FluflHeart    *heart;      /* owned; nullable; of a lease with a heartbeat; atomic, written
                              * with the mutex */
  int            beat_errsv; /* what the last beat failed with, or 0 */
  gboolean       lost_fired;
  GMainContext  *context;    /* owned; that of the last acquisition; NULL: the default one */
  gboolean       is_closed;  /* there is no object any more */
  gboolean       keeps;      /* kept has a path */
  FluflPulse    *idle;       /* owned; nullable; lets go of what is kept for long */
  GCancellable  *lost;       /* owned; nullable: nobody has asked for it */
  int           *given_up;   /* borrowed; nullable; atomic; ends the acquisition that runs … */
  FluflSleeper  *acquirer;   /* borrowed; nullable; … once this is woken */
  GThread       *acquiring_thread; /* borrowed; of a synchronous one; nullable */
  guint          acquisition; /* its number, not 0 */
  int            release_at_exit; /* atomic */
  gpointer       leases;     /* the process's list that contains this lease; nullable */
  GList          link;       /* in that list */
  FluflTie      *tie;        /* owned; nullable; to the FluflLock, until it is disposed of */
  GSList        *followers;  /* of FluflObserver, which have a reference; atomic, written with the mutex */
};

FluflLease *flufl_lease_new           (void);
FluflLease *flufl_lease_ref           (FluflLease       *self);
void        flufl_lease_unref         (gpointer          self);
void        flufl_lease_close         (FluflLease       *self);

void        flufl_lease_enter_process (FluflLease       *self);
void        flufl_lease_lock          (FluflLease       *self);
void        flufl_lease_unlock        (FluflLease       *self);
void        flufl_lease_lock_disk     (FluflLease       *self);
void        flufl_lease_unlock_disk   (FluflLease       *self);
void        flufl_lease_copy_site     (FluflLease       *self,
                                       FluflSite        *out_site);
void        flufl_lease_learn_site    (FluflLease       *self,
                                       FluflSite        *site);
void        flufl_lease_learn_site_locked (FluflLease   *self,
                                       FluflSite        *site);

gboolean    flufl_lease_begin         (FluflLease       *self,
                                       FluflClaim       *claim,
                                       const FluflSite  *site,
                                       FluflHeartbeat    heartbeat,
                                       GMainContext    **context);
gboolean    flufl_lease_confirm_win (FluflLease       *self,
                                      gpointer          object);
FluflTie   *flufl_lease_get_tie       (FluflLease       *self);
void        flufl_lease_forget_object (FluflLease       *self);
gboolean    flufl_lease_is_held       (FluflLease       *self);
FluflLockState flufl_lease_judge      (FluflLease       *self,
                                       const FluflLook  *look,
                                       FluflLiveness     liveness);
void        flufl_lease_renew         (FluflLease       *self,
                                       gboolean          is_certain);
void        flufl_lease_stop_heart    (FluflLease       *self);
gboolean    flufl_lease_begin_acquiring (FluflLease     *self,
                                       int              *given_up,
                                       FluflSleeper     *acquirer,
                                       GThread          *thread);
void        flufl_lease_end_acquiring (FluflLease       *self,
                                       int              *given_up);
gboolean    flufl_lease_end           (FluflLease       *self);
gboolean    flufl_lease_lose          (FluflLease       *self,
                                       guint             number,
                                       gboolean          late,
                                       FluflLoss        *out_loss,
                                       int              *out_errsv);
gint64      flufl_lease_get_age       (FluflLease       *self);
gint64      flufl_lease_get_left      (FluflLease       *self);
GError     *flufl_lease_report_loss   (FluflLease       *self);
void        flufl_lease_emit_loss     (FluflLease       *self,
                                       gpointer          object,
                                       guint             number);
GError     *flufl_lease_report_loss_of (FluflLease      *self,
                                       guint             number);
void        flufl_lease_post_loss     (FluflLease       *self,
                                       guint             number);
void        flufl_lease_drop_remains  (FluflLease       *self);

void        flufl_lease_keep          (FluflLease       *self);
void        flufl_lease_make_ready    (FluflLease       *self,
                                       FluflClaim       *out_claim);

/* flufl-lease-end.c */
gboolean    flufl_lease_enlist        (FluflLease       *self);
void        flufl_lease_delist        (FluflLease       *self);
void        flufl_lease_let_go        (FluflLease       *self,
                                       gboolean          only_kept);
gboolean    flufl_lease_let_go_of     (FluflLease       *self,
                                       guint             number);
void        flufl_lease_abandon       (FluflLease       *self);
GPtrArray  *flufl_lease_list_all      (void);
gboolean    flufl_lease_abandon_all   (GPtrArray        *leases,
                                       gint64            until);

/* Milliseconds after which a claim that is kept, and not used, is let go; atomic. */
extern int flufl_lease_idle_ms;

/* flufl-heart.c */
extern gint64 flufl_heart_untold_max; /* changed by tests only */
FluflHeart *flufl_heart_start         (FluflLease       *lease);
void        flufl_heart_confirm       (FluflHeart       *self);
void        flufl_heart_adjust        (FluflHeart       *self);
void        flufl_heart_stop          (FluflHeart       *self);

G_END_DECLS
