/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "editor-document.h"

#include <libflufllock.h>

/* For how long the lock of a successful wait is kept for a user who may be away. Seconds. */
#define OFFER_TIME 60

struct _EditorDocument
{
  GObject           parent_instance;

  GFile            *file;
  FluflLock        *lock;
  FluflLockMonitor *monitor;     /* while somebody else may have the lock; nullable */
  EditorState       state;
  EditorState       asked_in;    /* the state to go back to when a wait is stopped */
  GCancellable     *cancellable; /* of the wait; nullable */
  GCancellable     *closed;      /* of everything else */
  guint             offer_source;
  char             *watch;       /* what is shown while a hung holder is watched; nullable */
  char             *unprotected; /* why the text is to be edited without a lock; nullable */
  char             *title;
  char             *text;
};

G_DEFINE_FINAL_TYPE (EditorDocument, editor_document, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED, /* the state, or what to show */
  SIGNAL_RELOAD,  /* to be answered by editor_document_read_done(), once the file was read again */
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- What to show --- */

/* Takes the texts. */
static void
show (EditorDocument *self, EditorState state, char *title, char *text)
{
  gboolean changed = self->state != state || g_strcmp0 (self->title, title) != 0
                     || g_strcmp0 (self->text, text) != 0;

  self->state = state;
  g_free (self->title);
  g_free (self->text);
  self->title = title;
  self->text = text;
  if (changed)
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* “14:05”, or with the date if that is another day. */
static char *
format_since (GDateTime *utc)
{
  g_autoptr (GDateTime) local = g_date_time_to_local (utc);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  gboolean today = g_date_time_get_year (local) == g_date_time_get_year (now)
                   && g_date_time_get_day_of_year (local) == g_date_time_get_day_of_year (now);

  return g_date_time_format (local, today ? "%H:%M" : "%x %H:%M");
}

/* “In “Text Editor” on “laptop”, since 14:05.” */
static char *
describe_place (FluflLockDetails *details)
{
  const char *program = flufl_lock_details_get_program_name (details);
  const char *host = flufl_lock_details_get_host_name (details);
  GDateTime *acquisition = flufl_lock_details_get_acquisition (details);
  g_autofree char *since = acquisition != NULL ? format_since (acquisition) : NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (program != NULL)
    g_string_append_printf (text, "In “%s”", program);
  else
    g_string_append_printf (text, "In process %d", flufl_lock_details_get_pid (details));
  if (host != NULL)
    g_string_append_printf (text, " on “%s”", host);
  if (since != NULL)
    g_string_append_printf (text, ", since %s", since);
  g_string_append_c (text, '.');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static const char *
name_person (FluflLockDetails *details)
{
  if (flufl_lock_details_get_real_name (details) != NULL)
    return flufl_lock_details_get_real_name (details);
  if (flufl_lock_details_get_user_name (details) != NULL)
    return flufl_lock_details_get_user_name (details);
  return "Somebody else";
}

static void
show_holder (EditorDocument *self, FluflLockDetails *details)
{
  FluflLockState seen = flufl_lock_details_get_state (details);
  const char *person = name_person (details);
  g_autofree char *place = describe_place (details);
  /* A lock may be broken in these two states; the holder works in the others, as far as is known. */
  const char *trouble = seen == FLUFL_LOCK_STATE_STALE           ? "The program has crashed."
                        : seen == FLUFL_LOCK_STATE_THEIRS_EXPIRED ? "The program does not answer."
                                                                  : NULL;

  if (self->state == EDITOR_STATE_TAKING_OVER && trouble != NULL)
    show (self, EDITOR_STATE_TAKING_OVER, g_strdup_printf ("Taking over from %s", person),
          seen == FLUFL_LOCK_STATE_STALE ? g_strdup (trouble) : g_strdup (self->watch));
  /* The holder may work again, so that a taking over has become an ordinary wait. A lock of this
   * process may be the one that is being taken: the acquisition reports it. */
  else if (self->state == EDITOR_STATE_WAITING
           || (self->state == EDITOR_STATE_TAKING_OVER
               && !flufl_lock_details_is_own_process (details)))
    {
      self->asked_in = EDITOR_STATE_TAKEN;
      show (self, EDITOR_STATE_WAITING, g_strdup_printf ("Waiting for %s", person),
            g_steal_pointer (&place));
    }
  else if (trouble != NULL)
    show (self, EDITOR_STATE_DEAD, g_strdup_printf ("%s had this document open", person),
          g_strdup_printf ("%s %s", place, trouble));
  else if (self->state != EDITOR_STATE_TAKING_OVER)
    show (self, EDITOR_STATE_TAKEN, g_strdup_printf ("%s has this document open", person),
          g_steal_pointer (&place));
}

/* --- Who has it --- */

static void
seen_cb (EditorDocument *self)
{
  FluflLockDetails *details = flufl_lock_monitor_get_details (self->monitor);
  FluflLockState state = flufl_lock_monitor_get_state (self->monitor);

  /* An acquisition reports itself that this object has the lock. */
  if (state == FLUFL_LOCK_STATE_OURS || state == FLUFL_LOCK_STATE_OURS_EXPIRED)
    return;
  if (details != NULL)
    show_holder (self, details);
  else if (state == FLUFL_LOCK_STATE_UNLOCKED && self->state != EDITOR_STATE_FREE
           && self->cancellable == NULL)
    show (self, EDITOR_STATE_FREE, g_strdup ("This document is free now"),
          g_strdup ("It may have changed since it was opened here."));
}

static void
watch (EditorDocument *self)
{
  if (self->monitor == NULL)
    {
      self->monitor = flufl_lock_monitor_new_for_lock (self->lock);
      g_signal_connect_object (self->monitor, "changed", G_CALLBACK (seen_cb), self,
                               G_CONNECT_SWAPPED);
    }
  seen_cb (self);
}

/* --- Who wants it --- */

static void
listed_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EditorDocument) self = user_data;
  g_autoptr (GPtrArray) waiters = flufl_lock_list_waiters_finish (FLUFL_LOCK (lock), result, NULL);
  FluflLockDetails *first = waiters != NULL && waiters->len > 0 ? waiters->pdata[0] : NULL;

  if (self->state == EDITOR_STATE_EDITING && flufl_lock_get_wanted (self->lock))
    show (self, EDITOR_STATE_EDITING,
          g_strdup_printf ("%s waits for this document",
                           first != NULL ? name_person (first) : "Somebody else"),
          first != NULL ? describe_place (first) : NULL);
}

static void
wanted_cb (EditorDocument *self)
{
  if (self->state != EDITOR_STATE_EDITING)
    return;
  show (self, EDITOR_STATE_EDITING, NULL, NULL);
  if (flufl_lock_get_wanted (self->lock))
    flufl_lock_list_waiters_async (self->lock, self->closed, listed_cb, g_object_ref (self));
}

/* --- To have it --- */

static gboolean
offer_over_cb (gpointer user_data)
{
  EditorDocument *self = user_data;

  self->offer_source = 0;
  flufl_lock_abandon (self->lock);
  show (self, EDITOR_STATE_FREE, g_strdup ("This document was free"),
        g_strdup ("Nobody edited it here, so others may have it again."));
  watch (self);
  return G_SOURCE_REMOVE;
}

/* Others may have the document, whose text is saved. */
void
editor_document_let_go (EditorDocument *self)
{
  show (self, EDITOR_STATE_TAKEN, NULL, NULL);
  flufl_lock_abandon (self->lock);
  watch (self);
}

static void
stop_offer (EditorDocument *self)
{
  if (self->offer_source != 0)
    g_source_remove (self->offer_source);
  self->offer_source = 0;
}

/* The text that is shown may be older than the lock, so it cannot be edited until it was read
 * again: see editor_document_read_done(). */
static void
begin_reading (EditorDocument *self)
{
  show (self, EDITOR_STATE_READING, NULL, NULL);
  g_signal_emit (self, signals[SIGNAL_RELOAD], 0);
}

static void
office_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EditorDocument) self = user_data;
  g_autoptr (FluflLockDetails) details
      = flufl_lock_query_foreign_details_finish (FLUFL_LOCK (lock), result, NULL);

  if (self->state != EDITOR_STATE_OPENING || g_cancellable_is_cancelled (self->closed))
    return;
  if (details == NULL)
    begin_reading (self);
  else
    show (self, EDITOR_STATE_OFFICE,
          g_strdup_printf ("%s seems to have this document open", name_person (details)),
          describe_place (details));
}

