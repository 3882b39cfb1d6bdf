/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “doctor”: what the system says of the mount and the permissions.
 */

#include "doctor.h"

#include <gio/gunixmounts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "words.h"

/* Options of mounts, and what they mean for locks. */
static const struct
{
  const char *type;   /* nullable: any */
  const char *option;
  Verdict     verdict;
  const char *words;
} options[] = {
  /* Translators: “It” is the file system, here and in the messages that follow. */
  { NULL, "ro", VERDICT_BAD, N_("It is mounted read-only.") },
  { "nfs", "nocto", VERDICT_NOTE,
    /* Translators: “nocto” is an option of mounts, and stays. */
    N_("It is mounted with nocto, so the cache may answer where the server must. Mount it without.") },
  { "nfs", "soft", VERDICT_NOTE,
    /* Translators: “soft” and “hard” are options of mounts, and stay. */
    N_("It is mounted with soft, so a call may fail while the server does not answer. Prefer hard.") },
  { "nfs", "vers=4.0", VERDICT_NOTE,
    N_("It is mounted with NFS 4.0, where delegations can make all clients wait. Prefer 4.2 or 3.") },
};

/* What the library knows of file systems: docs/filesystems.md and docs/nfs.md. */
static const struct
{
  const char *type;
  Verdict     verdict;
  const char *words;
} types[] = {
  { "nfs", VERDICT_GOOD,
    N_("NFS is safe. Waiters poll, every 10 ms to 1 s, in no order. Keep the clocks of clients and server right.") },
  { "cifs", VERDICT_BAD,
    N_("SMB is not supported: the removal of one file can succeed for two processes.") },
  { "smb", VERDICT_BAD,
    N_("SMB is not supported: the removal of one file can succeed for two processes.") },
  { "vfat", VERDICT_GOOD, N_("FAT has no hard links, and locks do without them here.") },
  { "msdos", VERDICT_BAD,
    /* Translators: “msdos” and “vfat” are types of file systems, and stay. */
    N_("msdos is not supported: it cuts names, so several names mean one file. Mount it as vfat.") },
  { "exfat", VERDICT_GOOD, N_("exFAT has no hard links, and locks do without them here.") },
  { "fuse.sshfs", VERDICT_NOTE,
    N_("sshfs does not show the number of hard links. Only programs that set the property “without-links” "
       "can use locks here, and flufl-lock with --without-links.") },
  { "fuse.rclone", VERDICT_BAD, N_("rclone is not supported: two machines can create the same file.") },
  { "fuse", VERDICT_NOTE,
    N_("The library relies on nothing that a FUSE file system says, and confirms each lock.") },
  { "9p", VERDICT_NOTE, N_("The library relies on nothing that 9p says, and confirms each lock.") },
};

static gboolean
has_option (const char *all, const char *option)
{
  g_auto (GStrv) list = g_strsplit (all != NULL ? all : "", ",", -1);

  return g_strv_contains ((const char *const *) list, option);
}

/* Of the kernel's own. Those by FUSE are not known by their type. */
static gboolean
is_fat (const char *type)
{
  return strcmp (type, "vfat") == 0 || strcmp (type, "exfat") == 0;
}

static void
report_type (Doctor *self, const char *type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_prefix (type, types[i].type))
      {
        doctor_report (self, "file-system", types[i].verdict, "%s", _(types[i].words));
        if (is_fat (type))
          doctor_set_fat (self);
        return;
      }
}

void
doctor_look_at_mount (Doctor *self)
{
  g_autoptr (GUnixMountEntry) mount = g_unix_mount_for (doctor_directory (self), NULL);
  const char *type, *all;

  if (mount == NULL)
    {
      doctor_report (self, "mount", VERDICT_NOTE, _("The system does not show on which mount this is."));
      return;
    }
  type = g_unix_mount_get_fs_type (mount);
  all = g_unix_mount_get_options (mount);
  /* Translators: The texts are the type of the file system, the device, the directory, and the options
   * of the mount. */
  doctor_report (self, "mount", VERDICT_GOOD, _("The file system is %s, %s, mounted at %s (%s)."), type,
                 g_unix_mount_get_device_path (mount), g_unix_mount_get_mount_path (mount),
                 all != NULL ? all : "");
  report_type (self, type);
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if ((options[i].type == NULL || g_str_has_prefix (type, options[i].type))
        && has_option (all, options[i].option))
      doctor_report (self, "mount-option", options[i].verdict, "%s", _(options[i].words));
}

void
doctor_look_at_permissions (Doctor *self)
{
  const char *directory = doctor_directory (self);
  gboolean may_write = access (directory, W_OK | X_OK) == 0;
  struct stat st;

  if (stat (directory, &st) != 0)
    return;
  if (may_write)
    doctor_report (self, "permissions", VERDICT_GOOD,
                   /* Translators: %d is a user ID, and %04o an octal number. */
                   _("The permissions let this user (%d) make and remove files. The mode is %04o."), (int) geteuid (),
                   (guint) st.st_mode & 07777);
  else
    doctor_report (self, "permissions", VERDICT_BAD,
                   /* Translators: %04o is an octal number, and %d:%d are a user ID and a group ID. */
                   _("The permissions do not let this user (%d) make files. The mode is %04o, the owner is %d:%d."),
                   (int) geteuid (), (guint) st.st_mode & 07777, (int) st.st_uid, (int) st.st_gid);
  if ((st.st_mode & S_ISVTX) != 0)
    doctor_report (self, "sticky", VERDICT_NOTE,
                   _("The sticky bit is set: the files of another user's dead process stay until that user "
                     "or root removes them. Use a directory without it."));
  if ((st.st_mode & S_IWOTH) != 0)
    doctor_report (self, "world-writable", VERDICT_NOTE,
                   _("All users may write here, so all users can hold and remove locks."));
}
