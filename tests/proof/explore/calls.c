/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The table of system calls that the processes use. A call lets the search choose who goes on,
 * is judged, is carried out, and adds its answer to the history of its caller.
 */

#include "world-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* To be called before each call. FALSE: the caller is dead, so the call is not carried out.
 * @shared: other processes notice the call, or it notices theirs. */
static gboolean
enter (const char *call, gboolean shared, gboolean lossy, gboolean bounded)
{
  Actor *a = world.current;

  if (a->gone)
    {
      errno = EIO;
      return FALSE;
    }
  a->lost_as = 0;
  if (world.solo || !(shared || (lossy && world.budget.losses > 0)))
    return TRUE;

  a->pending = call;
  a->lossy = lossy;
  a->delayed_since = bounded ? world_boot_now () : 0;
  world_schedule ();
  a->pending = NULL;
  a->delayed_since = 0;
  errno = EIO;
  return !a->gone;
}

/* What follows is done and seen by the client of the caller. */
static void
be_client (const File *file)
{
  if (!world.scenario->cluster)
    return;
  fake_disk_client_ctime (actor_skew (world.current));
  fake_disk_stale_sizes (file != NULL && file->owner != world.current->id ? FAKE_SEC : 0);
}

/* How long the removal of the lock file takes on a slow disk. */
#define SLOW (FLUFL_GRACE / 2 - FAKE_SEC / 10)

static void
remember (guint64 value)
{
  world.current->history = mix (world.current->history, value);
}

/* To be called after each call. Returns the answer that the caller gets. */
static int
leave (int result)
{
  Actor *a = world.current;
  int errsv = errno;

  if (result >= 0 && a->lost_as != 0)
    {
      result = -1;
      errsv = a->lost_as;
    }
  remember ((guint64) (result < 0 ? -errsv : result) + 1000);
  errno = errsv;
  return result;
}

/* Without a log, even the texts are not formatted. */
#define show(...) \
  G_STMT_START { if (world.log != NULL) show_call (__VA_ARGS__); } G_STMT_END

