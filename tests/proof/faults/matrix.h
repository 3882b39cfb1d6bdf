/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Every call that an operation makes, and every way in which it can go wrong. The calls of an
 * undisturbed run are noted. Then the operation runs again for each call and each way.
 */

#pragma once

#include "faulty-calls.h"

G_BEGIN_DECLS

typedef struct
{
  const char *title;  /* the operation and its disk */
  gpointer    data;
  gboolean    brief;  /* nothing goes wrong for ever */
  /* Calls faulty_begin(). */
  void      (*prepare) (gpointer data);
  void      (*act)     (gpointer data);
  /* Complains of each violation, and tidies up. @blow is of kind NONE after the undisturbed run. */
  void      (*judge)   (gpointer data, Call call, const Blow *blow);
} Operation;

/* Returns: the number of combinations that were run. */
guint matrix_run      (const Operation *operation);
/* Reports a violation by the current combination. */
void  matrix_complain (const char      *format,
                       ...) G_GNUC_PRINTF (1, 2);
/* To be called at the end of a test, which fails after a complaint. */
void  matrix_end_test (void);
/* Runs the tests, and prints the number of all combinations. */
int   matrix_main     (void);

G_END_DECLS
