/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The subcommands. Each returns the exit status of the program.
 */

#pragma once

int command_break    (int argc, char **argv);
int command_clean    (int argc, char **argv);
int command_doctor   (int argc, char **argv);
int command_hold     (int argc, char **argv);
int command_list     (int argc, char **argv);
int command_refresh  (int argc, char **argv);
int command_release  (int argc, char **argv);
int command_run      (int argc, char **argv);
int command_status   (int argc, char **argv);
int command_wait     (int argc, char **argv);
int command_watch    (int argc, char **argv);
