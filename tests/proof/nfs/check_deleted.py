# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Another client deletes the lock file. That client gets the lock at once. The holder
learns that it has lost its lock, and leaves the lock of the other alone."""

import os
import pathlib
import subprocess
import time

from world import VERSIONS, files_in, on

# Seconds: long enough that no heartbeat reports the loss before the operation does.
LIFETIME_S = 300
# Seconds, for the case in which the heartbeat reports the loss.
SHORT_LIFETIME_S = 6
TOLD_LATE_S = 2
# The longest time, in seconds, for which a client trusts its cache of a file or a directory.
ATTRIBUTES_S = 60
# The word with which each operation, or the heartbeat, reports the loss.
WORDS = {'release': 'lost', 'refresh': 'lost', 'check': 'lost', 'heartbeat': 'loss'}


class Case:
    def __init__(self, world, version, linger, way):
        self.world, self.version, self.way = world, version, way
        self.name = (f'{way} after the lock file was deleted by another client, NFS {version}'
                     f'{", linger" if linger else ""}')
        self.place = world.place(version)
        self.lock = self.place + '/lock'
        lifetime_s = SHORT_LIFETIME_S if way == 'heartbeat' else LIFETIME_S
        self.holder = world.peer('a', self.lock, lifetime_s, linger=linger)
        self.other = world.peer('b', self.lock, LIFETIME_S, linger=linger)

    def begin(self):
        # After the cycle the holder's claim is one that was used before, with `linger`.
        turns = self.holder.ask('cycles 1')[0], self.holder.ask('acquire')[0]
        subprocess.run([*on('b'), 'rm', self.lock], check=True)
        self.deleted = time.monotonic()
        self.got, self.took, _ = self.other.ask('acquire')
        self.is_begun = (*turns, self.got) == ('done', 'held', 'held')
        self.of_other = self._seen()

    def _seen(self):
        """The number and the content of the lock file on the server."""
        try:
            path = pathlib.Path('/export', pathlib.Path(self.place).name, 'lock')
            return os.stat(path).st_ino, path.read_text()
        except FileNotFoundError:
            return None

    def ask(self):
        """The word for the loss, and the seconds from the deletion until it came."""
        if self.way == 'heartbeat':
            most = self.deleted + SHORT_LIFETIME_S / 3 + TOLD_LATE_S
            while self.holder.lost_at is None and time.monotonic() < most + SHORT_LIFETIME_S:
                time.sleep(0.02)
            told = self.holder.lost_at or time.monotonic()
            in_time = told <= most + self.world.stalls.between(self.deleted, told)
            word = 'silence' if self.holder.lost_at is None else 'loss' if in_time else 'late'
            return word, told - self.deleted
        word, _, heard = self.holder.ask(self.way)
        while self.way == 'check' and word == 'yes' and heard < self.deleted + ATTRIBUTES_S:
            time.sleep(0.25)
            word, _, heard = self.holder.ask(self.way)
        return word, heard - self.deleted

    def judge(self):
        before = self.holder.lost_at
        word, after_s = self.ask()
        # This release is a second one, which has nothing to release, or the first after a check.
        again = self.holder.ask('release')[0]
        kept = self._seen() == self.of_other and self.of_other is not None
        shut_out = self.holder.ask('acquire 0')[0]
        theirs = [self.other.ask(what)[0] for what in ('check', 'refresh', 'release')]
        back = self.holder.ask('acquire')[0], self.holder.ask('release')[0]
        for peer in self.holder, self.other:
            peer.end()
        left = files_in(self.place)
        good = (self.is_begun and (before is None or self.way == 'heartbeat')
                and word == WORDS[self.way] and again in ('lost', 'not-locked') and kept
                and shut_out == 'timed-out' and theirs == ['yes', 'done', 'done']
                and back == ('held', 'done') and not left)
        self.world.check(self.name, good,
                         f'{word} after {after_s:.1f} s; the other: {self.got} after '
                         f'{self.took:.2f} s, its lock {"stays" if kept else "IS GONE"}; '
                         f'release: {again}, acquire: {shut_out}, the other: {theirs}, '
                         f'then: {back}, left: {left}')


def run(world):
    cases = [Case(world, version, linger, way) for version in VERSIONS
             for linger in (False, True) for way in WORDS]
    # The cases of the heartbeat come first, and those that may have to wait come last.
    for way in 'heartbeat', 'release', 'refresh', 'check':
        some = [case for case in cases if case.way == way]
        for case in some:
            case.begin()
        for case in some:
            case.judge()
