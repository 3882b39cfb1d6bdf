/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-office-lock-private.h"

#include <string.h>

/* The fields, in their order: "Jane Doe,jane,laptop,24.11.2026 10:20,file:///home/jane/…;". A
 * backslash stands before a comma, a semicolon and a backslash that belong to a field. */
enum
{
  FIELD_REAL_NAME,
  FIELD_USER_NAME,
  FIELD_HOST_NAME,
  FIELD_TIME,
  FIELD_PROFILE,
  N_FIELDS
};

char *
flufl_office_lock_dup_name (const char *document_name)
{
  return g_strconcat (".~lock.", document_name, "#", NULL);
}

/* Returns: (nullable): @text as it may be shown: no control character begins a line */
static char *
dup_field (const GString *text)
{
  g_autofree char *valid = g_utf8_make_valid (text->str, (gssize) text->len);

  for (char *p = valid; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      *p = ' ';
  g_strstrip (valid);
  return valid[0] != '\0' ? g_steal_pointer (&valid) : NULL;
}

/* A number of @digits digits, or -1. */
static int
read_number (const char *text, int digits)
{
  int number = 0;

  for (int i = 0; i < digits; i++)
    {
      if (!g_ascii_isdigit (text[i]))
        return -1;
      number = number * 10 + g_ascii_digit_value (text[i]);
    }
  return number;
}

/* "24.11.2026 10:20", by the writer's clock and, as nothing else is known, in this time zone.
 *
 * Returns: (transfer full) (nullable): the moment, in UTC */
static GDateTime *
read_time (const char *text)
{
  g_autoptr (GDateTime) local = NULL;

  if (text == NULL || strlen (text) != strlen ("DD.MM.YYYY hh:mm") || text[2] != '.' || text[5] != '.'
      || text[10] != ' ' || text[13] != ':')
    return NULL;
  local = g_date_time_new_local (read_number (text + 6, 4), read_number (text + 3, 2),
                                 read_number (text, 2), read_number (text + 11, 2),
                                 read_number (text + 14, 2), 0);
  return local != NULL ? g_date_time_to_utc (local) : NULL;
}

/*
 * flufl_office_lock_parse:
 * @out_lock: (out): to be cleared in any case
 *
 * Returns: whether the content has the form of LibreOffice's
 */
gboolean
flufl_office_lock_parse (const char *content, gsize length, FluflOfficeLock *out_lock)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char *fields[N_FIELDS] = { NULL };
  guint n = 0;
  gboolean ended = FALSE;

  *out_lock = (FluflOfficeLock){ 0 };
  for (gsize i = 0; i < length && !ended; i++)
    {
      if (content[i] == '\\' && i + 1 < length)
        g_string_append_c (text, content[++i]);
      else if (content[i] == ',' || content[i] == ';')
        {
          ended = content[i] == ';' || n + 1 == N_FIELDS;
          fields[n++] = dup_field (text);
          g_string_truncate (text, 0);
        }
      else
        g_string_append_c (text, content[i]);
    }
  if (ended && n == N_FIELDS)
    {
      out_lock->real_name = g_steal_pointer (&fields[FIELD_REAL_NAME]);
      out_lock->user_name = g_steal_pointer (&fields[FIELD_USER_NAME]);
      out_lock->host_name = g_steal_pointer (&fields[FIELD_HOST_NAME]);
      out_lock->since = read_time (fields[FIELD_TIME]);
    }
  for (guint i = 0; i < N_FIELDS; i++)
    g_free (fields[i]);
  return ended && n == N_FIELDS;
}

void
flufl_office_lock_clear (FluflOfficeLock *self)
{
  g_clear_pointer (&self->real_name, g_free);
  g_clear_pointer (&self->user_name, g_free);
  g_clear_pointer (&self->host_name, g_free);
  g_clear_pointer (&self->since, g_date_time_unref);
}
