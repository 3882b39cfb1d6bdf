/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "fake-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FIRST_FD 10000
/* 2026-01-01, and a boot a day before. */
#define EPOCH (G_GINT64_CONSTANT (1767225600) * FAKE_SEC)
#define BOOT_EPOCH (G_GINT64_CONSTANT (86400) * FAKE_SEC)

typedef struct
{
  gatomicrefcount refs; /* names and open files */
  ino_t    ino;
  mode_t   mode;
  gboolean readable;
  GString *content;
  guint    nlink;
  gint64   mtime, ctime;
  gint64   far_mtime; /* in seconds, instead of mtime; 0: not */
} Inode;

/* What flock(2) locks: all numbers that came of one open(2). */
typedef struct
{
  gatomicrefcount refs; /* numbers */
  Inode *inode;
  gsize  offset;
  int    lock;          /* LOCK_SH, LOCK_EX or 0 */
} OpenFile;

typedef struct
{
  gboolean  set;
  char     *call;
  guint     nth;
  gboolean  is_hook;
  FakeFault fault;
  int       errsv;
  FakeHook  hook;
  gpointer  user_data;
} Order;

static struct
{
  GHashTable *names; /* path → Inode */
  GPtrArray  *open_files;
  GPtrArray  *calls; /* of char */
  ino_t       next_ino;
  gint64      elapsed, local_skew, granularity;
  FluflFsKind kind;
  gboolean    copies;
  guint64     random;
  Order       order;
  guint       dies_in; /* calls; 0: does not */
  gboolean    dead;
} disk;

static void
inode_unref (gpointer data)
{
  Inode *inode = data;

  if (inode == NULL || !g_atomic_ref_count_dec (&inode->refs))
    return;
  g_string_free (inode->content, TRUE);
  g_free (inode);
}

static Inode *
inode_ref (Inode *inode)
{
  g_atomic_ref_count_inc (&inode->refs);
  return inode;
}

static void
open_file_free (gpointer data)
{
  OpenFile *file = data;

  if (file == NULL || !g_atomic_ref_count_dec (&file->refs))
    return;
  inode_unref (file->inode);
  g_free (file);
}

gint64
fake_disk_server_now (void)
{
  return EPOCH + disk.elapsed;
}

static gint64
stored (gint64 time)
{
  return time - time % disk.granularity;
}

static Inode *
inode_new (mode_t mode)
{
  Inode *inode = g_new0 (Inode, 1);

  g_atomic_ref_count_init (&inode->refs);
  inode->ino = ++disk.next_ino;
  inode->mode = mode;
  inode->readable = TRUE;
  inode->content = g_string_new (NULL);
  inode->nlink = 1;
  inode->mtime = inode->ctime = stored (fake_disk_server_now ());
  return inode;
}

void
fake_disk_cancel_order (void)
{
  g_free (disk.order.call);
  memset (&disk.order, 0, sizeof disk.order);
}

void
fake_disk_reset (void)
{
  g_clear_pointer (&disk.names, g_hash_table_unref);
  g_clear_pointer (&disk.open_files, g_ptr_array_unref);
  g_clear_pointer (&disk.calls, g_ptr_array_unref);
  fake_disk_cancel_order ();
  memset (&disk, 0, sizeof disk);
  disk.names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, inode_unref);
  disk.open_files = g_ptr_array_new_with_free_func (open_file_free);
  disk.calls = g_ptr_array_new_with_free_func (g_free);
  disk.granularity = 1;
  disk.kind = FLUFL_FS_LOCAL;
}

void
fake_disk_advance (gint64 nsec)
{
  disk.elapsed += nsec;
}

void
fake_disk_skew_local (gint64 nsec)
{
  disk.local_skew = nsec;
}

void
fake_disk_granularity (gint64 nsec)
{
  disk.granularity = nsec;
}

void
fake_disk_kind (FluflFsKind kind)
{
  disk.kind = kind;
}

void
fake_disk_copy_links (gboolean copies)
{
  disk.copies = copies;
}

