/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "face-util.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine-util.h"
#include "flufl-watch.h"

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  if (dir == NULL)
    return 0;
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* Makes the two descriptors that a process keeps: the one that reports changes of files, and
 * the one that wakes a waiter. */
static void
keep_what_is_kept (const char *path)
{
  FluflWatch watch = { 0 };

  flufl_watch_add (&watch, path, FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&watch);
  engine_sleep_until (g_get_monotonic_time () + 100, NULL);
}

static gint64
set_flag (gpointer flag)
{
  g_atomic_int_set ((int *) flag, TRUE);
  return -1;
}

/* Makes the timer that a process keeps for appointments by the boot clock. */
static void
keep_timer (void)
{
  int done = FALSE;
  FluflPulse *pulse = flufl_pulse_start (NULL, 0, 20 * 1000, set_flag, &done, NULL);

  g_assert_nonnull (pulse);
  while (!g_atomic_int_get (&done))
    g_usleep (1000);
  flufl_pulse_stop (pulse);
}

/* Makes everything that is made once and kept, so that no test takes it for a leak. */
static void
warm_up (void)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/");
  FluflWatch watch = { 0 };
  guint n_fds;

  g_assert_true (g_file_is_native (file));
  g_main_context_get_poll_func (g_main_context_default ());
  g_type_ensure (G_TYPE_TASK);
  flufl_watch_add (&watch, "/", FLUFL_WATCH_REMOVED);
  flufl_watch_remove (&watch);
  /* On a busy machine the moment may be past before the sleep begins. */
  n_fds = count_fds ();
  for (gint64 msec = 1; count_fds () == n_fds && msec < 1000; msec *= 2)
    engine_sleep_until (g_get_monotonic_time () + msec * 1000, NULL);
  keep_timer ();
}

void
face_set_up (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  static gsize warm;

  if (g_once_init_enter (&warm))
    {
      warm_up ();
      g_once_init_leave (&warm, 1);
    }
  test_place_init (&face->place);
  keep_what_is_kept (face->place.dir);
  lies_reset ();
  flufl_lock_syscalls = &lies_syscalls;
  face->n_fds = count_fds ();
}

void
face_tear_down (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  lies_reset ();
  flufl_lock_syscalls = &flufl_syscalls_native;
  /* A worker may be about to close something. */
  FACE_WAIT_FOR (count_fds () <= face->n_fds);
  test_place_clear (&face->place);
}

FluflLock *
face_lock_new (Face *face)
{
  FluflLock *lock = flufl_lock_new_for_path (face->place.lock);

  /* A test that needs a heartbeat sets one. */
  flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_NONE);
  return lock;
}

void
face_remove_everything (Face *face)
{
  g_autofree char *claim = test_place_only_claim (&face->place);

  g_assert_cmpint (unlink (claim), ==, 0);
  g_assert_cmpint (unlink (face->place.lock), ==, 0);
}

void
face_pause (gint64 give_up, const char *what)
{
  GMainContext *context = g_main_context_get_thread_default ();

  if (g_get_monotonic_time () > give_up)
    g_error ("no progress for %d s: %s", TEST_PATIENCE_SEC, what);
  if (!g_main_context_iteration (context, FALSE))
    g_usleep (1000);
}

void
reply_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reply *reply = user_data;

  reply->n_calls++;
  reply->source = source;
  g_set_object (&reply->result, result);
  reply->thread = g_thread_self ();
  g_atomic_int_set (&reply->done, TRUE);
}

void
reply_wait (Reply *reply, const char *what)
{
  test_wait_flag (&reply->done, what);
  g_assert_cmpuint (reply->n_calls, ==, 1);
}

void
reply_clear (Reply *reply)
{
  g_clear_object (&reply->result);
  memset (reply, 0, sizeof *reply);
}

void
heard_cb (Heard *heard)
{
  heard->n++;
  heard->thread = g_thread_self ();
}

void
heard_lost_cb (FluflLock *lock G_GNUC_UNUSED, const GError *error, Heard *heard)
{
  heard_cb (heard);
  g_clear_error (&heard->error);
  heard->error = g_error_copy (error);
}

void
heard_waiting_cb (FluflLock *lock G_GNUC_UNUSED, FluflLockDetails *details, Heard *heard)
{
  heard_cb (heard);
  g_clear_pointer (&heard->details, flufl_lock_details_free);
  heard->details = flufl_lock_details_copy (details);
}

void
heard_clear (Heard *heard)
{
  g_clear_error (&heard->error);
  g_clear_pointer (&heard->details, flufl_lock_details_free);
}

static gboolean
async_acquire (FluflLock *lock, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  flufl_lock_acquire_async (lock, timeout, cancellable, reply_cb, &reply);
  reply_wait (&reply, "acquire");
  return flufl_lock_acquire_finish (lock, reply.result, error);
}

static gboolean
async_release (FluflLock *lock, GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  flufl_lock_release_async (lock, cancellable, reply_cb, &reply);
  reply_wait (&reply, "release");
  return flufl_lock_release_finish (lock, reply.result, error);
}

static gboolean
async_refresh (FluflLock *lock, gint64 lifetime, GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  flufl_lock_refresh_async (lock, lifetime, cancellable, reply_cb, &reply);
  reply_wait (&reply, "refresh");
  return flufl_lock_refresh_finish (lock, reply.result, error);
}

static gboolean
async_check (FluflLock *lock, GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  flufl_lock_check_async (lock, cancellable, reply_cb, &reply);
  reply_wait (&reply, "check");
  return flufl_lock_check_finish (lock, reply.result, error);
}

