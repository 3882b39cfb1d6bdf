/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The identity of this process, and whether another process still lives whose identity is known:
 * docs/protocol.md, "Evidence".
 */

#include "config.h"

#include "flufl-identity.h"

#include <string.h>
#include <unistd.h>

#include "flufl-process.h"
#include "flufl-process-facts.h"

/* The name that claims of this process carry. Not the fully qualified one: a
 * look-up in DNS can stall for seconds. */
const char *
flufl_identity_host_name (void)
{
  return g_get_host_name ();
}

/* Never changed once it is shown to other threads. */
typedef struct _Known Known;

struct _Known
{
  Known        *parents; /* other threads may read it, and so not freed */
  int           process; /* its mark */
  FluflIdentity identity;
};

/* Found once a process: a forked child is another one. What could not be found,
 * perhaps for want of file numbers, is looked for again. Without a mutex: a
 * thread that fork(2) left behind could not give it back. */
void
flufl_identity_get (const FluflSyscalls *sys, FluflIdentity *out)
{
  static Known *known;
  Known *old = g_atomic_pointer_get (&known);
  Known *fresh;

  if (old != NULL && old->process == flufl_process_mark ())
    {
      *out = old->identity;
      return;
    }
  memset (out, 0, sizeof *out);
  out->pid = (int) getpid ();
  g_strlcpy (out->host, flufl_identity_host_name (), sizeof out->host);
  flufl_process_facts_find (sys, out);
  if (out->boot[0] == '\0' || out->space[0] == '\0' || out->start[0] == '\0')
    return;
  fresh = g_new (Known, 1);
  fresh->parents = old;
  fresh->process = flufl_process_mark ();
  fresh->identity = *out;
  if (!g_atomic_pointer_compare_and_exchange (&known, old, fresh))
    g_free (fresh);
}

/* Another boot proves nothing, on a local file system neither: it may be exported, or shared with
 * virtual machines, and they have boots of their own. One boot has one kernel, and one namespace
 * one set of process ids, whatever the host is called by now. */
static gboolean
is_beside (const FluflIdentity *us, const FluflClaimName *claim)
{
  return claim->ours && claim->pid >= 1
         && us->boot[0] != '\0' && strcmp (claim->boot, us->boot) == 0
         && us->space[0] != '\0' && strcmp (claim->space, us->space) == 0;
}

/* Whether the process ID in @claim means a process that this one can ask for. */
gboolean
flufl_identity_is_here (const FluflSite *site, const FluflClaimName *claim)
{
  FluflIdentity us;

  flufl_identity_get (site->sys, &us);
  return is_beside (&us, claim);
}

/* Whether the process that made @claim lives, and what it does if it is ALIVE. */
static FluflLiveness
judge (const FluflSite *site, const FluflClaimName *claim, FluflProcessState *out_state)
{
  FluflProcessState state;
  FluflIdentity us;
  guint64 start;

  if (claim->boot[0] == '\0' || claim->start[0] == '\0')
    return FLUFL_LIVENESS_UNKNOWN;
  flufl_identity_get (site->sys, &us);
  if (!is_beside (&us, claim))
    return FLUFL_LIVENESS_UNKNOWN;

  state = flufl_process_facts_ask (site->sys, claim->pid, &start);
  if (state == FLUFL_PROCESS_UNKNOWN)
    return FLUFL_LIVENESS_UNKNOWN;
  if (state == FLUFL_PROCESS_NONE || state == FLUFL_PROCESS_ENDED
      || start != g_ascii_strtoull (claim->start, NULL, 16))
    return FLUFL_LIVENESS_DEAD;
  /* Only the process itself can tell that it runs another program now. */
  if (claim->pid == (int) getpid () && claim->image[0] != '\0' && us.image[0] != '\0'
      && strcmp (claim->image, us.image) != 0)
    return FLUFL_LIVENESS_DEAD;
  *out_state = state;
  return FLUFL_LIVENESS_ALIVE;
}

/* Whether the process that made @claim lives. Proof is what the claim's name says and this kernel
 * confirms; host name and process ID alone never are. */
FluflLiveness
flufl_identity_judge (const FluflSite *site, const FluflClaimName *claim)
{
  FluflProcessState state;

  return judge (site, claim, &state);
}

/* Whether @claim says that this very process made it. */
gboolean
flufl_identity_is_own (const FluflSite *site, const FluflClaimName *claim)
{
  FluflIdentity us;

  if (!claim->ours || claim->pid != (int) getpid ())
    return FALSE;
  flufl_identity_get (site->sys, &us);
  return is_beside (&us, claim) && us.start[0] != '\0' && strcmp (claim->start, us.start) == 0;
}

/* Whether the process that made @claim is proved to live and to do nothing: it
 * was told to stop, or is being debugged. It may go on at any moment. */
gboolean
flufl_identity_is_stopped (const FluflSite *site, const FluflClaimName *claim)
{
  FluflProcessState state;

  return judge (site, claim, &state) == FLUFL_LIVENESS_ALIVE && state == FLUFL_PROCESS_STOPPED;
}
