/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Files at the lock file's path that are not locks of this library.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "flufl-holder.h"
#include "protocol-util.h"

static void
test_content_is_not_followed (void)
{
  static const char *const victims[] = {
    "/elsewhere/x.lock|h|1|2", "/d|e/precious", "/d|e/y.lock|h|1|2", "../x.lock|h|1|2",
  };
  static const char path[] = "/d|e/x.lock|h|1|2";

  g_test_summary ("Hazard 1: only the claim of this very lock is removed, only next to it");
  for (gsize i = 0; i < G_N_ELEMENTS (victims); i++)
    {
      gboolean names_claim = g_str_has_suffix (victims[i], "/x.lock|h|1|2");
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_put (victims[i], "precious", -1, FLUFL_FILE_REGULAR);
      fake_disk_put (path, victims[i], -1, FLUFL_FILE_REGULAR);
      fake_disk_set_mtime (path, 0);
      g_assert_cmpint (fake_syscalls.link (path, LOCK), ==, 0);
      fake_disk_advance (60 * FAKE_SEC);
      if (names_claim)
        {
          proc_acquire (&p);
          proc_release (&p);
          g_assert_false (fake_disk_exists (path));
        }
      else
        {
          g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
          g_assert_true (fake_disk_exists (LOCK));
          g_assert_true (fake_disk_exists (path));
          g_assert_null (p.claim.path);
        }
      g_assert_cmpstr (fake_disk_content (victims[i]), ==, "precious");
      proc_clear (&p);
    }
}

static void
test_not_a_lock (void)
{
  g_autofree char *huge = g_strnfill (10 * 1000 * 1000, 'x');
  const struct
  {
    const char *content;
    gssize      length;
    FluflFileType type;
    FluflForeign foreign;
  } things[] = {
    { "", 0, FLUFL_FILE_REGULAR, FLUFL_FOREIGN_EMPTY },
    { "\0\0\0", 3, FLUFL_FILE_REGULAR, FLUFL_FOREIGN_ZEROS },
    { huge, 10 * 1000 * 1000, FLUFL_FILE_REGULAR, FLUFL_FOREIGN_CONTENT },
    { "\0\1\2\xff", 4, FLUFL_FILE_REGULAR, FLUFL_FOREIGN_CONTENT },
    { "hello", 5, FLUFL_FILE_REGULAR, FLUFL_FOREIGN_CONTENT },
    { NULL, 0, FLUFL_FILE_DIRECTORY, FLUFL_FOREIGN_DIRECTORY },
    { NULL, 0, FLUFL_FILE_SYMLINK, FLUFL_FOREIGN_SYMLINK },
    { NULL, 0, FLUFL_FILE_PIPE, FLUFL_FOREIGN_PIPE },
    { NULL, 0, FLUFL_FILE_SOCKET, FLUFL_FOREIGN_SOCKET },
    { NULL, 0, FLUFL_FILE_DEVICE, FLUFL_FOREIGN_DEVICE },
  };

  g_test_summary ("Hazard 9: a file that is not a lock is reported at once, and stays");
  for (gsize i = 0; i < G_N_ELEMENTS (things); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_put (LOCK, things[i].content, things[i].length, things[i].type);
      fake_disk_set_mtime (LOCK, 0);
      fake_disk_advance (3600 * FAKE_SEC);
      fake_disk_forget_calls ();
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
      g_assert_cmpint (p.found.look.foreign, ==, things[i].foreign);
      g_assert_cmpuint (fake_disk_count_calls ("read"), <=, 2);
      g_assert_cmpuint (fake_disk_n_names (), ==, 1);
      g_assert_cmpuint (fake_disk_n_open (), ==, 0);
      g_assert_cmpint (fake_disk_type (LOCK), ==, things[i].type);
      proc_clear (&p);
    }
}

