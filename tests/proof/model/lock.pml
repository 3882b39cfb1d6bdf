/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The protocol of docs/protocol.md over a model of the file system. Each system
 * call is one atomic step. Any process may pause before any step, but for A1.
 * README.md says what is abstracted, and what each switch stands for.
 */

/* The size of the world. */
#ifndef N
#define N 3 /* processes */
#endif
#ifndef A
#define A 1 /* claim files that each makes at most */
#endif
#ifndef ROUNDS
#define ROUNDS A /* attempts that each makes at most */
#endif
#ifndef NCRASH
#define NCRASH 0
#endif
#ifndef NLOST
#define NLOST 0 /* lost replies */
#endif
#ifndef NLATE
#define NLATE 0 /* deadlines of G/2 that are met too late, and seen to be */
#endif
#ifndef NOTHERS
#define NOTHERS 0 /* links that others make to claims and locks, as backups do */
#endif
#ifndef NDELETE
#define NDELETE 0 /* deletions by a person: of L, of a claim, or of all names, by another directory in the place of this one */
#endif
#ifndef NREF
#define NREF 0 /* refreshes of each holder */
#endif
#ifndef NOBREAK
#define NOBREAK 0 /* mask: never breaks */
#endif
#ifndef LOCAL
#define LOCAL 0 /* mask: sees the directory as a local one, so has life-lines */
#endif
#ifndef LINGER
#define LINGER 0 /* mask: keeps its claim */
#endif
#ifndef STALE
#define STALE 0 /* mask: a breaker may see one link, or no claim, where there is more */
#endif
#ifndef COPY
#define COPY 0 /* process 0 is dead, and has left a lock and its claim as two files */
#endif
#ifndef HANG
#define HANG 0 /* mask: may stop for ever between the unlinks of a release */
#endif
#ifndef STRANGER
#define STRANGER 0 /* somebody breaks what has expired, without rest and token */
#endif
#ifndef FUSED
#define FUSED 0 /* nothing comes between a look that narrows a window and the unlink after it */
#endif
#ifndef EVIDENCE
#define EVIDENCE 0 /* dead processes are seen to be dead */
#endif

#ifndef OBSERVE
#define OBSERVE 0 /* all breakers trust no ctime: a rest is what the breaker has itself seen unchanged */
#endif
#ifndef LIES
#define LIES 0 /* a ctime may seem to be G ago at any moment */
#endif

/* Assumption A1, as a mask: for ordinary breakers, releasers, breakers by a
 * life-line. */
#ifndef A1
#define A1 7
#endif

/* Guards; 1 is the protocol. */
#ifndef REST
#define REST 1 /* 0: only an orphan rests; 2: the rest counts from mtime */
#endif
#ifndef SEENAGAIN
#define SEENAGAIN 1 /* with OBSERVE, a change begins the rest anew. 0: only another file does */
#endif
#ifndef NEAR
#define NEAR 1 /* with OBSERVE, looks are close: who sees one state for G, all see in that state. 0: far apart */
#endif
#ifndef MTIME
#define MTIME 1 /* after the token, a refresh is seen */
#endif
#ifndef AGAIN
#define AGAIN 1 /* a claim that went since the look: rest without it */
#endif
#ifndef CHECKC
#define CHECKC 1 /* lstat(c) before unlink(c) */
#endif
#ifndef UNDO
#define UNDO 1 /* a claim given to the wrong file is taken back */
#endif
#ifndef OWNINODE
#define OWNINODE 1 /* who holds compares its inode */
#endif
#ifndef SEELOCK
#define SEELOCK 1 /* what has two links is the lock only if L is one of them */
#endif
#ifndef FINISH
#define FINISH 1 /* claim gone: finish the release if the lease is safe. 2: always */
#endif
#ifndef SEEL
#define SEEL 1 /* L is seen to be ours right before it is removed */
#endif
#ifndef SEEHELD
#define SEEHELD 1 /* who refreshes with a life-line sees L, not only two links */
#endif
#ifndef RELLOOK
#define RELLOOK 1 /* an unsafe release looks at L between its unlinks */
#endif
#ifndef RELOOK
#define RELOOK 1 /* a late release begins anew from a look. 2: from a link count only. 3: from any */
#endif
#ifndef YOUNG
#define YOUNG 1 /* no confirmation if the touch is young. 2: never a confirmation */
#endif
#ifndef LINEDROP
#define LINEDROP 1 /* 0: a release lets go of its life-line before unlink(L) */
#endif
#ifndef LINEREST
#define LINEREST 1 /* an orphan rests also for who has its life-line */
#endif
#ifndef LINESEE
#define LINESEE 1 /* lstat(L) with the life-line in hand */
#endif
#ifndef LINEORPHAN
#define LINEORPHAN 1 /* a rested orphan with a busy life-line is recovered. 0: never */
#endif
#ifndef PARKSAFE
#define PARKSAFE 1 /* 0: a claim is kept although its lease is not safe */
#endif
#ifndef PARKGONE
#define PARKGONE 1 /* 0: after a park's unlink(L) that answered ENOENT, Release without a look */
#endif
#ifndef ALWAYSK
#define ALWAYSK 1 /* without a life-line all claims are made to be kept. 0: also renamed */
#endif
#ifndef NEWNAME
#define NEWNAME 1 /* 0: what is kept is not renamed; the token is not taken */
#endif
#ifndef LINKSEE
#define LINKSEE 1 /* 0: who links a claim of some time ago does not see whether it was that */
#endif
#ifndef ONELINK
#define ONELINK 1 /* 0: the link count of a kept claim is not seen to */
#endif

