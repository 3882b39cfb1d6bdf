/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-report-private.h"

#include <errno.h>

#include "flufl-error.h"
#include "flufl-words-private.h"

/* What messages call the lock: its subject, or else the lock file's path. Always UTF-8. */
char *
flufl_report_path (const FluflSite *site)
{
  return site->subject != NULL ? g_strdup (site->subject) : flufl_report_lock_file (site);
}

/* The path of the lock file itself, for those who are to do something about that file. */
char *
flufl_report_lock_file (const FluflSite *site)
{
  return g_filename_display_name (site->lock_path != NULL ? site->lock_path : "");
}

/* --- Misuse --- */

GError *
flufl_report_no_path (GFile *file)
{
  g_autofree char *uri = file != NULL ? g_file_get_uri (file) : NULL;

  if (uri == NULL || uri[0] == '\0')
    return g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                        /* Translators: “file” is the name of a property, and stays. */
                        _("No lock file was given: set the property “file” when the lock is made, to a "
                          "path that is not empty."));
  return g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                      /* Translators: %s is a URI. */
                      _("“%s” has no path on this machine, so it cannot be a lock file."), uri);
}

/* A relative path, and nothing that it could be relative to. @errsv: that of getcwd(3) */
GError *
flufl_report_no_directory (const char *name, int errsv)
{
  g_autofree char *shown = g_filename_display_name (name);

  if (errsv != ENOENT)
    return g_error_new (G_IO_ERROR, (int) g_io_error_from_errno (errsv),
                        /* Translators: The last %s is the system's own words for its error. */
                        _("The lock file “%s” was given by a relative path, and the working directory "
                          "could not be found: %s. Give an absolute path."),
                        shown, g_strerror (errsv));
  return g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                      _("The lock file “%s” was given by a relative path, and the working directory does "
                        "not exist any more. Give an absolute path."),
                      shown);
}

GError *
flufl_report_no_name (const FluflSite *site)
{
  g_autofree char *path = flufl_report_lock_file (site);

  return g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                      _("“%s” cannot be a lock file: it has no name."), path);
}

/* A sentence for a name that means another file or a device. */
static char *
describe_fault (const char *path, FluflNameFault fault)
{
  switch (fault)
    {
    case FLUFL_NAME_FAULT_CHARACTER:
      return g_strdup_printf (_("“%s” cannot be a lock file: its name has a character that no file of "
                                "Windows can have. Choose another name."),
                              path);
    case FLUFL_NAME_FAULT_END:
      return g_strdup_printf (_("“%s” cannot be a lock file: its name ends with a dot or a blank, which "
                                "Windows leaves out. Choose another name."),
                              path);
    case FLUFL_NAME_FAULT_DEVICE:
    case FLUFL_NAME_FAULT_NONE:
    default:
      return g_strdup_printf (_("“%s” cannot be a lock file: its name is that of a device. Choose another "
                                "name."),
                              path);
    }
}

GError *
flufl_report_bad_name (const FluflSite *site, FluflNameFault fault)
{
  g_autofree char *path = flufl_report_lock_file (site);
  g_autofree char *text = describe_fault (path, fault);

  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME, text);
}

GError *
flufl_report_bad_separator (const FluflSite *site, const char *separator)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *shown = g_utf8_make_valid (separator, -1);

  return g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                      P_("The separator “%s” of the lock “%s” cannot be used: it must have 1 to %d byte, "
                         "none of them a letter, a digit, “/”, “~”, or a control character.",
                         "The separator “%s” of the lock “%s” cannot be used: it must have 1 to %d bytes, "
                         "none of them a letter, a digit, “/”, “~”, or a control character.",
                         FLUFL_SEPARATOR_MAX),
                      shown, path, FLUFL_SEPARATOR_MAX);
}

