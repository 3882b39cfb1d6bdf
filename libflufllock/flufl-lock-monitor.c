/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-lock-monitor-private.h"

#include <errno.h>
#include <string.h>

#include "flufl-document-private.h"
#include "flufl-enum-types.h"
#include "flufl-lock-details-private.h"
#include "flufl-sighting.h"

/**
 * FluflLockMonitor:
 *
 * Watches a lock without wanting it.
 *
 * A monitor shows who holds a lock, and when the lock becomes free. It makes no claim and writes no
 * file. No waiter waits behind it, and it never delays a holder.
 *
 * ```c
 * #include <libflufllock.h>
 *
 * static void
 * changed_cb (FluflLockMonitor *monitor, gpointer user_data)
 * {
 *   FluflLockDetails *details = flufl_lock_monitor_get_details (monitor);
 *
 *   if (flufl_lock_monitor_get_state (monitor) == FLUFL_LOCK_STATE_UNLOCKED)
 *     g_print ("The lock is free.\n");
 *   else if (details != NULL)
 *     {
 *       const char *name = flufl_lock_details_get_user_name (details);
 *
 *       g_print ("%s has it.\n", name != NULL ? name : "Somebody");
 *     }
 * }
 * ```
 *
 * ## Reports
 *
 * Construction touches no disk. The first look is taken in a worker thread. Its result arrives in
 * the thread-default main context of the construction, as [signal@Flufl.LockMonitor::changed], even
 * if the lock is free. Until then [property@Flufl.LockMonitor:ready] is %FALSE. All further changes
 * arrive there, too. A monitor may skip a state that lasted for less than some milliseconds.
 *
 * Use the object in the thread that runs this main context. The last reference may be dropped in
 * any thread. No signal is emitted after that. A look that a file server delays goes on without
 * the object. A monitor reports nothing in a child made by fork(2).
 *
 * ## How changes are noticed
 *
 * On local file systems the kernel reports changes, the death of the holder among them, and a timer
 * reports the expiration. The lock file is not polled, and a hundred monitors share one waiting
 * thread. Every ten seconds the monitor asks whether the path still leads to the same directory,
 * since no event reports the rename of a parent or a mount.
 *
 * The monitor looks every [property@Flufl.LockMonitor:interval] milliseconds on other file systems.
 * The same holds on a local one
 *
 * - if the kernel grants no watch,
 * - if the directory cannot be read, or does not exist,
 * - while a file that is not a lock, or that may not be read, is at the path,
 * - while the lock is held by a process of this machine that keeps no file open for its claim.
 *
 * ## Errors
 *
 * A look that fails sets [property@Flufl.LockMonitor:error]. The monitor goes on, and clears the
 * error when a look succeeds.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FluflLockMonitor, flufl_lock_monitor, G_TYPE_OBJECT)

enum
{
  PROP_FILE = 1,
  PROP_LOCK,
  PROP_READY,
  PROP_STATE,
  PROP_DETAILS,
  PROP_ERROR,
  PROP_INTERVAL,
  N_PROPS
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

/* --- What was seen --- */

static gboolean
is_other_holder (FluflLockDetails *a, FluflLockDetails *b)
{
  if (a == NULL || b == NULL)
    return a != b;
  return !g_file_equal (flufl_lock_details_get_claim_file (a),
                        flufl_lock_details_get_claim_file (b));
}

static gboolean
is_other_error (const GError *a, const GError *b)
{
  if (a == NULL || b == NULL)
    return a != b;
  return !g_error_matches (a, b->domain, b->code) || strcmp (a->message, b->message) != 0;
}

/* Whether a look shows less than what is known. A breaker has the life-line of the dead holder while
 * it removes the lock, so the life-line is busy, as if its holder lived. */
static gboolean
is_known_dead (FluflLockMonitor *self, FluflLockState state, FluflLockDetails *details)
{
  return self->state == FLUFL_LOCK_STATE_STALE
         && (state == FLUFL_LOCK_STATE_UNKNOWN || state == FLUFL_LOCK_STATE_THEIRS
             || state == FLUFL_LOCK_STATE_THEIRS_EXPIRED)
         && details != NULL && !is_other_holder (details, self->details);
}

