/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * macOS and FreeBSD show a process by sysctl(3). The rest of this file is what they differ in, and
 * why the others show nothing. A wrong fact costs a lock, and a missing one a wait. It compiles for
 * these systems, and has not run on them.
 *
 * - macOS: kern.bootsessionuuid names the boot. The start of a process is a wall clock time that was
 *   stored when it began.
 * - FreeBSD 14: kern.boot_id names the boot, and older ones have no name for it. kern.boottime is no
 *   name, since it moves when the clock is set. The start of a process is shown as kern.boottime and
 *   a time since then, so the difference counts. kill(2) answers ESRCH for a process that may not be
 *   seen.
 * - NetBSD and OpenBSD have no name for the boot but a kern.boottime that moves.
 */

#include "config.h"

#include "flufl-process-facts.h"

#include <errno.h>
#include <unistd.h>

#if defined __APPLE__ || defined __FreeBSD__
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/types.h>
#endif
#ifdef __FreeBSD__
#include <sys/user.h>
#endif

typedef struct
{
  guint64  start; /* 0: unknown */
  gboolean is_stopped;
  gboolean has_ended;
  char     program[FLUFL_PROGRAM_MAX + 1];
} Process;

#if defined __APPLE__ || defined __FreeBSD__

static guint64
microseconds (const struct timeval *time)
{
  return (guint64) time->tv_sec * G_USEC_PER_SEC + (guint64) time->tv_usec;
}

static gboolean
ask_kernel (int pid, struct kinfo_proc *out)
{
  int name[] = { CTL_KERN, KERN_PROC, KERN_PROC_PID, pid };
  size_t size = sizeof *out;

  return sysctl (name, G_N_ELEMENTS (name), out, &size, NULL, 0) == 0 && size == sizeof *out;
}
#endif

/* --- The systems: what names the boot, whether all processes are seen, and one process --- */

#if defined __APPLE__

static char *
name_boot (void)
{
  char uuid[64] = "";
  size_t size = sizeof uuid - 1;

  if (sysctlbyname ("kern.bootsessionuuid", uuid, &size, NULL, 0) != 0 || uuid[0] == '\0')
    return NULL;
  return g_strdup (uuid);
}

static gboolean
sees_all (void)
{
  return TRUE;
}

static gboolean
find_process (int pid, Process *out)
{
  struct kinfo_proc info;

  if (!ask_kernel (pid, &info) || info.kp_proc.p_pid != pid)
    return FALSE;
  out->start = microseconds (&info.kp_proc.p_starttime);
  out->is_stopped = info.kp_proc.p_stat == SSTOP;
  out->has_ended = info.kp_proc.p_stat == SZOMB;
  g_strlcpy (out->program, info.kp_proc.p_comm, sizeof out->program);
  return out->start != 0;
}

#elif defined __FreeBSD__

static gboolean
read_setting (const char *name, void *out, size_t size)
{
  size_t found = size;

  return sysctlbyname (name, out, &found, NULL, 0) == 0 && found == size;
}

static char *
name_boot (void)
{
  guchar id[16];

  if (!read_setting ("kern.boot_id", id, sizeof id))
    return NULL;
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, id, sizeof id);
}

/* In a jail only its own processes are seen. A policy may hide those of other users and groups. */
static gboolean
sees_all (void)
{
  static const struct
  {
    const char *name;
    int         wanted;
    gboolean    may_lack;
  } settings[] = {
    { "security.jail.jailed", 0, FALSE },
    { "security.bsd.see_other_uids", 1, FALSE },
    { "security.bsd.see_other_gids", 1, FALSE },
    { "security.bsd.see_jail_proc", 1, TRUE },
    { "security.mac.seeotheruids.enabled", 0, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      int value;

      if (!read_setting (settings[i].name, &value, sizeof value))
        {
          if (errno != ENOENT || !settings[i].may_lack)
            return FALSE;
        }
      else if (value != settings[i].wanted)
        return FALSE;
    }
  return TRUE;
}

static gboolean
find_process (int pid, Process *out)
{
  struct timeval before, after;
  struct kinfo_proc info;

  if (!read_setting ("kern.boottime", &before, sizeof before) || !ask_kernel (pid, &info)
      || !read_setting ("kern.boottime", &after, sizeof after)
      || microseconds (&before) != microseconds (&after) || info.ki_pid != pid
      || microseconds (&info.ki_start) <= microseconds (&before))
    return FALSE;
  out->start = microseconds (&info.ki_start) - microseconds (&before);
  out->is_stopped = info.ki_stat == SSTOP;
  out->has_ended = info.ki_stat == SZOMB;
  g_strlcpy (out->program, info.ki_comm, sizeof out->program);
  return TRUE;
}

#else

static char *
name_boot (void)
{
  return NULL;
}

static gboolean
sees_all (void)
{
  return FALSE;
}

static gboolean
find_process (int pid G_GNUC_UNUSED, Process *out G_GNUC_UNUSED)
{
  return FALSE;
}
#endif

/* --- All systems --- */

/* There are no namespaces of process ids: the boot stands for them. A process that does not see
 * all others leaves them out. */
void
flufl_process_facts_find (const FluflSyscalls *sys G_GNUC_UNUSED, FluflIdentity *id)
{
  g_autofree char *boot = name_boot ();
  Process self;

  if (boot == NULL)
    return;
  flufl_process_facts_hash (boot, id->boot);
  if (!sees_all () || !find_process ((int) getpid (), &self))
    return;
  flufl_process_facts_hash (boot, id->space);
  g_snprintf (id->start, sizeof id->start, "%" G_GINT64_MODIFIER "x", self.start);
}

FluflProcessState
flufl_process_facts_ask (const FluflSyscalls *sys, int pid, guint64 *out_start)
{
  Process process;

  if (sys->kill (pid) != 0 && errno == ESRCH)
    return sees_all () ? FLUFL_PROCESS_NONE : FLUFL_PROCESS_UNKNOWN;
  if (!find_process (pid, &process))
    return FLUFL_PROCESS_UNKNOWN;
  *out_start = process.start;
  if (process.has_ended)
    return FLUFL_PROCESS_ENDED;
  return process.is_stopped ? FLUFL_PROCESS_STOPPED : FLUFL_PROCESS_RUNNING;
}

/* The file's name, which macOS cuts to 16 bytes and FreeBSD to 19. */
void
flufl_process_facts_name (const FluflSyscalls *sys G_GNUC_UNUSED,
                          int                  pid,
                          char                 out[FLUFL_PROGRAM_MAX + 1])
{
  Process process;

  out[0] = '\0';
  if (find_process (pid, &process))
    g_strlcpy (out, process.program, FLUFL_PROGRAM_MAX + 1);
}