GError *
flufl_report_bad_timeout (const FluflSite *site, gint64 timeout_ms)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *timeout = g_strdup_printf ("%" G_GINT64_FORMAT, timeout_ms);

  return g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                      /* Translators: The first %s is a number of milliseconds. “default-timeout” is
                       * the name of a property, and stays. */
                      _("The timeout %s ms for the lock “%s” cannot be used: it must be 0 or more, -1 to "
                        "wait for ever, or -2 for that of the property “default-timeout”."),
                      timeout, path);
}

GError *
flufl_report_bad_lifetime (const FluflSite *site, gint64 lifetime_ms)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *lifetime = g_strdup_printf ("%" G_GINT64_FORMAT, lifetime_ms);

  return g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                      /* Translators: The first %s is a number of milliseconds. “lifetime” is the name
                       * of a property, and stays. */
                      _("The lifetime %s ms of the lock “%s” cannot be used: it must be between 1 ms and "
                        "68 years, or -1 to use that of the property “lifetime”."),
                      lifetime, path);
}

GError *
flufl_report_pending (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (G_IO_ERROR, G_IO_ERROR_PENDING,
                      _("Another operation runs on this object for the lock “%s”. Wait until it is over, "
                        "or use a second object."),
                      path);
}

GError *
flufl_report_already_held (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD,
                      _("The lock “%s” is held by this object already. Release it first."), path);
}

GError *
flufl_report_not_held (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD,
                      _("The lock “%s” is not held by this object."), path);
}

GError *
flufl_report_forked (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD,
                      _("The operation on the lock “%s” belongs to the parent process, which began it "
                        "before fork(2). This process does not hold the lock."),
                      path);
}

/* --- Results --- */

/* A sentence for a step that failed. */
char *
flufl_report_describe_failure (const FluflSite *site, FluflFailedStep step, int errsv)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *file = flufl_report_lock_file (site);
  const char *error = g_strerror (errsv);

  switch (step)
    {
    case FLUFL_FAILED_CREATE_CLAIM:
      /* Translators: The last %s is the system's own words for its error. The claim file is the file
       * that a process makes beside the lock file, which is a hard link to it. */
      return g_strdup_printf (_("Could not create a claim file for the lock “%s”: %s."), path, error);
    case FLUFL_FAILED_TOUCH_CLAIM:
      return g_strdup_printf (_("Could not set the time of the claim file for the lock “%s”: %s."), path,
                              error);
    case FLUFL_FAILED_REFRESH_CLAIM:
      return g_strdup_printf (_("Could not refresh the lock “%s”: %s."), path, error);
    case FLUFL_FAILED_LOOK_AT_CLAIM:
      return g_strdup_printf (_("Could not look at the claim file of the lock “%s”: %s."), path, error);
    case FLUFL_FAILED_REMOVE_CLAIM:
      return g_strdup_printf (_("Could not remove the claim file of the lock “%s”: %s."), path, error);
    case FLUFL_FAILED_LINK_CLAIM:
      return g_strdup_printf (_("Could not link the claim file to the lock file “%s”: %s."), file,
                              error);
    case FLUFL_FAILED_CREATE_LOCK:
      return g_strdup_printf (_("Could not create the lock file “%s”: %s."), file, error);
    case FLUFL_FAILED_READ_LOCK:
      return g_strdup_printf (_("Could not read the lock file “%s”: %s."), file, error);
    case FLUFL_FAILED_REMOVE_LOCK:
      return g_strdup_printf (_("Could not remove the lock file “%s”: %s."), file, error);
    case FLUFL_FAILED_LOOK_AT_LOCK:
    case FLUFL_FAILED_NONE:
    default:
      return g_strdup_printf (_("Could not look at the lock file “%s”: %s."), file, error);
    }
}

GError *
flufl_report_cancelled (void)
{
  return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Operation was cancelled"));
}

GError *
flufl_report_nobody (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD,
                      _("Nobody holds the lock “%s”."), path);
}