#define M (N * A)
#define NONE 255
#define OWN(f) ((f) / A)
#define IN(mask, p) (((mask) >> (p)) & 1)
#define TELLS(f) IN(LOCAL, OWN(f)) /* the tag L */
/* Without a life-line there is no open file, and no queue to mislead. */
#define MAY_WAIT(p) (ALWAYSK && !IN(LOCAL, p))

/* File f is made as name f. Linger may rename it to M+f, and its content then
 * follows with the next use. */
#if LINGER
#define NAMES (2 * M)
bit renamed[M];
#define CONTENT(f) (renamed[f] -> M + (f) : (f))
#else
#define NAMES M
#define CONTENT(f) (f)
#endif

byte L = NONE;
byte C[NAMES] = NONE;
byte nl[M];
bit expired[M];  /* mtime and slop are past */
bit lapsed[M];   /* ghost: the same by the owner's touches alone */
bit rested[M];   /* the ctime is at least G ago */
#if LOCAL
byte line[M] = NONE; /* who has the flock */
#endif

bit holds[N];    /* believes to hold the lock */
bit lease[N];    /* of what it holds, by its last confirmed touch */
bit touched[N];  /* the lease that a confirmation would give */
bit late[N];     /* ghost: its claim expired since the touch before its link */
byte mine[N] = NONE;
bit dead[N];
bit fin[N];
byte act[N] = NONE; /* the file that its action is about */
bit since[N];       /* whose ctime changed since the action began */
bit safe[N];        /* a release or park with a tenth of its lease left */
byte seen[N] = NONE;
bit changed[N];     /* mtime of the file seen is not what it was */
byte ncrash, nlost, nlate, nothers;
#if OBSERVE
byte ofile[N] = NONE; /* the file that it saw last … */
byte olinks[N];       /* … with so many links … */
byte oclaim[N] = NONE; /* … and its claim's file */
bit omoved[N];        /* it was touched since */
byte waits[N];        /* mask: whose actions about it ran when it was first seen so */
bit opast[N];         /* G has passed since */
#define RUNS_ON(q, f) (((q) != p && act[q] == (f)) << (q))
#if N == 2
#define RUNNING(f) (RUNS_ON(0, f) | RUNS_ON(1, f))
#define OVER(p) waits[0] = waits[0] & ~(1 << (p)); waits[1] = waits[1] & ~(1 << (p))
#else
#define RUNNING(f) (RUNS_ON(0, f) | RUNS_ON(1, f) | RUNS_ON(2, f))
#define OVER(p) waits[0] = waits[0] & ~(1 << (p)); waits[1] = waits[1] & ~(1 << (p)); waits[2] = waits[2] & ~(1 << (p))
#endif
#define OMOVED1(p, f) omoved[p] = (ofile[p] == f -> 1 : omoved[p])
#define SEEN_OTHERWISE(f) (SEENAGAIN && (olinks[p] != nl[f] || oclaim[p] != C[c] || omoved[p]))
#define HAS_RESTED(f) (opast[p] && !omoved[p] && ofile[p] == f)
#define SAW1(q, f) omoved[q] = (NEAR && ofile[q] == (f) && (olinks[q] != olinks[p] || oclaim[q] != oclaim[p]) -> 1 : omoved[q])
inline observe(x, c)
{
  if
  :: ofile[p] == x && (!SEENAGAIN || (olinks[p] == nl[x] && oclaim[p] == C[c] && !omoved[p])) ->
       omoved[p] = 0;
       if
       :: opast[p] ->
            SAW1(0, x); SAW1(1, x);
#if N > 2
            SAW1(2, x)
#endif
       :: else
       fi
  :: else -> ofile[p] = x; olinks[p] = nl[x]; oclaim[p] = C[c]; omoved[p] = 0; opast[p] = 0;
       waits[p] = RUNNING(x); printf("p%d: sees file %d so for the first time\n", p, x)
  fi
}
#else
#define HAS_RESTED(f) rested[f]
#define SEEN_OTHERWISE(f) 0
#define OVER(p) skip
#endif
#if NDELETE
byte ndelete;
bit deleted[N]; /* something was, since it saw L last */
bit robbed[N];  /* ghost: the lock that it holds was deleted */
#define SEES_L deleted[p] = 0
#define IS_ANEW robbed[p] = 0
#define NOT_ROBBED(p) (!robbed[p])
#define EXCUSED(p) (SEEL && deleted[p])
#define UNDISTURBED (ndelete == 0)
#else
#define SEES_L skip
#define IS_ANEW skip
#define NOT_ROBBED(p) 1
#define EXCUSED(p) 0
#define UNDISTURBED 1
#endif
#ifdef LEAK
bit given_back[NAMES];
#define GIVEN_BACK(c) given_back[c] = 1
#else
#define GIVEN_BACK(c) skip
#endif

