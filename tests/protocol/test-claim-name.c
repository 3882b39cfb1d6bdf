/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include <string.h>

#include "flufl-claim-name.h"

static const FluflIdentity somebody = {
  .host = "mimosa", .pid = 4711, .boot = "0123abcd", .space = "89ab4567", .start = "5a1c0",
};

static char *
build (const char *lock_name, const char *separator, const FluflIdentity *identity)
{
  return flufl_claim_name_build (lock_name, separator, identity,
                                 G_GUINT64_CONSTANT (0x18eac903e394e6a4),
                                 G_GUINT64_CONSTANT (0xffff89541ed3df07), FLUFL_MARK_NONE);
}

static gboolean
parse (const char *name, const char *lock_name, FluflClaimName *out)
{
  return flufl_claim_name_parse (name, strlen (name), lock_name, "|", out);
}

static void
test_round_trip (void)
{
  g_autofree char *name = build ("x.lock", "|", &somebody);
  FluflClaimName claim;

  /* Other processes read this format, byte by byte. */
  g_assert_cmpstr (name, ==,
                   "x.lock|mimosa|4711|T18eac903e394e6a4R89541ed3df07B0123abcdN89ab4567S5a1c0");
  g_assert_true (parse (name, "x.lock", &claim));
  g_assert_cmpstr (claim.name, ==, name);
  g_assert_cmpstr (claim.host, ==, "mimosa");
  g_assert_false (claim.host_cut);
  g_assert_cmpint (claim.pid, ==, 4711);
  g_assert_true (claim.ours);
  g_assert_cmpuint (claim.arrival, ==, G_GUINT64_CONSTANT (0x18eac903e394e6a4));
  g_assert_cmpstr (claim.boot, ==, "0123abcd");
  g_assert_cmpstr (claim.space, ==, "89ab4567");
  g_assert_cmpstr (claim.start, ==, "5a1c0");
  g_assert_false (claim.life_line);
  g_assert_false (claim.kept);
}

static void
test_program (void)
{
  const struct
  {
    const char *digits, *program;
  } tags[] = {
    { "P616263", "abc" },
    { "P", "" },
    { "P6", "" },
    { "P616", "" },
    { "Pe282", "" },         /* a part of a character */
    { "Pff", "" },
    { "P6100", "" },         /* a NUL */
    { "P6162LP63", "c" },    /* the last one counts */
    { "P6161616161616161616161616161616161616161616161616161616161616161",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
    { "P616161616161616161616161616161616161616161616161616161616161616161", "" },
  };

  g_test_summary ("The program is text in hexadecimal digits, and anything else is missing");
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    {
      g_autofree char *name = g_strconcat ("x.lock|mimosa|4711|T1", tags[i].digits, NULL);
      FluflClaimName claim;

      g_assert_true (parse (name, "x.lock", &claim));
      g_assert_true (claim.ours);
      g_assert_cmpstr (claim.program, ==, tags[i].program);
    }
}

static void
test_program_takes_rest (void)
{
  FluflIdentity identity = somebody;

  g_test_summary ("The program takes the room that nothing else needs");
  identity.program = "org.example.Editor";
  for (guint length = 1; length <= FLUFL_NAME_MAX; length++)
    {
      g_autofree char *lock = g_strnfill (length, 'l');
      g_autofree char *name = build (lock, "|", &identity);
      g_autofree char *plain = build (lock, "|", &somebody);
      FluflClaimName claim;

      g_assert_cmpuint (strlen (name), <=, FLUFL_NAME_MAX);
      g_assert_true (g_str_has_prefix (name, plain));
      g_assert_true (parse (name, lock, &claim));
      g_assert_cmpstr (claim.host, ==, "mimosa");
      g_assert_true (g_str_has_prefix (identity.program, claim.program));
      if (strlen (plain) + 1 + 2 * strlen (identity.program) <= FLUFL_NAME_MAX)
        g_assert_cmpstr (claim.program, ==, identity.program);
      else
        g_assert_cmpuint (strlen (claim.program), ==, (FLUFL_NAME_MAX - MIN (strlen (plain) + 1, FLUFL_NAME_MAX)) / 2);
    }
}

static void
test_flufl (void)
{
  FluflClaimName claim;
  const char *path = "/srv/a|b/x.lock|host.example.org|99|8212345678901234567";

  g_test_summary ("flufl's claims are read, even with a separator in the directory");
  g_assert_true (parse (path, "x.lock", &claim));
  g_assert_cmpstr (claim.name, ==, "x.lock|host.example.org|99|8212345678901234567");
  g_assert_cmpstr (claim.host, ==, "host.example.org");
  g_assert_cmpint (claim.pid, ==, 99);
  g_assert_false (claim.ours);
  g_assert_cmpstr (claim.boot, ==, "");
}

static void
test_marks (void)
{
  FluflClaimName claim;

  g_test_summary ("Marks of later versions are read, unknown ones skipped");
  g_assert_true (parse ("x.lock|h|1|T01R02LKZ99Xb0", "x.lock", &claim));
  g_assert_true (claim.ours);
  g_assert_true (claim.life_line);
  g_assert_true (claim.kept);
  g_assert_cmpuint (claim.arrival, ==, 1);
  g_assert_true (parse ("x.lock|h|1|T01R02B0123456789abcdef0123", "x.lock", &claim));
  g_assert_true (claim.ours);
  g_assert_cmpstr (claim.boot, ==, "");
  g_assert_true (parse ("x.lock|h|1|T01r.2", "x.lock", &claim));
  g_assert_false (claim.ours);
  g_assert_true (parse ("x.lock|h|1|T01R02g", "x.lock", &claim));
  g_assert_false (claim.ours);
}

static void
test_not_a_claim (void)
{
  static const char *const names[] = {
    "", "/", "x.lock", "x.lock|", "x.lock|h", "x.lock|h|1", "x.lock|h|1|", "x.lock|h||1",
    "x.lock||1|1", "|h|1|1", "x.lock|h|-1|1", "x.lock|h|1 |1", "x.lock|h|99999999999|1",
    "x.lock|h|4294967296|1", "x.lockx|h|1|1", "y.lock|h|1|1", "x.lock|h|1|1/", "/x.lock|h|1|1/y",
    "x.lock|h|g|1|1", "x.lock|h\n|1|1", "x.lock|\033[2J|1|1", "x.lock|h|1|1\n", "x.lock~0000000000000000|h|1|1", "~|h|1|1",
  };
  FluflClaimName claim;
  g_autofree char *long_name = g_strdup_printf ("x.lock|h|1|%0300d", 1);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_test_message ("“%s”", names[i]);
      g_assert_false (parse (names[i], "x.lock", &claim));
    }
  g_assert_false (parse (long_name, "x.lock", &claim));
  g_assert_false (flufl_claim_name_parse ("x.lock|h|1|1\0a", 14, "x.lock", "|", &claim));
}

