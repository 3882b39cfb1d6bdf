/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * How long an acquisition goes on, and how often it asks, in a time of its own:
 * the functions of GLib and libc that tell the time and let it pass are made
 * here, so that hours pass at once and every sleep is known to the microsecond.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "flufl-roll.h"
#include "flufl-acquire.h"

#include "acquire-util.h"
#include "flufl-test-util.h"
#include "lies.h"

#define MSEC G_GINT64_CONSTANT (1000)
#define SEC G_USEC_PER_SEC
#define START (G_GINT64_CONSTANT (1000) * SEC)

static gint64 fake_now = START;
static gint64 deadline; /* of the acquisition that runs */
static gint64 latest;   /* the end of the latest sleep */
static guint n_sleeps;

/* Happens in a sleep, so long after the start; once. */
#define CHANGE_AFTER (300 * MSEC)
static void (*change) (void);

/* Happens amid a sleep, and an event reports it. Once. */
static gint64 event_at = G_MAXINT64;
static void (*event) (void);

/* Hides GLib's, for this program and the room that is tested. */
gint64
g_get_monotonic_time (void)
{
  return fake_now;
}

/* And libc's: nothing happens but that time passes. */
int
ppoll (struct pollfd *fds, nfds_t n, const struct timespec *timeout,
       const sigset_t *mask G_GNUC_UNUSED)
{
  for (nfds_t i = 0; i < n; i++)
    fds[i].revents = 0;
  if (timeout == NULL)
    g_error ("it would sleep for ever");
  fake_now += (gint64) timeout->tv_sec * SEC + timeout->tv_nsec / 1000;
  if (fake_now >= event_at)
    {
      fake_now = event_at;
      event_at = G_MAXINT64;
      event ();
      return poll (fds, n, 0);
    }
  latest = MAX (latest, fake_now);
  n_sleeps++;
  if (change != NULL && fake_now >= START + CHANGE_AFTER)
    g_steal_pointer (&change) ();
  return 0;
}

static FluflSyscalls table;

static gint64
table_clock (FluflClock clock)
{
  return lies_syscalls.clock (clock) + (fake_now - START) * 1000;
}

typedef struct
{
  TestPlace     place;
  FluflSite     site;
  FluflQueue    queue;
  FluflAcquire  acquire;
  gint64        begun;
  guint         n_waiting;
  gboolean      break_dead;
} Patience;

static void
set_up (Patience *self, gconstpointer kind)
{
  test_place_init (&self->place);
  lies_reset ();
  lies_fs_kind ((FluflFsKind) GPOINTER_TO_INT (kind));
  table = lies_syscalls;
  table.clock = table_clock;
  flufl_site_init (&self->site, &table, self->place.lock, "|");
}

static void
tear_down (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  lies_reset ();
  flufl_queue_clear (&self->queue);
  flufl_site_clear (&self->site);
  test_place_clear (&self->place);
}

static void
waiting_cb (FluflAcquire *acquire G_GNUC_UNUSED, gpointer user_data)
{
  Patience *self = user_data;

  self->n_waiting++;
  g_assert_cmpint (fake_now - self->begun, >=, 250 * MSEC);
  g_assert_cmpint (fake_now - self->begun, <=, 251 * MSEC);
}

static FluflResult
run (Patience *self, gint64 timeout, gint64 lifetime_sec)
{
  memset (&self->acquire, 0, sizeof self->acquire);
  self->acquire.site = &self->site;
  self->acquire.queue = &self->queue;
  self->acquire.lifetime = lifetime_sec * FLUFL_NSEC_PER_SEC;
  self->begun = latest = fake_now;
  n_sleeps = 0;
  deadline = timeout < 0 ? G_MAXINT64 : fake_now + timeout;
  self->acquire.deadline = deadline;
  self->acquire.break_dead = self->break_dead;
  self->acquire.waiting = waiting_cb;
  self->acquire.user_data = self;
  acquire_run (&self->acquire);
  return self->acquire.result;
}