#define HOLDS(p) (holds[p] * lease[p] * NOT_ROBBED(p))
#if N == 2
#define HOLDERS (HOLDS(0) + HOLDS(1))
#define ANY(q, f) (q(0, f) || q(1, f))
#define ALL(q) (q(0) && q(1))
#elif N == 3
#define HOLDERS (HOLDS(0) + HOLDS(1) + HOLDS(2))
#define ANY(q, f) (q(0, f) || q(1, f) || q(2, f))
#define ALL(q) (q(0) && q(1) && q(2))
#else
#define HOLDERS (HOLDS(0) + HOLDS(1) + HOLDS(2) + HOLDS(3))
#define ANY(q, f) (q(0, f) || q(1, f) || q(2, f) || q(3, f))
#define ALL(q) (q(0) && q(1) && q(2) && q(3))
#endif

/* Under A1 an action is over before a rest that began during it. */
#define STRETCHES(p, f) (act[p] == f && since[p])
/* Slop and a tenth of a lease are longer than G, so are over after the action. */
#define SAVES(p, f) (act[p] == f && safe[p])

/* Who looked during an earlier use of the claim may still act. */
#define ACTS(p, f) (act[p] == f)
#ifdef P3STRICT
#define BE_IN_TIME late[p] = 0
#else
#define BE_IN_TIME late[p] = (ANY(ACTS, f) -> late[p] : 0)
#endif

#define BEGIN(p, kind, f) if :: (A1 & kind) -> act[p] = f; since[p] = 0 :: else fi
#define END(p) OVER(p); act[p] = NONE; since[p] = 0; safe[p] = 0; seen[p] = NONE; changed[p] = 0

#define CTIME1(p, f) since[p] = (act[p] == f -> 1 : since[p])
#define MTIME1(p, f) changed[p] = (seen[p] == f -> 1 : changed[p])
inline ctime(f)
{
#if REST != 2
  rested[f] = 0;
#endif
  CTIME1(0, f); CTIME1(1, f);
#if N > 2
  CTIME1(2, f);
#endif
#if N > 3
  CTIME1(3, f);
#endif
}

inline touch(f, p)
{
  expired[f] = 0; rested[f] = 0;
  ctime(f);
  MTIME1(0, f); MTIME1(1, f);
#if N > 2
  MTIME1(2, f);
#endif
#if N > 3
  MTIME1(3, f);
#endif
#if OBSERVE
  OMOVED1(0, f); OMOVED1(1, f);
#if N > 2
  OMOVED1(2, f);
#endif
#endif
  if :: OWN(f) == p -> lapsed[f] = 0 :: else fi
}

/* P1: no process removes from L a lock that has not expired since the last
 * touch of its owner; unless the owner is proved dead, or has let go of its
 * life-line. */
#if LOCAL
#define LINE_KEPT(f) (!TELLS(f) || line[f] == OWN(f))
#else
#define LINE_KEPT(f) 1
#endif
#if NDELETE
inline disturb_all()
{
  deleted[0] = 1; deleted[1] = 1;
#if N > 2
  deleted[2] = 1;
#endif
#if N > 3
  deleted[3] = 1;
#endif
}

#define ROB(f) if :: mine[OWN(f)] == f -> robbed[OWN(f)] = 1 :: else fi
/* To others the lock that it removes by mistake is deleted, too. */
#define TAKE_AWAY(p, f) if :: OWN(f) != p && deleted[p] -> disturb_all(); ROB(f) :: else fi
#else
#define TAKE_AWAY(p, f) skip
#endif
inline unlink_L(p)
{
  printf("p%d: unlink(L) removes file %d\n", p, L);
#ifndef NOP1
  assert(OWN(L) == p || lapsed[L] || (EVIDENCE && dead[OWN(L)]) || !LINE_KEPT(L) || EXCUSED(p));
#endif
  TAKE_AWAY(p, L);
  nl[L]--; ctime(L); L = NONE
}

inline unlink_C(n) { nl[C[n]]--; ctime(C[n]); C[n] = NONE }

#ifdef NOP2
#define P2 skip
#else
#define P2 assert(HOLDERS <= 1)
#endif
/* P2: never do two hold the lock while the leases of both run. */
inline enter(p)
{
  holds[p] = 1; lease[p] = touched[p]; late[p] = (touched[p] -> late[p] : 1);
  printf("p%d: holds the lock (lease: %d)\n", p, lease[p]);
  P2
}

/* P3: a holder that was never late is not told that it lost. */
#ifdef P3
#define TOLD_LOST(p) assert(!(lease[p] && !late[p] && UNDISTURBED))
#else
#define TOLD_LOST(p) skip
#endif
/* The same for who releases in time, whatever reply is lost. */
#ifdef P3SAFE
#define SAFE_LOST(p) assert(!(safe[p] && !late[p] && UNDISTURBED))
#else
#define SAFE_LOST(p) skip
#endif

