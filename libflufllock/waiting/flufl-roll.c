/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-roll.h"

#include <string.h>

#include "flufl-claim-list.h"
#include "flufl-process.h"

guint flufl_roll_large = 500;
gint64 flufl_roll_kept_times = 50;
/* A larger directory is not read to its end: that would take longer than 0.1 s. */
guint flufl_roll_names_max = 500 * 1000;

/* A name takes at least this many bytes of the size of a directory, and this many are read in a
 * microsecond. */
#define NAME_SIZE 20
#define NAMES_EACH_USEC 3

/* The names that are kept of one lock's directory. The names are never changed: another array takes
 * their place, and those who go through them have a reference. */
typedef struct
{
  const FluflSyscalls *sys;
  char                *lock_path;  /* owned */
  const char          *separator;  /* interned */
  GPtrArray           *names;      /* owned; of char */
  guint                n_names;
  gboolean             is_cut;
  gint64               read_at;    /* monotonic microseconds */
  gint64               took;       /* microseconds */
} Roll;

typedef struct
{
  FluflPerProcess base;
  GMutex          mutex; /* protects what follows */
  GPtrArray      *rolls; /* owned; of Roll: few, since only large directories have one */
} Rolls;

static FluflPerProcess *current;

static void
roll_free (gpointer data)
{
  Roll *self = data;

  g_free (self->lock_path);
  g_ptr_array_unref (self->names);
  g_free (self);
}

static void
rolls_init (gpointer data)
{
  Rolls *self = data;

  g_mutex_init (&self->mutex);
  self->rolls = g_ptr_array_new_with_free_func (roll_free);
}

static void
rolls_clear (gpointer data)
{
  Rolls *self = data;

  g_ptr_array_unref (self->rolls);
}

static Rolls *
get_rolls (void)
{
  return flufl_process_get_own (&current, sizeof (Rolls), rolls_init, rolls_clear);
}

/* With the mutex. Drops those whose time is over. */
static Roll *
find (Rolls *self, const FluflSite *site)
{
  gint64 now = g_get_monotonic_time ();
  Roll *found = NULL;

  for (guint i = self->rolls->len; i > 0; i--)
    {
      Roll *roll = g_ptr_array_index (self->rolls, i - 1);

      if (now >= roll->read_at + roll->took * flufl_roll_kept_times)
        g_ptr_array_remove_index_fast (self->rolls, i - 1);
      else if (roll->sys == site->sys && roll->separator == site->separator
               && strcmp (roll->lock_path, site->lock_path) == 0)
        found = roll;
    }
  return found;
}

static gboolean
find_name (const Roll *roll, const char *name, guint *out_index)
{
  for (guint i = 0; i < roll->names->len; i++)
    if (strcmp (g_ptr_array_index (roll->names, i), name) == 0)
      {
        *out_index = i;
        return TRUE;
      }
  return FALSE;
}

static gpointer
copy_name (gconstpointer name, gpointer unused G_GNUC_UNUSED)
{
  return g_ref_string_acquire ((char *) name);
}

/* With the mutex. */
static void
copy_names (Roll *roll)
{
  GPtrArray *copy = g_ptr_array_copy (roll->names, copy_name, NULL);

  g_ptr_array_unref (roll->names);
  roll->names = copy;
}

/* Returns: (nullable) (transfer full): the names that are kept, with @own_name among them */
static GPtrArray *
get_kept (const FluflSite *site, const char *own_name, FluflRollCall *out_call)
{
  Rolls *self = get_rolls ();
  GPtrArray *names = NULL;
  Roll *roll;
  guint index;

  g_mutex_lock (&self->mutex);
  roll = self->rolls->len > 0 ? find (self, site) : NULL;
  if (roll != NULL)
    {
      if (!find_name (roll, own_name, &index))
        {
          copy_names (roll);
          g_ptr_array_add (roll->names, g_ref_string_new (own_name));
        }
      names = g_ptr_array_ref (roll->names);
      *out_call = (FluflRollCall){ roll->n_names, roll->is_cut, TRUE };
    }
  g_mutex_unlock (&self->mutex);
  return names;
}

/*
 * flufl_roll_estimate:
 *
 * Returns: how long a call will take at most, in microseconds, as far as is known without
 *   reading the directory; 0 if its names are kept
 */
