/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Shows whether a file system of Windows has what the library relies on:
 *
 *   windows-facts DIRECTORY
 *
 * It needs nothing but Windows: neither GLib nor the library. Any of these compiles it:
 *
 *   cl windows-facts.c
 *   gcc windows-facts.c -o windows-facts.exe
 *   x86_64-w64-mingw32-gcc windows-facts.c -o windows-facts.exe
 *
 * It works in a folder of its own in DIRECTORY, and removes that folder. The status is 0 if the
 * file system fits, 1 if it does not or if that cannot be found out, and 2 after a wrong use.
 * Calls and flags are those of libflufllock/protocol/flufl-syscalls-windows.c.
 */

#define NTDDI_VERSION 0x0A000000
#define _WIN32_WINNT 0x0A00
#define _CRT_SECURE_NO_WARNINGS

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include <shellapi.h>

#ifdef _MSC_VER
#pragma comment(lib, "shell32.lib")
#endif

#define PATH_MAX_UNITS 32768 /* with the prefix for long paths */
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define DISPOSITION_INFO_EX ((FILE_INFO_BY_HANDLE_CLASS) 21)
#define DISPOSITION_DELETE_POSIX 0x13 /* delete, POSIX, ignore read-only */
#define N_THREADS 6
#define N_REMOVALS 200
#define N_LINKS 100
#define N_REPORTS 10
#define SHARING_TRIES 50
#define PATIENCE 20000     /* milliseconds until something counts as not happening */
#define CHILD_LIFE 60000   /* milliseconds */
#define CHANGE_ROUNDS 12   /* pauses of 1 to 2048 ms */
#define TICKS_PER_MS 10000 /* file times have 100 ns */

typedef enum
{
  FACT_OK,
  FACT_NO,
  FACT_UNKNOWN,
} Fact;

typedef struct
{
  LONGLONG mtime, ctime; /* 100 ns since 1601 */
  DWORD    links;
  DWORD    volume;
  ULONGLONG index;
} Facts;

static wchar_t folder[PATH_MAX_UNITS];
static char missing[1024], unknown[1024], useful[1024];
static int removal_is_posix = -1; /* not tried yet */

/* --- Words --- */

static void
add_word (char *list, size_t size, const char *word)
{
  if (strlen (list) + strlen (word) + 3 > size)
    return;
  if (list[0] != '\0')
    strcat (list, ", ");
  strcat (list, word);
}

static void
print_fact (Fact fact, const char *format, va_list values)
{
  const char *const marks[] = { "ok", "NO", "unknown" };

  printf ("%-9s", marks[fact]);
  vprintf (format, values);
  printf ("\n");
  fflush (stdout);
}

/* A fact without which no lock can be made; @word is what the verdict calls it. */
static void
report_needed (Fact fact, const char *word, const char *format, ...)
{
  va_list values;

  va_start (values, format);
  print_fact (fact, format, values);
  va_end (values);
  if (fact == FACT_NO)
    add_word (missing, sizeof missing, word);
  if (fact == FACT_UNKNOWN)
    add_word (unknown, sizeof unknown, word);
}

/* A fact without which waiting takes longer. */
static void
report_useful (Fact fact, const char *word, const char *format, ...)
{
  va_list values;

  va_start (values, format);
  print_fact (fact, format, values);
  va_end (values);
  if (fact != FACT_OK)
    add_word (useful, sizeof useful, word);
}

/* The file could not be made, so that nothing was seen. */
static void
report_trouble (const char *word, const char *call)
{
  DWORD error = GetLastError ();

  report_needed (FACT_UNKNOWN, word, "%s failed with error %lu.", call, (unsigned long) error);
}

static double
now_ms (void)
{
  LARGE_INTEGER frequency, n;

  QueryPerformanceFrequency (&frequency);
  QueryPerformanceCounter (&n);
  return (double) n.QuadPart * 1000 / (double) frequency.QuadPart;
}

/* --- Files --- */

/* Returns: the path of a file in the folder, to be freed */
static wchar_t *
path_of (const wchar_t *name)
{
  wchar_t *path = malloc ((wcslen (folder) + wcslen (name) + 2) * sizeof (wchar_t));

  if (path == NULL)
    exit (1);
  wcscpy (path, folder);
  wcscat (path, L"\\");
  wcscat (path, name);
  return path;
}

