/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “doctor”: files that are made to see what the file system does.
 */

#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "words.h"

/* Nanoseconds. A time with all digits shows which of them a file system keeps. */
#define ALL_DIGITS 123456789
#define NSEC_PER_SEC 1000000000

/* Seconds by which clocks may differ before the library warns. */
#define CLOCKS_APART 5

typedef struct
{
  Doctor *doctor;
  char   *path;   /* owned; of a file that was made */
  char   *second; /* owned; of another name of it */
  int     fd;
} Probe;

static int
create (const char *path)
{
  return open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
}

static gboolean
try_create (Probe *self)
{
  int again, errsv;

  self->fd = create (self->path);
  if (self->fd < 0)
    {
      doctor_report (self->doctor, "create", VERDICT_BAD, _("No file can be made here: %s."),
                     g_strerror (errno));
      return FALSE;
    }
  again = create (self->path);
  errsv = errno;
  if (again >= 0)
    close (again);
  if (again >= 0)
    doctor_report (self->doctor, "create", VERDICT_BAD,
                   _("Exclusive creation of files does not work: a file that exists can be created a second "
                     "time."));
  else if (errsv != EEXIST && errsv != EPERM) /* sshfs answers EPERM */
    doctor_report (self->doctor, "create", VERDICT_BAD,
                   _("The second creation of a file failed, so it is not known whether exclusive creation "
                     "works: %s."),
                   g_strerror (errsv));
  else
    doctor_report (self->doctor, "create", VERDICT_GOOD, _("Exclusive creation of files works."));
  return TRUE;
}

/* Tries to make a file whose name has the character “|”, as the names of claims do. */
static void
try_name (Probe *self)
{
  g_autofree char *path = doctor_make_path (self->doctor, "|");
  int fd = create (path);

  if (fd < 0)
    {
      if (doctor_is_without_links (self->doctor))
        doctor_report (self->doctor, "names", VERDICT_NOTE,
                       _("Names with “|” are not allowed here. The names of claims have “^” instead."));
      else
        doctor_report (self->doctor, "names", VERDICT_BAD,
                       _("Names with “|”, which claims have, are not allowed here: %s."), g_strerror (errno));
      return;
    }
  close (fd);
  unlink (path);
}

/* Sets a time and looks at the file. Setting a time makes a FUSE file system ask for the number of
 * links again, which it may otherwise remember for a second. */
static gboolean
look_anew (const char *path, struct stat *st)
{
  return utimensat (AT_FDCWD, path, NULL, 0) == 0 && stat (path, st) == 0;
}

static void
try_links (Probe *self)
{
  Verdict bad = doctor_is_without_links (self->doctor) ? VERDICT_NOTE : VERDICT_BAD;
  struct stat first, second;

  if (link (self->path, self->second) != 0)
    {
      doctor_report (self->doctor, "links", bad, _("There are no hard links here: %s."), g_strerror (errno));
      return;
    }
  if (!look_anew (self->path, &first) || !look_anew (self->second, &second))
    doctor_report (self->doctor, "links", bad, _("A hard link cannot be looked at: %s."),
                   g_strerror (errno));
  else if (first.st_nlink < 2 || second.st_nlink < 2)
    doctor_report (self->doctor, "links", bad,
                   /* Translators: %d is the number of names that the system shows: 0 or 1. */
                   _("Hard links are made, but not counted: the file with two names shows %d."),
                   (int) MIN (first.st_nlink, second.st_nlink));
  else if (first.st_ino != second.st_ino)
    doctor_report (self->doctor, "links", bad, _("A hard link is a copy here."));
  else
    doctor_report (self->doctor, "links", VERDICT_GOOD, _("Hard links work, and are counted."));
}

/* Returns: nanoseconds */
static int
grain_of (gint64 nsec)
{
  int grain = 1;

  while (grain < NSEC_PER_SEC && nsec % (grain * 10) == 0)
    grain *= 10;
  return grain;
}

static void
try_times (Probe *self)
{
  gint64 now = time (NULL) / 2 * 2 + 1; /* odd: FAT keeps even seconds only */
  struct timespec times[2] = { { (time_t) now, ALL_DIGITS }, { (time_t) now, ALL_DIGITS } };
  struct stat st;
  int grain;

  if (futimens (self->fd, times) != 0 || stat (self->path, &st) != 0)
    {
      doctor_report (self->doctor, "times", VERDICT_BAD, _("The time of a file cannot be set: %s."),
                     g_strerror (errno));
      return;
    }
#ifdef __APPLE__
  grain = grain_of (st.st_mtimespec.tv_nsec);
#else
  grain = grain_of (st.st_mtim.tv_nsec);
#endif
  if (st.st_mtime != (time_t) now)
    doctor_report (self->doctor, "times", VERDICT_NOTE, _("Times of files are kept to two seconds."));
  else if (grain >= NSEC_PER_SEC)
    doctor_report (self->doctor, "times", VERDICT_NOTE,
                   _("Times of files are kept to one second. The library rounds expirations up."));
  else
    doctor_report (self->doctor, "times", VERDICT_GOOD,
                   P_("Times of files are kept to %d ns.", "Times of files are kept to %d ns.", grain),
                   grain);
}

/* Compares the clocks of the file system and this machine. A server sets the ctime by its own
 * clock. */
static void
try_clock (Probe *self)
{
  gint64 before = time (NULL), offset;
  int apart;
  struct stat st;

  if (fchmod (self->fd, 0600) != 0 || fstat (self->fd, &st) != 0)
    return;
  offset = st.st_ctime - before;
  apart = (int) MIN (ABS (offset), G_MAXINT);
  if (offset > CLOCKS_APART)
    doctor_report (self->doctor, "clock", VERDICT_NOTE,
                   P_("The clock of the file system is %d s ahead of this machine's. Set the clocks, "
                      "with NTP for example.",
                      "The clock of the file system is %d s ahead of this machine's. Set the clocks, "
                      "with NTP for example.",
                      apart),
                   apart);
  else if (offset < -CLOCKS_APART)
    doctor_report (self->doctor, "clock", VERDICT_NOTE,
                   P_("The clock of the file system is %d s behind this machine's. Set the clocks, "
                      "with NTP for example.",
                      "The clock of the file system is %d s behind this machine's. Set the clocks, "
                      "with NTP for example.",
                      apart),
                   apart);
  else
    doctor_report (self->doctor, "clock", VERDICT_GOOD,
                   _("The clock of the file system agrees with this machine's."));
}

void
doctor_try_files (Doctor *doctor)
{
  Probe self = { .doctor = doctor, .path = doctor_make_path (doctor, "-1"), .second = doctor_make_path (doctor, "-2") };

  if (try_create (&self))
    {
      try_name (&self);
      try_links (&self);
      try_times (&self);
      try_clock (&self);
      close (self.fd);
      unlink (self.second);
      unlink (self.path);
    }
  g_free (self.path);
  g_free (self.second);
}
