/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "config.h"

#include "flufl-claim-name.h"

#include <string.h>

#include "flufl-path.h"

/* How many bytes a host name that must be cut keeps at least. */
#define HOST_MIN 32
#define CUT_MARK '~'
#define HASH_LENGTH 16

gboolean
flufl_separator_is_valid (const char *separator)
{
  gsize length = strlen (separator);

  /* UNIQUE and PID are letters and digits, CUT_MARK ends a shortened field:
   * the parts on the right of a separator without these are always known. */
  if (length == 0 || length > FLUFL_SEPARATOR_MAX)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (FLUFL_NAME_FORBIDS (separator[i]) || separator[i] == CUT_MARK
        || g_ascii_isalnum (separator[i]) || g_ascii_iscntrl (separator[i]))
      return FALSE;
  return TRUE;
}

/* Text in a buffer that is large enough. A name is built for every lock: with printf(3), or
 * digit by digit, that would be most of what the library adds to the system calls. Nothing
 * is behind @length but what was never set. */
typedef struct
{
  gsize length;
  char  text[FLUFL_NAME_MAX + 1];
} Name;

static void
put (Name *name, const char *text, gsize length)
{
  g_assert (name->length + length < sizeof name->text);
  memcpy (name->text + name->length, text, length);
  name->length += length;
}

static void
put_text (Name *name, const char *text)
{
  put (name, text, strlen (text));
}

static void
put_char (Name *name, char c)
{
  g_assert (name->length + 1 < sizeof name->text);
  name->text[name->length++] = c;
}

/* A tag of UNIQUE and its value. */
static void
put_tag (Name *name, char tag, const char *value)
{
  put_char (name, tag);
  put_text (name, value);
}

static void
put_hexadecimal (Name *name, guint64 number, guint digits)
{
  char text[16];

  for (guint at = digits; at > 0; number >>= 4)
    text[--at] = "0123456789abcdef"[number & 0xF];
  put (name, text, digits);
}

static void
put_decimal (Name *name, guint32 number)
{
  char text[10];
  gsize at = sizeof text;

  do
    text[--at] = (char) ('0' + number % 10);
  while ((number /= 10) > 0);
  put (name, text + at, sizeof text - at);
}

/* The bytes of the first character of @text; 1 if it is none of UTF-8. */
static gsize
character_length (const char *text)
{
  gunichar c = g_utf8_get_char_validated (text, -1);

  return c == (gunichar) -1 || c == (gunichar) -2 ? 1 : (gsize) (g_utf8_next_char (text) - text);
}

static gboolean
contains (const char *text, const char *part, gsize length)
{
  for (; *text != '\0'; text++)
    if (strncmp (text, part, length) == 0)
      return TRUE;
  return FALSE;
}

/* A host name as it may stand in a claim's name: flufl splits at the
 * separator, and a '/' would leave the directory. A part of a separator does
 * not stay either: next to a separator the two could be read as another. */
static void
clean_host (const char *host, const char *separator, Name *out)
{
  gboolean by_bytes = !g_utf8_validate (separator, -1, NULL);

  while (*host != '\0' && out->length < FLUFL_NAME_MAX)
    {
      gsize n = by_bytes || g_ascii_isalnum (*host) ? 1 : character_length (host);

      /* No separator has these. */
      if (g_ascii_isalnum (*host))
        put_char (out, *host);
      else if (FLUFL_NAME_FORBIDS (*host) || *host == CUT_MARK || g_ascii_iscntrl (*host)
          || contains (separator, host, n))
        put_char (out, 'x');
      else if (out->length + n <= FLUFL_NAME_MAX)
        put (out, host, n);
      host += n;
    }
  if (out->length == 0)
    put_text (out, "localhost");
}

static void
hash_text (const char *text, char out[HASH_LENGTH + 1])
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  memcpy (out, sum, HASH_LENGTH);
  out[HASH_LENGTH] = '\0';
}

static void
lock_name_hash (const char *lock_name, char out[HASH_LENGTH + 1])
{
  g_autofree char *folded = flufl_name_fold (lock_name);

  hash_text (folded, out);
}

/*
 * flufl_claim_name_fold:
 *
 * Returns: (transfer full): what is the same for all spellings of a name on a file system that takes
 *   capital and small letters for the same
 */
char *
flufl_claim_name_fold (const char *name)
{
  return g_utf8_validate (name, -1, NULL) ? g_utf8_casefold (name, -1) : g_ascii_strdown (name, -1);
}

/* The hash of a name that is spelled as @folded is the one that it has on other file systems. The hash
 * of other spellings is of a text that begins with a slash, as no name does. So a lock of another file
 * system, where capital letters make another name, never has it. */