static HANDLE
open_path (const wchar_t *path, DWORD access, DWORD share, DWORD disposition)
{
  HANDLE handle = INVALID_HANDLE_VALUE;

  for (int i = 0; i < SHARING_TRIES; i++)
    {
      handle = CreateFileW (path, access, share, NULL, disposition,
                            FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, NULL);
      if (handle != INVALID_HANDLE_VALUE || GetLastError () != ERROR_SHARING_VIOLATION)
        break;
      Sleep (i < 10 ? 0 : 1);
    }
  return handle;
}

static HANDLE
create (const wchar_t *path)
{
  return open_path (path, GENERIC_READ | GENERIC_WRITE, SHARE_ALL, CREATE_NEW);
}

static BOOL
make (const wchar_t *path)
{
  HANDLE handle = create (path);

  return handle != INVALID_HANDLE_VALUE && CloseHandle (handle);
}

static BOOL
see (const wchar_t *path, Facts *facts)
{
  HANDLE handle = open_path (path, FILE_READ_ATTRIBUTES, SHARE_ALL, OPEN_EXISTING);
  BY_HANDLE_FILE_INFORMATION info;
  FILE_BASIC_INFO basic;
  BOOL done;

  if (handle == INVALID_HANDLE_VALUE)
    return FALSE;
  done = GetFileInformationByHandle (handle, &info)
         && GetFileInformationByHandleEx (handle, FileBasicInfo, &basic, sizeof basic);
  CloseHandle (handle);
  if (!done)
    return FALSE;
  facts->mtime = basic.LastWriteTime.QuadPart;
  facts->ctime = basic.ChangeTime.QuadPart;
  facts->links = info.nNumberOfLinks;
  facts->volume = info.dwVolumeSerialNumber;
  facts->index = ((ULONGLONG) info.nFileIndexHigh << 32) | info.nFileIndexLow;
  return TRUE;
}

static BOOL
exists (const wchar_t *path)
{
  return GetFileAttributesW (path) != INVALID_FILE_ATTRIBUTES;
}

/* The removal for systems that keep the name of an open file: another name comes first. */
static BOOL
rename_and_remove (HANDLE handle)
{
  static volatile LONG number;
  FILE_DISPOSITION_INFO disposition = { TRUE };
  wchar_t name[] = L"gone-00000000";
  LONG n = InterlockedIncrement (&number);
  wchar_t *path;
  FILE_RENAME_INFO *rename;
  size_t size;
  BOOL done;

  for (int i = 0; i < 8; i++)
    name[12 - i] = L"0123456789abcdef"[(n >> (4 * i)) & 15];
  path = path_of (name);
  size = wcslen (path) * sizeof (wchar_t);
  rename = calloc (1, sizeof *rename + size);
  if (rename == NULL)
    exit (1);
  rename->FileNameLength = (DWORD) size;
  memcpy (rename->FileName, path, size);
  done = SetFileInformationByHandle (handle, FileRenameInfo, rename, (DWORD) (sizeof *rename + size))
         && SetFileInformationByHandle (handle, FileDispositionInfo, &disposition,
                                        sizeof disposition);
  free (rename);
  free (path);
  return done;
}

/* As the library removes a name: by a handle that does not share deletion. */
static BOOL
unlink_path (const wchar_t *path)
{
  HANDLE handle = open_path (path, DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE, OPEN_EXISTING);
  DWORD flags = DISPOSITION_DELETE_POSIX, error;
  BOOL done;

  if (handle == INVALID_HANDLE_VALUE)
    return FALSE;
  done = SetFileInformationByHandle (handle, DISPOSITION_INFO_EX, &flags, sizeof flags);
  error = done ? 0 : GetLastError ();
  if (removal_is_posix < 0)
    removal_is_posix = done;
  if (!done
      && (error == ERROR_INVALID_PARAMETER || error == ERROR_NOT_SUPPORTED
          || error == ERROR_INVALID_FUNCTION))
    {
      done = rename_and_remove (handle);
      error = done ? 0 : GetLastError ();
    }
  CloseHandle (handle);
  SetLastError (error);
  return done;
}

