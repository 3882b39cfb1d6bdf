/* SPDX-FileCopyrightText: 2026 The libflufllock authors
 * SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
 *
 * The protocol without hard links (docs/without-links.md). L is created exclusively, and names a
 * claim by its content. A process that removes L must first win a mark: with TOKEN=1 the exclusive
 * creation of the next mark D(c, k+1); with TOKEN=0, which is not the protocol, the removal of the
 * claim c. Each call is one atomic step. README.md has the rest. */
#ifndef N
#define N 2
#endif
#ifndef A
#define A 1		/* claims of each process */
#endif
#ifndef NCRASH
#define NCRASH 0
#endif
#ifndef NLOST
#define NLOST 0		/* lost replies: of the creation of L, of a mark, (TOKEN=0) of an unlink */
#endif
#ifndef NLATE
#define NLATE 0		/* deadlines seen as missed */
#endif
#ifndef NFAIL
#define NFAIL 0		/* makers that cannot write L, or touch it */
#endif
#ifndef NREF
#define NREF 0
#endif
#ifndef EVIDENCE
#define EVIDENCE 0
#endif
#ifndef TOKEN
#define TOKEN 1
#endif
#ifndef PUB
#define PUB 0		/* 0: create and then write; 1: complete at once (link, rename without replacement) */
#endif
#ifndef ONCE
#define ONCE 1		/* PUB=1: what was published once is not published again (its file has moved, or its claim is gone) */
#endif
#ifndef CHECKD
#define CHECKD 2		/* a confirmation looks for a mark. 0: never; 1: at its end; 2: before it looks at L */
#endif
#ifndef NOBREAK
#define NOBREAK 0
#endif
/* the world */
#ifndef UNLINKX
#define UNLINKX 1	/* 0: two unlinks of one file may both succeed (SMB) */
#endif
#ifndef CREATEX
#define CREATEX 1	/* 0: two exclusive creations of one name may both succeed (what no file system may do) */
#endif
#ifndef A1
#define A1 7		/* 1: breakers, 2: releasers, 4: publishers */
#endif
/* guards; 1 is the protocol */
#ifndef MARKREST
#define MARKREST 1	/* a lock with a mark (TOKEN=0: without its claim, or with one given back) rests before the next. 2: every lock rests */
#endif
#ifndef BLANKREST
#define BLANKREST 1	/* a blank lock rests for G + grain. 2: for G only. 0: not at all */
#endif
#ifndef RELOOK
#define RELOOK 1	/* after the mark: is L still that lock? 0: not looked at. 2: looked at, its mtime not */
#endif
#ifndef TELL
#define TELL 1		/* the breaker unlinks the claim before it looks again. 0: after unlink(L) */
#endif
#ifndef TOUCHC
#define TOUCHC 1	/* a refresh ends with a touch of the claim */
#endif
#ifndef TOUCHFIRST
#define TOUCHFIRST 0	/* 1: the claim is touched before L, not after it */
#endif
#ifndef TAKEBACK
#define TAKEBACK 1	/* a maker that fails removes L only in time. 0: whenever it fails */
#endif
#ifndef LOOKL
#define LOOKL 1		/* a confirmation looks whether L names the claim */
#endif
#ifndef RELTOKEN
#define RELTOKEN 1	/* a late release takes a mark, too */
#endif
#ifndef SAFEONLY
#define SAFEONLY 1	/* 0: every release goes without the mark */
#endif
#ifndef MARK
#define MARK 1		/* 0: a breaker goes without a mark */
#endif
#ifndef UNDO
#define UNDO 1		/* TOKEN=0: a claim given back for another lock is taken away again */
#endif
#ifndef SLOT
#define SLOT 1		/* marks of blank locks tell the lock's mtime; 0: one name for all */
#endif

#define M (N * A)
#define NONE 255
#define BLANK 254	/* with the mtime of its creation */
#define BLANKT 253	/* touched since, by somebody who was late */
#define ISBLANK(x) ((x) == BLANK || (x) == BLANKT)
#define OWN(f) ((f) / A)

