/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The class of locks: its constructors and signals, and the end of an object. The properties are in
 * flufl-lock-properties.c. The operations are in flufl-lock-acquire.c, -release.c, -break.c and
 * -query.c. The lease of an object is in flufl-lease.c.
 */

#include "config.h"

#include "flufl-lock-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flufl-path.h"
#include "flufl-program-private.h"

/**
 * FluflLock:
 *
 * A lock on a path, for processes on any number of machines that share a
 * directory.
 *
 * A process that wants the lock writes a *claim file* next to the *lock file* and makes the lock
 * file a hard link to it. link(2) is atomic even on NFS, where other ways of locking are less
 * reliable. A lock expires when its *lifetime* is over. Ten seconds after this *expiration* other
 * processes may *break* the lock, so that a dead holder does not block them for ever. Processes
 * that use Python's flufl.lock on the same lock file exclude those that use this class, and are
 * excluded by them.
 *
 * ```c
 * g_autoptr (FluflLock) lock = flufl_lock_new_for_path ("/srv/data/ledger.lock");
 *
 * if (!flufl_lock_acquire (lock, 10000, NULL, error))
 *   return FALSE;
 * // … use what the lock protects …
 * return flufl_lock_release (lock, NULL, error);
 * ```
 *
 * ## What is guaranteed
 *
 * No two objects hold the same lock while the leases of both run, under the conditions that [the
 * protocol](protocol.html) states. The lock is advisory: it only keeps out processes that acquire
 * it. The [property@Flufl.Lock:heartbeat] refreshes the lock while it is held. A holder whose lock
 * is not refreshed within its lifetime, because the machine slept or the file server did not
 * answer, may lose it. If work must stop when the lock is lost, give it the cancellable of
 * [method@Flufl.Lock.dup_lost_cancellable].
 *
 * ## Threads and main contexts
 *
 * An object may be used from any thread. While it acquires, releases or breaks the lock, a second
 * one of these operations fails with `G_IO_ERROR_PENDING`; queries and refreshes run at any time. A
 * synchronous operation accesses the lock's files in the calling thread, emits signals there, and
 * runs no main context. Another thread looks up the names of users. An asynchronous operation never
 * touches the disk in the calling thread. Its callback and its signals come in the main context that
 * was the thread-default when it began. [signal@Flufl.Lock::lost] is emitted in the main context of
 * the acquisition, unless a synchronous operation finds the loss.
 *
 * ## Forks and last references
 *
 * A child made by fork(2) does not hold the locks of its parent, and cannot release them. It may
 * acquire locks, even with objects that it inherits. The lock is released when the last reference
 * to the object is dropped. If a file server takes long, the release goes on in another thread. An
 * operation keeps a reference until it is over.
 *
 * ## Directories, names, and clocks
 *
 * The lock file's directory must exist, be writable, and lie on a file system with hard links. The
 * lock file may have any valid file name. The path is made absolute when the object is created.
 * Other processes break an expired lock only if it is expired by their machine's clock and by the
 * file server's.
 *
 * The constructors do not report an invalid file or separator, since these may come from a user's
 * settings. The first operation fails instead. A [iface@Gio.File] without a local path fails with
 * `G_IO_ERROR_NOT_SUPPORTED`. An invalid [property@Flufl.Lock:separator] fails with
 * `G_IO_ERROR_INVALID_ARGUMENT`.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FluflLock, flufl_lock, G_TYPE_OBJECT)

enum
{
  SIGNAL_LOST,
  SIGNAL_WAITING,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

const FluflSyscalls *flufl_lock_syscalls = &flufl_syscalls_native;

void
flufl_lock_emit_lost (FluflLock *self, const GError *error)
{
  g_signal_emit (self, signals[SIGNAL_LOST], 0, error);
}

void
flufl_lock_emit_waiting (FluflLock *self, FluflLockDetails *details)
{
  g_signal_emit (self, signals[SIGNAL_WAITING], 0, details);
}

/* The path that flufl_lock_new_for_path() was given, for paths that a GFile would change. */
typedef struct
{
  char    *path;
  int      errsv; /* why it is relative still: the working directory was not found; 0: it is absolute */
} RawPath;

