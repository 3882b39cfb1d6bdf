/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "flufl-report-private.h"

#include <errno.h>

#include "flufl-error.h"
#include "flufl-lock-details-private.h"

/* The lock file's path as it may be shown: always UTF-8. */
char *
flufl_report_path (const FluflSite *site)
{
  return g_filename_display_name (site->lock_path != NULL ? site->lock_path : "");
}

static char *
format_time (gint64 nsec)
{
  g_autoptr (GDateTime) time = flufl_date_time_from_nsec (nsec);

  return g_date_time_format (time, "%Y-%m-%d %H:%M:%S UTC");
}

static const char *
liveness_words (FluflLiveness liveness)
{
  switch (liveness)
    {
    case FLUFL_LIVENESS_ALIVE:
      return "it is alive";
    case FLUFL_LIVENESS_DEAD:
      return "it is dead";
    case FLUFL_LIVENESS_UNKNOWN:
    default:
      return "whether it is alive is not known";
    }
}

/* A sentence about who or what is in the way. */
static char *
describe_obstacle (const FluflSite *site, const FluflFindings *findings)
{
  const FluflLook *look = &findings->look;
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean past = look->mtime < site->sys->clock (FLUFL_CLOCK_REAL);

  if (findings->errsv != 0)
    {
      g_string_append_printf (text, "The last try to %s failed: %s.", findings->failed_step,
                              g_strerror (findings->errsv));
      return g_string_free (g_steal_pointer (&text), FALSE);
    }

  if (look->sight == FLUFL_SIGHT_CLAIM)
    {
      g_autofree char *host = g_utf8_make_valid (look->claim.host, -1);
      g_autofree char *until = format_time (look->mtime);

      g_string_append_printf (text, "Process %d on host “%s” %s %s; %s.", look->claim.pid, host,
                              past ? "holds it although it expired at" : "holds it, at least until", until,
                              liveness_words (findings->liveness));
    }
  else if (look->sight == FLUFL_SIGHT_UNREADABLE)
    {
      g_autofree char *until = format_time (look->mtime);

      g_string_append_printf (text, "Somebody whose lock file may not be read here %s %s.",
                              past ? "holds it although it expired at" : "holds it, at least until", until);
    }
  else
    g_string_append (text, "Others were quicker each time it was free.");

  if (past && !findings->expired && look->sight == FLUFL_SIGHT_CLAIM)
    g_string_append_printf (text, " It may be broken %d s after that.",
                            (int) (FLUFL_SLOP / FLUFL_NSEC_PER_SEC));
  if (findings->break_errsv != 0)
    g_string_append_printf (text, " It may not be broken from here: %s.",
                            g_strerror (findings->break_errsv));
  else if (findings->resting)
    g_string_append_printf (text, " It can be broken once nothing has changed for %d s.",
                            (int) (FLUFL_GRACE / FLUFL_NSEC_PER_SEC));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

GError *
flufl_report_timed_out (const FluflSite *site, const FluflFindings *findings, gint64 timeout_ms)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *obstacle = describe_obstacle (site, findings);

  if (timeout_ms == 0)
    return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT,
                        "The lock “%s” is not free. %s", path, obstacle);
  if (timeout_ms < 1000)
    return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT,
                        "The lock “%s” did not become free within %d ms. %s", path,
                        (int) timeout_ms, obstacle);
  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT,
                      "The lock “%s” did not become free within %.1f s. %s", path,
                      (double) timeout_ms / 1000.0, obstacle);
}

GError *
flufl_report_not_broken (const FluflSite *site, const FluflFindings *findings)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *obstacle = describe_obstacle (site, findings);
  GIOErrorEnum code = findings->break_errsv != 0
                          ? g_io_error_from_errno (findings->break_errsv)
                          : G_IO_ERROR_BUSY;

  return g_error_new (G_IO_ERROR, (int) code, "The lock “%s” was not broken. %s", path, obstacle);
}

/* Most often it is the very file that the lock was to protect: so nothing here
 * may advise to remove what has content. */
GError *
flufl_report_not_a_lock (const FluflSite *site, const FluflLook *look)
{
  g_autofree char *path = flufl_report_path (site);
  g_autoptr (GString) advice = g_string_new (NULL);

  if (look->is_blank)
    g_string_append (advice, "If nothing needs it, remove it, or break the lock by force.");
  else if (!g_str_has_suffix (path, ".lock"))
    g_string_append_printf (advice, "To protect it, use another file as the lock: “%s.lock”, say.",
                            path);
  else
    g_string_append (advice, "Choose another path for the lock.");
  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK,
                      "“%s” is not a lock file: %s. %s", path, look->what, advice->str);
}