byte L = NONE;		/* NONE, BLANK or the claim that its content names */
#if PUB
bit done[M];		/* was published */
#endif
bit made[N];		/* L is the file that p created */
bit bmt;		/* the blank L was touched */
bit open_slot;		/* the mtime grain of L's creation is not over */
bit expired;
bit lapsed[M];		/* ghost: no confirmed lease of its owner runs */
bit C[M];
byte D[M];		/* marks, one bit each: 1, 2, 4 */
byte DB;		/* marks of the blank lock of the present slot (TOKEN=0: 1 = its claim is there) */
byte ver[M + 1];	/* TOKEN=0: how often the claim was given back */

bit holds[N]; bit lease[N]; bit touched[N]; bit late[N];
bit dead[N]; bit fin[N];
bit act[N];		/* inside an action under A1 */
bit pub[N];		/* it is the publication of L */
bit safe[N];		/* it is the release of a safe lease */
bit changed[N];		/* L's mtime since p's look */
bit slotok[N];		/* the blank lock p looked at is of the present slot */
byte mine[N] = NONE;
/* observation */
byte oc[N] = NONE; byte ok[N]; bit same[N]; bit rested[N]; byte blk[N];
byte debt[N] = NONE; byte debtbit[N];
byte ncrash, nlost, nlate, nfail;
bit cx_race;

#if N == 2
#define EACH(X) X(0); X(1)
#define HOLDERS (holds[0] * lease[0] + holds[1] * lease[1])
#define ALL(q) (q(0) && q(1))
#define ACTS (act[0] | (act[1] << 1))
#define PUBLISHING ((made[0] && pub[0]) || (made[1] && pub[1]))
#else
#define EACH(X) X(0); X(1); X(2)
#define HOLDERS (holds[0] * lease[0] + holds[1] * lease[1] + holds[2] * lease[2])
#define ALL(q) (q(0) && q(1) && q(2))
#define ACTS (act[0] | (act[1] << 1) | (act[2] << 2))
#define PUBLISHING ((made[0] && pub[0]) || (made[1] && pub[1]) || (made[2] && pub[2]))
#endif

#define BEGIN(p, kind) act[p] = (A1 & kind -> 1 : 0)
/* p's action counts anew from here: A1 makes no rest that began before wait for its end */
#define ANEW(p) blk[0] = blk[0] & ~(1 << p); blk[1] = blk[1] & ~(1 << p); ANEW2(p)
#define END(p) act[p] = 0; pub[p] = 0; safe[p] = 0; changed[p] = 0; slotok[p] = 0; ANEW(p)
#if N == 3
#define ANEW2(p) blk[2] = blk[2] & ~(1 << p)
#else
#define ANEW2(p) skip
#endif

#define MTIME1(q) changed[q] = 1; same[q] = (oc[q] == BLANK -> same[q] : 0)
#define NOTMADE(q) made[q] = 0
#define SAMESLOT1(q) blk[q] = ((oc[q] == BLANK && same[q] && act[p]) -> blk[q] | (1 << p) : blk[q])
#define NEWSLOT1(q) slotok[q] = 0; same[q] = (ISBLANK(oc[q]) -> 0 : same[q])
inline touch_L() { expired = 0; bmt = (L == BLANK); EACH(MTIME1) }

inline unlink_L(p)
{
  printf("p%d: unlink(L) removes %d\n", p, L);
#ifndef NOP1
  if
  :: L == BLANK -> assert(!PUBLISHING)
  :: L != BLANK -> assert(OWN(L) == p || lapsed[L] || (EVIDENCE && dead[OWN(L)]))
  fi;
#endif
  L = NONE; EACH(NOTMADE); expired = 0
}

#ifdef NOP2
#define P2 skip
#else
#define P2 assert(HOLDERS <= 1)
#endif
#ifdef P3
#define TOLD_LOST(p) assert(!(lease[p] && !late[p]))
#else
#define TOLD_LOST(p) skip
#endif
#define LOSE_REPLY(otherwise) if :: nlost < NLOST -> nlost++; printf("   the reply is lost\n"); otherwise :: skip fi
#define MAY_BE_LATE nlate < NLATE -> nlate++; printf("   p%d is late, and sees it\n", p)
#define IS_DEAD(f) (EVIDENCE && dead[OWN(f)])

