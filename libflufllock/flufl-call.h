/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * How every operation on a lock runs. It begins in the caller's thread, with checks that touch
 * no disk. It goes on in steps where it may block: in the caller's thread if it is
 * synchronous, and in worker threads if it is not. It settles in the caller's thread or main
 * context, where its result is put into words and reported.
 *
 * What operations differ in is in the class of each. In order, a class's functions run so:
 *
 * | Function | Where | With |
 * |-|-|-|
 * | is_decided, begin | caller's thread | the object's mutex |
 * | step, undo | worker, or caller's thread | nothing |
 * | settle, emit, return_result | caller's main context, or thread | nothing |
 * | clear | caller's main context, or thread | nothing |
 */

#pragma once

#include "flufl-lock-private.h"
#include "flufl-stepper.h"

G_BEGIN_DECLS

typedef struct _FluflCall FluflCall;

typedef struct
{
  gboolean excludes_others; /* no other operation of such a class runs on the same object meanwhile */
  /* Whether the state of the object decides the result, so that it excludes no others. Called with the
   * object's mutex before begin(). Nullable: it does not. */
  gboolean (*is_decided) (FluflCall *call);
  gboolean sleeps;         /* its steps say when the next one is due */
  gboolean answers_cancel; /* a cancellation is answered even if a file server keeps a step */

  /* Takes what it needs of the object and checks its arguments, with the object's mutex.
   * FALSE: the error is set. Nullable. */
  gboolean (*begin)  (FluflCall *call);
  /* One step, which may block. It runs in a worker, or, if the call is synchronous, in the
   * caller's thread. It makes no error in words and emits no signals: both are for the caller's
   * context. */
  gboolean (*step)   (FluflCall *call, gint64 *out_when);
  /* Another step, for a success that was cancelled before the user heard of it. Nullable. */
  gboolean (*undo)   (FluflCall *call, gint64 *out_when);
  /* Puts what came of the steps into words. */
  void     (*settle) (FluflCall *call);
  /* Emits signals. The object is free for the next operation by then. Nullable. */
  void     (*emit)   (FluflCall *call);
  /* Returns a result that is not an error from the task. */
  void     (*return_result) (FluflCall *call);
  /* Lets go of what it has. Nullable. */
  void     (*clear)  (FluflCall *call);
} FluflCallClass;

/* Something to be run in the caller's thread. */
typedef struct
{
  GSourceFunc    func;
  gpointer       data;
  GDestroyNotify destroy;
} FluflNote;

struct _FluflCall
{
  FluflStepper          stepper;
  const FluflCallClass *class;
  FluflLock            *lock;        /* owned */
  FluflLease           *lease;       /* owned by lock */
  GCancellable         *cancellable; /* owned; nullable */
  GMainContext         *context;     /* owned; nullable; where its signals come */
  FluflSite             site;        /* a copy, once it has begun */
  int                   process;     /* the mark of that which began it */
  int                   given_up;    /* atomic; cancelled for good, should the cancellable be
                                      * reset */
  gboolean              excludes_others; /* set when it begins */
  gboolean              begun;
  gboolean              settled;
  gboolean              is_resolved; /* the site is that of the document, without symbolic links */

  GTask                *task;        /* borrowed; NULL: it is synchronous */
  GObject              *source;      /* borrowed; the source object of the task; NULL: the lock */
  GSource              *cancel_source; /* owned; nullable; in context */
  GSource              *posted;      /* owned; nullable; in context */
  gboolean              answered_early; /* as cancelled, while a worker goes on with it */
  gboolean              undone;      /* its success was, by undo */
  gboolean              no_thread;   /* none could be started for it */

  FluflSleeper         *waiter;      /* owned; nullable; of the thread that waits for a worker */
  int                   progress;    /* atomic; of the worker that is waited for so */
  int                   has_note;    /* atomic; the worker has left … */
  FluflNote             note;        /* … this, and leaves no other before it is read */

  GError               *error;       /* owned; nullable; one that is set before it begins stays */
  int                   resolve_errsv; /* why it is not, or 0 */
  int                   errsv;       /* the errno behind error, or 0 */
  gboolean              answer;
  gboolean              ended;       /* the lease has … */
  gboolean              lost;        /* … by a loss that was not reported */
  guint                 number;      /* of the lease that was begun, found, ended or lost … */
  FluflLoss             loss;        /* … how that was lost; NONE: no loss is known … */
  int                   loss_errsv;  /* … and what kept it from being refreshed, or 0 */

