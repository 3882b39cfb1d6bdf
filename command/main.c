/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * flufl-lock, the command for shells.
 */

#include <string.h>

#include <libflufllock.h>

#include "commands.h"
#include "exits.h"
#include "say.h"
#include "surroundings.h"
#include "words.h"

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *summary;
} commands[] = {
  /* Translators: What follows is a list of subcommands, each with what it does. */
  { "run", command_run, N_("run a command, and hold a lock meanwhile") },
  { "hold", command_hold, N_("hold a lock in the background, and print a token") },
  { "release", command_release, N_("release a lock that “hold” acquired") },
  { "refresh", command_refresh, N_("refresh a lock, or change its lifetime") },
  { "status", command_status, N_("show who holds each lock") },
  { "list", command_list, N_("show the held locks in a directory") },
  { "wait", command_wait, N_("wait until a lock is free or its holder is dead") },
  { "break", command_break, N_("break a lock that has expired or whose holder is dead") },
  { "watch", command_watch, N_("show the holder and the waiters, again after each change") },
  { "clean", command_clean, N_("remove the claims that dead processes have left") },
  { "doctor", command_doctor, N_("examine whether and how locks work in a directory") },
};

static int
print_help (void)
{
  g_print ("%s\n\n%s\n\n", _("Usage: flufl-lock SUBCOMMAND [OPTION…] ARGUMENT…"),
           _("Lock files for shells and scripts, on one machine or over NFS."));
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  %-8s %s\n", commands[i].name, _(commands[i].summary));
  g_print ("\n%s\n", _("flufl-lock SUBCOMMAND --help lists the options. The manual page has examples."));
  return EXIT_DONE;
}

int
main (int argc, char **argv)
{
  surroundings_begin ();
  words_begin ();
  g_set_print_handler (print_help_text);
  if (argc < 2)
    return fail (EXIT_USAGE, _("There is no subcommand. See flufl-lock --help."));
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (argv[1], commands[i].name) == 0)
      return check_output (commands[i].run (argc - 1, argv + 1));
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0)
    return print_help ();
  if (strcmp (argv[1], "--version") == 0 || strcmp (argv[1], "-V") == 0)
    {
      print_line ("flufl-lock " FLUFL_VERSION_S);
      return check_output (EXIT_DONE);
    }
  return fail (EXIT_USAGE, _("There is no subcommand “%s”. See flufl-lock --help."), argv[1]);
}
