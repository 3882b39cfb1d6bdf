/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “doctor”: tries what the library does in the directory, and reports how it works.
 */

#include "doctor.h"

#include <fcntl.h>
#include <libflufllock.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "path.h"
#include "words.h"

#ifdef __linux__
#include <poll.h>
#include <sys/inotify.h>
#endif

/* How long to wait for the report of a change, in milliseconds. */
#define WATCH_PATIENCE 2000

/* How long to wait for the lock that is tried, in milliseconds. */
#define LOCK_TIMEOUT 5000

#ifdef __linux__
static gboolean
sees_change (int watch, const char *path)
{
  struct pollfd poll_fd = { .fd = watch, .events = POLLIN };
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  gboolean seen;

  if (fd < 0)
    return FALSE;
  close (fd);
  seen = poll (&poll_fd, 1, WATCH_PATIENCE) > 0;
  unlink (path);
  return seen;
}

void
doctor_try_watch (Doctor *self)
{
  g_autofree char *path = doctor_make_path (self, "-3");
  int watch = inotify_init1 (IN_CLOEXEC);

  if (doctor_found_bad (self))
    return;
  if (watch >= 0 && inotify_add_watch (watch, doctor_directory (self), IN_CREATE) >= 0
      && sees_change (watch, path))
    doctor_report (self, "watch", VERDICT_GOOD, _("The kernel reports changes that this machine makes. It reports none of other machines."));
  else
    doctor_report (self, "watch", VERDICT_NOTE,
                   _("The kernel reports no changes here, so waiters poll. The limits of inotify may be reached."));
  if (watch >= 0)
    close (watch);
}
#else
void
doctor_try_watch (Doctor *self)
{
  (void) self;
}
#endif

/* Whether this process has the claim open, and so has a life-line. */
static gboolean
has_open (GFile *claim)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  g_autofree char *name = g_file_get_basename (claim);
  const char *fd;

  while (dir != NULL && (fd = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", fd, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);
      g_autofree char *target_name = target != NULL ? g_path_get_basename (target) : NULL;

      if (g_strcmp0 (target_name, name) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
report_lock (Doctor *self, FluflLock *lock)
{
  g_autoptr (GFile) claim = flufl_lock_dup_claim_file (lock);

  doctor_report (self, "lock", VERDICT_GOOD, _("A lock can be acquired and released here."));
  if (claim != NULL && has_open (claim) && doctor_is_fat (self))
    doctor_report (self, "death", VERDICT_GOOD,
                   _("This machine makes all changes here. When a holder dies, a waiter gets its lock within a "
                     "second. Waiters poll."));
  else if (claim != NULL && has_open (claim))
    doctor_report (self, "death", VERDICT_GOOD,
                   _("The library treats this as a local file system. When a holder dies, a waiter gets its lock "
                     "within milliseconds. Waiters queue and are woken."));
  else
    doctor_report (self, "death", VERDICT_NOTE,
                   _("The library does not treat this as a local file system. Waiters poll. When a holder dies on "
                     "this machine, a waiter gets its lock after some seconds. When one dies on another "
                     "machine, a waiter gets its lock 10 to 15 s after the lock expired."));
}

/* Whether locks work that are no hard links. */
static void
try_without_links (Doctor *self, const char *path)
{
  g_autoptr (GFile) file = path_make_lock_file (path);
  g_autoptr (FluflLock) lock = g_object_new (FLUFL_TYPE_LOCK, "file", file, "without-links", TRUE, NULL);

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  if (flufl_lock_acquire (lock, LOCK_TIMEOUT, NULL, NULL) && flufl_lock_release (lock, NULL, NULL))
    doctor_report (self, "without-links", VERDICT_NOTE,
                   _("With --without-links a lock can be acquired and released here. All users of a lock must "
                     "have that option, or the property “without-links”."));
}

void
doctor_try_lock (Doctor *self)
{
  g_autofree char *path = doctor_make_path (self, ".lock");
  g_autoptr (FluflLock) lock = options_make_lock (path, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  if (!flufl_lock_acquire (lock, LOCK_TIMEOUT, NULL, &error))
    {
      text = words_join (_("No lock can be acquired here."), error->message);
      doctor_report (self, "lock", VERDICT_BAD, "%s", text);
      if (g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED) && !options_without_links ())
        try_without_links (self, path);
      return;
    }
  report_lock (self, lock);
  if (flufl_lock_release (lock, NULL, &error))
    return;
  text = words_join (_("The lock could not be released."), error->message);
  doctor_report (self, "lock", VERDICT_BAD, "%s", text);
}
