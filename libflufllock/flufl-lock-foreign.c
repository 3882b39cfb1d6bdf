/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The operation “query_foreign_details”: who has the document open in a program with locks of its
 * own.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-call.h"
#include "flufl-lock-details-private.h"
#include "flufl-office-lock-private.h"
#include "flufl-report-private.h"

typedef struct
{
  FluflCall         call;
  char             *path;    /* owned; of the other program's lock */
  gboolean          found;
  FluflOfficeLock   office;
  FluflLockDetails *details; /* owned; nullable */
} ForeignCall;

static char *
find_path (const FluflCall *call)
{
  g_autofree char *name = flufl_document_dup_name (call->lock);
  g_autofree char *office = flufl_office_lock_dup_name (name);

  return flufl_site_path_of (&call->site, office);
}

static GError *
report_no_lock (const FluflCall *call)
{
  g_autofree char *name = flufl_document_dup_name (call->lock);
  g_autofree char *document = flufl_site_path_of (&call->site, name);

  return flufl_report_no_foreign (&call->site, document);
}

/* Opens a regular file only: the name may have been given to anything.
 *
 * Returns: a descriptor; -1 with errno set, ENOENT for another file */
static int
open_regular (const FluflSyscalls *sys, const char *path)
{
  FluflStat st;
  int fd, errsv;

  do
    fd = sys->open (path, FLUFL_OPEN_LOOK);
  while (fd < 0 && errno == EINTR);
  if (fd < 0)
    return -1;
  errsv = sys->fstat (fd, &st) != 0 ? errno : st.type != FLUFL_FILE_REGULAR ? ENOENT : 0;
  if (errsv == 0)
    return fd;
  sys->close (fd);
  errno = errsv;
  return -1;
}

/* Reads until the end or until @buffer is full.
 *
 * Returns: the number of bytes; -1 with errno set */
static gssize
read_all (const FluflSyscalls *sys, int fd, char *buffer, gsize size)
{
  gsize length = 0;

  while (length < size)
    {
      gssize n = sys->read (fd, buffer + length, size - length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -1;
      if (n == 0)
        break;
      length += (gsize) n;
    }
  return (gssize) length;
}

/* Returns: 0, or an errno */
static int
look (ForeignCall *self)
{
  const FluflSyscalls *sys = self->call.site.sys;
  char content[FLUFL_OFFICE_LOCK_MAX];
  gssize length;
  int errsv, fd = open_regular (sys, self->path);

  if (fd < 0)
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO
                   || errno == ENAMETOOLONG
               ? 0
               : errno;
  length = read_all (sys, fd, content, sizeof content);
  errsv = length < 0 ? errno : 0;
  sys->close (fd);
  if (errsv != 0)
    return errsv;
  self->found = TRUE;
  /* A file of another form counts, too: LibreOffice makes the file before it writes. */
  flufl_office_lock_parse (content, (gsize) length, &self->office);
  return 0;
}

static gboolean
foreign_step (FluflCall *call, gint64 *out_when G_GNUC_UNUSED)
{
  ForeignCall *self = (ForeignCall *) call;

  self->path = find_path (call);
  call->errsv = look (self);
  return FALSE;
}

static void
foreign_settle (FluflCall *call)
{
  ForeignCall *self = (ForeignCall *) call;

  if (call->errsv != 0)
    call->error = flufl_report_unread (self->path, call->errsv);
  else if (!self->found)
    call->error = report_no_lock (call);
  else
    self->details = flufl_lock_details_new_foreign (self->path, "LibreOffice", &self->office);
}

static void
foreign_return (FluflCall *call)
{
  g_task_return_pointer (call->task, g_steal_pointer (&((ForeignCall *) call)->details),
                         (GDestroyNotify) flufl_lock_details_free);
}

static void
foreign_clear (FluflCall *call)
{
  ForeignCall *self = (ForeignCall *) call;

  g_clear_pointer (&self->details, flufl_lock_details_free);
  flufl_office_lock_clear (&self->office);
  g_clear_pointer (&self->path, g_free);
}

static const FluflCallClass foreign_class = {
  .answers_cancel = TRUE,
  .step = foreign_step,
  .settle = foreign_settle,
  .return_result = foreign_return,
  .clear = foreign_clear,
};

/* --- Public --- */

/**
 * flufl_lock_query_foreign_details:
 * @self: the lock of a document; see [ctor@Flufl.Lock.new_for_document]
 * @cancellable: (nullable): a cancellable, or %NULL
 * @error: return location for an error
 *
 * Gets who has the document open in LibreOffice, which knows nothing of this lock. LibreOffice makes a
 * file with the name `.~lock.NAME#` beside the document. That file is read, and nothing is written.
 *
 * The details have the names of the person, the user and the host, and in place of the acquisition
 * the minute at which the document was opened, by that host's clock. Each of them is %NULL if the
 * file does not show it. The program's name is `LibreOffice`, the process ID is 0, there is no
 * expiration, and the state is `FLUFL_LOCK_STATE_UNKNOWN`. A crash of LibreOffice leaves the file in
 * place, so the document need not be open.
 *
 * Every user with permission to write in the directory can write this file, so escape its texts before
 * you put them in markup. They are valid UTF-8 without ASCII control characters.
 *
 * Fails with
 *
 * - `FLUFL_LOCK_ERROR_NOT_HELD` if there is no such file,
 * - `G_IO_ERROR_PERMISSION_DENIED` if this user has no permission to read the file,
 * - `G_IO_ERROR_CANCELLED` if the operation was cancelled,
 * - another error of the system.
 *
 * Returns: (transfer full): the details; %NULL with @error set
 *
 * Since: 0.1
 */
FluflLockDetails *
flufl_lock_query_foreign_details (FluflLock *self, GCancellable *cancellable, GError **error)
{
  ForeignCall call = { 0 };
  FluflLockDetails *details;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);
  g_return_val_if_fail (self->document != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  flufl_call_init (&call.call, &foreign_class, self, cancellable);
  flufl_call_run (&call.call, error);
  details = g_steal_pointer (&call.details);
  flufl_call_clear (&call.call);
  return details;
}

/**
 * flufl_lock_query_foreign_details_async:
 * @self: the lock of a document
 * @cancellable: (nullable): a cancellable, or %NULL
 * @callback: (scope async) (nullable): called when the operation is over
 * @user_data: data for @callback
 *
 * The asynchronous form of [method@Flufl.Lock.query_foreign_details].
 *
 * The disk is touched in other threads only. @callback is called in the main
 * context that is the thread-default now.
 *
 * Since: 0.1
 */
void
flufl_lock_query_foreign_details_async (FluflLock          *self,
                                        GCancellable       *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer            user_data)
{
  ForeignCall *call;

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (self->document != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  call = g_new0 (ForeignCall, 1);
  flufl_call_init (&call->call, &foreign_class, self, cancellable);
  flufl_call_start (&call->call, flufl_lock_query_foreign_details_async, callback, user_data);
}

/**
 * flufl_lock_query_foreign_details_finish:
 * @self: the lock of a document
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Flufl.Lock.query_foreign_details_async]; the errors are those
 * of [method@Flufl.Lock.query_foreign_details].
 *
 * Returns: (transfer full): the details; %NULL with @error set
 *
 * Since: 0.1
 */
FluflLockDetails *
flufl_lock_query_foreign_details_finish (FluflLock *self, GAsyncResult *result, GError **error)
{
  GTask *task = flufl_call_finished_task (self, result, flufl_lock_query_foreign_details_async);

  return task != NULL ? g_task_propagate_pointer (task, error) : NULL;
}
