/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The lock of a document: its name, and where it is.
 */

#include "config.h"

#include "flufl-document-private.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-name.h"
#include "flufl-lock-private.h"
#include "flufl-path.h"

/* Milliseconds. A refresh writes an inode, and wakes a disk or a laptop. A loss of the network that is
 * shorter than two thirds of this costs nobody a document. */
#define LIFETIME 120000

#define PREFIX "."
#define SUFFIX ".lock"

/* Of the checksum in the names of locks whose documents have long names: bytes. */
#define CHECKSUM_LENGTH 16

FluflDocument *
flufl_document_new (GFile *file)
{
  FluflDocument *self = g_new0 (FluflDocument, 1);
  g_autofree char *path = g_file_get_path (file);

  g_atomic_ref_count_init (&self->refs);
  self->file = g_object_ref (file);
  if (path != NULL)
    self->path = flufl_path_dup_native (path);
  return self;
}

FluflDocument *
flufl_document_ref (FluflDocument *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
flufl_document_unref (gpointer data)
{
  FluflDocument *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->past_path);
  g_free (self->name);
  g_free (self->path);
  g_free (self);
}

/*
 * flufl_document_close:
 * @self: (transfer full):
 *
 * Called when the lock is finalized. The objects are the user's, and are freed in this thread. A worker
 * may have the last reference, and free the rest later.
 */
void
flufl_document_close (FluflDocument *self)
{
  g_clear_object (&self->file);
  g_clear_object (&self->past_file);
  flufl_document_unref (self);
}

/* The first @limit bytes of @name, or fewer: no character of UTF-8 is cut. */
static gsize
find_cut (const char *name, gsize limit)
{
  while (limit > 0 && ((guchar) name[limit] & 0xc0) == 0x80)
    limit--;
  return limit;
}

/*
 * flufl_document_dup_lock_name:
 * @name: that of a document
 *
 * All programs must find the same name, for ever. So nothing here may change.
 */
char *
flufl_document_dup_lock_name (const char *name)
{
  const gsize longest = FLUFL_NAME_MAX - strlen (PREFIX SUFFIX);
  g_autofree char *checksum = NULL, *start = NULL;

  if (strlen (name) <= longest)
    return g_strconcat (PREFIX, name, SUFFIX, NULL);
  checksum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);
  checksum[CHECKSUM_LENGTH] = '\0';
  start = g_strndup (name, find_cut (name, longest - 1 - CHECKSUM_LENGTH));
  return g_strconcat (PREFIX, start, "-", checksum, SUFFIX, NULL);
}

static char *
dup_lock_path (const char *document)
{
  const char *slash = strrchr (document, '/');
  g_autofree char *name = flufl_document_dup_lock_name (slash + 1);
  g_autofree char *directory = g_strndup (document, (gsize) (slash + 1 - document));

  return g_strconcat (directory, name, NULL);
}

/* Sets the file and the properties of a document's lock on a lock that is being constructed. Those
 * that its creator chooses are set later. */
void
flufl_document_set_up_lock (FluflDocument *self, FluflLock *lock)
{
  g_autoptr (GFile) directory = g_file_get_parent (self->file);
  g_autofree char *name = g_file_get_basename (self->file);
  g_autofree char *lock_name = name != NULL ? flufl_document_dup_lock_name (name) : NULL;

  g_clear_object (&lock->file);
  /* The root directory has no name and no neighbours: an acquisition says so. */
  lock->file = directory != NULL ? g_file_get_child (directory, lock_name)
                                 : g_object_ref (self->file);
  lock->lifetime = LIFETIME;
}

void
flufl_document_name_subject (const FluflDocument *self, FluflSite *site)
{
  g_autofree char *shown = g_filename_display_name (self->path);

  site->subject = g_intern_string (shown);
}

/* With the mutex. */
static void
take_path (FluflDocument *self, FluflSite *site, const char *document)
{
  char *lock_path = dup_lock_path (document);

  self->is_resolved = TRUE;
  self->name = g_path_get_basename (document);
  if (strcmp (lock_path, site->lock_path) == 0)
    {
      g_free (lock_path);
      return;
    }
  self->past_path = site->lock_path;
  site->lock_path = lock_path;
  site->lock_name = strrchr (lock_path, '/') + 1;
  site->has_parent = FALSE;
}

