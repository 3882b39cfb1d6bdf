/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the tests of locks without hard links share: docs/without-links.md.
 */

#pragma once

#include "protocol-util.h"

#define GRAIN (2 * FAKE_SEC)
#define REMOTE "x.lock^elsewhere^77^T00000000000000ffR0123456789abE"

void begin_on_fat (void);
void put_lock     (const char *name, double seconds);
void put_mark     (const char *who, guint number);
gboolean is_free_within (Proc *q, guint seconds);
void sleep_hook   (gpointer user_data);
