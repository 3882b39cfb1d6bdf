/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The system calls of the disk in memory.
 */

#include "fake-disk-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int
fake_open (const char *path, int flags, mode_t mode)
{
  Inode *inode;
  int errsv, fd;

  if (g_str_has_prefix (path, "/proc/"))
    return open (path, flags, mode);

  if (fake_call_enter ((flags & O_CREAT) != 0 ? "create" : "open", &errsv))
    return -1;
  inode = fake_disk_find (path);
  if ((flags & O_CREAT) != 0)
    {
      g_assert_true ((flags & O_EXCL) != 0);
      if (inode != NULL)
        {
          errno = EEXIST;
          return -1;
        }
      inode = fake_inode_new (S_IFREG | (mode & 0777));
      g_hash_table_insert (disk.names, g_strdup (path), inode);
    }
  else if (inode == NULL)
    return -1;
  else if ((S_ISLNK (inode->mode) || disk.refuses_nofollow) && (flags & O_NOFOLLOW) != 0)
    {
      errno = ELOOP;
      return -1;
    }
  else if (S_ISLNK (inode->mode))
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
    g_assert_true (S_ISREG (inode->mode)); /* the others have effects */
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

static ssize_t
fake_read (int fd, void *buffer, size_t size)
{
  OpenFile *file;
  int errsv;
  gsize n;

  if (fd < FIRST_FD)
    return read (fd, buffer, size);
  if (fake_call_enter ("read", &errsv))
    return -1;
  file = fake_disk_open_file (fd);
  n = MIN (size, file->inode->content->len - file->offset);
  memcpy (buffer, file->inode->content->str + file->offset, n);
  file->offset += n;
  return fake_call_leave ((int) n, errsv);
}

static ssize_t
fake_pwrite (int fd, const void *buffer, size_t size, off_t offset)
{
  OpenFile *file;
  int errsv;

  if (fake_call_enter ("pwrite", &errsv))
    return -1;
  file = fake_disk_open_file (fd);
  /* Short writes are legal. */
  size = MIN (size, 20);
  g_string_overwrite_len (file->inode->content, (gsize) offset, buffer, (gssize) size);
  file->inode->ctime = file->inode->mtime = fake_disk_stored (fake_disk_server_now ());
  return fake_call_leave ((int) size, errsv);
}

static void
fill_stat (const Inode *inode, struct stat *st)
{
  memset (st, 0, sizeof *st);
  st->st_dev = 1;
  st->st_ino = inode->ino;
  st->st_mode = inode->mode;
  st->st_nlink = inode->nlink;
  st->st_size = (off_t) inode->content->len;
  st->st_mtim.tv_sec = inode->far_mtime != 0 ? inode->far_mtime : inode->mtime / FAKE_SEC;
  st->st_mtim.tv_nsec = inode->mtime % FAKE_SEC;
  st->st_ctim.tv_sec = inode->ctime / FAKE_SEC;
  st->st_ctim.tv_nsec = inode->ctime % FAKE_SEC;
  if (disk.later_ctime && inode->mtime > inode->ctime)
    st->st_ctim = st->st_mtim;
}

static int
fake_fstat (int fd, struct stat *st)
{
  int errsv;

  if (fake_call_enter ("fstat", &errsv))
    return -1;
  fill_stat (fake_disk_open_file (fd)->inode, st);
  return fake_call_leave (0, errsv);
}

static int
fake_lstat (const char *path, struct stat *st)
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
fake_identify (const char *path, dev_t *dev, ino_t *ino)
{
  const Inode *inode;
  struct stat st;
  int errsv;

  if (fake_call_enter ("identify", &errsv))
    return -1;
  inode = fake_disk_find (path);
  if (inode == NULL)
    return -1;
  fill_stat (inode, &st);
  *dev = st.st_dev;
  *ino = st.st_ino;
  return fake_call_leave (0, errsv);
}

static void
set_times (Inode *inode, const struct timespec times[2])
{
  inode->far_mtime = 0;
  inode->mtime = fake_disk_stored ((gint64) times[1].tv_sec * FAKE_SEC + times[1].tv_nsec);
  inode->ctime = fake_disk_stored (fake_disk_server_now ());
}

static int
fake_futimens (int fd, const struct timespec times[2])
{
  int errsv;

  if (fake_call_enter ("futimens", &errsv))
    return -1;
  set_times (fake_disk_open_file (fd)->inode, times);
  return fake_call_leave (0, errsv);
}

static int
fake_utimens (const char *path, const struct timespec times[2])
{
  Inode *inode;
  int errsv;

  if (fake_call_enter ("utimens", &errsv))
    return -1;
  inode = fake_disk_find (path);
  if (inode == NULL)
    return -1;
  set_times (inode, times);
  return fake_call_leave (0, errsv);
}

static int
fake_flock (int fd, int operation)
{
  OpenFile *file = fake_disk_open_file (fd);
  int wanted = operation & ~LOCK_NB;
  int errsv;

  g_assert_true ((operation & LOCK_NB) != 0);
  g_assert_true (wanted == LOCK_SH || wanted == LOCK_EX);
  g_assert_cmpint (disk.kind, ==, FLUFL_FS_LOCAL); /* elsewhere it may hang */
  if (fake_call_enter ("flock", &errsv))
    return -1;
  for (guint i = 0; i < disk.open_files->len; i++)
    {
      const OpenFile *other = g_ptr_array_index (disk.open_files, i);

      if (other != NULL && other != file && other->inode == file->inode
          && (other->lock == LOCK_EX || (other->lock == LOCK_SH && wanted == LOCK_EX)))
        {
          errno = EWOULDBLOCK;
          return -1;
        }
    }
  file->lock = wanted;
  return fake_call_leave (0, errsv);
}

static int
fake_link (const char *from, const char *to)
{
  Inode *inode;
  int errsv;

  if (fake_call_enter ("link", &errsv))
    return -1;
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
      Inode *copy = fake_inode_new (inode->mode);

      g_string_append_len (copy->content, inode->content->str, (gssize) inode->content->len);
      g_hash_table_insert (disk.names, g_strdup (to), copy);
    }
  else
    {
      inode->nlink++;
      inode->ctime = fake_disk_stored (fake_disk_server_now ());
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
  if (S_ISDIR (inode->mode))
    {
      errno = EISDIR;
      return -1;
    }
  inode->nlink--;
  inode->ctime = fake_disk_stored (fake_disk_server_now ());
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
  inode->ctime = fake_disk_stored (fake_disk_server_now ());
  g_hash_table_insert (disk.names, g_strdup (to), fake_inode_ref (inode));
  g_hash_table_remove (disk.names, from);
  return fake_call_leave (0, errsv);
}

static int
fake_kill (pid_t pid, int sig)
{
  g_assert_cmpint (sig, ==, 0);
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