static void
test_blank (gconstpointer data)
{
  gsize n_zeros = GPOINTER_TO_SIZE (data);
  Proc holder, p;

  g_test_summary ("After a power loss a lock without content is known by its claim's name");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&p);
  proc_acquire (&holder);
  g_assert_nonnull (holder.claim.line);
  blank_file (LOCK, n_zeros);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpstr (p.found.look.claim.name, ==, strrchr (holder.claim.path, '/') + 1);
  g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_ALIVE);
  g_test_message ("Its life-line is cut: broken at once");
  proc_die (&holder);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();

  g_test_message ("It has none: broken when it has expired and rested");
  put_claim (FOREIGN, TRUE, 30);
  blank_file (LOCK, n_zeros);
  fake_disk_advance (30 * FAKE_SEC + FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (1);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();

  g_test_message ("By force too");
  put_claim (FOREIGN, TRUE, 30);
  blank_file (LOCK, n_zeros);
  g_assert_cmpint (flufl_break_force (&p.site, &p.found), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&p);
}

static void
test_blank_no_lock (gconstpointer data)
{
  static const char *const others[] = {
    NULL, "/d|e/backup", "/d|e/y.lock|h|1|1", "/elsewhere/x.lock|h|1|1",
  };
  gsize n_zeros = GPOINTER_TO_SIZE (data);

  g_test_summary ("A file without content is not a lock unless it has a claim's name as well");
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_put (LOCK, "", 0, FLUFL_FILE_REGULAR);
      blank_file (LOCK, n_zeros);
      fake_disk_set_mtime (LOCK, 0);
      if (others[i] != NULL)
        g_assert_cmpint (fake_syscalls.link (LOCK, others[i]), ==, 0);
      put_claim ("x.lock|other|1|1", FALSE, -3600); /* of another inode */
      fake_disk_advance (3600 * FAKE_SEC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
      g_assert_cmpint (p.found.look.foreign, ==,
                       n_zeros > 0 ? FLUFL_FOREIGN_ZEROS : FLUFL_FOREIGN_EMPTY);
      g_assert_cmpuint (fake_disk_nlink (LOCK), ==, others[i] != NULL ? 2 : 1);
      g_assert_true (fake_disk_exists ("/d|e/x.lock|other|1|1"));
      g_assert_cmpuint (fake_disk_n_open (), ==, 0);
      proc_clear (&p);
    }
}

static void
test_blank_list_fails (void)
{
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 30);
  blank_file (LOCK, 0);
  fake_disk_fault ("list", 1, FAKE_FAIL, EIO);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_UNSURE);
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_CLAIM);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_swapped (void)
{
  static const int errnos[] = { ELOOP, ENXIO };

  g_test_summary ("The lock file becomes a link or a socket between lstat(2) and open(2)");
  for (gsize i = 0; i < G_N_ELEMENTS (errnos); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      put_claim (FOREIGN, TRUE, 30);
      fake_disk_fault ("open", 1, FAKE_FAIL, errnos[i]);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
      g_assert_cmpint (p.found.look.foreign, ==,
                       errnos[i] == ELOOP ? FLUFL_FOREIGN_SYMLINK : FLUFL_FOREIGN_SOCKET_OR_DEVICE);
      proc_clear (&p);
    }
}

/* A lock and its claim as two files, as rsync makes them. */
static char *
put_copies (const char *name, double seconds)
{
  g_autofree char *path = g_strconcat ("/d|e/", name, NULL);

  put_claim (name, FALSE, seconds);
  fake_disk_put (LOCK, path, -1, FLUFL_FILE_REGULAR);
  fake_disk_set_mtime (LOCK, fake_disk_mtime (path));
  return g_steal_pointer (&path);
}

