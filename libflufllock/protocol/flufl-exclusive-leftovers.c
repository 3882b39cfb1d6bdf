/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-exclusive-leftovers.h"

#include <string.h>

#include "flufl-claim-list.h"
#include "flufl-exclusive-name.h"
#include "flufl-identity.h"

/* A younger mark is left alone. A cache may show an old lock file for a second or two, and the mark may
 * belong to the lock that is there by now. */
#define MARK_AGE (60 * FLUFL_NSEC_PER_SEC)

typedef struct
{
  char    *name; /* of the file */
  char    *who;  /* of the lock that it belongs to */
  gboolean is_mark;
} Leftover;

typedef struct
{
  const FluflSite *site;
  guint            files_max;
  GArray          *found; /* of Leftover */
} Collection;

static void
leftover_clear (gpointer data)
{
  Leftover *self = data;

  g_free (self->name);
  g_free (self->who);
}

/* Marks, whoever made them, and claims of processes that are proved to be dead. */
static gboolean
see_name (const char *name, gpointer user_data)
{
  Collection *self = user_data;
  Leftover leftover = { NULL, flufl_exclusive_dup_who (self->site, name), FALSE };
  FluflClaimName claim;

  leftover.is_mark = leftover.who != NULL;
  if (leftover.who == NULL && flufl_claim_name_parse (name, strlen (name), self->site->lock_name,
                                                      self->site->separator, &claim)
      && flufl_identity_judge (self->site, &claim) == FLUFL_LIVENESS_DEAD)
    leftover.who = g_strdup (name);
  if (leftover.who == NULL)
    return TRUE;
  leftover.name = g_strdup (name);
  g_array_append_val (self->found, leftover);
  return self->found->len < self->files_max;
}

/* A mark whose age is not known counts as young. One that this process may not read shows its age to
 * lstat(2). */
static gboolean
is_young (const FluflSite *site, const char *path)
{
  gint64 mtime = G_MAXINT64;
  FluflLook look;
  FluflStat st;

  flufl_look_take (&look, site, path);
  if (look.sight == FLUFL_SIGHT_UNREADABLE && site->sys->lstat (path, &st) == 0)
    mtime = st.mtime;
  else if (look.sight != FLUFL_SIGHT_UNREADABLE && look.errsv == 0)
    mtime = look.mtime;
  return flufl_time_since (site->sys->clock (FLUFL_CLOCK_REAL), mtime) < MARK_AGE;
}

/* Returns FALSE if the lock file may be any lock: a blank one may be a line that a cache has cut. */
static gboolean
look_at_lock (const FluflSite *site, char **out_who)
{
  FluflLook look;

  flufl_look_take (&look, site, site->lock_path);
  *out_who = flufl_exclusive_who (site, &look);
  return look.sight == FLUFL_SIGHT_NOTHING || look.sight == FLUFL_SIGHT_CLAIM;
}

/* Whether the lock that the file was for is not @who, which is the lock now. */
static gboolean
is_over (const FluflSite *site, const Leftover *leftover, const char *who)
{
  g_autofree char *path = flufl_site_path_of (site, leftover->name);

  return g_strcmp0 (leftover->who, who) != 0 && !(leftover->is_mark && is_young (site, path));
}

/*
 * flufl_exclusive_is_leftover:
 * @name: of a file in the directory
 *
 * Returns: whether it is a mark or the claim of a dead process, and the lock that it was for has gone
 */
gboolean
flufl_exclusive_is_leftover (FluflSite *site, const char *name)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (Leftover));
  Collection collection = { site, 1, found };
  g_autofree char *who = NULL;

  g_array_set_clear_func (found, leftover_clear);
  see_name (name, &collection);
  return found->len > 0 && look_at_lock (site, &who)
         && is_over (site, &g_array_index (found, Leftover, 0), who);
}

/*
 * flufl_exclusive_collect:
 * @names_max: how many names of the directory are read
 * @files_max: how many files are removed
 *
 * Removes marks and claims of locks that have gone. The directory is read first, and the lock file is
 * looked at only then. A lock that has gone by that time never comes back, so nobody needs its marks,
 * though a breaker may be about to look for them. A blank lock file may be any lock, cut by a cache,
 * and nothing is removed beside it.
 */
void
flufl_exclusive_collect (FluflSite *site, guint names_max, guint files_max)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (Leftover));
  Collection collection = { site, files_max, found };
  g_autofree char *who = NULL;

  g_array_set_clear_func (found, leftover_clear);
  if (flufl_claim_list (site, names_max, see_name, &collection, NULL) != 0 || found->len == 0)
    return;
  if (!look_at_lock (site, &who))
    return;
  for (guint i = 0; i < found->len; i++)
    {
      const Leftover *leftover = &g_array_index (found, Leftover, i);

      if (is_over (site, leftover, who))
        {
          g_autofree char *path = flufl_site_path_of (site, leftover->name);

          site->sys->unlink (path);
        }
    }
}