static void
timed_out (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  const gint64 timeouts[] = { 0, 1, 999, 10 * MSEC, 249 * MSEC, 251 * MSEC, 3 * SEC, 600 * SEC };
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);

  for (guint i = 0; i < G_N_ELEMENTS (timeouts); i++)
    {
      self->n_waiting = 0;
      g_assert_cmpint (run (self, timeouts[i], 3600), ==, FLUFL_RESULT_TIMED_OUT);
      g_assert_cmpint (fake_now, >=, deadline);
      g_assert_cmpint (latest, <=, deadline); /* not by a microsecond */
      g_assert_cmpuint (self->n_waiting, ==, timeouts[i] > 250 * MSEC ? 1 : 0);
      g_assert_null (self->acquire.claim.path);
      g_assert_cmpuint (test_place_count (&self->place), ==, 2);
    }
  test_place_empty (&self->place);
}

/* Often enough, and not more often, when nobody tells of anything. */
static void
asks_so_often (Patience *self, gconstpointer kind)
{
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
  gboolean local = GPOINTER_TO_INT (kind) == FLUFL_FS_LOCAL;

  run (self, 600 * SEC, 3600);
  g_test_message ("%u sleeps", n_sleeps);
  if (local)
    {
      /* With a watch a timer is only for what it misses: twice in ten seconds, and by one
       * lstat(2), once the wait has lasted. */
      g_assert_cmpuint (n_sleeps, >=, 60);
      g_assert_cmpuint (n_sleeps, <=, 120 + 20);
      g_assert_cmpuint (lies_count (LIES_LINK), <=, 20);
      g_assert_cmpuint (lies_count (LIES_OPEN), <=, 40);
      g_assert_cmpuint (lies_count (LIES_LSTAT), <=, 120 + 60);
    }
  else
    {
      g_assert_cmpuint (lies_count (LIES_LINK), >=, 500);
      g_assert_cmpuint (lies_count (LIES_LINK), <=, 1500);
    }
  test_place_empty (&self->place);
}

/* A lock of somebody else is broken once its expiration and the slop are past,
 * and then at once. */
static void
expires (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 20);
  int errsv = 0;

  g_assert_cmpint (run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
  g_assert_cmpint (fake_now - self->begun, >=, 29 * SEC);
  g_assert_cmpint (fake_now - self->begun, <=, 31 * SEC);
  g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                   FLUFL_OUTCOME_RELEASED);
  g_assert_cmpuint (test_place_count (&self->place), ==, 0);
}

typedef struct
{
  LiesCall call;
  int      errsv;
  gboolean held; /* it comes up only where somebody has the lock … */
  gboolean seen; /* … and the attempt sees that */
} Fault;

static const Fault faults[] = {
  { LIES_LINK, EIO, FALSE, FALSE },    { LIES_OPEN, EIO, FALSE, FALSE },
  { LIES_LINK, ETIMEDOUT, FALSE, FALSE }, { LIES_PWRITE, EIO, FALSE, FALSE },
  { LIES_OPEN, EMFILE, FALSE, FALSE }, { LIES_LSTAT, EIO, TRUE, FALSE },
  { LIES_LINK, EIO, TRUE, TRUE },      { LIES_READ, EIO, TRUE, TRUE },
};

/* A server that answers nothing but errors is not asked for ever; for longer by
 * those who wait for longer. */
