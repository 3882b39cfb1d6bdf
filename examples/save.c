/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * save FILE TEXT: append a line to FILE while FILE.lock is held, the way an
 * application does it: the main loop runs all the time.
 */

#include <gio/gio.h>
#include <glib-unix.h>
#include <libflufllock.h>
#include <locale.h>

#define TIMEOUT_MS 10000

typedef struct
{
  GMainLoop *loop;
  FluflLock *lock;
  GFile *file;
  GInputStream *line;
  GCancellable *lost; /* owned, once the lock is held */
  GError *failure;
} Save;

static void
released_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  Save *save = user_data;
  g_autoptr (GError) error = NULL;

  /* That the lock was lost says more than that the work was stopped. */
  if (!flufl_lock_release_finish (FLUFL_LOCK (lock), result, &error))
    {
      g_clear_error (&save->failure);
      save->failure = g_steal_pointer (&error);
    }
  g_main_loop_quit (save->loop);
}

static void
written_cb (GObject *stream, GAsyncResult *result, gpointer user_data)
{
  Save *save = user_data;

  g_output_stream_splice_finish (G_OUTPUT_STREAM (stream), result, &save->failure);
  flufl_lock_release_async (save->lock, NULL, released_cb, save);
}

static void
opened_cb (GObject *file, GAsyncResult *result, gpointer user_data)
{
  Save *save = user_data;
  g_autoptr (GFileOutputStream) stream = g_file_append_to_finish (G_FILE (file), result,
                                                                  &save->failure);

  if (stream == NULL)
    flufl_lock_release_async (save->lock, NULL, released_cb, save);
  else
    g_output_stream_splice_async (G_OUTPUT_STREAM (stream), save->line,
                                  G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, G_PRIORITY_DEFAULT,
                                  save->lost, written_cb, save);
}

static void
acquired_cb (GObject *lock, GAsyncResult *result, gpointer user_data)
{
  Save *save = user_data;

  /* From here on the lock's own cancellable counts: it stops the work at once
   * if the lock gets lost. */
  if (!flufl_lock_acquire_finish (FLUFL_LOCK (lock), result, &save->failure))
    {
      g_main_loop_quit (save->loop);
      return;
    }
  save->lost = flufl_lock_dup_lost_cancellable (save->lock);
  g_file_append_to_async (save->file, G_FILE_CREATE_NONE, G_PRIORITY_DEFAULT, save->lost, opened_cb,
                          save);
}

static gboolean
interrupted_cb (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char *argv[])
{
  setlocale (LC_ALL, ""); /* messages have quotation marks of the user's charset */
  if (argc != 3)
    {
      g_printerr ("Usage: save FILE TEXT\n");
      return 2;
    }

  g_autoptr (GFile) file = g_file_new_for_path (argv[1]);
  g_autoptr (FluflLock) lock = flufl_lock_new_beside (file);
  g_autofree char *text = g_strconcat (argv[2], "\n", NULL);
  g_autoptr (GInputStream) line = g_memory_input_stream_new_from_data (text, -1, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) failure = NULL;
  Save save = { loop, lock, file, line, NULL, NULL };

  g_unix_signal_add (SIGINT, interrupted_cb, cancellable);
  flufl_lock_acquire_async (lock, TIMEOUT_MS, cancellable, acquired_cb, &save);
  g_main_loop_run (loop);

  failure = save.failure;
  g_clear_object (&save.lost);
  if (g_error_matches (failure, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT))
    g_printerr ("Somebody else is saving, try again later. %s\n", failure->message);
  else if (failure != NULL)
    g_printerr ("Not saved. %s\n", failure->message);

  return failure == NULL ? 0 : 1;
}
