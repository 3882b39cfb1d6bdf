/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-person-private.h"

#include "flufl-holder.h"
#include "flufl-process.h"
#include "flufl-thread.h"
#include "flufl-user.h"
#include "flufl-workers.h"

/* Users that are remembered. With more of them all are asked for anew. */
#define ENTRIES_MAX 256

/* A user without a name is asked for again after this. Microseconds. */
#define UNKNOWN_FOR (60 * G_USEC_PER_SEC)

gint64 flufl_person_patience = 100 * 1000;

typedef struct
{
  gint64      user_id; /* the key */
  gboolean    asked;   /* a worker has not answered yet */
  gboolean    known;
  FluflPerson person;
  gint64      pushed;   /* when a worker got the question; monotonic microseconds, … */
  gint64      answered; /* … as is this */
} Entry;

/* A forked child asks anew. */
typedef struct
{
  FluflPerProcess base;
  GMutex          mutex; /* protects what follows */
  GCond           answer;
  GHashTable     *entries; /* of Entry */
} People;

static FluflPerProcess *current;

static void
people_init (gpointer data)
{
  People *self = data;

  g_mutex_init (&self->mutex);
  g_cond_init (&self->answer);
  self->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
}

static void
people_clear (gpointer data)
{
  People *self = data;

  g_hash_table_unref (self->entries);
}

/* A handler of a Unix signal may fork in the middle of await_name(), while the mutex belongs to a
 * thread that the child does not have. */
static void
forked_cb (void)
{
  People *self = (People *) g_atomic_pointer_get (&current);

  if (self != NULL)
    g_mutex_init (&self->mutex);
}

__attribute__ ((constructor)) static void
watch_forks (void)
{
  flufl_process_on_fork (forked_cb);
}

static People *
get_people (void)
{
  return flufl_process_get_own (&current, sizeof (People), people_init, people_clear);
}

/* With the mutex. */
static void
set_answer (People *self, gint64 user_id, gboolean known, const FluflPerson *person)
{
  Entry *entry = g_hash_table_lookup (self->entries, &user_id);

  if (entry == NULL)
    return;
  entry->asked = FALSE;
  entry->known = known;
  entry->person = *person;
  entry->answered = g_get_monotonic_time ();
  g_cond_broadcast (&self->answer);
}

/* In a worker. */
static void
look_up (gpointer data)
{
  g_autofree gint64 *user_id = data;
  g_autofree char *name = NULL, *real_name = NULL;
  People *self = get_people ();
  FluflPerson person = { NULL, NULL };
  gboolean known = flufl_user_look_up (*user_id, &name, &real_name);

  if (known)
    {
      g_autofree char *valid = g_utf8_make_valid (name, -1);

      person.name = g_intern_string (valid);
    }
  if (known && real_name != NULL)
    {
      g_autofree char *valid = g_utf8_make_valid (real_name, -1);

      person.real_name = g_intern_string (valid);
    }
  flufl_thread_lock (&self->mutex);
  set_answer (self, *user_id, known, &person);
  g_mutex_unlock (&self->mutex);
}

/* With the mutex. Returns: (nullable): NULL if no worker can be started */
static Entry *
ask (People *self, gint64 user_id)
{
  Entry *entry = g_hash_table_lookup (self->entries, &user_id);
  gint64 *key;

  if (entry != NULL
      && (entry->asked || entry->known || g_get_monotonic_time () < entry->answered + UNKNOWN_FOR))
    return entry;
  if (entry == NULL && g_hash_table_size (self->entries) >= ENTRIES_MAX)
    g_hash_table_remove_all (self->entries);
  key = g_new (gint64, 1);
  *key = user_id;
  if (!flufl_workers_push (look_up, key))
    {
      g_free (key);
      return NULL;
    }
  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      entry->user_id = user_id;
      g_hash_table_replace (self->entries, &entry->user_id, entry);
    }
  entry->asked = TRUE;
  entry->pushed = g_get_monotonic_time ();
  return entry;
}

/* Waits for the name of the user, but not for long: all who ask for it wait for the same time. */
static void
await_name (gint64 user_id)
{
  People *self = get_people ();
  Entry *entry;

  g_mutex_lock (&self->mutex);
  entry = ask (self, user_id);
  flufl_thread_begin_wait ();
  while (entry != NULL && entry->asked
         && g_cond_wait_until (&self->answer, &self->mutex, entry->pushed + flufl_person_patience))
    entry = g_hash_table_lookup (self->entries, &user_id);
  flufl_thread_end_wait ();
  g_mutex_unlock (&self->mutex);
}

/*
 * flufl_person_learn_holder:
 *
 * Finds what people call the holder that @findings show: its program, and its user. To be called
 * where an operation may block, since it may wait for a tenth of a second. While the system still
 * looks for a name, others do not wait for it again.
 */
void
flufl_person_learn_holder (const FluflSite *site, FluflFindings *findings)
{
  const FluflLook *look = &findings->look;

  if (look->sight != FLUFL_SIGHT_CLAIM && look->sight != FLUFL_SIGHT_STRANGE
      && look->sight != FLUFL_SIGHT_UNREADABLE && look->sight != FLUFL_SIGHT_BLANK)
    return;
  flufl_holder_name (site, findings);
  if (look->owner >= 0)
    await_name (look->owner);
}

/*
 * flufl_person_find:
 *
 * Takes no time.
 *
 * Returns: whether the name of the user is known by now
 */
gboolean
flufl_person_find (gint64 user_id, FluflPerson *out_person)
{
  People *self = get_people ();
  const Entry *entry;
  gboolean known;

  g_mutex_lock (&self->mutex);
  entry = g_hash_table_lookup (self->entries, &user_id);
  known = entry != NULL && entry->known;
  if (known)
    *out_person = entry->person;
  g_mutex_unlock (&self->mutex);
  return known;
}
