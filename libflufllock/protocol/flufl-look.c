/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-look.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-list.h"
#include "flufl-exclusive-name.h"
#include "flufl-path.h"

void
flufl_look_take_attributes (FluflLook *look, const FluflStat *st)
{
  look->dev = st->dev;
  look->ino = st->ino;
  look->nlink = st->nlink;
  look->mtime = st->mtime;
  look->ctime = st->ctime;
  look->atime = st->atime;
  look->size = st->size;
  look->owner = st->owner;
}

static gboolean
see_type (FluflLook *look, FluflFileType type)
{
  look->sight = FLUFL_SIGHT_FOREIGN;
  switch (type)
    {
    case FLUFL_FILE_REGULAR:
      return TRUE;
    case FLUFL_FILE_DIRECTORY:
      look->foreign = FLUFL_FOREIGN_DIRECTORY;
      break;
    case FLUFL_FILE_SYMLINK:
      look->foreign = FLUFL_FOREIGN_SYMLINK;
      break;
    case FLUFL_FILE_PIPE:
      look->foreign = FLUFL_FOREIGN_PIPE;
      break;
    case FLUFL_FILE_SOCKET:
      look->foreign = FLUFL_FOREIGN_SOCKET;
      break;
    case FLUFL_FILE_DEVICE:
    default:
      look->foreign = FLUFL_FOREIGN_DEVICE;
      break;
    }
  return FALSE;
}

/* JuiceFS answers EBADF if another client has just removed the open file. */
static void
see_failure (FluflLook *look, const FluflSite *site, int errsv)
{
  gboolean gone = errsv == ENOENT || errsv == ESTALE
                  || (errsv == EBADF && !flufl_site_is_trusted (site));

  look->errsv = errsv;
  look->sight = gone ? FLUFL_SIGHT_NOTHING : FLUFL_SIGHT_FAILED;
}

typedef struct
{
  FluflLook       *look;
  const FluflSite *site;
  const char      *seen; /* the name by which the file was looked at */
  gboolean         found;
} Search;

static gboolean
see_name (const char *name, gpointer user_data)
{
  Search *self = user_data;
  g_autofree char *path = NULL;
  FluflClaimName claim;
  FluflStat st;

  if (strcmp (name, self->seen) == 0
      || !flufl_claim_name_parse (name, strlen (name), self->site->lock_name,
                                  self->site->separator, &claim))
    return TRUE;
  path = flufl_site_path_of (self->site, name);
  if (self->site->sys->lstat (path, &st) != 0
      || !flufl_look_is_inode (self->look, st.dev, st.ino))
    return TRUE;
  self->look->claim = claim;
  self->found = TRUE;
  return FALSE;
}

/* Searches the directory for the claim of a file whose content shows nothing. After a power loss a
 * file system may have the names of a file without its content. The umask of its owner may hide the
 * content, too. The claim's name says all that its content would. */
static void
see_other_name (FluflLook *look, const FluflSite *site, const char *path)
{
  Search search = { look, site, strrchr (path, '/') + 1, FALSE };

  if (flufl_claim_list (site, G_MAXUINT, see_name, &search, NULL) != 0 && errno != EACCES
      && errno != EPERM)
    see_failure (look, site, errno);
  else if (search.found
           || flufl_claim_name_parse (search.seen, strlen (search.seen), site->lock_name,
                                      site->separator, &look->claim))
    look->sight = FLUFL_SIGHT_CLAIM;
}

/* Recognizes a lock whose claim has another form of name: docs/protocol.md, "Looking". Somebody
 * holds the lock if the name in its content is another name of the same file. */
static gboolean
see_strange_name (FluflLook *look, const FluflSite *site, const char *content, gsize length)
{
  g_autofree char *whole = g_strndup (content, length);
  g_autofree char *native = flufl_path_dup_native (whole);
  const char *slash = strrchr (native, '/');
  const char *name = slash != NULL ? slash + 1 : native;
  g_autofree char *path = NULL;
  FluflStat st;

  if (name[0] == '\0' || strlen (name) > FLUFL_NAME_MAX || strcmp (name, site->lock_name) == 0)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (g_ascii_iscntrl (content[i]))
      return FALSE;
  look->names_path = g_path_is_absolute (native);
  if (look->nlink < 2)
    return FALSE;
  path = flufl_site_path_of (site, name);
  if (site->sys->lstat (path, &st) != 0 || !flufl_look_is_inode (look, st.dev, st.ino))
    return FALSE;
  memset (&look->claim, 0, sizeof look->claim);
  g_strlcpy (look->claim.name, name, sizeof look->claim.name);
  look->sight = FLUFL_SIGHT_STRANGE;
  return TRUE;
}

static gboolean
is_blank (const char *content, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (content[i] != '\0')
      return FALSE;
  return TRUE;
}

/* Reads the content, which in a claim is the claim's own path. No more than the length of a path is
 * read. If as many bytes as @size have been read, no further read(2) asks for the end of the file,
 * since that costs another call over NFS. */
