/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-queue.h"

#include <errno.h>
#include <string.h>

#include "flufl-roll.h"

/* Where a directory is too large to be read, all waiters wait for the lock file itself. None of
 * them reads the directory again for this long. Microseconds. */
#define CROWD_REST (10 * G_USEC_PER_SEC)

/* A large directory is read by a waiter that has waited for this many times as long as the reading
 * takes. In many short waits it costs less if all waiters wake at each release. */
#define WAIT_TIMES 100

/* A directory that takes no longer to read than this, in microseconds, is read at once. */
#define READ_AT_ONCE 1000

/* The size of a small directory is not asked for again for this long. Microseconds. */
#define SMALL_FOR G_USEC_PER_SEC

/* Looking before linking costs a fifth of an uncontended cycle: after this many arrivals that found
 * nobody an object links first again. */
#define COMPANY_ARRIVALS 4

/* A claim whose ticket is this far ahead of our clock may be that of a dead process, since a clock
 * was set back. Nanoseconds. */
#define DATED_AHEAD FLUFL_NSEC_PER_SEC

/* A claim that is older than this, in nanoseconds, may be that of a dead process. Its owner may
 * have been killed while no waiter was right behind it. All others may have gone ahead since. */
#define WAITS_LONG FLUFL_NSEC_PER_SEC

/* How many claims of dead processes are collected at a time. */
#define COLLECT_MAX 64

/* How many passed-over claims are remembered: one for each bit of Search.seen. A claim that is
 * forgotten too early costs a wait. */
#define PASSED_OVER_MAX 64

#define TICKET_DIGITS 16

/* A process of flufl.lock that has waited for this long is owed a turn. If eight processes of
 * flufl.lock alone use the lock most of the time, one of them may wait for 10 to 20 s. With this
 * value, four processes of flufl.lock that share a lock with four of ours wait less than that. */
#define OTHER_PATIENCE (2 * FLUFL_NSEC_PER_SEC)
/* A claim that has waited for longer than this counts as left behind. */
#define OTHER_OLD (3600 * FLUFL_NSEC_PER_SEC)
/* Each costs an lstat(2). */
#define OTHERS_MAX 16

typedef struct
{
  FluflQueue     *queue;
  const FluflSite *site;
  const char     *separator;
  const char     *our_name;
  const char     *our_ticket;  /* in our_name: TICKET_DIGITS and what follows */
  FluflClaimName  ours;
  gsize           boot_length; /* of ours.boot */
  guint           n_others;
  guint64         seen;        /* bit i: passed_over[i] is still there */
  gboolean        collecting;
  char            ahead[TICKET_DIGITS + 1]; /* the ticket of a moment to come … */
  char            old[TICKET_DIGITS + 1];   /* … and of one long past */
  FluflLeftover   leftover;
  char            best[FLUFL_NAME_MAX + 1]; /* the ticket of view->predecessor */
  FluflQueueView *view;
} Search;

void
flufl_queue_clear (FluflQueue *self)
{
  g_clear_pointer (&self->passed_over, g_ptr_array_unref);
  flufl_leftovers_clear (&self->leftovers);
}

/* The ticket in a claim's name and all behind it, or NULL. Tickets are of one
 * length, so that they sort as text. */
static const char *
find_ticket (const char *name, const char *separator)
{
  const char *unique = separator[1] == '\0' ? strrchr (name, separator[0])
                                           : g_strrstr (name, separator);

  if (unique == NULL)
    return NULL;
  unique += strlen (separator);
  if (unique[0] != 'T')
    return NULL;
  for (int i = 1; i <= TICKET_DIGITS; i++)
    if (!g_ascii_isxdigit (unique[i]))
      return NULL;
  return unique + 1;
}

static void
ticket_of (gint64 real, char out[TICKET_DIGITS + 1])
{
  g_snprintf (out, TICKET_DIGITS + 1, "%016" G_GINT64_MODIFIER "x", (guint64) real);
}

