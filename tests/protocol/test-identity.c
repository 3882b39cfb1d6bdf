/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The identity of a process, read at moments when /proc does not give it.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol-util.h"

static int
open_nothing (const char *path, FluflOpen how)
{
  if (g_str_has_prefix (path, "/proc/"))
    {
      errno = EMFILE;
      return -1;
    }
  return fake_syscalls.open (path, how);
}

static void
test_is_found_later (void)
{
  FluflSyscalls starved = fake_syscalls;
  FluflIdentity us, poor, rich;
  int status;
  pid_t pid;

  g_test_summary ("A process without free descriptors finds its identity when it has one again");
  flufl_identity_get (&fake_syscalls, &us);
  if (us.boot[0] == '\0' || us.start[0] == '\0')
    {
      g_test_skip ("this kernel shows no boot id");
      return;
    }
  starved.open = open_nothing;
  pid = fork (); /* a process that has not read its identity yet */
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      flufl_identity_get (&starved, &poor);
      flufl_identity_get (&fake_syscalls, &rich);
      _exit (poor.pid == getpid () && poor.boot[0] == '\0' && strcmp (rich.boot, us.boot) == 0
             && rich.start[0] != '\0' ? 0 : 1);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

static GMutex stalled_mutex;
static GCond stalled_cond;
static gboolean stalled;
static GThread *volatile asks; /* in sight of memcheck */

/* The call does not return. */
static int
open_stalls (const char *path G_GNUC_UNUSED, FluflOpen how G_GNUC_UNUSED)
{
  g_mutex_lock (&stalled_mutex);
  stalled = TRUE;
  g_cond_signal (&stalled_cond);
  while (stalled)
    g_cond_wait (&stalled_cond, &stalled_mutex);
  g_mutex_unlock (&stalled_mutex);
  return -1;
}

static gpointer
ask_in_vain (gpointer sys)
{
  FluflIdentity id;

  flufl_identity_get (sys, &id);
  return NULL;
}

/* A process that has not read its identity yet forks while a thread reads it. */
static int
fork_while_asked (void)
{
  FluflSyscalls stalling = fake_syscalls;
  FluflIdentity us;
  int status;
  pid_t pid;

  stalling.open = open_stalls;
  g_mutex_lock (&stalled_mutex);
  asks = g_thread_new ("asks", ask_in_vain, &stalling);
  while (!stalled)
    g_cond_wait (&stalled_cond, &stalled_mutex);
  g_mutex_unlock (&stalled_mutex);
  pid = fork ();
  if (pid == 0)
    {
      alarm (60); /* it must not hang */
      flufl_identity_get (&fake_syscalls, &us);
      _exit (us.pid == getpid () && us.start[0] != '\0' ? 0 : 1);
    }
  return pid > 0 && waitpid (pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static void
test_asked_at_fork (void)
{
  FluflIdentity us;
  int status;
  pid_t pid;

  g_test_summary ("A thread that the parent has and a child has not keeps nobody from the answer");
#ifdef __SANITIZE_THREAD__
  g_test_skip ("the thread sanitizer ends a forked child that makes a thread");
  return;
#endif
  flufl_identity_get (&fake_syscalls, &us);
  if (us.boot[0] == '\0' || us.start[0] == '\0')
    {
      g_test_skip ("this kernel shows no boot id");
      return;
    }
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    _exit (fork_while_asked ());
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/identity/found-later", test_is_found_later);
  g_test_add_func ("/identity/asked-at-fork", test_asked_at_fork);
  return g_test_run ();
}
