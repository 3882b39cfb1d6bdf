/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The table for Windows. Paths are in UTF-8, absolute, with '/' between their parts. A descriptor
 * is a handle, of which only the lower 32 bits count.
 *
 * The life-line of a claim is a handle: the maker of the claim has the file open to write. A
 * process that asks for the life-line opens the file once more, in a mode that lets no process have
 * the file open to write. The kernel refuses this while the maker lives, and grants it to one
 * breaker at a time. LockFileEx() on some bytes would do the same, but Windows does not promise
 * that such a lock ends with the process at once. In Wine, a file with such a lock keeps its names.
 */

#define NTDDI_VERSION 0x0A000000
#define _WIN32_WINNT 0x0A00

#include "config.h"

#include "flufl-syscalls.h"

#include <string.h>
#include <windows.h>
#include <winternl.h>

#include "flufl-fs-kind.h"
#include "flufl-path.h"

/* The name under which the system exports RtlGenRandom() of ntsecapi.h. */
BOOLEAN NTAPI SystemFunction036 (PVOID buffer, ULONG size);

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* The following constants are missing from some versions of mingw-w64. */
#define DISPOSITION_INFO_EX ((FILE_INFO_BY_HANDLE_CLASS) 21)
#define DISPOSITION_DELETE_POSIX 0x13 /* delete, POSIX, ignore read-only */

/* How often an opening is tried. Virus scanners, indexers, and processes that remove another name
 * of a file open the file for a moment in a mode that shares less. */
#define SHARING_TRIES 50

/* The time from 1601 to 1970, in units of 100 ns. */
#define UNIX_EPOCH G_GINT64_CONSTANT (116444736000000000)

static const struct
{
  DWORD error;
  int   errsv;
} errors[] = {
  { ERROR_FILE_NOT_FOUND, ENOENT },
  { ERROR_PATH_NOT_FOUND, ENOENT },
  { ERROR_BAD_NETPATH, ENOENT },
  { ERROR_BAD_NET_NAME, ENOENT },
  { ERROR_INVALID_NAME, ENOENT },
  { ERROR_DELETE_PENDING, ENOENT },
  { ERROR_FILE_EXISTS, EEXIST },
  { ERROR_ALREADY_EXISTS, EEXIST },
  { ERROR_ACCESS_DENIED, EACCES },
  { ERROR_PRIVILEGE_NOT_HELD, EACCES },
  { ERROR_SHARING_VIOLATION, EBUSY },
  { ERROR_LOCK_VIOLATION, EWOULDBLOCK },
  { ERROR_NOT_SAME_DEVICE, EXDEV },
  { ERROR_TOO_MANY_LINKS, EMLINK },
  { ERROR_NOT_SUPPORTED, EOPNOTSUPP },
  { ERROR_INVALID_FUNCTION, EOPNOTSUPP },
  { ERROR_CALL_NOT_IMPLEMENTED, EOPNOTSUPP },
  { ERROR_DIRECTORY, ENOTDIR },
  { ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG },
  { ERROR_WRITE_PROTECT, EROFS },
  { ERROR_DISK_FULL, ENOSPC },
  { ERROR_HANDLE_DISK_FULL, ENOSPC },
  { ERROR_TOO_MANY_OPEN_FILES, EMFILE },
  { ERROR_NOT_ENOUGH_MEMORY, ENOMEM },
  { ERROR_OUTOFMEMORY, ENOMEM },
  { ERROR_NO_SYSTEM_RESOURCES, ENOMEM },
  { ERROR_NETNAME_DELETED, ETIMEDOUT },
  { ERROR_UNEXP_NET_ERR, ETIMEDOUT },
  { ERROR_SEM_TIMEOUT, ETIMEDOUT },
  { ERROR_INVALID_PARAMETER, EINVAL },
  { ERROR_INVALID_HANDLE, EINVAL },
};

static int
fail (DWORD error)
{
  errno = EIO;
  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    if (errors[i].error == error)
      errno = errors[i].errsv;
  return -1;
}

