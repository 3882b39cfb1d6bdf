/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

gboolean
link_open (int fds[2])
{
  if (socketpair (AF_UNIX, SOCK_STREAM, 0, fds) != 0)
    return FALSE;
  for (guint i = 0; i < 2; i++)
    fcntl (fds[i], F_SETFD, FD_CLOEXEC);
  return TRUE;
}

/* A message that the other process does not live to read is nobody's loss. SIGPIPE is ignored. */
void
link_send (int fd, LinkKind kind, int value)
{
  LinkMessage message = { kind, value };

  while (write (fd, &message, sizeof message) < 0 && errno == EINTR)
    ;
}

/* Drops the message if the other process does not read. */
void
link_try_send (int fd, LinkKind kind, int value)
{
  LinkMessage message = { kind, value };

  while (send (fd, &message, sizeof message, MSG_DONTWAIT) < 0 && errno == EINTR)
    ;
}

LinkKind
link_read (int fd, int *out_value)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
  LinkMessage message;
  gssize n;

  if (poll (&poll_fd, 1, 0) <= 0)
    return LINK_NOTHING;
  do
    n = recv (fd, &message, sizeof message, MSG_WAITALL);
  while (n < 0 && errno == EINTR);
  if (n != sizeof message)
    return LINK_CLOSED;
  *out_value = message.value;
  return (LinkKind) message.kind;
}

/* Shorter than the buffer of a socket, so that it goes at once. */
void
link_send_text (int fd, const char *text)
{
  gsize length = strlen (text);

  link_send (fd, LINK_TEXT, (int) length);
  while (write (fd, text, length) < 0 && errno == EINTR)
    ;
}

/* Returns: (transfer full) (nullable): the text of a message of that kind */
char *
link_read_text (int fd, int length)
{
  g_autofree char *text = g_malloc0 ((gsize) length + 1);
  gssize n;

  do
    n = recv (fd, text, (gsize) length, MSG_WAITALL);
  while (n < 0 && errno == EINTR);
  return n == length ? g_steal_pointer (&text) : NULL;
}