static void
show_call (int result, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
show_call (int result, const char *format, ...)
{
  int errsv = errno;
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  if (result < 0)
    world_note ("%s: %s%s", what, g_strerror (errsv),
                world.current->lost_as != 0 ? " (done, and the reply lost)" : "");
  else
    world_note ("%s", what);
  errno = errsv;
}

/* Whether only the maker of @file knows of it. A queue reads the names of all files. */
static gboolean
is_private (const File *file)
{
  return file != NULL && file->owner == world.current->id && !file->published
         && strchr (world.scenario->scripts[0], 'Q') == NULL
         && world.scenario->seed != SEED_WAITER;
}

static gboolean
is_private_fd (int fd)
{
  return world.current->gone || is_private (world_file_of (fd));
}

static int
fd_index (int fd)
{
  int i = 0;

  while (world.current->fds[i] != fd)
    g_assert_cmpint (++i, <, MAX_FDS);
  return i;
}

/* The process looks at the lock file, so it knows of earlier deletions. */
static void
sees (const char *path)
{
  if (world_is_lock (path))
    world.current->excused = FALSE;
}

/* The lock file is created where there are no hard links. Its maker's claim is known from then on. */
static void
publish (Actor *a, File *file)
{
  file->published = TRUE;
  if (a->proc.claim.path != NULL)
    world.files[a->proc.claim.ino].published = TRUE;
  a->robbed = FALSE;
  world.changes++;
}

static int
call_open (const char *path, FluflOpen how)
{
  Actor *a = world.current;
  gboolean create = how == FLUFL_OPEN_CREATE;
  int fd;

  if (g_str_has_prefix (path, "/proc/"))
    {
      /* To the kernel all are one process, so /proc does not describe them. */
      errno = ENOENT;
      return -1;
    }
  if (!enter (create ? "create" : "open",
              !create || world.scenario->seed == SEED_WAITER || world_is_lock (path)
                  || world_is_mark (path),
              create, create && world_is_mark (path)))
    return -1;
  be_client (NULL);
  fd = fake_syscalls.open (path, how);
  if (fd >= 0 && create)
    {
      File *file = world_file_of (fd);

      g_assert_true (file < world.files + MAX_INODES);
      world_add_name (path, a->id);
      file->owner = a->id;
      file->number = ++world.n_made[a->id];
      if (world_is_lock (path))
        publish (a, file);
    }
  sees (path);
  if (fd >= 0 && a->lost_as != 0)
    fake_syscalls.close (fd);
  else if (fd >= 0)
    {
      int i = fd_index (0);

      a->fds[i] = fd;
      a->locked[i] = FALSE;
    }
  /* The number of the descriptor is not part of the answer. */
  if (leave (fd < 0 ? -1 : 0) < 0)
    fd = -1;
  show (fd, "%s %s", create ? "creates" : "opens", world_short_name (path));
  return fd;
}

static int
call_close (int fd)
{
  Actor *a = world.current;

  /* The kernel has closed the descriptors of a dead process. */
  if (a->gone || !enter ("close", a->locked[fd_index (fd)], FALSE, FALSE))
    return 0;
  fake_syscalls.close (fd);
  if (a->locked[fd_index (fd)])
    show (0, "gives the life-line back");
  a->fds[fd_index (fd)] = 0;
  return 0;
}

static gssize
call_read (int fd, void *buffer, gsize size)
{
  const File *file;
  ssize_t n;

  if (!enter ("read", strchr (world.scenario->scripts[0], 'P') != NULL, FALSE, FALSE))
    return -1;
  file = world_file_of (fd);
  be_client (file);
  n = fake_syscalls.read (fd, buffer, size);
  world.current->last_reader = file->owner;
  remember ((file->owner * 64 + file->number) * 64 + file->writes);
  return leave ((int) n);
}

static gssize
call_pwrite (int fd, const void *buffer, gsize size, gint64 offset)
{
  gboolean publishes;
  File *file;

  /* A line that has only begun is the same to others as none. */
  publishes = offset == 0 && world_is_exclusive () && !is_private_fd (fd);
  if (!enter ("pwrite", world.current->proc.claim.renamed || publishes, FALSE, publishes))
    return -1;
  file = world_file_of (fd);
  if (file->owner != world.current->id)
    world_violation ("a file of another is written to");
  file->writes++;
  be_client (NULL);
  return leave ((int) fake_syscalls.pwrite (fd, buffer, size, offset));
}

static void
remember_stat (const FluflStat *st)
{
  const File *file = &world.files[st->ino];

  remember (file->owner * 64 + file->number);
  remember (st->nlink);
  remember ((guint64) st->size);
  remember ((guint64) st->mtime);
  remember ((guint64) st->ctime);
}

static int
call_fstat (int fd, FluflStat *st)
{
  int r;

  if (!enter ("fstat", !is_private_fd (fd), FALSE, FALSE))
    return -1;
  be_client (world_file_of (fd));
  r = fake_syscalls.fstat (fd, st);
  remember_stat (st);
  return leave (r);
}

static int
call_lstat (const char *path, FluflStat *st)
{
  int r;

  if (!enter ("lstat", TRUE, FALSE, FALSE))
    return -1;
  be_client (world_file_at (path));
  r = fake_syscalls.lstat (path, st);
  sees (path);
  if (r == 0)
    remember_stat (st);
  r = leave (r);
  show (r, "looks at %s%s", world_short_name (path),
        r != 0 ? "" : st->nlink > 1 ? " (two links)" : " (one link)");
  return r;
}

static int
call_identify (const char *path, guint64 *dev, guint64 *ino)
{
  int r;

  if (!enter ("identify", TRUE, FALSE, FALSE))
    return -1;
  r = fake_syscalls.identify (path, dev, ino);
  sees (path);
  if (r == 0)
    remember (world.files[*ino].owner * 64 + world.files[*ino].number);
  r = leave (r);
  show (r, "sees which file is %s", world_short_name (path));
  return r;
}

static int
call_futimens (int fd, gint64 mtime, gint64 atime)
{
  if (!enter ("futimens", TRUE, FALSE, FALSE))
    return -1;
  be_client (NULL);
  return leave (fake_syscalls.futimens (fd, mtime, atime));
}

static int
call_utimens (const char *path, gint64 mtime, gint64 atime)
{
  const File *file;
  int r;

  if (!enter ("utimens", TRUE, TRUE, FALSE))
    return -1;
  file = world_file_at (path);
  /* Without hard links a refresh touches whatever lock file there is, and sees then whose it is. */
  if (file != NULL && file->owner != world.current->id && !world.scenario->flufl
      && !(world_is_exclusive () && world_is_lock (path)))
    world_violation ("a file of another is touched");
  be_client (NULL);
  r = leave (fake_syscalls.utimens (path, mtime, atime));
  show (r, "touches %s", world_short_name (path));
  return r;
}

static int
call_flock (int fd, FluflLine line)
{
  int r;

  if (!enter ("flock", !is_private_fd (fd), FALSE, FALSE))
    return -1;
  r = leave (fake_syscalls.flock (fd, line));
  if (r == 0)
    world.current->locked[fd_index (fd)] = TRUE;
  show (r, "tries the life-line");
  return r;
}

static int
call_link (const char *from, const char *to)
{
  int r;

  if (!enter ("link", TRUE, TRUE, world_is_lock (from)))
    return -1;
  be_client (NULL);
  r = fake_syscalls.link (from, to);
  if (r == 0)
    {
      File *file = world_file_at (from);

      world_add_name (to, world.current->id);
      world.changes++;
      if (world_is_lock (to))
        {
          file->published = TRUE;
          file->given_up = FALSE;
          if (file->owner < WORLD_MAX)
            world.actors[file->owner].robbed = FALSE;
        }
    }
  r = leave (r);
  show (r, "links %s to %s", world_short_name (from), world_short_name (to));
  return r;
}

/* Reports a violation if the process must not remove @path. To be called before the removal. */
static void
judge_removal (const char *path)
{
  const Actor *a = world.current, *o;
  const File *file = world_file_at (path);

  if (file == NULL || world_is_lenient ())
    return;
  if (world_is_mark (path))
    return;
  if (!world_is_lock (path)
      && !g_str_has_prefix (path, world_is_exclusive () ? LOCK "^" : LOCK "|"))
    {
      world_violation ("%s is removed, which is no claim of this lock", path);
      return;
    }
  if (file->owner == NOBODY || file->owner == a->id)
    return;
  /* A deletion after the look at the lock file can make a process remove the next lock. For all
   * others that removal is one more deletion. */
  if (world_is_lock (path) && a->excused)
    {
      world_rob_holder ();
      world_excuse_all ();
      return;
    }
  o = &world.actors[file->owner];
  if (o->crashed || file->given_up)
    return;
  if (world_is_lock (path)
      && ((o->holding && o->lease_end > world_boot_now ())
          || (!world_is_exclusive () && fake_disk_mtime (path) > fake_disk_server_now ())))
    world_violation ("process %u removes the lock of process %u, which has not expired", a->id, o->id);
  else if (!world_is_lock (path) && !file->published)
    world_violation ("process %u removes the claim of process %u, which waits", a->id, o->id);
}

static int
call_unlink (const char *path)
{
  File *file = world_file_at (path);
  gboolean own = file != NULL && file->owner == world.current->id && !world_is_lock (path);
  gboolean is_claim_of_ours = g_strcmp0 (path, world.current->proc.claim.path) == 0;
  int r;

  if (!enter ("unlink", !(own && is_private (file)), TRUE,
              !is_claim_of_ours && !world.current->collecting))
    return -1;
  if (world.scenario->cluster && world_is_lock (path)
      && !world_be_slow (world.current, "the end of unlink", SLOW))
    {
      errno = EIO;
      return -1;
    }
  judge_removal (path);
  be_client (NULL);
  file = world_file_at (path);
  if (is_claim_of_ours && !world.scenario->flufl)
    world.files[world.current->proc.claim.ino].given_up = TRUE;
  r = fake_syscalls.unlink (path);
  if (r == 0)
    {
      world_remove_name (path);
      world.changes++;
    }
  r = leave (r);
  show (r, "removes %s", world_short_name (path));
  return r;
}

static int
call_rename (const char *from, const char *to)
{
  int r;

  if (!enter ("rename", TRUE, FALSE, FALSE))
    return -1;
  if (world_file_at (from) != NULL && world_file_at (from)->owner != world.current->id)
    world_violation ("the claim of another is renamed");
  r = fake_syscalls.rename (from, to);
  if (r == 0)
    {
      world_remove_name (from);
      world_add_name (to, world.current->id);
      world.changes++;
      world_file_at (to)->given_up = TRUE;
    }
  r = leave (r);
  show (r, "renames %s to %s", world_short_name (from), world_short_name (to));
  return r;
}

static int
call_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  guint64 all = 0;

  if (!enter ("list", TRUE, FALSE, FALSE))
    return -1;
  for (guint i = 0; i < world.n_names; i++)
    all += world.names[i].hash;
  remember (all);
  return leave (fake_syscalls.list (directory, func, user_data));
}

