/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The identity of a process, read at moments when /proc does not give it, and what /proc says of
 * others.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-process-facts.h"
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

/* What /proc/PID/stat has. */
static const char *stat_text;

static int
kill_nobody (int pid G_GNUC_UNUSED)
{
  return 0;
}

static int
open_stat (const char *path, FluflOpen how G_GNUC_UNUSED)
{
  g_assert_cmpstr (path, ==, "/proc/7/stat");
  return 0;
}

static gssize
read_stat (int fd G_GNUC_UNUSED, void *buffer, gsize size)
{
  gsize n = MIN (strlen (stat_text), size);

  memcpy (buffer, stat_text, n);
  stat_text += n;
  return (gssize) n;
}

static int
close_stat (int fd G_GNUC_UNUSED)
{
  return 0;
}

static void
test_proc_stat (void)
{
#define BETWEEN " 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 " /* fields 4 to 19 */
  static const struct
  {
    const char       *text;
    FluflProcessState state;
  } cases[] = {
    { "7 (a b) S" BETWEEN "1 0 4711 9 9\n", FLUFL_PROCESS_RUNNING },
    { "7 (a) S" BETWEEN "1 0 4711\n", FLUFL_PROCESS_RUNNING },
    { "7 (a) Z) T" BETWEEN "1 0 4711 9 9\n", FLUFL_PROCESS_STOPPED },
    { "7 (a) t" BETWEEN "1 0 4711 9 9\n", FLUFL_PROCESS_STOPPED },
    { "7 (a) Z" BETWEEN "1 0 4711 9 9\n", FLUFL_PROCESS_ENDED },
    { "7 (a) Z" BETWEEN "2 0 4711 9 9\n", FLUFL_PROCESS_RUNNING },
    { "7 (a) S" BETWEEN "1 0\n", FLUFL_PROCESS_UNKNOWN },
    { "7 (a) S" BETWEEN "\n", FLUFL_PROCESS_UNKNOWN },
    { "7 (a) ", FLUFL_PROCESS_UNKNOWN },
    { "7 (a)", FLUFL_PROCESS_UNKNOWN },
    { "7 a", FLUFL_PROCESS_UNKNOWN },
    { "", FLUFL_PROCESS_UNKNOWN },
  };
#undef BETWEEN
  FluflSyscalls sys = fake_syscalls;
  FluflIdentity us;
  guint64 start = 0;

  g_test_summary ("The state, the threads and the start of a process are found in /proc/PID/stat");
  flufl_identity_get (&fake_syscalls, &us);
  if (us.start[0] == '\0')
    {
      g_test_skip ("this kernel shows no processes in /proc");
      return;
    }
  sys.kill = kill_nobody;
  sys.open = open_stat;
  sys.read = read_stat;
  sys.close = close_stat;
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].text);
      stat_text = cases[i].text;
      g_assert_cmpint (flufl_process_facts_ask (&sys, 7, &start), ==, cases[i].state);
      g_assert_cmpuint (start, ==, cases[i].state == FLUFL_PROCESS_UNKNOWN ? 0 : 4711);
      start = 0;
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/identity/found-later", test_is_found_later);
  g_test_add_func ("/identity/asked-at-fork", test_asked_at_fork);
  g_test_add_func ("/identity/proc-stat", test_proc_stat);
  return g_test_run ();
}
