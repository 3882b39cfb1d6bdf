/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The kill matrix on Windows: processes end at once before each of their calls, on a real disk.
 * There is no fork(2), so the program starts itself as the victim:
 *
 *   test-windows-kill [--third | --others] [OPTION...]
 *   test-windows-kill victim PID SCENE GROUND NTH CONTENDED    PID is that of the test
 *
 * A process takes a while to start. --third is a quick part: each third call, where a life-line
 * shows the death, while nobody contends. --others is what that leaves out.
 */

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "killing.h"
#include "shared-memory.h"

/* No victim is waited for as long as this, in milliseconds, unless the test fails. */
#define PATIENCE 60000
#define EXIT_KILLED 9
#define STARTS 5 /* of one victim, at most */

static gboolean third, others;
static HANDLE victim; /* the process that lives or is being waited for */

static int
start (guint nth, gboolean contended)
{
  wchar_t program[MAX_PATH];
  g_autofree wchar_t *command = NULL;
  g_autofree char *arguments
      = g_strdup_printf ("test-windows-kill victim %lu %u %u %u %d", GetCurrentProcessId (),
                         (guint) (killing.scene - scenes), (guint) (killing.ground - grounds), nth,
                         contended);
  STARTUPINFOW info = { .cb = sizeof info };
  PROCESS_INFORMATION process;

  command = (wchar_t *) g_utf8_to_utf16 (arguments, -1, NULL, NULL, NULL);
  g_assert_cmpuint (GetModuleFileNameW (NULL, program, MAX_PATH), <, MAX_PATH);
  /* A console would be another process for each victim. */
  for (int tries = 1; !CreateProcessW (program, command, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL,
                                       &info, &process);
       tries++)
    {
      DWORD error = GetLastError ();

      /* Under load Wine 8 refuses one start of two thousand. */
      g_test_message ("CreateProcessW() failed with error %lu", error);
      if (tries == STARTS)
        g_error ("no victim could be started: error %lu", error);
      Sleep (100);
    }
  CloseHandle (process.hThread);
  g_assert_null (victim);
  victim = process.hProcess;
  return (int) process.dwProcessId;
}

/* Its end is not enough: a victim that failed in any other way would show nothing. */
static void
await (int pid G_GNUC_UNUSED)
{
  DWORD status;

  g_assert_cmpuint (WaitForSingleObject (victim, PATIENCE), ==, WAIT_OBJECT_0);
  g_assert_true (GetExitCodeProcess (victim, &status));
  g_assert_cmpuint (status, ==, killing.ring->ended ? EXIT_SUCCESS : EXIT_KILLED);
  CloseHandle (victim);
  victim = NULL;
}

static gboolean
has_ended (int pid)
{
  if (WaitForSingleObject (victim, 0) != WAIT_OBJECT_0)
    return FALSE;
  await (pid);
  return TRUE;
}

static void
die (void)
{
  TerminateProcess (GetCurrentProcess (), EXIT_KILLED);
}

static const Killer killer = { start, has_ended, await, die };

/* Whether the part of the matrix that was asked for has the case. */
static gboolean
is_asked (guint nth, gboolean contended)
{
  gboolean in_third = killing.ground == &grounds[0] && !contended
                      && (nth + (guint) (killing.scene - scenes)) % 3 == 0;

  return third ? in_third : others ? !in_third : TRUE;
}

static void
run (guint nth, gboolean contended)
{
  if (!is_asked (nth, contended))
    return;
  killing_run (nth, contended);
  g_assert_false (killing.ring->ended); /* it was killed indeed */
}

static void
test_kill (gconstpointer data)
{
  if (!killing_begin (data))
    return;
  for (gsize g = 0; g < (third ? 1 : N_GROUNDS); g++)
    {
      guint n_calls;

      killing.ground = &grounds[g];
      if ((killing.scene->kinds & KIND (killing.ground->kind)) == 0)
        continue;
      n_calls = killing_count ();
      for (guint nth = 1; nth <= n_calls + 1; nth++)
        {
          run (nth, FALSE);
          if (!killing.ring->guarded && killing.ground->break_dead)
            run (nth, TRUE);
        }
    }
  killing_end ();
}

static int
be_victim (char *argv[])
{
  shared_memory_join ((guint32) atoi (argv[2]));
  killing_init (&killer);
  killing.scene = &scenes[atoi (argv[3])];
  killing.ground = &grounds[atoi (argv[4])];
  killing_suffer ((guint) atoi (argv[5]), atoi (argv[6]));
  return EXIT_FAILURE;
}

int
main (int argc, char *argv[])
{
  int status;

  if (argc == 7 && strcmp (argv[1], "victim") == 0)
    return be_victim (argv);
  third = argc > 1 && strcmp (argv[1], "--third") == 0;
  others = argc > 1 && strcmp (argv[1], "--others") == 0;
  if (third || others)
    {
      argv[1] = argv[0];
      argv++;
      argc--;
    }
  g_test_init (&argc, &argv, NULL);
  killing_init (&killer);
  for (guint i = 0; i < n_scenes; i++)
    {
      g_autofree char *killed = g_strdup_printf ("/windows-killed/%s", scenes[i].name);

      g_test_add_data_func (g_strdelimit (killed, " ,", '-'), &scenes[i], test_kill);
    }
  status = g_test_run ();
  g_print ("# figures: %u processes killed\n", killing.n_all_runs);
  killing_say_times ();
  killing_clear ();
  return status;
}
