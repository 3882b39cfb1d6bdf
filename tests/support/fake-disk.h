/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A disk in memory, with a clock that stands still until a test sets it forward. A call of its
 * table fails, loses its reply, or lets another event happen, if a test asks for that. Paths in
 * /proc are the real ones.
 */

#pragma once

#include "flufl-syscalls.h"

G_BEGIN_DECLS

#define FAKE_SEC G_GINT64_CONSTANT (1000000000)

typedef enum
{
  FAKE_FAIL,       /* the call is not carried out */
  FAKE_LOSE_REPLY, /* the call is carried out, and fails all the same */
} FakeFault;

typedef void (*FakeHook) (gpointer user_data);

extern const FluflSyscalls fake_syscalls;

void     fake_disk_reset       (void);

/* Time passes for everybody. */
void     fake_disk_advance     (gint64       nsec);
/* Every wall clock is set forward, and no time passes. */
void     fake_disk_step_clocks (gint64       nsec);
/* Sets this machine's clock off against the file server's, which counts. */
void     fake_disk_skew_local  (gint64       nsec);
gint64   fake_disk_server_now  (void);
/* Stored times are cut to a multiple of @nsec nanoseconds. */
void     fake_disk_granularity (gint64       nsec);
/* FAT: no links, no stable inode numbers, and no “|” in names. */
void     fake_disk_kind        (FluflFsKind  kind);
/* O_NOFOLLOW is refused, as by Flatpak's document portal. */
void     fake_disk_refuse_nofollow (gboolean refuses);
/* ctime is shown as the later of ctime and mtime, as by ceph-fuse. */
void     fake_disk_later_ctime (gboolean     later);
/* The calls from now on come from a client whose clock is off by @nsec, and which makes the ctime
 * itself, as on GlusterFS and ceph-fuse. */
void     fake_disk_client_ctime (gint64      nsec);
/* A file looks empty for @nsec after its creation, as through the cache of GlusterFS. */
void     fake_disk_stale_sizes (gint64       nsec);
/* Each link(2) fails with @errsv, unless it is 0. */
void     fake_disk_refuse_links (int         errsv);
/* link(2) makes a copy, and reports success. */
void     fake_disk_copy_links  (gboolean     copies);

/* The order of a fault or a hook at the @nth call of @call from now, where 1 is the next one.
 * NULL: any call. */
void     fake_disk_fault       (const char  *call,
                                guint        nth,
                                FakeFault    fault,
                                int          errsv);
void     fake_disk_hook        (const char  *call,
                                guint        nth,
                                FakeHook     hook,
                                gpointer     user_data);
/* Whether the order has been carried out. */
gboolean fake_disk_order_done  (void);
void     fake_disk_cancel_order (void);

/* At the @nth call from now the caller dies. Its calls have no effect any more, except that
 * close(2) still closes. */
void     fake_disk_die         (guint        nth);
/* Others go on. Returns whether the caller had died. */
gboolean fake_disk_bury        (void);
/* A second descriptor of an open file, as fork(2) makes one. */
int      fake_disk_inherit     (int          fd);

/* The calls since they were last forgotten: "link", "unlink NAME", … */
void     fake_disk_forget_calls (void);
guint    fake_disk_count_calls  (const char  *call);
guint    fake_disk_n_calls      (void);
guint    fake_disk_n_writes     (void);

void     fake_disk_put         (const char  *path,
                                const char  *content,
                                gssize       length,
                                FluflFileType type);
void     fake_disk_set_mtime   (const char  *path,
                                gint64       mtime);
/* For a time that does not fit into a number of nanoseconds. */
void     fake_disk_set_mtime_far (const char *path,
                                gint64       seconds);
void     fake_disk_set_content (const char  *path,
                                const char  *content,
                                gssize       length);
void     fake_disk_set_readable (const char *path,
                                gboolean     readable);
/* The next file gets the inode number of the file at @path. */
void     fake_disk_reuse_inode (const char  *path);
/* Moves or copies a directory and all files in it, whose names begin with it. A copy keeps times
 * and hard links, as cp -a does. */
void     fake_disk_move_directory (const char *from,
                                const char  *to);
void     fake_disk_copy_directory (const char *from,
                                const char  *to);
gboolean fake_disk_exists      (const char  *path);
guint    fake_disk_nlink       (const char  *path);
gint64   fake_disk_mtime       (const char  *path);
const char *fake_disk_content  (const char  *path);
FluflFileType fake_disk_type   (const char  *path);
guint    fake_disk_n_names     (void);
guint    fake_disk_n_open      (void);
char    *fake_disk_list        (void);

G_END_DECLS
