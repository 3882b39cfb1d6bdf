# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Replies that get lost, a server that goes away and comes back, and files that it
does not know any more."""

import os
import pathlib
import shutil
import subprocess
import time

from world import VERSIONS, files_in, on, wait_until

AWAY_S, FULL_AWAY_S = 12, 30
CANCELLED_WITHIN_S = 1
LEASE_S = 5
# Seconds after which a waiter gives up if it gets only errors that pass.
PATIENCE_S = 10
FORGOTTEN_S = 90
# Seconds: the main context ticks every 20 ms, and stands still if it takes longer than this.
TICK_AT_MOST_S = 0.5

# The call whose reply is lost, and its operation.
CALLS = {
    'CREATE': ('create 1', 'acquire'),
    'LINK': ('link 1', 'acquire'),
    'SETATTR': ('utimensat 1', 'refresh'),
    'REMOVE of the claim': ('unlink 1', 'release'),
    'REMOVE of the lock': ('unlink 2', 'release'),
    'REMOVE of the lock, whose claim is kept,': ('unlink 1', 'release'),
}
LINGERS = 'REMOVE of the lock, whose claim is kept,'
SHORT_CALLS = 'LINK', 'REMOVE of the lock'
TRIES = 3


def run_quietly(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def server_state(place):
    """Changes when the server has done something."""
    directory = pathlib.Path('/export', pathlib.Path(place).name)
    try:
        return sorted((entry.name, entry.stat().st_ctime_ns) for entry in directory.iterdir())
    except FileNotFoundError:
        return 'it is doing something'


def name_of(call, version):
    return f'reply of {call} lost, NFS {version}'


class LostReply:
    """The reply to one call is dropped until the server has been restarted, so that it has
    forgotten the call, and the connection is a new one."""

    def __init__(self, world, version, call):
        self.world, self.version, self.call = world, version, call
        at, self.operation = CALLS[call]
        self.place = world.place(version)
        self.file = f'/dev/shm/stop-{pathlib.Path(self.place).name}'
        self.other = world.peer('b', self.place + '/lock', 60)
        self.peer = world.peer('a', self.place + '/lock', 60, linger=call == LINGERS, environment={
            'FLUFL_STOP_AT': at, 'FLUFL_STOP_FILE': self.file})

    def prepare(self):
        if self.operation != 'acquire':
            self.peer.ask('acquire')
        self.peer.tell(self.operation)
        wait_until(lambda: os.path.exists(self.file))

    def warm(self):
        """Let the client ask for the directory now, so that it does not ask again before the
        call."""
        probe = self.place + '/probe'
        run_quietly(*on('a'), 'sh', '-c', f': >{probe} && rm {probe}')
        self.before = server_state(self.place)

    def go(self):
        os.unlink(self.file)

    def is_done(self):
        return server_state(self.place) != self.before

    def judge(self, back):
        word, _, heard = self.peer.answer()
        good = word == ('held' if self.operation == 'acquire' else 'done')
        detail = f'{self.operation}: {word} {heard - back:.1f} s after the server was back'
        if self.operation != 'release':
            shut_out = self.other.ask('acquire 0')[0]
            released = self.peer.ask('release')[0]
            good = good and shut_out == 'timed-out' and released == 'done'
            detail += f', the other: {shut_out}, release: {released}'
        left = files_in(self.place)
        if self.call == LINGERS:
            good = good and len(left) == 1
            left = [name for name in left if 'K' not in name.rpartition('|')[2]]
        other = self.other.ask('acquire')
        good = good and not left and other[0] == 'held'
        self.world.check(name_of(self.call, self.version), good,
                         f'{detail}, left: {left}, then the other: {other[0]} after {other[1]:.1f} s')


def lose_replies(world, call, versions):
    """Returns the versions of which another reply was lost, to a call before it."""
    cases = [LostReply(world, version, call) for version in versions]
    for case in cases:
        case.prepare()
    for case in cases:
        case.warm()
    run_quietly('nft', 'add', 'rule', 'inet', 'drops', 'out', 'oifname', 'veth-a', 'tcp',
                'sport', '2049', 'drop')
    for case in cases:
        case.go()
    wait_until(lambda: all(case.is_done() for case in cases), 10, must=False)
    done = [case for case in cases if case.is_done()]
    run_quietly('nfs-server', 'stop')
    run_quietly('nfs-server', 'start')
    # A socket that stays would send the reply after all.
    run_quietly(*on('a'), 'ss', '-K', 'dst', '10.9.1.1', 'dport', '=', '2049')
    run_quietly('nft', 'flush', 'chain', 'inet', 'drops', 'out')
    back = time.monotonic()
    for case in done:
        case.judge(back)
    world.end_peers()
    return [case.version for case in cases if case not in done]


def check_lost_replies(world):
    run_quietly('nft', 'add', 'table', 'inet', 'drops')
    run_quietly('nft', 'add', 'chain', 'inet', 'drops', 'out', '{ type filter hook output priority 0; }')
    for call in CALLS if world.full else SHORT_CALLS:
        versions = VERSIONS
        for _ in range(TRIES):
            versions = versions and lose_replies(world, call, versions)
        for version in versions:
            world.check(name_of(call, version), False, 'each time the reply to another call was lost')


class Away:
    """Locks while the server is away: one that outlasts it, one that does not, and a waiter
    for the first that is cancelled."""

    def __init__(self, world, version):
        self.world, self.version = world, version
        long, short = world.place(version) + '/lock', world.place(version) + '/lock'
        self.long, self.short = world.peer('a', long, 90), world.peer('a', short, 5)
        self.long_waiter, self.short_waiter = world.peer('b', long, 90), world.peer('b', short, 5)
        self.tired = world.peer('b', long, 90)
        self.long.ask('acquire')
        self.short.ask('acquire')
        self.long_waiter.ask('start')
        self.tired.ask('start')
        self.short_waiter.tell('acquire')

    def cancel(self):
        name = f'server away, NFS {self.version}'
        asked = time.monotonic()
        word, _, heard = self.tired.ask('cancel')
        self.world.check_time(f'{name}: an acquisition is cancelled', word == 'cancelled', asked, heard,
                              CANCELLED_WITHIN_S)
        word, stood, _ = self.long_waiter.ask('ticks')
        when = self.long_waiter.ask('ticked')[1]
        still = self.world.stalls.between(when - stood, when)
        self.world.check(f'{name}: the main context goes on',
                         word == 'ticks' and stood <= TICK_AT_MOST_S + still,
                         f'stood for {stood * 1000:.0f} ms, the machine for {still * 1000:.0f}')

    def judge(self, away, back):
        name = f'server away, NFS {self.version}'
        lost = self.short.lost_at
        self.world.check(f'{name}: a lease that ends is a loss at once',
                         lost is not None and lost < back,
                         '' if lost is None else f'told {lost - away:.1f} s after the server went')
        word, _, heard = self.short_waiter.answer()
        self.world.check(f'{name}: then another has the lock',
                         word == 'held' and lost is not None and heard > lost,
                         f'{heard - back:.1f} s after the server came back')
        kept = self.long.lost_at is None and not self.long_waiter.has_answered()
        released = self.long.ask('release')
        word, _, heard = self.long_waiter.answer()
        self.world.check(f'{name}: a longer lease outlasts it',
                         kept and released[0] == 'done' and word == 'held',
                         f'release: {released[0]}, the other: {word} {heard - released[2]:.1f} s later')


def check_server_away(world):
    cases = [Away(world, version) for version in VERSIONS]
    time.sleep(1)
    away = time.monotonic()
    run_quietly('nfs-server', 'stop')
    time.sleep(5)
    for case in cases:
        case.cancel()
    seconds = FULL_AWAY_S if world.full else AWAY_S
    time.sleep(max(away + seconds - time.monotonic(), 0))
    run_quietly('nfs-server', 'start')
    back = time.monotonic()
    for case in cases:
        case.judge(away, back)
    world.end_peers()


# Each of these functions returns the time from which the server certainly refused.

def unexport(seconds):
    run_quietly('exportfs', '-u', '*:/export')
    run_quietly('exportfs', '-f')
    refused = time.monotonic()
    time.sleep(seconds)
    run_quietly('exportfs', '-ra')
    run_quietly('exportfs', '-f')
    return refused


def take_all_away(places):
    """The server has nothing more for these clients, and refuses them: EACCES."""
    return unexport(LEASE_S + 2)


def take_export_away(places):
    """Another export is left, so the server still talks to the clients: ESTALE."""
    run_quietly('exportfs', '-o', 'ro,fsid=7,no_subtree_check', '*:/run/store')
    return unexport(LEASE_S + 2)


def take_export_away_for_long(places):
    """The server refuses for longer than waiters go on with nothing but errors."""
    run_quietly('exportfs', '-o', 'ro,fsid=7,no_subtree_check', '*:/run/store')
    return unexport(PATIENCE_S + 5)


def make_stale(places):
    """Other directories take their places. The server does not know the old ones any more."""
    for place in places:
        directory = pathlib.Path('/export', pathlib.Path(place).name)
        shutil.rmtree(directory)
        directory.mkdir()
        directory.chmod(0o777)
    return time.monotonic()


def check_refused(world, what, refuse, *wanted):
    """The server does not know the files any more. The expected result is the first answer of
    the waiter."""
    cases, places = [], []
    for version in VERSIONS:
        places.append(world.place(version))
        lock = places[-1] + '/lock'
        holder, waiter = world.peer('a', lock, LEASE_S), world.peer('b', lock, LEASE_S)
        holder.ask('acquire')
        waiter.tell('acquire')
        cases.append((version, places[-1], holder, waiter))
    time.sleep(1)
    refused = refuse(places)
    restored = time.monotonic()
    for version, place, holder, waiter in cases:
        first, _, heard = waiter.answer()
        word = first
        # It does not wait through such errors, and a client may remember for a
        # minute that there was no directory.
        while word != 'held' and time.monotonic() < restored + FORGOTTEN_S:
            time.sleep(1)
            word, _, heard = waiter.ask('acquire')
        late = time.monotonic() - restored
        released = holder.ask('release')[0]
        lost = holder.lost_at
        if lost is None:
            # Its release was the first to tell, and another has the lock in the
            # directory that replaced theirs, which is another lock.
            alone = refuse == make_stale
        else:
            still = world.stalls.between(refused, lost)
            alone = lost <= refused + LEASE_S + still and (refuse == make_stale or lost < heard)
        again = waiter.ask('release')[0], None
        while again[1] != 'held' and time.monotonic() < restored + FORGOTTEN_S:
            again = again[0], holder.ask('acquire')[0]
        # Files that they made while no process could remove any.
        left = len(files_in(place)) - 2
        told = 'by its release' if lost is None else f'after {max(lost - refused, 0):.1f} s'
        world.check(f'{what}, NFS {version}', alone and first in wanted and (word, released) == ('held', 'lost')
                    and again == ('done', 'held'),
                    f'the holder is told {told}, its release: {released}, the waiter: {first}, '
                    f'{word} {late:.1f} s after the end of it, then the first: {again[1]}; '
                    f'claims left: {left}')
    world.end_peers()


def run(world):
    check_lost_replies(world)
    check_server_away(world)
    check_refused(world, 'stale files', make_stale, 'held', 'not-found')
    check_refused(world, 'export removed and restored', take_export_away, 'held')
    if world.full:
        check_refused(world, 'all exports removed and restored', take_all_away, 'permission-denied')
        check_refused(world, 'export removed for long', take_export_away_for_long, 'failed')
