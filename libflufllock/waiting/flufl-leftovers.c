/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-leftovers.h"

#include <string.h>

#include "flufl-claim-list.h"
#include "flufl-exclusive-leftovers.h"
#include "flufl-life-line.h"

/* The pause after a question about a claim whose owner lives, or that may not be removed. Microseconds. */
#define REST (100 * 1000)

/* To read a directory of a file server costs it and us a round trip or more. */
#define SWEEP_EVERY (10 * G_USEC_PER_SEC)
#define SWEPT_MAX 16
#define SWEPT_NAMES_MAX_REMOTE 2000
#define SWEPT_NAMES_MAX_LOCAL 100000
/* To collect a claim takes half a dozen calls, and meanwhile this waiter does not try for the lock.
 * Microseconds. */
gint64 flufl_leftovers_sweep_time = 100 * 1000;

void
flufl_leftovers_clear (FluflLeftovers *self)
{
  g_clear_pointer (&self->asked, g_free);
}

/* Whether the claim of @ticket is to be asked about before the one of @found. Claims take turns, in the order
 * of their tickets. */
gboolean
flufl_leftovers_comes_next (const FluflLeftovers *self, const FluflLeftover *found, const char *ticket)
{
  return (self->asked == NULL || strcmp (ticket, self->asked) > 0)
         && (found->claim.name[0] == '\0' || strcmp (ticket, found->ticket) < 0);
}

/* Removes the claim that @look saw, if it is still that file and not the lock.
 * Says whether it did. */
static gboolean
collect (const FluflSite *site, const FluflLook *look, const char *path)
{
  FluflStat st;

  if (site->sys->lstat (path, &st) == 0 && flufl_look_is_inode (look, st.dev, st.ino)
      && st.nlink == 1)
    return site->sys->unlink (path) == 0;
  return FALSE;
}

/*
 * flufl_leftovers_judge:
 * @collect_dead: remove the claim if its owner is proved to be dead
 * @out_sight: of the claim; NOTHING, too, if it was removed
 *
 * Whether the owner of @claim lives: by its life-line where there is one. A claim
 * that is the lock is not removed.
 *
 * Once the owner of a claim is dead, nobody can make the claim the lock. A recoverer links a lock file to a
 * claim's name only if that name is missing. The claim is not one that is just being made either. If it
 * has content, its life-line was tied before. If it is blank, its maker is proved dead.
 */
FluflLiveness
flufl_leftovers_judge (FluflSite            *site,
                       const FluflClaimName *claim,
                       gboolean              collect_dead,
                       FluflSight           *out_sight)
{
  g_autofree char *path = flufl_site_path_of (site, claim->name);
  FluflLiveness liveness;
  FluflLook look;
  int fd;

  flufl_look_open (&look, site, path, &fd);
  *out_sight = look.sight;
  if (look.sight == FLUFL_SIGHT_NOTHING)
    return FLUFL_LIVENESS_UNKNOWN;
  /* The flock is shared, so two processes that ask do not take each other for the owner. */
  if (look.sight == FLUFL_SIGHT_CLAIM)
    liveness = flufl_life_line_judge (site, &look,
                                      flufl_life_line_try (site, &look, fd, FLUFL_LINE_ASK));
  else
    liveness = flufl_identity_judge (site, claim);

  /* An NFS client does not unlink a file that it has open, but renames it. */
  if (fd >= 0 && flufl_site_fs_kind (site) != FLUFL_FS_LOCAL)
    {
      site->sys->close (fd);
      fd = -1;
    }
  if (collect_dead && liveness == FLUFL_LIVENESS_DEAD
      && (look.sight == FLUFL_SIGHT_CLAIM || look.is_blank))
    {
      if (collect (site, &look, path))
        *out_sight = FLUFL_SIGHT_NOTHING;
    }
  if (fd >= 0)
    site->sys->close (fd);
  return liveness;
}

/*
 * flufl_leftovers_ask:
 * @found: the next one; none if it has no name
 *
 * Asks whether its owner lives, and collects it if not.
 *
 * Returns: whether it has gone, so that the next one may be asked about at once. If the claim of a dead
 *   owner may not be removed, it stays, and the others wait for the next turn
 */
gboolean
flufl_leftovers_ask (FluflLeftovers *self, FluflSite *site, const FluflLeftover *found)
{
  FluflSight sight;

  g_clear_pointer (&self->asked, g_free);
  if (found->claim.name[0] != '\0')
    {
      self->asked = g_strdup (found->ticket);
      flufl_leftovers_judge (site, &found->claim, TRUE, &sight);
      if (sight == FLUFL_SIGHT_NOTHING)
        return TRUE;
    }
  /* If there was none, all have had their turn, and the next one is the first. */
  self->ask_at = g_get_monotonic_time () + REST;
  return FALSE;
}

typedef struct
{
  const FluflSite *site;
  guint            to_skip; /* how many more claims of dead processes are known to stay */
  GPtrArray       *dead; /* of FluflClaimName */
} Sweep;

static gboolean
see_name (const char *name, gpointer user_data)
{
  Sweep *self = user_data;
  FluflClaimName claim;

  if (self->dead->len == SWEPT_MAX)
    return FALSE;
  if (flufl_claim_name_parse (name, strlen (name), self->site->lock_name, self->site->separator,
                              &claim)
      && flufl_identity_judge (self->site, &claim) == FLUFL_LIVENESS_DEAD)
    {
      if (self->to_skip > 0)
        self->to_skip--;
      else
        g_ptr_array_add (self->dead, g_memdup2 (&claim, sizeof claim));
    }
  return TRUE;
}

/*
 * flufl_leftovers_sweep:
 *
 * Collects, now and then, the claims of processes that are proved dead by the claims' names. Called where
 * there is no queue. Only the reading of the directory and the removals ask the file server.
 */
void
flufl_leftovers_sweep (FluflLeftovers *self, FluflSite *site)
{
  g_autoptr (GPtrArray) dead = NULL;
  gint64 now = g_get_monotonic_time ();
  Sweep sweep = { site, self->stayed, NULL };
  guint i, names_max;

  if (now < self->ask_at)
    return;
  self->ask_at = now + SWEEP_EVERY;
  names_max = flufl_site_fs_kind (site) == FLUFL_FS_LOCAL ? SWEPT_NAMES_MAX_LOCAL
                                                          : SWEPT_NAMES_MAX_REMOTE;
  if (site->exclusive)
    {
      flufl_exclusive_collect (site, names_max, SWEPT_MAX);
      return;
    }
  sweep.dead = dead = g_ptr_array_new_with_free_func (g_free);
  if (flufl_claim_list (site, names_max, see_name, &sweep, NULL) != 0)
    return;
  for (i = 0; i < dead->len; i++)
    {
      FluflSight sight;

      if (i > 0 && g_get_monotonic_time () - now >= flufl_leftovers_sweep_time)
        break;
      flufl_leftovers_judge (site, g_ptr_array_index (dead, i), TRUE, &sight);
      self->stayed += sight != FLUFL_SIGHT_NOTHING;
    }
  /* The next goes on behind those that stay, or begins again. */
  if (i == dead->len && i < SWEPT_MAX)
    self->stayed = 0;
}
