/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The protocol of flufl.lock 8.2, as lock() and unlock() take its steps, over
 * the same file system as in lock.pml. A file's content is its claim's name, and
 * flufl uses one name again and again, so files and names are one here.
 */

#ifndef N
#define N 2
#endif
#ifndef NCRASH
#define NCRASH 0
#endif
#ifndef NLOST
#define NLOST 0
#endif
#ifndef FUSED
#define FUSED 0 /* link(2) and the touch after it are one: no claim is old when linked */
#endif

#ifndef ONLYDEAD
#define ONLYDEAD 0 /* nobody is ever late but the dead */
#endif

#define NONE 255

byte L = NONE;
bit claim[N], expired[N], lapsed[N] /* by its owner's touches alone */, holds[N], lease[N], dead[N], fin[N];
byte ncrash, nlost;

#if N == 2
#define HOLDERS (holds[0] * lease[0] + holds[1] * lease[1])
#else
#define HOLDERS (holds[0] * lease[0] + holds[1] * lease[1] + holds[2] * lease[2])
#endif
#define LINKS(f) (claim[f] + (L == f))

inline touch(file, who)
{
  expired[file] = 0;
  if :: file == who -> lease[who] = 1; lapsed[who] = 0 :: else fi
}

inline unlink_L(who)
{
  printf("p%d: unlink(L) removes file %d\n", who, L);
#ifdef P1
  assert(L == who || lapsed[L]);
#endif
  L = NONE
}

/* P2 */
#ifdef LIVE
#define SAFE(condition) skip
#else
#define SAFE(condition) assert(condition)
#endif
inline enter(who) { holds[who] = 1; printf("p%d: holds the lock\n", who); SAFE(HOLDERS <= 1) }

proctype Time(byte f)
{
  do
  :: atomic { !expired[f] && LINKS(f) && (dead[f] || !ONLYDEAD) -> expired[f] = 1; lapsed[f] = 1; lease[f] = 0; printf("   time: file %d expires\n", f) }
  od
}

proctype Crash()
{
  byte i;
  do
  :: atomic { ncrash < NCRASH -> i = 0;
       do :: i < N - 1 -> i++ :: break od;
       if :: !fin[i] && !dead[i] -> dead[i] = 1; ncrash++; holds[i] = 0; lease[i] = 0; printf("   p%d CRASHES\n", i)
          :: else fi;
       i = 0 }
  :: ncrash >= NCRASH -> break
  od
}

proctype Process(byte p) provided (!dead[p])
{
  byte w = NONE, r = 0;

  atomic { claim[p] = 1; touch(p, p); printf("p%d: makes claim %d\n", p, p) }
again:
  atomic {
    printf("p%d: link(C, L)\n", p);
    if
    :: !claim[p] -> r = 2
    :: claim[p] && L == NONE -> L = p; r = 0;
         if :: FUSED -> touch(p, p); enter(p) :: else fi;
         if :: nlost < NLOST -> nlost++; printf("   the reply is lost\n"); r = 17 :: skip fi
    :: claim[p] && L != NONE -> r = 17
    fi
  }
  if
  :: r == 0 -> if
       :: FUSED -> goto critical
       :: atomic { !FUSED -> if :: claim[p] -> touch(p, p) :: else -> lease[p] = 1 fi; enter(p) } goto critical
       fi
  :: r == 2 -> skip
  :: r == 17 ->
       /* stat(L), read(L): ours already? That raises AlreadyLockedError. */
       atomic { if :: L == p && LINKS(p) == 2 -> r = 0; goto end :: else fi }
  fi;
  atomic { r = 0;
    if :: L != NONE && expired[L] -> printf("p%d: stat(L): expired\n", p) :: else -> goto again fi }
  atomic { printf("p%d: touch(L)\n", p); if :: L != NONE -> touch(L, p) :: else fi }
  atomic { printf("p%d: read(L)\n", p); w = L }
  atomic { if :: L != NONE -> unlink_L(p) :: else fi }
  atomic { if :: w != NONE -> claim[w] = 0; printf("p%d: unlink(c)\n", p) :: else fi; w = NONE }
  goto again;

critical:
  atomic { printf("p%d: unlock: touch(C)\n", p); if :: claim[p] -> touch(p, p) :: else fi }
  atomic { if :: L == p && LINKS(p) == 2 :: else -> printf("p%d: NotLockedError\n", p); goto end fi }
  atomic { holds[p] = 0; if :: L != NONE -> unlink_L(p) :: else fi }
  atomic { claim[p] = 0 }
end:
  atomic { holds[p] = 0; lease[p] = 0; w = NONE; r = 0; fin[p] = 1 }
}

init
{
  byte i;
  atomic {
    do :: i < N -> run Time(i); run Process(i); i++ :: else -> break od;
    if :: NCRASH > 0 -> run Crash() :: else fi;
    i = 0
  }
}

#ifdef LIVE
#if N == 2
ltl live { <> ((dead[0] || fin[0]) && (dead[1] || fin[1])) }
#endif
#endif