/* LibreOffice does not know this lock, and may have the document all the same. */
static void
ask_office (EditorDocument *self)
{
  stop_offer (self);
  show (self, EDITOR_STATE_OPENING, NULL, NULL);
  flufl_lock_query_foreign_details_async (self->lock, self->closed, office_cb,
                                          g_object_ref (self));
}

static void
take_win (EditorDocument *self)
{
  g_clear_pointer (&self->unprotected, g_free);
  if (self->state == EDITOR_STATE_WAITING)
    {
      show (self, EDITOR_STATE_OFFERED, g_strdup ("This document is free now"),
            g_strdup ("It is kept for you for a minute."));
      self->offer_source = g_timeout_add_seconds (OFFER_TIME, offer_over_cb, self);
    }
  else
    ask_office (self);
}

static void
acquired_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EditorDocument) self = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->cancellable);
  g_clear_object (&self->monitor);
  if (flufl_lock_acquire_finish (FLUFL_LOCK (lock), result, &error))
    take_win (self);
  else if (g_cancellable_is_cancelled (self->closed))
    return;
  else if (flufl_error_means_unavailable (error))
    {
      g_free (self->unprotected);
      self->unprotected = g_strdup (error->message);
      begin_reading (self);
    }
  else if (g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT)
           || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      self->state = self->asked_in;
      watch (self);
    }
  else
    show (self, EDITOR_STATE_FAILED, g_strdup ("This document cannot be locked"),
          g_strdup (error->message));
}