static char *
file_system_name (const FluflSite *site)
{
  g_autofree char *directory = flufl_site_directory (site);
  g_autoptr (GFile) file = g_file_new_for_path (directory);
  g_autoptr (GFileInfo) info
      = g_file_query_filesystem_info (file, G_FILE_ATTRIBUTE_FILESYSTEM_TYPE, NULL, NULL);
  const char *type = NULL;

  if (info != NULL)
    type = g_file_info_get_attribute_string (info, G_FILE_ATTRIBUTE_FILESYSTEM_TYPE);
  return g_strdup (type != NULL ? type : "of unknown type");
}

/*
 * flufl_report_refused:
 * @outcome: what an attempt or a break ended with, and is not a matter of waiting
 */
GError *
flufl_report_refused (const FluflSite     *site,
                      FluflOutcome         outcome,
                      const FluflFindings *findings)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *type = NULL;

  switch (outcome)
    {
    case FLUFL_OUTCOME_NOT_A_LOCK:
      return flufl_report_not_a_lock (site, &findings->look);
    case FLUFL_OUTCOME_UNSUPPORTED:
      if (site->fs_kind == FLUFL_FS_SMB)
        return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                            "The lock “%s” cannot be made: it lies on SMB, where two processes that "
                            "remove one file can both be told that they did, so that both could "
                            "hold the lock. Put the lock file on another file system.",
                            path);
      type = file_system_name (site);
      return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED,
                          "The lock “%s” cannot be made: its file system (%s) has no working hard "
                          "links: %s. Put the lock file on another file system.",
                          path, type, g_strerror (findings->errsv));
    default:
      return flufl_report_failed (site, findings->failed_step, findings->errsv);
    }
}

/* What is wrong with the directory is what people get wrong most. */
static char *
directory_advice (const FluflSite *site, int errsv)
{
  g_autofree char *directory = flufl_site_directory (site);
  g_autofree char *shown = g_filename_display_name (directory);

  switch (errsv)
    {
    case ENOENT:
      return g_file_test (directory, G_FILE_TEST_IS_DIR)
                 ? g_strdup_printf (" “%s” takes no file with such a name; another separator than “%s” may do.",
                                    shown, site->separator)
                 : g_strdup_printf (" Is there a directory “%s”? It must be made first.", shown);
    case ENOTDIR:
      return g_strdup_printf (" A part of “%s” is not a directory.", shown);
    case EACCES:
    case EPERM:
    case EROFS:
      return g_strdup_printf (" It must be possible to create and remove files in “%s”.", shown);
    default:
      return g_strdup ("");
    }
}

GError *
flufl_report_failed (const FluflSite *site, const char *step, int errsv)
{
  g_autofree char *path = flufl_report_path (site);
  g_autofree char *advice = directory_advice (site, errsv);

  return g_error_new (G_IO_ERROR, (int) g_io_error_from_errno (errsv),
                      "The lock “%s”: could not %s: %s.%s", path, step, g_strerror (errsv), advice);
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
                            "The lock “%s” was lost: it expired before it could be refreshed.", path);
      return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST,
                          "The lock “%s” was lost: it could not be refreshed before it expired: %s.",
                          path, g_strerror (errsv));
    case FLUFL_LOSS_EXPIRED:
      return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST,
                          "The lock “%s” was lost: it expired, and another process broke it. What it "
                          "protects may have changed.",
                          path);
    case FLUFL_LOSS_TAKEN:
    case FLUFL_LOSS_NONE:
    default:
      return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST,
                          "The lock “%s” was lost: somebody broke it or removed its files. What it "
                          "protects may have changed.",
                          path);
    }
}

GError *
flufl_report_not_held (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD,
                      "The lock “%s” is not held by this object.", path);
}

GError *
flufl_report_forked (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_HELD,
                      "The operation on the lock “%s” is that of the parent process, which began it "
                      "before fork(2). This process does not hold the lock.",
                      path);
}

GError *
flufl_report_already_held (const FluflSite *site)
{
  g_autofree char *path = flufl_report_path (site);

  return g_error_new (FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_ALREADY_HELD,
                      "The lock “%s” is held by this object already. Release it first.", path);
}
