/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "lies.h"

#include <errno.h>
#include <pthread.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "flufl-test-util.h"

#define REST (6 * G_GINT64_CONSTANT (1000000000))

typedef struct
{
  guint    calls;
  guint    honest;  /* the number of calls before the failures begin */
  int      failures;
  int      errsv;
  gboolean stalls;
} Order;

static GMutex mutex;
static GCond changed;
static Order orders[LIES_ANY];
static LiesWhen stall_when;
static guint n_stalled;
static GThread *forbidden;
static gint64 boot_shift;
static gint64 real_shift;
static gboolean rests;
static FluflFsKind told_kind;
static gboolean copies_links;

static void
forget (void)
{
  memset (orders, 0, sizeof orders);
  forbidden = NULL;
  boot_shift = real_shift = 0;
  rests = copies_links = FALSE;
  told_kind = FLUFL_FS_UNASKED;
}

/* For a forked child, where the parent's thread that may have had the mutex does not exist. */
static void
renew_mutex (void)
{
  memset (&mutex, 0, sizeof mutex);
  memset (&changed, 0, sizeof changed);
}

void
lies_reset (void)
{
  static gboolean renews;

  if (!renews)
    renews = pthread_atfork (NULL, NULL, renew_mutex) == 0;
  g_mutex_lock (&mutex);
  g_assert_cmpuint (n_stalled, ==, 0);
  forget ();
  g_mutex_unlock (&mutex);
}

static void
order_failures (LiesCall call, guint honest, int errsv, int times)
{
  g_mutex_lock (&mutex);
  for (guint i = 0; i < LIES_ANY; i++)
    if (call == i || call == LIES_ANY)
      {
        orders[i].honest = honest;
        orders[i].failures = times;
        orders[i].errsv = errsv;
      }
  g_mutex_unlock (&mutex);
}

void
lies_fail (LiesCall call, int errsv, int times)
{
  order_failures (call, 0, errsv, times);
}

void
lies_fail_after (LiesCall call, guint n, int errsv)
{
  order_failures (call, n, errsv, -1);
}

void
lies_stall (LiesCall call, LiesWhen when)
{
  g_mutex_lock (&mutex);
  stall_when = when;
  for (guint i = 0; i < LIES_ANY; i++)
    if (call == i || call == LIES_ANY)
      orders[i].stalls = TRUE;
  g_mutex_unlock (&mutex);
}

void
lies_let_go (void)
{
  g_mutex_lock (&mutex);
  for (guint i = 0; i < LIES_ANY; i++)
    orders[i].stalls = FALSE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&mutex);
}

void
lies_wait_stalled (guint n)
{
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;

  g_mutex_lock (&mutex);
  while (n_stalled < n)
    if (!g_cond_wait_until (&changed, &mutex, give_up))
      g_error ("only %u calls stall, not %u", n_stalled, n);
  g_mutex_unlock (&mutex);
}

guint
lies_n_stalled (void)
{
  guint n;

  g_mutex_lock (&mutex);
  n = n_stalled;
  g_mutex_unlock (&mutex);
  return n;
}

guint
lies_count (LiesCall call)
{
  guint n = 0;

  g_mutex_lock (&mutex);
  for (guint i = 0; i < LIES_ANY; i++)
    if (call == i || call == LIES_ANY)
      n += orders[i].calls;
  g_mutex_unlock (&mutex);
  return n;
}

void
lies_forbid (GThread *thread)
{
  g_mutex_lock (&mutex);
  forbidden = thread;
  g_mutex_unlock (&mutex);
}

void
lies_pass_time (gint64 msec)
{
  g_mutex_lock (&mutex);
  boot_shift += msec * 1000 * 1000;
  g_mutex_unlock (&mutex);
}

void
lies_skew (gint64 msec)
{
  g_mutex_lock (&mutex);
  real_shift = msec * 1000 * 1000;
  g_mutex_unlock (&mutex);
}

void
lies_rest (void)
{
  g_mutex_lock (&mutex);
  rests = TRUE;
  g_mutex_unlock (&mutex);
}

void
lies_fs_kind (FluflFsKind kind)
{
  g_mutex_lock (&mutex);
  told_kind = kind;
  g_mutex_unlock (&mutex);
}

void
lies_copy_links (gboolean copies)
{
  g_mutex_lock (&mutex);
  copies_links = copies;
  g_mutex_unlock (&mutex);
}

/* To be called with the mutex. */
static void
stall (LiesCall call, LiesWhen when)
{
  if (!orders[call].stalls || stall_when != when)
    return;
  n_stalled++;
  g_cond_broadcast (&changed);
  while (orders[call].stalls)
    g_cond_wait (&changed, &mutex);
  n_stalled--;
  g_cond_broadcast (&changed);
}

/* Returns: whether the call is to be carried out; otherwise errno is set. */
static gboolean
enter (LiesCall call)
{
  Order *order = &orders[call];
  int errsv = 0;

  g_mutex_lock (&mutex);
  if (forbidden != NULL && forbidden == g_thread_self ())
    g_error ("call %d in a thread that must not touch the disk", call);
  order->calls++;
  stall (call, LIES_BEFORE);
  if (order->failures != 0 && order->honest > 0)
    order->honest--;
  else if (order->failures != 0)
    {
      errsv = order->errsv;
      if (order->failures > 0)
        order->failures--;
    }
  g_mutex_unlock (&mutex);

  errno = errsv;
  return errsv == 0;
}

static gssize
leave (LiesCall call, gssize answer)
{
  int errsv = errno;

  g_mutex_lock (&mutex);
  stall (call, LIES_AFTER);
  g_mutex_unlock (&mutex);
  errno = errsv;
  return answer;
}

