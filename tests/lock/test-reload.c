/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * test-reload LIBRARY: a program that loads the shared library, uses it, and closes it, again and
 * again, as programs with plug-ins do. It does not link the library. GObject keeps a type for ever
 * once it is registered, and threads of the library may outlive the object that started them.
 */

#include <libflufllock.h>

#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flufl-test-util.h"

#define TIMES 4

/* The heartbeat beats every 100 ms. */
#define LIFETIME_MS 3000

static const char *library;

typedef struct
{
  void *handle;

  FluflLock *(*new_for_path)  (const char *path);
  void       (*set_heartbeat) (FluflLock *self, FluflHeartbeat heartbeat);
  void       (*set_lifetime)  (FluflLock *self, gint64 lifetime_ms);
  gboolean   (*get_held)      (FluflLock *self);
  gboolean   (*acquire)       (FluflLock *self, gint64 timeout_ms, GCancellable *cancellable,
                               GError **error);
  gboolean   (*release)       (FluflLock *self, GCancellable *cancellable, GError **error);
  void       (*acquire_async) (FluflLock *self, gint64 timeout_ms, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
  gboolean   (*acquire_finish) (FluflLock *self, GAsyncResult *result, GError **error);
} Library;

static void
library_open (Library *self)
{
  self->handle = dlopen (library, RTLD_NOW | RTLD_LOCAL);
  if (self->handle == NULL)
    g_error ("%s", dlerror ());

#define GET(member, symbol)                                                                        \
  *(void **) &self->member = dlsym (self->handle, symbol);                                         \
  g_assert_nonnull (*(void **) &self->member)
  GET (new_for_path, "flufl_lock_new_for_path");
  GET (set_heartbeat, "flufl_lock_set_heartbeat");
  GET (set_lifetime, "flufl_lock_set_lifetime");
  GET (get_held, "flufl_lock_get_held");
  GET (acquire, "flufl_lock_acquire");
  GET (release, "flufl_lock_release");
  GET (acquire_async, "flufl_lock_acquire_async");
  GET (acquire_finish, "flufl_lock_acquire_finish");
#undef GET
}

static void
library_close (Library *self)
{
  g_assert_cmpint (dlclose (self->handle), ==, 0);
}

typedef struct
{
  gboolean      done;
  GAsyncResult *result;
} Reply;

static void
reply_cb (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer user_data)
{
  Reply *reply = user_data;

  reply->result = g_object_ref (result);
  reply->done = TRUE;
}

/* Waits until a thread of the library has refreshed the lock. */
static void
wait_for_beat (TestPlace *place)
{
  const gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;
  struct stat first, now;

  g_assert_cmpint (stat (place->lock, &first), ==, 0);
  do
    {
      g_assert_cmpint (g_get_monotonic_time (), <, give_up);
      g_usleep (1000);
      g_assert_cmpint (stat (place->lock, &now), ==, 0);
    }
  while (now.st_mtim.tv_sec == first.st_mtim.tv_sec && now.st_mtim.tv_nsec == first.st_mtim.tv_nsec);
}

static void
use (Library *self, TestPlace *place)
{
  FluflLock *lock = self->new_for_path (place->lock);
  FluflLock *other = self->new_for_path (place->lock);
  Reply reply = { FALSE, NULL };
  g_autoptr (GError) error = NULL;

  self->set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  self->set_lifetime (lock, LIFETIME_MS);
  g_assert_true (self->acquire (lock, -1, NULL, &error));
  g_assert_no_error (error);
  wait_for_beat (place);

  /* Another waits meanwhile, in threads of the library. */
  self->acquire_async (other, -1, NULL, reply_cb, &reply);
  wait_for_beat (place);
  g_assert_true (self->get_held (lock));
  g_assert_true (self->release (lock, NULL, &error));
  g_assert_no_error (error);
  test_wait_flag (&reply.done, "the other's turn");
  g_assert_true (self->acquire_finish (other, reply.result, &error));
  g_assert_no_error (error);
  g_assert_true (self->release (other, NULL, &error));
  g_assert_no_error (error);

  g_object_unref (reply.result);
  g_object_unref (lock);
  g_object_unref (other);
}

static void
open_and_close (void)
{
  TestPlace place;

  test_place_init (&place);
  for (int i = 0; i < TIMES; i++)
    {
      Library it;
      int status;
      pid_t child;

      library_open (&it);
      use (&it, &place);
      library_close (&it);
      g_assert_cmpuint (test_place_count (&place), ==, 0);

      /* The library's handlers of fork(2) are still there to be called. */
      child = fork ();
      g_assert_cmpint (child, >=, 0);
      if (child == 0)
        _exit (0);
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_cmpint (status, ==, 0);
    }
  test_place_clear (&place);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  if (argc != 2)
    g_error ("usage: test-reload LIBRARY");
  library = argv[1];

  g_test_add_func ("/reload/open-and-close", open_and_close);

  return g_test_run ();
}
