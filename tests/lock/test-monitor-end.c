/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The end of a FluflLockMonitor: its last reference is dropped at any moment.
 */

#include <stdlib.h>

#include "monitor-util.h"

static void
test_dropped (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLockMonitor *monitor;
  gpointer weak;
  g_auto (Heard) changed = { 0 };

  g_test_summary ("A monitor that is dropped amid a look is gone at once, and reports nothing");
  lies_stall (LIES_LSTAT, LIES_AFTER);
  weak = monitor = monitor_new (face, NO_POLL);
  g_object_add_weak_pointer (weak, &weak);
  g_signal_connect_swapped (monitor, "changed", G_CALLBACK (heard_cb), &changed);
  lies_wait_stalled (1);
  g_object_unref (monitor);
  g_assert_null (weak);
  lies_let_go ();
  FACE_WAIT_FOR (lies_n_stalled () == 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (changed.n, ==, 0);
}

static void
drop_cb (FluflLockMonitor *monitor, FluflLockMonitor **owned)
{
  g_assert_true (monitor == *owned);
  g_clear_object (owned);
}

static void
test_dropped_in_handler (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLockMonitor *monitor = monitor_new (face, NO_POLL);

  g_test_summary ("A handler may drop the last reference");
  g_signal_connect (monitor, "changed", G_CALLBACK (drop_cb), &monitor);
  FACE_WAIT_FOR (monitor == NULL);
}

static void
drop_at_notify_cb (GObject *object, GParamSpec *pspec G_GNUC_UNUSED, gpointer user_data)
{
  drop_cb (FLUFL_LOCK_MONITOR (object), user_data);
}

static void
test_dropped_at_notify (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLockMonitor *monitor = monitor_new (face, NO_POLL);

  g_test_summary ("A monitor that a handler of a property drops emits no signal after that");
  g_signal_connect (monitor, "notify::ready", G_CALLBACK (drop_at_notify_cb), &monitor);
  g_signal_connect (monitor, "changed", G_CALLBACK (abort), NULL);
  FACE_WAIT_FOR (monitor == NULL);
}

static void
drop_once_cb (GObject *object, GParamSpec *pspec G_GNUC_UNUSED, gpointer user_data)
{
  FluflLockMonitor **monitor = user_data;

  g_assert_nonnull (*monitor);
  drop_cb (FLUFL_LOCK_MONITOR (object), user_data);
}

static void
test_dropped_at_first_notify (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  FluflLockMonitor *monitor = monitor_new (face, NO_POLL);

  g_test_summary ("A monitor that a handler of a property drops notifies of no other property");
  g_signal_connect (monitor, "notify", G_CALLBACK (drop_once_cb), &monitor);
  FACE_WAIT_FOR (monitor == NULL);
}

static void
drop_in_child (gpointer data)
{
  FluflLockMonitor **monitor = data;

  g_clear_object (monitor);
}

static void
test_forked (Face *face, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (FluflLockMonitor) monitor = monitor_new (face, NO_POLL);
  g_autoptr (FluflLock) lock = face_lock_new (face);

  g_test_summary ("A forked child may drop the monitor, and its parent's goes on");
  wait_for_state (monitor, FLUFL_LOCK_STATE_UNLOCKED);
  face_join (face_fork (drop_in_child, &monitor));
  face_acquire (lock);
  wait_for_state (monitor, FLUFL_LOCK_STATE_THEIRS);
  face_release (lock);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FACE_TEST ("/monitor/dropped", test_dropped);
  FACE_TEST ("/monitor/dropped-in-handler", test_dropped_in_handler);
  FACE_TEST ("/monitor/dropped-at-notify", test_dropped_at_notify);
  FACE_TEST ("/monitor/dropped-at-first-notify", test_dropped_at_first_notify);
  FACE_TEST ("/monitor/forked", test_forked);

  return g_test_run ();
}
