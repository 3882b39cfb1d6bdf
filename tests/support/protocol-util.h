/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Processes on the disk in memory. Each is a claim and a site of its own.
 */

#pragma once

#include "fake-disk.h"
#include "flufl-attempt.h"

G_BEGIN_DECLS

#define LOCK "/d|e/x.lock"
#define LIFETIME (15 * FAKE_SEC)

/* The name of a claim of another host. */
#define FOREIGN "x.lock|elsewhere|77|123456789"

/* The calls of a break, by name and number. They look at the breaker's claim, the lock file, the
 * holder's claim, and, with the token, at the lock file again. */
#define SEES_HOLDERS_CLAIM "lstat", 3
#define WINS_TOKEN "unlink", 1
#define LOOKS_AGAIN "lstat", 4

typedef struct
{
  FluflSite     site;
  FluflClaim    claim;
  FluflFindings found;
  gboolean      break_dead;
} Proc;

void         proc_init    (Proc *self);
/* Makes a process on another disk. proc_acquire() and proc_has_it() know only that in memory. */
void         proc_init_at (Proc                *self,
                           const FluflSyscalls *sys,
                           const char          *lock_path);
/* The same, with the separator of this system in the names of claims: a real disk may have no
 * other. */
void         proc_init_native (Proc                *self,
                               const FluflSyscalls *sys,
                               const char          *lock_path);
void         proc_clear   (Proc *self);
FluflOutcome proc_attempt (Proc *self);
void         proc_acquire (Proc *self);
FluflOutcome proc_release (Proc *self);
/* Keeps the claim for the next attempt. */
FluflOutcome proc_park    (Proc *self);
FluflOutcome proc_refresh (Proc *self);
void         proc_abandon (Proc *self);
/* The process dies. Its files stay as they are. */
void         proc_die     (Proc *self);
gboolean     proc_has_it  (Proc *self);
void         assert_disk_empty (void);

/* A claim, linked to LOCK if @linked, of another host, that expires @seconds
 * from now. */
void         put_claim    (const char *name,
                           gboolean    linked,
                           double      seconds);
void         blank_file   (const char *path,
                           gsize       n_zeros);

G_END_DECLS
