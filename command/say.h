/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the command says on standard output and standard error, in words or as JSON.
 */

#pragma once

#include <glib.h>

#include "json.h"

G_BEGIN_DECLS

gboolean can_say     (void);
void say             (const char *format, ...) G_GNUC_PRINTF (1, 2);
int  fail            (int status, const char *format, ...) G_GNUC_PRINTF (2, 3);
int  fail_with       (int status, const char *sentence, const char *details);
int  fail_by_error   (const GError *error);
void fail_as_json    (gboolean as_json);
void print_line      (const char *text);
void print_json      (const Json *json);
void print_help_text (const char *text);
int  check_output    (int status);

G_END_DECLS
