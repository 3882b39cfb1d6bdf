/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "fake-disk-private.h"

#include <errno.h>
#include <string.h>

FakeDisk disk;

static void
inode_unref (gpointer data)
{
  Inode *inode = data;

  if (inode == NULL || !g_atomic_ref_count_dec (&inode->refs))
    return;
  g_string_free (inode->content, TRUE);
  g_free (inode);
}

Inode *
fake_inode_ref (Inode *inode)
{
  g_atomic_ref_count_inc (&inode->refs);
  return inode;
}

void
fake_open_file_free (gpointer data)
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
  return EPOCH + disk.elapsed + disk.stepped;
}

gint64
fake_disk_stored (gint64 time)
{
  return time - time % disk.granularity;
}

gint64
fake_disk_ctime (void)
{
  return fake_disk_stored (fake_disk_server_now () + disk.client_skew);
}

Inode *
fake_inode_new (FluflFileType type)
{
  Inode *inode = g_new0 (Inode, 1);

  g_atomic_ref_count_init (&inode->refs);
  inode->ino = disk.reused_ino != 0 ? disk.reused_ino : ++disk.next_ino;
  disk.reused_ino = 0;
  inode->type = type;
  inode->readable = TRUE;
  inode->content = g_string_new (NULL);
  inode->nlink = 1;
  inode->mtime = inode->ctime = fake_disk_ctime ();
  inode->born = fake_disk_server_now ();
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
  disk.open_files = g_ptr_array_new_with_free_func (fake_open_file_free);
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
fake_disk_step_clocks (gint64 nsec)
{
  disk.stepped += nsec;
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
fake_disk_refuse_nofollow (gboolean refuses)
{
  disk.refuses_nofollow = refuses;
}

void
fake_disk_later_ctime (gboolean later)
{
  disk.later_ctime = later;
}

void
fake_disk_client_ctime (gint64 nsec)
{
  disk.client_skew = nsec;
}

void
fake_disk_stale_sizes (gint64 nsec)
{
  disk.stale_sizes = nsec;
}

void
fake_disk_refuse_links (int errsv)
{
  disk.link_errsv = errsv;
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

/* Notes the call. TRUE: the call fails at once, and errno is set. *@out_errsv, unless it is 0, is
 * the error with which the call fails after it was carried out. */
gboolean
fake_call_enter (const char *call, int *out_errsv)
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

int
fake_call_leave (int result, int errsv)
{
  if (result < 0 || errsv == 0)
    return result;
  errno = errsv;
  return -1;
}

Inode *
fake_disk_find (const char *path)
{
  Inode *inode = g_hash_table_lookup (disk.names, path);

  if (inode == NULL)
    errno = ENOENT;
  return inode;
}

OpenFile *
fake_disk_open_file (int fd)
{
  g_assert_cmpint (fd, >=, FIRST_FD);
  g_assert_nonnull (g_ptr_array_index (disk.open_files, fd - FIRST_FD));
  return g_ptr_array_index (disk.open_files, fd - FIRST_FD);
}

int
fake_disk_new_fd (Inode *inode)
{
  OpenFile *file = g_new0 (OpenFile, 1);

  g_atomic_ref_count_init (&file->refs);
  file->inode = fake_inode_ref (inode);
  g_ptr_array_add (disk.open_files, file);
  return FIRST_FD + (int) disk.open_files->len - 1;
}

int
fake_disk_inherit (int fd)
{
  OpenFile *file = fake_disk_open_file (fd);

  g_atomic_ref_count_inc (&file->refs);
  g_ptr_array_add (disk.open_files, file);
  return FIRST_FD + (int) disk.open_files->len - 1;
}

void
fake_disk_put (const char *path, const char *content, gssize length, FluflFileType type)
{
  Inode *inode = fake_inode_new (type);

  if (content != NULL)
    g_string_append_len (inode->content, content, length < 0 ? (gssize) strlen (content) : length);
  g_hash_table_insert (disk.names, g_strdup (path), inode);
}

static Inode *
must_find (const char *path)
{
  Inode *inode = fake_disk_find (path);

  g_assert_nonnull (inode);
  return inode;
}

void
fake_disk_reuse_inode (const char *path)
{
  disk.reused_ino = must_find (path)->ino;
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

static GPtrArray *
names_below (const char *directory)
{
  g_autofree char *prefix = g_strconcat (directory, "/", NULL);
  GPtrArray *below = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, disk.names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (g_str_has_prefix (name, prefix))
      g_ptr_array_add (below, g_strdup (name));
  return below;
}

void
fake_disk_move_directory (const char *from, const char *to)
{
  g_autoptr (GPtrArray) names = names_below (from);

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);
      Inode *inode = fake_inode_ref (must_find (name));

      g_hash_table_remove (disk.names, name);
      g_hash_table_insert (disk.names, g_strconcat (to, name + strlen (from), NULL), inode);
    }
}

void
fake_disk_copy_directory (const char *from, const char *to)
{
  g_autoptr (GHashTable) copies = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) names = names_below (from);

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);
      Inode *inode = must_find (name);
      Inode *copy = g_hash_table_lookup (copies, inode);

      if (copy == NULL)
        {
          copy = fake_inode_new (inode->type);
          g_string_append_len (copy->content, inode->content->str, (gssize) inode->content->len);
          copy->mtime = inode->mtime;
          g_hash_table_insert (copies, inode, copy);
        }
      else
        {
          fake_inode_ref (copy);
          copy->nlink++;
        }
      g_hash_table_insert (disk.names, g_strconcat (to, name + strlen (from), NULL), copy);
    }
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

FluflFileType
fake_disk_type (const char *path)
{
  return must_find (path)->type;
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
