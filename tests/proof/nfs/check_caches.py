# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The library never takes the caches of NFS clients for the state of a lock. A live
lock is not broken, a release is soon seen, and a dead holder's lock is broken when
it may be."""

import pathlib
import time

from world import APART, GRACE_S, ROOTS, SLOP_S, VERSIONS, judge_live, skip_lost

# Not all at once, which is too much for an emulated machine.
LIFETIMES_S = [(2, 15)]
FULL_LIFETIMES_S = [(2, 15), (30, 120)]
HOLD_AT_LEAST_S = 40
# Seconds: the longest pause between two polls, and the poll.
RELEASE_SEEN_S = 1.2
RECOVERY_LATE_S = 2


class Case:
    """A lock with a holder on client a, and one waiter."""

    def __init__(self, world, version, lifetime_s, waiter_on, people=ROOTS):
        self.world, self.version, self.lifetime_s = world, version, lifetime_s
        self.waiter_on = waiter_on
        self.place = world.place(version, people)
        lock = self.place + '/lock'
        self.holder = world.peer('a', lock, lifetime_s, before=people.before('a'))
        self.waiter = world.peer(waiter_on, lock, lifetime_s,
                                 before=[*(APART if waiter_on == 'b' else ()), *people.before(waiter_on)])
        self.name = f'NFS {version}{people}, lifetime {lifetime_s} s'

    def begin(self):
        self.holder.ask('acquire')
        self.waiter.tell('acquire')

    def release(self):
        if not judge_live(self.world, f'a live lock is not broken, {self.name}', self.holder, self.waiter):
            return
        asked = time.monotonic()
        word, _, released = self.holder.ask('release')
        got, _, heard = self.waiter.answer()
        self.world.check_time(f'a release is seen, {self.name}', word == 'done' and got == 'held',
                              released, heard, RELEASE_SEEN_S, earliest=asked)

    def kill(self):
        self.was_live = self.holder.lost_at is None
        self.holder.kill()
        self.killed = time.monotonic()
        self.inode = None
        self.note_end()

    def note_end(self):
        """The end of the lease that the dead holder left, by the time on the server. A last
        refresh may still come in."""
        lock = pathlib.Path('/export', pathlib.Path(self.place).name, 'lock')
        there = lock.stat() if lock.exists() else None
        if there and self.inode in (None, there.st_ino):
            self.inode = there.st_ino
            self.over = time.monotonic() + there.st_mtime - time.time()

    def recover(self):
        name = f"a dead holder's lock is broken from {self.waiter_on}, {self.name}"
        if not self.was_live:
            skip_lost(self.world, name, self.holder)
            return
        got, _, heard = self.waiter.answer()
        if self.waiter_on == 'a':
            self.world.check_time(name, got == 'held', self.killed, heard, GRACE_S + 1)
        else:
            self.world.check_time(name, got == 'held', self.over + SLOP_S, heard, RECOVERY_LATE_S,
                                  f'{heard - self.killed:.1f} s after the kill; counted from when '
                                  f'it was allowed, ')


def run(world):
    for lifetimes in FULL_LIFETIMES_S if world.full else LIFETIMES_S:
        check_lifetimes(world, lifetimes)
        world.end_peers()


def check_lifetimes(world, lifetimes, versions=VERSIONS, people=ROOTS):
    cases = [(version, lifetime) for version in versions for lifetime in lifetimes]
    held = [Case(world, *case, 'b', people) for case in cases]
    dead = [Case(world, *case, client, people) for case in cases for client in 'ab']
    for case in [*held, *dead]:
        case.begin()
    start = time.monotonic()
    time.sleep(4)
    for case in dead:
        case.kill()
    for case in dead:
        if case.waiter_on == 'b':
            case.note_end()
    for case in sorted(dead, key=lambda case: (case.waiter_on == 'b', case.lifetime_s)):
        case.recover()
    for case in held:
        time.sleep(max(start + max(HOLD_AT_LEAST_S, 3 * case.lifetime_s) - time.monotonic(), 0))
        case.release()