static void
test_separators_in_names (void)
{
  FluflClaimName claim;
  g_autofree char *name = build ("a|b|1|2", "|", &somebody);

  g_assert_true (parse (name, "a|b|1|2", &claim));
  g_assert_cmpstr (claim.host, ==, "mimosa");
  g_test_message ("A claim of the lock “a|b” is none of the lock “a”");
  g_assert_false (parse (name, "a", &claim));
  g_assert_false (parse ("a|b|c|1|2", "a", &claim));
}

/* A text that repeats @character @n times. */
static char *
repeat (const char *character, gsize n)
{
  GString *text = g_string_new (NULL);

  while (n-- > 0)
    g_string_append (text, character);
  return g_string_free (text, FALSE);
}

static void
check_long (const char *lock_name, const char *separator, const FluflIdentity *identity)
{
  g_autofree char *name = build (lock_name, separator, identity);
  g_autofree char *other = g_strconcat (lock_name, "x", NULL);
  g_auto (GStrv) fields = g_strsplit (name, separator, -1);
  FluflClaimName claim;

  g_assert_cmpuint (strlen (name), <=, FLUFL_NAME_MAX);
  g_assert_true (flufl_claim_name_parse (name, strlen (name), lock_name, separator, &claim));
  g_assert_cmpint (claim.pid, ==, identity->pid);
  g_assert_true (claim.ours);
  g_assert_true (claim.host_cut || strlen (claim.host) == strlen (identity->host));
  g_assert_false (flufl_claim_name_parse (name, strlen (name), other, separator, &claim));
  if (strstr (lock_name, separator) == NULL)
    g_assert_cmpuint (g_strv_length (fields), ==, 4); /* the fields that flufl.lock needs */
}

static void
test_long (void)
{
  FluflIdentity longest = somebody;
  const char *const separators[] = { "|", "^", "::", "--------", ".", "-", "_", "é" };
  const char *const characters[] = { "n", "é", "\xF0\x9F\x94\x92", "\x80" };

  g_test_summary ("Every legal name of a lock has a legal claim name that flufl can read too");
  memset (longest.host, 'h', 255);
  longest.pid = G_MAXINT;
  g_strlcpy (longest.start, "ffffffffffffffff", sizeof longest.start);
  for (gsize s = 0; s < G_N_ELEMENTS (separators); s++)
    for (gsize c = 0; c < G_N_ELEMENTS (characters); c++)
      for (gsize n = 1; n * strlen (characters[c]) <= FLUFL_NAME_MAX; n += 7)
        {
          g_autofree char *lock_name = repeat (characters[c], n);

          check_long (lock_name, separators[s], &somebody);
          check_long (lock_name, separators[s], &longest);
        }
}