/* Whether handlers have dropped all references except that of the caller of view_cb() or refused_cb().
 * Nothing is emitted after that. */
static gboolean
is_dropped (FluflLockMonitor *self)
{
  return g_atomic_int_get ((int *) &G_OBJECT (self)->ref_count) == 1;
}

static void
notify (FluflLockMonitor *self, guint id, gboolean changed)
{
  if (changed && !is_dropped (self))
    g_object_notify_by_pspec (G_OBJECT (self), properties[id]);
}

/* Takes the details and the error, which may be NULL. */
static void
show (FluflLockMonitor *self, FluflLockState state, FluflLockDetails *details, GError *error)
{
  gboolean is_first = !self->ready, other_state = state != self->state;
  gboolean other_holder = is_other_holder (details, self->details);
  gboolean other_error = is_other_error (error, self->error);
  gboolean other_details = details != NULL || self->details != NULL;

  if (is_known_dead (self, state, details))
    {
      flufl_lock_details_free (details);
      g_clear_error (&error);
      return;
    }
  self->ready = TRUE;
  self->state = state;
  g_clear_pointer (&self->details, flufl_lock_details_free);
  self->details = details;
  g_clear_error (&self->error);
  self->error = error;

  notify (self, PROP_READY, is_first);
  notify (self, PROP_STATE, other_state);
  notify (self, PROP_DETAILS, other_details);
  notify (self, PROP_ERROR, other_error);
  if (!is_dropped (self) && (is_first || other_state || other_holder || other_error))
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* Returns: (transfer full) (nullable) */
static GError *
report (FluflLockMonitor *self, const FluflSite *site, const FluflView *view)
{
  if (view->unresolved != 0)
    return flufl_report_unresolved (self->document, view->unresolved);
  if (view->no_directory)
    return flufl_report_failed (site, FLUFL_FAILED_LOOK_AT_LOCK, ENOENT);
  if (view->findings.look.sight == FLUFL_SIGHT_UNREADABLE)
    return flufl_report_failed (site, FLUFL_FAILED_READ_LOCK, EACCES);
  return flufl_sighting_report (site, &view->findings.look);
}

/* Symbolic links of a document were followed meanwhile. */
static void
take_file (FluflLockMonitor *self, const FluflSite *site)
{
  g_autoptr (GFile) file = NULL;

  if (self->document == NULL)
    return;
  file = g_file_new_for_path (site->lock_path);
  notify (self, PROP_FILE, !g_file_equal (file, self->file) && g_set_object (&self->file, file));
}

static void
view_cb (GObject *object, FluflView *view)
{
  FluflLockMonitor *self = FLUFL_LOCK_MONITOR (object);
  FluflLockState state = FLUFL_LOCK_STATE_UNKNOWN;
  FluflLockDetails *details = NULL;
  FluflSite site;
  GError *error;

  flufl_lease_copy_site (self->lease, &site);
  take_file (self, &site);
  error = report (self, &site, view);
  if (view->found)
    state = flufl_lease_judge (self->lease, &view->findings.look, view->findings.liveness);
  else if (error == NULL)
    state = FLUFL_LOCK_STATE_UNLOCKED;
  if (view->found && view->findings.look.sight != FLUFL_SIGHT_UNREADABLE)
    details = flufl_lock_details_new (&site, &view->findings, state);
  flufl_site_drop_copy (&site);
  show (self, state, details, error);
}

/* --- Life --- */

/* In a thread of the user's. */
static gboolean
refused_cb (gpointer data)
{
  FluflLockMonitor *self = flufl_tie_get (data);

  if (self != NULL)
    {
      show (self, FLUFL_LOCK_STATE_UNKNOWN, NULL, g_steal_pointer (&self->refusal));
      flufl_tie_put (data);
    }
  return G_SOURCE_REMOVE;
}

/* Reports the error, as the result of the first look. */
static void
refuse (FluflLockMonitor *self, GMainContext *context, GError *error)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  self->refusal = error;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[flufl] monitor");
  g_source_set_callback (source, refused_cb, flufl_tie_ref (self->tie), flufl_tie_unref);
  g_source_attach (source, context);
}

