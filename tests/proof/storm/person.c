/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * person ARENA LOCK GRAVE SEED: deletes the lock file, its claim, both, or all files, now and
 * then, and records each deletion in the arena.
 *
 * A lock file is moved to GRAVE first, in another directory of the same file system, and deleted
 * there, so that the person knows which lock it was. To the processes it is gone as after rm.
 */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "arena.h"

static Arena *arena;
static const char *lock_path;
static const char *grave_path;

static void
note (const char *claim, int what, gint64 t0, gint64 t1)
{
  guint n = arena->n_deletions;
  Deletion *deletion = &arena->deletions[n % ARENA_DELETIONS];

  *deletion = (Deletion){ arena_name_id (claim), t0, t1, what };
  __atomic_store_n (&arena->n_deletions, n + 1, __ATOMIC_SEQ_CST);
  if (what == DELETED_LOCK)
    arena->deleted_locks++;
  else
    arena->deleted_claims++;
}

/* A process that notices a deletion before it is recorded waits for the record. */
static void
begin (void)
{
  __atomic_add_fetch (&arena->deleting, 1, __ATOMIC_SEQ_CST);
}

static void
end (void)
{
  __atomic_add_fetch (&arena->deleting, 1, __ATOMIC_SEQ_CST);
}

static char *
read_claim (const char *path)
{
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

static void
delete_lock (void)
{
  gint64 t0;

  begin ();
  t0 = g_get_monotonic_time ();
  if (rename (lock_path, grave_path) == 0)
    {
      gint64 t1 = g_get_monotonic_time ();
      g_autofree char *claim = read_claim (grave_path);

      g_unlink (grave_path);
      if (claim != NULL)
        note (claim, DELETED_LOCK, t0, t1);
    }
  end ();
}

static void
delete_claim (const char *path)
{
  gint64 t0;

  begin ();
  t0 = g_get_monotonic_time ();
  if (g_unlink (path) == 0)
    note (path, DELETED_CLAIM, t0, g_get_monotonic_time ());
  end ();
}

static void
delete_all (void)
{
  g_autofree char *place = g_path_get_dirname (lock_path);
  g_autofree char *lock_name = g_path_get_basename (lock_path);
  g_autoptr (GDir) dir = g_dir_open (place, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (place, name, NULL);

      if (strcmp (name, lock_name) == 0)
        delete_lock ();
      else
        delete_claim (path);
    }
}

static void
act (GRand *rand)
{
  int what = g_rand_int_range (rand, 0, 10);
  g_autofree char *claim = read_claim (lock_path);

  if (what == 0)
    delete_all ();
  if (what >= 1 && what <= 5)
    delete_lock ();
  if (what >= 4 && what <= 8 && claim != NULL)
    delete_claim (claim);
  if (what >= 7)
    delete_lock ();
}

int
main (int argc, char *argv[])
{
  g_autoptr (GRand) rand = NULL;

  if (argc != 5)
    g_error ("usage: person ARENA LOCK GRAVE SEED");
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  arena = arena_open (argv[1]);
  lock_path = argv[2];
  grave_path = argv[3];
  rand = g_rand_new_with_seed ((guint32) g_ascii_strtoull (argv[4], NULL, 10));
  while (!g_atomic_int_get (&arena->stop))
    {
      g_usleep ((gulong) g_rand_int_range (rand, 0, g_rand_int_range (rand, 0, 5) == 0 ? 2000
                                                                                       : 100000));
      act (rand);
    }
  return 0;
}
