/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * editor FILE: a text editor that lets one person at a time change a document. Other people see the
 * name of that person, and a banner once the document is free.
 */

#include <adwaita.h>
#include <locale.h>

#include "editor-document.h"

#define EDITOR_TYPE_WINDOW (editor_window_get_type ())
G_DECLARE_FINAL_TYPE (EditorWindow, editor_window, EDITOR, WINDOW, AdwApplicationWindow)

typedef enum
{
  AFTER_SAVE_STAY,
  AFTER_SAVE_LET_GO, /* until then nothing can be typed */
  AFTER_SAVE_CLOSE,
} AfterSave;

struct _EditorWindow
{
  AdwApplicationWindow parent_instance;

  EditorDocument *document;
  EditorDocument *next;    /* what the text is about to be saved as; nullable */
  GCancellable   *reading; /* of the last reading; nullable */
  guint           n_saves; /* that are under way */
  AfterSave       after;
  GtkTextBuffer  *buffer;
  GtkWidget      *view, *heading, *revealer, *title, *text, *spinner, *button, *toasts;
};

G_DEFINE_FINAL_TYPE (EditorWindow, editor_window, ADW_TYPE_APPLICATION_WINDOW)

static void
tell (EditorWindow *self, const char *text)
{
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (self->toasts), adw_toast_new (text));
}

/* The text may have names that other processes wrote, and a toast takes its title for markup. It
 * stays until the user has read it. */
static void
complain (EditorWindow *self, const char *text)
{
  g_autofree char *markup = g_markup_escape_text (text, -1);
  AdwToast *toast = adw_toast_new (markup);

  adw_toast_set_timeout (toast, 0);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (self->toasts), toast);
}

/* --- The banner --- */

/* What the user can decide when there is a banner. */
static const struct { const char *label, *action; } buttons[EDITOR_STATE_FAILED + 1] = {
  [EDITOR_STATE_EDITING] = { "Save and Let Go", "win.let-go" },
  [EDITOR_STATE_TAKEN] = { "Notify Me", "win.wait" },
  [EDITOR_STATE_WAITING] = { "Stop Waiting", "win.stop" },
  [EDITOR_STATE_DEAD] = { "Take Over", "win.take-over" },
  [EDITOR_STATE_TAKING_OVER] = { "Stop", "win.stop" },
  [EDITOR_STATE_FREE] = { "Reload and Edit", "win.edit" },
  [EDITOR_STATE_OFFERED] = { "Reload and Edit", "win.edit" },
  [EDITOR_STATE_OFFICE] = { "Edit Anyway", "win.edit" },
  [EDITOR_STATE_UNREADABLE] = { "Try Again", "win.edit" },
  [EDITOR_STATE_LOST] = { "Save As…", "win.save-as" },
};

static void
notify_user (EditorWindow *self)
{
  g_autoptr (GNotification) notification
      = g_notification_new (editor_document_get_title (self->document));
  GApplication *application = G_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));

  if (!gtk_window_is_active (GTK_WINDOW (self)) && application != NULL)
    g_application_send_notification (application, "free", notification);
}

static void
document_changed_cb (EditorWindow *self)
{
  EditorState state = editor_document_get_state (self->document);
  const char *title = editor_document_get_title (self->document);
  const char *text = editor_document_get_text (self->document);
  gboolean editable = editor_document_is_editable (self->document);
  gboolean asks = title != NULL && buttons[state].label != NULL;

  /* While nobody has to decide anything, there is no banner. */
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->revealer), title != NULL);
  if (title != NULL)
    gtk_label_set_text (GTK_LABEL (self->title), title);
  if (title != NULL)
    gtk_label_set_text (GTK_LABEL (self->text), text != NULL ? text : "");
  gtk_widget_set_visible (self->text, text != NULL);
  gtk_widget_set_visible (self->spinner, state == EDITOR_STATE_WAITING
                                             || state == EDITOR_STATE_TAKING_OVER);
  gtk_widget_set_visible (self->button, asks);
  gtk_button_set_label (GTK_BUTTON (self->button), asks ? buttons[state].label : "");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->button), buttons[state].action);
  adw_window_title_set_subtitle (ADW_WINDOW_TITLE (self->heading),
                                 self->after == AFTER_SAVE_CLOSE ? "Saving before closing…"
                                 : self->n_saves > 0             ? "Saving…"
                                 : state == EDITOR_STATE_READING ? "Reading…"
                                                                 : "");
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.save",
                                 editable && state != EDITOR_STATE_LOST);
  gtk_text_view_set_editable (GTK_TEXT_VIEW (self->view),
                              editable && self->after != AFTER_SAVE_LET_GO);
  if (state == EDITOR_STATE_OFFERED)
    notify_user (self);
}

