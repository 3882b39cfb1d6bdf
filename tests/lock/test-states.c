/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * Locks of other processes, in every state: the state that a look reports, and whether an
 * acquisition breaks the lock. Each test takes its directory for a local one, or for one on NFS,
 * where there are no life-lines.
 */

#include "face-util.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HOUR (3600 * 1000)

typedef struct
{
  const Form *form;
  FluflFsKind kind;
} Case;

static const Case cases[] = {
  { &form_sync, FLUFL_FS_LOCAL },
  { &form_sync, FLUFL_FS_NFS },
  { &form_async, FLUFL_FS_LOCAL },
  { &form_async, FLUFL_FS_NFS },
};

/* An object that does not touch its claim for the time that lies_rest() lets pass. */
static FluflLock *
patient_lock (Face *face, const Case *the_case)
{
  FluflLock *lock = face_lock_new (face);

  lies_fs_kind (the_case->kind);
  flufl_lock_set_lifetime (lock, HOUR);
  return lock;
}

static void
dying_child (gpointer data)
{
  Face *face = data;
  FluflLock *lock = face_lock_new (face);

  flufl_lock_set_lifetime (lock, HOUR);
  face_acquire (lock);
}

/* A process that died with the lock, an hour before it expires. */
static void
leave_by_dying (Face *face, const Case *the_case)
{
  lies_fs_kind (the_case->kind);
  face_join (face_fork (dying_child, face));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
}

static FluflLockState
state_by_details (const Form *form, FluflLock *lock)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FluflLockDetails) details = form->query_details (lock, NULL, &error);

  g_assert_no_error (error);
  return flufl_lock_details_get_state (details);
}

static void
assert_state (const Form *form, FluflLock *lock, FluflLockState expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, expected);
  g_assert_no_error (error);
  if (expected != FLUFL_LOCK_STATE_UNLOCKED)
    g_assert_cmpint (state_by_details (form, lock), ==, expected);
}

static void
assert_times_out (const Form *form, FluflLock *lock, gint64 timeout, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (form->acquire (lock, timeout, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  face_assert_sentence (error, NULL);
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}

static void
ours (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autoptr (FluflLock) other = patient_lock (face, the_case);

  assert_state (form, lock, FLUFL_LOCK_STATE_UNLOCKED);
  face_acquire (lock);
  assert_state (form, lock, FLUFL_LOCK_STATE_OURS);
  assert_state (form, other, FLUFL_LOCK_STATE_THEIRS);
  g_assert_true (flufl_lock_refresh (lock, 1, NULL, NULL));
  FACE_WAIT_FOR (g_get_real_time () > face_mtime (face->place.lock));
  assert_state (form, lock, FLUFL_LOCK_STATE_OURS_EXPIRED);
  assert_state (form, other, FLUFL_LOCK_STATE_THEIRS_EXPIRED);
  g_assert_true (flufl_lock_check (lock, NULL, NULL)); /* but no process has broken it */
  face_release (lock);
  assert_state (form, lock, FLUFL_LOCK_STATE_UNLOCKED);
}

/* Another process has broken the object's lock, and holds its own. */
static void
not_ours_any_more (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autofree char *claim = NULL;

  face_acquire (lock);
  test_place_empty (&face->place);
  claim = test_make_lock (&face->place, "x.lock|far.example|12|34", 600);
  g_assert_true (flufl_lock_get_held (lock));
  assert_state (form, lock, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_false (flufl_lock_check (lock, NULL, NULL));
  g_assert_false (flufl_lock_release (lock, NULL, NULL));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2); /* theirs is left alone */
  test_place_empty (&face->place);
}

/* The holder is on another machine: no process here can find out whether it is alive. */
static void
unknown (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&face->place, "x.lock|far.example|12|34", 600);
  g_autoptr (FluflLockDetails) details = NULL;
  g_autoptr (GError) error = NULL;

  assert_state (form, lock, FLUFL_LOCK_STATE_UNKNOWN);
  details = form->query_details (lock, NULL, NULL);
  g_assert_cmpstr (flufl_lock_details_get_host_name (details), ==, "far.example");
  g_assert_cmpint (flufl_lock_details_get_pid (details), ==, 12);

  lies_rest ();
  assert_times_out (form, lock, 0, "process 12 on host “far.example”.");
  assert_times_out (form, lock, 50, "It is not known whether the process is alive");
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, "far.example"));
  g_assert_cmpuint (face_nlink (face->place.lock), ==, 2);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  test_place_empty (&face->place);
}

