/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * mounts-worker LOCK LEDGER LOG TURNS WITHOUT CALL: takes TURNS turns, or turns without end if that is 0,
 * at a number in the file LEDGER. Each turn that is over adds a byte to LOG. The flock(2) on LEDGER,
 * which lies on a file system that has it, shows whether two are inside at once. Before the system
 * call of the number CALL, if that is not 0, the process dies.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "faulty-calls.h"
#include "flufl-lock-private.h"

#define TIMEOUT_MS (120 * 1000)

static void G_GNUC_NORETURN
fail (const char *what, const char *why)
{
  g_printerr ("%s: %s\n", what, why);
  exit (1);
}

static void
take_turn (const char *ledger, int log)
{
  int fd = open (ledger, O_RDWR | O_CLOEXEC);
  char text[32] = "";

  if (fd < 0)
    fail (ledger, g_strerror (errno));
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    fail ("inside", "somebody else holds the lock, too");
  if (pread (fd, text, sizeof text - 1, 0) < 0)
    fail (ledger, g_strerror (errno));
  g_usleep (1000);
  g_snprintf (text, sizeof text, "%d\n", atoi (text) + 1);
  if (pwrite (fd, text, strlen (text), 0) < 0 || write (log, ".", 1) != 1)
    fail (ledger, g_strerror (errno));
  close (fd);
}

static void
die (void)
{
  raise (SIGKILL);
}

/* The table that counts is for one thread, so there is no heartbeat. */
static void
die_at (FluflLock *lock, guint call)
{
  const Blow blow = { .kind = BLOW_HOOK_BEFORE, .hook = die };

  if (call == 0)
    return;
  faulty_order (call, &blow);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
}

int
main (int argc, char *argv[])
{
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (GError) error = NULL;
  int log, turns;

  if (argc != 7)
    fail ("mounts-worker", "LOCK LEDGER LOG TURNS WITHOUT CALL");
  if (atoi (argv[6]) > 0)
    {
      faulty_begin (&flufl_syscalls_native, NULL);
      flufl_lock_syscalls = &faulty_syscalls;
    }
  file = g_file_new_for_path (argv[1]);
  lock = g_object_new (FLUFL_TYPE_LOCK, "file", file, "without-links", atoi (argv[5]) != 0, NULL);
  die_at (lock, (guint) atoi (argv[6]));
  log = open (argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log < 0)
    fail (argv[3], g_strerror (errno));
  turns = atoi (argv[4]);
  for (int turn = 0; turns == 0 || turn < turns; turn++)
    {
      if (!flufl_lock_acquire (lock, TIMEOUT_MS, NULL, &error))
        fail ("not acquired", error->message);
      take_turn (argv[2], log);
      if (!flufl_lock_release (lock, NULL, &error))
        fail ("not released", error->message);
    }
  return 0;
}