static G_DEFINE_QUARK (flufl-raw-path, raw_path)

static void
raw_path_free (gpointer data)
{
  RawPath *self = data;

  g_free (self->path);
  g_free (self);
}

static char *
dup_lock_path (GFile *file)
{
  const RawPath *raw = file != NULL ? g_object_get_qdata (G_OBJECT (file), raw_path_quark ()) : NULL;

  if (raw != NULL)
    return raw->errsv != 0 ? NULL : g_strdup (raw->path);
  return file != NULL ? g_file_get_path (file) : NULL;
}

static void
flufl_lock_constructed (GObject *object)
{
  FluflLock *self = FLUFL_LOCK (object);
  g_autofree char *given = NULL, *path = NULL;

  G_OBJECT_CLASS (flufl_lock_parent_class)->constructed (object);

  if (self->document != NULL)
    flufl_document_set_up_lock (self->document, self);
  given = dup_lock_path (self->file);
  path = given != NULL ? flufl_path_dup_native (given) : NULL;

  if (self->separator == NULL)
    self->separator = FLUFL_DEFAULT_SEPARATOR;
  if (self->program_name == NULL)
    self->program_name = flufl_program_find_name ();
  self->separator_is_valid = flufl_separator_is_valid (self->separator);
  if (path != NULL && g_path_is_absolute (path))
    {
      flufl_site_init (&self->lease->site, flufl_lock_syscalls, path, self->separator);
      self->lease->site.host_name = self->host_name;
      self->lease->site.program_name = self->program_name;
      if (self->document != NULL && self->document->path != NULL)
        flufl_document_name_subject (self->document, &self->lease->site);
    }
}

static void
flufl_lock_dispose (GObject *object)
{
  FluflLease *lease = FLUFL_LOCK (object)->lease;

  flufl_lock_stop_wanted (FLUFL_LOCK (object));
  /* The heartbeat has no reference to the object, and does not use it from now on. */
  flufl_lease_forget_object (lease);
  if (flufl_lease_is_held (lease))
    g_debug ("The lock “%s” is released: its last reference was dropped while it was held",
             lease->site.lock_path);
  flufl_lease_let_go (lease, FALSE);

  G_OBJECT_CLASS (flufl_lock_parent_class)->dispose (object);
}

static void
flufl_lock_finalize (GObject *object)
{
  FluflLock *self = FLUFL_LOCK (object);

  flufl_lease_close (self->lease);
  g_clear_object (&self->file);
  g_clear_pointer (&self->document, flufl_document_close);

  G_OBJECT_CLASS (flufl_lock_parent_class)->finalize (object);
}

static void
flufl_lock_class_init (FluflLockClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->constructed = flufl_lock_constructed;
  object_class->dispose = flufl_lock_dispose;
  object_class->finalize = flufl_lock_finalize;

  flufl_lock_install_properties (object_class);

  /**
   * FluflLock::lost:
   * @self: the lock
   * @error: the reason, as a sentence; [error@Flufl.LockError.LOST]
   *
   * Emitted once when the heartbeat, [method@Flufl.Lock.refresh],
   * [method@Flufl.Lock.check], [method@Flufl.Lock.acquire] or
   * [method@Flufl.Lock.break_lock] finds that this object has lost the lock.
   * [method@Flufl.Lock.release] reports a loss by its error only.
   * Not emitted if the object has acquired the lock again before its main context
   * could run, or in a handler of `notify::held`.
   *
   * The signal is emitted in the main context of the acquisition, or in the
   * calling thread if a synchronous operation finds the loss. The cancellable of
   * [method@Flufl.Lock.dup_lost_cancellable] has been cancelled by then.
   *
   * Since: 0.1
   */
  signals[SIGNAL_LOST]
      = g_signal_new ("lost", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, G_TYPE_ERROR);

  /**
   * FluflLock::waiting:
   * @self: the lock
   * @details: who holds the lock
   *
   * Emitted when an acquisition has waited for [property@Flufl.Lock:waiting-delay], so that an
   * application can show who holds the lock. If the holder changes, the signal is emitted again
   * within some seconds. If several acquisitions of one process wait, only the
   * first two in the queue emit it again.
   *
   * The signal is emitted in the main context of an asynchronous acquisition, and in the calling
   * thread of a synchronous one. It is not emitted while the holder is unknown, that
   * is, if neither the lock file nor the names of the claim files show it.
   *
   * Since: 0.1
   */
  signals[SIGNAL_WAITING]
      = g_signal_new ("waiting", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, FLUFL_TYPE_LOCK_DETAILS);
}

