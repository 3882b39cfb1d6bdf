/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "flufl-process.h"

#include <pthread.h>

static int mark = 1;
static GMutex entry;

/* In the child's only thread. */
static void
forked_cb (void)
{
  mark++;
  g_mutex_init (&entry);
}

/* At start, not at first use: another thread might fork just then. */
__attribute__ ((constructor)) static void
watch_forks (void)
{
  if (pthread_atfork (NULL, NULL, forked_cb) != 0)
    g_error ("libflufllock: no memory to watch over fork(2)");
}

/*
 * flufl_process_mark:
 *
 * Returns: a number, not 0, that no ancestor of this process had when it forked.
 *   The process id is no such number, for it is 1 in each pid namespace within
 *   another; and it costs a system call.
 */
int
flufl_process_mark (void)
{
  return mark;
}

/*
 * flufl_process_lock_entry:
 *
 * For what is made anew in place: one thread of a child does it. Can always be
 * had soon, also in a child whose parent had it.
 */
void
flufl_process_lock_entry (void)
{
  g_mutex_lock (&entry);
}

void
flufl_process_unlock_entry (void)
{
  g_mutex_unlock (&entry);
}
