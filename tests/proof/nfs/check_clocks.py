# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Clocks that are an hour off, and hosts of one name.

All processes here have one kernel, and so one clock. A library that comes before libc
sets the clock of a single process off. The times of files and of the server stay as they
are. So a server is behind if its clients are all ahead."""

import os
import pathlib
import time

from world import APART, SLOP_S, VERSIONS, judge_live

OFF_S = 3600
LIFETIME_S = 5
HOLD_S = LIFETIME_S + SLOP_S + 7

# Seconds by which the clocks of a and b are ahead of the server's.
CLOCKS = {
    'the server an hour behind': (OFF_S, OFF_S),
    'the server an hour ahead': (-OFF_S, -OFF_S),
    'the holder an hour ahead': (OFF_S, 0),
    'the holder an hour behind': (-OFF_S, 0),
    'the waiter an hour ahead': (0, OFF_S),
    'the waiter an hour behind': (0, -OFF_S),
}
# Put before a command to make it process 1 of a host called localhost.
CONTAINER = [*APART, '--uts',
             'sh', '-c', 'hostname localhost; exec "$@"', 'sh']


class Case:
    def __init__(self, world, version, name, ahead):
        self.world, self.ahead = world, ahead
        self.name = f'{name}, NFS {version}'
        self.place = world.place(version)
        self.holder, self.waiter = (
            world.peer(client, self.place + '/lock', LIFETIME_S,
                       environment={'FLUFL_CLOCK_AHEAD': str(seconds)} if seconds else {})
            for client, seconds in zip('ab', ahead))
        self.holder.ask('acquire')
        self.waiter.tell('acquire')

    def judge(self):
        if not judge_live(self.world, f'a live lock is not broken: {self.name}', self.holder,
                          self.waiter):
            return
        lock = pathlib.Path('/export', pathlib.Path(self.place).name, 'lock')
        left_s = os.stat(lock).st_mtime - time.time()
        # A holder whose clock is behind uses the server's clock.
        is_off = abs(left_s - max(self.ahead[0], 0)) <= LIFETIME_S
        released = self.holder.ask('release')[0]
        word = self.waiter.answer()[0]
        self.world.check(f'and is handed over: {self.name}',
                         is_off and released == 'done' and word == 'held',
                         f'it would have expired in {left_s:.0f} s, release: {released}, '
                         f'then the other: {word}')


class Namesakes:
    def __init__(self, world, version):
        self.world, self.version = world, version
        lock = world.place(version) + '/lock'
        self.holder, self.waiter = (world.peer(client, lock, LIFETIME_S, before=CONTAINER)
                                    for client in 'ab')
        self.holder.ask('acquire')
        self.state = self.waiter.ask('state')[0]
        self.waiter.tell('acquire')

    def judge(self):
        name = f'two hosts called localhost, NFS {self.version}'
        if not judge_live(self.world, name, self.holder, self.waiter):
            return
        released = self.holder.ask('release')[0]
        word = self.waiter.answer()[0]
        self.world.check(f'and whose it is, is not known: {name}',
                         self.state == 'unknown' and released == 'done' and word == 'held',
                         f'it is {self.state}, release: {released}, then the other: {word}')


def run(world):
    cases = [Case(world, version, *clocks) for version in (VERSIONS if world.full else ['4.2'])
             for clocks in CLOCKS.items()]
    cases += [Namesakes(world, version) for version in VERSIONS]
    time.sleep(HOLD_S)
    for case in cases:
        case.judge()