static void
flufl_lock_init (FluflLock *self)
{
  self->lease = flufl_lease_new ();
  flufl_lock_set_defaults (self);
}

/**
 * flufl_lock_new:
 * @file: the lock file
 *
 * Creates an object for the lock @file. Nothing is written, and the lock is not
 * acquired.
 *
 * Returns: (transfer full): the lock
 *
 * Since: 0.1
 */
FluflLock *
flufl_lock_new (GFile *file)
{
  g_return_val_if_fail (G_IS_FILE (file), NULL);

  return g_object_new (FLUFL_TYPE_LOCK, "file", file, NULL);
}

/**
 * flufl_lock_new_beside:
 * @file: the file to be protected, which need not exist
 *
 * Creates an object for the lock that protects @file. The lock file has the name
 * of @file with `.lock` appended, in the same directory: the lock of
 * `/srv/data.json` is `/srv/data.json.lock`. The disk is not touched, and the lock
 * is not acquired.
 *
 * Open @file after the lock is acquired: data that was read earlier may be out of
 * date.
 *
 * Returns: (transfer full): the lock
 *
 * Since: 0.1
 */
FluflLock *
flufl_lock_new_beside (GFile *file)
{
  g_autoptr (GFile) directory = NULL;
  g_autoptr (GFile) lock_file = NULL;
  g_autofree char *name = NULL;
  g_autofree char *lock_name = NULL;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  directory = g_file_get_parent (file);
  /* The root directory has no name, so nothing can be beside it. An acquisition fails. */
  if (directory == NULL)
    return flufl_lock_new (file);
  name = g_file_get_basename (file);
  lock_name = g_strconcat (name, ".lock", NULL);
  lock_file = g_file_get_child (directory, lock_name);
  return flufl_lock_new (lock_file);
}

/**
 * flufl_lock_new_for_document:
 * @document: the file that a person opens, which need not exist
 *
 * Creates an object for the lock of a document that a person keeps open for minutes or hours. The
 * disk is not touched, and the lock is not acquired.
 *
 * The lock of `/home/jane/minutes.txt` is `/home/jane/.minutes.txt.lock`. All programs that open
 * documents by this function thus agree on the lock, and file managers hide it. The name of a
 * document that is longer than 249 bytes is cut, and a checksum is appended to it.
 *
 * The first operation follows the symbolic links of @document, in a thread of the library if the
 * operation is asynchronous. The lock lies beside the file that they lead to, so a document has one
 * lock, whichever link it was opened by. [property@Flufl.Lock:file] shows that lock file from then
 * on. Hard links are different names with different locks.
 *
 * Two properties have other defaults than those of [ctor@Flufl.Lock.new]:
 *
 * - [property@Flufl.Lock:lifetime] is 120000 (two minutes). The lock is refreshed about every 40
 *   seconds, so it survives an absence of the network of more than a minute. If a machine is switched
 *   off, other machines wait for its lock for up to two minutes and 15 seconds.
 * - [property@Flufl.Lock:subject] is the path of the document, so that messages speak of the
 *   document.
 *
 * To save under another name, create a second object, acquire its lock, save, and release the first
 * lock. So neither document is ever without its lock.
 *
 * The names of claim files contain [property@Flufl.Lock:separator]. Some programs that synchronize
 * directories refuse its default, `|`. If all programs that open the documents agree on another
 * separator, such as `^`, create the object with [property@Flufl.Lock:document] and that separator.
 *
 * Returns: (transfer full): the lock
 *
 * Since: 0.1
 */
