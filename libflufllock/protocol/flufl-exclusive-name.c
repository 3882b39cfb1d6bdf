/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-exclusive-name.h"

#include <string.h>

/* The end of a line, behind a separator. With it the line has five fields, so flufl.lock calls the
 * lock unknown, and does not break it. Versions of this library without the protocol find no claim
 * in it. */
#define LINE_END "x1\n"

/* The time in the name of a blank lock has this grain, the coarsest that a file system stores. */
#define SLOT (2 * FLUFL_NSEC_PER_SEC)

/* How many bytes of the lock's name a line that has only begun must begin with. A shortened name has
 * these bytes, too. */
#define PREFIX_MAX 64

/* A blank lock's name has a longer lock's name cut to this. */
#define BLANK_LOCK_MAX 160

/*
 * flufl_exclusive_line:
 *
 * Returns: (transfer full): the content of a claim, and of the lock file while the claim is the lock
 */
char *
flufl_exclusive_line (const FluflSite *site, const char *claim_name)
{
  return g_strconcat (claim_name, flufl_site_mark_separator (site), LINE_END, NULL);
}

/* FAT has one file for all spellings of a name. Elsewhere a copy of another lock's file must not be
 * taken for a lock, since a breaker would remove the claim of that other lock. */
static gboolean
is_same_name (const FluflSite *site, const char *a, const char *b, gsize length)
{
  return site->fs_kind == FLUFL_FS_FAT ? g_ascii_strncasecmp (a, b, length) == 0
                                       : strncmp (a, b, length) == 0;
}

/* Whether @content is the line of a claim of this lock. */
gboolean
flufl_exclusive_parse (const char      *content,
                       gsize            length,
                       const FluflSite *site,
                       FluflClaimName  *out_claim)
{
  const char *separator = flufl_site_mark_separator (site);
  gsize end = strlen (separator) + strlen (LINE_END);
  g_autofree char *name = NULL;
  g_autofree char *lock = NULL;

  if (length <= end || length - end > FLUFL_NAME_MAX
      || memcmp (content + length - strlen (LINE_END), LINE_END, strlen (LINE_END)) != 0
      || memcmp (content + length - end, separator, strlen (separator)) != 0
      || memchr (content, '\0', length) != NULL || memchr (content, '/', length) != NULL)
    return FALSE;
  name = g_strndup (content, length - end);
  lock = flufl_claim_name_dup_lock (name, separator);
  if (lock == NULL)
    return FALSE;
  /* LOCK of another spelling stands for itself. */
  return flufl_claim_name_parse (name, strlen (name),
                                 site->fs_kind == FLUFL_FS_FAT
                                         && flufl_claim_name_is_spelling (lock, site->lock_name)
                                     ? lock
                                     : site->lock_name,
                                 separator, out_claim);
}

/* Whether @content is the beginning of such a line. The maker has died while it wrote, or a cache
 * shows the file cut. */
gboolean
flufl_exclusive_is_begun (const char *content, gsize length, const FluflSite *site)
{
  gsize prefix = MIN (MIN (strlen (site->lock_name), PREFIX_MAX), length);

  if (length > FLUFL_NAME_MAX + FLUFL_SEPARATOR_MAX + strlen (LINE_END)
      || !is_same_name (site, content, site->lock_name, prefix))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (g_ascii_iscntrl (content[i]) || content[i] == '/')
      return FALSE;
  return TRUE;
}

