/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * writer LOCK LIFETIME_MS HEARTBEAT DATA: a holder on a machine that is suspended. HEARTBEAT is
 * `thread`, `main-context` or `none`. From the acquisition on, a thread writes a line into the file
 * DATA each 100 ms, with the cancellable of the loss. The thread goes on after the loss, so that the
 * cancellable alone can stop the writing. The program reads commands, one in a line, and answers
 * each with a line.
 *
 *   acquire, release     as those of peer.c
 *   report               `report`, and what has happened since the machine woke up:
 *                        `kept` or `lost`; until the cancellable fired, the milliseconds, and the
 *                        milliseconds by which a thread was late at most; the lines that were
 *                        written; and of these the ones whose writing began after the cancellable
 *                        had fired
 *
 * The line `loss`, with the message, reports the signal.
 */

#include <libflufllock.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_USEC (20 * 1000)
#define WRITE_USEC (100 * 1000)
/* The clocks are read one after the other, and the machine may stand still between them. */
#define SLEPT_USEC (5 * G_USEC_PER_SEC)

typedef struct
{
  FluflLock    *lock;
  GMainLoop    *loop;
  GFile        *data;
  GCancellable *lost;
  GMutex        mutex;  /* protects what follows */
  gint64        awake;  /* boot time less monotonic time, at the start; microseconds */
  gint64        woke;   /* boot time at which a thread first ran after the suspend, or 0 */
  gint64        ticked; /* when the last tick came; monotonic */
  gint64        behind; /* since the machine woke up, the most by which a tick was late */
  gboolean      told;   /* whether the cancellable has fired */
  gint64        told_after; /* microseconds since the machine woke up */
  gint64        told_behind; /* what @behind was then */
  guint         writes; /* since the machine woke up */
  guint         late;   /* … that began after the cancellable had fired */
} Writer;

static gint64
boot_now (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_BOOTTIME, &ts);
  return (gint64) ts.tv_sec * G_USEC_PER_SEC + ts.tv_nsec / 1000;
}

/* Notes that the machine has woken up, and by how much a tick is late. Called with the mutex. */
static void
look_at_clocks (Writer *self)
{
  gint64 boot = boot_now (), now = g_get_monotonic_time ();

  if (self->woke == 0 && boot - now - self->awake > SLEPT_USEC)
    {
      self->woke = boot;
      self->ticked = now; /* the kernel took its time to suspend and to wake up */
    }
  if (self->woke != 0)
    self->behind = MAX (self->behind, now - self->ticked - TICK_USEC);
}

static gpointer
tick (gpointer user_data)
{
  Writer *self = user_data;

  while (TRUE)
    {
      g_usleep (TICK_USEC);
      g_mutex_lock (&self->mutex);
      look_at_clocks (self);
      self->ticked = g_get_monotonic_time ();
      g_mutex_unlock (&self->mutex);
    }
  return NULL;
}

/* In the thread that finds the loss. */
static void
fired_cb (GCancellable *lost G_GNUC_UNUSED, gpointer user_data)
{
  Writer *self = user_data;

  g_mutex_lock (&self->mutex);
  look_at_clocks (self);
  self->told = TRUE;
  self->told_after = self->woke != 0 ? boot_now () - self->woke : 0;
  self->told_behind = self->behind;
  g_mutex_unlock (&self->mutex);
}

static gpointer
write_lines (gpointer user_data)
{
  Writer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileOutputStream) stream = NULL;

  stream = g_file_append_to (self->data, G_FILE_CREATE_NONE, NULL, &error);
  if (stream == NULL)
    g_error ("%s", error->message);
  while (TRUE)
    {
      gboolean late, written;

      g_mutex_lock (&self->mutex);
      look_at_clocks (self);
      late = self->told;
      g_mutex_unlock (&self->mutex);
      written = g_output_stream_write (G_OUTPUT_STREAM (stream), "a line\n", 7, self->lost,
                                       NULL) > 0;
      g_mutex_lock (&self->mutex);
      self->writes += written && self->woke != 0;
      self->late += written && late;
      g_mutex_unlock (&self->mutex);
      g_usleep (WRITE_USEC);
    }
  return NULL;
}

static void
lost_cb (FluflLock *lock G_GNUC_UNUSED, const GError *error)
{
  g_print ("loss %s\n", error->message);
}

static void
acquire (Writer *self)
{
  g_autoptr (GError) error = NULL;

  if (!flufl_lock_acquire (self->lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error))
    {
      g_print ("error %s\n", error->message);
      return;
    }
  self->lost = flufl_lock_dup_lost_cancellable (self->lock);
  self->ticked = g_get_monotonic_time ();
  g_cancellable_connect (self->lost, G_CALLBACK (fired_cb), self, NULL);
  g_thread_unref (g_thread_new ("ticks", tick, self));
  g_thread_unref (g_thread_new ("lines", write_lines, self));
  g_print ("held 0\n");
}

static void
release (Writer *self)
{
  g_autoptr (GError) error = NULL;

  if (flufl_lock_release (self->lock, NULL, &error))
    g_print ("done 0\n");
  else if (g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST))
    g_print ("lost 0\n");
  else
    g_print ("error %s\n", error->message);
}

static void
report (Writer *self)
{
  g_mutex_lock (&self->mutex);
  g_print ("report %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %u %u\n",
           self->told ? "lost" : "kept", self->told_after / 1000, self->told_behind / 1000,
           self->writes, self->late);
  g_mutex_unlock (&self->mutex);
}

static gboolean
line_cb (GIOChannel *channel, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
  Writer *self = user_data;
  g_autofree char *line = NULL;

  if (g_io_channel_read_line (channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    {
      g_main_loop_quit (self->loop);
      return G_SOURCE_REMOVE;
    }
  g_strstrip (line);
  if (g_str_equal (line, "acquire"))
    acquire (self);
  else if (g_str_equal (line, "release"))
    release (self);
  else if (g_str_equal (line, "report"))
    report (self);
  else
    g_print ("what? 0\n");
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GEnumClass) heartbeats = g_type_class_ref (FLUFL_TYPE_HEARTBEAT);
  g_autoptr (GIOChannel) input = NULL;
  const GEnumValue *heartbeat;
  Writer self = { 0 };

  heartbeat = argc == 5 ? g_enum_get_value_by_nick (heartbeats, argv[3]) : NULL;
  if (heartbeat == NULL)
    {
      g_printerr ("writer LOCK LIFETIME_MS HEARTBEAT DATA\n");
      return 2;
    }
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_mutex_init (&self.mutex);
  self.awake = boot_now () - g_get_monotonic_time ();
  self.data = g_file_new_for_path (argv[4]);
  self.lock = flufl_lock_new_for_path (argv[1]);
  flufl_lock_set_lifetime (self.lock, atoi (argv[2]));
  flufl_lock_set_heartbeat (self.lock, (FluflHeartbeat) heartbeat->value);
  g_signal_connect (self.lock, "lost", G_CALLBACK (lost_cb), NULL);

  self.loop = g_main_loop_new (NULL, FALSE);
  input = g_io_channel_unix_new (0);
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, line_cb, &self);
  g_print ("ready 0\n");
  g_main_loop_run (self.loop);
  return 0; /* the threads use what is left */
}
