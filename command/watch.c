/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * “watch”: the holder of a lock and its waiters, whenever they change.
 */

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "exits.h"
#include "holder.h"
#include "look.h"
#include "options.h"
#include "say.h"
#include "words.h"

/* Milliseconds between two looks. */
#define PAUSE 250

static struct
{
  gboolean as_json;
} given;

static const GOptionEntry entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &given.as_json, N_("Print a line of JSON for each change"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const OptionsKind kind = {
  .usage = N_("LOCKFILE"),
  /* Translators: The line break is for terminals with 80 columns; put yours where it fits. */
  .summary = N_("Shows the holder of a lock, and the waiters in the order of their arrival.\n"
                "Shows both again after each change, until a signal ends the program."),
  .entries = entries,
};

/* One showing of the lock. */
typedef struct
{
  Look       holder;
  GPtrArray *waiters; /* owned; nullable; of FluflLockDetails */
} Scene;

static void
scene_clear (Scene *self)
{
  look_clear (&self->holder);
  g_clear_pointer (&self->waiters, g_ptr_array_unref);
}

/* Returns FALSE if the lock cannot be looked at. */
static gboolean
scene_take (Scene *self, const char *path)
{
  g_autoptr (FluflLock) lock = options_make_lock (path, NULL);

  if (!look_at_given (&self->holder, path))
    return FALSE;
  self->waiters = flufl_lock_list_waiters (lock, NULL, &self->holder.error);
  return self->waiters != NULL;
}

/* What makes two scenes differ: claims and states, and not expirations, which each refresh moves. */
static char *
scene_digest (const Scene *self)
{
  g_autoptr (GString) digest = g_string_new (NULL);
  FluflLockDetails *details = self->holder.details;

  for (guint i = 0; details != NULL || i < self->waiters->len; details = NULL)
    {
      g_autofree char *name = NULL;

      if (details == NULL)
        details = self->waiters->pdata[i++];
      else
        g_string_append (digest, "held/");
      name = g_file_get_basename (flufl_lock_details_get_claim_file (details));
      g_string_append_printf (digest, "%s/%d/", name, (int) flufl_lock_details_get_state (details));
    }
  return g_string_free (g_steal_pointer (&digest), FALSE);
}

static void
show_words (const Scene *self)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  /* Translators: The time at the beginning of a line, for g_date_time_format(). */
  g_autofree char *time = g_date_time_format (now, C_("time", "%H:%M:%S"));
  g_autofree char *holder = look_describe (&self->holder);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%s  %s", time, holder);
  for (guint i = 0; i < self->waiters->len; i++)
    {
      g_autofree char *waiter = describe_waiter (self->waiters->pdata[i]);

      g_string_append_c (text, '\n');
      g_string_append_printf (text, "          %u. %s", i + 1, waiter);
    }
  print_line (text->str);
}

static void
show_json (const Scene *self)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (Json) json = json_new ();

  json_begin (json, NULL, '{');
  json_time (json, "time", now);
  look_to_json (&self->holder, json, "lock");
  json_begin (json, "waiters", '[');
  for (guint i = 0; i < self->waiters->len; i++)
    {
      json_begin (json, NULL, '{');
      json_holder (json, self->waiters->pdata[i]);
      json_end (json, '}');
    }
  json_end (json, ']');
  json_end (json, '}');
  print_json (json);
}

/* Returns whether nobody reads the output any more: a pipe or terminal then reports it. */
static gboolean
pause_between_looks (void)
{
  struct pollfd output = { .fd = STDOUT_FILENO };

  return poll (&output, 1, PAUSE) > 0 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/* Ends by a signal, or when nobody reads the output any more. */
static int
watch (const char *path)
{
  g_autofree char *shown = NULL;

  do
    {
      Scene scene = { 0 };
      g_autofree char *digest = NULL;

      if (!scene_take (&scene, path))
        {
          int status = fail_by_error (scene.holder.error);

          scene_clear (&scene);
          return status;
        }
      digest = scene_digest (&scene);
      if (g_strcmp0 (digest, shown) != 0)
        {
          if (given.as_json)
            show_json (&scene);
          else
            show_words (&scene);
          g_free (shown);
          shown = g_steal_pointer (&digest);
        }
      scene_clear (&scene);
    }
  while (!ferror (stdout) && !pause_between_looks ());
  return EXIT_DONE;
}

int
command_watch (int argc, char **argv)
{
  if (!options_parse (&kind, &argc, &argv) || !options_count (&kind, argc, 2, 2))
    return EXIT_USAGE;
  return watch (argv[1]);
}