static void
acquire (EditorDocument *self, gint64 timeout_ms)
{
  if (self->cancellable != NULL)
    return;
  self->cancellable = g_cancellable_new ();
  flufl_lock_acquire_async (self->lock, timeout_ms, self->cancellable, acquired_cb,
                            g_object_ref (self));
}

/* Opens the document: to edit it, or to see who has it. */
void
editor_document_open (EditorDocument *self)
{
  self->asked_in = EDITOR_STATE_TAKEN;
  acquire (self, 0);
}

/* The user wants to edit what is free. */
void
editor_document_edit (EditorDocument *self)
{
  if (self->state == EDITOR_STATE_OFFERED)
    ask_office (self);
  else if (self->state == EDITOR_STATE_OFFICE)
    begin_reading (self);
  else
    editor_document_open (self);
}

/* The user wants to hear when it is free. */
void
editor_document_wait (EditorDocument *self)
{
  self->asked_in = EDITOR_STATE_TAKEN;
  show (self, EDITOR_STATE_WAITING, g_strdup ("Waiting"), NULL);
  watch (self);
  acquire (self, FLUFL_LOCK_TIMEOUT_FOREVER);
}

/* An acquisition breaks the lock of a holder that is proved dead, or whose lock expired more than
 * ten seconds ago. It never breaks the lock of a holder that refreshes it in time. If the process of
 * the holder still exists, it first watches the lock for a third of the lifetime and five seconds.
 * So the wait has no timeout, and the user can stop it. */
void
editor_document_take_over (EditorDocument *self)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  double seconds = flufl_lock_get_lifetime (self->lock) / 3 / 1000.0 + 5;
  g_autoptr (GDateTime) end = g_date_time_add_seconds (now, seconds);

  self->asked_in = EDITOR_STATE_DEAD;
  g_free (self->watch);
  self->watch = g_date_time_format (end, "The program does not answer. Unless it does, its lock is "
                                         "broken by %H:%M:%S.");
  show (self, EDITOR_STATE_TAKING_OVER, g_strdup ("Taking over"), NULL);
  acquire (self, FLUFL_LOCK_TIMEOUT_FOREVER);
  watch (self);
}

/* The text of the file is shown, or @error says why it cannot be. Then others may have the lock. */
void
editor_document_read_done (EditorDocument *self, const GError *error)
{
  if (self->state != EDITOR_STATE_READING || g_cancellable_is_cancelled (self->closed))
    return;
  if (error != NULL)
    {
      flufl_lock_abandon (self->lock);
      show (self, EDITOR_STATE_UNREADABLE, g_strdup ("This document cannot be read"),
            g_strdup (error->message));
    }
  else if (self->unprotected != NULL)
    show (self, EDITOR_STATE_UNPROTECTED, g_strdup ("Others can change this document meanwhile"),
          g_strdup (self->unprotected));
  else
    {
      show (self, EDITOR_STATE_EDITING, NULL, NULL);
      wanted_cb (self);
    }
}

