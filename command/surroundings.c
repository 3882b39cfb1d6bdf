/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* For variables that this program sets: the values before, which the command gets. */
static struct
{
  const char *name;
  const char *value;
  char       *former; /* owned; nullable */
} own[] = {
  /* GIO would load modules, which begin threads and connections, in order to name files. */
  { "GIO_USE_VFS", "local", NULL },
  { "GIO_MODULE_DIR", "/dev/null", NULL },
};

/* A file or socket of this program must not get the number of standard error: messages would be
 * written to it. Output to a standard output that is closed must fail, so its place is taken for
 * reading. The command finds the descriptors closed again. */
static void
fill_descriptors (void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl (fd, F_GETFD) < 0 && errno == EBADF
        && open ("/dev/null", (fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) | O_CLOEXEC) < 0)
      return;
}

/* For a process that outlives its caller: a reader of the caller's pipes waits for their end, and a
 * lock of flock(1) lasts until its descriptors are closed. Before this program opens any. */
void
surroundings_close_inherited (void)
{
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (GDir) dir = g_dir_open ("/dev/fd", 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      int fd = (int) g_ascii_strtoll (name, NULL, 10);

      if (fd > 2)
        g_array_append_val (fds, fd);
    }
  g_clear_pointer (&dir, g_dir_close);
  for (guint i = 0; i < fds->len; i++) /* that of the directory is closed already */
    close (g_array_index (fds, int, i));
}

/* Before any other thread begins. */
void
surroundings_begin (void)
{
  fill_descriptors ();
  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    {
      own[i].former = g_strdup (g_getenv (own[i].name));
      g_setenv (own[i].name, own[i].value, TRUE);
    }
}

/* Returns: (transfer full): the environment of the caller */
char **
surroundings_dup (void)
{
  char **environment = g_get_environ ();

  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    if (own[i].former != NULL)
      environment = g_environ_setenv (environment, own[i].name, own[i].former, TRUE);
    else
      environment = g_environ_unsetenv (environment, own[i].name);
  return environment;
}
