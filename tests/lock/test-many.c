/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The cost of thousands of objects.
 */

#include "config.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "flufl-lock-private.h"
#include "flufl-test-util.h"

#define MANY 10000
#define IDLE_MAX 1024 /* bytes for each */

typedef struct
{
  TestPlace  place;
  FluflLock *locks[MANY];
} Many;

static void
make (Many *many, guint i)
{
  g_autofree char *name = g_strdup_printf ("%u.lock", i);
  g_autofree char *path = test_place_path (&many->place, name);

  many->locks[i] = flufl_lock_new_for_path (path);
  /* The first heartbeat of a process opens the descriptors that all share. */
  flufl_lock_set_heartbeat (many->locks[i], FLUFL_HEARTBEAT_NONE);
}

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* The number of files that this process may open, besides a few of its own. */
static guint
files_allowed (void)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = limit.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  return limit.rlim_max > MANY + 100 ? MANY : (guint) limit.rlim_max - 100;
}

/* Whether malloc(3) is the C library's, which reports the size of the heap. */
static gboolean
heap_is_counted (void)
{
  gsize before = mallinfo2 ().uordblks;
  gpointer volatile block = malloc (4096);
  gboolean counted = mallinfo2 ().uordblks >= before + 4096;

  free (block);
  return counted;
}

static gsize
heap (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

static void
test_memory (void)
{
  g_autofree Many *many = g_new0 (Many, 1);
  gsize before, used;

  if (!heap_is_counted ())
    {
      g_test_skip ("under this tool malloc(3) does not count");
      return;
    }
  test_place_init (&many->place);
  make (many, 0);
  g_assert_finalize_object (many->locks[0]);

  before = heap ();
  for (guint i = 0; i < MANY; i++)
    make (many, i);
  used = (heap () - before) / MANY;
  g_test_message ("%zu bytes for each of %u idle objects", used, MANY);
  g_assert_cmpuint (used, <=, IDLE_MAX);

  for (guint i = 0; i < MANY; i++)
    g_assert_finalize_object (many->locks[i]);
  test_place_clear (&many->place);
}

static void
test_files (void)
{
  g_autofree Many *many = g_new0 (Many, 1);
  guint held = files_allowed ();
  guint before;

  g_test_summary ("One open file for a lock that is held, none for one that is not");
  test_place_init (&many->place);
  if (flufl_syscalls_native.fs_kind (many->place.dir) != FLUFL_FS_LOCAL)
    g_test_skip ("the directory for temporary files is not on a local file system");
  else
    {
      make (many, 0); /* the files that the first lock of a process opens stay */
      g_assert_true (flufl_lock_acquire (many->locks[0], 0, NULL, NULL));
      g_assert_finalize_object (many->locks[0]);
      before = count_fds ();
      if (before == 0)
        g_test_message ("open files cannot be listed here");
      for (guint i = 0; i < MANY; i++)
        make (many, i);
      g_assert_cmpuint (count_fds (), ==, before);

      for (guint i = 0; i < held; i++)
        g_assert_true (flufl_lock_acquire (many->locks[i], 0, NULL, NULL));
      g_assert_cmpuint (count_fds (), ==, before + (before > 0 ? held : 0));

      for (guint i = 0; i < held; i++)
        g_assert_true (flufl_lock_release (many->locks[i], NULL, NULL));
      g_assert_cmpuint (count_fds (), ==, before);
      for (guint i = 0; i < MANY; i++)
        g_assert_finalize_object (many->locks[i]);
      g_assert_cmpuint (count_fds (), ==, before);
    }
  test_place_clear (&many->place);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/many/memory", test_memory);
  g_test_add_func ("/many/files", test_files);
  return g_test_run ();
}