static void
test_copied (gconstpointer name)
{
  g_autofree char *path = NULL;
  Proc p;

  g_test_summary ("A lock that was copied as two files is broken once it has expired and rested twice");
  fake_disk_reset ();
  proc_init (&p);
  path = put_copies (name, 60);
  fake_disk_advance (60 * FAKE_SEC + FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 1);
  fake_disk_advance (1);
  g_assert_cmpint (fake_syscalls.link (path, "/d|e/other"), ==, 0);
  g_assert_cmpint (fake_syscalls.unlink ("/d|e/other"), ==, 0);
  fake_disk_advance (FLUFL_GRACE - 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 1);
  fake_disk_advance (1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (p.found.resting);
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
  g_assert_true (fake_disk_exists (path));
  fake_disk_advance (FLUFL_GRACE);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_copied_in_any_order (void)
{
  g_autofree char *path = NULL;
  Proc p;

  g_test_summary ("cp without -p dates the two copies as it comes to them: the claim may be the later one");
  fake_disk_reset ();
  proc_init (&p);
  path = put_copies (FOREIGN, 0);
  fake_disk_set_mtime (path, fake_disk_mtime (LOCK) + 2 * FAKE_SEC);
  fake_disk_advance (3600 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.break_errsv, ==, 0);
  fake_disk_advance (FLUFL_GRACE);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_copied_quicker_breaker (void)
{
  g_autofree char *path = NULL;
  Proc p;

  g_test_summary ("If another process removed the copied claim first, this one may still break locks");
  fake_disk_reset ();
  proc_init (&p);
  path = put_copies (FOREIGN, -3600);
  fake_disk_advance (3600 * FAKE_SEC);
  fake_disk_fault ("unlink", 1, FAKE_LOSE_REPLY, ESTALE);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpint (p.found.break_errsv, ==, 0);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_copied_otherwise (void)
{
  static const char other[] = "/d|e/other";

  g_test_summary ("A file that is not quite a copied lock is left to people, with the reason");
  for (int kind = 0; kind < 4; kind++)
    {
      g_autofree char *path = NULL;
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      path = put_copies (FOREIGN, kind == 0 ? 36000 : -3600);
      if (kind == 1) /* a hard link, such as a backup's */
        g_assert_cmpint (fake_syscalls.link (path, other), ==, 0);
      else if (kind == 2) /* it is another's file by now */
        fake_disk_set_content (path, "precious", -1);
      else if (kind == 3) /* the claim is in use */
        fake_disk_set_mtime (path, fake_disk_server_now () + 36000 * FAKE_SEC);
      fake_disk_advance (3600 * FAKE_SEC);
      for (int i = 0; i < 3; i++)
        {
          g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
          g_assert_cmpint (p.found.break_errsv, ==, kind == 0 ? 0 : EEXIST);
          g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 1);
          g_assert_true (fake_disk_exists (path));
          fake_disk_advance (60 * FAKE_SEC);
        }
      proc_abandon (&p);
      proc_clear (&p);
    }
}

static void
join_too (gpointer data)
{
  g_assert_cmpint (proc_attempt (data), ==, FLUFL_OUTCOME_BUSY);
}

static void
test_copied_two_breakers (void)
{
  g_test_summary ("Of two that come upon a copied lock one wins the copy; the other changes nothing");
  for (guint nth = 1; nth < 80; nth++)
    {
      g_autofree char *path = NULL;
      gboolean met;
      Proc a, b;

      fake_disk_reset ();
      proc_init (&a);
      proc_init (&b);
      path = put_copies (FOREIGN, -3600);
      fake_disk_advance (3600 * FAKE_SEC);
      fake_disk_hook (NULL, nth, join_too, &b);
      g_assert_cmpint (proc_attempt (&a), ==, FLUFL_OUTCOME_BUSY);
      met = fake_disk_order_done ();
      fake_disk_cancel_order ();
      g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
      g_assert_true (fake_disk_exists (path));
      fake_disk_advance (FLUFL_GRACE);
      proc_acquire (&a);
      g_assert_cmpint (proc_release (&a), ==, FLUFL_OUTCOME_RELEASED);
      proc_abandon (&b);
      assert_disk_empty ();
      proc_clear (&a);
      proc_clear (&b);
      if (!met)
        {
          g_assert_cmpuint (nth, >, 10);
          return;
        }
    }
  g_assert_not_reached ();
}

static void
test_strange (gconstpointer name)
{
  g_autofree char *path = g_strconcat ("/d|e/", name, NULL);
  Proc p;

  g_test_summary ("A lock whose claim is named in another way is somebody's: it is waited for");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (name, TRUE, 60);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_STRANGE);
  g_assert_cmpstr (p.found.look.claim.name, ==, name);
  g_assert_true (flufl_holder_look (&p.site, &p.found));

  g_test_message ("It is never broken, since nobody knows who may remove it");
  fake_disk_advance (3600 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.break_errsv, ==, EACCES);

  g_test_message ("Between the two steps of its release it is no other thing, even at first sight");
  g_assert_cmpint (fake_syscalls.unlink (path), ==, 0);
  for (int i = 0; i < 2; i++)
    g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  proc_abandon (&p);
  p.found = (FluflFindings){ 0 };
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (FLUFL_GRACE);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
  g_assert_cmpint (fake_syscalls.unlink (LOCK), ==, 0);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_strange_is_no_lock (void)
{
  const struct
  {
    const char *content;
    const char *linked; /* a second name of the lock file */
    gboolean    waits;  /* for the grace it may be a strange lock that is just released */
  } things[] = {
    { "/d|e/x.lock", "/d|e/other", FALSE },   /* its own name */
    { "/d|e/missing", "/d|e/other", TRUE },
    { "/d|e/precious", "/d|e/other", TRUE },  /* another file */
    { "missing", "/d|e/other", FALSE },
    { "/d|e/", "/d|e/other", FALSE },
    { "/d|e/a\nb", "/d|e/a\nb", FALSE },      /* not to be shown */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (things); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_put ("/d|e/precious", "precious", -1, FLUFL_FILE_REGULAR);
      fake_disk_put (LOCK, things[i].content, -1, FLUFL_FILE_REGULAR);
      g_assert_cmpint (fake_syscalls.link (LOCK, things[i].linked), ==, 0);
      if (things[i].waits)
        g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      fake_disk_advance (things[i].waits ? FLUFL_GRACE : 0);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
      proc_clear (&p);
    }
}

static void
test_unreadable (void)
{
  Proc p;

  g_test_summary ("Hazard 12: a waiter that may not read the lock file, nor knows its claim, waits");
  fake_disk_reset ();
  proc_init (&p);
  put_claim ("elsewhere", TRUE, 5);
  fake_disk_set_readable (LOCK, FALSE);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_UNREADABLE);
  g_assert_cmpint (p.found.break_errsv, ==, 0);
  fake_disk_advance (3600 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.break_errsv, ==, EACCES);
  fake_syscalls.unlink (LOCK);
  proc_acquire (&p);
  proc_release (&p);
  proc_clear (&p);
}

static void
test_unreadable_claim_is_found (void)
{
  Proc p;

  g_test_summary ("A lock that may not be read is known by the name of its claim, and is broken");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 5);
  fake_disk_put ("/d|e/x.lock|another|1|2", "/d|e/x.lock|another|1|2", -1, FLUFL_FILE_REGULAR);
  fake_disk_set_readable (LOCK, FALSE);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_CLAIM);
  g_assert_cmpstr (p.found.look.claim.name, ==, FOREIGN);
  fake_disk_advance (5 * FAKE_SEC + FLUFL_SLOP + 1);
  proc_acquire (&p);
  g_assert_false (fake_disk_exists ("/d|e/" FOREIGN));
  g_assert_true (fake_disk_exists ("/d|e/x.lock|another|1|2"));
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  proc_clear (&p);
}