gint64
flufl_roll_estimate (const FluflSite *site)
{
  Rolls *self = get_rolls ();
  g_autofree char *directory = NULL;
  g_autofree char *names_path = NULL;
  gboolean is_kept;
  FluflStat st;

  g_mutex_lock (&self->mutex);
  is_kept = self->rolls->len > 0 && find (self, site) != NULL;
  g_mutex_unlock (&self->mutex);
  if (is_kept)
    return 0;
  directory = flufl_site_directory (site);
  names_path = g_strconcat (directory, "/.", NULL); /* of the directory, and not of a link to it */
  return site->sys->lstat (names_path, &st) == 0 ? (gint64) st.size / NAME_SIZE / NAMES_EACH_USEC
                                                : 0;
}

/* --- Reading --- */

typedef struct
{
  FluflNameFunc  func;
  gpointer       user_data;
  GString       *kept; /* nullable; each with its NUL */
} Reading;

static gboolean
see_name (const char *name, gpointer user_data)
{
  Reading *self = user_data;

  if (self->kept != NULL)
    g_string_append_len (self->kept, name, (gssize) strlen (name) + 1);
  return self->func (name, self->user_data);
}

static void
keep (const FluflSite *site, const GString *names, const FluflRollCall *call, gint64 begun)
{
  Rolls *self = get_rolls ();
  const char *end = names->str + names->len;
  Roll *roll = g_new0 (Roll, 1);
  Roll *last;

  roll->sys = site->sys;
  roll->lock_path = g_strdup (site->lock_path);
  roll->separator = site->separator;
  roll->names = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ref_string_release);
  roll->n_names = call->n_names;
  roll->is_cut = call->is_cut;
  roll->read_at = g_get_monotonic_time ();
  roll->took = roll->read_at - begun;
  for (const char *name = names->str; name < end; name += strlen (name) + 1)
    g_ptr_array_add (roll->names, g_ref_string_new (name));

  g_mutex_lock (&self->mutex);
  last = find (self, site);
  if (last != NULL)
    g_ptr_array_remove_fast (self->rolls, last);
  g_ptr_array_add (self->rolls, roll);
  g_mutex_unlock (&self->mutex);
}

/*
 * flufl_roll_call:
 * @own_name: of the caller's claim
 * @keep_many: whether the names are kept if there are many
 * @func: called for each name that begins as the names of the lock's claims do
 *
 * Returns: 0; -1 with errno set if the directory cannot be read
 */
int
flufl_roll_call (const FluflSite *site,
                 const char      *own_name,
                 gboolean         keep_many,
                 FluflNameFunc    func,
                 gpointer         user_data,
                 FluflRollCall   *out_call)
{
  Reading reading = { func, user_data, NULL };
  GPtrArray *kept = get_kept (site, own_name, out_call);
  gint64 begun;
  int result;

  if (kept != NULL)
    {
      for (guint i = 0; i < kept->len && func (g_ptr_array_index (kept, i), user_data); i++)
        ;
      g_ptr_array_unref (kept);
      return 0;
    }

  *out_call = (FluflRollCall){ 0, FALSE, FALSE };
  if (keep_many)
    reading.kept = g_string_sized_new (4096);
  begun = g_get_monotonic_time ();
  result = flufl_claim_list (site, flufl_roll_names_max, see_name, &reading, &out_call->n_names);
  out_call->is_cut = out_call->n_names > flufl_roll_names_max;
  if (keep_many)
    {
      if (result == 0 && out_call->n_names >= flufl_roll_large)
        keep (site, reading.kept, out_call, begun);
      g_string_free (reading.kept, TRUE);
    }
  return result;
}

/*
 * flufl_roll_strike:
 * @name: of a claim that is gone
 */
void
flufl_roll_strike (const FluflSite *site, const char *name)
{
  Rolls *self = get_rolls ();
  Roll *roll;
  guint index;

  g_mutex_lock (&self->mutex);
  roll = self->rolls->len > 0 ? find (self, site) : NULL;
  if (roll != NULL && find_name (roll, name, &index))
    {
      copy_names (roll);
      g_ptr_array_remove_index_fast (roll->names, index);
    }
  g_mutex_unlock (&self->mutex);
}

/* For tests: forgets what is kept. */
void
flufl_roll_forget (void)
{
  Rolls *self = get_rolls ();

  g_mutex_lock (&self->mutex);
  g_ptr_array_set_size (self->rolls, 0);
  g_mutex_unlock (&self->mutex);
}
