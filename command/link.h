/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The link between two processes of this command: messages, and the news of a death, both ways.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  LINK_NOTHING,  /* no message has come yet */
  LINK_CLOSED,   /* the other process has ended */
  LINK_STARTED,  /* value: the process ID of the command */
  LINK_STOPPED,  /* value: the signal that stopped the command, or the wait for the lock */
  LINK_ENDED,    /* value: the exit status */
  LINK_KILLED,   /* value: the signal that ended the command */
  LINK_TEXT,     /* value: the length of the text that follows */
  LINK_PRINTED,  /* the text is printed */
} LinkKind;

typedef struct
{
  gint32 kind;
  gint32 value;
} LinkMessage;

gboolean link_open      (int fds[2]);
void     link_send      (int fd, LinkKind kind, int value);
void     link_try_send  (int fd, LinkKind kind, int value);
LinkKind link_read      (int fd, int *out_value);
void     link_send_text (int fd, const char *text);
char    *link_read_text (int fd, int length);

G_END_DECLS