static gboolean
is_passed_over (Search *self, const char *name)
{
  GPtrArray *passed_over = self->queue->passed_over;

  for (guint i = 0; passed_over != NULL && i < passed_over->len; i++)
    if (strcmp (g_ptr_array_index (passed_over, i), name) == 0)
      {
        self->seen |= G_GUINT64_CONSTANT (1) << i;
        return TRUE;
      }
  return FALSE;
}

/* Whether the claim shows our boot. The function compares the text of the tag. To parse each name
 * takes longer than to read the directory. */
static gboolean
tells_our_boot (const Search *self, const char *ticket)
{
  const char *boot = strchr (ticket, 'B');

  return boot != NULL && strncmp (boot + 1, self->ours.boot, self->boot_length) == 0
         && !g_ascii_isxdigit (boot[1 + self->boot_length]);
}

/* Checks whether a claim may be a leftover: docs/waiting.md, "Leftovers". */
static gboolean
seems_left (const Search *self, const char *ticket, gboolean passed_over)
{
  if (!tells_our_boot (self, ticket))
    return strchr (ticket, 'L') != NULL; /* otherwise nobody can tell */
  return passed_over || strchr (ticket, 'K') != NULL || strcmp (ticket, self->ahead) > 0
         || strcmp (ticket, self->old) < 0;
}

static void
see_leftover (Search *self, const char *name, const char *ticket, gboolean passed_over)
{
  FluflClaimName claim;

  if (!seems_left (self, ticket, passed_over) || strcmp (ticket, self->our_ticket) == 0
      || !flufl_leftovers_comes_next (&self->queue->leftovers, &self->leftover, ticket)
      || !flufl_claim_name_parse (name, strlen (name), self->site->lock_name, self->separator, &claim)
      || !claim.ours)
    return;
  self->leftover.claim = claim;
  g_strlcpy (self->leftover.ticket, ticket, sizeof self->leftover.ticket);
}

/* Whether the claim waits, and since when. One that holds the lock has two links. */
static gboolean
waits_since (const FluflSite *site, const char *name, gint64 *out_since)
{
  g_autofree char *path = flufl_site_path_of (site, name);
  FluflStat st;

  if (site->sys->lstat (path, &st) != 0 || st.type != FLUFL_FILE_REGULAR || st.nlink != 1)
    return FALSE;
  *out_since = st.ctime;
  return *out_since != 0;
}

static void
see_other (Search *self, const char *name)
{
  FluflQueueView *view = self->view;
  FluflClaimName claim;
  gint64 since;

  if (self->n_others >= OTHERS_MAX
      || !flufl_claim_name_parse (name, strlen (name), self->site->lock_name, self->separator, &claim)
      || claim.ours || is_passed_over (self, name))
    return;
  self->n_others++;
  if (waits_since (self->site, name, &since)
      && (view->other_since == 0 || since < view->other_since))
    {
      view->other_since = since;
      view->other = claim;
    }
}

static gboolean
see_name (const char *name, gpointer user_data)
{
  Search *self = user_data;
  FluflQueueView *view = self->view;
  const char *ticket;
  gboolean passed_over;

  ticket = find_ticket (name, self->separator);
  if (ticket == NULL)
    {
      see_other (self, name);
      return TRUE;
    }
  passed_over = is_passed_over (self, name);
  if (self->collecting)
    see_leftover (self, name, ticket, passed_over);
  /* Other machines are out of sight, and a claim without a boot ID may be one of theirs. */
  if (passed_over || strcmp (ticket, self->our_ticket) >= 0 || !tells_our_boot (self, ticket)
      || strchr (ticket, 'K') != NULL)
    return TRUE;
  view->n_older++;
  if (view->found && strcmp (ticket, self->best) <= 0)
    return TRUE;

  /* Few names get here, so parsing the whole name is affordable. */
  {
    FluflClaimName claim;

    if (!flufl_claim_name_parse (name, strlen (name), self->site->lock_name, self->separator, &claim)
        || !claim.ours || claim.kept || claim.boot[0] == '\0'
        || strcmp (claim.boot, self->ours.boot) != 0)
      {
        view->n_older--;
        return TRUE;
      }
    view->found = TRUE;
    view->predecessor = claim;
    g_strlcpy (self->best, ticket, sizeof self->best);
  }
  return TRUE;
}