proctype Expiry()
{
  byte q;
  do
  :: atomic { L != NONE && !expired && !PUBLISHING && (L == BLANK || !safe[OWN(L)]) ->
       expired = 1; printf("   time: the lock %d expires\n", L);
       if
       :: L != BLANK -> lapsed[L] = 1; q = OWN(L);
            if :: mine[q] == L -> lease[q] = 0; touched[q] = 0; late[q] = 1 :: else fi; q = 0
       :: else
       fi }
  od
}
proctype Lease(byte p)
{
  do
  :: atomic { mine[p] != NONE && L != mine[p] && (lease[p] || touched[p]) && !safe[p] && !pub[p] ->
       lease[p] = 0; touched[p] = 0; late[p] = 1; lapsed[mine[p]] = 1 }
  od
}
/* what p has observed has not changed for G (and the grain) by its clock */
proctype Rest(byte p)
{
  do
  :: atomic { oc[p] != NONE && same[p] && !rested[p] && blk[p] == 0 && (!ISBLANK(oc[p]) || BLANKREST != 1 || !open_slot) ->
       rested[p] = 1; printf("   time: p%d has seen lock %d rest\n", p, oc[p]) }
  od
}
proctype Slot()
{
  do
  :: atomic { open_slot -> open_slot = 0 }
  od
}
proctype Crash()
{
  byte i;
  do
  :: atomic { ncrash < NCRASH ->
       i = 0;
       do :: i < N - 1 -> i++ :: break od;
       if
       :: !dead[i] && !fin[i] -> printf("   p%d CRASHES\n", i);
            dead[i] = 1; ncrash++; holds[i] = 0; lease[i] = 0; touched[i] = 0; late[i] = 0; END(i);
            oc[i] = NONE; ok[i] = 0; same[i] = 0; rested[i] = 0; blk[i] = 0
       :: else
       fi;
       i = 0 }
  :: ncrash >= NCRASH -> break
  od
}

#define KNOW(x) (TOKEN -> (ISBLANK(x) -> DB : D[x]) : (ISBLANK(x) -> DB + 2 * ver[M] : C[x] + 2 * ver[x]))
/* L is what p looked at; as p sees it */
#define STILL(x) ((x == BLANK -> (L == BLANK && !bmt && slotok[p]) : (x == BLANKT -> (L == BLANK && bmt && slotok[p] && !changed[p]) : (L == x && (!changed[p] || RELOOK == 2 || IS_DEAD(x))))))
#define SAMELOOK(x) ((x == BLANK -> slotok[p] : (x == BLANKT -> slotok[p] && !changed[p] : !changed[p])))
#define GIVE_UP_ACTION END(p); x = NONE; k = 0; r = 0; goto again

