/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Names of locks without hard links: beginnings of their lines, spellings, and lengths.
 */

#include <string.h>

#include "exclusive-util.h"
#include "flufl-exclusive-name.h"
/* Whether each beginning of the line of the lock's claims, and no more than a beginning, is one. */
static void
check_beginnings (const char *path, const char *separator, const char *host, FluflMarks marks)
{
  FluflIdentity identity;
  g_autofree char *claim = NULL;
  g_autofree char *line = NULL;
  Proc p;

  proc_init_at (&p, &fake_syscalls, path);
  p.site.separator = separator;
  flufl_identity_get (&fake_syscalls, &identity);
  g_strlcpy (identity.host, host, sizeof identity.host);
  claim = flufl_claim_name_build (path, separator, &identity, 1, 1, FLUFL_MARK_EXCLUSIVE | marks);
  line = flufl_exclusive_line (&p.site, strrchr (claim, '/') + 1);
  for (gsize length = 1; length < strlen (line); length++)
    {
      g_autofree char *more = g_strdup_printf ("%.*s eggs", (int) length, line);

      g_assert_true (flufl_exclusive_is_begun (line, length, &p.site));
      g_assert_false (flufl_exclusive_is_begun (more, strlen (more), &p.site));
    }
  g_assert_false (flufl_exclusive_is_begun (line, strlen (line), &p.site));
  proc_clear (&p);
}

static void
test_begun (void)
{
  const char *const separators[] = { "^", "--", ":" };
  g_autofree char *longest = g_strnfill (255, 'n');
  g_autofree char *lock = g_strconcat ("/d|e/", longest, NULL);
  g_autofree char *capitals = g_strnfill (255, 'N');
  g_autofree char *other = g_strconcat ("/d|e/", capitals, NULL);
  g_autofree char *host = g_strnfill (255, 'h');
  Proc p;

  g_test_summary ("Each beginning of a line is one, and a text that only begins like a line is none");
  begin_on_fat ();
  for (gsize i = 0; i < G_N_ELEMENTS (separators); i++)
    {
      check_beginnings (LOCK, separators[i], "vm", FLUFL_MARK_NONE);
      check_beginnings (LOCK, separators[i], host, FLUFL_MARK_NONE);
      check_beginnings (lock, separators[i], "vm", FLUFL_MARK_NONE);
      check_beginnings (lock, separators[i], host, FLUFL_MARK_NONE);
      check_beginnings (lock, separators[i], host, FLUFL_MARK_SPELLINGS);
      check_beginnings (other, separators[i], host, FLUFL_MARK_SPELLINGS);
    }
  proc_init (&p);
  p.site.separator = "^";
  g_assert_false (flufl_exclusive_is_begun ("x.lock^h^1^eggs", strlen ("x.lock^h^1^eggs"), &p.site));
  proc_clear (&p);
}

static void
test_spellings (void)
{
  const char *const other = "X.LOCK^elsewhere^77^T00000000000000ffR0123456789abE";
  const FluflFsKind kinds[] = { FLUFL_FS_FAT, FLUFL_FS_OTHER };

  g_test_summary ("On FAT a name in capitals is the same lock; elsewhere it is another one, and is left alone");
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Proc p;

      begin_on_fat ();
      fake_disk_kind (kinds[i]);
      proc_init (&p);
      p.site.without_links = TRUE;
      put_lock (other, -3600);
      if (kinds[i] == FLUFL_FS_FAT)
        {
          g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
          g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
          assert_disk_empty ();
        }
      else
        {
          g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
          proc_abandon (&p);
          g_assert_cmpuint (fake_disk_n_names (), ==, 2);
        }
      proc_clear (&p);
    }
}

#define N(name) name name name name name name name name name name
#define LONG N (N ("ab"))

/* Two spellings of one name each. Claims shorten the longer names, and marks of blank locks the longest. */
static const char *const spellings[][2] = {
  { "x.lock", "X.LOCK" },
  { "\xC3\xBC.lock", "\xC3\x9C.lock" },
  { N ("small-letter+") "s", N ("SMALL-letter+") "S" },
  { LONG "x", LONG "X" },
  { N ("N") LONG "\xC3\x9C", N ("n") LONG "\xC3\xBC" },
};

static void
spell (Proc *p, const char *name)
{
  g_autofree char *path = g_strconcat ("/d|e/", name, NULL);

  proc_init_at (p, &fake_syscalls, path);
  p->site.without_links = TRUE;
  flufl_site_fs_kind (&p->site);
}