/* @document: the path of a document without a lock of another program */
GError *
flufl_report_no_foreign (const FluflSite *site, const char *document)
{
  g_autofree char *shown = site->subject != NULL ? g_strdup (site->subject)
                                                 : g_filename_display_name (document);

  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD,
                      /* Translators: %s is the path of a document. */
                      _("LibreOffice has no lock on “%s”."), shown);
}

/* A sentence for a timeout. */
static char *
describe_timeout (const char *path, gint64 timeout_ms)
{
  int msec = (int) MIN (timeout_ms, 1000);

  if (timeout_ms == 0)
    return g_strdup_printf (_("The lock “%s” is not free."), path);
  if (timeout_ms < 1000)
    return g_strdup_printf (P_("The lock “%s” did not become free within %d ms.",
                               "The lock “%s” did not become free within %d ms.", msec),
                            path, msec);
  return g_strdup_printf (_("The lock “%s” did not become free within %.1f s."), path,
                          (double) timeout_ms / 1000.0);
}

GError *
flufl_report_timed_out (const FluflSite *site, const FluflFindings *findings, gint64 timeout_ms)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *failure = describe_timeout (path, timeout_ms);
  g_autofree char *obstacle = flufl_report_describe_obstacle (site, findings);
  g_autofree char *text = flufl_words_join (failure, obstacle);

  return g_error_new_literal (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT, text);
}

GError *
flufl_report_not_broken (const FluflSite *site, const FluflFindings *findings)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *obstacle = flufl_report_describe_obstacle (site, findings);
  gboolean is_refused = findings->break_errsv != 0 && findings->break_errsv != EEXIST
                        && findings->look.sight != FLUFL_SIGHT_STRANGE;
  GIOErrorEnum code = is_refused ? g_io_error_from_errno (findings->break_errsv) : G_IO_ERROR_BUSY;
  g_autofree char *failure = g_strdup_printf (_("The lock “%s” was not broken."), path);
  g_autofree char *text = flufl_words_join (failure, obstacle);

  return g_error_new_literal (G_IO_ERROR, (int) code, text);
}

/* @findings: who holds it now */
GError *
flufl_report_other_holder (const FluflSite *site, const FluflFindings *findings)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *obstacle = flufl_report_describe_obstacle (site, findings);
  g_autofree char *failure = g_strdup_printf (_("The lock “%s” was not broken: it has another holder now."), path);
  g_autofree char *text = flufl_words_join (failure, obstacle);

  return g_error_new_literal (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD, text);
}

static GError *
report_unsupported (const FluflSite *site, const FluflFindings *findings)
{
  g_autofree char *path = flufl_report_path (site);

  if (site->fs_kind == FLUFL_FS_SMB)
    return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                        _("The lock “%s” cannot be used: it lies on SMB, where the removal of one file can "
                          "succeed for two processes, so that both could hold the lock. Put the lock "
                          "file on another file system."),
                        path);
  if (site->fs_kind == FLUFL_FS_SPLIT)
    return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                        _("The lock “%s” cannot be used: it lies on a mount of rclone, where two machines can "
                          "create the same file, so that both could hold the lock. Put the lock file on "
                          "another file system."),
                        path);
  if (site->fs_kind == FLUFL_FS_SHORT)
    return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                        /* Translators: “msdos” and “vfat” are types of file systems, and stay. */
                        _("The lock “%s” cannot be used: it lies on a mount of type msdos, which cuts names "
                          "to eight letters and three, so that other files may have the names of the lock "
                          "and of its claims. Mount it as vfat, or put the lock file on another file "
                          "system."),
                        path);
  if (site->fs_kind == FLUFL_FS_UNFIT)
    return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                        _("The lock “%s” cannot be used: its file system does not keep the times of files "
                          "as locks need it, so that two processes could hold the lock. Put the lock file "
                          "on another file system."),
                        path);
  if (findings->errsv == EIO)
    return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                        /* Translators: The last %s is the system's own words for its error. */
                        _("The lock “%s” cannot be used: each hard link to its lock file has failed: %s. "
                          "Perhaps the file system has no hard links. Put the lock file on another file "
                          "system, or set the property “without-links” in all programs that use the "
                          "lock."),
                        path, g_strerror (findings->errsv));
  if (findings->fs_type[0] == '\0')
    return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                        /* Translators: The last %s is the system's own words for its error. */
                        _("The lock “%s” cannot be used: its file system does not support hard links: %s. "
                          "Put the lock file on another file system, or set the property “without-links” "
                          "in all programs that use the lock."),
                        path, g_strerror (findings->errsv));
  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                      /* Translators: The second %s is the type of the file system, such as “vfat”. */
                      _("The lock “%s” cannot be used: its file system (%s) does not support hard links: "
                        "%s. Put the lock file on another file system, or set the property "
                        "“without-links” in all programs that use the lock."),
                      path, findings->fs_type, g_strerror (findings->errsv));
}

