# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""An export with root_squash, and a user on each client. Both users are of one group, and share a
directory of that group, without and with the sticky bit."""

import contextlib
import pathlib
import subprocess
import time

from check_caches import check_lifetimes
from check_faults import run_quietly
from check_storm import run_storms
from world import APART, GRACE_S, SLOP_S, People, on

VERSIONS = '3', '4.2'
STORM_S = 20
GROUP = 2000
USERS = {'ann': 1001, 'bob': 1002}
SHARED = People('a user on each client', tuple(USERS.values()), GROUP, 0o2770)
STICKY = People('a user on each client, sticky', tuple(USERS.values()), GROUP, 0o3770)
SQUASHED = People('root on each client')
LIFETIME_S = 5
# Seconds: when any process could break the lock, and some more.
GIVES_UP_S = LIFETIME_S + SLOP_S + 7
LATE_S = 5


@contextlib.contextmanager
def exported(options):
    """Change the options of the export for a while."""
    run_quietly('exportfs', '-o', f'sync,no_subtree_check,fsid=0,insecure,{options}', '*:/export')
    run_quietly('exportfs', '-f')
    try:
        yield
    finally:
        run_quietly('exportfs', '-ra')
        run_quietly('exportfs', '-f')


def introduce():
    """Give the users names."""
    names = [line.split(':')[0] for line in pathlib.Path('/etc/passwd').read_text().splitlines()]
    with open('/etc/passwd', 'a') as passwd:
        passwd.writelines(f'{name}:x:{user}:{GROUP}:{name.title()}:/:/bin/sh\n'
                          for name, user in USERS.items() if name not in names)


def can_run(program):
    return subprocess.run([*SHARED.before('a'), 'test', '-x', program]).returncode == 0


class Talker:
    """A process whose messages are read."""

    def __init__(self, world, client, lock, before=(), lifetime_s=LIFETIME_S):
        self._path = pathlib.Path(f'/run/words-{time.monotonic_ns()}')
        with open(self._path, 'w') as words:
            self.peer = world.peer(client, lock, lifetime_s, before=before, words=words)

    def words(self):
        return self._path.read_text().strip()


class Sticky:
    """The lock of a dead process, which only processes of the same user can break."""

    def __init__(self, world, version):
        self.world, self.name = world, f'NFS {version}{STICKY}'
        self.lock = world.place(version, STICKY) + '/lock'
        self.holder = world.peer('a', self.lock, LIFETIME_S, before=STICKY.before('a'))
        self.other = Talker(world, 'b', self.lock, [*APART, *STICKY.before('b')])
        self.holder.ask('acquire')
        self.other.peer.tell(f'acquire {GIVES_UP_S * 1000}')

    def kill(self):
        self.holder.kill()
        self.killed = time.monotonic()

    def judge_other(self):
        word, _, heard = self.other.peer.answer()
        words = self.other.words()
        self.world.check_time(f"a user cannot break another's lock, {self.name}",
                              word == 'timed-out' and 'The lock cannot be broken from here' in words
                              and 'Ann' in words, self.killed, heard, GIVES_UP_S + LATE_S,
                              f'{word}, “{words}”, ')
        program = self.world.build / 'command' / 'flufl-lock'
        forced = subprocess.run([*on('b'), *APART, *STICKY.before('b'), program, 'break', '--force', self.lock],
                                capture_output=True, text=True)
        self.world.check(f'and not by force, {self.name}',
                         forced.returncode != 0 and 'sticky bit' in forced.stderr, forced.stderr.strip())

    def judge_same(self):
        asked = time.monotonic()
        mine = self.world.peer('a', self.lock, LIFETIME_S, before=STICKY.before('a'))
        word, _, heard = mine.ask('acquire')
        self.world.check_time(f'a process of the same user can, {self.name}', word == 'held', asked, heard,
                              GRACE_S + LATE_S)
        other = self.other.peer
        words = mine.ask('release')[0], other.ask('acquire')[0], other.ask('release')[0]
        self.world.check(f'and then the other has it, {self.name}', words == ('done', 'held', 'done'),
                         str(words))


def check_sticky(world):
    cases = [Sticky(world, version) for version in VERSIONS]
    time.sleep(1) # until the waiters have looked, and wait; nothing reports that
    for case in cases:
        case.kill()
    for case in cases:
        case.judge_other()
    for case in cases:
        case.judge_same()
    world.end_peers()


def check_squashed(world, version):
    """Root is nobody on the server."""
    place = world.place(version, SHARED)
    root = Talker(world, 'a', place + '/lock')
    word, _, _ = root.peer.ask('acquire')
    world.check(f'root without rights is refused, NFS {version}',
                word == 'permission-denied' and 'permission to create and remove files' in root.words(),
                f'{word}, “{root.words()}”')
    lock = world.place(version, SQUASHED) + '/lock'
    peers = [world.peer(client, lock, LIFETIME_S) for client in 'ab']
    for peer in peers:
        peer.tell('cycles 10')
    words = [peer.answer()[0] for peer in peers]
    world.check(f'root without rights, in a directory for all, NFS {version}', words == ['done', 'done'],
                str(words))
    world.end_peers()


def run(world):
    introduce()
    if not can_run(world.programs / 'nfs-peer'):
        world.skip('users', 'users other than root cannot read the build directory')
        return
    with exported('rw,root_squash'):
        run_storms(world, VERSIONS, ['ours', 'ours'], STORM_S, SHARED)
        run_storms(world, VERSIONS, ['ours', 'ours'], STORM_S, STICKY, kills=False)
        check_lifetimes(world, [LIFETIME_S], VERSIONS, SHARED)
        world.end_peers()
        check_sticky(world)
        for version in VERSIONS:
            check_squashed(world, version)
