/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * LD_PRELOAD puts this library before others. $FLUFL_FAULT is the name of one fault:
 *
 * late:      the boot clock goes on by 200 s in the first link(2), so that the acquisition touches its
 *            claim once more, and by 796 s in the first statx(2) after that touch
 * gone:      the second sigqueue(3) finds no process any more. Before that the stopped process goes on,
 *            and removes the file $FLUFL_FAULT_WHILE
 * lost:      g_cancellable_connect() returns once the cancellable is cancelled
 * no-thread: while the file $FLUFL_FAULT_WHILE exists, there is no thread for a refresh, and each try
 *            adds a byte to that file
 * stderr:    while the file $FLUFL_FAULT_WHILE exists, output to standard error stalls, as to a regular
 *            file whose server is away
 */

/* This file defines each name of a function, so no name may stand for another. */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) \
  static __typeof__ (&name) real; \
  if (real == NULL) \
    real = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name)

static gboolean
has_fault (const char *name)
{
  return g_strcmp0 (g_getenv ("FLUFL_FAULT"), name) == 0;
}

static gboolean
has_fault_now (const char *name)
{
  const char *path = g_getenv ("FLUFL_FAULT_WHILE");

  return has_fault (name) && path != NULL && access (path, F_OK) == 0;
}

/* --- late --- */

static atomic_int stage, passed_s;

static void
pass_time (int from, int seconds)
{
  if (has_fault ("late") && atomic_compare_exchange_strong (&stage, &from, from + 1))
    atomic_fetch_add (&passed_s, seconds);
}

int
clock_gettime (clockid_t clock, struct timespec *time)
{
  int result;

  REAL (clock_gettime);
  result = real (clock, time);
  if (result == 0 && clock == CLOCK_BOOTTIME)
    time->tv_sec += atomic_load (&passed_s);
  return result;
}

int
link (const char *from, const char *to)
{
  REAL (link);
  pass_time (0, 200);
  return real (from, to);
}

int
utimensat (int dir, const char *path, const struct timespec times[2], int flags)
{
  REAL (utimensat);
  pass_time (1, 0);
  return real (dir, path, times, flags);
}

int
futimens (int fd, const struct timespec times[2])
{
  REAL (futimens);
  pass_time (1, 0);
  return real (fd, times);
}

int
statx (int dir, const char *restrict path, int flags, unsigned mask, struct statx *restrict st)
{
  REAL (statx);
  pass_time (2, 796);
  return real (dir, path, flags, mask, st);
}

#if defined (__TIMESIZE) && __TIMESIZE == 32
/* The names of the functions above in a program whose times have 64 bits. No header declares
 * them. */
int __clock_gettime64 (clockid_t clock, gint64 *time);
int __utimensat64 (int dir, const char *path, const void *times, int flags);
int __futimens64 (int fd, const void *times);

int
__clock_gettime64 (clockid_t clock, gint64 *time) /* begins with the seconds */
{
  int result;

  REAL (__clock_gettime64);
  result = real (clock, time);
  if (result == 0 && clock == CLOCK_BOOTTIME)
    *time += atomic_load (&passed_s);
  return result;
}

int
__utimensat64 (int dir, const char *path, const void *times, int flags)
{
  REAL (__utimensat64);
  pass_time (1, 0);
  return real (dir, path, times, flags);
}

int
__futimens64 (int fd, const void *times)
{
  REAL (__futimens64);
  pass_time (1, 0);
  return real (fd, times);
}
#endif

/* --- gone --- */

int
sigqueue (pid_t pid, int number, const union sigval value)
{
  static gboolean is_second;

  REAL (sigqueue);
  if (!has_fault ("gone") || !is_second)
    {
      is_second = TRUE;
      return real (pid, number, value);
    }
  kill (pid, SIGCONT);
  while (has_fault_now ("gone"))
    g_usleep (1000);
  errno = ESRCH;
  return -1;
}

/* --- lost --- */

gulong
g_cancellable_connect (GCancellable *cancellable, GCallback callback, gpointer data,
                       GDestroyNotify free_data)
{
  REAL (g_cancellable_connect);
  while (has_fault ("lost") && !g_cancellable_is_cancelled (cancellable))
    g_usleep (1000);
  return real (cancellable, callback, data, free_data);
}

/* --- no-thread --- */

GThread *
g_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error)
{
  int fd;

  REAL (g_thread_try_new);
  if (g_strcmp0 (name, "flufl-refresh") != 0 || !has_fault_now ("no-thread"))
    return real (name, func, data, error);
  fd = open (g_getenv ("FLUFL_FAULT_WHILE"), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd >= 0 && write (fd, "x", 1) == 1)
    close (fd);
  g_set_error (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN, "no thread");
  return NULL;
}

/* --- stderr --- */

int
fputs (const char *restrict text, FILE *restrict stream)
{
  REAL (fputs);
  while (stream == stderr && has_fault_now ("stderr"))
    g_usleep (1000);
  return real (text, stream);
}
