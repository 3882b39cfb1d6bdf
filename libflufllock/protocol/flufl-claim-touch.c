/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The times of our claim: docs/protocol.md, "Time".
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "flufl-claim-private.h"

/* The server's clock is followed when it is ahead by more than this; less
 * drowns in the slop, and following would cost every claim a second touch. */
#define CLOCK_TOLERANCE FLUFL_NSEC_PER_SEC

/* The server's clock, and never ahead of it. So nothing is judged as overdue or rested too early. */
gint64
flufl_claim_server_now (const FluflClaim *claim, const FluflSite *site)
{
  return flufl_time_add (claim->server_time, flufl_claim_boot_now (site) - claim->server_seen);
}

/* How much of the lease is left, in nanoseconds of boot time. */
gint64
flufl_claim_lease_left (const FluflClaim *claim, const FluflSite *site)
{
  return claim->lease_start + claim->lifetime - flufl_claim_boot_now (site);
}

/* Whether the last touch began less than 1/@part of the lifetime ago. */
gboolean
flufl_claim_lease_is_young (const FluflClaim *claim, const FluflSite *site, int part)
{
  return flufl_claim_boot_now (site) - claim->lease_start < claim->lifetime / part;
}

/* Without a tenth of the lease left at @boot_now, anybody's next step may come too late. */
gboolean
flufl_claim_lease_is_safe (const FluflClaim *claim, gint64 boot_now)
{
  return claim->lease_start + claim->lifetime - boot_now >= claim->lifetime / 10;
}

/* By how much the server's clock is ahead of ours, which may have been set since
 * the two were compared. The clock of boot time is never set. */
static gint64
server_lead (const FluflClaim *claim, gint64 real, gint64 boot)
{
  return flufl_time_since (claim->clock_offset, flufl_time_since (real - boot, claim->clock_base));
}

/* What FAT stores of a time. A finer one is cut, and the lock would expire too early. */
#define FAT_GRAIN (2 * FLUFL_NSEC_PER_SEC)

/* Sets mtime to what the later of the two clocks says, plus @lifetime. By the open claim if @fd is
 * one, otherwise by path. The atime shows since when the lock is held: docs/protocol.md, "Files". */
static int
touch (FluflClaim *claim, FluflSite *site, const char *path, int fd, gint64 lifetime)
{
  const FluflSyscalls *sys = site->sys;
  gint64 start = flufl_claim_boot_now (site);
  gint64 start_real = sys->clock (FLUFL_CLOCK_REAL);
  gint64 now = start_real;
  gint64 grain = claim->exclusive ? FAT_GRAIN : claim->coarse ? FLUFL_NSEC_PER_SEC : 1;
  gint64 expiration, since, atime;

  if (claim->server_seen != 0 && server_lead (claim, start_real, start) > CLOCK_TOLERANCE)
    now = MAX (now, flufl_claim_server_now (claim, site));
  expiration = flufl_time_add (now, lifetime);
  expiration = flufl_time_add (expiration, grain - 1) / grain * grain;

  since = claim->acquired != 0 ? MIN (claim->acquired, now) : now;
  atime = flufl_time_mirror (since, expiration);
  if ((fd >= 0 ? sys->futimens (fd, expiration, atime)
               : sys->utimens (path, expiration, atime)) != 0)
    return -1;

  claim->lifetime = lifetime;
  claim->expiration = expiration;
  claim->lease_start = start;
  claim->touched = start_real;
  return 0;
}

int
flufl_claim_touch (FluflClaim *claim, FluflSite *site, int fd, gint64 lifetime)
{
  return touch (claim, site, claim->path, fd, lifetime);
}

/* Touches the lock file where it is a file of its own. */
int
flufl_claim_touch_lock (FluflClaim *claim, FluflSite *site, gint64 lifetime)
{
  return touch (claim, site, site->lock_path, -1, lifetime);
}

/* Keeps what the file server's clock has just shown, and by how much it differs from ours. */
void
flufl_claim_compare_clocks (FluflClaim *claim, const FluflSite *site, gint64 server_time)
{
  gint64 now;

  claim->server_time = server_time;
  claim->server_seen = flufl_claim_boot_now (site);
  /* What our clock says, unless it was set since the touch. The server touched the claim some time
   * between then and now: one that took long over it is not behind. */
  claim->clock_base = claim->touched - claim->lease_start;
  now = claim->clock_base + claim->server_seen;
  claim->clock_offset = flufl_time_since (claim->server_time, now);
  if (claim->clock_offset < 0)
    claim->clock_offset = MIN (flufl_time_since (claim->server_time, claim->touched), 0);
}

/* Reads the server's clock off the ctime that our touch has just made, and
 * whether mtime was stored as we said it; says whether to touch once more. */
gboolean
flufl_claim_learn (FluflClaim *claim, FluflSite *site, const FluflStat *st)
{
  gboolean again = FALSE;

  /* ceph-fuse shows the later of ctime and mtime: then it shows what we have just said. */
  flufl_claim_compare_clocks (claim, site, st->ctime != st->mtime ? st->ctime : claim->touched);
  if (st->mtime < claim->expiration && !claim->coarse)
    again = claim->coarse = TRUE;
  if (flufl_time_add (claim->server_time, claim->lifetime)
      > flufl_time_add (claim->expiration, CLOCK_TOLERANCE))
    again = TRUE;
  return again;
}

/* Writes the whole content of a new file. */
int
flufl_claim_write (FluflSite *site, int fd, const char *content, gsize length)
{
  gsize done = 0;

  while (done < length)
    {
      /* By offset: should an interrupted call have written after all, the same
       * bytes go to the same place again. */
      gssize n = site->sys->pwrite (fd, content + done, length - done, (gint64) done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          if (n == 0)
            errno = EIO;
          return -1;
        }
      done += (gsize) n;
    }
  return 0;
}

/* Makes the claim's content its path. */
int
flufl_claim_write_path (FluflClaim *claim, FluflSite *site, int fd)
{
  return flufl_claim_write (site, fd, claim->path, strlen (claim->path));
}

/* Sees what a touch of a claim that is not the lock has made of it. */
int
flufl_claim_see_touched (FluflClaim *claim, FluflSite *site, int fd, gint64 lifetime, FluflStat *st)
{
  if (site->sys->fstat (fd, st) != 0)
    return -1;
  claim->dev = st->dev;
  claim->ino = st->ino;
  if (flufl_claim_learn (claim, site, st))
    return flufl_claim_touch (claim, site, fd, lifetime);
  return 0;
}
