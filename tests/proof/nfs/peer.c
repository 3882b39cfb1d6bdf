/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * peer LOCK LIFETIME_MS SEPARATOR [linger]: a process that has one lock, with a heartbeat. It
 * reads commands, one in a line, and answers each with a line: a word, then the milliseconds
 * that the command took.
 *
 *   acquire [TIMEOUT_MS]
 *   release, refresh, check, state
 *   cycles N             acquire and release, N times
 *   start                acquire asynchronously: `started`, and later another line
 *   cancel               cancel that: no line except that of its end, with the time since now
 *   ticks                the longest time for which the main context stood still since the
 *                        last `ticks`
 *   ticked               the end of that time, by the boot clock
 *
 * The line `loss`, which may come in between, reports a loss.
 */

#include <libflufllock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 20

typedef struct
{
  FluflLock *lock;
  GMainLoop *loop;
  GCancellable *cancellable; /* of `start` */
  gint64 started;            /* when the command began that is to be answered */
  gint64 ticked;
  gint64 longest;
  gint64 longest_until;
} Peer;

static void
answer (Peer *self, const char *word)
{
  g_print ("%s %.1f\n", word, (double) (g_get_monotonic_time () - self->started) / 1000);
}

static const char *
nick_of (const GError *error)
{
  if (error->domain == FLUFL_LOCK_ERROR)
    {
      g_autoptr (GEnumClass) codes = g_type_class_ref (FLUFL_TYPE_LOCK_ERROR);

      return g_enum_get_value (codes, error->code)->value_nick;
    }
  if (error->domain == G_IO_ERROR)
    {
      g_autoptr (GEnumClass) codes = g_type_class_ref (G_TYPE_IO_ERROR_ENUM);

      return g_enum_get_value (codes, error->code)->value_nick;
    }
  return "error";
}

static void
answer_error (Peer *self, GError *error)
{
  g_printerr ("%s\n", error->message);
  answer (self, nick_of (error));
  g_error_free (error);
}

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  GError *error = NULL;

  g_clear_object (&self->cancellable);
  if (flufl_lock_acquire_finish (FLUFL_LOCK (source), result, &error))
    answer (self, "held");
  else
    answer_error (self, error);
}

static void
lost_cb (void)
{
  g_print ("loss 0\n");
}

static gboolean
tick_cb (gpointer user_data)
{
  Peer *self = user_data;
  gint64 now = g_get_monotonic_time ();

  if (now - self->ticked > self->longest)
    {
      self->longest = now - self->ticked;
      self->longest_until = now;
    }
  self->ticked = now;
  return G_SOURCE_CONTINUE;
}

static gboolean
run_cycles (Peer *self, int n, GError **error)
{
  for (int i = 0; i < n; i++)
    if (!flufl_lock_acquire (self->lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, error)
        || !flufl_lock_release (self->lock, NULL, error))
      return FALSE;
  return TRUE;
}

static void
obey (Peer *self, char **words)
{
  const char *what = words[0];
  GError *error = NULL;
  const char *word = "done";

  if (g_str_equal (what, "cancel"))
    {
      self->started = g_get_monotonic_time ();
      if (self->cancellable != NULL)
        g_cancellable_cancel (self->cancellable);
      return;
    }
  if (g_str_equal (what, "ticks"))
    {
      tick_cb (self);
      g_print ("ticks %.1f\n", (double) self->longest / 1000);
      self->longest = 0;
      return;
    }
  if (g_str_equal (what, "ticked"))
    {
      g_print ("ticked %.1f\n", (double) self->longest_until / 1000);
      return;
    }

  self->started = g_get_monotonic_time ();
  if (g_str_equal (what, "start"))
    {
      self->cancellable = g_cancellable_new ();
      self->ticked = self->started;
      self->longest = 0;
      flufl_lock_acquire_async (self->lock, FLUFL_LOCK_TIMEOUT_FOREVER, self->cancellable,
                                acquired_cb, self);
      word = "started";
    }
  else if (g_str_equal (what, "acquire"))
    {
      gint64 timeout = words[1] != NULL ? atoi (words[1]) : FLUFL_LOCK_TIMEOUT_FOREVER;

      if (flufl_lock_acquire (self->lock, timeout, NULL, &error))
        word = "held";
    }
  else if (g_str_equal (what, "release"))
    flufl_lock_release (self->lock, NULL, &error);
  else if (g_str_equal (what, "refresh"))
    {
      if (!flufl_lock_refresh (self->lock, -1, NULL, &error))
        word = "lost";
    }
  else if (g_str_equal (what, "check"))
    word = flufl_lock_check (self->lock, NULL, &error) ? "yes" : "no";
  else if (g_str_equal (what, "cycles"))
    run_cycles (self, atoi (words[1]), &error);
  else if (g_str_equal (what, "state"))
    {
      g_autoptr (GEnumClass) states = g_type_class_ref (FLUFL_TYPE_LOCK_STATE);
      FluflLockState state = flufl_lock_query_state (self->lock, NULL, &error);

      if (error == NULL)
        word = g_enum_get_value (states, (int) state)->value_nick;
    }
  else
    word = "what?";

  if (error != NULL)
    answer_error (self, error);
  else
    answer (self, word);
}

static gboolean
line_cb (GIOChannel *channel, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
  Peer *self = user_data;
  g_autofree char *line = NULL;
  g_auto (GStrv) words = NULL;

  if (g_io_channel_read_line (channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    {
      g_main_loop_quit (self->loop);
      return G_SOURCE_REMOVE;
    }
  words = g_strsplit (g_strstrip (line), " ", 2);
  obey (self, words);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GIOChannel) input = NULL;
  g_autoptr (GFile) file = NULL;
  const char *more = argc > 4 ? argv[4] : "";
  Peer self = { 0 };

  if (argc < 4)
    {
      g_printerr ("peer LOCK LIFETIME_MS SEPARATOR [linger | without-links]\n");
      return 2;
    }
  setvbuf (stdout, NULL, _IOLBF, 0);
  file = g_file_new_for_path (argv[1]);
  self.lock = g_object_new (FLUFL_TYPE_LOCK, "file", file, "lifetime", (gint64) atoi (argv[2]),
                            "separator", argv[3], "without-links", strcmp (more, "without-links") == 0, NULL);
  flufl_lock_set_heartbeat (self.lock, FLUFL_HEARTBEAT_THREAD);
  flufl_lock_set_linger (self.lock, strcmp (more, "linger") == 0);
  g_signal_connect (self.lock, "lost", G_CALLBACK (lost_cb), NULL);

  self.loop = g_main_loop_new (NULL, FALSE);
  self.ticked = g_get_monotonic_time ();
  g_timeout_add (TICK_MS, tick_cb, &self);
  input = g_io_channel_unix_new (0);
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, line_cb, &self);
  g_print ("ready 0\n");
  g_main_loop_run (self.loop);

  g_main_loop_unref (self.loop);
  g_object_unref (self.lock);
  return 0;
}
