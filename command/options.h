/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the command lines of all subcommands have in common.
 */

#pragma once

#include <libflufllock.h>

G_BEGIN_DECLS

/* How to read the command line of a subcommand. */
typedef struct
{
  const char         *usage;   /* what follows the options, such as "LOCKFILE"; to be translated */
  const char         *summary; /* to be translated */
  const GOptionEntry *entries;
  const GOptionEntry *more;    /* nullable */
  gboolean            is_strict; /* options end at the first argument that is none */
  gboolean            has_no_lock; /* so that no option says of what kind the locks are */
} OptionsKind;

gboolean options_parse   (const OptionsKind *kind, int *argc, char ***argv);
gboolean options_seconds (const char *option, const char *text, gint64 *out_msec);
gboolean options_number  (const char *option, const char *text, gint64 max, gint64 *out_number);
gboolean options_count   (const OptionsKind *kind, int argc, int min, int max);

gboolean options_without_links (void);
FluflLock *options_make_lock (const char *path, const char *program);

G_END_DECLS
