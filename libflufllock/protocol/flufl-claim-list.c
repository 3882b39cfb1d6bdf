/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-claim-list.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-name.h"
#include "flufl-path.h"

/* The bytes of a name that are compared before the name is parsed. A claim's name keeps at least
 * this many bytes of the lock's name, or all of a shorter one. */
#define PREFIX_MAX 64

typedef struct
{
  char          prefix[PREFIX_MAX + FLUFL_SEPARATOR_MAX + 1];
  gsize         prefix_length;
  guint         names_max, n_names;
  FluflNameFunc func;
  gpointer      user_data;
} Listing;

static gboolean
see_name (const char *name, gpointer user_data)
{
  Listing *self = user_data;

  if (self->n_names++ == self->names_max)
    return FALSE;
  /* Most names in a large directory end here. */
  return !flufl_name_begins_with (name, self->prefix, self->prefix_length)
         || self->func (name, self->user_data);
}

/*
 * flufl_claim_list:
 * @names_max: how many names are read, whatever they are
 * @func: called for each of them that begins as the names of the lock's claims do; ends the
 *   listing by returning %FALSE
 * @out_n_names: (nullable): how many were read; more than @names_max if there are more
 *
 * Returns: 0; -1 with errno set if the directory cannot be read
 */
int
flufl_claim_list (const FluflSite *site,
                  guint            names_max,
                  FluflNameFunc    func,
                  gpointer         user_data,
                  guint           *out_n_names)
{
  Listing listing = { .names_max = names_max, .func = func, .user_data = user_data };
  char *directory = flufl_site_directory (site);
  const char *name = site->lock_name;
  int result, errsv;

  /* Without the separator where the claims' names may shorten the lock's name. */
  g_snprintf (listing.prefix, sizeof listing.prefix, "%.*s%s", PREFIX_MAX, name,
              strlen (name) <= PREFIX_MAX ? site->separator : "");
  listing.prefix_length = strlen (listing.prefix);
  result = site->sys->list (directory, see_name, &listing);
  errsv = errno;
  g_free (directory);
  errno = errsv;
  if (out_n_names != NULL)
    *out_n_names = listing.n_names;
  return result;
}
