/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Checks of a forked child: whether it may have threads, and that it holds nothing.
 */

#include "fork-util.h"

gboolean
children_may_have_threads (void)
{
#ifdef __SANITIZE_THREAD__
  g_test_skip ("the thread sanitizer is in the way");
  return FALSE;
#else
  return TRUE;
#endif
}

gboolean
children_may_allocate (void)
{
#if defined __SANITIZE_ADDRESS__ && __GNUC__ < 14
  g_test_skip ("children of busy threads can hang in this address sanitizer");
  return FALSE;
#else
  return TRUE;
#endif
}

void
holds_nothing (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (flufl_lock_get_held (lock));
  g_assert_null (flufl_lock_dup_claim_file (lock));
  g_assert_false (flufl_lock_release (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_false (flufl_lock_refresh (lock, -1, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_false (flufl_lock_check (lock, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD);
  g_clear_error (&error);
  g_assert_cmpint (flufl_lock_query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_THEIRS);
  g_assert_no_error (error);
}
