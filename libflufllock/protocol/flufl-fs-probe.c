/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Whether a file system keeps times as the protocol needs them. Only Windows is probed, since nobody has
 * seen yet how Windows keeps these times. A temporary file shows two facts, once for each file system and process:
 *
 * - link(2) and unlink(2) renew the ctime. From the ctime breakers count for how long a lock has rested
 *   (docs/protocol.md, "Grace").
 * - The close of the maker's file does not change the mtime, which is the expiration.
 */

#include "config.h"

#include "flufl-fs-probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The clock of file times may stand still for 15.6 ms on Windows, and for a second on some file
 * systems. The pauses double until both calls have renewed the ctime. The longest pause is longer than a
 * second, so a call that does not renew the ctime after it never does. */
#define PAUSE_MIN 1    /* milliseconds */
#define PAUSE_MAX 1024 /* milliseconds */

/* What the file's mtime is set to, counted from now. */
#define MTIME_AHEAD (3600 * FLUFL_NSEC_PER_SEC)
/* The coarsest grain of a stored mtime is two seconds. */
#define MTIME_GRAIN (3 * FLUFL_NSEC_PER_SEC)

#define PREFIX ".flufl-probe-"
#define SECOND_SUFFIX "-2"
#define N_DIGITS 16

/* A process that is killed in a probe leaves its files. A probe lasts for about four seconds at most, so
 * the next probe removes files that are a minute old. It reads at most NAMES_MAX names, and removes at
 * most LEFT_MAX files. */
#define LEFT_AGE (60 * FLUFL_NSEC_PER_SEC)
#define LEFT_MAX 16
#define NAMES_MAX 100000

typedef struct
{
  GPtrArray *names;  /* (element-type filename): of files that probes may have left */
  guint      n_seen; /* names in the directory */
} Leavings;

typedef struct
{
  const FluflSyscalls *sys;
  guint64              dev;
  FluflProbe           result;
} Known;

static GMutex known_mutex;
static GArray *known; /* of Known; owned, for ever */

static gboolean
recall (const FluflSyscalls *sys, guint64 dev, FluflProbe *out_result)
{
  gboolean found = FALSE;

  g_mutex_lock (&known_mutex);
  for (guint i = 0; known != NULL && i < known->len && !found; i++)
    {
      const Known *one = &g_array_index (known, Known, i);

      found = one->sys == sys && one->dev == dev;
      if (found)
        *out_result = one->result;
    }
  g_mutex_unlock (&known_mutex);
  return found;
}

static void
remember (const FluflSyscalls *sys, guint64 dev, FluflProbe result)
{
  const Known one = { sys, dev, result };

  g_mutex_lock (&known_mutex);
  if (known == NULL)
    known = g_array_new (FALSE, FALSE, sizeof (Known));
  g_array_append_val (known, one);
  g_mutex_unlock (&known_mutex);
}

/* Writes and touches the new file as the maker of a claim does, and closes it. */
static FluflProbe
probe_mtime (const FluflSyscalls *sys, const char *path, int fd)
{
  gint64 wanted = flufl_time_add (sys->clock (FLUFL_CLOCK_REAL), MTIME_AHEAD);
  int errsv = 0;
  FluflStat st;

  if (sys->pwrite (fd, "probe", 5, 0) < 0 || sys->futimens (fd, wanted, wanted) != 0)
    errsv = errno;
  if (sys->close (fd) != 0 && errsv == 0)
    errsv = errno;
  if (errsv != 0)
    {
      errno = errsv;
      return FLUFL_PROBE_FAILED;
    }
  if (sys->lstat (path, &st) != 0)
    return FLUFL_PROBE_FAILED;
  return llabs (flufl_time_since (st.mtime, wanted)) < MTIME_GRAIN ? FLUFL_PROBE_FIT
                                                                  : FLUFL_PROBE_UNFIT;
}

/* Gives the file another name and takes it away again.
 *
 * Returns: FALSE with errno set after an error */
static gboolean
link_and_unlink (const FluflSyscalls *sys, const char *path, const char *other, guint pause,
                 gboolean *by_link, gboolean *by_unlink)
{
  FluflStat before, linked, unlinked;
  int errsv;

  if (sys->lstat (path, &before) != 0)
    return FALSE;
  g_usleep (pause * 1000);
  if (sys->link (path, other) == 0 && sys->lstat (other, &linked) == 0)
    {
      g_usleep (pause * 1000);
      if (sys->unlink (other) == 0 && sys->lstat (path, &unlinked) == 0)
        {
          *by_link = *by_link || linked.ctime != before.ctime;
          *by_unlink = *by_unlink || unlinked.ctime != linked.ctime;
          return TRUE;
        }
    }
  /* The name may exist in spite of an error. After EEXIST it is not ours. */
  errsv = errno;
  if (errsv != EEXIST)
    sys->unlink (other);
  errno = errsv;
  return FALSE;
}