/* What the one writes into the lock file, as the other reads it. */
static gboolean
reads (Proc *p, const char *claim_path)
{
  const char *name = strrchr (claim_path, '/') + 1;
  g_autofree char *line = flufl_exclusive_line (&p->site, name);
  FluflClaimName claim;

  return flufl_exclusive_parse (line, strlen (line), &p->site, &claim) && strcmp (claim.name, name) == 0
         && claim.ours;
}

static void
check_marks (const char *a, const char *b, gboolean are_same)
{
  g_autofree char *folded = g_utf8_casefold (a, -1);
  g_autofree char *other = g_utf8_casefold (b, -1);

  if (are_same) /* where capital letters make no other file */
    g_assert_cmpstr (folded, ==, other);
  else
    g_assert_cmpstr (a, !=, b);
}

static void
test_long_spellings (void)
{
#ifdef G_OS_WIN32
  const FluflFsKind kinds[] = { FLUFL_FS_FAT }; /* capital letters make another name nowhere */
#else
  const FluflFsKind kinds[] = { FLUFL_FS_FAT, FLUFL_FS_OTHER };
#endif
  FluflLook look = { .sight = FLUFL_SIGHT_BLANK, .mtime = 1767225600 * FAKE_SEC };

  g_test_summary ("On FAT all spellings of a long name are one lock, which has the same marks; elsewhere none is");
  for (gsize i = 0; i < G_N_ELEMENTS (spellings) * G_N_ELEMENTS (kinds); i++)
    {
      const char *const *names = spellings[i / G_N_ELEMENTS (kinds)];
      FluflFsKind kind = kinds[i % G_N_ELEMENTS (kinds)];
      char *who[2];
      Proc p[2];

      begin_on_fat ();
      fake_disk_kind (kind);
      for (int k = 0; k < 2; k++)
        {
          spell (&p[k], names[k]);
          who[k] = flufl_exclusive_who (&p[k].site, &look);
          /* The disk in memory has a file for each spelling. */
          g_assert_cmpint (proc_attempt (&p[k]), ==, FLUFL_OUTCOME_HELD);
        }
      for (int k = 0; k < 2; k++)
        {
          g_assert_true (reads (&p[k], p[k].claim.path));
          g_assert_true (reads (&p[1 - k], p[k].claim.path) == (kind == FLUFL_FS_FAT));
        }
      check_marks (who[0], who[1], kind == FLUFL_FS_FAT);
      for (int k = 0; k < 2; k++)
        {
          g_assert_cmpint (proc_release (&p[k]), ==, FLUFL_OUTCOME_RELEASED);
          proc_clear (&p[k]);
        }
      assert_disk_empty ();
      g_free (who[0]);
      g_free (who[1]);
    }
}

static void
test_names (void)
{
  g_autofree char *lock = g_strnfill (255, 'n');
  g_autofree char *path = g_strconcat ("/d|e/", lock, NULL);
  FluflLook look = { .sight = FLUFL_SIGHT_BLANK, .mtime = 1767225600 * FAKE_SEC };
  g_autofree char *blank = NULL;
  g_autofree char *mark = NULL;
  g_autofree char *who = NULL;
  Proc p;

  g_test_summary ("The longest names have room for a mark, and a mark shows its lock");
  begin_on_fat ();
  proc_init_at (&p, &fake_syscalls, path);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_HELD);
  mark = flufl_exclusive_mark_path (&p.site, strrchr (p.claim.path, '/') + 1, 9);
  g_assert_cmpuint (strlen (strrchr (mark, '/') + 1), <=, 255);
  who = flufl_exclusive_dup_who (&p.site, strrchr (mark, '/') + 1);
  g_assert_cmpstr (who, ==, strrchr (p.claim.path, '/') + 1);
  g_clear_pointer (&who, g_free);
  g_clear_pointer (&mark, g_free);

  blank = flufl_exclusive_who (&p.site, &look);
  mark = flufl_exclusive_mark_path (&p.site, blank, 1);
  g_assert_cmpuint (strlen (strrchr (mark, '/') + 1), <=, 255);
  who = flufl_exclusive_dup_who (&p.site, strrchr (mark, '/') + 1);
  g_assert_cmpstr (who, ==, blank);
  g_assert_null (flufl_exclusive_dup_who (&p.site, strrchr (p.claim.path, '/') + 1));
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exclusive-names/begun", test_begun);
  g_test_add_func ("/exclusive-names/spellings", test_spellings);
  g_test_add_func ("/exclusive-names/long-spellings", test_long_spellings);
  g_test_add_func ("/exclusive-names/names", test_names);
  return g_test_run ();
}
