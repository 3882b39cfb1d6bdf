/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The identity of this process, and whether another process still lives whose identity is known:
 * docs/protocol.md, "Evidence".
 */

#include "config.h"

#include "flufl-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

#include "flufl-process.h"

static gssize
read_small (const FluflSyscalls *sys, const char *path, char *buffer, gsize size)
{
  gssize total = 0;
  int fd = sys->open (path, O_RDONLY | O_CLOEXEC, 0);

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

/* Reads /proc/PID/stat. The command's name may hold blanks and brackets: what
 * counts comes after the last one. */
static gboolean
read_proc_stat (const FluflSyscalls *sys, const char *path, ProcStat *out)
{
  char buffer[2048];
  char *rest;
  g_auto (GStrv) fields = NULL;

  if (read_small (sys, path, buffer, sizeof buffer) <= 0)
    return FALSE;
  rest = strrchr (buffer, ')');
  if (rest == NULL || rest[1] != ' ')
    return FALSE;
  fields = g_strsplit (rest + 2, " ", 22);
  if (g_strv_length (fields) < 20)
    return FALSE;
  out->state = fields[0][0];                                      /* field 3 of proc(5) */
  out->n_threads = g_ascii_strtoll (fields[17], NULL, 10);        /* field 20 */
  out->start = g_ascii_strtoull (fields[19], NULL, 10);           /* field 22 */
  return TRUE;
}

static gssize
read_link (const char *path, char *buffer, gsize size)
{
  gssize n = readlink (path, buffer, size - 1);

  buffer[MAX (n, 0)] = '\0';
  return n;
}

static void
short_hash (const char *text, char out[9])
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  memcpy (out, sum, 8);
  out[8] = '\0';
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

static void
find_identity (const FluflSyscalls *sys, FluflIdentity *id)
{
  char boot[128], pid_space[64], time_space[64];
  ProcStat stat;

  memset (id, 0, sizeof *id);
  id->pid = (int) getpid ();
  g_strlcpy (id->host, flufl_identity_host_name (), sizeof id->host);
  find_image (id->image);

  if (!proc_is_ours () || !boot_id_is_the_kernels ()
      || read_small (sys, "/proc/sys/kernel/random/boot_id", boot, sizeof boot) <= 0)
    return;
  g_strchomp (boot);
  short_hash (boot, id->boot);

  /* Start times are relative to the time namespace (Linux 5.6). */
  if (read_link ("/proc/self/ns/time", time_space, sizeof time_space) <= 0)
    time_space[0] = '\0';
  if (read_link ("/proc/self/ns/pid", pid_space, sizeof pid_space) > 0)
    {
      g_autofree char *all = g_strjoin (" ", boot, pid_space, time_space, NULL);

      short_hash (all, id->space);
    }
  if (read_proc_stat (sys, "/proc/self/stat", &stat))
    g_snprintf (id->start, sizeof id->start, "%" G_GINT64_MODIFIER "x", stat.start);
}

/* The name that claims of this process carry. Not the fully qualified one: a
 * look-up in DNS can stall for seconds. */
const char *
flufl_identity_host_name (void)
{
  return g_get_host_name ();
}

/* Never changed once it is shown to other threads. */
typedef struct _Known Known;

struct _Known
{
  Known        *parents; /* other threads may read it, and so not freed */
  int           process; /* its mark */
  FluflIdentity identity;
};

/* Found once a process: a forked child is another one. What could not be found,
 * perhaps for want of file numbers, is looked for again. Without a mutex: a
 * thread that fork(2) left behind could not give it back. */
void
flufl_identity_get (const FluflSyscalls *sys, FluflIdentity *out)
{
  static Known *known;
  Known *old = g_atomic_pointer_get (&known);
  Known *fresh;

  if (old != NULL && old->process == flufl_process_mark ())
    {
      *out = old->identity;
      return;
    }
  find_identity (sys, out);
  if (out->boot[0] == '\0' || out->space[0] == '\0' || out->start[0] == '\0')
    return;
  fresh = g_new (Known, 1);
  fresh->parents = old;
  fresh->process = flufl_process_mark ();
  fresh->identity = *out;
  if (!g_atomic_pointer_compare_and_exchange (&known, old, fresh))
    g_free (fresh);
}

/* Whether the process that made @claim lives. Proof is what the claim's name says and this kernel
 * confirms; host name and process ID alone never are. */
FluflLiveness
flufl_identity_judge (const FluflSite *site, const FluflClaimName *claim)
{
  const FluflSyscalls *sys = site->sys;
  FluflIdentity us;
  ProcStat stat;
  char path[32];
  guint64 start;

  if (!claim->ours || claim->pid < 1 || claim->boot[0] == '\0')
    return FLUFL_LIVENESS_UNKNOWN;
  flufl_identity_get (sys, &us);
  /* Another boot proves nothing, on a local file system neither: it may be
   * exported, or shared with virtual machines, and they have boots of their own. */
  if (us.boot[0] == '\0' || strcmp (claim->boot, us.boot) != 0)
    return FLUFL_LIVENESS_UNKNOWN;

  /* One boot has one kernel, and one namespace one set of process ids, whatever the host is
   * called by now. */
  if (claim->space[0] == '\0' || strcmp (claim->space, us.space) != 0 || claim->start[0] == '\0')
    return FLUFL_LIVENESS_UNKNOWN;

  if (sys->kill (claim->pid, 0) != 0 && errno == ESRCH)
    return FLUFL_LIVENESS_DEAD;

  g_snprintf (path, sizeof path, "/proc/%d/stat", claim->pid);
  if (!proc_is_ours () || !read_proc_stat (sys, path, &stat))
    return FLUFL_LIVENESS_UNKNOWN;
  start = g_ascii_strtoull (claim->start, NULL, 16);
  if (stat.start != start)
    return FLUFL_LIVENESS_DEAD;
  /* A zombie whose other threads are gone too will do nothing any more. */
  if ((stat.state == 'Z' || stat.state == 'X') && stat.n_threads <= 1)
    return FLUFL_LIVENESS_DEAD;
  /* Only the process itself can tell that it runs another program now. */
  if (claim->pid == (int) getpid () && claim->image[0] != '\0' && us.image[0] != '\0'
      && strcmp (claim->image, us.image) != 0)
    return FLUFL_LIVENESS_DEAD;
  return FLUFL_LIVENESS_ALIVE;
}

/* Whether @claim says that this very process made it. */
gboolean
flufl_identity_is_own (const FluflSite *site, const FluflClaimName *claim)
{
  FluflIdentity us;

  if (!claim->ours || claim->pid != (int) getpid ())
    return FALSE;
  flufl_identity_get (site->sys, &us);
  return us.start[0] != '\0' && strcmp (claim->boot, us.boot) == 0
         && strcmp (claim->space, us.space) == 0 && strcmp (claim->start, us.start) == 0;
}

/* Whether the process that made @claim is proved to live and to do nothing: it
 * was told to stop, or is being debugged. It may go on at any moment. */
gboolean
flufl_identity_is_stopped (const FluflSite *site, const FluflClaimName *claim)
{
  char path[32];
  ProcStat stat;

  if (flufl_identity_judge (site, claim) != FLUFL_LIVENESS_ALIVE)
    return FALSE;
  g_snprintf (path, sizeof path, "/proc/%d/stat", claim->pid);
  return read_proc_stat (site->sys, path, &stat) && (stat.state == 'T' || stat.state == 't');
}
