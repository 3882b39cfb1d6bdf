/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Tokens: names of one hold on a lock, which shells need not quote.
 */

#pragma once

#include <libflufllock.h>

G_BEGIN_DECLS

typedef struct
{
  char *path;   /* owned; of the lock file */
  char *claim;  /* owned; the name of the holder's claim */
  char  kind;   /* whose lock it is: */
} Token;

#define TOKEN_HOLD 'h'
#define TOKEN_RUN 'r'

char    *token_make       (FluflLock *lock, char kind);
gboolean token_parse      (const char *text, Token *out_token);
void     token_clear      (Token *self);
gboolean token_is_of      (const Token *self, FluflLockDetails *details);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Token, token_clear)

G_END_DECLS
