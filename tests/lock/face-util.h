/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the tests of FluflLock share.
 */

#pragma once

#include <gio/gio.h>

#include "flufl-lock-private.h"
#include "libflufllock.h"

#include "flufl-test-util.h"
#include "lies.h"

G_BEGIN_DECLS

/* A case: a directory that must be empty at the end, and as many open file
 * descriptors then as at the start. New locks use the table that lies. */
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

/* Waits, with the thread-default main context running, for what no event tells
 * of. */
#define FACE_WAIT_FOR(condition) \
  G_STMT_START \
    { \
      gint64 give_up_ = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC; \
      while (!(condition)) \
        face_pause (give_up_, #condition); \
    } \
  G_STMT_END

/* The lock and the claim of its holder, as a person would. */
void       face_remove_everything (Face *face);
void       face_pause     (gint64        give_up,
                           const char   *what);

/* The answer to an asynchronous operation, and where it came. */
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

/* Counts emissions of a signal, notify too. */
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

/* Both forms of the operations; the asynchronous ones run the thread-default
 * main context until the answer comes. */
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

/* Acquires with a lifetime that is so short that on a busy machine it is over before the win
 * can be told: then it acquires again. */
void       face_acquire_for_moments (const Form *form,
                                     FluflLock  *lock);

/* Whether the cancellable of a loss has fired. */
gboolean   face_is_lost   (FluflLock    *lock);

/* A finished sentence in UTF-8 that names the path. */
void       face_assert_sentence (const GError *error,
                                 const char   *path);

/* Runs @func in a forked child; joining it fails unless it came to its end
 * there. A child that hangs is killed, before the parent loses patience. */
pid_t      face_fork      (void        (*func) (gpointer),
                           gpointer      data);
void       face_join      (pid_t         child);
/* The child goes on here, and ends by face_child_ends(). */
pid_t      face_fork_here (void);

enum
{
  FACE_CHILD_FAILED,
  FACE_CHILD_OK,
  FACE_CHILD_SKIPPED,
};

/* One at a time. */
void       face_child_ends (int          status);
int        face_join_any  (pid_t         child);

/* What the file at @path expires at, or the times of any other; microseconds. */
gint64     face_mtime     (const char   *path);
guint      face_nlink     (const char   *path);

/* A lock that this process holds by a fresh object. */
void       face_acquire   (FluflLock    *lock);
void       face_release   (FluflLock    *lock);

G_END_DECLS
