/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Locks as other processes leave them, made by the calls of POSIX.
 */

#include "flufl-test-util.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the claim expire @seconds from now. */
void
test_place_date (const char *claim, double seconds)
{
  gint64 usec = g_get_real_time () + (gint64) (seconds * G_USEC_PER_SEC);
  struct timespec times[2];

  times[0].tv_sec = times[1].tv_sec = usec / G_USEC_PER_SEC;
  times[0].tv_nsec = times[1].tv_nsec = (usec % G_USEC_PER_SEC) * 1000;
  g_assert_cmpint (utimensat (AT_FDCWD, claim, times, 0), ==, 0);
}

char *
test_make_lock (TestPlace *place, const char *claim_name, double seconds)
{
  char *claim = test_place_path (place, claim_name);

  g_assert_true (g_file_set_contents (claim, claim, -1, NULL));
  test_place_date (claim, seconds);
  g_assert_cmpint (link (claim, place->lock), ==, 0);
  return claim;
}
