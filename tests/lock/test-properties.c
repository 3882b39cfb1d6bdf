/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The properties of an object, set at its construction and later; and the enumerations, errors
 * and versions of the library.
 */

#include "face-util.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void
defaults (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);
  g_autoptr (FluflLock) lock = flufl_lock_new (file);
  gsize n = 99;

  g_assert_true (flufl_lock_get_file (lock) == file);
  g_assert_cmpstr (flufl_lock_get_separator (lock), ==, "|");
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 15000);
  g_assert_cmpint (flufl_lock_get_default_timeout (lock), ==, FLUFL_LOCK_TIMEOUT_FOREVER);
  g_assert_cmpint (flufl_lock_get_heartbeat (lock), ==, FLUFL_HEARTBEAT_AUTO);
  g_assert_true (flufl_lock_get_break_dead (lock));
  g_assert_false (flufl_lock_get_linger (lock));
  g_assert_cmpint (flufl_lock_get_waiting_delay (lock), ==, 250);
  g_assert_cmpstr (flufl_lock_get_host_name (lock), ==, g_get_host_name ());
  g_assert_null (flufl_lock_dup_claim_file (lock));
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_false (face_is_lost (lock));
  g_assert_null (flufl_lock_get_retry_errnos (lock, &n));
  g_assert_cmpuint (n, ==, 0);
}

static void
constructed (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);
  g_autoptr (GFile) got_file = NULL, claim = NULL;
  g_autofree char *separator = NULL, *host = NULL;
  gint64 lifetime, timeout;
  FluflHeartbeat heartbeat;
  gboolean break_dead, linger, held;
  g_autoptr (FluflLock) lock = g_object_new (FLUFL_TYPE_LOCK,
                                             "file", file,
                                             "separator", "::",
                                             "lifetime", G_GINT64_CONSTANT (40000),
                                             "default-timeout", G_GINT64_CONSTANT (7),
                                             "heartbeat", FLUFL_HEARTBEAT_THREAD,
                                             "break-dead", FALSE,
                                             "linger", TRUE,
                                             "waiting-delay", G_GINT64_CONSTANT (70),
                                             "host-name", "far.example",
                                             NULL);

  g_assert_true (FLUFL_IS_LOCK (lock));
  face_acquire (lock);
  g_object_get (lock, "file", &got_file, "separator", &separator, "lifetime", &lifetime,
                "default-timeout", &timeout, "heartbeat", &heartbeat, "break-dead", &break_dead,
                "linger", &linger, "host-name", &host, "claim-file", &claim, "held", &held, NULL);
  g_assert_true (got_file == file);
  g_assert_cmpstr (separator, ==, "::");
  g_assert_cmpint (lifetime, ==, 40000);
  g_assert_cmpint (timeout, ==, 7);
  g_assert_cmpint (heartbeat, ==, FLUFL_HEARTBEAT_THREAD);
  g_assert_false (break_dead);
  g_assert_true (linger);
  g_assert_cmpstr (host, ==, "far.example");
  g_assert_cmpint (flufl_lock_get_waiting_delay (lock), ==, 70);
  g_assert_nonnull (claim);
  g_assert_true (held);
  face_release (lock);
}

/* GLib's question comes here, before its first answer. A subprocess has a name with any bytes. */
int
gethostname (char *name, size_t size)
{
  struct utsname facts;

  if (uname (&facts) != 0)
    return -1;
  g_strlcpy (name, g_test_subprocess () ? "b\xff" "d" : facts.nodename, size);
  return 0;
}

/* Claims have the bytes. The name that is shown is valid. */
static void
strange_host_name (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *claim = NULL, *shown = NULL;
  g_autoptr (FluflLock) lock = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  lock = face_lock_new (face);
  g_assert_cmpstr (g_get_host_name (), ==, "b\xff" "d");
  g_assert_cmpstr (flufl_lock_get_host_name (lock), ==, "b\xef\xbf\xbd" "d");
  g_object_get (lock, "host-name", &shown, NULL);
  g_assert_cmpstr (shown, ==, flufl_lock_get_host_name (lock));
  face_acquire (lock);
  claim = test_place_only_claim (&face->place);
  g_assert_nonnull (strstr (claim, "/x.lock|b\xff" "d|"));
  face_release (lock);
}