/* A reading that a later one has replaced shows nothing. */
static void
read_cb (GObject *file, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EditorWindow) self = user_data;
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize length = 0;

  if (g_file_load_contents_finish (G_FILE (file), result, &content, &length, NULL, &error)
      && !g_utf8_validate (content, length, NULL))
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "This is not a text.");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_clear_error (&error); /* a new document */
  if (error == NULL)
    {
      gtk_text_buffer_set_text (self->buffer, content != NULL ? content : "", (int) length);
      gtk_text_buffer_set_modified (self->buffer, FALSE);
    }
  else if (editor_document_get_state (self->document) != EDITOR_STATE_READING)
    complain (self, error->message);
  editor_document_read_done (self->document, error);
}

static void
stop_reading (EditorWindow *self)
{
  if (self->reading != NULL)
    g_cancellable_cancel (self->reading);
  g_clear_object (&self->reading);
}

static void
reload (EditorWindow *self)
{
  stop_reading (self);
  self->reading = g_cancellable_new ();
  g_file_load_contents_async (editor_document_get_file (self->document), self->reading, read_cb,
                              g_object_ref (self));
}

static void
set_document (EditorWindow *self, EditorDocument *document)
{
  GFile *file = editor_document_get_file (document);
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *shown = g_filename_display_name (name);

  stop_reading (self);
  if (self->after == AFTER_SAVE_LET_GO)
    self->after = AFTER_SAVE_STAY; /* the other document goes anyway */
  if (self->document != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->document, self);
      editor_document_close (self->document);
    }
  g_set_object (&self->document, document);
  g_signal_connect_object (document, "changed", G_CALLBACK (document_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (document, "reload", G_CALLBACK (reload), self, G_CONNECT_SWAPPED);
  gtk_window_set_title (GTK_WINDOW (self), shown);
  adw_window_title_set_title (ADW_WINDOW_TITLE (self->heading), shown);
  document_changed_cb (self);
}

/* --- To save --- */

static void
begin_save (EditorWindow *self)
{
  self->n_saves++;
  gtk_text_buffer_set_modified (self->buffer, FALSE);
  document_changed_cb (self);
}

/* A text that is not saved keeps its window open, and its document. */
static void
end_save (EditorWindow *self, gboolean saved)
{
  AfterSave after = saved ? self->after : AFTER_SAVE_STAY;

  self->n_saves--;
  if (!saved)
    gtk_text_buffer_set_modified (self->buffer, TRUE);
  self->after = self->n_saves > 0 ? after : AFTER_SAVE_STAY;
  document_changed_cb (self);
  if (after == AFTER_SAVE_CLOSE && self->n_saves == 0)
    gtk_window_close (GTK_WINDOW (self));
  if (after == AFTER_SAVE_LET_GO && self->n_saves == 0)
    editor_document_let_go (self->document);
}

static void
saved_cb (GObject *document, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EditorWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  gboolean saved = editor_document_save_finish (EDITOR_DOCUMENT (document), result, &error);

  if (self->document == NULL) /* the window has gone */
    return;
  if (saved)
    tell (self, "Saved.");
  else if (editor_document_get_state (EDITOR_DOCUMENT (document)) != EDITOR_STATE_LOST)
    complain (self, error->message);
  end_save (self, saved);
}

static GBytes *
dup_content (EditorWindow *self)
{
  GtkTextIter start, end;
  char *text;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  text = gtk_text_buffer_get_text (self->buffer, &start, &end, TRUE);
  return g_bytes_new_take (text, strlen (text));
}

static void
save (GtkWidget *widget, const char *name, GVariant *parameter)
{
  EditorWindow *self = EDITOR_WINDOW (widget);
  g_autoptr (GBytes) content = dup_content (self);

  (void) parameter;
  if (!editor_document_is_editable (self->document))
    return;
  if (g_str_equal (name, "win.let-go"))
    self->after = AFTER_SAVE_LET_GO;
  begin_save (self);
  editor_document_save_async (self->document, content, saved_cb, g_object_ref (self));
}

/* --- To save under another name --- */

static void
drop_next (EditorWindow *self)
{
  if (self->next == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->next, self);
  editor_document_close (self->next);
  g_clear_object (&self->next);
}

/* The lock of the old name is given up once the text is saved under the new one. */
static void
next_saved_cb (GObject *document, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EditorWindow) self = user_data;
  g_autoptr (EditorDocument) next = NULL;
  g_autoptr (GError) error = NULL;
  gboolean saved = editor_document_save_finish (EDITOR_DOCUMENT (document), result, &error);

  if (self->next != EDITOR_DOCUMENT (document)) /* the window was closed */
    return;
  if (saved)
    {
      next = g_steal_pointer (&self->next);
      set_document (self, next);
      tell (self, "Saved.");
    }
  else
    {
      complain (self, error->message);
      drop_next (self);
    }
  end_save (self, saved);
}

