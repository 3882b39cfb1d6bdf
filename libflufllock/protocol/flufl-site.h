/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include "flufl-syscalls.h"

G_BEGIN_DECLS

/* Sums and differences of times that others may have set to anything: they end
 * at the ends of what can be said. */
static inline gint64
flufl_time_add (gint64 time, gint64 span)
{
  if (span > 0 && time > G_MAXINT64 - span)
    return G_MAXINT64;
  if (span < 0 && time < G_MININT64 - span)
    return G_MININT64;
  return time + span;
}

static inline gint64
flufl_time_since (gint64 time, gint64 earlier)
{
  if (earlier < 0 && time > G_MAXINT64 + earlier)
    return G_MAXINT64;
  if (earlier > 0 && time < G_MININT64 + earlier)
    return G_MININT64;
  return time - earlier;
}

/* A time before @middle as one that is equally long after it, and back. */
static inline gint64
flufl_time_mirror (gint64 time, gint64 middle)
{
  return flufl_time_add (middle, flufl_time_since (middle, time));
}

/* The time after its expiration for which a lock is left alone, since clocks differ. flufl.lock
 * does the same. */
#define FLUFL_SLOP (10 * FLUFL_NSEC_PER_SEC)

/* The grace, in which no breaker without the life-line touches a lock file that has changed.
 * Actions check a deadline of half of it before each link and unlink: docs/protocol.md, "Grace". */
#define FLUFL_GRACE (5 * FLUFL_NSEC_PER_SEC)

/* Where a lock is, and by which calls it is reached. */
typedef struct
{
  const FluflSyscalls *sys;
  char                *lock_path;  /* owned; absolute */
  const char          *lock_name;  /* the last part of lock_path */
  const char          *separator;  /* interned */
  const char          *host_name;  /* interned; what new claims call this machine; NULL: its name */
  const char          *program_name; /* interned; what new claims call the program; NULL: nothing */
  const char          *subject;    /* interned; nullable; what messages call the lock */
  /* A byte each, since each idle object has a site. */
  guint8               has_parent; /* ".." is a part of lock_path */
  guint8               fs_kind;    /* a FluflFsKind; asked for until it is known */
  guint8               without_links; /* the user says so of a file system of kind OTHER */
  guint8               exclusive;  /* locks are created exclusively here, and not linked; valid
                                    * once fs_kind is known */
  guint8               no_life_lines; /* flock(2) was tried here and failed */
  guint8               names_kept; /* new claims are named to be kept: set for an
                                    * operation, until it meets a holder */
  gint64               arrival;    /* the moment of arrival in the names of new claims, in
                                    * nanoseconds of real time; 0: when they are made. Set for
                                    * an operation */
  GArray              *retry_errnos;   /* owned; nullable; of int: more temporary errors.
                                        * It is replaced, and never changed */
} FluflSite;

void        flufl_site_init         (FluflSite           *site,
                                     const FluflSyscalls *sys,
                                     const char          *lock_path,
                                     const char          *separator);
void        flufl_site_clear        (FluflSite           *site);
void        flufl_site_copy         (FluflSite           *copy,
                                     const FluflSite     *site);
void        flufl_site_drop_copy    (FluflSite           *copy);
char       *flufl_site_resolve      (const FluflSite     *site,
                                     const char          *path);
char       *flufl_site_directory    (const FluflSite     *site);
char       *flufl_site_path_of      (const FluflSite     *site,
                                     const char          *name);
FluflFsKind flufl_site_fs_kind      (FluflSite           *site);
gboolean    flufl_site_is_trusted   (const FluflSite     *site);
gboolean    flufl_site_has_life_lines (FluflSite     *site);
const char *flufl_site_mark_separator (const FluflSite *site);
gboolean    flufl_site_may_hang     (const FluflSite     *site);
gboolean    flufl_site_is_passing   (const FluflSite     *site,
                                     int                  errsv);
gboolean    flufl_site_is_retried   (const FluflSite     *site,
                                     int                  errsv);

G_END_DECLS
