/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Windows reports the names that change in a directory, and the end of a process. It does not
 * report that a file is closed. So each directory with a watched file is read, once for all watches
 * in it, and the end of a watch's process counts as a close.
 *
 * All reads and all ends of processes set one event, and the leader waits for this event. A read
 * ends with the thread that began it. No change is lost by that, since the kernel keeps the
 * changes, and the next dispatch begins another read.
 */

#define _WIN32_WINNT 0x0A00

#include "config.h"

#include "flufl-watch.h"

#include <string.h>
#include <windows.h>

#include "flufl-path.h"

/* The size of the buffer for changes, which holds about a hundred names. If more names change
 * between two reads, each watch reports an event. */
#define CHANGES_SIZE (16 * 1024)

/* A directory that is read. */
typedef struct
{
  char      *path;    /* owned */
  HANDLE     handle;  /* NULL: closed, and the last read may not have ended */
  OVERLAPPED read;
  GQueue     parties; /* of Party, by their links */
  DWORD      changes[CHANGES_SIZE / sizeof (DWORD)];
} Directory;

/* One watch, as this file knows it. */
typedef struct
{
  FluflWatch *watch;
  Directory  *directory;
  char       *name;    /* owned; as the file system compares it */
  HANDLE      process; /* NULL: none */
  HANDLE      wait;    /* for the end of the process; NULL: none */
  int         ended;   /* whether the process has ended and no watch has reported it; atomic */
  GList       link;
} Party;

static GMutex mutex; /* protects what follows, except what is atomic */
static HANDLE event; /* atomic; made with the first watch, and never closed */
static GList *directories; /* of Directory */
static guint n_watches;
static int n_ended;  /* atomic: parties whose process has ended; may be too low for a moment */

gboolean
flufl_watch_needs_process (void)
{
  return TRUE;
}

/* --- Directories; all with the mutex --- */

/* Begins the next read. That resets the event, which other reads and processes may have set, so the
 * function sets the event again. */
static gboolean
read_on (Directory *self)
{
  HANDLE set = g_atomic_pointer_get (&event);
  BOOL reads;

  memset (&self->read, 0, sizeof self->read);
  self->read.hEvent = set;
  reads = ReadDirectoryChangesW (self->handle, self->changes, CHANGES_SIZE, FALSE,
                                 FILE_NOTIFY_CHANGE_FILE_NAME, NULL, &self->read, NULL);
  SetEvent (set);
  return reads;
}

/* Frees closed directories, except those whose last read has not ended yet. */
static void
free_closed (void)
{
  for (GList *l = directories, *next; l != NULL; l = next)
    {
      Directory *self = l->data;

      next = l->next;
      if (self->handle != NULL || !HasOverlappedIoCompleted (&self->read))
        continue;
      directories = g_list_delete_link (directories, l);
      g_free (self->path);
      g_free (self);
    }
}

/* Closes a directory that no watch needs, since other processes cannot remove an open directory. */
static void
close_if_unwatched (Directory *self)
{
  if (self->parties.length > 0 || self->handle == NULL)
    return;
  CloseHandle (self->handle);
  self->handle = NULL;
}

static Directory *
find_or_open (const char *path)
{
  g_autofree wchar_t *name = flufl_path_to_wide (path);
  Directory *self;
  HANDLE handle;

  for (GList *l = directories; l != NULL; l = l->next)
    {
      self = l->data;
      if (self->handle != NULL && strcmp (self->path, path) == 0)
        return self;
    }
  if (name == NULL)
    return NULL;
  handle = CreateFileW (name, FILE_LIST_DIRECTORY,
                        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED, NULL);
  if (handle == INVALID_HANDLE_VALUE)
    return NULL;
  self = g_new0 (Directory, 1);
  self->path = g_strdup (path);
  self->handle = handle;
  directories = g_list_prepend (directories, self);
  if (read_on (self))
    return self;
  close_if_unwatched (self);
  return NULL;
}

/* --- Parties; all with the mutex --- */

