/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "matrix.h"

#include <errno.h>

#include "flufl-site.h"

/* The number of complaints to print, which is enough to see the cause. */
#define COMPLAINTS_SHOWN 40

static struct
{
  const Operation *operation;
  guint nth;
  const char *words;
  const Blow *blow;
  guint n, n_complaints; /* of this test */
  guint n_all;           /* of all */
} matrix;

/* The errors that manual pages and network file systems mention. */
static const struct
{
  int         errsv;
  const char *name;
} errnos[] = {
#define ERRNO(name) { name, #name }
  ERRNO (EINTR),   ERRNO (EIO),    ERRNO (ENOSPC),       ERRNO (EDQUOT), ERRNO (ENOENT),
  ERRNO (EEXIST),  ERRNO (ESTALE), ERRNO (EACCES),       ERRNO (EPERM),  ERRNO (EROFS),
  ERRNO (EMFILE),  ERRNO (ENFILE), ERRNO (ENOMEM),       ERRNO (EAGAIN), ERRNO (ETIMEDOUT),
  ERRNO (EMLINK),  ERRNO (EXDEV),  ERRNO (ENAMETOOLONG), ERRNO (ELOOP),  ERRNO (ENOSYS),
  ERRNO (EBUSY),   ERRNO (ENOLCK), ERRNO (EOPNOTSUPP),
#undef ERRNO
};

/* Delays in seconds: more than half of the grace; and most of a lifetime, after which no process
 * may break the lock of another yet. */
static const int delays[] = { 3, 14 };

static const char *
errno_name (int errsv)
{
  for (gsize i = 0; i < G_N_ELEMENTS (errnos); i++)
    if (errnos[i].errsv == errsv)
      return errnos[i].name;
  return "";
}

static const char *
blow_name (const Blow *blow)
{
  switch (blow->kind)
    {
    case BLOW_FAIL:
      return "fails with";
    case BLOW_LOSE:
      return "is done and says";
    case BLOW_SHORT:
      return "is short";
    case BLOW_SLOW:
      return "is slow";
    case BLOW_NONE:
    case BLOW_HOOK_BEFORE:
    case BLOW_HOOK_AFTER:
    default:
      return "is undisturbed";
    }
}

/* Whether a call that was not carried out can fail with @errsv. */
static gboolean
can_fail (Call call, int errsv)
{
  switch (call)
    {
    case CALL_CLOSE: /* Linux closes the file whatever the answer */
      return FALSE;
    case CALL_FS_KIND: /* all errors have the same effect */
      return errsv == EIO;
    default:
      return TRUE;
    }
}

/* Whether a call that was carried out can fail with @errsv: its reply was lost, and the repeated
 * call, if it does not do the same again, finds the work done. */
static gboolean
can_be_lost (Call call, int errsv)
{
  switch (call)
    {
    case CALL_CLOSE:
      return TRUE;
    case CALL_CREATE:
    case CALL_PWRITE:
    case CALL_FUTIMENS:
    case CALL_UTIMENS:
    case CALL_FLOCK:
    case CALL_LINK:
    case CALL_RENAME:
    case CALL_UNLINK:
    case CALL_LIST: /* the error comes after some names */
      if (errsv == EIO || errsv == EINTR || errsv == ETIMEDOUT || errsv == ESTALE)
        return TRUE;
      if (call == CALL_LINK)
        return errsv == EEXIST;
      return (call == CALL_UNLINK || call == CALL_RENAME) && errsv == ENOENT;
    case CALL_OPEN:
    case CALL_READ:
    case CALL_FSTAT:
    case CALL_LSTAT:
    case CALL_IDENTIFY:
    case CALL_KILL:
    case CALL_RANDOM:
    case CALL_FS_KIND:
    case N_CALLS:
    default:
      return FALSE;
    }
}

void
matrix_complain (const char *format, ...)
{
  g_autofree char *complaint = NULL;
  va_list args;

  va_start (args, format);
  complaint = g_strdup_vprintf (format, args);
  va_end (args);
  if (++matrix.n_complaints <= COMPLAINTS_SHOWN || g_getenv ("FLUFL_TEST_ALL_COMPLAINTS") != NULL)
    g_test_message ("%s: call %u (%s) %s %s%s: %s", matrix.operation->title, matrix.nth,
                    matrix.words, blow_name (matrix.blow), errno_name (matrix.blow->errsv),
                    matrix.blow->for_ever ? " for ever" : "", complaint);
}

static void
run_one (const Operation *operation, guint nth, const Blow *blow)
{
  guint before;

  matrix.operation = operation;
  matrix.nth = nth;
  matrix.blow = blow;
  operation->prepare (operation->data);
  before = faulty_n_calls ();
  faulty_order (before + nth, blow);
  operation->act (operation->data);
  operation->judge (operation->data, faulty_n_calls () >= before + nth
                                         ? faulty_call (before + nth) : N_CALLS, blow);
}

guint
matrix_run (const Operation *operation)
{
  const Blow none = { .kind = BLOW_NONE };
  g_autoptr (GArray) calls = g_array_new (FALSE, FALSE, sizeof (Call));
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  guint n = 0;
  guint before;

  matrix.words = "";
  operation->prepare (operation->data);
  before = faulty_n_calls ();
  operation->act (operation->data);
  for (guint i = before + 1; i <= faulty_n_calls (); i++)
    {
      Call call = faulty_call (i);

      g_array_append_val (calls, call);
      g_ptr_array_add (words, g_strdup (faulty_words (i)));
    }
  matrix.operation = operation;
  matrix.nth = 0;
  matrix.blow = &none;
  operation->judge (operation->data, N_CALLS, &none);

  for (guint nth = 1; nth <= calls->len; nth++)
    {
      Call call = g_array_index (calls, Call, nth - 1);

      matrix.words = g_ptr_array_index (words, nth - 1);
      for (int for_ever = 0; for_ever <= !operation->brief; for_ever++)
        {
          for (gsize e = 0; e < G_N_ELEMENTS (errnos); e++)
            for (BlowKind kind = BLOW_FAIL; kind <= BLOW_LOSE; kind++)
              {
                Blow blow = { .kind = kind, .errsv = errnos[e].errsv, .for_ever = for_ever };

                if (!(kind == BLOW_FAIL ? can_fail : can_be_lost) (call, blow.errsv))
                  continue;
                run_one (operation, nth, &blow);
                n++;
              }
          if (call == CALL_READ || call == CALL_PWRITE)
            {
              run_one (operation, nth, &(Blow){ .kind = BLOW_SHORT, .for_ever = for_ever });
              n++;
            }
        }
      for (gsize t = 0; t < G_N_ELEMENTS (delays); t++)
        {
          run_one (operation, nth, &(Blow){ .kind = BLOW_SLOW,
                                            .nsec = delays[t] * FLUFL_NSEC_PER_SEC });
          n++;
        }
    }
  matrix.n += n;
  g_test_message ("%s: %u calls, %u combinations", operation->title, calls->len, n);
  return n;
}

void
matrix_end_test (void)
{
  g_test_message ("%u combinations, %u complaints", matrix.n, matrix.n_complaints);
  if (matrix.n_complaints > 0)
    g_test_fail ();
  matrix.n_all += matrix.n;
  matrix.n = matrix.n_complaints = 0;
}

int
matrix_main (void)
{
  int status = g_test_run ();

  g_print ("# figures: %u combinations\n", matrix.n_all);
  return status;
}