static int
fail_last (void)
{
  return fail (GetLastError ());
}

static HANDLE
handle_of (int fd)
{
  return (HANDLE) (gintptr) fd;
}

static HANDLE
open_path (const char *path, DWORD access, DWORD share, DWORD disposition, DWORD flags)
{
  g_autofree wchar_t *name = flufl_path_to_wide (path);
  HANDLE handle = INVALID_HANDLE_VALUE;

  if (name == NULL)
    return handle;
  for (int i = 0; i < SHARING_TRIES; i++)
    {
      handle = CreateFileW (name, access, share, NULL, disposition, flags, NULL);
      if (handle != INVALID_HANDLE_VALUE || GetLastError () != ERROR_SHARING_VIOLATION)
        break;
      Sleep (i < 10 ? 0 : 1);
    }
  if (handle == INVALID_HANDLE_VALUE)
    fail_last ();
  return handle;
}

static int
windows_open (const char *path, FluflOpen how)
{
  HANDLE handle;

  if (how == FLUFL_OPEN_CREATE)
    handle = open_path (path, GENERIC_READ | GENERIC_WRITE, SHARE_ALL, CREATE_NEW,
                        FILE_FLAG_OPEN_REPARSE_POINT);
  else
    handle = open_path (path, GENERIC_READ, SHARE_ALL, OPEN_EXISTING,
                        how == FLUFL_OPEN_LOOK_THROUGH ? 0 : FILE_FLAG_OPEN_REPARSE_POINT);
  if (handle == INVALID_HANDLE_VALUE)
    return -1;
  if (GetFileType (handle) != FILE_TYPE_DISK)
    {
      CloseHandle (handle);
      errno = ENXIO;
      return -1;
    }
  return (int) (gintptr) handle;
}

/* The second handles of files: each was opened by a process that asked for the life-line. */
static GMutex lines_mutex;
static GHashTable *lines; /* by descriptor; owned, for ever */
static int n_lines;       /* atomic */

static int
windows_close (int fd)
{
  if (g_atomic_int_get (&n_lines) > 0)
    {
      gpointer line = NULL;

      g_mutex_lock (&lines_mutex);
      if (g_hash_table_steal_extended (lines, GINT_TO_POINTER (fd), NULL, &line))
        g_atomic_int_add (&n_lines, -1);
      g_mutex_unlock (&lines_mutex);
      if (line != NULL)
        CloseHandle (line);
    }
  return CloseHandle (handle_of (fd)) ? 0 : fail_last ();
}

static gssize
windows_read (int fd, void *buffer, gsize size)
{
  DWORD n;

  if (ReadFile (handle_of (fd), buffer, (DWORD) size, &n, NULL))
    return (gssize) n;
  return GetLastError () == ERROR_HANDLE_EOF ? 0 : fail_last ();
}

/* Opens a handle that writes once. The handle that is the life-line never writes, since its close
 * could then change the mtime. */
static HANDLE
open_to_write (int fd, DWORD access)
{
  HANDLE handle = ReOpenFile (handle_of (fd), access, SHARE_ALL, 0);

  if (handle == INVALID_HANDLE_VALUE)
    fail_last ();
  return handle;
}

static gssize
windows_pwrite (int fd, const void *buffer, gsize size, gint64 offset)
{
  OVERLAPPED at = { .Offset = (DWORD) offset, .OffsetHigh = (DWORD) (offset >> 32) };
  HANDLE handle = open_to_write (fd, GENERIC_WRITE);
  gssize result;
  DWORD n = 0;

  if (handle == INVALID_HANDLE_VALUE)
    return -1;
  result = WriteFile (handle, buffer, (DWORD) size, &n, &at) ? (gssize) n : fail_last ();
  CloseHandle (handle);
  return result;
}

/* Converts a time of Windows, which is in units of 100 ns since 1601. */
static gint64
from_filetime (gint64 time)
{
  gint64 unix_time = time - UNIX_EPOCH;

  return flufl_time_from_seconds (unix_time / 10000000, unix_time % 10000000 * 100);
}