/* Notes the end of a party's process. Called in a thread of the system. */
static void CALLBACK
process_ended_cb (PVOID data, BOOLEAN timed_out G_GNUC_UNUSED)
{
  Party *party = data;

  g_atomic_int_set (&party->ended, TRUE);
  g_atomic_int_inc (&n_ended);
  SetEvent (g_atomic_pointer_get (&event));
}

/* Waits for the end of the process @pid. If there is no such process, this counts as its end. If
 * the process may not be opened, its end is not reported. */
static void
await_process (Party *self, int pid)
{
  self->process = OpenProcess (SYNCHRONIZE, FALSE, (DWORD) pid);
  if (self->process == NULL)
    {
      if (GetLastError () == ERROR_INVALID_PARAMETER)
        process_ended_cb (self, FALSE);
      return;
    }
  if (!RegisterWaitForSingleObject (&self->wait, self->process, process_ended_cb, self, INFINITE,
                                    WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD))
    self->wait = NULL;
}

/* Ends a party, so that its watch reports nothing any more. process_ended_cb() does not run for the
 * party when this returns. The function can wait for it, because it takes no mutex. */
static void
end (Party *self)
{
  if (self->wait != NULL)
    UnregisterWaitEx (self->wait, INVALID_HANDLE_VALUE);
  if (self->process != NULL)
    CloseHandle (self->process);
  if (g_atomic_int_get (&self->ended))
    g_atomic_int_add (&n_ended, -1);
  g_queue_unlink (&self->directory->parties, &self->link);
  self->watch->watched = NULL;
  n_watches--;
  g_free (self->name);
  g_free (self);
}

static void
report (Party *self, FluflWatchEvents events)
{
  FluflWatch *watch = self->watch;

  if ((events & watch->wanted) != 0)
    watch->func (events & watch->wanted, watch->user_data);
}

/* --- Changes; all with the mutex --- */

/* Reports the removal of the file @name, or of each watched file if @name is NULL. */
static void
report_removed (Directory *self, const char *name)
{
  for (GList *l = self->parties.head, *next; l != NULL; l = next)
    {
      Party *party = l->data;

      next = l->next;
      if (name != NULL && strcmp (party->name, name) != 0)
        continue;
      report (party, name != NULL ? FLUFL_WATCH_REMOVED : FLUFL_WATCH_EVERYTHING);
      end (party);
    }
}

static void
report_name (Directory *self, const char *name)
{
  for (GList *l = self->parties.head; l != NULL; l = l->next)
    {
      Party *party = l->data;
      const char *prefix = party->watch->prefix;
      g_autofree char *folded = prefix != NULL ? flufl_name_fold (prefix) : NULL;

      if (folded == NULL || g_str_has_prefix (name, folded))
        report (party, FLUFL_WATCH_NAMES);
    }
}

static void
take_change (Directory *self, const FILE_NOTIFY_INFORMATION *change)
{
  g_autofree char *name = NULL, *folded = NULL;

  name = g_utf16_to_utf8 ((const gunichar2 *) change->FileName,
                          (glong) (change->FileNameLength / sizeof (wchar_t)), NULL, NULL, NULL);
  if (name == NULL)
    return;
  folded = flufl_name_fold (name);
  report_name (self, folded);
  if (change->Action == FILE_ACTION_REMOVED || change->Action == FILE_ACTION_RENAMED_OLD_NAME)
    report_removed (self, folded);
}

/* Reports the changes of a read that has ended, and begins the next read. If the changes were too
 * many for the kernel, or if the directory cannot be read any more, each watch of the directory
 * ends. */
static void
take_changes (Directory *self)
{
  gboolean lost;
  DWORD size = 0;

  if (GetOverlappedResult (self->handle, &self->read, &size, FALSE))
    lost = size == 0;
  else
    lost = GetLastError () != ERROR_OPERATION_ABORTED;
  for (gsize at = 0; size > 0;)
    {
      const FILE_NOTIFY_INFORMATION *change = (const void *) ((const char *) self->changes + at);

      take_change (self, change);
      if (change->NextEntryOffset == 0)
        break;
      at += change->NextEntryOffset;
    }
  if (lost || (self->parties.length > 0 && !read_on (self)))
    report_removed (self, NULL);
  close_if_unwatched (self);
}

