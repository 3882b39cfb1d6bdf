// SPDX-FileCopyrightText: 2026 The libflufllock authors
// SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
//
// The public header, read as C++: by who has no business with how it is made.

#include <libflufllock.h>

static void
heard (FluflLock *, FluflLockDetails *details, gpointer)
{
  g_print ("%s\n", flufl_lock_details_get_host_name (details));
}

int
main ()
{
  g_autoptr (GFile) file = g_file_new_for_uri ("http://example.org/x.lock");
  g_autoptr (FluflLock) lock = flufl_lock_new (file);
  g_autoptr (GError) error = nullptr;
  FluflLockState state = flufl_lock_query_state (lock, nullptr, &error);

  g_signal_connect (lock, "waiting", G_CALLBACK (heard), nullptr);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_cmpint (state, ==, FLUFL_LOCK_STATE_UNKNOWN);
  static_assert (FLUFL_CHECK_VERSION (0, 1, 0), "the header has a version");
  return 0;
}