/* P4: nobody is let in by a lease that was over before its link. */
#ifdef P4
#define RUNS(how) ran = how
#define IS_IN assert(ran)
#else
#define RUNS(how) skip
#define IS_IN skip
#endif

/* P5: nobody takes another's lock for its own, nor one name too many for the lock. */
#ifdef P5
#define IS_MINE assert(C[n] == f)
#define IS_SINGLE assert(nl[f] <= 1)
#else
#define IS_MINE skip
#define IS_SINGLE skip
#endif

/* P6: nobody is told that it holds a lock that is gone. */
#ifdef P6
#define IS_HELD assert(L == f)
#else
#define IS_HELD skip
#endif

inline forget(p) /* flufl_claim_clear() */
{
#if LOCAL
  if :: line[f] == p -> line[f] = NONE :: else fi;
#endif
  holds[p] = 0; lease[p] = 0; touched[p] = 0; late[p] = 0; mine[p] = NONE;
#if NDELETE
  robbed[p] = 0; deleted[p] = 0;
#endif
  END(p); c = NONE; x = NONE; r = 0
}

#define LOSE_REPLY(otherwise) \
  if :: nlost < NLOST -> nlost++; printf("   the reply is lost\n"); otherwise :: skip fi

/* A deadline that has passed ends the action where it is. */
#define MAY_BE_LATE nlate < NLATE -> nlate++; printf("   p%d is late, and sees it\n", p)

/* Time */

inline expire(f)
{
  expired[f] = 1; lapsed[f] = 1; printf("   time: file %d expires\n", f);
  if :: mine[OWN(f)] == f -> lease[OWN(f)] = 0; touched[OWN(f)] = 0; late[OWN(f)] = 1 :: else fi
}

proctype Expiry(byte f)
{
  do
  :: atomic { !expired[f] && nl[f] > 0 && !ANY(SAVES, f) -> expire(f) }
  od
}

#if REST == 2
#define MAY_REST(f) expired[f]
#else
#define MAY_REST(f) 1
#endif
proctype Rest(byte f)
{
  do
  :: atomic { !rested[f] && nl[f] > 0 && (LIES || (!ANY(STRETCHES, f) && MAY_REST(f))) -> rested[f] = 1; printf("   time: file %d has rested\n", f) }
  od
}

#if OBSERVE
/* Under A1 the actions that ran at the first look are over G later. */
proctype Observed(byte p)
{
  do
  :: atomic { ofile[p] != NONE && !opast[p] && waits[p] == 0 -> opast[p] = 1; printf("   time: G since the first look of p%d\n", p) }
  od
}
#endif

/* A lease runs out also where the file is gone. */
proctype Lease(byte p)
{
  do
  :: atomic { mine[p] != NONE && (lease[p] || touched[p]) && nl[mine[p]] == 0 && !safe[p] ->
       lease[p] = 0; touched[p] = 0; late[p] = 1 }
  od
}

proctype Crash()
{
  byte i, k;
  do
  :: atomic { ncrash < NCRASH ->
       i = 0;
       do :: i < N - 1 -> i++ :: break od;
       if
       :: !dead[i] && !fin[i] ->
            printf("   p%d CRASHES\n", i);
            dead[i] = 1; ncrash++; holds[i] = 0; lease[i] = 0; touched[i] = 0; late[i] = 0;
            END(i);
#if LOCAL
            k = 0;
            do :: k < M -> line[k] = (line[k] == i -> NONE : line[k]); k++ :: else -> break od;
#endif
       :: else
       fi;
       i = 0; k = 0 }
  :: ncrash >= NCRASH -> break
  od
}

proctype Others()
{
  byte i;
  do
  :: atomic { nothers < NOTHERS ->
       i = 0;
       do :: i < M - 1 -> i++ :: break od;
       if
       :: nl[i] > 0 -> nl[i]++; ctime(i); nothers++; printf("   others link file %d\n", i)
       :: else
       fi;
       i = 0 }
  :: nothers >= NOTHERS -> break
  od
}

#if NDELETE
/* A name in another directory counts as a link, and is nobody's to remove. */
proctype Person()
{
  byte i;
  do
  :: atomic { ndelete < NDELETE && L != NONE ->
       printf("a person deletes L, file %d\n", L);
       ndelete++; disturb_all(); ROB(L); nl[L]--; ctime(L); L = NONE }
  :: atomic { ndelete < NDELETE ->
       i = 0;
       do :: i < NAMES - 1 -> i++ :: break od;
       if
       :: C[i] != NONE -> printf("a person deletes claim %d\n", i); ndelete++; disturb_all(); unlink_C(i)
       :: else
       fi;
       i = 0 }
#if LOCAL == (1 << N) - 1
  /* A client of a file server goes on with the directory that it knows. */
  :: atomic { ndelete < NDELETE ->
       printf("a person puts an empty directory in the place of this one\n");
       ndelete++; disturb_all();
       if :: L != NONE -> ROB(L); L = NONE :: else fi;
       i = 0;
       do :: i < NAMES -> C[i] = NONE; i++ :: else -> break od;
       i = 0 }
#endif
  :: ndelete >= NDELETE -> break
  od
}
#endif

