/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Any bytes as a lock file, and any names beside it. Whatever they are, nothing crashes or hangs,
 * no file that is not of this lock is removed or changed, and all messages are text.
 *
 * The input: a byte of flags, a byte for the expiration of the lock file, the content of that
 * file, and names in its directory. DIVIDER separates the content and the names.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "fake-disk.h"
#include "flufl-attempt.h"
#include "flufl-exclusive-name.h"
#include "flufl-lock-private.h"

#define DIR "/d/"
#define LOCK_NAME "x.lock"
#define LOCK DIR LOCK_NAME
#define DIVIDER '\xfe'
#define MAX_NAMES 16

enum
{
  LINKED = 1 << 0,    /* the first name is a hard link to the lock file */
  NFS = 1 << 1,
  OTHER_FS = 1 << 2,
  RESTED = 1 << 3,    /* nothing has changed for a while */
  NO_LOCK = 1 << 4,
  HELD = 1 << 5,      /* a process has a flock(2) on the lock file, if that is local */
  LIVE_ONE = 1 << 6,  /* the content begins with the first name's path */
  EXCLUSIVE = 1 << 7, /* there are no hard links: FAT, or with OTHER_FS the property without-links */
};

/* Files of others, which must stay as they are. */
static const char *const bystanders[] = {
  "/etc/passwd", "/d/other.lock", "/d/other.lock|h|1|2", "/x.lock|h|1|2", "/d/x.lockfile", "/d/e/x.lock|h|1|2",
  "/d/other.lock^h^1^2", "/d/other.lock^h^1^2^1", "/d/other.lock^blank^x1^1", "/x.lock^h^1^2", "/d/e/x.lock^h^1^2^1",
};

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
check_text (const char *text)
{
  g_assert_true (text == NULL || g_utf8_validate (text, -1, NULL));
}

static void
check_error (GError **error)
{
  if (*error != NULL)
    {
      check_text ((*error)->message);
      g_assert_cmpstr ((*error)->message, !=, "");
    }
  g_clear_error (error);
}

static void
ask (FluflLock *lock)
{
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;

  if (flufl_lock_check (lock, NULL, &error))
    g_assert_no_error (error);
  check_error (&error);
  flufl_lock_query_state (lock, NULL, &error);
  check_error (&error);
  details = flufl_lock_query_details (lock, NULL, &error);
  check_error (&error);
  if (details == NULL)
    return;
  check_text (flufl_lock_details_get_host_name (details));
  g_assert_true (G_IS_FILE (flufl_lock_details_get_lock_file (details)));
}

static void
use (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;

  ask (lock);
  if (flufl_lock_acquire (lock, 0, NULL, &error))
    {
      ask (lock);
      g_assert_true (flufl_lock_release (lock, NULL, &error));
    }
  check_error (&error);
}

static FluflFsKind
kind_of (guint8 flags)
{
  if (flags & OTHER_FS)
    return FLUFL_FS_OTHER;
  if (flags & EXCLUSIVE)
    return FLUFL_FS_FAT;
  return flags & NFS ? FLUFL_FS_NFS : FLUFL_FS_LOCAL;
}

/* Whether a file may be removed: a claim of this lock, or a mark where there are no hard links. */
static gboolean
is_of_lock (const FluflSite *site, const char *path)
{
  const char *name = path + strlen (DIR);
  g_autofree char *marked = NULL;
  g_autofree char *line = NULL;
  FluflClaimName claim;

  if (flufl_claim_name_parse (name, strlen (name), LOCK_NAME, site->separator, &claim))
    return TRUE;
  if (!site->exclusive)
    return FALSE;
  marked = flufl_exclusive_dup_who (site, name);
  line = flufl_exclusive_line (site, name);
  return marked != NULL || flufl_exclusive_parse (line, strlen (line), site, &claim);
}

static gboolean
can_be_name (const guint8 *name, size_t length)
{
  return length > 0 && length <= FLUFL_NAME_MAX && memchr (name, '/', length) == NULL
         && memchr (name, '\0', length) == NULL;
}

/* The next part of the input; *length is -1 when there is none. */
static const guint8 *
next_part (const guint8 **rest, size_t *left, size_t *length)
{
  const guint8 *part = *rest;
  const guint8 *end = *left > 0 ? memchr (part, DIVIDER, *left) : NULL;

  *length = end != NULL ? (size_t) (end - part) : *left;
  *left -= *length + (end != NULL);
  *rest += *length + (end != NULL);
  return part;
}