  FluflCall            *next_dropped;
};

void      flufl_call_init            (FluflCall            *self,
                                      const FluflCallClass *class,
                                      FluflLock            *lock,
                                      GCancellable         *cancellable);
void      flufl_call_clear           (FluflCall            *self);
gboolean  flufl_call_run             (FluflCall            *self,
                                      GError              **error);
gboolean  flufl_call_run_and_clear   (FluflCall            *self,
                                      GError              **error);
void      flufl_call_start           (FluflCall            *self,
                                      gpointer              tag,
                                      GAsyncReadyCallback   callback,
                                      gpointer              user_data);
GTask    *flufl_call_finished_task   (gpointer              source,
                                      GAsyncResult         *result,
                                      gpointer              tag);
gboolean  flufl_call_finish_boolean  (FluflLock            *lock,
                                      GAsyncResult         *result,
                                      gpointer              tag,
                                      GError              **error);
gboolean  flufl_call_run_until       (FluflCall            *self,
                                      int                   interrupt_fd,
                                      gint64                until_usec);
guint     flufl_call_get_win         (const FluflCall      *self);
void      flufl_call_drop            (FluflCall            *self);

/* For the classes. */
gboolean  flufl_call_is_cancelled    (FluflCall            *self);
void      flufl_call_post (FluflCall            *self,
                           GSourceFunc           func,
                           gpointer              data,
                           GDestroyNotify        destroy,
                           GSource             **out_source);
gboolean  flufl_call_find_lease      (FluflCall            *self);
void      flufl_call_lose            (FluflCall            *self);
FluflOutcome flufl_call_check        (FluflCall            *self,
                                      int                  *out_errsv);
gboolean  flufl_call_holds           (FluflCall            *self);
void      flufl_call_report_not_held (FluflCall            *self);
void      flufl_call_emit_end        (FluflCall            *self);
void      flufl_call_return_boolean (FluflCall            *self);

/* One for each operation: (transfer full), for flufl_call_start(), flufl_call_run_until()
 * and flufl_call_drop(). @value is what the public function takes beside the cancellable. */
typedef FluflCall *(*FluflCallMaker) (FluflLock *lock, gint64 value, GCancellable *cancellable);

FluflCall *flufl_call_new_acquire        (FluflLock        *self,
                                          gint64            timeout_ms,
                                          GCancellable     *cancellable);
FluflCall *flufl_call_new_release        (FluflLock        *self,
                                          gint64            unused,
                                          GCancellable     *cancellable);
gboolean   flufl_lock_release_win        (FluflLock        *self,
                                          guint             number,
                                          GError          **error);
void       flufl_lock_give_up_win        (FluflLock        *self,
                                          guint             number);
FluflCall *flufl_call_new_end_lease      (FluflLock        *self,
                                          gint64            number,
                                          GCancellable     *cancellable);
FluflCall *flufl_call_new_refresh        (FluflLock        *self,
                                          gint64            lifetime_ms,
                                          GCancellable     *cancellable);
FluflCall *flufl_call_new_check          (FluflLock        *self,
                                          gint64            unused,
                                          GCancellable     *cancellable);
FluflCall *flufl_call_new_query_state    (FluflLock        *self,
                                          gint64            unused,
                                          GCancellable     *cancellable);
FluflCall *flufl_call_new_query_details  (FluflLock        *self,
                                          gint64            unused,
                                          GCancellable     *cancellable);
FluflCall *flufl_call_new_break_lock     (FluflLock        *self,
                                          gint64            flags,
                                          GCancellable     *cancellable);

FluflCall *flufl_call_new_break_lock_of  (FluflLock        *self,
                                          const FluflLockDetails *details,
                                          FluflBreakFlags   flags,
                                          GCancellable     *cancellable);

/* What a query has found. */
FluflLockState    flufl_call_get_state   (FluflCall        *self);
FluflLockDetails *flufl_call_steal_details (FluflCall      *self);

G_END_DECLS