/* LOCK SEP "blank" SEP "x" and the mtime. A claim has a decimal number in the third field. */
static char *
name_blank (const FluflSite *site, gint64 mtime)
{
  const char *separator = flufl_site_mark_separator (site);
  g_autofree char *sum = NULL;
  g_autofree char *lock = g_strdup (site->lock_name);

  if (strlen (lock) > BLANK_LOCK_MAX)
    {
      const char *end = NULL;
      gsize length = BLANK_LOCK_MAX;
      /* All breakers must make the same mark, however their programs spell the name. */
      g_autofree char *whole = site->fs_kind == FLUFL_FS_FAT ? flufl_claim_name_fold (lock)
                                                             : g_strdup (lock);

      if (!g_utf8_validate (lock, BLANK_LOCK_MAX, &end))
        length = MAX ((gsize) (end - lock), PREFIX_MAX);
      sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, whole, -1);
      lock[length] = '\0';
      sum[16] = '\0';
    }
  return g_strdup_printf ("%s%s%s%sblank%sx%" G_GINT64_MODIFIER "x", lock, sum != NULL ? "~" : "",
                          sum != NULL ? sum : "", separator, separator, (guint64) (mtime / SLOT));
}

/*
 * flufl_exclusive_who:
 * @look: at a lock file
 *
 * Returns: (transfer full) (nullable): what marks call the lock: its claim's name, or for a blank
 *   one a name by its mtime; %NULL if it is not a lock of this protocol
 */
char *
flufl_exclusive_who (const FluflSite *site, const FluflLook *look)
{
  if (look->sight == FLUFL_SIGHT_CLAIM && look->exclusive)
    return g_strdup (look->claim.name);
  if (look->sight == FLUFL_SIGHT_BLANK)
    return name_blank (site, look->mtime);
  return NULL;
}

char *
flufl_exclusive_mark_path (const FluflSite *site, const char *who, guint number)
{
  g_autofree char *name = g_strdup_printf ("%s%s%u", who, flufl_site_mark_separator (site), number);

  return flufl_site_path_of (site, name);
}

/*
 * flufl_exclusive_dup_who:
 * @name: of a file in the directory
 *
 * Returns: (transfer full) (nullable): which lock it marks; %NULL if it is no mark of this site's
 */
char *
flufl_exclusive_dup_who (const FluflSite *site, const char *name)
{
  const char *separator = flufl_site_mark_separator (site);
  gsize length = strlen (name), end = strlen (separator) + 1;
  g_autofree char *who = NULL;
  g_autofree char *blank = NULL;
  FluflClaimName claim;

  if (length <= end || name[length - 1] < '1' || name[length - 1] > '0' + FLUFL_EXCLUSIVE_MARKS_MAX
      || strncmp (name + length - end, separator, end - 1) != 0)
    return NULL;
  who = g_strndup (name, length - end);
  if (flufl_claim_name_parse (who, strlen (who), site->lock_name, separator, &claim) && claim.ours)
    return g_steal_pointer (&who);
  /* All but the time of a blank lock's name. */
  blank = name_blank (site, 0);
  blank[strlen (blank) - 1] = '\0';
  if (!g_str_has_prefix (who, blank) || who[strlen (blank)] == '\0')
    return NULL;
  for (const char *p = who + strlen (blank); *p != '\0'; p++)
    if (!g_ascii_isxdigit (*p))
      return NULL;
  return g_steal_pointer (&who);
}

/*
 * flufl_exclusive_dup_lock:
 * @name: of a file in some directory
 *
 * Returns: (transfer full) (nullable): the lock of which it may be a claim or a mark; %NULL if it is
 *   neither, or has the lock's name cut
 */
char *
flufl_exclusive_dup_lock (const char *name, const char *separator)
{
  g_autofree char *blank = g_strconcat (separator, "blank", separator, "x", NULL);
  g_autofree char *who = g_strdup (name);
  g_autofree char *lock = NULL;
  const char *cut;
  char *end;

  end = g_strrstr (who, separator);
  if (end != NULL && strlen (end) == strlen (separator) + 1)
    *end = '\0'; /* a mark */
  end = g_strrstr (who, blank);
  if (end != NULL)
    lock = g_strndup (who, (gsize) (end - who));
  else
    lock = flufl_claim_name_dup_lock (who, separator);
  cut = lock != NULL ? strrchr (lock, '~') : NULL;
  return cut == NULL || cut[1 + strspn (cut + 1, "0123456789abcdef")] != '\0' ? g_steal_pointer (&lock)
                                                                              : NULL;
}