/* The lock has expired, but the ten seconds for clocks that differ are not over. */
static void
within_slop (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autofree char *claim = NULL;
  g_autoptr (GError) error = NULL;

  lies_rest ();
  claim = test_make_lock (&face->place, "x.lock|far.example|12|34", -0.5);
  assert_state (form, lock, FLUFL_LOCK_STATE_THEIRS_EXPIRED);
  assert_times_out (form, lock, 0, "The lock expired at");
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  test_place_empty (&face->place);
}

/* One try includes the look, so an acquisition with a timeout of 0 breaks an expired lock. */
static void
expired (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autofree char *claim = test_make_lock (&face->place, "x.lock|far.example|12|34", -60);
  g_autoptr (GError) error = NULL;

  assert_state (form, lock, FLUFL_LOCK_STATE_THEIRS_EXPIRED);
  /* The lock has not rested: it changed a moment ago. */
  assert_times_out (form, lock, 0, "The lock can be broken once nothing has changed for 5 s.");
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  lies_rest ();
  g_assert_true (form->acquire (lock, 0, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (face_nlink (claim), ==, 0);
  assert_state (form, lock, FLUFL_LOCK_STATE_OURS);
  face_release (lock);
}

/* The process that removed the claim died before it removed the lock file. */
static void
orphan (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autofree char *claim = test_make_lock (&face->place, "x.lock|far.example|12|34", -60);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (unlink (claim), ==, 0);
  lies_rest ();
  g_assert_true (form->acquire (lock, -1, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_release (lock);
}

static void
stale (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;

  leave_by_dying (face, the_case);
  lock = patient_lock (face, the_case);
  assert_state (form, lock, FLUFL_LOCK_STATE_STALE);

  /* An object without "break-dead" does not break it. */
  flufl_lock_set_break_dead (lock, FALSE);
  lies_rest ();
  assert_times_out (form, lock, 60, "it is held until");
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  flufl_lock_set_break_dead (lock, TRUE);
  g_assert_true (form->acquire (lock, 0, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  assert_state (form, lock, FLUFL_LOCK_STATE_OURS);
  face_release (lock);
}

/* With a life-line the lock of a dead holder is broken at once. Without one it must rest first. */
static void
stale_rests (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = NULL;

  leave_by_dying (face, the_case);
  lock = patient_lock (face, the_case);
  if (the_case->kind == FLUFL_FS_LOCAL)
    g_assert_true (form->acquire (lock, 0, NULL, NULL));
  else
    {
      assert_times_out (form, lock, 0, "The process is dead");
      lies_rest ();
      g_assert_true (form->acquire (lock, 0, NULL, NULL));
    }
  face_release (lock);
}

/* A strange lock whose claim was just removed would look the same. */
static void
half_released (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (face->place.lock, "/elsewhere/notes", -1, NULL));
  assert_times_out (form, lock, 0,
                    "The file may be a lock whose claim was just removed. It counts as no lock once "
                    "nothing has changed for 5 s.");
  lies_rest ();
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_NOT_A_LOCK);
  g_assert_cmpint (unlink (face->place.lock), ==, 0);
}

static void
break_unlocked (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);

  g_assert_true (the_case->form->break_lock (lock, FLUFL_BREAK_NONE, NULL, NULL));
  g_assert_true (the_case->form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, NULL));
}

static void
break_live (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) holder = patient_lock (face, the_case);
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autoptr (GError) error = NULL;

  face_acquire (holder);
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, "Another object of this process"));
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  g_clear_error (&error);

  g_assert_true (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_false (flufl_lock_get_held (lock)); /* not by this object */
  g_assert_false (flufl_lock_release (holder, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_LOST);
}

static gpointer
time_passes_thread (gpointer data G_GNUC_UNUSED)
{
  /* The break has looked by then, and found that it must wait. */
  while (lies_count (LIES_READ) == 0)
    g_usleep (1000);
  g_usleep (20 * 1000);
  lies_pass_time (6000);
  return NULL;
}

/* The break itself waits for the lock to have rested. */
static void
break_expired (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&face->place, "x.lock|far.example|12|34", -60);
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("time", time_passes_thread, NULL);

  g_assert_true (form->break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_false (flufl_lock_get_held (lock));
}

static void
break_stale (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  leave_by_dying (face, the_case);
  lock = patient_lock (face, the_case);
  flufl_lock_set_break_dead (lock, FALSE); /* a call of break_lock breaks it all the same */
  thread = g_thread_new ("time", time_passes_thread, NULL);
  g_assert_true (form->break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

/* The error of a break that fails has the reason, and the break leaves no claim of its own. */
/* The claim is gone, too. A break first restores it, and breaks the lock only with its next look. */
static void
break_orphan (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  g_autofree char *claim = NULL;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  leave_by_dying (face, the_case);
  claim = test_place_only_claim (&face->place);
  g_assert_cmpint (unlink (claim), ==, 0);
  lock = patient_lock (face, the_case);
  thread = g_thread_new ("time", time_passes_thread, NULL);
  g_assert_true (the_case->form->break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static void
break_fails (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  g_autoptr (FluflLock) holder = patient_lock (face, the_case);
  g_autoptr (FluflLock) lock = patient_lock (face, the_case);
  g_autoptr (GError) error = NULL;

  face_acquire (holder);
  lies_fail (LIES_UNLINK, EPERM, -1);
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_FORCE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);
  lies_reset ();
  lies_fs_kind (the_case->kind);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);

  lies_fail (LIES_PWRITE, ENOSPC, 1);
  g_assert_false (form->break_lock (lock, FLUFL_BREAK_NONE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  face_assert_sentence (error, face->place.lock);
  g_assert_cmpuint (test_place_count (&face->place), ==, 2);
  face_release (holder);
}

/* Without hard links, link(2) fails, or a look finds it out. Where they are known to work it is
 * something else that refuses link(2). */
static void
unsupported (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  const int errnos[] = { EPERM, EMLINK, EXDEV, ENOSYS, EOPNOTSUPP };
  gboolean local = the_case->kind == FLUFL_FS_LOCAL;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (errnos); i++)
    {
      g_autoptr (FluflLock) here = patient_lock (face, the_case);

      lies_fail (LIES_LINK, errnos[i], 1);
      g_assert_false (form->acquire (here, -1, NULL, &error));
      if (local)
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
          g_assert_nonnull (strstr (error->message, "sandbox"));
        }
      else
        g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED);
      face_assert_sentence (error, face->place.lock);
      g_assert_nonnull (strstr (error->message, g_strerror (errnos[i])));
      g_clear_error (&error);
      g_assert_cmpuint (test_place_count (&face->place), ==, 0);
    }

  lies_fs_kind (FLUFL_FS_OTHER);
  lies_copy_links (TRUE);
  lock = face_lock_new (face);
  g_assert_false (form->acquire (lock, -1, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED);
  face_assert_sentence (error, face->place.lock);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

static int
lstat_without_ctime (const char *path, FluflStat *st)
{
  int result = lies_syscalls.lstat (path, st);

  st->ctime = 0;
  return result;
}

/* Neither link(2) nor unlink(2) renews a ctime. */
static void
unfit (Face *face, gconstpointer data)
{
  static FluflSyscalls sys;
  const Case *the_case = data;
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GError) error = NULL;

  sys = lies_syscalls;
  sys.lstat = lstat_without_ctime;
  sys.needs_probe = TRUE;
  flufl_lock_syscalls = &sys;
  lock = face_lock_new (face);
  g_assert_false (the_case->form->acquire (lock, -1, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "does not keep the times"));
  face_assert_sentence (error, face->place.lock);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

/* A clock that is off causes one warning, and does not let a process break a live lock. */
static void
clocks (Face *face, gconstpointer data)
{
  const Case *the_case = data;
  const Form *form = the_case->form;
  const gint64 skews[] = { -60 * 1000, 60 * 1000 };
  const char *words[] = { "*60.0 s ahead of this machine's*", "*60.0 s behind this machine's*" };
  gint64 expiration;

  for (guint i = 0; i < G_N_ELEMENTS (skews); i++)
    {
      g_autoptr (FluflLock) holder = patient_lock (face, the_case);
      g_autoptr (FluflLock) lock = patient_lock (face, the_case);

      flufl_lock_set_lifetime (holder, 15 * 1000);
      lies_skew (skews[i]);
      g_test_expect_message ("Flufl", G_LOG_LEVEL_WARNING, words[i]);
      g_assert_true (form->acquire (holder, 0, NULL, NULL));
      g_test_assert_expected_messages ();

      /* The lock is not expired by either clock. */
      expiration = face_mtime (face->place.lock);
      g_assert_cmpint (expiration, >, g_get_real_time () + MAX (skews[i], 0) * 1000);
      assert_state (form, lock, FLUFL_LOCK_STATE_THEIRS);

      /* Nor is it for a process whose clock is a minute ahead of the server's. */
      lies_skew (60 * 1000);
      lies_rest ();
      g_assert_false (form->acquire (lock, 0, NULL, NULL));
      g_assert_true (flufl_lock_check (holder, NULL, NULL));
      g_assert_true (form->release (holder, NULL, NULL));

      /* There is no second warning. */
      g_assert_true (form->acquire (holder, 0, NULL, NULL));
      g_assert_true (form->release (holder, NULL, NULL));
      lies_reset ();
      lies_fs_kind (the_case->kind);
      g_assert_true (form->acquire (lock, 0, NULL, NULL));
      g_assert_true (form->release (lock, NULL, NULL));
    }
}

static void
add (const char *path, void (*func) (Face *, gconstpointer))
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *full = g_strdup_printf (
          "%s/%s/%s", path, cases[i].kind == FLUFL_FS_LOCAL ? "local" : "nfs", cases[i].form->name);

      FACE_TEST_WITH (full, func, &cases[i]);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/states/ours", ours);
  add ("/states/not-ours-any-more", not_ours_any_more);
  add ("/states/unknown", unknown);
  add ("/states/within-slop", within_slop);
  add ("/states/expired", expired);
  add ("/states/orphan", orphan);
  add ("/states/stale", stale);
  add ("/states/stale-rests", stale_rests);
  add ("/states/half-released", half_released);
  add ("/states/break/unlocked", break_unlocked);
  add ("/states/break/live", break_live);
  add ("/states/break/expired", break_expired);
  add ("/states/break/stale", break_stale);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (cases[i].kind == FLUFL_FS_LOCAL) /* elsewhere no life-line shows the death */
      {
        g_autofree char *path = g_strconcat ("/states/break/orphan/", cases[i].form->name, NULL);

        FACE_TEST_WITH (path, break_orphan, &cases[i]);
      }
  add ("/states/break/fails", break_fails);
  add ("/states/unsupported", unsupported);
  add ("/states/unfit", unfit);
  add ("/states/clocks", clocks);

  return g_test_run ();
}
