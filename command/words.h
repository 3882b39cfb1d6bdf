/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Words in the user's language. The catalogue is that of the library. xgettext(1) knows these macros
 * from po/meson.build.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define N_(text) (text)

#ifdef ENABLE_NLS
#define _(text) g_dgettext (GETTEXT_PACKAGE, text)
#define C_(context, text) g_dpgettext2 (GETTEXT_PACKAGE, context, text)
#define P_(one, many, n) g_dngettext (GETTEXT_PACKAGE, one, many, (gulong) (n))
#else
#define _(text) (text)
#define C_(context, text) (text)
#define P_(one, many, n) ((n) == 1 ? (one) : (many))
#endif

void  words_begin (void);
char *words_join  (const char *first, const char *second);

G_END_DECLS
