/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-document-private.h"
#include "flufl-lease.h"
#include "flufl-lock.h"

G_BEGIN_DECLS

typedef struct _FluflObserver FluflObserver;

struct _FluflLock
{
  GObject         parent_instance;

  GFile          *file;      /* owned; nullable only by misuse; atomic; replaced once, in a thread of
                              * the user's, if symbolic links led a document elsewhere */

  /* Never change after construction. */
  FluflDocument  *document;  /* owned; nullable: the lock is not that of a document */
  const char     *separator; /* interned */
  gboolean        separator_is_valid;
  const char     *host_name; /* interned; NULL: the machine's */
  const char     *program_name; /* interned; NULL: that of this process, if it has one */
  FluflLease     *lease;     /* owned; its site has the property without-links */

  /* Protected by the mutex of lease. */
  gint64          lifetime;        /* ms */
  gint64          default_timeout; /* ms */
  FluflHeartbeat  heartbeat;
  guint           break_dead : 1;
  guint           linger : 1;
  guint           watch_wanted : 1;
  guint           wanted : 1;
  guint           observed;        /* the number of the lease that … */
  FluflObserver  *observer;        /* … this is for; owned; nullable */
  gint64          waiting_delay;   /* ms */
  gboolean        warned_of_clocks; /* only touched by operations */
};

/* The table that new locks use; tests put theirs here. */
extern const FluflSyscalls *flufl_lock_syscalls;

/* flufl-lock-properties.c */
void     flufl_lock_install_properties (GObjectClass    *object_class);
void     flufl_lock_set_defaults      (FluflLock        *self);

/* flufl-lock-wanted.c */
void     flufl_lock_adjust_wanted     (FluflLock        *self);
void     flufl_lock_stop_wanted       (FluflLock        *self);

gboolean flufl_lock_check_usable      (FluflLock        *self,
                                       GError          **error);
gboolean flufl_lock_lifetime_is_valid (gint64            lifetime_ms);
gboolean flufl_lock_waiting_delay_is_valid (gint64       delay_ms);

void flufl_lock_notify_file  (FluflLock        *self);
void flufl_lock_notify_held  (FluflLock        *self);
void flufl_lock_notify_wanted (FluflLock        *self);
void flufl_lock_emit_lost (FluflLock        *self,
                           const GError     *error);
void flufl_lock_emit_waiting (FluflLock        *self,
                              FluflLockDetails *details);

G_END_DECLS
