/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "faulty-calls.h"

#include <errno.h>
#include <string.h>

/* The number of interruptions after which a storm of signals ends. */
#define INTERRUPTIONS 40

/* The number of calls after which an operation counts as endless. */
#define CALLS_MAX 20000

typedef struct
{
  Call  call;
  char *words;
} Note;

static struct
{
  const FluflSyscalls *under;
  void   (*pass) (gint64);
  GArray  *notes;      /* of Note */
  GHashTable *open;    /* set of file descriptors */
  guint    nth;
  Blow     blow;       /* BLOW_NONE: nothing goes wrong */
  gboolean struck;
  Call     victim;     /* valid once it has struck */
  int      interruptions;

  Call     awaited;
  guint    until;      /* 0: nothing is awaited */
  void   (*meanwhile) (gpointer);
  gpointer data;
} faulty;

const char *
call_name (Call call)
{
  static const char *const names[N_CALLS] = {
    "open",  "create", "close", "read",   "pwrite", "fstat", "lstat",  "identify",
    "futimens", "utimens", "flock", "link", "rename", "unlink", "list", "kill", "random", "fs-kind",
  };

  return names[call];
}

static void
note_clear (gpointer data)
{
  g_free (((Note *) data)->words);
}

void
faulty_begin (const FluflSyscalls *under, void (*pass) (gint64))
{
  if (faulty.notes == NULL)
    {
      faulty.notes = g_array_new (FALSE, TRUE, sizeof (Note));
      g_array_set_clear_func (faulty.notes, note_clear);
      faulty.open = g_hash_table_new (NULL, NULL);
    }
  g_array_set_size (faulty.notes, 0);
  g_hash_table_remove_all (faulty.open);
  faulty.under = under;
  faulty.pass = pass;
  faulty.struck = FALSE;
  faulty.interruptions = 0;
  faulty.until = 0;
  faulty_repent ();
}

void
faulty_order (guint nth, const Blow *blow)
{
  faulty.nth = nth;
  faulty.blow = *blow;
}

void
faulty_meanwhile (Call call, guint nth, void (*func) (gpointer), gpointer data)
{
  faulty.awaited = call;
  faulty.until = nth;
  faulty.meanwhile = func;
  faulty.data = data;
}

void
faulty_repent (void)
{
  faulty.blow = (Blow){ .kind = BLOW_NONE };
}

gboolean
faulty_has_struck (void)
{
  return faulty.struck;
}

guint
faulty_n_calls (void)
{
  return faulty.notes->len;
}

Call
faulty_call (guint nth)
{
  return g_array_index (faulty.notes, Note, nth - 1).call;
}

const char *
faulty_words (guint nth)
{
  return g_array_index (faulty.notes, Note, nth - 1).words;
}

guint
faulty_n_open (void)
{
  return g_hash_table_size (faulty.open);
}

/* Notes the call, and returns the fault that it meets. */
static Blow
enter (Call call, const char *path)
{
  const char *name = path != NULL ? strrchr (path, '/') : NULL;
  Note note = { call, g_strconcat (call_name (call), " ", name != NULL ? name + 1 : "", NULL) };
  gboolean meant;

  g_array_append_val (faulty.notes, note);
  if (faulty.notes->len > CALLS_MAX)
    g_error ("an operation makes calls without end; the last is “%s”", note.words);

  if (faulty.until > 0 && call == faulty.awaited && --faulty.until == 0)
    faulty.meanwhile (faulty.data);
  if (faulty.blow.kind == BLOW_NONE)
    return faulty.blow;
  if (!faulty.struck)
    {
      meant = faulty.notes->len == faulty.nth;
      faulty.victim = call;
    }
  else
    meant = faulty.blow.for_ever && call == faulty.victim;
  if (meant && faulty.struck && faulty.blow.errsv == EINTR
      && ++faulty.interruptions > INTERRUPTIONS)
    meant = FALSE;
  if (!meant)
    return (Blow){ .kind = BLOW_NONE };
  faulty.struck = TRUE;
  if (faulty.blow.kind == BLOW_HOOK_BEFORE)
    faulty.blow.hook ();
  if (faulty.blow.kind == BLOW_SLOW)
    faulty.pass (faulty.blow.nsec);
  return faulty.blow;
}

static gboolean
is_refused (const Blow *blow)
{
  if (blow->kind != BLOW_FAIL)
    return FALSE;
  errno = blow->errsv;
  return TRUE;
}

static gssize
leave (const Blow *blow, gssize answer)
{
  int errsv = errno;

  if (blow->kind == BLOW_HOOK_AFTER)
    blow->hook ();
  errno = errsv;
  if (blow->kind != BLOW_LOSE || answer < 0)
    return answer;
  errno = blow->errsv;
  return -1;
}

