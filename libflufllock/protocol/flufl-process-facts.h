/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the kernel says of this process and of others. Each system has a file for it.
 */

#pragma once

#include "flufl-claim-name.h"
#include "flufl-syscalls.h"

G_BEGIN_DECLS

typedef enum
{
  FLUFL_PROCESS_UNKNOWN,
  FLUFL_PROCESS_NONE,    /* no process has the number */
  FLUFL_PROCESS_RUNNING,
  FLUFL_PROCESS_STOPPED, /* it was told to stop, or is being debugged: it may go on at any moment */
  FLUFL_PROCESS_ENDED,   /* it only waits to be reaped */
} FluflProcessState;

void              flufl_process_facts_find (const FluflSyscalls *sys,
                                            FluflIdentity       *id);
FluflProcessState flufl_process_facts_ask  (const FluflSyscalls *sys,
                                            int                  pid,
                                            guint64             *out_start);

G_END_DECLS