static void
see_content (FluflLook *look, const FluflSite *site, const char *path, int fd, gint64 size)
{
  char content[FLUFL_PATH_MAX + 1];
  gsize length = 0;

  while (length < sizeof content)
    {
      ssize_t n = site->sys->read (fd, content + length, sizeof content - length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          see_failure (look, site, errno);
          return;
        }
      if (n == 0)
        break;
      length += (gsize) n;
      if ((gint64) length == size)
        break;
    }

  look->is_blank = length < sizeof content && is_blank (content, length);
  if (flufl_exclusive_parse (content, length, site, &look->claim))
    {
      look->exclusive = TRUE;
      look->sight = FLUFL_SIGHT_CLAIM;
    }
  else if (site->exclusive
           && (look->is_blank || flufl_exclusive_is_begun (content, length, site)))
    look->sight = FLUFL_SIGHT_BLANK;
  else if (look->is_blank)
    {
      look->foreign = length == 0 ? FLUFL_FOREIGN_EMPTY : FLUFL_FOREIGN_ZEROS;
      if (look->nlink >= 2)
        see_other_name (look, site, path);
    }
  else if (length < sizeof content
           && (flufl_claim_name_parse (content, length, site->lock_name, site->separator,
                                       &look->claim)
               || (site->exclusive
                   && flufl_claim_name_parse (content, length, site->lock_name, "|",
                                              &look->claim))))
    look->sight = FLUFL_SIGHT_CLAIM;
  else if (length == sizeof content || !see_strange_name (look, site, content, length))
    look->foreign = FLUFL_FOREIGN_CONTENT;
}

static int
open_to_read (const FluflSite *site, const char *path, FluflOpen how)
{
  int fd;

  do
    fd = site->sys->open (path, how);
  while (fd < 0 && errno == EINTR);
  return fd;
}

/* Opens a file without O_NOFOLLOW, because Flatpak's document portal answers ELOOP to O_NOFOLLOW
 * for regular files, too. Afterwards fstat(2) checks that the open file is the inode that lstat(2)
 * has seen. Another file is closed without being read. It is the next lock, or a symbolic link that
 * has come in between, so what was seen before is gone. */
static int
open_through_portal (const FluflSite *site, const char *path)
{
  FluflStat named, opened;
  int fd;

  if (site->sys->lstat (path, &named) != 0)
    return -1;
  if (named.type == FLUFL_FILE_SYMLINK)
    {
      errno = ELOOP;
      return -1;
    }
  fd = open_to_read (site, path, FLUFL_OPEN_LOOK_THROUGH);
  if (fd < 0)
    return -1;
  if (site->sys->fstat (fd, &opened) == 0 && opened.dev == named.dev && opened.ino == named.ino)
    return fd;
  site->sys->close (fd);
  errno = ESTALE;
  return -1;
}

/* Opens the file and reads it. A pipe without a writer does not make the function wait. A symbolic
 * link is not followed, except by open_through_portal(), which then checks the inode. */
static int
look_inside (FluflLook *look, const FluflSite *site, const char *path, FluflOpen how)
{
  const FluflSyscalls *sys = site->sys;
  FluflStat st;
  int fd = open_to_read (site, path, how);

  if (fd < 0 && errno == ELOOP && !flufl_site_is_trusted (site))
    fd = open_through_portal (site, path);
  if (fd < 0)
    {
      /* ELOOP and ENXIO mean that the path has no regular file any more: another file has taken its
       * place since lstat(2). */
      if (errno == ELOOP)
        look->foreign = FLUFL_FOREIGN_SYMLINK;
      else if (errno == ENXIO)
        look->foreign = FLUFL_FOREIGN_SOCKET_OR_DEVICE;
      else if (errno == EACCES || errno == EPERM)
        {
          look->is_hidden = TRUE;
          look->sight = FLUFL_SIGHT_UNREADABLE;
          if (look->nlink >= 2)
            see_other_name (look, site, path);
        }
      else
        see_failure (look, site, errno);
      return -1;
    }

  if (sys->fstat (fd, &st) != 0)
    see_failure (look, site, errno);
  else
    {
      flufl_look_take_attributes (look, &st);
      if (see_type (look, st.type))
        see_content (look, site, path, fd, st.size);
    }
  if (look->sight == FLUFL_SIGHT_CLAIM)
    return fd;
  sys->close (fd);
  return -1;
}

/* Opens the claim that a lock names, since its life-line is there. */
static void
open_claim_instead (const FluflLook *look, const FluflSite *site, int *fd)
{
  g_autofree char *path = flufl_site_path_of (site, look->claim.name);

  site->sys->close (*fd);
  *fd = open_to_read (site, path, FLUFL_OPEN_LOOK);
}

