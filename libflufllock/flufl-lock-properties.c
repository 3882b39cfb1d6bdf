/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The properties of the object. Their getters and setters are in flufl-lock-accessors.c.
 */

#include "config.h"

#include "flufl-lock-private.h"

#include "flufl-enum-types.h"
#include "flufl-observer-private.h"
#include "flufl-path.h"

#define DEFAULT_LIFETIME 15000

/* The following two are in milliseconds. */
#define DEFAULT_WAITING_DELAY 250
#define WAITING_DELAY_MAX (G_MAXINT64 / 2000)

/* The longest lifetime, in milliseconds. Some file systems cannot store a later expiration. */
#define LIFETIME_MAX (G_GINT64_CONSTANT (68) * 365 * 24 * 3600 * 1000)

enum
{
  PROP_FILE = 1,
  PROP_DOCUMENT,
  PROP_SUBJECT,
  PROP_SEPARATOR,
  PROP_LIFETIME,
  PROP_DEFAULT_TIMEOUT,
  PROP_HEARTBEAT,
  PROP_BREAK_DEAD,
  PROP_LINGER,
  PROP_RELEASE_AT_EXIT,
  PROP_WAITING_DELAY,
  PROP_WATCH_WANTED,
  PROP_WANTED,
  PROP_HOST_NAME,
  PROP_PROGRAM_NAME,
  PROP_WITHOUT_LINKS,
  PROP_CLAIM_FILE,
  PROP_HELD,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

void
flufl_lock_notify_file (FluflLock *self)
{
  g_object_notify_by_pspec (&self->parent_instance, properties[PROP_FILE]);
}

void
flufl_lock_notify_held (FluflLock *self)
{
  flufl_lock_adjust_wanted (self);
  if (flufl_lease_is_held (self->lease))
    flufl_observer_repeat_views (self->lease);
  g_object_notify_by_pspec (&self->parent_instance, properties[PROP_HELD]);
  g_object_notify_by_pspec (&self->parent_instance, properties[PROP_CLAIM_FILE]);
}

void
flufl_lock_notify_wanted (FluflLock *self)
{
  g_object_notify_by_pspec (&self->parent_instance, properties[PROP_WANTED]);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FluflLock *self = FLUFL_LOCK (object);

  switch (id)
    {
    case PROP_FILE:
      g_value_set_object (value, flufl_lock_get_file (self));
      break;
    case PROP_DOCUMENT:
      g_value_set_object (value, flufl_lock_get_document (self));
      break;
    case PROP_SUBJECT:
      g_value_set_string (value, flufl_lock_get_subject (self));
      break;
    case PROP_SEPARATOR:
      g_value_set_string (value, self->separator);
      break;
    case PROP_LIFETIME:
      g_value_set_int64 (value, flufl_lock_get_lifetime (self));
      break;
    case PROP_DEFAULT_TIMEOUT:
      g_value_set_int64 (value, flufl_lock_get_default_timeout (self));
      break;
    case PROP_HEARTBEAT:
      g_value_set_enum (value, (int) flufl_lock_get_heartbeat (self));
      break;
    case PROP_BREAK_DEAD:
      g_value_set_boolean (value, flufl_lock_get_break_dead (self));
      break;
    case PROP_LINGER:
      g_value_set_boolean (value, flufl_lock_get_linger (self));
      break;
    case PROP_RELEASE_AT_EXIT:
      g_value_set_boolean (value, flufl_lock_get_release_at_exit (self));
      break;
    case PROP_WAITING_DELAY:
      g_value_set_int64 (value, flufl_lock_get_waiting_delay (self));
      break;
    case PROP_WATCH_WANTED:
      g_value_set_boolean (value, flufl_lock_get_watch_wanted (self));
      break;
    case PROP_WANTED:
      g_value_set_boolean (value, flufl_lock_get_wanted (self));
      break;
    case PROP_PROGRAM_NAME:
      g_value_set_string (value, flufl_lock_get_program_name (self));
      break;
    case PROP_HOST_NAME:
      g_value_set_string (value, flufl_lock_get_host_name (self));
      break;
    case PROP_WITHOUT_LINKS:
      g_value_set_boolean (value, flufl_lock_get_without_links (self));
      break;
    case PROP_CLAIM_FILE:
      g_value_take_object (value, flufl_lock_dup_claim_file (self));
      break;
    case PROP_HELD:
      g_value_set_boolean (value, flufl_lock_get_held (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* Reads a name, of which an empty one stands for the default.
 *
 * Returns: (nullable): an interned string */
static const char *
read_name (const GValue *value)
{
  const char *name = g_value_get_string (value);

  return name != NULL && name[0] != '\0' ? g_intern_string (name) : NULL;
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FluflLock *self = FLUFL_LOCK (object);

  switch (id)
    {
    case PROP_FILE:
      self->file = g_value_dup_object (value);
      break;
    case PROP_DOCUMENT:
      if (g_value_get_object (value) != NULL)
        self->document = flufl_document_new (g_value_get_object (value));
      break;
    case PROP_SUBJECT:
      flufl_lock_set_subject (self, g_value_get_string (value));
      break;
    case PROP_SEPARATOR:
      self->separator = g_intern_string (g_value_get_string (value));
      break;
    case PROP_LIFETIME:
      flufl_lock_set_lifetime (self, g_value_get_int64 (value));
      break;
    case PROP_DEFAULT_TIMEOUT:
      flufl_lock_set_default_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_HEARTBEAT:
      flufl_lock_set_heartbeat (self, (FluflHeartbeat) g_value_get_enum (value));
      break;
    case PROP_BREAK_DEAD:
      flufl_lock_set_break_dead (self, g_value_get_boolean (value));
      break;
    case PROP_LINGER:
      flufl_lock_set_linger (self, g_value_get_boolean (value));
      break;
    case PROP_RELEASE_AT_EXIT:
      flufl_lock_set_release_at_exit (self, g_value_get_boolean (value));
      break;
    case PROP_WAITING_DELAY:
      flufl_lock_set_waiting_delay (self, g_value_get_int64 (value));
      break;
    case PROP_WATCH_WANTED:
      flufl_lock_set_watch_wanted (self, g_value_get_boolean (value));
      break;
    case PROP_HOST_NAME:
      self->host_name = read_name (value);
      break;
    case PROP_PROGRAM_NAME:
      self->program_name = read_name (value);
      break;
    case PROP_WITHOUT_LINKS:
      self->lease->site.without_links = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* Installs the properties that are set by the constructor only: which lock it is, and the names of
 * this machine and program in its claims. */
static void
install_construct_only (void)
{
  const GParamFlags construct_only
      = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  /**
   * FluflLock:file:
   *
   * The lock file. All processes that want the lock must use the same path. It
   * exists while somebody holds the lock.
   *
   * Since: 0.1
   */
  properties[PROP_FILE]
      = g_param_spec_object ("file", NULL, NULL, G_TYPE_FILE, construct_only);

  /**
   * FluflLock:document:
   *
   * The document that the lock is for; see [ctor@Flufl.Lock.new_for_document]. %NULL if the object is
   * not for a document. If it is set, [property@Flufl.Lock:file] is made from it.
   *
   * Since: 0.1
   */
  properties[PROP_DOCUMENT]
      = g_param_spec_object ("document", NULL, NULL, G_TYPE_FILE, construct_only);

  /**
   * FluflLock:separator:
   *
   * The text between the parts of a claim file's name. All processes that want
   * the lock must use the same one.
   *
   * It has at least one and at most eight bytes, none of them a letter, a
   * digit, `/`, `~`, or a control character. The default is `|`, on Windows `^`. On
   * file systems [without hard links](without-links.html) `^` takes the place of `|`.
   *
   * Since: 0.1
   */
  properties[PROP_SEPARATOR]
      = g_param_spec_string ("separator", NULL, NULL, FLUFL_DEFAULT_SEPARATOR, construct_only);

  /**
   * FluflLock:without-links:
   *
   * Whether locks on a file system that the library does not know do without hard links. %FALSE by
   * default.
   *
   * Set it for sshfs, for the `sftp` mounts of gvfs, and for other file systems by FUSE that have no
   * hard links or do not count them. All processes that want the lock must set it alike. It has no
   * effect on local file systems, of which FAT and exFAT never need it, on NFS, and on SMB, where no
   * lock can be made. [Without hard links](without-links.html) has the details.
   *
   * Since: 0.1
   */
  properties[PROP_WITHOUT_LINKS]
      = g_param_spec_boolean ("without-links", NULL, NULL, FALSE, construct_only);

  /**
   * FluflLock:host-name:
   *
   * The name of this machine in the claims of this object. The default, which
   * %NULL and an empty text stand for, is that of [func@GLib.get_host_name].
   *
   * Programs that use flufl.lock show the name, and compare it with the fully
   * qualified name of their machine. This library shows it, and bases no decision
   * on it.
   *
   * Since: 0.1
   */
  properties[PROP_HOST_NAME]
      = g_param_spec_string ("host-name", NULL, NULL, NULL, construct_only);

  /**
   * FluflLock:program-name:
   *
   * What this program is called in the claims of this object, for people who wait
   * for the lock. Claims have at most the first 32 bytes of the name.
   *
   * The default, which %NULL and an empty text stand for, is the ID of the default
   * [class@Gio.Application] or of the Flatpak, or the name of the Snap. If there is
   * none of these, claims do not name the program, and only this machine knows the
   * name of the process.
   *
   * Since: 0.1
   */
  properties[PROP_PROGRAM_NAME]
      = g_param_spec_string ("program-name", NULL, NULL, NULL, construct_only);
}

/* Installs the properties that say how the lock is acquired. */
static void
install_waiting (void)
{
  const GParamFlags settable
      = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * FluflLock:default-timeout:
   *
   * The timeout, in milliseconds, that [const@Flufl.LOCK_TIMEOUT_DEFAULT] stands
   * for. The default is -1, for ever.
   *
   * Since: 0.1
   */
  properties[PROP_DEFAULT_TIMEOUT]
      = g_param_spec_int64 ("default-timeout", NULL, NULL, FLUFL_LOCK_TIMEOUT_FOREVER, G_MAXINT64,
                            FLUFL_LOCK_TIMEOUT_FOREVER, settable);

  /**
   * FluflLock:break-dead:
   *
   * Whether an acquisition breaks a lock before it expires if its holder is
   * proved to be dead, and whether a waiter removes the claims of dead processes.
   * %TRUE by default.
   *
   * Since: 0.1
   */
  properties[PROP_BREAK_DEAD]
      = g_param_spec_boolean ("break-dead", NULL, NULL, TRUE, settable);

  /**
   * FluflLock:waiting-delay:
   *
   * The time in milliseconds for which an acquisition waits before
   * [signal@Flufl.Lock::waiting] is emitted. At least 0, and 250 by default. A
   * change takes effect at the next acquisition.
   *
   * Since: 0.1
   */
  properties[PROP_WAITING_DELAY]
      = g_param_spec_int64 ("waiting-delay", NULL, NULL, 0, WAITING_DELAY_MAX,
                            DEFAULT_WAITING_DELAY, settable);
}

/* How its holder learns of waiters. */
static void
install_wanted (void)
{
  const GParamFlags settable
      = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * FluflLock:watch-wanted:
   *
   * Whether the object looks for waiters while it holds the lock, and sets
   * [property@Flufl.Lock:wanted]. %FALSE by default, since a look reads the
   * directory.
   *
   * On local file systems the kernel reports that a waiter comes or goes. Elsewhere
   * the object looks three times in each lifetime, as often as the heartbeat
   * refreshes the lock.
   *
   * A holder that lets others have their turn saves its work and releases the lock
   * when the property becomes %TRUE. It needs a main loop for that: the one that was
   * the thread-default when the lock was acquired.
   *
   * Since: 0.1
   */
  properties[PROP_WATCH_WANTED]
      = g_param_spec_boolean ("watch-wanted", NULL, NULL, FALSE, settable);
}

/* Installs the property that says what messages call the lock. */
static void
install_subject (void)
{
  /**
   * FluflLock:subject:
   *
   * What messages call the lock, such as the title of a document. If it is %NULL or an empty text,
   * messages have the path of the lock file. The default is %NULL, and for the lock of a document
   * the document's path.
   *
   * A message about a file that is in the lock's place names that file, whatever the subject is.
   *
   * Since: 0.1
   */
  properties[PROP_SUBJECT]
      = g_param_spec_string ("subject", NULL, NULL, NULL,
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

/* Installs the properties that say how the lock is held. */
static void
install_holding (void)
{
  const GParamFlags settable
      = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * FluflLock:lifetime:
   *
   * The time from an acquisition or refresh to the expiration of the lock, in
   * milliseconds. At least 1, at most 68 years, and 15000 by default. A change
   * takes effect at the next acquisition or refresh.
   *
   * Since: 0.1
   */
  properties[PROP_LIFETIME]
      = g_param_spec_int64 ("lifetime", NULL, NULL, 1, LIFETIME_MAX, DEFAULT_LIFETIME, settable);

  /**
   * FluflLock:heartbeat:
   *
   * The kind of heartbeat that refreshes the lock while it is held. The default is
   * `FLUFL_HEARTBEAT_AUTO`: the library refreshes the lock. A change takes effect at the next
   * acquisition.
   *
   * Since: 0.1
   */
  properties[PROP_HEARTBEAT]
      = g_param_spec_enum ("heartbeat", NULL, NULL, FLUFL_TYPE_HEARTBEAT, FLUFL_HEARTBEAT_AUTO,
                           settable);

  /**
   * FluflLock:linger:
   *
   * Whether a release keeps the claim file for the next acquisition of this object, instead of
   * removing it. %FALSE by default.
   *
   * An object that often acquires and releases is several times faster with it, since most of the
   * cost without contention is to create and remove a file. On NFS it saves about half of the calls
   * to the server. On file systems that are neither local nor NFS it has no effect.
   *
   * The price is a file in the lock's directory. On a local file system this process keeps that
   * file open, which keeps the file system from being unmounted. The file is closed and removed
   * when the object has not used the lock for 30 seconds. The same happens when the last reference
   * to the object is dropped, or when this property is set to %FALSE.
   *
   * Since: 0.1
   */
  properties[PROP_LINGER] = g_param_spec_boolean ("linger", NULL, NULL, FALSE, settable);
}

/* Installs the property that says how the lock is given up. */
static void
install_end (void)
{
  const GParamFlags settable
      = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * FluflLock:release-at-exit:
   *
   * Whether the lock is released when the process calls exit(3) or returns from `main()`. A running
   * acquisition is cancelled then, too. The default is %TRUE. If it is %FALSE, the lock's files
   * stay until another process asks for the lock. On a local file system that process waits for
   * milliseconds only.
   *
   * See [func@Flufl.Lock.release_all].
   *
   * Since: 0.1
   */
  properties[PROP_RELEASE_AT_EXIT]
      = g_param_spec_boolean ("release-at-exit", NULL, NULL, TRUE, settable);
}

/* Installs the properties that show the present state. */
static void
install_readable (void)
{
  const GParamFlags readable
      = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * FluflLock:claim-file: (getter dup_claim_file)
   *
   * The claim file of this object, while it holds the lock; %NULL otherwise.
   *
   * Since: 0.1
   */
  properties[PROP_CLAIM_FILE]
      = g_param_spec_object ("claim-file", NULL, NULL, G_TYPE_FILE, readable);

  /**
   * FluflLock:held:
   *
   * Whether this object holds the lock, as far as it knows without a look at
   * the disk. See [method@Flufl.Lock.check].
   *
   * Since: 0.1
   */
  properties[PROP_HELD] = g_param_spec_boolean ("held", NULL, NULL, FALSE, readable);

  /**
   * FluflLock:wanted:
   *
   * Whether somebody waits for the lock that this object holds: a thread of this
   * process, another process, or another host. The property is %FALSE unless
   * [property@Flufl.Lock:watch-wanted] is set and the lock is held.
   *
   * The waiters are those of [method@Flufl.Lock.list_waiters]. One counts once it has
   * waited for 50 ms, so a process that tries only once does not count. The claim of a flufl.lock process is there while that
   * process waits, and stays if it is killed. Nothing proves its death, so the
   * property stays %TRUE until the claim is removed.
   *
   * The notification comes in the main context of the acquisition, and when the
   * lock is not held any more, where [property@Flufl.Lock:held] is notified.
   *
   * Since: 0.1
   */
  properties[PROP_WANTED] = g_param_spec_boolean ("wanted", NULL, NULL, FALSE, readable);
}

void
flufl_lock_install_properties (GObjectClass *object_class)
{
  object_class->get_property = get_property;
  object_class->set_property = set_property;
  install_construct_only ();
  install_subject ();
  install_waiting ();
  install_wanted ();
  install_holding ();
  install_end ();
  install_readable ();
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

/* Sets the properties whose default is neither FALSE nor NULL. GObject sets the separator, and
 * flufl_lease_new() sets release-at-exit. */
void
flufl_lock_set_defaults (FluflLock *self)
{
  self->lifetime = DEFAULT_LIFETIME;
  self->default_timeout = FLUFL_LOCK_TIMEOUT_FOREVER;
  self->heartbeat = FLUFL_HEARTBEAT_AUTO;
  self->waiting_delay = DEFAULT_WAITING_DELAY;
  self->break_dead = TRUE;
}

gboolean
flufl_lock_lifetime_is_valid (gint64 lifetime_ms)
{
  return lifetime_ms >= 1 && lifetime_ms <= LIFETIME_MAX;
}

gboolean
flufl_lock_waiting_delay_is_valid (gint64 delay_ms)
{
  return delay_ms >= 0 && delay_ms <= WAITING_DELAY_MAX;
}
