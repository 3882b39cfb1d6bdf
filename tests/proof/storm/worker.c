/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * worker ARENA LOCK SEED [HOURS]: takes the lock again and again, as storm.py explains, until
 * the arena says stop. Its clock jumps, or is HOURS ahead.
 */

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "flufl-error.h"
#include "flufl-lock-private.h"
#include "judge.h"

#define LIFETIME_MS 8000

static Arena *arena;
static gint64 clock_step; /* ns */
static gboolean clock_jumps = TRUE;

static gint64
stepped_clock (FluflClock clock)
{
  gint64 now = flufl_syscalls_native.clock (clock);

  return clock == FLUFL_CLOCK_REAL ? now + clock_step : now;
}

static void
enter_alone (void)
{
  int mine = (int) getpid ();
  int other = __atomic_exchange_n (&arena->owner, mine, __ATOMIC_SEQ_CST);

  for (int i = 0; other != 0 && !judge_is_dead (other); i++)
    {
      if (i == 1000)
        {
          g_printerr ("%d is inside, and so am I, %d\n", other, mine);
          g_atomic_int_inc (&arena->overlaps);
          break;
        }
      g_usleep (1000);
    }
}

static void
enter (FluflLock *lock, gint64 begun)
{
  gint64 now;

  if (arena->deletes)
    judge_enters (lock, begun);
  else
    enter_alone ();
  now = g_get_monotonic_time ();
  arena->longest_silence = MAX (arena->longest_silence, now - arena->last);
  arena->last = now;
  __atomic_add_fetch (&arena->sections, 1, __ATOMIC_SEQ_CST);
}

static void
refresh (FluflLock *lock, GError **error)
{
  gboolean ours;

  if (arena->deletes)
    judge_looks ();
  ours = flufl_lock_refresh (lock, -1, NULL, error);
  if (arena->deletes)
    judge_has_looked (ours);
}

/* Leaves the arena. With deletions the judge does this, before each call that releases. */
static void
leave (void)
{
  int mine = (int) getpid ();

  if (!__atomic_compare_exchange_n (&arena->owner, &mine, 0, FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    {
      g_printerr ("%d was inside, and %d came\n", (int) getpid (), mine);
      g_atomic_int_inc (&arena->overlaps);
    }
}

/* Releases the lock as an application would: tries again until it is released, or lost. Without
 * an error it was lost before. Returns whether it was held to the end. */
static gboolean
give_back (FluflLock *lock, GError **error)
{
  while (flufl_lock_get_held (lock))
    {
      g_clear_error (error);
      if (arena->deletes)
        judge_releases ();
      if (flufl_lock_release (lock, NULL, error))
        {
          if (arena->deletes)
            judge_has_released ();
          return TRUE;
        }
      if (flufl_lock_get_held (lock))
        g_usleep (10 * 1000);
    }
  return FALSE;
}

/* The lease began after @begun. Clocks that jump excuse no loss before its end, since the file
 * server's clock, which is the kernel's here, does not jump. */
static void
note_loss (gint64 begun, const GError *error)
{
  gint64 held_ms = (g_get_monotonic_time () - begun) / 1000;

  g_atomic_int_inc (&arena->losses);
  if (arena->deletes && judge_explains_loss ())
    {
      g_atomic_int_inc (&arena->explained_losses);
      return;
    }
  if (held_ms >= LIFETIME_MS)
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

  if (clock_jumps && g_rand_int_range (rand, 0, 50) == 0)
    clock_step = g_rand_int_range (rand, -1, 2) * G_TIME_SPAN_HOUR * 1000;
  begun = g_get_monotonic_time ();
  if (!flufl_lock_acquire (lock, timeouts[g_rand_int_range (rand, 0, G_N_ELEMENTS (timeouts))], NULL,
                           &error))
    {
      if (!g_error_matches (error, FLUFL_LOCK_ERROR, FLUFL_LOCK_ERROR_TIMED_OUT))
        g_usleep (20 * 1000);
      return;
    }

  enter (lock, begun);
  g_usleep ((gulong) g_rand_int_range (rand, 0, 2000));
  if (g_rand_int_range (rand, 0, 10) == 0)
    refresh (lock, &refresh_error);
  if (!arena->deletes)
    leave ();
  if (!give_back (lock, &error))
    note_loss (begun, error != NULL ? error : refresh_error);
}

/* Drops the warnings about clocks, which are off on purpose. */
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
  FluflSyscalls table = flufl_syscalls_native;

  if (argc != 4 && argc != 5)
    g_error ("usage: worker ARENA LOCK SEED [HOURS]");
  if (argc == 5)
    {
      clock_jumps = FALSE;
      clock_step = g_ascii_strtoll (argv[4], NULL, 10) * G_TIME_SPAN_HOUR * 1000;
    }
  g_log_set_handler ("Flufl", G_LOG_LEVEL_WARNING, drop_message, NULL);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  arena = arena_open (argv[1]);
  if (arena->deletes)
    judge_join (arena);

  table.clock = stepped_clock;
  flufl_lock_syscalls = &table;
  rand = g_rand_new_with_seed ((guint32) g_ascii_strtoull (argv[3], NULL, 10));
  lock = flufl_lock_new_for_path (argv[2]);
  flufl_lock_set_lifetime (lock, LIFETIME_MS);
  flufl_lock_set_linger (lock, g_rand_boolean (rand));
  flufl_lock_set_heartbeat (lock, g_rand_boolean (rand) ? FLUFL_HEARTBEAT_THREAD
                                                        : FLUFL_HEARTBEAT_NONE);
  while (!g_atomic_int_get (&arena->stop))
    one_round (lock, rand);
  return 0;
}
