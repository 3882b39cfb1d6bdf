/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Linux gives orphans to their nearest ancestor that asked for them, and /proc has everyone's
 * parent. So processes are found that have left the group of the command. On other systems
 * only the group is found.
 */

#include "family.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

/* In a child, before exec(3): it is killed when the thread that forked it dies. */
void
family_die_with (pid_t parent)
{
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (getppid () != parent)
    _exit (1);
}

typedef struct
{
  pid_t    pid, parent;
  gboolean is_family;
} Process;

/* The letter of the state and the parent's number follow the name, which may have any characters. */
static gboolean
read_stat (const char *pid, char *out_state, pid_t *out_parent)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", pid);
  g_autofree char *text = NULL;
  const char *rest;
  int parent;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  rest = strrchr (text, ')');
  if (rest == NULL || sscanf (rest, ") %c %d", out_state, &parent) != 2)
    return FALSE;
  *out_parent = parent;
  return TRUE;
}

/* Returns: (transfer full): of Process; empty without /proc */
static GArray *
list_processes (void)
{
  GArray *processes = g_array_new (FALSE, FALSE, sizeof (Process));
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      Process process = { .pid = atoi (name) };
      char state;

      if (process.pid > 0 && read_stat (name, &state, &process.parent))
        g_array_append_val (processes, process);
    }
  return processes;
}

/* The front: the process that a shell stops. 0: the parent. */
static pid_t front;

void
family_note_front (void)
{
  front = getpid ();
}

/* Whether this process has children that it had before it became this program. A script that ends
 * with “exec flufl-lock run …” may have left them in the background. */
gboolean
family_has_strangers (void)
{
  siginfo_t info;
  int result;

  do
    result = waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
  while (result != 0 && errno == EINTR);
  return result == 0 || errno != ECHILD;
}

/* Descendants that lose their parent become children of this process. All of them count as family, so
 * the process must have no strangers. */
void
family_adopt_orphans (void)
{
#ifdef __linux__
  prctl (PR_SET_CHILD_SUBREAPER, 1);
#endif
}

/* Whether a signal has stopped the front. FALSE without /proc. */
gboolean
family_parent_is_stopped (void)
{
  g_autofree char *pid = g_strdup_printf ("%d", (int) (front > 0 ? front : getppid ()));
  pid_t parent;
  char state;

  return read_stat (pid, &state, &parent) && state == 'T';
}

/* Marks the descendants of this process, generation by generation. */
static void
mark_family (GArray *processes)
{
  gboolean found = TRUE;

  while (found)
    {
      found = FALSE;
      for (guint i = 0; i < processes->len; i++)
        {
          Process *process = &g_array_index (processes, Process, i);
          gboolean is_family = process->parent == getpid ();

          for (guint j = 0; j < processes->len && !is_family; j++)
            is_family = g_array_index (processes, Process, j).is_family
                        && g_array_index (processes, Process, j).pid == process->parent;
          found |= is_family && !process->is_family;
          process->is_family = is_family;
        }
    }
}

/*
 * family_signal:
 * @group: the process group of the command; 0: that is gone
 *
 * Sends the signal to the group, and to the descendants of this process that have left it.
 */
void
family_signal (pid_t group, int number)
{
  g_autoptr (GArray) processes = NULL;

  if (group > 0)
    kill (-group, number);
  processes = list_processes ();
  mark_family (processes);
  for (guint i = 0; i < processes->len; i++)
    {
      const Process *process = &g_array_index (processes, Process, i);

      if (process->is_family && (group == 0 || getpgid (process->pid) != group))
        kill (process->pid, number);
    }
}

/* Takes the ends of all children that have ended. Returns whether none is left. */
gboolean
family_reap (void)
{
  pid_t pid;

  do
    pid = waitpid (-1, NULL, WNOHANG);
  while (pid > 0 || (pid < 0 && errno == EINTR));
  return pid < 0;
}

/* Takes the ends of all children that have ended. Returns whether @child is one of them. */
gboolean
family_reap_until (pid_t child, int *out_wait_status)
{
  gboolean found = FALSE;
  int wait_status;
  pid_t pid;

  while ((pid = waitpid (-1, &wait_status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR))
    if (pid == child)
      {
        *out_wait_status = wait_status;
        found = TRUE;
      }
  return found;
}
