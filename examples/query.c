/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * query FILE: print who holds FILE.lock, and until when. The status is 0 if the
 * lock is free, 1 if somebody holds it, and 2 if that cannot be found out.
 */

#include <libflufllock.h>
#include <locale.h>

/* Other processes write the names, in UTF-8. A control character could move the cursor of a
 * terminal or change its colours. */
static char *
dup_printable (const char *name)
{
  g_autoptr (GString) printable = g_string_new (NULL);

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (printable, g_unichar_isprint (c) ? c : '?');
    }
  return g_string_free (g_steal_pointer (&printable), FALSE);
}

static void
print_details (FluflLockDetails *details)
{
  const char *host_name = flufl_lock_details_get_host_name (details);
  const char *program_name = flufl_lock_details_get_program_name (details);
  g_autofree char *host = dup_printable (host_name != NULL ? host_name : "an unknown host");
  g_autofree char *program = program_name != NULL ? dup_printable (program_name) : NULL;
  FluflLockState state = flufl_lock_details_get_state (details);
  g_autoptr (GDateTime) expiration = NULL;
  g_autofree char *until = NULL;

  expiration = g_date_time_to_local (flufl_lock_details_get_expiration (details));
  until = g_date_time_format (expiration, "%F %T");

  g_print ("Process %d on %s holds the lock.\n", flufl_lock_details_get_pid (details), host);
  if (program != NULL) /* not all holders write theirs */
    g_print ("Its program is %s.\n", program);
  if (state == FLUFL_LOCK_STATE_STALE)
    g_print ("The holder is dead: the next acquisition breaks the lock.\n");
  else if (state == FLUFL_LOCK_STATE_THEIRS_EXPIRED)
    g_print ("The lock expired at %s.\n", until);
  else
    g_print ("The lock expires at %s unless it is refreshed.\n", until);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GFile) file = NULL;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, ""); /* messages have quotation marks of the user's charset */
  if (argc != 2)
    {
      g_printerr ("Usage: query FILE\n");
      return 2;
    }

  file = g_file_new_for_path (argv[1]);
  lock = flufl_lock_new_beside (file);
  details = flufl_lock_query_details (lock, NULL, &error);
  if (details != NULL)
    {
      print_details (details);
      return 1;
    }
  if (g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD))
    {
      g_print ("The lock is free.\n");
      return 0;
    }
  g_printerr ("%s\n", error->message);
  return 2;
}
