/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The people who hold locks. A directory server that knows their names may be slow, or be down. So
 * a worker asks for each name once, and nobody waits long for the answer.
 */

#pragma once

#include "flufl-attempt.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;      /* interned */
  const char *real_name; /* interned; nullable */
} FluflPerson;

/* Microseconds for which an operation waits for a name. */
extern gint64 flufl_person_patience;

void     flufl_person_learn_holder (const FluflSite *site,
                                    FluflFindings   *findings);
gboolean flufl_person_find         (gint64           user_id,
                                    FluflPerson     *out_person);

G_END_DECLS
