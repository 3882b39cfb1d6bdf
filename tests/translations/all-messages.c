/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Prints each message of the library, a line each, in the language of the environment. The values in
 * them are those that test-untranslated.py knows.
 */

#include <errno.h>
#include <locale.h>
#include <pwd.h>
#include <string.h>

#include "flufl-person-private.h"
#include "flufl-report-private.h"

enum
{
  USER_NAMED = 4711001, /* has a real name */
  USER_PLAIN,
  USER_UNKNOWN,
};

/* The library's question comes here. */
int
getpwuid_r (uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **out)
{
  static char mary[] = "mary", real_name[] = "Mary Major", bob[] = "bob", nothing[] = "";

  memset (buffer, 0, size);
  *entry = (struct passwd) { .pw_name = uid == USER_NAMED ? mary : bob,
                             .pw_gecos = uid == USER_NAMED ? real_name : nothing };
  *out = uid == USER_UNKNOWN ? NULL : entry;
  return 0;
}

static void
print (GError *error)
{
  g_print ("%s\n", error->message);
  g_error_free (error);
}

/* Findings that nothing has happened to. */
static FluflFindings
make_findings (void)
{
  FluflFindings findings = { .liveness = FLUFL_LIVENESS_ALIVE };
  FluflLook *look = &findings.look;

  look->sight = FLUFL_SIGHT_CLAIM;
  look->owner = USER_UNKNOWN;
  look->mtime = flufl_syscalls_native.clock (FLUFL_CLOCK_REAL) + 3600 * FLUFL_NSEC_PER_SEC;
  look->claim.pid = 4711;
  strcpy (look->claim.host, "kiel");
  strcpy (look->claim.name, "data.lock|kiel|4711");
  return findings;
}

static void
print_misuse (const FluflSite *site)
{
  g_autoptr (GFile) remote = g_file_new_for_uri ("dav://kiel/data.lock");
  const FluflNameFault faults[] = { FLUFL_NAME_FAULT_CHARACTER, FLUFL_NAME_FAULT_END,
                                    FLUFL_NAME_FAULT_DEVICE };

  print (flufl_report_no_path (NULL));
  print (flufl_report_no_path (remote));
  print (flufl_report_no_directory ("data.lock", ENOENT));
  print (flufl_report_no_directory ("data.lock", EACCES));
  print (flufl_report_no_name (site));
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++)
    print (flufl_report_bad_name (site, faults[i]));
  print (flufl_report_bad_separator (site, "x"));
  print (flufl_report_bad_timeout (site, -42));
  print (flufl_report_bad_lifetime (site, -42));
  print (flufl_report_pending (site));
  print (flufl_report_already_held (site));
  print (flufl_report_not_held (site));
  print (flufl_report_forked (site));
  print (flufl_report_cancelled ());
  print (flufl_report_nobody (site));
  print (flufl_report_no_foreign (site, "/srv/data"));
}

static void
print_foreign (const FluflSite *site)
{
  FluflSite plain;
  FluflLook look = { .sight = FLUFL_SIGHT_FOREIGN };

  for (look.foreign = FLUFL_FOREIGN_NONE; look.foreign <= FLUFL_FOREIGN_CONTENT; look.foreign++)
    print (flufl_report_not_a_lock (site, &look));
  look.is_blank = TRUE;
  for (look.nlink = 1; look.nlink <= 2; look.nlink++)
    print (flufl_report_not_a_lock (site, &look));
  flufl_site_init (&plain, site->sys, "/srv/data", "|");
  look.is_blank = FALSE;
  print (flufl_report_not_a_lock (&plain, &look));
  flufl_site_clear (&plain);
}

static void
print_refusals (FluflSite *site)
{
  const int errors[] = { ENOENT, EINVAL, ENOTDIR, ENAMETOOLONG, EROFS, EACCES, EIO };
  const FluflFsKind kinds[] = { FLUFL_FS_SMB, FLUFL_FS_SPLIT, FLUFL_FS_SHORT, FLUFL_FS_UNFIT,
                                FLUFL_FS_OTHER };
  FluflFindings findings = make_findings ();

  for (int step = FLUFL_FAILED_NONE; step <= FLUFL_FAILED_REMOVE_LOCK; step++)
    print (flufl_report_failed (site, (FluflFailedStep) step, EIO));
  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    for (int exists = 0; exists <= 1; exists++)
      {
        findings.errsv = errors[i];
        findings.directory_exists = exists;
        findings.failed_step = exists ? FLUFL_FAILED_REMOVE_LOCK : FLUFL_FAILED_CREATE_CLAIM;
        print (flufl_report_refused (site, FLUFL_OUTCOME_FAILED, &findings));
      }
  findings.errsv = EPERM;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      site->fs_kind = kinds[i];
      print (flufl_report_refused (site, FLUFL_OUTCOME_UNSUPPORTED, &findings));
    }
  findings.errsv = EIO;
  print (flufl_report_refused (site, FLUFL_OUTCOME_UNSUPPORTED, &findings));
  findings.errsv = EPERM;
  strcpy (findings.fs_type, "vfat");
  print (flufl_report_refused (site, FLUFL_OUTCOME_UNSUPPORTED, &findings));
  site->fs_kind = FLUFL_FS_LOCAL;
  findings.failed_step = FLUFL_FAILED_LINK_CLAIM;
  print (flufl_report_refused (site, FLUFL_OUTCOME_FAILED, &findings));
  print (flufl_report_unlisted ("/srv/data", EACCES));
  print (flufl_report_unresolved ("/srv/data", ELOOP));
  print (flufl_report_unread ("/srv/data.lock", EACCES));
  print (flufl_report_no_worker (site));
  print (flufl_report_no_thread (site));
  for (int loss = FLUFL_LOSS_NONE; loss <= FLUFL_LOSS_LATE; loss++)
    for (int errsv = 0; errsv <= EIO; errsv += EIO)
      print (flufl_report_lost (site, (FluflLoss) loss, errsv));
}

