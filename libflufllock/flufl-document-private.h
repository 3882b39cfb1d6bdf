/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What a lock has beside others if it is that of a document.
 */

#pragma once

#include "flufl-lease.h"
#include "flufl-lock.h"
#include "flufl-site.h"

G_BEGIN_DECLS

typedef struct
{
  gatomicrefcount refs; /* the lock's, and those of its monitors */

  /* Never change. */
  GFile   *file; /* owned; NULL once the lock is finalized */
  char    *path; /* owned; nullable: it has none on this machine */

  /* Protected by the mutex of the lease. */
  gboolean is_resolved;
  char    *name;      /* owned; nullable; the document's, once symbolic links were followed */
  char    *past_path; /* owned; nullable; the lock's first path, which copies of the site may have */
  GFile   *past_file; /* owned; nullable; what flufl_lock_get_file() returned before */
} FluflDocument;

FluflDocument *flufl_document_new          (GFile               *file);
FluflDocument *flufl_document_ref          (FluflDocument       *self);
void           flufl_document_unref        (gpointer             self);
void           flufl_document_close        (FluflDocument       *self);
void           flufl_document_set_up_lock  (FluflDocument       *self,
                                            FluflLock           *lock);
void           flufl_document_name_subject (const FluflDocument *self,
                                            FluflSite           *site);
char          *flufl_document_dup_lock_name (const char         *name);
int            flufl_document_resolve      (FluflDocument       *self,
                                            FluflLease          *lease,
                                            FluflSite           *site);
char          *flufl_document_dup_name     (FluflLock           *lock);
void           flufl_document_announce     (FluflLock           *lock);

G_END_DECLS