proctype Process(byte p) provided (!dead[p])
{
  byte f, x = NONE, k = 0, r = 0, refreshed = 0;
  bit won = 0;

  f = p * A;
create:
  atomic { C[f] = 1; mine[p] = f; printf("p%d: makes claim %d\n", p, f) }

again:
  /* its own mark of a lock that has gone */
  if
  :: atomic { debt[p] != NONE && L != debt[p] -> D[debt[p]] = D[debt[p]] & ~debtbit[p]; debt[p] = NONE; debtbit[p] = 0 }
  :: atomic { !(debt[p] != NONE && L != debt[p]) -> skip }
  fi;
  atomic { /* publish */
#if PUB
    if :: ONCE && L != f && done[f] -> printf("p%d: what it would publish has gone\n", p); goto drop :: else fi;
#endif
    if
    :: L == NONE ->
         BEGIN(p, 4); pub[p] = act[p];
#if PUB
         L = f; lapsed[f] = 0; done[f] = 1;
#else
         L = BLANK;
#endif
         expired = 0; bmt = 0; made[p] = 1; EACH(MTIME1);
         if
         :: open_slot -> /* the same mtime as the last one; the rest of those who saw that one is for G and the grain, so ends G after this at the earliest */
              if :: BLANKREST == 1 -> EACH(SAMESLOT1) :: else fi
         :: open_slot = 1; EACH(NEWSLOT1); if :: SLOT || TOKEN == 0 -> DB = 0; ver[M] = 0 :: else fi
         fi;
         printf("p%d: creates L\n", p);
         if :: nlost < NLOST -> nlost++; printf("   the reply is lost\n"); END(p); goto look :: skip fi
    :: L != NONE -> goto look
    fi
  }
#if !PUB
  if
  :: atomic { MAY_BE_LATE; END(p); goto look }
  :: atomic { nfail < NFAIL -> nfail++; printf("   p%d cannot write L\n", p); goto take_back }
  :: atomic { true -> printf("p%d: writes its name\n", p);
       if :: made[p] -> L = f; lapsed[f] = 0; EACH(MTIME1) :: else fi }
  fi;
#endif
  if
  :: atomic { MAY_BE_LATE; END(p); goto withdraw }
  :: atomic { nfail < NFAIL -> nfail++; printf("   p%d cannot touch L\n", p); goto take_back }
  :: atomic { true -> printf("p%d: touches L\n", p);
       if :: L == NONE -> END(p); goto drop
          :: L != NONE -> touch_L(); touched[p] = 1; late[p] = 0 fi }
  fi;
  if
  :: atomic { MAY_BE_LATE; END(p); goto confirm }
  :: atomic { touched[p] -> holds[p] = 1; lease[p] = 1; printf("p%d: holds the lock\n", p); P2; END(p); goto critical }
  :: atomic { !touched[p] -> END(p); goto confirm }
  fi;

look:
  atomic {
    if
    :: L == NONE || ((NOBREAK >> p) & 1) -> goto again
    :: L == f -> /* its own, by a lost reply */ x = NONE; goto confirm
    :: L != NONE && L != f && !((NOBREAK >> p) & 1) ->
         x = ((L == BLANK && bmt) -> BLANKT : L); BEGIN(p, 1); changed[p] = 0; slotok[p] = 1;
         if :: L == BLANK -> r = 1 :: L != BLANK -> r = (expired || IS_DEAD(L)) fi
    fi
  }
  atomic { /* which marks are there? (TOKEN=0: is the claim there?) */
    k = KNOW(x);
    won = (oc[p] == x && ok[p] == k && same[p] && SAMELOOK(x) && rested[p]); /* seen to rest */
    if
    :: r && !ISBLANK(x) && MARKREST != 2 && k == (TOKEN -> 0 : 1) && (!TOKEN || C[x]) -> goto act_now
    :: r && !ISBLANK(x) && !MARKREST -> goto act_now
    :: r && ISBLANK(x) && (won || BLANKREST == 0) -> goto act_now
    :: r && !ISBLANK(x) && won -> goto act_now
    :: else ->
         if
         :: !(oc[p] == x && ok[p] == k && same[p] && SAMELOOK(x)) ->
              oc[p] = x; ok[p] = k; same[p] = SAMELOOK(x); rested[p] = 0; blk[p] = ACTS & ~(1 << p)
         :: else
         fi;
         won = 0; GIVE_UP_ACTION
    fi
  }
act_now:
#if TOKEN
  atomic {
    won = 0;
    if
    :: MAY_BE_LATE; GIVE_UP_ACTION
    :: k >= 7 -> GIVE_UP_ACTION
    :: k < 7 && !MARK
    :: k < 7 && MARK ->
         if
         :: ISBLANK(x) && (slotok[p] || !SLOT) -> if :: DB & (k + 1) -> GIVE_UP_ACTION :: else -> DB = DB | (k + 1) fi
         :: ISBLANK(x) && !(slotok[p] || !SLOT)
         :: !ISBLANK(x) -> if :: (D[x] & (k + 1)) && CREATEX -> GIVE_UP_ACTION :: else -> D[x] = D[x] | (k + 1) fi
         fi;
         printf("p%d: makes mark %d of %d\n", p, k + 1, x);
         ANEW(p);
         LOSE_REPLY(GIVE_UP_ACTION)
    fi
  }
  if
  :: TELL && !ISBLANK(x) -> atomic { C[x] = 0; printf("p%d: unlink(c) of %d\n", p, x) }
  :: atomic { !(TELL && !ISBLANK(x)) -> skip }
  fi;
#else
  if
  :: atomic { !(k & 1) -> won = 0; goto recover }
  :: atomic { (k & 1) -> won = 0;
       if
       :: MAY_BE_LATE; GIVE_UP_ACTION
       :: true
       fi;
       if
       :: ISBLANK(x) && !slotok[p] -> GIVE_UP_ACTION
       :: ISBLANK(x) && slotok[p] -> if :: DB -> r = 1 :: else -> GIVE_UP_ACTION fi
       :: !ISBLANK(x) -> if :: C[x] -> r = 1 :: else -> GIVE_UP_ACTION fi
       fi;
#if UNLINKX
       if :: ISBLANK(x) -> DB = 0 :: else -> C[x] = 0 fi; printf("p%d: wins claim %d\n", p, x); LOSE_REPLY(GIVE_UP_ACTION)
#endif
     }
#if !UNLINKX
     atomic { if :: ISBLANK(x) -> DB = 0 :: else -> C[x] = 0 fi; printf("p%d: wins claim %d\n", p, x); LOSE_REPLY(GIVE_UP_ACTION) }
#endif
  fi;
#endif
  atomic { /* look again */
    if
    :: !RELOOK
    :: RELOOK && STILL(x)
    :: RELOOK && !STILL(x) ->
         printf("p%d: it is another, or was refreshed\n", p);
#if TOKEN
         if
         :: ISBLANK(x) -> if :: slotok[p] && L != BLANK -> DB = DB & ~(k + 1) :: else fi
         :: !ISBLANK(x) && L != x -> D[x] = D[x] & ~(k + 1)
         :: !ISBLANK(x) && L == x -> debt[p] = x; debtbit[p] = k + 1
         fi;
         GIVE_UP_ACTION
#else
         if :: !ISBLANK(x) && L == x -> goto recover :: else -> GIVE_UP_ACTION fi
#endif
    fi
  }
  atomic {
    if
    :: MAY_BE_LATE; GIVE_UP_ACTION
    :: true -> if :: L != NONE -> unlink_L(p) :: else fi
    fi
  }
  atomic { /* tidy up */
    if
    :: ISBLANK(x) -> if :: slotok[p] || !SLOT -> DB = 0 :: else fi
    :: !ISBLANK(x) -> C[x] = 0; D[x] = 0
    fi;
    GIVE_UP_ACTION
  }
#if !TOKEN
recover: /* make the claim anew */
  atomic {
    if
    :: MAY_BE_LATE; GIVE_UP_ACTION
    :: ISBLANK(x) -> if :: slotok[p] && !DB && ver[M] < 3 -> DB = 1; ver[M] = ver[M] + 1 :: else -> GIVE_UP_ACTION fi
    :: !ISBLANK(x) -> if :: !C[x] && ver[x] < 3 -> C[x] = 1; ver[x] = ver[x] + 1 :: else -> GIVE_UP_ACTION fi
    fi;
    printf("p%d: gives claim %d back\n", p, x); END(p)
  }
  atomic {
    if
    :: UNDO && !ISBLANK(x) && L != x -> C[x] = 0
    :: UNDO && ISBLANK(x) && L != BLANK -> if :: slotok[p] -> DB = 0 :: else fi
    :: else
    fi;
    GIVE_UP_ACTION
  }
#endif

confirm: /* and refresh */
#if TOUCHFIRST
  atomic { if :: C[f] :: !C[f] -> TOLD_LOST(p); goto drop fi }
#endif
  atomic { if :: L == NONE -> TOLD_LOST(p); goto drop :: L != NONE -> touch_L(); touched[p] = 1; printf("p%d: touches L to confirm\n", p) fi }
#if CHECKD == 2
  atomic { if :: D[f] -> TOLD_LOST(p); goto drop :: else fi }
#endif
  atomic { if :: LOOKL && L != f -> TOLD_LOST(p); goto drop :: else fi }
  atomic {
    if
    :: (TOUCHC && !TOUCHFIRST && !C[f]) || (CHECKD == 1 && D[f]) -> TOLD_LOST(p); goto drop
    :: else -> holds[p] = 1; lease[p] = touched[p]; lapsed[f] = (touched[p] -> 0 : lapsed[f]); late[p] = (touched[p] -> late[p] : 1);
         printf("p%d: confirms (lease %d)\n", p, lease[p]); P2
    fi
  }

critical:
  if
  :: atomic { refreshed < NREF -> refreshed++; printf("p%d: refreshes\n", p); goto confirm }
  :: atomic { true ->
       BEGIN(p, 2); r = lease[p]; safe[p] = (act[p] -> lease[p] : 0); holds[p] = 0;
       printf("p%d: releases (safe: %d)\n", p, r) }
  fi;
  if
  :: atomic { r || !SAFEONLY -> r = 0; if :: MAY_BE_LATE; END(p); lease[p] = 0; goto withdraw :: L != NONE -> unlink_L(p) :: L == NONE fi }
     goto drop
  :: atomic { !(r || !SAFEONLY) -> goto release }
  fi;

take_back: /* without a mark, within the action that created L */
  atomic { if :: L == BLANK || L == f :: else -> END(p); goto withdraw fi }
  if
  :: atomic { MAY_BE_LATE; END(p); goto withdraw }
  :: atomic { pub[p] = 0; if :: L != NONE -> unlink_L(p) :: else fi; END(p); goto drop }
#if !TAKEBACK
  :: atomic { nlate < NLATE -> nlate++; printf("   p%d is late\n", p); END(p); goto take_back_late }
#endif
  fi;
#if !TAKEBACK
take_back_late:
  atomic { if :: L != NONE -> unlink_L(p) :: else fi; goto drop }
#endif

withdraw:
  atomic { BEGIN(p, 2) }
release: /* with a mark */
#if TOKEN
  atomic {
    if
    :: !RELTOKEN
    :: RELTOKEN && D[f] -> TOLD_LOST(p); goto drop
    :: RELTOKEN && !D[f] -> D[f] = 1; printf("p%d: makes mark 1 of its own\n", p); LOSE_REPLY(goto drop)
    fi
  }
#else
  atomic {
    if
    :: !C[f] -> TOLD_LOST(p); goto drop
    :: C[f] -> 
#if UNLINKX
       C[f] = 0; printf("p%d: unlinks its claim\n", p); LOSE_REPLY(goto drop)
#endif
    fi
  }
#if !UNLINKX
  atomic { C[f] = 0; printf("p%d: unlinks its claim\n", p); LOSE_REPLY(goto drop) }
#endif
#endif
  atomic { if :: L != f && RELOOK -> TOLD_LOST(p); D[f] = D[f] & ~1; goto drop :: else fi }
  atomic { if :: MAY_BE_LATE; goto drop :: true -> if :: L != NONE -> unlink_L(p) :: else fi fi }
  atomic { D[f] = 0 }

drop:
  atomic {
    C[f] = (TOKEN || 1 -> 0 : C[f]); printf("p%d: unlinks its claim, is done\n", p);
    holds[p] = 0; lease[p] = 0; touched[p] = 0; late[p] = 0; mine[p] = NONE; END(p);
    oc[p] = NONE; ok[p] = 0; same[p] = 0; rested[p] = 0; blk[p] = 0; x = NONE; k = 0; r = 0; refreshed = 0;
    if
    :: f < p * A + A - 1 -> f++; goto create
    :: else -> f = 0; if :: debt[p] != NONE && L != debt[p] -> D[debt[p]] = D[debt[p]] & ~debtbit[p] :: else fi;
         debt[p] = NONE; debtbit[p] = 0; fin[p] = 1
    fi
  }
}

#ifdef LEAK
#define DONE(p) fin[p]
proctype Leak()
{
  byte i = 0;
  atomic { ALL(DONE) -> assert(L == NONE); do :: i < M -> assert(!C[i]); assert(D[i] == 0); i++ :: else -> break od }
}
#endif

init
{
  byte i;
  atomic {
    run Expiry(); run Slot();
    do :: i < N -> run Lease(i); run Rest(i); run Process(i); i++ :: else -> break od;
    if :: NCRASH > 0 -> run Crash() :: else fi;
#ifdef LEAK
    run Leak();
#endif
    i = 0
  }
}
#ifdef LIVE
#define ENDS(p) (dead[p] || fin[p])
ltl live { <> ALL(ENDS) }
#endif