static FluflProbe
probe_ctime (const FluflSyscalls *sys, const char *path, const char *other)
{
  gboolean by_link = FALSE, by_unlink = FALSE;

  for (guint pause = PAUSE_MIN; pause <= PAUSE_MAX && !(by_link && by_unlink); pause *= 2)
    if (!link_and_unlink (sys, path, other, pause, &by_link, &by_unlink))
      return FLUFL_PROBE_FAILED;
  return by_link && by_unlink ? FLUFL_PROBE_FIT : FLUFL_PROBE_UNFIT;
}

static gboolean
is_probe_name (const char *name)
{
  const char *digits = name + strlen (PREFIX);
  gsize n;

  if (!g_str_has_prefix (name, PREFIX))
    return FALSE;
  n = strspn (digits, "0123456789abcdef");
  return n == N_DIGITS && (digits[n] == '\0' || strcmp (digits + n, SECOND_SUFFIX) == 0);
}

static gboolean
see_name (const char *name, gpointer user_data)
{
  Leavings *self = user_data;

  if (is_probe_name (name))
    g_ptr_array_add (self->names, g_strdup (name));
  return ++self->n_seen < NAMES_MAX && self->names->len < LEFT_MAX;
}

/* Removes what killed processes have left of their probes. Files of a stopped process may be among
 * these. Its probe then fails, and so does its acquisition.
 *
 * @now: by the clock of the file system */
static void
remove_leavings (const FluflSite *site, gint64 now)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *directory = flufl_site_directory (site);
  Leavings leavings = { names, 0 };

  if (site->sys->list (directory, see_name, &leavings) != 0)
    return;
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = flufl_site_path_of (site, g_ptr_array_index (names, i));
      FluflStat st;

      if (site->sys->lstat (path, &st) == 0 && st.type == FLUFL_FILE_REGULAR
          && flufl_time_since (now, st.ctime) > LEFT_AGE)
        site->sys->unlink (path);
    }
}

static FluflProbe
probe (const FluflSite *site, int *out_errsv)
{
  const FluflSyscalls *sys = site->sys;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autofree char *other = NULL;
  FluflProbe result = FLUFL_PROBE_FAILED;
  FluflStat st;
  gboolean made;
  guint64 random = 0;
  int fd;

  if (sys->random (&random, sizeof random) != 0)
    {
      *out_errsv = errno;
      return result;
    }
  name = g_strdup_printf (PREFIX "%016" G_GINT64_MODIFIER "x", random);
  path = flufl_site_path_of (site, name);
  other = g_strconcat (path, SECOND_SUFFIX, NULL);
  fd = sys->open (path, FLUFL_OPEN_CREATE);
  made = fd >= 0 || errno != EEXIST; /* perhaps, in spite of an error */
  if (fd >= 0)
    result = probe_mtime (sys, path, fd);
  if (result == FLUFL_PROBE_FIT)
    result = probe_ctime (sys, path, other);
  if (result == FLUFL_PROBE_FAILED)
    *out_errsv = errno;
  else if (result == FLUFL_PROBE_FIT && sys->lstat (path, &st) == 0)
    remove_leavings (site, st.ctime);
  if (made)
    sys->unlink (path);
  return result;
}

/*
 * flufl_fs_probe:
 * @out_errsv: the reason if it failed
 *
 * It writes to the directory of the lock, so only those call it who are about to make a claim.
 */
FluflProbe
flufl_fs_probe (const FluflSite *site, int *out_errsv)
{
  g_autofree char *directory = NULL;
  FluflProbe result;
  guint64 dev, ino;

  if (!site->sys->needs_probe)
    return FLUFL_PROBE_FIT;
  directory = flufl_site_directory (site);
  if (site->sys->identify (directory, &dev, &ino) != 0)
    {
      *out_errsv = errno;
      return FLUFL_PROBE_FAILED;
    }
  if (recall (site->sys, dev, &result))
    return result;
  result = probe (site, out_errsv);
  if (result != FLUFL_PROBE_FAILED)
    remember (site->sys, dev, result);
  return result;
}
