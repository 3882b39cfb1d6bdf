/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “doctor”: what a directory can do, found by trying it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  VERDICT_GOOD,
  VERDICT_NOTE, /* it works, and one should know this */
  VERDICT_BAD,  /* locks do not work here */
} Verdict;

/* One directory that is examined. */
typedef struct _Doctor Doctor;

const char *doctor_directory (Doctor *self);
char       *doctor_make_path (Doctor *self, const char *suffix);
void        doctor_report    (Doctor *self, const char *name, Verdict verdict,
                              const char *format, ...) G_GNUC_PRINTF (4, 5);
gboolean    doctor_found_bad (Doctor *self);
void doctor_set_fat (Doctor *self);
gboolean doctor_is_fat (Doctor *self);
gboolean doctor_is_without_links (Doctor *self);

/* The examinations, in this order. One that cannot go on leaves the rest of its reports out. */
void doctor_look_at_mount       (Doctor *self);
void doctor_look_at_permissions (Doctor *self);
void doctor_try_files           (Doctor *self);
void doctor_try_watch           (Doctor *self);
void doctor_try_lock            (Doctor *self);

G_END_DECLS
