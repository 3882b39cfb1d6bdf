/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Every call that an operation makes, and every way in which it can go wrong:
 * the calls of an undisturbed run are noted, and then it is run again for each
 * of them and each way.
 */

#pragma once

#include "faulty-calls.h"

G_BEGIN_DECLS

typedef struct
{
  const char *title;  /* what operation, where */
  gpointer    data;
  gboolean    brief;  /* nothing goes wrong for ever */
  /* Calls faulty_begin(). */
  void      (*prepare) (gpointer data);
  void      (*act)     (gpointer data);
  /* Complains of what is wrong, and tidies up. @blow is of kind NONE after the
   * undisturbed run. */
  void      (*judge)   (gpointer data, Call call, const Blow *blow);
} Operation;

/* Returns: how many combinations were run. */
guint matrix_run      (const Operation *operation);
/* The combination that runs has violated something. */
void  matrix_complain (const char      *format,
                       ...) G_GNUC_PRINTF (1, 2);
/* At the end of a test, which fails after a complaint. */
void  matrix_end_test (void);
/* Runs the tests; prints how many combinations there were in all. */
int   matrix_main     (void);

G_END_DECLS
