/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The library and flufl.lock on Windows. The steps of flufl.lock stand in for Python, with its
 * names, its '\' in paths, and its whole seconds.
 */

#include <gio/gio.h>

#include "flufl-error.h"
#include "flufl-lock.h"
#include "flufl-path.h"
#include "flufl-steps.h"
#include "flufl-test-util.h"

#define PATIENCE_MS 60000
#define HOUR (3600 * FLUFL_NSEC_PER_SEC)

typedef struct
{
  TestPlace  place;
  FluflLock *ours;
  char      *path, *claim;
  FluflSteps theirs;
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  test_place_init (&self->place);
  self->ours = flufl_lock_new_for_path (self->place.lock);
  flufl_lock_set_heartbeat (self->ours, FLUFL_HEARTBEAT_NONE);
  self->path = flufl_path_dup_native (self->place.lock);
  self->claim = g_strdelimit (g_strconcat (self->path, "^a-host^4711^1234567890", NULL), "/", '\\');
  self->theirs = (FluflSteps){ &flufl_syscalls_native, self->path, self->claim,
                               15 * FLUFL_NSEC_PER_SEC };
}

/* Nothing is left behind. */
static void
tear_down (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_clear_object (&self->ours);
  test_place_clear (&self->place);
  g_free (self->path);
  g_free (self->claim);
}

static void
we_acquire (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_acquire (self->ours, PATIENCE_MS, NULL, &error));
  g_assert_no_error (error);
}

static void
we_release (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_release (self->ours, NULL, &error));
  g_assert_no_error (error);
}

static void
they_acquire (Fixture *self)
{
  g_assert_true (flufl_steps_make (&self->theirs));
  g_assert_true (flufl_steps_link (&self->theirs));
  flufl_steps_touch (&self->theirs);
}

static void
excludes_us (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A lock of flufl.lock keeps us out, and our error names its holder");
  they_acquire (self);
  g_assert_cmpint (flufl_lock_query_state (self->ours, NULL, NULL), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_false (flufl_lock_acquire (self->ours, 300, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_nonnull (g_strstr_len (error->message, -1, "a-host"));
  g_assert_nonnull (g_strstr_len (error->message, -1, "4711"));
  g_assert_true (flufl_steps_refresh (&self->theirs));
  g_assert_true (flufl_steps_release (&self->theirs));
  we_acquire (self);
  we_release (self);
}

static void
is_excluded (Fixture *self, gconstpointer linger)
{
  g_test_summary ("Our lock keeps flufl.lock out, until it is released");
  flufl_lock_set_linger (self->ours, linger != NULL);
  we_acquire (self);
  g_assert_true (flufl_steps_make (&self->theirs));
  for (int i = 0; i < 3; i++)
    {
      g_assert_false (flufl_steps_link (&self->theirs));
      g_assert_true (flufl_steps_look (&self->theirs));
    }
  we_release (self);
  g_assert_true (flufl_steps_link (&self->theirs));
  flufl_steps_touch (&self->theirs);
  g_assert_true (flufl_steps_release (&self->theirs));
  flufl_lock_set_linger (self->ours, FALSE);
}

static void
is_broken (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  FluflStat st;

  g_test_summary ("We break an expired lock of flufl.lock");
  self->theirs.lifetime = -HOUR;
  they_acquire (self);
  we_acquire (self);
  g_assert_cmpint (flufl_syscalls_native.lstat (self->claim, &st), ==, -1);
  g_assert_false (flufl_steps_refresh (&self->theirs));
  we_release (self);
}

static void
breaks_ours (Fixture *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autoptr (GFile) claim = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  g_test_summary ("flufl.lock breaks our expired lock, and we learn of it");
  we_acquire (self);
  claim = flufl_lock_dup_claim_file (self->ours);
  path = flufl_path_dup_native (g_file_peek_path (claim));
  g_assert_cmpint (
      flufl_syscalls_native.utimens (path, flufl_syscalls_native.clock (FLUFL_CLOCK_REAL) - HOUR, 0),
      ==, 0);
  g_assert_true (flufl_steps_make (&self->theirs));
  g_assert_false (flufl_steps_link (&self->theirs));
  g_assert_false (flufl_steps_look (&self->theirs));
  g_assert_true (flufl_steps_link (&self->theirs));
  flufl_steps_touch (&self->theirs);
  g_assert_false (flufl_lock_release (self->ours, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
  g_assert_true (flufl_steps_release (&self->theirs));
}

#define ADD(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/windows-flufl/excludes-us", NULL, excludes_us);
  ADD ("/windows-flufl/is-excluded/plain", NULL, is_excluded);
  ADD ("/windows-flufl/is-excluded/linger", "linger", is_excluded);
  ADD ("/windows-flufl/is-broken", NULL, is_broken);
  ADD ("/windows-flufl/breaks-ours", NULL, breaks_ours);
  return g_test_run ();
}
