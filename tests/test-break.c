/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Breaking and recovering, with others at work between any two calls.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol-util.h"

#define FOREIGN "x.lock|elsewhere|77|123456789"

/* Stands before that of the C library: a host whose name needs cleaning. */
int
gethostname (char *name, size_t size)
{
  return g_strlcpy (name, "odd-host", size) < size ? 0 : -1;
}

static void
test_only_the_expired (void)
{
  Proc p;

  g_test_summary ("Hazard 7: one attempt breaks an expired lock, and no other");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 0);
  fake_disk_advance (FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (p.found.expired);
  proc_abandon (&p);
  fake_disk_advance (1);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_rest (void)
{
  Proc p;

  g_test_summary ("Nobody breaks what changed less than the grace ago");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (FLUFL_GRACE - 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (p.found.expired);
  g_assert_true (p.found.resting);
  fake_disk_advance (1);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
test_both_clocks (void)
{
  Proc p;

  g_test_summary ("One wrong clock breaks nothing");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 600);
  fake_disk_advance (10 * FAKE_SEC);
  fake_disk_skew_local (86400 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (p.found.expired);
  proc_abandon (&p);

  fake_disk_reset ();
  put_claim (FOREIGN, TRUE, -600);
  fake_disk_advance (10 * FAKE_SEC);
  fake_disk_skew_local (-86400 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (p.found.expired);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_far_times (void)
{
  Proc p;

  g_test_summary ("Times that no count of nanoseconds reaches are late or early as they say");
  for (int i = 0; i < 4; i++)
    {
      fake_disk_reset ();
      proc_init (&p);
      put_claim (FOREIGN, TRUE, 0);
      if (i == 0)
        fake_disk_set_mtime (LOCK, G_MAXINT64 - 1);
      else /* the years 2300, 2600 and 2900: nanoseconds wrap to each side */
        fake_disk_set_mtime_far (LOCK, G_GINT64_CONSTANT (10413792000) + (i - 1) * G_GINT64_CONSTANT (9467280000));
      fake_disk_advance (3600 * FAKE_SEC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_false (p.found.expired);
      proc_abandon (&p);
      proc_clear (&p);
    }
  for (int i = 0; i < 3; i++)
    {
      fake_disk_reset ();
      proc_init (&p);
      put_claim (FOREIGN, TRUE, 0);
      fake_disk_set_mtime_far (LOCK, G_GINT64_CONSTANT (-10413792000) - i * G_GINT64_CONSTANT (9467280000));
      fake_disk_advance (60 * FAKE_SEC);
      proc_acquire (&p);
      proc_release (&p);
      assert_disk_empty ();
      proc_clear (&p);
    }
  g_assert_cmpint (flufl_time_add (G_MAXINT64, 1), ==, G_MAXINT64);
  g_assert_cmpint (flufl_time_add (G_MININT64, -1), ==, G_MININT64);
  g_assert_cmpint (flufl_time_since (5, G_MININT64), ==, G_MAXINT64);
  g_assert_cmpint (flufl_time_since (-5, G_MAXINT64), ==, G_MININT64);
  g_assert_cmpint (flufl_time_since (G_MININT64, 1), ==, G_MININT64);
}

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
      fake_disk_put (victims[i], "precious", -1, S_IFREG | 0644);
      fake_disk_put (path, victims[i], -1, S_IFREG | 0644);
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
test_same_name_other_file (void)
{
  Proc p;

  g_test_summary ("A file with the claim's name that is not the lock's inode stays");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, -3600);
  fake_syscalls.link (LOCK, "/d|e/backup");
  fake_syscalls.unlink ("/d|e/" FOREIGN);
  put_claim (FOREIGN, FALSE, -3600);
  fake_disk_advance (60 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_exists ("/d|e/" FOREIGN));
  g_assert_true (fake_disk_exists (LOCK));
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_not_a_lock (void)
{
  g_autofree char *huge = g_strnfill (10 * 1000 * 1000, 'x');
  const struct
  {
    const char *content;
    gssize      length;
    mode_t      mode;
  } things[] = {
    { "", 0, S_IFREG | 0644 },         { huge, 10 * 1000 * 1000, S_IFREG | 0644 },
    { "\0\1\2\xff", 4, S_IFREG | 0644 }, { "hello", 5, S_IFREG | 0644 },
    { NULL, 0, S_IFDIR | 0755 },       { NULL, 0, S_IFLNK | 0777 },
    { NULL, 0, S_IFIFO | 0644 },       { NULL, 0, S_IFSOCK | 0644 },
    { NULL, 0, S_IFCHR | 0644 },       { NULL, 0, S_IFBLK | 0644 },
  };

  g_test_summary ("Hazard 9: what is no lock is said to be none at once, and stays");
  for (gsize i = 0; i < G_N_ELEMENTS (things); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_put (LOCK, things[i].content, things[i].length, things[i].mode);
      fake_disk_set_mtime (LOCK, 0);
      fake_disk_advance (3600 * FAKE_SEC);
      fake_disk_forget_calls ();
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
      g_assert_nonnull (p.found.look.what);
      g_assert_cmpuint (fake_disk_count_calls ("read"), <=, 2);
      g_assert_cmpuint (fake_disk_n_names (), ==, 1);
      g_assert_cmpuint (fake_disk_n_open (), ==, 0);
      g_assert_cmpint (fake_disk_mode (LOCK), ==, things[i].mode);
      proc_clear (&p);
    }
}

/* A file that was a lock, and lost its content with the power. */
static void
blank (const char *path, gsize n_zeros)
{
  g_autofree char *zeros = g_malloc0 (n_zeros + 1);

  fake_disk_set_content (path, zeros, (gssize) n_zeros);
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
  blank (LOCK, n_zeros);
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
  blank (LOCK, n_zeros);
  fake_disk_advance (30 * FAKE_SEC + FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (1);
  proc_acquire (&p);
  g_assert_cmpint (proc_release (&p), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();

  g_test_message ("By force too");
  put_claim (FOREIGN, TRUE, 30);
  blank (LOCK, n_zeros);
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

  g_test_summary ("A file without content that is no claim by another name is no lock");
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      fake_disk_put (LOCK, "", 0, S_IFREG | 0644);
      blank (LOCK, n_zeros);
      fake_disk_set_mtime (LOCK, 0);
      if (others[i] != NULL)
        g_assert_cmpint (fake_syscalls.link (LOCK, others[i]), ==, 0);
      put_claim ("x.lock|other|1|1", FALSE, -3600); /* of another inode */
      fake_disk_advance (3600 * FAKE_SEC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_NOT_A_LOCK);
      g_assert_nonnull (p.found.look.what);
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
  blank (LOCK, 0);
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
      g_assert_nonnull (strstr (p.found.look.what, errnos[i] == ELOOP ? "link" : "socket"));
      proc_clear (&p);
    }
}

static void
test_copied (void)
{
  g_test_summary ("A lock and its claim that were copied as two files: it is said why they stay");
  for (int life_line = 0; life_line <= 1; life_line++)
    {
      const char *name = life_line ? "x.lock|elsewhere|77|T01R02L" : FOREIGN;
      g_autofree char *path = g_strconcat ("/d|e/", name, NULL);
      Proc p;

      fake_disk_reset ();
      proc_init (&p);
      put_claim (name, FALSE, -3600);
      fake_disk_put (LOCK, path, -1, S_IFREG | 0644);
      fake_disk_set_mtime (LOCK, fake_disk_server_now () - 3600 * FAKE_SEC);
      fake_disk_advance (3600 * FAKE_SEC);
      g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
      g_assert_cmpint (p.found.break_errsv, ==, EEXIST);
      g_assert_true (fake_disk_exists (LOCK));
      g_assert_true (fake_disk_exists (path));
      proc_abandon (&p);
      proc_clear (&p);
    }
}

static void
test_unreadable (void)
{
  Proc p;

  g_test_summary ("Hazard 12: who may not read the lock file waits");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 5);
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
test_may_not_break (void)
{
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (60 * FAKE_SEC);
  fake_disk_fault ("unlink", 1, FAKE_FAIL, EPERM);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.break_errsv, ==, EPERM);
  g_assert_true (fake_disk_exists (LOCK));
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_orphan (void)
{
  Proc p;

  g_test_summary ("A lock file without a claim is given one, rests, and is broken");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 1);
  fake_syscalls.unlink ("/d|e/" FOREIGN);
  fake_disk_advance (FLUFL_SLOP);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_false (fake_disk_exists ("/d|e/" FOREIGN));
  fake_disk_advance (2 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (p.found.resting);
  g_assert_true (fake_disk_exists ("/d|e/" FOREIGN));
  fake_disk_advance (FLUFL_GRACE - 1);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  fake_disk_advance (1);
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

typedef struct
{
  Proc  *proc;
  gint64 delay;
  guint  steps;
} Intruder;

/* Another process does all it can, with the time that it takes. */
static void
intrude (gpointer data)
{
  Intruder *intruder = data;

  fake_disk_advance (intruder->delay);
  for (guint i = 0; i < intruder->steps; i++)
    if (proc_attempt (intruder->proc) == FLUFL_OUTCOME_HELD)
      break;
}

static FluflOutcome
attempt_until_settled (Proc *p)
{
  FluflOutcome outcome = proc_attempt (p);

  for (int i = 0; i < 3 && outcome == FLUFL_OUTCOME_BUSY; i++)
    outcome = proc_attempt (p);
  return outcome;
}

/* Hazard 3: A breaks; before its call number k B does all that it can; A goes
 * on. Never do both hold, and whoever holds has the lock file. */
static void
two_breakers (gint64 delay)
{
  guint runs = 0, b_won = 0;

  for (guint k = 1;; k++)
    {
      FluflOutcome outcome;
      gboolean a_has, b_has, struck;
      Proc a, b;
      Intruder intruder = { &b, delay, 3 };

      fake_disk_reset ();
      proc_init (&a);
      proc_init (&b);
      put_claim (FOREIGN, TRUE, -3600);
      fake_disk_advance (60 * FAKE_SEC);
      fake_disk_hook (NULL, k, intrude, &intruder);
      outcome = attempt_until_settled (&a);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();

      a_has = proc_has_it (&a);
      b_has = proc_has_it (&b);
      g_test_message ("before call %u: A %d, B %d", k, a_has, b_has);
      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, a_has);
      /* B was told that it holds: then it does, whatever A did since. */
      if (b.claim.path != NULL && flufl_claim_lease_left (&b.claim, &b.site) > 0
          && fake_disk_exists (b.claim.path) && fake_disk_nlink (b.claim.path) >= 2)
        g_assert_true (b_has);
      g_assert_false (a_has && b_has);
      b_won += b_has;

      if (a_has)
        g_assert_cmpint (proc_release (&a), ==, FLUFL_OUTCOME_RELEASED);
      else
        proc_abandon (&a);
      if (b_has)
        {
          g_assert_cmpint (proc_release (&b), ==, FLUFL_OUTCOME_RELEASED);
        }
      else
        proc_abandon (&b);

      /* Nobody is shut out for ever. */
      for (int i = 0; i < 5 && fake_disk_exists (LOCK); i++)
        {
          Proc c;

          fake_disk_advance (60 * FAKE_SEC);
          proc_init (&c);
          if (proc_attempt (&c) == FLUFL_OUTCOME_HELD)
            proc_release (&c);
          else
            proc_abandon (&c);
          proc_clear (&c);
        }
      assert_disk_empty ();
      proc_clear (&a);
      proc_clear (&b);
      runs++;
      if (!struck)
        break;
    }
  g_assert_cmpuint (runs, >, 10);
  g_assert_cmpuint (b_won, >, 0);
}

static void
test_two_breakers (void)
{
  two_breakers (0);
}

static void
test_two_breakers_slow (void)
{
  g_test_summary ("B comes 3 s later: A has passed half its grace, and stops");
  two_breakers (3 * FAKE_SEC);
}

static void
refresh_holder (gpointer data)
{
  Proc *holder = data;

  proc_refresh (holder);
}

/* A late holder refreshes before call k of the breaker. Either it is told that
 * it has lost, or it keeps the lock. */
static void
test_holder_refreshes_meanwhile (void)
{
  guint kept = 0, lost = 0;

  for (guint k = 1;; k++)
    {
      Proc holder, breaker;
      gboolean struck, has;
      FluflOutcome outcome;

      fake_disk_reset ();
      proc_init (&holder);
      proc_init (&breaker);
      breaker.break_dead = FALSE;
      proc_acquire (&holder);
      fake_disk_advance (LIFETIME + FLUFL_SLOP + FAKE_SEC);
      fake_disk_hook (NULL, k, refresh_holder, &holder);
      outcome = attempt_until_settled (&breaker);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();

      has = proc_has_it (&holder);
      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, proc_has_it (&breaker));
      g_assert_false (has && outcome == FLUFL_OUTCOME_HELD);
      g_assert_cmpint (proc_refresh (&holder) == FLUFL_OUTCOME_HELD, ==, has);
      has ? kept++ : lost++;

      if (has)
        proc_release (&holder);
      else
        proc_abandon (&holder);
      proc_release (&breaker);
      proc_clear (&holder);
      proc_clear (&breaker);
      if (!struck)
        break;
    }
  g_assert_cmpuint (kept, >, 0);
  g_assert_cmpuint (lost, >, 0);
}

/* The calls of a break, by name and number: our claim, the lock file, the
 * holder's claim, and the lock file again with the token won. */
#define SEES_HOLDERS_CLAIM "lstat", 3
#define WINS_TOKEN "unlink", 1
#define LOOKS_AGAIN "lstat", 4

static void
test_refreshed_at_last_moment (void)
{
  Proc holder, breaker;

  g_test_summary ("Refreshed after the last look and before the token: given back");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&breaker);
  breaker.break_dead = FALSE;
  proc_acquire (&holder);
  fake_disk_advance (LIFETIME + FLUFL_SLOP + FAKE_SEC);
  fake_disk_hook (WINS_TOKEN, refresh_holder, &holder);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (proc_has_it (&holder));
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  proc_abandon (&breaker);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&breaker);
}

static void
take_token (gpointer unused G_GNUC_UNUSED)
{
  g_assert_cmpint (fake_syscalls.unlink ("/d|e/" FOREIGN), ==, 0);
}

static void
test_token_just_taken (void)
{
  Proc breaker;

  g_test_summary ("Another breaker has the token since the look: it is no orphan yet");
  fake_disk_reset ();
  proc_init (&breaker);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (60 * FAKE_SEC);
  fake_disk_hook (SEES_HOLDERS_CLAIM, take_token, NULL);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_false (fake_disk_exists ("/d|e/" FOREIGN));
  fake_syscalls.unlink (LOCK);
  proc_acquire (&breaker);
  g_assert_cmpint (proc_release (&breaker), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&breaker);
}

static void
test_blank_meanwhile (void)
{
  Proc holder, breaker;
  g_autofree char *path = NULL;

  g_test_summary ("A living holder whose server lost the content: refreshed, won by another, released");
  fake_disk_reset ();
  proc_init (&holder);
  proc_init (&breaker);
  breaker.break_dead = FALSE;
  proc_acquire (&holder);
  path = g_strdup (holder.claim.path);
  blank (LOCK, 0);
  fake_disk_advance (LIFETIME + FLUFL_SLOP + FAKE_SEC);

  g_test_message ("Refreshed before the token is won: given back");
  fake_disk_hook (WINS_TOKEN, refresh_holder, &holder);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_true (fake_disk_exists (path));
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
  g_assert_cmpint (proc_refresh (&holder), ==, FLUFL_OUTCOME_HELD);
  proc_abandon (&breaker);

  g_test_message ("A late release removes it all the same");
  fake_disk_advance (LIFETIME);
  g_assert_cmpint (proc_release (&holder), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  proc_clear (&holder);
  proc_clear (&breaker);
}

static void
pass_three_seconds (gpointer unused G_GNUC_UNUSED)
{
  fake_disk_advance (3 * FAKE_SEC);
}

static void
test_slow_breaker_stops (void)
{
  Proc breaker;

  g_test_summary ("Past half the grace since its look a breaker does nothing more");
  fake_disk_reset ();
  proc_init (&breaker);
  put_claim (FOREIGN, TRUE, -3600);
  fake_disk_advance (60 * FAKE_SEC);

  fake_disk_hook (SEES_HOLDERS_CLAIM, pass_three_seconds, NULL);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
  proc_abandon (&breaker); /* so that the same calls follow again */

  fake_disk_hook (LOOKS_AGAIN, pass_three_seconds, NULL);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 1);
  proc_abandon (&breaker);
  proc_clear (&breaker);
}

typedef struct
{
  Proc *holder;
  FluflOutcome outcome;
} Release;

static void
release_holder (gpointer data)
{
  Release *release = data;

  release->outcome = proc_release (release->holder);
}

static void
test_holder_releases_meanwhile (void)
{
  g_test_summary ("A late holder releases before call k of the breaker");
  for (guint k = 1;; k++)
    {
      Proc holder, breaker;
      Release release = { &holder, FLUFL_OUTCOME_BUSY };
      FluflOutcome outcome;
      gboolean struck;

      fake_disk_reset ();
      proc_init (&holder);
      proc_init (&breaker);
      breaker.break_dead = FALSE;
      proc_acquire (&holder);
      fake_disk_advance (LIFETIME + FLUFL_SLOP + FAKE_SEC);
      fake_disk_hook (NULL, k, release_holder, &release);
      outcome = attempt_until_settled (&breaker);
      struck = fake_disk_order_done ();
      fake_disk_cancel_order ();

      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, proc_has_it (&breaker));
      if (!struck)
        release_holder (&release);
      g_assert_cmpint (outcome == FLUFL_OUTCOME_HELD, ==, proc_has_it (&breaker));
      if (outcome == FLUFL_OUTCOME_HELD)
        g_assert_cmpint (proc_release (&breaker), ==, FLUFL_OUTCOME_RELEASED);
      else
        proc_abandon (&breaker);
      proc_clear (&holder);
      proc_clear (&breaker);
      if (!struck)
        break;
    }
}

/* A claim as a process of this machine would have made it. */
static char *
evident_claim (int pid, const char *boot, const char *space, const char *start)
{
  FluflIdentity id;

  flufl_identity_get (&fake_syscalls, &id);
  id.pid = pid;
  if (boot != NULL)
    g_strlcpy (id.boot, boot, sizeof id.boot);
  if (space != NULL)
    g_strlcpy (id.space, space, sizeof id.space);
  if (start != NULL)
    g_strlcpy (id.start, start, sizeof id.start);
  return flufl_claim_name_build ("x.lock", "|", &id, 1, 2, FLUFL_MARK_NONE);
}

static FluflLiveness
judge_name (FluflFsKind kind, const char *separator, const char *name)
{
  FluflLiveness liveness;
  FluflClaimName claim;
  FluflSite site;

  flufl_site_init (&site, &fake_syscalls, LOCK, separator);
  site.fs_kind = kind;
  g_assert_true (flufl_claim_name_parse (name, strlen (name), "x.lock", separator, &claim));
  liveness = flufl_identity_judge (&site, &claim);
  flufl_site_clear (&site);
  return liveness;
}

static FluflLiveness
judge (FluflFsKind kind, int pid, const char *boot, const char *space, const char *start)
{
  g_autofree char *name = evident_claim (pid, boot, space, start);

  return judge_name (kind, "|", name);
}

static void
test_evidence (void)
{
  const FluflFsKind local = FLUFL_FS_LOCAL;
  const int gone = 4000000;

  fake_disk_reset ();
  g_test_message ("This process lives; its number with another start does not");
  g_assert_cmpint (judge (local, getpid (), NULL, NULL, NULL), ==, FLUFL_LIVENESS_ALIVE);
  g_assert_cmpint (judge (local, getpid (), NULL, NULL, "1"), ==, FLUFL_LIVENESS_DEAD);
  g_assert_cmpint (judge (FLUFL_FS_NFS, getpid (), NULL, NULL, "1"), ==, FLUFL_LIVENESS_DEAD);
  g_test_message ("A number that nobody has: dead, if it was one of our name space");
  g_assert_cmpint (judge (local, gone, NULL, NULL, NULL), ==, FLUFL_LIVENESS_DEAD);
  g_assert_cmpint (judge (local, gone, NULL, "00000000", NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_test_message ("Another boot: perhaps that of a client of the file server that we are");
  g_assert_cmpint (judge (local, getpid (), "00000000", NULL, NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (judge (local, gone, "00000000", NULL, NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (judge (local, gone, "00000000", "00000000", "1"), ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (judge (FLUFL_FS_NFS, gone, "00000000", NULL, NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpint (judge (FLUFL_FS_OTHER, gone, "00000000", NULL, NULL), ==, FLUFL_LIVENESS_UNKNOWN);
  g_test_message ("Host name and process number alone prove nothing");
  {
    g_autofree char *name
        = g_strdup_printf ("x.lock|%s|%d|12345", flufl_identity_host_name (), gone);

    g_assert_cmpint (judge_name (local, "|", name), ==, FLUFL_LIVENESS_UNKNOWN);
  }
}

static void
test_evidence_of_cleaned_host (void)
{
  g_autofree char *name = NULL;
  FluflIdentity id;

  g_test_summary ("A separator that occurs in the host's name hides no evidence");
  fake_disk_reset ();
  flufl_identity_get (&fake_syscalls, &id);
  if (strchr (id.host, '-') == NULL || id.space[0] == '\0')
    {
      g_test_skip ("no host of this name, or nothing is told of its boot");
      return;
    }
  name = flufl_claim_name_build ("x.lock", "-", &id, 1, 2, FLUFL_MARK_NONE);
  g_assert_nonnull (strstr (name, "-oddxhost-"));
  g_assert_cmpint (judge_name (FLUFL_FS_LOCAL, "-", name), ==, FLUFL_LIVENESS_ALIVE);
}

static void
test_another_boot (void)
{
  g_autofree char *name = evident_claim (4000000, "00000000", "00000000", NULL);
  Proc p;

  g_test_summary ("What is local to a file server may be held by a client of it");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (name, TRUE, 600);
  fake_disk_advance (60 * FAKE_SEC);
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_UNKNOWN);
  g_assert_cmpuint (fake_disk_nlink (LOCK), ==, 2);
  proc_abandon (&p);
  proc_clear (&p);
}

static void
test_break_dead (void)
{
  g_autofree char *name = evident_claim (4000000, NULL, NULL, NULL);
  Proc p;

  g_test_summary ("The lock of a process proved dead is broken once it has rested");
  fake_disk_reset ();
  proc_init (&p);
  put_claim (name, TRUE, 600);
  fake_disk_advance (FLUFL_GRACE);
  p.break_dead = FALSE;
  g_assert_cmpint (proc_attempt (&p), ==, FLUFL_OUTCOME_BUSY);
  g_assert_cmpint (p.found.liveness, ==, FLUFL_LIVENESS_DEAD);
  p.break_dead = TRUE;
  proc_acquire (&p);
  proc_release (&p);
  assert_disk_empty ();
  proc_clear (&p);
}

static void
flufl_breaks_and_locks (gpointer unused G_GNUC_UNUSED)
{
  fake_syscalls.unlink (LOCK);
  put_claim ("x.lock|flufl|5|99", TRUE, 15);
}

static void
test_flufl_is_quicker (void)
{
  g_autofree char *dead = evident_claim (4000000, NULL, NULL, NULL);
  Proc breaker;

  g_test_summary ("flufl, which knows no token, has broken and locked since: its lock stays");
  fake_disk_reset ();
  proc_init (&breaker);
  put_claim (dead, TRUE, 600);
  fake_disk_advance (60 * FAKE_SEC);
  fake_disk_hook (LOOKS_AGAIN, flufl_breaks_and_locks, NULL);
  g_assert_cmpint (proc_attempt (&breaker), ==, FLUFL_OUTCOME_BUSY);
  g_assert_true (fake_disk_order_done ());
  g_assert_cmpstr (fake_disk_content (LOCK), ==, "/d|e/x.lock|flufl|5|99");
  proc_abandon (&breaker);
  proc_clear (&breaker);
}

static void
test_force (void)
{
  Proc p;

  fake_disk_reset ();
  proc_init (&p);
  put_claim (FOREIGN, TRUE, 600);
  g_assert_cmpint (flufl_break_force (&p.site, &p.found), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  fake_disk_put (LOCK, NULL, 0, S_IFIFO);
  g_assert_cmpint (flufl_break_force (&p.site, &p.found), ==, FLUFL_OUTCOME_RELEASED);
  assert_disk_empty ();
  fake_disk_put (LOCK, NULL, 0, S_IFDIR);
  g_assert_cmpint (flufl_break_force (&p.site, &p.found), ==, FLUFL_OUTCOME_FAILED);
  g_assert_cmpint (p.found.errsv, ==, EISDIR);
  proc_clear (&p);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/break/only-the-expired", test_only_the_expired);
  g_test_add_func ("/break/rest", test_rest);
  g_test_add_func ("/break/both-clocks", test_both_clocks);
  g_test_add_func ("/break/far-times", test_far_times);
  g_test_add_func ("/break/content-is-not-followed", test_content_is_not_followed);
  g_test_add_func ("/break/same-name-other-file", test_same_name_other_file);
  g_test_add_func ("/break/not-a-lock", test_not_a_lock);
  g_test_add_data_func ("/break/blank/empty", GSIZE_TO_POINTER (0), test_blank);
  g_test_add_data_func ("/break/blank/zeros", GSIZE_TO_POINTER (70), test_blank);
  g_test_add_data_func ("/break/blank/no-lock/empty", GSIZE_TO_POINTER (0), test_blank_no_lock);
  g_test_add_data_func ("/break/blank/no-lock/zeros", GSIZE_TO_POINTER (70), test_blank_no_lock);
  g_test_add_func ("/break/blank/list-fails", test_blank_list_fails);
  g_test_add_func ("/break/blank/meanwhile", test_blank_meanwhile);
  g_test_add_func ("/break/swapped", test_swapped);
  g_test_add_func ("/break/copied", test_copied);
  g_test_add_func ("/break/unreadable", test_unreadable);
  g_test_add_func ("/break/may-not-break", test_may_not_break);
  g_test_add_func ("/break/orphan", test_orphan);
  g_test_add_func ("/break/two-breakers", test_two_breakers);
  g_test_add_func ("/break/two-breakers-slow", test_two_breakers_slow);
  g_test_add_func ("/break/holder-refreshes-meanwhile", test_holder_refreshes_meanwhile);
  g_test_add_func ("/break/refreshed-at-last-moment", test_refreshed_at_last_moment);
  g_test_add_func ("/break/flufl-is-quicker", test_flufl_is_quicker);
  g_test_add_func ("/break/token-just-taken", test_token_just_taken);
  g_test_add_func ("/break/slow-breaker-stops", test_slow_breaker_stops);
  g_test_add_func ("/break/holder-releases-meanwhile", test_holder_releases_meanwhile);
  g_test_add_func ("/break/evidence", test_evidence);
  g_test_add_func ("/break/evidence-of-cleaned-host", test_evidence_of_cleaned_host);
  g_test_add_func ("/break/another-boot", test_another_boot);
  g_test_add_func ("/break/break-dead", test_break_dead);
  g_test_add_func ("/break/force", test_force);
  return g_test_run ();
}
