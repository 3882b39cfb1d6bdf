/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A writer of JSON on one line. A library for it would be loaded by each “run”, which never writes
 * any.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _Json Json;

Json       *json_new    (void);
void        json_free   (Json *self);
void        json_begin  (Json *self, const char *key, char bracket);
void        json_end    (Json *self, char bracket);
void        json_string (Json *self, const char *key, const char *value);
void        json_int    (Json *self, const char *key, gint64 value);
void        json_bool   (Json *self, const char *key, gboolean value);
void        json_time   (Json *self, const char *key, GDateTime *value);
const char *json_text   (const Json *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Json, json_free)

G_END_DECLS
