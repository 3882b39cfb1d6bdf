/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "json.h"

struct _Json
{
  GString *text;
};

Json *
json_new (void)
{
  Json *self = g_new0 (Json, 1);

  self->text = g_string_new (NULL);
  return self;
}

void
json_free (Json *self)
{
  g_string_free (self->text, TRUE);
  g_free (self);
}

/* Bytes that are not UTF-8, such as those of a file's name, become U+FFFD. */
static void
quote (GString *text, const char *value)
{
  g_autofree char *valid = g_utf8_make_valid (value, -1);

  g_string_append_c (text, '"');
  for (const char *c = valid; *c != '\0'; c++)
    if (*c == '"' || *c == '\\')
      g_string_append_printf (text, "\\%c", *c);
    else if ((guchar) *c < 0x20 || *c == 0x7f)
      g_string_append_printf (text, "\\u%04x", (guint) (guchar) *c);
    else
      g_string_append_c (text, *c);
  g_string_append_c (text, '"');
}

/* @key: NULL in an array, and for the whole */
static void
begin_value (Json *self, const char *key)
{
  gsize length = self->text->len;

  if (length > 0 && self->text->str[length - 1] != '{' && self->text->str[length - 1] != '[')
    g_string_append (self->text, ", ");
  if (key == NULL)
    return;
  quote (self->text, key);
  g_string_append (self->text, ": ");
}

void
json_begin (Json *self, const char *key, char bracket)
{
  begin_value (self, key);
  g_string_append_c (self->text, bracket);
}

void
json_end (Json *self, char bracket)
{
  g_string_append_c (self->text, bracket);
}

/* @value: NULL is null */
void
json_string (Json *self, const char *key, const char *value)
{
  begin_value (self, key);
  if (value != NULL)
    quote (self->text, value);
  else
    g_string_append (self->text, "null");
}

void
json_int (Json *self, const char *key, gint64 value)
{
  begin_value (self, key);
  g_string_append_printf (self->text, "%" G_GINT64_FORMAT, value);
}

void
json_bool (Json *self, const char *key, gboolean value)
{
  begin_value (self, key);
  g_string_append (self->text, value ? "true" : "false");
}

/* As ISO 8601, in UTC; NULL is null. */
void
json_time (Json *self, const char *key, GDateTime *value)
{
  g_autofree char *text = value != NULL ? g_date_time_format_iso8601 (value) : NULL;

  json_string (self, key, text);
}

const char *
json_text (const Json *self)
{
  return self->text->str;
}
