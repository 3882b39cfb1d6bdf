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

/* A shortened name of the lock has at least as many bytes of it. */
#define PREFIX_MIN 64

/* The digits of a process number. */
#define PID_MAX 10

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

/* The part of a beginning that has not been compared yet. At its end everything fits. */
typedef struct
{
  const char *at;
  const char *end;
} Rest;

static gboolean
skip (Rest *rest, const char *part)
{
  gsize length = MIN (strlen (part), (gsize) (rest->end - rest->at));

  if (memcmp (rest->at, part, length) != 0)
    return FALSE;
  rest->at += length;
  return TRUE;
}

static gboolean
is_in_host (char c)
{
  return !g_ascii_isspace (c) && !g_ascii_iscntrl (c) && c != '/';
}

static gboolean
is_digit (char c)
{
  return g_ascii_isdigit (c);
}

static gboolean
is_in_unique (char c)
{
  return g_ascii_isupper (c) || (g_ascii_isxdigit (c) && !g_ascii_isupper (c));
}

/* Skips a field that is not empty, up to the separator behind it, and that separator. */
static gboolean
skip_field (Rest *rest, const char *separator, gboolean (*is_part) (char c), gsize length_max)
{
  gsize length = strlen (separator);
  const char *start = rest->at;

  while (rest->at < rest->end
         && ((gsize) (rest->end - rest->at) < length || memcmp (rest->at, separator, length) != 0))
    {
      /* The separator may be cut, too. */
      if (!is_part (*rest->at))
        return rest->at > start && skip (rest, separator) && rest->at == rest->end;
      if ((gsize) (++rest->at - start) > length_max)
        return FALSE;
    }
  return rest->at == rest->end || (rest->at > start && skip (rest, separator));
}

/* Whether @rest, which is behind the lock's name or its shortened form, goes on as a line does, and is
 * not a whole one. */
static gboolean
goes_on (Rest rest, const char *separator)
{
  return skip (&rest, separator) && skip_field (&rest, separator, is_in_host, FLUFL_NAME_MAX)
         && skip_field (&rest, separator, is_digit, PID_MAX)
         && (rest.at == rest.end || *rest.at == 'T')
         && skip_field (&rest, separator, is_in_unique, FLUFL_NAME_MAX)
         && rest.end - rest.at < (gssize) strlen (LINE_END) && skip (&rest, LINE_END);
}

/* Whether the beginning @content has the lock's name in the shortened form. */
static gboolean
is_begun_cut (const FluflSite *site, Rest content, guint form)
{
  g_autofree char *cut_end = flufl_claim_name_dup_cut_end (site->lock_name, form);
  gsize length = (gsize) (content.end - content.at);

  for (gsize i = PREFIX_MIN; i < MIN (strlen (site->lock_name), length); i++)
    {
      Rest rest = { content.at + i, content.end };

      if (is_same_name (site, content.at, site->lock_name, i) && skip (&rest, cut_end)
          && goes_on (rest, flufl_site_mark_separator (site)))
        return TRUE;
    }
  return FALSE;
}

/* Whether @content is the beginning of such a line. The maker has died while it wrote, or a cache
 * shows the file cut. Everybody may remove such a file after a rest, so all that is there has to be
 * as in a line: a text that begins with the lock's name is somebody's file. */
gboolean
flufl_exclusive_is_begun (const char *content, gsize length, const FluflSite *site)
{
  const char *separator = flufl_site_mark_separator (site);
  const char *end = content + length;
  gsize name_length = strlen (site->lock_name);

  if (length > FLUFL_NAME_MAX + FLUFL_SEPARATOR_MAX + strlen (LINE_END))
    return FALSE;
  if (is_same_name (site, content, site->lock_name, MIN (name_length, length))
      && (length <= name_length || goes_on ((Rest) { content + name_length, end }, separator)))
    return TRUE;

  for (guint form = 0; form < FLUFL_CUT_FORMS; form++)
    if (is_begun_cut (site, (Rest) { content, end }, form))
      return TRUE;
  return FALSE;
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
        length = MAX ((gsize) (end - lock), PREFIX_MIN);
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
