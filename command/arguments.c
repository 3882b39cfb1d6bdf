/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "arguments.h"

#include <string.h>

/* @name: (nullable): the long name, otherwise the option has the @letter */
static gboolean
takes_value (const OptionsKind *kind, const char *name, char letter)
{
  const GOptionEntry *const lists[] = { kind->entries, kind->more };

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    for (const GOptionEntry *entry = lists[i]; entry != NULL && entry->long_name != NULL; entry++)
      if (name != NULL ? strcmp (entry->long_name, name) == 0 : entry->short_name == letter)
        return entry->arg != G_OPTION_ARG_NONE;
  return FALSE;
}

/* Returns: the length of “-x” or “-xyz” up to the first letter that takes a value; 0: there is none */
static gsize
find_value (const OptionsKind *kind, const char *text)
{
  for (gsize i = 1; text[i] != '\0'; i++)
    if (takes_value (kind, NULL, text[i]))
      return i + 1;
  return 0;
}

/* Adds an option. Returns whether its value is the next argument. */
static gboolean
add_option (const OptionsKind *kind, GPtrArray *split, char *text)
{
  g_autofree char *letters = NULL;
  gsize length = text[1] == '-' ? 0 : find_value (kind, text);

  if (length == 0 || text[length] == '\0')
    {
      g_ptr_array_add (split, text);
      return length > 0 || (text[1] == '-' && takes_value (kind, text + 2, '\0'));
    }
  letters = g_strndup (text, length);
  g_ptr_array_add (split, (char *) g_intern_string (letters)); /* as the command line, it stays */
  g_ptr_array_add (split, text + length);
  return FALSE;
}

/*
 * arguments_split:
 *
 * Makes “-w 5” of “-w5”, which flock(1) takes and GOptionContext does not. What follows the options of a
 * strict command line belongs to another program, and stays.
 *
 * Returns: the new arguments, which last until the end of the program
 */
char **
arguments_split (const OptionsKind *kind, int *argc, char **argv)
{
  static GPtrArray *split;
  int i = 0;

  split = g_ptr_array_new ();
  g_ptr_array_add (split, argv[i++]);
  while (i < *argc && strcmp (argv[i], "--") != 0 && (!kind->is_strict || argv[i][0] == '-'))
    if (argv[i][0] != '-')
      g_ptr_array_add (split, argv[i++]);
    else if (add_option (kind, split, argv[i++]) && i < *argc)
      g_ptr_array_add (split, argv[i++]);
  while (i < *argc)
    g_ptr_array_add (split, argv[i++]);
  *argc = (int) split->len;
  g_ptr_array_add (split, NULL);
  return (char **) split->pdata;
}
