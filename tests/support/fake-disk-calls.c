/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The system calls of the disk in memory.
 */

#include "fake-disk-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* FAT has no such names. */
static gboolean
is_refused_name (const char *path)
{
  return disk.kind == FLUFL_FS_FAT && strchr (strrchr (path, '/'), '|') != NULL;
}

static int
fake_open (const char *path, FluflOpen how)
{
  Inode *inode;
  int errsv, fd;

  if (g_str_has_prefix (path, "/proc/"))
    return flufl_syscalls_native.open (path, how);

  if (fake_call_enter (how == FLUFL_OPEN_CREATE ? "create" : "open", &errsv))
    return -1;
  if (is_refused_name (path))
    {
      errno = EINVAL;
      return -1;
    }
  inode = fake_disk_find (path);
  if (how == FLUFL_OPEN_CREATE)
    {
      if (inode != NULL)
        {
          errno = EEXIST;
          return -1;
        }
      inode = fake_inode_new (FLUFL_FILE_REGULAR);
      g_hash_table_insert (disk.names, g_strdup (path), inode);
    }
  else if (inode == NULL)
    return -1;
  else if ((inode->type == FLUFL_FILE_SYMLINK || disk.refuses_nofollow)
           && how != FLUFL_OPEN_LOOK_THROUGH)
    {
      errno = ELOOP;
      return -1;
    }
  else if (inode->type == FLUFL_FILE_SYMLINK)
    {
      errno = ENOENT; /* the target of a symbolic link */
      return -1;
    }
  else if (!inode->readable)
    {
      errno = EACCES;
      return -1;
    }
  else
    g_assert_true (inode->type == FLUFL_FILE_REGULAR); /* the others have effects */
  if (errsv != 0)
    return fake_call_leave (0, errsv);
  fd = fake_disk_new_fd (inode);
  return fd;
}

static int
fake_close (int fd)
{
  int errsv;

  if (fd < FIRST_FD)
    return close (fd);
  fake_disk_open_file (fd);
  /* The file is closed whatever the answer, as on Linux. */
  g_clear_pointer (&g_ptr_array_index (disk.open_files, fd - FIRST_FD), fake_open_file_free);
  if (fake_call_enter ("close", &errsv))
    return -1;
  return fake_call_leave (0, errsv);
}

static gboolean
looks_empty (const Inode *inode)
{
  return fake_disk_server_now () - inode->born < disk.stale_sizes;
}

static gssize
fake_read (int fd, void *buffer, gsize size)
{
  OpenFile *file;
  int errsv;
  gsize n;

  if (fd < FIRST_FD)
    return read (fd, buffer, size);
  if (fake_call_enter ("read", &errsv))
    return -1;
  file = fake_disk_open_file (fd);
  n = looks_empty (file->inode) ? 0 : MIN (size, file->inode->content->len - file->offset);
  memcpy (buffer, file->inode->content->str + file->offset, n);
  file->offset += n;
  return fake_call_leave ((int) n, errsv);
}

static gssize
fake_pwrite (int fd, const void *buffer, gsize size, gint64 offset)
{
  OpenFile *file;
  int errsv;

  if (fake_call_enter ("pwrite", &errsv))
    return -1;
  file = fake_disk_open_file (fd);
  /* Short writes are legal. */
  size = MIN (size, 20);
  g_string_overwrite_len (file->inode->content, (gsize) offset, buffer, (gssize) size);
  file->inode->ctime = file->inode->mtime = fake_disk_ctime ();
  return fake_call_leave ((int) size, errsv);
}

static void
fill_stat (const Inode *inode, FluflStat *st)
{
  memset (st, 0, sizeof *st);
  st->dev = 1;
  /* FAT has no inode numbers. They change whenever the kernel forgets a file. */
  st->ino = disk.kind == FLUFL_FS_FAT ? ++disk.next_ino : inode->ino;
  st->type = inode->type;
  st->nlink = inode->nlink;
  st->size = looks_empty (inode) ? 0 : (gint64) inode->content->len;
  st->mtime = inode->far_mtime != 0 ? flufl_time_from_seconds (inode->far_mtime, 0) : inode->mtime;
  st->ctime = inode->ctime;
  st->atime = inode->atime;
  if (disk.later_ctime && inode->mtime > inode->ctime)
    st->ctime = st->mtime;
}

static int
fake_fstat (int fd, FluflStat *st)
{
  int errsv;

  if (fake_call_enter ("fstat", &errsv))
    return -1;
  fill_stat (fake_disk_open_file (fd)->inode, st);
  return fake_call_leave (0, errsv);
}

static int
fake_lstat (const char *path, FluflStat *st)
{
  Inode *inode;
  int errsv;

  if (fake_call_enter ("lstat", &errsv))
    return -1;
  inode = fake_disk_find (path);
  if (inode == NULL)
    return -1;
  fill_stat (inode, st);
  return fake_call_leave (0, errsv);
}

static int
fake_identify (const char *path, guint64 *dev, guint64 *ino)
{
  const Inode *inode;
  FluflStat st;
  int errsv;

  if (fake_call_enter ("identify", &errsv))
    return -1;
  inode = fake_disk_find (path);
  if (inode == NULL)
    return -1;
  fill_stat (inode, &st);
  *dev = st.dev;
  *ino = st.ino;
  return fake_call_leave (0, errsv);
}

static void
set_times (Inode *inode, gint64 mtime, gint64 atime)
{
  inode->far_mtime = 0;
  inode->mtime = fake_disk_stored (mtime);
  inode->atime = fake_disk_stored (atime);
  inode->ctime = fake_disk_ctime ();
}

static int
fake_futimens (int fd, gint64 mtime, gint64 atime)
{
  int errsv;

  if (fake_call_enter ("futimens", &errsv))
    return -1;
  set_times (fake_disk_open_file (fd)->inode, mtime, atime);
  return fake_call_leave (0, errsv);
}

