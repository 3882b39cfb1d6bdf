/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The fixture and the functions that the tests of FluflLock share.
 */

#pragma once

#include <gio/gio.h>

#include "flufl-lock-private.h"
#include "libflufllock.h"

#include "flufl-test-util.h"
#include "lies.h"

G_BEGIN_DECLS

/* A test case. At its end its directory must be empty, and the number of open file descriptors
 * the same as at its start. New locks use the table that lies. */
typedef struct
{
  TestPlace place;
  guint     n_fds;
} Face;

void       face_set_up    (Face         *face,
                           gconstpointer data);
void       face_tear_down (Face         *face,
                           gconstpointer data);
FluflLock *face_lock_new  (Face         *face);

#define FACE_TEST(path, func) \
  g_test_add (path, Face, NULL, face_set_up, func, face_tear_down)
#define FACE_TEST_WITH(path, func, data) \
  g_test_add (path, Face, data, face_set_up, func, face_tear_down)

/* Runs the thread-default main context until @condition holds. For conditions that no event
 * reports. */
#define FACE_WAIT_FOR(condition) \
  G_STMT_START \
    { \
      gint64 give_up_ = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC; \
      while (!(condition)) \
        face_pause (give_up_, #condition); \
    } \
  G_STMT_END

/* Removes the lock file and the claim of its holder, as a person would. */
void       face_remove_everything (Face *face);
void       face_pause     (gint64        give_up,
                           const char   *what);

/* The answer to an asynchronous operation, and the thread in which it came. */
typedef struct
{
  gboolean      done;
  guint         n_calls;
  GObject      *source; /* borrowed */
  GAsyncResult *result; /* owned */
  GThread      *thread;
} Reply;

void       reply_cb       (GObject      *source,
                           GAsyncResult *result,
                           gpointer      reply);
void       reply_wait     (Reply        *reply,
                           const char   *what);
void       reply_clear    (Reply        *reply);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reply, reply_clear)

/* Counts the emissions of a signal, which may be a notify. */
typedef struct
{
  guint     n;
  GThread  *thread;
  GError   *error;   /* owned; of lost */
  FluflLockDetails *details; /* owned; of waiting */
} Heard;

void       heard_cb       (Heard        *heard);
void       heard_lost_cb  (FluflLock    *lock,
                           const GError *error,
                           Heard        *heard);
void       heard_waiting_cb (FluflLock  *lock,
                           FluflLockDetails *details,
                           Heard        *heard);
void       heard_clear    (Heard        *heard);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Heard, heard_clear)

/* The operations in one form. The asynchronous form runs the thread-default main context until
 * the answer comes. */
typedef struct
{
  const char     *name;
  gboolean        (*acquire)       (FluflLock *, gint64, GCancellable *, GError **);
  gboolean        (*release)       (FluflLock *, GCancellable *, GError **);
  gboolean        (*refresh)       (FluflLock *, gint64, GCancellable *, GError **);
  gboolean        (*check)         (FluflLock *, GCancellable *, GError **);
  FluflLockState  (*query_state)   (FluflLock *, GCancellable *, GError **);
  FluflLockDetails *(*query_details) (FluflLock *, GCancellable *, GError **);
  gboolean        (*break_lock)    (FluflLock *, FluflBreakFlags, GCancellable *, GError **);
  gboolean        (*break_lock_of) (FluflLock *, FluflLockDetails *, FluflBreakFlags, GCancellable *,
                                    GError **);
} Form;

extern const Form form_sync;
extern const Form form_async;

#define FACE_TEST_FORMS(path, func) \
  G_STMT_START \
    { \
      FACE_TEST_WITH (path "/sync", func, &form_sync); \
      FACE_TEST_WITH (path "/async", func, &form_async); \
    } \
  G_STMT_END

/* Acquires a lock with a short lifetime. On a busy machine the lease may be over before the
 * caller hears of the win: the function then acquires again. */
void       face_acquire_for_moments (const Form *form,
                                     FluflLock  *lock);

/* Waits until a worker has won the lock. Runs no main context, so the object's user has not learned of it. */
void       face_wait_for_win (FluflLock    *lock);

/* Whether the cancellable of a loss is cancelled. */
gboolean   face_is_lost   (FluflLock    *lock);

/* Asserts that the message is a whole sentence in UTF-8, and names @path unless that is NULL. */
void       face_assert_sentence (const GError *error,
                                 const char   *path);

/* Runs @func in a forked child. face_join() fails unless @func returned there. A child that
 * hangs is killed before the parent loses patience. */
pid_t      face_fork      (void        (*func) (gpointer),
                           gpointer      data);
void       face_join      (pid_t         child);
/* Kills the child, which may be amid @func, and waits for its end. */
void       face_kill      (pid_t         child);
/* For face_fork(): waits for the lock of a Face, without an end. */
void       face_wait_for_turn (gpointer face);
/* Forks. The child goes on after the call, and ends with face_child_ends(). */
pid_t      face_fork_here (void);

enum
{
  FACE_CHILD_FAILED,
  FACE_CHILD_OK,
  FACE_CHILD_SKIPPED,
};

/* All children share one verdict, so only one child may run at a time. */
void       face_child_ends (int          status);
int        face_join_any  (pid_t         child);

/* The modification time of the file at @path, which is the expiration of a lock file. In
 * microseconds. */
gint64     face_mtime     (const char   *path);
guint      face_nlink     (const char   *path);

/* The operations on a lock that nobody else wants: they must succeed. */
void       face_acquire   (FluflLock    *lock);
void       face_release   (FluflLock    *lock);

G_END_DECLS
