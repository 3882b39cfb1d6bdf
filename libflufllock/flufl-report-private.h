/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Errors in words: what happened, where, who is in the way, what to do. Not for threads of the
 * library, since words take mutexes that a forked child would wait for.
 */

#pragma once

#include <gio/gio.h>

#include "flufl-attempt.h"
#include "flufl-path.h"

G_BEGIN_DECLS

/* Why the lock is not held any more. */
typedef enum
{
  FLUFL_LOSS_NONE,    /* it is, or was given back */
  FLUFL_LOSS_TAKEN,   /* the disk shows that it was broken or deleted before it expired */
  FLUFL_LOSS_EXPIRED, /* the same after it had expired */
  FLUFL_LOSS_LATE,    /* it has expired before a refresh was known to be done */
} FluflLoss;

char   *flufl_report_path         (const FluflSite     *site);
char   *flufl_report_lock_file    (const FluflSite     *site);

/* Sentences, which are parts of an error's. */
char   *flufl_report_describe_failure  (const FluflSite     *site,
                                        FluflFailedStep      step,
                                        int                  errsv);
char   *flufl_report_describe_obstacle (const FluflSite     *site,
                                        const FluflFindings *findings);

/* Misuse. */
GError *flufl_report_no_path      (GFile               *file);
GError *flufl_report_no_directory (const char          *name,
                                   int                  errsv);
GError *flufl_report_no_name      (const FluflSite     *site);
GError *flufl_report_bad_name     (const FluflSite     *site,
                                   FluflNameFault       fault);
GError *flufl_report_bad_separator (const FluflSite    *site,
                                   const char          *separator);
GError *flufl_report_bad_timeout  (const FluflSite     *site,
                                   gint64               timeout_ms);
GError *flufl_report_bad_lifetime (const FluflSite     *site,
                                   gint64               lifetime_ms);
GError *flufl_report_pending      (const FluflSite     *site);
GError *flufl_report_already_held (const FluflSite     *site);
GError *flufl_report_not_held     (const FluflSite     *site);
GError *flufl_report_forked       (const FluflSite     *site);

/* Results. */
GError *flufl_report_cancelled    (void);
GError *flufl_report_nobody       (const FluflSite     *site);
GError *flufl_report_no_foreign   (const FluflSite     *site,
                                   const char          *document);
GError *flufl_report_timed_out    (const FluflSite     *site,
                                   const FluflFindings *findings,
                                   gint64               timeout_ms);
GError *flufl_report_not_broken   (const FluflSite     *site,
                                   const FluflFindings *findings);
GError *flufl_report_other_holder (const FluflSite     *site,
                                   const FluflFindings *findings);
GError *flufl_report_not_a_lock   (const FluflSite     *site,
                                   const FluflLook     *look);
GError *flufl_report_refused      (const FluflSite     *site,
                                   FluflOutcome         outcome,
                                   const FluflFindings *findings);
GError *flufl_report_failed       (const FluflSite     *site,
                                   FluflFailedStep      step,
                                   int                  errsv);
GError *flufl_report_unlisted     (const char          *directory,
                                   int                  errsv);
GError *flufl_report_unresolved   (const char          *path,
                                   int                  errsv);
GError *flufl_report_unread       (const char          *path,
                                   int                  errsv);
GError *flufl_report_no_worker    (const FluflSite     *site);
GError *flufl_report_no_thread    (const FluflSite     *site);
GError *flufl_report_lost         (const FluflSite     *site,
                                   FluflLoss            loss,
                                   int                  errsv);

G_END_DECLS