static void
lay_out (GPtrArray *paths, guint8 flags, guint8 age, const guint8 *rest, size_t left)
{
  gint64 expiration = fake_disk_server_now () + ((gint64) age - 128) * FAKE_SEC;
  g_autoptr (GString) content = g_string_new (NULL);
  size_t length;
  const guint8 *part = next_part (&rest, &left, &length);

  g_string_append_len (content, (const char *) part, (gssize) length);
  while (left > 0 && paths->len < MAX_NAMES)
    {
      g_autofree char *path = NULL;

      part = next_part (&rest, &left, &length);
      if (!can_be_name (part, length))
        continue;
      path = g_strdup_printf (DIR "%.*s", (int) length, (const char *) part);
      if (strcmp (path, LOCK) == 0 || fake_disk_exists (path))
        continue;
      fake_disk_put (path, path, -1, FLUFL_FILE_REGULAR);
      fake_disk_set_mtime (path, expiration);
      g_ptr_array_add (paths, g_steal_pointer (&path));
    }

  if (flags & NO_LOCK)
    return;
  if ((flags & LINKED) && kind_of (flags) != FLUFL_FS_FAT && paths->len > 0)
    {
      g_assert_cmpint (fake_syscalls.link (paths->pdata[0], LOCK), ==, 0);
      if (!(flags & LIVE_ONE))
        fake_disk_set_content (LOCK, content->str, (gssize) content->len);
    }
  else
    {
      if ((flags & LIVE_ONE) && paths->len > 0)
        g_string_prepend (content, (char *) paths->pdata[0] + (flags & EXCLUSIVE ? strlen (DIR) : 0));
      fake_disk_put (LOCK, content->str, (gssize) content->len, FLUFL_FILE_REGULAR);
    }
  fake_disk_set_mtime (LOCK, expiration);
}

static void
check_bystanders (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bystanders); i++)
    {
      g_assert_true (fake_disk_exists (bystanders[i]));
      g_assert_cmpstr (fake_disk_content (bystanders[i]), ==, bystanders[i]);
      g_assert_cmpuint (fake_disk_nlink (bystanders[i]), ==, 1);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GFile) file = NULL;
  g_autofree char *before = NULL;
  FluflLook look;
  FluflSite site = { 0 };
  guint8 flags;
  gboolean is_lock;
  int fd = -1;

  if (size < 2)
    return 0;
  flags = data[0];
  flufl_lock_syscalls = &fake_syscalls;
  fake_disk_reset ();
  fake_disk_kind (kind_of (flags));
  for (guint i = 0; i < G_N_ELEMENTS (bystanders); i++)
    fake_disk_put (bystanders[i], bystanders[i], -1, FLUFL_FILE_REGULAR);
  lay_out (paths, flags, data[1], data + 2, size - 2);
  if ((flags & (HELD | NFS | OTHER_FS)) == HELD && fake_disk_exists (LOCK))
    {
      /* Without hard links the claim has the life-line. */
      fd = fake_syscalls.open ((flags & EXCLUSIVE) && paths->len > 0 ? paths->pdata[0] : LOCK, FLUFL_OPEN_LOOK);
      if (fd >= 0)
        g_assert_cmpint (fake_syscalls.flock (fd, FLUFL_LINE_TIE), ==, 0);
    }
  if (flags & RESTED)
    fake_disk_advance (FLUFL_GRACE + FAKE_SEC);

  flufl_site_init (&site, &fake_syscalls, LOCK, "|");
  site.without_links = (flags & EXCLUSIVE) != 0;
  flufl_site_fs_kind (&site);
  flufl_look_take (&look, &site, LOCK);
  is_lock = look.sight != FLUFL_SIGHT_FOREIGN;
  before = is_lock || !fake_disk_exists (LOCK) ? NULL : g_strdup (fake_disk_content (LOCK));

  file = g_file_new_for_path (LOCK);
  lock = g_object_new (FLUFL_TYPE_LOCK, "file", file, "without-links", (flags & EXCLUSIVE) != 0, NULL);
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  use (lock);
  fake_disk_advance (FLUFL_GRACE + FLUFL_SLOP + FAKE_SEC);
  use (lock);

  /* A file that is not a lock stays as it was. Only claims of this lock may be removed. */
  if (!is_lock)
    {
      g_assert_true (fake_disk_exists (LOCK));
      g_assert_cmpstr (fake_disk_content (LOCK), ==, before);
    }
  for (guint i = 0; i < paths->len; i++)
    if (!fake_disk_exists (paths->pdata[i]))
      g_assert_true (is_of_lock (&site, paths->pdata[i]));
  flufl_site_clear (&site);
  check_bystanders ();

  flufl_lock_break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error);
  check_error (&error);
  check_bystanders ();
  g_clear_object (&lock);
  if (fd >= 0)
    fake_syscalls.close (fd);
  g_assert_cmpuint (fake_disk_n_open (), ==, 0);
  return 0;
}
