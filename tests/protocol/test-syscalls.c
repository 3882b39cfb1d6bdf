/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The functions of the table for POSIX systems that do more than the calls of their names.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-syscalls.h"
#include "flufl-test-util.h"

/* More numbers than one call to the kernel returns. */
#define N_NUMBERS 100
#define N_THREADS 4

static void
draw (guint64 *numbers)
{
  for (int i = 0; i < N_NUMBERS; i++)
    {
      guint32 little; /* no number begins where another did */

      g_assert_cmpint (flufl_syscalls_native.random (&numbers[i], sizeof *numbers), ==, 0);
      g_assert_cmpint (flufl_syscalls_native.random (&little, sizeof little), ==, 0);
    }
}

static gpointer
draw_in_thread (gpointer numbers)
{
  draw (numbers);
  return NULL;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (guint64));
}

static void
assert_all_differ (guint64 *numbers, gsize n)
{
  qsort (numbers, n, sizeof *numbers, compare);
  for (gsize i = 1; i < n; i++)
    g_assert_cmphex (numbers[i - 1], !=, numbers[i]);
}

static void
test_random_threads (void)
{
  static guint64 numbers[N_THREADS][N_NUMBERS];
  GThread *threads[N_THREADS];

  g_test_summary ("Threads do not get each other's random numbers");
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("draw", draw_in_thread, numbers[i]);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  assert_all_differ (numbers[0], N_THREADS * N_NUMBERS);
}

static void
test_random_fork (void)
{
  gsize size = 3 * N_NUMBERS * sizeof (guint64);
  guint64 *numbers = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  g_test_summary ("A forked child does not get those that its parent is to use");
  g_assert_true (numbers != MAP_FAILED);
  draw (numbers);
  for (int i = 0; i < 2; i++)
    {
      pid_t pid;
      int status;

      /* Some numbers are left after this, with which both processes would go on. */
      g_assert_cmpint (flufl_syscalls_native.random (&numbers[0], sizeof *numbers), ==, 0);
      pid = fork ();
      g_assert_cmpint (pid, >=, 0);
      if (pid == 0)
        {
          draw (numbers + (1 + i) * N_NUMBERS);
          _exit (0);
        }
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      g_assert_cmpint (status, ==, 0);
    }
  draw (numbers);
  assert_all_differ (numbers, 3 * N_NUMBERS);
  munmap (numbers, size);
}

static void
test_random_large (void)
{
  guchar bytes[1000] = { 0 };
  gsize zeros = 0;

  g_test_summary ("More than a batch is had, too");
  g_assert_cmpint (flufl_syscalls_native.random (bytes, sizeof bytes), ==, 0);
  for (gsize i = 0; i < sizeof bytes; i++)
    zeros += bytes[i] == 0;
  g_assert_cmpuint (zeros, <, 100); /* 4 are expected */
}

/* --- What the table makes of the system's flags and structures --- */

static const FluflSyscalls *const sys = &flufl_syscalls_native;

static void
make_file (const char *path)
{
  int fd = sys->open (path, FLUFL_OPEN_CREATE);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (sys->close (fd), ==, 0);
}