/* Steps */

/* Where there is a life-line the file system is a local one, and L is seen as it is. */
#define IS_STILL(p, f) (!SEEHELD || !IN(LOCAL, p) || L == f)
#define IS_CLAIM(f) (C[n] == f || (!OWNINODE && C[n] != NONE))
/* By the open file, or by the name. */
#define IS_LINKED(p, f) ((IN(LOCAL, p) || C[n] == f) && (nl[f] == 2 || (nl[f] > 2 && L == f)))
#define DEAD(f) (EVIDENCE && dead[OWN(f)])
#if COPY
#define ARE_COPIES(x, y) (y != NONE && x != y && nl[x] == 1 && nl[y] == 1 && expired[x] && expired[y] \
                          && rested[x] && rested[y])
#else
#define ARE_COPIES(x, y) 0
#endif
#define GIVE_UP_ACTION END(p); c = NONE; x = NONE; r = 0; goto again

proctype Process(byte p) provided (!dead[p])
{
  byte f, n, c = NONE, x = NONE, round = 0, r = 0, refreshed = 0;
  bit kept = 0, fresh = 0;
#ifdef P4
  bit ran = 0;
#endif

  f = p * A;

create:
  atomic {
    n = f; C[n] = f; nl[f] = 1; touch(f, p); mine[p] = f; touched[p] = 1; fresh = 1;
    printf("p%d: makes claim %d\n", p, f);
#if LOCAL
    if :: IN(LOCAL, p) -> line[f] = p :: else fi;
#endif
#if LINGER
    if :: IN(LINGER, p) && (round == 0 || MAY_WAIT(p)) -> kept = 1 :: kept = 0 fi;
#endif
  }
  goto link_it;

again:
  /* Keep fresh: a touch that is not needed is one that the process may make. */
  if
  :: touched[p] -> goto link_it
  :: atomic { C[n] == NONE -> printf("p%d: its claim is gone\n", p) } goto drop
  :: atomic { C[n] != NONE -> printf("p%d: touches its claim\n", p);
       touch(C[n], p); touched[p] = 1; BE_IN_TIME }
  fi;

link_it:
  atomic {
    printf("p%d: link(C, L)\n", p);
    if
    :: C[n] == NONE -> r = 2
    :: C[n] != NONE && L == NONE ->
         L = C[n]; nl[L]++; ctime(L); r = 0; RUNS(touched[p]); IS_ANEW;
         printf("p%d: ... is file %d\n", p, L);
         LOSE_REPLY(r = 17)
    :: C[n] != NONE && L != NONE -> r = 17
    fi
  }
  if
  :: atomic { r == 0 && (touched[p] || YOUNG == 2) ->
       if
       :: fresh || !LINKSEE || IS_LINKED(p, f) -> skip
       :: else -> printf("p%d: that was not its claim\n", p); goto abandon
       fi;
       fresh = 0; printf("p%d: young\n", p); IS_IN; enter(p) } goto critical
  :: atomic { r == 0 && !touched[p] && YOUNG != 2 -> fresh = 0 }
  :: atomic { r != 0 -> r = 0; fresh = 0; /* lstat(C) */
       if
       :: !IS_CLAIM(f) -> goto drop
       :: IS_CLAIM(f) && nl[C[n]] < 2 ->
#if LINGER
            if :: kept && !MAY_WAIT(p) -> goto abandon :: else fi;
#endif
            goto look
       :: IS_CLAIM(f) && nl[C[n]] >= 2
       fi }
     if
     :: atomic { SEELOCK && L != f -> goto look }
     :: atomic { !(SEELOCK && L != f) -> skip }
     fi
  fi;
confirm:
  atomic {
    printf("p%d: touches to confirm\n", p);
    if :: C[n] == NONE -> goto drop :: C[n] != NONE -> touch(C[n], p); touched[p] = 1; RUNS(1) fi
  }
  atomic {
    printf("p%d: confirms\n", p);
    if :: IS_CLAIM(f) && nl[C[n]] >= 2 && IS_STILL(p, f) -> IS_IN; IS_MINE; enter(p); goto critical
       :: else -> goto abandon fi
  }

look:
  atomic {
    if
    :: L == NONE || IN(NOBREAK, p) -> goto again
    :: L != NONE && !IN(NOBREAK, p) ->
         x = L; c = CONTENT(L); seen[p] = x; changed[p] = 0;
         r = (nl[x] >= 2 -> 2 : 1);
#if STALE
         if :: IN(STALE, p) -> r = 1 :: true fi;
#endif
#if OBSERVE
         observe(x, c);
#endif
         r = ((expired[x] || DEAD(x)) && (HAS_RESTED(x) || (REST == 0 && r == 2)) -> r : 0);
#if LOCAL
         if
         :: IN(LOCAL, p) && TELLS(x) -> BEGIN(p, 4, x); goto ask
         :: else
         fi;
#endif
         if :: r == 0 -> GIVE_UP_ACTION :: r != 0 -> BEGIN(p, 1, x) fi;
         if :: r == 1 && !CHECKC -> goto recover :: else -> goto ordinary fi
    fi
  }

#if LOCAL
ask:
  atomic {
    if
    :: line[x] == NONE -> line[x] = p; printf("p%d: has the life-line of file %d\n", p, x)
    :: line[x] != NONE ->
         if :: r == 0 || (r == 1 && !LINEORPHAN) -> GIVE_UP_ACTION :: else fi;
         if :: (A1 & 5) == 1 -> BEGIN(p, 1, x) :: (A1 & 5) == 4 -> act[p] = NONE :: else fi;
         if :: r == 1 && !CHECKC -> goto recover :: else -> goto ordinary fi
    fi
  }
  atomic { /* lstat(c) */
    if :: C[c] == NONE -> r = 1 :: C[c] == x -> r = 2 :: C[c] != NONE && C[c] != x -> goto let_go fi
  }
  atomic { /* lstat(L) */
#if LINESEE
    if :: L != x -> goto let_go :: else fi;
#endif
    if
    :: r == 1 && !rested[x] && LINEREST -> goto let_go
    :: r == 1 && (rested[x] || !LINEREST) -> goto line_recover
    :: r == 2
    fi
  }
  atomic {
    printf("p%d: unlink(c) with the life-line\n", p);
    if
    :: MAY_BE_LATE; goto let_go
    :: C[c] == NONE -> goto let_go
    :: C[c] != NONE -> unlink_C(c)
    fi
  }
  atomic { if :: SEEL && L != x -> goto let_go :: else -> SEES_L fi }
  atomic {
    if :: MAY_BE_LATE :: L != NONE -> unlink_L(p) :: L == NONE fi;
    goto let_go
  }
line_recover:
  atomic {
    printf("p%d: link(L, c) with the life-line\n", p);
    if
    :: MAY_BE_LATE; goto let_go
    :: L == NONE || C[c] != NONE -> goto let_go
    :: L != NONE && C[c] == NONE -> C[c] = L; nl[L]++; ctime(L)
    fi
  }
  atomic { if :: UNDO && C[c] != NONE && CONTENT(C[c]) != c :: else -> goto let_go fi }
  atomic { printf("p%d: takes it back\n", p); if :: C[c] != NONE -> unlink_C(c) :: else fi }
let_go:
  atomic { line[x] = NONE; GIVE_UP_ACTION }
#endif

ordinary:
#if CHECKC
  atomic { /* lstat(c) */
    if
    :: C[c] == NONE || IN(STALE, p) -> r = 1
#if COPY
    :: ARE_COPIES(x, C[c]) -> printf("p%d: finds a copy\n", p); r = 3
#endif
    :: C[c] != NONE && !ARE_COPIES(x, C[c]) && (C[c] != x || r == 1 || (changed[p] && MTIME)) ->
         GIVE_UP_ACTION
    :: C[c] == x && r == 2 && !(changed[p] && MTIME) -> if :: FUSED -> unlink_C(c) :: else fi
    fi
  }
#if COPY
  if
  :: r == 3 ->
     atomic {
       printf("p%d: unlink(c), the copy\n", p);
       if
       :: MAY_BE_LATE; GIVE_UP_ACTION
       :: C[c] == NONE -> GIVE_UP_ACTION
       :: C[c] != NONE -> unlink_C(c); LOSE_REPLY(GIVE_UP_ACTION); goto recover
       fi
     }
  :: r != 3
  fi;
#endif
  if
  :: atomic { r == 1 -> /* look again */
       if
       :: L != x || (AGAIN && !HAS_RESTED(x)) || SEEN_OTHERWISE(x) || (LOCAL && IN(LOCAL, p) && TELLS(x) && !LINEORPHAN) -> GIVE_UP_ACTION
       :: else -> goto recover
       fi }
  :: atomic { r == 2 -> if :: FUSED -> goto won :: else fi }
  fi;
#endif
  atomic {
    printf("p%d: unlink(c)\n", p);
    if
    :: MAY_BE_LATE; GIVE_UP_ACTION
    :: C[c] == NONE -> GIVE_UP_ACTION
    :: C[c] != NONE -> unlink_C(c); LOSE_REPLY(GIVE_UP_ACTION)
    fi
  }
won:
  atomic { /* look again */
    if
    :: L != x -> GIVE_UP_ACTION
    :: L == x && changed[p] && !DEAD(x) && MTIME -> printf("p%d: it was refreshed\n", p); goto recover
    :: L == x && !(changed[p] && !DEAD(x) && MTIME) -> SEES_L
    fi
  }
  atomic {
    if :: MAY_BE_LATE :: L != NONE -> unlink_L(p) :: L == NONE fi;
    GIVE_UP_ACTION
  }

recover:
  atomic {
    printf("p%d: link(L, c)\n", p);
    if
    :: MAY_BE_LATE; GIVE_UP_ACTION
    :: L == NONE || C[c] != NONE -> GIVE_UP_ACTION
    :: L != NONE && C[c] == NONE -> C[c] = L; nl[L]++; ctime(L); GIVEN_BACK(c); printf("p%d: ... file %d\n", p, L); END(p)
    fi
  }
  atomic { if :: UNDO && C[c] != NONE && CONTENT(C[c]) != c :: else -> GIVE_UP_ACTION fi }
  atomic { printf("p%d: takes it back\n", p); if :: C[c] != NONE -> unlink_C(c) :: else fi; GIVE_UP_ACTION }

critical:
  if
  :: refreshed < NREF ->
     atomic { refreshed++; printf("p%d: refreshes\n", p);
       if :: C[n] == NONE -> TOLD_LOST(p); goto drop
          :: C[n] != NONE -> touch(C[n], p); touched[p] = 1 fi }
     atomic {
       if :: IS_CLAIM(f) && nl[C[n]] >= 2 && IS_STILL(p, f) -> IS_HELD; lease[p] = touched[p]; P2; goto critical
          :: else -> TOLD_LOST(p); goto abandon fi }
  :: atomic { true ->
       BEGIN(p, 2, f);
       if :: lease[p] -> safe[p] = 1 :: safe[p] = 0 fi;
       /* without A1 the word is worth nothing later */
       r = safe[p];
       if :: !(A1 & 2) -> safe[p] = 0 :: else fi;
#if LINGER
       if :: IN(LINGER, p) && (r || !PARKSAFE) -> goto park :: else fi;
#endif
       printf("p%d: releases (safe: %d)\n", p, r) }
  fi;

release:
  atomic {
    holds[p] = 0;
    printf("p%d: release: unlink(C)\n", p);
    if
    :: C[n] == NONE -> if :: FINISH == 2 || (FINISH && r) -> r = 0 :: else -> TOLD_LOST(p); SAFE_LOST(p); goto drop fi
    :: C[n] != NONE -> unlink_C(n); LOSE_REPLY(if :: FINISH == 2 || (FINISH && r) -> r = 0 :: else -> SAFE_LOST(p); goto drop fi)
    fi;
#if LOCAL
    if :: !LINEDROP && line[f] == p -> line[f] = NONE :: else fi;
#endif
    /* A client of a file server knows what was done to L before its unlink(C). */
    if :: SEEL && !IN(LOCAL, p) && r && L != f -> TOLD_LOST(p); goto drop
       :: SEEL && !IN(LOCAL, p) && r && L == f -> SEES_L :: else fi;
    if :: (r || !RELLOOK) && IN(LOCAL, p) && SEEL -> goto release_see
       :: (r || !RELLOOK) && !(IN(LOCAL, p) && SEEL) -> goto release_L :: else fi
  }
  atomic { if :: L != f -> TOLD_LOST(p); goto drop :: L == f -> SEES_L fi;
    if :: FUSED -> unlink_L(p); goto drop :: else fi;
    if :: !(IN(LOCAL, p) && SEEL) -> goto release_L :: else fi }
release_see:
  atomic { if :: L != f -> TOLD_LOST(p); goto drop :: L == f -> SEES_L fi }
release_L:
  if
#if HANG
  :: atomic { IN(HANG, p) -> printf("p%d: HANGS\n", p); END(p); fin[p] = 1; goto hung }
#endif
  :: atomic { MAY_BE_LATE; END(p) }
     atomic { /* a look */
       if
       :: RELOOK && L == f && (nl[f] == 1 || RELOOK == 3) && (RELOOK != 1 || (rested[f] && !OBSERVE) || lease[p]) ->
            printf("p%d: begins anew\n", p); SEES_L; BEGIN(p, 2, f); safe[p] = ((A1 & 2) && lease[p]); goto release_L
       :: else -> goto drop
       fi }
  :: atomic { true -> if :: L != NONE -> unlink_L(p) :: else fi; goto drop }
  fi;

#if LINGER
park:
  holds[p] = 0;
#if SEEL
  if
  :: atomic { IN(LOCAL, p) && (kept || !NEWNAME) -> if :: L != f -> TOLD_LOST(p); goto abandon :: L == f -> SEES_L fi }
  :: atomic { !IN(LOCAL, p) && (kept || !NEWNAME) -> /* refreshes: its server is asked */
       printf("p%d: touches what it will keep\n", p);
       if :: C[n] == NONE -> TOLD_LOST(p); goto release :: C[n] != NONE -> touch(C[n], p); touched[p] = 1; BE_IN_TIME fi }
     atomic { if :: IS_CLAIM(f) && nl[f] >= 2 -> SEES_L :: else -> TOLD_LOST(p); goto abandon fi }
  :: !(kept || !NEWNAME)
  fi;
#endif
  if
  :: atomic { kept || !NEWNAME ->
       printf("p%d: park\n", p);
       if
       :: L == NONE -> if :: PARKGONE -> END(p) :: !PARKGONE -> goto release fi
       :: L != NONE -> unlink_L(p);
            LOSE_REPLY(if :: !PARKGONE -> goto release :: PARKGONE -> if :: true :: goto park_failed fi fi);
            END(p)
       :: nlost < NLOST -> nlost++; printf("   the call fails\n"); goto park_failed
       fi }
  :: atomic { !kept && NEWNAME ->
       printf("p%d: rename(C)\n", p);
       if :: C[n] == NONE -> goto release
          :: C[n] != NONE -> C[M + f] = C[n]; C[n] = NONE; ctime(C[M + f]);
               LOSE_REPLY(goto rename_lost); n = M + f; kept = 1 fi }
     atomic { if :: SEEL && L != f -> TOLD_LOST(p); goto abandon :: else -> SEES_L fi }
     atomic {
       if :: MAY_BE_LATE; goto abandon
          :: L == NONE -> goto abandon
          :: L != NONE -> unlink_L(p); LOSE_REPLY(goto abandon); END(p) fi }
  fi;
  atomic {
    lease[p] = 0; r = 0; refreshed = 0;
    if :: IN(LOCAL, p) || !SEEL -> touched[p] = 0 :: else fi;
    if :: round + 1 < ROUNDS -> round++ :: else -> goto abandon fi
  }
  if
  :: atomic { n == M + f && !renamed[f] -> renamed[f] = 1; printf("p%d: writes the new name\n", p) }
  :: atomic { !(n == M + f && !renamed[f]) -> skip }
  fi;
  /* Without a life-line the touch of the park is the one of this use, if it is young. */
  if
  :: atomic { touched[p] -> goto link_it }
  :: atomic { true -> skip }
  fi;
  atomic {
    printf("p%d: touches what it kept\n", p);
    if
    :: IN(LOCAL, p) -> touch(f, p) /* the open file */
    :: !IN(LOCAL, p) && C[n] != NONE -> touch(C[n], p)
    :: !IN(LOCAL, p) && C[n] == NONE -> goto drop
    fi;
    touched[p] = 1; BE_IN_TIME
  }
  atomic {
    if
    :: ONELINK && (nl[f] != 1 || (!IN(LOCAL, p) && !IS_CLAIM(f))) -> goto abandon
    :: else -> IS_SINGLE; fresh = IN(LOCAL, p); goto link_it
    fi
  }
park_failed: /* nobody knows what it did: Release, with the look; the time counts anew */
  atomic { END(p); BEGIN(p, 2, f); lease[p] = 0; r = 0; goto release }
rename_lost: /* it answered ENOENT; the time counts anew */
  atomic { END(p); printf("p%d: unlinks the new name\n", p); if :: C[M + f] != NONE -> unlink_C(M + f) :: else fi }
  atomic {
    BEGIN(p, 2, f); r = lease[p]; safe[p] = (r && (A1 & 2));
    goto release
  }
#endif

abandon:
  atomic { printf("p%d: unlinks its claim\n", p); if :: C[n] != NONE -> unlink_C(n) :: else fi }
drop:
  atomic {
    forget(p); refreshed = 0; kept = 0; fresh = 0;
    round++;
    if
    :: f < p * A + A - 1 && (round < ROUNDS || IN(LINGER, p)) -> f++; goto create
    :: else -> printf("p%d: is done\n", p); f = 0; n = 0; round = 0; fin[p] = 1
    fi
  }
#if HANG
hung:
  skip
#endif
}

