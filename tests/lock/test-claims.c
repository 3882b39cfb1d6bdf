/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The claims that are not the lock: waiters, and what dead processes leave. The holder's claim as a
 * file.
 */

#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face-util.h"

static GPtrArray *
waiters_of (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *waiters = flufl_lock_list_waiters (lock, NULL, &error);

  g_assert_no_error (error);
  return waiters;
}

static guint
count_waiters (FluflLock *lock)
{
  g_autoptr (GPtrArray) waiters = waiters_of (lock);

  return waiters->len;
}

/* A process that waits for the lock until it is killed. */
static pid_t
fork_waiter (FluflLock *lock)
{
  pid_t child = fork ();

  if (child == 0)
    {
      g_autoptr (FluflLock) own = flufl_lock_new (flufl_lock_get_file (lock));

      _exit (flufl_lock_acquire (own, -1, NULL, NULL) ? 0 : 1);
    }
  g_assert_cmpint (child, >, 0);
  return child;
}

static void
kill_waiter (pid_t child)
{
  kill (child, SIGKILL);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
}

static GPtrArray *
remove_leftovers (Face *face, gboolean dry_run)
{
  g_autoptr (GFile) directory = g_file_new_for_path (face->place.dir);
  g_autoptr (GError) error = NULL;
  GPtrArray *removed = flufl_lock_remove_leftovers (directory, dry_run, NULL, &error);

  g_assert_no_error (error);
  return removed;
}

static guint
count_leftovers (Face *face, gboolean dry_run)
{
  g_autoptr (GPtrArray) removed = remove_leftovers (face, dry_run);

  return removed->len;
}

static FluflFsKind
fat_kind (const char *directory G_GNUC_UNUSED)
{
  return FLUFL_FS_FAT;
}

/* From now on the library takes the directory for one of FAT, if @kind is not NULL. */
static void
begin (gconstpointer kind)
{
  static FluflSyscalls fat;

  if (kind == NULL)
    return;
  fat = *flufl_lock_syscalls;
  fat.fs_kind = fat_kind;
  flufl_lock_syscalls = &fat;
}

static void
test_waiters (Face *face, gconstpointer kind)
{
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GPtrArray) waiters = NULL;
  pid_t children[3];

  begin (kind);
  lock = face_lock_new (face);
  g_test_summary ("Waiters are listed in the order of their arrival, without the holder");
  g_assert_cmpuint (count_waiters (lock), ==, 0);
  face_acquire (lock);
  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    {
      g_assert_cmpuint (count_waiters (lock), ==, i);
      children[i] = fork_waiter (lock);
      FACE_WAIT_FOR (count_waiters (lock) == i + 1);
    }
  waiters = waiters_of (lock);
  for (guint i = 0; i < waiters->len; i++)
    {
      FluflLockDetails *details = waiters->pdata[i];

      g_assert_cmpint (flufl_lock_details_get_pid (details), ==, children[i]);
      g_assert_cmpint (flufl_lock_details_get_state (details), ==, FLUFL_LOCK_STATE_THEIRS);
      g_assert_true (g_file_query_exists (flufl_lock_details_get_claim_file (details), NULL));
    }
  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    kill_waiter (children[i]);
  g_assert_cmpuint (count_waiters (lock), ==, 0);
  /* Waiters that lived a moment longer may have collected some. */
  g_assert_cmpuint (count_leftovers (face, FALSE), <=, G_N_ELEMENTS (children));
  g_assert_cmpuint (count_leftovers (face, FALSE), ==, 0);
  face_release (lock);
}

static void
test_leftovers (Face *face, gconstpointer kind)
{
  g_autoptr (FluflLock) lock = NULL;
  pid_t killed, alive;

  begin (kind);
  lock = face_lock_new (face);
  g_test_summary ("Claims of killed waiters are removed; those of the living, and the lock, stay");
  face_acquire (lock);
  killed = fork_waiter (lock);
  FACE_WAIT_FOR (count_waiters (lock) == 1);
  kill_waiter (killed);
  g_assert_cmpuint (count_leftovers (face, TRUE), ==, 1);
  g_assert_cmpuint (count_leftovers (face, TRUE), ==, 1);
  alive = fork_waiter (lock);
  FACE_WAIT_FOR (count_waiters (lock) == 1);
  /* The living waiter may have collected it meanwhile. */
  g_assert_cmpuint (count_leftovers (face, FALSE), <=, 1);
  g_assert_cmpuint (count_leftovers (face, FALSE), ==, 0);
  g_assert_cmpuint (count_waiters (lock), ==, 1);
  g_assert_true (flufl_lock_check (lock, NULL, NULL));
  kill_waiter (alive);
  g_assert_cmpuint (count_leftovers (face, FALSE), ==, 1);
  face_release (lock);
}

static void
write_file (Face *face, const char *name, const char *content)
{
  g_autofree char *path = g_build_filename (face->place.dir, name, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, content, -1, &error));
  g_assert_no_error (error);
}