static void
hash_spelling (const char *folded, gboolean is_folded, char out[HASH_LENGTH + 1])
{
  g_autofree char *text = g_strconcat (is_folded ? "" : "/", folded, NULL);

  hash_text (text, out);
}

static void
spellings_hash (const char *lock_name, char out[HASH_LENGTH + 1])
{
  g_autofree char *folded = flufl_claim_name_fold (lock_name);

  hash_spelling (folded, strcmp (folded, lock_name) == 0, out);
}

/* The number of bytes of @text, at most @max of @length, that cuts no UTF-8 character. A character
 * has at most three bytes behind its first. */
static gsize
cut_length (const char *text, gsize length, gsize max)
{
  if (length <= max)
    return length;
  for (gsize n = max; n > 0 && n + 3 >= max; n--)
    if (((guchar) text[n] & 0xC0) != 0x80)
      return n;
  return max;
}

/* The program's name, in hexadecimal digits. It takes the room that nothing else needs. */
static void
put_program (Name *unique, const char *program, gsize room)
{
  gsize length = cut_length (program, strlen (program), MIN (room / 2, FLUFL_PROGRAM_MAX));

  if (length == 0)
    return;
  put_char (unique, 'P');
  for (gsize i = 0; i < length; i++)
    put_hexadecimal (unique, (guchar) program[i], 2);
}

static char *
join (const char *lock_path, const char *lock_name, const Name *name)
{
  gsize directory = (gsize) (lock_name - lock_path);
  char *path = g_malloc (directory + name->length + 1);

  memcpy (path, lock_path, directory);
  memcpy (path + directory, name->text, name->length);
  path[directory + name->length] = '\0';
  return path;
}

/* The last part of the name: when it came, and of which process it is. */
static void
describe (Name *unique, const FluflIdentity *identity, guint64 arrival, guint64 random,
          FluflMarks marks)
{
  unique->length = 0;
  put_char (unique, 'T');
  put_hexadecimal (unique, arrival, 16);
  put_char (unique, 'R');
  put_hexadecimal (unique, random, 12);
  if ((marks & FLUFL_MARK_LIFE_LINE) != 0)
    put_char (unique, 'L');
  if ((marks & FLUFL_MARK_KEPT) != 0)
    put_char (unique, 'K');
  if ((marks & FLUFL_MARK_EXCLUSIVE) != 0)
    put_char (unique, 'E');
  if (identity->boot[0] != '\0')
    put_tag (unique, 'B', identity->boot);
  if (identity->space[0] != '\0')
    put_tag (unique, 'N', identity->space);
  if (identity->start[0] != '\0'
      && unique->length + 1 + strlen (identity->start) <= FLUFL_UNIQUE_MAX)
    put_tag (unique, 'S', identity->start);
  /* A life-line goes with the program, as it is closed by execve(2). */
  if (identity->image[0] != '\0' && (marks & FLUFL_MARK_LIFE_LINE) == 0
      && unique->length + 1 + strlen (identity->image) <= FLUFL_UNIQUE_MAX)
    put_tag (unique, 'X', identity->image);
  g_assert (unique->length <= FLUFL_UNIQUE_MAX);
}

/*
 * flufl_claim_name_build:
 * @lock_path: the lock file's path, or only its name
 * @random: 48 bits of it are used
 *
 * Returns: (transfer full): a path, or a name, for a new claim file next to the lock file. The
 *   name has at most FLUFL_NAME_MAX bytes, whatever the lock's name and the host's
 */
char *
flufl_claim_name_build (const char          *lock_path,
                        const char          *separator,
                        const FluflIdentity *identity,
                        guint64              arrival,
                        guint64              random,
                        FluflMarks           marks)
{
  Name unique, host, pid, name = { .length = 0 };
  const char *slash = strrchr (lock_path, '/');
  const char *lock_name = slash != NULL ? slash + 1 : lock_path;
  gsize lock_length = strlen (lock_name);
  gsize room;

  describe (&unique, identity, arrival, random, marks);
  host.length = pid.length = 0;
  put_decimal (&pid, (guint32) identity->pid);
  clean_host (identity->host, separator, &host);

  room = FLUFL_NAME_MAX - 3 * strlen (separator) - pid.length - unique.length;
  /* The names of its marks are longer by this. */
  if ((marks & FLUFL_MARK_EXCLUSIVE) != 0)
    room -= strlen (separator) + 1;
  if (lock_length + host.length > room && host.length > HOST_MIN)
    {
      gsize keep = lock_length + HOST_MIN < room ? room - lock_length : HOST_MIN;

      host.length = cut_length (host.text, host.length, keep - 1);
      put_char (&host, CUT_MARK);
    }

  if (identity->program != NULL && lock_length + host.length < room)
    put_program (&unique, identity->program, room - lock_length - host.length - 1);
  if (lock_length + host.length <= room)
    put (&name, lock_name, lock_length);
  else
    {
      char hash[HASH_LENGTH + 1];

      if ((marks & FLUFL_MARK_SPELLINGS) != 0)
        spellings_hash (lock_name, hash);
      else
        lock_name_hash (lock_name, hash);
      put (&name, lock_name, cut_length (lock_name, lock_length, room - host.length - 1 - HASH_LENGTH));
      put_char (&name, CUT_MARK);
      put_text (&name, hash);
    }

  put_text (&name, separator);
  put (&name, host.text, host.length);
  put_text (&name, separator);
  put (&name, pid.text, pid.length);
  put_text (&name, separator);
  put (&name, unique.text, unique.length);
  g_assert (name.length <= FLUFL_NAME_MAX);
  return join (lock_path, lock_name, &name);
}