static void
forget_unseen (FluflQueue *self, guint64 seen)
{
  if (self->passed_over == NULL)
    return;
  for (guint i = self->passed_over->len; i > 0; i--)
    if ((seen & G_GUINT64_CONSTANT (1) << (i - 1)) == 0)
      g_ptr_array_remove_index (self->passed_over, i - 1);
  if (self->passed_over->len == 0)
    g_clear_pointer (&self->passed_over, g_ptr_array_unref);
}

/* One reading of the directory. Says whether a leftover was collected. */
static gboolean
search_once (Search *self, FluflSite *site)
{
  FluflQueue *queue = self->queue;
  FluflQueueView *view = self->view;
  gint64 real = site->sys->clock (FLUFL_CLOCK_REAL);
  FluflRollCall call;

  memset (view, 0, sizeof *view);
  self->n_others = 0;
  self->seen = 0;
  self->leftover.claim.name[0] = '\0';
  ticket_of (flufl_time_add (real, DATED_AHEAD), self->ahead);
  ticket_of (flufl_time_add (real, -WAITS_LONG), self->old);

  if (flufl_roll_call (site, self->our_name, !queue->found_few, see_name, self, &call) != 0)
    {
      view->found = FALSE;
      return FALSE;
    }
  queue->found_few = call.n_names < flufl_roll_large / 2;
  view->unread = call.is_cut;
  view->is_kept = call.is_kept;
  if (view->found)
    view->head_start = flufl_time_since ((gint64) self->ours.arrival,
                                         (gint64) view->predecessor.arrival);
  if (view->unread)
    {
      view->found = FALSE;
      queue->unread_until = g_get_monotonic_time () + CROWD_REST;
    }
  else
    forget_unseen (queue, self->seen);
  return self->collecting && flufl_leftovers_ask (&queue->leftovers, site, &self->leftover);
}

/* Whether the directory may be read now, as it is small or the wait has lasted. */
static gboolean
is_worth_reading (FluflQueue *self, const FluflSite *site, gint64 now)
{
  gint64 takes;

  if (now < self->small_until)
    return TRUE;
  takes = flufl_roll_estimate (site);
  if (takes <= READ_AT_ONCE)
    {
      if (takes > 0)
        self->small_until = now + SMALL_FOR;
      return TRUE;
    }
  if (self->read_from == 0)
    self->read_from = now + takes * WAIT_TIMES;
  return now >= self->read_from;
}

/*
 * flufl_queue_begin:
 *
 * Another wait begins.
 */
void
flufl_queue_begin (FluflQueue *self)
{
  self->read_from = 0;
}

/*
 * flufl_queue_view:
 * @claim: ours
 * @collect: remove claims that nobody waits behind, if some come in sight and
 *   their owners are proved to be dead
 *
 * Finds the claim right before ours. Where there is none, or nobody can tell, the lock file
 * is the file to wait for.
 */
void
flufl_queue_view (FluflQueue       *self,
                  FluflSite        *site,
                  const FluflClaim *claim,
                  gboolean          collect,
                  FluflQueueView   *view)
{
  Search search = { .queue = self, .site = site, .separator = site->separator, .view = view };
  gint64 now = g_get_monotonic_time ();
  guint n_dead;

  memset (view, 0, sizeof *view);
  search.our_name = strrchr (claim->path, '/') + 1;
  search.our_ticket = find_ticket (search.our_name, site->separator);
  view->unread = now < self->unread_until;
  if (view->unread || search.our_ticket == NULL
      || !flufl_claim_name_parse (search.our_name, strlen (search.our_name), site->lock_name,
                                  site->separator, &search.ours)
      || search.ours.boot[0] == '\0')
    return;
  search.boot_length = strlen (search.ours.boot);
  view->unread = !is_worth_reading (self, site, now);
  if (view->unread)
    return;

  search.collecting = collect && now >= self->leftovers.ask_at;
  for (n_dead = 0; n_dead < COLLECT_MAX && search_once (&search, site); n_dead++)
    flufl_roll_strike (site, search.leftover.claim.name);
  view->more_dead = n_dead == COLLECT_MAX;
}

