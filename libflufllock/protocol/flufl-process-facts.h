/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the kernel says of this process and of others. Each system has a file for it.
 */

#pragma once

#include <string.h>

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

/* The first eight digits of the text's SHA-256, as the tags B and N have them. */
static inline void
flufl_process_facts_hash (const char *text, char out[9])
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  memcpy (out, sum, 8);
  out[8] = '\0';
}

void              flufl_process_facts_find (const FluflSyscalls *sys,
                                            FluflIdentity       *id);
void              flufl_process_facts_name (const FluflSyscalls *sys,
                                            int                  pid,
                                            char                 out[FLUFL_PROGRAM_MAX + 1]);
FluflProcessState flufl_process_facts_ask  (const FluflSyscalls *sys,
                                            int                  pid,
                                            guint64             *out_start);

G_END_DECLS
