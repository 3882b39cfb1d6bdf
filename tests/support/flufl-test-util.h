/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The functions that all tests share. They need only GLib.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Seconds after which a test that makes no progress has failed. Many, since machines are busy,
 * and valgrind is slow. */
#define TEST_PATIENCE_SEC 120

/* A fresh directory per test, which must be empty again at its end. */
typedef struct
{
  char *dir;
  char *lock;  /* a path in it: "x.lock" */
} TestPlace;

void     test_place_init    (TestPlace     *place);
void     test_place_clear   (TestPlace     *place);
char    *test_place_path    (TestPlace     *place,
                             const char    *name);
guint    test_place_count   (TestPlace     *place);
void     test_place_empty   (TestPlace     *place);
char    *test_place_only_claim (TestPlace  *place);

/* Makes a lock as another process may have left it: @claim_name next to the lock file, linked to
 * it. It expires @seconds from now, which are often negative. */
char    *test_make_lock     (TestPlace     *place,
                             const char    *claim_name,
                             double         seconds);
void  test_place_date (const char *claim, double seconds);

guint    test_each_descriptor (const char    *kind,
                             int          (*func) (int fd));
/* Whether memcheck or a sanitizer makes everything slow. */
gboolean test_is_slow       (void);

/* Iterates the thread-default main context until @flag is set. */
void     test_wait_flag     (gboolean      *flag,
                             const char    *what);

G_END_DECLS