/* @directory: as the system spells it */
GError *
flufl_report_unlisted (const char *directory, int errsv)
{
  g_autofree char *path = g_filename_display_name (directory);

  return g_error_new (G_IO_ERROR, (int) g_io_error_from_errno (errsv),
                      _("Could not read the directory “%s”: %s."), path, g_strerror (errsv));
}

/* Whether link(2) was refused where hard links are known to work. */
static gboolean
is_refused_by_sandbox (const FluflSite *site, FluflOutcome outcome, const FluflFindings *findings)
{
  return outcome == FLUFL_OUTCOME_FAILED && site->fs_kind == FLUFL_FS_LOCAL
         && findings->failed_step == FLUFL_FAILED_LINK_CLAIM
         && flufl_claim_is_link_refusal (findings->errsv);
}

/* Whether the path of the directory leaves too little room for the names of a lock's files, of which
 * the longest has FLUFL_NAME_MAX bytes. */
static gboolean
directory_is_too_long (const FluflSite *site)
{
  return site->lock_name - site->lock_path + FLUFL_NAME_MAX >= FLUFL_PATH_MAX;
}

/* The directory is the most frequent mistake. Returns: (nullable): sentences */
static char *
directory_advice (const FluflSite *site, const FluflFindings *findings)
{
  g_autofree char *directory = flufl_site_directory (site);
  g_autofree char *shown = g_filename_display_name (directory);

  switch (findings->errsv)
    {
    case ENOENT:
      if (!findings->directory_exists)
        return g_strdup_printf (_("The directory “%s” does not exist. Create it first."), shown);
      /* Translators: The first %s is a directory. */
      return g_strdup_printf (_("“%s” may not allow such file names. Try another directory, or a "
                                "separator other than “%s”."),
                              shown, site->separator);
    case EINVAL:
    case EILSEQ:
      /* Translators: The first %s is a directory. */
      return g_strdup_printf (_("“%s” does not allow such file names. Try a separator other than “%s”."),
                              shown, site->separator);
    case ENOTDIR:
      return g_strdup_printf (_("A part of “%s” is not a directory."), shown);
    case ENAMETOOLONG:
      if (directory_is_too_long (site))
        return g_strdup (_("The path is too long. Choose a directory with a shorter one."));
      /* Translators: %s is a directory. */
      return g_strdup_printf (_("The name is too long for “%s”. Choose a shorter one."), shown);
    case EROFS:
      /* Translators: %s is a directory. */
      return g_strdup_printf (_("The file system of “%s” is read-only."), shown);
    case EACCES:
    case EPERM:
      if (findings->failed_step == FLUFL_FAILED_REMOVE_LOCK)
        /* Translators: %s is a directory. */
        return g_strdup_printf (_("You need permission to remove this file from “%s”. If the directory "
                                  "has the sticky bit, only the owner of the file or of the directory "
                                  "has this permission."),
                                shown);
      /* Translators: %s is a directory. */
      return g_strdup_printf (_("You need permission to create and remove files in “%s”."), shown);
    default:
      return NULL;
    }
}

