/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "partner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * partner_open:
 * @out_fd: a descriptor that can be read when the process has ended; -1 on systems that have none,
 *   where partner_is_alive() must be asked now and then
 *
 * Returns: FALSE if there is no such process
 */
gboolean
partner_open (pid_t pid, int *out_fd)
{
  *out_fd = -1;
#ifdef SYS_pidfd_open
  *out_fd = (int) syscall (SYS_pidfd_open, pid, 0);
  if (*out_fd >= 0)
    fcntl (*out_fd, F_SETFD, FD_CLOEXEC);
#endif
  return partner_is_alive (pid, *out_fd);
}

gboolean
partner_is_alive (pid_t pid, int fd)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  if (fd >= 0)
    return poll (&poll_fd, 1, 0) <= 0; /* an error, such as EINTR, shows no death */
  return kill (pid, 0) == 0 || errno == EPERM;
}