static void
flufl_lock_monitor_constructed (GObject *object)
{
  FluflLockMonitor *self = FLUFL_LOCK_MONITOR (object);
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (FluflLock) lock = g_steal_pointer (&self->lock);
  GError *error = NULL;

  G_OBJECT_CLASS (flufl_lock_monitor_parent_class)->constructed (object);

  if (lock == NULL)
    lock = g_object_new (FLUFL_TYPE_LOCK, "file", self->file, NULL);
  g_set_object (&self->file, lock->file);
  self->tie = flufl_tie_new (self);
  self->lease = flufl_lease_ref (lock->lease);
  self->document = lock->document != NULL ? g_strdup (lock->document->path) : NULL;
  if (!flufl_lock_check_usable (lock, &error))
    {
      refuse (self, context, error);
      return;
    }
  self->observer = flufl_observer_start (lock, FLUFL_LOOKOUT_HOLDER, (int) self->interval,
                                         context, self->tie, view_cb);
  if (self->observer != NULL)
    flufl_observer_follow_lease (self->observer);
  else
    refuse (self, context, flufl_report_no_worker (&self->lease->site));
}

static void
flufl_lock_monitor_dispose (GObject *object)
{
  FluflLockMonitor *self = FLUFL_LOCK_MONITOR (object);

  if (self->tie != NULL)
    flufl_tie_cut (self->tie);
  g_clear_pointer (&self->observer, flufl_observer_stop);

  G_OBJECT_CLASS (flufl_lock_monitor_parent_class)->dispose (object);
}

static void
flufl_lock_monitor_finalize (GObject *object)
{
  FluflLockMonitor *self = FLUFL_LOCK_MONITOR (object);

  g_clear_pointer (&self->details, flufl_lock_details_free);
  g_clear_error (&self->error);
  g_clear_error (&self->refusal);
  g_clear_pointer (&self->document, g_free);
  g_clear_object (&self->file);
  g_clear_pointer (&self->lease, flufl_lease_unref);
  g_clear_pointer (&self->tie, flufl_tie_unref);

  G_OBJECT_CLASS (flufl_lock_monitor_parent_class)->finalize (object);
}

/* --- Properties --- */