FluflLock *
flufl_lock_new_for_document (GFile *document)
{
  g_return_val_if_fail (G_IS_FILE (document), NULL);

  return g_object_new (FLUFL_TYPE_LOCK, "document", document, NULL);
}

/* A slash at the end has no meaning, as in a GFile. @path: absolute */
static void
trim_slashes (char *path)
{
  const char *root = g_path_skip_root (path);
  char *end = path + strlen (path);

  while (end > root && G_IS_DIR_SEPARATOR (end[-1]))
    *--end = '\0';
}

/* Keeps a path as it is. GFile drops "x/.." from a path as text, while the kernel and flufl.lock
 * follow a symbolic link x. In a working directory that was deleted, GFile takes a relative path as
 * one below the root. The path of a working directory may be longer than PATH_MAX. */
static RawPath *
make_raw_path (const char *path)
{
  RawPath *raw = g_new0 (RawPath, 1);
  char *directory = NULL;

  if (!g_path_is_absolute (path))
    {
      directory = getcwd (NULL, 0);
      if (directory == NULL)
        raw->errsv = errno;
      else if (!g_path_is_absolute (directory)) /* old systems answer so if no path leads there */
        raw->errsv = ENOENT;
    }
  if (directory != NULL && raw->errsv == 0)
    raw->path = g_build_filename (directory, path, NULL);
  else
    raw->path = g_strdup (path);
  free (directory);
  if (raw->errsv == 0)
    trim_slashes (raw->path);
  return raw;
}

/**
 * flufl_lock_new_for_path:
 * @path: (type filename): the lock file's path; a relative one is taken from
 *   the working directory of this moment
 *
 * Creates an object for the lock @path. The disk is not touched, and the lock is
 * not acquired.
 *
 * The kernel's meaning of `..` applies to the path. Behind a symbolic link it is the parent of the
 * directory that the link points to. [property@Flufl.Lock:file] does not show that, since a
 * [iface@Gio.File] drops `x/..` from its path. A slash at the end has no meaning.
 *
 * Returns: (transfer full): the lock
 *
 * Since: 0.1
 */
FluflLock *
flufl_lock_new_for_path (const char *path)
{
  g_autoptr (GFile) file = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  file = g_file_new_for_path (path);
  if (path[0] != '\0' && (!g_path_is_absolute (path) || flufl_path_has_parent (path)))
    g_object_set_qdata_full (G_OBJECT (file), raw_path_quark (), make_raw_path (path),
                             raw_path_free);
  return flufl_lock_new (file);
}

/* --- For operations --- */

/*
 * flufl_lock_check_usable:
 *
 * Whether the object's arguments are valid, as far as is known without the disk.
 */
gboolean
flufl_lock_check_usable (FluflLock *self, GError **error)
{
  FluflSite copy, *site = &copy;
  FluflNameFault fault;
  const RawPath *raw;
  gboolean usable = FALSE;

  flufl_lease_copy_site (self->lease, site);
  fault = site->lock_path != NULL ? flufl_name_find_fault (site->lock_name)
                                  : FLUFL_NAME_FAULT_NONE;

  if (site->lock_path == NULL)
    {
      raw = self->file != NULL ? g_object_get_qdata (G_OBJECT (self->file), raw_path_quark ())
                               : NULL;
      g_propagate_error (error, raw != NULL ? flufl_report_no_directory (raw->path, raw->errsv)
                                            : flufl_report_no_path (self->file));
    }
  else if (site->lock_name[0] == '\0')
    g_propagate_error (error, flufl_report_no_name (site));
  else if (fault != FLUFL_NAME_FAULT_NONE)
    g_propagate_error (error, flufl_report_bad_name (site, fault));
  else if (!self->separator_is_valid)
    g_propagate_error (error, flufl_report_bad_separator (site, self->separator));
  else
    usable = TRUE;
  flufl_site_drop_copy (site);
  return usable;
}
