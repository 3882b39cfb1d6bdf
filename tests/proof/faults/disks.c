/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "disks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flufl-test-util.h"
#include "protocol-util.h"

/* --- In memory --- */

static const char *
memory_lock (void)
{
  return LOCK;
}

static void
memory_reset (FluflFsKind kind)
{
  fake_disk_reset ();
  fake_disk_kind (kind);
}

static void
memory_clear (void)
{
}

const Disk disk_in_memory = {
  .name = "memory",
  .sys = &fake_syscalls,
  .lock = memory_lock,
  .reset = memory_reset,
  .pass = fake_disk_advance,
  .clear = memory_clear,
};

/* --- Real --- */

/* The number of times that the clock may be set forward between two resets. */
#define LEAPS_MAX 4096

typedef struct
{
  gint64 after;  /* by the kernel's clock: changes after this … */
  gint64 offset; /* … are later by this on the swift clock */
} Leap;

/* Shared by forked processes. Only one of them at a time sets the clock forward. */
typedef struct
{
  gint64 real, boot; /* at the last reset: the clock stands still between leaps */
  gint64 changed;    /* the kernel's clock at the last change of a file, or later */
  int    n;
  Leap   leaps[LEAPS_MAX];
} SwiftClock;

static TestPlace place;
static SwiftClock *swift;
static FluflFsKind told_kind;

static gint64
kernel_time (clockid_t id)
{
  struct timespec ts;

  clock_gettime (id, &ts);
  return (gint64) ts.tv_sec * FAKE_SEC + ts.tv_nsec;
}

static gint64
offset_at (gint64 time)
{
  for (int i = g_atomic_int_get (&swift->n); i > 0; i--)
    if (time > swift->leaps[i - 1].after)
      return swift->leaps[i - 1].offset;
  return 0;
}

/* The kernel stamps files with its clock's last tick. A change before the leap must not look as
 * if it came after it, nor the other way round. */
static void
real_pass (gint64 nsec)
{
  int n = swift->n;
  Leap leap = { swift->changed, nsec };

  g_assert_cmpint (n, <, LEAPS_MAX);
  if (n > 0)
    leap.offset += swift->leaps[n - 1].offset;
  while (kernel_time (CLOCK_REALTIME_COARSE) <= leap.after)
    g_usleep (200);
  swift->leaps[n] = leap;
  g_atomic_int_set (&swift->n, n + 1);
}

static gint64
real_clock (FluflClock clock)
{
  return (clock == FLUFL_CLOCK_REAL ? swift->real : swift->boot) + offset_at (G_MAXINT64);
}

static void
shift (FluflStat *st)
{
  st->ctime = swift->real + offset_at (st->ctime);
}

static int
real_fstat (int fd, FluflStat *st)
{
  if (flufl_syscalls_native.fstat (fd, st) != 0)
    return -1;
  shift (st);
  return 0;
}

static int
real_lstat (const char *path, FluflStat *st)
{
  if (flufl_syscalls_native.lstat (path, st) != 0)
    return -1;
  shift (st);
  return 0;
}

static int
changed (int answer)
{
  int errsv = errno;

  swift->changed = kernel_time (CLOCK_REALTIME);
  errno = errsv;
  return answer;
}

static int
real_open (const char *path, FluflOpen how)
{
  /* A look at NFS bypasses the cache with O_DIRECT, which other file systems restrict. */
  int fd = flufl_syscalls_native.open (path, how == FLUFL_OPEN_LOOK_UNCACHED ? FLUFL_OPEN_LOOK : how);

  return how == FLUFL_OPEN_CREATE ? changed (fd) : fd;
}

static gssize
real_pwrite (int fd, const void *buffer, gsize size, gint64 offset)
{
  return changed ((int) flufl_syscalls_native.pwrite (fd, buffer, size, offset));
}

static int
real_futimens (int fd, gint64 mtime, gint64 atime)
{
  return changed (flufl_syscalls_native.futimens (fd, mtime, atime));
}

