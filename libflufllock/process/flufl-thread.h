/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The library's own threads, and what fork(2) waits for. GLib's allocator, its main contexts and
 * its signals have mutexes. A child that is forked while another thread has one of them waits for
 * that mutex for ever, because the other thread is not in the child. An application knows of its
 * own threads, but not of the library's. So fork(2) waits until each of those waits for
 * something itself: for the system, for work or for a time.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean flufl_thread_start      (const char  *name,
                                  GThreadFunc  func,
                                  gpointer     data);

gboolean flufl_thread_is_own     (void);
void     flufl_thread_begin_wait (void);
void     flufl_thread_end_wait   (void);
gssize   flufl_thread_end_call   (gssize       result);
void     flufl_thread_lock       (GMutex      *mutex);

/* Atomic: whether the library has had a thread. Most processes have none, and need not ask
 * whether the calling thread is one. */
extern int flufl_thread_any;

/* The result of a call that may wait for a file server. */
#define FLUFL_WAIT_FOR(call) \
  (g_atomic_int_get (&flufl_thread_any) \
       ? (flufl_thread_begin_wait (), (__typeof__ (call)) flufl_thread_end_call (call)) \
       : (call))

/* Operations that the calling thread makes itself. */
void     flufl_thread_begin_operation   (void);
void     flufl_thread_end_operation     (void);
gboolean flufl_thread_is_amid_operation (void);
void     flufl_thread_call_handler      (GSourceFunc func,
                                         gpointer    data);

/* For flufl-process.c. */
void     flufl_thread_stop_all   (void);
void     flufl_thread_go_on      (void);
void     flufl_thread_forget_all (void);

G_END_DECLS