/* Finds the last @separator in the first @length bytes of @text. */
static gboolean
find_last (const char *text, gsize length, const char *separator, gsize *out_at)
{
  gsize separator_length = strlen (separator);

  for (gsize i = length; i >= separator_length; i--)
    if (memcmp (text + i - separator_length, separator, separator_length) == 0)
      {
        *out_at = i - separator_length;
        return TRUE;
      }
  return FALSE;
}

static void
copy_value (char *out, gsize size, const char *value, gsize length)
{
  /* A value longer than we know to compare is treated as missing. */
  if (length < size)
    {
      memcpy (out, value, length);
      out[length] = '\0';
    }
}

/* A name that is cut, or no text, is treated as missing. */
static void
take_program (char out[FLUFL_PROGRAM_MAX + 1], const char *digits, gsize length)
{
  gsize n = length / 2;

  if (length % 2 != 0 || n > FLUFL_PROGRAM_MAX)
    return;
  for (gsize i = 0; i < n; i++)
    out[i] = (char) (g_ascii_xdigit_value (digits[2 * i]) << 4
                     | g_ascii_xdigit_value (digits[2 * i + 1]));
  out[n] = '\0';
  /* This refuses a NUL, too. */
  if (!g_utf8_validate_len (out, n, NULL))
    out[0] = '\0';
}

/* UNIQUE of ours is a row of TAG VALUE, TAG an upper-case letter, VALUE lower
 * case hexadecimal digits, T first. Unknown tags are skipped: they belong to a
 * later version. Anything else is not ours, and shows nothing. */
static void
parse_unique (const char *unique, gsize length, FluflClaimName *out)
{
  gsize i = 0;

  if (length < 2 || unique[0] != 'T')
    return;
  for (gsize k = 0; k < length; k++)
    if (!g_ascii_isupper (unique[k])
        && !(g_ascii_isxdigit (unique[k]) && !g_ascii_isupper (unique[k])))
      return;

  out->ours = TRUE;
  while (i < length)
    {
      char tag = unique[i++];
      const char *value = unique + i;
      gsize n = 0;

      while (i < length && !g_ascii_isupper (unique[i]))
        i++, n++;

      switch (tag)
        {
        case 'T':
          for (gsize k = 0; k < n && k < 16; k++)
            out->arrival = out->arrival << 4 | (guint64) g_ascii_xdigit_value (value[k]);
          break;
        case 'B':
          copy_value (out->boot, sizeof out->boot, value, n);
          break;
        case 'N':
          copy_value (out->space, sizeof out->space, value, n);
          break;
        case 'S':
          copy_value (out->start, sizeof out->start, value, n);
          break;
        case 'X':
          copy_value (out->image, sizeof out->image, value, n);
          break;
        case 'P':
          take_program (out->program, value, n);
          break;
        case 'L':
          out->life_line = TRUE;
          break;
        case 'K':
          out->kept = TRUE;
          break;
        default:
          break;
        }
    }
}

/* Whether @field stands for @lock_name in a claim: the name itself, or its
 * beginning, CUT_MARK and its hash. */
static gboolean
field_is_lock (const char *field, gsize length, const char *lock_name)
{
  char hash[HASH_LENGTH + 1];
  gsize prefix;

  if (length == strlen (lock_name) && flufl_name_begins_with (field, lock_name, length))
    return TRUE;
  if (length < HASH_LENGTH + 1 || field[length - HASH_LENGTH - 1] != CUT_MARK)
    return FALSE;
  prefix = length - HASH_LENGTH - 1;
  if (prefix >= strlen (lock_name) || !flufl_name_begins_with (field, lock_name, prefix))
    return FALSE;
  lock_name_hash (lock_name, hash);
  if (memcmp (field + prefix + 1, hash, HASH_LENGTH) == 0)
    return TRUE;
  spellings_hash (lock_name, hash);
  return memcmp (field + prefix + 1, hash, HASH_LENGTH) == 0;
}