/* To the kernel all are one process. The call asks for the maker of the claim that its caller
 * has read last. */
static int
call_kill (int pid G_GNUC_UNUSED)
{
  guint who = world.current->last_reader;
  gboolean dead = who < WORLD_MAX && world.actors[who].crashed;

  remember (dead);
  errno = ESRCH;
  return dead ? -1 : 0;
}

/* The number in a claim's name is a small one, which is easy to read. */
static int
call_random (void *buffer, gsize size)
{
  guint64 number = (guint64) world.current->id << 8 | ++world.current->random;

  g_assert_cmpint (size, ==, sizeof number);
  memcpy (buffer, &number, size);
  return 0;
}

static gint64
call_clock (FluflClock which)
{
  gint64 now = fake_syscalls.clock (which);

  if (which == FLUFL_CLOCK_REAL)
    now += actor_skew (world.current);
  remember ((guint64) now);
  return now;
}

static FluflFsKind
call_fs_kind (const char *directory G_GNUC_UNUSED)
{
  return world.scenario->kind;
}

const FluflSyscalls world_syscalls = {
  .open = call_open,
  .close = call_close,
  .read = call_read,
  .pwrite = call_pwrite,
  .fstat = call_fstat,
  .lstat = call_lstat,
  .identify = call_identify,
  .futimens = call_futimens,
  .utimens = call_utimens,
  .flock = call_flock,
  .link = call_link,
  .rename = call_rename,
  .unlink = call_unlink,
  .list = call_list,
  .kill = call_kill,
  .random = call_random,
  .clock = call_clock,
  .fs_kind = call_fs_kind,
};