static void
test_cut_keeps_characters (void)
{
  static const char *const characters[] = { "é", "\xE2\x82\xAC", "\xF0\x9F\x94\x92", "\x80" };

  g_test_summary ("No character is cut, and a name that is not UTF-8 keeps as many bytes");
  for (gsize c = 0; c < G_N_ELEMENTS (characters); c++)
    for (gsize more = 0; more < 4; more++)
      {
        g_autofree char *whole = repeat (characters[c], 250 / strlen (characters[c]));
        g_autofree char *lock_name = g_strdup_printf ("%.*s%s", (int) more, "aaa", whole);
        g_autofree char *name = build (lock_name, "|", &somebody);
        const char *cut = strchr (name, '~');

        g_assert_nonnull (cut);
        g_assert_cmpint (cut - name, >=, 64); /* the queue needs this part of it */
        if (g_utf8_validate (lock_name, -1, NULL))
          g_assert_true (g_utf8_validate (name, -1, NULL));
      }
}

static void
test_host_is_cleaned (void)
{
  FluflIdentity odd = somebody;
  FluflClaimName claim;
  g_autofree char *name = NULL;

  g_strlcpy (odd.host, "a|b/c~d\ne", sizeof odd.host);
  name = build ("x.lock", "|", &odd);
  g_assert_true (parse (name, "x.lock", &claim));
  g_assert_cmpstr (claim.host, ==, "axbxcxdxe");
}

static void
test_odd_hosts (void)
{
  static const struct
  {
    const char *host, *separator, *clean;
  } odd[] = {
    { "", "|", "localhost" },         { ":a", "::", "xa" },    { "a::b:", "::", "axxbx" },
    { "-=-a", "-=-", "xxxa" },        { "a.b", ".", "axb" },   { "\xA9" "a", "\xC3\xA9", "xa" },
    { "\xC3\xA8", "\xC3\xA9", "\xC3\xA8" }, /* another character with a byte in common */
    { "\xC3\xA9" "a", "\xA9", "\xC3xa" },     /* a separator that is not UTF-8 */
  };

  g_test_summary ("Every host has claims that can be read, and knows them as its own");
  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      FluflIdentity who = somebody;
      FluflClaimName claim;
      g_autofree char *name = NULL, *escaped = NULL;

      g_strlcpy (who.host, odd[i].host, sizeof who.host);
      name = build ("x.lock", odd[i].separator, &who);
      escaped = g_strescape (name, NULL);
      g_test_message ("%s", escaped);
      g_assert_true (flufl_claim_name_parse (name, strlen (name), "x.lock", odd[i].separator, &claim));
      g_assert_cmpstr (claim.host, ==, odd[i].clean);
    }
}

static void
test_without_evidence (void)
{
  FluflIdentity bare = { .host = "h", .pid = 1 };
  FluflClaimName claim;
  g_autofree char *name = build ("x.lock", "|", &bare);

  g_assert_cmpstr (name, ==, "x.lock|h|1|T18eac903e394e6a4R89541ed3df07");
  g_assert_true (parse (name, "x.lock", &claim));
  g_assert_true (claim.ours);
  g_assert_cmpstr (claim.start, ==, "");
}

static void
test_separator (void)
{
  static const char *const good[] = { "|", "^", "::", "-", ".", "_", "é", "--------" };
  static const char *const bad[] = { "", "/", "a/", "a", "7", "~", "|~", "\n", "---------", "é1" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (flufl_separator_is_valid (good[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (flufl_separator_is_valid (bad[i]));
}

static void
test_unique_is_sortable (void)
{
  g_autofree char *early = flufl_claim_name_build ("x", "|", &somebody, 99, 5, FLUFL_MARK_NONE);
  g_autofree char *late = flufl_claim_name_build ("x", "|", &somebody, 100, 1, FLUFL_MARK_NONE);

  g_assert_cmpint (strcmp (early, late), <, 0);
}

static void
test_lock_of_a_name (void)
{
  static const char *const cases[][2] = {
    { "x.lock|h|1|2", "x.lock" }, { "a|b|h|1|2", "a|b" }, { "x|h|1", NULL }, { "|h|1|2", NULL },
    { "x", NULL },                { "", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *lock = flufl_claim_name_dup_lock (cases[i][0], "|");

      g_assert_cmpstr (lock, ==, cases[i][1]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/claim-name/round-trip", test_round_trip);
  g_test_add_func ("/claim-name/program", test_program);
  g_test_add_func ("/claim-name/program-takes-rest", test_program_takes_rest);
  g_test_add_func ("/claim-name/flufl", test_flufl);
  g_test_add_func ("/claim-name/marks", test_marks);
  g_test_add_func ("/claim-name/not-a-claim", test_not_a_claim);
  g_test_add_func ("/claim-name/separators-in-names", test_separators_in_names);
  g_test_add_func ("/claim-name/long", test_long);
  g_test_add_func ("/claim-name/cut-keeps-characters", test_cut_keeps_characters);
  g_test_add_func ("/claim-name/host-is-cleaned", test_host_is_cleaned);
  g_test_add_func ("/claim-name/odd-hosts", test_odd_hosts);
  g_test_add_func ("/claim-name/without-evidence", test_without_evidence);
  g_test_add_func ("/claim-name/separator", test_separator);
  g_test_add_func ("/claim-name/unique-is-sortable", test_unique_is_sortable);
  g_test_add_func ("/claim-name/lock-of-a-name", test_lock_of_a_name);
  return g_test_run ();
}