static int
fake_utimens (const char *path, gint64 mtime, gint64 atime)
{
  Inode *inode;
  int errsv;

  if (fake_call_enter ("utimens", &errsv))
    return -1;
  inode = fake_disk_find (path);
  if (inode == NULL)
    return -1;
  set_times (inode, mtime, atime);
  return fake_call_leave (0, errsv);
}

static int
fake_flock (int fd, FluflLine line)
{
  OpenFile *file = fake_disk_open_file (fd);
  int errsv;

  g_assert_true (line != FLUFL_LINE_NONE);
  g_assert_true (disk.kind == FLUFL_FS_LOCAL || disk.kind == FLUFL_FS_FAT); /* elsewhere it may hang */
  if (fake_call_enter ("flock", &errsv))
    return -1;
  for (guint i = 0; i < disk.open_files->len; i++)
    {
      const OpenFile *other = g_ptr_array_index (disk.open_files, i);

      if (other != NULL && other != file && other->inode == file->inode
          && other->line != FLUFL_LINE_NONE
          && (other->line != FLUFL_LINE_ASK || line != FLUFL_LINE_ASK))
        {
          errno = EWOULDBLOCK;
          return -1;
        }
    }
  file->line = line;
  return fake_call_leave (0, errsv);
}

static int
fake_link (const char *from, const char *to)
{
  Inode *inode;
  int errsv;

  if (fake_call_enter ("link", &errsv))
    return -1;
  if (disk.kind == FLUFL_FS_FAT || disk.link_errsv != 0)
    {
      errno = disk.link_errsv != 0 ? disk.link_errsv : EPERM;
      return -1;
    }
  inode = fake_disk_find (from);
  if (inode == NULL)
    return -1;
  if (g_hash_table_contains (disk.names, to))
    {
      errno = EEXIST;
      return -1;
    }
  if (disk.copies)
    {
      Inode *copy = fake_inode_new (inode->type);

      g_string_append_len (copy->content, inode->content->str, (gssize) inode->content->len);
      g_hash_table_insert (disk.names, g_strdup (to), copy);
    }
  else
    {
      inode->nlink++;
      inode->ctime = fake_disk_ctime ();
      g_hash_table_insert (disk.names, g_strdup (to), fake_inode_ref (inode));
    }
  return fake_call_leave (0, errsv);
}

static int
fake_unlink (const char *path)
{
  Inode *inode;
  int errsv;

  if (fake_call_enter ("unlink", &errsv))
    return -1;
  inode = fake_disk_find (path);
  if (inode == NULL)
    return -1;
  if (inode->type == FLUFL_FILE_DIRECTORY)
    {
      errno = EISDIR;
      return -1;
    }
  inode->nlink--;
  inode->ctime = fake_disk_ctime ();
  g_hash_table_remove (disk.names, path);
  return fake_call_leave (0, errsv);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static int
fake_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  g_autoptr (GPtrArray) paths = NULL;
  GHashTableIter iter;
  gpointer name;
  int errsv;

  if (fake_call_enter ("list", &errsv))
    return -1;
  /* The paths are copied, since a listed file may go meanwhile. */
  paths = g_ptr_array_new_with_free_func (g_free);
  g_hash_table_iter_init (&iter, disk.names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (paths, g_strdup (name));
  g_ptr_array_sort (paths, compare_names);
  for (guint i = 0; i < paths->len; i++)
    {
      const char *path = g_ptr_array_index (paths, i);
      gsize length = strlen (directory);

      if (g_str_has_prefix (path, directory) && path[length] == '/'
          && strchr (path + length + 1, '/') == NULL && !func (path + length + 1, user_data))
        break;
    }
  return fake_call_leave (0, errsv);
}

static int
fake_rename (const char *from, const char *to)
{
  Inode *inode;
  int errsv;

  if (fake_call_enter ("rename", &errsv))
    return -1;
  inode = fake_disk_find (from);
  if (inode == NULL)
    return -1;
  g_assert_false (g_hash_table_contains (disk.names, to)); /* nothing needs it */
  inode->ctime = fake_disk_ctime ();
  g_hash_table_insert (disk.names, g_strdup (to), fake_inode_ref (inode));
  g_hash_table_remove (disk.names, from);
  return fake_call_leave (0, errsv);
}

static int
fake_kill (int pid)
{
  if (pid == getpid ())
    return 0;
  errno = ESRCH;
  return -1;
}

static int
fake_random (void *buffer, size_t size)
{
  g_assert_cmpint (size, <=, sizeof disk.random);
  disk.random += G_GUINT64_CONSTANT (0x9E3779B97F4A7C15);
  memcpy (buffer, &disk.random, size);
  return 0;
}

static gint64
fake_clock (FluflClock which)
{
  if (which == FLUFL_CLOCK_BOOT)
    return BOOT_EPOCH + disk.elapsed;
  return fake_disk_server_now () + disk.local_skew;
}

static FluflFsKind
fake_fs_kind (const char *directory G_GNUC_UNUSED)
{
  return disk.kind;
}

const FluflSyscalls fake_syscalls = {
  .open = fake_open,
  .close = fake_close,
  .read = fake_read,
  .pwrite = fake_pwrite,
  .fstat = fake_fstat,
  .lstat = fake_lstat,
  .identify = fake_identify,
  .futimens = fake_futimens,
  .utimens = fake_utimens,
  .flock = fake_flock,
  .link = fake_link,
  .rename = fake_rename,
  .unlink = fake_unlink,
  .list = fake_list,
  .kill = fake_kill,
  .random = fake_random,
  .clock = fake_clock,
  .fs_kind = fake_fs_kind,
};
