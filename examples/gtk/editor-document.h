/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A document that one person at a time can change, and its holder. There are no widgets here, so other
 * applications can use both files unchanged.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  EDITOR_STATE_OPENING,     /* the lock is being acquired, or looked at */
  EDITOR_STATE_READING,     /* the text may be edited as soon as it was read again */
  EDITOR_STATE_UNREADABLE,  /* the text could not be read */
  EDITOR_STATE_EDITING,     /* the lock is held, and the text was read under it; a title is shown
                             * while somebody waits */
  EDITOR_STATE_UNPROTECTED, /* there can be no lock here; editing goes on without one */
  EDITOR_STATE_TAKEN,       /* somebody else holds the lock */
  EDITOR_STATE_DEAD,        /* the holder is proved dead, or its lock has expired */
  EDITOR_STATE_TAKING_OVER, /* the lock of such a holder is being acquired */
  EDITOR_STATE_FREE,        /* it was taken, and nobody holds it now */
  EDITOR_STATE_WAITING,     /* the lock is wanted as soon as it is free */
  EDITOR_STATE_OFFERED,     /* the wait was successful, and the lock is held for the user */
  EDITOR_STATE_OFFICE,      /* the lock is held, but LibreOffice seems to have the document */
  EDITOR_STATE_LOST,        /* the lock was held, and is lost */
  EDITOR_STATE_FAILED,
} EditorState;

#define EDITOR_TYPE_DOCUMENT (editor_document_get_type ())
G_DECLARE_FINAL_TYPE (EditorDocument, editor_document, EDITOR, DOCUMENT, GObject)

EditorDocument *editor_document_new           (GFile               *file);

GFile          *editor_document_get_file      (EditorDocument      *self);
EditorState     editor_document_get_state     (EditorDocument      *self);
gboolean        editor_document_is_editable   (EditorDocument      *self);
/* What to show, or NULL. */
const char     *editor_document_get_title     (EditorDocument      *self);
const char     *editor_document_get_text      (EditorDocument      *self);

void            editor_document_open          (EditorDocument      *self);
void            editor_document_edit          (EditorDocument      *self);
void            editor_document_wait          (EditorDocument      *self);
void            editor_document_take_over     (EditorDocument      *self);
void            editor_document_stop          (EditorDocument      *self);
void            editor_document_let_go        (EditorDocument      *self);
void            editor_document_read_done     (EditorDocument      *self,
                                               const GError        *error);
void            editor_document_close         (EditorDocument      *self);

void            editor_document_save_async    (EditorDocument      *self,
                                               GBytes              *content,
                                               GAsyncReadyCallback  callback,
                                               gpointer             user_data);
gboolean        editor_document_save_finish   (EditorDocument      *self,
                                               GAsyncResult        *result,
                                               GError             **error);

G_END_DECLS
