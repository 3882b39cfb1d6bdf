/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Whether this is still the process that it was. After fork(2) a child has only the thread that
 * forked. The parent's other threads never give back in the child what they held. State that
 * threads share therefore begins anew there.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

extern int flufl_process_own_mark;

/* A number, not 0, that no ancestor of this process had when it forked. The process id is no
 * such number, for it is 1 in each pid namespace within another; and it costs a system call. */
static inline int
flufl_process_mark (void)
{
  return flufl_process_own_mark;
}

typedef int (*FluflCloseFunc) (int fd);

/* Called in a forked child, in its only thread, before anything else. */
typedef void (*FluflForkFunc) (void);

void     flufl_process_on_fork      (FluflForkFunc  func);
void     flufl_process_lock_entry   (void);
void     flufl_process_unlock_entry (void);

/* The beginning of state that a forked child has anew. */
typedef struct _FluflPerProcess FluflPerProcess;

struct _FluflPerProcess
{
  FluflPerProcess *parents; /* left as it was at the fork, and so not freed */
  int              process; /* its mark */
};

typedef void (*FluflStateFunc) (gpointer state);

gpointer flufl_process_get_own      (FluflPerProcess **current,
                                     gsize             size,
                                     FluflStateFunc    init,
                                     FluflStateFunc    clear);

guint64  flufl_process_keep_file    (int            fd,
                                     FluflCloseFunc close_func);
gboolean flufl_process_forget_file  (guint64        id);

G_END_DECLS
