/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * turns: two processes, A and B, take turns at one number in a file. A is killed while it holds the
 * lock, and B goes on. The program starts itself for each of them:
 *
 *   turns worker LEDGER LAST HANG    adds one until the number is LAST; hangs in turn HANG
 *
 * A worker prints “has TURN TIME” when it has the lock, and “done” when it has written the number.
 */

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <libflufllock.h>
#include <stdlib.h>
#include <string.h>

#define TURN_MS 200    /* long enough to be read */
#define HANG_MS 1500
#define LAST_TURN 16
#define HANGING_TURN 9 /* from here on */

/* --- A worker --- */

static int
read_number (const char *path, GError **error)
{
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, error) ? atoi (text) : -1;
}

static gboolean
write_number (const char *path, int number, GError **error)
{
  g_autofree char *text = g_strdup_printf ("%d\n", number);

  return g_file_set_contents (path, text, -1, error);
}

/* Returns: the number; -1 with @error set */
static int
take_turn (const char *path, int last, int hang, GError **error)
{
  int number = read_number (path, error);

  if (number < 0 || number >= last)
    return number;
  g_print ("has %d %" G_GINT64_FORMAT "\n", ++number, g_get_monotonic_time ());
  for (int i = 0; number >= hang || i == 0; i++)
    g_usleep (TURN_MS * 1000);
  if (!write_number (path, number, error))
    return -1;
  g_print ("done\n");
  return number;
}

static int
work (const char *path, int last, int hang)
{
  g_autofree char *lock_path = g_strconcat (path, ".lock", NULL);
  g_autoptr (FluflLock) lock = flufl_lock_new_for_path (lock_path);
  g_autoptr (GError) error = NULL;
  int number = 0;

  while (number >= 0 && number < last)
    {
      if (!flufl_lock_acquire (lock, FLUFL_LOCK_TIMEOUT_FOREVER, NULL, &error))
        break;
      number = take_turn (path, last, hang, &error);
      if (!flufl_lock_release (lock, NULL, error == NULL ? &error : NULL))
        break;
    }
  if (error == NULL)
    return EXIT_SUCCESS;
  g_printerr ("%s\n", error->message);
  return EXIT_FAILURE;
}

/* --- The demo --- */

typedef struct _Demo Demo;

typedef struct
{
  Demo             *demo;
  const char       *name;
  int               hang;
  GSubprocess      *process;
  GDataInputStream *lines;
} Worker;

struct _Demo
{
  GMainLoop *loop;
  char      *dir, *ledger;
  Worker     a, b;
  int        n_done;
  int        n_running;
  gint64     killed_at; /* monotonic; 0: A lives, or B's next turn was reported */
};

static void read_line (Worker *self);

static gboolean
kill_cb (gpointer data)
{
  Worker *self = data;

  g_print ("A  is killed\n");
  self->demo->killed_at = g_get_monotonic_time ();
  g_subprocess_force_exit (self->process);
  return G_SOURCE_REMOVE;
}

static void
report_turn (Worker *self, int turn, gint64 time)
{
  Demo *demo = self->demo;

  g_print ("%s  has the lock, turn %d", self->name, turn);
  if (demo->killed_at != 0)
    g_print (", %.1f ms after A was killed", (double) (time - demo->killed_at) / 1000);
  demo->killed_at = 0;
  if (turn >= self->hang)
    {
      g_print (", and hangs while B waits");
      g_timeout_add (HANG_MS, kill_cb, self);
    }
  g_print ("\n");
}

static void
line_cb (GObject *stream, GAsyncResult *result, gpointer user_data)
{
  Worker *self = user_data;
  g_autofree char *line
      = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (stream), result, NULL, NULL);
  char *end;

  if (line == NULL)
    {
      if (--self->demo->n_running == 0)
        g_main_loop_quit (self->demo->loop);
      return;
    }
  if (g_str_has_prefix (line, "has "))
    {
      int turn = (int) strtol (line + strlen ("has "), &end, 10);

      report_turn (self, turn, g_ascii_strtoll (end, NULL, 10));
    }
  else
    self->demo->n_done++;
  read_line (self);
}

static void
read_line (Worker *self)
{
  g_data_input_stream_read_line_async (self->lines, G_PRIORITY_DEFAULT, NULL, line_cb, self);
}

static gboolean
start (Worker *self, const char *program, GError **error)
{
  g_autofree char *last = g_strdup_printf ("%d", LAST_TURN);
  g_autofree char *hang = g_strdup_printf ("%d", self->hang);

  self->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, error, program, "worker",
                                    self->demo->ledger, last, hang, NULL);
  if (self->process == NULL)
    return FALSE;
  self->lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  self->demo->n_running++;
  read_line (self);
  return TRUE;
}

/* Files that were left are an error, too. */
static gboolean
tidy_up (Demo *self)
{
  return g_remove (self->ledger) == 0 && g_rmdir (self->dir) == 0;
}

static int
judge (Demo *self, GError **error)
{
  int number = read_number (self->ledger, error);

  if (number < 0)
    return EXIT_FAILURE;
  g_print ("%d turns, %d lost\n", self->n_done, self->n_done - number);
  if (!tidy_up (self))
    g_print ("Files are left in %s.\n", self->dir);
  else if (number == self->n_done && number == LAST_TURN)
    return EXIT_SUCCESS;
  return EXIT_FAILURE;
}

static int
show (const char *program, GError **error)
{
  Demo demo = { .loop = g_main_loop_new (NULL, FALSE) };
  int status = EXIT_FAILURE;

  demo.a = (Worker){ &demo, "A", HANGING_TURN, NULL, NULL };
  demo.b = (Worker){ &demo, "B", G_MAXINT, NULL, NULL };
  demo.dir = g_dir_make_tmp ("flufllock-turns-XXXXXX", error);
  demo.ledger = demo.dir != NULL ? g_build_filename (demo.dir, "ledger", NULL) : NULL;
  if (demo.ledger != NULL && write_number (demo.ledger, 0, error)
      && start (&demo.a, program, error) && start (&demo.b, program, error))
    {
      g_main_loop_run (demo.loop);
      status = judge (&demo, error);
    }
  g_clear_object (&demo.a.lines);
  g_clear_object (&demo.a.process);
  g_clear_object (&demo.b.lines);
  g_clear_object (&demo.b.process);
  g_main_loop_unref (demo.loop);
  g_free (demo.ledger);
  g_free (demo.dir);
  return status;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  int status;

  if (argc == 5 && strcmp (argv[1], "worker") == 0)
    return work (argv[2], atoi (argv[3]), atoi (argv[4]));
  status = show (argv[0], &error);
  if (error != NULL)
    g_printerr ("turns: %s\n", error->message);
  return status;
}
