/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * worker ARENA LOCK SEED [HOURS]: takes the lock again and again, as storm.py
 * says, until it is told in the arena to stop. Its clock jumps, unless it is
 * HOURS ahead.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "flufl-error.h"
#include "flufl-lock-private.h"

#define LIFETIME_MS 8000

/* Shared by all, also by worker.py. Whoever has the lock, and nobody else,
 * writes anything but owner, overlaps and losses. */
typedef struct
{
  int    owner; /* pid of who is inside, or was when it died */
  int    overlaps;
  gint64 sections;
  gint64 flufl_sections;
  gint64 last; /* monotonic us */
  gint64 longest_silence;
  int    stop;
  int    losses;       /* told at a refresh or release, or by a heartbeat */
  int    early_losses; /* of them, before the lease can have been over */
  int    deletions;    /* that storm.py has begun */
  int    inside_since; /* deletions when whoever is inside began to ask for the lock */
  int    excused;      /* overlaps and early losses that a deletion explains */
} Arena;

static Arena *arena;
static gint64 clock_step; /* ns */
static gboolean clock_jumps = TRUE;

static gint64
stepped_clock (FluflClock clock)
{
  gint64 now = flufl_syscalls_posix.clock (clock);

  return clock == FLUFL_CLOCK_REAL ? now + clock_step : now;
}

/* A killed process has lost the lock before it is seen to be a zombie. */
static gboolean
is_dead (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *stat = NULL;
  const char *state;

  if (!g_file_get_contents (path, &stat, NULL, NULL))
    return TRUE;
  state = strrchr (stat, ')');
  return state == NULL || state[2] == 'Z' || state[2] == 'X';
}

/* Whether a person has deleted something since: then a holder may have been robbed. */
static gboolean
is_excused (int since)
{
  if (g_atomic_int_get (&arena->deletions) == since)
    return FALSE;
  g_atomic_int_inc (&arena->excused);
  return TRUE;
}

static void
enter (int since)
{
  int mine = (int) getpid ();
  int other = __atomic_exchange_n (&arena->owner, mine, __ATOMIC_SEQ_CST);
  gint64 now;

  for (int i = 0; other != 0 && !is_dead (other); i++)
    {
      if (i == 0 && is_excused (arena->inside_since))
        break;
      if (i == 1000)
        {
          g_printerr ("%d is inside, and so am I, %d\n", other, mine);
          g_atomic_int_inc (&arena->overlaps);
          break;
        }
      g_usleep (1000);
    }

  arena->inside_since = since;
  now = g_get_monotonic_time ();
  arena->longest_silence = MAX (arena->longest_silence, now - arena->last);
  arena->last = now;
  arena->sections++;
}

static void
leave (int since)
{
  int mine = (int) getpid ();

  if (!__atomic_compare_exchange_n (&arena->owner, &mine, 0, FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
      && !is_excused (since))
    {
      g_printerr ("%d was inside, and %d came\n", (int) getpid (), mine);
      g_atomic_int_inc (&arena->overlaps);
    }
}

/* What a user would do: try again until it is gone, or ours no longer, which was
 * so before if there is no error. Says whether it was ours to the end. */
static gboolean
give_back (FluflLock *lock, GError **error)
{
  while (flufl_lock_get_held (lock))
    {
      g_clear_error (error);
      if (flufl_lock_release (lock, NULL, error))
        return TRUE;
      if (flufl_lock_get_held (lock))
        g_usleep (10 * 1000);
    }
  return FALSE;
}

/* The lease began after @begun. Clocks that jump excuse no loss before its end,
 * for the file server's, which is the kernel's here, does not jump. */
static void
note_loss (gint64 begun, int since, const GError *error)
{
  gint64 held_ms = (g_get_monotonic_time () - begun) / 1000;

  g_atomic_int_inc (&arena->losses);
  if (held_ms >= LIFETIME_MS || is_excused (since))
    return;
  g_printerr ("%d lost the lock %d ms after it began to ask for it: %s\n", (int) getpid (),
              (int) held_ms, error != NULL ? error->message : "so it was told before the release");
  g_atomic_int_inc (&arena->early_losses);
}

static void
one_round (FluflLock *lock, GRand *rand)
{
  static const gint64 timeouts[] = { 0, 20, 500, 5000, 5000, 5000 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) refresh_error = NULL;
  gint64 begun;
  int since;

  if (clock_jumps && g_rand_int_range (rand, 0, 50) == 0)
    clock_step = g_rand_int_range (rand, -1, 2) * G_TIME_SPAN_HOUR * 1000;
  begun = g_get_monotonic_time ();
  since = g_atomic_int_get (&arena->deletions);
  if (!flufl_lock_acquire (lock, timeouts[g_rand_int_range (rand, 0, G_N_ELEMENTS (timeouts))], NULL,
                           &error))
    {
      if (!g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT))
        g_usleep (20 * 1000);
      return;
    }

  enter (since);
  g_usleep ((gulong) g_rand_int_range (rand, 0, 2000));
  if (g_rand_int_range (rand, 0, 10) == 0)
    flufl_lock_refresh (lock, -1, NULL, &refresh_error);
  leave (since);
  if (!give_back (lock, &error))
    note_loss (begun, since, error != NULL ? error : refresh_error);
}

/* That a clock is off is what is meant to be here. */
static void
drop_message (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  (void) domain, (void) level, (void) message, (void) user_data;
}

int
main (int argc, char *argv[])
{
  g_autoptr (FluflLock) lock = NULL;
  g_autoptr (GRand) rand = NULL;
  FluflSyscalls table = flufl_syscalls_posix;
  int fd;

  if (argc != 4 && argc != 5)
    g_error ("usage: worker ARENA LOCK SEED [HOURS]");
  if (argc == 5)
    {
      clock_jumps = FALSE;
      clock_step = g_ascii_strtoll (argv[4], NULL, 10) * G_TIME_SPAN_HOUR * 1000;
    }
  g_log_set_handler ("Flufl", G_LOG_LEVEL_WARNING, drop_message, NULL);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  fd = open (argv[1], O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  arena = mmap (NULL, sizeof *arena, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (arena != MAP_FAILED);
  close (fd);

  table.clock = stepped_clock;
  flufl_lock_syscalls = &table;
  rand = g_rand_new_with_seed ((guint32) g_ascii_strtoull (argv[3], NULL, 10));
  lock = flufl_lock_new_for_path (argv[2]);
  flufl_lock_set_lifetime (lock, LIFETIME_MS);
  flufl_lock_set_linger (lock, g_rand_boolean (rand));
  if (g_rand_boolean (rand))
    flufl_lock_set_heartbeat (lock, FLUFL_HEARTBEAT_THREAD);
  while (!g_atomic_int_get (&arena->stop))
    one_round (lock, rand);
  return 0;
}