static void
take (FluflLook *look, const FluflSite *site, const char *path, int *out_fd)
{
  FluflStat st;

  memset (look, 0, sizeof *look);
  look->taken = site->sys->clock (FLUFL_CLOCK_BOOT);
  *out_fd = -1;

  /* Caches of FUSE answer lstat(2) for longer than they answer open(2). */
  if (site->exclusive)
    {
      look->sight = FLUFL_SIGHT_FOREIGN;
      *out_fd = look_inside (look, site, path, FLUFL_OPEN_LOOK);
      return;
    }
  /* lstat(2) comes first, because opening a pipe or a device has effects on other processes. */
  if (site->sys->lstat (path, &st) != 0)
    {
      see_failure (look, site, errno);
      return;
    }
  flufl_look_take_attributes (look, &st);
  if (!see_type (look, st.type))
    return;

  if (site->fs_kind == FLUFL_FS_NFS)
    {
      *out_fd = look_inside (look, site, path, FLUFL_OPEN_LOOK_UNCACHED);
      if (look->sight != FLUFL_SIGHT_FAILED || look->errsv != EINVAL)
        return;
      /* This client cannot open a file past its cache. The file is opened in the ordinary way. */
      see_type (look, st.type);
      look->errsv = 0;
    }
  *out_fd = look_inside (look, site, path, FLUFL_OPEN_LOOK);
}

/*
 * flufl_look_take:
 * @path: the lock file, or a claim file of it
 *
 * Looks at a file and its content. The file is opened, because the opening makes a client of NFS
 * ask the server. The function neither waits for the other end of a pipe nor reads more than the
 * length of a path.
 */
void
flufl_look_take (FluflLook *look, const FluflSite *site, const char *path)
{
  int fd;

  take (look, site, path, &fd);
  if (fd >= 0)
    site->sys->close (fd);
}

/*
 * flufl_look_open:
 * @out_fd: the file that has the life-line, to be closed by the caller, if a claim was seen; else -1.
 *   It is the file seen, or the claim that the file names
 *
 * Does what flufl_look_take() does, for callers that go on to use the file that was seen.
 *
 * When a file is opened to be read, a server of NFS 4 may promise to ask the client before anybody
 * changes the file. Each step of the holder then has to wait for that client. If the client is
 * dead, the wait lasts for a whole lease of the server. A client of NFS 4.1 or later asks for no
 * such promise if the file is opened past the client's cache, which FLUFL_OPEN_LOOK_UNCACHED does.
 */
void
flufl_look_open (FluflLook *look, const FluflSite *site, const char *path, int *out_fd)
{
  take (look, site, path, out_fd);
  if (site->exclusive && *out_fd >= 0 && look->exclusive)
    open_claim_instead (look, site, out_fd);
}

/* The clocks of two machines may differ by this much without being wrong. */
#define ACQUIRED_SLACK FLUFL_NSEC_PER_SEC

/*
 * flufl_look_acquired:
 * @look: one that saw a claim
 *
 * Returns: the time of the acquisition, in nanoseconds of real time. If the atime is not plausible,
 *   the arrival, or 0 if the claim has the tag K. 0, too, if flufl.lock made the claim
 */
gint64
flufl_look_acquired (const FluflLook *look, const FluflSite *site)
{
  gint64 acquired = flufl_time_mirror (look->atime, look->mtime);
  gint64 arrival = (gint64) MIN (look->claim.arrival, (guint64) G_MAXINT64);

  if (!look->claim.ours)
    return 0;
  if (acquired < look->mtime && acquired >= flufl_time_since (arrival, ACQUIRED_SLACK)
      && acquired <= flufl_time_add (site->sys->clock (FLUFL_CLOCK_REAL), ACQUIRED_SLACK))
    return acquired;
  return look->claim.kept ? 0 : arrival;
}

/* Whether the lock is overdue by the file server's clock and by this machine's. Both must agree, so
 * that one wrong clock does not lead to a break. */
gboolean
flufl_look_is_overdue (const FluflLook *look, const FluflSite *site, gint64 server_now)
{
  gint64 now = MIN (server_now, site->sys->clock (FLUFL_CLOCK_REAL));

  return look->mtime < flufl_time_add (now, -FLUFL_SLOP);
}

gboolean
flufl_look_is_inode (const FluflLook *look, guint64 dev, guint64 ino)
{
  return look->dev == dev && look->ino == ino;
}

/*
 * flufl_look_is_still_there:
 * @path: what @look looked at
 *
 * Whether the name still belongs to the same file. A caller asks this right before it removes the
 * name, since another process may have removed the file, and a third may have created a new one.
 */
gboolean
flufl_look_is_still_there (const FluflLook *look, const FluflSite *site, const char *path)
{
  guint64 dev;
  guint64 ino;

  /* Inode numbers change on FAT, and on FUSE. No name of a claim comes twice. */
  if (look->exclusive)
    {
      FluflLook again;

      flufl_look_take (&again, site, path);
      return again.exclusive && strcmp (again.claim.name, look->claim.name) == 0;
    }
  return site->sys->identify (path, &dev, &ino) == 0 && flufl_look_is_inode (look, dev, ino);
}
