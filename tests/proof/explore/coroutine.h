/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Several stacks in one thread. Only the one that was switched to runs.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _Coroutine Coroutine;

/* @body must never return: it switches away for the last time instead. */
Coroutine *coroutine_new    (void (*body) (gpointer), gpointer user_data);
void       coroutine_free   (Coroutine *self);
/* NULL: the stack that the program began with. */
void       coroutine_switch (Coroutine *to);

G_END_DECLS
