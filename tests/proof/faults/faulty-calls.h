/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A table of system calls over another one. It notes each call, and lets one of them, by its
 * number, go wrong. Each process has its own; only one thread at a time may use it.
 */

#pragma once

#include "flufl-syscalls.h"

G_BEGIN_DECLS

typedef enum
{
  CALL_OPEN,
  CALL_CREATE, /* open(2) that makes a file */
  CALL_CLOSE,
  CALL_READ,
  CALL_PWRITE,
  CALL_FSTAT,
  CALL_LSTAT,
  CALL_IDENTIFY,
  CALL_FUTIMENS,
  CALL_UTIMENS,
  CALL_FLOCK,
  CALL_LINK,
  CALL_RENAME,
  CALL_UNLINK,
  CALL_LIST,
  CALL_KILL,
  CALL_RANDOM,
  CALL_FS_KIND,
  N_CALLS,
} Call;

typedef enum
{
  BLOW_NONE,
  BLOW_FAIL,  /* it is not carried out, and fails with errsv */
  BLOW_LOSE,  /* it is carried out, and fails with errsv all the same */
  BLOW_SHORT, /* it reads or writes one byte */
  BLOW_SLOW,  /* time passes before it is carried out */
  BLOW_HOOK_BEFORE,
  BLOW_HOOK_AFTER,
} BlowKind;

typedef struct
{
  BlowKind kind;
  int      errsv;
  gboolean for_ever; /* all later calls of its kind do the same */
  void   (*hook) (void);
  gint64   nsec;     /* the time that passes, in nanoseconds */
} Blow;

extern const FluflSyscalls faulty_syscalls;

const char *call_name     (Call                 call);

/* Begins anew: no call is noted, no file is open, and nothing goes wrong. @pass lets time pass. */
void     faulty_begin     (const FluflSyscalls *under,
                           void               (*pass) (gint64 nsec));
/* Lets the @nth call go wrong, where 1 is the first. */
void     faulty_order     (guint                nth,
                           const Blow          *blow);
/* @func is called just before the @nth call of that kind from now. */
void     faulty_meanwhile (Call                 call,
                           guint                nth,
                           void               (*func) (gpointer),
                           gpointer             data);
/* Makes all calls honest again. */
void     faulty_repent    (void);
gboolean faulty_has_struck (void);
guint    faulty_n_calls   (void);
Call     faulty_call      (guint                nth);
/* "unlink x.lock": what the call was and on what. */
const char *faulty_words  (guint                nth);
/* The number of files that this table has opened and not closed. */
guint    faulty_n_open    (void);

G_END_DECLS
