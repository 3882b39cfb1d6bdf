/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Looking at the lock file without changing anything.
 */

#pragma once

#include "flufl-claim-name.h"
#include "flufl-site.h"

G_BEGIN_DECLS

typedef enum
{
  FLUFL_SIGHT_NOTHING,    /* there is no lock file */
  FLUFL_SIGHT_CLAIM,      /* a claim of this lock: somebody holds it */
  FLUFL_SIGHT_STRANGE,    /* a lock whose claim has another form of name: wait for it. Of claim
                           * only the name is valid */
  FLUFL_SIGHT_BLANK,      /* where locks are created exclusively: one that has no name yet */
  FLUFL_SIGHT_UNREADABLE, /* a regular file that we may not read: wait for it */
  FLUFL_SIGHT_FOREIGN,    /* another file: foreign says which */
  FLUFL_SIGHT_FAILED,     /* errsv says why nothing was seen */
} FluflSight;

/* What lies in the place of a lock file. */
typedef enum
{
  FLUFL_FOREIGN_NONE = 0,
  FLUFL_FOREIGN_DIRECTORY,
  FLUFL_FOREIGN_SYMLINK,
  FLUFL_FOREIGN_PIPE,
  FLUFL_FOREIGN_SOCKET,
  FLUFL_FOREIGN_DEVICE,
  FLUFL_FOREIGN_SOCKET_OR_DEVICE, /* not known which: it took the place of a regular file */
  FLUFL_FOREIGN_EMPTY,            /* a regular file without content */
  FLUFL_FOREIGN_ZEROS,            /* … that has only zero bytes */
  FLUFL_FOREIGN_CONTENT,          /* … whose content does not name a claim */
} FluflForeign;

typedef struct
{
  FluflSight     sight;
  int            errsv;
  FluflForeign   foreign;
  gboolean       is_blank; /* a regular file without content, or all zero */
  gboolean       exclusive; /* with CLAIM: a lock of the exclusive-create protocol */
  gboolean       is_hidden; /* may not be read; the sight is CLAIM if another name shows the claim */
  gboolean       names_path; /* the content is an absolute path, and not that of a claim */
  gint64         taken;    /* boot time when the look began */
  guint64        dev;
  guint64        ino;
  guint64        nlink;
  gint64         mtime;    /* nanoseconds of real time */
  gint64         ctime;
  gint64         atime;
  gint64         size;
  gint64         owner;    /* user ID; -1: unknown */
  FluflClaimName claim;    /* valid for CLAIM; its name alone for STRANGE */
} FluflLook;

void     flufl_look_take      (FluflLook       *look,
                               const FluflSite *site,
                               const char      *path);
void     flufl_look_open      (FluflLook       *look,
                               const FluflSite *site,
                               const char      *path,
                               int             *out_fd);
void     flufl_look_take_attributes (FluflLook *look,
                               const FluflStat *st);
gint64   flufl_look_acquired  (const FluflLook *look,
                               const FluflSite *site);
gboolean flufl_look_is_overdue (const FluflLook *look,
                               const FluflSite *site,
                               gint64           server_now);
gboolean flufl_look_is_inode  (const FluflLook *look,
                               guint64          dev,
                               guint64          ino);
gboolean flufl_look_is_still_there (const FluflLook *look,
                               const FluflSite *site,
                               const char      *path);

G_END_DECLS
