/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Names of claim files: docs/protocol.md, "Claim names". No I/O.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FLUFL_NAME_MAX 255      /* bytes in a file's name */
#define FLUFL_UNIQUE_MAX 80     /* bytes in the field UNIQUE, without the program's name */
#define FLUFL_PROGRAM_MAX 32    /* bytes of a program's name that a claim's name shows */
#define FLUFL_CUT_FORMS 3       /* how the end of a shortened name is made */
#define FLUFL_SEPARATOR_MAX 8   /* bytes; three of them stand in a name */

/* What a claim's name says besides who made it. */
typedef enum
{
  FLUFL_MARK_NONE = 0,
  FLUFL_MARK_LIFE_LINE = 1 << 0,
  FLUFL_MARK_KEPT = 1 << 1,
  FLUFL_MARK_EXCLUSIVE = 1 << 2, /* of the exclusive-create protocol */
  FLUFL_MARK_SPELLINGS = 1 << 3, /* a file may be opened by other spellings of its name; no letter in
                                  * the claim's name */
} FluflMarks;

/* The description of a process in its claims' names. Empty: not known. */
typedef struct
{
  char host[256];  /* as the system says it: names have it cleaned */
  int  pid;
  char boot[9];    /* hash of the kernel's boot id */
  char space[9];   /* hash of boot id, pid and time namespace */
  char start[17];  /* the process's start, clock ticks after boot, hex */
  char image[9];   /* hash of what execve(2) gave the program that runs in the process */
  const char *program; /* what people call the program; NULL: claims do not name it */
} FluflIdentity;

/* A parsed claim name. */
typedef struct
{
  char     name[FLUFL_NAME_MAX + 1]; /* the whole */
  char     host[FLUFL_NAME_MAX + 1];
  gboolean host_cut;     /* host is only the beginning of the host's name */
  int      pid;
  gboolean ours;         /* UNIQUE is of this library's making; the rest is
                          * valid only then, and empty where missing */
  guint64  arrival;      /* nanoseconds of real time */
  gboolean life_line;    /* the holder keeps a flock on the claim */
  gboolean kept;         /* named for a later use: it is idle, or the lock, but
                          * never waits; only a link count shows which */
  char     boot[17];
  char     space[17];
  char     start[17];
  char     image[17];
  char     program[FLUFL_PROGRAM_MAX + 1];
} FluflClaimName;

gboolean flufl_separator_is_valid (const char          *separator);
char    *flufl_claim_name_build   (const char          *lock_path,
                                   const char          *separator,
                                   const FluflIdentity *identity,
                                   guint64              arrival,
                                   guint64              random,
                                   FluflMarks           marks);
gboolean flufl_claim_name_parse   (const char          *name,
                                   gsize                length,
                                   const char          *lock_name,
                                   const char          *separator,
                                   FluflClaimName      *out_claim);
char    *flufl_claim_name_dup_cut_end (const char      *lock_name,
                                       guint            form);
char    *flufl_claim_name_dup_lock (const char         *name,
                                   const char          *separator);
gboolean flufl_claim_name_is_spelling (const char       *field,
                                       const char       *lock_name);
char    *flufl_claim_name_fold    (const char          *name);

G_END_DECLS
