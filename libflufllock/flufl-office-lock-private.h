/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The lock file that LibreOffice makes beside a document that it has open.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The bytes of the file that are read, which are more than LibreOffice writes. */
#define FLUFL_OFFICE_LOCK_MAX 4096

/* Each is owned, valid UTF-8, and NULL if it is empty. */
typedef struct
{
  char      *real_name;
  char      *user_name;
  char      *host_name;
  GDateTime *since; /* nullable; in UTC */
} FluflOfficeLock;

char    *flufl_office_lock_dup_name (const char      *document_name);
gboolean flufl_office_lock_parse    (const char      *content,
                                     gsize            length,
                                     FluflOfficeLock *out_lock);
void     flufl_office_lock_clear    (FluflOfficeLock *self);

G_END_DECLS
