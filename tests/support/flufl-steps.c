/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "flufl-steps.h"

#include <string.h>

/* Only whole seconds are stored. */
static void
touch (const FluflSteps *self, const char *path)
{
  gint64 expiration = self->sys->clock (FLUFL_CLOCK_REAL) + self->lifetime;

  expiration = expiration / FLUFL_NSEC_PER_SEC * FLUFL_NSEC_PER_SEC;
  self->sys->utimens (path, expiration, expiration);
}

/* The claim that the lock file names; NULL if there is no lock file. */
static char *
read_lock (const FluflSteps *self)
{
  char content[512];
  gssize n;
  int fd = self->sys->open (self->lock, FLUFL_OPEN_LOOK);

  if (fd < 0)
    return NULL;
  n = self->sys->read (fd, content, sizeof content);
  self->sys->close (fd);
  return n < 0 ? NULL : g_strndup (content, (gsize) n);
}

static void
break_lock (const FluflSteps *self)
{
  g_autofree char *before = read_lock (self);
  g_autofree char *winner = NULL;

  if (before == NULL)
    return;
  touch (self, self->lock);
  winner = read_lock (self);
  self->sys->unlink (self->lock);
  if (winner != NULL)
    self->sys->unlink (winner);
}

gboolean
flufl_steps_make (const FluflSteps *self)
{
  const gssize length = (gssize) strlen (self->claim);
  int fd = self->sys->open (self->claim, FLUFL_OPEN_CREATE);
  gboolean written;

  if (fd < 0)
    return FALSE;
  written = self->sys->pwrite (fd, self->claim, (gsize) length, 0) == length;
  self->sys->close (fd);
  touch (self, self->claim);
  return written;
}

gboolean
flufl_steps_link (const FluflSteps *self)
{
  return self->sys->link (self->claim, self->lock) == 0;
}

void
flufl_steps_touch (const FluflSteps *self)
{
  touch (self, self->claim);
}

gboolean
flufl_steps_look (const FluflSteps *self)
{
  FluflStat st;

  if (self->sys->lstat (self->lock, &st) != 0)
    return FALSE;
  if (st.mtime + FLUFL_SLOP >= self->sys->clock (FLUFL_CLOCK_REAL))
    return TRUE;
  break_lock (self);
  return FALSE;
}

gboolean
flufl_steps_refresh (const FluflSteps *self)
{
  g_autofree char *content = NULL;
  FluflStat st;

  touch (self, self->claim);
  if (self->sys->lstat (self->lock, &st) != 0 || st.nlink != 2)
    return FALSE;
  content = read_lock (self);
  return g_strcmp0 (content, self->claim) == 0;
}

gboolean
flufl_steps_release (const FluflSteps *self)
{
  if (!flufl_steps_refresh (self))
    return FALSE;
  self->sys->unlink (self->lock);
  self->sys->unlink (self->claim);
  return TRUE;
}
