/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * break [--force] FILE: break FILE.lock if its holder is proved dead, or if the
 * lock expired more than ten seconds ago. With --force break it whoever holds it.
 */

#include <libflufllock.h>
#include <locale.h>

int
main (int argc, char *argv[])
{
  gboolean force = FALSE;
  const GOptionEntry entries[] = {
    { "force", 'f', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &force,
      "Break the lock even if its holder lives, which then loses it", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, ""); /* messages have quotation marks of the user's charset */
  context = g_option_context_new ("FILE");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2)
    {
      g_printerr ("Usage: break [--force] FILE\n");
      return 2;
    }

  /* Without FLUFL_BREAK_FORCE a holder that refreshes its lock keeps it. The call may wait to see that
   * nothing changes: some seconds, or a third of the lifetime longer if the holder lives. */
  file = g_file_new_for_path (argv[1]);
  lock = flufl_lock_new_beside (file);
  if (flufl_lock_break_lock (lock, force ? FLUFL_BREAK_FORCE : FLUFL_BREAK_NONE, NULL, &error))
    return 0;
  g_printerr ("%s\n", error->message);
  return 1;
}