static int
real_utimens (const char *path, gint64 mtime, gint64 atime)
{
  return changed (flufl_syscalls_native.utimens (path, mtime, atime));
}

static int
real_link (const char *from, const char *to)
{
  return changed (link (from, to));
}

static int
real_rename (const char *from, const char *to)
{
  return changed (rename (from, to));
}

static int
real_unlink (const char *path)
{
  return changed (unlink (path));
}

static FluflFsKind
real_fs_kind (const char *directory G_GNUC_UNUSED)
{
  return told_kind;
}

static FluflSyscalls real_syscalls;

static void
real_set_up (void)
{
  if (swift != NULL)
    return;
  test_place_init (&place);
  swift = mmap (NULL, sizeof *swift, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert_true (swift != MAP_FAILED);
  real_syscalls = flufl_syscalls_native;
  real_syscalls.clock = real_clock;
  real_syscalls.open = real_open;
  real_syscalls.pwrite = real_pwrite;
  real_syscalls.futimens = real_futimens;
  real_syscalls.utimens = real_utimens;
  real_syscalls.link = real_link;
  real_syscalls.rename = real_rename;
  real_syscalls.unlink = real_unlink;
  real_syscalls.fstat = real_fstat;
  real_syscalls.lstat = real_lstat;
  real_syscalls.fs_kind = real_fs_kind;
}

static const char *
real_lock (void)
{
  real_set_up ();
  return place.lock;
}

static void
real_reset (FluflFsKind kind)
{
  real_set_up ();
  test_place_empty (&place);
  told_kind = kind;
  g_atomic_int_set (&swift->n, 0);
  swift->real = flufl_syscalls_native.clock (FLUFL_CLOCK_REAL);
  swift->boot = flufl_syscalls_native.clock (FLUFL_CLOCK_BOOT);
}

static void
real_clear (void)
{
  if (swift == NULL)
    return;
  test_place_empty (&place);
  test_place_clear (&place);
  munmap (swift, sizeof *swift);
  swift = NULL;
}

const Disk disk_real = {
  .name = "real",
  .sys = &real_syscalls,
  .lock = real_lock,
  .reset = real_reset,
  .pass = real_pass,
  .clear = real_clear,
};

gboolean
disk_real_is_local (void)
{
  real_set_up ();
  return flufl_syscalls_native.fs_kind (place.dir) == FLUFL_FS_LOCAL;
}

/* --- Both --- */

gboolean
disk_look (const Disk *disk, const char *path, FluflStat *st)
{
  return disk->sys->lstat (path, st) == 0;
}

gboolean
disk_exists (const Disk *disk, const char *path)
{
  FluflStat st;

  return disk_look (disk, path, &st);
}

void
disk_put (const Disk *disk, const char *path, const char *content, double seconds)
{
  gint64 time = disk->sys->clock (FLUFL_CLOCK_REAL) + (gint64) (seconds * (double) FAKE_SEC);
  gsize length = strlen (content), done = 0;
  int fd = disk->sys->open (path, FLUFL_OPEN_CREATE);

  g_assert_cmpint (fd, >=, 0);
  while (done < length)
    {
      gssize n = disk->sys->pwrite (fd, content + done, length - done, (gint64) done);

      g_assert_cmpint (n, >, 0);
      done += (gsize) n;
    }
  g_assert_cmpint (disk->sys->futimens (fd, time, time), ==, 0);
  g_assert_cmpint (disk->sys->close (fd), ==, 0);
}

static gboolean
add_name (const char *name, gpointer names)
{
  if (strcmp (name, ".") != 0 && strcmp (name, "..") != 0)
    g_ptr_array_add (names, g_strdup (name));
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char *
disk_list (const Disk *disk)
{
  g_autofree char *directory = g_path_get_dirname (disk->lock ());
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  g_assert_cmpint (disk->sys->list (directory, add_name, names), ==, 0);
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv ("\n", (char **) names->pdata);
}
