/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "disks.h"

#include <errno.h>
#include <string.h>

#include "flufl-path.h"
#include "flufl-test-util.h"
#include "protocol-util.h"
#include "shared-memory.h"

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
  gint64 after;  /* by the file system's clock: changes after this … */
  gint64 offset; /* … are later by this on the swift clock */
} Leap;

/* Shared by all processes. Only one of them at a time sets the clock forward. */
typedef struct
{
  char   dir[1024];  /* the directory of the lock; "": there is none yet */
  gint64 real, boot; /* at the last reset: the clock stands still between leaps */
  gint64 changed;    /* the real clock at the last change of a file, or later */
  int    n;
  Leap   leaps[LEAPS_MAX];
} SwiftClock;

static TestPlace place;
static char *lock, *directory; /* owned; the library's spelling */
static char *tick; /* owned; a file beside the directory: its ctime shows the file system's clock */
static SwiftClock *swift;
static FluflFsKind told_kind;

static gint64
file_time (void)
{
  FluflStat st;

  g_assert_cmpint (flufl_syscalls_native.utimens (tick, 0, 0), ==, 0);
  g_assert_cmpint (flufl_syscalls_native.lstat (tick, &st), ==, 0);
  return st.ctime;
}

static gint64
offset_at (gint64 time)
{
  for (int i = g_atomic_int_get (&swift->n); i > 0; i--)
    if (time > swift->leaps[i - 1].after)
      return swift->leaps[i - 1].offset;
  return 0;
}

/* Files are stamped with the last tick of a clock. A change before the leap must not look as
 * if it came after it, nor the other way round. */
static void
real_pass (gint64 nsec)
{
  int n = swift->n;
  Leap leap = { swift->changed, nsec };

  g_assert_cmpint (n, <, LEAPS_MAX);
  if (n > 0)
    leap.offset += swift->leaps[n - 1].offset;
  while (file_time () <= leap.after)
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

  swift->changed = flufl_syscalls_native.clock (FLUFL_CLOCK_REAL);
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
  return changed (flufl_syscalls_native.link (from, to));
}

static int
real_rename (const char *from, const char *to)
{
  return changed (flufl_syscalls_native.rename (from, to));
}

static int
real_unlink (const char *path)
{
  return changed (flufl_syscalls_native.unlink (path));
}

static FluflFsKind
real_fs_kind (const char *path G_GNUC_UNUSED)
{
  return told_kind;
}

static FluflSyscalls real_syscalls;

static void
find_place (void)
{
  if (swift->dir[0] != '\0') /* another process has made it */
    {
      place.dir = g_strdup (swift->dir);
      place.lock = test_place_path (&place, "x.lock");
    }
  else
    {
      test_place_init (&place);
      g_assert_cmpuint (g_strlcpy (swift->dir, place.dir, sizeof swift->dir), <, sizeof swift->dir);
    }
  lock = flufl_path_dup_native (place.lock);
  directory = g_path_get_dirname (lock);
  tick = g_strconcat (directory, ".tick", NULL);
  if (!g_file_test (tick, G_FILE_TEST_EXISTS))
    g_assert_true (g_file_set_contents (tick, "", 0, NULL));
}

static void
real_set_up (void)
{
  if (swift != NULL)
    return;
  swift = shared_memory_new (sizeof *swift);
  find_place ();
  real_syscalls = flufl_syscalls_native;
  real_syscalls.clock = real_clock;
  real_syscalls.open = real_open;
  real_syscalls.pwrite = real_pwrite;
  real_syscalls.futimens = real_futimens;
  /* Between two leaps the clock of this disk stands still, so no ctime would be renewed. */
  real_syscalls.needs_probe = FALSE;
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
  return lock;
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
  g_assert_cmpint (flufl_syscalls_native.unlink (tick), ==, 0);
  g_clear_pointer (&lock, g_free);
  g_clear_pointer (&directory, g_free);
  g_clear_pointer (&tick, g_free);
  shared_memory_free (swift, sizeof *swift);
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
  return flufl_syscalls_native.fs_kind (directory) == FLUFL_FS_LOCAL;
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
  g_autofree char *parent = g_path_get_dirname (disk->lock ());
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  g_assert_cmpint (disk->sys->list (parent, add_name, names), ==, 0);
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv ("\n", (char **) names->pdata);
}