static FluflLockState
async_query_state (FluflLock *lock, GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  flufl_lock_query_state_async (lock, cancellable, reply_cb, &reply);
  reply_wait (&reply, "query state");
  return flufl_lock_query_state_finish (lock, reply.result, error);
}

static FluflLockDetails *
async_query_details (FluflLock *lock, GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  flufl_lock_query_details_async (lock, cancellable, reply_cb, &reply);
  reply_wait (&reply, "query details");
  return flufl_lock_query_details_finish (lock, reply.result, error);
}

static gboolean
async_break_lock (FluflLock *lock, FluflBreakFlags flags, GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  flufl_lock_break_lock_async (lock, flags, cancellable, reply_cb, &reply);
  reply_wait (&reply, "break");
  return flufl_lock_break_lock_finish (lock, reply.result, error);
}

static gboolean
async_break_lock_of (FluflLock *lock, FluflLockDetails *details, FluflBreakFlags flags,
                     GCancellable *cancellable, GError **error)
{
  g_auto (Reply) reply = { 0 };

  flufl_lock_break_lock_of_async (lock, details, flags, cancellable, reply_cb, &reply);
  reply_wait (&reply, "break of one holder's lock");
  return flufl_lock_break_lock_of_finish (lock, reply.result, error);
}

const Form form_sync = {
  .name = "sync",
  .acquire = flufl_lock_acquire,
  .release = flufl_lock_release,
  .refresh = flufl_lock_refresh,
  .check = flufl_lock_check,
  .query_state = flufl_lock_query_state,
  .query_details = flufl_lock_query_details,
  .break_lock = flufl_lock_break_lock,
  .break_lock_of = flufl_lock_break_lock_of,
};

const Form form_async = {
  .name = "async",
  .acquire = async_acquire,
  .release = async_release,
  .refresh = async_refresh,
  .check = async_check,
  .query_state = async_query_state,
  .query_details = async_query_details,
  .break_lock = async_break_lock,
  .break_lock_of = async_break_lock_of,
};

static gboolean
ends_sentence (const char *text)
{
  return g_str_has_suffix (text, ".") || g_str_has_suffix (text, ".)");
}

void
face_assert_sentence (const GError *error, const char *path)
{
  g_assert_nonnull (error);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_true (ends_sentence (error->message));
  if (path != NULL)
    {
      g_autofree char *name = g_filename_display_name (path);

      if (strstr (error->message, name) == NULL)
        g_error ("“%s” does not name “%s”", error->message, name);
    }
}

/* The verdict of a child, in memory that it shares with its parent. */
static volatile int *
verdict (void)
{
  static int *shared;

  if (shared == NULL)
    shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert_true (shared != MAP_FAILED);
  return shared;
}

void
face_child_ends (int status)
{
  *verdict () = status;
  /* After exit(3) or _exit(2) memcheck would look for leaks, and report all memory that only
   * threads of the parent know. */
  raise (SIGKILL);
}

pid_t
face_fork_here (void)
{
  pid_t pid;

  *verdict () = FACE_CHILD_FAILED;
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    alarm (test_is_slow () ? TEST_PATIENCE_SEC : TEST_PATIENCE_SEC / 6);
  return pid;
}

pid_t
face_fork (void (*func) (gpointer), gpointer data)
{
  pid_t pid;

  fflush (stdout);
  pid = face_fork_here ();
  if (pid == 0)
    {
      func (data);
      face_child_ends (FACE_CHILD_OK);
    }
  return pid;
}

int
face_join_any (pid_t child)
{
  int status;

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL)
    return *verdict ();
  if (WIFSIGNALED (status))
    g_error ("the child was killed by signal %d: %s", WTERMSIG (status),
             g_strsignal (WTERMSIG (status)));
  g_error ("the child ended by itself, with status %d", WEXITSTATUS (status));
}

void
face_join (pid_t child)
{
  g_assert_cmpint (face_join_any (child), ==, FACE_CHILD_OK);
}

void
face_kill (pid_t child)
{
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
}

void
face_wait_for_turn (gpointer face)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);

  g_assert_true (flufl_lock_acquire (lock, -1, NULL, NULL));
}

gint64
face_mtime (const char *path)
{
  struct stat st;

  g_assert_cmpint (lstat (path, &st), ==, 0);
  return (gint64) st.st_mtim.tv_sec * G_USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
}

guint
face_nlink (const char *path)
{
  struct stat st;

  return lstat (path, &st) == 0 ? (guint) st.st_nlink : 0;
}

void
face_acquire (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;
  gboolean held = flufl_lock_acquire (lock, TEST_PATIENCE_SEC * 1000, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (held);
}

void
face_release (FluflLock *lock)
{
  g_autoptr (GError) error = NULL;
  gboolean released = flufl_lock_release (lock, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (released);
}

void
face_acquire_for_moments (const Form *form, FluflLock *lock)
{
  g_autoptr (GError) error = NULL;

  while (!form->acquire (lock, -1, NULL, &error))
    {
      g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
      g_assert_false (flufl_lock_get_held (lock));
      g_clear_error (&error);
    }
}

void
face_wait_for_win (FluflLock *lock)
{
  gint64 give_up = g_get_monotonic_time () + TEST_PATIENCE_SEC * G_USEC_PER_SEC;
  gboolean won = FALSE;

  while (!won)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, give_up);
      flufl_lease_lock (lock->lease);
      won = lock->lease->won;
      flufl_lease_unlock (lock->lease);
      g_usleep (500);
    }
}

gboolean
face_is_lost (FluflLock *lock)
{
  g_autoptr (GCancellable) cancellable = flufl_lock_dup_lost_cancellable (lock);

  return g_cancellable_is_cancelled (cancellable);
}