/* Removes the folder with all its files. */
static BOOL
clean_up (void)
{
  wchar_t *pattern = path_of (L"*");
  WIN32_FIND_DATAW found;
  HANDLE list = FindFirstFileW (pattern, &found);

  free (pattern);
  if (list != INVALID_HANDLE_VALUE)
    {
      do
        {
          wchar_t *path = path_of (found.cFileName);

          if ((found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
            DeleteFileW (path);
          free (path);
        }
      while (FindNextFileW (list, &found));
      FindClose (list);
    }
  for (int i = 0; i < SHARING_TRIES; i++)
    {
      if (RemoveDirectoryW (folder))
        return TRUE;
      Sleep (10);
    }
  return FALSE;
}

static BOOL WINAPI
interrupted (DWORD event)
{
  (void) event;
  clean_up ();
  return FALSE;
}

/* --- Threads --- */

typedef struct
{
  LPTHREAD_START_ROUTINE func;
  const wchar_t *path;
  wchar_t       *own[N_THREADS]; /* the files that are linked to path */
  volatile LONG  begun, won, strange;
} Race;

static void
wait_for_others (Race *race)
{
  InterlockedIncrement (&race->begun);
  while (race->begun < N_THREADS)
    YieldProcessor ();
}

static DWORD WINAPI
remover (void *data)
{
  Race *race = data;

  wait_for_others (race);
  if (unlink_path (race->path))
    InterlockedIncrement (&race->won);
  else if (exists (race->path))
    InterlockedIncrement (&race->strange);
  return 0;
}

static DWORD WINAPI
linker (void *data)
{
  Race *race = data;
  static volatile LONG next;
  wchar_t *own = race->own[(unsigned) InterlockedIncrement (&next) % N_THREADS];

  wait_for_others (race);
  if (CreateHardLinkW (race->path, own, NULL))
    InterlockedIncrement (&race->won);
  else if (GetLastError () != ERROR_ALREADY_EXISTS && GetLastError () != ERROR_SHARING_VIOLATION)
    InterlockedIncrement (&race->strange);
  return 0;
}

/* Returns: FALSE if a thread could not be started */
static BOOL
run_race (Race *race)
{
  HANDLE threads[N_THREADS];
  int n;

  race->begun = race->won = race->strange = 0;
  for (n = 0; n < N_THREADS; n++)
    {
      threads[n] = CreateThread (NULL, 0, race->func, race, 0, NULL);
      if (threads[n] == NULL)
        break;
    }
  /* The threads that did start wait for the others. */
  if (n < N_THREADS)
    race->begun = N_THREADS;
  for (int i = 0; i < n; i++)
    {
      WaitForSingleObject (threads[i], INFINITE);
      CloseHandle (threads[i]);
    }
  return n == N_THREADS;
}

/* --- The facts --- */

static void
check_volume (void)
{
  wchar_t volume[MAX_PATH + 1], type[MAX_PATH + 1];
  BOOL remote;

  if (!GetVolumePathNameW (folder, volume, MAX_PATH)
      || !GetVolumeInformationW (volume, NULL, 0, NULL, NULL, NULL, type, MAX_PATH))
    {
      report_useful (FACT_UNKNOWN, "kind of the volume",
                     "The volume does not say which file system it has (error %lu).",
                     (unsigned long) GetLastError ());
      return;
    }
  remote = GetDriveTypeW (volume) == DRIVE_REMOTE;
  if (wcscmp (type, L"NTFS") == 0 && !remote)
    report_useful (FACT_OK, "kind of the volume",
                   "The file system is NTFS on a local drive. The library counts it as local.");
  else
    report_useful (FACT_NO, "kind of the volume",
                   "The file system is %ls on a %s drive. The library counts it as another one, and "
                   "uses no life-lines there.",
                   type, remote ? "remote" : "local");
}

static void
check_links (void)
{
  wchar_t *a = path_of (L"links-a"), *b = path_of (L"links-b");
  Facts one, by_a, by_b, after;

  if (!make (a) || !see (a, &one))
    report_trouble ("hard links", "Making a file");
  else if (!CreateHardLinkW (b, a, NULL))
    report_needed (FACT_NO, "hard links", "A hard link cannot be made: error %lu.",
                   (unsigned long) GetLastError ());
  else if (!see (a, &by_a) || !see (b, &by_b))
    report_trouble ("hard links", "Looking at a file with two names");
  else
    {
      BOOL removed = unlink_path (b) && see (a, &after);
      BOOL counted = removed && one.links == 1 && by_a.links == 2 && by_b.links == 2
                     && after.links == 1;

      report_needed (counted ? FACT_OK : FACT_NO, "link counts",
                     "A hard link can be made. The link counts are %lu, then %lu and %lu by the two "
                     "names, and %lu after a removal.",
                     (unsigned long) one.links, (unsigned long) by_a.links,
                     (unsigned long) by_b.links, removed ? (unsigned long) after.links : 0ul);
      report_needed (by_a.index == by_b.index && by_a.volume == by_b.volume ? FACT_OK : FACT_NO,
                     "file identity", "The file has the same index by both names.");
    }
  free (a);
  free (b);
}

/* Repeats link and removal until both have changed the change time, as seen by the other name. The
 * clock of file times may stand still for some milliseconds. */
static void
check_change_time (void)
{
  wchar_t *a = path_of (L"change-a"), *b = path_of (L"change-b");
  BOOL by_link = FALSE, by_unlink = FALSE, seen = make (a);
  Facts before, linked, unlinked;

  for (int i = 0; seen && i < CHANGE_ROUNDS && !(by_link && by_unlink); i++)
    {
      seen = see (a, &before);
      Sleep (1u << i);
      seen = seen && CreateHardLinkW (b, a, NULL) && see (b, &linked);
      Sleep (1u << i);
      seen = seen && unlink_path (b) && see (a, &unlinked);
      if (seen)
        {
          by_link = by_link || linked.ctime != before.ctime;
          by_unlink = by_unlink || unlinked.ctime != linked.ctime;
        }
    }
  if (!seen)
    report_trouble ("change times", "Linking and unlinking a file");
  else
    {
      report_needed (by_link ? FACT_OK : FACT_NO, "link renews the change time",
                     "A new hard link %s the change time that the other name shows.",
                     by_link ? "renews" : "does not renew");
      report_needed (by_unlink ? FACT_OK : FACT_NO, "unlink renews the change time",
                     "The removal of a name %s the change time that the other name shows.",
                     by_unlink ? "renews" : "does not renew");
    }
  free (a);
  free (b);
}

static BOOL
set_time (HANDLE file, LONGLONG time)
{
  HANDLE handle = ReOpenFile (file, FILE_WRITE_ATTRIBUTES, SHARE_ALL, 0);
  FILETIME ft = { (DWORD) time, (DWORD) (time >> 32) };
  BOOL done;

  if (handle == INVALID_HANDLE_VALUE)
    return FALSE;
  done = SetFileTime (handle, NULL, &ft, &ft);
  return CloseHandle (handle) && done;
}

/* Content and times come by other handles than that of the life-line, which never writes. */
static BOOL
write_and_touch (HANDLE file, LONGLONG time)
{
  HANDLE second = ReOpenFile (file, GENERIC_WRITE, SHARE_ALL, 0);
  DWORD n = 0;
  BOOL done;

  if (second == INVALID_HANDLE_VALUE)
    return FALSE;
  done = WriteFile (second, "path", 4, &n, NULL) && n == 4;
  return CloseHandle (second) && done && set_time (file, time);
}

static void
check_modification_time (void)
{
  const LONGLONG wanted = 135379296001234567; /* in 2030 */
  wchar_t *a = path_of (L"times");
  HANDLE maker = create (a);
  Facts open, closed;

  if (maker == INVALID_HANDLE_VALUE || !write_and_touch (maker, wanted) || !see (a, &open))
    report_trouble ("modification times", "Writing and touching a file");
  else
    {
      LONGLONG error = open.mtime > wanted ? open.mtime - wanted : wanted - open.mtime;
      BOOL survives = error < 3 * 1000 * (LONGLONG) TICKS_PER_MS;

      report_needed (survives ? FACT_OK : FACT_NO, "modification time after a touch",
                     "The modification time %s after the handles that wrote and touched are closed.",
                     survives ? "stays" : "changes");
      report_useful (error == 0 ? FACT_OK : FACT_NO, "exact times",
                     error == 0 ? "Times are stored to 100 ns."
                                : "Times are rounded: one was stored %.4f ms off.",
                     (double) error / TICKS_PER_MS);
      Sleep (50);
      CloseHandle (maker);
      maker = INVALID_HANDLE_VALUE;
      survives = see (a, &closed) && closed.mtime == open.mtime;
      report_needed (survives ? FACT_OK : FACT_NO, "modification time after the life-line's close",
                     "The modification time %s when the handle of the life-line is closed.",
                     survives ? "stays" : "changes");
    }
  if (maker != INVALID_HANDLE_VALUE)
    CloseHandle (maker);
  free (a);
}

static void
check_removal_of_open_file (void)
{
  wchar_t *a = path_of (L"open");
  HANDLE file = create (a);

  if (file == INVALID_HANDLE_VALUE)
    report_trouble ("removal of an open file", "Making a file");
  else if (!unlink_path (a))
    report_needed (FACT_NO, "removal of an open file", "An open file cannot be removed: error %lu.",
                   (unsigned long) GetLastError ());
  else
    {
      BOOL gone = !exists (a), again = make (a);

      report_needed (gone && again ? FACT_OK : FACT_NO, "removal of an open file",
                     "The name of an open file %s, and %s free for another file.",
                     gone ? "goes at once" : "stays", again ? "is" : "is not");
      report_needed (FACT_OK, "way of removal", "Removal works %s.",
                     removal_is_posix ? "in the POSIX way"
                                      : "by a rename first; the POSIX way is not available here");
    }
  if (file != INVALID_HANDLE_VALUE)
    CloseHandle (file);
  free (a);
}

static void
check_removers (void)
{
  wchar_t *a = path_of (L"removed");
  Race race = { remover, a, { NULL }, 0, 0, 0 };
  int one = 0, none = 0, several = 0, strange = 0;
  BOOL seen = TRUE;

  for (int i = 0; seen && i < N_REMOVALS; i++)
    {
      seen = make (a) && run_race (&race);
      one += seen && race.won == 1;
      none += seen && race.won == 0;
      several += seen && race.won > 1;
      strange += seen && race.strange > 0;
      if (seen && exists (a))
        unlink_path (a);
    }
  if (!seen)
    report_trouble ("one remover", "Making a file or a thread");
  else
    report_needed (one == N_REMOVALS ? FACT_OK : FACT_NO, "one remover",
                   "Of %d threads that remove one name, one succeeded in %d rounds of %d, none in %d, "
                   "several in %d (%d rounds with another error).",
                   N_THREADS, one, N_REMOVALS, none, several, strange);
  free (a);
}

/* The other file is one that has no link to the name. */
static void
check_existing_name (void)
{
  wchar_t *a = path_of (L"existing"), *b = path_of (L"other");

  if (!make (a) || !make (b))
    report_trouble ("a name that exists", "Making a file");
  else
    {
      BOOL refused = !CreateHardLinkW (a, b, NULL) && GetLastError () == ERROR_ALREADY_EXISTS;
      BOOL unmoved = !MoveFileExW (b, a, 0) && GetLastError () == ERROR_ALREADY_EXISTS;

      report_needed (refused && unmoved ? FACT_OK : FACT_NO, "a name that exists",
                     "A link to a name that exists %s, and a rename to it %s.",
                     refused ? "fails" : "does not fail as it should",
                     unmoved ? "fails" : "does not fail as it should");
    }
  free (a);
  free (b);
}

static void
check_linkers (void)
{
  wchar_t *a = path_of (L"linked");
  Race race = { linker, a, { NULL }, 0, 0, 0 };
  wchar_t name[] = L"own-0";
  BOOL seen = TRUE;
  int one = 0, strange = 0;

  for (int i = 0; i < N_THREADS; i++)
    {
      name[4] = (wchar_t) (L'0' + i);
      race.own[i] = path_of (name);
      seen = seen && make (race.own[i]);
    }
  for (int i = 0; seen && i < N_LINKS; i++)
    {
      seen = run_race (&race) && exists (a);
      one += seen && race.won == 1;
      strange += seen && race.strange > 0;
      seen = seen && unlink_path (a);
    }
  if (!seen)
    report_trouble ("one linker", "Linking a name, or removing it");
  else
    report_needed (one == N_LINKS ? FACT_OK : FACT_NO, "one linker",
                   "Of %d threads that link one name, one succeeded in %d rounds of %d (%d rounds with "
                   "another error).",
                   N_THREADS, one, N_LINKS, strange);
  for (int i = 0; i < N_THREADS; i++)
    free (race.own[i]);
  free (a);
}

/* --- The life-line --- */

/* Whether the file can be opened so that no process may have it open to write. */
static BOOL
ask_for_line (const wchar_t *path, DWORD *error)
{
  HANDLE look = open_path (path, GENERIC_READ, SHARE_ALL, OPEN_EXISTING), second;

  *error = GetLastError ();
  if (look == INVALID_HANDLE_VALUE)
    return FALSE;
  second = ReOpenFile (look, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, 0);
  *error = second == INVALID_HANDLE_VALUE ? GetLastError () : 0;
  if (second != INVALID_HANDLE_VALUE)
    CloseHandle (second);
  CloseHandle (look);
  return second != INVALID_HANDLE_VALUE;
}

static void
check_own_line (void)
{
  wchar_t *a = path_of (L"line");
  HANDLE maker = create (a);
  DWORD error;
  BOOL granted, refused;

  if (maker == INVALID_HANDLE_VALUE)
    report_trouble ("life-line", "Making a file");
  else
    {
      granted = ask_for_line (a, &error);
      refused = !granted && error == ERROR_SHARING_VIOLATION;
      report_needed (refused ? FACT_OK : FACT_NO, "life-line while the maker has it",
                     "While the maker has the file open to write, an opening that denies writing %s.",
                     refused ? "is refused" : granted ? "is granted" : "fails with another error");
      CloseHandle (maker);
      granted = ask_for_line (a, &error);
      report_needed (granted ? FACT_OK : FACT_NO, "life-line after the maker's close",
                     "After the maker's close that opening %s.", granted ? "is granted" : "fails");
    }
  free (a);
}

/* What the child does: it makes the file, and has it open until it is killed. */
static int
hold (const wchar_t *path)
{
  HANDLE maker = create (path);

  if (maker == INVALID_HANDLE_VALUE)
    return 1;
  Sleep (CHILD_LIFE);
  CloseHandle (maker);
  return 0;
}

static BOOL
start_child (const wchar_t *path, PROCESS_INFORMATION *child)
{
  static wchar_t program[PATH_MAX_UNITS];
  STARTUPINFOW start;
  wchar_t *line;
  BOOL done;

  memset (&start, 0, sizeof start);
  start.cb = sizeof start;
  if (GetModuleFileNameW (NULL, program, PATH_MAX_UNITS) == 0)
    return FALSE;
  line = malloc ((wcslen (program) + wcslen (path) + 32) * sizeof (wchar_t));
  if (line == NULL)
    return FALSE;
  wcscpy (line, L"\"");
  wcscat (line, program);
  wcscat (line, L"\" --hold \"");
  wcscat (line, path);
  wcscat (line, L"\"");
  done = CreateProcessW (program, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, child);
  free (line);
  return done;
}

static void
judge_child (const wchar_t *path, HANDLE process)
{
  double began = now_ms ();
  DWORD error;
  BOOL refused, granted = FALSE;

  while (!exists (path) && now_ms () - began < PATIENCE)
    Sleep (1);
  refused = !ask_for_line (path, &error) && error == ERROR_SHARING_VIOLATION;
  began = now_ms ();
  if (!TerminateProcess (process, 9))
    {
      report_trouble ("life-line of a killed process", "TerminateProcess");
      return;
    }
  while (!granted && now_ms () - began < PATIENCE)
    {
      granted = ask_for_line (path, &error);
      if (!granted)
        Sleep (0);
    }
  report_needed (refused && granted ? FACT_OK : FACT_NO, "life-line of a killed process",
                 "The life-line of another process %s while it lives, and %s %.1f ms after the "
                 "process is terminated.",
                 refused ? "is refused" : "is not refused",
                 granted ? "is granted" : "is still refused", now_ms () - began);
}

static void
check_killed_line (void)
{
  wchar_t *a = path_of (L"killed");
  PROCESS_INFORMATION child;

  if (!start_child (a, &child))
    report_trouble ("life-line of a killed process", "Starting this program once more");
  else
    {
      judge_child (a, child.hProcess);
      TerminateProcess (child.hProcess, 9);
      WaitForSingleObject (child.hProcess, PATIENCE);
      CloseHandle (child.hThread);
      CloseHandle (child.hProcess);
    }
  free (a);
}

/* --- Reports of changes --- */

/* Returns: milliseconds from the removal to its report; less than 0 if none came */
static double
time_report (HANDLE directory, const wchar_t *path)
{
  union
  {
    DWORD aligned;
    char  bytes[4096];
  } buffer;
  OVERLAPPED overlapped = { 0 };
  double began, result = -1;
  DWORD n;

  overlapped.hEvent = CreateEventW (NULL, TRUE, FALSE, NULL);
  if (overlapped.hEvent == NULL)
    return -1;
  if (make (path)
      && ReadDirectoryChangesW (directory, &buffer, sizeof buffer, FALSE,
                                FILE_NOTIFY_CHANGE_FILE_NAME, NULL, &overlapped, NULL))
    {
      began = now_ms ();
      if (unlink_path (path) && WaitForSingleObject (overlapped.hEvent, PATIENCE) == WAIT_OBJECT_0)
        result = now_ms () - began;
      else
        CancelIo (directory);
      /* The kernel writes to the buffer until then. */
      GetOverlappedResult (directory, &overlapped, &n, TRUE);
    }
  CloseHandle (overlapped.hEvent);
  return result;
}

static void
check_reports (void)
{
  wchar_t *a = path_of (L"watched");
  HANDLE directory = CreateFileW (folder, FILE_LIST_DIRECTORY, SHARE_ALL, NULL, OPEN_EXISTING,
                                  FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED, NULL);
  double sum = 0, most = 0;
  int n = 0;

  for (; directory != INVALID_HANDLE_VALUE && n < N_REPORTS; n++)
    {
      double took = time_report (directory, a);

      if (took < 0)
        break;
      sum += took;
      most = took > most ? took : most;
    }
  if (n == N_REPORTS)
    report_useful (FACT_OK, "reports of changes",
                   "ReadDirectoryChangesW reports a removal after %.1f ms on average, and %.1f ms at "
                   "most.",
                   sum / n, most);
  else
    report_useful (FACT_NO, "reports of changes", "ReadDirectoryChangesW does not report a removal.");
  if (directory != INVALID_HANDLE_VALUE)
    CloseHandle (directory);
  free (a);
}

/* --- The program --- */

typedef LONG (WINAPI *GetVersionFunc) (OSVERSIONINFOW *);
typedef const char *(*GetWineVersionFunc) (void);

static void
print_system (void)
{
  HMODULE ntdll = GetModuleHandleW (L"ntdll.dll");
  OSVERSIONINFOW version = { sizeof version, 0, 0, 0, 0, { 0 } };
  GetVersionFunc get_version;
  GetWineVersionFunc get_wine;
  FARPROC found;

  found = GetProcAddress (ntdll, "RtlGetVersion");
  memcpy (&get_version, &found, sizeof found);
  if (get_version != NULL)
    get_version (&version);
  found = GetProcAddress (ntdll, "wine_get_version");
  memcpy (&get_wine, &found, sizeof found);
  printf ("System: Windows %lu.%lu.%lu", (unsigned long) version.dwMajorVersion,
          (unsigned long) version.dwMinorVersion, (unsigned long) version.dwBuildNumber);
  if (get_wine != NULL)
    printf (", which is Wine %s. Wine proves nothing about NTFS.", get_wine ());
  printf ("\n");
}

static BOOL
is_slash (wchar_t c)
{
  return c == L'\\' || c == L'/';
}

/* Makes the folder. Returns: a sentence about what is wrong, or NULL */
static const char *
make_folder (const wchar_t *directory)
{
  static wchar_t full[PATH_MAX_UNITS];
  wchar_t suffix[] = L"\\.flufl-facts-00000000";
  DWORD attributes, length, number = GetCurrentProcessId ();

  length = GetFullPathNameW (directory, PATH_MAX_UNITS, full, NULL);
  if (length == 0 || length > PATH_MAX_UNITS - 64)
    return "The name of the directory is not one that Windows allows.";
  attributes = GetFileAttributesW (full);
  if (attributes == INVALID_FILE_ATTRIBUTES)
    return "There is no such directory. Create it first, or name another one.";
  if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
    return "It is a file. Name a directory.";
  while (length > 0 && is_slash (full[length - 1]))
    full[--length] = L'\0';
  /* The prefix is for paths of more than 260 characters. */
  if (wcsncmp (full, L"\\\\?\\", 4) == 0 || wcsncmp (full, L"\\\\.\\", 4) == 0)
    wcscpy (folder, full);
  else if (is_slash (full[0]) && is_slash (full[1]))
    wcscat (wcscpy (folder, L"\\\\?\\UNC\\"), full + 2);
  else
    wcscat (wcscpy (folder, L"\\\\?\\"), full);
  for (int i = 0; i < 8; i++)
    suffix[wcslen (suffix) - 1 - (size_t) i] = L"0123456789abcdef"[(number >> (4 * i)) & 15];
  wcscat (folder, suffix);
  if (!CreateDirectoryW (folder, NULL))
    return "No folder can be made in it. Name a directory that this user may write to.";
  return NULL;
}

static int
print_verdict (void)
{
  printf ("\n");
  if (missing[0] != '\0')
    printf ("This file system does not fit: %s.\n", missing);
  else if (unknown[0] != '\0')
    printf ("It is not known whether this file system fits. Not found out: %s.\n", unknown);
  else
    printf ("This file system fits.\n");
  if (useful[0] != '\0')
    printf ("Locks cost more time here, for want of: %s.\n", useful);
  printf ("\nPlease send all of this output to the libflufllock project, as a new issue of its\n"
          "repository. Say which version of Windows and which kind of disk it is, and whether a virus\n"
          "scanner runs. Every such report helps to support Windows.\n");
  return missing[0] == '\0' && unknown[0] == '\0' ? 0 : 1;
}

static int
check_all (const wchar_t *directory)
{
  const char *trouble = make_folder (directory);

  if (trouble != NULL)
    {
      printf ("windows-facts: %s\n", trouble);
      return 2;
    }
  SetConsoleCtrlHandler (interrupted, TRUE);
  print_system ();
  check_volume ();
  check_links ();
  check_change_time ();
  check_modification_time ();
  check_removal_of_open_file ();
  check_removers ();
  check_existing_name ();
  check_linkers ();
  check_own_line ();
  check_killed_line ();
  check_reports ();
  if (!clean_up ())
    printf ("         The folder whose name begins with .flufl-facts- could not be removed. Remove it by hand.\n");
  return print_verdict ();
}

int
main (void)
{
  int n = 0, status;
  wchar_t **arguments = CommandLineToArgvW (GetCommandLineW (), &n);

  SetConsoleOutputCP (CP_UTF8);
  if (arguments != NULL && n == 3 && wcscmp (arguments[1], L"--hold") == 0)
    status = hold (arguments[2]);
  else if (arguments == NULL || n != 2 || arguments[1][0] == L'-')
    {
      printf ("Usage: windows-facts DIRECTORY\n\n"
              "Shows whether the file system of the directory has what libflufllock relies on. It works\n"
              "in a folder of its own there, and removes the folder. It takes some seconds.\n");
      status = arguments != NULL && n == 2 && wcscmp (arguments[1], L"--help") == 0 ? 0 : 2;
    }
  else
    status = check_all (arguments[1]);
  LocalFree (arguments);
  return status;
}
