/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The names of a lock's claims, out of its directory.
 *
 * To read a directory takes about 0.3 µs a name, whatever the names are. A small directory is read
 * each time. The process keeps the names of a large one for a multiple of the time that the reading
 * took. So it spends at most a small part of its time on reading. Waiters of this process report
 * what they know to be newer than the reading. A claim of another process may be missing, or gone:
 * the roll serves the order of the queue, which is a hint.
 */

#pragma once

#include "flufl-site.h"

G_BEGIN_DECLS

typedef struct
{
  guint    n_names;  /* in the directory, whatever they are */
  gboolean is_cut;   /* the directory is too large to be read, and only its begin was */
  gboolean is_kept;  /* from an earlier reading */
} FluflRollCall;

int  flufl_roll_call (const FluflSite *site,
                      const char      *own_name,
                      gboolean         keep_many,
                      FluflNameFunc    func,
                      gpointer         user_data,
                      FluflRollCall   *out_call);
gint64 flufl_roll_estimate (const FluflSite *site);
void flufl_roll_strike (const FluflSite *site,
                        const char      *name);
void flufl_roll_forget (void);

/* The number of names from which on a directory is large, the multiple of the reading time for
 * which its names are kept, and the number from which on it is too large. Tests set them. */
extern guint flufl_roll_large;
extern gint64 flufl_roll_kept_times;
extern guint flufl_roll_names_max;

G_END_DECLS