static void
test_create (void)
{
  mode_t before = umask (0);
  TestPlace place;
  struct stat st;

  g_test_summary ("A new file has mode 0666; no file and no symbolic link is opened as new");
  test_place_init (&place);
  make_file (place.lock);
  umask (before);
  g_assert_cmpint (stat (place.lock, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0666);
  g_assert_cmpint (sys->open (place.lock, FLUFL_OPEN_CREATE), ==, -1);
  g_assert_cmpint (errno, ==, EEXIST);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  g_assert_cmpint (symlink ("nowhere", place.lock), ==, 0);
  g_assert_cmpint (sys->open (place.lock, FLUFL_OPEN_CREATE), ==, -1);
  g_assert_cmpint (errno, ==, EEXIST);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  test_place_clear (&place);
}

static void
test_look (void)
{
  g_autofree char *link = NULL;
  TestPlace place;
  int fd;

  g_test_summary ("A look follows no symbolic link unless it is to, and waits for no pipe");
  test_place_init (&place);
  link = test_place_path (&place, "link");
  make_file (place.lock);
  g_assert_cmpint (symlink ("x.lock", link), ==, 0);
  g_assert_cmpint (sys->open (link, FLUFL_OPEN_LOOK), ==, -1);
  g_assert_cmpint (errno, ==, ELOOP);
  g_assert_cmpint (sys->open (link, FLUFL_OPEN_LOOK_UNCACHED), ==, -1);
  g_assert_cmpint (errno, ==, ELOOP);
  fd = sys->open (link, FLUFL_OPEN_LOOK_THROUGH);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (sys->close (fd), ==, 0);
  g_assert_cmpint (unlink (link), ==, 0);
  g_assert_cmpint (mkfifo (link, 0666), ==, 0);
  fd = sys->open (link, FLUFL_OPEN_LOOK);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (sys->close (fd), ==, 0);
  g_assert_cmpint (unlink (link), ==, 0);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  test_place_clear (&place);
}

static void
assert_type (const char *path, FluflFileType type)
{
  FluflStat st;

  g_assert_cmpint (sys->lstat (path, &st), ==, 0);
  g_assert_cmpint (st.type, ==, type);
}

static void
bind_socket (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  g_assert_cmpuint (strlen (path), <, sizeof address.sun_path);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (close (fd), ==, 0);
}

static void
test_types (void)
{
  TestPlace place;

  g_test_summary ("Each type of file is shown as what it is");
  test_place_init (&place);
  assert_type (place.dir, FLUFL_FILE_DIRECTORY);
  assert_type ("/dev/null", FLUFL_FILE_DEVICE);
  make_file (place.lock);
  assert_type (place.lock, FLUFL_FILE_REGULAR);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  g_assert_cmpint (symlink ("nowhere", place.lock), ==, 0);
  assert_type (place.lock, FLUFL_FILE_SYMLINK);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  g_assert_cmpint (mkfifo (place.lock, 0666), ==, 0);
  assert_type (place.lock, FLUFL_FILE_PIPE);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  bind_socket (place.lock);
  assert_type (place.lock, FLUFL_FILE_SOCKET);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  test_place_clear (&place);
}

static void
test_attributes (void)
{
  const gint64 mtime = G_GINT64_CONSTANT (1893456000123456789);
  g_autofree char *other = NULL;
  guint64 dev, ino;
  FluflStat by_fd, by_path;
  TestPlace place;
  struct stat st;
  int fd;

  g_test_summary ("Attributes are those of the system, and a time is set in nanoseconds");
  test_place_init (&place);
  other = test_place_path (&place, "other");
  fd = sys->open (place.lock, FLUFL_OPEN_CREATE);
  g_assert_cmpint (sys->pwrite (fd, "path", 4, 2), ==, 4);
  g_assert_cmpint (sys->link (place.lock, other), ==, 0);
  g_assert_cmpint (sys->futimens (fd, mtime, mtime + 2), ==, 0);
  g_assert_cmpint (sys->fstat (fd, &by_fd), ==, 0);
  g_assert_cmpint (sys->close (fd), ==, 0);
  g_assert_cmpint (by_fd.mtime, ==, mtime);
  g_assert_cmpint (sys->utimens (other, mtime + 1, mtime + 3), ==, 0);
  g_assert_cmpint (sys->lstat (place.lock, &by_path), ==, 0);
  g_assert_cmpint (by_path.mtime, ==, mtime + 1);
  g_assert_cmpint (stat (other, &st), ==, 0);
  g_assert_cmpuint (by_path.dev, ==, st.st_dev);
  g_assert_cmpuint (by_path.ino, ==, st.st_ino);
  g_assert_cmpuint (by_path.nlink, ==, 2);
  g_assert_cmpint (by_path.size, ==, 6);
  g_assert_cmpint (by_path.ctime, ==, st.st_ctim.tv_sec * FLUFL_NSEC_PER_SEC + st.st_ctim.tv_nsec);
  g_assert_cmpint (by_fd.atime, ==, mtime + 2);
  g_assert_cmpint (by_path.atime, ==, mtime + 3);
  g_assert_cmpint (st.st_atim.tv_nsec, ==, st.st_mtim.tv_nsec + 2);
  g_assert_cmpint (by_path.owner, ==, geteuid ());
  g_assert_cmpint (sys->identify (other, &dev, &ino), ==, 0);
  g_assert_true (dev == by_fd.dev && ino == by_fd.ino);
  g_assert_cmpint (unlink (other), ==, 0);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  test_place_clear (&place);
}

static void
assert_line (int fd, FluflLine line, gboolean granted)
{
  g_assert_cmpint (sys->flock (fd, line), ==, granted ? 0 : -1);
  if (!granted)
    g_assert_cmpint (errno, ==, EWOULDBLOCK);
}

static void
test_life_line (void)
{
  TestPlace place;
  int maker, a, b;

  g_test_summary ("A kept life-line refuses all questions; otherwise only a breaker is in the way");
  test_place_init (&place);
  maker = sys->open (place.lock, FLUFL_OPEN_CREATE);
  a = sys->open (place.lock, FLUFL_OPEN_LOOK);
  b = sys->open (place.lock, FLUFL_OPEN_LOOK);
  assert_line (maker, FLUFL_LINE_TIE, TRUE);
  assert_line (a, FLUFL_LINE_ASK, FALSE);
  assert_line (a, FLUFL_LINE_TAKE, FALSE);
  g_assert_cmpint (sys->close (maker), ==, 0);
  assert_line (a, FLUFL_LINE_ASK, TRUE);
  assert_line (b, FLUFL_LINE_ASK, TRUE);
  assert_line (b, FLUFL_LINE_TAKE, FALSE);
  g_assert_cmpint (sys->close (a), ==, 0);
  assert_line (b, FLUFL_LINE_TAKE, TRUE);
  a = sys->open (place.lock, FLUFL_OPEN_LOOK);
  assert_line (a, FLUFL_LINE_ASK, FALSE);
  g_assert_cmpint (sys->close (a), ==, 0);
  g_assert_cmpint (sys->close (b), ==, 0);
  g_assert_cmpint (unlink (place.lock), ==, 0);
  test_place_clear (&place);
}

static void
test_far_times (void)
{
  g_test_summary ("Times beyond 64 bits of nanoseconds are the first and the last moment");
  g_assert_cmpint (flufl_time_from_seconds (1, 5), ==, FLUFL_NSEC_PER_SEC + 5);
  g_assert_cmpint (flufl_time_from_seconds (-1, 5), ==, 5 - FLUFL_NSEC_PER_SEC);
  g_assert_cmpint (flufl_time_from_seconds (G_MAXINT64, 0), ==, G_MAXINT64);
  g_assert_cmpint (flufl_time_from_seconds (G_MININT64, 0), ==, G_MININT64);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/syscalls/random/threads", test_random_threads);
  g_test_add_func ("/syscalls/random/fork", test_random_fork);
  g_test_add_func ("/syscalls/random/large", test_random_large);
  g_test_add_func ("/syscalls/create", test_create);
  g_test_add_func ("/syscalls/look", test_look);
  g_test_add_func ("/syscalls/types", test_types);
  g_test_add_func ("/syscalls/attributes", test_attributes);
  g_test_add_func ("/syscalls/life-line", test_life_line);
  g_test_add_func ("/syscalls/far-times", test_far_times);
  return g_test_run ();
}
