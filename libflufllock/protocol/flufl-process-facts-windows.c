/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Windows shows when a process was created. It does not show that a process is stopped.
 */

#define _WIN32_WINNT 0x0A00

#include "config.h"

#include "flufl-process-facts.h"

#include <string.h>
#include <windows.h>
#include <winternl.h>

typedef struct
{
  LARGE_INTEGER boot_time;
  LARGE_INTEGER current_time;
  LARGE_INTEGER time_zone_bias;
  ULONG         time_zone_id;
  ULONG         reserved;
  ULONGLONG     boot_time_bias;
  ULONGLONG     sleep_time_bias;
} TimeOfDay;

/* Milliseconds since 1601: the tag S has no room for more. 0: unknown. */
static guint64
find_start (HANDLE process)
{
  FILETIME created, exited, kernel, user;

  if (!GetProcessTimes (process, &created, &exited, &kernel, &user))
    return 0;
  return (((guint64) created.dwHighDateTime << 32) | created.dwLowDateTime) / 10000;
}

/* The machine and the moment of its boot stand for the boot. There are no namespaces. */
void
flufl_process_facts_find (const FluflSyscalls *sys G_GNUC_UNUSED, FluflIdentity *id)
{
  TimeOfDay time;
  char machine[64] = "";
  DWORD size = sizeof machine;
  g_autofree char *boot = NULL;
  guint64 start = find_start (GetCurrentProcess ());

  if (RegGetValueA (HKEY_LOCAL_MACHINE, "SOFTWARE\\Microsoft\\Cryptography", "MachineGuid",
                    RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, NULL, machine, &size) != ERROR_SUCCESS
      || NtQuerySystemInformation (SystemTimeOfDayInformation, &time, sizeof time, NULL) != 0)
    return;
  boot = g_strdup_printf ("%s %" G_GINT64_FORMAT, machine,
                          (gint64) time.boot_time.QuadPart - (gint64) time.boot_time_bias);
  flufl_process_facts_hash (boot, id->boot);
  flufl_process_facts_hash (boot, id->space);
  if (start != 0)
    g_snprintf (id->start, sizeof id->start, "%" G_GINT64_MODIFIER "x", start);
}

FluflProcessState
flufl_process_facts_ask (const FluflSyscalls *sys, int pid, guint64 *out_start)
{
  FluflProcessState state = FLUFL_PROCESS_UNKNOWN;
  HANDLE process;

  if (sys->kill (pid) != 0 && errno == ESRCH)
    return FLUFL_PROCESS_NONE;
  process = OpenProcess (PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, (DWORD) pid);
  if (process == NULL)
    return GetLastError () == ERROR_INVALID_PARAMETER ? FLUFL_PROCESS_NONE : FLUFL_PROCESS_UNKNOWN;
  *out_start = find_start (process);
  if (*out_start != 0)
    state = WaitForSingleObject (process, 0) == WAIT_TIMEOUT ? FLUFL_PROCESS_RUNNING
                                                             : FLUFL_PROCESS_ENDED;
  CloseHandle (process);
  return state;
}

/* The file's name, without its ending. */
void
flufl_process_facts_name (const FluflSyscalls *sys G_GNUC_UNUSED,
                          int                  pid,
                          char                 out[FLUFL_PROGRAM_MAX + 1])
{
  HANDLE process = OpenProcess (PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD) pid);
  wchar_t path[MAX_PATH];
  DWORD length = MAX_PATH;
  g_autofree char *utf8 = NULL, *name = NULL;

  out[0] = '\0';
  if (process == NULL)
    return;
  if (QueryFullProcessImageNameW (process, 0, path, &length))
    utf8 = g_utf16_to_utf8 ((const gunichar2 *) path, (glong) length, NULL, NULL, NULL);
  CloseHandle (process);
  if (utf8 == NULL)
    return;
  name = g_path_get_basename (utf8);
  if (strlen (name) > 4 && g_ascii_strcasecmp (name + strlen (name) - 4, ".exe") == 0)
    name[strlen (name) - 4] = '\0';
  g_strlcpy (out, name, FLUFL_PROGRAM_MAX + 1);
}