#if STRANGER
proctype Stranger()
{
  byte c, k;
  do
  :: atomic { L != NONE && expired[L] && nl[L] > 0 ->
       printf("a stranger breaks file %d\n", L);
       c = CONTENT(L);
       if :: C[c] == L -> unlink_C(c) :: else fi;
       k = L; nl[k]--; ctime(k); L = NONE; c = 0; k = 0 }
  od
}
#endif

/* Where nobody died no name is left that stands for another's file. */
#ifdef NAMED
#define ENDED(p) fin[p]
proctype Named()
{
  byte i = 0;
  atomic { ALL(ENDED) ->
    do :: i < NAMES -> assert(C[i] == NONE || CONTENT(C[i]) == i); i++ :: else -> break od }
}
#endif

#ifdef LEAK
/* Nothing is left where nobody died, but a claim that a breaker gave back while
 * its owner released. */
#define DONE(p) fin[p]
proctype Leak()
{
  byte i = 0;
  atomic { ALL(DONE) -> assert(L == NONE);
    do :: i < NAMES -> assert(C[i] == NONE || given_back[i]); i++ :: else -> break od }
}
#endif

init
{
  byte i;
  atomic {
#if COPY
    dead[0] = 1; L = 0; nl[0] = 1; C[0] = 1; nl[1] = 1;
#endif
    do :: i < M -> run Expiry(i); if :: !OBSERVE -> run Rest(i) :: else fi; i++ :: else -> break od;
#if OBSERVE
    run Observed(0); run Observed(1);
#if N > 2
    run Observed(2);
#endif
#endif
    i = 0;
    do :: i < N -> run Lease(i); run Process(i); i++ :: else -> break od;
    if :: NCRASH > 0 -> run Crash() :: else fi;
    if :: NOTHERS > 0 -> run Others() :: else fi;
#if NDELETE
    run Person();
#endif
#ifdef LEAK
    run Leak();
#endif
#ifdef NAMED
    run Named();
#endif
#if STRANGER
    run Stranger();
#endif
    i = 0
  }
}

#ifdef LIVE
/* Every process that does not die comes to its end. */
#define ENDS(p) (dead[p] || fin[p])
ltl live { <> ALL(ENDS) }
#endif
