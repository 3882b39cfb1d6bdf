/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The disk in memory itself: its files, and the faults that a test has ordered.
 */

#pragma once

#include "fake-disk.h"

G_BEGIN_DECLS

#define FIRST_FD 10000
/* 2026-01-01, and a boot a day before. */
#define EPOCH (G_GINT64_CONSTANT (1767225600) * FAKE_SEC)
#define BOOT_EPOCH (G_GINT64_CONSTANT (86400) * FAKE_SEC)

typedef struct
{
  gatomicrefcount refs; /* names and open files */
  guint64  ino;
  FluflFileType type;
  gboolean readable;
  GString *content;
  guint    nlink;
  gint64   mtime, ctime, atime;
  gint64   born; /* when it was created, by the server's clock */
  gint64   far_mtime; /* in seconds, instead of mtime; 0: mtime counts */
} Inode;

/* An open file, which flock(2) locks, with all descriptors that came of one open(2). */
typedef struct
{
  gatomicrefcount refs; /* descriptors */
  Inode *inode;
  gsize  offset;
  FluflLine line;       /* what was asked of the life-line last, and granted */
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

typedef struct
{
  GHashTable *names; /* path → Inode */
  GPtrArray  *open_files;
  GPtrArray  *calls; /* of char */
  guint64     next_ino;
  guint64     reused_ino; /* what the next file gets; 0: a new number */
  gint64      elapsed, stepped, local_skew, granularity;
  FluflFsKind kind;
  gboolean    copies;
  gboolean    refuses_nofollow;
  gboolean    later_ctime;
  gint64      client_skew, stale_sizes;
  int         link_errsv;
  guint64     random;
  Order       order;
  guint       dies_in; /* the number of calls; 0: it does not die */
  gboolean    dead;
} FakeDisk;

extern FakeDisk disk;

void       fake_open_file_free (gpointer data);
Inode     *fake_inode_ref      (Inode *inode);
Inode     *fake_inode_new      (FluflFileType type);
gint64     fake_disk_stored    (gint64 time);
/* What a change now makes of a file's ctime. */
gint64     fake_disk_ctime     (void);
gboolean   fake_call_enter     (const char *call, int *out_errsv);
int        fake_call_leave     (int result, int errsv);
Inode     *fake_disk_find      (const char *path);
OpenFile  *fake_disk_open_file (int fd);
int        fake_disk_new_fd    (Inode *inode);

G_END_DECLS
