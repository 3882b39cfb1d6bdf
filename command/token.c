/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A token is base64url of its kind, the lock file's path, NUL, and the claim's name. No two holds
 * have a claim of the same name.
 */

#include "token.h"

#include <string.h>

#include "exits.h"
#include "say.h"
#include "words.h"

char *
token_make (FluflLock *lock, char kind)
{
  g_autoptr (GFile) claim_file = flufl_lock_dup_claim_file (lock);
  g_autofree char *claim = claim_file != NULL ? g_file_get_path (claim_file) : NULL;
  g_autofree char *directory = claim != NULL ? g_path_get_dirname (claim) : NULL;
  g_autofree char *claim_name = claim != NULL ? g_path_get_basename (claim) : NULL;
  g_autofree char *lock_name = g_file_get_basename (flufl_lock_get_file (lock));
  g_autofree char *path = NULL;
  g_autoptr (GString) plain = g_string_new (NULL);
  char *text;

  if (claim == NULL)
    return NULL;
  path = g_build_filename (directory, lock_name, NULL);
  g_string_append_c (plain, kind);
  g_string_append_len (plain, path, (gssize) strlen (path) + 1);
  g_string_append (plain, claim_name);
  text = g_base64_encode ((const guchar *) plain->str, plain->len);
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  text[strcspn (text, "=")] = '\0';
  return text;
}

/* Returns FALSE after it said what is wrong. */
gboolean
token_parse (const char *text, Token *out_token)
{
  g_autofree char *padded = g_strconcat (text, &"==="[(strlen (text) + 3) % 4], NULL);
  g_autofree char *plain = NULL;
  const char *end;
  gsize length;

  g_strdelimit (padded, "-", '+');
  g_strdelimit (padded, "_", '/');
  plain = (char *) g_base64_decode (padded, &length);
  end = length > 2 ? memchr (plain, '\0', length) : NULL;
  if (end == NULL || end[1] == '\0' || plain[1] != '/' || strchr (end + 1, '/') != NULL
      || (plain[0] != TOKEN_HOLD && plain[0] != TOKEN_RUN))
    {
      fail (EXIT_USAGE, _("“%s” is not a token that flufl-lock has printed."), text);
      return FALSE;
    }
  out_token->kind = plain[0];
  out_token->path = g_strdup (plain + 1);
  out_token->claim = g_strndup (end + 1, length - (gsize) (end + 1 - plain));
  return TRUE;
}

void
token_clear (Token *self)
{
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->claim, g_free);
}

/* Whether the holder that @details describe is the token's. */
gboolean
token_is_of (const Token *self, FluflLockDetails *details)
{
  g_autofree char *name = g_file_get_basename (flufl_lock_details_get_claim_file (details));

  return g_strcmp0 (name, self->claim) == 0;
}
