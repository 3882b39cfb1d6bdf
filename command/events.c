/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 */

#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* The highest number of a signal is not a constant everywhere. */
#ifdef SIGRTMAX
#define SIGNAL_MAX SIGRTMAX
#else
#define SIGNAL_MAX (NSIG - 1)
#endif

/* Another process of this command sends a request by SIGURG with such a value. A process that does
 * not expect SIGURG ignores it, so no harm is done if the process ID belongs to another program by
 * now. The process ID may belong to another process of this command, after it was reused or in another
 * pid namespace, so the value has a hash of the claim's name. From the lowest bits upwards the value is
 * the kind of the request, the hash, and a time in units of ASKED_UNIT milliseconds. */
#define ASKED_BITS 2
#define ASKED_REFRESH 1
#define ASKED_RELEASE 2
#if GLIB_SIZEOF_VOID_P >= 8
#define ASKED_HASH_BITS 32
#define ASKED_UNIT 1
#else
#define ASKED_HASH_BITS 8
#define ASKED_UNIT 128
#endif
#define ASKED_HASH_MASK ((guint32) (((guint64) 1 << ASKED_HASH_BITS) - 1))

/* Milliseconds between two tries if the system refuses to wait for descriptors. */
#define REFUSED_PAUSE 100

#if defined (_POSIX_REALTIME_SIGNALS) && _POSIX_REALTIME_SIGNALS > 0
#define CAN_ASK 1 /* there is sigqueue(3) */
#endif

static int pipe_fds[2] = { -1, -1 };
static sigset_t caught; /* the signals with the handler caught_cb(), except SIGCHLD */
static struct sigaction former_chld, former_cont, former_pipe, former_ttou, former_ttin; /* the caller's */
static sigset_t former_mask;
static volatile guint32 own_hash; /* of the claim whose lock this process holds */
static volatile sig_atomic_t has_claim;

/* A record of the pipe. The system writes and reads it as a whole. */
typedef struct
{
  gint32 event;
  gint32 msec; /* of a request; 0: none */
} Record;

/* Whether a signal concerns this process only, and is not passed on to the command. Such signals
 * are faults of this program, and stops for its use of the terminal. */
static gboolean
is_own (int number)
{
  static const int own[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL, SIGTRAP,
                             SIGABRT, SIGSYS,  SIGCHLD, SIGPIPE, SIGTTOU, SIGTTIN };

  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    if (own[i] == number)
      return TRUE;
  return FALSE;
}

static void
post (int event, gint32 msec)
{
  Record record = { event, msec };
  int errsv = errno;
  gssize ignored G_GNUC_UNUSED = write (pipe_fds[1], &record, sizeof record);

  errno = errsv;
}

/* Writes an event to the pipe. Async-signal-safe. The pipe does not block. If it is full, the event
 * is dropped, since the process has many events to handle already. */
void
events_post (int event)
{
  post (event, 0);
}

#ifdef CAN_ASK
static guint32
hash_claim (const char *claim)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, claim, -1);

  sum[8] = '\0';
  return (guint32) g_ascii_strtoull (sum, NULL, 16) & ASKED_HASH_MASK;
}

/* Posts a request for the lock of this process, and drops one for another lock. Async-signal-safe. */
static void
post_request (guintptr value)
{
  guint32 kind = value & ((1 << ASKED_BITS) - 1);
  guint32 hash = (guint32) (value >> ASKED_BITS) & ASKED_HASH_MASK;
  gint32 msec = (gint32) (value >> (ASKED_BITS + ASKED_HASH_BITS)) * ASKED_UNIT;

  if (has_claim && hash == own_hash)
    post (kind == ASKED_RELEASE ? EVENT_RELEASE : EVENT_REFRESH, msec);
}
#endif

static void
caught_cb (int number, siginfo_t *info, void *context G_GNUC_UNUSED)
{
#ifdef CAN_ASK
  if (number == SIGURG && info->si_code == SI_QUEUE)
    {
      post_request ((guintptr) info->si_value.sival_ptr);
      return;
    }
#else
  (void) info;
#endif
  events_post (number);
}

/* Sets the handler for signals. A signal that the caller ignores, as nohup(1) does with SIGHUP,
 * stays ignored. SIGURG, SIGCHLD and SIGCONT get the handler even then. Without SIGCONT a wait that is
 * stopped would not go on. Returns FALSE with errno set. */
gboolean
events_catch (void)
{
  struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART, .sa_sigaction = caught_cb };
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  struct sigaction former;

  if (!events_open_pipe ())
    return FALSE;
  sigemptyset (&action.sa_mask);
  sigemptyset (&caught);
  sigaction (SIGPIPE, &ignore, &former_pipe);
  sigaction (SIGTTOU, &ignore, &former_ttou);
  sigaction (SIGTTIN, &ignore, &former_ttin);
  sigaction (SIGCHLD, &action, &former_chld);
  for (int number = 1; number <= SIGNAL_MAX; number++)
    if (!is_own (number) && sigaction (number, NULL, &former) == 0
        && (former.sa_handler != SIG_IGN || number == SIGURG || number == SIGCONT)
        && sigaction (number, &action, NULL) == 0)
      {
        sigaddset (&caught, number);
        if (number == SIGCONT)
          former_cont = former;
      }
  sigemptyset (&action.sa_mask);
  sigprocmask (SIG_SETMASK, &action.sa_mask, &former_mask);
  return TRUE;
}

