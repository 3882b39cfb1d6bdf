/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A waiter, and the claims beside its own, on the disk in memory.
 */

#pragma once

#include "flufl-queue.h"
#include "protocol-util.h"

typedef struct
{
  Proc           p;
  FluflQueue     queue;
  FluflQueueView view;
  FluflIdentity  us;
  guint64        ticket; /* of p's claim */
  gboolean       collect;
} Line;

void     line_init              (Line                *self);
void     line_clear             (Line                *self);
void     line_look              (Line                *self);
/* A claim that came @later than that of the waiter. */
char    *line_put               (Line                *self,
                                 const FluflIdentity *who,
                                 gint64               later);
gboolean line_skip_without_boot (Line                *self);
