/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Linux shows a process in /proc. Other POSIX systems show nothing there, so everything but the
 * number stays unknown.
 */

#include "config.h"

#include "flufl-process-facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

static gssize
read_small (const FluflSyscalls *sys, const char *path, char *buffer, gsize size)
{
  gssize total = 0;
  int fd = sys->open (path, FLUFL_OPEN_LOOK);

  if (fd < 0)
    return -1;
  while ((gsize) total < size - 1)
    {
      gssize n = sys->read (fd, buffer + total, size - 1 - total);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      total += n;
    }
  sys->close (fd);
  buffer[total] = '\0';
  return total;
}

typedef struct
{
  char    state;
  guint64 start;
  gint64  n_threads;
} ProcStat;

/* The text after @n fields, with a blank after each; NULL if there are fewer. */
static const char *
skip_fields (const char *text, guint n)
{
  for (; n > 0 && text != NULL; n--)
    {
      const char *blank = strchr (text, ' ');

      text = blank != NULL ? blank + 1 : NULL;
    }
  return text;
}

/* Reads /proc/PID/stat. The command's name may hold blanks and brackets: what
 * counts comes after the last one. */
static gboolean
read_proc_stat (const FluflSyscalls *sys, const char *path, ProcStat *out)
{
  char buffer[2048];
  const char *rest, *n_threads, *start;

  if (read_small (sys, path, buffer, sizeof buffer) <= 0)
    return FALSE;
  rest = strrchr (buffer, ')');
  if (rest == NULL || rest[1] != ' ')
    return FALSE;
  rest += 2;
  n_threads = skip_fields (rest, 17);
  start = skip_fields (rest, 19);
  if (start == NULL)
    return FALSE;
  out->state = rest[0];                                      /* field 3 of proc(5) */
  out->n_threads = g_ascii_strtoll (n_threads, NULL, 10);    /* field 20 */
  out->start = g_ascii_strtoull (start, NULL, 10);           /* field 22 */
  return TRUE;
}

static gssize
read_link (const char *path, char *buffer, gsize size)
{
  gssize n = readlink (path, buffer, size - 1);

  buffer[MAX (n, 0)] = '\0';
  return n;
}

/* Whether /proc shows the pid namespace that kill(2) works in. */
static gboolean
proc_is_ours (void)
{
  char self[32];

  return read_link ("/proc/self", self, sizeof self) > 0 && atoi (self) == (int) getpid ();
}

/* Whether nothing is mounted over the kernel's boot id. systemd-nspawn and LXC give each container
 * a boot id of its own. By that, every process outside of the container would count as dead since
 * an earlier boot. */
static gboolean
boot_id_is_the_kernels (void)
{
  struct stat proc, id;

  return stat ("/proc/self", &proc) == 0 && stat ("/proc/sys/kernel/random/boot_id", &id) == 0
         && proc.st_dev == id.st_dev;
}

/* execve(2) gives each program sixteen random bytes of its own. A process that goes on as
 * another program has the same number and start, and nothing of what it held. */
static void
find_image (char out[9] G_GNUC_UNUSED)
{
#ifdef __linux__
  const guchar *random = (const guchar *) getauxval (AT_RANDOM);
  g_autofree char *sum = NULL;

  if (random == NULL)
    return;
  sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, random, 16);
  memcpy (out, sum, 8);
  out[8] = '\0';
#endif
}

/*
 * flufl_process_facts_find:
 * @id: its pid and host are set, and not its other members
 *
 * Finds who this process is. What cannot be learned stays empty.
 */
void
flufl_process_facts_find (const FluflSyscalls *sys, FluflIdentity *id)
{
  char boot[128], pid_space[64], time_space[64];
  ProcStat stat;

  find_image (id->image);

  if (!proc_is_ours () || !boot_id_is_the_kernels ()
      || read_small (sys, "/proc/sys/kernel/random/boot_id", boot, sizeof boot) <= 0)
    return;
  g_strchomp (boot);
  flufl_process_facts_hash (boot, id->boot);

  /* Start times are relative to the time namespace (Linux 5.6). */
  if (read_link ("/proc/self/ns/time", time_space, sizeof time_space) <= 0)
    time_space[0] = '\0';
  if (read_link ("/proc/self/ns/pid", pid_space, sizeof pid_space) > 0)
    {
      g_autofree char *all = g_strjoin (" ", boot, pid_space, time_space, NULL);

      flufl_process_facts_hash (all, id->space);
    }
  if (read_proc_stat (sys, "/proc/self/stat", &stat))
    g_snprintf (id->start, sizeof id->start, "%" G_GINT64_MODIFIER "x", stat.start);
}

/*
 * flufl_process_facts_ask:
 * @out_start: when the process started, as in a claim's name; set unless NONE or UNKNOWN is
 *   returned
 *
 * Returns: what the process with the number @pid in our namespace does
 */
FluflProcessState
flufl_process_facts_ask (const FluflSyscalls *sys, int pid, guint64 *out_start)
{
  ProcStat stat;
  char path[32];

  if (sys->kill (pid) != 0 && errno == ESRCH)
    return FLUFL_PROCESS_NONE;
  g_snprintf (path, sizeof path, "/proc/%d/stat", pid);
  if (!proc_is_ours () || !read_proc_stat (sys, path, &stat))
    return FLUFL_PROCESS_UNKNOWN;
  *out_start = stat.start;
  /* A zombie whose other threads are gone too will do nothing any more. */
  if ((stat.state == 'Z' || stat.state == 'X') && stat.n_threads <= 1)
    return FLUFL_PROCESS_ENDED;
  return stat.state == 'T' || stat.state == 't' ? FLUFL_PROCESS_STOPPED : FLUFL_PROCESS_RUNNING;
}

/*
 * flufl_process_facts_name:
 * @pid: of a process in our namespace
 * @out: what its program is called; empty: unknown
 */
void
flufl_process_facts_name (const FluflSyscalls *sys, int pid, char out[FLUFL_PROGRAM_MAX + 1])
{
  char path[32];

  g_snprintf (path, sizeof path, "/proc/%d/comm", pid);
  if (read_small (sys, path, out, FLUFL_PROGRAM_MAX + 1) <= 0)
    out[0] = '\0';
  g_strchomp (out);
}