static void
nothing_but_errors (Patience *self, gconstpointer kind)
{
  const gint64 lifetimes[] = { 1, 15, 120 };

  for (guint i = 0; i < G_N_ELEMENTS (faults) * G_N_ELEMENTS (lifetimes); i++)
    {
      const Fault *fault = &faults[i % G_N_ELEMENTS (faults)];
      gint64 lifetime = lifetimes[i / G_N_ELEMENTS (faults)];
      gint64 patience = MAX (lifetime, 10) * SEC;
      g_autofree char *claim = NULL;

      lies_reset ();
      lies_fs_kind ((FluflFsKind) GPOINTER_TO_INT (kind));
      if (fault->held)
        claim = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
      lies_fail (fault->call, fault->errsv, -1);
      g_test_message ("call %d, lifetime %d s", fault->call, (int) lifetime);
      g_assert_cmpint (run (self, -1, lifetime), ==, FLUFL_RESULT_REFUSED);
      g_assert_cmpint (self->acquire.outcome, ==, FLUFL_OUTCOME_FAILED);
      g_assert_cmpint (self->acquire.findings.errsv, ==, fault->errsv);
      g_assert_nonnull (self->acquire.findings.failed_step);
      g_assert_cmpint (fake_now - self->begun, >=, patience);
      g_assert_cmpint (fake_now - self->begun, <=, patience + 2 * SEC);
      /* Every 25 ms at the most. */
      g_assert_cmpuint (n_sleeps, <=, (guint) (patience / (25 * MSEC)) + 100);
      g_assert_null (self->acquire.claim.path);

      /* But the caller's deadline comes first. Where nobody was seen to hold the lock, it is the
       * error that counts. */
      g_assert_cmpint (run (self, 2 * SEC, lifetime), ==,
                       fault->seen ? FLUFL_RESULT_TIMED_OUT : FLUFL_RESULT_REFUSED);
      g_assert_cmpint (latest, ==, deadline);
      g_assert_cmpint (self->acquire.findings.errsv, ==, fault->errsv);
      lies_reset ();
      /* What could not be looked at or removed may be there still. */
      test_place_empty (&self->place);
    }
}

/* Errors that pass are forgotten: patience begins anew. */
static void
errors_now_and_then (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);

  for (int i = 0; i < 5; i++)
    {
      lies_fail (LIES_LINK, EIO, 5);
      g_assert_cmpint (run (self, 8 * SEC, 3600), ==, FLUFL_RESULT_TIMED_OUT);
      g_assert_cmpint (latest, ==, deadline);
    }
  g_assert_cmpuint (test_place_count (&self->place), ==, 2);
  test_place_empty (&self->place);
}

static void
put_garbage (TestPlace *place)
{
  g_assert_true (g_file_set_contents (place->lock, "no lock", -1, NULL));
}

/* To look costs a file server calls: what link(2) has brought already will do, as
 * long as nothing is strange. */
static void
looks_seldom (Patience *self, gconstpointer kind)
{
  g_autofree char *claim = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
  guint looks = lies_count (LIES_READ);
  int errsv = 0;

  self->acquire.announced = TRUE;
  g_assert_cmpint (run (self, 200 * MSEC, 3600), ==, FLUFL_RESULT_TIMED_OUT);
  /* That at the deadline, which has its words for the message. */
  g_assert_cmpuint (lies_count (LIES_READ) - looks, ==, 1);
  g_assert_cmpint (self->acquire.findings.look.sight, ==, FLUFL_SIGHT_CLAIM);
  looks = lies_count (LIES_READ);
  run (self, 600 * SEC, 3600);
  looks = lies_count (LIES_READ) - looks;
  g_test_message ("%u looks in 600 s", looks);
  if (GPOINTER_TO_INT (kind) == FLUFL_FS_NFS)
    g_assert_cmpuint (looks, ==, 2); /* early, and at the deadline: nothing has changed */
  else
    {
      g_assert_cmpuint (looks, <=, 302);
      g_assert_cmpuint (looks, >=, 150);
    }

  g_test_message ("At once what has expired, what has gone, and what is no lock");
  test_place_empty (&self->place);
  g_free (claim);
  claim = test_make_lock (&self->place, "x.lock|far.example|12|34", -86400);
  g_assert_cmpint (run (self, 20 * SEC, 3600), ==, FLUFL_RESULT_HELD);
  g_assert_cmpint (fake_now - self->begun, <=, 6 * SEC); /* its rest */
  g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                   FLUFL_OUTCOME_RELEASED);
  put_garbage (&self->place);
  g_assert_cmpint (run (self, 20 * SEC, 3600), ==, FLUFL_RESULT_REFUSED);
  g_assert_cmpint (self->acquire.outcome, ==, FLUFL_OUTCOME_NOT_A_LOCK);
  g_assert_cmpint (fake_now, ==, self->begun);
  test_place_empty (&self->place);
}

