/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The rules for the turns of a storm in which a person deletes files.
 */

#pragma once

#include "arena.h"
#include "flufl-lock.h"

G_BEGIN_DECLS

gboolean judge_is_dead        (int        pid);

void     judge_join           (Arena     *arena);
/* Begins the turn of @lock, whose acquisition began at @begun. */
void     judge_enters         (FluflLock *lock,
                               gint64     begun);
void     judge_looks          (void);
void     judge_has_looked     (gboolean   ours);
/* To be called before each call that releases. */
void     judge_releases       (void);
void     judge_has_released   (void);
/* Ends the turn after a loss. Returns whether a deletion explains the loss. */
gboolean judge_explains_loss  (void);

G_END_DECLS