static void
set_order (const char *call, guint nth)
{
  g_assert_false (disk.order.set);
  disk.order.set = TRUE;
  disk.order.call = g_strdup (call);
  disk.order.nth = nth;
}

void
fake_disk_fault (const char *call, guint nth, FakeFault fault, int errsv)
{
  set_order (call, nth);
  disk.order.is_hook = FALSE;
  disk.order.fault = fault;
  disk.order.errsv = errsv;
}

void
fake_disk_hook (const char *call, guint nth, FakeHook hook, gpointer user_data)
{
  set_order (call, nth);
  disk.order.is_hook = TRUE;
  disk.order.hook = hook;
  disk.order.user_data = user_data;
}

gboolean
fake_disk_order_done (void)
{
  return !disk.order.set;
}

void
fake_disk_forget_calls (void)
{
  g_ptr_array_set_size (disk.calls, 0);
}

guint
fake_disk_n_calls (void)
{
  return disk.calls->len;
}

guint
fake_disk_count_calls (const char *call)
{
  guint n = 0;

  for (guint i = 0; i < disk.calls->len; i++)
    if (strcmp (g_ptr_array_index (disk.calls, i), call) == 0)
      n++;
  return n;
}

guint
fake_disk_n_writes (void)
{
  static const char *const writing[] = { "create", "pwrite", "futimens", "utimens", "link", "rename",
                                         "unlink" };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (writing); i++)
    n += fake_disk_count_calls (writing[i]);
  return n;
}

void
fake_disk_die (guint nth)
{
  disk.dies_in = nth;
}

gboolean
fake_disk_bury (void)
{
  gboolean died = disk.dead;

  disk.dead = FALSE;
  disk.dies_in = 0;
  return died;
}

/* Notes the call; says whether to fail now (errno set) and by *out_errsv
 * whether to fail after. */
static gboolean
enter (const char *call, int *out_errsv)
{
  Order order;

  *out_errsv = 0;
  if (disk.dies_in > 0 && --disk.dies_in == 0)
    disk.dead = TRUE;
  if (disk.dead)
    {
      errno = EIO;
      return TRUE;
    }
  g_ptr_array_add (disk.calls, g_strdup (call));
  if (!disk.order.set || (disk.order.call != NULL && strcmp (disk.order.call, call) != 0)
      || --disk.order.nth > 0)
    return FALSE;

  order = disk.order;
  disk.order.call = NULL;
  fake_disk_cancel_order ();
  g_free (order.call);
  if (order.is_hook)
    {
      order.hook (order.user_data);
      return FALSE;
    }
  errno = order.errsv;
  if (order.fault == FAKE_FAIL)
    return TRUE;
  *out_errsv = order.errsv;
  return FALSE;
}

static int
leave (int result, int errsv)
{
  if (result < 0 || errsv == 0)
    return result;
  errno = errsv;
  return -1;
}

static Inode *
find (const char *path)
{
  Inode *inode = g_hash_table_lookup (disk.names, path);

  if (inode == NULL)
    errno = ENOENT;
  return inode;
}

static OpenFile *
open_file (int fd)
{
  g_assert_cmpint (fd, >=, FIRST_FD);
  g_assert_nonnull (g_ptr_array_index (disk.open_files, fd - FIRST_FD));
  return g_ptr_array_index (disk.open_files, fd - FIRST_FD);
}

static int
new_fd (Inode *inode)
{
  OpenFile *file = g_new0 (OpenFile, 1);

  g_atomic_ref_count_init (&file->refs);
  file->inode = inode_ref (inode);
  g_ptr_array_add (disk.open_files, file);
  return FIRST_FD + (int) disk.open_files->len - 1;
}

int
fake_disk_inherit (int fd)
{
  OpenFile *file = open_file (fd);

  g_atomic_ref_count_inc (&file->refs);
  g_ptr_array_add (disk.open_files, file);
  return FIRST_FD + (int) disk.open_files->len - 1;
}

