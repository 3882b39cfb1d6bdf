/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-words-private.h"

#ifdef ENABLE_NLS

#include <libintl.h>

/* The first message finds the catalogues. The library never calls setlocale(3): the language is that
 * of the program. */
static const char *
get_domain (void)
{
  static gsize bound;

  if (g_once_init_enter (&bound))
    {
      bindtextdomain (GETTEXT_PACKAGE, FLUFL_LOCALE_DIR);
      bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
      g_once_init_leave (&bound, 1);
    }
  return GETTEXT_PACKAGE;
}

const char *
flufl_words_get (const char *text)
{
  return g_dgettext (get_domain (), text);
}

const char *
flufl_words_get_in (const char *context, const char *text)
{
  return g_dpgettext2 (get_domain (), context, text);
}

const char *
flufl_words_get_plural (const char *one, const char *many, gulong n)
{
  return g_dngettext (get_domain (), one, many, n);
}

#else

const char *
flufl_words_get (const char *text)
{
  return text;
}

const char *
flufl_words_get_in (const char *context G_GNUC_UNUSED, const char *text)
{
  return text;
}

const char *
flufl_words_get_plural (const char *one, const char *many, gulong n)
{
  return n == 1 ? one : many;
}

#endif

/*
 * flufl_words_join:
 * @first: sentences
 * @second: (nullable): the sentences that follow, if any
 *
 * Returns: (transfer full): one text of both
 */
char *
flufl_words_join (const char *first, const char *second)
{
  if (second == NULL || second[0] == '\0')
    return g_strdup (first);
  /* Translators: This joins two sentences of one message. Both are complete. Leave the blank out if
   * your script has none between sentences. */
  return g_strdup_printf (C_("sentences", "%s %s"), first, second);
}