static void
test_foreign_files (Face *face, gconstpointer kind)
{
  static const char *const names[] = { "a|b|1", "a|b|1|2", "a|b|1|T1", "|b|1|T1", "|||", "x",
                                       "a|b|1|T1B00000000N00000000S1",
                                       "a^b^1", "a^b^1^2^1", "a^blank^x^1", "^blank^x1^1", "^^^^1",
                                       "a~0^b^1^T1^1", "a^blank^x1^0" };
  g_autoptr (FluflLock) lock = NULL;

  begin (kind);
  lock = face_lock_new (face);
  g_test_summary ("Files that only look like claims are neither waiters nor leftovers");
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    write_file (face, names[i], "a letter");
  g_assert_cmpuint (count_leftovers (face, FALSE), ==, 0);
  g_assert_cmpuint (count_waiters (lock), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (face->place.dir, names[i], NULL);

      g_assert_cmpint (unlink (path), ==, 0);
    }
}

static void
test_marks (Face *face, gconstpointer kind)
{
  static const char *const gone[] = { "x.lock^b^1^T00000000000000ffR0123456789abE^1", "x.lock^blank^x1^1" };
  g_autoptr (FluflLock) lock = NULL;
  g_autofree char *claim_name = NULL;
  g_autofree char *mark = NULL;
  g_autofree char *mark_path = NULL;
  g_autoptr (GFile) claim = NULL;

  begin (kind);
  g_test_summary ("Old marks of locks that have gone are leftovers; the mark of a lock stays");
  lock = face_lock_new (face);
  face_acquire (lock);
  claim = flufl_lock_dup_claim_file (lock);
  claim_name = g_file_get_basename (claim);
  mark = g_strconcat (claim_name, "^1", NULL);
  write_file (face, mark, "");
  mark_path = g_build_filename (face->place.dir, mark, NULL);
  g_assert_cmpint (flufl_syscalls_native.utimens (mark_path, 0, 0), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (gone); i++)
    {
      g_autofree char *path = g_build_filename (face->place.dir, gone[i], NULL);

      write_file (face, gone[i], "");
      g_assert_cmpuint (count_leftovers (face, FALSE), ==, 0); /* it is young */
      g_assert_cmpint (flufl_syscalls_native.utimens (path, 0, 0), ==, 0);
      g_assert_cmpuint (count_leftovers (face, TRUE), ==, 1);
      g_assert_cmpuint (count_leftovers (face, FALSE), ==, 1);
    }
  g_assert_cmpint (unlink (mark_path), ==, 0);
  face_release (lock);
}

static void
test_errors (Face *face, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *path = g_build_filename (face->place.dir, "missing", "x.lock", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (path);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GFile) missing = g_file_get_parent (flufl_lock_get_file (lock));
  g_autoptr (GFile) elsewhere = g_file_new_for_uri ("http://example.org/");
  g_autoptr (GError) error = NULL;

  g_test_summary ("A directory that is missing has no waiters, and cannot be cleaned");
  g_assert_cmpuint (count_waiters (lock), ==, 0);
  g_assert_null (flufl_lock_remove_leftovers (missing, FALSE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "Could not read the directory"));
  g_clear_error (&error);
  g_assert_null (flufl_lock_remove_leftovers (elsewhere, FALSE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_cancellable_cancel (cancelled);
  g_assert_null (flufl_lock_list_waiters (lock, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* GIO registers this type when it looks for its modules. */
#define TYPE_OF_MODULES "GSocks5Proxy"

static void
hold_with_local_files (void)
{
  g_autoptr (GFile) file = NULL, claim = NULL;
  g_autoptr (FluflLock) lock = NULL;
  TestPlace place;

  test_place_init (&place);
  file = g_vfs_get_file_for_path (g_vfs_get_local (), place.lock);
  lock = flufl_lock_new (file);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  face_acquire (lock);
  claim = flufl_lock_dup_claim_file (lock);
  g_assert_true (g_file_test (g_file_peek_path (claim), G_FILE_TEST_IS_REGULAR));
  g_assert_true (flufl_lock_release (lock, NULL, NULL));
  test_place_clear (&place);

  g_assert_cmpuint (g_type_from_name (TYPE_OF_MODULES), ==, 0);
  g_vfs_get_default ();
  g_assert_cmpuint (g_type_from_name (TYPE_OF_MODULES), !=, 0);
}

/* Without the fixture, which uses the default GVfs. */
static void
test_local_files (void)
{
  g_test_summary ("A program that names its files by the local GVfs never pays for the default one");
  if (g_test_subprocess ())
    {
      hold_with_local_files ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  FACE_TEST ("/claims/waiters", test_waiters);
  FACE_TEST ("/claims/leftovers", test_leftovers);
  FACE_TEST ("/claims/foreign-files", test_foreign_files);
  FACE_TEST ("/claims/errors", test_errors);
  g_test_add_func ("/claims/local-files", test_local_files);
  FACE_TEST_WITH ("/claims/without-links/waiters", test_waiters, "FAT");
  FACE_TEST_WITH ("/claims/without-links/leftovers", test_leftovers, "FAT");
  FACE_TEST_WITH ("/claims/without-links/foreign-files", test_foreign_files, "FAT");
  FACE_TEST_WITH ("/claims/without-links/marks", test_marks, "FAT");
  return g_test_run ();
}