/*
 * flufl_report_refused:
 * @outcome: the outcome of an attempt or a break that a longer wait does not change
 */
GError *
flufl_report_refused (const FluflSite     *site,
                      FluflOutcome         outcome,
                      const FluflFindings *findings)
{
  g_autofree char *failure = NULL;
  g_autofree char *advice = NULL;
  g_autofree char *text = NULL;

  if (outcome == FLUFL_OUTCOME_NOT_A_LOCK)
    return flufl_report_not_a_lock (site, &findings->look);
  if (outcome == FLUFL_OUTCOME_UNSUPPORTED)
    return report_unsupported (site, findings);
  failure = flufl_report_describe_failure (site, findings->failed_step, findings->errsv);
  if (is_refused_by_sandbox (site, outcome, findings))
    {
      text = flufl_words_join (failure,
                               _("The file system supports hard links, so a sandbox or a security policy "
                                 "seems to forbid link(2) to this process."));
      return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, text);
    }
  advice = directory_advice (site, findings);
  text = flufl_words_join (failure, advice);
  return g_error_new_literal (G_IO_ERROR, (int) g_io_error_from_errno (findings->errsv), text);
}

/*
 * flufl_report_failed:
 * @step: the step that failed with @errsv
 */
GError *
flufl_report_failed (const FluflSite *site, FluflFailedStep step, int errsv)
{
  g_autofree char *failure = flufl_report_describe_failure (site, step, errsv);

  return g_error_new_literal (G_IO_ERROR, (int) g_io_error_from_errno (errsv), failure);
}

/* @path: that of a document */
GError *
flufl_report_unresolved (const char *path, int errsv)
{
  g_autofree char *shown = g_filename_display_name (path);

  return g_error_new (G_IO_ERROR, (int) g_io_error_from_errno (errsv),
                      /* Translators: The first %s is the path of a document. */
                      _("Could not find the file behind the symbolic links of “%s”: %s."), shown,
                      g_strerror (errsv));
}

/* @path: that of another program's lock */
GError *
flufl_report_unread (const char *path, int errsv)
{
  g_autofree char *shown = g_filename_display_name (path);

  return g_error_new (G_IO_ERROR, (int) g_io_error_from_errno (errsv),
                      /* Translators: The first %s is the path of a lock file of LibreOffice. */
                      _("Could not read the lock “%s” of another program: %s."), shown,
                      g_strerror (errsv));
}

GError *
flufl_report_no_worker (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (G_IO_ERROR, (int) g_io_error_from_errno (EAGAIN),
                      _("Could not start a thread for the lock “%s”: %s."), path, g_strerror (EAGAIN));
}

GError *
flufl_report_no_thread (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (G_IO_ERROR, (int) g_io_error_from_errno (EAGAIN),
                      /* Translators: The heartbeat refreshes the lock at regular times. */
                      _("The lock “%s” was released again: no thread could be started for its heartbeat."),
                      path);
}

/*
 * flufl_report_lost:
 * @errsv: what kept the lock from being refreshed until it had expired, or 0
 */
GError *
flufl_report_lost (const FluflSite *site, FluflLoss loss, int errsv)
{
  g_autofree char *path = flufl_report_path (site);

  switch (loss)
    {
    case FLUFL_LOSS_LATE:
      if (errsv == 0)
        return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST,
                            _("The lock “%s” was lost: it expired before it could be refreshed."), path);
      return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST,
                          _("The lock “%s” was lost: it could not be refreshed before it expired: %s."),
                          path, g_strerror (errsv));
    case FLUFL_LOSS_EXPIRED:
      return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST,
                          _("The lock “%s” was lost: it expired, and somebody broke it or removed its "
                            "files. What it protects may have changed."),
                          path);
    case FLUFL_LOSS_TAKEN:
    case FLUFL_LOSS_NONE:
    default:
      return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST,
                          _("The lock “%s” was lost: somebody broke it or removed its files. What it "
                            "protects may have changed."),
                          path);
    }
}