static void
next_changed_cb (EditorWindow *self)
{
  EditorState state = editor_document_get_state (self->next);
  g_autoptr (GBytes) content = NULL;

  if (state == EDITOR_STATE_OPENING || state == EDITOR_STATE_READING)
    return;
  if (!editor_document_is_editable (self->next))
    {
      complain (self, editor_document_get_title (self->next));
      drop_next (self);
      return;
    }
  g_signal_handlers_disconnect_by_data (self->next, self);
  content = dup_content (self);
  begin_save (self);
  editor_document_save_async (self->next, content, next_saved_cb, g_object_ref (self));
}

/* What is there is replaced, so it need not be read. */
static void
next_reload_cb (EditorWindow *self)
{
  editor_document_read_done (self->next, NULL);
}

static void
save_next (EditorWindow *self, GFile *file)
{
  self->next = editor_document_new (file);
  g_signal_connect_object (self->next, "changed", G_CALLBACK (next_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->next, "reload", G_CALLBACK (next_reload_cb), self,
                           G_CONNECT_SWAPPED);
  editor_document_open (self->next);
}

static void
chosen_cb (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  EditorWindow *self = user_data;
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT && self->next == NULL)
    {
      file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      if (g_file_equal (file, editor_document_get_file (self->document))
          && editor_document_get_state (self->document) == EDITOR_STATE_EDITING)
        gtk_widget_activate_action (GTK_WIDGET (self), "win.save", NULL);
      else
        save_next (self, file);
    }
  g_object_unref (dialog);
}

static void
save_as (GtkWidget *widget, const char *name, GVariant *parameter)
{
  EditorWindow *self = EDITOR_WINDOW (widget);
  g_autoptr (GFile) directory = g_file_get_parent (editor_document_get_file (self->document));
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
      "Save As", GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_SAVE, NULL, NULL);

  (void) name, (void) parameter;
  gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), directory, NULL);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog),
                                     gtk_window_get_title (GTK_WINDOW (self)));
  g_signal_connect_object (dialog, "response", G_CALLBACK (chosen_cb), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* --- The window --- */

static void
act (GtkWidget *widget, const char *name, GVariant *parameter)
{
  EditorDocument *document = EDITOR_WINDOW (widget)->document;

  (void) parameter;
  if (g_str_equal (name, "win.wait"))
    editor_document_wait (document);
  else if (g_str_equal (name, "win.take-over"))
    editor_document_take_over (document);
  else if (g_str_equal (name, "win.edit"))
    editor_document_edit (document);
  else
    editor_document_stop (document);
}

static gboolean
close_cb (gpointer window)
{
  gtk_window_close (window);
  return G_SOURCE_REMOVE;
}

/* The dialog goes before its window does. */
static void
answered_cb (EditorWindow *self, const char *answer)
{
  if (g_str_equal (answer, "save"))
    gtk_widget_activate_action (GTK_WIDGET (self), "win.save", NULL);
  if (g_str_equal (answer, "discard"))
    gtk_text_buffer_set_modified (self->buffer, FALSE);
  if (g_str_equal (answer, "save") || g_str_equal (answer, "discard"))
    g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, close_cb, g_object_ref (self), g_object_unref);
}

