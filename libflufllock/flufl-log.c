/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * What the library writes to the log when debug messages are asked for. The fields are in
 * docs/overview.md, "Logging".
 */

#include "config.h"

#include "flufl-log-private.h"

#include "flufl-report-private.h"

#define N_FIELDS 9

typedef struct
{
  GLogField fields[N_FIELDS];
  gsize     n;
} Entry;

static void
add (Entry *self, const char *key, const char *value)
{
  self->fields[self->n++] = (GLogField){ key, value, -1 };
}

/*
 * flufl_log_is_wanted:
 *
 * For events that come often. GLib looks into the environment at each question, which is a part
 * of the cost of an acquisition that can be measured; so it is asked once.
 */
gboolean
flufl_log_is_wanted (void)
{
  static int wanted = -1; /* atomic */
  int known = g_atomic_int_get (&wanted);

  if (known < 0)
    {
      known = !g_log_writer_default_would_drop (G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN);
      g_atomic_int_set (&wanted, known);
    }
  return known;
}

/*
 * flufl_log:
 * @event: "acquired", "released", "broken" or "lost"
 * @look: (nullable): one that saw the lock of somebody else that was in the way
 * @span: (nullable): the field that has @msec
 * @msec: how long the acquisition waited, or the lock was held
 * @text: what happened, after the subject of the lock or its path
 */
void
flufl_log (const FluflSite *site,
           const char      *event,
           const FluflLook *look,
           const char      *span,
           gint64           msec,
           const char      *text)
{
  g_autofree char *lock = flufl_report_path (site);
  g_autofree char *message = g_strdup_printf ("The lock “%s” %s", lock, text);
  char pid[16], duration[32];
  Entry entry = { .n = 0 };

  add (&entry, "GLIB_DOMAIN", G_LOG_DOMAIN);
  add (&entry, "PRIORITY", "7");
  add (&entry, "MESSAGE", message);
  add (&entry, "FLUFL_EVENT", event);
  add (&entry, "FLUFL_LOCK_FILE", site->lock_path);
  if (look != NULL && look->sight == FLUFL_SIGHT_CLAIM)
    {
      g_snprintf (pid, sizeof pid, "%d", look->claim.pid);
      add (&entry, "FLUFL_HOLDER_HOST", look->claim.host);
      add (&entry, "FLUFL_HOLDER_PID", pid);
    }
  if (span != NULL)
    {
      g_snprintf (duration, sizeof duration, "%" G_GINT64_FORMAT, msec);
      add (&entry, span, duration);
    }
  g_log_structured_array (G_LOG_LEVEL_DEBUG, entry.fields, entry.n);
}