/* Opens the pipe, and closes an inherited one. A forked child needs a pipe of its own. Returns
 * FALSE with errno set. */
gboolean
events_open_pipe (void)
{
  for (guint i = 0; i < 2; i++)
    if (pipe_fds[i] >= 0)
      close (pipe_fds[i]);
  if (pipe (pipe_fds) != 0)
    {
      pipe_fds[0] = pipe_fds[1] = -1;
      return FALSE;
    }
  for (guint i = 0; i < 2; i++)
    {
      fcntl (pipe_fds[i], F_SETFD, FD_CLOEXEC);
      fcntl (pipe_fds[i], F_SETFL, O_NONBLOCK);
    }
  return TRUE;
}

/* Blocks all signals during a fork(2) or vfork(2), so that a signal that comes meanwhile waits. */
void
events_block (sigset_t *out_mask)
{
  sigset_t all;

  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, out_mask);
}

void
events_unblock (const sigset_t *mask)
{
  sigprocmask (SIG_SETMASK, mask, NULL);
}

/* Lets SIGTSTP stop this process, which holds no lock and has no command to stop. */
void
events_let_stop (void)
{
  struct sigaction normal = { .sa_handler = SIG_DFL };

  if (sigismember (&caught, SIGTSTP) == 1)
    sigaction (SIGTSTP, &normal, NULL);
}

/* Gives the signals the actions that the caller of this program had set. Called in the child that
 * becomes the command. SIGURG gets its default action, which is to ignore it. */
void
events_give_back (void)
{
  struct sigaction normal = { .sa_handler = SIG_DFL };

  for (int number = 1; number <= SIGNAL_MAX; number++)
    if (sigismember (&caught, number) == 1)
      sigaction (number, &normal, NULL);
  sigaction (SIGCHLD, former_chld.sa_handler == SIG_IGN ? &former_chld : &normal, NULL);
  sigaction (SIGCONT, former_cont.sa_handler == SIG_IGN ? &former_cont : &normal, NULL);
  sigaction (SIGPIPE, &former_pipe, NULL);
  sigaction (SIGTTOU, &former_ttou, NULL);
  sigaction (SIGTTIN, &former_ttin, NULL);
  sigprocmask (SIG_SETMASK, &former_mask, NULL);
}

int
events_fd (void)
{
  return pipe_fds[0];
}

/* Returns: the next event; EVENT_NONE if there is none now */
int
events_next (void)
{
  gint64 ignored;

  return events_next_asked (&ignored);
}

/*
 * events_next_asked:
 * @out_msec: the milliseconds that came with a request; 0 for none
 *
 * Returns: as events_next()
 */
int
events_next_asked (gint64 *out_msec)
{
  Record record = { EVENT_NONE, 0 };

  if (read (pipe_fds[0], &record, sizeof record) != sizeof record)
    record = (Record) { EVENT_NONE, 0 };
  *out_msec = record.msec;
  return record.event;
}

/*
 * events_wait:
 * @timeout: in milliseconds; -1: no end
 *
 * Waits as poll(2) does. The system may refuse that, for lack of memory or because of a limit of
 * descriptors that was lowered. This function then returns after a short pause. So the caller asks
 * the descriptors themselves, and not what poll(2) set.
 */
void
events_wait (struct pollfd *fds, guint n, int timeout)
{
  struct timespec pause = { 0, REFUSED_PAUSE * 1000 * 1000 };

  if (poll (fds, n, timeout) >= 0 || errno == EINTR)
    return;
  if (timeout >= 0 && timeout < REFUSED_PAUSE)
    pause.tv_nsec = timeout * 1000 * 1000;
  nanosleep (&pause, NULL);
}

gboolean
event_is_passed_on (int event)
{
  return event > 0 && event <= SIGNAL_MAX && !is_own (event);
}

/* Whether the event ends a process that waits for the lock, as the signal's default action does. */
gboolean
event_ends (int event)
{
  return event_is_passed_on (event) && event != SIGCONT && event != SIGTSTP && event != SIGWINCH
         && event != SIGURG;
}

/* From now on, requests for the lock with this claim become events. */
void
events_answer_for (const char *claim)
{
#ifdef CAN_ASK
  has_claim = FALSE;
  own_hash = hash_claim (claim);
  has_claim = TRUE;
#else
  (void) claim;
#endif
}

/*
 * events_ask:
 * @claim: the name of the claim whose lock the request is about
 * @event: EVENT_REFRESH or EVENT_RELEASE
 * @msec: at most EVENTS_ASKED_MS_MAX; 0 for none
 *
 * Asks the process @pid of this command. Returns FALSE with errno set.
 */
gboolean
events_ask (int pid, const char *claim, int event, gint64 msec)
{
#ifdef CAN_ASK
  guint64 time = (guint64) MAX (msec / ASKED_UNIT, msec > 0);
  guint64 all = (time << (ASKED_BITS + ASKED_HASH_BITS)) | ((guint64) hash_claim (claim) << ASKED_BITS)
                | (event == EVENT_RELEASE ? ASKED_RELEASE : ASKED_REFRESH);
  union sigval value = { .sival_ptr = GSIZE_TO_POINTER ((gsize) all) };

  return sigqueue (pid, SIGURG, value) == 0;
#else
  (void) pid, (void) claim, (void) event, (void) msec;
  errno = ENOTSUP;
  return FALSE;
#endif
}