/* Converts to a time of Windows. The time is rounded up, so that the stored time is not less than
 * the time that was asked for. */
static gint64
to_filetime (gint64 time)
{
  return time / 100 + (time % 100 > 0) + UNIX_EPOCH;
}

/* Returns: what kind of file on a disk has the attributes */
static FluflFileType
type_of (DWORD attributes)
{
  if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    return FLUFL_FILE_SYMLINK;
  if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    return FLUFL_FILE_DIRECTORY;
  return FLUFL_FILE_REGULAR;
}

/* Asks for the index by which the file system knows the file. GetFileInformationByHandle() gives
 * the index, too, but it asks the volume as well. In Wine that takes another process, and more time
 * than all else that an acquisition does. */
static gboolean
get_index (HANDLE handle, guint64 *index)
{
  IO_STATUS_BLOCK status;
  LARGE_INTEGER number;
  NTSTATUS result = NtQueryInformationFile (handle, &status, &number, sizeof number,
                                            FileInternalInformation);

  *index = (guint64) number.QuadPart;
  if (result != 0)
    SetLastError (RtlNtStatusToDosError (result));
  return result == 0;
}

/* Directories have the serial number of their volume as @dev. Files have 0, since only files of one
 * directory are compared, and a hard link is on the volume of its file. */
static int
stat_handle (HANDLE handle, FluflStat *st)
{
  FILE_STANDARD_INFO standard;
  FILE_BASIC_INFO basic;

  *st = (FluflStat){ .owner = -1 };
  if (GetFileType (handle) != FILE_TYPE_DISK)
    {
      st->type = FLUFL_FILE_DEVICE;
      return 0;
    }
  if (!GetFileInformationByHandleEx (handle, FileStandardInfo, &standard, sizeof standard)
      || !GetFileInformationByHandleEx (handle, FileBasicInfo, &basic, sizeof basic)
      || !get_index (handle, &st->ino))
    return fail_last ();
  st->type = type_of (basic.FileAttributes);
  st->nlink = standard.NumberOfLinks;
  st->size = standard.EndOfFile.QuadPart;
  st->mtime = from_filetime (basic.LastWriteTime.QuadPart);
  st->ctime = from_filetime (basic.ChangeTime.QuadPart);
  st->atime = from_filetime (basic.LastAccessTime.QuadPart);
  if (st->type == FLUFL_FILE_DIRECTORY)
    {
      BY_HANDLE_FILE_INFORMATION info;

      if (!GetFileInformationByHandle (handle, &info))
        return fail_last ();
      st->dev = info.dwVolumeSerialNumber;
    }
  return 0;
}

static int
windows_fstat (int fd, FluflStat *st)
{
  return stat_handle (handle_of (fd), st);
}

static int
windows_lstat (const char *path, FluflStat *st)
{
  HANDLE handle = open_path (path, FILE_READ_ATTRIBUTES, SHARE_ALL, OPEN_EXISTING,
                             FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS);
  int result;

  if (handle == INVALID_HANDLE_VALUE)
    return -1;
  result = stat_handle (handle, st);
  CloseHandle (handle);
  return result;
}

static FILETIME
filetime (gint64 time)
{
  gint64 stamp = to_filetime (time);

  return (FILETIME){ (DWORD) stamp, (DWORD) (stamp >> 32) };
}

/* Closes the handle, which may be invalid. */
static int
touch_and_close (HANDLE handle, gint64 mtime, gint64 atime)
{
  const FILETIME written = filetime (mtime), accessed = filetime (atime);
  int result;

  if (handle == INVALID_HANDLE_VALUE)
    return -1;
  result = SetFileTime (handle, NULL, &accessed, &written) ? 0 : fail_last ();
  CloseHandle (handle);
  return result;
}

static int
windows_futimens (int fd, gint64 mtime, gint64 atime)
{
  return touch_and_close (open_to_write (fd, FILE_WRITE_ATTRIBUTES), mtime, atime);
}