static char *
name_of_dead (void)
{
  FluflIdentity gone;
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    _exit (0);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  flufl_identity_get (&table, &gone);
  gone.pid = (int) pid;
  return gone.space[0] == '\0'
             ? NULL
             : flufl_claim_name_build ("x.lock", "|", &gone, 1, 1, FLUFL_MARK_NONE);
}

/* A lock of a dead process rests for five seconds, and is broken at once then. */
static void
dead_holder (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *name = name_of_dead ();
  g_autofree char *claim = NULL;
  int errsv = 0;

  if (name == NULL)
    {
      g_test_skip ("no process is told from another here");
      return;
    }
  self->break_dead = TRUE;
  for (int i = 0; i < 20; i++) /* whatever the chance of the pauses is */
    {
      g_free (claim);
      fake_now = START; /* the file's times are real ones */
      claim = test_make_lock (&self->place, name, 86400);
      g_assert_cmpint (run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
      g_assert_cmpint (fake_now - self->begun, >=, 4900 * MSEC);
      g_assert_cmpint (fake_now - self->begun, <=, 5300 * MSEC);
      g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
    }
}

static gint64 doom;

static int
kill_at_doom (pid_t pid, int sig)
{
  if (fake_now < doom)
    return lies_syscalls.kill (pid, sig);
  errno = ESRCH;
  return -1;
}

/* It was looked at while its holder, who is we, lived. */
static void
holder_dies (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *name = NULL;
  g_autofree char *claim = NULL;
  FluflIdentity holder;
  int errsv = 0;

  flufl_identity_get (&table, &holder);
  if (holder.space[0] == '\0')
    {
      g_test_skip ("no process is told from another here");
      return;
    }
  name = flufl_claim_name_build ("x.lock", "|", &holder, 1, 1, FLUFL_MARK_NONE);
  table.kill = kill_at_doom;
  self->break_dead = TRUE;
  for (int i = 0; i < 20; i++)
    {
      g_free (claim);
      fake_now = START;
      doom = START + (20 + i) * SEC + i * 37 * MSEC;
      claim = test_make_lock (&self->place, name, 86400);
      g_assert_cmpint (run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
      g_assert_cmpint (fake_now, >=, doom);
      g_assert_cmpint (fake_now, <=, doom + 2 * SEC); /* what a poll is apart, or a look */
      g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
    }
}

static const char *shortened_claim;

static gint64 shortened_at, shortened_until; /* real time of this program, in seconds */

/* Until 25 seconds from now. */
static void
shorten (void)
{
  struct timespec times[2] = { 0 };

  shortened_at = (g_get_real_time () + fake_now - START) / SEC;
  shortened_until = shortened_at + 25;
  times[0].tv_sec = times[1].tv_sec = shortened_until;

  g_assert_cmpint (utimensat (AT_FDCWD, shortened_claim, times, 0), ==, 0);
}

/* The kernel has the time of a change from its own clock. */
static int
set_time_of_shortening (int result, struct stat *st)
{
  if (result == 0 && st->st_mtim.tv_sec == shortened_until)
    st->st_ctim = (struct timespec){ .tv_sec = shortened_at };
  return result;
}

static int
lstat_shortened (const char *path, struct stat *st)
{
  return set_time_of_shortening (lies_syscalls.lstat (path, st), st);
}

static int
fstat_shortened (int fd, struct stat *st)
{
  return set_time_of_shortening (lies_syscalls.fstat (fd, st), st);
}

/* A wait that has lasted looks each ten seconds. A holder that shortens its lease then is noticed
 * at once, and the lock is broken as soon as it may be. */
static void
shortens (Patience *self, gconstpointer unused G_GNUC_UNUSED)
{
  int errsv = 0;

  table.lstat = lstat_shortened;
  table.fstat = fstat_shortened;
  for (int i = 0; i < 10; i++)
    {
      g_autofree char *claim = NULL;

      fake_now = START;
      shortened_claim = claim = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
      event = shorten;
      event_at = START + (60 + i) * SEC;
      g_assert_cmpint (run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
      /* The expiration, and ten seconds for clocks that differ. */
      g_assert_cmpint (fake_now - START, >=, (60 + i + 25 + 10 - 1) * SEC);
      g_assert_cmpint (fake_now - START, <=, (60 + i + 25 + 10 + 1) * SEC);
      g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
    }
}

static TestPlace *changing_place;
static char *next_holder, *last_claim;

static void
change_hands (void)
{
  g_assert_cmpint (unlink (last_claim), ==, 0);
  g_assert_cmpint (unlink (changing_place->lock), ==, 0);
  g_free (test_make_lock (changing_place, next_holder, 86400));
}

/* Since it was looked at another has it, and is dead: that is seen when it has
 * rested, and not before. */
static void
changes_hands (Patience *self, gconstpointer kind G_GNUC_UNUSED)
{
  g_autofree char *name = name_of_dead ();
  guint looks;
  int errsv = 0;

  if (name == NULL)
    {
      g_test_skip ("no process is told from another here");
      return;
    }
  changing_place = &self->place;
  next_holder = name;
  self->break_dead = TRUE;
  for (int i = 0; i < 20; i++) /* whatever the chance of the pauses is */
    {
      fake_now = START; /* the file's times are real ones */
      last_claim = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
      change = change_hands;
      looks = lies_count (LIES_READ);
      g_assert_cmpint (run (self, -1, 3600), ==, FLUFL_RESULT_HELD);
      g_assert_cmpint (fake_now - self->begun, >=, 4900 * MSEC);
      g_assert_cmpint (fake_now - self->begun, <=, 5300 * MSEC);
      /* Early, when it had rested, and with the token. */
      g_assert_cmpuint (lies_count (LIES_READ) - looks, ==, 3);
      g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                       FLUFL_OUTCOME_RELEASED);
      g_clear_pointer (&last_claim, g_free);
    }
}

static guint n_lists;

static guint n_crowd; /* so many names come before all others */

static int
count_list (const char *directory, FluflNameFunc func, gpointer user_data)
{
  n_lists++;
  for (guint i = 0; i < n_crowd; i++)
    if (!func ("another", user_data))
      return 0;
  return lies_syscalls.list (directory, func, user_data);
}

/* Where nobody queues, one who waits for long collects what a killed waiter has
 * left, and does not ask the file server for its directory all the time. A local
 * directory with so many names that nobody queues is read each second. */
static void
sweeps (Patience *self, gconstpointer kind)
{
  const gboolean local = GPOINTER_TO_INT (kind) == FLUFL_FS_LOCAL;
  g_autofree char *lock_claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
  g_autofree char *name = name_of_dead ();
  g_autofree char *path = NULL;

  if (name == NULL)
    {
      test_place_empty (&self->place);
      g_test_skip ("no process is told from another here");
      return;
    }
  path = test_place_path (&self->place, name);
  g_assert_true (g_file_set_contents (path, path, -1, NULL));
  n_crowd = local ? 3000 : 0;
  flufl_roll_names_max = 2000;
  table.list = count_list;
  n_lists = 0;

  run (self, 600 * SEC, 3600);
  g_assert_cmpuint (n_lists, <=, local ? 601 : 0);
  self->break_dead = TRUE;
  n_lists = 0;
  run (self, 200 * MSEC, 3600);
  g_assert_cmpuint (n_lists, <=, local ? 1 : 0);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  run (self, local ? 4 * SEC : 2 * SEC, 3600);
  g_assert_cmpuint (n_lists, <=, local ? 6 : 1);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  n_lists = 0;
  run (self, 600 * SEC, 3600);
  g_assert_cmpuint (n_lists, <=, local ? 601 + 61 : 61);
  test_place_empty (&self->place);
}

static char *older_claims[2];
static TestPlace *left_place;

static void
leave_lock (void)
{
  g_assert_cmpint (unlink (older_claims[0]), ==, 0);
  g_assert_cmpint (unlink (left_place->lock), ==, 0);
}

static void
leave_line (void)
{
  g_assert_cmpint (unlink (older_claims[1]), ==, 0);
  event = leave_lock;
  event_at = fake_now + 300 * MSEC;
}

static int
list_slowly (const char *directory, FluflNameFunc func, gpointer user_data)
{
  fake_now += 10 * MSEC;
  return count_list (directory, func, user_data);
}

/* The names of a large directory are kept. A claim that goes meanwhile is not waited for again:
 * the waiter goes on to the claim before it, and does not read the directory for that. */
static void
strikes (Patience *self, gconstpointer unused G_GNUC_UNUSED)
{
  g_autofree char *lock_claim G_GNUC_UNUSED
      = test_make_lock (&self->place, "x.lock|far.example|12|34", 86400);
  FluflIdentity us;
  int errsv = 0;

  flufl_identity_get (&table, &us);
  if (us.boot[0] == '\0')
    {
      test_place_empty (&self->place);
      g_test_skip ("this kernel tells nothing of its boot");
      return;
    }
  for (guint64 i = 0; i < G_N_ELEMENTS (older_claims); i++)
    {
      g_autofree char *name = flufl_claim_name_build ("x.lock", "|", &us, 1 + i, 1 + i,
                                                      FLUFL_MARK_NONE);

      older_claims[i] = test_place_path (&self->place, name);
      g_assert_true (g_file_set_contents (older_claims[i], older_claims[i], -1, NULL));
    }
  left_place = &self->place;
  n_crowd = flufl_roll_large;
  flufl_roll_kept_times = 1000;
  table.list = list_slowly;
  n_lists = 0;
  event = leave_line;
  event_at = fake_now + 2 * SEC;
  alarm (TEST_PATIENCE_SEC / 2);
  g_assert_cmpint (run (self, 60 * SEC, 3600), ==, FLUFL_RESULT_HELD);
  alarm (0);
  g_assert_cmpint (fake_now - self->begun, <=, 3 * SEC);
  g_assert_cmpuint (n_lists, ==, 1);
  g_assert_cmpint (flufl_claim_release (&self->acquire.claim, &self->site, &errsv), ==,
                   FLUFL_OUTCOME_RELEASED);
  for (guint i = 0; i < G_N_ELEMENTS (older_claims); i++)
    g_free (older_claims[i]);
  test_place_empty (&self->place);
  flufl_roll_forget ();
}

#define ADD(path, func) \
  G_STMT_START \
    { \
      g_test_add (path "/local", Patience, GINT_TO_POINTER (FLUFL_FS_LOCAL), set_up, func, \
                  tear_down); \
      g_test_add (path "/nfs", Patience, GINT_TO_POINTER (FLUFL_FS_NFS), set_up, func, tear_down); \
    } \
  G_STMT_END

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/patience/timed-out", timed_out);
  ADD ("/patience/asks-so-often", asks_so_often);
  ADD ("/patience/expires", expires);
  ADD ("/patience/dead-holder", dead_holder);
  ADD ("/patience/holder-dies", holder_dies);
  ADD ("/patience/nothing-but-errors", nothing_but_errors);
  ADD ("/patience/errors-now-and-then", errors_now_and_then);
  g_test_add ("/patience/shortens", Patience, GINT_TO_POINTER (FLUFL_FS_LOCAL), set_up, shortens,
              tear_down);
  g_test_add ("/patience/strikes", Patience, GINT_TO_POINTER (FLUFL_FS_LOCAL), set_up, strikes,
              tear_down);
  g_test_add ("/patience/changes-hands", Patience, GINT_TO_POINTER (FLUFL_FS_NFS), set_up,
              changes_hands, tear_down);
  g_test_add ("/patience/looks-seldom/nfs", Patience, GINT_TO_POINTER (FLUFL_FS_NFS), set_up,
              looks_seldom, tear_down);
  g_test_add ("/patience/looks-seldom/other", Patience, GINT_TO_POINTER (FLUFL_FS_OTHER), set_up,
              looks_seldom, tear_down);
  g_test_add ("/patience/sweeps/crowd", Patience, GINT_TO_POINTER (FLUFL_FS_LOCAL), set_up, sweeps,
              tear_down);
  g_test_add ("/patience/sweeps/nfs", Patience, GINT_TO_POINTER (FLUFL_FS_NFS), set_up, sweeps,
              tear_down);
  g_test_add ("/patience/sweeps/other", Patience, GINT_TO_POINTER (FLUFL_FS_OTHER), set_up, sweeps,
              tear_down);

  return g_test_run ();
}