/*
 * flufl_claim_name_is_spelling:
 * @field: the field LOCK of a claim's name
 *
 * Returns: whether it stands for @lock_name or for another spelling of it
 */
gboolean
flufl_claim_name_is_spelling (const char *field, const char *lock_name)
{
  g_autofree char *ours = flufl_claim_name_fold (lock_name);
  g_autofree char *theirs = flufl_claim_name_fold (field);
  char hash[HASH_LENGTH + 1];
  char *mark = strrchr (theirs, CUT_MARK);

  if (strcmp (theirs, ours) == 0)
    return TRUE;
  if (mark == NULL || strlen (mark + 1) != HASH_LENGTH)
    return FALSE;
  *mark = '\0';
  if (!g_str_has_prefix (ours, theirs))
    return FALSE;
  for (int i = 0; i < 2; i++)
    {
      hash_spelling (ours, i == 0, hash);
      if (strcmp (mark + 1, hash) == 0)
        return TRUE;
    }
  return FALSE;
}

/*
 * flufl_claim_name_parse:
 * @name: a file name, or a path of which only the last part counts
 *
 * Returns: whether @name is the name of a claim file of the lock @lock_name.
 *   Apart from the lock file, only files with such a name may be removed on behalf of that lock.
 */
gboolean
flufl_claim_name_parse (const char     *name,
                        gsize           length,
                        const char     *lock_name,
                        const char     *separator,
                        FluflClaimName *out)
{
  gsize separator_length = strlen (separator);
  gsize host_at, host_end, pid_at, pid_end, unique_at, digits;
  gint64 pid = 0;

  memset (out, 0, sizeof *out);

  for (gsize i = length; i > 0; i--)
    if (FLUFL_IS_SLASH (name[i - 1]))
      {
        name += i;
        length -= i;
        break;
      }
  if (length == 0 || length > FLUFL_NAME_MAX || memchr (name, '\0', length) != NULL)
    return FALSE;

  if (!find_last (name, length, separator, &pid_end))
    return FALSE;
  unique_at = pid_end + separator_length;
  if (!find_last (name, pid_end, separator, &host_end))
    return FALSE;
  pid_at = host_end + separator_length;
  if (!find_last (name, host_end, separator, &host_at))
    return FALSE;
  host_at += separator_length;

  digits = pid_end - pid_at;
  if (!field_is_lock (name, host_at - separator_length, lock_name)
      || host_at == host_end || unique_at == length || digits == 0 || digits > 10)
    return FALSE;
  for (gsize i = pid_at; i < pid_end; i++)
    {
      if (!g_ascii_isdigit (name[i]))
        return FALSE;
      pid = pid * 10 + (name[i] - '0');
    }
  if (pid > G_MAXINT)
    return FALSE;
  /* What strangers wrote is shown to people: no terminal codes, no new lines. */
  for (gsize i = host_at; i < length; i++)
    if (g_ascii_iscntrl (name[i]))
      return FALSE;

  memcpy (out->name, name, length);
  memcpy (out->host, name + host_at, host_end - host_at);
  out->host_cut = name[host_end - 1] == CUT_MARK;
  if (out->host_cut)
    out->host[host_end - host_at - 1] = '\0';
  out->pid = (int) pid;
  parse_unique (name + unique_at, length - unique_at, out);
  return TRUE;
}

/*
 * flufl_claim_name_dup_cut_end:
 * @form: 0 to FLUFL_CUT_FORMS - 1: the hash of the name on most file systems, and those on FAT of a name
 *   that is spelled as it is folded, and of other spellings
 *
 * Returns: (transfer full): what the shortened form of @lock_name ends with, behind its first bytes
 */
char *
flufl_claim_name_dup_cut_end (const char *lock_name, guint form)
{
  g_autofree char *folded = flufl_claim_name_fold (lock_name);
  char hash[HASH_LENGTH + 1];

  if (form == 0)
    lock_name_hash (lock_name, hash);
  else
    hash_spelling (folded, form == 1, hash);
  return g_strdup_printf ("%c%s", CUT_MARK, hash);
}

/*
 * flufl_claim_name_dup_lock:
 * @name: a file's name, without a directory
 *
 * Returns: (transfer full) (nullable): the field LOCK, which is the lock's name or its shortened
 *   form; NULL if the name does not have the fields of a claim's
 */
char *
flufl_claim_name_dup_lock (const char *name, const char *separator)
{
  gsize end = strlen (name);

  for (guint i = 0; i < 3; i++)
    if (!find_last (name, end, separator, &end))
      return NULL;
  return end > 0 ? g_strndup (name, end) : NULL;
}