static int
fake_open (const char *path, int flags, mode_t mode)
{
  Inode *inode;
  int errsv, fd;

  if (g_str_has_prefix (path, "/proc/"))
    return open (path, flags, mode);

  if (enter ((flags & O_CREAT) != 0 ? "create" : "open", &errsv))
    return -1;
  inode = find (path);
  if ((flags & O_CREAT) != 0)
    {
      g_assert_true ((flags & O_EXCL) != 0);
      if (inode != NULL)
        {
          errno = EEXIST;
          return -1;
        }
      inode = inode_new (S_IFREG | (mode & 0777));
      g_hash_table_insert (disk.names, g_strdup (path), inode);
    }
  else if (inode == NULL)
    return -1;
  else if (S_ISLNK (inode->mode) && (flags & O_NOFOLLOW) != 0)
    {
      errno = ELOOP;
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
    return leave (0, errsv);
  fd = new_fd (inode);
  return fd;
}

static int
fake_close (int fd)
{
  int errsv;

  if (fd < FIRST_FD)
    return close (fd);
  open_file (fd);
  /* Closed whatever it says, as Linux does. */
  g_clear_pointer (&g_ptr_array_index (disk.open_files, fd - FIRST_FD), open_file_free);
  if (enter ("close", &errsv))
    return -1;
  return leave (0, errsv);
}

static ssize_t
fake_read (int fd, void *buffer, size_t size)
{
  OpenFile *file;
  int errsv;
  gsize n;

  if (fd < FIRST_FD)
    return read (fd, buffer, size);
  if (enter ("read", &errsv))
    return -1;
  file = open_file (fd);
  n = MIN (size, file->inode->content->len - file->offset);
  memcpy (buffer, file->inode->content->str + file->offset, n);
  file->offset += n;
  return leave ((int) n, errsv);
}

static ssize_t
fake_pwrite (int fd, const void *buffer, size_t size, off_t offset)
{
  OpenFile *file;
  int errsv;

  if (enter ("pwrite", &errsv))
    return -1;
  file = open_file (fd);
  /* Short writes are legal. */
  size = MIN (size, 20);
  g_string_overwrite_len (file->inode->content, (gsize) offset, buffer, (gssize) size);
  file->inode->ctime = file->inode->mtime = stored (fake_disk_server_now ());
  return leave ((int) size, errsv);
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
}

static int
fake_fstat (int fd, struct stat *st)
{
  int errsv;

  if (enter ("fstat", &errsv))
    return -1;
  fill_stat (open_file (fd)->inode, st);
  return leave (0, errsv);
}

static int
fake_lstat (const char *path, struct stat *st)
{
  Inode *inode;
  int errsv;

  if (enter ("lstat", &errsv))
    return -1;
  inode = find (path);
  if (inode == NULL)
    return -1;
  fill_stat (inode, st);
  return leave (0, errsv);
}

static void
set_times (Inode *inode, const struct timespec times[2])
{
  inode->far_mtime = 0;
  inode->mtime = stored ((gint64) times[1].tv_sec * FAKE_SEC + times[1].tv_nsec);
  inode->ctime = stored (fake_disk_server_now ());
}

static int
fake_futimens (int fd, const struct timespec times[2])
{
  int errsv;

  if (enter ("futimens", &errsv))
    return -1;
  set_times (open_file (fd)->inode, times);
  return leave (0, errsv);
}

static int
fake_utimens (const char *path, const struct timespec times[2])
{
  Inode *inode;
  int errsv;

  if (enter ("utimens", &errsv))
    return -1;
  inode = find (path);
  if (inode == NULL)
    return -1;
  set_times (inode, times);
  return leave (0, errsv);
}

static int
fake_flock (int fd, int operation)
{
  OpenFile *file = open_file (fd);
  int wanted = operation & ~LOCK_NB;
  int errsv;

  g_assert_true ((operation & LOCK_NB) != 0);
  g_assert_true (wanted == LOCK_SH || wanted == LOCK_EX);
  g_assert_cmpint (disk.kind, ==, FLUFL_FS_LOCAL); /* elsewhere it may hang */
  if (enter ("flock", &errsv))
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
  return leave (0, errsv);
}

static int
fake_link (const char *from, const char *to)
{
  Inode *inode;
  int errsv;

  if (enter ("link", &errsv))
    return -1;
  inode = find (from);
  if (inode == NULL)
    return -1;
  if (g_hash_table_contains (disk.names, to))
    {
      errno = EEXIST;
      return -1;
    }
  if (disk.copies)
    {
      Inode *copy = inode_new (inode->mode);

      g_string_append_len (copy->content, inode->content->str, (gssize) inode->content->len);
      g_hash_table_insert (disk.names, g_strdup (to), copy);
    }
  else
    {
      inode->nlink++;
      inode->ctime = stored (fake_disk_server_now ());
      g_hash_table_insert (disk.names, g_strdup (to), inode_ref (inode));
    }
  return leave (0, errsv);
}

static int
fake_unlink (const char *path)
{
  Inode *inode;
  int errsv;

  if (enter ("unlink", &errsv))
    return -1;
  inode = find (path);
  if (inode == NULL)
    return -1;
  if (S_ISDIR (inode->mode))
    {
      errno = EISDIR;
      return -1;
    }
  inode->nlink--;
  inode->ctime = stored (fake_disk_server_now ());
  g_hash_table_remove (disk.names, path);
  return leave (0, errsv);
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

  if (enter ("list", &errsv))
    return -1;
  /* Copies: what is listed may go meanwhile. */
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
  return leave (0, errsv);
}

static int
fake_rename (const char *from, const char *to)
{
  Inode *inode;
  int errsv;

  if (enter ("rename", &errsv))
    return -1;
  inode = find (from);
  if (inode == NULL)
    return -1;
  g_assert_false (g_hash_table_contains (disk.names, to)); /* nothing needs it */
  inode->ctime = stored (fake_disk_server_now ());
  g_hash_table_insert (disk.names, g_strdup (to), inode_ref (inode));
  g_hash_table_remove (disk.names, from);
  return leave (0, errsv);
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
  return EPOCH + disk.elapsed + disk.local_skew;
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

void
fake_disk_put (const char *path, const char *content, gssize length, mode_t mode)
{
  Inode *inode = inode_new (mode);

  if (content != NULL)
    g_string_append_len (inode->content, content, length < 0 ? (gssize) strlen (content) : length);
  g_hash_table_insert (disk.names, g_strdup (path), inode);
}

static Inode *
must_find (const char *path)
{
  Inode *inode = find (path);

  g_assert_nonnull (inode);
  return inode;
}

void
fake_disk_set_mtime (const char *path, gint64 mtime)
{
  must_find (path)->mtime = mtime;
}

void
fake_disk_set_mtime_far (const char *path, gint64 seconds)
{
  must_find (path)->far_mtime = seconds;
}

void
fake_disk_set_content (const char *path, const char *content, gssize length)
{
  Inode *inode = must_find (path);

  g_string_truncate (inode->content, 0);
  g_string_append_len (inode->content, content, length);
}

void
fake_disk_set_readable (const char *path, gboolean readable)
{
  must_find (path)->readable = readable;
}

gboolean
fake_disk_exists (const char *path)
{
  return g_hash_table_contains (disk.names, path);
}

guint
fake_disk_nlink (const char *path)
{
  return must_find (path)->nlink;
}

gint64
fake_disk_mtime (const char *path)
{
  return must_find (path)->mtime;
}

const char *
fake_disk_content (const char *path)
{
  return must_find (path)->content->str;
}

mode_t
fake_disk_mode (const char *path)
{
  return must_find (path)->mode;
}

guint
fake_disk_n_names (void)
{
  return g_hash_table_size (disk.names);
}

guint
fake_disk_n_open (void)
{
  guint n = 0;

  for (guint i = 0; i < disk.open_files->len; i++)
    n += g_ptr_array_index (disk.open_files, i) != NULL;
  return n;
}

char *
fake_disk_list (void)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (disk.names), (GCompareFunc) strcmp);
  GString *text = g_string_new (NULL);

  for (GList *l = names; l != NULL; l = l->next)
    g_string_append_printf (text, "%s\n", (const char *) l->data);
  return g_string_free (text, FALSE);
}
