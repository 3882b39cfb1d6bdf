# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The export, or the mount of the holder's client, becomes read-only while a lock is held, and
writable again later."""

import contextlib
import subprocess
import time

from users import Talker, exported
from world import SLOP_S, on

LEASE_S, LONG_LEASE_S = 5, 120
LATE_S = 5
READ_ONLY_S = LEASE_S + SLOP_S + 2
VERSIONS = '3', '4.2'


@contextlib.contextmanager
def read_only_export():
    with exported('ro,no_root_squash'):
        yield


@contextlib.contextmanager
def read_only_mounts():
    def remount(option):
        for version in VERSIONS:
            subprocess.run([*on('a'), 'mount', '-o', f'remount,{option}', f'/nfs/{version}'], check=True)
    remount('ro')
    try:
        yield
    finally:
        remount('rw')


class Case:
    """Client a has a lock whose lease ends meanwhile, and one whose lease does not, and tries to
    get a third one. Client b waits for the first."""

    def __init__(self, world, version, what, is_export):
        self.world, self.is_export = world, is_export
        self.name = f'{what} is read-only, NFS {version}'
        short, long, fresh = (world.place(version) + '/lock' for _ in range(3))
        self.short = world.peer('a', short, LEASE_S)
        self.waiter = world.peer('b', short, LEASE_S)
        self.long, self.fresh = (Talker(world, 'a', lock, lifetime_s=LONG_LEASE_S) for lock in (long, fresh))
        self.short.ask('acquire')
        self.long.peer.ask('acquire')
        self.waiter.tell('acquire')

    def check_error(self, what, talker, command, begun):
        word, _, heard = talker.peer.ask(command)
        words = talker.words().splitlines()
        self.world.check_time(f'{self.name}: {what}',
                              word == 'read-only' and 'read-only' in words[-1].lower(),
                              begun, heard, LATE_S, f'{word}, {words[-1:]}, ')

    def judge_read_only(self):
        begun = time.monotonic()
        self.check_error('an acquisition fails', self.fresh, 'acquire', begun)
        begun = time.monotonic()
        self.check_error('a refresh fails', self.long, 'refresh', begun)

    def judge_loss(self, begun):
        """The holder learns of its loss at the end of the lease, before another has the lock."""
        lost = self.short.lost_at
        early = lost is None or (self.waiter.has_answered() and self.waiter.peek()[0] == 'held'
                                 and self.waiter.peek()[2] < lost)
        self.world.check_time(f'{self.name}: a lease that ends is a loss at once', not early, begun,
                              lost or time.monotonic(), LEASE_S + 1)
        word = self.short.ask('release')[0]
        self.world.check(f'{self.name}: the release reports the loss', word == 'lost', word)

    def judge_writable(self, again):
        word, _, heard = self.waiter.answer()
        if self.is_export:
            self.world.check(f'{self.name}: a waiter fails', word == 'read-only', word)
            word, _, heard = self.waiter.ask('acquire')
            self.world.check_time(f'{self.name}: then another has the lock', word == 'held', again, heard,
                                  LEASE_S + SLOP_S + LATE_S)
        else:
            self.world.check(f'{self.name}: another client has the lock meanwhile', word == 'held',
                             f'{word} {again - heard:.1f} s before the mount is writable again')
        words = [self.long.peer.ask('refresh')[0], self.long.peer.ask('release')[0],
                 self.fresh.peer.ask('acquire')[0], self.fresh.peer.ask('release')[0],
                 self.waiter.ask('release')[0], self.short.ask('acquire')[0]]
        self.world.check(f'{self.name}: then all goes on',
                         words == ['done', 'done', 'held', 'done', 'done', 'held']
                         and self.long.peer.lost_at is None, str(words))


def check(world, what, flip):
    cases = [Case(world, version, what, flip is read_only_export) for version in VERSIONS]
    time.sleep(1) # until the waiters have looked, and wait; nothing reports that
    with flip():
        begun = time.monotonic()
        for case in cases:
            case.judge_read_only()
        time.sleep(max(begun + READ_ONLY_S - time.monotonic(), 0))
        for case in cases:
            case.judge_loss(begun)
    again = time.monotonic()
    for case in cases:
        case.judge_writable(again)
    world.end_peers()


def run(world):
    check(world, 'the export', read_only_export)
    check(world, 'the mount', read_only_mounts)