/* The claim has the host name, without characters that it must not have. A look shows it. */
static void
host_name (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const struct
  {
    const char *set, *shown, *in_claim;
  } names[] = {
    { "mail.example.org", "mail.example.org", "x.lock|mail.example.org|" },
    { "a|b/c", "a|b/c", "x.lock|a" },
    { "", g_get_host_name (), "x.lock|" },
    { NULL, g_get_host_name (), "x.lock|" },
  };
  g_autoptr (GFile) file = g_file_new_for_path (face->place.lock);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (FluflLock) lock
          = g_object_new (FLUFL_TYPE_LOCK, "file", file, "host-name", names[i].set, NULL);
      g_autoptr (FluflLock) other = face_lock_new (face);
      g_autoptr (FluflLockDetails) details = NULL;
      g_autoptr (GFile) claim = NULL;
      g_autofree char *base = NULL;

      g_assert_cmpstr (flufl_lock_get_host_name (lock), ==, names[i].shown);
      face_acquire (lock);
      claim = flufl_lock_dup_claim_file (lock);
      base = g_file_get_basename (claim);
      g_assert_true (g_str_has_prefix (base, names[i].in_claim));
      details = flufl_lock_query_details (other, NULL, NULL);
      g_assert_nonnull (details);
      if (i == 0)
        g_assert_cmpstr (flufl_lock_details_get_host_name (details), ==, names[i].set);
      /* A look finds the process alive, whatever the host name. */
      g_assert_cmpint (flufl_lock_query_state (other, NULL, NULL), ==, FLUFL_LOCK_STATE_THEIRS);
      face_release (lock);
    }
}

static void
settable (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Heard) any = { 0 }, lifetime = { 0 }, timeout = { 0 }, heartbeat = { 0 };
  g_auto (Heard) break_dead = { 0 }, linger = { 0 };

  g_signal_connect_swapped (lock, "notify", G_CALLBACK (heard_cb), &any);
  g_signal_connect_swapped (lock, "notify::lifetime", G_CALLBACK (heard_cb), &lifetime);
  g_signal_connect_swapped (lock, "notify::default-timeout", G_CALLBACK (heard_cb), &timeout);
  g_signal_connect_swapped (lock, "notify::heartbeat", G_CALLBACK (heard_cb), &heartbeat);
  g_signal_connect_swapped (lock, "notify::break-dead", G_CALLBACK (heard_cb), &break_dead);
  g_signal_connect_swapped (lock, "notify::linger", G_CALLBACK (heard_cb), &linger);

  /* Only a change of the value emits notify. */
  for (guint i = 0; i < 2; i++)
    {
      flufl_lock_set_lifetime (lock, 1);
      flufl_lock_set_default_timeout (lock, 0);
      flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_MAIN_CONTEXT);
      flufl_lock_set_break_dead (lock, FALSE);
      flufl_lock_set_linger (lock, TRUE);
    }
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 1);
  g_assert_cmpint (flufl_lock_get_default_timeout (lock), ==, 0);
  g_assert_cmpint (flufl_lock_get_heartbeat (lock), ==, FLUFL_HEARTBEAT_MAIN_CONTEXT);
  g_assert_false (flufl_lock_get_break_dead (lock));
  g_assert_true (flufl_lock_get_linger (lock));
  g_assert_cmpuint (any.n, ==, 5);

  for (guint i = 0; i < 2; i++)
    g_object_set (lock, "lifetime", G_GINT64_CONSTANT (2), "default-timeout",
                  G_GINT64_CONSTANT (-1), "heartbeat", FLUFL_HEARTBEAT_NONE, "break-dead", TRUE,
                  "linger", FALSE, NULL);
  g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, 2);
  g_assert_cmpint (flufl_lock_get_default_timeout (lock), ==, -1);
  g_assert_cmpint (flufl_lock_get_heartbeat (lock), ==, FLUFL_HEARTBEAT_NONE);
  g_assert_true (flufl_lock_get_break_dead (lock));
  g_assert_false (flufl_lock_get_linger (lock));
  g_assert_cmpuint (any.n, ==, 10);
  g_assert_cmpuint (lifetime.n, ==, 2);
  g_assert_cmpuint (timeout.n, ==, 2);
  g_assert_cmpuint (heartbeat.n, ==, 2);
  g_assert_cmpuint (break_dead.n, ==, 2);
  g_assert_cmpuint (linger.n, ==, 2);

  /* Any gboolean other than 0 counts as TRUE. */
  flufl_lock_set_break_dead (lock, 2);
  g_assert_cmpuint (break_dead.n, ==, 2);
  g_assert_cmpint (flufl_lock_get_break_dead (lock), ==, TRUE);

  flufl_lock_set_waiting_delay (lock, 0);
  g_assert_cmpint (flufl_lock_get_waiting_delay (lock), ==, 0);
  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*delay*");
  flufl_lock_set_waiting_delay (lock, -1);
  g_test_assert_expected_messages ();
  g_assert_cmpint (flufl_lock_get_waiting_delay (lock), ==, 0);

  g_test_expect_message ("Flufl", G_LOG_LEVEL_CRITICAL, "*heartbeat*");
  flufl_lock_set_heartbeat (lock, (FluflHeartbeat) 4);
  g_test_assert_expected_messages ();
  g_assert_cmpint (flufl_lock_get_heartbeat (lock), ==, FLUFL_HEARTBEAT_NONE);
}

