# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The numbers of calls to the server for a cycle, a refresh and a wait, beside those of
flufl.lock. The times beside them depend on the machine."""

import time

from world import VERSIONS, Counter, describe

CYCLES = 10
CYCLE_AT_MOST = {'3': 8, '4.0': 9, '4.2': 9}
# A cycle that lingers makes and removes no claim.
LINGER_AT_MOST = {'3': 4, '4.0': 4, '4.2': 4}
WAIT_S = 10
# The numbers of calls that a waiter may make in that time: a LOOKUP for each poll, of which
# there are 1.4 a second; no look, since the lock does not change; and the calls that refresh
# its claim, each 20th of its lifetime, and that search for leftovers. A client with a
# delegation makes fewer.
POLLS_AT_MOST, WAIT_AT_MOST = 16, 25
LOOKS = 'OPEN', 'OPEN_NOATTR', 'READ', 'READ_PLUS'


def count_cycles(world, version, kind, linger=False):
    peer = world.peer('a', world.place(version) + '/lock', 60, kind=kind, linger=linger)
    name = f'{kind}{", linger" if linger else ""}'

    def cycles(n):
        for _ in range(n):
            peer.ask('acquire')
            peer.ask('release')

    cycles(3) # without the calls of the first use
    counter, start = Counter('a', version), time.monotonic()
    cycles(CYCLES)
    took_ms = (time.monotonic() - start) * 1000 / CYCLES
    calls = counter.calls()
    per = sum(calls.values()) / CYCLES
    detail = f'{describe(calls, CYCLES)} in {took_ms:.0f} ms'
    if kind == 'ours':
        most = (LINGER_AT_MOST if linger else CYCLE_AT_MOST)[version]
        world.check(f'calls a cycle, NFS {version}, {name}', per <= most + 0.5, detail)
    else:
        world.say(f'calls a cycle, NFS {version}, {name}: {detail}')

    peer.ask('acquire')
    peer.ask('refresh')
    counter = Counter('a', version)
    for _ in range(CYCLES):
        peer.ask('refresh')
    world.say(f'calls a refresh, NFS {version}, {name}: {describe(counter.calls(), CYCLES)}')
    peer.ask('release')
    peer.kill()


def count_polls(world, version, kind):
    lock = world.place(version) + '/lock'
    holder = world.peer('a', lock, 120)
    waiter = world.peer('b', lock, 120, kind=kind)
    holder.ask('acquire')
    waiter.tell('acquire')
    time.sleep(3) # until its pauses have reached their full length
    counter = Counter('b', version)
    time.sleep(WAIT_S)
    calls = counter.calls()
    name, detail = f'calls of a waiter, NFS {version}, {kind}', f'{describe(calls, WAIT_S)} a second'
    if kind == 'ours':
        looks = sum(calls[call] for call in LOOKS)
        world.check(name, calls['LOOKUP'] <= POLLS_AT_MOST and not looks
                    and sum(calls.values()) <= WAIT_AT_MOST and not waiter.has_answered(), detail)
    else:
        world.say(f'{name}: {detail}')
    holder.ask('release')
    waiter.answer()
    waiter.ask('release')
    holder.kill()
    waiter.kill()


def run(world):
    for version in VERSIONS:
        count_cycles(world, version, 'ours')
        count_cycles(world, version, 'ours', linger=True)
        count_cycles(world, version, 'flufl')
    for version in VERSIONS if world.full else ('3', '4.2'):
        count_polls(world, version, 'ours')
        if world.full:
            count_polls(world, version, 'flufl')
