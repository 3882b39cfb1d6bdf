/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Words in the user's language. xgettext(1) knows these macros from po/meson.build. Messages of the
 * log are for developers, and stay English, as those of GLib do.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define _(text) flufl_words_get (text)
#define C_(context, text) flufl_words_get_in (context, text)
#define P_(one, many, n) flufl_words_get_plural (one, many, (gulong) (n))

const char *flufl_words_get        (const char *text) G_GNUC_FORMAT (1);
const char *flufl_words_get_in     (const char *context,
                                    const char *text) G_GNUC_FORMAT (2);
const char *flufl_words_get_plural (const char *one,
                                    const char *many,
                                    gulong      n) G_GNUC_FORMAT (1) G_GNUC_FORMAT (2);
char       *flufl_words_join       (const char *first,
                                    const char *second);

G_END_DECLS