static int
faulty_open (const char *path, FluflOpen how)
{
  Blow blow = enter (how == FLUFL_OPEN_CREATE ? CALL_CREATE : CALL_OPEN, path);
  int fd;

  if (is_refused (&blow))
    return -1;
  fd = faulty.under->open (path, how);
  if (fd >= 0 && blow.kind == BLOW_LOSE)
    faulty.under->close (fd);
  else if (fd >= 0)
    g_hash_table_add (faulty.open, GINT_TO_POINTER (fd));
  return (int) leave (&blow, fd);
}

static int
faulty_close (int fd)
{
  Blow blow = enter (CALL_CLOSE, NULL);

  g_hash_table_remove (faulty.open, GINT_TO_POINTER (fd));
  return (int) leave (&blow, faulty.under->close (fd));
}

static gssize
faulty_read (int fd, void *buffer, gsize size)
{
  Blow blow = enter (CALL_READ, NULL);

  if (is_refused (&blow))
    return -1;
  return leave (&blow, faulty.under->read (fd, buffer, blow.kind == BLOW_SHORT ? 1 : size));
}

static gssize
faulty_pwrite (int fd, const void *buffer, gsize size, gint64 offset)
{
  Blow blow = enter (CALL_PWRITE, NULL);

  if (is_refused (&blow))
    return -1;
  return leave (&blow, faulty.under->pwrite (fd, buffer, blow.kind == BLOW_SHORT ? 1 : size,
                                             offset));
}

static int
faulty_fstat (int fd, FluflStat *st)
{
  Blow blow = enter (CALL_FSTAT, NULL);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->fstat (fd, st));
}

static int
faulty_lstat (const char *path, FluflStat *st)
{
  Blow blow = enter (CALL_LSTAT, path);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->lstat (path, st));
}

static int
faulty_identify (const char *path, guint64 *dev, guint64 *ino)
{
  Blow blow = enter (CALL_IDENTIFY, path);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->identify (path, dev, ino));
}

static int
faulty_futimens (int fd, gint64 mtime, gint64 atime)
{
  Blow blow = enter (CALL_FUTIMENS, NULL);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->futimens (fd, mtime, atime));
}

static int
faulty_utimens (const char *path, gint64 mtime, gint64 atime)
{
  Blow blow = enter (CALL_UTIMENS, path);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->utimens (path, mtime, atime));
}

static int
faulty_flock (int fd, FluflLine line)
{
  Blow blow = enter (CALL_FLOCK, NULL);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->flock (fd, line));
}

static int
faulty_link (const char *from, const char *to)
{
  Blow blow = enter (CALL_LINK, to);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->link (from, to));
}

static int
faulty_rename (const char *from, const char *to)
{
  Blow blow = enter (CALL_RENAME, to);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->rename (from, to));
}

static int
faulty_unlink (const char *path)
{
  Blow blow = enter (CALL_UNLINK, path);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->unlink (path));
}

static int
faulty_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  Blow blow = enter (CALL_LIST, directory);

  if (is_refused (&blow))
    return -1;
  return (int) leave (&blow, faulty.under->list (directory, func, user_data));
}

static int
faulty_kill (int pid)
{
  Blow blow = enter (CALL_KILL, NULL);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->kill (pid));
}

static int
faulty_random (void *buffer, gsize size)
{
  Blow blow = enter (CALL_RANDOM, NULL);

  return is_refused (&blow) ? -1 : (int) leave (&blow, faulty.under->random (buffer, size));
}

static gint64
faulty_clock (FluflClock clock)
{
  return faulty.under->clock (clock);
}

static FluflFsKind
faulty_fs_kind (const char *directory)
{
  Blow blow = enter (CALL_FS_KIND, directory);
  FluflFsKind kind;

  if (is_refused (&blow))
    return FLUFL_FS_UNASKED;
  kind = faulty.under->fs_kind (directory);
  leave (&blow, 0);
  return kind;
}

const FluflSyscalls faulty_syscalls = {
  .open = faulty_open,
  .close = faulty_close,
  .read = faulty_read,
  .pwrite = faulty_pwrite,
  .fstat = faulty_fstat,
  .lstat = faulty_lstat,
  .identify = faulty_identify,
  .futimens = faulty_futimens,
  .utimens = faulty_utimens,
  .flock = faulty_flock,
  .link = faulty_link,
  .rename = faulty_rename,
  .unlink = faulty_unlink,
  .list = faulty_list,
  .kill = faulty_kill,
  .random = faulty_random,
  .clock = faulty_clock,
  .fs_kind = faulty_fs_kind,
};
