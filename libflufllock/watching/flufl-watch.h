/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Events of a file, reported by this kernel. A watch can only make a wait shorter: it sees no
 * change made by another machine, and the system may provide none.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FLUFL_WATCH_ARMED,       /* all events from now on are reported */
  FLUFL_WATCH_GONE,        /* there is no such file */
  FLUFL_WATCH_UNAVAILABLE, /* no event will be reported */
} FluflWatchResult;

typedef enum
{
  FLUFL_WATCH_REMOVED = 1 << 0, /* the inode was removed or renamed, or (kqueue) the path names
                                 * another file or none. The watch has ended */
  FLUFL_WATCH_CLOSED = 1 << 1,  /* somebody who could write has closed it */
  FLUFL_WATCH_CHANGED = 1 << 2, /* link count, times or permissions changed */
  FLUFL_WATCH_WRITTEN = 1 << 3, /* somebody wrote to it */
  FLUFL_WATCH_NAMES = 1 << 4,   /* a name in the directory has come or gone */
} FluflWatchEvents;

#define FLUFL_WATCH_EVERYTHING \
  (FLUFL_WATCH_REMOVED | FLUFL_WATCH_CLOSED | FLUFL_WATCH_CHANGED | FLUFL_WATCH_WRITTEN \
   | FLUFL_WATCH_NAMES)

/* Called by whoever dispatches. May not add or remove watches. */
typedef void (*FluflWatchFunc) (FluflWatchEvents events, gpointer user_data);

/* One party's interest in one file, or in the names of a directory. Belongs to the party; all zero:
 * none. */
typedef struct
{
  FluflWatchFunc   func;
  gpointer         user_data;
  int              pid; /* of the process whose end is reported as CLOSED; 0: unknown */
  const char      *prefix; /* borrowed; nullable; NAMES may be limited to the names that begin so */

  /* Private. */
  FluflWatchEvents wanted;
  gpointer         state;
  gpointer         watched; /* nullable: ended */
  GList            link;
} FluflWatch;

FluflWatchResult flufl_watch_add      (FluflWatch       *watch,
                                       const char       *path,
                                       FluflWatchEvents  wanted);
void             flufl_watch_remove   (FluflWatch       *watch);
int              flufl_watch_fd       (void);
void             flufl_watch_dispatch (void);
guint            flufl_watch_count    (void);

/* Whether %FLUFL_WATCH_CLOSED is only reported for the process in FluflWatch.pid. */
gboolean         flufl_watch_needs_process (void);

G_END_DECLS
