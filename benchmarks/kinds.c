/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The kinds of uncontended cycles: those of the library, and what it cannot be cheaper than.
 */

#include "kinds.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

gint64
bench_now (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_MONOTONIC, &ts);
  return (gint64) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
must (gboolean fine)
{
  if (!fine)
    {
      perror ("benchmark");
      exit (1);
    }
}

static int
name_claim (Bench *b, char *path, gsize size)
{
  return snprintf (path, size, "%s|host.example.org|%d|T%016" G_GINT64_MODIFIER
                   "xR%012xLB0123abcdN89ab4567S5a1c0", b->lock_path, (int) getpid (), b->n++, 1);
}

static void
date (int fd)
{
  struct timespec times[2];

  clock_gettime (CLOCK_REALTIME, &times[0]);
  times[0].tv_sec += 15;
  times[1] = times[0];
  must (futimens (fd, times) == 0);
}

static void
plain (Bench *b)
{
  char path[4096];
  int length = name_claim (b, path, sizeof path);
  struct stat st;
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

  must (fd >= 0);
  must (flock (fd, LOCK_EX | LOCK_NB) == 0);
  must (pwrite (fd, path, (size_t) length, 0) == length);
  date (fd);
  must (fstat (fd, &st) == 0 && st.st_nlink == 1);
  must (link (path, b->lock_path) == 0);
  must (unlink (path) == 0);
  must (lstat (b->lock_path, &st) == 0);
  must (unlink (b->lock_path) == 0);
  close (fd);
}

static void
plain_lingering (Bench *b)
{
  struct stat st;

  if (b->kept < 0)
    {
      int length = name_claim (b, b->kept_path, sizeof b->kept_path);

      b->kept = open (b->kept_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      must (b->kept >= 0);
      must (pwrite (b->kept, b->kept_path, (size_t) length, 0) == length);
    }
  date (b->kept);
  must (link (b->kept_path, b->lock_path) == 0);
  must (lstat (b->lock_path, &st) == 0);
  must (unlink (b->lock_path) == 0);
}

/* The system calls of Python's filelock, and no others. */
static void
bare_flock (Bench *b)
{
  int fd = open (b->flock_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  must (fd >= 0);
  must (flock (fd, LOCK_EX | LOCK_NB) == 0);
  must (flock (fd, LOCK_UN) == 0);
  close (fd);
}

static void
bare_ofd (Bench *b)
{
  struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  int fd = open (b->flock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

  must (fd >= 0);
  must (fcntl (fd, F_OFD_SETLK, &all) == 0);
  all.l_type = F_UNLCK;
  must (fcntl (fd, F_OFD_SETLK, &all) == 0);
  close (fd);
}

static void
library (Bench *b)
{
  must (flufl_lock_acquire (b->lock, 0, NULL, NULL));
  must (flufl_lock_release (b->lock, NULL, NULL));
}

static void
library_lingering (Bench *b)
{
  must (flufl_lock_acquire (b->lingering, 0, NULL, NULL));
  must (flufl_lock_release (b->lingering, NULL, NULL));
}

static void
library_beating (Bench *b)
{
  must (flufl_lock_acquire (b->beating, 10000, NULL, NULL));
  must (flufl_lock_release (b->beating, NULL, NULL));
}

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer done)
{
  must (flufl_lock_acquire_finish (FLUFL_LOCK (source), result, NULL));
  *(gboolean *) done = TRUE;
}

static void
released_cb (GObject *source, GAsyncResult *result, gpointer done)
{
  must (flufl_lock_release_finish (FLUFL_LOCK (source), result, NULL));
  *(gboolean *) done = TRUE;
}

static void
cycle_async (FluflLock *lock)
{
  gboolean acquired = FALSE, released = FALSE;

  flufl_lock_acquire_async (lock, 0, NULL, acquired_cb, &acquired);
  while (!acquired)
    g_main_context_iteration (NULL, TRUE);
  flufl_lock_release_async (lock, NULL, released_cb, &released);
  while (!released)
    g_main_context_iteration (NULL, TRUE);
}

static void
library_async (Bench *b)
{
  cycle_async (b->lock);
}

static void
library_async_lingering (Bench *b)
{
  cycle_async (b->lingering);
}

static void
return_at_once (GTask *task, gpointer object G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED,
                GCancellable *cancellable G_GNUC_UNUSED)
{
  g_task_return_boolean (task, TRUE);
}

static void
hopped_cb (GObject *object G_GNUC_UNUSED, GAsyncResult *result G_GNUC_UNUSED, gpointer done)
{
  *(gboolean *) done = TRUE;
}

/* What two asynchronous operations cost that do nothing. */
static void
two_hops (Bench *b G_GNUC_UNUSED)
{
  for (int i = 0; i < 2; i++)
    {
      gboolean done = FALSE;
      g_autoptr (GTask) task = g_task_new (NULL, NULL, hopped_cb, &done);

      g_task_run_in_thread (task, return_at_once);
      while (!done)
        g_main_context_iteration (NULL, TRUE);
    }
}

const BenchKind bench_kinds[] = {
  { "plain C", plain },
  { "library", library },
  { "plain C, claim kept", plain_lingering },
  { "library, linger", library_lingering },
  { "bare flock", bare_flock },
  { "bare OFD lock", bare_ofd },
  { "library, heartbeat", library_beating },
  { "two empty hops", two_hops },
  { "library, async", library_async },
  { "library, async, linger", library_async_lingering },
  { NULL, NULL },
};

void
bench_init (Bench *b, const char *directory)
{
  b->n = 0;
  b->kept = -1;
  b->lock_path = g_strdup_printf ("%s/x.lock", directory);
  b->flock_path = g_strdup_printf ("%s/flock", directory);
  b->lock = flufl_lock_new_for_path (b->lock_path);
  b->lingering = flufl_lock_new_for_path (b->lock_path);
  b->beating = flufl_lock_new_for_path (b->lock_path);
  /* The locks that it is compared with have no heartbeat. */
  flufl_lock_set_heartbeat (b->lock, FLUFL_HEARTBEAT_NONE);
  flufl_lock_set_heartbeat (b->lingering, FLUFL_HEARTBEAT_NONE);
  flufl_lock_set_linger (b->lingering, TRUE);
}

void
bench_clear (Bench *b)
{
  g_object_unref (b->lock);
  g_object_unref (b->lingering);
  g_object_unref (b->beating);
  if (b->kept >= 0)
    {
      close (b->kept);
      unlink (b->kept_path);
    }
  unlink (b->flock_path);
  g_free (b->flock_path);
  g_free (b->lock_path);
}