/* Ends a wait. */
void
editor_document_stop (EditorDocument *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
}

/* Whatever is under way, the lock is given up. This waits for a file server for 20 ms at most. */
void
editor_document_close (EditorDocument *self)
{
  g_clear_object (&self->monitor);
  stop_offer (self);
  g_cancellable_cancel (self->closed);
  flufl_lock_abandon (self->lock);
}

static void
lost_cb (FluflLock *lock, const GError *error, gpointer user_data)
{
  EditorDocument *self = user_data;

  (void) lock;
  if (editor_document_is_editable (self))
    {
      show (self, EDITOR_STATE_LOST, g_strdup ("Somebody else may change this document now"),
            g_strdup_printf ("Save your changes under another name. %s", error->message));
      return;
    }
  /* The user has changed nothing yet. */
  stop_offer (self);
  self->state = EDITOR_STATE_TAKEN;
  watch (self);
}

/* --- To save it --- */

static void
replaced_cb (GObject *file, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EditorDocument *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;

  if (g_file_replace_contents_finish (G_FILE (file), result, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else /* if the loss of the lock has stopped the work, the loss is the reason */
    g_task_return_error (task, flufl_lock_explain_error (self->lock, error));
}

static void
replace (GTask *task)
{
  EditorDocument *self = g_task_get_source_object (task);
  g_autoptr (GCancellable) work = flufl_lock_dup_work_cancellable (self->lock, NULL);

  g_file_replace_contents_bytes_async (self->file, g_task_get_task_data (task), NULL, FALSE,
                                       G_FILE_CREATE_NONE, work, replaced_cb, task);
}

/* Nothing is written if somebody else may have the lock. */
static void
refreshed_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (flufl_lock_refresh_finish (FLUFL_LOCK (lock), result, &error))
    replace (g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

void
editor_document_save_async (EditorDocument      *self,
                            GBytes              *content,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_task_data (task, g_bytes_ref (content), (GDestroyNotify) g_bytes_unref);
  if (self->state == EDITOR_STATE_UNPROTECTED)
    replace (task);
  else
    flufl_lock_refresh_async (self->lock, FLUFL_LOCK_LIFETIME_DEFAULT, NULL, refreshed_cb, task);
}

gboolean
editor_document_save_finish (EditorDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- The object --- */

GFile *
editor_document_get_file (EditorDocument *self)
{
  return self->file;
}

EditorState
editor_document_get_state (EditorDocument *self)
{
  return self->state;
}

/* A loss takes no text away: the user goes on, and saves it elsewhere. */
gboolean
editor_document_is_editable (EditorDocument *self)
{
  return self->state == EDITOR_STATE_EDITING || self->state == EDITOR_STATE_UNPROTECTED
         || self->state == EDITOR_STATE_LOST;
}

const char *
editor_document_get_title (EditorDocument *self)
{
  return self->title;
}

const char *
editor_document_get_text (EditorDocument *self)
{
  return self->text;
}

EditorDocument *
editor_document_new (GFile *file)
{
  EditorDocument *self = g_object_new (EDITOR_TYPE_DOCUMENT, NULL);
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *shown = g_filename_display_name (name);

  self->file = g_object_ref (file);
  /* As flufl_lock_new_for_document(), with names for people. */
  self->lock = g_object_new (FLUFL_TYPE_LOCK, "document", file, "subject", shown, "program-name",
                             g_get_application_name (), "watch-wanted", TRUE, NULL);
  g_signal_connect_object (self->lock, "notify::wanted", G_CALLBACK (wanted_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->lock, "lost", G_CALLBACK (lost_cb), self, 0);
  return self;
}

static void
editor_document_finalize (GObject *object)
{
  EditorDocument *self = EDITOR_DOCUMENT (object);

  g_clear_object (&self->file);
  g_clear_object (&self->monitor);
  g_clear_object (&self->lock);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->closed);
  g_free (self->watch);
  g_free (self->unprotected);
  g_free (self->title);
  g_free (self->text);
  G_OBJECT_CLASS (editor_document_parent_class)->finalize (object);
}

static void
editor_document_class_init (EditorDocumentClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = editor_document_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_RELOAD] = g_signal_new ("reload", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
editor_document_init (EditorDocument *self)
{
  self->closed = g_cancellable_new ();
}