static void
held_is_told (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_auto (Heard) any = { 0 }, held = { 0 }, claim_file = { 0 };

  g_signal_connect_swapped (lock, "notify", G_CALLBACK (heard_cb), &any);
  g_signal_connect_swapped (lock, "notify::held", G_CALLBACK (heard_cb), &held);
  g_signal_connect_swapped (lock, "notify::claim-file", G_CALLBACK (heard_cb), &claim_file);

  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (form->acquire (lock, 0, NULL, NULL));
      g_assert_cmpuint (held.n, ==, 2 * i + 1);
      g_assert_true (held.thread == g_thread_self ());
      g_assert_false (form->acquire (lock, 0, NULL, NULL));
      g_assert_true (form->refresh (lock, -1, NULL, NULL));
      g_assert_true (form->check (lock, NULL, NULL));
      g_assert_cmpuint (held.n, ==, 2 * i + 1);
      g_assert_true (form->release (lock, NULL, NULL));
      g_assert_cmpuint (held.n, ==, 2 * i + 2);
      g_assert_false (form->release (lock, NULL, NULL));
    }

  face_acquire (other);
  g_assert_false (form->acquire (lock, 0, NULL, NULL));
  face_release (other);
  g_assert_cmpuint (held.n, ==, 4);
  g_assert_cmpuint (claim_file.n, ==, 4);
  g_assert_cmpuint (any.n, ==, 8);
}

/* A kept claim that is not used any more is removed, and one that is used is not. */
static void
linger_idle (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  const int usual = g_atomic_int_get (&flufl_lease_idle_ms);
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autofree char *claim = NULL;
  gint64 end;

  g_atomic_int_set (&flufl_lease_idle_ms, 200);
  flufl_lock_set_linger (lock, TRUE);
  for (guint i = 0; i < 2; i++)
    {
      face_acquire (lock);
      face_release (lock);
      face_acquire (lock);
      face_release (lock);
      g_assert_cmpuint (test_place_count (&face->place), ==, 1);
      FACE_WAIT_FOR (test_place_count (&face->place) == 0);
    }

  g_atomic_int_set (&flufl_lease_idle_ms, 60 * 1000);
  face_acquire (lock);
  face_release (lock);
  claim = test_place_only_claim (&face->place);
  end = g_get_monotonic_time () + 300 * 1000;
  while (g_get_monotonic_time () < end)
    {
      g_autofree char *present = NULL;

      face_acquire (lock);
      face_release (lock);
      present = test_place_only_claim (&face->place);
      g_assert_cmpstr (present, ==, claim);
    }
  g_atomic_int_set (&flufl_lease_idle_ms, usual);
}

