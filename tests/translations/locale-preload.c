/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * LD_PRELOAD puts this library before libc. The catalogues of libflufllock are then those in
 * $FLUFL_TEST_CATALOGUES, wherever it would have looked for them.
 */

#include <dlfcn.h>
#include <libintl.h>
#include <stdlib.h>
#include <string.h>

char *
bindtextdomain (const char *domain, const char *directory)
{
  const char *mine = getenv ("FLUFL_TEST_CATALOGUES");
  char *(*real) (const char *, const char *);

  *(void **) &real = dlsym (RTLD_NEXT, "bindtextdomain");
  return real (domain, mine != NULL && strcmp (domain, "flufllock-1") == 0 ? mine : directory);
}