static void
print_long_path (FluflSite *site)
{
  g_autofree char *directories = g_strnfill (FLUFL_PATH_MAX, '/');
  g_autofree char *path = g_strconcat (directories, "data.lock", NULL);
  FluflFindings findings = { .errsv = ENAMETOOLONG };
  FluflSite deep = { 0 };

  flufl_site_init (&deep, site->sys, path, "|");
  deep.subject = "/srv/data.lock";
  findings.failed_step = FLUFL_FAILED_CREATE_CLAIM;
  print (flufl_report_refused (&deep, FLUFL_OUTCOME_FAILED, &findings));
  flufl_site_clear (&deep);
}

static void
print_timed_out (const FluflSite *site, const FluflFindings *findings)
{
  print (flufl_report_timed_out (site, findings, 0));
  print (flufl_report_timed_out (site, findings, 1));
  print (flufl_report_timed_out (site, findings, 999));
  print (flufl_report_timed_out (site, findings, 1500));
  print (flufl_report_not_broken (site, findings));
  print (flufl_report_other_holder (site, findings));
}

/* Who holds the lock: each user with and without a program. */
static void
print_holders (const FluflSite *site)
{
  const FluflLiveness livenesses[] = { FLUFL_LIVENESS_ALIVE, FLUFL_LIVENESS_DEAD, FLUFL_LIVENESS_UNKNOWN };
  FluflFindings findings = make_findings ();

  for (findings.look.owner = USER_NAMED; findings.look.owner <= USER_UNKNOWN; findings.look.owner++)
    for (int has_program = 0; has_program <= 1; has_program++)
      {
        flufl_person_learn_holder (site, &findings);
        strcpy (findings.program, has_program ? "gedit" : "");
        print_timed_out (site, &findings);
      }
  for (gsize i = 0; i < G_N_ELEMENTS (livenesses); i++)
    {
      findings.liveness = livenesses[i];
      print_timed_out (site, &findings);
    }
  findings.stopped = TRUE;
  print_timed_out (site, &findings);
  findings.own = TRUE;
  print_timed_out (site, &findings);
}

/* The sentences about times, and those about reasons why the lock cannot be broken. */
static void
print_obstacles (const FluflSite *site)
{
  const FluflSight sights[] = { FLUFL_SIGHT_NOTHING, FLUFL_SIGHT_STRANGE, FLUFL_SIGHT_UNREADABLE,
                                FLUFL_SIGHT_BLANK, FLUFL_SIGHT_FOREIGN };
  const int errors[] = { EXDEV, EMLINK, EEXIST, EACCES };
  FluflFindings findings = make_findings ();

  findings.look.claim.ours = TRUE;
  findings.look.claim.arrival = (guint64) (findings.look.mtime - 7200 * FLUFL_NSEC_PER_SEC);
  print_timed_out (site, &findings);
  findings.look.mtime -= 3600 * FLUFL_NSEC_PER_SEC;
  print_timed_out (site, &findings);
  findings.look.claim.ours = FALSE;
  print_timed_out (site, &findings);
  findings.resting = TRUE;
  for (findings.rest = FLUFL_NSEC_PER_SEC; findings.rest <= 60 * FLUFL_NSEC_PER_SEC; findings.rest *= 60)
    print_timed_out (site, &findings);
  findings.resting = FALSE;
  findings.in_vigil = findings.overdue = TRUE;
  print_timed_out (site, &findings);
  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      findings.break_errsv = errors[i];
      findings.look.exclusive = errors[i] == EMLINK;
      print_timed_out (site, &findings);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (sights); i++)
    {
      findings.look.sight = sights[i];
      print_timed_out (site, &findings);
    }
  findings.errsv = EIO;
  print_timed_out (site, &findings);
}

int
main (void)
{
  FluflSite site;

  setlocale (LC_ALL, "");
  flufl_person_patience = 60 * G_USEC_PER_SEC; /* the worker answers at once, on a busy machine later */
  flufl_site_init (&site, &flufl_syscalls_native, "/srv/data.lock", "|");
  print_misuse (&site);
  print_foreign (&site);
  print_refusals (&site);
  print_long_path (&site);
  print_holders (&site);
  print_obstacles (&site);
  flufl_site_clear (&site);
  return 0;
}