static void
flufl_lock_monitor_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FluflLockMonitor *self = FLUFL_LOCK_MONITOR (object);

  switch (id)
    {
    case PROP_FILE:
      g_value_set_object (value, self->file);
      break;
    case PROP_READY:
      g_value_set_boolean (value, self->ready);
      break;
    case PROP_STATE:
      g_value_set_enum (value, (int) self->state);
      break;
    case PROP_DETAILS:
      g_value_set_boxed (value, self->details);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    case PROP_INTERVAL:
      g_value_set_int64 (value, self->interval);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
flufl_lock_monitor_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FluflLockMonitor *self = FLUFL_LOCK_MONITOR (object);

  switch (id)
    {
    case PROP_FILE:
      self->file = g_value_dup_object (value);
      break;
    case PROP_LOCK:
      self->lock = g_value_dup_object (value);
      break;
    case PROP_INTERVAL:
      flufl_lock_monitor_set_interval (self, g_value_get_int64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* Which lock it is, and how often it is looked at. */
static void
install_settings (void)
{
  /**
   * FluflLockMonitor:file:
   *
   * The lock file, as in [property@Flufl.Lock:file].
   *
   * Since: 0.1
   */
  properties[PROP_FILE]
      = g_param_spec_object ("file", NULL, NULL, G_TYPE_FILE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * FluflLockMonitor:lock:
   *
   * An object for the lock, from which the monitor takes the path, the separator, and
   * [property@Flufl.Lock:without-links]. It is used instead of [property@Flufl.LockMonitor:file].
   * The monitor does not keep it.
   *
   * Since: 0.1
   */
  properties[PROP_LOCK]
      = g_param_spec_object ("lock", NULL, NULL, FLUFL_TYPE_LOCK,
                             G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * FluflLockMonitor:interval:
   *
   * The time between two looks, in milliseconds, where the kernel does not report changes. At least
   * 10, and 2000 by default. Each look may be a question to a file server.
   *
   * Since: 0.1
   */
  properties[PROP_INTERVAL]
      = g_param_spec_int64 ("interval", NULL, NULL, MONITOR_INTERVAL_MIN, MONITOR_INTERVAL_MAX, MONITOR_DEFAULT_INTERVAL,
                            G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

/* The results of the looks. */
static void
install_readable (void)
{
  const GParamFlags readable
      = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * FluflLockMonitor:ready:
   *
   * Whether the result of the first look has arrived.
   *
   * Since: 0.1
   */
  properties[PROP_READY] = g_param_spec_boolean ("ready", NULL, NULL, FALSE, readable);

  /**
   * FluflLockMonitor:state:
   *
   * The state of the lock. It is [enum@Flufl.LockState].UNKNOWN until the first look, and while
   * [property@Flufl.LockMonitor:error] keeps the monitor from seeing whether the lock is held.
   * [enum@Flufl.LockState].OURS stands for the object that
   * [ctor@Flufl.LockMonitor.new_for_lock] was given.
   *
   * Since: 0.1
   */
  properties[PROP_STATE]
      = g_param_spec_enum ("state", NULL, NULL, FLUFL_TYPE_LOCK_STATE, FLUFL_LOCK_STATE_UNKNOWN,
                           readable);

  /**
   * FluflLockMonitor:details:
   *
   * Who holds the lock; %NULL if nobody does, or if the holder is not known. Each refresh by the
   * holder sets newer ones, and so notifies of this property without
   * [signal@Flufl.LockMonitor::changed].
   *
   * Since: 0.1
   */
  properties[PROP_DETAILS]
      = g_param_spec_boxed ("details", NULL, NULL, FLUFL_TYPE_LOCK_DETAILS, readable);

  /**
   * FluflLockMonitor:error: (getter dup_error)
   *
   * What the last look failed with; %NULL if it succeeded. The errors are those of
   * [method@Flufl.Lock.query_details], except `FLUFL_LOCK_ERROR_NOT_HELD`. A directory that does not
   * exist is `G_IO_ERROR_NOT_FOUND`.
   *
   * An invalid file or separator is an error for good, as in an operation of [class@Flufl.Lock].
   *
   * Since: 0.1
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, readable);
}

static void
flufl_lock_monitor_class_init (FluflLockMonitorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = flufl_lock_monitor_constructed;
  object_class->dispose = flufl_lock_monitor_dispose;
  object_class->finalize = flufl_lock_monitor_finalize;
  object_class->get_property = flufl_lock_monitor_get_property;
  object_class->set_property = flufl_lock_monitor_set_property;
  install_settings ();
  install_readable ();
  g_object_class_install_properties (object_class, N_PROPS, properties);

  /**
   * FluflLockMonitor::changed:
   * @self: the monitor
   *
   * Emitted after the first look, and whenever the state, the holder or the error is another one.
   * The properties have their new values, and their notifications were emitted.
   *
   * Since: 0.1
   */
  signals[SIGNAL_CHANGED]
      = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
}

static void
flufl_lock_monitor_init (FluflLockMonitor *self)
{
  self->interval = MONITOR_DEFAULT_INTERVAL;
  self->state = FLUFL_LOCK_STATE_UNKNOWN;
}

/* --- Public --- */

/**
 * flufl_lock_monitor_new:
 * @file: the lock file
 *
 * Creates a monitor of the lock @file, which has the default separator. The disk is not touched.
 *
 * Returns: (transfer full): the monitor
 *
 * Since: 0.1
 */
FluflLockMonitor *
flufl_lock_monitor_new (GFile *file)
{
  g_return_val_if_fail (G_IS_FILE (file), NULL);

  return g_object_new (FLUFL_TYPE_LOCK_MONITOR, "file", file, NULL);
}

/**
 * flufl_lock_monitor_new_for_lock:
 * @lock: a lock
 *
 * Creates a monitor of the lock that @lock is for. The monitor does not keep @lock, and shows
 * whether @lock or somebody else holds it.
 *
 * Returns: (transfer full): the monitor
 *
 * Since: 0.1
 */
FluflLockMonitor *
flufl_lock_monitor_new_for_lock (FluflLock *lock)
{
  g_return_val_if_fail (FLUFL_IS_LOCK (lock), NULL);

  return g_object_new (FLUFL_TYPE_LOCK_MONITOR, "lock", lock, NULL);
}