static int
windows_utimens (const char *path, gint64 mtime, gint64 atime)
{
  return touch_and_close (open_path (path, FILE_WRITE_ATTRIBUTES, SHARE_ALL, OPEN_EXISTING,
                                     FILE_FLAG_OPEN_REPARSE_POINT),
                          mtime, atime);
}

static int
windows_identify (const char *path, guint64 *dev, guint64 *ino)
{
  FluflStat st;

  if (windows_lstat (path, &st) != 0)
    return -1;
  *dev = st.dev;
  *ino = st.ino;
  return 0;
}

static int
windows_flock (int fd, FluflLine line)
{
  DWORD access = line == FLUFL_LINE_TAKE ? GENERIC_READ | GENERIC_WRITE : GENERIC_READ;
  HANDLE second;

  /* The maker has had the file open to write since it was created. */
  if (line == FLUFL_LINE_TIE)
    return 0;
  second = ReOpenFile (handle_of (fd), access, FILE_SHARE_READ | FILE_SHARE_DELETE, 0);
  if (second == INVALID_HANDLE_VALUE)
    {
      DWORD error = GetLastError ();

      return fail (error == ERROR_SHARING_VIOLATION ? ERROR_LOCK_VIOLATION : error);
    }
  g_mutex_lock (&lines_mutex);
  if (lines == NULL)
    lines = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (lines, GINT_TO_POINTER (fd), second);
  g_atomic_int_inc (&n_lines);
  g_mutex_unlock (&lines_mutex);
  return 0;
}

static int
windows_link (const char *from, const char *to)
{
  g_autofree wchar_t *old = flufl_path_to_wide (from);
  g_autofree wchar_t *name = flufl_path_to_wide (to);

  if (old == NULL || name == NULL)
    return -1;
  for (int i = 0; i < SHARING_TRIES; i++)
    {
      if (CreateHardLinkW (name, old, NULL))
        return 0;
      if (GetLastError () != ERROR_SHARING_VIOLATION)
        break;
      Sleep (i < 10 ? 0 : 1);
    }
  return fail_last ();
}

static int
windows_rename (const char *from, const char *to)
{
  g_autofree wchar_t *old = flufl_path_to_wide (from);
  g_autofree wchar_t *name = flufl_path_to_wide (to);

  if (old == NULL || name == NULL)
    return -1;
  return MoveFileExW (old, name, 0) ? 0 : fail_last ();
}

static gboolean
is_unknown (DWORD error)
{
  return error == ERROR_INVALID_PARAMETER || error == ERROR_NOT_SUPPORTED
         || error == ERROR_INVALID_FUNCTION;
}

/* Removes a file on systems on which the name of an open file stays until the file is closed. The
 * file gets another name first, so that its old name is free at once. */
static BOOL
unlink_slowly (HANDLE handle, const char *path)
{
  FILE_DISPOSITION_INFO disposition = { TRUE };
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *other = NULL;
  g_autofree wchar_t *name = NULL;
  g_autofree FILE_RENAME_INFO *rename = NULL;
  guint64 random;
  gsize length;

  SystemFunction036 (&random, sizeof random);
  other = g_strdup_printf ("%s/.flufl-gone-%016" G_GINT64_MODIFIER "x", directory, random);
  name = flufl_path_to_wide (other);
  if (name == NULL)
    return FALSE;
  length = wcslen (name) * sizeof (wchar_t);
  rename = g_malloc0 (sizeof *rename + length);
  rename->FileNameLength = (DWORD) length;
  memcpy (rename->FileName, name, length + sizeof (wchar_t));
  return SetFileInformationByHandle (handle, FileRenameInfo, rename,
                                     (DWORD) (sizeof *rename + length))
         && SetFileInformationByHandle (handle, FileDispositionInfo, &disposition,
                                        sizeof disposition);
}

/* Removes a file by a handle that does not share deletion. If several handles shared it, several
 * processes could mark the file for deletion, and each call would succeed. */