static void
assert_claim_is_shown (FluflLock *lock)
{
  g_autoptr (GFile) claim = flufl_lock_dup_claim_file (lock);

  g_assert_nonnull (claim);
  g_assert_true (g_file_query_exists (claim, NULL));
}

/* A release keeps the claim for the next acquisition. At the end of the object nothing stays. */
static void
linger (Face *face, gconstpointer data)
{
  const Form *form = data;
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (FluflLock) other = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  guint made;

  flufl_lock_set_linger (lock, TRUE);
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
  if (flufl_syscalls_native.fs_kind (face->place.dir) == FLUFL_FS_LOCAL)
    g_assert_cmpuint (test_place_count (&face->place), ==, 1);
  g_assert_cmpint (flufl_lock_query_state (other, NULL, NULL), ==, FLUFL_LOCK_STATE_UNLOCKED);
  g_assert_null (flufl_lock_dup_claim_file (lock));
  g_assert_false (flufl_lock_check (lock, NULL, NULL));

  /* The kept claim is in nobody's way, and the next acquisition finds it. */
  g_assert_true (form->acquire (other, 0, NULL, NULL));
  g_assert_false (form->acquire (lock, 0, NULL, &error));
  g_assert_error (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT);
  g_assert_true (form->release (other, NULL, NULL));
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  g_assert_true (form->release (lock, NULL, NULL));
  made = lies_count (LIES_PWRITE);
  for (guint i = 0; i < 5; i++)
    {
      g_assert_true (form->acquire (lock, 0, NULL, NULL));
      assert_claim_is_shown (lock);
      g_assert_cmpint (form->query_state (other, NULL, NULL), ==, FLUFL_LOCK_STATE_THEIRS);
      g_assert_true (form->check (lock, NULL, NULL));
      g_assert_true (form->release (lock, NULL, NULL));
      g_assert_null (flufl_lock_dup_claim_file (lock));
    }
  if (flufl_syscalls_native.fs_kind (face->place.dir) == FLUFL_FS_LOCAL)
    g_assert_cmpuint (lies_count (LIES_PWRITE), <=, made + 1);

  flufl_lock_set_linger (lock, FALSE);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
  g_assert_true (form->acquire (lock, 0, NULL, NULL));
  assert_claim_is_shown (lock); /* a new one */
  flufl_lock_set_linger (lock, TRUE);
  g_assert_true (form->release (lock, NULL, NULL));
  g_assert_finalize_object (g_steal_pointer (&lock));
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

/* The setting changes after a release has begun, and before it has kept the claim. */
static void
linger_no_more (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_auto (Reply) reply = { 0 };
  g_autoptr (GError) error = NULL;

  flufl_lock_set_linger (lock, TRUE);
  face_acquire (lock);
  lies_stall (LIES_UNLINK, LIES_BEFORE);
  flufl_lock_release_async (lock, NULL, reply_cb, &reply);
  lies_wait_stalled (1);
  flufl_lock_set_linger (lock, FALSE);
  lies_let_go ();
  reply_wait (&reply, "release");
  g_assert_true (flufl_lock_release_finish (lock, reply.result, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);
}

/* The lifetime is set while a refresh runs that has none of its own, or its own. */
static void
lifetime_in_refresh (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  const gint64 asked[] = { FLUFL_LOCK_LIFETIME_DEFAULT, 70000 }, kept[] = { 60000, 70000 };

  face_acquire (lock);
  for (guint i = 0; i < G_N_ELEMENTS (asked); i++)
    {
      g_auto (Reply) reply = { 0 };

      flufl_lock_set_lifetime (lock, 50000);
      flufl_lock_refresh_async (lock, asked[i], NULL, reply_cb, &reply);
      flufl_lock_set_lifetime (lock, 60000);
      reply_wait (&reply, "refresh");
      g_assert_true (flufl_lock_refresh_finish (lock, reply.result, NULL));
      g_assert_cmpint (flufl_lock_get_lifetime (lock), ==, kept[i]);
    }
  face_release (lock);
}

/* The properties change together, when the user hears of the win. */
static void
won_silently (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GFile) claim = NULL;
  g_auto (Reply) reply = { 0 };

  flufl_lock_acquire_async (lock, 0, NULL, reply_cb, &reply);
  face_wait_for_win (lock);
  g_assert_false (flufl_lock_get_held (lock));
  g_assert_null (flufl_lock_dup_claim_file (lock));
  reply_wait (&reply, "acquire");
  g_assert_true (flufl_lock_acquire_finish (lock, reply.result, NULL));
  claim = flufl_lock_dup_claim_file (lock);
  g_assert_nonnull (claim);
  face_release (lock);
}

static void
retry_errnos (Face *face, gconstpointer data)
{
  const Form *form = data;
  const int errnos[] = { ENOSPC, EACCES };
  g_autoptr (FluflLock) lock = face_lock_new (face);
  g_autoptr (GError) error = NULL;
  g_autofree int *got = NULL;
  gsize n;

  /* An error that the directory causes ends the acquisition at once … */
  lies_fail (LIES_OPEN, ENOSPC, 1);
  g_assert_false (form->acquire (lock, -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  face_assert_sentence (error, face->place.lock);
  g_clear_error (&error);
  lies_reset ();
  lies_fail (LIES_LINK, EACCES, 1);
  g_assert_false (form->acquire (lock, -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_clear_error (&error);
  g_assert_cmpuint (test_place_count (&face->place), ==, 0);

  /* … unless the property lists it as one that passes. */
  flufl_lock_set_retry_errnos (lock, errnos, G_N_ELEMENTS (errnos));
  got = flufl_lock_get_retry_errnos (lock, &n);
  g_assert_cmpmem (got, n * sizeof (int), errnos, sizeof errnos);
  lies_reset ();
  lies_fail (LIES_OPEN, ENOSPC, 3);
  g_assert_true (form->acquire (lock, -1, NULL, &error));
  g_assert_no_error (error);
  face_release (lock);
  lies_reset ();
  lies_fail (LIES_LINK, EACCES, 3);
  g_assert_true (form->acquire (lock, -1, NULL, &error));
  g_assert_no_error (error);

  /* The property applies to looks, too. */
  lies_fail (LIES_LSTAT, EACCES, 2);
  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_OURS);
  g_assert_no_error (error);
  lies_fail (LIES_LSTAT, EIO, 1);
  g_assert_cmpint (form->query_state (lock, NULL, &error), ==, FLUFL_LOCK_STATE_UNKNOWN);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_clear_error (&error);
  face_release (lock);

  /* The acquisition tries again only until its timeout. */
  lies_fail (LIES_LINK, EACCES, -1);
  g_assert_false (form->acquire (lock, 80, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  face_assert_sentence (error, face->place.lock);
  g_assert_nonnull (strstr (error->message, g_strerror (EACCES)));
  lies_reset ();

  flufl_lock_set_retry_errnos (lock, NULL, 0);
  g_assert_null (flufl_lock_get_retry_errnos (lock, &n));
  g_assert_cmpuint (n, ==, 0);
}

static void
assert_enum (GType type, const char *nick, int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  GEnumValue *entry = g_enum_get_value_by_nick (klass, nick);

  g_assert_nonnull (entry);
  g_assert_cmpint (entry->value, ==, value);
}

/* The numbers of flufl.lock's states and of the ABI, on which other programs rely. */
static void
numbers (void)
{
  g_autoptr (GFlagsClass) flags = g_type_class_ref (FLUFL_TYPE_BREAK_FLAGS);

  assert_enum (FLUFL_TYPE_LOCK_STATE, "unlocked", 1);
  assert_enum (FLUFL_TYPE_LOCK_STATE, "ours", 2);
  assert_enum (FLUFL_TYPE_LOCK_STATE, "ours-expired", 3);
  assert_enum (FLUFL_TYPE_LOCK_STATE, "stale", 4);
  assert_enum (FLUFL_TYPE_LOCK_STATE, "theirs-expired", 5);
  assert_enum (FLUFL_TYPE_LOCK_STATE, "unknown", 6);
  assert_enum (FLUFL_TYPE_LOCK_STATE, "theirs", 7);
  assert_enum (FLUFL_TYPE_HEARTBEAT, "none", 0);
  assert_enum (FLUFL_TYPE_HEARTBEAT, "main-context", 1);
  assert_enum (FLUFL_TYPE_HEARTBEAT, "thread", 2);
  assert_enum (FLUFL_TYPE_LOCK_ERROR, "already-held", 0);
  assert_enum (FLUFL_TYPE_LOCK_ERROR, "not-held", 1);
  assert_enum (FLUFL_TYPE_LOCK_ERROR, "timed-out", 2);
  assert_enum (FLUFL_TYPE_LOCK_ERROR, "lost", 3);
  assert_enum (FLUFL_TYPE_LOCK_ERROR, "not-a-lock", 4);
  assert_enum (FLUFL_TYPE_LOCK_ERROR, "unsupported", 5);
  g_assert_cmpuint (g_flags_get_value_by_nick (flags, "force")->value, ==, FLUFL_BREAK_FORCE);

  g_assert_cmpstr (g_quark_to_string (FLUFL_LOCK_ERROR), ==, "flufl-lock-error-quark");
  g_assert_cmpint (FLUFL_LOCK_TIMEOUT_FOREVER, ==, -1);
  g_assert_cmpint (FLUFL_LOCK_TIMEOUT_DEFAULT, ==, -2);
  g_assert_cmpint (FLUFL_LOCK_LIFETIME_DEFAULT, ==, -1);
}

static void
version (void)
{
  g_autofree char *text = g_strdup_printf ("%d.%d.%d", FLUFL_MAJOR_VERSION, FLUFL_MINOR_VERSION,
                                           FLUFL_MICRO_VERSION);

  g_assert_cmpstr (FLUFL_VERSION_S, ==, text);
  g_assert_true (FLUFL_CHECK_VERSION (FLUFL_MAJOR_VERSION, FLUFL_MINOR_VERSION,
                                      FLUFL_MICRO_VERSION));
  g_assert_true (FLUFL_CHECK_VERSION (0, 0, 0));
  g_assert_true (FLUFL_CHECK_VERSION (FLUFL_MAJOR_VERSION - 1, 99, 99));
  g_assert_false (FLUFL_CHECK_VERSION (FLUFL_MAJOR_VERSION, FLUFL_MINOR_VERSION,
                                       FLUFL_MICRO_VERSION + 1));
  g_assert_false (FLUFL_CHECK_VERSION (FLUFL_MAJOR_VERSION + 1, 0, 0));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST ("/properties/defaults", defaults);
  FACE_TEST ("/properties/constructed", constructed);
  FACE_TEST ("/properties/host-name", host_name);
  FACE_TEST ("/properties/strange-host-name", strange_host_name);
  FACE_TEST ("/properties/settable", settable);
  FACE_TEST_FORMS ("/properties/held-is-told", held_is_told);
  FACE_TEST_FORMS ("/properties/linger", linger);
  FACE_TEST ("/properties/linger-idle", linger_idle);
  FACE_TEST ("/properties/linger-no-more", linger_no_more);
  FACE_TEST ("/properties/lifetime-in-refresh", lifetime_in_refresh);
  FACE_TEST ("/properties/won-silently", won_silently);
  FACE_TEST_FORMS ("/properties/retry-errnos", retry_errnos);
  g_test_add_func ("/properties/numbers", numbers);
  g_test_add_func ("/properties/version", version);

  return g_test_run ();
}
