/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The members of a monitor, and what its parts share.
 */

#pragma once

#include "flufl-lock-monitor.h"
#include "flufl-observer-private.h"

G_BEGIN_DECLS

/* Milliseconds. */
#define MONITOR_DEFAULT_INTERVAL 2000
#define MONITOR_INTERVAL_MIN 10
#define MONITOR_INTERVAL_MAX G_MAXINT

struct _FluflLockMonitor
{
  GObject           parent_instance;

  FluflLock        *lock;     /* owned; NULL once it is constructed */
  GFile            *file;     /* owned */
  FluflLease       *lease;    /* owned; of the lock, which the monitor does not keep */
  char             *document; /* owned; nullable; the path of the document whose lock it is */
  FluflTie         *tie;      /* owned; to the monitor itself */
  FluflObserver    *observer; /* owned; nullable */
  GError           *refusal;  /* owned; nullable; keeps it from looking, and is not reported yet */
  gint64            interval; /* ms */

  gboolean          ready;
  FluflLockState    state;
  FluflLockDetails *details;  /* owned; nullable */
  GError           *error;    /* owned; nullable */
};

G_END_DECLS
