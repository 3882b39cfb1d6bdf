/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The tests of threads and time wait for a condition with these functions, which fail after a
 * limit.
 */

#pragma once

#include <gio/gio.h>

#include "flufl-test-util.h"

static inline gint64
now (void)
{
  return g_get_monotonic_time ();
}

#define AWAIT_BY(step, condition) \
  G_STMT_START \
    { \
      gint64 give_up_ = now () + TEST_PATIENCE_SEC * G_USEC_PER_SEC; \
      while (!(condition)) \
        { \
          if (now () > give_up_) \
            g_error ("no progress: %s", #condition); \
          step; \
          g_usleep (500); \
        } \
    } \
  G_STMT_END
#define AWAIT(condition) AWAIT_BY ((void) 0, condition)
