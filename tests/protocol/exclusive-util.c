/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the tests of locks without hard links share.
 */

#include "exclusive-util.h"

void
begin_on_fat (void)
{
  fake_disk_reset ();
  fake_disk_kind (FLUFL_FS_FAT);
  fake_disk_granularity (GRAIN);
}

/* A lock of another host that expires @seconds from now, with its claim. */
void
put_lock (const char *name, double seconds)
{
  g_autofree char *line = g_strconcat (name, "^x1\n", NULL);
  g_autofree char *claim = g_strconcat ("/d|e/", name, NULL);

  fake_disk_put (claim, line, -1, FLUFL_FILE_REGULAR);
  fake_disk_put (LOCK, line, -1, FLUFL_FILE_REGULAR);
  fake_disk_set_mtime (LOCK, fake_disk_server_now () + (gint64) (seconds * FAKE_SEC));
}

void
put_mark (const char *who, guint number)
{
  g_autofree char *path = g_strdup_printf ("/d|e/%s^%u", who, number);

  fake_disk_put (path, "", 0, FLUFL_FILE_REGULAR);
}

/* Whether the next one gets the lock within @seconds; it tries each second. */
gboolean
is_free_within (Proc *q, guint seconds)
{
  for (guint i = 0; i <= seconds; i++)
    {
      if (proc_attempt (q) == FLUFL_OUTCOME_HELD)
        return TRUE;
      fake_disk_advance (FAKE_SEC);
    }
  return FALSE;
}

void
sleep_hook (gpointer user_data G_GNUC_UNUSED)
{
  fake_disk_advance (FLUFL_GRACE / 2 + 1);
}
