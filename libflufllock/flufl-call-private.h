/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the ways to run an operation share.
 */

#pragma once

#include "flufl-call.h"

G_BEGIN_DECLS

/* Of a worker that is waited for. */
enum
{
  PROGRESS_NONE, /* there is none */
  PROGRESS_BUSY,
  PROGRESS_DONE,
  PROGRESS_LEFT, /* nobody waits for it any more */
};

gboolean flufl_call_step       (FluflCall *self,
                                gint64    *out_when);
gboolean flufl_call_begin      (FluflCall *self);
void     flufl_call_settle     (FluflCall *self);
gboolean flufl_call_belongs_to_parent (const FluflCall *self);
void     flufl_call_free       (gpointer   data);

G_END_DECLS
