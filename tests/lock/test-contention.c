/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Many processes read a counter in a file, and then write it. With the lock no update is lost. A
 * contender is this program itself, run with the arguments "--contend DIRECTORY HOW ROUNDS".
 */

#include <libflufllock.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flufl-test-util.h"

#define ROUNDS 2000

static const char *const ways[] = {
  "sync", "async", "linger", "heartbeat", "patient", "sync", "linger", "async",
};

static char *self_path;

typedef struct
{
  FluflLock  *lock;
  char       *counter;
  const char *how;
  int         rounds;
  GMainLoop  *loop;
} Contender;

static void
increment (const char *path)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  FILE *file;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  /* The file is written in the most careless way: in place, without a rename. */
  file = fopen (path, "w");
  g_assert_nonnull (file);
  fprintf (file, "%d\n", atoi (text) + 1);
  g_assert_cmpint (fclose (file), ==, 0);
}

static void released_cb (GObject *source, GAsyncResult *result, gpointer user_data);

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Contender *self = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_true (flufl_lock_acquire_finish (FLUFL_LOCK (source), result, &error));
  g_assert_no_error (error);
  increment (self->counter);
  flufl_lock_release_async (self->lock, NULL, released_cb, self);
}

static void
released_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Contender *self = user_data;
  g_autoptr (GError) error = NULL;

  flufl_lock_release_finish (FLUFL_LOCK (source), result, &error);
  g_assert_no_error (error);
  if (--self->rounds == 0)
    g_main_loop_quit (self->loop);
  else
    flufl_lock_acquire_async (self->lock, -1, NULL, acquired_cb, self);
}

static void
contend_async (Contender *self)
{
  self->loop = g_main_loop_new (NULL, FALSE);
  flufl_lock_acquire_async (self->lock, -1, NULL, acquired_cb, self);
  g_main_loop_run (self->loop);
  g_main_loop_unref (self->loop);
}

/* Acquires with a short timeout again and again, or waits. */
static gboolean
acquire (Contender *self)
{
  g_autoptr (GError) error = NULL;
  gboolean patient = strcmp (self->how, "patient") != 0;

  if (flufl_lock_acquire (self->lock, patient ? -1 : 20, NULL, &error))
    return TRUE;
  g_assert_false (patient);
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  return FALSE;
}

static void
contend_sync (Contender *self)
{
  while (self->rounds > 0)
    {
      g_autoptr (GError) error = NULL;

      if (!acquire (self))
        continue;
      increment (self->counter);
      flufl_lock_release (self->lock, NULL, &error);
      g_assert_no_error (error);
      self->rounds--;
    }
}

static int
contend (const char *directory, const char *how, const char *rounds)
{
  g_autofree char *path = g_build_filename (directory, "x.lock", NULL);
  Contender self = { .how = how, .rounds = atoi (rounds) };

  self.lock = flufl_lock_new_for_path (path);
  self.counter = g_build_filename (directory, "counter", NULL);
  if (strcmp (how, "linger") == 0)
    flufl_lock_set_linger (self.lock, TRUE);
  if (strcmp (how, "heartbeat") == 0)
    {
      flufl_lock_set_heartbeat (self.lock, FLUFL_HEARTBEAT_THREAD);
      flufl_lock_set_lifetime (self.lock, 10000);
    }
  if (strcmp (how, "async") == 0)
    contend_async (&self);
  else
    contend_sync (&self);
  g_object_unref (self.lock);
  g_free (self.counter);
  return 0;
}

static void
nothing_is_lost (void)
{
  GSubprocess *contenders[G_N_ELEMENTS (ways)];
  gboolean slow = test_is_slow ();
  int rounds = ROUNDS / (slow ? 40 : 1) / (int) G_N_ELEMENTS (ways);
  g_autofree char *rounds_text = g_strdup_printf ("%d", rounds);
  g_autofree char *counter = NULL, *text = NULL;
  TestPlace place;

  test_place_init (&place);
  counter = test_place_path (&place, "counter");
  g_assert_true (g_file_set_contents (counter, "0\n", -1, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (GError) error = NULL;

      contenders[i] = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, self_path, "--contend",
                                        place.dir, ways[i], rounds_text, NULL);
      g_assert_no_error (error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (GError) error = NULL;

      g_subprocess_wait_check (contenders[i], NULL, &error);
      g_assert_no_error (error);
      g_object_unref (contenders[i]);
    }

  g_assert_true (g_file_get_contents (counter, &text, NULL, NULL));
  g_assert_cmpint (atoi (text), ==, rounds * (int) G_N_ELEMENTS (ways));
  g_assert_cmpuint (test_place_count (&place), ==, 1);
  test_place_empty (&place);
  test_place_clear (&place);
}

int
main (int argc, char *argv[])
{
  int result;

  if (argc == 5 && strcmp (argv[1], "--contend") == 0)
    return contend (argv[2], argv[3], argv[4]);

  self_path = g_file_read_link ("/proc/self/exe", NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/contention/nothing-is-lost", nothing_is_lost);
  result = g_test_run ();
  g_free (self_path);
  return result;
}