static int
windows_unlink (const char *path)
{
  HANDLE handle = open_path (path, DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE, OPEN_EXISTING,
                             FILE_FLAG_OPEN_REPARSE_POINT);
  DWORD flags = DISPOSITION_DELETE_POSIX;
  BOOL done;
  DWORD error;

  if (handle == INVALID_HANDLE_VALUE)
    return -1;
  done = SetFileInformationByHandle (handle, DISPOSITION_INFO_EX, &flags, sizeof flags);
  if (!done && is_unknown (GetLastError ()))
    done = unlink_slowly (handle, path);
  error = done ? 0 : GetLastError ();
  CloseHandle (handle);
  return done ? 0 : fail (error);
}

static int
windows_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  g_autofree char *pattern = g_strconcat (directory, "/*", NULL);
  g_autofree wchar_t *name = flufl_path_to_wide (pattern);
  WIN32_FIND_DATAW found;
  HANDLE handle;
  DWORD error = 0;
  gboolean more = TRUE;

  if (name == NULL)
    return -1;
  handle = FindFirstFileExW (name, FindExInfoBasic, &found, FindExSearchNameMatch, NULL,
                             FIND_FIRST_EX_LARGE_FETCH);
  if (handle == INVALID_HANDLE_VALUE)
    return fail_last ();
  while (more)
    {
      g_autofree char *utf8 = g_utf16_to_utf8 ((const gunichar2 *) found.cFileName, -1, NULL, NULL,
                                               NULL);

      more = utf8 == NULL || func (utf8, user_data);
      if (more && !FindNextFileW (handle, &found))
        {
          error = GetLastError ();
          more = FALSE;
        }
    }
  FindClose (handle);
  return error == 0 || error == ERROR_NO_MORE_FILES ? 0 : fail (error);
}

static int
windows_kill (int pid)
{
  HANDLE handle = OpenProcess (SYNCHRONIZE, FALSE, (DWORD) pid);
  gboolean ended;

  if (handle == NULL && GetLastError () != ERROR_INVALID_PARAMETER)
    return fail_last ();
  ended = handle == NULL || WaitForSingleObject (handle, 0) == WAIT_OBJECT_0;
  if (handle != NULL)
    CloseHandle (handle);
  if (!ended)
    return 0;
  errno = ESRCH;
  return -1;
}

static int
windows_random (void *buffer, gsize size)
{
  if (SystemFunction036 (buffer, (ULONG) size))
    return 0;
  errno = EIO;
  return -1;
}

static gint64
windows_clock (FluflClock clock)
{
  if (clock == FLUFL_CLOCK_REAL)
    {
      FILETIME now;

      GetSystemTimePreciseAsFileTime (&now);
      return from_filetime ((gint64) (((guint64) now.dwHighDateTime << 32) | now.dwLowDateTime));
    }
  else
    {
      static gint64 frequency;
      LARGE_INTEGER n;

      /* The performance counter goes on while the machine sleeps. */
      if (frequency == 0)
        {
          QueryPerformanceFrequency (&n);
          frequency = n.QuadPart;
        }
      QueryPerformanceCounter (&n);
      return n.QuadPart / frequency * FLUFL_NSEC_PER_SEC
             + n.QuadPart % frequency * FLUFL_NSEC_PER_SEC / frequency;
    }
}

const FluflSyscalls flufl_syscalls_native = {
  .open = windows_open,
  .close = windows_close,
  .read = windows_read,
  .pwrite = windows_pwrite,
  .fstat = windows_fstat,
  .lstat = windows_lstat,
  .identify = windows_identify,
  .futimens = windows_futimens,
  .utimens = windows_utimens,
  .flock = windows_flock,
  .link = windows_link,
  .rename = windows_rename,
  .unlink = windows_unlink,
  .list = windows_list,
  .kill = windows_kill,
  .random = windows_random,
  .clock = windows_clock,
  .fs_kind = flufl_fs_kind,
  .needs_probe = TRUE,
};
