/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * A run cannot be taken back, so each run begins anew and repeats the earlier choices. That is
 * quick, since a call takes some hundred nanoseconds.
 */

#include "search.h"

#include <string.h>

typedef struct
{
  guint8 at, n; /* which of how many */
} Fork;

typedef struct
{
  GArray     *path; /* of Fork */
  guint       depth;
  GHashTable *seen; /* hashes of states */
  Findings   *findings;
} Search;

void
findings_clear (Findings *self)
{
  g_free (self->violation);
  g_free (self->schedule);
  memset (self, 0, sizeof *self);
}

static int
choose_next (const Choice *choices G_GNUC_UNUSED, guint n, gpointer user_data)
{
  Search *self = user_data;
  Fork fork = { 0, (guint8) n };

  if (self->depth < self->path->len)
    {
      const Fork *known = &g_array_index (self->path, Fork, self->depth++);

      /* Otherwise something other than the choices decides. */
      g_assert_cmpuint (known->n, ==, n);
      return known->at;
    }
  if (!g_hash_table_add (self->seen, GSIZE_TO_POINTER ((gsize) world_hash ())))
    return -1;
  self->findings->states++;
  g_array_append_val (self->path, fork);
  self->depth++;
  return 0;
}

/* Goes to the next branch. Returns whether there is one. */
static gboolean
turn (GArray *path)
{
  while (path->len > 0)
    {
      Fork *last = &g_array_index (path, Fork, path->len - 1);

      if (++last->at < last->n)
        return TRUE;
      g_array_set_size (path, path->len - 1);
    }
  return FALSE;
}

void
search_all (const Scenario *scenario,
            const Budget   *budget,
            guint64         max_runs,
            gint64          deadline,
            Findings       *out)
{
  Search self = { .findings = out };

  memset (out, 0, sizeof *out);
  self.path = g_array_new (FALSE, FALSE, sizeof (Fork));
  self.seen = g_hash_table_new (NULL, NULL);
  do
    {
      gboolean cut;

      self.depth = 0;
      out->violation = world_run (scenario, budget, 0, choose_next, &self, NULL, &cut);
      out->runs++;
      if (out->violation != NULL)
        {
          g_autoptr (GString) log = g_string_new (NULL);
          g_autofree char *again = NULL;

          self.depth = 0;
          again = world_run (scenario, budget, 0, choose_next, &self, log, &cut);
          g_assert_cmpstr (again, ==, out->violation);
          out->schedule = g_string_free (g_steal_pointer (&log), FALSE);
          break;
        }
      out->complete = !turn (self.path);
    }
  while (!out->complete && out->runs < max_runs
         && ((out->runs & 255) != 0 || g_get_monotonic_time () < deadline));
  out->steps = out->runs + out->states;
  g_hash_table_unref (self.seen);
  g_array_unref (self.path);
}

typedef struct
{
  GRand    *rand;
  Findings *findings;
} Walk;

/* Mostly goes on with the same process, so that some processes get far. Events from outside are
 * rare. */
static int
choose_any (const Choice *choices, guint n, gpointer user_data)
{
  Walk *self = user_data;
  guint n_steps = 0;

  self->findings->steps++;
  while (n_steps < n && choices[n_steps].kind == CHOICE_STEP)
    n_steps++;
  if (n_steps == 0 || (n > n_steps && g_rand_int_range (self->rand, 0, 16) == 0))
    return g_rand_int_range (self->rand, (gint32) n_steps, (gint32) n);
  if (g_rand_int_range (self->rand, 0, 3) > 0)
    return 0;
  return g_rand_int_range (self->rand, 0, (gint32) n_steps);
}

void
search_walk (const Scenario *scenario,
             const Budget   *budget,
             gint64          skew,
             guint32         seed,
             Findings       *out)
{
  Walk self = { g_rand_new_with_seed (seed), out };
  gboolean cut;

  memset (out, 0, sizeof *out);
  out->runs = 1;
  out->violation = world_run (scenario, budget, skew, choose_any, &self, NULL, &cut);
  if (out->violation != NULL)
    {
      g_autoptr (GString) log = g_string_new (NULL);
      g_autofree char *again = NULL;

      g_rand_set_seed (self.rand, seed);
      again = world_run (scenario, budget, skew, choose_any, &self, log, &cut);
      g_assert_cmpstr (again, ==, out->violation);
      out->schedule = g_string_free (g_steal_pointer (&log), FALSE);
    }
  g_rand_free (self.rand);
}