static int
lies_open (const char *path, FluflOpen how)
{
  if (g_str_has_prefix (path, "/proc/"))
    return flufl_syscalls_native.open (path, how);
  /* A look at NFS bypasses the cache with O_DIRECT, which other file systems restrict. */
  if (how == FLUFL_OPEN_LOOK_UNCACHED)
    how = FLUFL_OPEN_LOOK;
  return enter (LIES_OPEN) ? (int) leave (LIES_OPEN, flufl_syscalls_native.open (path, how)) : -1;
}

static gboolean
is_in_proc (int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *target = g_file_read_link (path, NULL);

  return target != NULL && g_str_has_prefix (target, "/proc/");
}

static gssize
lies_read (int fd, void *buffer, gsize size)
{
  if (is_in_proc (fd))
    return flufl_syscalls_native.read (fd, buffer, size);
  return enter (LIES_READ)
             ? leave (LIES_READ, flufl_syscalls_native.read (fd, buffer, size)) : -1;
}

static gssize
lies_pwrite (int fd, const void *buffer, gsize size, gint64 offset)
{
  return enter (LIES_PWRITE)
             ? leave (LIES_PWRITE, flufl_syscalls_native.pwrite (fd, buffer, size, offset)) : -1;
}

static int
lies_fstat (int fd, FluflStat *st)
{
  return enter (LIES_FSTAT) ? (int) leave (LIES_FSTAT, flufl_syscalls_native.fstat (fd, st)) : -1;
}

static int
lies_lstat (const char *path, FluflStat *st)
{
  return enter (LIES_LSTAT) ? (int) leave (LIES_LSTAT, flufl_syscalls_native.lstat (path, st)) : -1;
}

static int
lies_identify (const char *path, guint64 *dev, guint64 *ino)
{
  return enter (LIES_IDENTIFY)
             ? (int) leave (LIES_IDENTIFY, flufl_syscalls_native.identify (path, dev, ino))
             : -1;
}

static int
lies_futimens (int fd, gint64 mtime, gint64 atime)
{
  return enter (LIES_FUTIMENS)
             ? (int) leave (LIES_FUTIMENS, flufl_syscalls_native.futimens (fd, mtime, atime)) : -1;
}

static int
lies_utimens (const char *path, gint64 mtime, gint64 atime)
{
  return enter (LIES_UTIMENS)
             ? (int) leave (LIES_UTIMENS, flufl_syscalls_native.utimens (path, mtime, atime)) : -1;
}

static int
copy (const char *from, const char *to)
{
  g_autofree char *content = NULL;
  gsize length;
  int fd;

  g_assert_true (g_file_get_contents (from, &content, &length, NULL));
  fd = open (to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    return -1;
  g_assert_cmpint (write (fd, content, length), ==, (gssize) length);
  close (fd);
  return 0;
}

static int
lies_link (const char *from, const char *to)
{
  gboolean copies;
  int answer, errsv;

  if (!enter (LIES_LINK))
    return -1;
  g_mutex_lock (&mutex);
  copies = copies_links;
  g_mutex_unlock (&mutex);
  answer = copies ? copy (from, to) : flufl_syscalls_native.link (from, to);
  errsv = errno;
  g_mutex_lock (&mutex);
  if (answer != 0 && errsv == EEXIST && rests)
    boot_shift += REST;
  g_mutex_unlock (&mutex);
  errno = errsv;
  return (int) leave (LIES_LINK, answer);
}

static int
lies_rename (const char *from, const char *to)
{
  return enter (LIES_RENAME)
             ? (int) leave (LIES_RENAME, flufl_syscalls_native.rename (from, to)) : -1;
}

static int
lies_unlink (const char *path)
{
  return enter (LIES_UNLINK) ? (int) leave (LIES_UNLINK, flufl_syscalls_native.unlink (path)) : -1;
}

static int
lies_random (void *buffer, gsize size)
{
  return flufl_syscalls_native.random (buffer, size);
}

static int
lies_kill (int pid)
{
  return flufl_syscalls_native.kill (pid);
}

static gint64
lies_clock (FluflClock clock)
{
  gint64 shift;

  g_mutex_lock (&mutex);
  shift = clock == FLUFL_CLOCK_BOOT ? boot_shift : real_shift;
  g_mutex_unlock (&mutex);
  return flufl_syscalls_native.clock (clock) + shift;
}

static FluflFsKind
lies_ask_fs_kind (const char *directory)
{
  FluflFsKind kind;

  if (!enter (LIES_FS_KIND))
    return FLUFL_FS_OTHER;
  leave (LIES_FS_KIND, 0);
  g_mutex_lock (&mutex);
  kind = told_kind;
  g_mutex_unlock (&mutex);
  return kind != FLUFL_FS_UNASKED ? kind : flufl_syscalls_native.fs_kind (directory);
}

static int
lies_flock (int fd, FluflLine line)
{
  return enter (LIES_FLOCK)
             ? (int) leave (LIES_FLOCK, flufl_syscalls_native.flock (fd, line)) : -1;
}

static int
lies_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  return enter (LIES_LIST)
             ? (int) leave (LIES_LIST, flufl_syscalls_native.list (directory, func, user_data)) : -1;
}

const FluflSyscalls lies_syscalls = {
  .open = lies_open,
  .close = close,
  .read = lies_read,
  .pwrite = lies_pwrite,
  .fstat = lies_fstat,
  .lstat = lies_lstat,
  .identify = lies_identify,
  .futimens = lies_futimens,
  .utimens = lies_utimens,
  .flock = lies_flock,
  .link = lies_link,
  .rename = lies_rename,
  .unlink = lies_unlink,
  .list = lies_list,
  .kill = lies_kill,
  .random = lies_random,
  .clock = lies_clock,
  .fs_kind = lies_ask_fs_kind,
};
