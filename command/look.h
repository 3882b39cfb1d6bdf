/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A look at a lock, whoever holds it.
 */

#pragma once

#include <libflufllock.h>

#include "json.h"

G_BEGIN_DECLS

typedef struct
{
  char             *path;    /* owned; as the user spells it */
  FluflLockDetails *details; /* owned; nullable: free, or an error */
  GError           *error;   /* owned; nullable */
} Look;

gboolean look_at       (Look *self, const char *path);
gboolean look_at_given (Look *self, const char *path);
void     look_clear    (Look *self);
gboolean look_is_free  (const Look *self);
char    *look_describe (const Look *self);
void     look_to_json  (const Look *self, Json *json, const char *key);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Look, look_clear)

G_END_DECLS