/* Never wait for @claim again. */
void
flufl_queue_pass_over (FluflQueue *self, const FluflClaimName *claim)
{
  if (self->passed_over == NULL)
    self->passed_over = g_ptr_array_new_with_free_func (g_free);
  else if (self->passed_over->len == PASSED_OVER_MAX)
    g_ptr_array_remove_index (self->passed_over, 0);
  g_ptr_array_add (self->passed_over, g_strdup (claim->name));
}

/*
 * flufl_queue_check:
 * @collect: remove the claim if its owner is proved to be dead
 *
 * Checks whether to go on waiting for @predecessor. A predecessor that is dead or stopped is passed
 * over from now on.
 *
 * Returns: %TRUE if its claim exists and its process may move
 */
gboolean
flufl_queue_check (FluflQueue           *self,
                   FluflSite            *site,
                   const FluflClaimName *predecessor,
                   gboolean              collect)
{
  FluflSight sight;
  FluflLiveness liveness = flufl_leftovers_judge (site, predecessor, collect, &sight);

  /* Gone, without an event: a child of its owner may keep it open. */
  if (sight == FLUFL_SIGHT_NOTHING)
    return FALSE;
  if (liveness != FLUFL_LIVENESS_DEAD
      && !flufl_identity_is_stopped (site, predecessor))
    return TRUE;
  flufl_queue_pass_over (self, predecessor);
  return FALSE;
}

/* Whether the process of flufl.lock that made the claim seems to be dead. flufl.lock writes the
 * fully qualified host name, so only its first part is compared. A wrong guess costs a wait, or a
 * turn. */
static gboolean
seems_gone (const FluflSite *site, const FluflClaimName *claim)
{
  FluflIdentity us;
  gsize n;

  flufl_identity_get (site->sys, &us);
  n = strcspn (us.host, ".");
  return strncmp (claim->host, us.host, n) == 0 && strchr (".", claim->host[n]) != NULL
         && site->sys->kill (claim->pid) != 0 && errno == ESRCH;
}

/* Whether the process of flufl.lock that was seen still waits as it did then. */
gboolean
flufl_queue_other_waits (FluflSite *site, const FluflQueueView *view)
{
  gint64 since;

  return waits_since (site, view->other.name, &since) && since == view->other_since;
}

/* Whether the process of flufl.lock that the view shows has waited for long, and still does. */
gboolean
flufl_queue_owes_a_turn (FluflQueue *self, FluflSite *site, const FluflQueueView *view)
{
  gint64 waited;

  if (view->other_since == 0)
    return FALSE;
  waited = flufl_time_since (site->sys->clock (FLUFL_CLOCK_REAL), view->other_since);
  if (waited < OTHER_PATIENCE || waited > OTHER_OLD
      || !flufl_queue_other_waits (site, view))
    return FALSE;
  if (!seems_gone (site, &view->other))
    return TRUE;
  flufl_queue_pass_over (self, &view->other);
  return FALSE;
}

/* Whether to look at the queue before linking. A process that links first goes before
 * those who wait. */
gboolean
flufl_queue_expects_company (const FluflQueue *self)
{
  return self->company > 0;
}

void
flufl_queue_met_company (FluflQueue *self)
{
  self->company = COMPANY_ARRIVALS;
}

void
flufl_queue_met_nobody (FluflQueue *self)
{
  if (self->company > 0)
    self->company--;
}