/* With a umask of 777 a holder cannot read its own lock. */
static void
test_unreadable_own (void)
{
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  proc_acquire (&p);
  fake_disk_set_readable (LOCK, FALSE);
  g_assert_cmpint (proc_refresh (&p), ==, FLUFL_OUTCOME_HELD);
  /* The holder is late, so it looks closely. */
  fake_disk_advance (LIFETIME);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
put_other (gpointer data G_GNUC_UNUSED)
{
  fake_syscalls.unlink (LOCK);
  g_assert_cmpint (fake_syscalls.rename (LOCK ".other", LOCK), ==, 0);
}

/* Flatpak's document portal refuses O_NOFOLLOW even for regular files. */
static void
test_portal (void)
{
  Proc holder, p;

  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_OTHER);
  fake_disk_refuse_nofollow (TRUE);
  proc_init (&holder);
  proc_init (&p);
  proc_acquire (&holder);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_CLAIM);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();

  g_test_message ("A lock that changes hands between lstat(2) and open(2) is looked at again");
  put_claim (FOREIGN, TRUE, 60);
  fake_disk_put (LOCK ".other", "/d|e/" FOREIGN, -1, FLUFL_FILE_REGULAR);
  fake_disk_forget_calls ();
  fake_disk_hook ("open", 2, put_other, NULL);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.look.sight, ==, FLUFL_SIGHT_CLAIM);
  g_assert_cmpuint (fake_disk_count_calls ("read"), ==, 1);
  g_assert_cmpuint (fake_disk_count_calls ("open"), ==, 4); /* each look opens it twice */
  g_assert_true (fake_disk_order_done ());
  fake_syscalls.unlink (LOCK);
  fake_syscalls.unlink ("/d|e/" FOREIGN);

  g_test_message ("A symbolic link is none the less no lock");
  fake_disk_put (LOCK, NULL, 0, FLUFL_FILE_SYMLINK);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
  fake_syscalls.unlink (LOCK);
  proc_clear (&holder);
  proc_clear (&p);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/break/content-is-not-followed", test_content_is_not_followed);
  g_test_add_func ("/break/not-a-lock", test_not_a_lock);
  g_test_add_data_func ("/break/blank/empty", GSIZE_TO_POINTER (0), test_blank);
  g_test_add_data_func ("/break/blank/zeros", GSIZE_TO_POINTER (70), test_blank);
  g_test_add_data_func ("/break/blank/no-lock/empty", GSIZE_TO_POINTER (0), test_blank_no_lock);
  g_test_add_data_func ("/break/blank/no-lock/zeros", GSIZE_TO_POINTER (70), test_blank_no_lock);
  g_test_add_func ("/break/blank/list-fails", test_blank_list_fails);
  g_test_add_func ("/break/swapped", test_swapped);
  g_test_add_data_func ("/break/copied/flufl", FOREIGN, test_copied);
  g_test_add_data_func ("/break/copied/life-line", "x.lock|elsewhere|77|T01R02L", test_copied);
  g_test_add_func ("/break/copied/in-any-order", test_copied_in_any_order);
  g_test_add_func ("/break/copied/quicker-breaker", test_copied_quicker_breaker);
  g_test_add_func ("/break/copied/otherwise", test_copied_otherwise);
  g_test_add_func ("/break/copied/two-breakers", test_copied_two_breakers);
  g_test_add_data_func ("/break/strange/hash", "5d41402abc4b2a76b9719d911017c592.lock", test_strange);
  g_test_add_data_func ("/break/strange/separator", "x.lock^elsewhere^77^12345", test_strange);
  g_test_add_data_func ("/break/strange/spelling", "X.Lock|elsewhere|77|12345", test_strange);
  g_test_add_func ("/break/strange/no-lock", test_strange_is_no_lock);
  g_test_add_func ("/break/unreadable", test_unreadable);
  g_test_add_func ("/break/unreadable/claim-is-found", test_unreadable_claim_is_found);
  g_test_add_func ("/break/unreadable/own", test_unreadable_own);
  g_test_add_func ("/foreign/portal", test_portal);
  return g_test_run ();
}