static gboolean
take_all_changes (void)
{
  gboolean any = FALSE;

  for (GList *l = directories; l != NULL; l = l->next)
    {
      Directory *self = l->data;

      if (self->handle == NULL || !HasOverlappedIoCompleted (&self->read))
        continue;
      take_changes (self);
      any = TRUE;
    }
  return any;
}

static void
report_ended (void)
{
  for (GList *l = directories; l != NULL; l = l->next)
    for (GList *p = ((Directory *) l->data)->parties.head; p != NULL; p = p->next)
      {
        Party *party = p->data;

        if (!g_atomic_int_compare_and_exchange (&party->ended, TRUE, FALSE))
          continue;
        g_atomic_int_add (&n_ended, -1);
        report (party, FLUFL_WATCH_CLOSED);
      }
}

/* --- Watches --- */

static gboolean
is_gone (const char *path)
{
  g_autofree wchar_t *name = flufl_path_to_wide (path);
  DWORD error;

  if (name != NULL && GetFileAttributesW (name) != INVALID_FILE_ATTRIBUTES)
    return FALSE;
  error = GetLastError ();
  return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

static gboolean
has_event (void)
{
  if (event == NULL)
    g_atomic_pointer_set (&event, CreateEventW (NULL, TRUE, FALSE, NULL));
  return event != NULL;
}

static void
add_party (FluflWatch *watch, Directory *directory, const char *path, FluflWatchEvents wanted)
{
  Party *party = g_new0 (Party, 1);
  g_autofree char *name = g_path_get_basename (path);

  party->watch = watch;
  party->directory = directory;
  party->name = flufl_name_fold (name);
  party->link.data = party;
  g_queue_push_tail_link (&directory->parties, &party->link);
  if (watch->pid != 0 && (wanted & FLUFL_WATCH_CLOSED) != 0)
    await_process (party, watch->pid);
  watch->wanted = wanted | FLUFL_WATCH_REMOVED;
  watch->state = &mutex;
  watch->watched = party;
  n_watches++;
}

/* Adds a watch. The read of the directory has begun before the function looks for the file, so a
 * later removal is reported. */
FluflWatchResult
flufl_watch_add (FluflWatch *watch, const char *path, FluflWatchEvents wanted)
{
  g_autofree char *parent = g_path_get_dirname (path);
  FluflWatchResult result = FLUFL_WATCH_UNAVAILABLE;
  Directory *directory = NULL;

  g_assert (watch->state == NULL);

  g_mutex_lock (&mutex);
  free_closed ();
  if (has_event ())
    directory = find_or_open (parent);
  if (directory != NULL)
    {
      result = is_gone (path) ? FLUFL_WATCH_GONE : FLUFL_WATCH_ARMED;
      if (result == FLUFL_WATCH_ARMED)
        add_party (watch, directory, path, wanted);
      close_if_unwatched (directory);
    }
  g_mutex_unlock (&mutex);
  return result;
}

void
flufl_watch_remove (FluflWatch *watch)
{
  if (watch->state == NULL)
    return;
  watch->state = NULL;
  g_mutex_lock (&mutex);
  if (watch->watched != NULL)
    {
      Directory *directory = ((Party *) watch->watched)->directory;

      end (watch->watched);
      close_if_unwatched (directory);
    }
  free_closed ();
  g_mutex_unlock (&mutex);
}

/* Returns the event as a number. The lower 32 bits of a handle identify it. */
int
flufl_watch_fd (void)
{
  HANDLE set = g_atomic_pointer_get (&event);

  return set != NULL ? (int) (gintptr) set : -1;
}

/* Reports what has happened. A read that begins resets the event, so the function looks once more
 * for reads that ended before that. */
void
flufl_watch_dispatch (void)
{
  g_mutex_lock (&mutex);
  do
    ResetEvent (event);
  while (take_all_changes ());
  if (g_atomic_int_get (&n_ended) > 0)
    report_ended ();
  free_closed ();
  g_mutex_unlock (&mutex);
}

guint
flufl_watch_count (void)
{
  guint n;

  g_mutex_lock (&mutex);
  n = n_watches;
  g_mutex_unlock (&mutex);
  return n;
}