/*
 * flufl_document_resolve:
 * @self: (nullable): %NULL if the lock is not that of a document
 * @lease: that of the lock
 * @site: a copy of the lock's
 *
 * Follows the symbolic links of the document, if nobody has done it yet. Only a step of an
 * operation calls this, since it asks the disk. A document in a directory that does not exist stays
 * where it is, until there is one.
 *
 * Returns: 0, or an errno
 */
int
flufl_document_resolve (FluflDocument *self, FluflLease *lease, FluflSite *site)
{
  g_autofree char *path = NULL;
  gboolean is_resolved;

  if (self == NULL)
    return 0;
  flufl_lease_lock (lease);
  is_resolved = self->is_resolved;
  flufl_lease_unlock (lease);
  if (!is_resolved)
    {
      path = flufl_path_resolve_file (self->path);
      if (path == NULL)
        return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
    }
  flufl_lease_lock (lease);
  if (!self->is_resolved)
    take_path (self, &lease->site, path);
  site->lock_path = lease->site.lock_path;
  site->lock_name = lease->site.lock_name;
  site->has_parent = lease->site.has_parent;
  flufl_lease_unlock (lease);
  return 0;
}

/*
 * flufl_document_dup_name:
 *
 * Returns: (transfer full): the name of the document, behind the symbolic links as far as they are
 *   known
 */
char *
flufl_document_dup_name (FluflLock *lock)
{
  FluflDocument *self = lock->document;
  char *name;

  flufl_lease_lock (lock->lease);
  name = self->name != NULL ? g_strdup (self->name) : g_path_get_basename (self->path);
  flufl_lease_unlock (lock->lease);
  return name;
}

/*
 * flufl_document_announce:
 *
 * Sets the property “file” of the lock to the lock file that an operation has found. Called in a thread of
 * the user's.
 */
void
flufl_document_announce (FluflLock *lock)
{
  FluflDocument *self = lock->document;
  FluflLease *lease = lock->lease;
  gboolean changed;

  if (self == NULL)
    return;
  flufl_lease_lock (lease);
  changed = self->past_path != NULL && self->past_file == NULL;
  if (changed)
    {
      self->past_file = lock->file;
      g_atomic_pointer_set (&lock->file, g_file_new_for_path (lease->site.lock_path));
    }
  flufl_lease_unlock (lease);
  if (changed)
    flufl_lock_notify_file (lock);
}

/**
 * flufl_lock_get_document:
 * @self: a lock
 *
 * Gets the document that was passed to the constructor.
 *
 * Returns: (transfer none) (nullable): the document; %NULL if the object is not for a document
 *
 * Since: 0.1
 */
GFile *
flufl_lock_get_document (FluflLock *self)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  return self->document != NULL ? self->document->file : NULL;
}

/**
 * flufl_lock_get_subject:
 * @self: a lock
 *
 * Gets what messages call the lock.
 *
 * Returns: (transfer none) (nullable): the subject; %NULL if messages have the path of the lock file
 *
 * Since: 0.1
 */
const char *
flufl_lock_get_subject (FluflLock *self)
{
  const char *subject;

  g_return_val_if_fail (FLUFL_IS_LOCK (self), NULL);

  flufl_lease_lock (self->lease);
  subject = self->lease->site.subject;
  flufl_lease_unlock (self->lease);
  return subject;
}

/**
 * flufl_lock_set_subject:
 * @self: a lock
 * @subject: (nullable): such as the title of a document; %NULL for the path of the lock file
 *
 * Sets what messages call the lock. Running operations keep the previous subject.
 *
 * Since: 0.1
 */
void
flufl_lock_set_subject (FluflLock *self, const char *subject)
{
  /* Messages are made without the mutex, so the text must stay. */
  const char *fresh = subject != NULL && subject[0] != '\0' ? g_intern_string (subject) : NULL;
  gboolean changed;

  g_return_if_fail (FLUFL_IS_LOCK (self));
  g_return_if_fail (subject == NULL || g_utf8_validate (subject, -1, NULL));

  flufl_lease_lock (self->lease);
  changed = self->lease->site.subject != fresh;
  self->lease->site.subject = fresh;
  flufl_lease_unlock (self->lease);
  if (changed)
    g_object_notify (G_OBJECT (self), "subject");
}
