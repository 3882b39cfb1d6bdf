/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "words.h"

#include <locale.h>

#ifdef ENABLE_NLS
#include <libintl.h>
#endif

/* With a catalogue for the user's language as that of the program, GLib translates its own words,
 * such as “Usage:”, too. Without one it leaves them in English, as ours are. */
void
words_begin (void)
{
  /* Those that messages, numbers and times need. The C library opens two files for each. */
  static const int categories[] = { LC_CTYPE, LC_MESSAGES, LC_NUMERIC, LC_TIME };

  for (gsize i = 0; i < G_N_ELEMENTS (categories); i++)
    setlocale (categories[i], "");
#ifdef ENABLE_NLS
  bindtextdomain (GETTEXT_PACKAGE, FLUFL_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
#endif
}

/* Returns: (transfer full): two texts of complete sentences as one */
char *
words_join (const char *first, const char *second)
{
  /* Translators: This joins two sentences of one message. Both are complete. Leave the blank out if
   * your script has none between sentences. */
  return g_strdup_printf (C_("sentences", "%s %s"), first, second);
}