static void
ask_to_save (EditorWindow *self)
{
  AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG (
      adw_message_dialog_new (GTK_WINDOW (self), "Save the changes?", "Otherwise they are lost."));

  adw_message_dialog_add_responses (dialog, "cancel", "Cancel", "discard", "Discard", "save", "Save",
                                    NULL);
  adw_message_dialog_set_response_enabled (
      dialog, "save", editor_document_get_state (self->document) != EDITOR_STATE_LOST);
  g_signal_connect_object (dialog, "response", G_CALLBACK (answered_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* The lock is not given up while the text is being written. */
static gboolean
close_request_cb (EditorWindow *self)
{
  self->after = self->n_saves > 0 ? AFTER_SAVE_CLOSE : AFTER_SAVE_STAY;
  document_changed_cb (self);
  if (self->n_saves == 0 && gtk_text_buffer_get_modified (self->buffer))
    ask_to_save (self);
  if (self->n_saves > 0 || gtk_text_buffer_get_modified (self->buffer))
    return GDK_EVENT_STOP;
  drop_next (self);
  editor_document_close (self->document);
  return GDK_EVENT_PROPAGATE;
}

static GtkWidget *
make_label (GtkWidget *box, const char *style)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_widget_add_css_class (label, style);
  gtk_box_append (GTK_BOX (box), label);
  return label;
}

/* libadwaita 1.3 has AdwBanner, with one button. */
static GtkWidget *
make_banner (EditorWindow *self)
{
  GtkWidget *banner = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);

  gtk_widget_add_css_class (banner, "document-banner");
  gtk_widget_set_hexpand (words, TRUE);
  gtk_widget_set_valign (words, GTK_ALIGN_CENTER);
  self->title = make_label (words, "heading");
  self->text = make_label (words, "caption");
  gtk_box_append (GTK_BOX (banner), words);
  self->spinner = gtk_spinner_new ();
  gtk_spinner_start (GTK_SPINNER (self->spinner));
  gtk_box_append (GTK_BOX (banner), self->spinner);
  self->button = gtk_button_new ();
  gtk_widget_set_valign (self->button, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (banner), self->button);
  self->revealer = gtk_revealer_new ();
  gtk_revealer_set_child (GTK_REVEALER (self->revealer), banner);
  return self->revealer;
}

static GtkWidget *
make_header (EditorWindow *self)
{
  GtkWidget *header = adw_header_bar_new ();
  GtkWidget *save = gtk_button_new_with_label ("Save");

  self->heading = adw_window_title_new ("", NULL);
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (header), self->heading);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (save), "win.save");
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), save);
  return header;
}

static void
editor_window_init (EditorWindow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  self->view = gtk_text_view_new ();
  self->buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view));
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (self->view), GTK_WRAP_WORD_CHAR);
  gtk_widget_add_css_class (self->view, "document-text");
  gtk_widget_set_vexpand (scrolled, TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), self->view);
  self->toasts = adw_toast_overlay_new ();
  adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (self->toasts), scrolled);
  gtk_box_append (GTK_BOX (box), make_header (self));
  gtk_box_append (GTK_BOX (box), make_banner (self));
  gtk_box_append (GTK_BOX (box), self->toasts);
  adw_application_window_set_content (ADW_APPLICATION_WINDOW (self), box);
  gtk_window_set_default_size (GTK_WINDOW (self), 620, 300);
  g_signal_connect (self, "close-request", G_CALLBACK (close_request_cb), NULL);
}

static void
editor_window_dispose (GObject *object)
{
  EditorWindow *self = EDITOR_WINDOW (object);

  if (self->document != NULL)
    editor_document_close (self->document);
  stop_reading (self);
  drop_next (self);
  g_clear_object (&self->document);
  G_OBJECT_CLASS (editor_window_parent_class)->dispose (object);
}

static void
editor_window_class_init (EditorWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = editor_window_dispose;
  gtk_widget_class_install_action (widget_class, "win.save", NULL, save);
  gtk_widget_class_install_action (widget_class, "win.save-as", NULL, save_as);
  gtk_widget_class_install_action (widget_class, "win.let-go", NULL, save);
  gtk_widget_class_install_action (widget_class, "win.wait", NULL, act);
  gtk_widget_class_install_action (widget_class, "win.stop", NULL, act);
  gtk_widget_class_install_action (widget_class, "win.take-over", NULL, act);
  gtk_widget_class_install_action (widget_class, "win.edit", NULL, act);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_s, GDK_CONTROL_MASK, "win.save", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_s, GDK_CONTROL_MASK | GDK_SHIFT_MASK,
                                       "win.save-as", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "win.stop", NULL);
}

/* --- The application --- */

static void
open_cb (GtkApplication *application, GFile **files, int n_files)
{
  for (int i = 0; i < n_files; i++)
    {
      EditorWindow *window = g_object_new (EDITOR_TYPE_WINDOW, "application", application, NULL);
      g_autoptr (EditorDocument) document = editor_document_new (files[i]);

      set_document (window, document);
      reload (window);
      editor_document_open (document);
      gtk_window_present (GTK_WINDOW (window));
      gtk_widget_grab_focus (window->view);
    }
}

static void
startup_cb (void)
{
  const char *style = ".document-banner { padding: 9px 12px; background: alpha(@accent_bg_color, .15); }"
                      ".document-text { padding: 12px; }";
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_data (provider, style, -1);
  gtk_style_context_add_provider_for_display (gdk_display_get_default (),
                                              GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  g_set_application_name ("Editor");
}

int
main (int argc, char *argv[])
{
  g_autoptr (AdwApplication) application = NULL;

  setlocale (LC_ALL, "");
  application = adw_application_new ("org.example.Editor",
                                     G_APPLICATION_HANDLES_OPEN | G_APPLICATION_NON_UNIQUE);
  g_signal_connect (application, "startup", G_CALLBACK (startup_cb), NULL);
  g_signal_connect (application, "open", G_CALLBACK (open_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
