/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "flufl-enums.h"
#include "flufl-lock-details.h"
#include "flufl-macros.h"

G_BEGIN_DECLS

/**
 * FLUFL_LOCK_TIMEOUT_FOREVER:
 *
 * A timeout that never ends.
 *
 * Since: 0.1
 */
#define FLUFL_LOCK_TIMEOUT_FOREVER (-1)

/**
 * FLUFL_LOCK_TIMEOUT_DEFAULT:
 *
 * Stands for the timeout of [property@Flufl.Lock:default-timeout].
 *
 * Since: 0.1
 */
#define FLUFL_LOCK_TIMEOUT_DEFAULT (-2)

/**
 * FLUFL_LOCK_LIFETIME_DEFAULT:
 *
 * Stands for the lifetime of [property@Flufl.Lock:lifetime], in
 * [method@Flufl.Lock.refresh].
 *
 * Since: 0.1
 */
#define FLUFL_LOCK_LIFETIME_DEFAULT (-1)

#define FLUFL_TYPE_LOCK (flufl_lock_get_type ())

FLUFL_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FluflLock, flufl_lock, FLUFL, LOCK, GObject)

FLUFL_AVAILABLE_IN_0_1
FluflLock        *flufl_lock_new                  (GFile                *file) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
FluflLock        *flufl_lock_new_for_path         (const char           *path) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
FluflLock        *flufl_lock_new_beside           (GFile                *file) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
FluflLock        *flufl_lock_new_for_document     (GFile                *document) FLUFL_WARN_UNUSED_RESULT;

FLUFL_AVAILABLE_IN_0_1
GFile            *flufl_lock_get_document         (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
const char       *flufl_lock_get_subject          (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_subject          (FluflLock            *self,
                                                   const char           *subject);
FLUFL_AVAILABLE_IN_0_1
GFile            *flufl_lock_get_file             (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
const char       *flufl_lock_get_separator        (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_get_without_links    (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
gint64            flufl_lock_get_lifetime         (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_lifetime         (FluflLock            *self,
                                                   gint64                lifetime_ms);
FLUFL_AVAILABLE_IN_0_1
gint64            flufl_lock_get_default_timeout  (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_default_timeout  (FluflLock            *self,
                                                   gint64                timeout_ms);
FLUFL_AVAILABLE_IN_0_1
FluflHeartbeat    flufl_lock_get_heartbeat        (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_heartbeat        (FluflLock            *self,
                                                   FluflHeartbeat        heartbeat);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_get_break_dead       (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_break_dead       (FluflLock            *self,
                                                   gboolean              break_dead);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_get_linger           (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_linger           (FluflLock            *self,
                                                   gboolean              linger);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_get_release_at_exit  (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_release_at_exit  (FluflLock            *self,
                                                   gboolean              release_at_exit);
FLUFL_AVAILABLE_IN_0_1
gint64            flufl_lock_get_waiting_delay    (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_waiting_delay    (FluflLock            *self,
                                                   gint64                delay_ms);
FLUFL_AVAILABLE_IN_0_1
const char       *flufl_lock_get_host_name        (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
const char       *flufl_lock_get_program_name     (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
GFile            *flufl_lock_dup_claim_file       (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_get_held             (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
gint64            flufl_lock_get_remaining_lifetime (FluflLock          *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_get_watch_wanted     (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_watch_wanted     (FluflLock            *self,
                                                   gboolean              watch_wanted);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_get_wanted           (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
GCancellable     *flufl_lock_dup_lost_cancellable (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
GError           *flufl_lock_dup_lost_error       (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
GCancellable     *flufl_lock_dup_work_cancellable (FluflLock            *self,
                                                   GCancellable         *cancellable);
FLUFL_AVAILABLE_IN_0_1
GError           *flufl_lock_explain_error        (FluflLock            *self,
                                                   const GError         *error);
FLUFL_AVAILABLE_IN_0_1
int              *flufl_lock_get_retry_errnos     (FluflLock            *self,
                                                   gsize                *n_errnos);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_set_retry_errnos     (FluflLock            *self,
                                                   const int            *errnos,
                                                   gsize                 n_errnos);

FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_acquire              (FluflLock            *self,
                                                   gint64                timeout_ms,
                                                   GCancellable         *cancellable,
                                                   GError              **error) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_acquire_async        (FluflLock            *self,
                                                   gint64                timeout_ms,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_acquire_finish       (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error) FLUFL_WARN_UNUSED_RESULT;

FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_release              (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_release_async        (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_release_finish       (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error);

FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_abandon              (FluflLock            *self);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_release_all          (gint64                timeout_ms);

FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_refresh              (FluflLock            *self,
                                                   gint64                lifetime_ms,
                                                   GCancellable         *cancellable,
                                                   GError              **error) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_refresh_async        (FluflLock            *self,
                                                   gint64                lifetime_ms,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_refresh_finish       (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error) FLUFL_WARN_UNUSED_RESULT;

FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_check                (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GError              **error) FLUFL_WARN_UNUSED_RESULT;
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_check_async          (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_check_finish         (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error) FLUFL_WARN_UNUSED_RESULT;

FLUFL_AVAILABLE_IN_0_1
FluflLockState    flufl_lock_query_state          (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_query_state_async    (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
FluflLockState    flufl_lock_query_state_finish   (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error);

FLUFL_AVAILABLE_IN_0_1
FluflLockDetails *flufl_lock_query_details        (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_query_details_async  (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
FluflLockDetails *flufl_lock_query_details_finish (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error);

FLUFL_AVAILABLE_IN_0_1
FluflLockDetails *flufl_lock_query_foreign_details (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_query_foreign_details_async (FluflLock      *self,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
FluflLockDetails *flufl_lock_query_foreign_details_finish (FluflLock     *self,
                                                   GAsyncResult         *result,
                                                   GError              **error);

FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_break_lock           (FluflLock            *self,
                                                   FluflBreakFlags       flags,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_break_lock_async     (FluflLock            *self,
                                                   FluflBreakFlags       flags,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_break_lock_finish    (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error);

FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_break_lock_of        (FluflLock            *self,
                                                   FluflLockDetails     *details,
                                                   FluflBreakFlags       flags,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_break_lock_of_async  (FluflLock            *self,
                                                   FluflLockDetails     *details,
                                                   FluflBreakFlags       flags,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
gboolean          flufl_lock_break_lock_of_finish (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error);

FLUFL_AVAILABLE_IN_0_1
GPtrArray        *flufl_lock_list_waiters         (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_list_waiters_async   (FluflLock            *self,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
GPtrArray        *flufl_lock_list_waiters_finish  (FluflLock            *self,
                                                   GAsyncResult         *result,
                                                   GError              **error);

FLUFL_AVAILABLE_IN_0_1
GPtrArray        *flufl_lock_remove_leftovers     (GFile                *directory,
                                                   gboolean              dry_run,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
FLUFL_AVAILABLE_IN_0_1
void              flufl_lock_remove_leftovers_async (GFile              *directory,
                                                   gboolean              dry_run,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
FLUFL_AVAILABLE_IN_0_1
GPtrArray        *flufl_lock_remove_leftovers_finish (GAsyncResult      *result,
                                                   GError              **error);

G_END_DECLS
